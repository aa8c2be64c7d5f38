"""CIFAR-10 files that are damaged, mislabelled or not what their names say: one sentence each."""

from __future__ import annotations

import io
import lzma
import tarfile
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz.data import Dataset, cifar10_jpeg, load_cifar10
from minitorch_viz.errors import DataFileError
from tests.data.small_files import jpeg, jpeg_members, official_members, records, tar

JPEGS, OFFICIAL = "cifar10_jpeg.tar.xz", "cifar-10-binary.tar.gz"

RECORDS = records(4, 1)[2]
FIRST = next(iter(jpeg_members()))
BAD_BATCHES = {
    "empty": (b"", "is empty"),
    "cut off": (RECORDS[:-1], "12291 bytes, no multiple of 3073"),
    "one byte more": (RECORDS + b"x", "no multiple"),
    "half a record": (RECORDS[:1500], "no multiple"),
    "CIFAR-100": (bytes(3074 * 5), "It may be CIFAR-100"),
    "label 10": (RECORDS[: 3073 * 2] + b"\x0a" + RECORDS[3073 * 2 + 1 :], "record 2 has the label 10"),
    "text": (b"This is not a batch of pictures.", "no multiple"),
    "too many": (bytes(10001 * 3073), "at most"),
}


@pytest.mark.parametrize(("data", "message"), BAD_BATCHES.values(), ids=list(BAD_BATCHES))
def test_bad_batches(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "data_batch_1.bin").write_bytes(data)
    (tmp_path / "test_batch.bin").write_bytes(RECORDS)
    with pytest.raises(DataFileError, match=message) as caught:
        load_cifar10(tmp_path, lossless=True)
    assert "data_batch_1.bin" in str(caught.value)


def with_link() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:xz") as archive:
        entry = tarfile.TarInfo("train/00000_frog.jpg")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(entry)
    return file.getvalue()


def changed(name: str | None = None, data: bytes = b"", drop: str = "") -> bytes:
    members = {key: value for key, value in jpeg_members().items() if not drop or not key.startswith(drop)}
    return tar(members | ({name: data} if name else {}))


SOUND = tar(jpeg_members())
IMAGE = np.zeros((32, 32, 3), np.uint8)
BAD_ARCHIVES = {
    "empty": (b"", "is empty"),
    "no archive": (b"hello", "no sound tar archive"),
    "cut off": (SOUND[:-400], "cut off|cannot be unpacked"),
    "end cut off": (SOUND[:-6], "cut off|cannot be unpacked"),
    "damaged": (SOUND[:300] + bytes(40) + SOUND[340:], "cannot be unpacked"),
    "something behind": (SOUND + b"xyz!", "goes on after"),
    "packed text": (lzma.compress(b"no tar archive" * 100), "no sound tar archive"),
    "packed nothing": (lzma.compress(b""), "no sound tar archive|no picture"),
    "an empty archive": (tar({}), "no picture train/00000"),
    "another data set": (changed("train/00005_apple.jpg", jpeg(IMAGE)), "apple.jpg' is no picture of CIFAR-10"),
    "an odd name": (changed("readme.txt", b"x"), "readme.txt"),
    "a name that climbs": (changed("../train/00005_frog.jpg", jpeg(IMAGE)), "is no picture"),
    "an absolute name": (changed("/train/00005_frog.jpg", jpeg(IMAGE)), "is no picture"),
    "a link": (with_link(), "is no plain file"),
    "one missing": (changed(drop="train/00002"), "no picture train/00002"),
    "no test pictures": (changed(drop="test"), "no picture test/00000"),
    "one twice": (
        changed("train/00002_frog.jpg" if "frog" not in FIRST else "train/00002_cat.jpg", jpeg(IMAGE)),
        "two",
    ),
    "not a JPEG": (changed("train/00005_frog.jpg", b"hello"), "00005_frog.jpg cannot be decoded"),
    "a JPEG cut off": (changed("train/00005_frog.jpg", jpeg(IMAGE)[:300]), "cannot be decoded"),
    "too large a picture": (changed("train/00005_frog.jpg", jpeg(np.zeros((64, 64, 3), np.uint8))), "not 32 x 32"),
    "a grey picture": (changed("train/00005_frog.jpg", jpeg(IMAGE[..., 0])), "L, not 32 x 32 RGB"),
    "a large member": (changed("train/00005_frog.jpg", bytes(10**6)), "has 1000000 bytes"),
}


@pytest.mark.parametrize(("data", "message"), BAD_ARCHIVES.values(), ids=list(BAD_ARCHIVES))
def test_bad_archives_of_jpegs(tmp_path: Path, home: Path, data: bytes, message: str) -> None:
    (tmp_path / JPEGS).write_bytes(data)
    with pytest.raises(DataFileError, match=message) as caught:
        load_cifar10(tmp_path)
    assert JPEGS in str(caught.value)
    assert not (home / "cache").exists()


def test_an_archive_that_unfolds_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cifar10_jpeg, "LARGEST_ARCHIVE", 10**5)
    (tmp_path / JPEGS).write_bytes(SOUND[:0] + lzma.compress(bytes(10**7)))
    with pytest.raises(DataFileError, match="unfolds to more bytes"):
        load_cifar10(tmp_path)


def test_batch_and_archive_that_do_not_belong_together(tmp_path: Path) -> None:
    (tmp_path / JPEGS).write_bytes(SOUND)
    (tmp_path / "data_batch_1.bin").write_bytes(records(4, 9)[2])
    with pytest.raises(DataFileError, match="disagree about the labels"):
        load_cifar10(tmp_path)


def test_more_exact_records_than_jpegs(tmp_path: Path) -> None:
    (tmp_path / JPEGS).write_bytes(SOUND)
    (tmp_path / "data_batch_2.bin").write_bytes(records(4, 1)[2])
    with pytest.raises(DataFileError, match="disagree"):
        load_cifar10(tmp_path)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (official_members() | {"cifar-10-batches-bin/test_batch.bin": b"x"}, "test_batch.bin has 1 bytes"),
        ({"cifar-10-batches-py/data_batch_1": b"x"}, "has no data_batch_1.bin.*not the Python"),
    ],
)
def test_bad_official_archives(tmp_path: Path, members: dict[str, bytes], message: str) -> None:
    (tmp_path / OFFICIAL).write_bytes(tar(members, "w:gz"))
    with pytest.raises(DataFileError, match=message):
        load_cifar10(tmp_path)


def test_mutated_archives_raise_nothing_else(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    plain = tar(jpeg_members(2, 1), "w")
    for _ in range(150):
        data = bytearray(plain)
        for place in rng.integers(0, 512, rng.integers(1, 4)):  # the first member's head
            data[place] = rng.integers(256)
        (tmp_path / JPEGS).write_bytes(data)
        try:
            parts = load_cifar10(tmp_path)
        except DataFileError:
            continue
        assert all(isinstance(part, Dataset) for part in parts)  # only what does not matter was changed
