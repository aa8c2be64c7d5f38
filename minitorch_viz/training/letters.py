"""Training a net on a text, letter by letter: `minitorch-viz train letters --text FILE`."""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from minitorch_viz.data.ngram import MOST_COUNTED, NGram
from minitorch_viz.data.text_stream import TextBatches, TextFile
from minitorch_viz.errors import SettingError, near, need_whole
from minitorch_viz.models.carry import carrying
from minitorch_viz.models.letters import SCORES, Kind, letters
from minitorch_viz.models.spec import ModelSpec, specs
from minitorch_viz.net import Net
from minitorch_viz.training.bundle import as_written
from minitorch_viz.training.card import save_with_card
from minitorch_viz.training.evaluate import Scores, evaluate
from minitorch_viz.training.fit import Fitted, fit
from minitorch_viz.training.losses import SoftmaxCrossEntropy
from minitorch_viz.training.observer import Observer, Run
from minitorch_viz.training.optimizers import Adam, AdamW, RMSProp
from minitorch_viz.training.output_files import UnfinishedWeights, check_places, saying_what_is_written
from minitorch_viz.training.schedules import Constant, Cosine, OneCycle, Schedule, StepDecay
from minitorch_viz.training.state import State

OptimizerName: TypeAlias = Literal["adam", "adamw", "rmsprop"]
ScheduleName: TypeAlias = Literal["cosine", "onecycle", "decay", "constant"]
OPTIMIZERS = {"adam": Adam, "adamw": AdamW, "rmsprop": RMSProp}
RATES = {"adam": 4e-3, "adamw": 4e-3, "rmsprop": 2e-3}
DECAY = 0.97  # of the rate, from epoch to epoch: char-rnn's
SEEN = 8_000_000  # about how many characters a training reads where its epochs are not given
FEWEST, MOST = 1, 50  # epochs
KEPT_EVERY = 200  # steps between checkpoints: an epoch of a long text takes hours
GRAM = 7  # letters of the grams of the model by counting, which the net is compared with
NO_FILM = "--film shows pictures and their gradients, and a text has none; leave it out."
LOSS = SoftmaxCrossEntropy(axis=2)  # nats a character


