"""Dataset, batches and augmentation: what must hold for any pictures."""

from __future__ import annotations

import threading
import time
from functools import partial

import numpy as np
import pytest

from minitorch_viz.data import Dataset, batches, crop, cutout, flip, load_digits, normalized
from minitorch_viz.errors import MinitorchVizError, SettingError, ShapeError
from minitorch_viz.models.readers.preprocessing import Preprocessing

SEED = np.random.default_rng(0)
RGB = SEED.integers(0, 256, (23, 10, 12, 3), np.uint8)
GREY = SEED.integers(0, 256, (23, 10, 12), np.uint8)
LABELS = np.arange(23) % 3
NAMES = ("ant", "bee", "cat")


def insects(images: np.ndarray = RGB) -> Dataset:
    return Dataset(images, LABELS, NAMES, "insects")


def all_of(*arguments, **settings) -> tuple[np.ndarray, np.ndarray]:
    images, labels = zip(*batches(*arguments, **settings), strict=True)
    return np.concatenate(images), np.concatenate(labels)


def test_a_data_set_says_what_it_is() -> None:
    data = insects()
    assert len(data) == 23
    assert repr(data) == "Dataset(insects: 23 pictures of 10 x 12, RGB, 3 classes)"
    assert "grey" in repr(insects(GREY))
    part = data[LABELS == 1]
    assert set(part.labels) == {1}
    assert part.class_names == NAMES
    np.testing.assert_array_equal(data[3:5].images, RGB[3:5])


def test_a_split_takes_its_share_of_each_class() -> None:
    data = Dataset(np.repeat(np.arange(23, dtype=np.uint8), 4).reshape(23, 2, 2), LABELS, NAMES, "numbered")
    training, test = data.split(0.25, seed=5)
    assert sorted([*training.images[:, 0, 0], *test.images[:, 0, 0]]) == list(range(23))
    assert np.bincount(test.labels).tolist() == [2, 2, 2]
    again = data.split(0.25, seed=5)[1]
    np.testing.assert_array_equal(again.images, test.images)
    assert not np.array_equal(data.split(0.25, seed=6)[1].images, test.images)
    lonely = Dataset(RGB[:3], np.array([0, 0, 1]), NAMES, "few").split(0.9)
    assert lonely[0].labels.tolist() == [0, 1]


def test_batches_bring_every_picture_once() -> None:
    numbered = Dataset(np.repeat(np.arange(23, dtype=np.uint8), 4).reshape(23, 2, 2), LABELS, NAMES, "numbered")
    images, labels = all_of(numbered, 5, np.random.default_rng(0))
    assert sorted(images[:, 0, 0]) == list(range(23))
    assert images[:, 0, 0].tolist() != list(range(23))
    np.testing.assert_array_equal(labels, images[:, 0, 0] % 3)
    assert [len(some) for _, some in batches(numbered, 5, np.random.default_rng(0))] == [5, 5, 5, 5, 3]
    images, _ = all_of(numbered, 5, np.random.default_rng(0), shuffle=False)
    assert images[:, 0, 0].tolist() == list(range(23))


@pytest.mark.parametrize("prefetch", [0, 1, 2, 7])
def test_the_same_seed_gives_the_same_bits_with_any_prefetch(prefetch: int) -> None:
    steps = (flip, partial(crop, padding=3), partial(cutout, size=4))
    want = all_of(insects(), 4, np.random.default_rng(8), steps, prefetch=0)
    rng = np.random.default_rng(8)
    got = []
    for pair in batches(insects(), 4, rng, steps, prefetch=prefetch):
        rng.random(3)  # another user of the generator, as dropout would be
        got.append(pair)
    np.testing.assert_array_equal(np.concatenate([images for images, _ in got]), want[0])
    np.testing.assert_array_equal(np.concatenate([labels for _, labels in got]), want[1])
    other = all_of(insects(), 4, np.random.default_rng(9), steps)
    assert not np.array_equal(other[0], want[0])


def test_two_passes_differ() -> None:
    rng = np.random.default_rng(0)
    assert not np.array_equal(all_of(insects(), 4, rng)[1], all_of(insects(), 4, rng)[1])


def prefetch_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "prefetch"]


