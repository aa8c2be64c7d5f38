"""How results show themselves in a notebook: the picture with its caption and notes, and its alternative text."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from typing import Any

from matplotlib.figure import Figure

from minitorch_viz.drawing import figure_bytes
from minitorch_viz.drawing.html import data_url

DPI = 144  # 1400 pixels across for most figures: sharp on a projector
NOTE = "margin: 8px 0 0; padding: 6px 12px; background: #fff8e1; border-left: 4px solid #d99a00; color: #1b1f24"


class ShownFigure(Figure):
    """Show a Matplotlib figure when it is the last line of a cell, with or without `%matplotlib`."""

    alt = "a figure"  # what it shows, in a few words

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002
        return bundle(self, self.alt)


def bundle(figure: Figure, alt: str, caption: str = "", notes: Sequence[str] = ()) -> dict[str, Any]:
    """Return what a notebook may choose from: a page with the words, and the picture alone. It is drawn once."""
    png = figure_bytes(figure, "png", DPI)
    wide = round(100 * figure.get_size_inches()[0])
    parts = [f'<img src="{data_url(png, "image/png")}" alt="{escape(alt)}" style="width: 100%">']
    if caption:
        parts.append(f"<figcaption>{escape(caption)}</figcaption>")
    parts += [f'<p style="{NOTE}">{escape(note)}</p>' for note in notes]
    html = f'<figure style="margin: 0; max-width: {wide}px">{"".join(parts)}</figure>'
    return {"text/html": html, "image/png": base64.b64encode(png).decode(), "text/plain": alt}
