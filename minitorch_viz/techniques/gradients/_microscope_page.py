"""The microscope's page: as much of a net as fits into one HTML file, in which one clicks from unit to unit.

The page holds, for each node: the values, the signals of the three ReLU modes, and what is needed to take a unit's
arithmetic apart again (weights, bias, a pooling's winners). Nothing of it is computed twice: the page shows whether its
products add up to the net's own value. Of a large net it holds the places around the unit: what it and its neighbours
see further down, and where they are seen further up.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.boxes import Boxes, Span, whole_map
from minitorch_viz.drawing.html import embedded_image, render, script_data
from minitorch_viz.graph import Tape
from minitorch_viz.net import Net
from minitorch_viz.techniques.explain.view import View
from minitorch_viz.techniques.gradients._microscope_cards import card_of
from minitorch_viz.techniques.gradients._microscope_sums import Place

if TYPE_CHECKING:
    from minitorch_viz.models import Model

# Numbers that a page may hold, 4 bytes each, 8 in a page of fewer than EXACT: below 3 MB when they are packed. A net
# that fits whole may take 4 MB.
MOST_NUMBERS = 800_000
WHOLE = 1_600_000
EXACT = 250_000
INPUT: Mapping[str, Any] = {"kind": "Input", "inputs": (), "words": "picture"}
AROUND = (6, 3, 1, 0)  # places kept on each side of the unit, if not all fit: the first with which the way down does


def page_data(
    model: Model,
    tape: Tape,
    signals: Mapping[str, Mapping[str, Array]],
    seen: View,
    way: Sequence[Place],
    top: tuple[str, str],
) -> dict[str, Any]:
    """Return what the page needs, in plain dicts and arrays: the whole net, or as much as fits around the unit."""
    net = model.net
    boxes = {name: _whole(tape[name]) for name in net.names if name in tape}
    cards = _cards(net, tape, signals, boxes)
    room = WHOLE
    for around in AROUND:
        if sum(map(_numbers, cards.values())) <= room:
            break  # the whole net, or the way down to the pixels
        room = MOST_NUMBERS
        boxes = _below(net, tape, way[-1], around)
        cards = _cards(net, tape, signals, boxes)
    if set(cards) != set(tape.values):
        cards = _cards(net, tape, signals, _above(net, tape, boxes))
    kept = _nearest(net, cards, way[-1].node, room)
    kept_whole = all(cards[name]["box"][2:] == tuple(cards[name]["shape"][1:]) for name in kept)
    return {
        "model": model.name,
        "nodes": {name: cards[name] for name in net.names if name in kept},
        "left_out": tuple(name for name in net.names if name not in kept),
        "read_elsewhere": tuple(sorted({name for node in net.nodes if node.name not in kept for name in node.inputs})),
        "whole": kept_whole,
        "start": {"node": way[0].node, "index": way[0].at},
        "top": {"label": top[0], "reading": top[1]},
        "picture": seen.picture,
        "pixel_aspect": seen.pixel_aspect,
    }


def render_page(data: Mapping[str, Any]) -> str:
    """Return the page as one string of HTML, with everything inside."""
    from PIL import Image

    exact = sum(_numbers(card) for card in data["nodes"].values()) <= EXACT
    content = {
        **data,
        "picture": embedded_image(Image.fromarray(data["picture"])).url,
        "size": data["picture"].shape[:2],
        "exact": exact,
        "nodes": [{"name": name, **_packed(card, exact)} for name, card in data["nodes"].items()],
    }
    return render(
        "microscope.html",
        data=script_data(content),
        model=data["model"],
        top=data["top"],
        left_out=data["left_out"],
        whole=data["whole"],
        kept=len(data["nodes"]),
    )


def _cards(
    net: Net, tape: Tape, signals: Mapping[str, Mapping[str, Array]], boxes: Mapping[str, Boxes]
) -> dict[str, dict[str, Any]]:
    """Describe each node that has a box: its values, signals and winners inside the box, and its weights."""
    cards: dict[str, dict[str, Any]] = {}
    for name, box in boxes.items():
        card = card_of(net[name], tape) if name in net else dict(INPUT)
        card |= {key: kernels.to_cpu(value) for key, value in card.items() if hasattr(value, "dtype")}
        y = kernels.to_cpu(tape[name])[0]
        shape = y.shape if y.ndim == 3 else (y.size, 1, 1)
        cut = (slice(None), *(slice(span.starts[0], span.starts[0] + span.size) for span in box))
        card["value"] = y.reshape(shape)[cut]
        card["signals"] = {mode: back[name].reshape(shape)[cut] for mode, back in signals.items() if name in back}
        if "won" in card:
            card["won"] = card["won"][cut]
        card["shape"], card["maps"] = shape, y.ndim == 3
        card["box"] = (box.rows.starts[0], box.columns.starts[0], *box.size)
        cards[name] = card
    return cards


def _whole(value: Array) -> Boxes:
    return whole_map(value.shape[2:] if value.ndim == 4 else (1, 1))


def _below(net: Net, tape: Tape, place: Place, around: int) -> dict[str, Boxes]:
    """Return the boxes that a unit and its neighbours read, down to the input."""
    boxes = {place.node: _whole(tape[place.node])}
    if len(place.at) == 3:
        sizes = zip(place.at[1:], tape[place.node].shape[2:], strict=True)
        spans = [Span.covering([max(0, i - around)], [min(size, i + around + 1)], size) for i, size in sizes]
        boxes[place.node] = Boxes(*spans)
    for node in reversed(net.nodes):
        if node.name in boxes:
            for name in node.inputs:
                below = _whole(tape[name])
                if node.layer.window is not None and tape[name].ndim == 4:
                    below = node.layer.window.reads(boxes[node.name], tape[name].shape[2:])
                boxes[name] = boxes[name].union(below, tape[name].shape[2:]) if name in boxes else below
    return boxes


def _above(net: Net, tape: Tape, boxes: Mapping[str, Boxes]) -> dict[str, Boxes]:
    """Return the same, and the boxes that depend on these, up to the top."""
    grown = dict(boxes)
    for node in net.nodes:
        sources = [name for name in node.inputs if name in grown]
        if sources and node.name not in grown and node.name in tape:
            grown[node.name] = _whole(tape[node.name])
            if node.layer.window is not None and tape[node.name].ndim == 4:
                grown[node.name] = node.layer.window.reached(grown[sources[0]], tape[node.name].shape[2:])
    return grown


def _numbers(card: Mapping[str, Any]) -> int:
    arrays: list[Any] = [
        card["value"],
        *card["signals"].values(),
        card.get("weight"),
        card.get("bias"),
        card.get("won"),
    ]
    return sum(array.size for array in arrays if array is not None)


def _nearest(net: Net, cards: Mapping[str, Mapping[str, Any]], start: str, room: int) -> set[str]:
    """Return the nodes that `start` is made from, then those around it, nearest first: up to `room` numbers in all."""
    down: dict[str, list[str]] = {name: [] for name in net.names}
    around: dict[str, list[str]] = {name: [] for name in net.names}
    for node in net.nodes:
        for source in node.inputs:
            down[node.name].append(source)
            around[node.name].append(source)
            around[source].append(node.name)
    kept: set[str] = set()
    for name in dict.fromkeys([*_reached(start, down, cards), *_reached(start, around, cards)]):
        room -= _numbers(cards[name])
        if room < 0 and kept:
            break
        kept.add(name)
    return kept


def _reached(start: str, links: Mapping[str, Sequence[str]], cards: Mapping[str, Any]) -> list[str]:
    """Return the nodes with a card to which links lead from `start`, nearest first."""
    reached = [start] if start in cards else []
    for name in reached:  # it grows
        reached += [link for link in dict.fromkeys(links[name]) if link in cards and link not in reached]
    return reached


def _packed(card: Mapping[str, Any], exact: bool) -> dict[str, Any]:
    """Pack arrays as {"shape", "kind", "zlib"}: little-endian float64 or float32, winners as int32.

    All first bytes of the numbers, then all second ones, and so on: signs and exponents, which repeat, lie together.
    """

    def pack(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: pack(part) for key, part in value.items()}
        if not isinstance(value, np.ndarray):
            return value
        kind = "<i4" if value.dtype.kind == "i" else "<f8" if exact else "<f4"
        raw = np.ascontiguousarray(value).astype(kind).reshape(-1, 1).view(np.uint8)
        packed = zlib.compress(raw.T.tobytes(), 6)
        return {"shape": value.shape, "kind": kind[1:], "zlib": base64.b64encode(packed).decode()}

    return {key: pack(value) for key, value in card.items()}
