"""Adversarial: how several nets stand attacks of one size, whose pictures fool whom, and what a defence costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.optimize.attacks.norms import need_eps
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.explain.unit import Targets, listed
from minitorch_viz.techniques.optimization._adversarial_ladder import RESTARTS, Ladder
from minitorch_viz.techniques.optimization._adversarial_nets import can_be_attacked, nets_meant
from minitorch_viz.techniques.optimization._adversarial_run import Answer, Run
from minitorch_viz.techniques.optimization._adversarial_shown import DIGITS, Seen, seen_by, shown_of
from minitorch_viz.techniques.optimization._adversarial_words import caption, masking, reservations, verdicts
from minitorch_viz.techniques.optimization._targets import ALL
from minitorch_viz.techniques.run import how_far, looping
from minitorch_viz.techniques.state import State
from minitorch_viz.techniques.subject import PHOTOS, Pictures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

OF_DIGITS, OF_PHOTOS = 76.5, 8.0  # the usual eps: 0.3 of 1 for handwritten digits, 8 of 255 for photos
DRAWN = 10  # class models of each net


@dataclass(frozen=True, eq=False)
class Attacked(Result):
    """Hold I nets, R rows (each net, then each with shifted views), A attacks, M pictures; NaN is not measured yet."""

    nets: tuple[str, ...]  # (I,)
    rows: tuple[str, ...]  # (R,)
    row_nets: tuple[int, ...]  # (R,): which net a row is of
    attacks: tuple[str, ...]  # (A,): none, noise, then from the weakest to the strongest, and one without limit
    standing: Array  # (R, A, M): 1 where the answer is right after the attack, 0 where it is not
    counted: Array  # (M,) bool: the pictures that shares are of
    silent: Array  # (R, M): 1 where the gradient of the cross-entropy is 0 everywhere
    transfer: Array  # (I + 1, R): of pictures made for a net, the share that fools a row; the last line is noise
    judged: Array  # (I + 1, R): of how many pictures that is
    photos: tuple[Array, ...]  # (I,) of (S, h, w, C) uint8: photos and the first counted ones, as a net sees them
    changed: tuple[Array, ...]  # (I,) of (S, h, w, C) uint8: what PGD has made of them; (0, ...) until it has
    answers: tuple[tuple[Answer, ...], ...]  # (I, S): what each net says of them
    sizes: Array  # (I, 3): mean size of PGD's changes of what is counted: L2, L-infinity, RMS, in steps of 0..255
    models: tuple[Array, ...]  # (I,) of (K, h, w, C) uint8: class models without a regularizer; (0, ...) until made
    probabilities: tuple[Array, ...]  # (I,) of (K,): the probability of the class of each
    classes: tuple[tuple[str, ...], ...]  # (I, K): the classes
    eps: float  # in steps of 0..255, L-infinity
    steps: int
    restarts: int
    shift: int  # pixels by which views are shifted; 0: there are none
    source: str  # what the counted pictures are called; "" where they are the photos
    is_truth: tuple[bool, ...]  # (I,): whether "right" is what is known to be right, or the net's own first answer
    trained: tuple[str, ...]  # how the package's nets were trained, a sentence each
    remarks: tuple[str, ...]
    done: int
    total: int
    state: State | None = field(default=None, kw_only=True)  # what another run goes on from

    @property
    def right(self) -> Array:
        """Return the share of counted pictures that are right after each attack, (R, A)."""
        shares: Array = self.standing[:, :, self.counted].mean(axis=2)
        return shares

    @property
    def worst(self) -> Array:
        """Return the share (R,) that is right after every attack within eps, noise among them."""
        within = self.standing[:, : RESTARTS + 1, self.counted]
        shares: Array = np.where(np.isnan(within).any(axis=1), np.nan, within.min(axis=1)).mean(axis=1)
        return shares

    @property
    def facts(self) -> tuple[str, ...]:
        return (*self.nets, f"eps {self.eps:g} of 255", f"{int(self.counted.sum())} pictures")

    @property
    def caption(self) -> str:
        return caption(self)

    @property
    def notes(self) -> tuple[str, ...]:
        return (
            *how_far(self, "step"),
            *verdicts(self),
            *masking(self),
            *reservations(self),
            *self.remarks,
            *self.trained,
        )


@looping("step")
def adversarial(
    model: Model,
    image: Any,
    *,
    nets: str | Sequence[Model] | None = None,
    pictures: Pictures | None = None,
    count: int = 100,
    eps: float | None = None,
    steps: int = 20,
    restarts: int = 5,
    shift: int | None = None,
    target: Targets = None,
    climbs: int = 100,
    seed: int = 0,
    state: State | None = None,
) -> Iterator[Attacked]:
    """Attack several nets with changes of one size, show each what fools the others, and say what a defence costs.

    A ladder of attacks, from noise over one step to many with restarts, all within the same eps: what is right after
    all of them is what a net stands. Where a stronger attack finds less than a weaker one the net is not hard to fool
    but hides its slopes, and a sentence says so. Pictures made for one net are shown to the others, with noise of the
    same size as a baseline. The same net with five shifted views at test time stands beside it. And of each net the
    class models without any regularizer: those of a net trained on attacked pictures show the class (Santurkar et al.
    2019), those of another noise.

    Args:
        nets: further nets, their names with commas between, each NAME or NAME=WEIGHTS; by default the package's own for
            the same classes and pictures; none: this one alone
        pictures: a folder or data set whose pictures are counted; by default one of the kind that the net was trained
            on, as far as such is at hand, else the photos
        count: how many of them at most, spread evenly
        eps: how far each value may move, in steps of 0 to 255 (L-infinity); by default 8, of handwritten digits 76.5
        steps: of each attack
        restarts: of the strongest
        shift: pixels by which the views at test time are shifted, by default a 14th of the side; 0: no such rows
        target: the classes of which models are made; by default up to 10, of more classes what is said of the photos
        climbs: steps of each class model; 0: none are made
        seed: of the noise and the starts

    Returns Attacked with standing (R, A, M): rows, attacks, pictures. state= goes on from a result's.
    Raises SettingError for an unknown net or class, an eps that is none, or nets that are no classifiers of pictures.

    Paper: Goodfellow, Shlens, Szegedy 2014; Madry et al. 2018; Athalye, Carlini, Wagner 2018; Santurkar et al. 2019.
    """
    if why := can_be_attacked(model):
        raise SettingError(f"adversarial does not apply to {model.name}: {why}.")
    for name, value, least in (
        ("count", count, 1),
        ("steps", steps, 1),
        ("restarts", restarts, 1),
        ("climbs", climbs, 0),
    ):
        need_whole(name, value, least, 100_000)
    need_whole("seed", seed, 0)
    eps = _eps(model, eps)
    chosen = nets_meant(model, nets)
    side = min(model.preprocessing.size)
    shift = max(1, side // 14) if shift is None else need_whole("shift", shift, 0, side - 1)
    shown = shown_of(model, image, pictures, count)
    seen = tuple(seen_by(net, shown) for net in chosen)
    ladder = Ladder(eps, steps, restarts, min(len(each.aim.classes) for each in seen))
    classes = [_classes(each, target, shown.photos)[: DRAWN if climbs else 0] for each in seen]
    run = Run(chosen, shown, seen, ladder, shift, classes, climbs, seed)
    if state is not None:
        run.go_on(state)
        if run.done == run.total:
            yield Attacked(**run.fields)
    while run.done < run.total:
        run.step()
        yield Attacked(**run.fields)


def _eps(model: Model, eps: float | None) -> float:
    """Return eps in steps of 0..255. Raises SettingError, a sentence, for what is none, or looks like a share of 1."""
    if eps is None:
        return OF_DIGITS if model.class_names == DIGITS else OF_PHOTOS
    need_eps(eps)
    if not 0 < eps <= 255:
        raise SettingError(f"eps is how far a value may move, above 0 and at most 255 (L-infinity), but got {eps!r}.")
    if eps < 1:
        raise SettingError(
            f"eps is in steps of 0 to 255 and {eps:g} is less than one; {eps:g} of the scale 0 to 1 is {255 * eps:g}."
        )
    return float(eps)


def _classes(seen: Seen, target: Targets, photos: int) -> list[Any]:
    """Return the classes of which a net's models are made."""
    model = seen.model
    if target is not None:
        return list(dict.fromkeys(model.class_index(each) for each in listed(target)))  # type: ignore[arg-type]
    if len(model.class_names) <= ALL:
        return list(range(len(model.class_names)))
    return list(dict.fromkeys(int(label) for label in seen.aim.labels[:photos]))


def plot(result: Attacked, figure: Figure) -> None:
    """Draw the table of attacks and the table of whose pictures fool whom, photos changed, and class models."""
    from minitorch_viz.techniques.optimization._adversarial_figure import draw

    draw(result, figure)


def example() -> Attacked:
    """Attack the bundled net for digits, and its linear neighbour."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return adversarial(load_model("digits"), sample_digit(), count=20, steps=5, restarts=1, shift=0, climbs=10)


TECHNIQUE = Technique(
    name="adversarial",
    compute=adversarial,
    plot=plot,
    title="Adversarial: how nets stand attacks, and what a defence costs",
    paper="Madry et al. 2018",
    example=example,
    applies=can_be_attacked,
    subject=PHOTOS,
    further_nets="nets",
    shown_by="mnist",
    level=95,
    budget=60.0,
    in_comparison={"nets": "none", "count": 4, "steps": 2, "restarts": 1, "shift": 0, "climbs": 2},
)
