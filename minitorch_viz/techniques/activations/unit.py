"""The passport of one unit: its weights, what excites it, what it sees and which classes use it, on one page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz.checks import check_names
from minitorch_viz.data.pictures import Pictures, as_pictures
from minitorch_viz.errors import need_whole
from minitorch_viz.graph import channel_axis
from minitorch_viz.techniques.activations._unit_concepts import dissected, evidence_of
from minitorch_viz.techniques.activations._unit_covered import empirical as empirical_field
from minitorch_viz.techniques.activations._unit_figure import draw
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.explain.class_use import Reading, leads_to_scores
from minitorch_viz.techniques.explain.passport import Passport
from minitorch_viz.techniques.explain.patches import Patch
from minitorch_viz.techniques.explain.silence import Fall, Silenced, silenced
from minitorch_viz.techniques.explain.strongest import Strongest
from minitorch_viz.techniques.explain.unit_page import page_of
from minitorch_viz.techniques.explain.unit_passport import passport_of
from minitorch_viz.techniques.explain.unit_pictures import (
    Effective,
    field_facts,
    reach_of,
    shown,
    tenths_of,
    top_of,
)
from minitorch_viz.techniques.explain.unit_survey import (
    Ground,
    ground_of,
    need_pictures,
    survey_of,
    tallies_for,
)
from minitorch_viz.techniques.explain.view import view
from minitorch_viz.techniques.run import how_far, looping
from minitorch_viz.techniques.state import State
from minitorch_viz.techniques.subject import PICTURES, Photo
from minitorch_viz.techniques.tally import BATCH, Skipped, Tally, left_out, tallied

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

__all__ = ["TECHNIQUE", "UnitPassport", "dissected", "empirical_field", "evidence_of", "unit"]

SHOWN = 8  # classes of the photo on which it is silenced


@dataclass(frozen=True, eq=False)
class UnitPassport(Result):
    """Hold all that is known of one unit, and the pictures that excite it most."""

    no_numbers: ClassVar[tuple[str, ...]] = ()

    passport: Passport
    patches: tuple[Patch, ...]  # its strongest answers, the strongest first
    tenths: tuple[Patch, ...]  # one of each tenth of its answers, the highest first
    energy: Effective | None  # its effective field
    covered: Effective | None  # its empirical field; None if it was not asked for
    silenced: tuple[Fall, ...]  # class scores of one photo with the unit and without
    photo: str  # what that photo is called
    net: str
    source: str  # what the pictures are called
    done: int
    total: int
    skipped: tuple[Skipped, ...]
    state: State | None = None  # what another run goes on from

    @property
    def label(self) -> str:
        """Return what the unit is called."""
        return self.passport.name

    @property
    def facts(self) -> tuple[str, ...]:
        return (self.label, self.net, f"{self.passport.pictures} pictures")

    @property
    def caption(self) -> str:
        passport = self.passport
        guided = " and below what came back to its pixels (guided backpropagation, mid-grey is 0)"
        tenths = "; then one picture of each tenth of its answers, the highest first" if self.tenths else ""
        concept = passport.concept
        detects = f" It detects {concept.concept} (IoU {concept.iou:.2f})." if concept and concept.detects else ""
        classes = f" Most used by {passport.classes[0].name} ({passport.way})." if passport.classes else ""
        return (
            f"The passport of {self.label} of {self.net} over {passport.pictures} pictures of {self.source}. Above: "
            f"its {len(self.patches)} strongest answers, at most one a picture, with their values{guided}, each on a "
            f"scale of its own{tenths}. Below: how often it gave which answer (logarithmic scale); the weights around "
            "it, red adds and blue takes away; each list is on its own scale, the longest bar is the largest "
            f"magnitude.{detects}{classes}"
        )

    @property
    def notes(self) -> tuple[str, ...]:
        return (
            *how_far(self, "picture"),
            *left_out(self.skipped),
            *self.passport.notes,
        )

    def html(self) -> str:
        """Return the page: one file with all of it."""
        return page_of(self)


@looping("picture")
def unit(
    model: Model,
    pictures: Any,
    *,
    node: str | None = None,
    channel: int | None = None,
    top: int = 9,
    silence: Photo | None = None,
    empirical: bool = False,
    workers: int = 1,
    state: State | None = None,
) -> Iterator[UnitPassport]:
    """Show the passport of one unit: what excites it, what it adds up, what it sees, and what it is used for.

    Its strongest answers in many pictures, with what came back to their pixels; one picture of each tenth of its
    answers; the channels that it weighs most and the units that read it; its theoretical and its effective field; the
    classes that use it, and which scores fall when it is set to 0; its nearest units, by answers and by weights. Saved
    as .html it is one page that can be passed on.

    Args:
        node: the unit's node; by default the last one with maps of features
        channel: the unit's channel; by default the strongest in the first pictures
        top: how many of its strongest answers are shown
        silence: a photo on which it is silenced: class scores with the unit and without
        empirical: measure its empirical field too, by small squares over its strongest pictures, which takes long
        workers: processes that share the pictures

    Returns a UnitPassport. state= goes on from a result's.
    Raises NetError for an unknown node, SettingError for an unknown channel, DataFileError if there is no such folder
    or no picture in it, ImageFileError for a bad photo.

    Paper: Zeiler and Fergus 2013 (patches); Zhou et al. 2015 (units as detectors); Luo et al. 2016 (effective fields).
    """
    need_whole("number of strongest answers", top, 1, 100)
    source = as_pictures(pictures)
    name = check_names(node, model.net.names, "node")[0] if node is not None else default_node(model)
    ground = ground_of(model, name)
    number = _strongest(ground, source) if channel is None else channel
    need_whole(f"channel of {name!r}", number, 0, ground.channels - 1)
    photo, fallen = ("", ()) if silence is None else _silenced(ground, number, silence)
    tallies = tallies_for(ground, top)
    ablates = leads_to_scores(model, name)
    more: list[Tally] = [Silenced(name, number, Reading(model))] if ablates else []
    survey = None
    for step in tallied(model, source, [*tallies, *more], workers=workers, state=state):
        survey = survey_of(ground, step.tallies[: len(tallies)], step)
        if survey is None:
            continue
        wanted, sampled = [top_of(survey, number, top)], [tenths_of(survey, number)]
        ((patches, tenths, field),) = shown(ground, source, wanted, sampled, reach_of(survey, source))
        falls = step.tallies[-1].result() if ablates else None
        concepts = dissected(ground, source, workers) if step.done == step.total else None
        evidence = None if concepts is None else evidence_of(concepts, number)
        covered = empirical_field(ground, source, wanted[0]) if empirical and step.done == step.total else None
        yield UnitPassport(
            passport=passport_of(survey, number, field_facts(ground, field, covered, patches), falls, evidence),
            patches=tuple(patches),
            tenths=tuple(tenths),
            energy=field,
            covered=covered,
            silenced=fallen,
            photo=photo,
            net=model.name,
            source=source.name,
            done=step.done,
            total=step.total,
            skipped=step.skipped,
            state=step.state,
        )
    need_pictures(survey, source, step.skipped)


def default_node(model: Model) -> str:
    """Return the last node with maps of features, or of a net without any the node before the scores."""
    if model.last_conv:
        return model.last_conv
    return model.net[model.logits].inputs[0] if model.logits else model.net.output


def _strongest(ground: Ground, pictures: Pictures) -> int:
    """Return the channel that is strongest in the first pictures that can be read."""
    tally = Strongest(ground.node, 1, axis=channel_axis(ground.model.net.nodes, ground.node))
    for step in tallied(ground.model, pictures, [tally]):
        (tally,) = step.tallies  # type: ignore[assignment]  # the same kind comes back
        if tally.arrays:
            return int(np.nan_to_num(tally.result().values[:, 0], nan=-np.inf).argmax())
    return 0  # none can be read: what follows says so


def _silenced(ground: Ground, channel: int, photo: Any) -> tuple[str, tuple[Fall, ...]]:
    """Return what a photo is called, and its best class scores with a channel and without."""
    model, seen = ground.model, view(ground.model, photo)
    title = Path(photo).name if isinstance(photo, (str, Path)) else "the photo"
    if not leads_to_scores(model, ground.node):
        return title, ()
    tape = model.net.forward(seen.x, upto=(model.input, ground.node, model.logits))
    before = kernels.to_cpu(tape[model.logits])[0]
    after = silenced(model, tape, ground.node, channel)[0]
    best = np.argsort(-np.maximum(before, after), kind="stable")[:SHOWN]
    return title, tuple(Fall(model.class_names[i], float(before[i]), float(after[i])) for i in best.tolist())


def plot(result: UnitPassport, figure: Figure) -> None:
    """Draw the patches above, and below what is known of the unit in charts."""
    draw(result, figure)


def example() -> UnitPassport:
    """Show one unit of the bundled net, over scikit-learn's handwritten digits."""
    from minitorch_viz.data import load_digits
    from minitorch_viz.models import load_model

    return unit(load_model("digits"), load_digits()[1][: 4 * BATCH], node="relu3", channel=3)


TECHNIQUE = Technique(
    name="unit",
    compute=unit,
    plot=plot,
    title="The passport of a unit: all that is known of one channel",
    paper="Zeiler, Fergus 2013; Zhou et al. 2015",
    example=example,
    chapter="look",
    level=60,
    subject=PICTURES,
    pages=(".html",),
    shown_by="scenes",
    budget=60,
)
