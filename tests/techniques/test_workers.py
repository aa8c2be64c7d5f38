"""Work shared out among workers: in order, and Ctrl-C is this process's."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

import minitorch_viz_kernels as kernels
from minitorch_viz.techniques.workers import spread


def blocked(_: int) -> int:
    """Return the signals that this process does not hear, a bit each."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("SigBlk")).split()[1], 16)


def test_one_worker_is_this_process() -> None:
    assert list(spread(lambda number: number * number, range(4), 1)) == [0, 1, 4, 9]


def test_results_come_in_order() -> None:
    joblib = pytest.importorskip("joblib")
    with joblib.parallel_config(backend="threading"):
        assert list(spread(lambda number: number * number, range(20), 3)) == [number**2 for number in range(20)]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="what a process hears is read from Linux's /proc")
def test_processes_do_not_hear_ctrl_c_and_this_one_does() -> None:
    """Each would print a traceback of its own. What starts them must leave this process as it was."""
    pytest.importorskip("joblib")
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    masks = list(spread(blocked, range(3), 2))
    assert all(mask & 1 << signal.SIGINT - 1 for mask in masks)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def names_of_files(folder: str) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


@pytest.mark.slow
def test_processes_follow_this_one_into_another_folder(tmp_path, monkeypatch) -> None:
    """They live on, and a relative path must mean what it means here."""
    pytest.importorskip("joblib")
    for name in ("first", "second"):
        (tmp_path / name / "photos").mkdir(parents=True)
        (tmp_path / name / "photos" / f"{name}.png").touch()
        monkeypatch.chdir(tmp_path / name)
        assert list(spread(names_of_files, ["photos"] * 4, 2)) == [[f"{name}.png"]] * 4


@pytest.mark.slow
def test_processes_compute_on_the_rung_of_this_one() -> None:
    with kernels.use("numpy"):
        assert list(spread(rung, [0], 2)) == ["numpy"]


def rung(_: int) -> str:
    return kernels.current()
