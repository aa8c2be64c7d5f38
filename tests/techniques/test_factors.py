"""Factors: what is planted comes out, the sums are right, and the names are the net's own."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.data.scenes import scene
from minitorch_viz.errors import MinitorchVizError, NetError, SettingError
from minitorch_viz.layers import Conv2d, Flatten, GlobalAvgPool2d, Linear, ReLU
from minitorch_viz.models.samples import sample_digit
from minitorch_viz.techniques.activations._factors_parts import parts_of
from minitorch_viz.techniques.activations.factors import factors

RNG = np.random.default_rng(2)


def coloured(*corners: tuple[int, int, int]) -> np.ndarray:
    """A picture of four flat corners, in colours of 0 and 255."""
    picture = np.zeros((12, 12, 3), np.uint8)
    for number, colour in enumerate(corners):
        row, column = divmod(number, 2)
        picture[6 * row : 6 * row + 6, 6 * column : 6 * column + 6] = colour
    return picture


RED, GREEN, BLUE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0)


@pytest.fixture
def colours() -> Model:
    """Six channels that are sums of red, green and blue; class c is what mixture c of the channels is."""
    mixing = np.array([[1, 0, 0], [2, 0, 0], [0, 1, 0], [0, 3, 0], [0, 0, 1], [0, 0, 2]], np.float32)
    head = np.array([[1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 0, 0]], np.float32)
    net = Net(
        [
            ("conv", Conv2d(mixing[:, :, None, None])),
            ("relu", ReLU()),
            ("gap", GlobalAvgPool2d()),
            ("flat", Flatten()),
            ("fc", Linear(head, np.array([5, 0, -5, 0], np.float32))),
        ]
    )
    return Model.from_net(net, 12, class_names=["red", "green", "blue", "nothing"])


def test_planted_concepts_come_out_in_every_photo(colours) -> None:
    """Three colours in two photos: each factor is a colour, its map the colour's corners, its name the colour's."""
    photos = [coloured(RED, GREEN, BLACK, RED), coloured(BLUE, BLACK, GREEN, GREEN)]
    result = factors(colours, photos, components=3)
    assert result.error < 1e-3
    assert {names[0] for names in result.names} == {"red", "green", "blue"}
    for k, (name, *others) in enumerate(result.names):
        assert others == []
        channel = ["red", "green", "blue"].index(name)
        for maps, photo in zip(result.maps, photos, strict=True):
            expected = photo[:, :, channel] > 0
            np.testing.assert_allclose(maps[k] / result.tops[k], expected, atol=1e-2)
    green = [names[0] for names in result.names].index("green")
    np.testing.assert_allclose(result.directions[green], np.array([0, 0, 1, 3, 0, 0]) / 10**0.5, atol=1e-2)
    weights = {"red": 2 * 3, "green": 3 * 4, "blue": 1 * 3}  # corners times the sum of the channels
    total = sum(weights.values())
    for names, share in zip(result.names, result.shares, strict=True):
        assert share == pytest.approx(weights[names[0]] / total, abs=1e-3)
    assert list(result.shares) == sorted(result.shares, reverse=True)


def test_the_sums_are_what_the_caption_says() -> None:
    """W H against the activations; the error against its formula, and the bound against the singular values."""
    model = load_model("scenes")
    photos = [scene(i).image for i in range(3)]
    result = factors(model, photos, components=4)
    x = np.concatenate([model.preprocess(photo) for photo in photos])
    maps = model.net.predict(x, upto="relu5")
    values = maps.transpose(0, 2, 3, 1).reshape(-1, 96)
    strengths = np.concatenate([one.reshape(4, -1).T for one in result.maps])
    assert (strengths >= 0).all()
    assert (result.directions >= 0).all()
    np.testing.assert_allclose(np.linalg.norm(result.directions, axis=1), 1)
    error = np.linalg.norm(values - strengths @ result.directions) / np.linalg.norm(values)
    assert result.error == pytest.approx(error, rel=1e-5)
    masses = (strengths[:, :, None] * result.directions).sum(axis=(0, 2))
    np.testing.assert_allclose(result.shares, masses / masses.sum())
    singular = np.linalg.svd(values.astype(np.float64), compute_uv=False)
    least = np.sqrt((singular[4:] ** 2).sum() / (singular**2).sum())
    assert result.least == pytest.approx(least, rel=1e-4)
    assert least <= result.error < 1.1 * least
    assert f"{result.error:.1%}" in result.caption


def test_it_is_a_minimum_of_the_error(rng) -> None:
    """Karush, Kuhn and Tucker: the gradient is 0 where a number is positive, and not negative where it is 0."""
    values = np.maximum(rng.standard_normal((40, 12)), 0)
    parts = parts_of(values, 3, seed=0)
    rest = parts.strengths @ parts.directions - values
    scale = np.abs(values).sum()
    for numbers, slopes in ((parts.strengths, rest @ parts.directions.T), (parts.directions, parts.strengths.T @ rest)):
        assert np.abs(slopes[numbers > 1e-6]).max() < 1e-3 * scale
        assert slopes[numbers <= 1e-6].min(initial=0) > -1e-3 * scale


def test_of_averaged_maps_the_names_are_the_heads_weights() -> None:
    model = load_model("scenes")
    photos = [scene(i).image for i in (3, 4)]
    result = factors(model, photos)
    strengths = np.mean([maps.mean(axis=(1, 2)) for maps in result.maps], axis=0)
    expected = strengths[:, None] * (result.directions @ model.net["logits"].layer.weight.T)
    np.testing.assert_allclose(result.rises, expected, atol=1e-4)


def test_what_is_negative_is_shifted_and_told(digits) -> None:
    """A convolution without its ReLU: the channels' smallest values are taken off, and put back for the names."""
    result = factors(digits, [sample_digit(3), sample_digit(8)], layer="conv2")
    x = np.concatenate([digits.preprocess(sample_digit(d)) for d in (3, 8)])
    maps = digits.net.predict(x, upto="conv2")
    np.testing.assert_allclose(result.lows, np.minimum(maps.min(axis=(0, 2, 3)), 0), atol=1e-6)
    assert "taken off" in result.notes[0]
    rows = result.lows[:, None, None] + np.tensordot(result.directions.T, result.maps[0], 1)
    assert np.linalg.norm(rows - maps[0]) < np.linalg.norm(result.lows[:, None, None] - maps[0])
    alone = result.lows[:, None, None] + result.directions[1][:, None, None] * np.stack(result.maps)[:, 1][:, None]
    nothing = np.broadcast_to(result.lows[:, None, None], alone.shape)
    scores = [digits.net.predict(given={"conv2": v.astype(np.float32)}, upto="logits") for v in (alone, nothing)]
    np.testing.assert_allclose(result.rises[1], (scores[0] - scores[1]).mean(axis=0), atol=1e-3)


