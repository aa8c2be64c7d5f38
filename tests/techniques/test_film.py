"""Films: every frame of a loop in one file, in colours that do not flicker, whatever stops the loop."""

from __future__ import annotations

import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from minitorch_viz.errors import MinitorchVizError, SettingError
from minitorch_viz.io import film_files
from minitorch_viz.techniques.film import FEWEST, Reel, film


@dataclass(frozen=True, eq=False)
class Step:
    """A result that can be filmed."""

    frame: np.ndarray
    done: int
    total: int


def frames(count: int, size: tuple[int, int] = (40, 57)) -> list[np.ndarray]:
    """A red square that moves over a gradient of all hues."""
    rows, columns = np.mgrid[: size[0], : size[1]] / np.reshape(size, (2, 1, 1))
    ground = np.round(200 * np.stack([rows, columns, 1 - rows * columns], axis=2)).astype(np.uint8)
    pictures = []
    for number in range(count):
        picture = ground.copy()
        picture[5:15, number : number + 10] = (255, 0, 0)
        pictures.append(picture)
    return pictures


def steps(pictures: list[np.ndarray]) -> Iterator[Step]:
    for number, picture in enumerate(pictures, 1):
        yield Step(picture, number, len(pictures))


def read(path: Path) -> tuple[list[np.ndarray], list[int]]:
    """The frames of a file, and how many milliseconds each is shown."""
    with Image.open(path) as moving:
        parts = [(np.asarray(part.convert("RGB")), part.info["duration"]) for part in ImageSequence.Iterator(moving)]
    return [picture for picture, _ in parts], [duration for _, duration in parts]


@pytest.mark.parametrize(("suffix", "worst"), [(".gif", 5.0), (".webp", 5.0), (".png", 0.0), (".GIF", 5.0)])
def test_the_file_holds_every_frame(suffix: str, worst: float, tmp_path: Path) -> None:
    pictures = frames(7)
    result = film(steps(pictures), tmp_path / f"film{suffix}")
    assert result.done == 7
    shown, durations = read(tmp_path / f"film{suffix}")
    assert [picture.shape for picture in shown] == [(40, 57, 3)] * 7
    for picture, expected in zip(shown, pictures, strict=True):
        assert np.abs(picture.astype(float) - expected).mean() <= worst
    assert durations[-1] > 1000 > durations[0]  # the last one stays
    assert [path.name for path in tmp_path.iterdir()] == [f"film{suffix}"]


def test_what_stands_still_does_not_flicker(tmp_path: Path) -> None:
    """The pixels that no frame moves have one colour all along: the palette is one, and the dither a fixed pattern."""
    film(steps(frames(9)), tmp_path / "film.gif")
    shown, _ = read(tmp_path / "film.gif")
    still = np.stack(shown)[:, 16:]
    assert (still == still[0]).all()


def test_a_dark_to_light_ramp_has_no_bands(tmp_path: Path) -> None:
    """Many more colours than 255: mean over 8 x 8 pixels, the dithered picture is the smooth one."""
    rng = np.random.default_rng(0)
    coarse = rng.uniform(0, 255, (3, 4, 3))
    smooth = np.asarray(Image.fromarray(coarse.astype(np.uint8)).resize((128, 96), Image.Resampling.BICUBIC))
    film(steps([smooth, 255 - smooth]), tmp_path / "film.gif")
    (first, _), _ = read(tmp_path / "film.gif")
    blocks = [picture.astype(float).reshape(12, 8, 16, 8, 3).mean(axis=(1, 3)) for picture in (first, smooth)]
    assert np.abs(blocks[0] - blocks[1]).max() < 12
    assert len(np.unique(first.reshape(-1, 3), axis=0)) <= film_files.COLOURS


def test_ctrl_c_leaves_the_film_so_far(tmp_path: Path) -> None:
    def stopped() -> Iterator[Step]:
        yield from list(steps(frames(9)))[:4]
        raise KeyboardInterrupt

    assert film(stopped(), tmp_path / "film.gif").done == 4
    assert len(read(tmp_path / "film.gif")[0]) == 4


