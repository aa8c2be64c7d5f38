"""One picture series: the same grid of tiles in every frame, kept as 8-bit codes and written as one PNG."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing.html import embedded_image

ZERO_CODE = 127  # the code of zero; 0 and 254 are minus and plus the largest


@dataclass
class Strip:
    """Hold the frames of one grid.

    A value v is kept as the code 127 + 127 * sign(v) * sqrt(|v| / largest of its frame): finer near zero, so that one
    outlier does not swallow the rest. The page turns codes back into values and those into colours.
    """

    node: str
    kind: str  # "weights", "weight gradients", "activations" or "activation gradients"
    note: str
    shape: tuple[int, ...]  # of a grid: (rows, columns, height, width) or (rows, columns, height, width, 3)
    codes: list[Array] = field(default_factory=list)  # each (rows * height, columns * width) or (..., 3), uint8
    largest: list[float] = field(default_factory=list)  # of |value| in each frame
    usual: list[float] = field(default_factory=list)  # the 99.5th percentile of |value| in each frame

    def add(self, values: Array) -> None:
        """Add a frame."""
        size = np.abs(values.astype(np.float64))
        largest = float(size.max(initial=0))
        self.largest.append(largest)
        self.usual.append(float(np.percentile(size, 99.5)) or largest if size.size else 0.0)
        share = np.sqrt(size / largest) if largest > 0 else np.zeros_like(size)
        codes = np.rint(ZERO_CODE + ZERO_CODE * np.sign(values) * share).astype(np.uint8)
        rows, columns, height, width = self.shape[:4]
        self.codes.append(np.moveaxis(codes, 2, 1).reshape(rows * height, columns * width, *self.shape[4:]))

    def keep(self, places: list[int]) -> None:
        """Keep these frames only."""
        self.codes = [self.codes[place] for place in places]
        self.largest = [self.largest[place] for place in places]
        self.usual = [self.usual[place] for place in places]

    def values(self, place: int) -> Array:
        """Return the values of one frame, as exact as the codes are."""
        share = (self.codes[place].astype(np.float64) - ZERO_CODE) / ZERO_CODE
        values: Array = np.sign(share) * share**2 * self.largest[place]
        return values

    def to_json(self, level: int = 9) -> dict[str, Any]:
        """Return all frames, one below the other, as one PNG in a data: URL, and what is needed to read it.

        level: how much time compression may take, 1..9.
        """
        from PIL import Image

        return {
            "node": self.node,
            "kind": self.kind,
            "note": self.note,
            "shape": list(self.shape),
            "largest": [float(f"{value:.5g}") for value in self.largest],
            "usual": [float(f"{value:.5g}") for value in self.usual],
            "png": embedded_image(Image.fromarray(np.concatenate(self.codes)), compress_level=level).url,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Strip:
        """Return the strip that `to_json` wrote; ValueError if it is damaged."""
        from PIL import Image

        shape = tuple(int(side) for side in data["shape"])
        frames = len(data["largest"])
        png = base64.b64decode(data["png"].partition(",")[2], validate=True)
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            if image.size != (shape[1] * shape[3], frames * shape[0] * shape[2]) or len(data["usual"]) != frames:
                raise ValueError(f"the pictures of {data['node']!r} have another size than their frames need")
            codes = np.split(np.asarray(image), frames)
        largest, usual = ([float(value) for value in data[name]] for name in ("largest", "usual"))
        return cls(str(data["node"]), str(data["kind"]), str(data["note"]), shape, codes, largest, usual)
