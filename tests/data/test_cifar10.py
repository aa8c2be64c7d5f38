"""CIFAR-10: binary batches, the official archive, JPEGs, what is kept, and everything that can be wrong."""

from __future__ import annotations

import io
import lzma
import tarfile
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz.data import Dataset, cifar10_jpeg, load_cifar10
from minitorch_viz.data.cifar10 import BATCHES, NAMES, read_records
from minitorch_viz.errors import DataFileError
from tests.data.small_files import jpeg, jpeg_members, official_members, records, tar

JPEGS, OFFICIAL = "cifar10_jpeg.tar.xz", "cifar-10-binary.tar.gz"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A complete data set has 20 + 4 pictures, four a batch."""
    monkeypatch.setattr("minitorch_viz.data.cifar10.COUNTS", {"train": 20, "test": 4})
    batches = {name: (part, start // 10_000 * 4) for name, (part, start) in BATCHES.items()}
    monkeypatch.setattr("minitorch_viz.data.cifar10.BATCHES", batches)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / ((one.astype(float) - other) ** 2).mean()))


def test_the_real_lossless_records(shared_data: Path) -> None:
    training, test = load_cifar10(shared_data / "cifar10", lossless=True)
    assert (len(training), len(test)) == (4000, 1000)
    assert training.images[0, 0, 0].tolist() == [59, 62, 63]
    assert training.labels[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert training.class_names[training.labels[0]] == "frog"
    named = (shared_data / "cifar10" / "batches.meta.txt").read_text().split()
    assert tuple(named) == training.class_names == NAMES
    assert test.class_names[test.labels[0]] == "cat"


@pytest.mark.slow
def test_all_60000_real_pictures(shared_data: Path, home: Path) -> None:
    training, test = load_cifar10(shared_data)
    assert np.bincount(training.labels).tolist() == [5000] * 10
    assert np.bincount(test.labels).tolist() == [1000] * 10
    exact, exact_test = load_cifar10(shared_data, lossless=True)
    np.testing.assert_array_equal(training.images[:4000], exact.images)
    np.testing.assert_array_equal(training.labels[:4000], exact.labels)
    np.testing.assert_array_equal(test.images[:1000], exact_test.images)
    kept = next((home / "cache").glob("cifar10-*.npz"))
    with np.load(kept) as arrays:  # the JPEGs themselves, before the exact pixels replace them
        assert min(map(psnr, arrays["train_images"][:4000], exact.images)) == pytest.approx(23.1, abs=0.05)
        np.testing.assert_array_equal(arrays["train_images"][4000:], training.images[4000:])
    again, _ = load_cifar10(shared_data)
    np.testing.assert_array_equal(again.images, training.images)


def test_the_layout_of_a_record() -> None:
    data = bytes([7]) + bytes(range(256)) * 4 + bytes([9]) * 1024 + bytes([200]) * 1024
    images, labels = read_records(data * 2, "x")
    assert labels.tolist() == [7, 7]
    assert images[1, 0, :3].tolist() == [[0, 9, 200], [1, 9, 200], [2, 9, 200]]
    assert images[1, 1, 0].tolist() == [32, 9, 200]


@pytest.mark.usefixtures("small")
def test_the_official_archive(tmp_path: Path) -> None:
    (tmp_path / OFFICIAL).write_bytes(tar(official_members(), "w:gz"))
    training, test = load_cifar10(tmp_path)
    assert (len(training), len(test)) == (20, 4)
    np.testing.assert_array_equal(training.images[4:8], records(4, 1)[0])
    np.testing.assert_array_equal(test.labels, records(4, 5)[1])
    assert len(load_cifar10(tmp_path, lossless=True)[0]) == 20


@pytest.mark.usefixtures("small")
def test_six_files(tmp_path: Path) -> None:
    for name, data in official_members().items():
        (tmp_path / Path(name).name).write_bytes(data)
    training, _ = load_cifar10(tmp_path)
    np.testing.assert_array_equal(training.labels[16:], records(4, 4)[1])


def test_some_files_are_not_taken_for_all(tmp_path: Path) -> None:
    (tmp_path / "data_batch_1.bin").write_bytes(records(4, 1)[2])
    with pytest.raises(DataFileError, match=r"lacks 49996 of the train pictures, 10000 of the test.*lossless=True"):
        load_cifar10(tmp_path)
    with pytest.raises(DataFileError, match=r"no lossless test pictures: put test_batch\.bin"):
        load_cifar10(tmp_path, lossless=True)
    (tmp_path / "test_batch.bin").write_bytes(records(3, 2)[2])
    assert [len(part) for part in load_cifar10(tmp_path, lossless=True)] == [4, 3]


def jpegs(folder: Path) -> Path:
    (folder / JPEGS).write_bytes(tar(jpeg_members()))
    return folder


def test_jpegs_and_exact_pixels_where_there_are_some(tmp_path: Path) -> None:
    images, labels, _ = records(5, 1)
    training, test = load_cifar10(jpegs(tmp_path))
    assert (len(training), len(test)) == (5, 3)
    np.testing.assert_array_equal(training.labels, labels)
    assert psnr(training.images, images) > 38
    assert not np.array_equal(training.images[0], images[0])
    exact = images[:2].reshape(2, -1, 3).transpose(0, 2, 1).reshape(2, -1)
    batch = np.concatenate([labels[:2, None].astype(np.uint8), exact], axis=1)
    (tmp_path / "data_batch_1.bin").write_bytes(batch.tobytes())
    mixed, _ = load_cifar10(tmp_path)
    np.testing.assert_array_equal(mixed.images[:2], images[:2])
    np.testing.assert_array_equal(mixed.images[2:], training.images[2:])


def test_decoded_pixels_are_kept(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = load_cifar10(jpegs(tmp_path))
    (kept,) = (home / "cache").iterdir()
    decoded = []
    really = cifar10_jpeg._decode
    monkeypatch.setattr(cifar10_jpeg, "_decode", lambda *given: decoded.append(1) or really(*given))
    np.testing.assert_array_equal(load_cifar10(tmp_path)[0].images, first.images)
    assert not decoded
    for damaged in (kept.read_bytes()[:-500], b"", b"PK"):
        kept.write_bytes(damaged)
        np.testing.assert_array_equal(load_cifar10(tmp_path)[0].images, first.images)
        assert decoded.pop()
    np.savez(kept, train_images=np.zeros((5, 32, 32)), train_labels=np.zeros(5))
    load_cifar10(tmp_path)
    assert decoded.pop()
    (tmp_path / JPEGS).write_bytes(tar(jpeg_members(train=6)))  # another archive, another sum
    assert len(load_cifar10(tmp_path)[0]) == 6
    assert decoded.pop()


def test_a_home_that_cannot_be_written(tmp_path: Path, home: Path) -> None:
    home.write_bytes(b"a file")
    assert len(load_cifar10(jpegs(tmp_path))[0]) == 5


def test_nothing_is_written_beside_the_archive(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    load_cifar10(jpegs(folder))
    assert [path.name for path in folder.iterdir()] == [JPEGS]


def test_the_error_says_which_file_to_put_where(home: Path) -> None:
    with pytest.raises(DataFileError) as caught:
        load_cifar10()
    for words in (str(home / "data" / "cifar10"), OFFICIAL, JPEGS, "minitorch-viz download cifar10"):
        assert words in str(caught.value)


# ------------------------------------------------------------------ bad input

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
    jpegs(tmp_path)
    (tmp_path / "data_batch_1.bin").write_bytes(records(4, 9)[2])
    with pytest.raises(DataFileError, match="disagree about the labels"):
        load_cifar10(tmp_path)


def test_more_exact_records_than_jpegs(tmp_path: Path) -> None:
    jpegs(tmp_path)
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
