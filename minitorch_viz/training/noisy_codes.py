"""From a recipe to a generator: an autoencoder is trained with noise on its code, so that codes in between draw, too.

The loss is the variational bound of Kingma and Welling 2014 for noise of one size: what the drawing lacks, in nats, and
half the squares of the code before its ReLU, which keep it from growing until the noise does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.data import Dataset, normalized
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.models.readers.preprocessing import Preprocessing
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.net import Net
from minitorch_viz.training.bundle import as_written
from minitorch_viz.training.card import save_with_card
from minitorch_viz.training.fit import fit
from minitorch_viz.training.losses import BinaryCrossEntropy, Loss
from minitorch_viz.training.optimizers import Adam
from minitorch_viz.training.output_files import UnfinishedWeights, check_places
from minitorch_viz.training.schedules import OneCycle

Augment = Callable[[Array, Generator], Array]


@dataclass(frozen=True)
class Setting:
    """Hold what a recipe states."""

    epochs: int
    batch: int
    peak: float  # of Adam's rate, in one cycle
    noise: float  # standard deviation of what is added to the code


def train_generator(
    spec: ModelSpec,
    training: Dataset,
    test: Dataset,
    setting: Setting,
    augment: Augment | None = None,
    *,
    seed: int,
    out: Path,
    film: Path | None,
    checkpoint: Path | None,
    resume: bool,
    data: str,
) -> Path:
    """Train, scale the code, measure the error on the test pictures, and write weights (float16) and card to `out`.

    Raises SettingError for a film: it shows how classes are told apart. KeyboardInterrupt at Ctrl-C, with a sentence.
    """
    if film is not None:
        raise SettingError("A film shows how a net learns to tell classes apart, and this net has none; leave it out.")
    out = check_places(out, film, checkpoint, resume)
    need_whole("seed", seed, 0)
    net = spec.build(seed=seed, noisy=True)
    units = len(net.params["mean.bias"])
    batches = NoisyCodes(training.images, spec.preprocessing, units, setting, augment)
    fitted = fit(
        net,
        batches,
        rng=np.random.default_rng(seed),
        epochs=setting.epochs,
        optimizer=Adam(setting.peak),
        schedule=OneCycle(setting.peak, setting.epochs * len(batches)),
        loss=DrawingAndCode(units),
        logits="both",
        keep="last",
        checkpoint=checkpoint,
        resume=resume,
    )
    written = as_written(scaled(spec.build(state=fitted.net.state), normalized(training.images, spec.preprocessing)))
    facts = {
        "name": spec.name,
        "data": f"{data}, {len(training)} pictures for training and {len(test)} for testing",
        "command": f"minitorch-viz train {spec.name} --seed {seed}",
        "seed": seed,
    }
    if fitted.stopped == "interrupted":
        unfinished = UnfinishedWeights(out, spec.preprocessing, (), facts, checkpoint, resume)
        raise KeyboardInterrupt(unfinished.keep(fitted, written, setting.epochs))
    held_out = normalized(test.images, spec.preprocessing)
    error = float(((written.predict(held_out, batch=256) - held_out) ** 2).mean())
    variance = float(held_out.var(axis=0).mean())
    print(
        f"{spec.name}: mean squared error {error:.4f} on the {len(test)} test pictures, whose pixels vary by "
        f"{variance:.4f}; trained in {fitted.seconds:.1f} s"
    )
    card: Mapping[str, Any] = {
        **facts,
        "epochs": len(fitted.history),
        "test_error": round(error, 5),
        "test_variance": round(variance, 5),
        "seconds": round(fitted.seconds, 1),
        "licence": "MIT",
    }
    return save_with_card(written, out, spec.preprocessing, class_names=(), card=card)


def scaled(net: Net, pictures: Array) -> Net:
    """Return a net that draws the same, and whose code's units have the standard deviation 1 over these pictures.

    What a ReLU lets pass may be scaled before or after it. A unit that never fires stays as it is.
    """
    spread = net.predict(pictures, upto="code", batch=256).std(axis=0)
    spread = np.where(spread > 0, spread, 1).astype(np.float32)
    p = net.params
    return net.with_params(
        {
            "mean.weight": p["mean.weight"] / spread[:, None],
            "mean.bias": p["mean.bias"] / spread,
            "wide.weight": p["wide.weight"] * spread,
        }
    )


@dataclass(frozen=True)
class DrawingAndCode(Loss):
    """Measure what the drawing lacks, and the squares of the code: both for a pixel, in nats.

    y (N, P + units): P pixels before the sigmoid, then the code before noise and ReLU. target (N, 1, H, W), 0 to 1.
    """

    units: int

    def __call__(self, y: Array, target: Array) -> tuple[float, Array]:
        pixels, code = y[:, : -self.units], y[:, -self.units :]
        lacking, dy = BinaryCrossEntropy()(pixels, target.reshape(pixels.shape))
        squares = float(np.square(code, dtype=np.float64).sum()) / (2 * pixels.size)
        return lacking + squares, np.concatenate([dy, code / np.asarray(pixels.size, y.dtype)], axis=1)


class NoisyCodes:
    """Give pictures, noise for their codes, and the pictures as what they are to become."""

    def __init__(
        self, images: Array, preprocessing: Preprocessing, units: int, setting: Setting, augment: Augment | None
    ) -> None:
        self.images = images  # (N, H, W) uint8
        self.preprocessing, self.units, self.setting, self.augment = preprocessing, units, setting, augment

    def __len__(self) -> int:
        return -(-len(self.images) // self.setting.batch)

    def __call__(self, rng: Generator | None) -> Iterator[tuple[dict[str, Array], Array]]:
        order = np.arange(len(self.images)) if rng is None else rng.permutation(len(self.images))
        for start in range(0, len(order), self.setting.batch):
            images = self.images[order[start : start + self.setting.batch]]
            if rng is not None and self.augment is not None:
                images = self.augment(images, rng)
            pictures = normalized(images, self.preprocessing)
            noise = np.zeros((len(images), self.units), np.float32)
            if rng is not None:
                noise = (self.setting.noise * rng.standard_normal(noise.shape)).astype(np.float32)
            yield {"input": pictures, "noise": noise}, pictures
