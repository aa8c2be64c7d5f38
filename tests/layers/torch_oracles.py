"""What PyTorch computes for a layer: by its name there, or by a function for layers that torch.nn calls otherwise.

An oracle takes the layer, its parameters as tensors, and its inputs. A layer with the name of a module of torch.nn,
whose fields are the module's arguments and parameters, needs no line here.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

import minitorch_viz.layers as L
from minitorch_viz.layers import Layer

torch = __import__("pytest").importorskip("torch")
F = torch.nn.functional


def has_namesake(kind: type[Layer]) -> bool:
    return hasattr(torch.nn, kind.__name__)


def namesake(layer: Layer, parameters: dict[str, Any], *xs: Any) -> Any:
    """The module of torch.nn of the same name, made with the fields that are arguments of it."""
    module = getattr(torch.nn, type(layer).__name__)
    arguments = inspect.signature(module).parameters
    fields = {field.name: getattr(layer, field.name) for field in dataclasses.fields(layer)}
    renamed = {"kernel": "kernel_size"}
    settings = {renamed.get(name, name): value for name, value in fields.items() if not hasattr(value, "dtype")}
    made = module(**{name: value for name, value in settings.items() if name in arguments}).double()
    return torch.func.functional_call(made, parameters, xs)


def pad(layer: L.Pad, _p: Any, x: Any) -> Any:
    if layer.mode == "constant":
        return F.pad(x, layer.padding, value=layer.value)
    axes = len(layer.padding) // 2
    flat = x.reshape(1, -1, *x.shape[x.ndim - axes :])  # torch wants a batch and channels before them
    y = F.pad(flat, layer.padding, layer.mode)
    return y.reshape(*x.shape[: x.ndim - axes], *y.shape[2:])


def layer_norm(layer: L.LayerNorm, p: Any, x: Any) -> Any:
    return F.layer_norm(x, layer.normalized_shape, p.get("weight"), p.get("bias"), layer.eps)


def batch_norm(layer: L.BatchNorm1d, p: Any, x: Any, training: bool) -> Any:
    mean, var = torch.tensor(layer.running_mean), torch.tensor(layer.running_var)
    return F.batch_norm(x, mean, var, p.get("weight"), p.get("bias"), training, layer.momentum, layer.eps)


def conv1d(layer: L.Conv1d, p: Any, x: Any) -> Any:
    padding = layer.padding
    if layer.padding_mode != "zeros":
        x, padding = F.pad(x, (padding, padding), layer.padding_mode), 0
    elif padding == "same":  # by torch's rule, without its warning that this is a copy
        added = layer.dilation * (layer.weight.shape[2] - 1)
        x, padding = F.pad(x, (added // 2, added - added // 2)), 0
    elif isinstance(padding, tuple):
        x, padding = F.pad(x, padding), 0
    return F.conv1d(x, p["weight"], p.get("bias"), layer.stride, padding, layer.dilation, layer.groups)


def bilinear(layer: L.UpsampleBilinear, _p: Any, x: Any) -> Any:
    size = layer.size or tuple(side * factor for side, factor in zip(x.shape[2:], layer.factor, strict=True))
    return F.interpolate(x, size=size, mode="bilinear", align_corners=layer.align_corners)


def attention(layer: L.MultiheadAttention, p: Any, *xs: Any) -> Any:
    module = torch.nn.MultiheadAttention(len(layer.out_proj_weight), layer.num_heads, batch_first=True).double()
    named = {name.replace("out_proj_", "out_proj."): value for name, value in p.items()}
    weights = {name: torch.zeros_like(value) for name, value in module.named_parameters()} | named
    steps = xs[0].shape[1]
    mask = torch.nn.Transformer.generate_square_subsequent_mask(steps, dtype=xs[0].dtype) if layer.causal else None
    three = xs * 3 if len(xs) == 1 else xs
    return torch.func.functional_call(module, weights, three, {"need_weights": False, "attn_mask": mask})[0]


def recurrent(layer: L.GRU | L.RNN, p: Any, x: Any, h0: Any = None) -> Any:
    settings = {"nonlinearity": layer.nonlinearity} if isinstance(layer, L.RNN) else {}
    module = getattr(torch.nn, type(layer).__name__)(
        layer.weight_ih_l0.shape[1], layer.weight_hh_l0.shape[1], batch_first=True, **settings
    ).double()
    weights = {name: torch.zeros_like(value) for name, value in module.named_parameters()} | p
    return torch.func.functional_call(module, weights, (x, None if h0 is None else h0[None]))[0]


ORACLES: dict[type[Layer], Callable[..., Any]] = {
    L.Affine: lambda _layer, p, x: x * p.get("weight", 1) + p.get("bias", 0),
    L.AvgPool1d: lambda l, _p, x: F.avg_pool1d(x, l.kernel, l.stride, l.padding, l.ceil_mode, l.count_include_pad),
    L.BatchNorm1d: batch_norm,
    L.Conv1d: conv1d,
    L.Flip: lambda l, _p, x: x.flip(l.axis),
    L.GRU: recurrent,
    L.GroupNorm: lambda l, p, x: F.group_norm(x, l.num_groups, p.get("weight"), p.get("bias"), l.eps),
    L.Hardsigmoid: lambda _layer, _p, x: F.relu6(x + 3) / 6,  # F.hardsigmoid's own gradient is 1/6 in single precision
    L.InstanceNorm: lambda l, p, x: F.instance_norm(x, weight=p.get("weight"), bias=p.get("bias"), eps=l.eps),
    L.LayerNorm: layer_norm,
    L.Mul: lambda _layer, _p, x, factor: x * factor,
    L.MultiheadAttention: attention,
    L.PReLU: lambda _layer, p, x: F.prelu(x, p["weight"]),
    L.Pad: pad,
    L.Permute: lambda l, _p, x: x.permute(l.dims),
    L.RNN: recurrent,
    L.Reshape: lambda l, _p, x: x.reshape(len(x), *l.shape),
    L.Slice: lambda l, _p, x: x.movedim(l.axis, 0)[l.start : l.stop : l.step].movedim(0, l.axis),
    L.UpsampleBilinear: bilinear,
}
