"""The convolution layers of four nets, against PyTorch on the same CPU.

    python benchmarks/convolutions.py                    all layers, forward, dx and dw: some minutes
    python benchmarks/convolutions.py --quick            five small layers, some seconds, nothing written
    python benchmarks/convolutions.py --threads 1        one thread for both
    python benchmarks/convolutions.py --batch 8          eight images at once
    python benchmarks/convolutions.py --only googlenet --kernel 5 --seconds 0.05      some layers, nothing written

Both are measured in turns in one process, some calls at a time, and the medians are compared: a machine that is slow
for a while is slow for both. Ratios above 1 mean that this engine is faster. The result is written to
benchmarks/results/convolutions.json (with --threads or --batch, to a file that says so) with a description of the
machine. PyTorch is optional: without it, there are times and no ratios. On a GPU: benchmarks/gpu.py.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "kernels")]  # an uninstalled checkout works too

import minitorch_viz_kernels as kernels  # noqa: E402  # after the path is set

# C, O, kernel, stride, padding, height = width of the input; layers that are the same are listed once.
NETS: dict[str, list[tuple[int, ...]]] = {
    "vgg16": [
        *[(3, 64, 3, 1, 1, 224), (64, 64, 3, 1, 1, 224), (64, 128, 3, 1, 1, 112), (128, 128, 3, 1, 1, 112)],
        *[(128, 256, 3, 1, 1, 56), (256, 256, 3, 1, 1, 56), (256, 512, 3, 1, 1, 28), (512, 512, 3, 1, 1, 28)],
        (512, 512, 3, 1, 1, 14),
    ],
    "alexnet": [
        *[(3, 64, 11, 4, 2, 224), (64, 192, 5, 1, 2, 27), (192, 384, 3, 1, 1, 13), (384, 256, 3, 1, 1, 13)],
        (256, 256, 3, 1, 1, 13),
    ],
    "squeezenet1_1": [
        *[(3, 64, 3, 2, 0, 224), (64, 16, 1, 1, 0, 55), (16, 64, 1, 1, 0, 55), (16, 64, 3, 1, 1, 55)],
        *[(128, 16, 1, 1, 0, 55), (128, 32, 1, 1, 0, 27), (32, 128, 1, 1, 0, 27), (32, 128, 3, 1, 1, 27)],
        *[(256, 32, 1, 1, 0, 27), (256, 48, 1, 1, 0, 13), (48, 192, 1, 1, 0, 13), (48, 192, 3, 1, 1, 13)],
        *[(384, 48, 1, 1, 0, 13), (384, 64, 1, 1, 0, 13), (64, 256, 1, 1, 0, 13), (64, 256, 3, 1, 1, 13)],
        *[(512, 64, 1, 1, 0, 13), (512, 1000, 1, 1, 0, 13)],
    ],
    # The Caffe model: 5x5 branches. First the stem, then each inception block's 1x1, 3x3 and 5x5 branch and pool_proj.
    "googlenet": [
        *[(3, 64, 7, 2, 3, 224), (64, 64, 1, 1, 0, 56), (64, 192, 3, 1, 1, 56)],
        *[
            layer
            for side, c, ones, reduce3, threes, reduce5, fives, pool in [
                (28, 192, 64, 96, 128, 16, 32, 32),
                (28, 256, 128, 128, 192, 32, 96, 64),
                (14, 480, 192, 96, 208, 16, 48, 64),
                (14, 512, 160, 112, 224, 24, 64, 64),
                (14, 512, 128, 128, 256, 24, 64, 64),
                (14, 512, 112, 144, 288, 32, 64, 64),
                (14, 528, 256, 160, 320, 32, 128, 128),
                (7, 832, 256, 160, 320, 32, 128, 128),
                (7, 832, 384, 192, 384, 48, 128, 128),
            ]
            for layer in [
                *[(c, o, 1, 1, 0, side) for o in (ones, reduce3, reduce5, pool)],
                (reduce3, threes, 3, 1, 1, side),
                (reduce5, fives, 5, 1, 2, side),
            ]
        ],
    ],
}
QUICK = [
    (16, 64, 3, 1, 1, 55),
    (192, 384, 3, 1, 1, 13),
    (64, 16, 1, 1, 0, 55),
    (3, 64, 11, 4, 2, 224),
    (16, 32, 5, 1, 2, 28),
]
PASSES = ("forward", "dx", "dw")
PAUSE = 0.012  # seconds; PyTorch's threads wait awake for 8 to 9 milliseconds after each call
Layer = tuple[int, ...]


def layers(quick: bool, only: str | None = None, kernel: int | None = None) -> Iterator[tuple[str, Layer]]:
    """Yield (net, layer), every shape once; `only` of one net, and of one size of kernel."""
    seen: set[Layer] = set()
    for net, table in {"quick": QUICK}.items() if quick else NETS.items():
        for layer in table:
            if layer not in seen and only in (None, net) and kernel in (None, layer[2]):
                seen.add(layer)
                yield net, layer


def kind(layer: Layer) -> str:
    """Return the class of a layer in the summary."""
    return "3x3 stride 1" if layer[2:4] == (3, 1) else "other"


def calls(layer: Layer, torch: Any, batch: int = 1, device: str = "cpu") -> dict[str, list[Callable[[], Any]]]:
    """Return for each pass this engine's call, and PyTorch's on the same numbers."""
    c, o, k, s, p, side = layer
    rng = np.random.default_rng(0)
    geometry = ((s, s), (p, p), (1, 1), 1)
    high = kernels.out_size(side, k, s, p)
    shapes = ((batch, c, side, side), (o, c, k, k), (o,), (batch, o, high, high))
    numbers = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
    x, w, b, dy = (kernels.to_device(array, device) for array in numbers)
    ours: dict[str, list[Callable[[], Any]]] = {
        "forward": [lambda: kernels.conv2d(x, w, b, *geometry)],
        "dx": [lambda: kernels.conv2d_dx(dy, w, (side, side), *geometry)],
        "dw": [lambda: kernels.conv2d_dw(dy, x, (k, k), *geometry)],
    }
    if torch is not None:
        tx, tw, tb, tdy = (torch.from_numpy(array).to(device) for array in numbers)

        def backward(*wanted: bool) -> Any:
            return torch.ops.aten.convolution_backward(
                tdy, tx, tw, None, [s, s], [p, p], [1, 1], False, [0, 0], 1, [*wanted, False]
            )

        ours["forward"].append(lambda: torch.nn.functional.conv2d(tx, tw, tb, s, p))
        ours["dx"].append(lambda: backward(True, False))
        ours["dw"].append(lambda: backward(False, True))
    return ours


def medians(
    functions: list[Callable[[], Any]], seconds: float, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Return the median time of each, in seconds. They take turns of a few calls; a turn's first call is not counted.

    clock: what is read before and after each call. `time.process_time` counts what one thread computes, and not what
    other programs do meanwhile.

    The pause lets the other's waiting threads fall asleep, which would otherwise hold the cores. This thread does not
    sleep meanwhile, so that the system leaves it where it is.
    """
    times: list[list[float]] = [[] for _ in functions]
    end = time.perf_counter() + seconds * len(functions)
    while time.perf_counter() < end or len(times[-1]) < 3:
        for function, seconds_a_call in zip(functions, times, strict=True):
            pause = time.perf_counter() + PAUSE
            while time.perf_counter() < pause:
                pass
            turn = time.perf_counter() + seconds / 8
            for call in range(20):
                start = clock()
                function()
                stop = clock()
                if call:
                    seconds_a_call.append(stop - start)
                if time.perf_counter() > turn and call:
                    break
    return [statistics.median(seconds_a_call) for seconds_a_call in times]


