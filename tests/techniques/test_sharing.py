"""Sharing: the same bits as without, each pass computed once, and memory that has an end."""

from __future__ import annotations

import dataclasses
import gc
import time
import weakref
from collections import Counter

import numpy as np
import pytest

from minitorch_viz import Model, Net
from minitorch_viz.boxes import Boxes, Patch
from minitorch_viz.graph import Tape
from minitorch_viz.io.images import load_image
from minitorch_viz.layers import Dropout, Linear
from minitorch_viz.models.samples import sample_digit
from minitorch_viz.techniques import get_technique, techniques
from minitorch_viz.techniques.base import explainers
from minitorch_viz.techniques.explain.sharing import MOST_BYTES, Passes, SharingNet, sharing, size_of
from minitorch_viz.techniques.explain.view import view
from minitorch_viz.techniques.gradients.compare import compare
from tests.techniques.net_of import net_of

EXPLAINERS = [name for name, one in techniques().items() if one.explains]
LOOPING = ("occlusion", "smoothgrad", "integrated-gradients")


def explain(name: str, model: Model, image: object, **settings: object):
    technique = techniques()[name]
    return technique.compute(model, image, **settings, **technique.in_comparison)


def assert_same(value: object, other: object) -> None:
    """Equal to the last bit, and of one type."""
    assert type(value) is type(other)
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            assert_same(getattr(value, field.name), getattr(other, field.name))
    elif isinstance(value, dict):
        assert_same((*value, *value.values()), (*other, *other.values()))
    elif isinstance(value, tuple):
        assert len(value) == len(other)
        for part, other_part in zip(value, other, strict=True):
            assert_same(part, other_part)
    elif isinstance(value, np.ndarray):
        assert value.dtype == other.dtype
        np.testing.assert_array_equal(value, other)
    else:
        assert value == other or (value != value and other != other)


@pytest.fixture
def passes(monkeypatch) -> Counter[str]:
    """How many passes nets have computed, by kind."""
    count: Counter[str] = Counter()

    def counting(kind: str):
        compute = getattr(Net, kind)

        def counted(self: Net, *args: object, **settings: object):
            count[kind] += 1
            return compute(self, *args, **settings)

        monkeypatch.setattr(Net, kind, counted)

    counting("forward")
    counting("predict_changed")
    return count


@pytest.mark.parametrize("name", EXPLAINERS)
def test_shared_results_are_those_of_the_technique_alone(digits, name) -> None:
    """Whatever came before: another class, the same class, a unit."""
    photo, plain = sample_digit(), net_of(get_technique(name), digits)
    model, seen = sharing(plain), view(plain, photo)
    inside = {"node": "logits" if name == "cam" else "relu2", "channel": 1}
    for settings in ({"target": 3}, {"target": "8"}, {"target": 3}, inside, {}):
        assert_same(explain(name, model, seen, **settings), explain(name, plain, photo, **settings))


@pytest.mark.parametrize("name", EXPLAINERS)
def test_a_second_class_takes_no_pass_of_its_own(digits, passes, name) -> None:
    plain = net_of(get_technique(name), digits)
    explain(name, sharing(plain), sample_digit(), target=3)
    single = passes.copy()
    passes.clear()
    model = sharing(plain)
    for target in (3, 8, 5):
        explain(name, model, sample_digit(), target=target)
    assert passes == single
    assert passes["forward"] >= (3 if name in ("smoothgrad", "integrated-gradients") else 1)
    assert bool(passes["predict_changed"]) == (name == "occlusion")


def test_compare_runs_the_photo_and_the_covered_photos_once(digits, passes) -> None:
    """As many passes for two classes as each method takes for one, and the photo's own once for all."""
    expected: Counter[str] = Counter({"forward": 1})
    for name in explainers(digits):
        outer = sharing(digits)
        outer.net.forward(digits.preprocess(sample_digit()), upto=digits.logits)
        passes.clear()
        explain(name, sharing(outer), sample_digit(), target=3)
        expected += passes
    passes.clear()
    compare(digits, sample_digit(), target=3, other=8)
    assert passes == expected
    assert passes["forward"] < len(EXPLAINERS) + 30


