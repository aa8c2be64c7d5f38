"""Codes of pictures: against NumPy, in random sums, and in bounded memory."""

from __future__ import annotations

import joblib
import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.data import load_digits
from minitorch_viz.data.pictures import as_pictures
from minitorch_viz.errors import NetError, SettingError
from minitorch_viz.layers import Conv2d, Flatten, Linear, ReLU
from minitorch_viz.techniques.explain.codes import (
    MOST_BYTES,
    Codes,
    as_compared,
    before_the_answer,
    codes_tally,
    random_sums,
    room_for,
)
from minitorch_viz.techniques.tally import tallied


@pytest.fixture(scope="module")
def digits() -> Model:
    return load_model("digits")


def codes(model: Model, tally: Codes, count: int = 70, **settings) -> np.ndarray:
    *_, last = tallied(model, as_pictures(load_digits()[1][:count]), [tally], **settings)
    numbers, values = last.tallies[0].result()
    assert numbers.tolist() == list(range(count))
    return values


@pytest.mark.parametrize(("node", "places"), [("relu3", None), ("relu3", "all"), ("logits", None), ("input", None)])
def test_they_are_the_nodes_numbers(digits: Model, node: str, places: str | None) -> None:
    images = np.concatenate([digits.preprocess(image) for image in load_digits()[1].images[:70]])
    values = digits.net.forward(images)[node]
    expected = values.mean(axis=(2, 3)) if node == "relu3" and places is None else values.reshape(70, -1)
    np.testing.assert_allclose(codes(digits, codes_tally(digits, node, places, 70)), expected, rtol=1e-5, atol=1e-5)


def test_any_number_of_workers_gives_the_same_bits(digits: Model) -> None:
    tally = codes_tally(digits, None, None, 200)
    with joblib.parallel_config(backend="threading"):
        one, two = (codes(digits, tally, 200, workers=workers) for workers in (1, 2))
    assert one.tobytes() == two.tobytes()


def test_the_default_is_what_the_last_layer_with_weights_reads(digits: Model) -> None:
    rng = np.random.default_rng(0)
    assert before_the_answer(digits) == "flatten"
    assert before_the_answer(load_model("allcnn")) == "relu8"  # its last convolution is its answer
    net = Net([("flat", Flatten()), ("fc", Linear.random(rng, 12, 3))])
    assert before_the_answer(Model.from_net(net, 2)) == "fc"  # before it there are pixels alone
    deep = Net(
        [
            ("conv", Conv2d.random(rng, 3, 4, 1)),
            ("relu", ReLU()),
            ("flat", Flatten()),
            ("fc", Linear.random(rng, 16, 3)),
        ]
    )
    assert before_the_answer(Model.from_net(deep, 2)) == "flat"


def test_random_sums_keep_distances() -> None:
    """Right on average, and as near to it as the docstring says; the same sums in every call."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(200, 20_000)).astype(np.float32)
    sums = random_sums(values, 1000)
    assert sums.shape == (200, 1000)
    assert sums.tobytes() == random_sums(values, 1000).tobytes()
    before, after = (((part[:100] - part[100:]).astype(float) ** 2).sum(axis=1) for part in (values, sums))
    errors = after / before - 1
    assert abs(errors.mean()) < 4 * np.sqrt(2 / 1000) / np.sqrt(100)
    assert 0.7 < errors.std() / np.sqrt(2 / 1000) < 1.3
    assert random_sums(values, 20_000) is values


def test_each_number_is_in_one_sum() -> None:
    sums = random_sums(np.eye(50, dtype=np.float32), 8)
    assert (np.abs(sums).sum(axis=1) == 1).all()
    assert set(np.unique(sums)) == {-1, 0, 1}


@pytest.mark.parametrize("count", [1, 500, 100_000, 10**7])
def test_memory_is_bounded(count: int) -> None:
    assert 64 <= room_for(count) <= 4096
    assert 4 * count * room_for(count) <= max(MOST_BYTES, 4 * count * 64)


def test_compared_by_cosine() -> None:
    values = np.array([[3.0, 4], [30, 40], [0, 0], [-4, 3]], np.float32)
    unit = as_compared(values, "cosine")
    assert np.linalg.norm(unit[0] - unit[1]) < 1e-6
    assert np.linalg.norm(unit[0] - unit[3]) == pytest.approx(np.sqrt(2))  # sqrt(2 - 2 cos 90 degrees)
    assert not unit[2].any()
    assert as_compared(values, "l2") is values


def test_what_there_is_not_gets_a_sentence(digits: Model) -> None:
    with pytest.raises(NetError, match="near nodes: relu3"):
        codes_tally(digits, "relu33", None, 5)
    with pytest.raises(SettingError, match='"mean" or "all"'):
        codes_tally(digits, None, "median", 5)
