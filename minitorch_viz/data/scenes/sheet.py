"""A contact sheet: many scenes side by side, with what is in them written below."""

from __future__ import annotations

import math

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.data.scenes.colours import COLOURS
from minitorch_viz.data.scenes.kinds import KINDS
from minitorch_viz.data.scenes.scene import Scenes
from minitorch_viz.data.scenes.textures import TEXTURES

MARGIN, LINE = 6, 12  # pixels


def contact_sheet(scenes: Scenes, columns: int | None = None) -> Array:
    """Draw every scene, small ones enlarged, above one line an object, the main one first: (H, W, 3) uint8.

    columns: how many side by side; default: about a square.
    """
    from PIL import Image, ImageDraw

    count, height, width = scenes.images.shape[:3]
    columns = columns or math.ceil(math.sqrt(count))
    factor = max(1, math.ceil(150 / width))
    lines = scenes.kinds.shape[1]
    step = factor * height + LINE * lines + MARGIN, factor * width + MARGIN
    rows = math.ceil(count / columns)
    sheet = Image.new("RGB", (columns * step[1] + MARGIN, rows * step[0] + MARGIN), "white")
    pen = ImageDraw.Draw(sheet)
    for index, image in enumerate(scenes.images):
        row, column = divmod(index, columns)
        left, top = MARGIN + column * step[1], MARGIN + row * step[0]
        sheet.paste(Image.fromarray(image.repeat(factor, axis=0).repeat(factor, axis=1)), (left, top))
        for number in range(int(scenes.counts[index])):
            text = " ".join(
                names[table[index, number]]
                for names, table in ((COLOURS, scenes.colours), (TEXTURES, scenes.textures), (KINDS, scenes.kinds))
            )
            pen.text((left, top + factor * height + LINE * number), text, fill="black", font_size=10)
    return np.asarray(sheet)
