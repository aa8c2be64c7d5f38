"""`minitorch-viz loss-surface`: train, draw, and say in words what came out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from minitorch_viz.errors import SettingError
from minitorch_viz.io.out import check_out
from minitorch_viz.loss_surface.surface import WIDTHS, loss_surface

KINDS = (".png", ".svg", ".pdf", ".html")


def run(widths: Sequence[int] | None, seeds: int, epochs: int, grid: int, seed: int, out: Path) -> None:
    """Write the picture or page; Ctrl-C writes it with what is finished and then ends as interrupted."""
    if out.suffix.lower() not in KINDS or out.is_dir() or not out.parent.is_dir():
        raise SettingError(
            f"--out must be a file in a folder that exists, a picture (.png, .svg, .pdf) or a page (.html), not {out}."
        )
    check_out(out, KINDS, noun="picture")
    result = loss_surface(widths=WIDTHS if widths is None else widths, seeds=seeds, epochs=epochs, grid=grid, seed=seed)
    path = result.save(out)
    print(result.caption)
    for note in result.notes:
        print(f"Note: {note}")
    print(f"Wrote {path}")
    if result.interrupted:
        raise KeyboardInterrupt(f"{path} holds what was finished")
