"""What a dissection says in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz.techniques.activations._dissection_chance import FEWEST, LEVEL
from minitorch_viz.techniques.activations._dissection_formulas import LEAST_GAIN
from minitorch_viz.techniques.activations._dissection_trial import verdicts
from minitorch_viz.techniques.tally import left_out

if TYPE_CHECKING:
    from minitorch_viz.techniques.activations.dissection import Dissection

MOST_NAMED = 12  # units in a sentence
FEW = 200  # pictures, below which chance plays a part


def caption_of(result: Dissection) -> str:
    """Return what is to be seen in the figure, with its scale."""
    return f"{words_of(result)} Saved as .html it is a page of all units."


def words_of(result: Dissection) -> str:
    """Return what is to be seen, in the figure and on the page."""
    height, width = result.size
    return (
        f"What the {len(result.iou)} units of {result.node} detect in {result.count} pictures of {result.source}. A "
        f"unit answers where its map, enlarged to {height} x {width} pixels around the middles of what it sees, is "
        f"above its threshold, the value that at most {100 * result.quantile:g} % of its answers exceed. "
        f"{found_in_words(result)} "
        "Bars: how many units detect each concept, on a scale from 0, in the colour of its category. Pictures: those "
        "that the unit answers to most; the pixels that it answers to are bright, the rest is darkened to a quarter."
    )


def found_in_words(result: Dissection) -> str:
    """Return how many detectors there are, by category, with the control beside."""
    if np.isnan(result.iou).all():
        return "No overlaps are counted yet."
    words = (
        f"{len(result.detectors)} units are detectors (IoU at least {result.bar:g}), of "
        f"{in_categories(result.unique(result.concept, result.iou))}, median IoU of all {np.median(result.iou):.3f}"
    )
    if len(result.rotated):
        count = int((result.rotated >= result.bar).sum())
        unique = result.unique(result.rotated_concept, result.rotated)
        words += (
            f"; in a random basis of the same channels {count} axes are, of {in_categories(unique)}, median IoU "
            f"{np.median(result.rotated):.3f}"
        )
    return f"{words}."


def in_categories(unique: dict[str, int]) -> str:
    """Return counts by category in words: '33 concepts (19 of kind, 14 of part)'."""
    total = sum(unique.values())
    listed = ", ".join(f"{count} of {name}" for name, count in unique.items())
    return f"{total} concept{'' if total == 1 else 's'}" + (f" ({listed})" if total else "")


def notes_of(result: Dissection) -> tuple[str, ...]:
    """Return what is uncertain, unlike the paper, or was left out."""
    notes = [*result.remarks]
    notes += left_out(result.skipped)
    units = len(result.iou)
    if 0 < result.count < FEW:
        notes.append(
            f"Of {result.count} pictures many IoUs above {result.bar:g} are chance, since each unit gets the best of "
            f"{len(result.names)} concepts; take {FEW} or more."
        )
    if 0 < len(result.untrained) < 1 / LEVEL:
        notes.append(
            f"The {len(result.untrained)} units of untrained nets are too few to say what chance gives: at least "
            f"{1 / LEVEL:.0f} are needed. Ask for more copies, --untrained 5."
        )
    elif len(result.untrained):
        notes.append(
            f"{int(result.significant.sum())} of {units} units have a higher IoU than chance gives the units of an "
            f"untrained net ({len(result.untrained)} of them, at the {LEVEL:.0%} level, corrected for {units} tests as "
            "by Benjamini and Hochberg)."
        )
    if np.isfinite(result.auc).any():
        tells = int((np.nan_to_num(result.p, nan=1) < LEVEL).any(axis=1).sum())
        notes.append(
            f"{tells} of {units} units tell by their mean answer whether a picture shows some concept (Mann and "
            f"Whitney, Holm's correction for all {int(np.isfinite(result.auc).sum())} tests; concepts that fewer than "
            f"{FEWEST} pictures show or lack are not tested). So do most units of an untrained net: any filter answers "
            "more to some colours."
        )
    if result.formula_ious.shape[1] > 1 and np.isfinite(result.formula_ious).any():
        notes.append(
            f"A formula is a unit's label where each further concept raises its IoU by {LEAST_GAIN - 1:.0%} of it at "
            "least; the papers take any gain."
        )
    return (*notes, *_trials(result))


def _trials(result: Dissection) -> tuple[str, ...]:
    """Return how the trials ended; the labels that did not stand are listed."""
    if not result.trials:
        return ()
    agreeing, count = verdicts(result.trials)
    words = (
        f"On trial {agreeing} of {count} labels stand: the scores move farther without the unit in pictures that show "
        f"its concept (p below {LEVEL:g}), and the unit falls silent where it is erased, and not where it only looks "
        "otherwise"
    )
    others = [trial for trial in result.trials if not trial.agrees]
    listed = [f"unit {trial.unit} ({result.names[trial.concept]})" for trial in others[:MOST_NAMED]]
    remark = f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
    return (f"{words}. {'Not so: ' + ', '.join(listed) + remark + '.' if others else ''}".strip(),)
