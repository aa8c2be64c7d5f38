"""The film of a loop: what its results show, one frame after the other, as a moving picture.

A result with a property `frame`, (h, w, 3) uint8, can be filmed: `--film FILE` on the command line, and in Python

    film(deep_dream.each(model, "sky.jpg"), "dream.gif")
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.io.film_files import check_film, write_film
from minitorch_viz.techniques.run import Partial, run

FRAMES = 240  # that are kept at most
MEMORY = 256 * 2**20  # bytes that they take at most
FEWEST = 16  # that are kept before any is dropped, however large they are

R = TypeVar("R", bound=Partial)


class Reel:
    """Watch a loop, and keep the frames of its results.

    Where there are more than `most`, every second one is dropped, and from then on every second one is taken, and so
    on: a long run makes a film as long as that of a short one. The newest is always there. A frame that is the same as
    the one before is not kept again.
    """

    def __init__(self, most: int = FRAMES, memory: int = MEMORY) -> None:
        self.most, self.memory = most, memory
        self.every = 1  # of so many frames that differ one is kept
        self._kept: list[Array] = []
        self._newest: Array | None = None
        self._number = 0  # of the newest frame among all that differ

    def see(self, result: Any) -> None:
        """Keep the frame of a result. Raises SettingError for a frame of another size than the first."""
        frame: Array = result.frame
        if self._newest is None:
            self._newest = frame
            self._kept = [frame]
            return
        if frame.shape != self._newest.shape:
            sizes = " and ".join(f"{height} x {width}" for height, width in (self._newest.shape[:2], frame.shape[:2]))
            raise SettingError(f"The frames of a film are of one size, but these are {sizes} pixels.")
        if frame is self._newest or np.array_equal(frame, self._newest):
            return
        self._newest = frame
        self._number += 1
        if self._number % self.every == 0:
            self._kept.append(frame)
        if len(self._kept) > min(self.most, max(FEWEST, self.memory // max(frame.nbytes, 1))):
            self._kept = self._kept[::2]
            self.every *= 2

    @property
    def frames(self) -> list[Array]:
        """Return the frames in their order, each (h, w, 3) uint8; the newest is the last one."""
        if self._newest is None or self._kept[-1] is self._newest:
            return list(self._kept)
        return [*self._kept, self._newest]

    def write(self, path: str | Path) -> Path:
        """Write the film; see `write_film`. Raises SettingError where there is no frame yet."""
        if not self._kept:
            raise SettingError("There is no frame to make a film of: the loop gave no result yet.")
        return write_film(path, self.frames)


def film(
    loop: Iterable[R],
    path: str | Path,
    name: str = "",
    unit: str = "step",
    *,
    budget: float | None = None,
    progress: bool = True,
) -> R:
    """Run a loop, write its film to `path` (.gif, .mp4, .webp, .png), and return the newest result.

    Ctrl-C, and a budget that is spent, leave the film so far. The settings are those of `run`.

    Raises SettingError for another ending, and where an MP4 needs ffmpeg, before the loop begins.
    """
    place, reel = check_film(path), Reel()
    result: R = run(loop, name, unit, budget=budget, progress=progress, watch=[reel.see]).result
    reel.write(place)
    return result
