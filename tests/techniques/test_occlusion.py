"""Occlusion: against a plain loop, on nets whose answer is known, and bad input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from minitorch_viz import Model, Net
from minitorch_viz.errors import ImageFileError, MinitorchVizError, SettingError
from minitorch_viz.layers import Conv2d, Flatten, GlobalAvgPool2d, Linear
from minitorch_viz.models.samples import sample_digit
from minitorch_viz.techniques import run
from minitorch_viz.techniques.activations._occlusion_figure import edges
from minitorch_viz.techniques.activations._occlusion_squares import places_on
from minitorch_viz.techniques.activations.occlusion import occlusion


def test_it_finds_the_red_square(red_detector) -> None:
    """Covering the only red thing with black removes the class; covering the rest changes nothing."""
    image = np.zeros((12, 12, 3), np.uint8)
    image[0:4, 8:12, 0] = 255
    result = occlusion(red_detector, image, target="red", size=4, stride=4, fill="black")
    assert result.values.shape == (3, 3)
    rest = np.ones((3, 3), bool)
    rest[0, 2] = False
    np.testing.assert_allclose(result.values[rest], result.base, rtol=1e-5)
    assert result.values[0, 2] == pytest.approx(0.5, abs=1e-6)  # both scores are 0 now
    assert result.base > 0.7
    assert result.drop.argmax() == 2


def test_it_equals_a_plain_loop(digits) -> None:
    """In float64, where only the order of additions may differ: the map recomputes less than the loop."""
    digits = digits.astype(np.float64)
    result = occlusion(digits, sample_digit(), target=3, size=3, stride=2, fill="white", batch=4)
    np.testing.assert_array_equal(result.tops, [0, 2, 4, 6])  # the last hangs over the border
    for i, top in enumerate(result.tops):
        for j, left in enumerate(result.lefts):
            image = sample_digit().copy()
            image[top : top + 3, left : left + 3] = 255
            probabilities = digits.predict_probabilities(digits.preprocess(image))[0]
            assert result.values[i, j] == pytest.approx(float(probabilities[3]), abs=1e-12)
            assert result.best[i, j] == probabilities.argmax()


def test_squeezenets_map_equals_whole_forward_passes(squeezenet, shared_data) -> None:
    """Only what a square reaches is computed anew; the map is that of the plain way, squares over the border too."""
    photo = shared_data / "photos" / "cat_dog.jpg"
    result = occlusion(squeezenet, photo, size=40, stride=45, fill="grey", batch=4)
    x = squeezenet.preprocess(photo)
    target = squeezenet.classify(photo, top=1)[0].index
    assert result.tops[-1] + 40 > x.shape[2]
    assert result.tops[0] < 0
    mean, std = (
        np.reshape(value, (-1, 1, 1)) for value in (squeezenet.preprocessing.mean, squeezenet.preprocessing.std)
    )
    for i, top in enumerate(result.tops):
        for j, left in enumerate(result.lefts):
            copy = x.copy()
            copy[0, :, max(top, 0) : top + 40, max(left, 0) : left + 40] = (128 - mean) / std
            probabilities = squeezenet.predict_probabilities(copy)[0]
            assert result.values[i, j] == pytest.approx(float(probabilities[target]), rel=1e-4, abs=1e-6)
            assert result.best[i, j] == probabilities.argmax()


def test_every_pixel_is_covered_at_least_once(digits) -> None:
    for size, stride in [(1, 1), (3, 2), (3, 3), (5, 4), (8, 8), (5, 2)]:
        result = occlusion(digits, sample_digit(), size=size, stride=stride)
        covered = np.zeros((8, 8), bool)
        for top in result.tops:
            for left in result.lefts:
                covered[max(top, 0) : top + size, max(left, 0) : left + size] = True
        assert covered.all(), (size, stride)
        assert result.tops[-1] < 8


def test_a_stride_beyond_the_size_leaves_gaps_but_stays_inside(digits) -> None:
    result = occlusion(digits, sample_digit(), size=2, stride=8)
    np.testing.assert_array_equal(result.tops, [3])  # in the middle
    result = occlusion(digits, sample_digit(), size=2, stride=5)
    np.testing.assert_array_equal(result.lefts, [0, 5])


@pytest.mark.parametrize(
    ("side", "size", "stride"), [(8, 3, 2), (8, 3, 1), (9, 4, 3), (227, 45, 15), (64, 13, 4), (7, 2, 5)]
)
def test_the_grid_is_centred(side, size, stride) -> None:
    """As far over the one border as over the other, but for one pixel that cannot be halved; no square in vain."""
    firsts = places_on(side, size, stride)
    before, after = -firsts[0], firsts[-1] + size - side
    assert abs(after - before) <= 1
    assert (np.diff(firsts) == stride).all()
    covered = np.zeros(side, bool)
    for first in firsts:
        covered[max(first, 0) : first + size] = True
    assert covered.all() or stride > size
    assert len(firsts) == 1 or (len(firsts) - 2) * stride + size < side
    cells = edges(firsts, size, side)
    assert (cells[0], cells[-1]) == (-0.5, side - 0.5)  # no uncovered border
    np.testing.assert_allclose(
        cells + cells[::-1], side - 1 + np.abs(after - before) * ((cells > 0) & (cells < side - 1))
    )


def test_the_colours_read_as_in_every_other_map(red_detector) -> None:
    """Red where covering takes the class away, blue where it helps: the sign of `heat`; the bar says so."""
    image = np.full((12, 12, 3), (128, 0, 0), np.uint8)
    image[:4, :4, 0], image[8:, 8:, 0] = 255, 0
    result = occlusion(red_detector, image, target="red", size=4, stride=4, fill="grey")
    figure = result.figure()
    (mesh,) = figure.axes[1].collections
    assert mesh.get_cmap().name == "RdBu_r"
    low, high = mesh.get_clim()
    assert low == -high
    drawn = np.asarray(mesh.get_array()).reshape(3, 3)
    np.testing.assert_allclose(drawn, result.base - result.values)
    assert drawn[0, 0] > 0 > drawn[2, 2]
    assert result.heat[0, 0] > 0 > result.heat[11, 11]
    labels = [axes.get_ylabel() for parent in figure.axes for axes in parent.child_axes]
    assert labels == ["red matters, blue holds it down"]


def bright(weight: float, bias: float, scores: str | None, classes: int = 2) -> Model:
    """Class 0 (or the only one) scores weight * mean grey + bias, the others 0."""
    rows = np.zeros((classes, 1))
    rows[0] = weight
    layers = [("conv", Conv2d(np.full((1, 3, 1, 1), 1 / 3))), ("gap", GlobalAvgPool2d()), ("flat", Flatten())]
    net = Net([*layers, ("fc", Linear(rows, np.array([bias] + [0.0] * (classes - 1))))])
    return Model.from_net(net, 8, scores=scores)


SATURATED = {  # weight and bias of the class, kind of scores, how many, target, the function that is left out
    "sure": (40.0, 4.0, "classes", 2, 0, "softmax"),
    "sure among five": (90.0, 8.0, "classes", 5, 0, "softmax"),
    "a class that is not there": (-40.0, -4.0, "classes", 3, 0, "softmax"),
    "a label": (30.0, 5.0, "labels", 3, 0, "sigmoid"),
    "yes": (25.0, 4.0, "yes-no", 1, 0, "sigmoid"),
    "no": (25.0, 4.0, "yes-no", 1, "not class 0", "sigmoid"),
}


@pytest.mark.parametrize(("weight", "bias", "scores", "classes", "target", "squash"), SATURATED.values(), ids=SATURATED)
def test_where_the_answer_is_saturated_the_score_is_shown(weight, bias, scores, classes, target, squash) -> None:
    """A half bright picture: covering the bright half lowers the score by a known amount."""
    image = np.zeros((8, 8, 3), np.uint8)
    image[:, 4:] = 255
    result = occlusion(bright(weight, bias, scores, classes), image, target=target, size=4, stride=4, fill="black")
    sign = -1 if str(target).startswith("not") else 1
    np.testing.assert_allclose(result.base, sign * (weight / 2 + bias), rtol=1e-6)
    np.testing.assert_allclose(result.drop, sign * weight * np.array([[0, 0.25], [0, 0.25]]), atol=1e-5)
    assert result.kind == "score"
    assert f"shows the score before the {squash}" in result.notes[0]
    assert f"score {result.base:.4g}, probability " in result.caption
    assert "flat" not in " ".join(result.notes)


@pytest.mark.parametrize(("weight", "bias"), [(8.0, -2.0), (4.0, 1.0), (-6.0, 3.0), (20.0, -4.0), (3.0, 0.0)])
def test_where_the_probability_moves_it_is_shown(weight, bias) -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    image[:, 4:] = 255
    result = occlusion(bright(weight, bias, "classes"), image, target=0, size=4, stride=4, fill="black")
    assert result.kind == "probability"
    np.testing.assert_allclose(result.base, 1 / (1 + np.exp(-weight / 2 - bias)), rtol=1e-6)
    np.testing.assert_allclose(result.values[0, 1], 1 / (1 + np.exp(-weight / 4 - bias)), rtol=1e-6)
    assert not result.instead


def test_the_mean_fill_is_the_photos_mean_colour(red_detector) -> None:
    """On a photo of one colour an occluder of the mean colour changes nothing."""
    image = np.full((12, 12, 3), (120, 30, 200), np.uint8)
    result = occlusion(red_detector, image, fill="mean")
    np.testing.assert_allclose(result.values, result.base, rtol=1e-5)
    assert "flat" in result.notes[0]


def test_numbers_are_fills(digits) -> None:
    for name, level in [("black", "0"), ("grey", "128"), ("white", "255.0")]:
        a, b = (occlusion(digits, sample_digit(), fill=fill).values for fill in (name, level))
        np.testing.assert_array_equal(a, b)


def test_a_units_value_is_recorded_as_a_plain_loop_does(digits) -> None:
    digits = digits.astype(np.float64)
    chosen = {"node": "relu1", "channel": 2, "position": (3, 4)}
    result = occlusion(digits, sample_digit(), **chosen, size=3, stride=2, fill="black")
    assert result.best is None
    for i, top in enumerate(result.tops):
        for j, left in enumerate(result.lefts):
            image = sample_digit().copy()
            image[top : top + 3, left : left + 3] = 0
            unit = digits.net.predict(digits.preprocess(image), upto="relu1")[0, 2, 3, 4]
            assert result.values[i, j] == pytest.approx(float(unit), abs=1e-12)
    far = np.abs(result.tops[:, None] + 1 - 3) + np.abs(result.lefts + 1 - 4) > 6
    np.testing.assert_array_equal(result.drop[far], 0)  # squares that the unit does not see
    assert "value" in result.caption


@pytest.mark.parametrize(("size", "stride"), [(3, 2), (1, 1), (2, 3)])
def test_a_pixels_heat_is_the_mean_drop_of_the_squares_over_it(digits, size, stride) -> None:
    result = occlusion(digits, sample_digit(), size=size, stride=stride)
    for y, x in np.ndindex(8, 8):
        rows = (result.tops <= y) & (y < result.tops + size)
        columns = (result.lefts <= x) & (x < result.lefts + size)
        over = result.drop[np.ix_(rows, columns)]
        assert result.heat[y, x] == pytest.approx(over.mean() if over.size else 0, abs=1e-12)


def test_a_net_without_classes_shows_its_strongest_unit(digits) -> None:
    features = replace(digits, logits="", class_names=(), class_synonyms=())
    result = occlusion(features, sample_digit())
    scores = digits.net.predict(digits.preprocess(sample_digit()))[0]
    assert result.base == pytest.approx(float(scores.max()))
    assert result.label == f"{digits.net.output} unit {scores.argmax()}"
    assert result.best is None


def test_the_input_is_left_alone(digits) -> None:
    image = sample_digit()
    image.setflags(write=False)
    occlusion(digits, image)


BAD = {
    "no such file": ({"image": "nowhere.jpg"}, ImageFileError, "nowhere.jpg"),
    "no image": ({"image": None}, ImageFileError, "None"),
    "size of zero": ({"size": 0}, SettingError, "size must be .* from 1 to 8.*0"),
    "negative size": ({"size": -3}, SettingError, "size .*-3"),
    "size over the image": ({"size": 9}, SettingError, "size .*9"),
    "size is a float": ({"size": 2.5}, SettingError, "size .*2.5"),
    "size is a word": ({"size": "big"}, SettingError, "size .*big"),
    "stride of zero": ({"stride": 0}, SettingError, "stride .*0"),
    "stride over the image": ({"size": 2, "stride": 9}, SettingError, "stride .* from 1 to 8"),
    "stride is a float": ({"stride": 1.0}, SettingError, "stride .*1.0"),
    "batch of zero": ({"batch": 0}, SettingError, "batch .*0"),
    "batch is None": ({"batch": None}, SettingError, "batch .*None"),
    "unknown fill": ({"fill": "pink"}, SettingError, "pink"),
    "fill too bright": ({"fill": "256"}, SettingError, "256"),
    "fill is nan": ({"fill": "nan"}, SettingError, "nan"),
    "negative fill": ({"fill": "-1"}, SettingError, "-1"),
    "fill is None": ({"fill": None}, SettingError, "None"),
    "unknown class": ({"target": "elephant"}, SettingError, "elephant"),
    "class out of range": ({"target": 10}, SettingError, "10"),
}


@pytest.mark.parametrize(("settings", "kind", "message"), BAD.values(), ids=list(BAD))
def test_bad_input_is_told_in_a_sentence(digits, settings, kind, message) -> None:
    settings = {"image": sample_digit(), **settings}
    with pytest.raises(MinitorchVizError, match=message) as caught:
        occlusion(digits, **settings)
    assert isinstance(caught.value, kind)


@pytest.mark.parametrize("settings", [{}, {"node": "relu2", "channel": 9, "position": (3, 4)}], ids=["class", "unit"])
def test_a_map_on_the_way_knows_what_it_has_not_measured(digits, monkeypatch, settings) -> None:
    monkeypatch.setattr(run.Pace, "due", lambda self: True)
    results = [*occlusion.each(digits, sample_digit(), size=3, stride=2, batch=4, **settings)]
    whole = occlusion(digits, sample_digit(), size=3, stride=2, batch=4, **settings)
    assert [(result.done, result.total) for result in results] == [(4, 16), (8, 16), (12, 16), (16, 16)]
    for result in results:
        known = ~np.isnan(result.values)
        assert known.sum() == result.done
        if result.kind == whole.kind:  # else all so far are saturated, and the scores are shown
            np.testing.assert_array_equal(result.values[known], whole.values[known])
        if whole.best is not None:
            np.testing.assert_array_equal(result.best[known], whole.best[known])
            assert (result.best[~known] == -1).all()
        assert np.isfinite(result.heat).all()
        assert (result.heat[~touched(result)] == 0).all()  # no square has been there
    np.testing.assert_array_equal(results[-1].heat, whole.heat)
    assert results[1].notes[0] == "This is the result after 8 of 16 places."
    assert results[-1].notes == whole.notes
    assert pixels_differ(results[1].figure(), whole.figure())


def touched(result) -> np.ndarray:
    """(h, w) bool: the pixels that a square has covered."""
    pixels = np.zeros(result.picture.shape[:2], bool)
    for row, column in zip(*np.nonzero(~np.isnan(result.values)), strict=True):
        top, left = result.tops[row], result.lefts[column]
        pixels[max(top, 0) : top + result.size, max(left, 0) : left + result.size] = True
    return pixels


def pixels_differ(first, second) -> bool:
    from minitorch_viz.drawing import figure_bytes

    return figure_bytes(first, "png", dpi=50) != figure_bytes(second, "png", dpi=50)
