"""Gates: how often the gates of a recurrent net stand open or shut, and how long its cells remember."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import MinitorchVizError, SettingError
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.explain.reading import alphabet_of, passes, recurrent_nodes, remembers
from minitorch_viz.techniques.recurrent._gates_figure import draw
from minitorch_viz.techniques.recurrent._gates_tally import Gate, counted, gates_of, half_lives, keepers_of
from minitorch_viz.techniques.run import how_far, looping
from minitorch_viz.techniques.state import State
from minitorch_viz.techniques.subject import TEXT

if TYPE_CHECKING:
    from minitorch_viz.models import Model

OFTEN = 0.9  # of the time: a forget gate that is right-saturated so often remembers for long


@dataclass(frozen=True, eq=False)
class Gates(Result):
    """Hold how G gates stood while a text was read, and how long the cells of each layer remember."""

    net: str  # what it is called
    gates: tuple[Gate, ...]  # (G,) the first layer first
    left: tuple[Array, ...]  # (G,) of (H,): the share of letters at which each cell's gate is below `low`
    right: tuple[Array, ...]  # (G,) of (H,): the share at which it is above `high`
    counts: tuple[Array, ...]  # (G,) of (BINS,) int: the gate's values over all cells and letters, bins from 0 to 1
    keepers: tuple[Gate, ...]  # (L,) of each layer with gates the one that keeps the memory
    half_lives: tuple[Array, ...]  # (L,) of (H,): letters until half of what a cell holds is forgotten; inf: never
    low: float
    high: float
    without: tuple[str, ...]  # recurrent layers that have no gates
    done: int  # letters read
    total: int
    state: State | None = None  # what another run goes on from

    @property
    def facts(self) -> tuple[str, ...]:
        return (self.net[:40], f"{len(self.gates)} gates", f"{self.done} letters")

    @property
    def caption(self) -> str:
        names = " and ".join(dict.fromkeys(f"{gate.node}'s {gate.letter}" for gate in self.keepers))
        return (
            f"The gates of {self.net} over {self.done:,} letters. Scatter: a dot a cell; across, the share of letters "
            f"at which its gate is left-saturated (below {self.low:g}), up, right-saturated (above {self.high:g}); "
            "both scales go from 0 to 1, and no cell can lie above the diagonal. Histogram: the gate's values over "
            "all cells and letters, scale from 0 (shut) to 1 (open), bars in percent of all values. Half-life: letters "
            f"until half of what a cell holds is forgotten, ln 2 / -mean(log gate), of {names}; the scale is "
            "logarithmic, its last bars hold what is beyond it."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        return (*how_far(self, "letter"), *self._notes())

    def _notes(self) -> Iterator[str]:
        for name in self.without:
            yield f"{name} is an RNN: it has no gates, so there is nothing of it to show."
        if any(gate.letter == "z" for gate in self.keepers):
            yield (
                "A GRU has neither input, forget nor output gate: its update gate z keeps a share z of the state and "
                "writes 1 - z, so that its half-life is that of z, and its reset gate r says how much of the state is "
                "read for what is new."
            )
        for gate, lives in zip(self.keepers, self.half_lives, strict=True):
            never, beyond = int(np.isinf(lives).sum()), int((lives > self.done).sum())
            if beyond:
                endless = f", {never} of them never (the gate was 1 to the last bit)" if never else ""
                yield (
                    f"{gate.node}: {beyond} of {len(lives)} half-lives are longer than the {self.done:,} letters "
                    f"read{endless}; they tell what the gates would do if they went on so, and were not seen to end."
                )
        yield (
            "A half-life is a mean over all letters: a cell that keeps everything and is wiped at each line end has a "
            "short one."
        )


@looping("letter")
def gates(
    model: Model, text: str, *, low: float = 0.1, high: float = 0.9, state: State | None = None
) -> Iterator[Gates]:
    """Show how often the gates of each layer stand open or shut, and after how many letters cells forget.

    A gate near 0 blocks and near 1 lets through; in between it scales. Cells whose forget gate is right-saturated
    nearly always are the ones that count, remember quotes, or keep the indentation.

    Args:
        low: a gate below it is left-saturated, shut
        high: a gate above it is right-saturated, open

    Returns a Gates with, of each gate, the shares of time (H,), a histogram (50,), and half-lives (H,). state= goes on
    from a result's. Raises SettingError for an empty text, an unknown letter, and limits that are not 0 <= low < high
    <= 1; MinitorchVizError for a net without gates.

    Paper: Karpathy, Johnson, Fei-Fei 2015, section 4.2, figure 3.
    """
    for name, value in (("low", low), ("high", high)):
        if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not 0 <= value <= 1:
            raise SettingError(f"{name} must be a number from 0 to 1, the range of a gate, but got {value!r}.")
    if not low < high:
        raise SettingError(f"low must be below high, but got low={low:g} and high={high:g}.")
    if why := has_gates(model):
        raise MinitorchVizError(f"{why}.")
    codes = alphabet_of(model).codes(text)
    sums: Mapping[str, Array] = {}
    start, states = 0, None
    if state is not None:
        start = int(state.numbers["done"])
        sums = {name[4:]: value for name, value in state.arrays.items() if name.startswith("sum ")}
        states = {name[6:]: value for name, value in state.arrays.items() if name.startswith("state ")}
        if start == len(codes):
            yield _result(model, sums, start, len(codes), low, high, state)
    shown, keepers = gates_of(model), keepers_of(model)
    for step in passes(model, codes, start=start, states=states):
        sums = counted(sums, step.tape, shown, keepers, low, high)
        arrays = {f"sum {name}": value for name, value in sums.items()}
        arrays |= {f"state {name}": value for name, value in step.states.items()}
        yield _result(model, sums, step.done, len(codes), low, high, State(arrays, {"done": step.done}))


def _result(
    model: Model, sums: Mapping[str, Array], done: int, total: int, low: float, high: float, state: State
) -> Gates:
    """Return the result of the letters read so far."""
    shown, keepers = gates_of(model), keepers_of(model)
    return Gates(
        net=model.name,
        gates=shown,
        left=tuple(sums[f"left.{gate.node}.{gate.letter}"] / done for gate in shown),
        right=tuple(sums[f"right.{gate.node}.{gate.letter}"] / done for gate in shown),
        counts=tuple(sums[f"counts.{gate.node}.{gate.letter}"] for gate in shown),
        keepers=keepers,
        half_lives=tuple(half_lives(sums[f"logs.{gate.node}"], done) for gate in keepers),
        low=float(low),
        high=float(high),
        without=tuple(name for name in recurrent_nodes(model) if name not in {gate.node for gate in shown}),
        done=done,
        total=total,
        state=state,
    )


def has_gates(model: Model) -> str | None:
    """Return why a net has no gates that a text moves, in words; None if it has."""
    why = remembers(model)
    if why is None and not gates_of(model):
        why = f"{model.name}'s recurrent layers are plain RNNs, which have no gates"
    return why


def plot(result: Gates, figure: Any) -> None:
    """Draw for each layer a scatter and a histogram a gate, and the half-lives."""
    draw(result, figure)


def _example() -> Gates:
    from minitorch_viz.techniques.recurrent._small_net import small_net

    text = "the quick brown fox jumps over the lazy dog " * 3
    return gates(small_net(), text, low=0.4, high=0.6)


TECHNIQUE = Technique(
    name="gates",
    compute=gates,
    plot=plot,
    title="Gates: which stand open or shut, and how long cells remember",
    paper="Karpathy, Johnson, Fei-Fei 2015",
    example=_example,
    applies=has_gates,
    subject=TEXT,
    shown_by="war_and_peace",
    level=30,
)
