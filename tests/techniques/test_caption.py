"""Caption: the likeliest word after the words so far, each with Grad-CAM of its own score."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import Model, load_model
from minitorch_viz.cli import main
from minitorch_viz.data.scenes import scenes
from minitorch_viz.data.scenes.captions import is_true
from minitorch_viz.data.scenes.things import mask_of, things
from minitorch_viz.errors import SettingError
from minitorch_viz.models.asking import asking, begun
from minitorch_viz.models.captioning import captions
from minitorch_viz.models.readers import Words
from minitorch_viz.models.samples import sample_scene
from minitorch_viz.techniques.gradients.grad_cam import grad_cam
from minitorch_viz.techniques.recurrent.caption import TECHNIQUE, caption

BATCH = scenes(20, seed=78)


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("scenes_captions")


@pytest.fixture
def untrained() -> Model:
    """A captioner that has learned nothing, of three words."""
    reader = Words(("a", "b", "c"), 4, fewest=0)
    readers = {"image": load_model("scenes").preprocessing, "so_far": reader}
    net = begun(asking("so_far", 3, 4, seed=1))
    return Model.from_net(net, readers=readers, class_names=["a", "b", "c", "stop"])


def test_fresh_scenes_are_described(model: Model) -> None:
    named, true, hits = [], [], []
    for number in range(len(BATCH)):
        result = caption(model, BATCH.images[number])
        main_thing = things(BATCH, number)[0]
        named.append(result.words[2:3] == (main_thing.kind,))
        true.append(is_true(BATCH, number, result.words))
        if named[-1]:
            hits.append(mask_of(BATCH, number, 0).ravel()[result.map(2).argmax()])
    assert np.mean(named) >= 0.85
    assert np.mean(true) >= 0.5
    assert np.mean(hits) >= 0.7


def test_each_word_is_the_likeliest_after_those_before_it(model: Model) -> None:
    image = sample_scene().image
    result = caption(model, image)
    assert len(result.words) >= 3
    for count, word in enumerate(result.words):
        after = model.with_inputs(words=" ".join(result.words[:count]))
        best = after.classify(image, top=1)[0]
        assert best.name == word
        assert best.probability == pytest.approx(result.shares[count], abs=1e-5)
        np.testing.assert_allclose(grad_cam(after, image).signed[0], result.signed[count], atol=1e-5)
    assert model.with_inputs(words=result.text).classify(image, top=1)[0].name == "."


def test_a_beginning_is_gone_on_from(model: Model) -> None:
    result = caption(model, sample_scene().image)
    begun_with = " ".join(result.words[:4])
    again = caption(model.with_inputs(words=begun_with), sample_scene().image)
    assert again.words == result.words[4:]
    assert again.text == result.text
    np.testing.assert_allclose(again.signed, result.signed[4:], atol=1e-5)


def test_an_untrained_net_ends_at_its_length(untrained: Model) -> None:
    images = np.random.default_rng(0).standard_normal((2, 3, 64, 64)).astype(np.float32)
    names, reader = untrained.class_names, untrained.readers["so_far"]
    assert isinstance(reader, Words)
    said = captions(untrained.net, images, "so_far", reader, names, "stop")
    alone = captions(untrained.net, images[1:], "so_far", reader, names, "stop")
    assert said[1:] == alone
    assert all(len(words) <= reader.length for words in said)


def test_what_says_no_words_is_refused(untrained: Model) -> None:
    assert "says no words" in str(TECHNIQUE.refuses(load_model("digits")))
    assert "says no words" in str(TECHNIQUE.refuses(load_model("scenes_questions")))
    with pytest.raises(SettingError, match="caption does not apply to digits: it says no words"):
        caption(load_model("digits"), sample_scene().image)
    with pytest.raises(SettingError, match="no scale 'both'"):
        caption(untrained, sample_scene().image, scale="both")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="does not know the word 'x'"):
        untrained.with_inputs(so_far="a x")


def test_a_saved_captioner_is_one(untrained: Model, tmp_path: Path) -> None:
    again = load_model(untrained.save(tmp_path / "net.safetensors"))
    assert again.readers == untrained.readers
    assert TECHNIQUE.applies(again) is None


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["caption", "--out", str(tmp_path / "said.png")]) == 0
    assert re.search(r'The net says: "an? \w+ \w+', capsys.readouterr().out)
    assert main(["caption", "--model", "digits"]) != 0
    assert "says no words" in capsys.readouterr().err


def test_a_net_that_says_nothing_shows_what_speaks_for_the_end(untrained: Model) -> None:
    bias = np.array([0, 0, 0, 1e3], np.float32)
    silent = Model.from_net(
        untrained.net.with_params({"logits.bias": bias}), readers=untrained.readers, class_names=untrained.class_names
    )
    result = caption(silent, sample_scene().image)
    assert result.is_silent
    assert result.words == ("stop",)
    assert result.text == ""
    assert result.shares == (pytest.approx(1.0),)
    assert "says nothing" in result.notes[0]
