"""Attention and recurrent layers: whole modules of torch's, each some nodes here."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitorch_viz.layers import GRU, LSTM, RNN, Concat, MultiheadAttention, Slice, recurrent_nodes
from minitorch_viz.models.from_torch.registry import operator, whole_module
from minitorch_viz.models.from_torch.values import Call, Entry, UnmappedError, Value

KINDS: dict[str, type[LSTM] | type[GRU] | type[RNN]] = {"LSTM": LSTM, "GRU": GRU, "RNN": RNN}


@whole_module("MultiheadAttention")
def multihead_attention(
    call: Call,
    module: Any,
    query: Value,
    key: Value,
    value: Value,
    key_padding_mask: Any = None,
    need_weights: bool = True,
    attn_mask: Any = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Value | None, ...]:
    plain = module.in_proj_weight is not None and module.bias_k is None and not module.add_zero_attn
    if not plain or key_padding_mask is not None:
        raise UnmappedError("it has keys of other sizes, keys of its own or padded places")
    if not all(isinstance(x, Value) and len(x.shape) == 3 for x in (query, key, value)):
        raise UnmappedError("its queries, keys and values must be (N, T, E) and depend on the net's input")
    arrays = (module.in_proj_weight, module.in_proj_bias, module.out_proj.weight, module.out_proj.bias)
    copies: list[Any] = [None if array is None else array.detach().cpu().numpy().copy() for array in arrays]
    layer = MultiheadAttention(copies[0], copies[1], copies[2], copies[3], module.num_heads, _causal(attn_mask))
    inputs = (query,) if query.entry is key.entry is value.entry else (query, key, value)
    return call.emit(layer, *inputs), None


@operator("scaled_dot_product_attention")
def scaled_dot_product_attention(
    call: Call,
    query: Value,
    key: Value,
    value: Value,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Value:
    """Map attention over heads (N, heads, T, D) to a layer whose matrices pass everything on."""
    _, heads, steps, width = query.shape
    if enable_gqa or value.shape[3] != width or (scale is not None and not np.isclose(scale, width**-0.5)):
        raise UnmappedError("it has shared heads, values of another width or a scale of its own")
    eye = np.eye(heads * width, dtype=call.dtype)
    layer = MultiheadAttention(np.concatenate([eye] * 3), None, eye, None, heads, is_causal or _causal(attn_mask))
    xs = [call.reshape(call.permute(x, (0, 2, 1, 3)), (x.shape[2], heads * width)) for x in (query, key, value)]
    answer = call.reshape(call.emit(layer, *xs), (steps, heads, width))
    return call.permute(answer, (0, 2, 1, 3))


@whole_module("LSTM", "GRU", "RNN")
def recurrent(call: Call, module: Any, input: Value, hx: Any = None) -> tuple[Value | None, ...]:
    """Map stacked layers in one or both directions; the results are the states of all steps, and the last ones."""
    if hx is not None or len(input.shape) != 3:
        raise UnmappedError("it begins with a state that it is given, or reads a sequence without a batch axis")
    if input.batch != (0 if module.batch_first else 1):
        raise UnmappedError("it runs over the images of a batch (see batch_first)")
    kind = KINDS[type(module).__name__]
    settings = {"nonlinearity": module.nonlinearity} if kind is RNN else {}
    state = {name: array.detach().cpu().numpy().copy() for name, array in module.state_dict().items()}
    entries = {"input": input.entry}
    for name, layer, reads in recurrent_nodes(kind, state, name="steps", **settings):
        entries[name] = Entry(layer, tuple(entries[read] for read in reads))
        call.entries.append(entries[name])
    last = call.entries[-1]
    directions = 2 if module.bidirectional else 1
    shape = call.shapes[0]
    steps = shape[1 - input.batch]
    ends = ["", *(["_reverse"] if directions == 2 else [])]  # turned around, its last step is the last one read
    final = [
        _taken(call, entries[f"steps_l{level}{end}"], steps - 1) for level in range(module.num_layers) for end in ends
    ]
    states = final[0]
    if len(final) > 1:
        states = Entry(Concat(1), tuple(final))
        call.entries.append(states)
    call.main = last
    others: list[Value | None] = [None] * (len(call.shapes) - 2)
    return (Value(last, shape, input.batch), Value(states, call.shapes[1], 1), *others)


def _taken(call: Call, entry: Entry, step: int) -> Entry:
    """Return the state at one step, (N, 1, H)."""
    taken = Entry(Slice(1, step, step + 1), (entry,))
    call.entries.append(taken)
    return taken


def _causal(mask: Any) -> bool:
    """Return whether a mask hides all later steps; raise if it hides others."""
    if mask is None:
        return False
    if isinstance(mask, np.ndarray) and mask.ndim == 2 and mask.shape[0] == mask.shape[1]:
        later = np.triu(np.ones(mask.shape, bool), 1)
        hidden = mask if mask.dtype == bool else np.isneginf(mask)
        if np.array_equal(hidden, later) and (mask.dtype == bool or not mask[~later].any()):
            return True
    raise UnmappedError("it has a mask of its own; only one that hides all later steps is known")
