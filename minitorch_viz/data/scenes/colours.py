"""The colours of objects: a light and a dark tone each, so that textures show and both tones deserve the name."""

from __future__ import annotations

import numpy as np

TONES: dict[str, tuple[tuple[int, int, int], tuple[int, int, int]]] = {
    "red": ((225, 30, 35), (145, 8, 16)),
    "orange": ((255, 145, 10), (212, 96, 0)),
    "yellow": ((255, 228, 30), (214, 172, 0)),
    "green": ((45, 175, 65), (12, 104, 32)),
    "cyan": ((55, 218, 222), (0, 150, 160)),
    "blue": ((50, 90, 235), (14, 34, 148)),
    "purple": ((150, 60, 200), (84, 14, 124)),
    "pink": ((255, 158, 200), (238, 92, 156)),
    "brown": ((140, 86, 44), (88, 48, 18)),
    "white": ((255, 255, 255), (206, 206, 206)),
    "black": ((22, 22, 22), (72, 72, 72)),
}
COLOURS = ("background", *TONES)
TONE_TABLE = np.array([((0, 0, 0), (0, 0, 0)), *TONES.values()], np.uint8)  # (colours, 2, 3)
