"""Occlusion's further maps: several classes, where covering helps, what the square shows, and the strongest map."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.data.scenes import scene
from minitorch_viz.errors import NetError, SettingError
from minitorch_viz.layers import Conv2d, Flatten, GlobalAvgPool2d, Linear, ReLU
from minitorch_viz.models.samples import sample_digit
from minitorch_viz.techniques import run
from minitorch_viz.techniques.activations._occlusion_fills import filling
from minitorch_viz.techniques.activations._occlusion_rises import outline
from minitorch_viz.techniques.activations.occlusion import TECHNIQUE, occlusion
from minitorch_viz.techniques.gradients.deconvnet import deconvnet


@pytest.fixture(scope="module")
def rivals() -> Model:
    """Class 0 is the red light in the picture, class 1 the blue: each takes from the other by the softmax."""
    weight = np.zeros((2, 3, 1, 1), np.float32)
    weight[0, 0] = weight[1, 2] = 1
    layers = [("conv", Conv2d(weight)), ("relu", ReLU()), ("gap", GlobalAvgPool2d()), ("flat", Flatten())]
    net = Net([*layers, ("fc", Linear(np.eye(2, dtype=np.float32) * 12))])
    return Model.from_net(net, 12, class_names=["red", "blue"])


def two_things() -> np.ndarray:
    """A red square at the left above, a blue one at the right below."""
    image = np.zeros((12, 12, 3), np.uint8)
    image[:4, :4, 0] = image[8:, 8:, 2] = 255
    return image


def test_several_classes_are_those_of_each_alone_on_one_scale(digits) -> None:
    both = occlusion(digits, sample_digit(), target="3,8", size=3, stride=2)
    for fall, target in zip(both.falls, (3, 8), strict=True):
        alone = occlusion(digits, sample_digit(), target=target, size=3, stride=2)
        assert fall.label == alone.label
        if alone.kind == both.kind:
            np.testing.assert_array_equal(fall.values, alone.values)
            assert fall.base == alone.base
    np.testing.assert_array_equal(both.best, occlusion(digits, sample_digit(), size=3, stride=2).best)
    limits = {
        mesh.get_clim()
        for axes in both.figure().axes[:5]
        for mesh in axes.collections
        if mesh.get_cmap().name == "RdBu_r"
    }
    largest = max(np.abs(fall.drop).max() for fall in both.falls)
    assert (-largest, largest) in limits
    assert "one for all" in both.caption


def test_where_covering_raises_it_the_page_says_so_and_marks_it(rivals) -> None:
    """Covering the blue square takes the softmax's other share, by a known amount; nowhere else does anything rise."""
    result = occlusion(rivals, two_things(), target="red", size=4, stride=4, fill="black")
    assert result.base == pytest.approx(0.5)
    assert result.rise.place == (2, 2)
    assert result.rise.after == pytest.approx(1 / (1 + np.exp(-12 / 9)), rel=1e-5)
    np.testing.assert_array_equal(result.rise.marked, [[0, 0, 0], [0, 0, 0], [0, 0, 1]])
    (note,) = result.notes
    assert note.startswith('Covering raises class "red" (0): with the square over rows 8 to 11 and columns 8 to 11')
    assert "rises from 0.5 to 0.791" in note
    assert "'blue' falls from 0.5 to 0.209" in note
    assert "outlined: it rises" in result.figure().axes[1].get_title().replace("\n", " ")
    yellow = [line for line in result.figure().axes[1].lines if line.get_color() == "#ffd400"]
    assert len(yellow) == 4  # the sides of one cell


def test_nothing_is_marked_where_nothing_rises(rivals) -> None:
    image = two_things()
    image[8:, 8:, 2] = 0
    result = occlusion(rivals, image, target="red", size=4, stride=4, fill="black")
    assert not result.rise.marked.any()
    assert not any("raises" in note for note in result.notes)
    assert not result.figure().axes[1].lines


