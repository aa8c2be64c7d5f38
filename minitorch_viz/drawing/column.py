"""The column of layers: a net drawn from its input down to its output, as on a blackboard.

A box is as wide as its maps are large and the darker the more channels there are. Branches lie side by side, a shortcut
is a line past them, and what repeats is drawn once behind a bracket. Of a net that is too long for a page each branch,
and the layers of a module, are one box.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from minitorch_viz.drawing.layout import GAP, WIDTH, axes_at, start_sheet
from minitorch_viz.drawing.words import HEAD_SIZE, LABEL_SIZE, NUMBER_SIZE, text_height, text_width, wrapped
from minitorch_viz.graph import channel_axis
from minitorch_viz.models.describe import Row, describe
from minitorch_viz.models.steps import ARROW, Box, Fork, Repeat, Step, compact, folded, merged, rows_of, steps_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

# Inches.
ROW = 0.34  # from one box to the next
HIGH = 0.25  # of a box
JOIN = 0.36  # for the sign that joins branches
MARGIN = 0.6  # for the brackets at the left
DRAWN = 5.35  # where the boxes end
NAME, OUTPUT, COUNT = 5.5, 8.75, 9.85  # where the names begin, and the outputs and the parameters end
LEAST = 1.0  # of a box's width
PAST = 0.3  # for a shortcut's line

FOLDED = 30 * ROW  # what is higher has what repeats drawn once
COMPACT = 52 * ROW  # what is still higher has branches and modules as one box

LINE, GREY, POOL, START = "#4a5560", "#5c6670", "#f6dcbc", "#dcebd5"
PALE, DARK = (0.90, 0.945, 0.985), (0.52, 0.71, 0.90)  # the colours of few and of many channels
LEGEND = "A box is as wide as its maps are large, and the darker the more channels it has."
FORKS = " Branches lie side by side, and a line past the boxes is a shortcut."
TIMES = " A bracket says how often a part comes; names and outputs are those of the last time, parameters of all."


def draw_column(model: Model, figure: Figure) -> None:
    """Draw a model's column of layers on an empty figure, and give it its size."""
    description = describe(model)
    steps = fitting(steps_of(model))
    heading = wrapped(description.title, WIDTH - 2 * GAP, HEAD_SIZE)
    kinds = {
        type(step) for step in [*steps, *(part for step in steps if isinstance(step, Repeat) for part in step.steps)]
    }
    words = LEGEND + FORKS * (Fork in kinds) + TIMES * (Repeat in kinds)
    legend = wrapped(words, WIDTH - 2 * GAP, LABEL_SIZE, even=False)
    top = text_height(heading, HEAD_SIZE) + 2 * GAP + 0.1
    high = top + 2 * ROW + height_of(steps) + text_height(legend, LABEL_SIZE) + 2 * GAP
    start_sheet(figure, WIDTH, high, heading)
    axes = axes_at(figure, 0, 0, WIDTH, high)
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(high, 0)
    axes.axis("off")
    pen = _Pen(axes, sizes_of(model, description.rows))
    for x, head, side in ((NAME, "layer", "left"), (OUTPUT, "output", "right"), (COUNT, "parameters", "right")):
        pen.write(x, top, head, side, LABEL_SIZE, GREY)
    inputs = [row for row in description.rows if not row.layer]
    y = top + ROW
    pen.box((MARGIN + DRAWN) / 2, y, Box("input" + "s" * (len(inputs) > 1), (inputs[0],)), DRAWN - MARGIN)
    pen.row(y, ", ".join(row.node for row in inputs), inputs[0].size if len(inputs) == 1 else "", 0)
    bottom = pen.series(steps, (MARGIN + DRAWN) / 2, y, DRAWN - MARGIN)
    pen.write(GAP, bottom + ROW / 2 + GAP, legend, "left", LABEL_SIZE, GREY, va="top")


def fitting(steps: list[Step]) -> list[Step]:
    """Return the steps as they are, or folded, or folded and compact: as far as they must be to fit on a page."""
    if height_of(steps) <= FOLDED:
        return steps
    shorter = folded(steps)
    return shorter if height_of(shorter) <= COMPACT else folded(compact(steps))


def height_of(steps: Sequence[Step]) -> float:
    """Return how high a series is drawn, in inches."""
    return sum(map(_height, steps))