@pytest.mark.nightly
def test_on_googlenet_compare_takes_less_than_its_methods_alone(googlenet, shared_data) -> None:
    """Medians of three turns, of the seconds that the processor works; the maps are the same to the last bit."""
    photo = shared_data / "photos" / "cat_dog.jpg"
    methods = explainers(googlenet)

    def alone() -> list[np.ndarray]:
        return [explain(name, googlenet, photo, target=number).heat for name in methods for number in (243, 281)]

    def shared() -> list[np.ndarray]:
        result = compare(googlenet, photo, target=243, other=281)
        return [heat for pair in zip(result.maps, result.other_maps, strict=True) for heat in pair]

    for heat, other in zip(alone(), shared(), strict=True):  # and all kernels are loaded
        np.testing.assert_array_equal(heat, other)
    seconds: dict[str, list[float]] = {"alone": [], "compare": []}
    for _ in range(3):
        for name, run in (("alone", alone), ("compare", shared)):
            began = time.process_time()
            run()
            seconds[name].append(time.process_time() - began)
    single, both = (float(np.median(values)) for values in seconds.values())
    print(f"\neach method alone {single:.2f} s, compare {both:.2f} s, ratio {both / single:.2f}")
    assert both < 0.8 * single


def test_only_the_same_bits_are_the_same_pass(digits) -> None:
    net = sharing(digits).net
    x = digits.preprocess(sample_digit())
    tape = net.forward(x, upto="relu2")
    assert net.forward(x.copy(), upto="relu2") is tape
    assert net.forward(x, upto=["relu2"]) is tape
    assert net.forward({"input": x}, upto="relu2")["relu2"].tobytes() == tape["relu2"].tobytes()
    others = [
        net.forward(x, upto="relu1"),
        net.forward(x, upto="relu2", fuse=True),
        net.forward(x, upto="relu2", plan="plain"),
        net.forward(np.concatenate([x, x]), upto="relu2"),
        sharing(digits.astype(np.float64)).net.forward(x.astype(np.float64), upto="relu2"),
        net.forward(given={"relu1": tape["relu1"]}, upto="relu2"),
        net.forward(given={"relu1": 2 * tape["relu1"]}, upto="relu2"),
    ]
    assert len({id(other) for other in [tape, *others]}) == 8
    x[0, 0, 0, 0] += 1  # written in place: other bits
    assert net.forward(x, upto="relu2") is not tape


def test_changed_photos_are_told_apart(digits) -> None:
    """By what is changed, where, up to which node, and on which tape."""
    model = sharing(digits)
    x = digits.preprocess(sample_digit())
    tape, other = model.net.forward(x), model.net.forward(x / 2)

    def patch(value: float, row: int) -> dict[str, Patch]:
        return {"input": Patch(np.full((1, *x.shape[1:2], 2, 2), value, x.dtype), Boxes.at([row], [0], (2, 2)))}

    calls = [
        (tape, patch(0, 1), "relu2"),
        (tape, patch(1, 1), "relu2"),
        (tape, patch(0, 2), "relu2"),
        (tape, patch(0, 1), digits.logits),
        (other, patch(0, 1), "relu2"),
    ]
    answers = [model.net.predict_changed(*call) for call in calls]
    for call, answer in zip(calls, answers, strict=True):
        assert model.net.predict_changed(*call) is answer
        np.testing.assert_array_equal(answer, digits.net.predict_changed(*call))
    assert len({id(answer) for answer in answers}) == len(calls)


def test_training_passes_are_computed_each_time() -> None:
    net = Net([("drop", Dropout(0.5)), ("fc", Linear(np.eye(64)))])
    net, rng, x = SharingNet(net, Passes(MOST_BYTES)), np.random.default_rng(0), np.ones((1, 64))
    assert (net.forward(x, rng=rng)["fc"] != net.forward(x, rng=rng)["fc"]).any()


