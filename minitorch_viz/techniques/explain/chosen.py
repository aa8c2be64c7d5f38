"""Which units of a node are meant: "3,17,40-45", "all", or a list of numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, SupportsIndex, TypeAlias

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.checks import check_names
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.graph import Tape, channel_axis
from minitorch_viz.layers.kind import Kind
from minitorch_viz.net import Net
from minitorch_viz.rules.relu import hard_relus, relus
from minitorch_viz.techniques.explain.nothing import blank_tape

if TYPE_CHECKING:
    from minitorch_viz.models import Model

Channels: TypeAlias = str | int | Sequence[int] | None


def channels_meant(node: str, channels: Channels, total: int) -> Array | None:
    """Return the numbers of the channels that are meant, (U,) ints in the order given; None if it is left open.

    channels: a number, a list of them, "3,17,40-45" or "all". total: how many the node has.

    Raises SettingError for a number that there is not, one that stands there twice, or anything else.
    """
    if channels is None:
        return None
    if isinstance(channels, str):
        if channels.strip().lower() == "all":
            return np.arange(total)
        numbers = _parsed(channels)
    else:
        numbers = [channels] if isinstance(channels, SupportsIndex) else list(channels)
    if not numbers:
        raise SettingError('channels names no channel; give numbers, "3,17,40-45", or "all".')
    checked = [need_whole(f"channel of {node!r}", number, 0, total - 1) for number in numbers]
    twice = next((number for number in checked if checked.count(number) > 1), None)
    if twice is not None:
        raise SettingError(f"channels names channel {twice} twice; each is shown once.")
    return np.array(checked)


def _parsed(text: str) -> list[int]:
    numbers: list[int] = []
    for part in re.split(r"[,\s]+", text.strip().strip(",")):
        match = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", part)
        if match is None:
            raise SettingError(
                f'channels are numbers with commas between them, "3,17,40-45", or "all", but got {text!r}.'
            )
        first, last = int(match[1]), int(match[2] or match[1])
        numbers += range(first, last + 1)
    return numbers


def probe(model: Model, node: str) -> Tape:
    """Return the tape of an empty picture, up to a node: it tells shapes. Raises NetError for an unknown node."""
    check_names(node, model.net.names, "node")
    return blank_tape(model, node)


def channel_count(model: Model, tape: Tape, node: str) -> int:
    """Return how many channels a node has. Raises SettingError if it has none."""
    answers = tape[node]
    if answers.ndim < 2:
        raise SettingError(f"Node {node!r} gives one number a picture and has no channels.")
    return int(answers.shape[channel_axis(model.net.nodes, node)])


def middle_node(model: Model) -> str:
    """Return the ReLU in the middle of the net; of a net without any the node of the class scores, or the last one."""
    names = relus(model.net)
    return names[(len(names) - 1) // 2] if names else model.logits or model.maps or model.net.output


def is_rectified(net: Net, node: str) -> bool:
    """Return whether all values of a node come out of ReLUs: through it, or through layers that select values."""
    if node in hard_relus(net):
        return True
    return (
        node in net
        and net[node].layer.kind is Kind.SELECTS
        and all(is_rectified(net, source) for source in net[node].inputs)
    )
