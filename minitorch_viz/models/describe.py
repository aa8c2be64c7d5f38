"""What a model is made of, node by node: layers, shapes, parameters, classes; as rows, as text and as a table.

>>> from minitorch_viz import load_model
>>> print(describe(load_model("faces")))
faces: 24,582 parameters, 3 nodes, input 1 x 64 x 64
node     layer    output       parameters
input             1 x 64 x 64
flatten  Flatten  4096
logits   Linear   6                24,582
prob     Softmax  6
scores: logits, classes
classes (6): person 1 (0), person 2 (1), person 3 (2), person 4 (3), person 5 (4), person 6 (5)
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from minitorch_viz.errors import ShapeError
from minitorch_viz.graph import Node
from minitorch_viz.layers import Layer
from minitorch_viz.models.own_net import shapes_inside

if TYPE_CHECKING:
    from minitorch_viz.models.model import Model

SHOWN_CLASSES = 20  # classes that a description lists


@dataclass(frozen=True)
class Row:
    """Describe one node, or an input."""

    node: str
    layer: str  # "Conv2d 3 x 3, stride 2"; "" of an input
    reads: tuple[str, ...]  # the nodes that it reads
    shape: tuple[int, ...] | None  # of its output, without the batch axis; None if the net cannot be run
    parameters: int  # how many numbers it has learned

    @property
    def size(self) -> str:
        """Return the shape in words: "64 x 55 x 55"."""
        return "" if self.shape is None else " x ".join(map(str, self.shape))


@dataclass(frozen=True)
class Description:
    """Describe a model in rows; `print` shows it as text, Jupyter as a table."""

    title: str  # "squeezenet1_1: 1,235,496 parameters, 67 nodes, input 3 x 224 x 224"
    rows: tuple[Row, ...]  # the inputs and nodes, in order
    scores: str  # the node of the scores and what they mean; "" if there are none
    classes: tuple[str, ...]  # their names, in order
    notes: tuple[str, ...]

    @property
    def footer(self) -> tuple[str, ...]:
        """Return the lines below the rows: scores, classes, notes."""
        named = [f"{name} ({i})" for i, name in enumerate(self.classes[:SHOWN_CLASSES])]
        ending = f", ..., {self.classes[-1]} ({len(self.classes) - 1})" if len(self.classes) > SHOWN_CLASSES else ""
        lines = [f"scores: {self.scores}"] if self.scores else []
        lines += [f"classes ({len(self.classes)}): {', '.join(named)}{ending}"] if named else []
        return (*lines, *(f"Note: {note}" for note in self.notes))

    def table(self) -> list[list[str]]:
        """Return the rows in words below their headings; what a node reads only where it is not the node before."""
        lines = [["node", "layer", "output", "parameters", "reads"]]
        previous = ""
        for row in self.rows:
            reads = "" if row.reads in ((), (previous,)) else ", ".join(row.reads)
            count = f"{row.parameters:,}" if row.parameters else ""
            lines.append([row.node, row.layer, row.size, count, reads])
            previous = row.node
        empty = [place for place in (2, 4) if not any(line[place] for line in lines[1:])]
        return [[cell for place, cell in enumerate(line) if place not in empty] for line in lines]

    def __str__(self) -> str:
        table = self.table()
        number = table[0].index("parameters")
        widths = [max(len(line[place]) for line in table) for place in range(len(table[0]))]
        lines = []
        for line in table:
            cells = [
                cell.rjust(width) if place == number else cell.ljust(width)
                for place, (cell, width) in enumerate(zip(line, widths, strict=True))
            ]
            lines.append("  ".join(cells).rstrip())
        return "\n".join([self.title, *lines, *self.footer])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head, *body = self.table()
        number = head.index("parameters")
        cells = [
            "".join(
                f'<td style="text-align:{"right" if place == number else "left"}">{escape(cell)}</td>'
                for place, cell in enumerate(line)
            )
            for line in body
        ]
        heads = "".join(f'<th style="text-align:left">{escape(cell)}</th>' for cell in head)
        rows = "".join(f"<tr>{line}</tr>" for line in cells)
        footer = "".join(f"<p>{escape(line)}</p>" for line in self.footer)
        return (
            f"<p><b>{escape(self.title)}</b></p><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
            f"{footer}"
        )


def describe(model: Model) -> Description:
    """List every node with its layer, the shape of its output for one picture and its parameters, and the classes.

    model: from `load_model` or `Model.from_net`; `sketch("vgg16")` gives one of a net whose weights are not at hand.
    """
    net = model.net
    shapes = _shapes(model)
    inputs = [Row(name, "", (), shapes.get(name), 0) for name in net.inputs]
    nodes = [Row(n.name, words_of(n.layer), n.inputs, shapes.get(n.name), parameters_of(n)) for n in net.nodes]
    count = sum(row.parameters for row in nodes)
    size = " and ".join(reader.words for reader in model.readers.values()) or "unknown"
    title = f"{model.name}: {count:,} parameters, {len(net.nodes)} nodes, input {size}"
    answer = model.logits or model.maps
    scores = f"{answer or net.output}, {model.scores.name}" if answer or model.class_names else ""
    blank = [reader.blank_words for reader in model.readers.values() if reader.blank_words]
    notes = (*model.notes, f"Outputs are those of {' and '.join(blank)}.") if blank and shapes else model.notes
    return Description(title, (*inputs, *nodes), scores, model.class_names, notes)


def words_of(layer: Layer) -> str:
    """Say a layer in a few words, its arrays as their kernel's size: "Conv2d 3 x 3, stride 2, padding 1"."""
    sides = getattr(getattr(layer, "weight", None), "shape", ())[2:]
    kernel = " " + " x ".join(map(str, sides)) if sides else ""
    settings = [
        field.name if value is True else f"{field.name} {_value(value)}"
        for field in dataclasses.fields(layer)
        if not hasattr(value := getattr(layer, field.name), "shape") and value is not None
        if field.default is dataclasses.MISSING or value != field.default
    ]
    joined = ", ".join([type(layer).__name__ + kernel, *settings])
    return joined.replace("_", " ")


def parameters_of(node: Node) -> int:
    """Return how many numbers a node has learned."""
    return sum(value.size for value in node.layer.params.values())


def _value(value: Any) -> str:
    """Say a setting in a word: a pair of equal numbers as one of them."""
    if isinstance(value, tuple):
        return str(value[0]) if len(set(value)) == 1 else " x ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _shapes(model: Model) -> dict[str, tuple[int, ...]]:
    """Return the shape of every node's output for one picture; none where the net does not take such a picture."""
    if not set(model.net.inputs) <= set(model.readers):
        return {}
    try:
        shapes = shapes_inside(model.net.to("cpu"), model.readers)
    except ShapeError:  # the picture's size is only a start (`resize="keep"`), or a part of the net takes another
        return {}
    return {name: shape[1:] for name, shape in shapes.items()}
