"""Top patches: the answers are those of sorting all of them, and every way to ask gives what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minitorch_viz import load_model
from minitorch_viz.cli import main
from minitorch_viz.data.pictures import as_pictures
from minitorch_viz.errors import DataFileError, NetError, SettingError
from minitorch_viz.techniques.activations._top_patches_figure import short_name
from minitorch_viz.techniques.activations.top_patches import top_patches
from tests.planted import NODE, TWO_MEANINGS, EncodedScenes, planted_model

SCENES = as_pictures("scenes:40")


@pytest.fixture(scope="module")
def model():
    return load_model("scenes")


@pytest.fixture(scope="module")
def maps(model):
    return model.net.predict(np.concatenate([model.preprocess(image) for image in SCENES]), upto="conv3")


def test_values_places_and_pixels_are_those_of_the_largest_answers(model, maps) -> None:
    result = top_patches(model, SCENES, node="conv3", channels=[5, 2], count=4)
    for row, channel in enumerate((5, 2)):
        peaks = maps[:, channel].max(axis=(1, 2))
        order = np.argsort(-peaks, kind="stable")[:4]
        np.testing.assert_array_equal(result.numbers[row], order)
        np.testing.assert_allclose(result.values[row], peaks[order], rtol=1e-5)
        for place, number in enumerate(order.tolist()):
            patch = result.patches[row][place]
            assert maps[number, channel, result.rows[row, place], result.columns[row, place]] == peaks[number]
            top, left, bottom, right = result.fields[row, place]
            inside = patch.crop[patch.frame[0] : patch.frame[2], patch.frame[1] : patch.frame[3]]
            np.testing.assert_array_equal(inside, SCENES[number][top:bottom, left:right])
            assert patch.label == SCENES.class_names[SCENES.label(number) or 0]
    assert result.top.values.shape == (maps.shape[1], 4)


def test_without_channels_the_strongest_units_come_first(model, maps) -> None:
    result = top_patches(model, SCENES, node="conv3", units=3, count=4, beside="none")
    strength = np.sort(maps.max(axis=(2, 3)), axis=0)[-4:].mean(axis=0)
    np.testing.assert_array_equal(result.channels, np.argsort(-strength)[:3])


def test_tenths_and_the_lowest_stand_beside_the_strongest(model, maps) -> None:
    result = top_patches(model, SCENES, node="conv3", channels="2", count=3, tenths=2, negative=True, beside="none")
    tenths = [f"tenth {tenth}" for tenth in range(10, 0, -1) for _ in range(2)]
    assert result.kinds == ("strongest",) * 3 + tuple(tenths) + ("lowest",) * 3
    ranks = np.argsort(np.argsort(maps[:, 2].max(axis=(1, 2))))[result.numbers[0, 3:-3]]
    assert [rank // 4 for rank in ranks] == [tenth for tenth in range(9, -1, -1) for _ in range(2)]
    np.testing.assert_array_equal(result.numbers[0, -3:], np.argsort(maps[:, 2].min(axis=(1, 2)))[:3])
    assert "tenth" in result.caption
    assert not result.notes


def test_of_a_relu_there_is_no_lowest_and_silence_is_told(model) -> None:
    blank = tuple(np.zeros((64, 64, 3), np.uint8) for _ in range(3))
    result = top_patches(model, blank, node="relu3", channels="all", count=2, negative=True, beside="none")
    assert len(result.channels) == model.net["conv3"].layer.params["weight"].shape[0]
    text = " ".join(result.notes)
    assert "comes out of a ReLU" in text
    assert "an answer of 0 is none" in text
    assert "a page (.html) has all" in text


def test_a_class_score_sees_the_whole_picture_and_a_linear_net_has_patches() -> None:
    model = load_model("digits_linear")
    result = top_patches(model, "digits:60", channels=3, count=5)
    assert result.node == model.logits
    assert [patch.label for patch in result.patches[0]][:3] == ["3"] * 3
    assert all(patch.is_whole for patch in result.patches[0])
    assert "the whole picture" in result.caption


def test_by_relevance_and_regions(model) -> None:
    relevant = top_patches(model, SCENES, node="relu3", by="relevance", target="circle", units=2, count=3)
    assert 'relevance for class "circle"' in relevant.caption
    assert (np.diff(relevant.values, axis=1) <= 0).all()
    regions = top_patches(model, SCENES, node="relu3", regions=True, channels=7, beside="none")
    assert regions.numbers.shape == (1, 16)
    assert regions.channels.tolist() == [7]
    assert len(np.unique(regions.numbers)) < 16  # several in a picture


def test_one_of_a_picture_or_several(model) -> None:
    one, several = (top_patches(model, SCENES, node="conv2", channels=1, each=n, beside="none") for n in (1, 3))
    counts = np.bincount(several.numbers[0])
    assert np.bincount(one.numbers[0]).max() == 1
    assert 1 < counts.max() <= 3
    assert several.values[0].sum() >= one.values[0].sum()


def test_many_patches_are_kept_small_and_their_fields_in_pixels_of_the_input() -> None:
    model = load_model("scenes")
    large = tuple(np.random.default_rng(n).integers(0, 256, (64, 64, 3), dtype=np.uint8) for n in range(12))
    result = top_patches(model, large, node="conv3", channels="all", count=9, beside="guided")
    assert result.numbers.size > 200
    assert all(max(patch.crop.shape) <= 112 for line in result.patches for patch in line)
    fields = result.fields.reshape(-1, 4)
    assert (fields[:, 2] - fields[:, 0]).max() == 18


def test_workers_give_the_same_bits(model) -> None:
    joblib = pytest.importorskip("joblib")
    pictures = as_pictures("scenes:130")
    alone = top_patches(model, pictures, node="relu3", units=2, tenths=1, beside="none")
    with joblib.parallel_config(backend="threading"):
        shared = top_patches(model, pictures, node="relu3", units=2, tenths=1, beside="none", workers=2)
    for name in ("channels", "values", "numbers", "rows", "columns"):
        np.testing.assert_array_equal(getattr(shared, name), getattr(alone, name))


def test_a_broken_picture_is_left_out_and_named_and_one_that_goes_away_costs_itself_only(tmp_path) -> None:
    for number in range(5):
        Image.fromarray(SCENES[number]).save(tmp_path / f"{number}.png")
    (tmp_path / "2.png").write_bytes(b"broken")
    model = load_model("scenes")
    steps = top_patches.each(model, tmp_path, node="conv2", channels=0, count=5, beside="none")
    first = next(steps)
    assert first.looked_at == 4
    assert "2.png" in first.notes[1]
    (tmp_path / "4.png").unlink()
    *_, last = steps
    assert last.numbers[0, 4] == -1
    assert [patch is None for patch in last.patches[0]].count(True) <= 2
    last.save(tmp_path / "out.png", dpi=40)


def test_where_nothing_can_be_read_it_is_told(tmp_path) -> None:
    (tmp_path / "a.png").write_bytes(b"broken")
    with pytest.raises(DataFileError, match="none of the 1 pictures could be read"):
        top_patches(load_model("scenes"), tmp_path)


BAD = [
    ({"node": "conv33"}, NetError, "conv3"),
    ({"channels": 999}, SettingError, "from 0 to"),
    ({"channels": "3;4"}, SettingError, "numbers with commas"),
    ({"channels": "3,3"}, SettingError, "twice"),
    ({"count": 0}, SettingError, "at least 1"),
    ({"each": 0}, SettingError, "at least 1"),
    ({"tenths": -1}, SettingError, "at least 0"),
    ({"beside": "guide"}, SettingError, "guided"),
    ({"by": "relevanz"}, SettingError, "relevance"),
    ({"by": "relevance", "target": "unicorn"}, SettingError, "unicorn"),
    ({"by": "relevance", "tenths": 1}, SettingError, "leave them out"),
    ({"target": 3}, SettingError, "by='relevance'"),
    ({"regions": True}, SettingError, "name it"),
    ({"regions": True, "channels": "3", "negative": True}, SettingError, "leave out"),
    ({"regions": True, "channels": "3", "node": "logits"}, SettingError, "whole picture"),
]


@pytest.mark.parametrize(("settings", "error", "words"), BAD, ids=[str(case[0]) for case in BAD])
def test_settings_that_do_not_fit_are_told(settings: dict, error: type[Exception], words: str, model) -> None:
    with pytest.raises(error, match=words):
        top_patches(model, SCENES, **settings)


def test_the_page_has_all_units_and_the_numbers_have_file_names(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    for number in range(6):
        Image.fromarray(SCENES[number]).save(f"photos/{number:02d}_a <scene>.png")
    words = [
        "top-patches",
        "--model",
        "scenes",
        "--pictures",
        "photos",
        "--node",
        "conv3",
        "--channels",
        "3,9",
        "--count",
        "2",
    ]
    assert main([*words, "--out", "page.html"]) == 0
    page = Path("page.html").read_text()
    assert [int(n) for n in re.findall(r'<section class="card" id="unit-(\d+)"', page)] == [3, 9]
    assert page.count("data:image/webp") == 2 * 2 * 2
    assert "<scene>" not in page
    assert main([*words, "--out", "numbers.json"]) == 0
    numbers = json.loads(Path("numbers.json").read_text())
    assert set(numbers["files"]) <= {f"{number:02d}_a <scene>.png" for number in range(6)}
    assert len(numbers["files"]) == 4
    assert len(numbers["titles"]) == len(numbers["title_numbers"])
    assert main([*words, "--out", "numbers.npz"]) == 0
    assert np.load("numbers.npz")["top.values"].shape[1] == 2
    capsys.readouterr()


def test_names_below_a_patch() -> None:
    assert short_name("tabby, tabby cat", "x.png") == "tabby"
    assert short_name("", "207_golden_retriever.jpg") == "golden retriever"
    assert short_name("", "scenes 12") == "scenes 12"
    assert short_name("", "12.jpg") == "12"


def test_the_tenths_show_both_meanings_of_a_unit_that_has_two() -> None:
    pictures = EncodedScenes(60)
    unit: dict = {"node": NODE, "channels": str(TWO_MEANINGS), "count": 3, "tenths": 1, "beside": "none"}
    result = top_patches(planted_model(), pictures, **unit)

    def meanings(first: int, last: int) -> set[str]:
        places = zip(
            result.numbers[0, first:last], result.rows[0, first:last], result.columns[0, first:last], strict=True
        )
        scenes = [(pictures.scene(int(number)), row, column) for number, row, column in places]
        return {name for name in ("star", "yellow") for scene, *place in scenes if scene.where(name)[tuple(place)]}

    strongest = result.numbers[0, :3]
    assert all(pictures.scene(int(number)).where("star").any() for number in strongest)
    assert not all(pictures.scene(int(number)).where("star").any() for number in result.numbers[0, 3:])
    assert meanings(3, 13) == {"star", "yellow"}
