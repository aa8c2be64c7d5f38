"""All methods side by side on one photo: where they agree, and which of them notice that the class has changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard, Unpack

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, near
from minitorch_viz.graph import Tape
from minitorch_viz.objectives import ChannelSum, Objective, Unit
from minitorch_viz.rules.relu import relus
from minitorch_viz.techniques.base import Result, Technique, explainers
from minitorch_viz.techniques.explain.sharing import sharing
from minitorch_viz.techniques.explain.start import start_any
from minitorch_viz.techniques.explain.unit import Which, resolve_any, target_of
from minitorch_viz.techniques.explain.view import PhotoResult
from minitorch_viz.techniques.gradients._compare_gates import gate_shares
from minitorch_viz.techniques.gradients._compare_second_class import (
    ELSEWHERE,
    class_map_of,
    rank_correlations,
    second_class,
)
from minitorch_viz.techniques.options import spelled_out

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

UNCHANGED = 0.85  # rank correlation of the maps of two classes from which on a method is said not to tell them apart


@dataclass(frozen=True, eq=False)
class Comparison(PhotoResult):
    """Hold the maps of M methods for one number, and for a second class."""

    methods: tuple[str, ...]
    maps: Array  # (M, h, w): each method's heat
    other_maps: Array | None  # (M, h, w): the same for the second class
    remarks: tuple[str, ...]  # what the methods' own results warn of
    ranks: Array  # (M, M): Spearman's correlation of the magnitudes of two methods' maps; NaN where one is constant
    across: (
        Array  # (M,): Spearman's, with signs, between one method's maps of the two classes; NaN without a second one
    )
    relus: tuple[str, ...]  # the ReLUs on the way
    gates: dict[str, Array]  # mode -> (ReLUs, 5): shares of their units, see FATES
    picture: Array  # (h, w, 3) uint8
    pixel_aspect: float
    label: str
    other_label: str  # "" without a second class
    class_map: str  # the method by whose maps the second class was chosen
    alike: float  # rank correlation of the two classes' maps by that method; NaN without a second class or a map
    looked: int  # among so many of the most probable classes the second was looked for; 0: it was named
    turned: bool = False  # whether the second class is the opposite of the first: the same score with its sign turned

    @property
    def facts(self) -> tuple[str, ...]:
        count = len(self.methods)
        return (f"{count} method{'s' if count > 1 else ''}", *filter(None, (self.label, self.other_label)))

    @property
    def caption(self) -> str:
        second = ""
        if self.other_label:
            values = ", ".join(f"{n} {r:.2f}" for n, r in zip(self.methods, self.across, strict=True))
            second = (
                f" Below each map is the one for {self.other_label}{self._why_second}, with the rank correlation "
                f"between the two, in which signs count: {values}."
            )
        count = len(self.methods)
        explain = "One method explains" if count == 1 else f"{count} methods explain"
        if self.of_numbers is not None:
            correlations = f" Rank correlations between the two classes' maps: {values}." if second else ""
            cells = (
                "column" if self.of_numbers.kind == "row" else "step, of its numbers that with the largest magnitude"
            )
            return (
                f"{explain} {self.label}. A line a method, a cell a {cells}, each line on a scale of its own: red "
                f"speaks for the class, or is a magnitude, blue speaks against it, white is 0.{correlations}"
            )
        return (
            f"{explain} {self.label}. Every map has a scale of its own, full scale at the "
            f"99.5th percentile: black is 0 and white the most, or, of signed maps, red speaks for it, blue against it "
            f"and white is 0.{second} The matrix holds Spearman's rank correlations between the magnitudes of the "
            f"methods' maps (1: they rank the pixels alike, 0: they have nothing in common).{self._gates_legend}"
        )

    @property
    def _why_second(self) -> str:
        if not self.looked or not self.alike < ELSEWHERE:
            return ""
        return (
            f" (the most probable class whose {self.class_map} map lies elsewhere: its rank correlation with that of "
            f"{self.label} is {self.alike:.2f}, below {ELSEWHERE})"
        )

    @property
    def _gates_legend(self) -> str:
        if not self.relus:
            return ""
        return (
            " The bars show for each ReLU, from the input (below) to the output, the share of its units at which the "
            "signal passed, or was set to 0 by the forward gate (the unit did not fire), the backward gate (the signal "
            "is negative) or both."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        return self.given_notes + self._verdict + self.remarks

    def draw(self, figure: Figure) -> None:
        """Draw a table of maps where a row or a series was looked at."""
        if self.of_numbers is None:
            plot(self, figure)
            return
        from minitorch_viz.techniques.gradients._compare_numbers import draw

        draw(self, self.of_numbers, figure)

    @property
    def _verdict(self) -> tuple[str, ...]:
        """Say which methods do not tell the two classes apart, if these two can show it."""
        if self.turned:
            return (
                f"{self.other_label} is the same score with its sign turned: by definition maps of magnitudes do not "
                "change, and only maps with signs tell the two apart.",
            )
        # A class that was named is the user's choice: only a map that hardly changes spoils the comparison.
        if self.alike >= (ELSEWHERE if self.looked else UNCHANGED):
            searched = f" None of the {self.looked} next most probable classes lies elsewhere." if self.looked else ""
            return (
                f"{self.label} and {self.other_label} are in the same place for this net: their {self.class_map} maps "
                f"have a rank correlation of {self.alike:.2f}. A method that gives two such classes the same map has "
                f"proved nothing by it; name another class as the second (other).{searched}",
            )
        same = [f"{n} ({r:.2f})" for n, r in zip(self.methods, self.across, strict=True) if r >= UNCHANGED]
        if not same:
            return ()
        return (
            f"Hardly change from {self.label} to {self.other_label} (rank correlation of the two maps at least "
            f"{UNCHANGED}), so they show what is in the photo rather than why it is {self.label}: {', '.join(same)}.",
        )


@spelled_out
def compare(
    model: Model,
    image: Any,
    *,
    other: str | int | None = None,
    only: str | None = None,
    **choice: Unpack[Which],
) -> Comparison:
    """Run every method that explains a class on one photo, for two classes, and compare the maps.

    Methods that claim to say the same rank the pixels differently, and some give nearly the same map for every class.
    Both are to be seen here, and measured. The methods run with cheap settings; run one alone for its best.

    Args:
        other: the second class; by default the most probable one that lies elsewhere in the photo; not with a node
        only: compare these methods only, with commas between their names

    Returns a Comparison with maps (methods, h, w).
    Raises SettingError for an unknown class, channel or method, NetError for an unknown node, ImageFileError for a bad
    image.

    Paper: after Springenberg et al. 2014 (the ways back), Adebayo et al. 2018 (rank correlations between maps).
    """
    methods = _chosen(model, only)
    model = sharing(model)
    seen, tape, unit, *_ = start_any(model, image, **choice)
    places = _places(choice)
    named = _named(model, tape, unit, other, places)
    second = second_class(model, tape, unit, places, named) if _of_answer(unit, model) else None
    shown: list[str] = []  # the methods that apply to what is explained
    maps: list[Array] = []
    other_maps: list[Array] = []
    remarks: list[str] = []
    for name, method in methods.items():
        for_both = sharing(model)  # what the method computes for both classes is forgotten when it is done
        try:
            result = method.compute(for_both, seen, **choice, **method.in_comparison)
        except SettingError as error:
            if len(methods) == 1:
                raise
            remarks.append(f"{name} is left out: {error}")
            continue
        shown.append(name)
        maps.append(_heat(result))
        remarks += [f"{name}: {note}" for note in result.notes if "blank" in note]
        if second is not None:
            chosen: dict[str, Any] = {"target": target_of(second.unit), **places}
            other_maps.append(_heat(method.compute(for_both, seen, **chosen, **method.in_comparison)))
    gated, gates = gate_shares(model.net, tape, unit) if relus(model.net) else ((), {})
    # A red pixel that turns blue has changed, though its magnitude has not: between classes the signs count.
    across = [rank_correlations(pair, signed=True)[0, 1] for pair in zip(maps, other_maps, strict=bool(other_maps))]
    return Comparison(
        tuple(shown),
        np.stack(maps),
        np.stack(other_maps) if other_maps else None,
        tuple(remarks),
        rank_correlations(maps),
        np.array(across) if other_maps else np.full(len(maps), np.nan),
        gated,
        gates,
        seen.picture,
        seen.pixel_aspect,
        unit.label,
        "" if second is None else second.unit.label,
        class_map_of(model),
        float("nan") if second is None else second.alike,
        0 if second is None else second.looked,
        isinstance(unit, Unit) and second is not None and _is_opposite(unit, second.unit),
        photo=seen.area,
        given=seen.given,
    )


def _heat(result: Result) -> Array:
    heat = result.heat
    assert heat is not None  # what `Technique.explains` promises
    return heat


def _chosen(model: Model, only: str | None) -> dict[str, Technique]:
    methods = explainers(model)
    if only is None:
        return methods
    names = [name.strip() for name in only.split(",")] if isinstance(only, str) else [only]
    for name in names:
        if name not in methods:
            raise SettingError(f"only= names the method {name!r}; {near(name, methods, 'method')}.")
    return {name: methods[name] for name in names}


def _of_answer(objective: Objective, model: Model) -> TypeGuard[Unit | ChannelSum]:
    """Return whether an objective is a class score, or a channel of the maps that the net ends in."""
    return isinstance(objective, (Unit, ChannelSum)) and objective.node in (model.logits, model.maps)


def _is_opposite(unit: Unit, other: Objective) -> bool:
    return isinstance(other, Unit) and other.index == unit.index


def _places(choice: Which) -> dict[str, Any]:
    """Return the settings that say over which places of its maps a net's answer is explained."""
    if choice.get("node") is not None:
        return {}
    return {key: value for key, value in choice.items() if key in ("position", "region", "mask") and value is not None}


