"""The cases all layer tests run over, and a finite-difference checker that works on any of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minitorch_viz.layers import Layer, all_layers


class Case(NamedTuple):
    layer: Layer
    inputs: tuple[np.ndarray, ...]
    training: bool = False

    def forward(self) -> tuple[np.ndarray, Any]:
        """A fresh generator every time: the same dropout mask at every point of a finite difference."""
        rng = {"rng": np.random.default_rng(7)} if self.training else {}
        return self.layer.forward(*self.inputs, **rng)


def cases_of(cls: type[Layer]) -> dict[str, Case]:
    found = {}
    for i, (layer, inputs) in enumerate(cls.examples(np.random.default_rng(0))):
        found[f"{cls.__name__}-{i}"] = Case(layer, inputs)
        if cls.uses_rng:
            found[f"{cls.__name__}-{i}-training"] = Case(layer, inputs, training=True)
    return found


CASES = {name: case for cls in all_layers() for name, case in cases_of(cls).items()}


def gradients(case: Case, dy: np.ndarray, saved: Any) -> dict[str, np.ndarray]:
    """What the layer says: {"input 0": dx, ..., "weight": dw, ...}; whole numbers have no gradient."""
    found = dict(case.layer.param_grads(dy, saved))
    if case.inputs[0].dtype.kind == "f":
        dx = case.layer.backward(dy, saved)
        found |= {f"input {i}": d for i, d in enumerate(dx if isinstance(dx, tuple) else (dx,))}
    return found


def changed(case: Case, name: str, value: np.ndarray) -> Case:
    """The case with another input or parameter."""
    if not name.startswith("input"):
        return case._replace(layer=case.layer.replace(**{name: value}))
    i = int(name.removeprefix("input "))
    return case._replace(inputs=(*case.inputs[:i], value, *case.inputs[i + 1 :]))


def differentiable(case: Case) -> dict[str, np.ndarray]:
    inputs = {f"input {i}": x for i, x in enumerate(case.inputs) if x.dtype.kind == "f"}
    return inputs | case.layer.params


def slope(at: Callable[[float], tuple[float, list[np.ndarray]]], h: float = 1e-3) -> float | None:
    """Five-point central difference, error O(h^4); None if a switch (ReLU gate, pooling winner) flips on the way."""
    points = [at(step * h) for step in (-2, -1, 1, 2)]
    if any(not np.array_equal(a, b) for _, now in points for a, b in zip(now, points[0][1], strict=True)):
        return None
    far_left, left, right, far_right = (loss for loss, _ in points)
    return (8 * (right - left) - (far_right - far_left)) / (12 * h)


def check_gradients(case: Case) -> dict[str, tuple[float, float]]:
    """For each input and parameter: the worst error relative to its largest gradient entry, and the share skipped."""
    y, saved = case.forward()
    r = np.random.default_rng(1).standard_normal(y.shape)  # a random projection: L = sum of y * r
    analytic, report = gradients(case, r, saved), {}
    for name, array in differentiable(case).items():
        numeric = np.full(array.shape, np.nan)
        for index in np.ndindex(array.shape):

            def at(step: float, name: str = name, index: tuple[int, ...] = index, array: np.ndarray = array) -> Any:
                moved = array.copy()
                moved[index] += step
                y, saved = changed(case, name, moved).forward()
                return float((y * r).sum()), [s for s in saved if getattr(s, "dtype", np.dtype("f")).kind in "bi"]

            numeric[index] = np.nan if (found := slope(at)) is None else found
        assert analytic[name].shape == array.shape, f"{name}: gradient {analytic[name].shape}, array {array.shape}"
        seen = ~np.isnan(numeric)
        scale = max(np.abs(analytic[name]).max(), np.abs(numeric[seen]).max(initial=0), 1e-6)
        error = np.abs(analytic[name] - numeric)[seen].max(initial=0) / scale
        report[name] = float(error), float(1 - seen.mean())
    return report
