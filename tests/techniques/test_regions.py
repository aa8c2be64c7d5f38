"""Regions against nets whose borders are known: straight lines, circles, and a net that looks at one pixel."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Model, Net
from minitorch_viz.errors import SettingError
from minitorch_viz.layers import Conv2d, Flatten, Linear, Sigmoid, Softmax
from minitorch_viz.models import Numbers
from minitorch_viz.techniques import get_technique
from minitorch_viz.techniques.optimization._regions_border import borders
from minitorch_viz.techniques.optimization._regions_grid import finished, levels_of, on_round, spread
from minitorch_viz.techniques.optimization._regions_run import nice
from minitorch_viz.techniques.optimization._regions_space import space_of

regions = get_technique("regions").compute

WEIGHT, BIAS = np.array([[0.8, -0.6], [-0.4, 0.9], [0.1, 0.2]]), np.array([0.3, -0.2, -2.0])
ROW = np.array([1.3, -0.4])
MEAN, STD = np.array([2.0, -1.0]), np.array([0.5, 4.0])


def two_numbers(mean: np.ndarray | float = 0.0, std: np.ndarray | float = 1.0) -> Model:
    """A linear net of two numbers and three classes, in double precision."""
    reader = Numbers(2, mean=mean, std=std, names=("age", "height"))
    names = ["child", "adult", "giant"]
    return Model.from_net(Net([("fc", Linear(WEIGHT, BIAS))]), readers=reader, class_names=names)


def one_pixel(threshold: float = 100.0) -> Model:
    """A net for pictures of 4 x 4 grey pixels that answers "light" where pixel (1, 2) is above the threshold."""
    weight = np.zeros((2, 16))
    weight[1, 6] = 1
    nodes = [
        ("same", Conv2d(np.ones((1, 1, 1, 1)))),
        ("flat", Flatten()),
        ("fc", Linear(weight, np.array([threshold, 0.0]))),
    ]
    return Model.from_net(Net(nodes), (1, 4, 4), class_names=["dark", "light"], std=1.0)


# ---------------------------------------------------------------- the map


@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (MEAN, STD)], ids=["plain", "mean and std"])
def test_the_plane_of_two_numbers_is_what_the_net_says_of_them(mean, std) -> None:
    result = regions(two_numbers(mean, std), ROW, points=33, reach=5.0, ways=3)
    middle = (ROW - mean) / std
    at = np.linspace(-5, 5, 33)
    points = middle + np.stack(np.meshgrid(at, at[::-1]), axis=2)
    scores = points @ WEIGHT.T + BIAS
    np.testing.assert_array_equal(result.classes, scores.argmax(axis=2))
    shares = np.exp(scores) / np.exp(scores).sum(axis=2, keepdims=True)
    np.testing.assert_allclose(result.confidences, shares.max(axis=2), rtol=1e-12)
    own = scores[16, 16].argmax()
    np.testing.assert_allclose(result.margins, scores[..., own] - np.delete(scores, own, 2).max(axis=2), atol=1e-12)
    assert result.middle == pytest.approx(tuple(ROW))
    assert result.scale == pytest.approx(tuple(np.broadcast_to(std, 2)))


def test_the_border_on_the_map_is_where_the_difference_of_two_scores_is_zero() -> None:
    """To the grid's precision: between two neighbours of one answer each lies the line w.x + b = 0."""
    result = regions(two_numbers(), ROW, points=65, reach=4.0, ways=1)
    at, cell = np.linspace(-4, 4, 65), 8 / 64
    here = ROW + np.stack(np.meshgrid(at, at[::-1]), axis=2)
    changed = (result.classes[:, 1:] != result.classes[:, :-1]) & (np.maximum(*_pair(result.classes)) < 2)
    assert changed.any()
    w, b = WEIGHT[0] - WEIGHT[1], BIAS[0] - BIAS[1]
    distances = np.abs((here[:, :-1] @ w + b) / w[0])  # along the row, to the line
    assert (distances[changed] <= cell + 1e-12).all()


