"""Training a net on a text, against the same in PyTorch: what both come to, and how long a step takes.

    python benchmarks/letters.py --text tinyshakespeare.txt        2 x 128 LSTM, 2 epochs: some minutes
    python benchmarks/letters.py --quick                           a small net on Python's own source, nothing written

Both begin with the same weights and read the same batches (50 x 100 characters, states carried, Adam 4e-3 falling to 0,
clipped at 5), one thread each, a step in turns, in one process; a step's time is that of the processor. Above 1 this
engine is faster. Without PyTorch there is nothing to compare.
"""

from __future__ import annotations

import argparse
import inspect
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parent)]

import convolutions as bench  # noqa: E402  # sets the path of an uninstalled checkout

import minitorch_viz_kernels as kernels  # noqa: E402
from minitorch_viz.data.text_stream import TextBatches, TextFile  # noqa: E402
from minitorch_viz.models.carry import carrying  # noqa: E402
from minitorch_viz.models.letters import letters  # noqa: E402
from minitorch_viz.training import Adam, Cosine, Observer, SoftmaxCrossEntropy, fit  # noqa: E402

RATE, CLIP = 4e-3, 5.0


class Peer(Observer):
    """Take the same step in PyTorch after each of this engine's, and keep losses and times of both."""

    def __init__(self, torch: Any, net: Any, batches: TextBatches, epochs: int) -> None:
        state = {name: torch.from_numpy(value.copy()) for name, value in net.params.items()}
        cells, features = net["lstm1"].layer.weight_hh_l0.shape[1], net["embedding"].layer.weight.shape[1]
        count, layers = len(net["scores"].layer.weight), sum(node.name.startswith("lstm") for node in net.nodes)
        self.torch, self.batches, self.rng = torch, batches, np.random.default_rng(0)
        self.embedding = torch.nn.Embedding.from_pretrained(state["embedding.weight"], freeze=False)
        self.lstm = torch.nn.LSTM(features, cells, layers, batch_first=True)
        self.scores = torch.nn.Linear(cells, count)
        for name, parameter in self.lstm.named_parameters():
            kind, _, level = name.rpartition("_l")
            parameter.data = state[f"lstm{int(level) + 1}.{kind}_l0"]
        self.scores.weight.data, self.scores.bias.data = state["scores.weight"], state["scores.bias"]
        modules = (self.embedding, self.lstm, self.scores)
        self.parameters = [parameter for module in modules for parameter in module.parameters()]
        self.adam = torch.optim.Adam(self.parameters, RATE)
        self.schedule = Cosine(RATE, epochs * len(batches))
        self.losses: list[tuple[float, float]] = []
        self.times: list[tuple[float, float]] = []
        self.epoch_of_batches()

    def epoch_of_batches(self) -> None:
        """Begin another epoch: the same random start, and states of zeros."""
        self.rest, self.state = self.batches(self.rng), None

    def begin(self, _run: Any, _state: Any) -> None:
        self.since = time.process_time()

    def step(self, _run: Any, step: Any) -> None:
        ours = time.process_time() - self.since
        start = time.process_time()
        x, target = map(self.torch.from_numpy, next(self.rest))
        y, state = self.lstm(self.embedding(x), self.state)
        self.state = tuple(part.detach() for part in state)
        scores = self.scores(y)
        loss = self.torch.nn.functional.cross_entropy(scores.flatten(0, 1), target.flatten())
        self.adam.zero_grad()
        loss.backward()
        self.torch.nn.utils.clip_grad_norm_(self.parameters, CLIP)
        self.adam.param_groups[0]["lr"] = self.schedule(len(self.losses))
        self.adam.step()
        self.losses.append((step.loss, float(loss.detach())))
        self.times.append((ours, time.process_time() - start))
        self.since = time.process_time()

    def epoch(self, _run: Any, _state: Any) -> None:
        self.epoch_of_batches()
        self.since = time.process_time()


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, help="a text file (default: Python's own source)")
    parser.add_argument("--cells", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="a small net for some steps, nothing written")
    parser.add_argument("--out", type=Path, default=bench.ROOT / "benchmarks" / "results" / "letters.json")
    options = parser.parse_args(arguments)
    import torch

    with tempfile.TemporaryDirectory() as folder:
        path = options.text
        if path is None:
            path = Path(folder) / "source.txt"
            path.write_text(inspect.getsource(argparse) * (1 if options.quick else 5), encoding="utf-8")
        text = TextFile(path)
        batches = TextBatches(text, text.parts()[0], *((10, 20) if options.quick else (50, 100)))
        if options.quick:
            batches = TextBatches(text, (0, 5000), 10, 20)
        cells, epochs = (16, 1) if options.quick else (options.cells, options.epochs)
        plain = letters(len(text.letters), cells=cells)
        threads = kernels.get_threads(), torch.get_num_threads()
        kernels.set_threads(1)
        torch.set_num_threads(1)
        try:
            peer = Peer(torch, plain, batches, epochs)
            net, carry = carrying(plain)
            fit(
                net, batches, rng=np.random.default_rng(0), epochs=epochs, optimizer=Adam(RATE),
                schedule=Cosine(RATE, epochs * len(batches)), loss=SoftmaxCrossEntropy(axis=2), clip=CLIP, carry=carry,
                keep="last", observers=[peer], progress=False,
            )  # fmt: skip
        finally:
            kernels.set_threads(threads[0])
            torch.set_num_threads(threads[1])
    losses, times = np.array(peer.losses), np.array(peer.times[1:])
    last = losses[-max(1, len(losses) // 10) :].mean(axis=0)
    ours, theirs = np.median(times, axis=0)
    result = {
        "machine": bench.machine(torch), "text": options.text.name if options.text else "Python's source",
        "cells": cells, "steps": len(losses), "nats": {"ours": last[0], "torch": last[1]},
        "ms": {"ours": ours * 1e3, "torch": theirs * 1e3}, "ratio": theirs / ours,
    }  # fmt: skip
    print(f"{len(losses)} steps; nats of the last tenth {last[0]:.4f}, PyTorch {last[1]:.4f}")
    print(f"a step {ours * 1e3:.1f} ms, PyTorch {theirs * 1e3:.1f} ms: {theirs / ours:.2f} times its speed")
    if not options.quick:
        bench.write(result, options.out)
    return result


if __name__ == "__main__":
    main()
