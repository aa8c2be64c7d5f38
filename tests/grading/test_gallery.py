"""The table in the gallery and its figures in the README: what the command wrote, still true, and read off rightly.

To renew them, for instance when the scenes net was trained again:

    minitorch-viz grade --methods all excitation-backprop:contrastive=no --out docs/gallery/grade.html
    python tests/grading/test_gallery.py    # the README's section, from docs/gallery/*.json
"""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minitorch_viz import load_model
from minitorch_viz.grading import grade, grade_photos
from minitorch_viz.grading.metrics import METRICS, number

RENEW = "the gallery's table is not of this net: renew it as the head of tests/grading/test_gallery.py says"
ROOT = Path(__file__).parents[2]
README, GALLERY = ROOT / "README.md", ROOT / "docs" / "gallery"
SECTION = re.compile(r"(<!--grades: made by tests/grading/test_gallery.py-->\n).*?(<!--end of grades-->)", re.DOTALL)
COLUMNS = ("iou", "pointing_several", "contrast", "same", "top", "half", "milliseconds")
HEADS = ("on the object (IoU)", "right one of several", "contrast", "same for each class", "classifier random",
         "upper half random", "ms")  # fmt: skip


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GALLERY / name).read_text(encoding="utf-8"))
    return found


def means(grades: dict[str, Any]) -> dict[str, dict[str, float]]:
    return {row["method"]: {key: cell["mean"] for key, cell in row["scores"].items()} for row in grades["rows"]}


def section() -> str:
    """The README's figures."""
    scenes, photos = means(read("grade.json")), means(read("grade_photos.json"))
    single, several = read("grade.json")["settings"]["kept"]["scenes"]
    head = f"On {single} scenes with one object and {several} with several (all numbers, with confidence intervals and "
    lines = [
        head + "the maps themselves: [`docs/gallery/grade.html`](docs/gallery/grade.html)):\n",
        "| method | " + " | ".join(HEADS) + " |",
        "| --- |" + " ---: |" * len(HEADS),
    ]
    for row in read("grade.json")["rows"]:
        cells = [number(scenes[row["method"]][key], METRICS[key].digits) for key in COLUMNS]
        name = f"*{row['method']}*" if row["baseline"] else f"`{row['method']}`"
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    figures = {
        f"{net}_{method.replace('-', '_')}_{key}": number(cells[key])
        for net, found in (("scenes", scenes), ("photos", photos))
        for method, cells in found.items()
        for key in ("top", "half", "same", "contrast")
    }
    return "\n".join([*lines, "", *textwrap.wrap(WORDS.format(**figures).strip(), 119, break_on_hyphens=False)]) + "\n"


WORDS = """
*Same* and *random* are rank correlations: 1 is the same map. With a random classifier guided backpropagation keeps
{scenes_guided_backprop_top} of its map, with the upper half of the net random {scenes_guided_backprop_half}; the plain
gradient {scenes_saliency_half}, Grad-CAM {scenes_grad_cam_half}. A deconvnet's map of this shallow net changes as much
with a random classifier ({scenes_deconvnet_top}) as with another class ({scenes_deconvnet_same}); on photos, of
SqueezeNet's 26 convolutions, it keeps {photos_deconvnet_top} and guided backpropagation {photos_guided_backprop_top},
the gradient {photos_saliency_top}, Grad-CAM {photos_grad_cam_top}
([`docs/gallery/grade_photos.json`](docs/gallery/grade_photos.json)). Edges know nothing of the net: what does not beat
them has not shown that it does.
"""


def test_the_readmes_figures_are_the_gallerys() -> None:
    found = SECTION.search(README.read_text(encoding="utf-8"))
    assert found is not None
    assert found[0] == f"{found[1]}{section()}{found[2]}", "renew it with: python tests/grading/test_gallery.py"