def test_the_thread_ends_when_the_batches_are_dropped() -> None:
    some = batches(insects(), 2, np.random.default_rng(0), prefetch=1)
    next(some)
    assert prefetch_threads()
    some.close()  # type: ignore[attr-defined]  # with prefetch it is a generator
    assert not prefetch_threads()
    all_of(insects(), 2, np.random.default_rng(0))
    assert not prefetch_threads()


def test_an_error_in_the_thread_is_raised_at_its_place() -> None:
    def third_fails(images: np.ndarray, _: np.random.Generator) -> np.ndarray:
        seen.append(len(images))
        if len(seen) == 3:
            raise SettingError("The third fails.")
        return images

    seen: list[int] = []
    got = []
    with pytest.raises(SettingError, match="third"):
        got.extend(batches(insects(), 4, np.random.default_rng(0), third_fails))
    seen.clear()
    count = 0
    with pytest.raises(SettingError):  # noqa: PT012 (the count shows that the two before arrive)
        for _ in batches(insects(), 4, np.random.default_rng(0), third_fails):
            count += 1
    assert count == 2
    assert not prefetch_threads()


def test_batches_are_made_ahead() -> None:
    made = []

    def note(images: np.ndarray, _: np.random.Generator) -> np.ndarray:
        made.append(1)
        return images

    some = batches(insects(), 2, np.random.default_rng(0), note, prefetch=3)
    next(some)
    until = time.monotonic() + 5
    while len(made) < 4 and time.monotonic() < until:
        time.sleep(0.005)
    assert 4 <= len(made) <= 5  # three in the queue, and the one that waits for a place
    some.close()  # type: ignore[attr-defined]  # with prefetch it is a generator


@pytest.mark.parametrize("images", [RGB, GREY], ids=["RGB", "grey"])
def test_normalized_is_what_preprocess_gives(images: np.ndarray) -> None:
    grey = images.ndim == 3
    want = Preprocessing((10, 12), channels=1 if grey else 3, mean=(101.3,), std=(57.7,), resize="keep")
    x = normalized(images, want)
    assert x.shape == (23, 1 if grey else 3, 10, 12)
    assert x.dtype == np.float32
    if not grey:
        np.testing.assert_array_equal(x[4:5], want.preprocess(images[4]))
    got, _ = all_of(insects(images), 4, np.random.default_rng(0), shuffle=False, preprocessing=want)
    np.testing.assert_array_equal(got, x)


# ------------------------------------------------------------------ augmentation


@pytest.mark.parametrize("images", [RGB, GREY], ids=["RGB", "grey"])
def test_flip(images: np.ndarray, rng) -> None:
    once = flip(images, rng, share=1)
    assert not np.array_equal(once, images)
    np.testing.assert_array_equal(once, images[:, :, ::-1])
    np.testing.assert_array_equal(flip(once, rng, share=1), images)
    np.testing.assert_array_equal(flip(images, rng, share=0), images)
    half = flip(np.repeat(images[:1], 2000, axis=0), rng)
    flipped = (half == images[:1, :, ::-1]).reshape(2000, -1).all(axis=1)
    kept = (half == images[:1]).reshape(2000, -1).all(axis=1)
    assert (flipped | kept).all()
    assert 900 < flipped.sum() < 1100


@pytest.mark.parametrize("images", [RGB, GREY], ids=["RGB", "grey"])
def test_crop_is_a_window_of_the_mirrored_picture(images: np.ndarray, rng) -> None:
    moved = crop(images, rng, padding=2)
    assert moved.shape == images.shape
    assert moved.dtype == np.uint8
    sides = ((0, 0), (2, 2), (2, 2), *[(0, 0)] * (images.ndim - 3))
    padded = np.pad(images, sides, mode="reflect")
    places = set()
    for one, out in zip(padded, moved, strict=True):
        found = [(y, x) for y in range(5) for x in range(5) if np.array_equal(one[y : y + 10, x : x + 12], out)]
        assert found
        places.update(found)
    assert len(places) > 8
    np.testing.assert_array_equal(crop(images, rng, padding=0), images)


