"""Tuning curves: planted units care about what they must, photos change as said, invariance is its formula."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.data.scenes import COLOURS, DIMENSIONS, KINDS, varied
from minitorch_viz.errors import MinitorchVizError, NetError, SettingError
from minitorch_viz.layers import AvgPool2d, Conv2d, Flatten, GlobalAvgPool2d, Linear, ReLU
from minitorch_viz.models.readers import Numbers, Preprocessing
from minitorch_viz.models.samples import sample_digit
from minitorch_viz.techniques import run
from minitorch_viz.techniques.activations._tuning_numbers import invariance, most_selective
from minitorch_viz.techniques.activations._tuning_photos import brighter, dimensions_of, moved, of_other_hue
from minitorch_viz.techniques.activations._tuning_sweeps import knows_scenes
from minitorch_viz.techniques.activations.tuning import TECHNIQUE, tuning

# ------------------------------------------------------------------ the number


def test_invariance_is_the_share_of_the_variance_between_the_objects(rng) -> None:
    answers = rng.standard_normal((6, 9, 4)) + 3 * rng.standard_normal((6, 1, 4)) * np.array([0, 0.3, 1, 5])
    whole = answers.reshape(-1, 4).var(axis=0)
    between = answers.mean(axis=1).var(axis=0)  # the law of total variance
    np.testing.assert_allclose(invariance(answers), between / whole, rtol=1e-12)
    np.testing.assert_allclose(invariance(7 * answers - 100), between / whole, rtol=1e-9)


def test_invariance_at_its_ends() -> None:
    objects, steps = np.arange(5.0), np.arange(8.0)
    alike = np.ones((5, 8))
    answers = np.stack([alike * objects[:, None], alike * steps, alike], axis=2)
    np.testing.assert_allclose(invariance(answers)[:2], (1, 0), atol=1e-12)
    assert np.isnan(invariance(answers)[2])  # it always answers the same
    assert np.isnan(invariance(answers[:1])).all()  # of one object alone nothing can be said


def test_each_thing_chooses_the_live_unit_that_it_moves_most(rng) -> None:
    still = np.broadcast_to(rng.random((6, 1, 5)) + 1, (6, 4, 5)).copy()
    colour, size = still.copy(), still.copy()
    colour[:, :, 3] = np.arange(4)
    size[:, :, 1] = np.arange(4)
    for values in (colour, size):
        values[:, :, 4] = 0  # dead, whatever happens
    size[0, 0, 4] = -1
    assert most_selective({"colour": colour, "size": size}, 2).tolist() == [3, 1]
    assert len(set(most_selective({"colour": colour, "size": size}, 4).tolist())) == 4
    assert most_selective({"colour": colour, "size": size}, 9).tolist()[-1] == 4
    unchanged = np.ones((6, 5)) * 9
    unchanged[:, 3] = 0  # it answers only what becomes of the photos
    assert most_selective({"colour": colour, "size": size}, 1, unchanged).tolist() != [3]


# ------------------------------------------------------------------ planted units


@pytest.fixture
def planted() -> Model:
    """Channel 0 answers to red, channel 1 to how much of the picture is not greyish, channel 2 to nothing."""
    weight = np.zeros((3, 3, 1, 1), np.float32)
    weight[0, :, 0, 0] = 1, -1, -1
    weight[1, :, 0, 0] = 0, 0, 0
    nets = [
        ("conv", Conv2d(weight, np.array([-0.2, 0, 0], np.float32))),
        ("relu", ReLU()),
        ("pool", AvgPool2d(64)),
        ("gap", GlobalAvgPool2d()),
        ("flat", Flatten()),
        ("fc", Linear(np.zeros((3, 3), np.float32))),
    ]
    return Model.from_net(Net(nets), 64, class_names=["house", "car", "tree"])


def test_a_unit_for_red_cares_about_colour_alone(planted) -> None:
    """And where it is averaged over the picture, about size too."""
    assert knows_scenes(planted)
    # Plain figures: every pixel has the object's colour.
    result = tuning(planted, node="relu", channels=[0, 2], vary="colour,place,rotation", instances=12)
    colour, place, _ = result.curves
    strengths = dict(zip(colour.steps, colour.answers[:, :, 0].mean(axis=0), strict=True))
    assert max(strengths, key=strengths.__getitem__) == "red"
    assert strengths["red"] > 4 * strengths["green"]
    assert strengths["red"] > 4 * strengths["blue"]
    named = dict(zip([c.dimension for c in result.curves], result.invariances[0], strict=True))
    assert named["colour"] < 0.4
    assert named["place"] > 0.95
    assert named["rotation"] > 0.8
    assert np.isnan(result.invariances[1]).all()
    assert "channel 2 no invariance" in " ".join(result.notes)
    assert place.pictures.shape == (9, 64, 64, 3)
    averaged = tuning(planted, node="pool", channels="0", vary="size", instances=4)
    sizes = averaged.curves[0].answers[:, :, 0]
    red = sizes.max(axis=1) > 0.01
    assert (np.diff(sizes[red], axis=1) > -1e-3).all()


def test_answers_are_the_nets_own_largest_values() -> None:
    model = load_model("scenes")
    result = tuning(model, channels="3,17", vary="kind,size", instances=3, seed=5)
    assert result.node == "relu5"
    for curves in result.curves:
        images = varied(curves.dimension, 3, 5).images
        for s in range(3):
            x = np.concatenate([model.preprocess(image) for image in images[s]])
            expected = model.net.predict(x, upto="relu5")[:, [3, 17]].max(axis=(2, 3))
            np.testing.assert_allclose(curves.answers[s], expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(curves.pictures, images[0], atol=1)
    np.testing.assert_allclose(result.invariances[:, 1], invariance(result.curves[1].answers))


def test_the_net_for_scenes_tells_kinds_apart_and_not_places() -> None:
    """It was trained to: the median of its last channels cares about kind, and not about place and colour."""
    result = tuning(load_model("scenes"), instances=8)
    medians = dict(zip([curves.dimension for curves in result.curves], result.medians, strict=True))
    assert set(medians) == set(DIMENSIONS)
    assert medians["kind"] < 0.25 < 0.75 < medians["colour"]
    assert medians["place"] > 0.9
    classes = tuning(load_model("scenes"), node="logits", channels=[KINDS.index("car") - 1], vary="kind", instances=6)
    assert classes.units == ("class car",)
    assert "all have one scale" in classes.caption
    (curves,) = classes.curves
    assert curves.steps[int(curves.answers[:, :, 0].mean(axis=0).argmax())] == "car"


def test_it_is_a_loop_of_whole_results(monkeypatch) -> None:
    monkeypatch.setattr(run.Pace, "due", lambda self: True)
    model = load_model("scenes")
    steps = list(tuning.each(model, vary="colour,size", channels="1", instances=3))
    assert [step.done for step in steps] == [1, 2, 3, 4, 5, 6]
    assert [len(step.curves) for step in steps] == [1, 2, 2, 2, 2, 2]
    assert [len(step.curves[0].answers) for step in steps] == [1, 1, 2, 2, 3, 3]
    np.testing.assert_array_equal(steps[2].curves[0].answers, steps[5].curves[0].answers[:2])
    assert "after 1 of 6 sweeps" in " ".join(steps[0].notes)
    assert steps[-1].curves[0].steps == COLOURS[1:]


# ------------------------------------------------------------------ photos


READER = Preprocessing((9, 9), mean=(100, 110, 120), std=(50, 60, 70))


def test_photos_are_turned_moved_and_enlarged(rng) -> None:
    x = rng.standard_normal((1, 3, 9, 9)).astype(np.float32)
    np.testing.assert_allclose(moved(x), x, atol=1e-6)
    np.testing.assert_allclose(moved(x, angle=90), np.rot90(x, -1, axes=(2, 3)), atol=1e-5)  # clockwise
    np.testing.assert_allclose(moved(x, angle=-180), x[:, :, ::-1, ::-1], atol=1e-5)
    right = moved(x, across=2 / 9)
    np.testing.assert_allclose(right[..., 2:], x[..., :-2], atol=1e-5)
    np.testing.assert_array_equal(right[..., :2], 0)  # the net's mean colour
    larger = moved(x, scale=2)
    np.testing.assert_allclose(larger[..., ::2, ::2], x[..., 2:7, 2:7], atol=1e-5)
    smaller = moved(x, scale=0.5)
    np.testing.assert_allclose(smaller[..., 2:7, 2:7], x[..., ::2, ::2], atol=1e-5)


def test_brightness_and_hues(rng) -> None:
    pixels = rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)
    x = READER.preprocess(pixels)
    for factor in (0.5, 1.0, 1.7):
        expected = (np.clip(factor * pixels.astype(float), 0, 255) - READER.mean) / READER.std
        np.testing.assert_allclose(brighter(READER, x, factor)[0], expected.transpose(2, 0, 1), atol=1e-5)
    np.testing.assert_allclose(of_other_hue(READER, x, 0), x, atol=1e-5)
    turned = READER.restore(of_other_hue(READER, x, 120))
    np.testing.assert_allclose(turned, pixels[..., [2, 0, 1]], atol=1)  # red becomes green
    assert set(dimensions_of(READER)) == {"rotation", "size", "place", "brightness", "colour"}
    grey = Preprocessing((9, 9), channels=1, mean=(50,), std=(10,))
    assert "colour" not in dimensions_of(grey)
    x = grey.preprocess(pixels)
    expected = (grey.restore(x)[None, None, ..., 0] / 2 - 50) / 10
    np.testing.assert_allclose(brighter(grey, x, 0.5), expected, atol=1e-5)


@pytest.mark.parametrize("reader", [READER, Preprocessing((9, 9), channels=1, mean=(50,), std=(10,))])
def test_one_step_leaves_a_photo_as_it_is(reader, rng) -> None:
    x = reader.preprocess(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8))
    for dimension in dimensions_of(reader).values():
        assert dimension.unchanged in dimension.values
        same = dimension.change(reader, x, dimension.unchanged)
        np.testing.assert_allclose(reader.restore(same), reader.restore(x), atol=1)
        assert len(dimension.steps) == len(dimension.values)


def test_digits_are_turned(digits) -> None:
    result = tuning(digits, node="logits", channels="3", vary="rotation", photos=[sample_digit(d) for d in (3, 5, 8)])
    assert result.units == ("class 3",)
    (curves,) = result.curves
    x = digits.preprocess(sample_digit(3))
    for step, angle in enumerate(range(-180, 180, 30)):
        expected = digits.net.predict(moved(x, angle=angle), upto="logits")[0, 3]
        assert curves.answers[0, step, 0] == pytest.approx(expected, rel=1e-4)
    one = tuning(digits, vary="size", photos=sample_digit(3))
    assert "several photos" in " ".join(one.notes)
    assert np.isnan(one.invariances).all()
    one._repr_png_()


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param("googlenet", marks=pytest.mark.nightly), "squeezenet"])
def test_real_units_care_more_about_rotation_than_about_place(request, shared_data, name: str) -> None:
    """As in Zeiler and Fergus's figure 5: stable under translation and scaling, not under rotation."""
    model = request.getfixturevalue(name)
    photos = [shared_data / "photos" / f"{each}.jpg" for each in ("zebra", "convertible", "great_grey_owl", "coffee")]
    result = tuning(model, vary="rotation,place", photos=photos)
    rotation, place = result.medians
    assert rotation + 0.1 < place


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"vary": "colr"}, SettingError, "near things: colour"),
        ({"vary": "brightness"}, SettingError, "Of scenes there is no 'brightness'"),
        ({"vary": "kind", "photos": np.zeros((64, 64, 3), np.uint8)}, SettingError, "Of photos there is no 'kind'"),
        ({"node": "relu9"}, NetError, "relu"),
        ({"channels": "96"}, SettingError, "channel of 'relu5'"),
        ({"channels": "0-8"}, SettingError, "At most 8 units"),
        ({"instances": 0}, SettingError, "number of instances"),
        ({"seed": -1}, SettingError, "seed"),
    ],
)
def test_bad_settings_get_a_sentence(settings, error, words: str) -> None:
    with pytest.raises(MinitorchVizError, match=words) as caught:
        tuning(load_model("scenes"), **settings)
    assert isinstance(caught.value, error)


def test_a_net_of_rows_is_refused(rng) -> None:
    model = Model.from_net(Net([("fc", Linear.random(rng, 4, 2))]), readers=Numbers((4,)))
    assert "no picture" in (TECHNIQUE.refuses(model) or "")
    with pytest.raises(SettingError, match="does not apply"):
        tuning(model)
