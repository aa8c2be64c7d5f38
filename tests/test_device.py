"""Nets and techniques on "cuda": on a strict stand-in for CuPy everywhere, and on a GPU where there is one."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import minitorch_viz_kernels as kernels
from minitorch_viz import Model, Net, load_model, relu_mode
from minitorch_viz.errors import MinitorchVizError, SettingError
from minitorch_viz.layers import Concat, Flatten, all_layers
from minitorch_viz.models import Alphabet, Preprocessing
from minitorch_viz.models.samples import sample_digit
from minitorch_viz.techniques import run, techniques
from tests import cupy_stand_in
from tests.techniques.net_of import net_of

NAMES = ("image", "question")
CASES = [
    pytest.param(layer, inputs, id=f"{kind.__name__}-{number}", marks=pytest.mark.slow if number > 1 else ())
    for kind in all_layers()
    for number, (layer, inputs) in enumerate(kind.examples(np.random.default_rng(0)))
]


def on_cuda(values):
    """Every array of a tuple on the device; other values as they are."""
    return tuple(kernels.to_device(value, "cuda") if isinstance(value, np.ndarray) else value for value in values)


def compare(found, expected, what: str) -> None:
    assert kernels.device_of(found) == "cuda", f"{what} is not on the device"
    np.testing.assert_allclose(kernels.to_cpu(found), expected, rtol=1e-9, atol=1e-12, err_msg=what)


@pytest.mark.usefixtures("cuda")
@pytest.mark.parametrize(("layer", "inputs"), CASES)
def test_every_layer_is_the_same_on_the_device(layer, inputs) -> None:
    moved = layer.to("cuda")
    y, saved = layer.forward(*inputs)
    device_y, device_saved = moved.forward(*on_cuda(inputs))
    compare(device_y, y, "y")
    dy = np.random.default_rng(1).standard_normal(y.shape)
    device_dy = kernels.to_device(dy, "cuda")
    try:
        dxs = layer.backward(dy, saved)
    except MinitorchVizError:  # indices have no gradient
        return
    device_dxs = moved.backward(device_dy, device_saved)
    for found, expected in zip(*(d if isinstance(d, tuple) else (d,) for d in (device_dxs, dxs)), strict=True):
        compare(found, expected, "dx")
    grads = layer.param_grads(dy, saved)
    for name, found in moved.param_grads(device_dy, device_saved).items():
        compare(found, grads[name], name)


@pytest.mark.usefixtures("cuda")
def test_a_net_runs_unchanged() -> None:
    model = load_model("digits", dtype=np.float64)
    moved = model.to("cuda")
    assert (model.net.device, moved.net.device) == ("cpu", "cuda")
    x, device_x = model.preprocess(sample_digit()), moved.preprocess(sample_digit())
    tape, device_tape = model.net.forward(x), moved.net.forward(device_x)
    for name in tape.values:
        compare(device_tape[name], tape[name], name)
    seeds = {"logits": np.eye(10)}
    device_seeds = {"logits": kernels.to_device(np.eye(10), "cuda")}
    for mode in ("normal", "deconvnet", "guided"):
        dx = model.net.backward(tape, seeds, rules=relu_mode(mode))["input"]
        compare(moved.net.backward(device_tape, device_seeds, rules=relu_mode(mode))["input"], dx, mode)
    grads = model.net.param_grads(tape, seeds)
    for name, found in moved.net.param_grads(device_tape, device_seeds).items():
        compare(found, grads[name], name)
    back = moved.to("cpu")
    for name, value in model.net.state.items():
        np.testing.assert_array_equal(back.net.state[name], value)


@pytest.mark.usefixtures("cuda")
def test_what_is_given_beside_goes_along() -> None:
    rng = np.random.default_rng(0)
    net = Net([("a", Flatten(), ("image",)), ("b", Flatten(), ("question",)), ("both", Concat(), ("a", "b"))], NAMES)
    readers = {"image": Preprocessing((2, 2)), "question": Alphabet("abc", length=2)}
    model = Model.from_net(net, readers=readers, scores="numbers").with_inputs(question="cb")
    moved = model.to("cuda")
    x = rng.standard_normal((3, 3, 2, 2))
    compare(moved.net.predict(kernels.to_device(x, "cuda")), model.net.predict(x), "both")
    assert kernels.device_of(moved.net.to("cpu").beside["question"]) == "cpu"


QUICK = ("saliency", "grad-cam", "occlusion")  # a gradient, a map of features, forward passes alone; the rest is slow
EACH = [
    pytest.param(technique, id=name, marks=() if name in QUICK else pytest.mark.slow)
    for name, technique in techniques().items()
]


@pytest.mark.usefixtures("cuda")
@pytest.mark.parametrize("technique", EACH)
def test_techniques_run_unchanged(technique) -> None:
    """And to the same numbers, but for t-SNE's map, which magnifies the last bits of the codes."""
    import dataclasses

    model = net_of(technique, load_model("digits"))
    # An optimizer magnifies the last bits from step to step.
    settings = {
        "occlusion": {"fill": "grey"},
        "inversion": {"steps": 3},
        "accentuate": {"steps": 2, "node": "relu2", "kept": "relu2"},
        "class-model": {"steps": 2},
        "adversarial": {"steps": 2, "restarts": 1, "climbs": 1, "count": 10},
        "evolve": {"generations": 1},  # of more a child may be better by the last bits
        "regularizers": {"presets": "none,simonyan", "steps": 2},
        "deep-dream": {
            "octaves": 2,
            "iterations": 3,
            "node": "relu2",
        },  # below the pool: its ties fall by the last bits
        "unit-model": {"steps": 2},
        "cell-map": {"letters": 60},
        "multifaceted": {"facets": 2, "most": 12, "steps": 3},  # so few are grouped without t-SNE
    }.get(technique.name, {})
    seen = sample_digit() if technique.subject.once_a == "photo" else technique.subject.read(model, [])
    if technique.name == "style":  # a line search magnifies them within a step: float64 has more
        model, settings = load_model("digits", dtype=np.float64), {"steps": 3}
    # Units that are nearly equal change places in ranks; a margin is a small difference of large scores.
    if technique.name in ("dissection", "regions"):
        model = model.astype(np.float64)
    expected = technique.run_on(model, seen, **settings)
    found = technique.run_on(model.to("cuda"), seen, **settings)
    for field in dataclasses.fields(expected):
        one, other = getattr(expected, field.name), getattr(found, field.name)
        for a, b in zip(*(v.values() if isinstance(v, dict) else [v] for v in (one, other)), strict=True):
            assert isinstance(b, type(a)), field.name
            if isinstance(a, np.ndarray) and (technique.name, field.name) != ("tsne", "maps"):
                atol = 1e-4 if technique.name == "tsne" else 1e-5  # its codes are activations of up to 8, as they are
                np.testing.assert_allclose(b, a, rtol=1e-4, atol=atol, err_msg=field.name)
    found.figure()


