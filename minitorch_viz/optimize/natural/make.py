"""Write the bundled spectrum: `python -m minitorch_viz.optimize.natural.make FOLDER` reads a folder of photos.

That of this package is of 500 photographs, one for every second class of ImageNet, at 256 x 256 pixels. Nothing of any
one photo is in it: it holds mean magnitudes at some 40 frequencies, four numbers at each.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from minitorch_viz._types import Array
from minitorch_viz.data.pictures import as_pictures
from minitorch_viz.optimize.natural.radial import FILE, measured
from minitorch_viz.optimize.natural.reading import read_pictures
from minitorch_viz.optimize.parametrizations.base import GREY, RGB

SIDE = 256


def make(folder: str, file: Path = FILE) -> None:
    """Write the curves of a folder's photos, of colour and of grey."""
    centres, colour = measured(read_pictures(folder, RGB, (SIDE, SIDE)), RGB, SIDE)
    _, grey = measured(read_pictures(folder, GREY, (SIDE, SIDE)), GREY, SIDE)
    count = len(as_pictures(folder))
    text = {
        "about": f"Mean magnitudes of the waves of {count} photos of {SIDE} x {SIDE} pixels, over {SIDE}.",
        "frequencies": _rounded(centres),
        "colour": [_rounded(row) for row in colour],
        "grey": [_rounded(row) for row in grey],
    }
    file.write_text(json.dumps(text, indent=1) + "\n")


def _rounded(values: Array) -> list[float]:
    return [float(f"{value:.5g}") for value in values]


if __name__ == "__main__":
    make(sys.argv[1])
