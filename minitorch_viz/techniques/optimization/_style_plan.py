"""What is asked for, made into pictures to be made: one, or several side by side, each a job of the loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from minitorch_viz.errors import SettingError, near, need_whole
from minitorch_viz.optimize.style.closed_form import Fast
from minitorch_viz.optimize.style.loss import PIXELS
from minitorch_viz.optimize.style.methods import RATES, Name
from minitorch_viz.techniques.optimization._style_inputs import inputs_of, need_room, side_of
from minitorch_viz.techniques.optimization._style_layers import Layers, layers_of, shares
from minitorch_viz.techniques.optimization._style_run import Job
from minitorch_viz.techniques.optimization._style_task import Distance, Task, job_of

if TYPE_CHECKING:
    from minitorch_viz.models import Model

Show: TypeAlias = Literal["picture", "optimizers", "content", "layers", "gram"]
Colours: TypeAlias = Literal["style", "histogram", "luminance"]
Start: TypeAlias = Literal["content", "noise"]
TITLES: Mapping[str, str] = {"lbfgs": "L-BFGS", "adam": "Adam", "adagrad": "Adagrad"}
CHOICES: Mapping[str, Any] = {
    "show": Show, "colours": Colours, "start": Start, "distance": Distance, "optimizer": Name, "fast": Fast,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Asked:
    """Hold the settings of `style`, by its names."""

    style: Any
    size: int | None
    steps: int
    content_weight: float
    style_layers: str | None
    style_weights: str | None
    content_layer: str | None
    smooth: float
    style_scale: float
    blend: str | None
    distance: Distance
    optimizer: str
    rate: float | None
    start: str
    coarse_to_fine: bool
    colours: str
    masks: Any
    fast: str | None
    strength: float
    show: Show
    seed: int

    @property
    def from_noise(self) -> bool:
        """Return whether the pictures begin with noise: those of single layers do in any case."""
        return self.start == "noise" or self.show == "layers"

    def check(self) -> None:
        """Raise SettingError for what is none of the choices, and for numbers that cannot be."""
        for setting, kind in CHOICES.items():
            chosen, choices = getattr(self, setting), get_args(kind)
            if chosen not in choices and not (setting == "fast" and chosen is None):
                raise SettingError(f"There is no {setting} {chosen!r}; {near(chosen, choices, setting)}.")
        need_whole("number of steps", self.steps, 1)
        need_whole("seed", self.seed, 0)
        need_number("style_scale", self.style_scale, above=True)
        for name in ("content_weight", "smooth", "strength"):
            need_number(name, getattr(self, name))
        if self.strength > 1:
            raise SettingError(f"strength must be from 0 to 1, but got {self.strength!r}.")
        if self.fast is not None and self.show != "picture":
            raise SettingError(f"fast makes one picture without steps, so there is nothing to show of {self.show}.")


@dataclass(frozen=True, eq=False)
class Plan:
    """Hold the jobs, and what is to be said of them."""

    task: Task
    layers: Layers
    jobs: Sequence[Job]
    words: tuple[str, ...]  # in sentences
    about: str  # the settings, in a sentence


def plan_of(model: Model, image: Any, asked: Asked) -> Plan:
    """Read the pictures, and return what is to be made. Raises SettingError for settings that do not fit."""
    asked.check()
    inputs = inputs_of(model, image, asked.style, asked.masks, asked.colours == "histogram")
    side = need_whole("size", side_of(model, asked.size), 16)
    layers = layers_of(model, asked.style_layers, asked.style_weights, asked.content_layer)
    count = len(inputs.styles)
    parts = tuple([1.0] * count if asked.blend is None else shares(asked.blend, count, "blend", "style"))
    task = Task(model, inputs, side, float(asked.style_scale), parts, asked.distance, float(asked.smooth), asked.seed)
    need_room(model, (*layers.style, layers.content), task.size(side))
    jobs = [] if asked.fast or asked.show == "gram" else list(_jobs(task, layers, asked))
    words = (*inputs.words, *layers.words)
    if jobs and len(jobs[0].sizes) > 1:
        words = (*words, *dict.fromkeys(job.method.enlarges for job in jobs))
        if not asked.from_noise:
            words = (*words, "From size to size the change is enlarged; what the photo shows finer than that is kept.")
    if asked.colours == "histogram":
        words = (*words, "The style's colours were brought to the mean and the covariance of the photo's before.")
    if asked.colours == "luminance":
        words = (*words, "Only how bright the pixels are is painted; their colours are the photo's.")
    return Plan(task, layers, jobs, words, _about(task, layers, jobs, asked))


def _jobs(task: Task, layers: Layers, asked: Asked) -> list[Job]:
    """Return the pictures that are made."""
    common: dict[str, Any] = {"steps": asked.steps, "coarse_to_fine": asked.coarse_to_fine}
    usual = {"optimizer": asked.optimizer, "rate": asked.rate, "noise": asked.from_noise, **common}
    style, content = layers.style, {layers.content: float(asked.content_weight)}
    if asked.show == "optimizers":
        return [
            job_of(task, TITLES[name], style, content, **{
                **usual, "optimizer": name, "rate": asked.rate if name == asked.optimizer else None,
            })
            for name in ("lbfgs", *RATES)
        ]  # fmt: skip
    if asked.show == "content":
        by_pixels = {PIXELS: float(asked.content_weight)}
        return [
            job_of(task, f"content by {layers.content}", style, content, **usual),
            job_of(task, "content by pixels", style, by_pixels, **usual),
        ]
    if asked.show == "layers":
        nodes = list(dict.fromkeys((*style, layers.content)))
        styles = [job_of(task, f"style of {node} alone", {node: 1.0}, {}, **usual) for node in style]
        return styles + [job_of(task, f"content of {node} alone", {}, {node: 1.0}, **usual) for node in nodes]
    return [job_of(task, "painted", style, content, **usual)]


def _about(task: Task, layers: Layers, jobs: Sequence[Job], asked: Asked) -> str:
    """Return the settings in a sentence."""
    size = task.size(task.side)
    of_style = ", ".join(f"{node} ({weight:.2g})" for node, weight in layers.style.items())
    if asked.fast:
        name = {"whitening": "whitening and colouring", "adain": "AdaIN"}[asked.fast]
        return f"by {name} of VGG-19's maps, level by level, and decoding, {size[0]} x {size[1]} pixels."
    if not jobs:
        return f"the products of channels that stand for the style, at {size[0]} x {size[1]} pixels."
    sizes = " to ".join(f"{high} x {wide}" for high, wide in dict.fromkeys((jobs[0].sizes[0], jobs[0].sizes[-1])))
    method = " and ".join(dict.fromkeys(job.method.name for job in jobs)) if len(jobs) < 3 else "several ways"
    method = jobs[0].method.name if len({job.method.name for job in jobs}) == 1 else method
    return (
        f"{method} from {'noise' if asked.from_noise else 'the photo'}, {sizes} pixels, style from {of_style} by "
        f"{'Gram matrices' if asked.distance == 'gram' else 'the 2-Wasserstein distance'}, content from "
        f"{layers.content} ({asked.content_weight:g})."
    )


def need_number(name: str, value: float, above: bool = False) -> None:
    """Raise SettingError unless a number is finite and at least 0."""
    good = isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and np.isfinite(value)
    if not good or value < 0 or (above and value == 0):
        raise SettingError(f"{name} must be a number {'above' if above else 'of at least'} 0, but got {value!r}.")