def test_the_seed_repeats_and_the_order_of_photos_does_not_matter() -> None:
    model = load_model("scenes")
    photos = [scene(i).image for i in range(3)]
    first, again = (factors(model, photos, seed=4) for _ in range(2))
    np.testing.assert_array_equal(first.directions, again.directions)
    turned = factors(model, photos[::-1], seed=4)
    np.testing.assert_allclose(turned.error, first.error, rtol=0.02)
    matches = (first.directions @ turned.directions.T).max(axis=1)  # cosines
    assert np.median(matches) > 0.95


@pytest.mark.parametrize("name", ["googlenet", "squeezenet"])
def test_two_animals_are_two_factors(request, shared_data, name: str) -> None:
    """An elephant alone, a zebra alone, and both: what is named by each is where it is."""
    model = request.getfixturevalue(name)
    photos = [shared_data / "photos" / f"{each}.jpg" for each in ("elephant", "zebra", "elephant_zebra")]
    result = factors(model, photos, components=4)
    elephants = {"tusker", "African elephant", "Indian elephant"}
    elephant = next(k for k, names in enumerate(result.names) if elephants & set(names[:1]))
    zebras = [k for k, names in enumerate(result.names) if names[0] == "zebra"]
    means = np.array([maps.mean(axis=(1, 2)) for maps in result.maps])  # (photos, k)
    assert means[0, elephant] > 2 * means[1, elephant]
    assert means[1, zebras].sum() > 2 * means[0, zebras].sum()


def test_nothing_to_show_is_told(colours, digits) -> None:
    black = factors(colours, coloured(BLACK, BLACK, BLACK, BLACK), components=2)
    assert black.blank == "no unit of relu fired"
    assert "blank because no unit" in black.notes[0]
    black._repr_png_()
    few = factors(colours, coloured(BLACK, RED, RED, BLUE), components=8)
    assert len(few.shares) == 6
    assert "6 factors, and not the 8" in " ".join(few.notes)
    red = factors(colours, coloured(RED, RED, RED, BLACK), components=2)
    assert "Nothing is left for factor 2" in " ".join(red.notes)
    red._repr_png_()
    broken = digits.net.with_params({"conv1.weight": np.full_like(digits.net.params["conv1.weight"], np.nan)})
    import dataclasses

    result = factors(dataclasses.replace(digits, net=broken), sample_digit())
    assert "conv1.weight" in result.notes[0]
    result._repr_png_()


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"components": 0}, SettingError, "number of factors"),
        ({"components": 9}, SettingError, "number of factors"),
        ({"seed": -1}, SettingError, "seed"),
        ({"layer": "relu9"}, NetError, "relu"),
        ({"layer": "logits"}, SettingError, "does not lead|no maps"),
    ],
)
def test_bad_settings_get_a_sentence(digits, settings, error, words: str) -> None:
    with pytest.raises(MinitorchVizError, match=words) as caught:
        factors(digits, sample_digit(), **settings)
    assert isinstance(caught.value, error)
    with pytest.raises(SettingError, match="1 to 24"):
        factors(digits, [sample_digit()] * 25)
