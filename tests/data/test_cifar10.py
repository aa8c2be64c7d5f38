"""CIFAR-10: binary batches, the official archive, JPEGs, what is kept, and everything that can be wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from minitorch_viz.data import cifar10_jpeg, load_cifar10
from minitorch_viz.data.cifar10 import BATCHES, NAMES, read_records
from minitorch_viz.errors import DataFileError
from tests.data.small_files import jpeg_members, official_members, records, tar

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


@pytest.mark.nightly
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
