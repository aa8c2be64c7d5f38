"""Samples from each tenth, regions without overlap, largest relevance: against sorting and against the formulas."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from minitorch_viz import Model, Net, load_model
from minitorch_viz.data.pictures import ArrayPictures, as_pictures
from minitorch_viz.errors import SettingError
from minitorch_viz.graph import Tape
from minitorch_viz.layers import Conv2d, Flatten, Linear, ReLU
from minitorch_viz.techniques.explain.receptive import geometry
from minitorch_viz.techniques.explain.regions import Regions, boxes_of, suppressed
from minitorch_viz.techniques.explain.relevant import Relevant, need_class, relevance
from minitorch_viz.techniques.explain.tenths import Sampled, hashes, sampling_error
from minitorch_viz.techniques.tally import tallied

ANSWERS = np.random.default_rng(0).normal(size=(230, 5, 3, 4)).astype(np.float32)


def seen(tally: Sampled, *splits: int) -> Sampled:
    """The tally after all answers, in tallies that are merged."""
    whole = Sampled(tally.node, tally.size, seed=tally.seed)
    for numbers in np.split(np.arange(len(ANSWERS)), splits):
        part = Sampled(tally.node, tally.size, seed=tally.seed)
        part.see(Tape({"node": ANSWERS[numbers]}, {}), numbers)
        whole.merge(part)
    return whole


def test_while_all_pictures_fit_the_tenths_are_exact() -> None:
    spread = seen(Sampled("node", 1000), 100, 150).result()
    peaks = ANSWERS.reshape(230, 5, -1).max(axis=2)
    np.testing.assert_array_equal(spread.values, peaks)
    for channel in range(5):
        ranked = np.argsort(peaks[:, channel])
        for tenth in range(1, 11):
            chosen = spread.numbers[spread.tenth(channel, tenth, 23)]
            np.testing.assert_array_equal(chosen, ranked[(tenth - 1) * 23 : tenth * 23][::-1])
        assert spread.tenth(channel, 10, 1) == ranked[-12]  # the middle of the strongest tenth
        row, column = spread.rows[7, channel], spread.columns[7, channel]
        assert ANSWERS[7, channel, row, column] == peaks[7, channel]


def test_any_way_to_merge_gives_the_same_sample_and_another_seed_another() -> None:
    once, parts, other = (
        seen(Sampled("node", 40, seed=s), *splits) for s, splits in ((0, ()), (0, (3, 77, 150)), (1, ()))
    )
    for name in once.arrays:
        np.testing.assert_array_equal(once.arrays[name], parts.arrays[name])
    assert len(once.arrays["numbers"]) == 40
    assert (np.diff(once.arrays["numbers"]) > 0).all()
    assert set(once.arrays["numbers"]) != set(other.arrays["numbers"])


def test_the_hashes_look_random() -> None:
    """Uniform in each of 64 bits and not in order; all different."""
    drawn = hashes(np.arange(20_000), 3)
    assert len(np.unique(drawn)) == 20_000
    ones = np.array([((drawn >> np.uint64(bit)) & np.uint64(1)).mean() for bit in range(64)])
    assert np.abs(ones - 0.5).max() < 5 * 0.5 / np.sqrt(20_000)
    assert abs(np.corrcoef(np.arange(20_000), np.argsort(drawn))[0, 1]) < 0.05


def test_the_error_is_kept_as_often_as_promised() -> None:
    """Of 200 samples the ranks of the borders are off by more than the bound in at most one in twenty, and some."""
    population, misses = np.arange(5000), 0
    for seed in range(200):
        sample = np.sort(population[np.argsort(hashes(population, seed))[:100]])
        ranks = np.arange(1, 101) / 100
        misses += np.abs((sample + 1) / 5000 - ranks).max() > sampling_error(100) + 0.01
    assert misses <= 10


def test_regions_are_those_of_greedy_suppression() -> None:
    model, pictures = load_model("scenes"), as_pictures("scenes:5")
    node = "conv2"
    fields = geometry(model, node)
    *_, step = tallied(model, pictures, [Regions(node, 3, fields, model.input, 16)])
    top = step.tallies[0].result()
    maps = model.net.predict(np.concatenate([model.preprocess(image) for image in pictures]), upto=node)[:, 3]
    kept = []
    for number, values in enumerate(maps):
        boxes: list[tuple[int, ...]] = []
        for place in np.argsort(-values, axis=None):
            row, column = divmod(int(place), maps.shape[2])
            box = fields.box((row, column))
            box = (*(max(edge, 0) for edge in box[:2]), *(min(edge, 64) for edge in box[2:]))
            if len(boxes) < 16 and all(overlap(box, other) <= 0.3 for other in boxes):
                boxes.append(box)
                kept.append((-float(values[row, column]), number, row, column))
    expected = sorted(kept)[:16]
    assert [tuple(place[1:]) for place in expected] == list(
        zip(top.numbers[0].tolist(), top.rows[0].tolist(), top.columns[0].tolist(), strict=True)
    )
    np.testing.assert_allclose(top.values[0], [-place[0] for place in expected], rtol=1e-5)


def overlap(a: tuple[int, ...], b: tuple[int, ...]) -> float:
    """Intersection over union, by counting rows and columns."""
    rows, columns = (len({*range(a[axis], a[axis + 2])} & {*range(b[axis], b[axis + 2])}) for axis in (0, 1))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return rows * columns / (sum(areas) - rows * columns)


def test_suppression_keeps_the_first_of_equal_ones_and_leaves_out_what_is_not_finite() -> None:
    boxes = np.array([[0, 0, 4, 4], [0, 1, 4, 5], [0, 8, 4, 12], [8, 8, 9, 9]])
    assert suppressed(np.array([1.0, 1.0, 2.0, np.nan]), boxes, 0.3, 9).tolist() == [2, 0]
    assert suppressed(np.array([1.0, 1.0, 2.0, 0.0]), boxes, 0.3, 2).tolist() == [2, 0]
    assert boxes_of(None, (2, 2), (5, 6)).tolist() == [[0, 0, 5, 6]] * 4


def small_net() -> Model:
    rng = np.random.default_rng(0)
    conv = Conv2d(rng.normal(size=(4, 3, 3, 3)).astype(np.float32), np.zeros(4, np.float32))
    linear = Linear(rng.normal(size=(3, 4 * 36)).astype(np.float32), np.zeros(3, np.float32))
    net = Net([("conv", conv), ("relu", ReLU()), ("flat", Flatten()), ("logits", linear)])
    return Model.from_net(net, size=(8, 8), class_names=("a", "b", "c"))


def test_relevance_below_a_linear_layer_is_answer_times_weight() -> None:
    model = small_net()
    pictures = ArrayPictures(tuple(np.random.default_rng(1).integers(0, 256, (21, 8, 8, 3), dtype=np.uint8)))
    tape = model.net.forward(np.concatenate([model.preprocess(image) for image in pictures]))
    weights = model.net["logits"].layer.params["weight"]
    for target in (1, None):
        classes = np.full(21, target) if target is not None else tape["logits"].argmax(axis=1)
        expected = tape["relu"] * weights[classes].reshape(21, 4, 6, 6)
        np.testing.assert_allclose(relevance(model, tape, "relu", target), expected, rtol=2e-3, atol=2e-3)
        *_, step = tallied(model, pictures, [Relevant("relu", target, "logits", 3)])
        top = step.tallies[0].result()
        peaks = expected.reshape(21, 4, -1).max(axis=2)
        np.testing.assert_array_equal(top.numbers, np.argsort(-peaks, axis=0, kind="stable")[:3].T)


def test_relevance_of_the_others_does_not_change_where_a_picture_is_broken(tmp_path) -> None:
    model = load_model("digits")
    for number in range(6):
        Image.fromarray(np.full((8, 8), 40 * number, np.uint8)).save(tmp_path / f"{number}.png")
    (tmp_path / "3.png").write_bytes(b"broken")
    tallies = [Relevant("relu2", 4, model.logits, 6), Sampled("relu2", 20)]
    *_, step = tallied(model, as_pictures(tmp_path), tallies)
    assert [picture.number for picture in step.skipped] == [3]
    numbers = step.tallies[0].result().numbers
    assert sorted(numbers[0].tolist()) == [-1, 0, 1, 2, 4, 5]
    assert step.tallies[1].result().numbers.tolist() == [0, 1, 2, 4, 5]


def test_relevance_that_cannot_be_is_told() -> None:
    model = load_model("digits")
    with pytest.raises(SettingError, match="not below them"):
        need_class(model, "logits", 3)
    with pytest.raises(SettingError, match="eleven"):
        need_class(model, "relu2", "eleven")
