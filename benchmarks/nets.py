"""Whole nets against PyTorch and Captum on the same CPU: a forward pass, guided backpropagation, and its memory.

    python benchmarks/nets.py                 VGG-16, SqueezeNet 1.1 and GoogLeNet, batch 1 and 8
    python benchmarks/nets.py --quick         SqueezeNet at batch 1, some seconds, nothing written

The nets have random weights: speed does not depend on them. PyTorch gets the same graph, layer by layer, with the same
weights. Both take turns in one process; medians and their ratio are written to benchmarks/results/nets.json.
A ratio above 1 means that this engine is faster. PyTorch and Captum are optional: without them there are no ratios.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parent)]

import convolutions as bench  # noqa: E402  # sets the path of an uninstalled checkout

import minitorch_viz_kernels as kernels  # noqa: E402
from minitorch_viz import Net, layers, relu_mode  # noqa: E402
from minitorch_viz.models.spec import get_spec  # noqa: E402

NETS = {"vgg16": 224, "squeezenet1_1": 227, "googlenet": 224}
GROUPS = ("forward", "predict", "guided backprop")


def as_torch(net: Net, goal: str, torch: Any) -> Any:
    """Return the same graph as a PyTorch module that shares the weights; every ReLU is its own, as Captum asks."""
    nn = torch.nn

    def tensor(array: Any) -> Any:
        return nn.Parameter(torch.from_numpy(np.ascontiguousarray(array)))

    def module(layer: Any) -> Any:
        match layer:
            case layers.Conv2d():
                o, c, *kernel = layer.weight.shape
                peer = nn.Conv2d(c * layer.groups, o, kernel, layer.stride, layer.padding, groups=layer.groups)
                peer.weight, peer.bias = tensor(layer.weight), None if layer.bias is None else tensor(layer.bias)
            case layers.BatchNorm2d():
                peer = nn.BatchNorm2d(len(layer.running_mean), layer.eps, layer.momentum)
                peer.weight, peer.bias = tensor(layer.weight), tensor(layer.bias)
            case layers.Linear():
                peer = nn.Linear(*layer.weight.shape[::-1])
                peer.weight, peer.bias = tensor(layer.weight), tensor(layer.bias)
            case layers.ReLU():
                peer = nn.ReLU()
            case layers.MaxPool2d():
                peer = nn.MaxPool2d(layer.kernel, layer.stride, layer.padding, ceil_mode=layer.ceil_mode)
            case layers.AvgPool2d():
                peer = nn.AvgPool2d(layer.kernel, layer.stride, layer.padding, layer.ceil_mode, layer.count_include_pad)
            case layers.GlobalAvgPool2d():
                peer = nn.AdaptiveAvgPool2d(1)
            case layers.LocalResponseNorm():
                peer = nn.LocalResponseNorm(layer.size, layer.alpha, layer.beta, layer.k)
            case layers.Flatten():
                peer = nn.Flatten()
            case layers.Softmax():
                peer = nn.Softmax(1)
            case layers.Dropout():
                peer = nn.Identity()
            case layers.Concat():
                peer = nn.Identity()  # joined in forward
            case _:
                raise TypeError(f"No PyTorch module is known for {layer!r}.")
        return peer

    class Graph(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.steps = nn.ModuleList([module(node.layer) for node in net.nodes])

        def forward(self, x: Any) -> Any:
            values = {net.inputs[0]: x}
            for node, step in zip(net.nodes, self.steps, strict=True):
                inputs = [values[name] for name in node.inputs]
                joined = torch.cat(inputs, 1) if isinstance(node.layer, layers.Concat) else inputs[0]
                values[node.name] = step(joined)
            return values[goal]

    return Graph().eval()


def calls(name: str, batch: int, torch: Any, captum: Any) -> dict[str, list[Callable[[], Any]]]:
    """Return for each row of the table this engine's call, and the peer's on the same numbers."""
    spec = get_spec(name)
    net, goal = spec.build(), spec.logits
    side = NETS[name]
    x = np.random.default_rng(0).standard_normal((batch, 3, side, side)).astype(np.float32)
    seed = np.zeros((batch, 1000), np.float32)
    seed[:, 7] = 1

    def guided() -> Any:
        tape = net.forward(x, upto=goal)
        return net.backward(tape, {goal: seed}, rules=relu_mode("guided"))["input"]

    rows: dict[str, list[Callable[[], Any]]] = {
        "forward": [lambda: net.forward(x, upto=goal)],
        "predict": [lambda: net.predict(x, upto=goal)],
        "guided backprop": [guided],
    }
    if torch is not None:
        peer, tx = as_torch(net, goal, torch), torch.from_numpy(x)

        def forward() -> Any:
            with torch.no_grad():
                return peer(tx)

        np.testing.assert_allclose(forward().numpy(), net.predict(x, upto=goal), rtol=1e-2, atol=1e-2)
        rows["forward"].append(forward)
        rows["predict"].append(forward)
    if captum is not None:
        method = captum.GuidedBackprop(peer)
        tx_grad = tx.clone().requires_grad_()
        rows["guided backprop"].append(lambda: method.attribute(tx_grad, target=7))
    return rows


def peak_memory(engine: str, name: str) -> float:
    """Measure how far one guided backpropagation raises a new process's memory, in MiB ("ours" or "peer")."""
    folder = str(Path(__file__).parent)
    code = f"import sys; sys.path.insert(0, {folder!r}); import nets; nets.run_alone({engine!r}, {name!r})"
    process = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    return float(process.stdout.split()[-1])


