"""Curves as SVG, drawn by hand: they scale to any projector, print well, and need no library in the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

Points = Sequence[tuple[float, float]]


class Line(NamedTuple):
    """Hold one curve."""

    name: str
    points: Points  # (x, y) in data units
    colour: str


def line_chart(
    lines: Sequence[Line],
    *,
    y_label: str,
    x_max: float,
    x_label: str = "step",
    limits: tuple[float, float] | None = None,
    log: bool = False,
    percent: bool = False,
    mark: tuple[float, str] | None = None,
    size: tuple[int, int] = (600, 260),
) -> str:
    """Draw an SVG with axes, ticks, a legend and a cursor line (class "cursor") that the player moves.

    limits: the y axis from..to (default: what the lines need). log: a logarithmic y axis, on which values of 0 or less
    have no place and are left out. mark: a dashed horizontal line and its name.
    """
    lines = [
        line._replace(points=[p for p in line.points if math.isfinite(p[1]) and (p[1] > 0 or not log)])
        for line in lines
    ]
    values = [y for line in lines for _, y in line.points] + ([mark[0]] if mark else [])
    low, high = limits or _limits(values, log)
    width, height = size
    left, right, top, bottom = 66, width - 12, 30, height - 42
    x_max = max(x_max, 1)

    def across(x: float) -> float:
        return left + (right - left) * x / x_max

    def up(y: float) -> float:
        share = (math.log(y) - math.log(low)) / (math.log(high) - math.log(low)) if log else (y - low) / (high - low)
        return bottom - (bottom - top) * min(max(share, 0.0), 1.0)

    parts = [
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(y_label)}" '
        f'data-left="{left}" data-right="{right}" data-max="{x_max:g}">'
    ]
    for y in _ticks(low, high, log):
        text = f"{100 * y:g} %" if percent else f"{y:g}"
        text = f"≤ {text}" if y == low and values and min(values) < low else text
        parts.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{up(y):.1f}" y2="{up(y):.1f}"/>')
        parts.append(f'<text class="tick" x="{left - 8}" y="{up(y) + 5:.1f}" text-anchor="end">{text}</text>')
    for x in _ticks(0, x_max, log=False):
        parts.append(f'<text class="tick" x="{across(x):.1f}" y="{bottom + 19}" text-anchor="middle">{x:g}</text>')
    parts.append(f'<text class="label" x="{left}" y="18">{escape(y_label)}</text>')
    parts.append(f'<text class="label" x="{right}" y="{height - 5}" text-anchor="end">{escape(x_label)}</text>')
    if mark:
        parts.append(f'<line class="mark" x1="{left}" x2="{right}" y1="{up(mark[0]):.1f}" y2="{up(mark[0]):.1f}"/>')
        parts.append(
            f'<text class="tick" x="{right}" y="{up(mark[0]) - 5:.1f}" text-anchor="end">{escape(mark[1])}</text>'
        )
    for line in lines:
        path = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in line.points)
        if len(line.points) == 1:
            path += f" {across(line.points[0][0]) + 1:.1f},{up(line.points[0][1]):.1f}"
        parts.append(f'<polyline points="{path}" stroke="{line.colour}"><title>{escape(line.name)}</title></polyline>')
    named = [line for line in lines if line.name]
    start = right - sum(34 + 9 * len(line.name) for line in named)
    for line in named:
        parts.append(f'<rect x="{start}" y="8" width="18" height="10" fill="{line.colour}"/>')
        parts.append(f'<text class="tick" x="{start + 23}" y="18">{escape(line.name)}</text>')
        start += 34 + 9 * len(line.name)
    parts.append(f'<line class="cursor" x1="{left}" x2="{left}" y1="{top}" y2="{bottom}"/></svg>')
    return "".join(parts)


def _limits(values: Sequence[float], log: bool) -> tuple[float, float]:
    """Return round numbers around the values."""
    low, high = (min(values), max(values)) if values else (1e-3, 1.0)
    if log:
        return 10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high) + 1e-9)
    low = min(low, 0.0)
    step = _step(low, high)
    return low if low == 0 else math.floor(low / step) * step, max(math.ceil(high / step) * step, low + step)


def _step(low: float, high: float) -> float:
    """Return 1, 2 or 5 times a power of ten, so that there are four to ten of them."""
    rough = (high - low or abs(high) or 1.0) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)


def _ticks(low: float, high: float, log: bool) -> list[float]:
    if log:
        first, last = round(math.log10(low)), round(math.log10(high))
        stride = -(-(last - first) // 6) or 1
        return [10.0**power for power in range(first, last + 1, stride)]
    step = _step(low, high)
    return [
        round(place * step, 12) for place in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    ]
