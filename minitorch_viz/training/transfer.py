"""Training a new head on what a trained net has learnt to see, and the whole net after it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.data.augment import flip, tint, zoom
from minitorch_viz.data.batches import ArrayBatches, DatasetBatches
from minitorch_viz.data.dataset import Dataset
from minitorch_viz.layers import Linear
from minitorch_viz.models.cut import with_nodes
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.net import Net
from minitorch_viz.training.answers import Answers
from minitorch_viz.training.bundle import as_written, film_of, write_tested
from minitorch_viz.training.features import features_of, mirrored
from minitorch_viz.training.fit import fit
from minitorch_viz.training.observer import Observer, Run, Step
from minitorch_viz.training.optimizers import Adam, AdamW
from minitorch_viz.training.output_files import UnfinishedWeights, numbered
from minitorch_viz.training.schedules import Cosine, OneCycle
from minitorch_viz.training.state import State

BATCH, RATE, DECAY = 32, 3e-3, 0.01  # of the head
SEEN, FEWEST, MOST = 30_000, 20, 200  # features that the head is shown, and epochs
TUNED_BATCH, TUNED_RATE = 16, 1e-4  # of the whole net: a thirtieth of the head's
FILMED, FRAMES = 4, 12  # pictures and frames of a large net: each frame is a pass through all of it, and back


@dataclass(frozen=True, eq=False)
class Joint:
    """Put a head that was trained on features behind the net that makes them.

    The head learns from (features - mean) / scale; joined, its weights do that too.
    """

    body: Net
    mean: Array  # (D,)
    scale: float

    def inward(self, features: Array) -> Array:
        """Return the features (N, D) as the head takes them."""
        scaled: Array = ((features - self.mean) / self.scale).astype(np.float32)
        return scaled

    def net(self, head: Net) -> Net:
        """Return the whole net: pictures -> "logits" -> "prob"."""
        weight = head.params["logits.weight"] / np.float32(self.scale)
        scores = Linear(weight, head.params["logits.bias"] - weight @ self.mean)
        return with_nodes(self.body, ("logits", scores), ("prob", head["prob"].layer))


def train_head(
    body: Net,
    spec: ModelSpec,
    training: Dataset,
    test: Dataset,
    answers: Answers,
    *,
    seed: int,
    epochs: int | None,
    unfreeze: int,
    mirror: bool,
    shown: Sequence[str],
    out: Path,
    film: Path | None,
    checkpoint: Path | None,
    resume: bool,
    card: Mapping[str, Any],
) -> Path:
    """Train a linear head on `body`'s features, then all layers for `unfreeze` epochs, and write the whole net.

    body: x -> features (N, D). They are computed once for every picture and, if `mirror`, for its mirror image. The
    head begins at 0 and is fitted by AdamW along half a cosine. Then, at a small rate, all of the net is trained on
    pictures seen at other sizes and in other lights. film, checkpoint: of the head; those of the second stage have
    "_2" in their names. The rest: see `train_classifier`.
    """
    started = time.perf_counter()
    features = [features_of(body, training, spec.preprocessing)]
    if mirror:
        features.append(features_of(body, mirrored(training), spec.preprocessing, "features of mirror images"))
    test_features = features_of(body, test, spec.preprocessing, "features to test")
    features_seconds = time.perf_counter() - started
    stacked = np.concatenate(features)
    targets = np.concatenate([answers.targets(training.labels)] * len(features))
    joint = Joint(body, stacked.mean(axis=0), float(stacked.std()) or 1.0)
    scores = Linear(
        *(np.zeros(shape, np.float32) for shape in ((len(answers.names), stacked.shape[1]), len(answers.names)))
    )
    head = Net([("logits", scores), ("prob", answers.layer)])
    source = ArrayBatches(joint.inward(stacked), targets, BATCH)
    epochs = epochs or int(np.clip(-(-SEEN // len(stacked)), FEWEST, MOST))
    stages = 1 + (unfreeze > 0)
    unfinished = UnfinishedWeights(out, spec.preprocessing, answers.names, card, checkpoint, resume)
    watchers: list[Observer] = []
    if film is not None:
        settings = {"count": FILMED, "frames": FRAMES}
        watchers = [Joined(film_of(film, spec, test, shown, answers, **settings), joint)]
    fitted = fit(
        head,
        source,
        rng=np.random.default_rng(seed),
        epochs=epochs,
        optimizer=AdamW(RATE, weight_decay=DECAY),
        schedule=Cosine(RATE, epochs * len(source)),
        loss=answers.loss(),
        logits="logits",
        validation=ArrayBatches(joint.inward(test_features), answers.targets(test.labels), 256),
        keep="last",
        checkpoint=checkpoint,
        resume=resume,
        observers=watchers,
    )
    net = joint.net(fitted.net)
    finish = partial(write_tested, spec=spec, test=test, answers=answers, unfinished=unfinished)
    if fitted.stopped == "interrupted" or not unfreeze:
        stage = f" of stage 1 of {stages}" if unfreeze else ""
        return finish(as_written(net), fitted, epochs=epochs, stage=stage, seconds_before=features_seconds)
    print(f"The head is trained; now all layers, for {unfreeze} epoch{'s' * (unfreeze != 1)} at a small rate.")
    batches = DatasetBatches(training, TUNED_BATCH, (*[flip] * mirror, zoom, tint), spec.preprocessing)
    film = numbered(film, 1)
    tuned = fit(
        net,
        answers.batches(batches),
        rng=np.random.default_rng([seed, 1]),
        epochs=unfreeze,
        optimizer=Adam(TUNED_RATE),
        schedule=OneCycle(TUNED_RATE, max(2, unfreeze * len(batches))),
        loss=answers.loss(),
        logits="logits",
        validation=answers.batches(DatasetBatches(test, 64, preprocessing=spec.preprocessing)),
        keep="last",
        checkpoint=numbered(checkpoint, 1),
        resume=resume,
        observers=[] if film is None else [film_of(film, spec, test, shown, answers, count=FILMED, frames=FRAMES)],
    )
    return finish(
        as_written(tuned.net),
        tuned,
        epochs=unfreeze,
        stage=" of stage 2 of 2",
        before=[fitted],
        seconds_before=features_seconds,
    )


class Joined(Observer):
    """Show an observer of a head's training the whole net: with the frozen layers in front of the head."""

    def __init__(self, observer: Observer, joint: Joint) -> None:
        self.observer, self.joint = observer, joint

    def begin(self, run: Run, state: State) -> None:
        self.observer.begin(run, self._whole(state))

    def step(self, run: Run, step: Step) -> None:
        whole = replace(step, before=self.joint.net(step.before), state=self._whole(step.state))
        self.observer.step(run, whole)

    def epoch(self, run: Run, state: State) -> None:
        self.observer.epoch(run, self._whole(state))

    def end(self, run: Run, state: State, why: str) -> None:
        self.observer.end(run, self._whole(state), why)

    def _whole(self, state: State) -> State:
        return replace(state, net=self.joint.net(state.net))