def test_what_is_kept_stays_below_the_limit(digits, passes) -> None:
    x = digits.preprocess(sample_digit())
    size = size_of(digits.net.forward(x))
    model = sharing(digits, limit=2 * size + size // 2)
    passes.clear()
    for _ in range(3):
        for factor in (1, 2, 3):  # two fit, the third is computed each time
            tape = model.net.forward(x * x.dtype.type(factor))
            assert tape["input"].max() == factor * x.max()
    assert passes["forward"] == 2 + 3
    assert model.net.passes.size == 2 * size


def test_without_room_nothing_is_kept(digits) -> None:
    model = sharing(digits, limit=0)
    assert_same(explain("smoothgrad", model, sample_digit()), explain("smoothgrad", digits, sample_digit()))
    assert model.net.passes.size == 0


def test_the_size_is_that_of_the_arrays_each_once(digits) -> None:
    a = np.zeros((10, 10), np.float32)
    assert size_of(Tape({"a": a, "b": a, "part": a[:2]}, {"a": (a.T, None), "b": np.zeros(3, bool)})) == 400 + 3
    assert size_of(digits.net) == sum(value.nbytes for value in digits.net.state.values())


def test_an_inner_one_finds_what_the_outer_keeps_and_is_forgotten(digits, passes) -> None:
    outer = sharing(digits)
    x = digits.preprocess(sample_digit())
    tape = outer.net.forward(x)
    inner = sharing(outer)
    assert inner.net.forward(x) is tape
    new = weakref.ref(inner.net.forward(x, upto="relu1"))
    kept = outer.net.passes.size
    assert new() is not None
    del inner
    gc.collect()
    assert new() is None
    passes.clear()
    outer.net.forward(x, upto="relu1")
    assert passes["forward"] == 1
    assert outer.net.passes.size > kept


def test_another_precision_shares_too(digits, passes) -> None:
    model = sharing(digits)
    wide = [model.astype(np.float64) for _ in range(2)]
    x = wide[0].preprocess(sample_digit())
    assert x.dtype == np.float64
    passes.clear()
    assert wide[0].net.forward(x) is wide[1].net.forward(x)
    assert passes["forward"] == 1


def test_a_technique_that_knows_nothing_takes_a_view(digits) -> None:
    """Reading, resizing and arithmetic give what they give of the photo."""
    photo = np.kron(sample_digit(), np.ones((3, 2, 1), np.uint8))
    seen = view(digits, photo)
    np.testing.assert_array_equal(load_image(seen), photo)
    np.testing.assert_array_equal(digits.preprocess(seen), digits.preprocess(photo))
    np.testing.assert_array_equal(np.asarray(seen) // 2, photo // 2)
    assert digits.classify(seen) == digits.classify(photo)
    assert seen.pixel_aspect == pytest.approx(3 / 2)


def test_a_view_is_made_again_for_another_reader(digits) -> None:
    photo = sample_digit()
    seen = view(digits, photo)
    assert view(digits, seen) is seen
    assert view(sharing(digits), seen) is seen
    wide = view(digits.astype(np.float64), seen)
    np.testing.assert_array_equal(wide.x, view(digits.astype(np.float64), photo).x)
    preprocessing = dataclasses.replace(digits.preprocessing, mean=200.0)
    assert (view(digits.with_reader(preprocessing), seen).x < seen.x).all()


def test_a_net_that_was_changed_is_a_plain_one() -> None:
    linear = Linear(np.ones((2, 3), np.float32))
    net = SharingNet(Net([("linear", linear)]), Passes(MOST_BYTES))
    changed = (net.with_layers({"linear": linear}), net.with_params({}), net.with_inputs({"input": np.ones((1, 3))}))
    assert [type(other) for other in (*changed, net.to("cpu"))] == [Net] * 4
    assert type(net.astype(np.float64)) is SharingNet
