"""The attacks that look for the smallest change, against nets whose borders are known, their formulas, and Foolbox."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import warnings
from typing import Any, NamedTuple

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.data import load_digits
from minitorch_viz.errors import SettingError
from minitorch_viz.layers import Flatten, Linear, Sigmoid
from minitorch_viz.models.readers import Numbers
from minitorch_viz.optimize.attacks import Aim, aim_at, get_attack, last, sizes
from minitorch_viz.optimize.attacks.cw import CarliniWagner, Walk
from minitorch_viz.optimize.attacks.deepfool import DeepFool
from minitorch_viz.optimize.attacks.genes import Genes
from minitorch_viz.optimize.attacks.lbfgs import Descent, Lbfgs, log_of_others
from minitorch_viz.optimize.attacks.losses import margin
from minitorch_viz.optimize.attacks.one_pixel import Contest, OnePixel, generation
from minitorch_viz.optimize.attacks.search import Search
from minitorch_viz.optimize.attacks.smallest import begin, shortened
from minitorch_viz.optimize.attacks.squashed import Squashed
from minitorch_viz.training.optimizers.adam import Adam

TARGETED = pytest.mark.parametrize("targeted", [False, True], ids=["any other answer", "a target"])


class Case(NamedTuple):
    aim: Aim
    pixels: Any


def linear(rng: np.random.Generator, classes: int, count: int = 4, width: float = 50.0) -> Case:
    """A linear net of 30 numbers in float64, and rows well within its box."""
    weights = rng.uniform(0.3, 3, (classes, 1)) * rng.standard_normal((classes, 30))
    net = Net([("fc", Linear(weights, rng.standard_normal(classes)))])
    model = Model.from_net(net, readers=Numbers(30), scores="classes")
    aim, values = aim_at(model, rng.uniform(-1, 1, (count, 30)))
    return Case(dataclasses.replace(aim, box=dataclasses.replace(aim.box, low=-width, high=width)), values)


@functools.cache
def digits(dtype: Any = np.float64, count: int = 5) -> Case:
    model = load_model("digits").astype(dtype)
    images = load_digits()[1].images[:count]
    return Case(*aim_at(model, np.concatenate([model.read(image[..., None].repeat(3, axis=2)) for image in images])))


def with_target(case: Case, shift: int = 1) -> Case:
    classes = len(case.aim.classes)
    return case._replace(aim=dataclasses.replace(case.aim, targets=(case.aim.labels + shift) % classes))


def margins(case: Case, pixels: Any) -> Any:
    return case.aim.loss(case.aim.logits(pixels), margin)[0]


def distances(case: Case, norm: str) -> Any:
    """The formula of the distance (N,) from a linear net's nearest border."""
    weights = case.aim.model.net.params["fc.weight"]
    scores, rows = case.aim.logits(case.pixels), np.arange(len(case.pixels))
    differences = weights[None] - weights[case.aim.labels][:, None]  # (N, K, D)
    lengths = np.linalg.norm(differences, axis=2) if norm == "l2" else np.abs(differences).sum(axis=2)
    gaps = scores[rows, case.aim.labels][:, None] - scores
    return np.where(lengths > 0, gaps / np.maximum(lengths, 1e-12), np.inf).min(axis=1)


# ---------------------------------------------------------------- DeepFool


@pytest.mark.parametrize("norm", ["l2", "linf"])
@pytest.mark.parametrize("classes", [2, 6])
def test_deepfools_first_step_on_a_linear_net_lands_on_the_nearest_border(classes: int, norm: Any, rng: Any) -> None:
    case = linear(rng, classes)
    end = last(DeepFool(norm=norm, steps=1, overshoot=0.0).attempts(case.aim, case.pixels))
    np.testing.assert_allclose(margins(case, end.pixels), 0, atol=1e-6)
    np.testing.assert_allclose(getattr(sizes(end.pixels - case.pixels), norm), distances(case, norm), rtol=1e-9)


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_deepfool_passes_the_border_by_its_overshoot(norm: Any, rng: Any) -> None:
    case = linear(rng, 6)
    end = last(DeepFool(norm=norm, overshoot=0.1).attempts(case.aim, case.pixels))
    assert end.fooled.all()
    np.testing.assert_allclose(getattr(sizes(end.pixels - case.pixels), norm), 1.1 * distances(case, norm), rtol=1e-9)


