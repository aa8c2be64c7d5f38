"""A unit's field on nets whose answer is known, and against whole forward passes."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.errors import DataFileError, NetError, SettingError
from minitorch_viz.layers import AvgPool2d, Conv2d, GlobalAvgPool2d, ReLU
from minitorch_viz.techniques import unit_field
from minitorch_viz.techniques.activations._unit_field_measure import Squares, over_pixels, recentred


def planted(reach: int = 3) -> Model:
    """A unit that could see 15 x 15 pixels but adds up `reach` x `reach` in their middle; and one that is silent."""
    weight = np.zeros((2, 1, 15, 15))
    weight[0, 0, 7 - reach // 2 : 8 + reach // 2, 7 - reach // 2 : 8 + reach // 2] = 1
    net = Net([("conv", Conv2d(weight, None, 1, 7)), ("relu", ReLU()), ("gap", GlobalAvgPool2d())])
    return Model.from_net(net, (1, 40, 48), scores="maps")


def spots(*places: tuple[int, int]) -> list[np.ndarray]:
    """Pictures with one bright square of 5 x 5 around a place each; those that come later are brighter."""
    pictures = []
    for number, (row, column) in enumerate(places):
        picture = np.zeros((40, 48, 1), np.uint8)
        picture[row - 2 : row + 3, column - 2 : column + 3] = 100 + 20 * number
        pictures.append(picture)
    return pictures


@pytest.mark.parametrize("reach", [3, 5])
def test_the_field_is_the_part_that_a_unit_uses(reach: int) -> None:
    """Wherever its pictures excite it: the changes lie around the unit, and end where its weights do."""
    pictures = spots((10, 12), (20, 30), (30, 8))
    result = unit_field(planted(reach), pictures, node="relu", top=3, size=1, stride=1, fill="black")
    assert result.channel == 0
    assert result.numbers.tolist() == [2, 1, 0]
    bright = np.array([[30, 8], [20, 30], [10, 12]])
    assert (np.abs(result.places - bright) <= (5 - reach) // 2).all()  # of 3 x 3 there are several alike
    assert result.box_sides == (15, 15)
    middle = np.array(result.field.shape) // 2
    expected = np.zeros(result.field.shape)
    half = reach // 2
    expected[middle[0] - half : middle[0] + half + 1, middle[1] - half : middle[1] + half + 1] = (1 / reach**2) ** 2
    np.testing.assert_allclose(result.field, expected, atol=1e-12)
    assert result.spread.side == pytest.approx(reach, rel=0.05)
    np.testing.assert_allclose(result.spread.sigma, ((reach**2 - 1) / 12) ** 0.5, rtol=1e-6)


def test_segments_are_where_the_unit_answers() -> None:
    """Of a unit that adds up 3 x 3 pixels of a bright square of 5 x 5: where at least half of them are bright."""
    result = unit_field(planted(), spots((10, 12)), node="relu", top=1, size=5, stride=5)
    rows, columns = np.nonzero(result.masks[0])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (8, 12, 10, 14)


def test_a_pooled_map_is_enlarged_from_the_middles_of_its_fields() -> None:
    """Offset and stride count: a map that is stretched over the picture would lie elsewhere."""
    net = Net([("conv", Conv2d(np.ones((1, 1, 9, 9)), None, 4)), ("relu", ReLU()), ("pool", AvgPool2d(1)),
               ("gap", GlobalAvgPool2d())])  # fmt: skip
    model = Model.from_net(net, (1, 41, 41), scores="maps")
    picture = np.zeros((41, 41, 1), np.uint8)
    picture[20, 20] = 255
    result = unit_field(model, [picture], node="relu", top=1, size=5, stride=5)
    rows, columns = np.nonzero(result.maps[0] >= result.maps[0].max() - 1e-9)
    assert (rows.mean(), columns.mean()) == (20, 20)


def test_changes_are_those_of_whole_forward_passes() -> None:
    model = load_model("cifar10")
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (32, 32, 3)).astype(np.uint8) for _ in range(5)]
    result = unit_field(model, pictures, node="relu4", channel=3, top=2, size=5, stride=4, fill="grey")
    grey = model.preprocess(np.full((32, 32, 3), 128, np.uint8))
    for rank in range(2):
        x = model.preprocess(pictures[result.numbers[rank]])
        row, column = result.places[rank]
        answer = model.net.forward(x)["relu4"][0, 3]
        assert answer.max() == pytest.approx(result.values[rank])
        assert answer[row, column] == answer.max()
        for i, top in enumerate(result.tops):
            for j, left in enumerate(result.lefts):
                covered = x.copy()
                part = (..., slice(max(top, 0), top + 5), slice(max(left, 0), left + 5))
                covered[part] = grey[part]
                value = float(model.net.forward(covered)["relu4"][0, 3, row, column])
                expected = (value / answer.max() - 1) ** 2
                np.testing.assert_allclose(result.changes[rank, i, j], expected, rtol=1e-3, atol=1e-9)


def test_maps_are_laid_over_each_other_by_their_units() -> None:
    """Against a loop over pixels; what is outside of a picture counts for nothing."""
    rng = np.random.default_rng(0)
    squares = Squares.on((9, 12), 3, 2, "black", 0)
    changes = rng.uniform(size=(3, len(squares.tops), len(squares.lefts)))
    changes[1, -1] = np.nan
    centres = [(0.0, 11.0), (4.0, 5.0), (8.0, 0.0)]
    field, count = recentred(changes, centres, squares, (9, 12))
    assert field.shape == (19, 25)
    for down in range(-9, 10):
        for across in range(-12, 13):
            values = []
            for picture, (row, column) in zip(changes, centres, strict=True):
                y, x = int(row) + down, int(column) + across
                if 0 <= y < 9 and 0 <= x < 12:
                    over = [
                        picture[i, j]
                        for i, top in enumerate(squares.tops)
                        for j, left in enumerate(squares.lefts)
                        if top <= y < top + 3 and left <= x < left + 3 and not np.isnan(picture[i, j])
                    ]
                    values += [np.mean(over)] if over else []
            assert count[9 + down, 12 + across] == len(values)
            assert field[9 + down, 12 + across] == pytest.approx(np.mean(values) if values else 0)
    assert over_pixels(changes[0], squares.tops, squares.lefts, 3, (9, 12))[1].all()


def test_squares_outside_of_the_box_are_not_asked() -> None:
    result = unit_field(planted(), spots((10, 12)), node="relu", top=1, size=3, stride=3)
    box = result.boxes[0]
    asked = sum(
        top + 3 > box[0] and top < box[2] and left + 3 > box[1] and left < box[3]
        for top in result.tops for left in result.lefts
    )  # fmt: skip
    assert asked < result.changes.size / 2
    assert result.total == 1 + asked
    assert not np.isnan(result.changes).any()


def test_a_silent_unit_and_broken_pictures_are_said(tmp_path) -> None:
    result = unit_field(planted(), spots((10, 12)), node="relu", channel=1, size=5, stride=5)
    assert not result.masks.any()
    assert any("answers to no picture" in note for note in result.notes)
    from PIL import Image

    for number, picture in enumerate(spots((10, 12), (20, 20))):
        Image.fromarray(picture[..., 0]).save(tmp_path / f"{number}.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    result = unit_field(planted(), tmp_path, node="relu", size=5, stride=5)
    assert any("random order" in note for note in result.notes)  # the squares are noise
    assert any("broken.png" in note for note in result.notes)
    assert len(result.values) == 2
    for path in tmp_path.glob("[01].png"):
        path.write_bytes(b"no picture")
    with pytest.raises(DataFileError, match="None of the 3 pictures"):
        unit_field(planted(), tmp_path, node="relu")


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"node": "relu22"}, NetError, "relu2"),
        ({"node": "logits"}, SettingError, "maps"),
        ({"channel": 999}, SettingError, "channel"),
        ({"threshold": 1.5}, SettingError, "threshold"),
        ({"fill": "plaid"}, SettingError, "plaid"),
        ({"top": 0}, SettingError, "top"),
        ({"size": 99}, SettingError, "size"),
        ({"stride": 0}, SettingError, "stride"),
    ],
)
def test_bad_settings_get_a_sentence(digits, settings, error, words) -> None:
    with pytest.raises(error, match=words):
        unit_field(digits, "scenes:3", **settings)


def test_a_net_without_maps_is_refused() -> None:
    from minitorch_viz.techniques import get_technique

    assert "convolutions" in get_technique("unit-field").refuses(load_model("faces"))
