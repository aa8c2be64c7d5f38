"""Training: batches in random order, a backward pass for the parameters, an optimizer's step."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.graph import Tape
from minitorch_viz.models.carry import Carry
from minitorch_viz.net import Net
from minitorch_viz.training.adversarial import Adversarial
from minitorch_viz.training.checkpoint import Checkpoints, resumed_or_new
from minitorch_viz.training.clip import clip_by_norm
from minitorch_viz.training.evaluate import evaluate
from minitorch_viz.training.losses import Loss
from minitorch_viz.training.nonfinite import check_grads, check_loss, check_params
from minitorch_viz.training.observer import Observer, ProgressBar, Step
from minitorch_viz.training.optimizers import Optimizer
from minitorch_viz.training.plan import Plan, make_plan
from minitorch_viz.training.schedules import Schedule
from minitorch_viz.training.single_images import StepData
from minitorch_viz.training.sources import Batch, Source, batches_of
from minitorch_viz.training.state import Epoch, State, Sums, generator_from, generator_state, second_generator


@dataclass(frozen=True, eq=False)
class Fitted:
    """Hold what training gives."""

    net: Net  # the best one, or the last (see `keep`)
    last: Net  # as it was after the last step
    history: tuple[Epoch, ...]  # one line an epoch
    steps: int  # taken in all, those before resuming included
    stopped: str  # "finished", "no improvement" or "interrupted"
    seconds: float  # spent in all
    notes: tuple[str, ...] = ()  # what was done that was not asked for, such as joining batches


def fit(
    net: Net,
    images: Array | Source,
    labels: Array | None = None,
    *,
    rng: Generator,
    epochs: int,
    batch: int = 64,
    optimizer: Optimizer | None = None,
    schedule: Schedule | None = None,
    loss: Loss | None = None,
    logits: str | None = None,
    augment: int = 0,
    clip: float | None = None,
    validation: Any = None,
    keep: str = "best",
    patience: int | None = None,
    carry: Carry | None = None,
    average: float | None = None,
    adversarial: Adversarial | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int | None = None,
    resume: bool = False,
    observers: Sequence[Observer] = (),
    progress: bool = True,
) -> Fitted:
    """Train a net; the given one stays as it is. Same generator state, same data: same bits.

    images, labels: two arrays (N, ...); or, with no labels, a list of batches (x, targets), or a function of a
        generator that returns the batches of one epoch (all its randomness must come from that generator).
    optimizer: default Adam(1e-3). schedule: step -> rate; default: the optimizer's rate along half a cosine to 0 at the
        last step, constant if the number of batches is unknown. clip: the largest global norm of the gradients.
    loss: default SoftmaxCrossEntropy(). logits: the node whose output the loss reads (default: the last).
    augment: shift each image by up to this many pixels, when images are an array.
    validation: data not trained on, (images, labels) or batches, measured after every epoch. keep: return the "best"
        net by validation loss, or the "last". patience: stop after this many epochs without a better validation loss.
    carry: of a net that `carrying` made: its recurrent layers begin each batch with their states after the one before,
        and each epoch with zeros.
    average: 0..1, such as 0.999: keep running means of the parameters that forget this slowly, and measure and return
        the net that has them (Polyak and Juditsky 1992); the steps are those of the net without.
    adversarial: move the training pictures to where the net is more wrong, each within a distance; the validation data
        are then measured under the attack that this names, and the best net is the best one under it.
    checkpoint: a file that always holds a whole state of this run, written every `checkpoint_every` steps (default:
        after each epoch). resume: continue from that file if it is there; the weights are then those of an unbroken
        run, bit for bit. A file of a run with other settings is refused.
    observers: more that watch, such as a Film. Ctrl-C writes the checkpoint and returns what there is.

    A batch of one image on which batch normalization cannot be trained is joined to the one before it (`Fitted.notes`).

    Raises NotFiniteError, naming the node where it began, when a loss, gradient or parameter stops being finite.
    """
    plan = make_plan(
        net,
        data=(images, labels),
        rng=rng,
        epochs=epochs,
        batch=batch,
        augment=augment,
        optimizer=optimizer,
        schedule=schedule,
        loss=loss,
        logits=logits,
        clip=clip,
        validation=validation,
        keep=keep,
        patience=patience,
        adversarial=adversarial,
        observers=observers,
        carry=carry,
        average=average,
    )
    net_rng = generator_state(second_generator(rng))
    start = State(net, plan.optimizer.start(net.params), 0, 0, generator_state(rng), net_rng)
    state = start if average is None else replace(start, average=net.params)
    watching: list[Observer] = [*observers]
    if checkpoint is not None:
        watching.insert(0, Checkpoints(checkpoint, checkpoint_every))
        state = resumed_or_new(checkpoint, plan.run, state) if resume else state
    elif resume:
        raise SettingError("resume continues from a checkpoint, so its file is needed: checkpoint='run.ckpt', say.")
    if progress:
        watching.append(ProgressBar())
    seconds_before, started, why = state.seconds, time.perf_counter(), "an error"
    for observer in watching:
        observer.begin(plan.run, state)
    try:
        while not (why := plan.finished(state)):
            for part in plan.single_images.steps(_rest_of_epoch(plan, state, rng)):
                step = _step(plan, state, part)
                state = replace(step.state, seconds=seconds_before + time.perf_counter() - started)
                for observer in watching:
                    observer.step(plan.run, replace(step, state=state))
            state = _end_of_epoch(plan, state, rng)
            for observer in watching:
                observer.epoch(plan.run, state)
    except KeyboardInterrupt:
        why = "interrupted"
    except BaseException as error:
        why = str(error)
        raise
    finally:
        for observer in watching:
            observer.end(plan.run, state, why)
    chosen = state.best if keep == "best" and state.best is not None else state.shown
    return Fitted(chosen, state.net, state.history, state.step, why, state.seconds, plan.single_images.notes())


def _rest_of_epoch(plan: Plan, state: State, rng: Generator) -> Iterator[Batch]:
    """Return the batches of the present epoch that are left: it is repeated from its start, to the same bits."""
    rng.bit_generator.state = state.data_rng
    batches = batches_of(plan.source, rng)
    for number in range(state.batches):
        if next(batches, None) is None:
            raise SettingError(
                f"The data gave {number} batches, but {state.batches} of this epoch were trained on before; are they "
                f"the data of the run that is resumed?"
            )
    return batches


def _step(plan: Plan, state: State, part: StepData) -> Step:
    """Train on one batch: forward, loss, backward, a step of the optimizer."""
    net, output, net_rng = state.net, plan.run.output, generator_from(state.net_rng)
    target = part.target
    x = part.x if plan.carry is None else plan.carry.inputs(net, part.x, state.carried)
    untrainable = plan.single_images.is_untrainable(x, target)
    plan.single_images.frozen += untrainable
    training_rng = None if untrainable else net_rng
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # what is not finite is told in a sentence
        if plan.adversarial is not None:
            x = plan.adversarial.moved(net, x, target, loss=plan.run.loss, output=output, rng=training_rng)
        tape = net.forward(x, upto=output, rng=training_rng)
        loss, dy = plan.run.loss(tape[output], target)
        check_loss(loss, net, tape.values, output, f"at step {state.step}")
        grads = net.param_grads(tape, {output: dy})
        check_grads(grads, net, tape, {output: dy}, state.step)
        if plan.clip is not None:
            grads, _ = clip_by_norm(grads, plan.clip)
        rate = plan.schedule(state.step)
        params, optimizer = plan.optimizer.step(net.params, grads, state.optimizer, rate)
        check_params(params, net, rate, state.step)
    # A matrix product may depend on the memory layout in its last bits, and a checkpoint keeps values only.
    updated = net.with_params({name: np.asarray(value, order="C") for name, value in params.items()})
    count = len(target) if plan.carry is None else target.size
    score = plan.run.loss.score(tape[output], target)
    sums_before = state.sums
    sums = Sums(
        sums_before.images + count, sums_before.loss + float(loss) * count, sums_before.score + (score or 0.0) * count
    )
    next_state = replace(
        state,
        net=_trained(updated, tape),
        optimizer=optimizer,
        step=state.step + 1,
        batches=state.batches + part.batches,
        net_rng=generator_state(net_rng),
        sums=sums,
        carried={} if plan.carry is None else plan.carry.after(tape),
        average=_averaged(state.average, params, plan.average, state.step),
    )
    return Step(net, next_state, float(loss), score, float(rate), grads)


def _averaged(
    average: Mapping[str, Array] | None, params: Mapping[str, Array], slowness: float | None, step: int
) -> dict[str, Array] | None:
    """Return the running means after a step; the first ones forget faster, as they began with random numbers."""
    if average is None or slowness is None:
        return None
    keep = min(slowness, (1 + step) / (10 + step))
    return {name: keep * average[name] + (1 - keep) * value for name, value in params.items()}


def _trained(net: Net, tape: Tape) -> Net:
    """Return the same net with the running statistics of this batch in its batch normalizations."""
    layers = {name: net[name].layer.trained(saved) for name, saved in tape.saved.items()}
    changed = {name: layer for name, layer in layers.items() if layer is not net[name].layer}
    return net.with_layers(changed) if changed else net


def _end_of_epoch(plan: Plan, state: State, rng: Generator) -> State:
    """Close the epoch's line, measure the validation data, and remember the net if it is the best so far."""
    sums, loss = state.sums, plan.run.loss
    if sums.images == 0:
        raise ShapeError("The data gave no batch, so there is nothing to train on.")
    score = sums.score / sums.images if loss.score_name else None
    line = Epoch(state.epoch + 1, state.step, sums.loss / sums.images, score, float(plan.schedule(state.step - 1)))
    if plan.validation is not None:
        held_out = plan.validation
        if plan.adversarial is not None:
            held_out = plan.adversarial.attacked(state.shown, held_out, loss, plan.run.output)
        scores = evaluate(state.shown, held_out, loss=loss, logits=plan.run.output, carry=plan.carry)
        line = line._replace(held_out_loss=scores.loss, held_out_score=scores.score)
    state = replace(state, history=(*state.history, line), batches=0, sums=Sums(), data_rng=generator_state(rng))
    state = replace(state, carried={})
    return replace(state, best=state.shown) if state.best_epoch is line else state
