"""Regularizers: what the page says is what was measured, and the planted liar is ranked below honest units."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Model, load_model
from minitorch_viz.data import load_digits
from minitorch_viz.data.pictures import as_pictures
from minitorch_viz.errors import SettingError
from minitorch_viz.models.load import sketch
from minitorch_viz.models.scenes_liar import HONEST, LIAR, NODE, SHOWS, SILENT, TEMPLATE, TWO
from minitorch_viz.optimize.presets import get_preset
from minitorch_viz.optimize.slope import spectrum_slope
from minitorch_viz.optimize.trust import Judge, trust_layers
from minitorch_viz.techniques.explain.receptive import Field
from minitorch_viz.techniques.explain.strongest import Strongest
from minitorch_viz.techniques.optimization._climb import climb_of
from minitorch_viz.techniques.optimization._pictures import as_seen_at
from minitorch_viz.techniques.optimization._regularizers_measures import spread_of_seeds
from minitorch_viz.techniques.optimization._regularizers_natural import (
    GROUPS,
    SAME,
    _of_unit,
    _seen,
    labels_of,
    window_of,
    windowed,
)
from minitorch_viz.techniques.optimization._regularizers_unit import unit_of
from minitorch_viz.techniques.optimization.regularizers import Regularizers, regularizers
from minitorch_viz.techniques.tally import tallied


@pytest.fixture(scope="module")
def digits() -> Model:
    return load_model("digits")


@pytest.fixture(scope="module")
def threes(digits: Model) -> Regularizers:
    return regularizers(digits, target=3, presets="oygard,none", steps=16, progress=False)


# ------------------------------------------------------------------ measures


@pytest.mark.parametrize("slope", [0, -2, -3])
def test_the_slope_of_noise_with_a_known_spectrum(slope: int, rng) -> None:
    frequencies = np.hypot(np.fft.fftfreq(128)[:, None], np.fft.rfftfreq(128)[None])
    frequencies[0, 0] = 1
    magnitudes = frequencies ** (slope / 2)
    phases = np.exp(2j * np.pi * rng.random(frequencies.shape))
    picture = np.fft.irfft2(magnitudes * phases, (128, 128))[..., None].repeat(3, axis=2)
    assert spectrum_slope(picture) == pytest.approx(slope, abs=0.25)


def test_a_flat_or_tiny_picture_has_no_slope(rng) -> None:
    assert np.isnan(spectrum_slope(np.full((16, 16, 3), 7)))
    assert np.isnan(spectrum_slope(rng.random((4, 30, 3))))


def test_seeds_differ_by_the_root_of_their_variance() -> None:
    pixels = np.stack([np.full((4, 4, 3), 100), np.full((4, 4, 3), 110)]).astype(np.uint8)
    assert spread_of_seeds(pixels) == pytest.approx(np.std([100, 110], ddof=1))
    assert spread_of_seeds(pixels[[0, 0]]) == 0
    assert np.isnan(spread_of_seeds(pixels[:1]))


def test_a_window_beyond_the_border_is_the_mean_colour(rng) -> None:
    images = rng.standard_normal((2, 3, 8, 8))
    window = windowed(images, Field(-2, 5, 4, 11))
    assert window.shape == (2, 3, 6, 6)
    np.testing.assert_array_equal(window[:, :, 2:, :3], images[:, :, :4, 5:])
    assert not window[:, :, :2].any()
    assert not window[:, :, :, 3:].any()
    assert windowed(images, None) is images


# ------------------------------------------------------------------ which natural pictures


def test_files_are_of_the_class_that_their_names_say(tmp_path) -> None:
    from minitorch_viz.data.pictures import FilePictures

    model = sketch("squeezenet1_1")
    names = ["000_tench.jpg", "151_Chihuahua.png", "152_Chihuahua.png", "a photo.jpg", "9999_tench.jpg"]
    assert labels_of(model, FilePictures(tuple(tmp_path / name for name in names))) == [0, 151, None, None, None]


def test_the_pools_are_what_they_are_called() -> None:
    names = sketch("squeezenet1_1").class_names
    assert {names[min(GROUPS["dogs"])], names[max(GROUPS["dogs"])]} == {"Chihuahua", "Mexican hairless"}
    assert {names[min(GROUPS["snakes"])], names[max(GROUPS["snakes"])]} == {"thunder snake", "sidewinder"}
    assert {"cock", "black swan", "flamingo", "albatross"} <= {names[number] for number in GROUPS["birds"]}
    assert {"school bus", "tractor", "warplane", "cab"} <= {names[number] for number in GROUPS["vehicles"]}
    groups = list(GROUPS.values())
    assert sum(map(len, groups)) == len(frozenset().union(*groups))


def test_the_class_is_known_by_its_labels(threes: Regularizers) -> None:
    assert threes.class_words == "the class is 18 pictures of 3, other classes are 24 pictures of others"
    assert all(patch.label == "3" for patch in threes.natural)
    assert threes.nodes == ("relu1", "relu2", "relu3", "logits")


def test_without_labels_the_highest_scores_stand_for_the_class(digits: Model) -> None:
    images = list(load_digits()[1].images[:60])
    result = regularizers(digits, target=3, presets="none", steps=2, pictures=images, progress=False)
    assert "with the highest scores stand for it" in result.class_words


def test_too_few_pictures_have_no_trust_and_say_so(digits: Model) -> None:
    result = regularizers(
        digits, target=3, presets="none", steps=2, pictures=list(load_digits()[1].images[:3]), progress=False
    )
    assert result.trust is None
    assert "There is no trust score: it needs at least 5 natural pictures" in " ".join(result.notes)


# ------------------------------------------------------------------ the result and its page


def test_scores_rise_and_all_is_measured(threes: Regularizers) -> None:
    assert [way.name for way in threes.methods] == ["none", "oygard"]  # by year
    assert (threes.scores > 5).all()
    for values in (threes.slopes, threes.spreads, threes.trusts, threes.trust_by_layer):
        assert np.isfinite(values).all()
    assert (threes.seconds > 0).all()
    assert threes.verdicts == ()


def test_a_preset_that_does_not_fit_is_listed_with_its_reason(digits: Model, monkeypatch) -> None:
    from minitorch_viz.techniques.optimization import _regularizers_making as module

    def refuse(*_, **__):
        raise SettingError("This preset needs what there is not.")

    monkeypatch.setattr(module, "climb_of", refuse)
    result = regularizers(digits, target=3, presets="none", progress=False)
    assert result.reasons == ("This preset needs what there is not.",)
    assert result.shown == ()
    assert "none: This preset needs" in " ".join(result.notes)


def test_the_page_holds_every_preset_and_number(threes: Regularizers) -> None:
    page = threes.html()
    for way, trust in zip(threes.methods, threes.trusts, strict=True):
        assert f'id="{way.name}"' in page
        assert f"{trust:.2f}" in page
    assert page.count("natural patch of") == 9
    assert "<script" not in page


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"presets": "lucod"}, "There is no preset 'lucod'"),
        ({"presets": " , "}, "names none"),
        ({"target": 3, "node": "relu1"}, "not both"),
        ({"node": "relu1"}, "give one with --channel"),
        ({"node": "relu1", "channel": 999}, "has the channels 0 to"),
        ({"seeds": 0}, "seeds"),
    ],
)
def test_bad_settings_end_in_a_sentence(digits: Model, settings: dict, words: str) -> None:
    with pytest.raises(SettingError, match=words):
        regularizers(digits, progress=False, **settings)


# ------------------------------------------------------------------ planted units


@pytest.fixture(scope="module")
def liar() -> Model:
    return load_model("scenes_liar")


def of_unit(model: Model, channel: int, steps: int = 40, presets: str = "none,oygard") -> Regularizers:
    return regularizers(
        model, node=NODE, channel=channel, presets=presets, seeds=1, steps=steps, pictures="scenes:200", progress=False
    )


@pytest.mark.slow
def test_the_liar_fools_the_plain_presets(liar: Model) -> None:
    """Its picture excites the other unit; its natural patches are those of the honest unit."""
    lying, honest = of_unit(liar, LIAR), of_unit(load_model("scenes"), LIAR)
    pretended, showed = lying.truths.mean(axis=1).T
    assert (showed > 0.8).all()
    assert (pretended < 0.5 * showed).all()
    assert [(patch.number, patch.position) for patch in lying.natural] == [
        (patch.number, patch.position) for patch in honest.natural
    ]
    (verdict,) = lying.verdicts
    assert "Fooled, and the picture is that of another unit: none, oygard." in verdict
    assert f"channel {SHOWS}" in verdict


@pytest.mark.slow
def test_the_trust_score_ranks_the_liar_below_each_of_20_honest_units(liar: Model) -> None:
    """Of the same layer, each judged by its own top natural patches, all made by the plain preset."""
    source = as_pictures("scenes:300")
    *_, step = tallied(liar, source, [Strongest(NODE, SAME)])
    top = step.tallies[0].result()
    firing = [channel for channel in range(96) if channel != LIAR and top.values[channel, 4] > 0]
    honest = np.random.default_rng(0).choice(firing, 20, replace=False).tolist()
    units = [unit_of(liar, None, NODE, channel) for channel in (LIAR, *honest)]
    window, nodes = window_of(liar, HONEST, units[0]), (*trust_layers(liar, HONEST)[:-1], NODE)
    trusts = []
    for part in (units[:11], units[11:]):
        climb = climb_of(liar, part, get_preset("none"), (64, 64), steps=40)
        *_, ascent = climb.steps()
        images = windowed(climb.parametrization.units.net(as_seen_at(climb, ascent)), window)
        for unit, image in zip(part, images, strict=True):
            same, other = natural_patches(liar, source, unit, top, window)
            trusts.append(float(Judge(liar, same, other, nodes).trust(image[None]).mean[0]))
    assert trusts[0] < min(trusts[1:])
    assert np.median(trusts[1:]) > trusts[0] + 0.5


def natural_patches(model: Model, source, unit, top, window) -> list[np.ndarray]:
    """The patches that excite a unit most, and those that excite others most, as the net takes them."""
    same, other, _ = _of_unit(unit.index[0], top)
    return [np.concatenate([_seen(model, source, HONEST, window, place) for place in part]) for part in (same, other)]


@pytest.mark.slow
def test_what_is_known_of_the_other_plants_is_said(liar: Model) -> None:
    template = of_unit(liar, TEMPLATE, presets="none", steps=10)
    assert template.truths[0, 0, 0] > 0.5
    assert "Correlation of each picture with the true template" in template.verdicts[0]
    silent = of_unit(liar, SILENT, presets="none", steps=4)
    assert "no picture excites it" in silent.verdicts[0]
    assert silent.trust is None
    two = of_unit(liar, TWO, presets="none", steps=10)
    assert "two meanings" in two.verdicts[0]
    assert np.isfinite(two.truths).all()
