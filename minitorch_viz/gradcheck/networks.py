"""`check_layer` and `check_net`: the package's own layers and nets, parameters included."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import NotDifferentiableError, SettingError
from minitorch_viz.gradcheck.arguments import argument_names, checked_settings, named_arrays
from minitorch_viz.gradcheck.judge import report_on
from minitorch_viz.gradcheck.problem import Problem, Values
from minitorch_viz.gradcheck.report import Report
from minitorch_viz.graph import Rules, Tape
from minitorch_viz.layers.base import Layer
from minitorch_viz.net import Net


def check_layer(
    layer: Layer,
    inputs: Array | Sequence[Array],
    *,
    rng: Generator | None = None,
    step: float | None = None,
    tolerance: float = 1e-6,
    max_entries: int = 200,
    seed: int = 0,
) -> Report:
    """Check a layer's backward and param_grads, at these inputs, against finite differences of its forward.

    inputs: one array, or a tuple of arrays for a layer with several inputs. The check runs in float64.
    rng: for layers that train with randomness (dropout, batch norm); every call of forward gets a copy of it.
    step, tolerance, max_entries, seed: as in `check`.

    >>> import numpy as np
    >>> from minitorch_viz.layers.relu import ReLU
    >>> check_layer(ReLU(), np.array([[-1.0, 2.0]])).ok
    True
    """
    if not isinstance(layer, Layer):
        raise SettingError(f"check_layer needs a layer object, such as ReLU(), but got {layer!r}.")
    if rng is not None and not layer.uses_rng:
        raise SettingError(f"{layer.type_name} does not use randomness; leave rng away.")
    arrays = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
    names = argument_names(layer.forward, len(arrays))
    params = {name if name not in names else f"param {name}": name for name in layer.params}
    arguments = dict(zip(names, arrays, strict=True)) | {name: layer.params[field] for name, field in params.items()}
    values, notes = named_arrays(arguments)
    layer = layer.astype("float64")

    def run(values: Values) -> tuple[Any, Any]:
        moved_layer = layer.replace(**{field: values[name] for name, field in params.items()})
        settings = {} if rng is None else {"rng": copy.deepcopy(rng)}
        return moved_layer.forward(*(values[name] for name in names), **settings)

    def back(dy: Array, saved: Any) -> dict[str, Any]:
        grads = _unless_indices(lambda: _as_tuple(layer.backward(dy, saved)), ())
        gradients = dict(zip(names, grads, strict=False))
        gradients |= {name: layer.param_grads(dy, saved).get(field) for name, field in params.items()}
        return _given(gradients, values)

    problem = Problem(repr(layer), values, run, back, notes=tuple(notes))
    return report_on(problem, checked_settings(step, tolerance, max_entries, seed))


def check_net(
    net: Net,
    x: Array | Mapping[str, Array],
    *,
    rules: Rules | None = None,
    rng: Generator | None = None,
    step: float | None = None,
    tolerance: float = 1e-6,
    max_entries: int = 40,
    seed: int = 0,
) -> Report:
    """Check a net's whole backward pass, to its inputs and all its parameters, against finite differences.

    x: the input (N, ...), or {input name: array}. The check runs in float64.
    rules: backward rules to use, as in `Net.backward`. Guided, deconvnet and relevance rules do not compute a
        derivative: the report then says "not a derivative", and how far it departs.
    rng: for training layers (dropout, batch norm); every forward pass gets a copy of it.
    step, tolerance, max_entries, seed: as in `check`.

    >>> import numpy as np
    >>> from minitorch_viz.layers.relu import ReLU
    >>> check_net(Net([("relu", ReLU())]), np.array([[-1.0, 2.0]])).ok
    True
    """
    if not isinstance(net, Net):
        raise SettingError(f"check_net needs a Net, but got a {type(net).__name__}; use check_layer for a layer.")
    arguments = dict(x) if isinstance(x, Mapping) else {net.inputs[0]: x}
    values, notes = named_arrays(arguments | net.params)
    net = net.astype("float64")
    goals = tuple(name for name in arguments if values[name].dtype.kind == "f")

    def run(values: Values) -> tuple[Any, Any]:
        tape = net.with_params({name: values[name] for name in net.params}).forward(
            {name: values[name] for name in arguments}, upto=net.output, rng=copy.deepcopy(rng)
        )
        return tape[net.output], tape

    def back(dy: Array, tape: Tape) -> dict[str, Any]:
        seeds = {net.output: dy}
        gradients: dict[str, Any] = {}
        if goals:
            gradients |= _unless_indices(lambda: net.backward(tape, seeds, wrt=goals, rules=rules), {})
        return _given(gradients | net.param_grads(tape, seeds, rules=rules), values)

    rule_names = ", ".join(f"{_name(key)}: {_name(rule)}" for key, rule in (rules or {}).items())
    if rule_names:
        notes.append(f"this pass used the backward rules {{{rule_names}}}, which replace the layers' own derivatives.")
    problem = Problem(f"a net of {len(net.nodes)} nodes", values, run, back, tuple(notes), rule_names)
    return report_on(problem, checked_settings(step, tolerance, max_entries, seed))


def _unless_indices(compute: Callable[[], Any], otherwise: Any) -> Any:
    """Return the gradients, or `otherwise` where the inputs are indices, which have none."""
    try:
        return compute()
    except NotDifferentiableError:
        return otherwise


def _given(grads: dict[str, Any], values: Values) -> dict[str, Any]:
    return {name: grad for name, grad in grads.items() if grad is not None and values[name].dtype.kind == "f"}


def _as_tuple(grads: Any) -> tuple[Any, ...]:
    return grads if isinstance(grads, tuple) else (grads,)


def _name(key: Any) -> str:
    return key if isinstance(key, str) else getattr(key, "__name__", repr(key))