def peak() -> float:
    """Return what this machine's cores reach at best, in GFLOP/s: the innermost product, on numbers in the cache.

    A layer's share of it counts the multiplications of the direct sum: Winograd's may be above 1.
    """
    x, w = np.ones((1, 256, 15, 67), np.float32), np.ones((256, 256, 1, 1), np.float32)
    best = np.inf
    for _ in range(300):
        start = time.perf_counter()
        kernels.conv2d(x, w, None, (1, 1), (0, 0), (1, 1), 1)
        best = min(best, time.perf_counter() - start)
    return 2 * 256 * 256 * 15 * 67 / best / 1e9


def machine(torch: Any) -> dict[str, Any]:
    """Say what was measured on: no names of hosts or users."""
    model = platform.processor()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), model)
    versions = {"python": platform.python_version(), "numpy": np.__version__, "kernels": kernels.current()}
    if kernels.current() == "numba":
        import numba

        versions["numba"] = numba.__version__
    if torch is not None:
        versions["torch"] = torch.__version__
    return {"cpu": model, "machine": platform.machine(), "threads": kernels.get_threads(), "versions": versions}


def write(result: dict[str, Any], path: Path) -> None:
    """Write what a benchmark found as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")


def geometric_mean(values: list[float]) -> float:
    return float(np.exp(np.mean(np.log(values))))


def summary_of(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return the geometric mean and the least of the ratios of each pass and class of layers; print them."""
    summary = {}
    for direction in PASSES:
        for group in ("3x3 stride 1", "other"):
            ratios = [
                row["ratio"] for row in rows if (row["pass"], row["class"]) == (direction, group) and row["ratio"]
            ]
            if ratios:
                summary[f"{group}, {direction}"] = {"geometric mean": geometric_mean(ratios), "least": min(ratios)}
    for name, value in summary.items():
        print(f"{name:24} geometric mean {value['geometric mean']:.2f}, least {value['least']:.2f}")
    return summary


