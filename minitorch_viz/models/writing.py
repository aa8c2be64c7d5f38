"""Writing with a net that reads letter by letter: draw a letter from what it says, read it, and so on.

    scores -> softmax(scores / temperature) -> a letter -> the net reads it -> scores -> ...

The net's state is what connects the letters: it is carried from step to step (`carry`), so a step costs the same after
ten letters as after ten thousand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import MinitorchVizError, SettingError, need_whole
from minitorch_viz.models.carry import Carry, carrying, log_probabilities
from minitorch_viz.models.model import Model
from minitorch_viz.models.readers import Alphabet
from minitorch_viz.net import Net

States = Mapping[str, Array]  # (N, H) of each recurrent layer, by the input of the carrying net


@dataclass(frozen=True, eq=False)
class Writer:
    """Read letters one at a time, for N texts side by side.

    Raises SettingError for a model that does not read letter by letter, or gives no score for each letter.
    """

    model: Model
    net: Net = field(init=False)
    carry: Carry = field(init=False)
    alphabet: Alphabet = field(init=False)

    def __post_init__(self) -> None:
        reader = self.model.readers.get(self.model.net.inputs[0]) if len(self.model.net.inputs) == 1 else None
        if not isinstance(reader, Alphabet) or reader.length:
            raise SettingError(
                f"{self.model.name} does not read texts of any length, letter by letter, so it cannot write any; "
                "`minitorch-viz train letters --text FILE` makes a net that does."
            )
        try:
            net, carry = carrying(self.model.net)
        except MinitorchVizError as error:
            raise SettingError(f"{self.model.name} cannot write: {error}") from error
        for name, value in (("net", net), ("carry", carry), ("alphabet", reader)):
            object.__setattr__(self, name, value)
        scores, _ = self.step(np.zeros(1, np.int64), {})
        if scores.shape != (1, len(reader.letters)):
            raise SettingError(
                f"{self.model.name} gives {scores.shape[1:]} numbers after each letter, and not a score for each of "
                f"its {len(reader.letters)} letters, so it cannot write."
            )

    def step(self, codes: Array, states: States) -> tuple[Array, dict[str, Array]]:
        """Read one letter of each text, (N,), after some states: (log probabilities (N, V), the states after)."""
        return self.read(codes[:, None], states)

    def read(self, codes: Array, states: States) -> tuple[Array, dict[str, Array]]:
        """Read several letters of each text, (N, T): what comes after the last, as `step` gives it."""
        x = self.alphabet.rows(codes, self.model.dtype)
        tape = self.net.forward(self.carry.inputs(self.net, x, states))
        return log_probabilities(self.net, tape[self.net.output][:, -1]), self.carry.after(tape)

    def primed(self, prime: str, count: int) -> Array:
        """Return the numbers (N, T) of what N texts begin with; SettingError for an unknown letter."""
        first = "\n" if "\n" in self.alphabet.letters else self.alphabet.letters[0]
        return np.tile(self.alphabet.codes(prime or first), (count, 1))

    def text(self, codes: Array) -> str:
        """Return the letters of numbers (T,)."""
        return "".join(self.alphabet.letters[code] for code in codes.tolist())


def write(
    model: Model,
    length: int = 500,
    *,
    prime: str = "",
    temperature: float = 1.0,
    seed: int = 0,
    count: int = 1,
) -> list[str]:
    """Write `count` texts of `length` letters with a net, without the prime; see `drawn` for the settings."""
    writer = Writer(model)
    codes = np.stack([*drawn(writer, length, prime=prime, temperature=temperature, seed=seed, count=count)], axis=1)
    return [writer.text(row) for row in codes]


def drawn(
    writer: Writer,
    length: int,
    *,
    prime: str = "",
    temperature: float = 1.0,
    seed: int = 0,
    count: int = 1,
    states: States | None = None,
) -> Iterator[Array]:
    """Yield the numbers (N,) of the next letter of N texts, `length` times.

    prime: what the net reads first ("": a line end, or the first letter of its alphabet). temperature: 1 draws letters
    as often as the net expects them; less prefers likely ones, 0 takes the likeliest; more makes them more even.
    seed: same seed, same text. states: what the net remembers before the prime; by default nothing.
    Raises SettingError for a letter of the prime that the net does not know, by its place.
    """
    need_whole("length", length, 1)
    need_whole("count", count, 1)
    number = isinstance(temperature, (int, float, np.floating)) and not isinstance(temperature, bool)
    if not number or not 0 <= temperature < np.inf:
        raise SettingError(f"The temperature is a finite number of at least 0, but got {temperature!r}.")
    rng = np.random.default_rng(need_whole("seed", seed, 0))
    scores, states = writer.read(writer.primed(prime, count), states or {})  # (N, V)
    for done in range(length):
        if temperature == 0:
            codes = scores.argmax(axis=1)
        else:
            noise = rng.gumbel(size=scores.shape)  # the largest of scores + such noise is a draw from their softmax
            codes = (scores / temperature + noise).argmax(axis=1)
        yield codes
        if done + 1 < length:
            scores, states = writer.step(codes, states)


def likely(writer: Writer, length: int, width: int, *, prime: str = "") -> tuple[str, float]:
    """Search for a likely text with a beam: (the text, its log probability in nats).

    At each step the `width` likeliest of all beginnings that are one letter longer are kept (beam search); with width 1
    that is the likeliest letter each time. Nothing is random.
    """
    need_whole("length", length, 1)
    need_whole("beam", width, 1)
    scores, states = writer.read(writer.primed(prime, 1), {})
    texts, totals = np.zeros((1, 0), np.int64), np.zeros(1)  # (B, letters so far), (B,)
    for done in range(length):
        sums = (totals[:, None] + scores).reshape(-1)  # (B V,)
        best = np.argsort(-sums, kind="stable")[:width]
        parents, codes = np.divmod(best, scores.shape[1])
        texts, totals = np.concatenate([texts[parents], codes[:, None]], axis=1), sums[best]
        if done + 1 < length:
            scores, states = writer.step(codes, {name: state[parents] for name, state in states.items()})
    return writer.text(texts[0]), float(totals[0])
