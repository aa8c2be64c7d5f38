"""Frames as one moving picture in a file: GIF, WebP and PNG by Pillow, MP4 by ffmpeg.

A GIF has 255 colours. They are chosen once, from frames all along the film, and a fixed pattern of pixels stands for
what lies between two of them: colours chosen anew for each frame, or rounding errors that are handed to the neighbours,
would flicker where nothing moves.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import MinitorchVizError, SettingError
from minitorch_viz.io.atomic import write_bytes_atomically
from minitorch_viz.io.out import check_out

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".gif", ".mp4", ".webp", ".png")
COLOURS = 255  # of a GIF: the 256th stands for "as in the frame before"
SAMPLES = 16  # frames that the colours are chosen from
SAMPLE_SIDE = 128  # pixels a side, about, that count of each
DITHER = 12.0  # steps of 0..255 between the brightest and the darkest place of the pattern
NO_FFMPEG = (
    "An MP4 file is written by ffmpeg, which is not here: install it, or `pip install imageio-ffmpeg` (the extra "
    "`film`), or give a name that ends in .gif."
)


def check_film(path: str | Path, inputs: Iterable[object] = ()) -> Path:
    """Return `path` as a Path if a film can be written there; call this before the work.

    Raises MinitorchVizError with a sentence as `check_out` does, SettingError where an MP4 needs ffmpeg.
    """
    place = check_out(path, SUFFIXES, inputs, noun="film")
    if place.suffix.lower() == ".mp4" and ffmpeg() is None:
        raise SettingError(NO_FFMPEG)
    return place


def write_film(path: str | Path, frames: Sequence[Array], *, rate: float = 12.0, hold: float = 1.5) -> Path:
    """Write frames, each (h, w, 3) uint8, as a moving picture, completely or not at all.

    The ending chooses the kind: .gif, .mp4, .webp, or .png (exact, and large). rate: frames a second. hold: seconds
    that the last one stays. All but MP4 begin anew at their end.

    Raises SettingError for another ending or where ffmpeg is missing, MinitorchVizError where nothing can be written.
    """
    place = check_film(path)
    suffix = place.suffix.lower()
    if suffix == ".mp4":
        data = _mp4(frames, rate, hold)
    else:
        data = _by_pillow(frames, suffix, [1 / rate] * (len(frames) - 1) + [1 / rate + hold])
    write_bytes_atomically(place, data)
    return place


def _by_pillow(frames: Sequence[Array], suffix: str, seconds: list[float]) -> bytes:
    """Return the bytes of a GIF, WebP or PNG file."""
    from PIL import Image

    settings: dict[str, Any] = {
        ".gif": {"format": "GIF", "optimize": False},
        ".webp": {"format": "WEBP", "quality": 85, "method": 3},
        ".png": {"format": "PNG", "compress_level": 4},
    }[suffix]
    pictures = _in_shared_colours(frames) if suffix == ".gif" else [Image.fromarray(frame) for frame in frames]
    durations = [round(1000 * second) for second in seconds]
    buffer = io.BytesIO()
    first, *others = pictures
    motion: dict[str, Any] = (
        {"save_all": True, "append_images": others, "duration": durations, "loop": 0} if others else {}
    )
    first.save(buffer, **settings, **motion)
    return buffer.getvalue()


def _in_shared_colours(frames: Sequence[Array]) -> list[Image]:
    """Return frames as Pillow's palette pictures, all with one palette."""
    from PIL import Image

    places = np.unique(np.linspace(0, len(frames) - 1, SAMPLES).round().astype(int))
    step = max(1, min(frames[0].shape[:2]) // SAMPLE_SIDE)
    samples = np.concatenate([frames[place][::step, ::step].reshape(-1, 3) for place in places])
    palette = Image.fromarray(samples[None]).quantize(COLOURS, Image.Quantize.MEDIANCUT, kmeans=1)
    pattern = DITHER * (_ordered(frames[0].shape[:2])[..., None] - 0.5)
    none = Image.Dither.NONE
    spread = (np.clip(frame + pattern, 0, 255).round().astype(np.uint8) for frame in frames)
    return [Image.fromarray(frame).quantize(palette=palette, dither=none) for frame in spread]


def _ordered(size: Sequence[int]) -> Array:
    """Return (h, w) of thresholds in 0..1, every 8 x 8 pixels the 64 of Bayer's ordered dither."""
    square = np.zeros((1, 1))
    for _ in range(3):
        square = np.block([[4 * square, 4 * square + 2], [4 * square + 3, 4 * square + 1]])
    thresholds = (square + 0.5) / 64
    tiled: Array = np.tile(thresholds, (-(-size[0] // 8), -(-size[1] // 8)))[: size[0], : size[1]]
    return tiled


def ffmpeg() -> str | None:
    """Return the program ffmpeg: the one on the PATH, or that of the package imageio-ffmpeg; None without either."""
    program = shutil.which("ffmpeg")
    if program is not None:
        return program
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        return str(get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        return None


def _mp4(frames: Sequence[Array], rate: float, hold: float) -> bytes:
    """Return the bytes of an MP4 file: H.264, with an even number of rows and columns, as players need it."""
    program = ffmpeg()
    if program is None:
        raise SettingError(NO_FFMPEG)
    height, width = frames[0].shape[:2]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "film.mp4")
        command = [
            program, "-loglevel", "error", "-y",
            "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{rate:g}", "-i", "-",
            "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p",
            "-movflags", "+faststart", str(file),
        ]  # fmt: skip
        pixels = b"".join(np.ascontiguousarray(frame).tobytes() for frame in _held(frames, round(rate * hold)))
        answer = subprocess.run(command, input=pixels, capture_output=True, check=False)
        if answer.returncode or not file.is_file():
            words = answer.stderr.decode(errors="replace").strip().splitlines()
            reason = words[-1] if words else f"it ended with status {answer.returncode}"
            raise MinitorchVizError(f"ffmpeg ({program}) wrote no film: {reason}. Give a name that ends in .gif.")
        return file.read_bytes()


def _held(frames: Sequence[Array], times: int) -> Iterable[Array]:
    """Yield the frames, and the last one so many times more."""
    yield from frames
    for _ in range(times):
        yield frames[-1]
