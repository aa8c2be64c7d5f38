"""map_weights says what fits a net and what does not."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.errors import SettingError, WeightsFileError
from minitorch_viz.io.weights import Report, map_weights

CONV = np.arange(24, dtype="f4").reshape(2, 3, 2, 2)
NET = {"conv1.weight": CONV, "conv1.bias": np.ones(2, "f4")}
SHAPES = {"conv1.weight": (2, 3, 2, 2), "conv1.bias": (2,)}


def test_everything_fits() -> None:
    mapped, report = map_weights(NET, SHAPES)
    assert list(mapped) == list(SHAPES)
    assert mapped["conv1.weight"] is CONV
    assert report == Report({name: name for name in SHAPES}, {}, {}, ())
    assert report.complete
    assert str(report) == "2 of 2 needed arrays are in the weights."


@pytest.mark.parametrize("prefix", ["module.", "model.", "backbone.", "a.b.c.", "model.encoder."])
def test_a_prefix_is_found_and_taken_off(prefix: str) -> None:
    tensors = {f"{prefix}{name}": array for name, array in NET.items()} | {"head.weight": CONV, "head.bias": CONV}
    for given in (None, prefix):
        mapped, report = map_weights(tensors, SHAPES, prefix=given)
        assert list(mapped) == list(SHAPES)
        assert report.prefix == prefix
        assert report.used["conv1.bias"] == f"{prefix}conv1.bias"
        assert report.unused == ("head.weight", "head.bias")
        assert repr(prefix) in str(report)
    with pytest.raises(WeightsFileError, match="Missing"):
        map_weights(tensors, SHAPES, prefix="")


def test_names_without_a_prefix_come_first() -> None:
    mapped, report = map_weights(NET | {"ema.conv1.weight": CONV + 1, "ema.conv1.bias": CONV}, SHAPES)
    assert mapped["conv1.weight"] is CONV
    assert report.unused == ("ema.conv1.weight", "ema.conv1.bias")


def test_bookkeeping_is_tolerated_in_silence() -> None:
    _, report = map_weights(NET | {"bn.num_batches_tracked": np.array(3)}, SHAPES)
    assert report.unused == ()


def test_the_report_says_what_does_not_fit() -> None:
    tensors = {"conv1.weights": CONV, "conv1.bias": np.ones(3), "fc.weight": CONV}
    with pytest.raises(WeightsFileError) as caught:
        map_weights(tensors, SHAPES)
    assert str(caught.value).splitlines() == [
        "The weights do not fit the net: 0 of 2 needed arrays are in the weights.",
        "Missing (1):",
        "  conv1.weight; near names: conv1.weights, fc.weight, conv1.bias",
        "Wrong shape (1):",
        "  conv1.bias must be (2,), but is (3,)",
        "Not used (2):",
        "  conv1.weights",
        "  fc.weight",
    ]
    mapped, report = map_weights(tensors, SHAPES, partial=True)
    assert mapped == {}
    assert not report.complete
    assert report.mismatched == {"conv1.bias": ((2,), (3,))}
    assert report.unused == ("conv1.weights", "fc.weight")


def test_what_fits_is_taken_if_partial() -> None:
    mapped, report = map_weights({"conv1.bias": NET["conv1.bias"]}, SHAPES, partial=True)
    assert list(mapped) == ["conv1.bias"]
    assert list(report.missing) == ["conv1.weight"]


def test_a_long_report_is_cut() -> None:
    _, report = map_weights(
        {f"x{n}": CONV for n in range(500)}, {f"layer{n}.w": (1,) for n in range(500)}, partial=True
    )
    assert len(str(report).splitlines()) == 1 + 2 * (1 + 12 + 1)
    assert "... and 488 more" in str(report)


BAD_MAPS = {  # the call, words that the sentence must hold
    "tensors None": (lambda: map_weights(None, SHAPES), "tensors", "None"),
    "tensors list": (lambda: map_weights([CONV], SHAPES), "tensors", "a list"),
    "tensors path": (lambda: map_weights("a.pth", SHAPES), "tensors", "'a.pth'"),
    "tensors array": (lambda: map_weights(CONV, SHAPES), "tensors", "an array"),
    "tensor name": (lambda: map_weights({3: CONV}, SHAPES), "tensors", "3 (int)"),
    "tensor list": (lambda: map_weights({"a": [1.0]}, SHAPES), "tensors", "'a'", "a list"),
    "tensor None": (lambda: map_weights({"a": None}, SHAPES), "tensors", "'a'", "None"),
    "needed None": (lambda: map_weights(NET, None), "needed", "None"),
    "needed list": (lambda: map_weights(NET, ["conv1.bias"]), "needed", "a list"),
    "needed name": (lambda: map_weights(NET, {None: (2,)}), "needed", "None"),
    "needed int": (lambda: map_weights(NET, {"a": 2}), "needed", "'a'", "2 (int)"),
    "needed None shape": (lambda: map_weights(NET, {"a": None}), "needed", "'a'", "None"),
    "needed array": (lambda: map_weights(NET, {"a": CONV}), "needed", "'a'", "an array"),
    "needed negative": (lambda: map_weights(NET, {"a": (-1,)}), "needed", "'a'"),
    "needed float": (lambda: map_weights(NET, {"a": (2.0,)}), "needed", "'a'"),
    "needed text": (lambda: map_weights(NET, {"a": "22"}), "needed", "'a'", "'22'"),
    "prefix int": (lambda: map_weights(NET, SHAPES, prefix=3), "prefix", "3 (int)"),
    "prefix list": (lambda: map_weights(NET, SHAPES, prefix=["a"]), "prefix", "a list"),
}


@pytest.mark.parametrize("name", BAD_MAPS)
def test_bad_calls_of_map_weights(name: str) -> None:
    action, *words = BAD_MAPS[name]
    with pytest.raises(SettingError) as caught:
        action()
    for word in words:
        assert word in str(caught.value)
