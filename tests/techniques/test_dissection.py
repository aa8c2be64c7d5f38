"""Dissection: planted units are found with their IoU and formula, a random net's are not, and labels stand on trial."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minitorch_viz import Model, Net, load_model
from minitorch_viz.cli import main
from minitorch_viz.data.concepts import concepts_of
from minitorch_viz.data.pictures import as_pictures
from minitorch_viz.errors import DataFileError, NetError, SettingError
from minitorch_viz.layers import Conv2d, Flatten, GlobalAvgPool2d, Linear, ReLU
from minitorch_viz.models.scenes import scenes as scenes_net
from minitorch_viz.techniques import dissection, get_technique
from minitorch_viz.techniques.activations._dissection_trial import Court
from minitorch_viz.techniques.explain.anchored import anchors
from tests.planted import NODE, UNITS, EncodedScenes, answers, planted_model

PICTURES = EncodedScenes(100)
NUMBERS = range(len(PICTURES))
TRUE = {  # where each formula of the planted units is, from the scenes' own maps
    "red": lambda: at("red"),
    "car": lambda: at("car"),
    "red OR blue": lambda: at("red") | at("blue"),
    "house AND white": lambda: at("house") & at("white"),
    "star AND NOT yellow": lambda: at("star") & ~at("yellow"),
    "(red OR blue) AND NOT house": lambda: (at("red") | at("blue")) & ~at("house"),
    "NOT background": lambda: ~at("background"),
    "star OR yellow": lambda: at("star") | at("yellow"),
}


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


@functools.cache
def masks() -> np.ndarray:
    """Where each concept is: (N, K, 64, 64)."""
    concepts = concepts_of(PICTURES)
    return np.stack([concepts.masks(number) for number in NUMBERS])


def at(name: str) -> np.ndarray:
    """Where the scenes show a concept, (N, 64, 64)."""
    return masks()[:, concepts_of(PICTURES).names.index(name)]


@functools.cache
def above(unit: int, quantile: float) -> np.ndarray:
    """Where a planted unit is above its threshold, by sorting all of its answers."""
    maps = np.stack([answers(PICTURES, number, UNITS[unit]) for number in NUMBERS])
    descending = np.sort(maps, axis=None)[::-1]
    return maps > descending[int(quantile * maps.size)]


@pytest.fixture(scope="module")
def planted():
    """With a quantile at which most units answer wherever they can."""
    return dissection(planted_model(), PICTURES, node=NODE, quantile=0.05, untrained=0)


@pytest.mark.parametrize("quantile", [0.005, 0.05])
def test_planted_units_have_their_known_iou(planted, quantile) -> None:
    """Against the truth, computed without the net, for every fourth concept."""
    result = planted
    if quantile != planted.quantile:
        result = dissection(
            planted_model(), PICTURES, node=NODE, quantile=quantile, untrained=0, rotate=False, length=1
        )
    for concept in range(0, len(result.names), 4):
        for unit in range(8):
            expected = iou(above(unit, quantile), masks()[:, concept])
            assert result.ious[unit, concept] == pytest.approx(expected, abs=0.003), (UNITS[unit].formula, concept)


def test_planted_units_have_their_formula_and_its_iou(planted) -> None:
    for number, unit in enumerate(UNITS[:8]):
        found = planted.meanings[number]
        assert sorted(re.split(r"\W+", found)) == sorted(re.split(r"\W+", unit.formula))
        assert found.count("(") == unit.formula.count("(")
        place = planted.formulas[number].index(found)
        expected = iou(above(number, 0.05), TRUE[unit.formula]())
        assert planted.formula_ious[number, place] == pytest.approx(expected, abs=0.02)
    assert min(planted.formula_ious[number].max() for number in (0, 1, 2, 4, 5, 7)) > 0.95


def test_a_silent_unit_and_one_of_noise_detect_nothing(planted) -> None:
    assert planted.meanings[8] == ""
    assert planted.iou[8] == 0
    assert planted.concept[8] == -1
    assert "1 units always answer the same" in " ".join(planted.notes)
    assert planted.ious[9].max() < 0.06  # noise: no concept but what is nearly everywhere


def test_a_random_basis_loses_the_planted_detectors(planted) -> None:
    detected = planted.ious[[0, 1, 2, 4, 7]].max(axis=1)
    assert planted.rotated.max() < detected.max() - 0.3
    assert np.median(planted.rotated) < np.median(planted.iou) - 0.2
    assert "in a random basis" in planted.caption


def test_labels_stand_on_trial_and_wrong_ones_fall() -> None:
    model = planted_model()
    result = dissection(model, PICTURES, node=NODE, quantile=0.03, untrained=0, rotate=False, length=1, trial=True)
    stands = {trial.unit: trial for trial in result.trials}
    assert set(stands) == set(result.detectors.tolist())
    for unit in (0, 1):  # red and car: the classes of these names read them
        assert stands[unit].agrees
        assert stands[unit].left == 0
        assert stands[unit].left_other > 0.5
        assert result.classes[stands[unit].loser] == result.names[stands[unit].concept]
        assert stands[unit].drop_with > 3 * stands[unit].drop_without
    concepts, shown = concepts_of(PICTURES), masks().any(axis=(2, 3))
    grid = anchors(model, NODE, (64, 64), (64, 64), (64, 64))
    means = np.stack([[answers(PICTURES, n, unit).mean() for unit in UNITS] for n in NUMBERS])
    wrong = ((0, "car"), (0, "plain"), (1, "red"), (1, "shape"), (1, "white"))
    cases = [(unit, concepts.names.index(name)) for unit, name in wrong]
    court = Court(model, NODE, PICTURES, concepts, result.thresholds, grid, np.arange(100), means, shown, cases)
    for unit, concept in cases:
        assert not court.trial(unit, concept).agrees, (unit, concepts.names[concept])


def test_a_trial_that_was_stopped_goes_on_to_the_same_bits() -> None:
    settings = {"node": NODE, "quantile": 0.03, "untrained": 0, "rotate": False, "length": 1, "trial": True}
    listed = list(dissection.each(planted_model(), EncodedScenes(40), **settings))
    assert [len(result.trials) for result in listed[-3:]] == sorted({len(result.trials) for result in listed})[-3:]
    *_, last = dissection.each(planted_model(), EncodedScenes(40), **settings, state=listed[-3].state)
    np.testing.assert_equal(last.trials, listed[-1].trials)
    assert last.done == last.total == listed[-1].done


# ------------------------------------------------------------------ real nets


@pytest.fixture(scope="module")
def scenes() -> Model:
    return load_model("scenes")


def test_iou_of_a_net_with_coarse_maps_against_brute_force(scenes) -> None:
    """PyTorch enlarges the maps, whose units here look at evenly spaced places; sorting gives the thresholds."""
    torch = pytest.importorskip("torch")
    count = 40
    result = dissection(scenes, f"scenes:{count}", untrained=0, rotate=False, length=1)
    pictures = as_pictures(f"scenes:{count}")
    concepts = concepts_of(pictures)
    maps = np.concatenate([scenes.net.forward(scenes.preprocess(pictures[n]))["relu5"] for n in range(count)])
    thresholds = np.sort(maps.transpose(1, 0, 2, 3).reshape(96, -1), axis=1)[:, ::-1][:, int(0.005 * count * 256)]
    np.testing.assert_allclose(result.thresholds, thresholds, rtol=1e-5)
    enlarged = torch.nn.functional.interpolate(torch.from_numpy(maps), (64, 64), mode="bilinear").numpy()
    over = enlarged > thresholds[:, None, None]
    masks = np.stack([concepts.masks(number) for number in range(count)])
    for unit in range(0, 96, 7):
        for concept in range(0, len(concepts), 5):
            one, other = over[:, unit], masks[:, concept]
            expected = (one & other).sum() / max((one | other).sum(), 1)
            assert result.ious[unit, concept] == pytest.approx(expected, abs=0.003)


@pytest.mark.nightly
def test_at_most_a_twentieth_of_a_random_nets_units_is_more_than_chance(scenes) -> None:
    significant = []
    for seed in range(3):
        model = dataclasses.replace(scenes, net=scenes_net(seed=seed))
        result = dissection(model, "scenes:200", rotate=False, length=1, seed=100 + seed)
        significant.append(result.significant.mean())
    assert max(significant) <= 0.05
    assert dissection(scenes, "scenes:200", rotate=False, length=1).significant.mean() > 0.4  # the test can fail


@pytest.mark.nightly
def test_the_labels_of_the_scenes_net_stand_and_a_random_basis_has_fewer(scenes) -> None:
    result = dissection(scenes, "scenes:1000", untrained=0, trial=True)
    assert len(result.trials) == len(result.detectors) >= 10
    assert sum(trial.agrees for trial in result.trials) >= 0.8 * len(result.trials)
    assert (result.rotated >= 0.04).sum() < len(result.detectors)
    assert set(result.unique(result.concept, result.iou)) >= {"kind", "part"}


def test_any_number_of_workers_gives_the_same_bits(scenes) -> None:
    settings = {"length": 1, "untrained": 0, "resolution": 32}
    alone, together = (dissection(scenes, "scenes:130", workers=workers, **settings) for workers in (1, 2))
    for field in dataclasses.fields(alone):
        if field.name != "state":
            np.testing.assert_equal(getattr(alone, field.name), getattr(together, field.name))


# ------------------------------------------------------------------ a folder of pictures with masks


def export(place: Path, count: int = 40, kinds: bool = True) -> Path:
    """Scenes as files, with the kinds as masks of numbers or, of some, as folders of black and white ones."""
    pictures = as_pictures(f"scenes:{count}")
    concepts = concepts_of(pictures)
    (place / "photos").mkdir(parents=True)
    (place / "masks").mkdir()
    for number in range(count):
        Image.fromarray(pictures[number]).save(place / "photos" / f"{number:03}.png")
        scene = pictures.scene(number)
        if kinds:
            Image.fromarray(scene.kind_map).save(place / "masks" / f"{number:03}.png")
            continue
        for name in ("car", "house", "wheel", "window"):
            (place / "masks" / name).mkdir(exist_ok=True)
            Image.fromarray(scene.where(name).astype(np.uint8) * 255).save(place / "masks" / name / f"{number:03}.png")
    if kinds:
        lines = [f"{i},{name},kind" for i, name in enumerate(concepts.names[1:23], start=1)]
        (place / "concepts.csv").write_text("\n".join(["number,name,category", *lines]))
    return place


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    return export(tmp_path_factory.mktemp("exported"))


SHORT = {"untrained": 0, "rotate": False, "length": 2}


def test_masks_of_numbers_give_what_the_scenes_give(scenes, exported) -> None:
    drawn, read = (dissection(scenes, source, **SHORT) for source in ("scenes:40", str(exported)))
    kinds = [drawn.names.index(name) for name in read.names]
    np.testing.assert_array_equal(read.ious, drawn.ious[:, kinds])
    assert set(read.categories) == {"kind"}


def test_overlapping_masks_too(scenes, tmp_path) -> None:
    drawn, read = (dissection(scenes, s, **SHORT) for s in ("scenes:40", str(export(tmp_path / "a", kinds=False))))
    assert read.names == ("car", "house", "wheel", "window")
    np.testing.assert_array_equal(read.ious, drawn.ious[:, [drawn.names.index(name) for name in read.names]])
    trial = dissection(scenes, str(tmp_path / "a"), trial=True, **SHORT)
    assert all(verdict.scenes == 0 for verdict in trial.trials)  # photos cannot be drawn anew


def test_missing_broken_and_smaller_masks_are_named(scenes, tmp_path) -> None:
    place = export(tmp_path / "a")
    (place / "masks" / "000.png").unlink()
    (place / "masks" / "001.png").write_bytes(b"\x89PNG")
    mask = Image.open(place / "masks" / "002.png").resize((32, 32), Image.Resampling.NEAREST)
    mask.save(place / "masks" / "002.png")
    (place / "photos" / "003.png").write_bytes(b"no picture")
    result = dissection(scenes, str(place), **SHORT)
    notes = " ".join(result.notes)
    assert "2 of 40 pictures have no mask that can be read and count for nothing: 000.png, 001.png." in notes
    assert (
        "1 masks have another size than their pictures, of the same proportions, and were brought to it: 002" in notes
    )
    assert "1 picture could not be read and was left out: 003.png." in notes
    assert result.count == 37


def test_without_masks_it_says_what_is_needed(tmp_path, capsys) -> None:
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(tmp_path / "a.png")
    assert main(["dissection", "--model", "scenes", "--pictures", str(tmp_path), "--out", str(tmp_path / "o.png")]) == 2
    error = capsys.readouterr().err
    assert "nothing says so of" in error
    assert "concepts.csv (number,name,category)" in error
    assert not (tmp_path / "o.png").exists()


def test_a_mask_of_another_shape_or_number_ends_in_a_sentence(scenes, tmp_path) -> None:
    place = export(tmp_path / "a", 4)
    Image.fromarray(np.zeros((64, 30), np.uint8)).save(place / "masks" / "001.png")
    with pytest.raises(DataFileError, match=r"001\.png has 64 x 30 pixels, but its picture 001\.png has 64 x 64"):
        dissection(scenes, str(place), **SHORT)
    Image.fromarray(np.full((64, 64), 99, np.uint8)).save(place / "masks" / "001.png")
    with pytest.raises(DataFileError, match="has the number 99 at row 0, column 0"):
        dissection(scenes, str(place), **SHORT)
    for path in (place / "masks").iterdir():
        Image.fromarray(np.full((64, 64), 255, np.uint8)).save(path)
    with pytest.raises(DataFileError, match="No pixel of a is labelled"):
        dissection(scenes, str(place), **SHORT)


BAD = [
    ({"node": "relu9"}, NetError, "near nodes: relu"),
    ({"node": "logits"}, SettingError, "'logits' has no maps but 22 numbers"),
    ({"node": "input"}, SettingError, "dissection asks where a unit answers|is not computed"),
    ({"quantile": 0.0}, SettingError, "above 0 and below 1"),
    ({"iou": 2.0}, SettingError, "iou is a share"),
    ({"length": 9}, SettingError, "length"),
    ({"beam": 0}, SettingError, "beam"),
    ({"resolution": 4}, SettingError, "resolution"),
    ({"untrained": -1}, SettingError, "untrained"),
]


@pytest.mark.parametrize(("settings", "error", "words"), BAD, ids=str)
def test_bad_settings_get_a_sentence(scenes, settings, error, words) -> None:
    with pytest.raises(error, match=words):
        dissection(scenes, "scenes:10", **settings)


# ------------------------------------------------------------------ what is written


def test_the_page_has_every_unit_and_needs_no_network(planted, tmp_path) -> None:
    page = planted.save(tmp_path / "a.html").read_text(encoding="utf-8")
    for number in range(len(UNITS)):
        assert f'id="unit{number}"' in page
    assert not re.search(r"""(src|href)=["']?https?:""", page)
    assert page.count("data:image/webp") == len(UNITS)
    assert "red OR blue" in page or "blue OR red" in page


