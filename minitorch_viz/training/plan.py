"""What `fit` was asked to do, checked before the first step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.checks import check_names
from minitorch_viz.data.batches import Batches
from minitorch_viz.errors import SettingError, ShapeError, need_whole
from minitorch_viz.models.carry import Carry
from minitorch_viz.net import Net
from minitorch_viz.training.adversarial import Adversarial
from minitorch_viz.training.clip import clip_by_norm
from minitorch_viz.training.losses import Loss, SoftmaxCrossEntropy
from minitorch_viz.training.observer import Observer, Run
from minitorch_viz.training.optimizers import Adam, Optimizer
from minitorch_viz.training.schedules import Constant, Cosine, Schedule
from minitorch_viz.training.single_images import SingleImages
from minitorch_viz.training.sources import Source, as_source, check_targets, describe
from minitorch_viz.training.state import State


@dataclass(frozen=True, eq=False)
class Plan:
    """Hold the checked arguments of `fit`."""

    run: Run
    source: Source
    validation: Source | None
    optimizer: Optimizer
    schedule: Schedule
    clip: float | None
    patience: int | None
    single_images: SingleImages
    carry: Carry | None = None
    average: float | None = None
    adversarial: Adversarial | None = None

    def finished(self, state: State) -> str:
        """Return why training is over, or "" if it is not."""
        best = state.best_epoch
        if self.patience is not None and best is not None and state.epoch - best.epoch >= self.patience:
            return "no improvement"
        return "finished" if state.epoch >= self.run.epochs else ""


def make_plan(
    net: Net,
    *,
    data: tuple[Any, Array | None],
    rng: Generator,
    epochs: int,
    batch: int,
    augment: int,
    optimizer: Optimizer | None,
    schedule: Schedule | None,
    loss: Loss | None,
    logits: str | None,
    clip: float | None,
    validation: Any,
    keep: str,
    patience: int | None,
    adversarial: Adversarial | None,
    observers: Iterable[Observer],
    carry: Carry | None = None,
    average: float | None = None,
) -> Plan:
    """Return the plan, or raise a sentence that says which argument cannot be used."""
    if not isinstance(net, Net):
        raise SettingError(f"fit trains a Net, but got {net!r:.60}.")
    need_whole("number of epochs", epochs, 1)
    if adversarial is not None:
        _kind("adversarial", adversarial, Adversarial, "Adversarial(8, preprocessing)")
    if not isinstance(rng, np.random.Generator):
        raise SettingError(
            f"rng must be a numpy.random.Generator, but got {rng!r}; np.random.default_rng(0) makes one."
        )
    source = as_source(data[0], data[1], batch, augment, "fit")
    held_out = None if validation is None else _validation(validation, batch)
    optimizer = _kind("optimizer", Adam() if optimizer is None else optimizer, Optimizer, "Adam(1e-3)")
    loss = _kind("loss", SoftmaxCrossEntropy() if loss is None else loss, Loss, "SoftmaxCrossEntropy()")
    for observer in observers:
        _kind("each of observers", observer, Observer, "Film('film.html', images, labels)")
    output = net.output if logits is None else check_names(logits, net.names, "logits")[0]
    single_images = SingleImages(net, output)
    count = single_images.count(source)
    steps = None if count is None else epochs * count
    if schedule is None:
        schedule = Cosine(optimizer.rate, steps) if steps else Constant(optimizer.rate)
    elif not callable(schedule):
        raise SettingError(f"schedule must be a function step -> rate such as Cosine(0.1, 1000), but got {schedule!r}.")
    if clip is not None:
        clip_by_norm(net.params, clip)  # for its sentence
    if keep not in ("best", "last"):
        raise SettingError(f"keep must be 'best' or 'last', but got {keep!r}.")
    if patience is not None and need_whole("patience", patience, 1) and held_out is None:
        raise SettingError("patience waits for a better validation loss, so validation data are needed too.")
    if average is not None and not (isinstance(average, float) and 0 < average < 1):
        raise SettingError(f"average is how slowly the mean of the weights forgets, above 0 and below 1: {average!r}.")
    for batches in (source, held_out):
        if isinstance(batches, Batches):
            check_targets(net, batches, loss, output)
    settings = {
        "net": repr(net),
        "data": describe(source),
        "optimizer": repr(optimizer),
        "schedule": repr(schedule) if hasattr(schedule, "__dataclass_fields__") else "a function of your own",
        "loss": repr(loss),
        "logits": output,
        "clip": repr(clip),
        "adversarial": repr(adversarial),
        "generator": type(rng.bit_generator).__name__,
    }
    settings |= {} if average is None else {"average": repr(average)}
    return Plan(
        Run(loss, output, epochs, steps, settings),
        source,
        held_out,
        optimizer,
        schedule,
        clip,
        patience,
        single_images,
        carry,
        average,
        adversarial,
    )


def _validation(validation: Any, batch: int) -> Source:
    """Return (images, labels) or batches as a source without shuffling."""
    pair = isinstance(validation, tuple) and len(validation) == 2 and hasattr(validation[0], "shape")
    images, labels = validation if pair else (validation, None)
    try:
        return as_source(images, labels, batch, 0, "validation")
    except ShapeError as error:
        raise ShapeError(f"The validation data cannot be used: {error}") from error


def _kind(argument: str, value: Any, kind: type, example: str) -> Any:
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        raise SettingError(f"{argument} must be {article} {kind.__name__} such as {example}, but got {value!r:.60}.")
    return value
