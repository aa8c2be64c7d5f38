"""Figures as files: drawn once, and the pixels that Matplotlib's own `savefig` writes."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from minitorch_viz.drawing import figure_bytes, save_figure
from minitorch_viz.errors import SettingError


def drawn(layout: str) -> Figure:
    figure = Figure(figsize=(5, 3), layout=layout)
    left, right = figure.subplots(1, 2)
    picture = left.imshow([[0.0, 1.0], [2.0, 3.0]])
    left.set_title("a long title above a picture")
    figure.colorbar(picture, ax=left)
    right.barh([0, 1, 2], [1, 2, 3], label="bars")
    figure.legend(loc="outside lower center" if layout == "constrained" else "lower center")
    return figure


@pytest.mark.parametrize("paper", ["white", "none", (1, 0, 0, 0.5)])
@pytest.mark.parametrize("dpi", [72, 110, 144])
@pytest.mark.parametrize("layout", ["constrained", "none"])
def test_a_png_is_what_savefig_writes(layout: str, dpi: int, paper: object) -> None:
    buffer = io.BytesIO()
    figure = drawn(layout)
    figure.set_facecolor(paper)
    figure.savefig(buffer, format="png", dpi=dpi)
    figure = drawn(layout)
    figure.set_facecolor(paper)
    before = figure.dpi, figure.canvas
    data = figure_bytes(figure, "png", dpi)
    assert (figure.dpi, figure.canvas) == before
    ours, theirs = Image.open(io.BytesIO(data)), Image.open(buffer)
    np.testing.assert_array_equal(np.asarray(ours.convert("RGBA")), np.asarray(theirs))
    assert ours.info["dpi"] == theirs.info["dpi"]
    assert ours.mode == ("RGB" if paper == "white" else "RGBA")
    if paper == "white":
        assert len(data) < len(buffer.getvalue())


def test_a_figure_is_drawn_once(monkeypatch) -> None:
    calls: list[object] = []
    draw = Figure.draw

    def counted(self: Figure, renderer: object) -> None:
        calls.append(renderer)
        draw(self, renderer)

    monkeypatch.setattr(Figure, "draw", counted)
    figure_bytes(drawn("constrained"), "png", 100)
    assert len(calls) == 1


@pytest.mark.parametrize(("suffix", "begins"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_the_suffix_says_the_format(tmp_path, suffix: str, begins: bytes) -> None:
    path = save_figure(drawn("constrained"), tmp_path / f"figure{suffix}")
    assert path.read_bytes().startswith(begins)


def test_another_suffix_is_refused(tmp_path) -> None:
    with pytest.raises(SettingError, match=r"\.png, \.svg or \.pdf, but the file is called 'figure\.gif'"):
        save_figure(drawn("none"), tmp_path / "figure.gif")