@pytest.mark.parametrize("images", [RGB, GREY], ids=["RGB", "grey"])
@pytest.mark.parametrize("size", [1, 4, 10])
def test_cutout_covers_exactly_its_square(images: np.ndarray, size: int, rng) -> None:
    bright = np.maximum(images, 1)
    covered = cutout(bright, rng, size=size, fill=0) == 0
    covered = covered.all(axis=-1) if images.ndim == 4 else covered
    for mask in covered:
        assert mask.sum() == size * size
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        assert np.ptp(rows) == np.ptp(columns) == size - 1
    changed = cutout(bright, rng, size=size, fill=0)
    np.testing.assert_array_equal(changed[changed > 0], bright[changed > 0])


def test_augmentation_leaves_the_given_pictures_alone(rng) -> None:
    for step in (flip, crop, cutout, partial(crop, padding=0), partial(flip, share=0)):
        images = RGB.copy()
        images.setflags(write=False)
        out = step(images, rng)
        assert not np.shares_memory(out, images)


def test_digits_are_as_they_were() -> None:
    training, test = load_digits()
    assert (len(training), len(test)) == (1437, 360)
    assert training.class_names == tuple("0123456789")
    assert training.images.max() == 255
    assert np.bincount(test.labels).min() >= 34


GEN = np.random.default_rng(0)
BAD = {
    "images a list": (lambda: Dataset([1], LABELS, NAMES, "x"), ShapeError, "images must be an array.*list"),
    "float images": (lambda: insects(RGB / 255), ShapeError, "float64"),
    "one picture": (lambda: insects(RGB[0]), ShapeError, "labels must be 10"),
    "channels first": (lambda: insects(RGB.transpose(0, 3, 1, 2)), ShapeError, r"\(23, 3, 10, 12\)"),
    "no picture": (lambda: insects()[:0], ShapeError, r"\(0, 10, 12, 3\)"),
    "labels a list": (lambda: Dataset(RGB, list(LABELS), NAMES, "x"), ShapeError, "labels must be an array"),
    "too few labels": (lambda: Dataset(RGB, LABELS[1:], NAMES, "x"), ShapeError, "23 whole numbers"),
    "float labels": (lambda: Dataset(RGB, LABELS / 1, NAMES, "x"), ShapeError, "float64"),
    "label beyond the names": (lambda: Dataset(RGB, LABELS + 1, NAMES, "x"), SettingError, "from 0 to 2"),
    "negative label": (lambda: Dataset(RGB, LABELS - 1, NAMES, "x"), SettingError, "reach from -1"),
    "names a list": (lambda: Dataset(RGB, LABELS, list(NAMES), "x"), SettingError, "tuple of names"),
    "no names": (lambda: Dataset(RGB, LABELS, (), "x"), SettingError, "tuple of names"),
    "a name twice": (lambda: Dataset(RGB, LABELS, ("a", "b", "a"), "x"), SettingError, "'a' is there twice"),
    "one index": (lambda: insects()[3], SettingError, r"data.images\[3\]"),
    "all for testing": (lambda: insects().split(1.0), SettingError, "between 0 and 1"),
    "split one of each": (lambda: insects()[:3].split(), SettingError, "cannot be split"),
    "batch of zero": (lambda: batches(insects(), 0, GEN), SettingError, "batch.*0"),
    "seed for rng": (lambda: batches(insects(), 2, 0), SettingError, "default_rng"),
    "negative prefetch": (lambda: batches(insects(), 2, GEN, prefetch=-1), SettingError, "prefetch.*-1"),
    "augment a name": (lambda: batches(insects(), 2, GEN, ["flip"]), SettingError, "'flip'"),
    "wrong channels": (lambda: normalized(GREY, Preprocessing((10, 12))), ShapeError, r"3 channel.*\(23, 10, 12\)"),
    "share above 1": (lambda: flip(RGB, GEN, 1.5), SettingError, "1.5"),
    "padding too wide": (lambda: crop(RGB, GEN, 10), SettingError, "from 0 to 9.*10"),
    "cutout too large": (lambda: cutout(RGB, GEN, 11), SettingError, "from 1 to 10.*11"),
    "fill is white plus one": (lambda: cutout(RGB, GEN, 2, 256), SettingError, "256"),
}


@pytest.mark.parametrize(("call", "kind", "message"), BAD.values(), ids=list(BAD))
def test_bad_input_is_told_in_a_sentence(call, kind, message) -> None:
    with pytest.raises(MinitorchVizError, match=message) as caught:
        call()
    assert isinstance(caught.value, kind)