def test_covering_the_one_object_of_a_scene_raises_the_other() -> None:
    """Scenes of two objects, both of which the net names: the best place covers the main object, not the other."""
    model, right, seen = load_model("scenes"), 0, 0
    for number in range(1, 18):
        drawn = scene(number, seed=7, objects=(2, 2))
        main, other = (int(kind) - 1 for kind in drawn.kinds[:2])
        if {main, other} != {each.index for each in model.classify(drawn.image, top=2)}:
            continue
        result = occlusion(model, drawn.image, target=other, size=21, stride=7, strongest=False)
        assert any("Covering raises" in note for note in result.notes)
        row, column = (int(firsts[i]) for firsts, i in zip((result.tops, result.lefts), result.rise.place, strict=True))
        square = np.s_[max(row, 0) : row + 21, max(column, 0) : column + 21]
        shares = [(drawn.object_map == n)[square].sum() / (drawn.object_map == n).sum() for n in (1, 2)]
        right, seen = right + (shares[0] > shares[1]), seen + 1
    assert seen >= 8
    assert right >= 0.9 * seen


@pytest.mark.parametrize("name", [pytest.param("googlenet", marks=pytest.mark.nightly), "squeezenet"])
def test_covering_the_dog_raises_the_cat(request, shared_data, name) -> None:
    """The dog sits above and left of the lying cat: rows 15 to 130 and columns 70 to 170 of the 224 that are seen."""
    model = request.getfixturevalue(name)
    photo = shared_data / "photos" / "cat_dog.jpg"
    result = occlusion(model, photo, target="tiger cat,boxer", strongest=False)
    cat, dog = result.falls
    middle = (
        firsts[i] + result.size / 2 for firsts, i in zip((result.tops, result.lefts), cat.rise.place, strict=True)
    )
    row, column = middle
    assert 15 < row < 130
    assert 70 < column < 170
    assert cat.rise.after > cat.base + 0.2
    assert result.class_names[cat.rise.loser] in ("boxer", "bull mastiff")
    assert any(note.startswith('Covering raises class "tiger cat" (282)') for note in result.notes)
    assert dog.rise.marked.any()


def test_outlines_lie_between_marked_cells_and_others() -> None:
    marked = np.array([[1, 1, 0], [0, 0, 0]], bool)
    lines = outline(marked, np.array([0, 10, 20]), np.array([0, 5, 6, 7]))
    assert len(lines) == 6
    assert sum(abs(x0 - x1) + abs(y0 - y1) for (x0, y0), (x1, y1) in lines) == 2 * (6 + 10)


def test_a_blurred_square_shows_the_smoothed_photo(digits) -> None:
    from scipy.ndimage import gaussian_filter

    digits = digits.astype(np.float64)
    x = digits.preprocess(sample_digit())
    smooth = gaussian_filter(x[0], (0, 1, 1), mode="nearest")
    result = occlusion(digits, sample_digit(), target=3, size=4, stride=3, fill="blur")
    assert result.tops[0] < 0
    for i, top in enumerate(result.tops):
        for j, left in enumerate(result.lefts):
            square = np.s_[0, :, max(top, 0) : top + 4, max(left, 0) : left + 4]
            copy = x.copy()
            copy[square] = smooth[square[1:]]
            score = digits.net.predict(copy, upto=digits.logits)[0, 3]
            value = result.values[i, j]
            expected = score if result.kind == "score" else digits.predict_probabilities(copy)[0, 3]
            assert value == pytest.approx(float(expected), abs=1e-10)


