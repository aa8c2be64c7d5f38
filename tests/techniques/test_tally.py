"""Tallies over pictures: the same bits by any way, nothing lost, broken pictures named and left out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import minitorch_viz_kernels as kernels
from minitorch_viz import load_model
from minitorch_viz.data.pictures import FilePictures, Pictures, ScenePictures, as_pictures
from minitorch_viz.errors import NetError, SettingError, WeightsFileError
from minitorch_viz.techniques import tally
from minitorch_viz.techniques.tally import Tallied, Tally, tallied

ROOT = Path(__file__).parents[2]


@dataclass
class Sums(Tally):
    """The sum of each channel over all pictures and places, in the order of the pictures, in float32: order shows."""

    node: str
    arrays: dict = field(default_factory=dict)

    @property
    def upto(self) -> tuple[str, ...]:
        return (self.node,)

    def see(self, tape, numbers) -> None:
        maps = tape[self.node]
        total = self.arrays.get("total", np.zeros(maps.shape[1], np.float32))
        for image in maps.reshape(*maps.shape[:2], -1):
            total = total + image.sum(axis=1)
        self.arrays = {"total": total, "count": self.arrays.get("count", np.zeros(1, np.int64)) + len(numbers)}

    def merge(self, other) -> None:
        if not self.arrays:
            self.arrays = dict(other.arrays)
        elif other.arrays:
            self.arrays = {name: self.arrays[name] + other.arrays[name] for name in self.arrays}

    def result(self):
        return self.arrays["total"]


@dataclass
class Best(Tally):
    """The picture with the largest mean of each channel; ties go to the lower number."""

    node: str
    arrays: dict = field(default_factory=dict)

    @property
    def upto(self) -> tuple[str, ...]:
        return (self.node,)

    def see(self, tape, numbers) -> None:
        means = tape[self.node].mean(axis=(2, 3))
        first = means.argmax(axis=0)
        self.merge(Best(self.node, {"value": means.max(axis=0), "number": numbers[first]}))

    def merge(self, other) -> None:
        if not self.arrays or not other.arrays:
            self.arrays = self.arrays or dict(other.arrays)
            return
        better = other.arrays["value"] > self.arrays["value"]
        self.arrays = {name: np.where(better, other.arrays[name], value) for name, value in self.arrays.items()}

    def result(self):
        return self.arrays["number"]


@pytest.fixture(scope="module")
def scenes_net():
    return load_model("scenes")


def run(model, pictures: Pictures, **settings) -> Tallied:
    *_, last = tallied(model, pictures, [Sums("relu3"), Best("relu5")], **settings)
    return last


def bits(last: Tallied) -> list[bytes]:
    return [value.tobytes() for tally in last.tallies for _, value in sorted(tally.arrays.items())]


PICTURES = ScenePictures(75, seed=3)


def test_equal_to_one_batch_by_hand(scenes_net) -> None:
    images = np.concatenate([scenes_net.preprocess(PICTURES[number]) for number in range(75)])
    tape = scenes_net.net.forward(images, upto=("relu3", "relu5"))
    last = run(scenes_net, PICTURES, batch=4)
    assert (last.done, last.total, last.skipped) == (75, 75, ())
    np.testing.assert_allclose(last.tallies[0].result(), tape["relu3"].sum(axis=(0, 2, 3)), rtol=1e-4)
    np.testing.assert_array_equal(last.tallies[1].result(), tape["relu5"].mean(axis=(2, 3)).argmax(axis=0))
    assert last.tallies[0].arrays["count"] == [75]


def test_it_is_a_loop_of_whole_results(scenes_net) -> None:
    seen = [
        (step.done, int(step.tallies[0].arrays["count"][0]))
        for step in tallied(scenes_net, PICTURES, [Sums("relu1")], batch=4)
    ]
    assert seen == [(16, 16), (32, 32), (48, 48), (64, 64), (75, 75)]


def test_stopped_and_continued_gives_the_same_bits(scenes_net, tmp_path) -> None:
    whole = run(scenes_net, PICTURES, batch=4)
    loop = tallied(scenes_net, PICTURES, [Sums("relu3"), Best("relu5")], batch=4, checkpoint=tmp_path / "run")
    assert next(loop).done == 16
    assert next(loop).done == 32
    loop.close()  # as Ctrl-C does
    steps = [*tallied(scenes_net, PICTURES, [Sums("relu3"), Best("relu5")], batch=4, checkpoint=tmp_path / "run")]
    assert [step.done for step in steps] == [48, 64, 75]
    assert bits(steps[-1]) == bits(whole)
    again = [*tallied(scenes_net, PICTURES, [Sums("relu3"), Best("relu5")], batch=4, checkpoint=tmp_path / "run")]
    assert [step.done for step in again] == [75]
    assert bits(again[-1]) == bits(whole)


@pytest.mark.slow
def test_any_number_of_workers_gives_the_same_bits(scenes_net) -> None:
    pytest.importorskip("joblib")
    whole = run(scenes_net, PICTURES, batch=4)
    for workers in (2, 3):
        last = run(scenes_net, PICTURES, batch=4, workers=workers)
        assert bits(last) == bits(whole)


def test_a_backend_that_gives_no_results_one_by_one(scenes_net) -> None:
    """Such as Ray's: shards are handed out in rounds."""
    joblib = pytest.importorskip("joblib")
    from joblib._parallel_backends import ThreadingBackend

    class Lists(ThreadingBackend):
        supports_return_generator = False

    whole = run(scenes_net, PICTURES, batch=1)
    with joblib.parallel_config(backend=Lists()):
        steps = [*tallied(scenes_net, PICTURES, [Sums("relu3"), Best("relu5")], batch=1, workers=2)]
    assert [step.done for step in steps] == [*range(4, 75, 4), 75]
    assert bits(steps[-1]) == bits(whole)


