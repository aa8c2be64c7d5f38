"""Many photos shared out among workers: the same files, lines and exit status as from one process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minitorch_viz.cli import main

joblib = pytest.importorskip("joblib")

COUNT = 11
DIGITS = ["--model", "digits"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Eleven photos in `photos`, the seventh broken."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINITORCH_VIZ_HOME", str(tmp_path / "home"))
    Path("photos").mkdir()
    rng = np.random.default_rng(0)
    for number in range(COUNT):
        pixels = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(f"photos/{number:02d}.png")
    Path("photos/06.png").write_bytes(b"no picture")
    return tmp_path


def files(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    status = main(["grad-cam", "photos", *DIGITS, *arguments])
    caught = capsys.readouterr()
    return status, caught.out, caught.err


@pytest.mark.parametrize("kind", [["--format", "npz"], ["--overlay"]])
@pytest.mark.parametrize("workers", [2, 3])
def test_threads_as_workers_write_the_same_files(kind: list[str], workers: int, capsys) -> None:
    alone = run(capsys, *kind, "--out", "alone/")
    with joblib.parallel_config(backend="threading"):
        shared = run(capsys, *kind, "--out", "shared/", "--workers", str(workers))
    assert alone[0] == shared[0] == 1
    assert shared[1] == alone[1].replace("alone", "shared")
    assert shared[2] == alone[2]
    assert files("shared") == files("alone")
    assert len(files("alone")) == COUNT - 1


@pytest.mark.slow
def test_processes_as_workers_write_the_same_files(capsys) -> None:
    for kind in (["--format", "npz"], ["--overlay"], ["--format", "png"]):
        alone = run(capsys, *kind, "--out", f"alone{kind[-1]}/")
        shared = run(capsys, *kind, "--out", f"shared{kind[-1]}/", "--workers", "2")
        assert shared == tuple(part if part == 1 else part.replace("alone", "shared") for part in alone)
        assert files(f"shared{kind[-1]}") == files(f"alone{kind[-1]}")


def test_what_is_missing_only_is_shared_out(capsys) -> None:
    run(capsys, "--format", "npz", "--out", "maps/")
    before = files("maps")
    for name in ("00.npz", "05.npz", "10.npz"):
        Path("maps", name).unlink()
    with joblib.parallel_config(backend="threading"):
        status, out, _ = run(capsys, "--format", "npz", "--out", "maps/", "--workers", "2", "--only-missing")
    assert status == 1
    assert "Wrote 3 of 4 files into maps/, 7 were there already" in out
    assert files("maps") == before


def test_a_setting_that_does_not_fit_is_told_before_any_worker_is_started(capsys, monkeypatch) -> None:
    monkeypatch.setattr(joblib, "Parallel", None)
    assert run(capsys, "--target", "eleven", "--workers", "2")[0] == 2
    assert not Path("grad-cam").exists()


def test_no_process_is_forked(capsys) -> None:
    with joblib.parallel_config(backend="multiprocessing"):
        status, _, told = run(capsys, "--workers", "2", "--format", "npz")
    assert status == 2
    assert "leave the backend to joblib" in told


@pytest.mark.parametrize("workers", ["0", "-2"])
def test_a_number_of_workers_that_cannot_be_is_told(workers: str, capsys) -> None:
    status, _, told = run(capsys, "--workers", workers)
    assert status == 2
    assert "workers must be a whole number of at least 1" in told


def test_what_a_stopped_worker_had_begun_is_removed(capsys, monkeypatch) -> None:
    """A worker is ended wherever it is: what it was writing has only its hidden name, and files stay whole."""
    from minitorch_viz.commands import outcomes

    def stopped(*_: object) -> None:
        Path("maps/.03.npz.0123456789ab.tmp").write_bytes(b"half")
        Path("maps/.other.npz.0123456789ab.tmp").write_bytes(b"of another program")
        raise KeyboardInterrupt

    monkeypatch.setattr(outcomes, "spread", stopped)
    status, _, told = run(capsys, "--workers", "2", "--format", "npz", "--out", "maps/")
    assert status == 130
    assert "interrupted; 1 of 11 files are in maps; with --only-missing the same command goes on" in told
    assert sorted(files("maps")) == [".other.npz.0123456789ab.tmp", "00.npz"]


def test_a_photo_is_resized_once(monkeypatch) -> None:
    from minitorch_viz.models.readers import Preprocessing

    preprocess, count = Preprocessing.preprocess, 0

    def counted(reader: Preprocessing, *arguments: object, **settings: object) -> object:
        nonlocal count
        count += 1
        return preprocess(reader, *arguments, **settings)  # type: ignore[arg-type]  # whatever they are

    monkeypatch.setattr(Preprocessing, "preprocess", counted)
    assert main(["grad-cam", "photos/00.png", "photos/01.png", *DIGITS, "--format", "npz"]) == 0
    assert count == 2


def test_an_overlay_says_its_scale_in_its_line_and_in_the_file(capsys) -> None:
    _, out, _ = run(capsys, "--overlay", "--out", "maps/")
    line = next(line for line in out.splitlines() if line.startswith("maps/03.png"))
    scale = line.rpartition("scale 0 to ")[2]
    assert float(scale) > 0
    with Image.open("maps/03.png") as picture:
        told = picture.text["Description"]  # type: ignore[attr-defined]  # a PNG's
    assert f"0 to {scale}, the 99.5th percentile" in told
    assert told.startswith("Explains class ")
