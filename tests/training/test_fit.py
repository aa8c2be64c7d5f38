"""The loop: it learns, repeats itself bit for bit, keeps the best, stops in time, and refuses what does not fit."""

from __future__ import annotations

import io
import os
import re
import sys

import numpy as np
import pytest

from minitorch_viz import Net
from minitorch_viz.data.batches import ArrayBatches, shifted
from minitorch_viz.errors import MinitorchVizError, NetError, SettingError, ShapeError
from minitorch_viz.layers import BatchNorm2d, Conv2d, Flatten, Linear, ReLU
from minitorch_viz.training import (
    SGD,
    Adam,
    AdamW,
    BinaryCrossEntropy,
    Constant,
    MeanSquaredError,
    Observer,
    OneCycle,
    SoftmaxCrossEntropy,
    accuracy,
    evaluate,
    fit,
)
from minitorch_viz.training.observer import ProgressBar, Run, Step
from minitorch_viz.training.state import Epoch, State
from tests.training.training_cases import assert_same_bits, bars, net_with_everything, small_net


def trained(net: Net | None = None, count: int = 100, seed: int = 3, **settings):
    settings = {"epochs": 2, "progress": False} | settings
    return fit(net or small_net(), *bars(count), rng=np.random.default_rng(seed), **settings)


def test_it_learns_bars() -> None:
    fitted = trained(count=400, epochs=25, optimizer=Adam(1e-2))
    images, labels = bars(400, seed=2)
    assert accuracy(small_net(), images, labels) < 0.7
    assert accuracy(fitted.net, images, labels) > 0.97
    losses = [line.loss for line in fitted.history]
    assert losses[-1] < losses[0] / 5
    assert (fitted.steps, fitted.stopped, len(losses)) == (25 * 7, "finished", 25)


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": SGD(0.05, momentum=0.9, nesterov=True), "clip": 1.0},
        {"optimizer": AdamW(1e-2), "loss": SoftmaxCrossEntropy(0.1)},
        {"optimizer": Adam(), "schedule": OneCycle(2e-2, 25 * 7)},
        {"net": net_with_everything(), "optimizer": Adam(1e-2)},
    ],
    ids=["nesterov, clipped", "adamw, smoothed labels", "one cycle", "batch norm and dropout"],
)
def test_it_learns_bars_every_way(settings) -> None:
    fitted = trained(count=400, epochs=25, **settings)
    assert accuracy(fitted.net, *bars(400, seed=2)) > 0.97


def test_the_same_seed_gives_the_same_bits() -> None:
    one, two, other = (
        trained(net_with_everything(), seed=seed, augment=1, clip=2.0, optimizer=AdamW(1e-2)).net for seed in (3, 3, 4)
    )
    assert_same_bits(one, two)
    assert not np.array_equal(other.params["fc.weight"], one.params["fc.weight"])


def test_the_given_net_stays_as_it_was() -> None:
    net = net_with_everything()
    before = {name: value.copy() for name, value in net.state.items()}
    for value in net.state.values():
        value.flags.writeable = False
    trained(net)
    for name, value in net.state.items():
        np.testing.assert_array_equal(value, before[name])


