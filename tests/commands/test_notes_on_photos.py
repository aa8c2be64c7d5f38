"""What is left out of a photo is printed by every command, and stands in the report's page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minitorch_viz import load_model
from minitorch_viz.cli import main
from minitorch_viz.techniques.gradients.saliency import saliency

SAID = "holds several pictures; the first is taken."


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINITORCH_VIZ_HOME", str(tmp_path / "home"))
    return tmp_path


def frames(name: str, count: int) -> str:
    pictures = [Image.fromarray(np.full((8, 8, 3), 40 + 70 * k, np.uint8)) for k in range(count)]
    pictures[0].save(name, save_all=True, append_images=pictures[1:], **({"lossless": True} if "webp" in name else {}))
    return name


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp", "a.tiff", "wrong.jpg.gif"])
@pytest.mark.parametrize("count", [1, 3])
def test_a_technique_says_that_it_took_the_first_frame(name: str, count: int, capsys) -> None:
    assert main(["activation-maps", frames(name, count), "--model", "digits", "--out", "o.png"]) == 0
    printed = capsys.readouterr().out
    assert printed.count(f"Note: {name} {SAID}") == (count > 1)


def test_of_several_photos_each_is_said_and_none_twice(capsys) -> None:
    Image.fromarray(np.full((8, 8, 3), 90, np.uint8)).save("still.png")
    photos = [frames("a.gif", 2), "still.png", frames("b.gif", 3)]
    assert main(["deconvnet", *photos, "--model", "digits", "--node", "relu2"]) == 0
    printed = capsys.readouterr().out
    assert [line for line in printed.splitlines() if SAID in line] == [
        f"Note: {name} {SAID}" for name in ("a.gif", "b.gif")
    ]


def test_it_is_the_first_frame_indeed(capsys) -> None:
    digits, rng = load_model("digits"), np.random.default_rng(0)
    first, second = (rng.integers(0, 256, (8, 8), np.uint8) for _ in range(2))
    Image.fromarray(first).save("a.gif", save_all=True, append_images=[Image.fromarray(second)])
    assert main(["saliency", "a.gif", "--model", "digits"]) == 0
    assert saliency(digits, first).caption in capsys.readouterr().out
    assert saliency(digits, first).caption != saliency(digits, second).caption


def test_the_report_says_it_and_its_page_too(capsys) -> None:
    Image.fromarray(np.full((8, 8, 3), 90, np.uint8)).save("still.png")
    photos = ["still.png", frames("<a>.gif", 2)]
    assert main(["report", *photos, "--model", "digits", "--only", "saliency", "--out", "r.html"]) == 0
    assert capsys.readouterr().out.count(f"Note: <a>.gif {SAID}") == 1
    page = Path("r.html").read_text()
    assert page.count(f'<p class="note">&lt;a&gt;.gif {SAID}</p>') == 1
    assert page.index("2. &lt;a&gt;.gif") < page.index(SAID)
