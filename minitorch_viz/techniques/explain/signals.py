"""What comes back to the pixels from one number, for any number of images: the arithmetic that the maps here share.

Many images are carried a few at a time, as many as the processor's caches like.

Where only the mean over the images is wanted, the first layer need not be run backwards for each: it is linear in the
signal, so one pass with the mean signal gives the same,

    mean_k  W^T g_k  =  W^T mean_k g_k

and between two images an affine first layer need not be run forwards either (integrated gradients).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.graph import Rules, Tape, only_reader
from minitorch_viz.layers import Kind
from minitorch_viz.net import Net
from minitorch_viz.objectives import Objective
from minitorch_viz.rules.relu import ReluMode, relu_mode

CHUNK_IMAGES = 4  # images carried at a time


class Running(NamedTuple):
    """Hold what has been averaged so far."""

    images: int
    signal: Callable[[], Array]  # computes the average (1, C, h, w) at the pixels
    sums: Mapping[str, Array]  # what it is computed from: another run goes on from there


class Signals(NamedTuple):
    """Hold what came back for each of N images."""

    pixels: Array  # (N, C, h, w)
    values: Array  # (N,) what the objective is for each image


def at_pixels(
    net: Net, xs: Array, objective: Objective, mode: ReluMode = "normal", chunk: int = CHUNK_IMAGES
) -> Signals:
    """Return the signal at the pixels of images xs (N, C, h, w), from `objective` back through the ReLUs by `mode`."""
    pixels, values = np.empty_like(xs), np.empty(len(xs), xs.dtype)
    for part in parts(len(xs), chunk):
        tape = net.forward(xs[part], upto=objective.nodes, fuse=True)
        pixels[part] = net.backward(tape, objective.seeds(tape), rules=relu_mode(mode))[net.inputs[0]]
        values[part] = kernels.to_cpu(objective.value(tape))
    return Signals(pixels, values)


def at_tape(net: Net, tape: Tape, objective: Objective, rules: Rules | None = None) -> Array:
    """Return the signal (C, h, w) at the pixels of a tape's one image, in main memory."""
    signal: Array = kernels.to_cpu(net.backward(tape, objective.seeds(tape), rules=rules)[net.inputs[0]])[0]
    return signal


def stem(net: Net, objective: Objective) -> str | None:
    """Return the name of the first layer if it is affine and alone reads the input: it can be taken out of a mean."""
    if len(net.inputs) > 1 or net.inputs[0] in objective.nodes:
        return None
    reader = only_reader(net.nodes, net.inputs[0])
    return reader.name if reader and reader.layer.kind is Kind.WEIGHS else None


def running_mean(
    net: Net,
    xs: Iterable[Array],
    objective: Objective,
    rules: Rules,
    count: int = 0,
    sums: Mapping[str, Array] | None = None,
) -> Iterator[Running]:
    """Yield after each batch of images xs the mean signal (1, C, h, w) at the pixels so far.

    The first layer is run backwards only when a mean is asked for.
    count, sums: the images of an earlier run, whose `Running.sums` are gone on from.
    """
    first = stem(net, objective)
    total: Any = sums["total"] if sums else 0
    for x in xs:
        tape = net.forward(x, upto=objective.nodes, fuse=True)
        signal = net.backward(tape, objective.seeds(tape), rules=rules, wrt=first)[first or net.inputs[0]]
        total = total + signal.sum(axis=0, keepdims=True)
        count += len(x)
        mean = total / x.dtype.type(count)
        signal_of = partial(through_stem, net, first, x, mean) if first else partial(_itself, mean)
        yield Running(count, signal_of, {"total": total})


def _itself(mean: Array) -> Array:
    return mean


def mean_at_pixels(net: Net, xs: Iterable[Array], objective: Objective, rules: Rules) -> Array:
    """Return the mean signal (1, C, h, w) at the pixels over batches of images xs."""
    *_, final = running_mean(net, xs, objective, rules)
    return final.signal()


def through_stem(net: Net, name: str, xs: Array, signal: Array) -> Array:
    """Carry the signal (1, ...) at the output of the first layer through it to the pixels (1, C, h, w)."""
    return net.backward(net.forward(xs[:1], upto=name), {name: signal})[net.inputs[0]]


def parts(count: int, chunk: int) -> Iterator[slice]:
    """Yield 0 to `count` in pieces."""
    return (slice(start, min(start + chunk, count)) for start in range(0, count, chunk))
