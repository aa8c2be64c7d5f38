"""An LSTM against PyTorch's on the same CPU: a forward pass, and forward and backward of inputs and parameters.

    python benchmarks/lstm.py                 2 layers of 256, sequence 100, batch 50; then one layer of each size
    python benchmarks/lstm.py --threads 1     one thread for both, by processor time, to lstm-1-thread.json
    python benchmarks/lstm.py --quick         a small one, some seconds, nothing written

Both compute in float32 from the same weights, take turns in one process, and use the same number of threads; their
gradients are compared first. Medians and their ratio are written to benchmarks/results/lstm.json: above 1 means that
this engine is faster. PyTorch is optional: without it there are no ratios.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parent)]

import convolutions as bench  # noqa: E402  # sets the path of an uninstalled checkout

import minitorch_viz_kernels as kernels  # noqa: E402
from minitorch_viz.layers import LSTM  # noqa: E402

# layers, features = memory cells, sequence, batch
SIZES = [(2, 256, 100, 50), *((1, width, 50, batch) for width in (128, 256, 512) for batch in (1, 16, 50))]
QUICK = [(2, 32, 10, 5)]


def calls(size: tuple[int, ...], torch: Any) -> dict[str, list[Callable[[], Any]]]:
    """Return for each row of the table this engine's call, and PyTorch's on the same numbers."""
    depth, width, steps, batch = size
    rng = np.random.default_rng(0)
    stack = [LSTM.random(rng, width, width) for _ in range(depth)]
    x, dy = rng.standard_normal((2, batch, steps, width)).astype(np.float32)

    def forward() -> list[Any]:
        y, tape = x, []
        for layer in stack:
            y, saved = layer.forward(y)
            tape.append(saved)
        return tape

    def forward_and_backward() -> tuple[Any, list[dict[str, Any]]]:
        tape, dx, grads = forward(), dy, []
        for layer, saved in zip(reversed(stack), reversed(tape), strict=True):
            dx, layer_grads = layer.backward_and_grads(dx, saved)
            grads.append(layer_grads)
        return dx, grads[::-1]

    rows: dict[str, list[Callable[[], Any]]] = {"forward": [forward], "forward and backward": [forward_and_backward]}
    if torch is not None:
        module = torch.nn.LSTM(width, width, depth, batch_first=True)
        for k, layer in enumerate(stack):
            for name, value in layer.params.items():
                getattr(module, name.replace("l0", f"l{k}")).data = torch.from_numpy(value)
        tx, tdy = torch.from_numpy(x).requires_grad_(), torch.from_numpy(dy)

        def torch_forward_and_backward() -> Any:
            module.zero_grad()
            tx.grad = None
            module(tx)[0].backward(tdy)
            return tx.grad

        rows["forward"].append(lambda: module(tx))
        rows["forward and backward"].append(torch_forward_and_backward)
        dx, grads = forward_and_backward()
        np.testing.assert_allclose(dx, torch_forward_and_backward().numpy(), rtol=1e-3, atol=1e-3 * np.abs(dx).max())
        for k, layer_grads in enumerate(grads):
            for name, grad in layer_grads.items():
                theirs = getattr(module, name.replace("l0", f"l{k}")).grad.numpy()
                np.testing.assert_allclose(grad, theirs, rtol=1e-3, atol=1e-3 * np.abs(grad).max())
    return rows


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one small size, nothing written")
    parser.add_argument("--threads", type=int, help="for both; default: every core")
    parser.add_argument("--seconds", type=float, default=6.0, help="of measuring, for each row and library")
    parser.add_argument("--out", type=Path, help="default: benchmarks/results/lstm.json, or as above")
    options = parser.parse_args(arguments)
    try:
        import torch
    except ImportError:
        torch = None
    threads_before = kernels.get_threads()
    kernels.set_threads(options.threads)
    if torch is not None:
        torch_before = torch.get_num_threads()
        torch.set_num_threads(kernels.get_threads())
    clock = time.process_time if kernels.get_threads() == 1 else time.perf_counter
    rows = []
    try:
        for size in QUICK if options.quick else SIZES:
            for label, functions in calls(size, torch).items():
                times = bench.medians(functions, 0.1 if options.quick else options.seconds, clock)
                ratio = times[1] / times[0] if len(times) > 1 else None
                shape = dict(zip(("layers", "width", "steps", "batch"), size, strict=True))
                rows.append({**shape, "what": label, "ms": times[0] * 1e3, "ratio": ratio})
                words = f"{size[0]} layer{'s' * (size[0] > 1)} of {size[1]}, {size[2]} steps, batch {size[3]:3}"
                print(f"{words}  {label:21} {times[0] * 1e3:9.2f} ms  {ratio or np.nan:5.2f}", flush=True)
        threads = {"ours": kernels.get_threads()} | ({} if torch is None else {"torch": torch.get_num_threads()})
    finally:
        kernels.set_threads(threads_before)
        if torch is not None:
            torch.set_num_threads(torch_before)
    result = {"machine": bench.machine(torch), "threads": threads, "rows": rows}
    if not options.quick:
        name = "lstm-1-thread.json" if options.threads == 1 else "lstm.json"
        bench.write(result, options.out or bench.ROOT / "benchmarks" / "results" / name)
    return result


if __name__ == "__main__":
    main()
