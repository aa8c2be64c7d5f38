"""GELU (both forms), SiLU and LayerNorm against PyTorch's on the same CPU, at the shapes of three nets.

    python benchmarks/pointwise.py            every shape at batch 1 and 8, forward and backward: under two minutes
    python benchmarks/pointwise.py --threads 1 --out benchmarks/results/pointwise-1-thread.json
    python benchmarks/pointwise.py --quick    one small shape, some seconds, nothing written

Both compute in float32 with the same number of threads and take turns in one process; their answers are compared first.
PyTorch's backward passes are called without autograd, which would cost it time. Medians and their ratio are written to
benchmarks/results/pointwise.json: above 1 means that this engine is faster. PyTorch is optional: without it there are
no ratios.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parent)]

import convolutions as bench  # noqa: E402  # sets the path of an uninstalled checkout

import minitorch_viz_kernels as kernels  # noqa: E402
from minitorch_viz.layers import GELU, LayerNorm, SiLU  # noqa: E402

Calls = dict[str, list[Callable[[], Any]]]

# net: the shapes of one image where the layer stands
GELUS = {
    "ViT-B/16": [(197, 3072)],
    "ConvNeXt-T": [(56, 56, 384), (28, 28, 768), (14, 14, 1536), (7, 7, 3072)],
}
LAYER_NORMS = {
    "ViT-B/16": [(197, 768)],
    "ConvNeXt-T": [(56, 56, 96), (28, 28, 192), (14, 14, 384), (7, 7, 768)],
}
SILUS = {"EfficientNet-B0": [(96, 112, 112), (144, 56, 56), (240, 28, 28), (480, 14, 14), (1152, 7, 7)]}
TABLE = {"GELU": GELUS, "GELU tanh": GELUS, "LayerNorm": LAYER_NORMS, "SiLU": SILUS}
QUICK = {name: {"small": [(7, 64)]} for name in TABLE}


def calls(name: str, shape: tuple[int, ...], torch: Any) -> Calls:
    """Return for each pass this engine's call, and PyTorch's on the same numbers."""
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, *shape)).astype(np.float32)
    weight, bias = rng.standard_normal((2, shape[-1])).astype(np.float32)
    layer: Any = {
        "GELU": GELU(),
        "GELU tanh": GELU("tanh"),
        "SiLU": SiLU(),
        "LayerNorm": LayerNorm(shape[-1], weight, bias),
    }[name]
    _, saved = layer.forward(x)
    rows: Calls = {"forward": [lambda: layer.forward(x)[0]], "backward": [lambda: layer.backward(dy, saved)]}
    if torch is not None:
        tx, tdy, tw, tb = (torch.from_numpy(array) for array in (x, dy, weight, bias))
        aten, functions = torch.ops.aten, torch.nn.functional
        if name == "LayerNorm":
            _, mean, scale = aten.native_layer_norm(tx, (shape[-1],), tw, tb, 1e-5)
            rows["forward"].append(lambda: functions.layer_norm(tx, (shape[-1],), tw, tb))
            rows["backward"].append(
                lambda: aten.native_layer_norm_backward(
                    tdy, tx, (shape[-1],), mean, scale, tw, tb, (True, False, False)
                )[0]
            )
        else:
            forward, backward, settings = {
                "GELU": (functions.gelu, aten.gelu_backward, {}),
                "GELU tanh": (functions.gelu, aten.gelu_backward, {"approximate": "tanh"}),
                "SiLU": (functions.silu, aten.silu_backward, {}),
            }[name]
            rows["forward"].append(lambda: forward(tx, **settings))
            rows["backward"].append(lambda: backward(tdy, tx, **settings))
        for ours, theirs in rows.values():
            expected = theirs().numpy()
            np.testing.assert_allclose(ours(), expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())
    return rows


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one small shape, nothing written")
    parser.add_argument("--threads", type=int, help="for both; default: every core")
    parser.add_argument("--seconds", type=float, default=0.5, help="of measuring, for each row and library")
    parser.add_argument("--out", type=Path, default=bench.ROOT / "benchmarks" / "results" / "pointwise.json")
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
    batches, table = ((1,), QUICK) if options.quick else ((1, 8), TABLE)
    shapes = [
        (name, net, (batch, *image))
        for name, nets in table.items()
        for net, images in nets.items()
        for image in images
        for batch in batches
    ]
    rows: list[dict[str, Any]] = []
    try:
        for name, net, shape in shapes:
            for label, functions in calls(name, shape, torch).items():
                times = bench.medians(functions, 0.1 if options.quick else options.seconds)
                ratio = times[1] / times[0] if len(times) > 1 else None
                size = "x".join(map(str, shape))
                row = {"layer": name, "net": net, "shape": size, "what": label, "ms": times[0] * 1e3, "ratio": ratio}
                rows.append(row)
                words = f"{name:9} {net:15} {size:16} {label:8}"
                print(f"{words} {times[0] * 1e3:8.3f} ms  {ratio or np.nan:5.2f}", flush=True)
        threads = {"ours": kernels.get_threads()} | ({} if torch is None else {"torch": torch.get_num_threads()})
    finally:
        kernels.set_threads(threads_before)
        if torch is not None:
            torch.set_num_threads(torch_before)
    means = {}
    if torch is not None:
        for name in table:
            ratios = [row["ratio"] for row in rows if row["layer"] == name]
            means[name] = float(np.exp(np.mean(np.log(ratios))))
            print(f"{name}: {means[name]:.2f} times as fast in the geometric mean")
    result = {"machine": bench.machine(torch), "threads": threads, "means": means, "rows": rows}
    if not options.quick:
        bench.write(result, options.out)
    return result


if __name__ == "__main__":
    main()
