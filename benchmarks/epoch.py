"""An epoch of training the CIFAR-10 net, against the same net in PyTorch on the same CPU.

    python benchmarks/epoch.py                 some steps of batch 128, and what an epoch of them takes: 2 minutes
    python benchmarks/epoch.py --quick         a few steps of a small batch, nothing written

Both get the same net with batch normalization, the same weights, batches and threads, and SGD with Nesterov momentum
and weight decay. They take turns in one process; the medians are compared, and a ratio above 1 means that this engine
is faster. Two rows:

    step    forward, loss, backward and update, on a batch that is ready
    fit     this engine's whole training loop: batches mirrored, shifted and normalized in their thread, the checks for
            numbers that are not finite, running statistics; against PyTorch's bare step

The time of each layer is printed too. The result is written to benchmarks/results/epoch.json. PyTorch is optional:
without it, there are times and no ratios.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parent)]

import convolutions as bench  # noqa: E402  # sets the path of an uninstalled checkout
import nets  # noqa: E402

import minitorch_viz_kernels as kernels  # noqa: E402
from minitorch_viz import Net  # noqa: E402
from minitorch_viz.data import Dataset, DatasetBatches, crop, flip  # noqa: E402
from minitorch_viz.models.cifar10 import NAMES, PREPROCESSING, cifar10  # noqa: E402
from minitorch_viz.training import SGD, SoftmaxCrossEntropy, fit  # noqa: E402

IMAGES = 50_000  # of an epoch
GOAL, SMOOTHING = "logits", 0.05
OPTIMIZER = SGD(0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)


def pictures(count: int) -> Dataset:
    """Make noise with CIFAR-10's sizes: speed does not depend on what is seen."""
    rng = np.random.default_rng(0)
    return Dataset(rng.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8), rng.integers(0, 10, count), NAMES, "noise")


class Ours:
    """Take this engine's training steps, one a call, which returns the step's loss."""

    def __init__(self, net: Net, x: Any, labels: Any) -> None:
        self.net, self.x, self.labels = net, x, labels
        self.state = OPTIMIZER.start(net.params)
        self.loss, self.rng = SoftmaxCrossEntropy(SMOOTHING), np.random.default_rng(0)

    def __call__(self) -> float:
        tape = self.net.forward(self.x, upto=GOAL, rng=self.rng)
        loss, dy = self.loss(tape[GOAL], self.labels)
        grads = self.net.param_grads(tape, {GOAL: dy})
        params, self.state = OPTIMIZER.step(self.net.params, grads, self.state)
        self.net = self.net.with_params(params)
        return float(loss)


def theirs(net: Net, x: Any, labels: Any, torch: Any) -> Callable[[], float]:
    """Return PyTorch's step with a copy of the net."""
    copy = net.with_params({name: value.copy() for name, value in net.params.items()})
    module = nets.as_torch(copy, GOAL, torch).train()
    kind, settings = OPTIMIZER.in_pytorch()
    optimizer = getattr(torch.optim, kind)(module.parameters(), **settings)
    tx, target = torch.from_numpy(x), torch.from_numpy(labels)

    def step() -> float:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(module(tx), target, label_smoothing=SMOOTHING)
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