def _named(
    model: Model, tape: Tape, unit: Objective, other: str | int | None, places: Mapping[str, Any]
) -> Unit | ChannelSum | None:
    """Return the second class that the user named, if any."""
    if other is None:
        return None
    if not _of_answer(unit, model):
        raise SettingError(
            f"other={other!r} is a class, but a unit of node {unit.nodes[0]!r} is explained; leave it out."
        )
    second = resolve_any(model, tape, target=other, **places)
    assert isinstance(second, (Unit, ChannelSum))  # what a name means
    if second.label == unit.label:
        raise SettingError(f"other={other!r} is the class that is explained already; name another one.")
    return second


def plot(result: Comparison, figure: Figure) -> None:
    """Draw the photo and the maps, two rows for two classes; below, the correlations and the gates."""
    from minitorch_viz.techniques.gradients._compare_figure import draw

    draw(result, figure)


def example() -> Comparison:
    """Run it on a digit of scikit-learn's, by the bundled net."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return compare(load_model("digits"), sample_digit())


def applies(model: Model) -> str | None:
    """Return why there are no methods to compare for this net; None if there are."""
    return None if explainers(model) else "no method here explains this net"


TECHNIQUE = Technique(
    name="compare",
    compute=compare,
    plot=plot,
    title="All methods side by side, for two classes",
    paper="after Springenberg et al. 2014; Adebayo et al. 2018",
    example=example,
    chapter="use",
    level=90,
    applies=applies,
    takes_numbers=True,
)
