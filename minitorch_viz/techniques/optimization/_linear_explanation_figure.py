"""The figure of a linear explanation: its parts one below the other, each under a heading of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from minitorch_viz.drawing import GAP, HEAD_SIZE, WIDTH, start_sheet, text_height, wrapped
from minitorch_viz.drawing.number_maps import NumberMap
from minitorch_viz.errors import SettingError
from minitorch_viz.techniques.explain.given import draw_numbers
from minitorch_viz.techniques.optimization import _linear_explanation_charts as charts
from minitorch_viz.techniques.optimization import _linear_explanation_pictures as pictures
from minitorch_viz.techniques.optimization._linear_explanation_ten_figure import TEN_HIGH, draw_ten
from minitorch_viz.techniques.optimization._linear_explanation_words import eps_words, short

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.optimization.linear_explanation import LinearExplanation

BETWEEN = 0.3  # inches above a heading, but for the first


class Section(NamedTuple):
    """Hold a part of the figure."""

    heading: str
    high: float  # inches, without the heading
    draw: Callable[[Figure, float], None]  # on the figure, from so many inches below its top on


def plot(result: LinearExplanation, figure: Figure) -> None:
    """Draw the parts that are asked for; of a row or a series its maps first."""
    sections = _sections(result)
    headings = [wrapped(section.heading, WIDTH - 2 * GAP, HEAD_SIZE, even=False) for section in sections]
    heights = [
        text_height(heading, HEAD_SIZE) + GAP + section.high
        for heading, section in zip(headings, sections, strict=True)
    ]
    below = GAP + sum(heights) + BETWEEN * (len(sections) - 1)
    if result.of_numbers is not None and result.part in ("all", "picture"):
        draw_numbers(figure, result.of_numbers, _maps(result), _heading(result), BETWEEN + below)
        top = figure.get_size_inches()[1] - below
    else:
        start_sheet(figure, WIDTH, GAP + below)
        top = GAP
    for section, heading, high in zip(sections, headings, heights, strict=True):
        at = 1 - top / figure.get_size_inches()[1]
        figure.text(GAP / WIDTH, at, heading, fontsize=HEAD_SIZE, va="top")
        section.draw(figure, top + text_height(heading, HEAD_SIZE) + GAP)
        top += high + BETWEEN


def _sections(result: LinearExplanation) -> list[Section]:
    """Return the parts that are asked for."""
    ten = Section(
        "Ten numbers: each moves by 0.5 in the direction of its weight",
        TEN_HIGH,
        lambda figure, top: draw_ten(result.ten, figure, top),
    )
    dimension = Section(
        f"The more numbers, the more it adds up: each moves by eps = {eps_words(result)}",
        charts.GROWTH_HIGH,
        lambda figure, top: charts.draw_growth(result, figure, top),
    )
    parts = {"ten": ten, "dimension": dimension, **(_of_numbers(result) if result.of_numbers else _of_picture(result))}
    if result.part not in (*parts, "all"):
        raise SettingError(f"A mix is drawn of pictures, and a {result.noun} is none; take another part.")
    return list(parts.values()) if result.part == "all" else [parts[result.part]]


def _of_picture(result: LinearExplanation) -> dict[str, Section]:
    """Return the parts that show a photo."""
    itself = "weights themselves" if result.is_linear else "gradient itself"
    return {
        "picture": Section(
            f"{_heading(result)}: each number moves by eps = {eps_words(result)}",
            pictures.high(result) + charts.LINE_HIGH,
            lambda figure, top: _draw_picture(result, figure, top),
        ),
        "mix": Section(
            f"A little of the {itself} mixed into the photo, {result.label} (a = 1: as long as the photo)",
            pictures.strip_high(result),
            lambda figure, top: pictures.draw_strip(result, figure, top),
        ),
    }


def _of_numbers(result: LinearExplanation) -> dict[str, Section]:
    """Return what stands below the maps of a row or a series."""
    return {
        "picture": Section(
            f"What {result.model} truly gives along the step",
            charts.LINE_HIGH,
            lambda figure, top: charts.draw_line(result, figure, top),
        )
    }


def _draw_picture(result: LinearExplanation, figure: Figure, top: float) -> None:
    pictures.draw_pictures(result, figure, top)
    charts.draw_line(result, figure, top + pictures.high(result))


def _heading(result: LinearExplanation) -> str:
    return f"{result.model}, {result.label}"


def _maps(result: LinearExplanation) -> list[NumberMap]:
    """Return the maps of a row or a series."""
    start, end = (short(result.along.values[place]) for place in (0, result.at))
    return [
        NumberMap(f"weight x number: {result.quantity} {start}", result.products, True),
        NumberMap(f"each moved by {short(result.eps)}: {end}", result.products + result.effect, True),
        NumberMap("the difference: all of it adds up", result.effect, True),
    ]
