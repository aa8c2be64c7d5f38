"""Targets beyond one class score: channels of segmentation nets over places, and the units of every head."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minitorch_viz import Model
from minitorch_viz.errors import ImageFileError, SettingError, ShapeError
from minitorch_viz.grading import grade
from minitorch_viz.objectives import ChannelSum
from minitorch_viz.techniques import (
    compare,
    deconvnet,
    excitation_backprop,
    grad_cam,
    gradient_x_input,
    lrp,
    occlusion,
    saliency,
    techniques,
)
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.explain.averaged import find_averaged
from minitorch_viz.techniques.explain.places import shrunk
from minitorch_viz.techniques.explain.unit import goals, resolve_any
from tests.answer_nets import (
    CASES,
    CLASSES,
    SIZE,
    Case,
    dilated,
    fcn,
    model_of,
    one_channel,
    photo,
    residual_maps,
    u_net,
)

OF_A_PHOTO = [t for t in techniques().values() if t.subject.name in ("photo", "photos")]
MODELS = {name: model_of(case) for name, case in CASES.items()}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("technique", OF_A_PHOTO, ids=lambda technique: technique.name)
def test_each_technique_shows_a_map_or_says_why_not(technique: Technique, name: str) -> None:
    model, choice = MODELS[name], CASES[name].choice
    if why := technique.refuses(model):
        assert len(why) > 10
        return
    asked = choice.items() if "target" in technique.options else ()
    settings = {name: value for name, value in asked if name in technique.options}
    if technique.name == "microscope" and "mask" in choice and model.logits:
        with pytest.raises(SettingError, match="one unit of another head"):
            technique.run_on(model, photo(), **settings)
        return
    if technique.name == "cam" and isinstance(find_averaged(model, goals(model, **settings)[0]), str):
        with pytest.raises(SettingError, match="no sum over places"):
            technique.run_on(model, photo(), **settings)
        return
    quick = {**technique.in_comparison, **({"size": SIZE} if technique.name == "style" else {})}
    result = technique.run_on(model, photo(), **settings, **quick)
    heat = result.heat
    if heat is not None:
        assert heat.shape == (SIZE, SIZE)
        assert np.isfinite(heat).all()
        assert heat.any() or any("blank" in note for note in result.notes)
    assert result.caption


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.choice.get("target")])
def test_a_target_of_maps_is_said_by_its_name_and_its_places(name: str) -> None:
    model, choice = MODELS[name], CASES[name].choice
    label = saliency(model, photo(), **choice).label
    if model.maps:
        number = choice["target"] if isinstance(choice["target"], int) else CLASSES.index(choice["target"])
        assert label.startswith(f"out channel {number if not model.class_names else chr(34) + CLASSES[number]}")
        assert "over all places" in label or "where it wins" in label or "rows" in label or "row" in label


# ------------------------------------------------------------------ the sum, against the arithmetic written out


def maps_of(model: Model) -> np.ndarray:
    return model.net.predict(model.preprocess(photo()), upto=model.maps)[0]


@pytest.mark.parametrize("net", [u_net, fcn, dilated])
def test_a_class_is_the_sum_of_its_scores_where_it_is_the_largest(net) -> None:
    """As Captum's tutorial on segmentation has it: the scores times where each is the argmax, summed."""
    model = model_of(Case(net, {}))
    maps = maps_of(model)
    winner = maps.argmax(axis=0)
    for number in np.unique(winner):
        result = saliency(model, photo(), target=int(number))
        assert result.value == pytest.approx(maps[number][winner == number].sum(), rel=1e-6)
        share = 100 * (winner == number).mean()
        assert f"where it wins ({share:.0f}%)" in result.label or f"({share:.2g}%)" in result.label


def test_the_gradient_is_that_of_the_sum_by_finite_differences() -> None:
    model = model_of(Case(u_net, {})).astype(np.float64)
    x = model.preprocess(photo())
    tape = model.net.forward(x)
    objective = resolve_any(model, tape, target="sky", region=(2, 3, 9, 12))
    gradient = model.net.backward(tape, objective.seeds(tape))["input"][0]
    np.testing.assert_allclose(
        saliency(model, photo(), target="sky", region=(2, 3, 9, 12)).gradients["normal"], gradient
    )
    for place in [(0, 5, 6), (2, 8, 9), (1, 15, 0)]:
        step = np.zeros_like(x)
        step[(0, *place)] = 1e-6
        high, low = (model.net.predict(x + sign * step)[0, 2, 2:9, 3:12].sum() for sign in (1, -1))
        assert gradient[place] == pytest.approx((high - low) / 2e-6, rel=1e-5, abs=1e-7)


