"""A map over its photo: clear where it is 0, in full colour where it is largest, at the photo's own resolution."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minitorch_viz.cli import main
from minitorch_viz.commands.overlay import has_overlay
from minitorch_viz.drawing.overlay import overlay
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.io.images import load_image, save_png
from minitorch_viz.techniques import techniques
from tests.examples import example_of

EXPLAINERS = [name for name, technique in techniques().items() if has_overlay(technique)]
PHOTO = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)


def test_where_a_map_is_zero_the_photo_is_as_it_was() -> None:
    heat = np.zeros((20, 30))
    heat[:, 20:] = 1
    over = overlay(heat, PHOTO)
    assert np.array_equal(over[:, :55], PHOTO[:, :55])
    assert np.abs(over[:, 65:].astype(int) - PHOTO[:, 65:]).mean() > 20


def test_full_scale_has_the_opacity_that_is_asked_for() -> None:
    white = np.full((40, 40, 3), 255, np.uint8)
    assert (overlay(np.ones((10, 10)), white, opacity=1, colormap="gray_r") == 0).all()
    assert (abs(overlay(np.ones((10, 10)), white, opacity=0.5, colormap="gray_r").astype(int) - 128) <= 1).all()
    assert (overlay(np.ones((10, 10)), white, opacity=0) == 255).all()


def test_signs_have_two_colours() -> None:
    grey = np.full((40, 40, 3), 128, np.uint8)
    heat = np.ones((10, 10))
    heat[:, 5:] = -1
    red, _, blue = overlay(heat, grey).transpose(2, 0, 1).astype(int)
    assert (red[:, :18] > blue[:, :18]).all()
    assert (red[:, 22:] < blue[:, 22:]).all()


def test_a_blank_map_leaves_the_photo() -> None:
    assert np.array_equal(overlay(np.zeros((8, 8)), PHOTO), PHOTO)


def test_bad_looks_are_told() -> None:
    heat = np.ones((4, 4))
    for opacity in (-0.1, 1.1, "half", True, float("nan")):
        with pytest.raises(SettingError, match="opacity is a number"):
            overlay(heat, PHOTO, opacity=opacity)  # type: ignore[arg-type]  # on purpose
    with pytest.raises(SettingError, match=r"no colour map 'infernoo'; near colour maps: inferno"):
        overlay(heat, PHOTO, colormap="infernoo")
    with pytest.raises(ShapeError, match=r"got \(4, 4, 1\)"):
        overlay(heat[..., None], PHOTO)


ONES = np.ones((2, 3))
BAD: dict[str, tuple[Any, Any, dict[str, Any], str]] = {
    "a list": ([[1.0]], PHOTO, {}, "A map is an array"),
    "no map": (None, PHOTO, {}, "A map is an array"),
    "a path": (ONES, "photo.jpg", {}, "load_image"),
    "a map with channels": (np.ones((3, 4, 4)), PHOTO, {}, r"got \(3, 4, 4\)"),
    "an empty map": (np.ones((0, 3)), PHOTO, {}, r"got \(0, 3\)"),
    "an empty photo": (ONES, PHOTO[:0], {}, r"\(0, 90, 3\)"),
    "a grey photo": (ONES, PHOTO[..., 0], {}, r"\(60, 90\)"),
    "a photo with alpha": (ONES, np.zeros((6, 9, 4), np.uint8), {}, r"\(6, 9, 4\)"),
    "a photo from 0 to 1": (ONES, PHOTO / 255, {}, "float64"),
    "complex numbers": (ONES * 1j, PHOTO, {}, "complex128"),
    "texts": (ONES.astype(str), PHOTO, {}, "<U"),
    "NaN": (np.array([[1, np.nan]]), PHOTO, {}, "NaN"),
    "infinity": (ONES * np.inf, PHOTO, {}, "NaN or infinity"),
    "no opacity": (ONES, PHOTO, {"opacity": None}, "opacity is a number"),
    "a colour map's number": (ONES, PHOTO, {"colormap": 3}, "no colour map 3"),
    "several colour maps": (ONES, PHOTO, {"colormap": ["jet"]}, "no colour map"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_a_sentence(name: str) -> None:
    heat, photo, settings, words = BAD[name]
    with pytest.raises((SettingError, ShapeError), match=words):
        overlay(heat, photo, **settings)


@pytest.mark.parametrize("name", EXPLAINERS)
def test_every_technique_that_explains_has_one(name: str) -> None:
    result: Any = example_of(name)
    assert result.overlay().dtype == np.uint8
    assert result.overlay().shape == result.photo.shape
    assert "99.5th percentile" in result.overlay_legend()


def test_from_the_command_line_in_all_the_photos_pixels(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    save_png(np.tile(PHOTO, (20, 20, 1)), "large.png")  # 1200 x 1800
    assert main(["grad-cam", "large.png", "--model", "cifar10", "--overlay", "--out", "over.png"]) == 0
    assert load_image("over.png").shape == (1200, 1800, 3)
    assert "Over the photo:" in capsys.readouterr().out
    assert main(["grad-cam", "--overlay"]) == 0  # the sample that comes with the model
    assert (tmp_path / "grad-cam.png").exists()


def test_the_legend_speaks_of_the_colours_that_were_chosen() -> None:
    signed: Any = example_of("gradient-x-input")
    assert "red for and blue against" in signed.overlay_legend()
    assert "red" not in signed.overlay_legend("PiYG")
    assert "0 in the middle in the colours of PiYG" in signed.overlay_legend("PiYG")
    blank = dataclasses.replace(signed, signal=np.zeros_like(signed.signal))
    assert blank.overlay_legend() == "Over the photo: nothing, since the map is blank."


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--opacity", "0.5"], "--opacity is a setting of --overlay"),
        (["--overlay", "--opacity", "2"], "opacity is a number"),
        (["--overlay", "--colormap", "jett"], "near colour maps: jet"),
        (["--overlay", "--out", "over.npz"], "written as .png"),
    ],
)
def test_wrong_commands_are_told_before_the_work(arguments: list[str], message: str, capsys: Any) -> None:
    assert main(["grad-cam", *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("colormap", [None, "viridis", "tab10"])
@pytest.mark.parametrize("signed", [False, True])
def test_colours_are_matplotlibs_in_strips_as_at_once(colormap: str | None, signed: bool, monkeypatch) -> None:
    from matplotlib import colormaps

    heat = np.random.default_rng(1).normal(size=(60, 90)).astype(np.float32)
    heat = heat if signed else np.abs(heat)
    shares = heat / np.percentile(np.abs(heat), 99.5)
    levels = np.clip((shares + 1) / 2 if signed else shares, 0, 1)
    colours = colormaps[colormap or ("RdBu_r" if signed else "inferno")](levels)[..., :3] * 255
    expected = PHOTO + 0.75 * np.clip(np.abs(shares), 0, 1)[..., None] * (colours - PHOTO)
    at_once = overlay(heat, PHOTO, colormap=colormap)
    assert np.abs(at_once - expected).max() <= 0.5 + 1e-3
    monkeypatch.setattr("minitorch_viz.drawing.overlay.STRIP", 200)
    assert np.array_equal(overlay(heat, PHOTO, colormap=colormap), at_once)
