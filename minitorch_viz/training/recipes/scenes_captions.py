"""How `scenes_captions` was trained: on beginnings of the captions of generated scenes, no scene twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from minitorch_viz._types import Generator
from minitorch_viz.data import normalized
from minitorch_viz.data.scenes import Scenes
from minitorch_viz.data.scenes import scenes as make_scenes
from minitorch_viz.data.scenes.captions import END, caption, is_true
from minitorch_viz.data.scenes.things import things
from minitorch_viz.models.captioning import captions
from minitorch_viz.models.scenes import PREPROCESSING
from minitorch_viz.models.scenes_captions import READER, SO_FAR, SPEC
from minitorch_viz.net import Net
from minitorch_viz.training.asking import TEST_SCENES, TEST_SEED, Lesson, Texts, train_on_scenes

EACH = 5  # beginnings of a caption
OBJECTS = 1, 3
CLASSES = {name: number for number, name in enumerate((*READER.vocabulary, END))}


def write(batch: Scenes, rng: Generator) -> Texts:
    """Return beginnings of each scene's caption, and the words that come next."""
    numbers, words, targets = [], [], []
    for number in range(len(batch)):
        sentence = (*caption(batch, number).words, END)
        for length in rng.choice(len(sentence), min(EACH, len(sentence)), replace=False).tolist():
            numbers.append(number)
            words.append(READER.read(" ".join(sentence[:length])))
            targets.append(CLASSES[sentence[length]])
    return Texts(np.array(numbers), np.concatenate(words), np.array(targets))


def measure(net: Net) -> dict[str, float]:
    """Return of the captions of fresh scenes the shares that name the main object, its colour too, and say no untruth.

    An untruth is an object that is not there, in another colour, or on another side of the main one.
    """
    batch = make_scenes(TEST_SCENES, TEST_SEED, objects=OBJECTS)
    named = coloured = true = 0
    for start in range(0, len(batch), 100):
        images = normalized(batch.images[start : start + 100], PREPROCESSING)
        for number, words in enumerate(captions(net, images, SO_FAR, READER, list(CLASSES), END), start):
            main = things(batch, number)[0]
            named += words[2:3] == [main.kind]
            coloured += words[1:3] == [main.colour, main.kind]
            true += is_true(batch, number, words)
    return {
        "test_accuracy": named / len(batch),
        "names_its_colour_too": coloured / len(batch),
        "says_no_untruth": true / len(batch),
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
    """Train on beginnings of the captions of fresh scenes, test on others, and write weights (float16) and card.

    checkpoint, resume: see `fit`. Raises SettingError for a film.
    """
    return train_on_scenes(LESSON, out, seed, film=film, checkpoint=checkpoint, resume=resume)