def test_the_most_places_come_first_and_the_background_last() -> None:
    model = model_of(Case(dilated, {}))
    counts = np.bincount(maps_of(model).argmax(axis=0).ravel(), minlength=3)
    assert counts[0] or counts[1:].any()
    best = 1 + int(counts[1:].argmax()) if counts[1:].any() else 0
    assert f"({best})" in saliency(model, photo()).label
    unnamed = model_of(Case(dilated, {}, ()))
    assert saliency(unnamed, photo()).label.startswith(f"out channel {counts.argmax()} ")


def test_labels_win_where_they_say_yes_and_a_channel_that_wins_nowhere_counts_everywhere() -> None:
    model = model_of(Case(residual_maps, {}))
    maps = maps_of(model)
    for number in range(3):
        result = saliency(model, photo(), target=number)
        where = maps[number] > 0
        assert result.value == pytest.approx(maps[number][where].sum() if where.any() else maps[number].sum(), rel=1e-5)
    single = model_of(Case(one_channel, {}, ("object",)))
    maps = maps_of(single)[0]
    result = saliency(single, photo())
    assert ("it wins at none" in result.label) == bool((maps <= 0).all())
    assert result.value == pytest.approx(maps[maps > 0].sum() if (maps > 0).any() else maps.sum(), rel=1e-5)


# ------------------------------------------------------------------ regions and masks


def test_a_mask_may_be_a_file_an_array_or_the_rectangle_that_it_is(tmp_path) -> None:
    model = MODELS["U-net, a class"]
    marks = np.zeros((SIZE, SIZE), bool)
    marks[2:9, 3:12] = True
    files = {"marks.png": marks.astype(np.uint8) * 255, "ones.png": marks.astype(np.uint8)}
    files["larger.png"] = np.kron(files["marks.png"], np.ones((5, 5), np.uint8))
    expected = saliency(model, photo(), target="sky", region=(2, 3, 9, 12))
    masks: list = [marks, marks.astype(int) * 7, marks.astype(np.float32)]
    for name, pixels in files.items():
        Image.fromarray(pixels).save(tmp_path / name)
        masks += [tmp_path / name, str(tmp_path / name)]
    for mask in masks:
        result = saliency(model, photo(), target="sky", mask=mask)
        np.testing.assert_array_equal(result.heat, expected.heat)
        assert result.value == pytest.approx(expected.value, rel=1e-6)
    assert saliency(model, photo(), target="sky", mask=tmp_path / "ones.png").label.endswith("in ones.png (25%)")


def test_a_place_counts_by_the_share_of_its_patch_that_is_marked() -> None:
    model = MODELS["three heads, a channel of the maps"]  # maps of half the picture's size
    maps = model.net.predict(model.preprocess(photo()), upto="maps")[0, 1]
    result = saliency(model, photo(), node="maps", channel=1, region=(0, 0, 3, 2))
    assert result.value == pytest.approx(maps[0, 0] + maps[1, 0] / 2, rel=1e-5)
    assert result.label == "maps channel 1 in rows 0 to 2, columns 0 to 1"
    weights = np.arange(64.0).reshape(8, 8)
    weighted = saliency(model, photo(), node="maps", channel=1, mask=weights)
    assert weighted.value == pytest.approx((maps * weights).sum(), rel=1e-5)


def test_shrinking_keeps_the_mean_and_splits_pixels() -> None:
    np.testing.assert_allclose(shrunk(np.array([[0.0, 3, 0]]), (1, 2)), [[1, 1]])
    np.testing.assert_allclose(shrunk(np.eye(2), (4, 2)), [[1, 0], [1, 0], [0, 1], [0, 1]])
    values = np.random.default_rng(0).random((7, 5))
    assert shrunk(values, (3, 2)).mean() == pytest.approx(values.mean())


def test_a_cropped_photo_is_marked_by_a_mask_of_its_own_size() -> None:
    """The mask goes the way of the photo: its left third, which is cut off, marks nothing; its middle does."""
    model = Model.from_net(fcn(np.random.default_rng(0)), SIZE, class_names=CLASSES, resize="crop")
    wide = np.zeros((40, 120), bool)
    wide[:, :30] = True
    with pytest.raises(SettingError, match="marks nothing of what the net sees"):
        saliency(model, photo((40, 120)), target=1, mask=wide)
    wide[:] = False
    wide[:, 60:] = True
    objective = resolve_any(model, model.net.forward(model.preprocess(photo((40, 120)))), target=1, mask=wide)
    assert isinstance(objective, ChannelSum)
    assert objective.where[:, 9:].min() == pytest.approx(1)
    assert objective.where[:, :7].max() == 0