def test_the_number_of_threads_changes_no_bit(scenes_net) -> None:
    """Without Numba, too, where NumPy's own products depend on it: a worker has fewer threads than one process."""
    threadpoolctl = pytest.importorskip("threadpoolctl")
    listed = []
    for threads in (1, 2):
        with kernels.use("numpy"), threadpoolctl.threadpool_limits(threads, user_api="blas"):
            listed.append(bits(run(scenes_net, PICTURES)))
    assert listed[0] == listed[1]


def test_a_worker_that_is_done_lifts_no_limit_of_another() -> None:
    """The limit is the whole process's: of two workers that are threads, the first to leave must not lift it."""
    threadpoolctl = pytest.importorskip("threadpoolctl")

    def threads() -> set[int]:
        return {library["num_threads"] for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"}

    with kernels.use("numpy"), threadpoolctl.threadpool_limits(2, user_api="blas"):
        before = threads()
        first, second = tally._products_by_one_thread(), tally._products_by_one_thread()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert threads() == {1}
        second.__exit__(None, None, None)
        assert threads() == before


def test_stopping_workers_warns_of_nothing(scenes_net, recwarn) -> None:
    """Of shards that were counted in vain there is nothing to say."""
    joblib = pytest.importorskip("joblib")
    with joblib.parallel_config(backend="threading"):
        loop = tallied(scenes_net, PICTURES, [Sums("relu1")], batch=1, workers=2)
        next(loop)
        time.sleep(0.2)
        loop.close()
    assert not recwarn.list


def test_workers_that_are_threads_leave_the_kernels_threads_as_they_were(scenes_net) -> None:
    joblib = pytest.importorskip("joblib")
    before = kernels.get_threads()
    try:
        kernels.set_threads(2)
        with joblib.parallel_config(backend="threading"):
            run(scenes_net, PICTURES, workers=2)
        assert kernels.get_threads() == 2
    finally:
        kernels.set_threads(before)


def test_no_process_is_forked(scenes_net) -> None:
    joblib = pytest.importorskip("joblib")
    with joblib.parallel_config(backend="multiprocessing"), pytest.raises(SettingError, match=r"leave the backend"):
        run(scenes_net, PICTURES, workers=2)


def test_what_was_yielded_stays_as_it_was(scenes_net) -> None:
    """Each result keeps its numbers, and so its state, while the loop goes on; a merge that would change them stops."""
    listed = [*tallied(scenes_net, PICTURES, [Sums("relu3")], batch=4)]
    assert [int(step.tallies[0].arrays["count"][0]) for step in listed] == [16, 32, 48, 64, 75]
    *_, last = tallied(scenes_net, PICTURES, [Sums("relu3")], batch=4, state=listed[1].state)
    assert bits(last) == bits(listed[-1])

    class InPlace(Sums):
        def merge(self, other) -> None:
            if self.arrays:
                self.arrays["total"] += other.arrays["total"]
            else:
                self.arrays = dict(other.arrays)

    with pytest.raises(ValueError, match="read-only"):
        list(tallied(scenes_net, PICTURES, [InPlace("relu3")], batch=4))


@pytest.mark.slow
def test_killed_at_any_moment_and_continued(scenes_net, tmp_path) -> None:
    code = """
import sys
import minitorch_viz_kernels as kernels
from minitorch_viz import load_model
from minitorch_viz.techniques import state, tally
from tests.techniques.test_tally import PICTURES, Best, Sums
state.PAUSE = 0
empty = [Sums("relu3"), Best("relu5")]
for step in tally.tallied(load_model("scenes"), PICTURES, empty, batch=4, checkpoint=sys.argv[1]):
    print(step.done, flush=True)
"""
    rung = {"MINITORCH_VIZ_KERNELS": kernels.current()}
    environment = {**os.environ, **rung, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'kernels'}"}
    for stop in (1, 2):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True, env=environment
        )
        for _ in range(stop):
            process.stdout.readline()
        time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.stdout.close()
        process.wait()
    last = run(scenes_net, PICTURES, batch=4, checkpoint=tmp_path / "run")
    assert bits(last) == bits(run(scenes_net, PICTURES, batch=4))


