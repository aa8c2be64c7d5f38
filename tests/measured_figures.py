"""Measuring a drawn figure: where each letter stands, by Matplotlib's own renderer."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from minitorch_viz.drawing import WIDTH

SMALLEST = 9.0  # points, on a figure 10 inches wide
BAND = 0.08  # of the figure's height or width: the widest band with nothing in it
MARGIN = 0.3, 0.5  # inches of height and of width: in a small figure such a band is no more than a margin


class Measured(NamedTuple):
    """A text as it was drawn: its four corners, in pixels, and what it belongs to."""

    text: Text
    corners: np.ndarray  # (4, 2)

    @property
    def words(self) -> str:
        return self.text.get_text()


def drawn_texts(figure: Figure) -> list[Measured]:
    """Every text that drawing the figure drew, tick labels and legends included."""
    drawn: list[Text] = []
    draw = Text.draw

    def noting(self: Text, renderer) -> None:
        drawn.append(self)
        draw(self, renderer)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", noting)
        FigureCanvasAgg(figure).draw()
    return [Measured(text, corners(text)) for text in drawn if text.get_text().strip() and text.get_visible()]


def corners(text: Text) -> np.ndarray:
    """Of the rectangle around a text, turned as the text is."""
    box, angle = text.get_window_extent(), text.get_rotation()
    if angle == 0:
        return box_of(box.expanded(1 - 1 / max(box.width, 2), 1 - 1 / max(box.height, 2)))
    centre = np.array([(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2])
    text.set_rotation(0)
    level = text.get_window_extent()
    text.set_rotation(angle)
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (level.width / 2 - 0.5, level.height / 2 - 0.5)
    turn = np.deg2rad(angle)
    return centre + half @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])


def overlap(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two rectangles (4, 2), at any angles, have an area in common: no side of either keeps them apart."""
    for shape in (one, other):
        for begin, end in zip(shape, np.roll(shape, -1, axis=0), strict=True):
            across = np.array([end[1] - begin[1], begin[0] - end[0]])
            first, second = one @ across, other @ across
            if first.max() <= second.min() or second.max() <= first.min():
                return False
    return True


def box_of(bounds) -> np.ndarray:
    return np.array([[bounds.x0, bounds.y0], [bounds.x1, bounds.y0], [bounds.x1, bounds.y1], [bounds.x0, bounds.y1]])


def widest_gap(intervals: list[tuple[float, float]], end: float) -> float:
    """The longest part of 0..end that no interval covers."""
    reached, widest = 0.0, 0.0
    for low, high in sorted(intervals):
        widest, reached = max(widest, low - reached), max(reached, high)
    return max(widest, end - reached)


def check(figure: Figure, band: float = BAND) -> None:
    """All that is asked of a figure; the messages say which words are where they should not be.

    band: the widest band with nothing in it, as a share of the height or width.
    """
    texts = drawn_texts(figure)
    width, height = figure.bbox.width, figure.bbox.height
    assert figure.get_size_inches()[0] <= WIDTH + 0.01
    for one in texts:
        assert one.corners[:, 0].min() > -1, f"{one.words!r} begins left of the figure"
        assert one.corners[:, 0].max() < width + 1, f"{one.words!r} ends right of the figure"
        assert one.corners[:, 1].min() > -1, f"{one.words!r} ends below the figure"
        assert one.corners[:, 1].max() < height + 1, f"{one.words!r} begins above the figure"
        assert one.text.get_fontsize() >= SMALLEST, f"{one.words!r} has {one.text.get_fontsize()} points"
    low, high = (np.array([edge(one.corners, axis=0) for one in texts]) for edge in (np.min, np.max))
    near = (low[:, None] < high).all(axis=2) & (low < high[:, None]).all(axis=2)
    for one, other in ((texts[i], texts[j]) for i, j in np.argwhere(np.triu(near, 1))):
        assert not overlap(one.corners, other.corners), f"{one.words!r} runs into {other.words!r}"
    every = [*figure.axes, *(child for axes in figure.axes for child in axes.child_axes)]
    shown = [axes for axes in every if axes.get_visible() and (axes.axison or axes.images or axes.tables)]
    for axes in shown:
        if not axes.images:
            continue
        picture = box_of(axes.get_window_extent())
        for one in texts:
            if one.text.axes is not axes and not any(one.text.axes is child for child in axes.child_axes):
                assert not overlap(one.corners, picture), f"{one.words!r} lies on another picture"
    for axes in every:
        for bar in axes.child_axes:
            if bar.get_label() == "<colorbar>":
                assert bar.get_window_extent().height == pytest.approx(axes.get_window_extent().height, rel=0.01)
    boxes = [box_of(axes.get_window_extent()) for axes in shown] + [one.corners for one in texts]
    gap = widest_gap([(box[:, 1].min(), box[:, 1].max()) for box in boxes], height)
    assert gap < max(band * height, MARGIN[0] * figure.dpi), f"a band of {gap / height:.0%} of the height is blank"
    gap = widest_gap([(box[:, 0].min(), box[:, 0].max()) for box in boxes], width)
    assert gap < max(band * width, MARGIN[1] * figure.dpi), f"a band of {gap / width:.0%} of the width is blank"
