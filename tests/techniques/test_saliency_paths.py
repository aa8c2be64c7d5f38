"""Saliency by paths: the fourth column of the comparison, and the gradient as what is left of all paths."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Model, Net
from minitorch_viz.errors import SettingError
from minitorch_viz.layers import LSTM, Flatten, Layer, Linear, Permute, ReLU, Reshape
from minitorch_viz.models.readers import Numbers
from minitorch_viz.models.samples import sample_digit
from minitorch_viz.objectives import Unit
from minitorch_viz.rules import path_magnitudes, positive_paths
from minitorch_viz.techniques.gradients.saliency import saliency


def test_the_gradient_is_the_paths_above_less_those_below(digits) -> None:
    model = digits.astype(np.float64)
    result = saliency(model, sample_digit(), target=3, compare=True)
    gradient, paths = result.gradients["normal"], result.paths
    np.testing.assert_allclose(paths.above - paths.below, gradient, atol=1e-12)
    assert (paths.below >= 0).all()
    assert (paths.signal <= paths.above + 1e-12).all()
    tape = model.net.forward(model.preprocess(sample_digit()), upto=model.logits)
    seed = {model.logits: np.eye(10)[3:4]}
    sums = {rule: model.net.backward(tape, seed, rules={Layer: rule})["input"][0] for rule in
            (positive_paths, path_magnitudes)}  # fmt: skip
    np.testing.assert_allclose(paths.signal, sums[positive_paths])
    np.testing.assert_allclose(paths.above + paths.below, sums[path_magnitudes])
    assert paths.left == pytest.approx(np.abs(gradient).sum() / sums[path_magnitudes].sum())
    assert 0.9 < paths.cancelled < 1
    assert f"{100 * paths.cancelled:.1f} % of all paths' magnitude cancels" in result.caption


def test_the_fourth_column_is_the_mode_and_no_other_mode(digits) -> None:
    compared, alone = (saliency(digits, sample_digit(), mode=mode) for mode in ("compare", "positive-paths"))
    assert list(compared.signals) == ["normal", "deconvnet", "guided", "positive-paths"]
    assert list(alone.signals) == ["positive-paths"]
    np.testing.assert_array_equal(alone.heat, compared.map("positive-paths"))
    for mode in ("normal", "deconvnet", "guided"):
        assert np.corrcoef(compared.map(mode).ravel(), alone.heat.ravel())[0, 1] < 0.99, mode
    titles = [axes.get_title().replace("\n", " ") for axes in compared.figure().axes]
    assert any(title.startswith("positive-paths: magnitude") for title in titles)
    assert any(title.startswith("paths of positive product") for title in titles)
    assert not any("paths of positive product" in axes.get_title() for axes in alone.figure().axes)


def test_more_paths_than_single_precision_can_count() -> None:
    """Twelve times two ways of 2000 and -1999: the gradient is 1, the magnitudes are 3999 ** 12."""
    layers = []
    for number in range(12):
        layers.append((f"split{number}", Linear(np.ones((2, 1), np.float32))))
        layers.append((f"join{number}", Linear(np.array([[2000, -1999]], np.float32))))
    model = Model.from_net(Net([("flat", Flatten()), *layers]), 1)
    unit = Unit("join11", (0,))
    result = saliency(model, np.full((1, 1), 200, np.uint8), target=unit, compare=True)
    assert result.gradients["normal"].item() == 1
    assert (result.paths.above + result.paths.below).item() == pytest.approx(3999.0**12)
    assert result.paths.signal.item() == pytest.approx(2000.0**12)
    assert not result.blank["positive-paths"]


def test_what_cancels_to_nothing_is_said_as_what_is_left() -> None:
    """Two ways with opposite signs, and one small one."""
    ways = [("a", Linear(np.array([[1.0], [1.0], [1e-6]]))), ("b", Linear(np.array([[1, -1, 1.0]])))]
    model = Model.from_net(Net([("flat", Flatten()), *ways]), 1)
    result = saliency(model, np.full((1, 1), 200, np.uint8), target=Unit("b", (0,)), compare=True)
    assert result.paths.left == pytest.approx(1e-6 / (2 + 1e-6))
    assert "all but 5e-07 of all paths' magnitude cancels" in result.caption


def test_against_a_single_output_no_path_is_positive(rng) -> None:
    """The opposite's first derivative is -1: its positive paths are none, which is said; its sums are there."""
    model = Model.from_net(Net([("flat", Flatten()), ("fc", Linear(rng.random((1, 4))))]), 2)
    result = saliency(model, np.full((2, 2), 100, np.uint8), target=-1.0 * Unit("fc", (0,)), compare=True)
    assert "no path from it to a pixel has positive derivatives only" in result.notes[0]
    np.testing.assert_allclose(result.paths.below, -result.gradients["normal"])
    assert result.paths.cancelled == 0


def test_a_recurrent_net_says_why_there_are_no_sums(rng) -> None:
    layers = [
        ("rows", Reshape((4, 4))),
        ("steps", Permute((0, 2, 1))),
        ("lstm", LSTM.random(rng, 4, 3)),
        ("flat", Flatten()),
        ("fc", Linear(rng.standard_normal((2, 12)).astype(np.float32))),
    ]
    result = saliency(Model.from_net(Net(layers), 4), rng.integers(0, 256, (4, 4)).astype(np.uint8), compare=True)
    assert "paths through LSTM cannot be told apart" in " ".join(result.notes)
    result.figure()


def test_sums_are_of_one_photo(digits) -> None:
    with pytest.raises(SettingError, match="of one photo"):
        saliency(digits, sample_digit(), mode="positive-paths", average=True)
    assert saliency(digits, sample_digit(), compare=True, average=True).paths is None


def test_the_numbers_are_saved(digits, tmp_path) -> None:
    result = saliency(digits, sample_digit(), compare=True)
    result.save(tmp_path / "numbers.npz")
    with np.load(tmp_path / "numbers.npz") as file:
        np.testing.assert_array_equal(file["paths.above"], result.paths.above)
        assert float(file["paths.left"]) == result.paths.left


def test_rows_of_numbers_have_their_sums_in_the_caption(rng) -> None:
    layers = [("a", Linear(rng.standard_normal((4, 5)))), ("relu", ReLU()), ("b", Linear(rng.standard_normal((3, 4))))]
    result = saliency(Model.from_net(Net(layers), readers=Numbers(5)), rng.standard_normal(5), target=1, compare=True)
    magnitude = (result.paths.above + result.paths.below).sum()
    assert f"all {result.of_numbers.noun}s the magnitudes of the paths add up to {magnitude:.3g}" in result.caption
    result.figure()