def test_its_numbers_are_written(planted, tmp_path) -> None:
    numbers = json.loads(planted.save(tmp_path / "a.json").read_text())
    assert numbers["meanings"] == list(planted.meanings)
    np.testing.assert_allclose(numbers["iou"], planted.iou)


def test_units_look_where_their_fields_are() -> None:
    """A convolution without padding sees the middle first: its unit at 0 stands two pixels in."""
    delta = np.zeros((1, 3, 5, 5))
    delta[0, :, 2, 2] = 1
    layers = [("conv", Conv2d(delta, np.zeros(1))), ("relu", ReLU()), ("gap", GlobalAvgPool2d()), ("flat", Flatten())]
    net = Net([*layers, ("fc", Linear(np.ones((2, 1))))])
    grid = anchors(Model.from_net(net, 20), "relu", (16, 16), (20, 20), (20, 20))
    assert grid.exact
    maps = np.random.default_rng(0).random((3, 16, 16)).astype(np.float32)
    np.testing.assert_allclose(grid.enlarged(maps), np.pad(maps, ((0, 0), (2, 2), (2, 2)), mode="edge"), atol=1e-6)


@pytest.mark.parametrize("name", ["dissection", "unit-field"])
def test_of_a_net_that_keeps_the_photos_size_it_asks_for_one_size(name: str) -> None:
    model = load_model("scenes")
    keeping = model.with_reader(dataclasses.replace(model.preprocessing, resize="keep"))
    technique = get_technique(name)
    assert "--resize crop" in str(technique.refuses(keeping))
    with pytest.raises(SettingError, match="takes photos as large as they are"):
        technique.run_on(keeping, "scenes:4")