def test_deepfool_with_a_target_lands_on_its_border(rng: Any) -> None:
    case = with_target(linear(rng, 2), 1)
    end = last(DeepFool(steps=1, overshoot=0.0).attempts(case.aim, case.pixels))
    np.testing.assert_allclose(margins(case, end.pixels), 0, atol=1e-6)
    many = with_target(linear(rng, 6), 3)
    end = last(DeepFool().attempts(many.aim, many.pixels))
    assert (end.logits.argmax(axis=1) == many.aim.targets).all()


def test_deepfool_ends_when_all_are_fooled(rng: Any) -> None:
    case = linear(rng, 3)
    steps = list(DeepFool().attempts(case.aim, case.pixels))
    assert [step.fooled.all() for step in steps] == [False, True]
    assert [step.total for step in steps] == [50, 2]


def test_deepfool_looks_at_its_candidates_only(rng: Any) -> None:
    case = linear(rng, 6, count=20)
    second = np.argsort(-case.aim.logits(case.pixels), axis=1)[:, 1]
    two, six = (last(DeepFool(candidates=k, steps=1).attempts(case.aim, case.pixels)) for k in (2, 6))
    rows = np.arange(20)
    assert (two.logits[rows, second] > two.logits[rows, case.aim.labels]).all()
    assert (sizes(six.pixels - case.pixels).l2 <= sizes(two.pixels - case.pixels).l2 + 1e-9).all()
    assert (six.logits[rows, second] < six.logits[rows, case.aim.labels]).any()


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_deepfool_leaves_a_picture_alone_where_nothing_slopes(norm: Any) -> None:
    net = Net([("flat", Flatten()), ("fc", Linear(np.zeros((3, 4)), np.array([1.0, 0.0, 0.0])))])
    case = Case(*aim_at(Model.from_net(net, (2, 2), mean=[0], std=[1]), np.full((1, 1, 2, 2), 9.0)))
    end = last(DeepFool(norm=norm).attempts(case.aim, case.pixels))
    assert not end.fooled.any()
    np.testing.assert_array_equal(end.pixels, case.pixels)


def test_deepfool_starting_on_the_border_leaves_it() -> None:
    net = Net([("fc", Linear(np.array([[1.0, 0.0], [-1.0, 0.0]]), np.zeros(2)))])
    aim, values = aim_at(Model.from_net(net, readers=Numbers(2), scores="classes"), np.array([[0.0, 1.0], [0.0, -1.0]]))
    end = last(DeepFool(overshoot=0.0).attempts(aim, values))
    assert end.fooled.all()
    assert sizes(end.pixels - values).l2.max() < 1e-6


# ---------------------------------------------------------------- the search for c, and Carlini and Wagner


def test_c_grows_tenfold_until_it_fools_and_is_halved_between_then() -> None:
    search, seen = Search.begin(2, 0.01), []
    needed = np.array([0.35, np.inf])  # what c must be at least
    for _ in range(7):
        seen.append(search.c)
        search = search.with_fooling(np.flatnonzero(search.c >= needed)).next()
    np.testing.assert_allclose(np.array(seen)[:, 0], [0.01, 0.1, 1, 0.55, 0.325, 0.4375, 0.38125])
    np.testing.assert_allclose(np.array(seen)[:, 1], 10.0 ** np.arange(-2, 5))


