"""A file is written completely or not at all: after exceptions, on full disks, and after kill -9."""

from __future__ import annotations

import os
import signal
import stat
import time
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz.errors import ImageFileError, MinitorchVizError, WeightsFileError
from minitorch_viz.io.atomic import atomic_write, write_bytes_atomically
from tests.io.conftest import run_python


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_writes_and_replaces(tmp_path: Path) -> None:
    for data in (b"first", b"second, longer", b""):
        write_bytes_atomically(tmp_path / "a.bin", data)
        assert (tmp_path / "a.bin").read_bytes() == data
    with atomic_write(str(tmp_path / "a.bin")) as file:
        file.write(b"in ")
        file.write(b"pieces")
        assert (tmp_path / "a.bin").read_bytes() == b""  # nothing is seen before the end
    assert (tmp_path / "a.bin").read_bytes() == b"in pieces"
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, MemoryError, SystemExit])
def test_an_exception_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    (tmp_path / "a.bin").write_bytes(b"old")

    def write() -> None:
        with atomic_write(tmp_path / "a.bin") as file:
            file.write(b"half of the n")
            raise error

    with pytest.raises(error):
        write()
    assert (tmp_path / "a.bin").read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


def test_a_full_disk_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.bin").write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WeightsFileError, match=r"a\.bin cannot be written: No space left on device"):
        write_bytes_atomically(tmp_path / "a.bin", b"new", WeightsFileError)
    assert (tmp_path / "a.bin").read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.skipif(os.name != "posix", reason="permission bits and links are POSIX's")
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_the_umask_decides_who_may_read(tmp_path: Path, mask: int) -> None:
    old = os.umask(mask)
    try:
        write_bytes_atomically(tmp_path / "a.bin", b"x")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a.bin").stat().st_mode) == 0o666 & ~mask


@pytest.mark.skipif(os.name != "posix", reason="permission bits and links are POSIX's")
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link.bin").symlink_to(tmp_path / "real" / "a.bin")
    write_bytes_atomically(tmp_path / "link.bin", b"x")
    assert (tmp_path / "link.bin").is_symlink()
    assert (tmp_path / "real" / "a.bin").read_bytes() == b"x"


def test_many_writers_at_once(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    contents = [bytes([n]) * 50_000 for n in range(30)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda data: write_bytes_atomically(tmp_path / "a.bin", data), contents))
    assert (tmp_path / "a.bin").read_bytes() in contents
    assert names(tmp_path) == ["a.bin"]


WRITER = """
import sys
from minitorch_viz.io.atomic import write_bytes_atomically
contents = [bytes([n]) * 3_000_000 for n in (1, 2)]
print("ready", flush=True)
while True:
    for data in contents:
        write_bytes_atomically(sys.argv[1], data)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kill -9 is POSIX's")
def test_kill_9_thirty_times(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(bytes([1]) * 3_000_000)
    delays = np.random.default_rng(0).uniform(0, 0.03, 30)
    for delay in delays:
        writer = run_python("-c", WRITER, str(path))
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        time.sleep(float(delay))
        writer.send_signal(signal.SIGKILL)
        writer.communicate(timeout=30)
        data = path.read_bytes()
        assert data in (bytes([1]) * 3_000_000, bytes([2]) * 3_000_000)
    assert all(name == "a.bin" or (name.startswith(".a.bin.") and name.endswith(".tmp")) for name in names(tmp_path))
    assert len(names(tmp_path)) > 1  # some were killed in the middle of a write


BAD = {  # the path, words that the sentence must hold
    "None": (lambda d: None, "None", "pathlib.Path"),
    "int": (lambda d: 3, "3 (int)", "pathlib.Path"),
    "float": (lambda d: 1.5, "1.5 (float)"),
    "bool": (lambda d: True, "True (bool)"),
    "bytes": (lambda d: b"a.bin", "b'a.bin'"),
    "list": (lambda d: ["a.bin"], "a list"),
    "dict": (lambda d: {}, "a dict"),
    "object": (lambda d: object(), "object"),
    "array": (lambda d: np.zeros(2), "an array (2,)"),
    "empty": (lambda d: "", "empty"),
    "blank": (lambda d: "  ", "empty"),
    "null byte": (lambda d: f"{d}/a\0b", "null byte"),
    "no folder": (lambda d: d / "none" / "a.bin", "no folder", "none", "a.bin"),
    "folder": (lambda d: d, "folder"),
    "long name": (lambda d: d / ("a" * 300), "too long"),
    "long path": (lambda d: "a/" * 5000 + "a", "10001 characters"),
    "under a file": (lambda d: (d / "x").write_bytes(b"x") and d / "x" / "a.bin", "no folder", "a.bin"),
    "device": (lambda d: "/dev/null", "/dev/null", "not a regular file"),
    "link in a circle": (lambda d: (d / "c").symlink_to(d / "c") or d / "c" / "a.bin", "folder"),
}


@pytest.mark.parametrize("error", [MinitorchVizError, ImageFileError])
@pytest.mark.parametrize("name", BAD)
def test_bad_paths(name: str, error: type[MinitorchVizError], tmp_path: Path) -> None:
    make, *words = BAD[name]
    path = make(tmp_path)
    before = names(tmp_path)
    with pytest.raises(error) as caught:
        write_bytes_atomically(path, b"x", error)
    assert type(caught.value) is error
    for word in words:
        assert word in str(caught.value)
    with pytest.raises(error), atomic_write(path, error):
        pass
    assert names(tmp_path) == before


@pytest.mark.parametrize("data", [None, 3, "text", [1], np.zeros(3), 1.5, {}, (), object()], ids=repr)
def test_only_bytes_are_written(data: object, tmp_path: Path) -> None:
    with pytest.raises(MinitorchVizError, match=r"writes bytes, but got .*text\.encode"):
        write_bytes_atomically(tmp_path / "a.bin", data)
    assert names(tmp_path) == []
