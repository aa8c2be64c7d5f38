"""Checkpoints: resuming gives the unbroken run's bits, kill -9 loses nothing, and other files are refused."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import minitorch_viz_kernels as kernels
from minitorch_viz.errors import MinitorchVizError, SettingError, WeightsFileError
from minitorch_viz.io.safetensors_ import read_safetensors_and_metadata, save_safetensors
from minitorch_viz.training import SGD, Adam, AdamW, Checkpoints, Observer, RMSProp, SoftmaxCrossEntropy, fit
from minitorch_viz.training.checkpoint import KEY
from minitorch_viz.training.state import generator_from, generator_state, second_generator
from tests.training.training_cases import assert_same_bits, bars, net_with_everything, small_net

ROOT = Path(__file__).parents[2]


class StopAt(Observer):
    """Ctrl-C after so many steps."""

    def __init__(self, step: int) -> None:
        self.at = step

    def step(self, _run, step) -> None:
        if step.state.step == self.at:
            raise KeyboardInterrupt


def run(path=None, stop=None, seed=3, bits=np.random.PCG64, net=None, **settings):
    """4 epochs of 4 steps, with everything random that there is."""
    settings = {"epochs": 4, "batch": 16, "optimizer": AdamW(1e-2), "augment": 1, "clip": 1.0} | settings
    settings = {"validation": bars(30, 2), "progress": False, "checkpoint": path} | settings
    observers = [StopAt(stop)] if stop else []
    rng = np.random.Generator(bits(seed))
    return fit(net or net_with_everything(), *bars(60), rng=rng, observers=observers, **settings)


@pytest.mark.parametrize("stop", [1, 3, 4, 5, 11, 16])
def test_resumed_is_unbroken_bit_for_bit(tmp_path, stop: int) -> None:
    path = tmp_path / "run.ckpt"
    whole = run()
    broken = run(path, stop)
    assert (broken.stopped, broken.steps) == ("interrupted", stop)
    resumed = run(path, resume=True)
    assert (resumed.stopped, resumed.steps) == ("finished", 16)
    assert_same_bits(resumed.net, whole.net)
    assert_same_bits(resumed.last, whole.last)
    assert resumed.history == whole.history


@pytest.mark.parametrize("bits", [np.random.MT19937, np.random.Philox, np.random.SFC64, np.random.PCG64DXSM])
@pytest.mark.parametrize("optimizer", [SGD(0.1, 0.9, nesterov=True), RMSProp(momentum=0.5), Adam()], ids=repr)
def test_every_generator_and_optimizer_resumes(tmp_path, bits, optimizer) -> None:
    path = tmp_path / "run.ckpt"
    whole = run(bits=bits, optimizer=optimizer)
    for stop in (2, 6, 7):
        run(path, stop, bits=bits, optimizer=optimizer, resume=True)
    assert_same_bits(run(path, bits=bits, optimizer=optimizer, resume=True).last, whole.last)


def test_what_the_generator_gives_after_training_is_the_same_too(tmp_path) -> None:
    draws = []
    for stop in (None, 7):
        path = tmp_path / f"{stop}.ckpt"
        if stop:
            run(path, stop)
        rng = np.random.default_rng(3)
        fit(
            net_with_everything(), *bars(60), rng=rng, epochs=4, batch=16, optimizer=AdamW(1e-2), augment=1, clip=1.0,
            validation=bars(30, 2), progress=False, checkpoint=path, resume=True,
        )  # fmt: skip
        draws.append(rng.random(3).tolist())
    assert draws[0] == draws[1]


def test_batches_from_a_function_resume_too(tmp_path) -> None:
    images, labels = bars(60)

    def batches(rng):
        for _ in range(4):
            some = rng.integers(0, 60, 16)
            yield images[some] + rng.normal(0, 0.1, (16, 1, 6, 6)).astype(np.float32), labels[some]

    def one(path=None, stop=None):
        observers = [StopAt(stop)] if stop else []
        return fit(
            net_with_everything(), batches, rng=np.random.default_rng(0), epochs=3, checkpoint=path,
            resume=path is not None, observers=observers, progress=False,
        )  # fmt: skip

    one(tmp_path / "run.ckpt", 6)
    assert_same_bits(one(tmp_path / "run.ckpt").net, one().net)


def test_a_finished_run_has_nothing_left_to_do_and_can_be_prolonged(tmp_path) -> None:
    from minitorch_viz.training import Constant

    path, common = tmp_path / "run.ckpt", {"schedule": Constant(1e-2)}
    short = run(path, epochs=2, **common)
    before = path.read_bytes()
    again = run(path, epochs=2, resume=True, **common)
    assert path.read_bytes() == before
    assert_same_bits(again.net, short.net)
    assert_same_bits(run(path, resume=True, **common).last, run(**common).last)


def test_without_resume_it_starts_again(tmp_path) -> None:
    path = tmp_path / "run.ckpt"
    run(path, 7)
    assert run(path, 2).steps == 2


def test_patience_remembers_across_a_break(tmp_path) -> None:
    path = tmp_path / "run.ckpt"
    settings = {"patience": 2, "epochs": 40, "optimizer": SGD(0.5)}
    whole = run(**settings)
    assert whole.stopped == "no improvement"
    run(path, whole.steps - 3, **settings)
    resumed = run(path, resume=True, **settings)
    assert resumed.history == whole.history
    assert_same_bits(resumed.net, whole.net)


def test_checkpoints_every_so_many_steps(tmp_path) -> None:
    path, steps = tmp_path / "run.ckpt", []

    class Look(Observer):
        def step(self, _run, _step) -> None:
            steps.append(json.loads(read_safetensors_and_metadata(path)[1][KEY])["step"])

    fit(
        small_net(), *bars(60), rng=np.random.default_rng(0), epochs=2, batch=10, checkpoint=path, checkpoint_every=5,
        observers=[Look()], progress=False,
    )  # fmt: skip
    assert steps == [0, 0, 0, 0, 5, 5, 6, 6, 6, 10, 10, 10]  # also at the end of the epoch, after step 6


def test_what_a_killed_run_left_is_removed(tmp_path) -> None:
    left, other = tmp_path / ".run.ckpt.0123456789ab.tmp", tmp_path / ".mine.ckpt.0123456789ab.tmp"
    left.write_bytes(b"half")
    other.write_bytes(b"another's")
    run(tmp_path / "run.ckpt", 1)
    assert not left.exists()
    assert other.exists()


def environment() -> dict[str, str]:
    threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # no threads in a process that forks
    same = {"MINITORCH_VIZ_KERNELS": kernels.current()}  # the other process is to compute the same bits
    return os.environ | threads | same | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "kernels")])}


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and kill -9, which this system does not have")
def test_a_hundred_kills_while_writing(tmp_path) -> None:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("kill_saving.py")), str(tmp_path / "run.ckpt"), "100"],
        capture_output=True, text=True, check=False, env=environment(), timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    kills, cut, written = map(int, re.findall(r"\d+", done.stdout))
    assert kills == 100
    assert cut >= 10, "hardly any kill came in the middle of a write, so this proves little"
    assert written > 100


TRAINING = """
import sys, numpy as np
sys.path.insert(0, {root!r})
from tests.training.test_checkpoint import run
run({path!r}, resume=True, checkpoint_every=1, epochs=40)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs kill -9, which this system does not have")
def test_training_that_is_killed_again_and_again_arrives_at_the_same_bits(tmp_path) -> None:
    path = tmp_path / "run.ckpt"
    code = TRAINING.format(root=str(ROOT), path=str(path))
    kills = 0
    for lives in (0.0, 0.15, 0.3, 60):  # seconds after its first checkpoint
        process = subprocess.Popen([sys.executable, "-c", code], env=os.environ | environment())
        before = path.stat().st_mtime_ns if path.exists() else 0
        while process.poll() is None and (not path.exists() or path.stat().st_mtime_ns == before):
            time.sleep(0.005)
        try:
            process.wait(lives)
        except subprocess.TimeoutExpired:
            process.kill()
            kills += 1
        process.wait()
    assert kills >= 2
    assert process.returncode == 0
    whole = run(epochs=40)
    resumed = run(path, epochs=40, resume=True)
    assert_same_bits(resumed.net, whole.net)
    assert resumed.history == whole.history


