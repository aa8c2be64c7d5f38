"""The passport of a unit: each part of it against brute force, and the page as a whole."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from PIL import Image

from minitorch_viz import Model, Net, load_model
from minitorch_viz.cli import main
from minitorch_viz.data import load_digits
from minitorch_viz.data.pictures import as_pictures
from minitorch_viz.errors import DataFileError, NetError, SettingError
from minitorch_viz.graph import Tape
from minitorch_viz.layers import ChannelShuffle, Concat, Conv2d, ConvTranspose2d, Flatten, Linear, MaxPool2d, ReLU
from minitorch_viz.techniques.activations.unit import unit
from minitorch_viz.techniques.explain.answers import Answers
from minitorch_viz.techniques.explain.class_use import BY_GRADIENT, BY_WEIGHT
from minitorch_viz.techniques.explain.in_context import InContext
from minitorch_viz.techniques.explain.nothing import blank_tape
from minitorch_viz.techniques.explain.passport import Passport
from minitorch_viz.techniques.explain.unit_passport import passport_of
from minitorch_viz.techniques.explain.unit_pictures import shown, tenths_of, top_of
from minitorch_viz.techniques.explain.unit_survey import ground_of, survey_of, tallies_for
from minitorch_viz.techniques.tally import tallied
from tests.planted import NODE, TWO_MEANINGS, UNITS, EncodedScenes, planted_model

# ------------------------------------------------------------------ weights in context


def branching(rng: np.random.Generator) -> Net:
    """Two branches side by side, in groups, shuffled and pooled, then read by a layer that weighs flat maps."""
    return Net(
        [
            ("first", Conv2d.random(rng, 3, 4, 3, padding=1)),
            ("on", ReLU()),
            ("left", Conv2d.random(rng, 4, 6, 1), ("on",)),
            ("left_on", ReLU()),
            ("right", Conv2d(rng.standard_normal((2, 2, 3, 3)), padding=1, groups=2), ("on",)),
            ("up", ConvTranspose2d(rng.standard_normal((2, 2, 3, 3)), padding=1, groups=2)),
            ("both", Concat(), ("left_on", "up")),
            ("shuffled", ChannelShuffle(5)),
            ("pool", MaxPool2d(3, 1, 1)),
            ("next", Conv2d.random(rng, 10, 5, 3, padding=1)),
            ("flat", Flatten(), ("pool",)),
            ("scores", Linear.random(rng, 10 * 81, 3)),
        ],
    )


@pytest.fixture
def model(rng) -> Model:
    return Model.from_net(branching(rng).astype(np.float64), 9, class_names=["a", "b", "c"], logits="scores")


def middle(values: np.ndarray) -> np.ndarray:
    """The answers (C,) in the middle of maps (1, C, 9, 9), or of a row."""
    return values[0, :, 4, 4] if values.ndim == 4 else values[0]


@pytest.mark.parametrize("node", ["left", "left_on", "up", "both", "shuffled", "pool", "scores"])
def test_what_a_unit_adds_up_is_how_its_sum_moves_with_each_channel_that_it_reads(model: Model, node: str) -> None:
    tape = blank_tape(model)
    context = InContext(model.net, tape, node)
    for channel in range(len(context.origins)):
        origin = context.origins[channel]
        links = context.inputs(channel, 100)
        assert links
        (source,) = {link.node for link in links}
        for link in links:
            level = tape[source].copy()
            level[:, link.channel] += 1
            raised = model.net.forward(tape["input"], given={source: level}, upto=origin.node)
            moved = middle(raised[origin.node])[origin.channel] - middle(tape[origin.node])[origin.channel]
            assert link.value == pytest.approx(moved, abs=1e-9)
        silent = set(range(tape[source].shape[1])) - {link.channel for link in links}
        for number in silent:  # another group's
            level = tape[source].copy()
            level[:, number] += 1
            raised = model.net.forward(tape["input"], given={source: level}, upto=origin.node)
            np.testing.assert_array_equal(raised[origin.node][:, origin.channel], tape[origin.node][:, origin.channel])


@pytest.mark.parametrize("node", ["left_on", "up", "both", "shuffled", "pool", "on"])
def test_what_reads_a_unit_moves_with_it_by_these_weights(model: Model, node: str) -> None:
    tape = blank_tape(model)
    context = InContext(model.net, tape, node)
    level = np.full_like(tape[node], 100.0)  # far above zero, so that all gates are open and stay so
    before = model.net.forward(tape["input"], given={node: level})
    for channel in range(tape[node].shape[1]):
        links = context.readers(channel, 1000)
        raised = level.copy()
        raised[:, channel] += 1
        after = model.net.forward(tape["input"], given={node: raised})
        for link in links:
            moved = middle(after[link.node])[link.channel] - middle(before[link.node])[link.channel]
            assert link.value == pytest.approx(moved, abs=1e-9)
        reading = {"on": {"left", "right"}}.get(node, {"next", "scores"})
        assert {link.node for link in links} == reading


def test_the_strongest_links_come_first_and_no_more_than_asked_for(model: Model) -> None:
    context = InContext(model.net, blank_tape(model), "left")
    weights = model.net.params["left.weight"][2, :, 0, 0]
    assert [link.channel for link in context.inputs(2, 3)] == np.argsort(-abs(weights))[:3].tolist()


def test_weights_alike_are_those_of_one_layer(model: Model) -> None:
    context = InContext(model.net, blank_tape(model), "both")
    cosines = context.alike(1)
    rows = model.net.params["left.weight"].reshape(6, -1)
    expected = rows @ rows[1] / np.linalg.norm(rows, axis=1) / np.linalg.norm(rows[1])
    np.testing.assert_allclose(np.delete(cosines[:6], 1), np.delete(expected, 1))
    assert np.isnan(cosines[[1, 6, 7]]).all()  # itself, and those of the other branch


# ------------------------------------------------------------------ answers


def test_answers_are_counted_as_by_numpy_and_correlated_as_by_numpy(rng) -> None:
    maps = np.maximum(rng.standard_normal((6, 4, 30, 50)), 0).astype(np.float32)
    maps[:, 1] = 3 * maps[:, 0] + 0.5
    maps[:, 3] = 7  # never changes
    whole = Answers("a", 1)
    whole.see(Tape({"a": maps}, {}), np.arange(6))
    first, second = Answers("a", 1), Answers("a", 1)
    first.see(Tape({"a": maps[:2]}, {}), np.arange(2))
    second.see(Tape({"a": maps[2:]}, {}), np.arange(2, 6))
    first.merge(second)
    flat = maps.transpose(1, 0, 2, 3).reshape(4, -1)
    for tally in (whole, first):
        histogram = tally.histogram(0)
        assert histogram.counts.sum() == pytest.approx(flat[0].size)
        assert histogram.edges[0] == 0
        assert histogram.edges[-1] == pytest.approx(flat[0].max())
        exact = np.histogram(flat[0], histogram.edges)[0]
        assert np.abs(histogram.counts - exact).sum() < 0.02 * flat[0].size  # inside a fine bin spread evenly
        assert tally.active(0) == (flat[0] > 0).mean()
        correlations = tally.alike(0)
        np.testing.assert_allclose(correlations[1:3], np.corrcoef(flat[:3])[0, 1:], atol=1e-5)
        assert np.isnan(correlations[[0, 3]]).all()
    np.testing.assert_array_equal(first.arrays["counts"], whole.arrays["counts"])


# ------------------------------------------------------------------ classes and silence


@pytest.fixture(scope="module")
def digits_unit():
    return unit(load_model("digits"), load_digits()[1][:96], node="relu2", channel=5, progress=False)


def test_by_gradient_a_class_uses_a_unit_by_what_it_adds_to_the_score_of_its_pictures(digits_unit) -> None:
    digits, pictures = load_model("digits"), load_digits()[1][:96]
    sums, counts = np.zeros(10), np.zeros(10)
    for image in pictures.images:
        tape = digits.net.forward(digits.preprocess(image))
        best = int(tape["logits"].argmax())
        gradient = digits.net.backward(tape, {"logits": np.eye(10, dtype=np.float32)[[best]]}, wrt="relu2")["relu2"]
        sums[best] += (gradient * tape["relu2"])[0, 5].sum()
        counts[best] += 1
    assert digits_unit.passport.way == BY_GRADIENT
    assert digits_unit.passport.classes
    for link in digits_unit.passport.classes:
        number = digits.class_index(link.name)
        assert link.value == pytest.approx(sums[number] / counts[number], rel=1e-3)
        assert link.pictures == counts[number]


def test_by_weight_a_score_rises_by_it_where_the_channel_rises_by_one() -> None:
    digits, pictures = load_model("digits"), load_digits()[1][:32]
    passport = unit(digits, pictures, node="relu3", channel=3, progress=False).passport
    assert passport.way == BY_WEIGHT
    tape = digits.net.forward(digits.preprocess(pictures.images[0]))
    raised = tape["relu3"].copy()
    raised[:, 3] += 1
    moved = digits.net.forward(given={"relu3": raised}, upto="logits")["logits"] - tape["logits"]
    for link in passport.classes:
        assert link.value == pytest.approx(moved[0, digits.class_index(link.name)], rel=1e-3)


def test_silencing_is_a_net_whose_readers_have_no_weight_for_the_channel(digits_unit) -> None:
    digits, pictures = load_model("digits"), load_digits()[1][:96]
    weights = digits.net.params["conv3.weight"].copy()
    weights[:, 5] = 0
    nodes = [
        (node.name, node.layer.replace(weight=weights) if node.name == "conv3" else node.layer, node.inputs)
        for node in digits.net.nodes
    ]
    x = np.concatenate([digits.preprocess(image) for image in pictures.images])
    before, after = (net.predict(x, upto="logits") for net in (digits.net, Net(nodes)))
    falls = before.mean(axis=0) - after.mean(axis=0)
    passport = digits_unit.passport
    assert [fall.by for fall in passport.falls] == pytest.approx(np.sort(falls)[::-1][: len(passport.falls)], abs=1e-4)
    assert passport.changed == (before.argmax(axis=1) != after.argmax(axis=1)).sum()


def test_on_a_photo_scores_stand_before_and_after(tmp_path) -> None:
    pictures = load_digits()[1]
    Image.fromarray(pictures.images[0].astype(np.uint8)).save(tmp_path / "digit.png")
    words = ["unit", "--model", "digits", "--node", "relu2", "--channel", "5", "--silence", str(tmp_path / "digit.png")]
    assert main([*words, "--out", str(tmp_path / "unit.json")]) == 0
    assert '"silenced.0.after"' in (tmp_path / "unit.json").read_text()
    result = unit(load_model("digits"), pictures[:16], node="relu2", channel=5, silence=pictures.images[0])
    tape = load_model("digits").net.forward(load_model("digits").preprocess(pictures.images[0]))
    values = tape["relu2"].copy()
    values[:, 5] = 0
    after = load_model("digits").net.forward(given={"relu2": values}, upto="logits")["logits"][0]
    for fall in result.silenced:
        number = load_model("digits").class_index(fall.name)
        assert fall.before == pytest.approx(float(tape["logits"][0, number]), rel=1e-5)
        assert fall.after == pytest.approx(float(after[number]), rel=1e-5)


# ------------------------------------------------------------------ patches, fields, concepts


def test_a_planted_unit_is_named() -> None:
    pictures = EncodedScenes(32)
    result = unit(planted_model(), pictures, node=NODE, channel=1, progress=False)
    assert result.passport.concept.concept == "car"
    assert result.passport.concept.detects
    assert result.passport.classes[0].name == "car"
    values = [patch.value for patch in result.patches]
    assert values == sorted(values, reverse=True)
    assert len({patch.number for patch in result.patches}) == len(values)


@pytest.fixture(scope="module")
def planted_survey():
    pictures = EncodedScenes(60)
    ground = ground_of(planted_model(), NODE)
    *_, step = tallied(planted_model(), pictures, tallies_for(ground, 4))
    return survey_of(ground, step.tallies, step)


def test_tenths_show_both_meanings_of_a_unit_that_has_two(planted_survey) -> None:
    pictures = EncodedScenes(60)
    both, top = set(), set()
    for wanted, names in (
        (tenths_of(planted_survey, TWO_MEANINGS), both),
        (top_of(planted_survey, TWO_MEANINGS, 4), top),
    ):
        for answer in wanted:
            names |= {name for name in ("star", "yellow") if pictures.scene(answer.number).where(name)[answer.position]}
    assert both == {"star", "yellow"}
    assert "star" in top


def test_a_unit_that_is_silent_says_so(planted_survey) -> None:
    assert UNITS[8].formula == ""
    assert any("above zero in none" in note for note in passport_of(planted_survey, 8).notes)


def test_units_shown_together_have_the_pictures_that_each_has_alone() -> None:
    """Answers of one picture go back together, as seeds of one tape."""
    scenes, pictures = load_model("scenes"), as_pictures("scenes:40")
    ground = ground_of(scenes, "relu4")
    *_, step = tallied(scenes, pictures, tallies_for(ground, 4))
    survey = survey_of(ground, step.tallies, step)
    channels = [3, 8, 20]
    together = shown(
        ground, pictures, [top_of(survey, c, 4) for c in channels], [tenths_of(survey, c) for c in channels], None
    )
    for channel, several in zip(channels, together, strict=True):
        (alone,) = shown(ground, pictures, [top_of(survey, channel, 4)], [tenths_of(survey, channel)], None)
        assert len(several.patches) == 4
        assert len(several.tenths) == 10
        for first, second in zip([*several.patches, *several.tenths], [*alone.patches, *alone.tenths], strict=True):
            np.testing.assert_array_equal(first.crop, second.crop)
            assert first[1:9] == second[1:9]
            if first.beside is not None:
                assert np.abs(first.beside.astype(int) - second.beside).max() <= 1
        assert several.field.sigma == pytest.approx(alone.field.sigma, rel=1e-4)


def test_the_effective_field_of_a_unit_that_reads_one_pixel_is_that_pixel(rng) -> None:
    net = Net([("one", Conv2d(np.ones((2, 3, 1, 1), np.float32))), ("on", ReLU())])
    dots = Model.from_net(net, 12, name="dots")
    images = [rng.integers(0, 256, (12, 12, 3)).astype(np.uint8) for _ in range(12)]
    field = unit(dots, images, node="on", channel=1, progress=False).energy
    assert field.energy[11, 11] == 1  # the middle of 23 x 23
    assert field.sigma == 0
    assert field.share == 1


# ------------------------------------------------------------------ the whole


def test_a_passport_is_the_same_after_json(digits_unit) -> None:
    passport = digits_unit.passport
    assert Passport.from_dict(json.loads(json.dumps(passport.as_dict()))) == passport


def test_the_page_stands_alone_and_has_every_part(digits_unit, tmp_path) -> None:
    page = digits_unit.save(tmp_path / "unit.html").read_text()
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", page)
    assert page.count("data:image/png") >= 9 * 2 + 10 + 1
    for heading in ("What excites it most", "One of each tenth", "What it adds up", "What reads it", "Without it"):
        assert heading in page
    assert "relu1 " in page


def test_a_net_without_classes_has_a_passport_without_them(rng) -> None:
    net = Net([("one", Conv2d.random(rng, 3, 4, 3, padding=1)), ("on", ReLU())])
    maps = Model.from_net(net, 12, name="maps")
    images = [rng.integers(0, 256, (12, 12, 3)).astype(np.uint8) for _ in range(12)]
    result = unit(maps, images, node="on", channel=1, progress=False)
    assert result.passport.classes == ()
    assert result.passport.falls is None
    assert "Classes that use it" not in result.html()


@pytest.mark.parametrize(
    ("settings", "error", "word"),
    [
        ({"node": "relu9"}, NetError, "near nodes: relu"),
        ({"node": "relu2", "channel": 99}, SettingError, "from 0 to"),
        ({"node": "relu2", "channel": -1}, SettingError, "from 0 to"),
        ({"top": 0}, SettingError, "strongest answers"),
    ],
)
def test_bad_settings_end_in_a_sentence(settings, error, word) -> None:
    with pytest.raises(error, match=word):
        unit(load_model("digits"), load_digits()[1][:16], **settings)


def test_one_broken_picture_is_left_out_and_named(tmp_path, capsys) -> None:
    for number, image in enumerate(load_digits()[1].images[:12]):
        Image.fromarray(image.astype(np.uint8)).save(tmp_path / f"{number:02d}.png")
    (tmp_path / "05.png").write_bytes(b"no picture")
    words = ["unit", "--model", "digits", "--pictures", str(tmp_path), "--node", "relu2", "--channel", "5"]
    assert main([*words, "--out", str(tmp_path.parent / "unit.png")]) == 0
    out = capsys.readouterr().out
    assert "over 11 pictures" in out
    assert "05.png" in out
    for file in tmp_path.iterdir():
        file.write_bytes(b"no picture")
    with pytest.raises(DataFileError, match="None of the 12 pictures"):
        unit(load_model("digits"), tmp_path, node="relu2", channel=5)


def test_the_empirical_field_is_there_where_it_is_asked_for() -> None:
    scenes, pictures = load_model("scenes"), "scenes:16"
    result = unit(scenes, pictures, node="relu4", channel=3, empirical=True, progress=False)
    assert result.covered is not None
    height, width = result.covered.energy.shape
    rows, columns = np.nonzero(result.covered.energy > 1e-3 * result.covered.energy.max())
    box = result.passport.field.size
    square = 64 / 20 + 4  # the occluder, and the step from one place to the next
    assert abs(rows - height // 2).max() <= box[0] / 2 + square  # nothing outside the theoretical field counts
    assert abs(columns - width // 2).max() <= box[1] / 2 + square
    assert result.passport.field.covered == pytest.approx(result.covered.sigma, abs=0.01)
    assert "Empirical field" in result.html()


@pytest.mark.parametrize("node", ["flatten", "logits"])
def test_a_unit_of_a_row_has_a_passport(node: str) -> None:
    digits, pictures = load_model("digits"), load_digits()[1][:16]
    result = unit(digits, pictures, node=node, channel=3, progress=False)
    assert len(result.patches) == 9
    assert result.energy is None
    if node == "flatten":
        weights = digits.net.params["logits.weight"][:, 3]
        assert [link.value for link in result.passport.readers] == pytest.approx(
            weights[np.argsort(-abs(weights), kind="stable")][:8].tolist()
        )
    assert result.html()