def train_letters(
    text: str | Path,
    out: Path,
    seed: int = 0,
    *,
    kind: Kind = "lstm",
    layers: int = 2,
    cells: int = 128,
    embedding: int = 64,
    dropout: float = 0.0,
    steps: int = 100,
    batch: int = 50,
    epochs: int | None = None,
    optimizer: OptimizerName = "adam",
    rate: float | None = None,
    schedule: ScheduleName = "cosine",
    clip: float = 5.0,
    average: float | None = None,
    patience: int | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
    spec: ModelSpec | None = None,
) -> Path:
    """Train a net to predict the next character of a text, and write it to `out` with its card beside it.

    text: a UTF-8 file of any length; it is read a piece at a time. Its first 80 % are for training, the next 10 %
    choose the epoch whose net is kept, the last 10 % test it, with the state carried from character to character.
    kind, layers, cells, embedding, dropout: the net, see `models.letters.letters`.
    steps: characters between two cuts of the gradient; the state goes on. batch: places of the text that are read side
    by side. epochs: default: as many as read about 8 million characters, 1 to 50.
    optimizer: "adam", "adamw" or "rmsprop"; rate: default 4e-3, of RMSProp 2e-3. schedule: the rate falls to 0 along
    half a "cosine"; rises and falls ("onecycle"); is multiplied by 0.97 each epoch ("decay"); or stays ("constant").
    clip: the largest norm of all gradients. average: 0..1, such as 0.999: keep the net whose weights are running means.
    patience: stop after so many epochs that did not get better.
    checkpoint, resume: as in `fit`; the same bits as if it had not been stopped.
    spec: the bundled net that is trained again: its name, and how the card says so; default: a net of one's own.

    `load_model(out)` reads the file: the net and its alphabet. Raises DataFileError if the text cannot be used,
    SettingError for a setting or a place that cannot, KeyboardInterrupt at Ctrl-C with a sentence on what is kept.
    """
    out = check_places(out, None, checkpoint, resume)
    if epochs is not None:
        need_whole("epochs", epochs, 1)
    for noun, name, choices in (("optimizer", optimizer, OptimizerName), ("schedule", schedule, ScheduleName)):
        if name not in get_args(choices):
            raise SettingError(f"There is no {noun} {name!r}; {near(name, get_args(choices), noun)}.")
    file = TextFile(text)  # type: ignore[arg-type]  # it takes a name, too
    training, validation, _ = file.parts()
    batches = TextBatches(file, training, batch, steps)
    epochs = epochs or int(np.clip(-(-SEEN // batches.count), FEWEST, MOST))
    plain = letters(len(file.letters), kind, layers, cells, embedding, dropout, seed)
    net, carry = carrying(plain)
    curve = Curve()
    with saying_what_is_written(out):
        rate = RATES[optimizer] if rate is None else rate
        print(f"{file.length:,} characters, {len(file.letters)} different; {epochs} x {len(batches)} steps", flush=True)
        fitted = fit(
            net,
            batches,
            rng=np.random.default_rng(seed),
            epochs=epochs,
            optimizer=OPTIMIZERS[optimizer](rate),
            schedule=_schedule(schedule, rate, epochs, len(batches)),
            loss=LOSS,
            logits=SCORES,
            clip=clip,
            validation=TextBatches(file, validation, 10, 200, shuffled=False),
            patience=patience,
            carry=carry,
            average=average,
            checkpoint=checkpoint,
            checkpoint_every=None if checkpoint is None else KEPT_EVERY,
            resume=resume,
            observers=[curve],
        )
        settings = {
            "kind": kind,
            "layers": layers,
            "cells": cells,
            "embedding": embedding,
            "dropout": dropout or None,
            "steps": steps,
            "batch": batch,
            "epochs": epochs,
            "optimizer": optimizer,
            "rate": rate,
            "schedule": schedule,
            "clip": clip,
            "average": average,
            "patience": patience,
            "seed": seed,
        }
        return _write_tested(plain, fitted, curve, file, out, settings, checkpoint, resume, spec)


def train_again(
    spec: ModelSpec, out: Path, seed: int, *, film: Path | None, data: Path | None, **settings: Any
) -> Path:
    """Train a bundled net on the text that is called as it is, and write it to `out` with its card beside it.

    data: the folder with NAME.txt (default: data/text in $MINITORCH_VIZ_HOME). settings: those of `train_letters`.
    Raises SettingError for a film, and as `train_letters` does.
    """
    if film is not None:
        raise SettingError(NO_FILM)
    text = Path(f"{spec.name}.txt") if data is None else data / f"{spec.name}.txt"
    return train_letters(text, out, seed, spec=spec, **settings)


class Curve(Observer):
    """Keep what each epoch came to and after how many seconds of training; of a resumed run those after the stop."""

    def __init__(self) -> None:
        self.points: list[tuple[int, float, float]] = []  # (epoch, seconds, nats on the validation part)

    def epoch(self, run: Run, state: State) -> None:  # noqa: ARG002 (every observer has this signature)
        line = state.history[-1]
        self.points.append((line.epoch, round(state.seconds, 1), round(line.held_out_loss or math.nan, 4)))


def _schedule(name: ScheduleName, rate: float, epochs: int, steps: int) -> Schedule:
    """Return how the rate goes over so many epochs of so many steps."""
    if name == "cosine":
        return Cosine(rate, epochs * steps)
    if name == "onecycle":
        return OneCycle(rate, max(2, epochs * steps))
    return StepDecay(rate, steps, DECAY) if name == "decay" else Constant(rate)


def nats(net: Net, text: TextFile, part: tuple[int, int]) -> Scores:
    """Measure a net on a part of a text, from its first character to its last, the state carried: nats a character."""
    carried, carry = carrying(net)
    return evaluate(carried, TextBatches(text, part, 1, 1000, shuffled=False), loss=LOSS, logits=SCORES, carry=carry)


def counting(text: TextFile, n: int = GRAM) -> float | None:
    """Return the nats a character of an n-gram model on the test part; None for a text too long or short to count."""
    (start, stop), _, test = text.parts()
    if not n < stop - start <= MOST_COUNTED:
        return None
    model = NGram.of(np.concatenate([*text.codes(start, stop)]), n, len(text.letters))
    return float(model.nats(np.concatenate([*text.codes(*test)])).mean())


def _write_tested(
    plain: Net,
    fitted: Fitted,
    curve: Curve,
    text: TextFile,
    out: Path,
    settings: dict[str, Any],
    checkpoint: Path | None,
    resume: bool,
    spec: ModelSpec | None,
) -> Path:
    """Test the net that training has come to, and write it with its card."""
    stem = text.path.stem or "letters"
    name = spec.name if spec else f"own {stem}" if stem in specs() else stem
    given = {key: value for key, value in settings.items() if value is not None}
    if spec is None:
        words = " ".join(f"--{key} {value}" for key, value in given.items())
        command = f"minitorch-viz train letters --text {shlex.quote(text.path.name)} {words}"
    else:
        command = f"minitorch-viz train {spec.name} --seed {settings['seed']}"
    card = {
        "name": name,
        "data": f"{text.path.name}: {text.length} characters, SHA-256 {text.digest}; 80 % for training, 10 % to choose "
        "the epoch, the last 10 % for testing",
        "command": command,
        "seed": settings["seed"],
        "licence": spec.licence if spec else "that of its text's owner",
    }
    if spec is not None:
        card["settings"] = {key: value for key, value in given.items() if key != "seed"}
    net = as_written(plain.with_params(fitted.net.params))
    unfinished = UnfinishedWeights(out, text.alphabet(), (), card, checkpoint, resume)
    try:
        if fitted.stopped == "interrupted":
            raise KeyboardInterrupt
        test = nats(net, text, text.parts()[2])
    except KeyboardInterrupt:
        raise KeyboardInterrupt(unfinished.keep(fitted, net, settings["epochs"])) from None
    best = min((line for line in fitted.history), key=lambda line: line.held_out_loss or math.inf)
    print(
        f"{name}: {test.loss:.4f} nats a character on the test part ({test.score or 0:.1%} right), "
        f"{best.held_out_loss:.4f} on the validation part at epoch {best.epoch}, trained in {fitted.seconds:.0f} s"
    )
    counted = counting(text)
    if counted is not None:
        print(f"Counting alone, a {GRAM}-gram model with Kneser-Ney smoothing: {counted:.4f}")
    facts = {
        **card,
        "epochs": len(fitted.history),
        "best_epoch": best.epoch,
        "training_nats": round(best.loss, 4),
        "validation_nats": round(best.held_out_loss or math.nan, 4),
        "test_nats": round(test.loss, 4),
        **({} if counted is None else {f"test_nats_of_a_{GRAM}_gram": round(counted, 4)}),
        "seconds": round(fitted.seconds, 1),
        "curve": curve.points,  # of the epochs: number, seconds, validation nats
    }
    return save_with_card(net, out, text.alphabet(), class_names=(), card=facts)