def _pair(classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return classes[:, 1:], classes[:, :-1]


def test_the_axes_of_a_picture_are_the_attack_and_what_is_orthogonal_to_it() -> None:
    """Of a net that looks at one pixel: only this pixel moves along the gradient, and across it never changes."""
    grey = np.full((4, 4), 60, np.uint8)
    result = regions(one_pixel(), grey, along="gradient", points=9, reach=20.0, ways=2, precision=1e-9)
    # A move of size 1 is 1 grey level in each of 16 pixels, root mean square: 4 in one alone.
    light = 60 + 4 * np.linspace(-20, 20, 9) > 100
    np.testing.assert_array_equal(result.classes, np.tile(light.astype(int), (9, 1)))
    assert result.largest[0] == pytest.approx(4)
    assert result.distances[0] == pytest.approx(10, rel=1e-8)
    assert result.changes[0] == pytest.approx(10, rel=1e-8)


def test_what_leaves_0_to_255_is_cut_off_unless_it_is_not_wanted() -> None:
    grey = np.full((4, 4), 60, np.uint8)
    model = one_pixel(300)  # no picture is ever light
    cut, whole = (
        regions(model, grey, along="gradient", points=9, reach=80.0, ways=1, clip=clip) for clip in (True, False)
    )
    assert (cut.classes == 0).all()
    assert np.isnan(cut.distances[0])
    assert "the answer is the same as far as 255: no border was found" in " ".join(cut.notes)
    assert (whole.classes[:, -1] == 1).all()  # 60 + 4 x 80 = 380
    assert whole.distances[0] == pytest.approx(60, rel=1e-3)
    middle_row = np.array([80, 60, 40, 20, 0, 20, 40, 60, 80]) * np.array([-4] * 4 + [4] * 5) + 60
    np.testing.assert_allclose(whole.outside[4], ((middle_row < 0) | (middle_row > 255)) / 16)
    np.testing.assert_array_equal(cut.outside, whole.outside)


def test_with_random_axes_the_plane_has_no_attack() -> None:
    """Along two random directions of 16 the one pixel moves little: nothing changes as near as the attack."""
    grey = np.full((4, 4), 60, np.uint8)
    result = regions(one_pixel(), grey, along="random", across="random", points=9, reach=10.5, ways=1)
    assert (result.classes[4] == 0).all()
    assert result.distances[0] < 10.5  # the sign of the gradient is 0 but in one pixel


@pytest.mark.parametrize("end", ["scores", "softmax", "labels", "sigmoids", "yes or no"])
def test_the_confidence_is_the_probability_that_the_net_gives_its_answer(end: str) -> None:
    rows = WEIGHT[:1] if end == "yes or no" else WEIGHT
    last = {"softmax": [("softmax", Softmax())], "sigmoids": [("sigmoid", Sigmoid())]}.get(end, [])
    nodes = [("fc", Linear(rows, BIAS[: len(rows)])), *last]
    logits = None if not last else last[0][0]  # the net's scores are then its probabilities
    model = Model.from_net(
        Net(nodes), readers=Numbers(2), logits=logits, scores="labels" if end in ("labels", "sigmoids") else None
    )
    result = regions(model, ROW, points=9, reach=3.0, ways=1)
    at = np.linspace(-3, 3, 9)
    points = (ROW + np.stack(np.meshgrid(at, at[::-1]), axis=2)).reshape(-1, 2)
    answers = model.predict_answers(points)
    if end == "yes or no":
        answers = np.concatenate([1 - answers, answers], axis=1)
        assert result.names == ("not class 0", "class 0")
    np.testing.assert_array_equal(result.classes.ravel(), answers.argmax(axis=1))
    np.testing.assert_allclose(result.confidences.ravel(), answers.max(axis=1), rtol=1e-9)


def test_a_net_without_classes_is_refused() -> None:
    model = Model.from_net(Net([("fc", Linear(WEIGHT, BIAS))]), readers=Numbers(2), scores="numbers")
    with pytest.raises(SettingError, match=r"regions does not apply .* plain numbers"):
        regions(model, ROW)


# ---------------------------------------------------------------- distances


def test_the_border_along_the_gradient_is_the_difference_over_the_length_of_its_weight() -> None:
    model = two_numbers()
    scores = WEIGHT @ ROW + BIAS
    best, second = np.argsort(-scores)[:2]
    expected = (scores[best] - scores[second]) / np.linalg.norm(WEIGHT[best] - WEIGHT[second])
    result = regions(model, ROW, along="gradient", points=3, ways=2, precision=1e-10)
    assert result.distances[0] == pytest.approx(expected, rel=2e-10)
    assert result.behind[0] == second


def test_the_closest_border_is_that_of_the_class_that_is_reached_first() -> None:
    """Which need not be the one with the next best score: the slope to the third class may be steeper."""
    weight, bias = np.array([[0.0, 0.0], [0.1, 0.0], [0.0, 3.0]]), np.array([1.0, 0.9, 0.0])
    model = Model.from_net(Net([("fc", Linear(weight, bias))]), readers=Numbers(2), class_names=["own", "next", "near"])
    result = regions(model, np.zeros(2), along="closest", points=3, ways=1, precision=1e-9)
    assert result.distances[0] == pytest.approx(1 / 3, rel=1e-8)
    assert result.names[result.behind[0]] == "near"
    along_gradient = regions(model, np.zeros(2), along="gradient", points=3, ways=1, precision=1e-9)
    assert along_gradient.distances[0] == pytest.approx(1, rel=1e-8)


@pytest.mark.parametrize("precision", [0.1, 1e-3, 1e-9])
def test_bisection_is_as_precise_as_it_says(precision: float, rng: np.random.Generator) -> None:
    """In any direction u the border of w.x + b = 0 is (w.x + b) / -(w.u) away; the answer given lies just beyond it."""
    model = two_numbers()
    space = space_of(model, model.read(ROW), None, clip=True)
    directions = rng.standard_normal((40, 2))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    limits = borders(space, directions, np.full(40, 30.0), precision)
    scores, slopes = WEIGHT @ ROW + BIAS, directions @ WEIGHT.T
    own = scores.argmax()
    gaps, closing = scores[own] - scores, slopes - slopes[:, [own]]
    times = np.where(closing > 0, gaps / np.where(closing > 0, closing, 1), np.inf)
    times[:, own] = np.inf
    first = times.min(axis=1)
    reached = first < 30
    np.testing.assert_array_equal(np.isfinite(limits.distances), reached)
    assert reached.any()
    assert (limits.distances[reached] >= first[reached] * (1 - 1e-12)).all()
    assert (limits.distances[reached] <= first[reached] * (1 + 1.01 * precision)).all()
    np.testing.assert_array_equal(limits.answers[reached], times.argmin(axis=1)[reached])
    np.testing.assert_allclose(limits.changes[reached], limits.distances[reached])
    assert (limits.answers[~reached] == -1).all()


def test_on_the_way_to_a_real_picture_the_border_is_no_farther_than_the_picture() -> None:
    pictures = [np.full((4, 4), level, np.uint8) for level in (60, 90, 140, 220)]  # the first is the photo itself
    result = regions(one_pixel(), pictures[0], pictures=pictures, points=3, ways=4, precision=1e-8)
    ways = result.kinds == 2
    np.testing.assert_allclose(result.far[ways], [30, 80, 160])
    np.testing.assert_allclose(result.distances[ways], [np.nan, 40, 40], rtol=1e-7)
    np.testing.assert_array_equal(result.meant, [0, 1, 1])
    assert "On the way to 1 of 3 real pictures the answer stays the same" in " ".join(result.notes)


def test_a_projection_and_the_distance_from_the_plane_add_up(rng: np.random.Generator) -> None:
    """Pythagoras, in root mean squares; the picture to which an axis leads lies on the plane."""
    pictures = [rng.integers(0, 256, (4, 4)).astype(np.uint8) for _ in range(4)]
    for along, on_the_plane in (("sign", 0), ("picture", 2)):
        across = "picture" if along == "picture" else "random"
        result = regions(one_pixel(), pictures[0], pictures=pictures[1:], along=along, across=across, points=3, ways=3)
        squares = np.array([((p.astype(float) - pictures[0]) ** 2).mean() for p in pictures[1:]])
        np.testing.assert_allclose((result.places**2).sum(axis=1) + result.asides**2, squares)
        assert (result.asides < 1e-9).sum() == on_the_plane


def test_a_picture_of_two_pixels_is_the_plane_itself() -> None:
    weight = np.array([[1.0, 0], [0, 1]])
    model = Model.from_net(Net([("flat", Flatten()), ("fc", Linear(weight))]), (1, 1, 2), std=1.0)
    result = regions(model, np.array([[200, 100]], np.uint8), points=9, reach=60.0, ways=1)
    first, second = np.meshgrid(np.linspace(-1, 1, 9), np.linspace(1, -1, 9))  # L2 is sqrt(2) times the size
    reach = 60 * np.sqrt(2)
    assert result.reach == 60
    light = (100 + reach * second) > (200 + reach * first)
    np.testing.assert_array_equal(result.classes, light.astype(int))
    result.figure()


def test_rows_of_a_table_lie_where_they_are() -> None:
    table = ROW + np.array([[1.0, 0], [0, -2], [0.5, 0.5]])
    result = regions(two_numbers(), ROW, pictures=table, points=3, reach=3.0, ways=4)
    np.testing.assert_allclose(result.places, table - ROW, atol=1e-12)
    np.testing.assert_allclose(result.asides, 0, atol=1e-12)
    np.testing.assert_array_equal(result.meant, (table @ WEIGHT.T + BIAS).argmax(axis=1))


# ---------------------------------------------------------------- coarse to fine


@pytest.mark.parametrize("side", [3, 5, 9, 33, 41, 65])
def test_the_rounds_ask_each_point_once_and_each_is_a_whole_map(side: int) -> None:
    levels = levels_of(side)
    asked = np.concatenate([level.points for level in levels])
    np.testing.assert_array_equal(np.sort(asked), np.arange(side**2))
    values = np.full((side, side), np.nan)
    truth = np.arange(side**2, dtype=float).reshape(side, side)
    done = 0
    for level in levels:
        values.flat[level.points] = truth.flat[level.points]
        done += len(level.points)
        assert finished(done, levels) == level.stride
        np.testing.assert_array_equal(finished(done - 1, levels), levels[max(levels.index(level) - 1, 0)].stride)
        assert not np.isnan(spread(values, level.stride)).any()
        assert not np.isnan(on_round(values, level.stride)[0]).any()
    np.testing.assert_array_equal(spread(values, 1), truth)


def test_a_map_on_the_way_shows_the_nearest_points_of_its_last_whole_round() -> None:
    values = np.arange(81.0).reshape(9, 9)
    drawn = spread(values, 4)
    assert drawn[4, 4] == values[4, 4]
    assert drawn[5, 3] == values[4, 4]
    assert drawn[0, 0] == values[0, 0]
    assert drawn[8, 7] == values[8, 8]


def test_reaches_are_easy_to_read() -> None:
    assert [nice(value) for value in (0.7, 1.0, 1.01, 23, 4.7, 0.0012)] == [0.8, 1.0, 1.5, 30.0, 5.0, 0.0015]


# ---------------------------------------------------------------- bad settings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"target": "dark"}, "is the answer already"),
        ({"target": "lihgt"}, "light"),
        ({"along": "signs"}, "near directions: sign"),
        ({"along": "sign", "across": "sign"}, "both axes are sign"),
        ({"points": 8}, "odd.*take 9"),
        ({"points": 1}, "from 3 to 513"),
        ({"reach": 0}, "reach"),
        ({"reach": float("nan")}, "reach"),
        ({"precision": 0}, "precision"),
        ({"ways": 0}, "ways"),
        ({"seed": -1}, "seed"),
        ({"along": "picture", "pictures": [np.full((4, 4), 60, np.uint8)]}, "an axis that leads to a picture"),
        ({"pictures": "nowhere"}, "no folder nowhere"),
    ],
    ids=str,
)
def test_bad_settings_get_a_sentence(settings: dict[str, object], message: str) -> None:
    with pytest.raises(Exception, match=f"(?i){message}") as caught:
        regions(one_pixel(), np.full((4, 4), 60, np.uint8), **settings)
    assert str(caught.value).endswith(".")


def test_a_net_without_a_slope_has_no_attack_but_a_plane() -> None:
    nodes = [
        ("same", Conv2d(np.ones((1, 1, 1, 1)))),
        ("flat", Flatten()),
        ("fc", Linear(np.zeros((2, 16)), np.array([1.0, 0.0]))),
    ]
    model = Model.from_net(Net(nodes), (1, 4, 4), class_names=["dark", "light"], std=1.0)
    grey = np.full((4, 4), 60, np.uint8)
    with pytest.raises(SettingError, match=r"no slope.*random or picture"):
        regions(model, grey)
    result = regions(model, grey, along="random", points=5, ways=2)
    assert (result.classes == 0).all()
    assert result.kinds[:3].tolist() == [1, 1, 1]
    assert "no slope" in result.notes[0]
