"""Operators whose arguments stand in another order in an exported graph than in torch.nn.functional."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from minitorch_viz.models.from_torch.registry import OPERATORS
from minitorch_viz.models.from_torch.values import Call, UnmappedError, Value

Ordered: TypeAlias = tuple[tuple[Any, ...], dict[str, Any]]
ENDLESS = 2**62  # the end of a slice that has none


def _norm(x: Any, weight: Any, bias: Any, mean: Any, var: Any, *others: Any) -> Ordered:
    return (x, mean, var, weight, bias, *others[:3]), {}


def _nearest(x: Any, size: Any = None, _factors: Any = None) -> Ordered:
    return (x, size), {"mode": "nearest"}


def _bilinear(x: Any, size: Any = None, align_corners: Any = False, _factors: Any = None) -> Ordered:
    return (x, size), {"mode": "bilinear", "align_corners": align_corners}


def _slice(x: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Ordered:
    places = slice(start, end if end is None or end < ENDLESS else None, step)
    return (x, (*[slice(None)] * (dim % len(x.shape)), places)), {}


def _layer_norm(x: Any, shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5, *_: Any) -> Ordered:
    return (x, shape, weight, bias, eps), {}


def _first_alone(x: Any, *_others: Any, **_settings: Any) -> Ordered:
    return (x,), {}


def _embedding(weight: Any, indices: Any, *_others: Any) -> Ordered:
    return (indices, weight), {}


PASSED_ON = ("alias", "lift_fresh_copy", "_to_copy", "to", "dropout", "dropout_", "feature_dropout", "alpha_dropout")
OTHER_ORDER: dict[str, tuple[str, Callable[..., Ordered]]] = {
    "batch_norm": ("batch_norm", _norm),
    "instance_norm": ("instance_norm", _norm),
    "upsample_nearest2d": ("interpolate", _nearest),
    "upsample_bilinear2d": ("interpolate", _bilinear),
    "slice": ("getitem", _slice),
    "embedding": ("embedding", _embedding),
    "layer_norm": ("layer_norm", _layer_norm),
    "group_norm": ("group_norm", _layer_norm),
    **dict.fromkeys(PASSED_ON, ("clone", _first_alone)),
}


def mapped(name: str, call: Call, args: list[Any], settings: dict[str, Any]) -> Any:
    """Return the value (or values) of an operator, by from_torch's mapping of it; UnmappedError if there is none."""
    positional: tuple[Any, ...] = tuple(args)
    if name in OTHER_ORDER:
        name, order = OTHER_ORDER[name]
        positional, settings = order(*args, **settings)
    entry = OPERATORS.get(name.removesuffix("_"))
    if entry is None:
        raise UnmappedError("no layer here computes it")
    if not entry.turned and any(isinstance(value, Value) and value.batch for value in positional):
        raise UnmappedError("the images of its input lie along another axis than the first")
    return entry.mapping(call, *positional, **settings)
