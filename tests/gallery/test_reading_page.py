"""The page of nets that read: whole, small enough for a phone, its pictures are pictures, and its texts are the nets'.

To renew it: python -m tests.gallery.reading_page --data FOLDER
"""

from __future__ import annotations

import base64
import io
import re

import numpy as np
from PIL import Image

from tests.gallery import reading_page

PICTURE = re.compile(r'src="data:image/webp;base64,([^"]+)" width="(\d+)" height="(\d+)"')
TEXT = re.compile(r"<pre[^>]*>(.*?)</pre>", re.DOTALL)


def test_the_page_has_the_techniques_and_their_pictures() -> None:
    page = reading_page.PAGE.read_text(encoding="utf-8")
    assert len(page) < 2_500_000
    for name in reading_page.SECTIONS:
        assert page.count(f'id="{name}"') == 1
    pictures = PICTURE.findall(page)
    assert len(pictures) >= 2 + 2 + 4
    for data, width, height in pictures:
        image = Image.open(io.BytesIO(base64.b64decode(data)))
        assert image.size == (int(width), int(height))
        assert np.asarray(image.convert("L")).std() > 5  # none is blank


def test_the_texts_of_the_page_are_words() -> None:
    texts = TEXT.findall(reading_page.PAGE.read_text(encoding="utf-8"))
    assert len(texts) == 2
    for text in texts:
        assert len(text) >= 700
        assert len(set(re.findall(r"[a-z]{3,}", text))) > 40
