"""Figures as files: drawn once, and the bytes that Matplotlib's own `savefig` writes."""

from __future__ import annotations

import io

import pytest
from matplotlib.figure import Figure

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


@pytest.mark.parametrize("dpi", [72, 110, 144])
@pytest.mark.parametrize("layout", ["constrained", "none"])
def test_a_png_is_what_savefig_writes(layout: str, dpi: int) -> None:
    buffer = io.BytesIO()
    drawn(layout).savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    figure = drawn(layout)
    before = figure.dpi, figure.canvas
    assert figure_bytes(figure, "png", dpi) == buffer.getvalue()
    assert (figure.dpi, figure.canvas) == before


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