def test_a_search_of_some_pictures_leaves_the_others() -> None:
    search = Search.begin(3, 1.0).with_fooling(np.array([0, 1])).next(np.array([0, 2]))
    np.testing.assert_allclose(search.c, [0.5, 1, 10])
    assert search.fooling.tolist() == [False, True, False]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_squashed_pixels_stay_within_the_box_and_come_back(dtype: Any, rng: Any) -> None:
    box = dataclasses.replace(digits().aim.box, dtype=dtype)
    pixels = rng.uniform(0, 255, (2, 1, 4, 5))
    pixels[0, 0, 0, :2] = 0, 255
    squashed = Squashed.of(box, pixels)
    np.testing.assert_allclose(squashed.begin, pixels, atol=1e-3)
    for w in (squashed.start + 1e3, squashed.start - 1e3):
        x = squashed.pixels(np.tanh(w))
        assert x.dtype == dtype
        assert x.min() >= 0
        assert x.max() <= 255


@TARGETED
@pytest.mark.parametrize("confidence", [0.0, 30.0])
def test_the_gradient_of_carlini_and_wagners_loss_is_its_slope(confidence: float, targeted: bool, rng: Any) -> None:
    case = with_target(digits()) if targeted else digits()
    squashed, search = Squashed.of(case.aim.box, case.pixels), Search.begin(5, 0.3)
    search = dataclasses.replace(search, c=rng.uniform(0.1, 1, 5))
    attack, rows = CarliniWagner(confidence=confidence), np.arange(5)
    start = squashed.start + 0.1 * rng.standard_normal(squashed.start.shape)
    towards = rng.standard_normal(start.shape)

    def look(w: Any) -> Any:
        walk = Walk.begin({str(row): w[row] for row in rows}, Adam())
        return attack._look(case.aim, rows, walk, search, squashed)

    def loss(w: Any) -> Any:
        x = squashed.pixels(np.tanh(w))
        size = (((x - squashed.begin) / 255) ** 2).reshape(5, -1).sum(axis=1)
        return size + search.c * np.maximum(0, confidence - margins(case, x))

    h = 1e-6
    slopes = (loss(start + h * towards) - loss(start - h * towards)) / (2 * h)
    along = (look(start).slopes * towards).reshape(5, -1).sum(axis=1)
    np.testing.assert_allclose(along, slopes, rtol=1e-6, atol=1e-7)


def test_on_a_linear_net_carlini_and_wagner_come_near_the_smallest_change(rng: Any) -> None:
    case = linear(rng, 2, width=4.0)  # of several borders it follows that to the best other score, near or far
    end = last(CarliniWagner(searches=8, steps=100, rate=0.003).attempts(case.aim, case.pixels))
    ratio = sizes(end.pixels - case.pixels).l2 / distances(case, "l2")
    assert end.fooled.all()
    assert ratio.min() >= 1 - 1e-9
    assert ratio.max() < 1.02


def test_the_confidence_is_kept_and_costs_a_larger_change() -> None:
    case = digits(np.float32)
    plain, sure = (
        last(CarliniWagner(searches=3, steps=40, c=1.0, rate=0.05, confidence=k).attempts(case.aim, case.pixels))
        for k in (0.0, 5.0)
    )
    assert plain.fooled.all()
    assert sure.fooled.all()
    assert margins(case, sure.pixels).min() >= 5 - 1e-3
    assert (sizes(sure.pixels - case.pixels).l2 > sizes(plain.pixels - case.pixels).l2).all()


def test_shortening_goes_as_far_back_as_it_still_fools(rng: Any) -> None:
    case = linear(rng, 4)
    far = last(DeepFool(overshoot=1.0).attempts(case.aim, case.pixels))
    near, passes = shortened(far, case.aim, case.pixels, "l2", 10)
    assert passes == 10
    assert near.fooled.all()
    ratio = sizes(near.pixels - case.pixels).l2 / distances(case, "l2")
    assert (ratio >= 1 - 1e-9).all()
    assert (ratio <= 1 + 2 * 2.0**-10).all()
    same, none = shortened(begin(case.aim, case.pixels, 1), case.aim, case.pixels, "l2", 10)
    assert none == 0
    np.testing.assert_array_equal(same.pixels, case.pixels)


