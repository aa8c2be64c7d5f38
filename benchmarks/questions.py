"""What the nets that answer and describe are worth, on fresh scenes: right answers, and whether the maps point.

    python benchmarks/questions.py              1,000 questions, of 400 of them the maps; 500 captions
    python benchmarks/questions.py --quick      a tenth of that

A question's map is Grad-CAM of the net's own answer; it points if its largest value lies on a pixel of the object asked
for. Chance is that object's share of the picture. For two questions on one scene that ask for different objects both
maps must point, each to its own.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parent)]

import convolutions  # noqa: E402, F401  # sets the path of an uninstalled checkout

from minitorch_viz import Model, load_model  # noqa: E402
from minitorch_viz.data.scenes import Scenes, scenes  # noqa: E402
from minitorch_viz.data.scenes.captions import is_true  # noqa: E402
from minitorch_viz.data.scenes.questions import Question, questions  # noqa: E402
from minitorch_viz.data.scenes.things import mask_of, things  # noqa: E402
from minitorch_viz.techniques.gradients.grad_cam import grad_cam  # noqa: E402
from minitorch_viz.techniques.recurrent.caption import caption  # noqa: E402

SEED = 4_000_000  # neither trained on nor tested on before
OBJECTS = 2, 3


def answer(model: Model, question: Question, image: np.ndarray) -> str:
    """Return the net's answer to a question about a picture."""
    return model.with_inputs(question=question.text).classify(image, top=1)[0].name


def place_of(model: Model, question: Question, image: np.ndarray) -> tuple[int, int]:
    """Return the pixel at which Grad-CAM of the net's answer is largest."""
    heat = grad_cam(model.with_inputs(question=question.text), image).map()
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    return int(row), int(column)


def answers(model: Model, batch: Scenes) -> None:
    """Print the share of right answers, of each sort, and of those with another scene's picture."""
    right: dict[str, list[bool]] = defaultdict(list)
    for question in questions(batch, 1, seed=SEED):
        right[question.sort].append(answer(model, question, batch.images[question.scene]) == question.answer)
        other = batch.images[(question.scene + 1) % len(batch)]
        right["with another picture"].append(answer(model, question, other) == question.answer)
    others = right.pop("with another picture")
    every = [each for values in right.values() for each in values]
    print(f"{len(every)} questions: {np.mean(every):.1%} right, {np.mean(others):.1%} with another scene's picture")
    for sort, values in right.items():
        print(f"  {sort:<16}{np.mean(values):7.1%} of {len(values)}")


def maps(model: Model, batch: Scenes) -> None:
    """Print how often the map's maximum lies on the object asked for, and whether it moves with the question."""
    on, chance, right, pairs = [], [], [], []
    by_scene: dict[int, list[Question]] = defaultdict(list)
    for question in questions(batch, 6, seed=SEED):
        if question.asked >= 0:
            by_scene[question.scene].append(question)
    for number, asked in by_scene.items():
        first, *others = asked
        second = next((question for question in others if question.asked != first.asked), None)
        hits = []
        for question in filter(None, (first, second)):
            mask = question.mask(batch)
            hits.append(bool(mask[place_of(model, question, batch.images[number])]))
            chance.append(mask.mean())
            right.append(answer(model, question, batch.images[number]) == question.answer)
        on += hits
        if len(hits) == 2:
            pairs.append(all(hits))
    of_right = np.mean(np.array(on)[np.array(right)])
    print(
        f"{len(on)} maps: {np.mean(on):.1%} have their maximum on the object asked for ({of_right:.1%} where the "
        f"answer is right); chance {np.mean(chance):.1%}"
    )
    print(f"{len(pairs)} pairs of questions on one scene: in {np.mean(pairs):.1%} both maps point to their own object")


def said(model: Model, batch: Scenes) -> None:
    """Print what captions are worth, and whether the map of each thing's name points to it."""
    named, coloured, true, on, chance = [], [], [], [], []
    for number in range(len(batch)):
        result = caption(model, batch.images[number])
        words, listed = result.words, things(batch, number)
        named.append(words[2:3] == (listed[0].kind,))
        coloured.append(words[1:3] == (listed[0].colour, listed[0].kind))
        true.append(is_true(batch, number, words))
        for thing in listed:
            if thing.kind in words:
                heat = result.map(words.index(thing.kind))
                mask = mask_of(batch, number, thing.index)
                on.append(bool(mask.ravel()[heat.argmax()]))
                chance.append(mask.mean())
    print(
        f"{len(batch)} captions: {np.mean(named):.1%} name the main object, {np.mean(coloured):.1%} its colour, too; "
        f"{np.mean(true):.1%} say nothing untrue"
    )
    print(f"  {len(on)} names of things: {np.mean(on):.1%} of their maps have their maximum on the thing", end="; ")
    print(f"chance {np.mean(chance):.1%}")


def main() -> None:
    """Measure both nets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of all")
    parser.add_argument("--questions", metavar="FILE", help="weights in place of the bundled ones")
    parser.add_argument("--captions", metavar="FILE", help="weights in place of the bundled ones")
    options = parser.parse_args()
    part = 10 if options.quick else 1
    model = load_model("scenes_questions", weights=options.questions)
    answers(model, scenes(1000 // part, seed=SEED, objects=OBJECTS))
    maps(model, scenes(200 // part, seed=SEED + 1, objects=OBJECTS))
    said(load_model("scenes_captions", weights=options.captions), scenes(500 // part, seed=SEED + 2))


if __name__ == "__main__":
    main()