def test_noise_is_of_the_photos_own_pixels_and_repeatable(rivals) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (12, 12, 3), np.uint8)
    x = rivals.preprocess(image)
    squares = [filling(rivals, "noise", x, 5, seed)(0, 0) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(squares[0], squares[1])
    assert (squares[0] != squares[2]).any()
    pixels = {tuple(pixel) for pixel in x[0].reshape(3, -1).T.tolist()}
    assert {tuple(pixel) for pixel in squares[0].reshape(3, -1).T.tolist()} <= pixels
    a, b = (occlusion(rivals, image, fill="noise", seed=seed).values for seed in (3, 3))
    np.testing.assert_array_equal(a, b)


def test_texture_goes_on_with_what_lies_around(rivals) -> None:
    """Stripes of two pixels go on through the square along themselves, on an even photo nothing changes at all."""
    even = np.full((12, 12, 3), (90, 30, 200), np.uint8)
    result = occlusion(rivals, even, fill="texture", size=5, stride=2)
    np.testing.assert_allclose(result.values, result.base, rtol=1e-5)
    x = np.zeros((1, 3, 12, 12))
    x[..., ::2] = 1
    square = filling(rivals, "texture", x, 4)(4, 4)
    assert np.abs(square[:, 0] - x[0, :, 4, 4:8])[:, 1:3].max() < 0.25  # below its upper border the stripes go on
    everything = filling(rivals, "texture", x, 12)(0, 0)
    np.testing.assert_allclose(everything, x.mean())


@pytest.mark.parametrize(("top", "left"), [(3, 4), (-2, 5), (8, -1)])
def test_texture_is_the_weighted_mean_of_four_mirror_images(rivals, top, left) -> None:
    """By the formula, pixel by pixel; what lies outside the photo does not count."""
    x = np.random.default_rng(0).random((1, 3, 10, 11))
    square = filling(rivals, "texture", x, 4)(top, left)
    for i, j in np.ndindex(4, 4):
        row, column, total, weights = top + i, left + j, np.zeros(3), 0.0
        images = [(top - 1 - i, column, i + 1), (top + 7 - i, column, 4 - i)]
        images += [(row, left - 1 - j, j + 1), (row, left + 7 - j, 4 - j)]
        for r, c, distance in images:
            if 0 <= r < 10 and 0 <= c < 11:
                total, weights = total + x[0, :, r, c] / distance**3, weights + 1 / distance**3
        expected = total / weights if weights else x[0].mean(axis=(1, 2))
        np.testing.assert_allclose(square[:, i, j], expected, rtol=1e-12)


@pytest.mark.parametrize("fill", ["blur", "noise", "texture"])
def test_every_fill_says_what_the_square_shows(digits, fill) -> None:
    caption = occlusion(digits, sample_digit(), fill=fill).caption
    assert "In the square stand" in caption or "In the square the photo is smoothed" in caption


def test_the_strongest_maps_total_is_that_of_a_plain_loop(digits) -> None:
    digits = digits.astype(np.float64)
    x = digits.preprocess(sample_digit())
    result = occlusion(digits, sample_digit(), size=3, stride=2, fill="black", layer="relu1")
    strongest = result.strongest
    maps = digits.net.predict(x, upto="relu1")[0]
    assert strongest.channel == maps.max(axis=(1, 2)).argmax()
    assert strongest.base == pytest.approx(maps[strongest.channel].sum())
    for i, top in enumerate(result.tops):
        for j, left in enumerate(result.lefts):
            image = sample_digit().copy()
            image[max(top, 0) : top + 3, max(left, 0) : left + 3] = 0
            total = digits.net.predict(digits.preprocess(image), upto="relu1")[0, strongest.channel].sum()
            assert strongest.totals[i, j] == pytest.approx(float(total), abs=1e-10)
    projection = deconvnet(digits, sample_digit(), node="relu1", channel=strongest.channel)
    np.testing.assert_array_equal(strongest.projection.signal, projection.signals[0])


def test_watching_the_strongest_map_changes_no_bit_of_the_rest(digits) -> None:
    with_map, without = (occlusion(digits, sample_digit(), strongest=watched) for watched in (True, False))
    np.testing.assert_array_equal(with_map.values, without.values)
    np.testing.assert_array_equal(with_map.heat, without.heat)
    assert without.strongest is None


def test_a_layer_is_a_node_with_maps(digits) -> None:
    with pytest.raises(NetError, match="relu9"):
        occlusion(digits, sample_digit(), layer="relu9")
    with pytest.raises(SettingError, match="does not lead"):
        occlusion(digits, sample_digit(), layer=digits.logits)


def test_a_run_that_is_resumed_has_the_bits_of_an_uninterrupted_one(digits, monkeypatch) -> None:
    monkeypatch.setattr(run.Pace, "due", lambda self: True)
    settings = {"size": 3, "stride": 2, "target": "3,8", "fill": "noise"}
    part = next(occlusion.each(digits, sample_digit(), **settings))
    *_, resumed = occlusion.each(digits, sample_digit(), **settings, state=part.state)
    whole = occlusion(digits, sample_digit(), **settings)
    assert 0 < part.done < part.total
    assert np.isnan(part.strongest.totals).sum() == part.total - part.done
    for one, other in zip(resumed.falls, whole.falls, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
    np.testing.assert_array_equal(resumed.strongest.totals, whole.strongest.totals)


def test_comparisons_do_without_the_strongest_map() -> None:
    assert TECHNIQUE.in_comparison == {"strongest": False}


def test_other_pictures_are_those_that_excite_the_map_most(digits) -> None:
    from minitorch_viz.data import load_digits

    pictures = load_digits()[1][:70]
    every = list(occlusion.each(digits, sample_digit(), layer="relu2", pictures=pictures, size=4, stride=4))
    result, places = every[-1], every[-1].values.size
    results = [each for each in every if each.done >= places]
    assert [(each.done, each.total) for each in results] == [(places + seen, places + 70) for seen in (0, 64, 70)]
    channel = result.strongest.channel
    x = np.concatenate([digits.preprocess(image) for image in pictures.images])
    peaks = digits.net.forward(x)["relu2"][:, channel].max(axis=(1, 2))
    best = np.argsort(-peaks, kind="stable")[:3]
    assert [other.title for other in result.search.others] == [f"{pictures.name} {number}" for number in best]
    for other, number in zip(result.search.others, best, strict=True):
        assert other.value == pytest.approx(peaks[number], rel=1e-5)
        projection = deconvnet(digits, pictures.images[number], node="relu2", channel=channel)
        np.testing.assert_array_equal(other.signal, projection.signals[0])
    assert "of 70 other pictures that excite it most" in result.caption
    np.testing.assert_array_equal(result.heat, results[0].heat)
    assert any("64 were searched" in note for note in results[1].notes)
    result.figure()


def test_pictures_are_searched_for_a_map_only(digits) -> None:
    for settings in ({"strongest": False}, {"node": "relu2"}):
        with pytest.raises(SettingError, match="strongest feature map"):
            occlusion(digits, sample_digit(), pictures="scenes:3", **settings)


@pytest.mark.parametrize("fill", ["grey", "mean", "blur", "texture", "40"])
def test_the_figure_shows_the_square_as_the_net_sees_it(rivals, fill) -> None:
    """In the middle of the photo, in the photo's own colours."""
    image = np.random.default_rng(2).integers(0, 256, (12, 12, 3), np.uint8)
    result = occlusion(rivals, image, fill=fill, size=4, stride=4)
    shown = filling(rivals, fill, rivals.preprocess(image), 4)(4, 4)
    x = rivals.preprocess(image).copy()
    x[0, :, 4:8, 4:8] = shown
    np.testing.assert_array_equal(result.square, rivals.restore(x)[4:8, 4:8])
    drawn = result.figure().axes[0].images[1]
    np.testing.assert_array_equal(drawn.get_array(), result.square)
    assert tuple(drawn.get_extent()) == (3.5, 7.5, 7.5, 3.5)
