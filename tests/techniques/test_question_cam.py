"""Grad-CAM of an answer: it shows the object that the question asks for, and moves when the question changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import Model, load_model
from minitorch_viz.cli import main
from minitorch_viz.data.scenes import scenes
from minitorch_viz.data.scenes.questions import Question, questions
from minitorch_viz.io.images import save_png
from minitorch_viz.models.samples import sample_scene
from minitorch_viz.techniques.gradients.grad_cam import grad_cam
from minitorch_viz.techniques.gradients.guided_grad_cam import guided_grad_cam

BATCH = scenes(40, seed=77, objects=(2, 3))
ASKED = questions(BATCH, 2, seed=3)


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("scenes_questions")


def answer(model: Model, question: Question, number: int) -> str:
    return model.with_inputs(question=question.text).classify(BATCH.images[number], top=1)[0].name


def test_fresh_questions_are_answered_from_the_picture(model: Model) -> None:
    right = np.mean([answer(model, question, question.scene) == question.answer for question in ASKED])
    elsewhere = np.mean(
        [answer(model, question, (question.scene + 1) % len(BATCH)) == question.answer for question in ASKED]
    )
    assert right > 0.88
    assert elsewhere < 0.4


def test_the_maximum_is_on_the_object_asked_for(model: Model) -> None:
    hits, chance = [], []
    for question in ASKED:
        if question.asked >= 0:
            heat = grad_cam(model.with_inputs(question=question.text), BATCH.images[question.scene]).map()
            mask = question.mask(BATCH)
            hits.append(mask.ravel()[heat.argmax()])
            chance.append(mask.mean())
    assert np.mean(hits) > 0.75 > 4 * np.mean(chance)


def test_another_question_moves_the_map(model: Model) -> None:
    sample = sample_scene()
    assert sample.truth is not None
    for index, kind in enumerate(sample.objects):
        asking = model.with_inputs(question=f"what colour is the {kind}?")
        result = grad_cam(asking, sample.image)
        assert sample.truth.ravel()[result.map().argmax()] == index + 1
        fine = guided_grad_cam(asking, sample.image)
        share = fine.heat[sample.truth == index + 1].sum() / fine.heat.sum()
        assert share > 0.6, kind


def test_the_map_is_the_papers_formula(model: Model) -> None:
    """Of what comes after the mean of the maps the gradient is the same at all places: Grad-CAM is the CAM of a net
    that is not linear behind its mean."""
    asking = model.astype(np.float64).with_inputs(question="what is left of the umbrella?")
    result = grad_cam(asking, sample_scene().image)
    tape = asking.net.forward(asking.preprocess(sample_scene().image))
    best = int(tape["logits"].argmax())
    assert result.labels == (f'class "{asking.class_names[best]}" ({best})',)
    seed = np.eye(len(asking.class_names))[best : best + 1]
    gradient = asking.net.backward(tape, {"logits": seed}, wrt="looked_at")["looked_at"][0]
    np.testing.assert_allclose(gradient, np.broadcast_to(gradient[:, :1, :1], gradient.shape))
    by_hand = np.einsum("k,khw->hw", gradient[:, 0, 0], tape["looked_at"][0])
    np.testing.assert_allclose(result.signed[0], by_hand, atol=1e-12)


# ------------------------------------------------------------------ the command


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    status = main(list(arguments))
    captured = capsys.readouterr()
    return status, captured.out + captured.err


def test_a_question_about_a_photo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo, out = tmp_path / "scene.png", tmp_path / "cam.png"
    save_png(sample_scene().image, photo)
    words = "What colour is the umbrella?"
    status, printed = run(capsys, "grad-cam", str(photo), "--question", words, "--out", str(out))
    assert status == 0
    assert out.exists()
    assert "Answered by scenes_questions" in printed
    assert f"The input question is '{words}'" in printed
    model = load_model("scenes_questions").with_inputs(question=words)
    assert f'Explains class "{model.classify(photo, top=1)[0].name}"' in printed
    status, printed = run(capsys, "guided-grad-cam", str(photo), "--question", words, "--out", str(out))
    assert status == 0


def test_without_a_question_there_is_a_sample(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, printed = run(capsys, "grad-cam", "--model", "scenes_questions", "--out", str(tmp_path / "a.png"))
    assert status == 0
    assert "The input question is 'what is left of the umbrella?'" in printed
    assert "That is a sample; --question TEXT asks" in printed or "That is a sample; --question TEXT gives" in printed


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--question", "what color is the star?"], "does not know the word 'color'; near words: colour"),
        (["--question", "?"], "at least 1 word is needed"),
        (["--question", "is " * 13], "at most 12 words, but this one has 13"),
        (["--model", "digits", "--question", "what is red?"], "digits has no input 'question'"),
        (["--model", "scenes_questions", "--input", "image=a.png"], "one of them must be left to look at"),
        (["--model", "scenes_questions", "--input", "answer=yes"], "no input 'answer'"),
    ],
)
def test_what_cannot_be_asked(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, printed = run(capsys, "grad-cam", *arguments)
    assert status != 0
    assert sentence in printed
