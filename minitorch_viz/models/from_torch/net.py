"""A torch module as a Net: run it on an example, write its operators down, and check the answers."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import MinitorchVizError, NetError, SettingError
from minitorch_viz.graph import Node, needed
from minitorch_viz.models.features import answer_last
from minitorch_viz.models.from_torch.follow import Follower
from minitorch_viz.models.from_torch.values import Lost
from minitorch_viz.models.scores import SQUASHES
from minitorch_viz.net import Net

IMAGES = 2  # how many an example must hold at least: with one, an axis of one channel looks like the images
AGREEMENT = {"float32": 1e-3, "float64": 1e-9}  # the largest difference to torch, as a share of the largest number


class Followed(NamedTuple):
    """Hold the net, what was put in, and what is to be known about it."""

    net: Net
    shapes: Mapping[str, tuple[int, ...]]  # of one image of each input
    whole: frozenset[str]  # the inputs that are whole numbers
    notes: tuple[str, ...]


def net_from_torch(module: Any, example: Any) -> Followed:
    """Return a torch module as a net that gives the same answers.

    module: in any mode; it runs as in use (`eval`) and is left as it was. Its parameters are copied. example: a tensor
    or array with a batch axis, as the module takes it, or a tuple or {name: tensor} for several inputs.
    Raises NetError with the operator, its place in the module, and what to do, where an operator has no layer here.
    """
    torch = sys.modules.get("torch")  # that a module is one of torch's is known without importing it
    if torch is None or not isinstance(module, torch.nn.Module):
        raise NetError(
            f"Model.from_torch wraps a torch.nn.Module, but got {type(module).__name__}; a state dict alone has no "
            "graph (build the module and load it), and a Net of minitorch_viz goes to Model.from_net."
        )
    module = getattr(module, "_orig_mod", module)  # what torch.compile wraps
    if type(module).__name__ in ("DataParallel", "DistributedDataParallel"):
        module = module.module
    if isinstance(module, torch.jit.ScriptModule):
        raise NetError("A scripted module (torch.jit) does not tell its operators; give the module it was made from.")
    inputs = _inputs(torch, module, example)
    follower, result = _followed(torch, module, inputs)
    results = _results(torch, result)
    values = {name: follower.value(output) for name, output in results.items()}
    answer = next(iter(results))
    value = values[answer]
    if isinstance(value, Lost):
        raise NetError(
            f"The operator {value.operator} at {value.node!r} cannot be mapped: {value.reason}. Write that part with "
            "operators that are known (models.from_torch.registry.OPERATORS), or wrap the part of the module before it."
        )
    if value is None or not value.entry.layer or value.batch:
        raise NetError("The module's answer does not depend on its input, or its images lie along no first axis.")
    nodes = [Node(e.name, e.layer, tuple(i.name for i in e.inputs)) for e in follower.entries if e.layer]
    heads = {
        name: other.entry.name
        for name, other in values.items()
        if other is not None and not isinstance(other, Lost) and other.entry.layer and not other.batch
    }
    kept = answer_last(needed(nodes, heads.values()), heads[answer])
    read = {name for node in kept for name in node.inputs}
    net = Net(kept, [name for name in inputs if name in read])
    share = _checked(torch, module, net, heads, inputs, follower.dtype)
    notes = [
        f"Followed through {type(module).__name__} on an example: {_counted(follower.operators, 'operator')} became "
        f"{_counted(len(net.nodes), 'node')}, and the answers for another input differ by {share:.1g} of the largest."
    ]
    if len(results) > 1:
        listed = ", ".join(f"{name} ({heads[name]})" if name in heads else f"{name} (not mapped)" for name in results)
        last = net.nodes[-1]
        if last.name == heads[answer] or type(last.layer) in SQUASHES:
            taken = f"{answer} is taken as its answer"
        else:  # other results are made of the first
            taken = f"{last.name}, which is made of {answer}, is taken as its answer; logits= names another node"
        notes.append(f"The module gives {len(results)} results, {listed}; {taken}.")
    whole = frozenset(name for name, tensor in inputs.items() if not tensor.is_floating_point())
    return Followed(net, {name: tuple(inputs[name].shape[1:]) for name in net.inputs}, whole, tuple(notes))


def _inputs(torch: Any, module: Any, example: Any) -> dict[str, Any]:
    """Return the example's tensors by name, on the module's device, with at least two images."""
    if isinstance(example, Mapping):
        named = dict(example)
    elif isinstance(example, (tuple, list)):
        named = {f"input{i + 1}" if i else "input": value for i, value in enumerate(example)}
    else:
        named = {"input": example}
    floats = [p for p in (*module.parameters(), *module.buffers()) if p.is_floating_point()]
    dtype = floats[0].dtype if floats else torch.float32
    if dtype not in (torch.float32, torch.float64):
        raise NetError(f"The module computes in {dtype}; turn it into float32 first: module.float().")
    tensors = {}
    for name, value in named.items():
        tensor = value if isinstance(value, torch.Tensor) else _tensor(torch, value)
        if tensor.ndim < 2 or not tensor.numel():
            raise SettingError(
                f"example must be a tensor with a batch axis, as torch.zeros(1, 3, 32, 32), but got the shape "
                f"{tuple(tensor.shape)}."
            )
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise SettingError("example holds NaN or infinite numbers; give an example such as the module takes.")
        tensor = tensor.detach().to(floats[0].device if floats else "cpu")
        tensor = tensor.to(dtype) if tensor.is_floating_point() else tensor
        tensors[name] = tensor if len(tensor) >= IMAGES else torch.cat([tensor] * IMAGES)
    if not tensors or len({len(tensor) for tensor in tensors.values()}) != 1:
        raise SettingError("example must be a tensor, or several with the same number of images.")
    return tensors


def _tensor(torch: Any, value: Any) -> Any:
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise SettingError(f"example must be a tensor or an array of numbers, but got {value!r:.60}.")
    return torch.from_numpy(array.copy())


def _followed(torch: Any, module: Any, inputs: dict[str, Any]) -> tuple[Follower, Any]:
    """Run the module as in use, and leave its mode as it was."""
    training = [part for part in module.modules() if part.training]
    follower = Follower(torch, module, inputs)
    try:
        module.eval()
        with torch.no_grad(), follower.watching():
            result = module(*inputs.values())
    except MinitorchVizError:
        raise
    except Exception as error:
        shapes = ", ".join(str(tuple(tensor.shape)) for tensor in inputs.values())
        raise NetError(
            f"The module itself fails on the example {shapes}: {type(error).__name__}: {error!s:.300}. Give an example "
            "such as it takes, and a module that takes any number of images."
        ) from error
    finally:
        for part in training:
            part.training = True
    return follower, result


def _counted(count: int, noun: str) -> str:
    """Return "1 node" or "2 nodes"."""
    return f"{count} {noun}{'s' if count != 1 else ''}"


def _results(torch: Any, result: Any) -> dict[str, Any]:
    """Return the tensors that a module gives, by name, the answer first: the first one, or that called "out"."""
    if isinstance(result, Mapping):
        named = {str(name): tensor for name, tensor in result.items()}
        named = {"out": named["out"], **named} if "out" in named else named
    else:
        listed = list(result) if isinstance(result, (tuple, list)) else [result]
        named = {f"result {number}": tensor for number, tensor in enumerate(listed, 1)}
    if not named or not isinstance(next(iter(named.values())), torch.Tensor):
        raise NetError(f"The module must give a tensor, several or a dict of them, but gives {type(result).__name__}.")
    return {name: tensor for name, tensor in named.items() if isinstance(tensor, torch.Tensor)}


def _difference(ours: Array, theirs: Array) -> float:
    """Return the largest difference as a share of the largest number; infinite for arrays of two shapes."""
    largest = float(np.abs(theirs).max()) or 1.0
    return float(np.abs(ours - theirs).max()) / largest if ours.shape == theirs.shape else float("inf")


def _checked(
    torch: Any, module: Any, net: Net, heads: Mapping[str, str], inputs: Mapping[str, Any], dtype: str
) -> float:
    """Compare the answers for another input than the example, which shows what the example's numbers decided.

    heads: {result: its node}. Return the largest difference as a share of the largest number.
    """
    rng = np.random.default_rng(0)
    others = {}
    for name, tensor in inputs.items():
        array = tensor.cpu().numpy()
        moved = np.roll(array, 1, axis=-1)  # of whole numbers: they may be places in a table
        if tensor.is_floating_point():
            moved = array + np.sqrt(np.mean(array**2) + 0.01) * rng.standard_normal(array.shape).astype(array.dtype)
        others[name] = moved.astype(array.dtype)
    _, result = _followed(
        torch, module, {name: torch.from_numpy(others[name]).to(inputs[name].device) for name in inputs}
    )
    results = _results(torch, result)
    tape = net.forward({name: others[name] for name in net.inputs}, upto=list(dict.fromkeys(heads.values())))
    share = max(_difference(tape[node], results[name].detach().cpu().numpy()) for name, node in heads.items())
    if not share <= AGREEMENT[dtype]:
        raise NetError(
            f"The net that was made gives other answers than the module, by {share:.2g} of the largest: it uses "
            "random numbers, numbers that went through NumPy, or an array that is changed while another shows it. "
            "Write that part with torch's operators alone."
        )
    return share