def layer_times(net: Net, x: Any, labels: Any, repeats: int) -> dict[str, float]:
    """Return {"forward Conv2d": ms, ...} of a step by kind of layer: the least of the repeats for each layer."""
    least: dict[tuple[str, str, str], float] = {}

    def timed(name: str, direction: str, call: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = call()
        key = (direction, type(net[name].layer).__name__, name)
        least[key] = min(least.get(key, np.inf), time.perf_counter() - start)
        return result

    nodes = net.nodes[: [node.name for node in net.nodes].index(GOAL) + 1]
    for _ in range(repeats):
        value, saved, rng = x, {}, np.random.default_rng(0)
        for node in nodes:
            settings = {"rng": rng} if node.layer.uses_rng else {}
            value, saved[node.name] = timed(node.name, "forward", partial(node.layer.forward, value, **settings))
        _, dy = SoftmaxCrossEntropy(SMOOTHING)(value, labels)
        for node in reversed(nodes):
            if node.layer.params:
                timed(node.name, "parameters", partial(node.layer.param_grads, dy, saved[node.name]))
            if node is not nodes[0]:
                dy = timed(node.name, "backward", partial(node.layer.backward, dy, saved[node.name]))
    sums: Counter[str] = Counter()
    for (direction, kind, _), seconds in least.items():
        sums[f"{direction} {kind}"] += seconds * 1e3
    return {name: round(value, 2) for name, value in sums.most_common()}


def measure(batch: int, steps_of_fit: int, seconds: float, torch: Any) -> dict[str, Any]:
    """Measure one step in both engines, and a step of `fit`."""
    net, data = cifar10(norm=True), pictures(batch * steps_of_fit)
    batches = DatasetBatches(data, batch, (flip, crop), PREPROCESSING)
    x, labels = next(iter(batches(np.random.default_rng(0))))
    ours = Ours(net, x, labels)
    functions: list[Callable[[], Any]] = [ours]
    if torch is not None:
        peer = theirs(net, x, labels, torch)
        losses = [(ours(), peer()) for _ in range(3)]  # the same numbers, or it is not the same work
        np.testing.assert_allclose(*zip(*losses, strict=True), rtol=2e-3)
        functions.append(peer)

    def fit_once() -> None:
        fit(
            net,
            batches,
            rng=np.random.default_rng(0),
            epochs=1,
            optimizer=OPTIMIZER,
            loss=SoftmaxCrossEntropy(SMOOTHING),
            logits=GOAL,
            progress=False,
        )

    per_step = bench.medians([*functions, fit_once], seconds)
    per_step[-1] /= steps_of_fit
    steps = IMAGES / batch
    rows = []
    for label, step_time in (("step", per_step[0]), ("fit", per_step[-1])):
        row = {
            "what": label,
            "batch": batch,
            "ms_a_step": round(step_time * 1e3, 2),
            "s_an_epoch": round(step_time * steps, 1),
        }
        if torch is not None:
            row |= {"torch_ms_a_step": round(per_step[1] * 1e3, 2), "ratio": round(per_step[1] / step_time, 3)}
        rows.append(row)
    return {"rows": rows, "ms_by_layer": layer_times(net, x, labels, 3)}


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a small batch, nothing written")
    parser.add_argument("--threads", type=int, help="for both; default: every core")
    parser.add_argument("--seconds", type=float, default=25.0, help="of measuring, for each row and library")
    parser.add_argument("--out", type=Path, default=bench.ROOT / "benchmarks" / "results" / "epoch.json")
    options = parser.parse_args(arguments)
    torch, _ = nets.libraries()
    threads_before = kernels.get_threads()
    kernels.set_threads(options.threads)
    if torch is not None:
        torch_before = torch.get_num_threads()
        torch.set_num_threads(kernels.get_threads())
    try:
        measured = measure(8, 2, 0.1, torch) if options.quick else measure(128, 10, options.seconds, torch)
        result = {"machine": bench.machine(torch), **measured}
    finally:
        kernels.set_threads(threads_before)
        if torch is not None:
            torch.set_num_threads(torch_before)
    for row in result["rows"]:
        ratio = f"  {row['ratio']:5.2f} x PyTorch" if "ratio" in row else ""
        print(
            f"{row['what']:5} batch {row['batch']}  {row['ms_a_step']:8.1f} ms a step  "
            f"{row['s_an_epoch']:7.1f} s an epoch{ratio}"
        )
    for label, ms in result["ms_by_layer"].items():
        print(f"  {label:26} {ms:8.1f} ms")
    if not options.quick:
        bench.write(result, options.out)
    return result


if __name__ == "__main__":
    main()