def test_a_broken_picture_leaves_its_place_empty(scenes_net, tmp_path) -> None:
    for number in range(9):
        Image.fromarray(PICTURES[number]).save(tmp_path / f"{number}.png")
    whole = run(scenes_net, as_pictures(tmp_path), batch=4)
    (tmp_path / "5.png").write_bytes(b"broken")
    last = run(scenes_net, as_pictures(tmp_path), batch=4)
    assert [(picture.number, picture.title) for picture in last.skipped] == [(5, "5.png")]
    assert "5.png" in last.skipped[0].why
    assert last.tallies[0].arrays["count"] == [8]
    five = scenes_net.net.forward(scenes_net.preprocess(PICTURES[5]), upto="relu3")["relu3"].sum(axis=(0, 2, 3))
    np.testing.assert_allclose(whole.tallies[0].result() - last.tallies[0].result(), five, rtol=1e-3)


def test_only_broken_pictures(scenes_net, tmp_path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(b"broken")
    last = run(scenes_net, as_pictures(tmp_path))
    assert len(last.skipped) == last.done == 3
    assert last.tallies[0].arrays == {}


def test_a_checkpoint_of_another_run_is_refused(scenes_net, tmp_path) -> None:
    run(scenes_net, PICTURES, batch=4, checkpoint=tmp_path / "run")
    loop = tallied(
        scenes_net, ScenePictures(75, seed=4), [Sums("relu3"), Best("relu5")], batch=4, checkpoint=tmp_path / "run"
    )
    with pytest.raises(SettingError, match="another net, other pictures or other settings"):
        next(loop)
    other_node = tallied(scenes_net, PICTURES, [Sums("relu4"), Best("relu5")], batch=4, checkpoint=tmp_path / "run")
    with pytest.raises(SettingError, match="other settings"):
        next(other_node)
    other_net = tallied(
        load_model("cifar10"), PICTURES, [Sums("relu3"), Best("relu5")], batch=4, checkpoint=tmp_path / "run"
    )
    with pytest.raises(SettingError, match="another net"):
        next(other_net)


@pytest.mark.parametrize("content", [b"", b"no tally", b"\x00" * 64])
def test_a_damaged_checkpoint_is_said(scenes_net, tmp_path, content: bytes) -> None:
    (tmp_path / "run").write_bytes(content)
    with pytest.raises(WeightsFileError):
        run(scenes_net, PICTURES, checkpoint=tmp_path / "run")


def test_bad_settings(scenes_net) -> None:
    with pytest.raises(SettingError, match="workers"):
        next(tallied(scenes_net, PICTURES, [Sums("relu3")], workers=0))
    with pytest.raises(SettingError, match="batch"):
        next(tallied(scenes_net, PICTURES, [Sums("relu3")], batch=0))
    with pytest.raises(NetError, match="nosuch"):
        next(tallied(scenes_net, PICTURES, [Sums("nosuch")]))


def test_pictures_may_have_any_sizes(scenes_net, tmp_path) -> None:
    for number, size in enumerate([(40, 90), (64, 64), (300, 10)]):
        Image.fromarray(np.full((*size, 3), 60 * number, np.uint8)).save(tmp_path / f"{number}.png")
    assert run(scenes_net, FilePictures(tuple(sorted(tmp_path.iterdir())))).tallies[0].arrays["count"] == [3]


def test_pictures_as_large_as_they_are_go_through_the_net_in_runs_of_one_size() -> None:
    """A net that takes any size gets them one size after the other, and each answer is its picture's own."""
    from dataclasses import replace

    model = load_model("scenes")
    model = model.with_reader(replace(model.preprocessing, resize="keep"))
    rng = np.random.default_rng(0)
    sizes = [(64, 64), (64, 64), (72, 80), (64, 64), (80, 72), (80, 72)]
    pictures = as_pictures([rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes])
    *_, step = tallied(model, pictures, [Best("relu3")])
    means = [model.net.predict(model.preprocess(image), upto="relu3").mean(axis=(2, 3))[0] for image in pictures]
    np.testing.assert_array_equal(step.tallies[0].result(), np.argmax(means, axis=0))


def test_runs_of_one_size_keep_the_order_and_the_places_of_broken_ones() -> None:
    small, large = np.zeros((1, 3, 4, 4)), np.zeros((1, 3, 6, 4))
    batch = (np.arange(6), [None, small, None, large, large, small], [tally.Skipped(0, "a", "b")])
    runs = tally.of_one_size(batch)
    assert [run[0].tolist() for run in runs] == [[0, 1, 2], [3, 4], [5]]
    assert [len(run[2]) for run in runs] == [1, 0, 0]
    assert [run[0].tolist() for run in tally.of_one_size((np.arange(2), [None, None], []))] == [[0, 1]]
