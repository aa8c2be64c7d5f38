"""How `scenes_questions` was trained: on generated scenes, no scene twice, with four questions about each."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from minitorch_viz._types import Generator
from minitorch_viz.data.scenes import Scenes
from minitorch_viz.data.scenes import scenes as make_scenes
from minitorch_viz.data.scenes.questions import Question, questions
from minitorch_viz.models.scenes_questions import ANSWERS, READER, SPEC
from minitorch_viz.net import Net
from minitorch_viz.training.asking import TEST_SCENES, TEST_SEED, Lesson, Texts, share_right, train_on_scenes

EACH = 4  # questions about a scene
OBJECTS = 2, 3


def as_texts(asked: list[Question]) -> Texts:
    """Return questions as the net takes them."""
    return Texts(
        np.array([question.scene for question in asked]),
        np.concatenate([READER.read(question.text) for question in asked]),
        np.array([ANSWERS.index(question.answer) for question in asked]),
    )


def write(batch: Scenes, rng: Generator) -> Texts:
    """Return questions about each scene of a batch."""
    return as_texts(questions(batch, EACH, rng))


def measure(net: Net) -> dict[str, float]:
    """Return the share of fresh questions that are answered rightly, and of those with another scene's picture."""
    batch = make_scenes(TEST_SCENES, TEST_SEED, objects=OBJECTS)
    texts = as_texts(questions(batch, 1, TEST_SEED))
    return {
        "test_accuracy": share_right(net, "question", batch, texts),
        "test_accuracy_with_another_picture": share_right(
            net, "question", batch, texts, pictures=(texts.scenes + 1) % len(batch)
        ),
    }


LESSON = Lesson(SPEC, write, OBJECTS, epochs=9, peak=5e-3, measure=measure)


def train(
    out: Path,
    seed: int = 0,
    *,
    film: Path | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
) -> Path:
    """Train on questions about fresh scenes, test on others, and write weights (float16) and card.

    checkpoint, resume: see `fit`. Raises SettingError for a film.
    """
    return train_on_scenes(LESSON, out, seed, film=film, checkpoint=checkpoint, resume=resume)
