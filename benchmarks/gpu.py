"""The convolution layers of four nets on a GPU, against PyTorch (cuDNN) on the same one, both without TF32.

    python benchmarks/gpu.py                 all layers at batch 1 and 8, forward, dx and dw: some minutes
    python benchmarks/gpu.py --quick         five small layers, some seconds, nothing written

Both are measured in turns in one process: some calls, then the device is waited for, and the time is shared among them.
Medians are compared; ratios above 1 mean that this engine is faster. Beside each stands the largest difference between
the two answers, relative to the largest number. Written to benchmarks/results/gpu.json with the name of the GPU. Needs
CuPy and a GPU; PyTorch is optional: without it, there are times and no ratios.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parent)]

import convolutions as bench  # noqa: E402  # sets the path of an uninstalled checkout

import minitorch_viz_kernels as kernels  # noqa: E402

CALLS = 20  # between two waits


def medians(functions: list[Callable[[], Any]], wait: Callable[[], Any], seconds: float) -> list[float]:
    """Return the median time of each, in seconds. They take turns of some calls."""
    for function in functions:  # compiles, and chooses an algorithm
        function()
    times: list[list[float]] = [[] for _ in functions]
    end = time.perf_counter() + seconds * len(functions)
    while time.perf_counter() < end or len(times[-1]) < 3:
        for function, seconds_a_call in zip(functions, times, strict=True):
            wait()
            start = time.perf_counter()
            for _ in range(CALLS):
                function()
            wait()
            seconds_a_call.append((time.perf_counter() - start) / CALLS)
    return [statistics.median(seconds_a_call) for seconds_a_call in times]


def numbers(answer: Any) -> Any:
    """Return the array of an answer in main memory; PyTorch's backward answers with three, of which one was wanted."""
    if isinstance(answer, tuple):
        (answer,) = (array for array in answer if array is not None)
    return kernels.to_cpu(answer) if kernels.device_of(answer) == "cuda" else np.asarray(answer.cpu())


def measure(quick: bool, seconds: float, torch: Any) -> dict[str, Any]:
    """Measure the layers and print a line for each."""
    import cupy

    def wait() -> None:
        cupy.cuda.runtime.deviceSynchronize()  # waits for PyTorch's work too

    gpu = cupy.cuda.runtime.getDeviceProperties(0)["name"]
    machine = {**bench.machine(torch), "gpu": gpu.decode() if isinstance(gpu, bytes) else gpu}
    machine["versions"]["cupy"] = cupy.__version__
    print(f"{json.dumps(machine)}\nmilliseconds, ratio to PyTorch, difference to its answer")
    rows = []
    for batch in (1,) if quick else (1, 8):
        for net, layer in bench.layers(quick):
            c, o, k, s, _, side = layer
            line = f"{net:13} {batch} x {c:4} -> {o:4} {k:2}x{k:<2} /{s} {side:3}"
            for direction, functions in bench.calls(layer, torch, batch, "cuda").items():
                difference = ratio = None
                if torch is not None:
                    ours, theirs = (numbers(function()) for function in functions)
                    difference = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
                times = medians(functions, wait, seconds)
                if torch is not None:
                    ratio = times[1] / times[0]
                rows.append(
                    {"net": net, "layer": layer, "batch": batch, "class": bench.kind(layer), "pass": direction}
                    | {"ms": times[0] * 1e3, "ratio": ratio, "difference": difference}
                )
                line += f" | {direction} {times[0] * 1e3:7.3f} {ratio or np.nan:5.2f} {difference or np.nan:.0e}"
            print(line, flush=True)
    summary = {}
    for batch in sorted({row["batch"] for row in rows}):
        print(f"batch {batch}")
        summary[f"batch {batch}"] = bench.summary_of([row for row in rows if row["batch"] == batch])
    return {"machine": machine, "summary": summary, "layers": rows}


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few small layers, nothing written")
    parser.add_argument("--seconds", type=float, default=0.1, help="of measuring, for each layer, pass and library")
    parser.add_argument("--out", type=Path, default=bench.ROOT / "benchmarks" / "results" / "gpu.json")
    options = parser.parse_args(arguments)
    try:
        kernels.to_device(np.zeros(1, np.float32), "cuda")
    except RuntimeError as error:
        parser.error(str(error))
    try:
        import torch
    except ImportError:
        torch = None
    if torch is not None and not torch.cuda.is_available():
        torch = None
    if torch is not None:
        torch.set_grad_enabled(False)
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.benchmark = True  # cuDNN tries its algorithms at the first call and keeps the fastest
    try:
        result = measure(options.quick, 0.02 if options.quick else options.seconds, torch)
    finally:
        if torch is not None:
            torch.set_grad_enabled(True)
    if not options.quick:
        bench.write(result, options.out)
    return result


if __name__ == "__main__":
    main()
