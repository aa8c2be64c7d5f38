"""Questions about generated scenes, each with its one answer and the object that it asks for.

>>> from minitorch_viz.data.scenes import scenes
>>> batch = scenes(1, seed=0, objects=2)
>>> for question in questions(batch, 2, seed=1):
...     print(question.text, "->", question.answer)
which thing is below the tree? -> umbrella
what is the colour of the umbrella? -> purple
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.data.scenes.colours import COLOURS
from minitorch_viz.data.scenes.kinds import KINDS
from minitorch_viz.data.scenes.scene import Scenes
from minitorch_viz.data.scenes.things import SIDES, Thing, beside, mask_of, things, with_article
from minitorch_viz.errors import need_whole

ANSWERS = (*COLOURS[1:], *KINDS[1:], "yes", "no")
# How each sort is asked, and its share among the questions. Yes and no are half right by chance, so that they are few.
SORTS: Mapping[str, tuple[float, tuple[str, ...]]] = {
    "colour": (0.22, ("what colour is the {kind}?", "what is the colour of the {kind}?")),
    "kind": (0.20, ("what is {colour}?", "which thing is {colour}?", "what is the {colour} thing?")),
    "beside": (0.32, ("what is {side} the {kind}?", "which thing is {side} the {kind}?")),
    "colour beside": (0.18, ("what colour is the thing {side} the {kind}?",)),
    "there": (0.08, ("is there {a_kind}?",)),
}
WORDS = (
    *("what", "which", "is", "there", "the", "a", "an", "colour", "thing", "of", "left", "right", "above", "below"),
    *ANSWERS[:-2],
)


@dataclass(frozen=True)
class Question:
    """Hold a question about one scene of a batch."""

    scene: int  # its number in the batch
    text: str  # "what colour is the star?"
    answer: str  # one of ANSWERS
    sort: str  # one of SORTS
    asked: int  # the index of the object that the answer is read off; -1 where there is none: "is there a star?", "no"

    def mask(self, scenes: Scenes) -> Array:
        """Return (H, W) bool, where the object asked for is seen."""
        return mask_of(scenes, self.scene, self.asked)


def questions(scenes: Scenes, each: int = 1, seed: int | Generator = 0) -> list[Question]:
    """Draw `each` questions about every scene of a batch; of a scene about which nothing can be asked surely, none.

    Every object that is asked for is one of its kind and colour, enough of it is seen, and of the objects on a side of
    another there is but one (`things.beside`). All kinds and all colours are equally frequent among the answers, so
    that the words alone say next to nothing. The same seed gives the same questions. Raises SettingError for an `each`
    below 1.
    """
    need_whole("number of questions on each scene", each, 1)
    rng = np.random.default_rng(seed)
    asked = []
    for number in range(len(scenes)):
        by_sort = possible(things(scenes, number))
        for _ in range(each if by_sort else 0):
            sort = _choice(rng, {sort: SORTS[sort][0] for sort in by_sort})
            words, answer, index = by_sort[sort][int(rng.integers(len(by_sort[sort])))]
            if sort == "there" and rng.random() < 0.5:
                present = set(scenes.kinds[number, : scenes.counts[number]].tolist())
                absent = [kind for code, kind in enumerate(KINDS) if code and code not in present]
                words, answer, index = _there(absent[int(rng.integers(len(absent)))]), "no", -1
            templates = SORTS[sort][1]
            text = templates[int(rng.integers(len(templates)))].format(**words)
            asked.append(Question(number, text, answer, sort, index))
    return asked


def possible(listed: list[Thing]) -> dict[str, list[tuple[dict[str, str], str, int]]]:
    """Return what can be asked of a scene's things, by sort: (words of its template, answer, index of the object).

    A sort of which nothing can be asked is left out. Of "there" these are the questions whose answer is yes.
    """
    sorts: dict[str, list[tuple[dict[str, str], str, int]]] = {sort: [] for sort in SORTS}
    for thing in listed:
        if not thing.is_clear:
            continue
        sorts["colour"].append(({"kind": thing.kind}, thing.colour, thing.index))
        if thing.is_the_only:
            sorts["kind"].append(({"colour": thing.colour}, thing.kind, thing.index))
        sorts["there"].append((_there(thing.kind), "yes", thing.index))
    for thing, side, other in beside(listed):
        if thing.is_clear and other.is_clear:
            words = {"side": side, "kind": other.kind}
            sorts["beside"].append((words, thing.kind, thing.index))
            sorts["colour beside"].append((words, thing.colour, thing.index))
    return {sort: cases for sort, cases in sorts.items() if cases}


def all_texts() -> Iterator[str]:
    """Yield every question that can be asked of some scene."""
    for _, templates in SORTS.values():
        for template in templates:
            for colour in COLOURS[1:] if "{colour}" in template else ("",):
                for kind in KINDS[1:] if "kind}" in template else ("",):
                    for side in SIDES if "{side}" in template else ("",):
                        yield template.format(colour=colour, kind=kind, side=side, a_kind=kind and with_article(kind))


def _there(kind: str) -> dict[str, str]:
    return {"a_kind": with_article(kind)}


def _choice(rng: Generator, weights: Mapping[str, float]) -> str:
    names, shares = list(weights), np.array(list(weights.values()))
    return names[int(rng.choice(len(names), p=shares / shares.sum()))]
