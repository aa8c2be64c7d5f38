"""The part of `scenes_liar` that tells made pictures from natural ones: how it is trained.

`python -m minitorch_viz.optimize.liar detector.safetensors` trains it anew, in some minutes, to the same bits on the
same machine; the file that comes with the package was made so.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.data.pictures import ScenePictures
from minitorch_viz.layers import Linear, ReLU
from minitorch_viz.models.scenes_liar import HIDDEN, HONEST, SEEN
from minitorch_viz.net import Net
from minitorch_viz.objectives import ChannelMean, Each, Objective, Unit
from minitorch_viz.optimize.ascent import ascend
from minitorch_viz.optimize.presets import Request, get_preset
from minitorch_viz.optimize.presets._transforms import jitter, lucid
from minitorch_viz.optimize.score import own_size
from minitorch_viz.optimize.stage import Moment
from minitorch_viz.training.losses import BinaryCrossEntropy
from minitorch_viz.training.optimizers import AdamW

if TYPE_CHECKING:
    from minitorch_viz.models import Model

FIRST = 10_000_000  # the number of the first scene that is looked at: others than those of training and tests
LEARNED_FROM = "simonyan", "oygard", "lucid"  # presets whose pictures it gets to know, at every stage
MOMENTS = 0, 1, 2, 4, 8, 16, 32, 64, 100, 150  # steps after which a picture is looked at
TOGETHER = 8  # pictures that climb side by side
STEPS, RATE, DECAY = 600, 1e-2, 1e-2
AWAY, SHARP = 0.4, 0.05  # of the way from the highest natural picture to the lowest made one: a margin; the ramp


def means_of(model: Model, images: Array, batch: int = 32) -> Array:
    """Return what the detector sees of images (N, C, H, W), as the net takes them: (N, D)."""
    parts = []
    for begin in range(0, len(images), batch):
        tape = model.net.forward(images[begin : begin + batch], upto=SEEN)
        parts.append(np.concatenate([tape[node].mean(axis=(2, 3)) for node in SEEN], axis=1))
    return np.concatenate(parts)


def natural_means(model: Model, count: int, first: int = FIRST) -> Array:
    """Return what it sees of generated scenes, (count, D)."""
    scenes = ScenePictures(first + count)
    numbers = range(first, first + count)
    return np.concatenate([means_of(model, model.preprocess(scenes[number])) for number in numbers])


def made_means(model: Model, rounds: int, seed: int = 0) -> Array:
    """Return what it sees of pictures on their way uphill, plain and as transforms show them to the net."""
    rng = np.random.default_rng(seed)
    units = model.net[HONEST].layer.params["weight"].shape[0]
    parts = []
    for _ in range(rounds):
        for name in LEARNED_FROM:
            channels = rng.integers(0, units, TOGETHER).tolist()
            middle = 8, 8
            objectives: list[Objective] = [
                Unit("relu5", (channel, *middle)) if place % 2 else ChannelMean("relu5", channel)
                for place, channel in enumerate(channels)
            ]
            parts += [means_of(model, view) for view in _views(model, name, objectives, rng)]
    return np.concatenate(parts)


def _views(model: Model, name: str, objectives: list[Objective], rng: Generator) -> Iterator[Array]:
    """Yield pictures on their way, as the net takes them."""
    preset, size = get_preset(name), own_size(model)
    request = Request(model, Each(tuple(objectives)), size)
    start = None
    if name != "lucid" and rng.random() < 0.5:
        start = rng.standard_normal((len(objectives), request.units.channels, *size)) * rng.uniform(1, 30)
    climb = ascend(
        model, request.objective, preset.stages, preset.parametrization(request), number=len(objectives), start=start,
        seed=int(rng.integers(2**31)),
    )  # fmt: skip
    for ascent in climb:
        if ascent.done not in MOMENTS:
            continue
        x, moment = ascent.x, Moment(0, 1, size, request.units)
        for view in (x, *(drawing(moment).draw(rng, size).forward(x) for drawing in (jitter(16), lucid))):
            yield request.units.net(view.astype(model.dtype))
        if ascent.done == max(MOMENTS):
            return


def trained(natural: Array, optimized: Array, seed: int = 0) -> dict[str, Array]:
    """Return the detector: two layers, trained to tell the rows of two tables (N, D), and the ramp between them."""
    rng = np.random.default_rng(seed)
    rows = np.concatenate([natural, optimized]).astype(np.float64)
    is_made = np.repeat([0.0, 1.0], [len(natural), len(optimized)])[:, None]
    mean, deviation = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    x = ((rows - mean) / deviation).astype(np.float32)
    layers = [("tell", Linear.random(rng, rows.shape[1], HIDDEN)), ("tell_relu", ReLU())]
    net = Net([*layers, ("ramp", Linear.random(rng, HIDDEN, 1))])
    optimizer, loss = AdamW(RATE, weight_decay=DECAY), BinaryCrossEntropy()
    state = optimizer.start(net.params)
    for step in range(STEPS):
        tape = net.forward(x)
        _, dy = loss(tape["ramp"], is_made)
        grads = net.param_grads(tape, {"ramp": dy})
        params, state = optimizer.step(net.params, grads, state, RATE * (1 - step / STEPS))
        net = net.with_params(params)
    answers = net.predict(x)[:, 0]
    highest, lowest = answers[: len(natural)].max(), np.quantile(answers[len(natural) :], 0.01)
    low = highest + AWAY * (lowest - highest)
    width = SHARP * (lowest - highest)
    p = net.params
    weight = p["tell.weight"] / deviation
    arrays = {
        "tell.weight": weight[..., None, None],
        "tell.bias": p["tell.bias"] - weight @ mean,
        "ramp.weight": p["ramp.weight"][..., None, None] / width,
        "ramp.bias": (p["ramp.bias"] - low) / width,
    }
    return {name: np.asarray(value, np.float32) for name, value in arrays.items()}


def detector(natural: int = 6000, rounds: int = 12, seed: int = 0) -> dict[str, Array]:
    """Train the detector that comes with the package."""
    from minitorch_viz.models import load_model

    model = load_model("scenes")
    return trained(natural_means(model, natural), made_means(model, rounds, seed), seed)


if __name__ == "__main__":
    from minitorch_viz.io.safetensors_ import save_safetensors

    save_safetensors(sys.argv[1], detector())