def measure(chosen: list[tuple[str, Layer]], seconds: float, torch: Any, batch: int = 1) -> dict[str, Any]:
    """Measure some layers and print a line for each."""
    top = peak()
    print(f"{json.dumps(machine(torch))}\npeak {top:.0f} GFLOP/s; milliseconds, ratio to PyTorch, share of the peak")
    rows = []
    for net, layer in chosen:
        c, o, k, s, p, side = layer
        out = kernels.out_size(side, k, s, p)
        line = f"{net:13} {c:4} -> {o:4} {k:2}x{k:<2} /{s} {side:3}"
        for direction, functions in calls(layer, torch, batch).items():
            times = medians(functions, seconds)
            ratio = times[1] / times[0] if torch is not None else None
            share = 2 * batch * c * o * k * k * out * out / times[0] / 1e9 / top
            rows.append(
                {"net": net, "layer": layer, "class": kind(layer), "pass": direction, "ms": times[0] * 1e3}
                | {"torch_ms": times[1] * 1e3 if torch is not None else None, "ratio": ratio, "share": share}
            )
            line += f" | {direction} {times[0] * 1e3:8.3f} {ratio or np.nan:5.2f} {share:4.2f}"
        print(line, flush=True)
    return {
        "machine": machine(torch), "batch": batch, "peak_gflops": top, "summary": summary_of(rows), "layers": rows,
    }  # fmt: skip


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few small layers, nothing written")
    parser.add_argument("--threads", type=int, help="for both; default: every core")
    parser.add_argument("--batch", type=int, default=1, help="images at once")
    parser.add_argument("--only", choices=[*NETS], help="the layers of one net, nothing written")
    parser.add_argument("--kernel", type=int, help="only kernels of this size, nothing written")
    parser.add_argument("--seconds", type=float, default=0.4, help="of measuring, for each layer, pass and library")
    parser.add_argument("--out", type=Path, help="default: benchmarks/results/convolutions.json, or as above")
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
        torch.set_grad_enabled(False)
    try:
        chosen = list(layers(options.quick, options.only, options.kernel))
        result = measure(chosen, 0.05 if options.quick else options.seconds, torch, options.batch)
    finally:
        kernels.set_threads(threads_before)
        if torch is not None:
            torch.set_num_threads(torch_before)
            torch.set_grad_enabled(True)
    if not (options.quick or options.only or options.kernel):
        ending = f"-batch-{options.batch}" * (options.batch > 1)
        if options.threads:
            ending += f"-{options.threads}-thread" + "s" * (options.threads > 1)
        write(result, options.out or ROOT / "benchmarks" / "results" / f"convolutions{ending}.json")
    return result


if __name__ == "__main__":
    main()