def run_alone(engine: str, name: str) -> None:
    """Measure the memory for `peak_memory` (Linux): forget the peak so far, run once, print the rise to the new one."""
    torch, captum = libraries()
    function = calls(name, 1, torch, captum)["guided backprop"][0 if engine == "ours" else 1]
    function()  # once before, so that threads, compiled code and caches are there
    Path("/proc/self/clear_refs").write_text("5")

    def memory(key: str) -> float:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(float(line.split()[1]) / 1024 for line in lines if line.startswith(key))

    memory_before = memory("VmRSS")
    function()
    print(memory("VmHWM") - memory_before)


def libraries() -> tuple[Any, Any]:
    """Return (torch, captum.attr), with None for what is not installed."""
    try:
        import torch
    except ImportError:
        return None, None
    try:
        import captum.attr
    except ImportError:
        return torch, None
    return torch, captum.attr


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one small net, nothing written")
    parser.add_argument("--threads", type=int, help="for both; default: every core")
    parser.add_argument("--seconds", type=float, default=6.0, help="of measuring, for each row and library")
    parser.add_argument("--out", type=Path, default=bench.ROOT / "benchmarks" / "results" / "nets.json")
    options = parser.parse_args(arguments)
    torch, captum = libraries()
    threads_before = kernels.get_threads()
    kernels.set_threads(options.threads)
    if torch is not None:
        torch_before = torch.get_num_threads()
        torch.set_num_threads(kernels.get_threads())
    rows = []
    try:
        for name in ["squeezenet1_1"] if options.quick else NETS:
            for batch in (1,) if options.quick else (1, 8):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # Captum announces its hooks
                    for label, functions in calls(name, batch, torch, captum).items():
                        times = bench.medians(functions, 0.3 if options.quick else options.seconds)
                        ratio = times[1] / times[0] if len(times) > 1 else None
                        rows.append({"net": name, "batch": batch, "what": label, "ms": times[0] * 1e3, "ratio": ratio})
                        print(
                            f"{name:14} batch {batch}  {label:16} {times[0] * 1e3:9.1f} ms  {ratio or np.nan:5.2f}",
                            flush=True,
                        )
        memory: dict[str, float] = {}
        if not options.quick and captum is not None and Path("/proc/self/clear_refs").exists():
            memory = {engine: peak_memory(engine, "vgg16") for engine in ("ours", "peer")}
            print(f"vgg16, one guided backpropagation, growth of the process in MiB: {memory}")
    finally:
        kernels.set_threads(threads_before)
        if torch is not None:
            torch.set_num_threads(torch_before)
    result = {"machine": bench.machine(torch), "rows": rows, "growth_of_memory_mib_vgg16_guided": memory}
    if not options.quick:
        bench.write(result, options.out)
    return result


if __name__ == "__main__":
    main()
