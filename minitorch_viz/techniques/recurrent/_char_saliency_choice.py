"""Which prediction is explained: its place, and the letter that is meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, near, need_whole
from minitorch_viz.models.carry import log_probabilities
from minitorch_viz.techniques.explain.reading import alphabet_of, read

if TYPE_CHECKING:
    from minitorch_viz.models import Model
    from minitorch_viz.models.readers import Alphabet

PLACES = ("last", "surprise", "helped")
LEAST = 1  # letters that must stand before the one that is predicted


def likeliest(names: Sequence[str], logs: Array) -> tuple[tuple[str, float], ...]:
    """Return the five letters or answers with the largest log probabilities (V,), with their probabilities."""
    best = np.argsort(-logs, kind="stable")[:5].tolist()
    return tuple((names[number], float(np.exp(logs[number]))) for number in best)


def place_of(model: Model, text: str, at: Any) -> tuple[int, str]:
    """Return the place of the predicted letter, and how it was chosen, in words; SettingError where there is none."""
    count = len(text)
    if isinstance(at, str) and at.strip().isdecimal():
        at = int(at)
    if not isinstance(at, str):
        place = need_whole("place at", at, 0)
        if not LEAST <= place <= count:
            raise SettingError(
                f"The place must be from {LEAST} to {count}: something must stand before it, and {count} is after the "
                f"last letter; got {place}."
            )
        return place, "the place asked for"
    if at not in PLACES:
        raise SettingError(f"at is a place or one of {', '.join(PLACES)}, but got {at!r}; {near(at, PLACES, 'place')}.")
    if at == "last":
        return count, "after the end of the text"
    if count <= LEAST:
        raise SettingError(f"at={at} needs a text of at least {LEAST + 1} letters, one to read and one to predict.")
    reading = read(model, text, of=())
    if at == "surprise":
        return int(reading.nats.argmax()) + 1, "the letter that the net expected least"
    pairs = _after_one(model, reading.codes[:-1])
    short = -pairs[np.arange(count - 1), reading.codes[1:]]
    return int((short - reading.nats).argmax()) + 1, "the letter for which what stands before helps most"


def _after_one(model: Model, codes: Array) -> Array:
    """Return the log probabilities (T, V) of the letter after each of these, were it the first one that was read."""
    letters, places = np.unique(codes, return_inverse=True)
    alphabet = alphabet_of(model)
    x = alphabet.rows(letters[:, None], model.dtype)
    logs: Array = log_probabilities(model.net, model.net.predict(x))[:, 0][places]
    return logs


def target_of(alphabet: Alphabet, scores: Array, target: Any, codes: Array, place: int) -> tuple[int, str]:
    """Return the number of the letter that is explained, and the letter that came."""
    came = alphabet.letters[int(codes[place])] if place < len(codes) else ""
    if target is None:
        return (int(codes[place]) if came else int(scores.argmax())), came
    if not isinstance(target, str) or len(target) != 1:
        raise SettingError(f"The target is one letter, but got {target!r:.60}.")
    return int(alphabet.codes(target)[0]), came
