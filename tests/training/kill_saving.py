"""kill -9 while checkpoints are being written, many times over: run by test_checkpoint.py in a process of its own.

A child writes one checkpoint after the other, every number in it the same, and says so through a pipe after each; it is
killed after a random time. Then the file must be readable, of one piece, and not older than the last it told of.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from minitorch_viz import Net
from minitorch_viz.layers import Linear
from minitorch_viz.training import Adam, SoftmaxCrossEntropy, load_checkpoint, save_checkpoint
from minitorch_viz.training.observer import Run
from minitorch_viz.training.state import State, generator_state

RUN = Run(SoftmaxCrossEntropy(), "fc", 1, None, {"optimizer": "Adam()"})
LARGE = 400_000  # numbers in each array: enough that a write takes a while


def state_of(number: int) -> State:
    value = np.full((1, LARGE), number, np.float32)
    net = Net([("fc", Linear(value, np.full(1, number, np.float32)))])
    kept = Adam.State(number, dict(net.params), dict(net.params))
    rng = generator_state(np.random.default_rng(number))
    return State(net, kept, number, 0, rng, rng, best=net)


def child(path: Path, number: int, pipe: int) -> None:
    while True:
        number += 1
        save_checkpoint(path, RUN, state_of(number))
        os.write(pipe, number.to_bytes(8, "little"))


def last_told(pipe: int, before: int) -> int:
    told = b""
    while data := os.read(pipe, 65536):
        told += data
    return int.from_bytes(told[-8:], "little") if told else before


def check(path: Path) -> int:
    state = load_checkpoint(path, RUN, replace(state_of(0)))
    found = {float(a.min()) for net in (state.net, state.best) for a in net.params.values()}
    found |= {float(a.max()) for kept in state.optimizer[1:] for a in kept.values()}
    assert found == {float(state.step)}, f"mixed: {found} and step {state.step}"
    assert state.optimizer.steps == state.step
    assert state.data_rng == generator_state(np.random.default_rng(state.step))
    return state.step


def main(path: Path, times: int) -> None:
    random.seed(0)
    save_checkpoint(path, RUN, state_of(1))
    number, cut = 1, 0
    for _ in range(times):
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            child(path, number, writing)
        os.close(writing)
        time.sleep(random.uniform(0.0, 0.12))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        told = last_told(reading, number)
        os.close(reading)
        left = list(path.parent.glob(".*.tmp"))
        cut += bool(left)
        for file in left:
            file.unlink()
        found = check(path)
        assert told <= found <= told + 1, f"told of {told}, found {found}"
        number = found
    print(f"{times} kills, {cut} in the middle of a write, {number} checkpoints, none lost, none unreadable")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
