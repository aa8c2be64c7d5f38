"""Training nets that answer words about pictures: small runs of the recipes, and what they are fed."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import load_model
from minitorch_viz.data import normalized
from minitorch_viz.data.scenes import scenes
from minitorch_viz.data.scenes.questions import questions
from minitorch_viz.errors import SettingError
from minitorch_viz.models.asking import IMAGE, SEEN, eye
from minitorch_viz.models.params import Params
from minitorch_viz.net import Net
from minitorch_viz.training import asking
from minitorch_viz.training.recipes import scenes_captions, scenes_questions, train

RECIPES = {"scenes_questions": scenes_questions, "scenes_captions": scenes_captions}
each = pytest.mark.parametrize("name", RECIPES)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in {"SCENES": 32, "TEST_SCENES": 6, "WATCHED": 4}.items():
        monkeypatch.setattr(asking, key, value)
    for recipe in RECIPES.values():
        monkeypatch.setattr(recipe, "TEST_SCENES", 6)
        monkeypatch.setattr(recipe, "LESSON", dataclasses.replace(recipe.LESSON, epochs=1))


@each
def test_a_recipe_writes_a_whole_net(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = train(name, tmp_path / f"{name}.safetensors", 3)
    assert name in capsys.readouterr().out
    model = load_model(name, weights=out)
    assert model.class_names == load_model(name).class_names
    trained, bundled = model.net.params, load_model(name).net.params
    same = {key for key in trained if np.array_equal(trained[key], bundled[key])}
    # A sharpness of 256 is one number that so short a training does not move in float16.
    assert same - {"where.weight"} == {key for key in trained if key.startswith("conv")}
    card = json.loads(out.with_suffix(".json").read_text())["card"]
    assert 0 <= card["test_accuracy"] <= 1
    assert card["command"] == f"minitorch-viz train {name} --seed 3"
    whole = load_model(out)  # the file says itself how the words are read
    assert whole.readers == model.readers
    assert out.stat().st_size < 2_000_000


@each
def test_films_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="takes words, too"):
        train(name, tmp_path / "a.safetensors", film=tmp_path / "a.html")


@each
def test_texts_stand_beside_their_own_pictures(name: str) -> None:
    lesson = RECIPES[name].LESSON
    words_input = next(iter(lesson.spec.further))
    looking = Net(eye(Params(load_model("scenes").net.state)), (IMAGE,))
    batch = scenes(20, seed=4, objects=lesson.objects)
    source = asking.FreshTexts(asking.look_at(looking, batch), words_input, lesson.write, batch=10)
    tape = looking.forward(normalized(batch.images, load_model("scenes").preprocessing))
    assert len(source) == 2
    seen = set()
    for x, targets in source(np.random.default_rng(0)):
        assert set(x) == {*SEEN, words_input}
        assert len(targets) == len(x[words_input]) == len(x["shapes"])
        for row in x["pixels"]:
            (number,) = np.flatnonzero([np.allclose(row, pixels, atol=2e-3) for pixels in tape["pixels"]])
            seen.add(int(number))
    assert len(seen) >= 18  # of a few scenes nothing can be asked
    first, again = (next(iter(source(np.random.default_rng(5)))) for _ in range(2))
    np.testing.assert_array_equal(first[1], again[1])


def test_shares_are_those_of_the_bundled_net() -> None:
    batch = scenes(30, seed=9, objects=(2, 3))
    texts = scenes_questions.as_texts(questions(batch, 1, seed=0))
    model = load_model("scenes_questions")
    by_hand = [
        model.with_inputs(question=question.text).classify(batch.images[question.scene], top=1)[0].name
        == question.answer
        for question in questions(batch, 1, seed=0)
    ]
    net = Net(model.net.nodes, (IMAGE, "question"))
    assert asking.share_right(net, "question", batch, texts) == pytest.approx(np.mean(by_hand))
