"""A training run as a value: everything that the next step depends on, and nothing else.

Because a state never changes, it can be written to a file at any moment, also when Ctrl-C comes in the middle of
a step.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import SettingError
from minitorch_viz.net import Net


class Epoch(NamedTuple):
    """Hold what one pass over the data came to."""

    epoch: int  # 1 is the first
    step: int  # steps taken by its end
    loss: float  # mean over the training batches, each measured before its own step
    score: float | None  # share of right answers, in the same way; None if the loss has no score
    rate: float  # of its last step
    held_out_loss: float | None = None  # of the validation data after the epoch
    held_out_score: float | None = None


class Sums(NamedTuple):
    """Hold the running sums of an unfinished epoch."""

    images: int = 0
    loss: float = 0.0
    score: float = 0.0


@dataclass(frozen=True, eq=False)
class State:
    """Hold where a run stands."""

    net: Net  # as it is after `step` steps
    optimizer: Any  # the optimizer's state
    step: int  # steps taken
    batches: int  # batches taken of the present epoch
    data_rng: dict[str, Any]  # the generator's state when the present epoch began: it gives order and augmentation
    net_rng: dict[str, Any]  # the state of the generator for dropout, now
    history: tuple[Epoch, ...] = ()  # the finished epochs
    sums: Sums = Sums()
    best: Net | None = None  # the net of the epoch with the lowest held-out loss
    carried: Mapping[str, Array] = field(default_factory=dict)  # states of recurrent layers after the last batch
    average: Mapping[str, Array] | None = None  # running means of the parameters, where they are kept
    seconds: float = 0.0  # spent so far

    @property
    def shown(self) -> Net:
        """Return the net that is measured and kept: with the running means of the parameters, where there are such."""
        return self.net if self.average is None else self.net.with_params(self.average)

    @property
    def epoch(self) -> int:
        """Return the number of finished epochs."""
        return len(self.history)

    @property
    def best_epoch(self) -> Epoch | None:
        """Return the epoch with the lowest held-out loss, the first of equals."""
        measured = [epoch for epoch in self.history if epoch.held_out_loss is not None]
        return min(measured, key=lambda epoch: epoch.held_out_loss or 0.0) if measured else None


def generator_state(rng: Generator) -> dict[str, Any]:
    """Return a copy of the state of a generator, which drawing from it does not change."""
    return copy.deepcopy(dict(rng.bit_generator.state))


def generator_from(state: dict[str, Any]) -> Generator:
    """Return a new generator that continues from a state; SettingError if NumPy has no such generator."""
    kind = getattr(np.random, str(state.get("bit_generator")), None)
    if not (isinstance(kind, type) and issubclass(kind, np.random.BitGenerator)):
        raise SettingError(f"NumPy has no bit generator called {state.get('bit_generator')!r}.")
    bits = kind()
    try:
        bits.state = state
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise SettingError(f"This is no state of a {kind.__name__}: {error}.") from error
    return np.random.Generator(bits)


def second_generator(rng: Generator) -> Generator:
    """Return another stream that depends on the first one's state only, and does not move it.

    The data and the net (dropout) draw from streams of their own, so that a resumed run can repeat an epoch's batches
    up to where it stood without the net.
    """
    return np.random.default_rng(generator_from(generator_state(rng)).integers(0, 2**63, 4))