def _height(step: Step) -> float:
    if isinstance(step, Repeat):
        return height_of(step.steps)
    if isinstance(step, Fork):
        return max(len(branch) for branch in step.branches) * ROW + JOIN
    return ROW


class _Pen:
    """Draw on axes that count in inches from the top left."""

    def __init__(self, axes: Axes, sizes: dict[str, tuple[float, int]]) -> None:
        self.axes = axes
        self.sizes = sizes
        self.widest = max((side for side, _ in sizes.values()), default=1.0)
        self.most = max((channels for _, channels in sizes.values()), default=1)

    def series(self, steps: Sequence[Step], x: float, y: float, room: float) -> float:
        """Draw steps below the one whose middle is at y; return where the last one's middle is."""
        for step in steps:
            if isinstance(step, Box):
                self.line((x, y + HIGH / 2), (x, y + ROW - HIGH / 2))
                y += ROW
                self.box(x, y, step, room)
                self.row(y, *_words_of(step.rows))
            elif isinstance(step, Fork):
                y = self.fork(step, x, y, room)
            else:
                top, y = y + ROW / 2, self.series(step.steps, x, y, room)
                self.bracket(top + 0.02, y + ROW / 2 - 0.02, step.times)
        return y

    def fork(self, fork: Fork, x: float, y: float, room: float) -> float:
        """Draw branches and the sign that joins them; return where that is."""
        full = [[_plain(step) for step in branch] for branch in fork.branches if branch]
        depth = max(map(len, full), default=0)
        past = PAST * (len(full) < len(fork.branches))
        wide = (room - past) / max(len(full), 1)
        begin, end = y + HIGH / 2 + (ROW - HIGH) / 3, y + depth * ROW + JOIN
        left = x - room / 2
        xs = [left + past + (number + 0.5) * wide for number in range(len(full))]
        if len(full) == 1:
            xs = [x]
        across = [*([left + past / 2] if past else []), *xs, x]
        self.line((x, y + HIGH / 2), (x, begin))
        self.line((min(across), begin), (max(across), begin))
        if past:
            self.line((left + past / 2, begin), (left + past / 2, end), (x, end))
        for at, branch in zip(xs, full, strict=True):
            for number, box in enumerate(branch):
                middle = y + (number + 1) * ROW
                self.line((at, begin if number == 0 else middle - ROW + HIGH / 2), (at, middle - HIGH / 2))
                self.box(at, middle, box, min(wide - 0.08, room - 2 * past))
                if len(full) == 1:
                    self.row(middle, *_words_of(box.rows))
            self.line((at, y + len(branch) * ROW + HIGH / 2), (at, end), (x, end))
        self.sign(x, end, fork)
        count = sum(row.parameters for row in fork.rows)
        if len(full) > 1:
            count += sum(row.parameters for branch in full for row in rows_of(branch))
        self.row(end, fork.rows[0].node, fork.rows[-1].size, count)
        return end

    def box(self, x: float, y: float, box: Box, room: float) -> None:
        """Draw a box around the words that fit in it."""
        from matplotlib.patches import FancyBboxPatch

        side, channels = self.sizes.get(box.rows[-1].node, (1.0, 1))
        wide = min(room, LEAST + max(room - LEAST, 0) * math.log1p(side) / math.log1p(self.widest))
        dark = math.log1p(channels) / math.log1p(self.most)
        shade = tuple(pale + dark * (deep - pale) for pale, deep in zip(PALE, DARK, strict=True))
        label = _fitting(box, room - 0.08)
        wide = max(wide, min(text_width(label, NUMBER_SIZE) + 0.14, room))
        corner = (x - wide / 2, y - HIGH / 2)
        face = START if not box.rows[0].layer else POOL if box.pools else shade
        shape = FancyBboxPatch(corner, wide, HIGH, "round,pad=0,rounding_size=0.04", fc=face, ec=LINE, lw=0.8, zorder=2)
        self.axes.add_patch(shape)
        self.write(x, y, label, "center", NUMBER_SIZE)

    def sign(self, x: float, y: float, fork: Fork) -> None:
        """Draw what joins branches, and beside it what follows."""
        if len(fork.join) == 1:
            self.axes.plot([x], [y], "o", ms=15, mfc="white", mec=LINE, mew=1, zorder=3)
            self.write(x, y - 0.005, fork.join, "center", HEAD_SIZE)
            beside = x + 0.16
        else:
            half = text_width(fork.join, NUMBER_SIZE) / 2 + 0.06
            self.axes.fill([x - half, x + half, x + half, x - half], [y - 0.1, y - 0.1, y + 0.1, y + 0.1],
                           fc="white", ec=LINE, lw=1, zorder=3)  # fmt: skip
            self.write(x, y, fork.join, "center", NUMBER_SIZE)
            beside = x + half + 0.06
        self.write(beside, y - 0.11, ", ".join(fork.behind), "left", NUMBER_SIZE, GREY)

    def bracket(self, top: float, bottom: float, times: int) -> None:
        """Draw a bracket at the left, and how often what is beside it comes."""
        self.line((MARGIN - 0.04, top), (MARGIN - 0.12, top), (MARGIN - 0.12, bottom), (MARGIN - 0.04, bottom))
        self.write(MARGIN - 0.17, (top + bottom) / 2, f"{times} ×", "right", LABEL_SIZE)

    def row(self, y: float, name: str, output: str, count: int) -> None:
        """Write what stands beside a box."""
        room = OUTPUT - NAME - text_width(output, NUMBER_SIZE) - 0.15
        self.write(NAME, y, _shortened(name, room), "left", NUMBER_SIZE)
        self.write(OUTPUT, y, output, "right", NUMBER_SIZE)
        self.write(COUNT, y, f"{count:,}" if count else "", "right", NUMBER_SIZE)

    def line(self, *points: tuple[float, float]) -> None:
        """Draw a line through points."""
        self.axes.plot(*zip(*points, strict=True), color=LINE, lw=1, zorder=1, solid_capstyle="butt")

    def write(
        self, x: float, y: float, words: str, ha: Any, size: float, colour: str = "black", va: Any = "center_baseline"
    ) -> None:
        """Write words."""
        if words:
            self.axes.text(x, y, words, ha=ha, va=va, fontsize=size, color=colour, zorder=4)