def test_running_statistics_come_from_the_batches() -> None:
    """After one step from mean 0 and variance 1 they are momentum of the way to the batch's."""
    net = net_with_everything()
    images, labels = bars(32)
    fitted = fit(net, images, labels, rng=np.random.default_rng(0), epochs=1, batch=32, progress=False)
    maps = net.predict(images, upto="conv")
    norm = fitted.net["norm"].layer
    assert isinstance(norm, BatchNorm2d)
    np.testing.assert_allclose(norm.running_mean, 0.1 * maps.mean(axis=(0, 2, 3)), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(norm.running_var, 0.9 + 0.1 * maps.var(axis=(0, 2, 3), ddof=1), rtol=1e-4)


def test_no_gradient_of_the_images_is_computed() -> None:
    """It is the costliest of all, and nobody asks for it."""

    class First(Conv2d):
        def backward(self, dy, saved):  # noqa: ARG002 (never called)
            raise AssertionError("the gradient of the images was computed")

    net = net_with_everything()
    conv = net["conv"].layer
    net = net.with_layers({"conv": First(conv.weight, conv.bias)})
    assert_same_bits(trained(net, augment=1).net, trained(net_with_everything(), augment=1).net)


def test_float64_stays_float64() -> None:
    images, labels = bars(50)
    net = small_net().astype(np.float64)
    fitted = fit(net, images.astype(np.float64), labels, rng=np.random.default_rng(0), epochs=1, progress=False)
    assert {value.dtype for value in fitted.net.params.values()} == {np.dtype(np.float64)}


def test_several_labels_at_once_and_numbers() -> None:
    images, labels = bars(200)
    both = np.stack([labels, 1 - labels], axis=1)
    fitted = fit(
        small_net(), images, both, rng=np.random.default_rng(0), epochs=60, batch=32, optimizer=Adam(1e-2),
        loss=BinaryCrossEntropy(), progress=False,
    )  # fmt: skip
    assert evaluate(fitted.net, images, both, loss=BinaryCrossEntropy()).score > 0.97
    net = Net([("flat", Flatten()), ("fc", Linear.random(np.random.default_rng(0), 36, 1))])
    images = np.random.default_rng(1).standard_normal((200, 1, 6, 6)).astype(np.float32)
    sums = images.sum(axis=(1, 2, 3))[:, None]
    fitted = fit(
        net, images, sums, rng=np.random.default_rng(0), epochs=300, optimizer=Adam(3e-2), loss=MeanSquaredError(),
        validation=(images, sums), progress=False,
    )  # fmt: skip
    np.testing.assert_allclose(fitted.net.params["fc.weight"], 1, atol=0.02)
    assert fitted.history[-1].score is None


def test_batches_may_come_from_a_function_or_a_list() -> None:
    images, labels = bars(100)
    from_arrays = trained().net
    arrays = ArrayBatches(images, labels, 64)

    def batches(rng):
        order = np.arange(100) if rng is None else rng.permutation(100)
        for start in range(0, 100, 64):
            yield images[order[start : start + 64]], labels[order[start : start + 64]]

    common = {"epochs": 2, "progress": False}
    assert_same_bits(fit(small_net(), arrays, rng=np.random.default_rng(3), **common).net, from_arrays)
    # A function without a length has a constant rate; with the same schedule the bits are the same too.
    constant = trained(schedule=Constant(1e-3), validation=bars(50, 2))
    fitted = fit(small_net(), batches, rng=np.random.default_rng(3), validation=[bars(50, 2)], **common)
    assert_same_bits(fitted.net, constant.net)
    assert fitted.history == constant.history
    fit(small_net(), list(batches(None)), rng=np.random.default_rng(3), **common)


def test_the_best_net_is_kept_and_training_stops_when_nothing_gets_better() -> None:
    """With labels by chance there is nothing to learn but the training images by heart."""
    rng = np.random.default_rng(0)
    images, other = (rng.standard_normal((40, 1, 6, 6)).astype(np.float32) for _ in "ab")
    labels, others = rng.integers(0, 2, (2, 40))
    settings = {"epochs": 60, "batch": 40, "optimizer": Adam(2e-2), "validation": (other, others), "progress": False}
    fitted = fit(small_net(), images, labels, rng=np.random.default_rng(0), patience=5, **settings)
    losses = [line.held_out_loss for line in fitted.history]
    assert fitted.stopped == "no improvement"
    assert len(losses) == int(np.argmin(losses)) + 1 + 5
    assert evaluate(fitted.net, other, others).loss == pytest.approx(min(losses))
    assert evaluate(fitted.last, other, others).loss == pytest.approx(losses[-1])
    last = fit(small_net(), images, labels, rng=np.random.default_rng(0), patience=5, keep="last", **settings)
    assert_same_bits(last.net, fitted.last)


class Watcher(Observer):
    def __init__(self) -> None:
        self.seen: list[str] = []

    def begin(self, run, state) -> None:
        self.seen.append(f"begin {state.step} of {run.steps}")

    def step(self, run, step) -> None:
        self.seen.append(f"step {step.state.step}")
        assert set(step.grads) == set(step.before.params)
        if self.seen.count("step 3") and run.epochs == 99:
            raise KeyboardInterrupt

    def epoch(self, _run, state) -> None:
        self.seen.append(f"epoch {state.epoch}")

    def end(self, _run, _state, why) -> None:
        self.seen.append(f"end {why}")


def test_observers_see_everything_and_change_nothing() -> None:
    watcher = Watcher()
    assert_same_bits(trained(observers=[watcher]).net, trained().net)
    assert watcher.seen == [
        "begin 0 of 4", "step 1", "step 2", "epoch 1", "step 3", "step 4", "epoch 2", "end finished",
    ]  # fmt: skip


def test_ctrl_c_returns_what_there_is() -> None:
    watcher = Watcher()
    fitted = trained(observers=[watcher], epochs=99)
    assert (fitted.stopped, fitted.steps, len(fitted.history)) == ("interrupted", 3, 1)
    assert watcher.seen[-1] == "end interrupted"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return 2


def test_the_progress_bar_says_the_loss_in_80_columns(monkeypatch) -> None:
    """The widest case: a long run, hours to go, a large loss."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(os, "get_terminal_size", lambda *_: os.terminal_size((80, 24)))
    trained(progress=True, validation=bars(20, 5))
    frames = terminal.getvalue().split("\r")
    assert "4/4" in frames[-1]
    assert re.search(r"loss \d\.\d{3}, held out \d\.\d{3} \(accuracy \d+\.\d%\)\]", frames[-1])
    bar = ProgressBar()
    run = Run(SoftmaxCrossEntropy(), "fc", 30, 99_000, {})
    line = Epoch(1, 50_000, 12.3, 1.0, 0.1, 12.345, 1.0)
    state = State(small_net(), None, 50_000, 0, {}, {}, history=(line,), seconds=1.0)
    bar.begin(run, state)
    bar._bar.start_t -= 0.6  # so nine hours are to go
    bar.step(run, Step(state.net, state, 12.345, 1.0, 0.1, {}))
    bar.end(run, state, "finished")
    frames = re.split(r"[\r\n]", terminal.getvalue())
    assert max(map(len, frames)) <= 80
    assert any("held out 12.345 (accuracy 100.0%)]" in frame and "50001/99000" in frame for frame in frames)


def test_where_there_is_no_terminal_there_is_no_bar(capsys) -> None:
    trained(progress=True, validation=bars(20, 5))
    assert capsys.readouterr() == ("", "")


def test_shifts_move_each_image_by_its_own_way(rng) -> None:
    images = rng.standard_normal((50, 1, 5, 5))
    moved = shifted(images, 1, rng)
    ways = {(y, x) for y in (0, 1, 2) for x in (0, 1, 2)}
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    found = set()
    for image, one in zip(padded, moved, strict=True):
        found |= {(y, x) for y, x in ways if np.array_equal(image[:, y : y + 5, x : x + 5], one)}
    assert found == ways
    assert shifted(images, 0, rng) is images


IMAGES, LABELS = bars(8)
NOTHING = Net([("relu", ReLU())])
BAD = {
    "net is a layer": ({"net": ReLU()}, SettingError, "trains a Net"),
    "a net without parameters": ({"net": NOTHING, "images": np.ones((8, 2), np.float32)}, ShapeError, "params.*one"),
    "images is a list of numbers": ({"images": [1, 2]}, ShapeError, "images must be an array.*list"),
    "images is None": ({"images": None}, ShapeError, "NoneType"),
    "images have one axis": ({"images": IMAGES[:, 0, 0, 0]}, ShapeError, r"\(8,\)"),
    "images have no channels": ({"images": IMAGES[:, 0]}, ShapeError, r"node 'conv'.*\(1, 6, 6\)"),
    "no images": ({"images": IMAGES[:0], "labels": LABELS[:0]}, ShapeError, r"at least one.*\(0, 1, 6, 6\)"),
    "integer images": ({"images": IMAGES.astype(np.int64)}, ShapeError, "int64"),
    "images of another size": ({"images": IMAGES[:, :, :5]}, ShapeError, "node 'fc'"),
    "two channels": ({"images": IMAGES.repeat(2, axis=1)}, ShapeError, "node 'conv'"),
    "no labels": ({"labels": None}, ShapeError, "labels are needed"),
    "labels is a list": ({"labels": list(LABELS)}, ShapeError, "labels must be an array"),
    "too few labels": ({"labels": LABELS[:3]}, ShapeError, r"8 in all.*\(3,\)"),
    "labels are floats": ({"labels": LABELS.astype(float)}, ShapeError, "float64"),
    "one-hot whole numbers": ({"labels": np.eye(2, dtype=int)[LABELS]}, ShapeError, r"\(8, 2\)"),
    "label out of range": ({"labels": LABELS + 1}, SettingError, "from 0 to 1"),
    "negative label": ({"labels": LABELS - 1}, SettingError, "-1"),
    "no epochs": ({"epochs": 0}, SettingError, "epochs.*0"),
    "half an epoch": ({"epochs": 0.5}, SettingError, "epochs.*0.5"),
    "batch of zero": ({"batch": 0}, SettingError, "batch.*0"),
    "negative augment": ({"augment": -1}, SettingError, "augment.*-1"),
    "a seed for rng": ({"rng": 0}, SettingError, "Generator, but got 0"),
    "unknown logits": ({"logits": "fd"}, NetError, "fd"),
    "optimizer is a text": ({"optimizer": "adam"}, SettingError, "Adam.*'adam'"),
    "optimizer is a class": ({"optimizer": Adam}, SettingError, "optimizer must be an Optimizer"),
    "schedule is a number": ({"schedule": 0.1}, SettingError, "schedule.*0.1"),
    "a schedule that gives nan": ({"schedule": lambda step: float("nan")}, SettingError, "rate of a step.*nan"),
    "loss is a function": ({"loss": abs}, SettingError, "loss must be a Loss"),
    "clip of 0": ({"clip": 0}, SettingError, "above 0"),
    "keep something": ({"keep": "first"}, SettingError, "'first'"),
    "patience without validation": ({"patience": 3}, SettingError, "validation data are needed"),
    "patience of 0": ({"patience": 0, "validation": (IMAGES, LABELS)}, SettingError, "patience.*0"),
    "validation labels out of range": ({"validation": (IMAGES, LABELS + 7)}, SettingError, "0 to 1"),
    "validation is a number": ({"validation": 3}, ShapeError, "validation.*3"),
    "validation is a generator": ({"validation": iter([(IMAGES, LABELS)])}, SettingError, "only once"),
    "batches that come once": ({"images": iter([(IMAGES, LABELS)]), "labels": None}, SettingError, "only once"),
    "batches that are no pairs": ({"images": [IMAGES], "labels": None}, ShapeError, "pair"),
    "no batches": ({"images": [], "labels": None}, ShapeError, "no batch"),
    "augment of batches": ({"images": [(IMAGES, LABELS)], "labels": None, "augment": 1}, SettingError, "augment"),
    "observer is a function": ({"observers": [print]}, SettingError, "observers"),
    "resume without a file": ({"resume": True}, SettingError, "checkpoint"),
    "checkpoint in no folder": ({"checkpoint": "nowhere/run.ckpt"}, MinitorchVizError, "nowhere"),
}


@pytest.mark.parametrize(("settings", "kind", "message"), BAD.values(), ids=list(BAD))
def test_bad_input_is_told_in_a_sentence(settings, kind, message) -> None:
    good = {"net": small_net(), "images": IMAGES, "labels": LABELS, "rng": np.random.default_rng(0), "epochs": 1}
    with pytest.raises(MinitorchVizError, match=message) as caught:
        fit(**(good | {"progress": False} | settings))
    assert isinstance(caught.value, kind)


BAD_EVALUATION = {
    "no labels": (lambda: evaluate(small_net(), IMAGES), "labels are needed"),
    "too few labels": (lambda: evaluate(small_net(), IMAGES, LABELS[:2]), r"\(2,\)"),
    "labels out of range": (lambda: evaluate(small_net(), IMAGES, LABELS + 5), "0 to 1"),
    "batch of 0": (lambda: evaluate(small_net(), IMAGES, LABELS, batch=0), "batch.*0"),
    "no batches": (lambda: evaluate(small_net(), []), "no batch"),
    "images are None": (lambda: evaluate(small_net(), None), "None"),
    "images are a text": (lambda: evaluate(small_net(), "images"), "images"),
    "batches of three": (lambda: evaluate(small_net(), [(IMAGES, LABELS, LABELS)]), "pair"),
    "batches without targets": (lambda: evaluate(small_net(), [(IMAGES, None)]), "pair"),
    "unknown logits": (lambda: evaluate(small_net(), IMAGES, LABELS, logits="logits"), "'logits'"),
    "loss is a text": (lambda: evaluate(small_net(), IMAGES, LABELS, loss="mse"), "'mse'"),
    "another loss's labels": (lambda: evaluate(small_net(), IMAGES, LABELS, loss=MeanSquaredError()), r"\(8, 2\)"),
    "images that are nan": (lambda: evaluate(small_net(), IMAGES * np.nan, LABELS), "data are not finite"),
    "accuracy without labels": (lambda: accuracy(small_net(), IMAGES, None), "NoneType"),
    "accuracy of too few": (lambda: accuracy(small_net(), IMAGES, LABELS[:2]), r"\(2,\)"),
    "accuracy of nothing": (lambda: accuracy(small_net(), IMAGES[:0], LABELS[:0]), "0 images"),
    "accuracy, batch of 0": (lambda: accuracy(small_net(), IMAGES, LABELS, batch=0), "batch.*0"),
}


@pytest.mark.parametrize(("call", "message"), BAD_EVALUATION.values(), ids=list(BAD_EVALUATION))
def test_bad_evaluations_are_told_in_a_sentence(call, message) -> None:
    with pytest.raises(MinitorchVizError, match=message):
        call()
