"""The ladder: what a model costs, seconds of training or of counting, against what it comes to, nats a character."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import MinitorchVizError, SettingError
from minitorch_viz.models import Model
from minitorch_viz.models.carry import log_probabilities
from minitorch_viz.techniques.explain.reading import alphabet_of, passes, recurrent_nodes

WARM = 500  # letters that are read before the first one that is judged


@dataclass(frozen=True)
class Seconds:
    """Hold measured times; two runs of the same work are equal, whatever they took."""

    each: tuple[float, ...] = field(compare=False)


class Rung(NamedTuple):
    """Hold one net of the ladder."""

    name: str
    kind: str  # "LSTM 2 x 256"
    times: Array  # (E,): seconds of training after each epoch; (0,) where no card says it
    curve: Array  # (E,): nats on its validation part then
    seconds: float | None  # of the whole training; None where no card says it
    nats: float  # a letter, on the letters that are judged


def card_of(model: Model) -> dict[str, Any]:
    """Return what stands on the card beside a net's weights; {} where there is none that can be read."""
    try:
        content = json.loads(Path(model.source).with_suffix(".json").read_text(encoding="utf-8"))
        card = content["card"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return card if isinstance(card, dict) else {}


def kind_in_words(model: Model) -> str:
    """Return what a net's recurrent layers are: "LSTM 2 x 256"."""
    layers = [model.net[name].layer for name in recurrent_nodes(model)]
    names = [layer.type_name for layer in layers]
    sizes = [layer.params["weight_hh_l0"].shape[1] for layer in layers]
    if len({*names}) == 1 and len({*sizes}) == 1:
        return f"{names[0]} {len(layers)} x {sizes[0]}"
    return " + ".join(f"{name} {size}" for name, size in zip(names, sizes, strict=True))


def rung_of(model: Model, nats: float) -> Rung:
    """Return a net's rung, with what its card says of its training."""
    card = card_of(model)
    points = card.get("curve")
    rows = [
        [float(point[1]), float(point[2])]
        for point in (points if isinstance(points, list) else [])
        if isinstance(point, list) and len(point) == 3 and all(isinstance(number, (int, float)) for number in point)
    ]
    seconds = card.get("seconds")
    times, curve = np.array(rows, np.float64).reshape(-1, 2).T
    return Rung(
        model.name,
        kind_in_words(model),
        times,
        curve,
        float(seconds) if isinstance(seconds, (int, float)) else None,
        nats,
    )


def nats_on(model: Model, text: str, start: int, stop: int) -> Iterator[Array]:
    """Yield how surprised a net is at the letters from start (at least 1) to stop of a text, in pieces in their order.

    It reads from 500 letters before the first of them on. Raises SettingError for a letter that it does not know.
    """
    first = max(0, start - WARM)
    try:
        codes = alphabet_of(model).codes(text[first:stop])
    except MinitorchVizError as error:
        raise SettingError(f"{model.name} cannot read this text: {error}") from error
    for step in passes(model, codes[:-1]):
        targets = codes[step.start + 1 : step.done + 1]
        logs = log_probabilities(model.net, step.tape[model.net.output])[0]
        nats = -logs[np.arange(len(targets)), targets].astype(np.float64)
        yield nats[max(start - first - 1 - step.start, 0) :]


def without_card(rungs: Sequence[Rung]) -> str:
    """Return which nets have no card that says how long they trained, in words; "" if all have."""
    return ", ".join(rung.name for rung in rungs if rung.seconds is None)