def test_generators_survive_json() -> None:
    for kind in (np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64):
        rng = np.random.Generator(kind(5))
        rng.random(3)
        other = generator_from(generator_state(rng))
        assert rng.random(4).tolist() == other.random(4).tolist()
        second_generator(rng)
        assert rng.random(4).tolist() == other.random(4).tolist()
        assert second_generator(rng).random() != rng.random()


@pytest.fixture
def good(tmp_path) -> Path:
    run(tmp_path / "run.ckpt", 5)
    return tmp_path / "run.ckpt"


OTHER = {
    "another optimizer": ({"optimizer": Adam(1e-2)}, "its optimizer was AdamW.*here it is Adam"),
    "another rate": ({"optimizer": AdamW(1e-3)}, "optimizer.*0.01.*0.001"),
    "another loss": ({"loss": SoftmaxCrossEntropy(0.1)}, "its loss was"),
    "another batch": ({"batch": 20}, "its data.*batch 16.*batch 20"),
    "another augmentation": ({"augment": 0}, "augment 1.*augment 0"),
    "another net": ({"net": small_net()}, "its net was"),
    "other clipping": ({"clip": None}, "its clip was 1.0.*None"),
    "another schedule": ({"schedule": abs}, "its schedule was Cosine.*a function of your own"),
    "another number of epochs under a cosine": ({"epochs": 5}, "its schedule was.*steps=16.*steps=20"),
    "another kind of generator": ({"bits": np.random.Philox}, "its generator was PCG64.*Philox"),
}


