"""The page of fooled nets: whole, small enough for a phone, and its pictures are pictures.

To renew it: python -m tests.gallery.fooling_page --data FOLDER
"""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from minitorch_viz import load_model
from tests.conftest import SHARED_DATA
from tests.gallery import drawn_bus, fooling_page

PICTURE = re.compile(r'src="data:image/webp;base64,([^"]+)" width="(\d+)" height="(\d+)"')


def test_the_page_has_the_techniques_and_their_pictures() -> None:
    page = fooling_page.PAGE.read_text(encoding="utf-8")
    assert len(page) < 1_500_000
    for name in fooling_page.SECTIONS:
        assert page.count(f'id="{name}"') == 1
    pictures = PICTURE.findall(page)
    assert len(pictures) >= 4 + 3 + 16  # figures, noise, evolved pictures
    for data, width, height in pictures:
        image = Image.open(io.BytesIO(base64.b64decode(data)))
        assert image.size == (int(width), int(height))
        assert np.asarray(image.convert("L")).std() > 5  # none is blank


@pytest.mark.slow
def test_a_net_for_photos_takes_the_drawing_for_a_school_bus() -> None:
    weights = SHARED_DATA / "weights" / "googlenet_bvlc.safetensors"
    if not weights.is_file():
        pytest.skip("shared/data/weights/googlenet_bvlc.safetensors is not here")
    answers = load_model("googlenet", weights=weights).classify(np.asarray(drawn_bus.school_bus()))
    assert answers[0].name == "school bus"
    assert answers[0].probability > 0.9
