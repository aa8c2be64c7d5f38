"""What each rung of the kernels gains: lines of code, milliseconds, and the share of the processor's peak, one thread.

    python benchmarks/ladder.py               every kernel on every rung, two minutes
    python benchmarks/ladder.py --quick       three kernels, some seconds, nothing written

Each kernel is timed on its first large example (`large_examples` of its operation) in float32. The plain loops of a
convolution are timed on one of its filters, and their time is multiplied by the number of filters. Written to
benchmarks/results/ladder.json, from which `python tests/test_readme.py` makes the README's table. CUDA's rung is timed
by benchmarks/gpu.py.
"""

from __future__ import annotations

import argparse
import ast
import os
import statistics
import sys
import time
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy's products, before it is loaded: one thread, as all others

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parent)]

import convolutions as bench  # noqa: E402  # sets the path of an uninstalled checkout

import minitorch_viz_kernels as kernels  # noqa: E402
from minitorch_viz_kernels.machine import registry  # noqa: E402
from minitorch_viz_kernels.machine.examples import Example  # noqa: E402

RUNGS = ("reference", "numpy", "compiled", "numba")
QUICK = ("conv2d", "matmul", "relu")
PACKAGE = Path(kernels.__file__).parent


def lines_of(path: Path) -> int:
    """Count the lines of a file that hold code: no blank lines, comments or docstrings."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".cu":
        return sum(bool(line.strip()) and not line.strip().startswith("//") for line in text.splitlines())
    quiet = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    with path.open("rb") as file:
        tokens = [token for token in tokenize.tokenize(file.readline) if token.type not in {*quiet, tokenize.ENCODING}]
    code = {line for token in tokens for line in range(token.start[0], token.end[0] + 1)}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            code -= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return len(code)


def lines_by_operation() -> dict[str, dict[str, int]]:
    """Count the lines of code of each rung of each operation, in its own files; `machine` is what all share."""
    lines: dict[str, dict[str, int]] = {"machine": {"all": sum(map(lines_of, (PACKAGE / "machine").glob("*.py")))}}
    for package in registry.operations():
        folder = PACKAGE / package.rpartition(".")[2]
        rungs = registry.rungs(package)
        lines[folder.name] = {}
        for rung in (*RUNGS, "cuda"):
            path = folder / rungs.module(rung)
            files = [path.with_suffix(".py")] if path.with_suffix(".py").exists() else list(path.iterdir())
            lines[folder.name][rung] = sum(lines_of(file) for file in files if file.suffix in (".py", ".cu"))
    return lines


def multiplications(kernel: str, arguments: tuple[Any, ...]) -> float | None:
    """Count the multiplications (each with its addition) of the direct sum, where a sum is all that a kernel is."""
    shapes = [value.shape for value in arguments if isinstance(value, np.ndarray)]
    if kernel == "matmul":
        return float(np.prod(shapes[0]) * shapes[1][1])
    if kernel == "conv2d":
        (n, _, height, width), (o, c, kh, kw), (_, stride, padding, dilation, _) = *shapes, arguments[2:7]
        high = kernels.out_size(height, kh, stride[0], padding[0], dilation[0])
        wide = kernels.out_size(width, kw, stride[1], padding[1], dilation[1])
        return float(n * o * high * wide * c * kh * kw)
    if kernel == "conv2d_dx":
        return float(np.prod(shapes[0]) * np.prod(shapes[1][1:]))
    if kernel == "conv2d_dw":
        return float(np.prod(shapes[0]) * shapes[1][1] // arguments[-1] * np.prod(arguments[2]))
    return None


def one_filter(kernel: str, arguments: tuple[Any, ...]) -> tuple[tuple[Any, ...], int]:
    """Return a convolution with the first of its filters only, and how many there were; other calls as they are."""
    if not kernel.startswith("conv2d"):
        return arguments, 1
    first, second, *rest = arguments
    if kernel == "conv2d":
        return (first, second[:1], *rest), len(second)
    if kernel == "conv2d_dx":
        return (first[:, :1], second[:1], *rest), len(second)
    return (first[:, :1], second, *rest), first.shape[1]


def median(call: Callable[[], Any], seconds: float) -> float:
    """Return the seconds that a call takes: the median of as many as fit the time, of one if it takes longer."""
    call()  # compiles it, and warms the caches
    times: list[float] = []
    end = time.perf_counter() + seconds
    while not times or (time.perf_counter() < end and len(times) < 10_000):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def chosen(quick: bool) -> Iterator[Example]:
    """Yield the first large example of each kernel."""
    seen = set()
    for example in registry.large_examples():
        if example.kernel not in seen and (not quick or example.kernel in QUICK):
            seen.add(example.kernel)
            yield example


def measure(quick: bool, seconds: float) -> list[dict[str, Any]]:
    """Measure a row for each kernel and rung."""
    top, rows = bench.peak(), []
    print(f"peak {top:.0f} GFLOP/s; milliseconds, and the share of the peak")
    for example in chosen(quick):
        arguments = example.arguments(np.float32)
        products = multiplications(example.kernel, arguments)
        line = f"{example!s:24}"
        for rung in RUNGS:
            function, values, times = getattr(registry.rung(rung), example.kernel), arguments, 1
            if rung == "reference":
                values, times = one_filter(example.kernel, arguments)
            duration = times * median(lambda function=function, values=values: function(*values), seconds)  # type: ignore[misc]
            share = None if products is None else 2 * products / duration / 1e9 / top
            rows.append({"kernel": example.kernel, "example": example.name, "rung": rung, "ms": duration * 1e3})
            rows[-1]["share"] = share
            line += f" | {rung} {duration * 1e3:10.3f}" + (f" {share:.3f}" if share is not None else "")
        print(line, flush=True)
    return rows


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="three kernels, nothing written")
    parser.add_argument("--seconds", type=float, default=1.0, help="of measuring, for each kernel and rung")
    parser.add_argument("--out", type=Path, default=bench.ROOT / "benchmarks" / "results" / "ladder.json")
    options = parser.parse_args(arguments)
    threads_before = kernels.get_threads()
    kernels.set_threads(1)
    try:
        rows = measure(options.quick, 0.02 if options.quick else options.seconds)
        machine = bench.machine(None)
    finally:
        kernels.set_threads(threads_before)
    result = {"machine": machine, "lines": lines_by_operation(), "rows": rows}
    if not options.quick:
        bench.write(result, options.out)
    return result


if __name__ == "__main__":
    main()
