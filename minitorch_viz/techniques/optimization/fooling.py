"""Fooling: a change of a picture that a person hardly sees makes the net sure of something else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.drawing import robust_max
from minitorch_viz.errors import SettingError, near, need_whole
from minitorch_viz.models.readers import Preprocessing
from minitorch_viz.optimize.attacks import Aim, Norm, cannot_be_fooled, get_attack, sizes
from minitorch_viz.optimize.attacks.carried import RATES, companions_of
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.explain.view import PhotoResult, View, picture_of, view
from minitorch_viz.techniques.optimization._fooling_figure import draw, plot
from minitorch_viz.techniques.optimization._fooling_run import Moment, moments
from minitorch_viz.techniques.optimization._fooling_settings import Means, aim_of, means_of, noise_of, remarks
from minitorch_viz.techniques.optimization._fooling_trials import Trial, trials
from minitorch_viz.techniques.optimization._fooling_words import caption, of_all, outcome
from minitorch_viz.techniques.optimization._others import others_of
from minitorch_viz.techniques.optimization._pictures import frame_of
from minitorch_viz.techniques.run import Pace, how_far, looping
from minitorch_viz.techniques.state import State
from minitorch_viz.techniques.subject import Pictures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

Begin = Literal["photo", "noise"]
MOST = 256  # pictures of which a change for all is made, and on which it is tried
FIRST = 5  # answers that are shown


class Answers(NamedTuple):
    """Hold what a net answers to one picture: the most probable ones, the best first."""

    names: tuple[str, ...]
    shares: Array  # (n,): their probabilities, 0 to 1


@dataclass(frozen=True, eq=False)
class Fooled(PhotoResult):
    """Hold a picture, the change of it that fools a net, and what the net says of both."""

    picture: Array  # (h, w, 3) uint8: what the net saw before; of a row or a series its numbers
    pixel_aspect: float
    fooling: Array  # (h, w, 3) uint8: what it saw after
    change: Array  # (C, h, w), in steps of 0..255; of a row or a series its shape, in the user's units
    before: Answers
    after: Answers
    old: str  # the answer that was to go away
    new: str  # the answer now
    target: str  # the answer that was wanted; "" if any other
    fooled: bool
    l2: float  # of the change, in steps of 0..255 (of numbers that are no pixels in the net's units)
    linf: float
    rms: float
    l0: int  # pixels that changed
    eps: float  # the largest change that was allowed; NaN where the smallest was looked for
    tried: tuple[float, ...]  # each eps that is tried, in their order, until one is enough; empty where it was given
    norm: Norm
    share_new: Array  # (total,): the probability of the target, or of the best other answer; NaN for steps to come
    share_old: Array  # (total,): that of the old answer
    steps_each: int  # steps that each eps got, where several were tried; else 0
    trials: tuple[Trial, ...]  # what becomes of it as a file; empty before the end
    attack: str
    method: str  # the attack in words
    paper: str
    passes: int  # forward and backward
    net: str
    from_noise: bool
    pixels: bool  # whether the values are pixels 0..255
    remarks: tuple[str, ...]
    done: int
    total: int
    state: State | None = field(default=None, kw_only=True)

    @property
    def label(self) -> str:
        """Return what became of what."""
        return f"{self.old}, taken for {self.new}" if self.fooled else f"{self.old}, not fooled"

    @property
    def frame(self) -> Array:
        """Return the picture as one frame of a film, (h, w, 3) uint8; of numbers the change as a picture."""
        if self.of_numbers is None:
            return frame_of(self.fooling[None])
        from minitorch_viz.techniques.explain.patches import signed_picture

        rows = self.of_numbers.by_curve(self.change) if self.change.ndim == 2 else self.change[None]
        return frame_of(signed_picture(rows[None], self.scale)[None])

    @property
    def scale(self) -> float:
        """Return the change that is drawn at full colour: all but half a percent of the values change by less."""
        return robust_max(self.change)

    @property
    def factor(self) -> float:
        """Return how many times the change is magnified."""
        return 127 / self.scale

    @property
    def caption(self) -> str:
        return caption(self)

    @property
    def notes(self) -> tuple[str, ...]:
        return (*how_far(self, "step"), *self.given_notes, *outcome(self), *self.remarks)

    def draw(self, figure: Figure) -> None:
        draw(self, figure)


@looping("step")
def fooling(
    model: Model,
    image: Any,
    *,
    target: str | int | None = None,
    attack: str = "pgd",
    eps: float | None = None,
    norm: Norm | None = None,
    steps: int | None = None,
    restarts: int = 1,
    start: Begin = "photo",
    pictures: Pictures | None = None,
    seed: int = 0,
    state: State | None = None,
) -> Iterator[Fooled]:
    """Change a photo, so little that a person hardly sees it, until the net takes it for something else.

    The pixels are moved along the gradient of a loss by the pixels. Each may change by a little only, but there are
    many, and all changes add up. Whatever the net wants of its input, mean and std, is inside: every size here is in
    steps of 0 to 255, and a picture stays within these.

    Args:
        target: the class that the net shall answer; by default any but its present answer
        attack: fgsm, pgd and apgd stay within eps; gradient, lbfgs, deepfool and cw look for a small change; one-pixel
            changes eps pixels, whatever they are; universal and patch make one change for all pictures
        eps: how far the change may go, in steps of 0 to 255, in the attack's norm; by default the smallest of 1, 2, 4,
            ... 128 that is enough (of l2 so much of each value; of one-pixel 1, 3 or 5 pixels)
        norm: linf, where eps is of each value, or l2, where it is of all together (the root of the sum of squares); by
            default the attack's own
        steps: at most; by default the attack's own
        restarts: of an attack that begins at a random place, how often it does
        start: photo; or noise, which is made into something that the net is sure of: target, by default what it sees
            in the photo
        pictures: of universal and patch, which make one change for all pictures: half of these it is made of, on the
            other half it is tried; of a net of numbers a table of rows; by default of the net's own data, as far as
            such are at hand
        seed: of the random places and the noise

    Returns Fooled with the pictures (h, w, 3) and the change (C, h, w). state= goes on from a result's.
    Raises SettingError for an unknown class, a target that is the answer already, an eps below 0 or of another norm, or
    a setting that the attack has not; ImageFileError for a bad image.

    Paper: Szegedy et al. 2014, "Intriguing properties of neural networks"; that of each attack is in the caption.
    """
    if why := cannot_be_fooled(model):
        raise SettingError(f"fooling does not apply: {why}.")
    if start not in get_args(Begin):
        raise SettingError(f"There is no start {start!r}; {near(start, get_args(Begin), 'start')}.")
    need_whole("seed", seed, 0)
    seen = view(model, image)
    x, from_noise = kernels.to_cpu(seen.x), start == "noise"
    shared = get_attack(attack).one_for_all
    others = others_of(model, x, pictures, MOST if shared else 1) if shared or pictures is not None else None
    aim, pixels = aim_of(model, x, None if from_noise else target, others.inputs if others and shared else None)
    means = means_of(attack, norm, eps, steps, restarts, aim.box, pixels[0].size, from_noise)
    if from_noise:
        aim, pixels = noise_of(aim, pixels, target, seed)
    companions = companions_of(aim, aim.box.values(others.inputs)) if others and shared else None
    sentences, pace = remarks(means, aim, pixels), Pace()
    if pictures is not None and not shared:
        sentences = (*sentences, f"{attack} makes a change of this picture alone: pictures= was not used.")
    clean = _answers(aim, aim.logits(pixels))
    for moment in moments(means, aim, pixels, companions, seed, state):
        if moment.attempt.done == moment.attempt.total or pace.due():
            words = sentences if companions is None else (of_all(companions, moment.attempt.inner[RATES]), *sentences)
            yield _result(seen, aim, means, pixels, clean, moment, from_noise, words)


def _result(
    seen: View,
    aim: Aim,
    means: Means,
    pixels: Array,
    clean: Answers,
    moment: Moment,
    from_noise: bool,
    sentences: tuple[str, ...],
) -> Fooled:
    """Return the result of one moment."""
    attempt, model = moment.attempt, aim.model
    before, after = (aim.box.net(values) for values in (pixels, attempt.pixels))
    size = sizes(attempt.pixels - pixels)
    of_numbers = seen.given is not None and seen.given.is_numbers
    change = (attempt.pixels - pixels)[0]
    if of_numbers:
        change = np.asarray(model.restore(after)) - np.asarray(model.restore(before))
    is_over = attempt.done == attempt.total
    return Fooled(
        picture=picture_of(model, before) if from_noise else seen.picture,
        pixel_aspect=1.0 if from_noise else seen.pixel_aspect,
        fooling=picture_of(model, after),
        change=change,
        before=clean,
        after=_answers(aim, attempt.logits),
        old=aim.classes[aim.labels[0]],
        new=aim.classes[attempt.logits[0].argmax()],
        target="" if aim.targets is None else aim.classes[aim.targets[0]],
        fooled=bool(attempt.fooled[0]),
        l2=float(size.l2[0]),
        linf=float(size.linf[0]),
        rms=float(size.rms[0]),
        l0=int(size.l0[0]),
        eps=moment.eps,
        tried=means.tried,
        norm=means.attack.norm,
        share_new=moment.share_new,
        share_old=moment.share_old,
        steps_each=moment.steps_each,
        trials=trials(aim, attempt.pixels) if is_over else (),
        attack=means.attack.name,
        method=means.attack.title,
        paper=means.attack.paper,
        passes=attempt.passes,
        net=model.name,
        from_noise=from_noise,
        pixels=aim.box.pictures,
        remarks=sentences,
        done=attempt.done,
        total=attempt.total,
        photo=None if from_noise else seen.area,
        given=seen.given,
        state=moment.state,
    )


def _answers(aim: Aim, logits: Array) -> Answers:
    """Return the most probable answers to one input, the best first."""
    shares = aim.shares(logits)[0]
    best = np.argsort(-shares, kind="stable")[:FIRST]
    return Answers(tuple(aim.classes[i] for i in best), shares[best])


def applies(model: Model) -> str | None:
    """Return why a net has no answer that could be another one; None if it has."""
    reader = model.readers.get(model.input)
    if isinstance(reader, Preprocessing) or reader is None or not getattr(reader, "whole", False):
        return cannot_be_fooled(model)
    return f"{model.name} takes whole numbers, and there is nothing between two of them"


def example() -> Fooled:
    """Make a handwritten three an eight."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return fooling(load_model("digits"), sample_digit(3), target=8, steps=10)


TECHNIQUE = Technique(
    name="fooling",
    compute=fooling,
    plot=plot,
    title="Fooling: a small change, another answer",
    paper="Szegedy et al. 2014; Goodfellow, Shlens, Szegedy 2014; Madry et al. 2018",
    example=example,
    applies=applies,
    takes_numbers=True,
    shown_by="cifar10",
    level=80,
    budget=20,
    in_comparison={"steps": 3},
)