def test_a_mask_file_that_marks_nothing_keeps_its_name(tmp_path: Path) -> None:
    model = Model.from_net(fcn(np.random.default_rng(0)), SIZE)
    Image.fromarray(np.zeros((16, 16), np.uint8)).save(tmp_path / "marks.png")
    with pytest.raises(SettingError, match=r"^(.*/)?marks\.png marks nothing"):
        saliency(model, photo((16, 16)), target=1, mask=str(tmp_path / "marks.png"))


@pytest.mark.parametrize(
    ("choice", "error", "words"),
    [
        ({"target": "sea"}, SettingError, "sea"),
        ({"target": 3}, SettingError, "3"),
        ({"region": (0, 0, 2, 2), "mask": "all"}, SettingError, "either region= or mask="),
        ({"region": (0, 0, 2, 2), "position": (1, 1)}, SettingError, "position= is one place"),
        ({"region": (0, 0, 17, 2)}, SettingError, "bottom <= 16 .* the pixels that the net looks at"),
        ({"region": (5, 0, 5, 2)}, SettingError, "top < bottom"),
        ({"region": (0, 0, 2)}, SettingError, "four whole numbers"),
        ({"region": 3}, SettingError, "four whole numbers"),
        ({"region": (0, 0, 2.5, 2)}, SettingError, "four whole numbers"),
        ({"mask": "al"}, SettingError, "near masks: all"),
        ({"mask": "nowhere.png"}, ImageFileError, "nowhere.png"),
        ({"mask": np.zeros((16, 16))}, SettingError, "The mask marks nothing"),
        ({"mask": np.ones((16, 16, 3))}, SettingError, r"array of shape \(16, 16, 3\)"),
        ({"mask": np.full((16, 16), -1.0)}, SettingError, "finite and 0 or more"),
        ({"mask": np.full((16, 16), np.nan)}, SettingError, "finite and 0 or more"),
        ({"mask": np.ones(16)}, ShapeError, r"has the shape \(16,\)"),
        ({"mask": 3}, SettingError, "int 3"),
        ({"position": (16, 0)}, SettingError, "row of 'out'"),
        ({"position": 3}, SettingError, "its row and its column"),
        ({"node": "out", "target": 1}, SettingError, "not both"),
        ({"node": "out", "channel": 3, "mask": "all"}, SettingError, "channel of 'out'"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_said(choice, error, words) -> None:
    with pytest.raises(error, match=words):
        saliency(MODELS["U-net, a class"], photo(), **choice)


def test_a_row_of_numbers_has_no_places() -> None:
    with pytest.raises(SettingError, match="one number a channel: it has no places"):
        saliency(MODELS["two heads, a class"], photo(), node="box", mask="all")


# ------------------------------------------------------------------ what the techniques make of it


def test_the_shares_of_a_sum_add_up_to_it() -> None:
    model = MODELS["dilated, a class"]
    for result in (lrp(model, photo(), target="sky", rule="epsilon"), gradient_x_input(model, photo(), target="sky")):
        books = result.stayed["epsilon"] if isinstance(result.stayed, dict) else result.stayed
        shares = result.relevance["epsilon"] if hasattr(result, "relevance") else result.signal
        assert shares.sum() + books.total == pytest.approx(result.value, rel=1e-4)


def test_occlusion_measures_the_fall_of_the_sum() -> None:
    model = MODELS["U-net, a class in a region"]
    result = occlusion(model, photo(), target="sky", region=(2, 3, 9, 12), size=5, stride=4)
    row, column = 1, 2
    image = model.preprocess(photo()).copy()
    top, left = int(result.tops[row]), int(result.lefts[column])
    image[:, :, max(top, 0) : top + 5, max(left, 0) : left + 5] = image.mean(axis=(2, 3), keepdims=True)
    assert result.values[row, column] == pytest.approx(model.net.predict(image)[0, 2, 2:9, 3:12].sum(), rel=1e-3)
    assert result.kind == "value"
    assert result.best is None


def test_a_winner_is_drawn_among_the_places_that_count() -> None:
    result = excitation_backprop(MODELS["dense"], photo(), target="road", mask="all", contrastive=False, layer="relu0")
    assert 0 < result.reached[0] <= 1.0001


def test_excitation_stops_below_a_layer_that_mixes_places() -> None:
    """Above it every place passes its chance on, whatever is asked for: what is left is rounding, and no map."""
    model = MODELS["FCN, a class"]
    result = excitation_backprop(model, photo(), target="road")
    assert result.layer == "relu1"
    assert result.signed.max() > 1e-6 or result.blanks[0]
    for name, layer in (("FCN, a class", "relu2"), ("U-net, a class", "fuse1r"), ("dilated, a class", "relu2")):
        for target in range(3):
            above = excitation_backprop(MODELS[name], photo(), target=target, layer=layer)
            assert bool(above.blanks[0]) == (above.signed.max() < 1e-12)
    assert excitation_backprop(MODELS["U-net, a class"], photo(), target="road").layer == "pool2"


def test_the_deconvnet_shows_what_the_region_can_see() -> None:
    model = MODELS["dilated, a class"]
    result = deconvnet(model, photo(), target="sky", region=(6, 7, 9, 10))
    (field,) = result.fields
    reach = 1 + 3  # two layers of 3 x 3, the second with holes of 3
    assert tuple(field) == (6 - reach, 7 - reach, 9 + reach, 10 + reach)
    outside = np.ones((SIZE, SIZE), bool)
    outside[result.seen(0)] = False
    assert not result.signals[0][:, outside].any()


def test_grad_cam_weighs_the_features_and_not_the_scores_of_a_head_that_is_enlarged() -> None:
    result = grad_cam(MODELS["FCN, a class"], photo(), target="road")
    assert result.layer == "relu2"
    gradient = saliency(MODELS["FCN, a class"], photo(), node="relu2", channel=0)  # a node that exists
    assert gradient.label.startswith("relu2")
    assert grad_cam(MODELS["U-net, a class"], photo(), target="road").layer == "fuse1r"
    assert grad_cam(MODELS["dense"], photo(), target="road").layer == "cat2"
    assert grad_cam(MODELS["dilated, a class"], photo(), target="sky").layer == "relu2"


def test_the_layer_of_a_head_is_its_own() -> None:
    model = MODELS["three heads, the second classifier"]
    assert grad_cam(model, photo(), target="road").layer == "kind_relu"
    assert grad_cam(model, photo(), node="colour", channel=2).layer == "colour_relu"
    assert grad_cam(model, photo(), node="maps", channel=1, mask="all").layer == "relu2"
    assert any("maps" in note and "colour" in note for note in model.notes)


def test_compare_sets_a_class_of_maps_against_the_next() -> None:
    model = MODELS["residual labels"]
    result = compare(model, photo(), target="road", only="saliency,grad-cam")
    assert result.label.startswith('out channel "road" (1)')
    assert result.other_label.startswith("out channel")
    assert result.other_label != result.label
    named = compare(model, photo(), target="road", other="sky", only="saliency", mask="all")
    assert named.other_label == 'out channel "sky" (2) over all places'
    with pytest.raises(SettingError, match="explained already"):
        compare(model, photo(), target="road", other=1, only="saliency")


def test_a_forward_pass_goes_as_far_as_the_maps() -> None:
    model = MODELS["dilated, a class"]
    assert goals(model, target="sky") == ["out"]
    assert goals(model) == ["out"]
    assert goals(model, node="relu1", mask="all") == ["relu1"]


# ------------------------------------------------------------------ the answer, as a person reads it


def test_the_segments_are_the_winners_with_their_names() -> None:
    model = MODELS["dilated, a class"]
    winners = maps_of(model).argmax(axis=0)
    segments = model.segment(photo())
    np.testing.assert_array_equal(segments.winners, winners)
    assert sum(segments.shares.values()) == pytest.approx(1)
    first = next(iter(segments.shares))
    assert (winners == first).mean() == segments.shares[first]
    assert repr(segments).splitlines()[0] == f"{CLASSES[first]} {segments.shares[first]:.1%}"
    assert CLASSES[first] in segments._repr_html_()
    single = model_of(Case(one_channel, {}, ("object",)))
    np.testing.assert_array_equal(single.segment(photo()).winners >= 0, maps_of(single)[0] > 0)
    with pytest.raises(SettingError, match="ends in no maps"):
        MODELS["two heads, a class"].segment(photo())


def test_grades_are_of_classifiers() -> None:
    with pytest.raises(SettingError, match="is no classifier, so there is no class to explain"):
        grade(MODELS["dilated, a class"])
    assert "class scores" in str(MODELS["dilated, a class"].notes)


def test_a_saved_segmentation_net_explains_the_same(tmp_path) -> None:
    from minitorch_viz import load_model

    model = MODELS["dilated, a class"].astype(np.float32)
    loaded = load_model(model.save(tmp_path / "net.safetensors"))
    assert loaded.maps == "out"
    first, second = (saliency(one, photo(), target="sky") for one in (model, loaded))
    np.testing.assert_array_equal(first.heat, second.heat)
    assert first.label == second.label