GOING_ON = {
    "smoothgrad": {"samples": 6, "chunk": 2},
    "integrated-gradients": {"steps": 6, "chunk": 2, "refine": False},
    "occlusion": {"fill": "grey", "size": 4, "stride": 4},
}


@pytest.mark.usefixtures("cuda")
@pytest.mark.parametrize(("name", "settings"), GOING_ON.items(), ids=list(GOING_ON))
def test_loops_go_on_from_a_state(name: str, settings: dict[str, object], monkeypatch) -> None:
    """The state lies in main memory, where it is written from; the loop goes on on the device."""
    monkeypatch.setattr(run.Pace, "due", lambda self: True)
    model, technique = load_model("digits").to("cuda"), techniques()[name]
    listed = list(technique.loop.each(model, sample_digit(), **settings))
    assert len(listed) > 1
    for result in listed:
        assert all(type(value) is np.ndarray for value in result.state.arrays.values())
        *_, last = technique.loop.each(model, sample_digit(), **settings, state=result.state)
        np.testing.assert_array_equal(last.heat, listed[-1].heat)


def test_an_unknown_device_is_told() -> None:
    with pytest.raises(SettingError, match="no device 'gpu'; the devices are cpu, cuda"):
        load_model("digits").to("gpu")


def test_a_missing_cupy_is_told(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(SettingError, match="needs CuPy"):
        load_model("digits").to("cuda")


def test_the_stand_in_is_as_strict_as_cupy() -> None:
    """It must fail where CuPy fails, or the tests above prove nothing."""
    x = cupy_stand_in.DeviceArray(np.ones(3))
    with pytest.raises(TypeError, match="Implicit conversion"):
        np.asarray(x)
    for mixed in (lambda: x + np.ones(3), lambda: np.concatenate([x, np.ones(3)]), lambda: np.maximum(np.ones(3), x)):
        with pytest.raises(TypeError, match="Unsupported type"):
            mixed()
    with pytest.raises(TypeError, match="cannot be written"):
        x[:] = np.ones(3)
    assert isinstance(x.sum(), cupy_stand_in.DeviceArray)


@pytest.mark.slow
@pytest.mark.usefixtures("cuda")
def test_grading_on_the_device_gives_the_same_grades() -> None:
    from minitorch_viz.grading import Case, grade

    model, image = load_model("digits"), sample_digit()
    case = Case(image, (3,), (image[..., 0] > 128)[None])
    settings = {"methods": ["saliency"], "cases": [case], "steps": 2, "checked": 1, "samples": 1, "progress": False}
    for found, expected in zip(grade(model.to("cuda"), **settings).rows, grade(model, **settings).rows, strict=True):
        assert found.problem == ""
        for name, scores in expected.scores.items():
            if name != "milliseconds":
                np.testing.assert_allclose(found.scores[name], scores, rtol=1e-3, atol=1e-4, err_msg=name)