# ---------------------------------------------------------------- L-BFGS


@TARGETED
def test_the_gradient_of_what_lbfgs_minimizes_is_its_slope(targeted: bool, rng: Any) -> None:
    z = 3 * rng.standard_normal((6, 7))
    labels, targets = z.argmax(axis=1), None
    labels[3:] = (labels[3:] + 2) % 7  # fooled already
    if targeted:
        targets = (labels + 3) % 7
    values, gradient = log_of_others(z, labels, targets)
    p = np.exp(z - np.logaddexp.reduce(z, axis=1, keepdims=True))
    rows = np.arange(6)
    meant = np.log(1 - p[rows, labels]) if targets is None else np.log(p[rows, targets])
    np.testing.assert_allclose(values, meant, rtol=1e-12, atol=1e-12)
    for k in range(7):
        h = 1e-5 * (np.arange(7) == k)
        slope = (log_of_others(z + h, labels, targets)[0] - log_of_others(z - h, labels, targets)[0]) / 2e-5
        np.testing.assert_allclose(gradient[:, k], slope, rtol=1e-7, atol=1e-7)


def test_the_probability_of_the_others_is_right_where_the_net_is_sure() -> None:
    z = np.array([[800.0, 0.0, -1.0]])
    value, gradient = log_of_others(z, np.array([0]), None)
    rest = np.log(1 + np.exp(-1.0))
    np.testing.assert_allclose(value, rest - 800)
    np.testing.assert_allclose(gradient[0], [-1, 1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1))])


@TARGETED
def test_the_gradient_of_a_descent_is_its_slope(targeted: bool, rng: Any) -> None:
    case = with_target(digits()) if targeted else digits()
    descent = Descent(case.aim.of(slice(2, 3)), case.pixels[2:3], 0.3)
    u, towards = rng.uniform(0.2, 0.8, (2, *case.pixels[2:3].shape))
    slope = (descent.value(u + 1e-6 * towards)[0] - descent.value(u - 1e-6 * towards)[0]) / 2e-6
    np.testing.assert_allclose((descent.value(u)[1] * towards.ravel()).sum(), slope, rtol=1e-6, atol=1e-7)
    assert descent.evaluations == 3


def test_on_a_linear_net_lbfgs_comes_near_the_smallest_change(rng: Any) -> None:
    case = linear(rng, 2, width=4.0)
    end = last(Lbfgs(searches=10, steps=50).attempts(case.aim, case.pixels))
    ratio = sizes(end.pixels - case.pixels).l2 / distances(case, "l2")
    assert end.fooled.all()
    assert ratio.min() >= 1 - 1e-9
    assert ratio.max() < 1.01


def test_lbfgs_steps_are_the_pictures_one_after_another_for_each_c() -> None:
    case = digits(np.float32)
    steps = list(Lbfgs(searches=2, steps=3).attempts(case.aim, case.pixels))
    assert len(steps) == steps[-1].total == 10
    for done, (before, after) in enumerate(itertools.pairwise(steps[:-1]), 1):  # at the end all are shortened
        others = np.arange(5) != done % 5
        np.testing.assert_array_equal(before.pixels[others], after.pixels[others])
        np.testing.assert_array_equal(before.inner["c"][others], after.inner["c"][others])


# ---------------------------------------------------------------- one pixel


def test_a_candidate_is_a_place_and_a_colour() -> None:
    genes = Genes.of(digits().aim.box, (3, 4, 6), 2)
    assert len(genes.bounds) == 10
    assert genes.bounds[:3] == [(0, 4), (0, 6), (0, 255)]
    dots = genes.dots(np.array([[0.9, 5.99, 1.4, 2.6, 255, 4.0, 0.0, 7, 8, 9]]))
    assert dots.places.tolist() == [[[0, 5], [3, 0]]]
    picture = genes.put(np.full((3, 4, 6), 50.0), dots)[0]
    assert picture[:, 0, 5].tolist() == [1, 3, 255]
    assert picture[:, 3, 0].tolist() == [7, 8, 9]
    assert (picture != 50).any(axis=0).sum() == 2


