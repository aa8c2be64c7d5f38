"""How time grows: with the side of the image, the channels, the batch, and the seeds K, beside PyTorch on the same CPU.

    python benchmarks/scaling.py              some minutes
    python benchmarks/scaling.py --quick      few and small sizes, some seconds, nothing written

One size grows while the others stay. Time is taken to be c * size ** exponent, and the exponent is fitted by least
squares to the logarithms: 1 means that twice the size takes twice the time. The direct sum of a convolution has
exponent 2 in the side, 2 in the channels (as many out as in) and 1 in the batch. Less than that is work that is paid
once and shared (or small sizes that do not fill the machine), more is a cache that became too small.

Engine and peer take turns in one process, and the medians are fitted. Written to benchmarks/results/scaling.json.
PyTorch and Captum are optional: without them there are no columns of theirs.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parent)]

import convolutions as bench  # noqa: E402  # sets the path of an uninstalled checkout
import nets  # noqa: E402

import minitorch_viz_kernels as kernels  # noqa: E402
from minitorch_viz import relu_mode  # noqa: E402
from minitorch_viz.models.spec import get_spec  # noqa: E402

# What stays while another grows: (batch, channels in and out, side); and how far each grows.
STAYS = {"side": (1, 64, 0), "channels": (1, 0, 28), "batch": (0, 64, 28)}
GROWS = {"side": (14, 28, 56, 112), "channels": (32, 64, 128, 256), "batch": (1, 2, 4, 8)}
DIRECT = {"side": 2.0, "channels": 2.0, "batch": 1.0}  # the exponents of the direct sum
KERNELS = (3, 1, 5)
SEEDS = (1, 2, 4, 8, 16)
SIDES = (64, 96, 128, 192, 256)  # of the image that a whole pass explains
Calls = list[Callable[[], Any]]


def exponent(sizes: list[float], times: list[float]) -> float:
    """Fit the slope of log(time) over log(size): p of the best c * size ** p."""
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])


def convolutions(quick: bool, torch: Any) -> Iterator[tuple[str, str, float, list[tuple[int, Calls]]]]:
    """Yield (label, the size that grows, the direct sum's exponent, [(size, calls)])."""
    for k in KERNELS[:1] if quick else KERNELS:
        for grows, sizes in GROWS.items():
            calls_by_direction: dict[str, list[tuple[int, Calls]]] = {"forward": [], "dx": []}
            for size in sizes[:2] if quick else sizes:
                batch, channels, side = (size if value == 0 else value for value in STAYS[grows])
                for direction, functions in pair(batch, channels, side, k, torch).items():
                    calls_by_direction[direction].append((size, functions))
            for direction, cases in calls_by_direction.items():
                yield f"conv2d {k}x{k} {direction}", grows, DIRECT[grows], cases


def pair(batch: int, channels: int, side: int, k: int, torch: Any) -> dict[str, Calls]:
    """Return one convolution's forward and dx: this engine's call, and PyTorch's on the same numbers."""
    rng = np.random.default_rng(0)
    x, w = (
        rng.standard_normal(s).astype(np.float32) for s in ((batch, channels, side, side), (channels, channels, k, k))
    )
    p = k // 2
    geometry = ((1, 1), (p, p), (1, 1), 1)
    calls: dict[str, Calls] = {
        "forward": [lambda: kernels.conv2d(x, w, None, *geometry)],
        "dx": [lambda: kernels.conv2d_dx(x, w, (side, side), *geometry)],
    }
    if torch is not None:
        tx, tw = torch.from_numpy(x), torch.from_numpy(w)
        calls["forward"].append(lambda: torch.nn.functional.conv2d(tx, tw, None, 1, p))
        calls["dx"].append(
            lambda: torch.ops.aten.convolution_backward(
                tx, tx, tw, None, [1, 1], [p, p], [1, 1], False, [0, 0], 1, [True, False, False]
            )
        )
    return calls


def passes(quick: bool, torch: Any, captum: Any) -> Iterator[tuple[str, str, float, list[tuple[int, Calls]]]]:
    """Yield guided backpropagation on SqueezeNet 1.1: K seeds of one image, and images of different sides."""
    spec = get_spec("squeezenet1_1")
    net, goal, rules = spec.build(), spec.logits, relu_mode("guided")
    method = None if captum is None else captum.GuidedBackprop(nets.as_torch(net, goal, torch))

    def calls(side: int, seeds: int) -> Calls:
        x = np.random.default_rng(0).standard_normal((1, 3, side, side)).astype(np.float32)
        seed = {goal: np.eye(seeds, 1000, dtype=np.float32)}

        def ours() -> Any:
            return net.backward(net.forward(x, upto=goal), seed, rules=rules)["input"]

        if method is None:
            return [ours]
        images = (
            torch.from_numpy(x).expand(seeds, -1, -1, -1).clone().requires_grad_()
        )  # one image a seed: it has no tape
        return [ours, lambda: method.attribute(images, target=list(range(seeds)))]

    small = 64 if quick else 224
    yield (
        "guided pass, SqueezeNet", "seeds K", 1.0, [(k, calls(small, k)) for k in (SEEDS[:2] if quick else SEEDS)]
    )  # fmt: skip
    yield "guided pass, SqueezeNet", "side", 2.0, [(side, calls(side, 1)) for side in (SIDES[:2] if quick else SIDES)]


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two small sizes of each, nothing written")
    parser.add_argument("--threads", type=int, help="for both; default: every core")
    parser.add_argument("--seconds", type=float, default=0.4, help="of measuring, for each size and library")
    parser.add_argument("--out", type=Path, default=bench.ROOT / "benchmarks" / "results" / "scaling.json")
    options = parser.parse_args(arguments)
    torch, captum = nets.libraries()
    threads_before = kernels.get_threads()
    kernels.set_threads(options.threads)
    if torch is not None:
        torch_before = torch.get_num_threads()
        torch.set_num_threads(kernels.get_threads())
    rows: list[dict[str, Any]] = []
    print(f"{'':30} {'grows':9} {'direct':>6} {'ours':>6} {'torch':>6}   milliseconds")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Captum announces its hooks
            series = chain(convolutions(options.quick, torch), passes(options.quick, torch, captum))
            for label, grows, direct, cases in series:
                rows.append(measure(label, grows, direct, cases, 0.02 if options.quick else options.seconds))
    finally:
        kernels.set_threads(threads_before)
        if torch is not None:
            torch.set_num_threads(torch_before)
    result = {"machine": bench.machine(torch), "rows": rows}
    if not options.quick:
        bench.write(result, options.out)
    return result


def measure(label: str, grows: str, direct: float, cases: list[tuple[int, Calls]], seconds: float) -> dict[str, Any]:
    """Take the times of all sizes, fit the exponents, print a line."""
    sizes = [size for size, _ in cases]
    medians = [bench.medians(functions, seconds) for _, functions in cases]
    columns = [list(column) for column in zip(*medians, strict=True)]  # ours, and the peer's
    fitted = [exponent(sizes, column) for column in columns]
    peer = f"{fitted[1]:6.2f}" if len(fitted) > 1 else f"{'-':>6}"
    times = "  ".join(f"{size}: {time * 1e3:.2f}" for size, time in zip(sizes, columns[0], strict=True))
    print(f"{label:30} {grows:9} {direct:6.1f} {fitted[0]:6.2f} {peer}   {times}", flush=True)
    row = {"what": label, "grows": grows, "sizes": sizes, "exponent of the direct sum": direct}
    for name, column, power in zip(("ours", "torch"), columns, fitted, strict=False):
        row |= {f"{name} ms": [time * 1e3 for time in column], f"{name} exponent": power}
    return row


if __name__ == "__main__":
    main()