@pytest.mark.parametrize(("name", "least"), [("grade.json", 11), ("grade_photos.json", 7)])
def test_so_many_methods_were_graded_without_a_failure(name: str, least: int) -> None:
    rows = read(name)["rows"]
    assert sum(not row["baseline"] for row in rows) >= least
    assert [row["problem"] for row in rows] == [""] * len(rows)
    for row in rows:
        for key, cell in row["scores"].items():
            assert key in METRICS
            assert cell["low"] <= cell["mean"] <= cell["high"]
            assert np.mean([score for score in cell["scores"] if score is not None]) == pytest.approx(
                cell["mean"], rel=1e-4, abs=1e-6
            )


def test_the_page_shows_the_same_numbers_and_stays_small() -> None:
    page = (GALLERY / "grade.html").read_text(encoding="utf-8")
    assert len(page.encode()) < 500_000
    for method, cells in means(read("grade.json")).items():
        row = re.search(rf'data-method="{re.escape(method)}".*?</tr>', page, re.DOTALL)
        assert row is not None
        shown = [float(value) for value in re.findall(r'<td data-value="([^"]+)"', row[0])]
        assert shown == pytest.approx([cells[key] for key in METRICS if key in cells], rel=1e-5)


@pytest.mark.slow
def test_the_gallery_is_still_what_the_command_makes() -> None:
    """The first scenes again, for what does not depend on how many there are."""
    saved = read("grade.json")
    names = ["grad-cam", "guided-backprop"]
    again = grade(load_model("scenes"), methods=names, scenes=8, checked=2, samples=1, steps=1, progress=False)
    rows = {row["method"]: row["scores"] for row in saved["rows"]}
    for row in again.rows:
        for key in ("energy", "iou", "contrast", "same", "top"):
            now = row.scores[key]
            np.testing.assert_allclose(rows[row.name][key]["scores"][: len(now)], now, atol=2e-3, err_msg=RENEW)


@pytest.mark.nightly
def test_the_photos_table_is_still_what_the_command_makes(shared_data) -> None:
    model = load_model("squeezenet1_1", weights=shared_data / "weights" / "squeezenet1_1.safetensors")
    boxes, quick = GALLERY / "photo_boxes.json", {"checked": 1, "samples": 1, "steps": 1, "progress": False}
    again = grade_photos(model, boxes, shared_data / "photos", methods=["grad-cam"], **quick)
    rows = {row["method"]: row["scores"] for row in read("grade_photos.json")["rows"]}
    for row in again.rows:
        for key in ("box_energy", "box_iou", "contrast", "same", "top"):
            now = row.scores[key]
            np.testing.assert_allclose(rows[row.name][key]["scores"][: len(now)], now, atol=5e-3, err_msg=key)


def test_the_table_reproduces_the_literature() -> None:
    """Adebayo et al. 2018, Nie et al. 2018 (deconvnets, on the deep net), Zhang et al. 2016, Selvaraju et al. 2017."""
    scenes, photos = means(read("grade.json")), means(read("grade_photos.json"))
    assert scenes["guided-backprop"]["top"] > 0.8
    assert scenes["guided-backprop"]["half"] > max(scenes[name]["half"] for name in ("saliency", "grad-cam")) + 0.2
    assert scenes["saliency"]["half"] < 0.5
    assert scenes["grad-cam"]["half"] < 0.5
    assert min(photos["guided-backprop"]["top"], photos["deconvnet"]["top"]) > 0.8
    assert max(photos["saliency"]["top"], photos["grad-cam"]["top"]) < 0.6
    for found in (scenes, photos):  # the class's own object, against one map for all classes
        for name in ("grad-cam", "excitation-backprop", "guided-grad-cam"):
            assert found[name]["contrast"] > found["guided-backprop"]["contrast"] + 0.1
        assert found["guided-backprop"]["same"] > 0.8


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    README.write_text(SECTION.sub(lambda found: f"{found[1]}{section()}{found[2]}", text), encoding="utf-8")