def test_candidates_begin_anywhere_within_the_box(rng: Any) -> None:
    genes = Genes.of(digits().aim.box, (1, 8, 8), 1)
    start = genes.start(rng, 4000)
    low, high = np.array(genes.bounds).T
    assert ((start >= low) & (start <= high)).all()
    assert len(np.unique(genes.dots(start).places.reshape(-1, 2), axis=0)) == 64
    assert abs(start[:, 2].mean() - 127.5) < 8


@pytest.mark.parametrize("shape", [(7,), (5, 7)])
def test_of_numbers_a_place_is_one_number(shape: tuple[int, ...], rng: Any) -> None:
    box = dataclasses.replace(digits().aim.box, low=-2.0, high=2.0, pictures=False)
    genes, clean = Genes.of(box, shape, 1), np.full(shape, 9.0)
    pictures = genes.put(clean, genes.dots(genes.start(rng, 50)))
    assert ((pictures != clean).reshape(50, -1).sum(axis=1) == 1).all()
    assert np.abs(pictures[pictures != 9]).max() <= 2


def test_a_generation_is_scipys_own_and_computes_each_cost_once(rng: Any) -> None:
    from scipy.optimize import rosen

    genes, asked = Genes.of(digits().aim.box, (3, 8, 8), 1), []
    population = genes.start(rng, 20)

    def costs_of(candidates: Any) -> Any:
        asked.append(len(candidates))
        return rosen(candidates.T / 100)

    costs = costs_of(population)
    after, lower = generation(costs_of, genes, population, costs, np.random.default_rng(7))
    assert asked == [20, 20]
    np.testing.assert_allclose(costs_of(after), lower, rtol=1e-9)
    assert (np.sort(lower) <= np.sort(costs)).all()
    assert (lower < costs.min()).any() or lower.sum() < costs.sum()


@pytest.mark.parametrize("channels", [1, 3])
def test_it_finds_the_one_pixel_that_matters(channels: int) -> None:
    weights = np.zeros((2, channels, 9, 7))
    weights[1, :, 2, 5] = 1 / 50
    net = Net([("flat", Flatten()), ("fc", Linear(weights.reshape(2, -1), np.array([1.0, 0.0])))])
    model = Model.from_net(net, (channels, 9, 7), mean=[0] * channels, std=[1] * channels)
    aim, pixels = aim_at(model, np.zeros((2, channels, 9, 7)))
    end = last(OnePixel(population=30, steps=30).attempts(aim, pixels))
    assert end.fooled.all()
    assert np.argwhere((end.pixels != pixels).any(axis=1)).tolist() == [[0, 2, 5], [1, 2, 5]]
    np.testing.assert_array_equal(end.pixels, np.rint(end.pixels))


def test_what_one_pixel_changes_is_computed_where_it_reaches(rng: Any) -> None:
    case = digits()
    genes = Genes.of(case.aim.box, case.pixels.shape[1:], 1)
    contest = Contest(case.aim.of(slice(1, 2)), case.pixels[1], genes)
    dots = genes.dots(genes.start(rng, 40))
    plain = case.aim.logits(genes.put(case.pixels[1], dots))
    np.testing.assert_allclose(contest._logits(dots), plain, rtol=1e-9, atol=1e-9)


def test_more_pixels_fool_more_digits() -> None:
    case = digits(np.float32, 8)
    few, many = (last(OnePixel(eps=count, population=30, steps=6).attempts(case.aim, case.pixels)) for count in (1, 12))
    assert many.fooled.sum() > few.fooled.sum()
    assert sizes(many.pixels - case.pixels).l0.max() <= 12


def test_more_pixels_than_there_are_get_a_sentence() -> None:
    case = digits()
    with pytest.raises(SettingError, match="64 places in all, but eps allows 65"):
        next(iter(OnePixel(eps=65).attempts(case.aim, case.pixels)))