@pytest.mark.parametrize(("settings", "message"), OTHER.values(), ids=list(OTHER))
def test_a_checkpoint_of_another_run_is_refused(good: Path, settings, message) -> None:
    before = good.read_bytes()
    with pytest.raises(SettingError, match=message):
        run(good, resume=True, **settings)
    assert good.read_bytes() == before


def test_a_checkpoint_on_other_data_is_refused(good: Path) -> None:
    images, labels = bars(60)
    images = images.copy()
    images[59, 0, 0, 0] += 1e-3
    common = {"epochs": 4, "batch": 16, "optimizer": AdamW(1e-2), "augment": 1, "clip": 1.0, "progress": False}
    with pytest.raises(SettingError, match=r"its data was.*checksums"):
        fit(net_with_everything(), images, labels, rng=np.random.default_rng(3), checkpoint=good, resume=True, **common)


def change(path: Path, arrays=None, **fields) -> None:
    """Rewrite a checkpoint with something else in it; ... as a value removes the entry."""
    tensors, metadata = read_safetensors_and_metadata(path)
    header = json.loads(metadata[KEY]) | fields
    header = {key: value for key, value in header.items() if value is not ...}
    tensors = {key: value for key, value in (tensors | (arrays or {})).items() if value is not ...}
    save_safetensors(path, tensors, {KEY: json.dumps(header)})


DAMAGED = {
    "empty": (lambda path: path.write_bytes(b""), "0 bytes"),
    "text": (lambda path: path.write_text("a checkpoint, honestly"), "safetensors"),
    "cut off": (lambda path: path.write_bytes(path.read_bytes()[:-9]), "cut off"),
    "cut off in the header": (lambda path: path.write_bytes(path.read_bytes()[:99]), "cut off|header"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "folder"),
    "only weights": (lambda path: save_safetensors(path, {"a": np.ones(2)}), "no training state"),
    "no JSON": (lambda path: save_safetensors(path, {"a": np.ones(2)}, {KEY: "{"}), "JSON"),
    "a JSON list": (lambda path: save_safetensors(path, {"a": np.ones(2)}, {KEY: "[]"}), "JSON object"),
    "another version": (lambda path: change(path, version=99), "version 99"),
    "no settings": (lambda path: change(path, settings=...), "damaged.*settings"),
    "settings are a number": (lambda path: change(path, settings=3), "damaged"),
    "no step": (lambda path: change(path, step=...), "damaged.*step"),
    "the step is a text": (lambda path: change(path, step="many"), "damaged.*many"),
    "a history of other lines": (lambda path: change(path, history=[[1]]), "damaged"),
    "no generator": (lambda path: change(path, data_rng=...), "damaged"),
    "an unknown generator": (lambda path: change(path, net_rng={"bit_generator": "Dice"}), "Dice"),
    "a generator without a state": (lambda path: change(path, data_rng={"bit_generator": "PCG64"}), "no state"),
    "a weight is missing": (lambda path: change(path, {"net/fc.bias": ...}), "damaged.*net/fc.bias"),
    "a weight of another shape": (lambda path: change(path, {"net/fc.bias": np.ones(3, np.float32)}), r"\(3,\)"),
    "a weight of another dtype": (lambda path: change(path, {"net/fc.bias": np.ones(2)}), "float64"),
    "a mean is missing": (lambda path: change(path, {"optimizer/mean/fc.bias": ...}), "optimizer/mean/fc.bias"),
    "half of the best net": (lambda path: change(path, {"best/fc.bias": ...}), "best/fc.bias"),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGED.values(), ids=list(DAMAGED))
def test_damaged_files_are_told_in_a_sentence(good: Path, damage, message) -> None:
    damage(good)
    with pytest.raises(MinitorchVizError, match=message) as caught:
        run(good, resume=True)
    assert isinstance(caught.value, (WeightsFileError, SettingError))


def test_bad_arguments() -> None:
    for path in (None, 3, "", b"run.ckpt", "a\0b"):
        with pytest.raises(WeightsFileError):
            Checkpoints(path)
    for every in (0, -1, 2.5, "5", True):
        with pytest.raises(SettingError, match="steps between checkpoints"):
            Checkpoints("run.ckpt", every)
