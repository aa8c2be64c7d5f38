"""Correspondence: the paper's sum by brute force, a net that is known to find parts, scenes, and bad input."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.data.pictures import ScenePictures
from minitorch_viz.data.scenes.scene import find_concept
from minitorch_viz.errors import DataFileError, MinitorchVizError, NetError, SettingError
from minitorch_viz.io.images import save_png
from minitorch_viz.layers import Conv2d, Flatten, GlobalAvgPool2d, Linear
from minitorch_viz.techniques.activations._correspondence_measure import over_pairs, signs_of
from minitorch_viz.techniques.activations._correspondence_parts import middle_of, parts_in
from minitorch_viz.techniques.activations.correspondence import RANDOM, SHARED, correspondence


@pytest.fixture(scope="module")
def colours() -> Model:
    """Twelve codes: how much red, green and blue is in the picture, each with and without a sign and mixed."""
    mix = np.random.default_rng(0).standard_normal((9, 3))
    weight = np.concatenate([np.eye(3), mix])[:, :, None, None]
    layers = [("conv", Conv2d(weight)), ("gap", GlobalAvgPool2d()), ("flat", Flatten()), ("fc", Linear(np.eye(12)))]
    return Model.from_net(Net(layers), 16)


def squares(count: int) -> tuple[list[np.ndarray], list[tuple[tuple[int, int], tuple[int, int]]]]:
    """Black pictures with a red and a blue square of 4 x 4 pixels at places of their own, and their middles."""
    rng, images, places = np.random.default_rng(5), [], []
    for _ in range(count):
        red, blue = (
            (int(rng.integers(0, 12)), int(rng.integers(0, 5))),
            (int(rng.integers(0, 12)), int(rng.integers(8, 13))),
        )
        image = np.zeros((16, 16, 3), np.uint8)
        for (row, column), channel in ((red, 0), (blue, 2)):
            image[row : row + 4, column : column + 4, channel] = 255
        images.append(image)
        places.append((red, blue))
    return images, places


def table(tmp_path, places, name="parts.csv"):
    lines = ["file,part,row,column"]
    for number, corners in enumerate(places):
        for part, (row, column) in zip(("red", "blue"), corners, strict=True):
            lines.append(f"{number},{part},{row + 1.5},{column + 1.5}")
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_sum_over_pairs_is_the_papers() -> None:
    """Delta = sum over i != j of the Hamming distance of the signs; here its mean over pairs and units."""
    rng = np.random.default_rng(0)
    signs = rng.integers(-1, 2, (6, 50))
    pairs = np.array([[(signs[i] != signs[j]).mean() for j in range(6)] for i in range(6)])
    delta = sum(int((signs[i] != signs[j]).sum()) for i in range(6) for j in range(6) if i != j)
    mean = over_pairs(pairs)
    assert mean.values == pytest.approx(delta / (6 * 5 * 50))
    without = []
    for k in range(6):
        kept = [i for i in range(6) if i != k]
        without.append(np.mean([pairs[i, j] for i in kept for j in kept if i != j]))
    assert mean.errors == pytest.approx(np.sqrt(5 / 6 * ((without - np.mean(without)) ** 2).sum()))


def test_rounding_is_no_change() -> None:
    codes = np.array([[1.0, -2.0, 0.5, 0.0]], np.float32)
    changed = codes + np.array([[1e-7, 0.1, -0.1, 0]], np.float32)
    np.testing.assert_array_equal(signs_of(codes, changed), [[0, -1, 1, 0]])


def test_a_net_that_sees_colours_finds_what_corresponds(colours, tmp_path) -> None:
    """Covering the red square lowers the same codes wherever it is; a random place now one, now the other, or none."""
    images, places = squares(10)
    result = correspondence(colours, images, parts=table(tmp_path, places), layers="flat,conv", size=25, fill="black")
    assert result.conditions == ("red", "blue", RANDOM, SHARED)
    np.testing.assert_array_equal(result.values[:2, 0], 0)
    assert (result.values[2:, 0] > 0.2).all()
    assert "covering changes the codes alike for red 0.000, blue 0.000" in result.notes[0]
    assert result.values[0, 1] > 0.05  # a code with places changes where the square is
    assert result.done == result.total == 10


def test_it_equals_a_plain_loop(colours, tmp_path) -> None:
    images, places = squares(5)
    result = correspondence(colours, images, parts=table(tmp_path, places), layers="fc", size=25, draws=1)
    epsilons = []
    for image, (red, _) in zip(images, places, strict=True):
        copy = image.copy()
        copy[red[0] : red[0] + 4, red[1] : red[1] + 4] = 128
        epsilons.append(colours.net.predict(colours.preprocess(image)) - colours.net.predict(colours.preprocess(copy)))
        shown = result.masked[0, len(epsilons) - 1]
        np.testing.assert_array_equal(shown, copy)
    signs = [np.sign(np.where(np.abs(e) < 1e-7, 0, e))[0] for e in epsilons]
    delta = np.mean([(signs[i] != signs[j]).mean() for i in range(5) for j in range(5) if i != j])
    assert result.values[0, 0] == pytest.approx(delta)


def test_the_same_picture_twice_changes_alike_but_at_random_places(colours) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (16, 16, 3), np.uint8)
    result = correspondence(colours, [image] * 4, layers="conv")
    assert (result.values[:3] == 0).all()
    assert result.values[-1, 0] == 0
    assert result.values[-2, 0] > 0
    assert any("No parts are known" in note for note in result.notes)


def test_the_parts_of_scenes_are_where_the_scene_says() -> None:
    pictures, seen = ScenePictures(200), 0
    for number in range(200):
        scene = pictures.scene(number)
        places = parts_in(scene, "car")
        if places is None:
            continue
        seen += 1
        for part in ("window", "wheel"):
            row, column = places[part]
            near = scene.part_map[max(int(row) - 1, 0) : int(row) + 3, max(int(column) - 1, 0) : int(column) + 3]
            assert (near == find_concept(part)[1]).any()
    assert seen >= 5
    mask = np.zeros((6, 8), bool)
    mask[0, 0] = mask[2:4, 3:6] = True
    assert middle_of(mask) == (2.5, 4.0)
    assert middle_of(np.zeros((3, 3), bool)) is None


def test_the_scenes_nets_last_layers_know_the_parts_of_a_face() -> None:
    result = correspondence(load_model("scenes"), "scenes:300", layers="gap,logits", most=12)
    assert result.kind == "face"
    assert (result.gains > 2 * result.gain_errors).all()
    assert (result.fixed_gains > 0.05).all()


def test_its_results_come_picture_by_picture(colours) -> None:
    images, _ = squares(6)
    results = list(correspondence.each(colours, images, layers="fc"))
    assert results[0].done == 2
    assert np.isnan(results[0].errors).all()
    assert results[0].notes[0] == "This is the result after 2 of 6 pictures."
    assert results[-1].done == 6
    again = correspondence(colours, images, layers="fc")
    np.testing.assert_array_equal(results[-1].values, again.values)


def test_a_broken_picture_is_left_out_and_named(colours, tmp_path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    images, _ = squares(4)
    for number, image in enumerate(images):
        save_png(image, folder / f"{number}.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    result = correspondence(colours, folder, layers="fc")
    assert result.done == result.total == 4
    assert any("1 picture could not be read and was left out: broken.png" in note for note in result.notes)


BAD = {
    "an unknown node": ({"layers": "fcc"}, NetError, "fcc"),
    "a kind of pictures without labels": ({"kind": "dog"}, SettingError, "no labels.*dog"),
    "one picture": ({"most": 1}, SettingError, "from 2 to 50"),
    "no draws": ({"draws": 0}, SettingError, "random places"),
    "an unknown fill": ({"fill": "pink"}, SettingError, "pink"),
    "a square of nothing": ({"size": 0}, SettingError, "percent"),
}


@pytest.mark.parametrize(("settings", "kind", "message"), BAD.values(), ids=list(BAD))
def test_bad_settings_are_told_in_a_sentence(colours, settings, kind, message) -> None:
    with pytest.raises(MinitorchVizError, match=message) as caught:
        correspondence(colours, squares(3)[0], **settings)
    assert isinstance(caught.value, kind)


def test_bad_tables_are_told_in_a_sentence(colours, tmp_path) -> None:
    images, places = squares(3)
    path = tmp_path / "bad.csv"
    for text, message in (
        ("0,eye,3", "line 1: a line is file,part,row,column"),
        ("0,eye,3,x", "line 1"),
        ("nobody,eye,3,4", "of no picture.*arrays 0"),
        ("0,eye,3,4", "has 1 with the parts eye"),
    ):
        path.write_text(text)
        with pytest.raises(DataFileError, match=message):
            correspondence(colours, images, parts=path)
    with pytest.raises(DataFileError, match=r"nowhere\.csv"):
        correspondence(colours, images, parts=tmp_path / "nowhere.csv")
    path.write_text(table(tmp_path, places).read_text().replace(",", ";") + "7;red;1;1\n")
    result = correspondence(colours, images, parts=path, layers="fc")
    assert any("1 of its names are no picture's, such as '7'" in note for note in result.notes)


def test_scenes_of_a_kind_that_is_not_there(colours) -> None:
    with pytest.raises(SettingError, match="no 'dog'"):
        correspondence(colours, "scenes:10", kind="dog")
    with pytest.raises(DataFileError, match=r"has [01] of the kind 'rocket'"):
        correspondence(colours, "scenes:2", kind="rocket")


def test_by_default_no_layer_is_a_copy_of_another(colours) -> None:
    images, _ = squares(3)
    assert correspondence(colours, images).layers == ("conv", "gap", "fc")
    result = correspondence(load_model("scenes"), "scenes:60", most=3)
    assert result.layers == ("relu3", "relu5", "gap", "logits")
    result = correspondence(load_model("allcnn"), "scenes:60", most=3)  # its scores are the pooled maps themselves
    assert result.layers[-1] == "logits"
    assert "gap" not in result.layers