# ---------------------------------------------------------------- all of them


@pytest.mark.parametrize("name", ["deepfool", "cw", "lbfgs", "one-pixel"])
def test_what_is_fooled_already_needs_no_change(name: str) -> None:
    case = digits()
    aim = dataclasses.replace(case.aim, labels=(case.aim.labels + 1) % 10)
    end = last(get_attack(name)(steps=2).attempts(aim, case.pixels))
    assert end.fooled.all()
    np.testing.assert_array_equal(end.pixels, case.pixels)


@pytest.mark.parametrize("name", ["deepfool", "cw", "lbfgs", "one-pixel"])
def test_a_net_that_says_yes_or_no_of_numbers_is_fooled(name: str, rng: Any) -> None:
    """Its one score is a sigmoid's: the other answer is "no"."""
    net = Net([("fc", Linear(3 * rng.standard_normal((1, 12)), np.zeros(1))), ("p", Sigmoid())])
    aim, values = aim_at(Model.from_net(net, readers=Numbers(12)), rng.uniform(-1, 1, (3, 12)))
    settings = {"eps": 6, "population": 40} if name == "one-pixel" else {}
    end = last(get_attack(name)(**settings).attempts(aim, values))
    assert end.fooled.all()
    assert ((end.logits[:, 1] > 0) != (aim.logits(values)[:, 1] > 0)).all()
    assert end.pixels.min() >= aim.box.low
    assert end.pixels.max() <= aim.box.high


def test_carlini_and_wagners_state_may_come_in_any_order() -> None:
    """A file keeps its arrays by name, and "10" may come before "2"."""
    case, attack = digits(np.float32, 12), CarliniWagner(searches=1, steps=6, c=1.0, rate=0.05)
    third, *_, end = list(attack.attempts(case.aim, case.pixels))[2:]
    arrays, numbers = third.packed()
    *_, again = attack.attempts(case.aim, case.pixels, state=(dict(sorted(arrays.items())), numbers))
    assert again.pixels.tobytes() == end.pixels.tobytes()


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("deepfool", {"steps": 0}, "number of steps must be a whole number"),
        ("deepfool", {"candidates": 1}, "candidates must be a whole number"),
        ("deepfool", {"overshoot": -0.1}, "overshoot must be a finite number of at least 0"),
        ("deepfool", {"norm": "l0"}, "deepfool measures a change in l2 and linf"),
        ("cw", {"norm": "linf"}, "cw measures a change in l2"),
        ("cw", {"c": 0.0}, "first c must be a finite number above 0"),
        ("cw", {"rate": "fast"}, "rate must be a number above 0"),
        ("cw", {"rate": True}, "rate must be a number above 0"),
        ("cw", {"confidence": float("nan")}, "confidence must be a finite number"),
        ("cw", {"searches": 0}, "number of searches"),
        ("cw", {"halvings": -1}, "number of halvings"),
        ("lbfgs", {"norm": "linf"}, "lbfgs measures a change in l2"),
        ("lbfgs", {"steps": 1.5}, "number of steps"),
        ("lbfgs", {"c": -1}, "first c must be a finite number above 0"),
        ("one-pixel", {"norm": "l2"}, "one-pixel measures a change in l0"),
        ("one-pixel", {"eps": 1.5}, "a whole number of at least 1, but got 1.5"),
        ("one-pixel", {"eps": 0}, "a whole number of at least 1"),
        ("one-pixel", {"population": 4}, "population must be a whole number from 5"),
    ],
)
def test_bad_settings_get_a_sentence(name: str, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        get_attack(name)(**settings)


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("name", "settings"), [("deepfool", {}), ("deepfool", {"norm": "linf"}), ("lbfgs", {"searches": 4, "steps": 8})]
)
def test_at_least_99_of_100_photos_are_fooled(name: str, settings: dict[str, Any], shared_data: Any) -> None:
    weights = shared_data / "weights" / "squeezenet1_1.safetensors"
    model = load_model("squeezenet1_1", weights=weights)
    paths = sorted((shared_data / "imagenet_samples").glob("*.jpg"))
    chosen = [paths[i] for i in np.linspace(0, len(paths) - 1, 100).astype(int)]
    aim, pixels = aim_at(model, np.concatenate([model.read(path) for path in chosen]))
    end = last(get_attack(name)(**settings).attempts(aim, pixels))
    size = sizes((end.pixels - pixels)[end.fooled])
    print(f"{name} {settings}: {end.fooled.mean():.0%} fooled; median", end=" ")
    print(", ".join(f"{key} {np.median(values):.4g}" for key, values in size._asdict().items()))
    assert end.fooled.mean() >= 0.99