def test_a_long_run_keeps_a_bounded_number_of_frames(tmp_path: Path) -> None:
    reel = Reel(most=20)
    for number in range(1000):
        reel.see(Step(np.full((8, 8, 3), (*divmod(number, 250), 0), np.uint8), number, 1000))
        assert len(reel.frames) <= 21
    numbers = [250 * int(picture[0, 0, 0]) + int(picture[0, 0, 1]) for picture in reel.frames]
    assert numbers == [*range(0, 1000, 64), 999]  # one of 64, from the first on, and the last
    reel.write(tmp_path / "film.png")
    assert len(read(tmp_path / "film.png")[0]) == len(reel.frames)


def test_large_frames_are_fewer() -> None:
    for memory, every in ((20 * 40 * 57 * 3, 4), (1, 4)):  # 45 frames, of which 20, and FEWEST, would be kept
        reel = Reel(most=1000, memory=memory)
        for step in steps(frames(45)):
            reel.see(step)
        assert reel.every == every
        assert len(reel.frames) == 12 <= FEWEST


def test_the_same_frame_is_kept_once() -> None:
    reel, (first, second) = Reel(), frames(2)
    for picture in (first, first, first.copy(), second, second):
        reel.see(Step(picture, 1, 1))
    assert [picture.tobytes() for picture in reel.frames] == [first.tobytes(), second.tobytes()]


def test_a_single_frame_is_a_film(tmp_path: Path) -> None:
    for suffix in film_files.SUFFIXES:
        if suffix != ".mp4":
            film(steps(frames(1)), tmp_path / f"film{suffix}")
            with Image.open(tmp_path / f"film{suffix}") as picture:
                assert picture.size == (57, 40)


def test_frames_of_two_sizes_get_a_sentence() -> None:
    with pytest.raises(SettingError, match="one size, but these are 40 x 57 and 40 x 58 pixels"):
        film(steps([*frames(1), *frames(1, (40, 58))]), "film.gif")


@pytest.mark.parametrize(
    ("name", "said"),
    [("film.avi", r"\.gif, \.mp4, \.webp or \.png, but .*film\.avi ends in \.avi"), ("missing/film.gif", "no folder")],
)
def test_a_bad_name_is_told_before_the_loop_begins(name: str, said: str, tmp_path: Path) -> None:
    def never() -> Iterator[Step]:
        raise AssertionError("the loop was begun")
        yield

    with pytest.raises(MinitorchVizError, match=said):
        film(never(), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_mp4_without_ffmpeg_gets_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(SettingError, match=r"imageio-ffmpeg.*ends in \.gif"):
        film(steps(frames(2)), tmp_path / "film.mp4")
    assert list(tmp_path.iterdir()) == []


FFMPEG = """#!{python}
import sys
pixels = sys.stdin.buffer.read()
size = sys.argv[sys.argv.index("-s") + 1]
{ending}
open(sys.argv[-1], "wb").write(f"{{len(pixels)}} bytes of {{size}}".encode())
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A program called ffmpeg that writes how many bytes it was given."""

    def make(ending: str = "") -> None:
        program = tmp_path / "bin" / "ffmpeg"
        program.parent.mkdir()
        program.write_text(FFMPEG.format(python=sys.executable, ending=ending))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(program.parent))

    return make


def test_mp4_is_written_by_ffmpeg(tmp_path: Path, stand_in) -> None:
    stand_in()
    film(steps(frames(3)), tmp_path / "film.mp4")
    count = 3 + round(12 * 1.5)  # the last frame stays
    assert (tmp_path / "film.mp4").read_text() == f"{count * 40 * 57 * 3} bytes of 57x40"


def test_what_ffmpeg_says_is_told(tmp_path: Path, stand_in) -> None:
    stand_in('sys.exit("no such encoder")')
    (tmp_path / "film.mp4").write_text("older")
    with pytest.raises(MinitorchVizError, match=r"wrote no film: no such encoder\. Give a name that ends in \.gif"):
        film(steps(frames(3)), tmp_path / "film.mp4")
    assert (tmp_path / "film.mp4").read_text() == "older"
