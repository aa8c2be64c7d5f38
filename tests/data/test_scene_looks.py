"""What generated scenes look like: colours true to their names, textures and parts that can be seen."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest

from minitorch_viz.data.scenes import COLOURS, TEXTURES, scenes
from minitorch_viz.data.scenes.colours import TONES
from minitorch_viz.data.scenes.kinds import ALL
from minitorch_viz.data.scenes.textures import texture_tiles


def hue_name(rgb: tuple[int, int, int]) -> set[str]:
    """What a person may call a colour, from its hue, saturation and brightness."""
    hue, saturation, value = colorsys.rgb_to_hsv(*(channel / 255 for channel in rgb))
    hue *= 360
    if saturation < 0.12:
        return {"white"} if value > 0.78 else {"black"} if value < 0.33 else {"grey"}
    names = set()
    for name, low, high in (("orange", 22, 40), ("yellow", 45, 62), ("green", 90, 150), ("cyan", 170, 190)):
        names |= {name} if low <= hue <= high and value > 0.3 else set()
    for name, low, high in (("blue", 215, 240), ("purple", 260, 290)):
        names |= {name} if low <= hue <= high else set()
    if value < 0.6 and 18 <= hue <= 35:
        return {"brown"}
    if hue >= 345 or hue <= 10:
        return {"red"} if saturation > 0.7 else {"pink"}
    if 320 <= hue <= 345 and value > 0.85:
        return {"pink"}
    return names


@pytest.mark.parametrize("name", list(TONES))
def test_both_tones_deserve_the_name(name: str) -> None:
    for tone in TONES[name]:
        assert hue_name(tone) == {name}


def test_pixels_have_the_colour_the_map_says() -> None:
    clean = scenes(100, seed=4, noise=0)
    for number, name in enumerate(COLOURS[1:], 1):
        pixels = {tuple(pixel) for pixel in clean.images[clean.colour_map == number].tolist()}
        assert pixels == set(TONES[name])
    plain = clean.texture_map == TEXTURES.index("plain")
    bright = {tone for tone, _ in TONES.values()}
    assert {tuple(pixel) for pixel in clean.images[plain].tolist()} <= bright
    ground = clean.images[clean.colour_map == 0].astype(int)
    assert np.ptp(ground, axis=1).max() <= 40  # greyish: no object's colour
    assert ground.min() > 40
    assert ground.max() < 225


def test_textures_show_both_tones_and_differ() -> None:
    tiles, _ = texture_tiles(64, 6)
    shares = tiles.mean(axis=(2, 3))
    assert (shares[0] == 0).all()
    assert ((shares[1:] > 0.15) & (shares[1:] < 0.6)).all()
    for first in range(len(tiles)):
        for second in range(first):
            spectra = [abs(np.fft.rfft2(tiles[n, 0] - tiles[n, 0].mean())) for n in (first, second)]
            spectra = [s / max(np.linalg.norm(s), 1e-9) for s in spectra]
            assert (spectra[0] * spectra[1]).sum() < 0.9, (TEXTURES[first + 1], TEXTURES[second + 1])
    clean = scenes(200, seed=4, noise=0, objects=1)
    for index in range(200):
        if clean.textures[index, 0] != TEXTURES.index("plain"):
            mine = clean.texture_map[index] == clean.textures[index, 0]
            assert len(np.unique(clean.images[index][mine], axis=0)) == 2


def test_every_part_of_every_kind_can_be_seen() -> None:
    for name, kind in ALL.items():
        shown = kind.render(15, 0, False)
        assert set(range(1, len(kind.parts) + 1)) <= set(np.unique(shown)), name
        np.testing.assert_array_equal(np.unique(kind.render(15, 0, True)), np.unique(shown))
        assert 0.15 < kind.filled < 0.95
        turned = kind.render(15, np.pi / 2, False)
        assert abs((turned > 0).sum() / (shown > 0).sum() - 1) < 0.08


def test_a_turn_is_clockwise() -> None:
    """A quarter turn brings the roof, which is on top, to the right."""
    house = ALL["house"]
    shown = house.render(20, np.pi / 2, False)
    roof = house.parts.index("roof") + 1
    assert np.argwhere(shown == roof)[:, 1].mean() > np.argwhere(shown != roof)[:, 1].mean() + 5