# ---------------------------------------------------------------- Foolbox


@pytest.fixture(scope="module")
def foolbox() -> Any:
    pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of its own imports
        return pytest.importorskip("foolbox")


class Peers(NamedTuple):
    case: Case
    net: Any  # the same net in PyTorch, in float64
    mean: list[float]
    std: list[float]


@pytest.fixture(scope="module")
def peers() -> Peers:
    torch = pytest.importorskip("torch")

    from tests.torch_nets import residual_net

    rng, mean, std = np.random.default_rng(4), [110.0, 120.0, 130.0], [60.0, 55.0, 50.0]
    peer, net = residual_net(torch, rng)
    model = Model.from_net(net, (21, 19), mean=mean, std=std)
    pixels = rng.uniform(20, 230, (6, 3, 21, 19))
    x = (pixels - np.array(mean).reshape(-1, 1, 1)) / np.array(std).reshape(-1, 1, 1)
    return Peers(Case(*aim_at(model, x)), peer, mean, std)


def theirs(foolbox: Any, peers: Peers, attack: Any, scale: float) -> Any:
    """What Foolbox makes of the same pictures, where 255 / scale is white."""
    import torch

    preprocessing = {"mean": np.array(peers.mean) / scale, "std": np.array(peers.std) / scale, "axis": -3}
    net = foolbox.PyTorchModel(peers.net, bounds=(0, 255 / scale), preprocessing=preprocessing, device="cpu")
    labels = torch.from_numpy(peers.case.aim.labels)
    _, pixels, fooled = attack(net, torch.from_numpy(peers.case.pixels / scale), labels, epsilons=None)
    assert fooled.all()
    return pixels.numpy() * scale


@pytest.mark.torch
@pytest.mark.foolbox
@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_deepfool_is_foolboxs(norm: Any, foolbox: Any, peers: Peers) -> None:
    """It adds 1e-4 to each step's length; in steps of 0..255 that is little."""
    case, kind = peers.case, {"l2": "L2DeepFoolAttack", "linf": "LinfDeepFoolAttack"}[norm]
    attack = getattr(foolbox.attacks, kind)(candidates=5)
    ours = last(DeepFool(norm=norm, candidates=5).attempts(case.aim, case.pixels))
    change = theirs(foolbox, peers, attack, 1.0) - case.pixels
    assert ours.fooled.all()
    np.testing.assert_allclose(ours.pixels - case.pixels, change, rtol=0, atol=1e-3 + 0.01 * np.abs(change).max())


@pytest.mark.torch
@pytest.mark.foolbox
def test_carlini_and_wagners_is_foolboxs(foolbox: Any, peers: Peers) -> None:
    case, settings = peers.case, {"steps": 20, "confidence": 0.01}
    attack = foolbox.attacks.L2CarliniWagnerAttack(
        binary_search_steps=3, stepsize=0.05, initial_const=10.0, abort_early=False, **settings
    )
    ours = last(CarliniWagner(searches=3, rate=0.05, c=10.0, halvings=0, **settings).attempts(case.aim, case.pixels))
    assert ours.fooled.all()
    np.testing.assert_allclose(ours.pixels, theirs(foolbox, peers, attack, 255.0), rtol=0, atol=0.05)
