"""The page of units with names: what is recorded is what the nets answer, and the page shows it.

To renew it: python -m tests.gallery.units_page --record
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from minitorch_viz.models import load_model
from tests.gallery import units_page

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture(scope="module")
def content() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(units_page.UNITS.read_text(encoding="utf-8"))
    return read


def assert_recorded(units: list[dict[str, Any]], results: dict[str, Any]) -> None:
    """Files and places are the same, and the values to rounding."""
    for unit in units:
        found = units_page.patches_of(results[unit["node"]], unit["channel"])
        for patch, recorded in zip(found, unit["patches"], strict=True):
            assert patch["value"] == pytest.approx(recorded["value"], rel=1e-3)
            assert (patch["file"], patch["place"]) == (recorded["file"], recorded["place"]), unit["name"]


def test_at_least_eight_units_of_googlenet_have_names_and_nine_patches(content: dict[str, Any]) -> None:
    units = content["googlenet"]["units"]
    assert len(units) >= 8
    assert all(unit["node"].startswith("inception_4") and unit["name"] for unit in units)
    assert all(len({patch["file"] for patch in unit["patches"]}) == 9 for unit in units)
    assert any(unit["mixed"] for unit in units)


def test_the_recorded_patches_are_those_of_the_bundled_net_and_on_the_page(content: dict[str, Any]) -> None:
    units = content["scenes"]["units"]
    results = units_page.searched(load_model("scenes"), content["scenes"]["pictures"], units)
    assert_recorded(units, results)
    page = units_page.PAGE.read_text(encoding="utf-8")
    assert len(page) < 1_000_000
    assert [page.count(f"{unit['node']} unit {unit['channel']}</a>: {unit['name']}") for unit in units] == [1] * len(
        units
    )
    assert page.count("data:image/webp") == 2 * 9 * len(units)


@pytest.mark.nightly
def test_the_recorded_patches_are_those_of_googlenet(content: dict[str, Any]) -> None:
    weights, photos = DATA / "weights" / "googlenet_bvlc.safetensors", DATA / "imagenet_samples"
    if not weights.is_file() or not photos.is_dir():
        pytest.skip(f"{weights} and {photos} are not at hand")
    units = [unit for unit in content["googlenet"]["units"] if unit["node"] == "inception_4c/output"]
    assert_recorded(units, units_page.searched(load_model("googlenet", weights=weights), str(photos), units))


def test_a_page_of_photos_is_not_written_into_the_gallery(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        units_page.main(["--weights", str(tmp_path / "weights"), "--pictures", str(tmp_path)])
