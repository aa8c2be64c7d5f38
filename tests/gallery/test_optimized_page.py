"""The page of pictures made by optimization: whole, small enough for a phone, and its pictures are pictures.

To renew it: python -m tests.gallery.optimized_page --data FOLDER
"""

from __future__ import annotations

import base64
import io
import re

import numpy as np
from PIL import Image

from minitorch_viz.models import sketch
from tests.gallery import optimized_page

PICTURE = re.compile(r'src="data:image/webp;base64,([^"]+)" width="(\d+)" height="(\d+)"')


def test_the_page_has_the_techniques_and_their_pictures() -> None:
    page = optimized_page.PAGE.read_text(encoding="utf-8")
    assert len(page) < 1_000_000
    for name in optimized_page.SECTIONS:
        assert page.count(f'id="{name}"') == 1
    pictures = PICTURE.findall(page)
    counts = 20, len(optimized_page.KINDS), len(optimized_page.PRESETS), 2, len(optimized_page.STYLES)
    assert len(pictures) == sum(counts) + len(optimized_page.NODES) + 1
    for data, width, height in pictures:
        image = Image.open(io.BytesIO(base64.b64decode(data)))
        assert image.size == (int(width), int(height))
        assert np.asarray(image.convert("L")).std() > 5  # none is blank


def test_the_twenty_classes_are_always_the_same() -> None:
    numbers = optimized_page.twenty(sketch("googlenet"))
    assert len(set(numbers)) == 20
    assert numbers == optimized_page.twenty(sketch("googlenet"))
    assert [0 <= number < 398 for number in numbers[9:12]] == [True] * 3
    assert all(398 <= number < 1000 for number in numbers[12:])


def test_a_section_is_kept_and_read_again(tmp_path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    pictures = [optimized_page.picture(noise, "noise", "of a generator")]
    section = optimized_page.Section("noise", "Noise", "Words.", "minitorch-viz", pictures, "large", ("A note.",))
    optimized_page.kept(section, tmp_path)
    assert optimized_page.read(tmp_path / "noise.json") == section
