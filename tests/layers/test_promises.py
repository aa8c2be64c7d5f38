"""What DESIGN promises of every layer: it remembers nothing, changes nothing, and keeps the precision it is given."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import types
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import minitorch_viz.layers as layers
from minitorch_viz.errors import ShapeError
from minitorch_viz.layers import (
    Dropout,
    LeakyReLU,
    LocalResponseNorm,
    MaxUnpool2d,
    ReLU,
    all_layers,
    fold_batch_norm,
)
from minitorch_viz.layers.batch_norm import BatchNorm2d
from minitorch_viz.layers.conv import Conv2d
from tests.layers.layer_cases import CASES, Case, gradients

every_case = pytest.mark.parametrize("name", CASES)


def arrays_of(saved):
    return [value for value in saved if isinstance(value, np.ndarray)]


def read_only(arrays):
    for array in arrays:
        array.setflags(write=False)


def other_inputs(case: Case) -> Case:
    """Other values of the same kind; the words of an embedding in another order."""
    return case._replace(
        inputs=tuple(
            x[..., ::-1] * 1.5 if x.dtype.kind == "f" else x.ravel()[::-1].reshape(x.shape) for x in case.inputs
        )
    )


def frozen_copy(case: Case) -> Case:
    """The case on arrays of its own, all of them read-only."""
    case = copy.deepcopy(case)
    read_only(case.inputs)
    read_only(value for value in vars(case.layer).values() if isinstance(value, np.ndarray))
    return case


@every_case
def test_nothing_is_written_in_place(name):
    case = frozen_copy(CASES[name])
    y, saved = case.forward()
    read_only([y, *arrays_of(saved)])
    before = copy.deepcopy(saved)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    read_only([dy])
    first = gradients(case, dy, saved)
    for then, now in zip(before, saved, strict=True):
        np.testing.assert_array_equal(then, now)
    for key, grad in gradients(case, dy, saved).items():
        np.testing.assert_array_equal(grad, first[key])


@every_case
def test_another_forward_in_between_changes_nothing(name):
    case = CASES[name]
    y, saved = case.forward()
    dy = np.random.default_rng(1).standard_normal(y.shape)
    expected = gradients(case, dy, saved)
    other_y, _ = other_inputs(case).forward()
    for key, grad in gradients(case, dy, saved).items():
        np.testing.assert_array_equal(grad, expected[key])
    np.testing.assert_array_equal(case.forward()[0], y)
    constant = case.inputs[0].size == 1 or "AvgPool2d" in name  # mirrored words or pixels may give the same answer
    assert constant or not np.array_equal(other_y, y) or case.inputs[0].dtype.kind == "i"


@every_case
def test_two_threads_share_a_layer(name):
    case, other = CASES[name], other_inputs(CASES[name])

    def work(which: Case) -> list[np.ndarray]:
        y, saved = which.forward()
        return [y, *gradients(which, np.ones_like(y), saved).values()]

    alone = [work(case), work(other)]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(work, [case, other] * 5))
    for i, results in enumerate(together):
        for found, expected in zip(results, alone[i % 2], strict=True):
            np.testing.assert_array_equal(found, expected)


@every_case
def test_k_seeds_share_the_tape_of_one_image(name):
    """Seed by seed or all at once; the parameters get the sum over the seeds."""
    case = CASES[name]._replace(inputs=tuple(x[:1] for x in CASES[name].inputs))
    if isinstance(case.layer, MaxUnpool2d):
        case = case._replace(layer=case.layer.replace(won=case.layer.won[:1]))
    y, saved = case.forward()
    dy = np.random.default_rng(1).standard_normal((3, *y.shape[1:]))
    together = gradients(case, dy, saved)
    one_by_one = [gradients(case, dy[k : k + 1], saved) for k in range(3)]
    for key, grad in together.items():
        parts = [grads[key] for grads in one_by_one]
        expected = np.concatenate(parts) if key.startswith("input") else sum(parts)
        assert grad.shape == expected.shape
        np.testing.assert_allclose(grad, expected, rtol=1e-12, atol=1e-12 * max(1, np.abs(expected).max()))


@every_case
@pytest.mark.parametrize("seeds", [None, 3])
def test_both_passes_at_once_give_what_they_give_alone(name, seeds):
    case = CASES[name]
    if case.inputs[0].dtype.kind != "f":
        return  # words have no gradient
    if seeds:
        case = case._replace(inputs=tuple(x[:1] for x in case.inputs))
        if isinstance(case.layer, MaxUnpool2d):
            case = case._replace(layer=case.layer.replace(won=case.layer.won[:1]))
    y, saved = case.forward()
    dy = np.random.default_rng(1).standard_normal((seeds or len(y), *y.shape[1:]))
    dx, grads = case.layer.backward_and_grads(dy, saved)
    alone = gradients(case, dy, saved)
    together = grads | {f"input {i}": d for i, d in enumerate(dx if isinstance(dx, tuple) else (dx,))}
    assert together.keys() == alone.keys()
    for key, grad in together.items():
        np.testing.assert_allclose(grad, alone[key], rtol=1e-12, atol=1e-12 * max(1, np.abs(grad).max(initial=0)))


@every_case
def test_an_empty_batch_is_a_batch(name):
    case = CASES[name]._replace(inputs=tuple(x[:0] for x in CASES[name].inputs))
    if isinstance(case.layer, MaxUnpool2d):
        case = case._replace(layer=case.layer.replace(won=case.layer.won[:0]))
    if isinstance(case.layer, BatchNorm2d) and case.training:
        with pytest.raises(ShapeError, match="no variance"):
            case.forward()
        return
    shape = CASES[name].forward()[0].shape
    y, saved = case.forward()
    assert y.shape == (0, *shape[1:])
    for key, grad in gradients(case, y, saved).items():
        if key.startswith("input"):
            assert grad.shape == case.inputs[int(key.removeprefix("input "))].shape
        else:
            np.testing.assert_array_equal(grad, 0)


@every_case
def test_float32_stays_float32_and_close_to_float64(name):
    exact = CASES[name]
    inputs = tuple(x.astype(np.float32) if x.dtype.kind == "f" else x for x in exact.inputs)
    case = exact._replace(layer=exact.layer.astype(np.float32), inputs=inputs)
    y, saved = case.forward()
    exact_y, exact_saved = exact.forward()
    dy = np.random.default_rng(1).standard_normal(y.shape)
    results = {"y": (y, exact_y)}
    expected = gradients(exact, dy, exact_saved)
    for key, grad in gradients(case, dy.astype(np.float32), saved).items():
        results[key] = (grad, expected[key])
    for key, (found, right) in results.items():
        assert found.dtype == np.float32, key
        assert right.dtype == np.float64, key
        np.testing.assert_allclose(found, right, rtol=1e-4, atol=1e-5 * max(1, np.abs(right).max()), err_msg=key)
    assert all(array.dtype != np.float64 for array in arrays_of(saved))


@pytest.mark.parametrize(
    "layer",
    [
        LeakyReLU(np.float64(0.2)),
        Dropout(np.float64(0.5)),
        LocalResponseNorm(3, np.float64(1e-4), np.float64(0.75), np.float64(1)),
        BatchNorm2d.fresh(4).replace(eps=np.float64(1e-3), momentum=np.float64(0.1)),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_numpy_settings_do_not_lift_float32(layer):
    case = Case(layer, (np.arange(32, dtype=np.float32).reshape(2, 4, 2, 2),), layer.uses_rng)
    y, saved = case.forward()
    assert y.dtype == np.float32
    assert all(grad.dtype == np.float32 for grad in gradients(case, y, saved).values())


@every_case
def test_layers_can_be_copied_pickled_and_shown(name):
    case = CASES[name]
    y, _ = case.forward()
    for twin in (copy.deepcopy(case.layer), pickle.loads(pickle.dumps(case.layer)), case.layer.replace()):
        np.testing.assert_array_equal(case._replace(layer=twin).forward()[0], y)
        assert repr(twin) == repr(case.layer)
    assert repr(case.layer).startswith(type(case.layer).__name__ + "(")


# ---------------------------------------------------------------- the folder itself


def test_every_layer_is_exported():
    assert {cls.__name__ for cls in all_layers()} <= set(layers.__all__)
    assert all(hasattr(layers, name) for name in layers.__all__)
    assert ReLU in all_layers()
    assert len(all_layers()) == len({cls.__name__ for cls in all_layers()})


@pytest.mark.parametrize("cls", all_layers())
def test_house_order(cls):
    """Saved, forward, backward, param_grads, examples, nothing between; frozen; a docstring that names the shapes."""
    house = ["Saved", "forward", "backward", "param_grads", "examples"]
    kinds = (types.FunctionType, classmethod, property, type)
    body = [name for name, value in vars(cls).items() if isinstance(value, kinds) and not name.startswith("__")]
    expected = [name for name in house if name in vars(cls)]
    assert body[: len(expected)] == expected
    assert {"Saved", "forward", "backward", "examples"} <= set(expected)
    assert ("param_grads" in expected) == bool(cls.param_names)
    assert "->" in cls.__doc__
    assert cls.__eq__ is object.__eq__
    layer = cls.examples(np.random.default_rng(0))[0][0]
    fields = dataclasses.fields(layer)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(layer, fields[0].name if fields else "anything", 1)
    assert set(cls.param_names + cls.buffer_names) <= {field.name for field in fields}


def test_folding_does_not_change_the_layers_it_reads(rng):
    conv, norm = Conv2d.random(rng, 2, 3, 3), BatchNorm2d.fresh(3)
    read_only([*conv.state.values(), *norm.state.values()])
    assert fold_batch_norm(conv, norm).weight.dtype == np.float32