def _plain(step: Step) -> Box:
    """Return a step of a branch as a box."""
    return step if isinstance(step, Box) else merged([step])


def sizes_of(model: Model, rows: Sequence[Row]) -> dict[str, tuple[float, int]]:
    """Return for each output the side of its maps, or the root of a sequence's length, and its channels."""
    sizes = {}
    for row in rows:
        if row.shape:
            axis = channel_axis(model.net.nodes, row.node) if row.layer else 1
            channels = (0, *row.shape)[axis]  # without the images
            sizes[row.node] = math.sqrt(math.prod(row.shape) / max(channels, 1)), channels
    return sizes


def _words_of(rows: Sequence[Row]) -> tuple[str, str, int]:
    """Return what stands beside a box: the name of its first layer, the output of its last, the parameters of all."""
    computing = [row for row in rows if row.parameters] or list(rows)
    name = rows[0].node if len(computing) < 3 else f"{rows[0].node} ... {rows[-1].node.rpartition('.')[2]}"
    return name, rows[-1].size, sum(row.parameters for row in rows)


def _fitting(box: Box, room: float) -> str:
    """Return as many of a box's words as fit beside each other; that layers are left out is seen."""
    whole = " · ".join([box.words, *([", ".join(box.behind)] if box.behind else [])])
    sign, ending = (ARROW, f"{ARROW}...") if ARROW in box.words else (", ", "")
    parts = box.words.split(sign)
    shorter = [sign.join(parts[:count]) + ending for count in range(len(parts) - 1, 0, -1)]
    cut = [f"{parts[0][:end]}..." for end in range(len(parts[0]), 0, -1)]
    listed = (whole, box.words, *shorter, parts[0], *cut)
    return next((words for words in listed if text_width(words, NUMBER_SIZE) <= room), "")


def _shortened(name: str, room: float) -> str:
    """Return a name without its first parts where it is too long."""
    if text_width(name, NUMBER_SIZE) <= room:
        return name
    ends = [*(match.end() for match in re.finditer(r"[./_ ]", name)), *range(len(name))]
    shorter = (f"...{name[end:]}" for end in ends if end < len(name))
    return next((words for words in shorter if text_width(words, NUMBER_SIZE) <= room), name[-1:])
