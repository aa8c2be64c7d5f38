"""Questions and captions of scenes: every answer is so, there is one of it, and the words alone do not tell it."""

from __future__ import annotations

import re
from collections import Counter, defaultdict

import numpy as np
import pytest

from minitorch_viz.data.scenes import COLOURS, KINDS, Scenes, scenes
from minitorch_viz.data.scenes.captions import Caption, caption, is_true
from minitorch_viz.data.scenes.questions import ANSWERS, SORTS, WORDS, Question, all_texts, possible, questions
from minitorch_viz.data.scenes.things import things
from minitorch_viz.errors import SettingError
from minitorch_viz.models import scenes_captions, scenes_questions

MANY = scenes(300, seed=11, objects=(2, 3))
ASKED = questions(MANY, 4, seed=1)
TOWARDS = {"left of": (0, -1), "right of": (0, 1), "above": (-1, 0), "below": (1, 0)}


def objects_in(batch: Scenes, number: int) -> dict[str, tuple[int, str, np.ndarray]]:
    """{kind: (index, the colour that most of its pixels have, its box's centre in pixels)}, from the maps alone."""
    listed = {}
    for index in range(batch.counts[number]):
        rows, columns = np.nonzero(batch.object_map[number] == index + 1)
        kind = KINDS[np.bincount(batch.kind_map[number][rows, columns]).argmax()]
        colour = COLOURS[np.bincount(batch.colour_map[number][rows, columns]).argmax()]
        centre = np.array([rows.min() + rows.max() + 1, columns.min() + columns.max() + 1]) / 2
        listed[kind] = (index, colour, centre)
    return listed


def the_one_beside(batch: Scenes, number: int, kind: str, side: str) -> str:
    """The kind of the one object that lies clearly on a side of another; all others must not lie there at all."""
    listed = objects_in(batch, number)
    centre, towards = listed[kind][2], np.array(TOWARDS[side])
    distances = {other: float((place - centre) @ towards) for other, (_, _, place) in listed.items() if other != kind}
    (there,) = (other for other, distance in distances.items() if distance > 0.04 * 64)
    across = abs(float((listed[there][2] - centre) @ towards[::-1]))
    assert distances[there] >= max(across, 0.12 * 64)
    return there


def answer_of(question: Question, batch: Scenes) -> tuple[str, int]:
    """The answer and the index of the object, read off the maps by the words of the question."""
    listed = objects_in(batch, question.scene)
    words = question.text.rstrip("?").split()
    kinds = [word for word in words if word in KINDS]
    colours = [word for word in words if word in COLOURS]
    side = next((side for side in TOWARDS if side in question.text), "")
    if question.text.startswith("is there"):
        return ("yes", listed[kinds[0]][0]) if kinds[0] in listed else ("no", -1)
    if colours:
        (kind,) = (kind for kind, (_, colour, _) in listed.items() if colour == colours[0])
        assert {colours[0]} == {COLOURS[c] for c in np.unique(batch.colour_map[question.scene])} & {colours[0]}
        return kind, listed[kind][0]
    kind = the_one_beside(batch, question.scene, kinds[0], side) if side else kinds[0]
    index, colour, _ = listed[kind]
    return (colour if "colour" in words else kind), index


def test_every_answer_is_what_the_maps_show() -> None:
    assert 0.97 * 4 * len(MANY) < len(ASKED) <= 4 * len(MANY)  # of a few scenes nothing is clear
    for question in ASKED:
        assert answer_of(question, MANY) == (question.answer, question.asked), question


def test_what_is_asked_for_is_seen() -> None:
    for question in ASKED:
        mask = question.mask(MANY)
        assert mask.any() == (question.asked >= 0)
        assert np.all(MANY.object_map[question.scene][mask] == question.asked + 1)
        if question.asked >= 0:
            assert MANY.visible[question.scene, question.asked] >= 0.7


def test_sorts_and_answers_are_balanced() -> None:
    counts = Counter(question.sort for question in ASKED)
    expected: Counter[str] = Counter()
    for number in range(len(MANY)):
        shares = {sort: SORTS[sort][0] for sort in possible(things(MANY, number))}
        for sort, share in shares.items():  # where one cannot be asked, the others are asked the more
            expected[sort] += 4 * share / sum(shares.values())
    assert set(counts) == set(SORTS)
    for sort in SORTS:
        assert counts[sort] / len(ASKED) == pytest.approx(expected[sort] / len(ASKED), abs=0.04), sort
    yes = [question.answer for question in ASKED if question.sort == "there"]
    assert 0.3 < yes.count("yes") / len(yes) < 0.7
    answers = Counter(question.answer for question in ASKED)
    assert set(answers) <= set(ANSWERS)
    assert max(answers[colour] for colour in COLOURS) < 0.1 * len(ASKED)
    assert max(answers[kind] for kind in KINDS) < 0.1 * len(ASKED)


def test_the_words_alone_do_not_tell_the_answer() -> None:
    """Guess by the most frequent answer to the same text, or to the same sort, in other scenes."""
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for question in ASKED:
        for key in (question.text, question.sort):
            seen[key][question.answer] += 1
    fresh = questions(scenes(200, seed=12, objects=(2, 3)), 4, seed=2)
    guesses = [(seen[q.text] or seen[q.sort]).most_common(1)[0][0] == q.answer for q in fresh]
    assert np.mean(guesses) < 0.25


def test_the_seed_decides() -> None:
    assert questions(MANY, 2, seed=5) == questions(MANY, 2, seed=5)
    assert questions(MANY, 2, seed=5) != questions(MANY, 2, seed=6)
    with pytest.raises(SettingError, match="number of questions on each scene"):
        questions(MANY, 0)


def test_the_nets_know_all_words_and_answers() -> None:
    assert scenes_questions.ANSWERS == ANSWERS
    assert scenes_questions.WORDS == WORDS
    texts = set(all_texts())
    assert {question.text for question in ASKED} <= texts
    assert {word for text in texts for word in scenes_questions.READER.split(text)} == set(WORDS)
    assert max(len(scenes_questions.READER.codes(text)) for text in texts) <= scenes_questions.READER.length


# ------------------------------------------------------------------ captions


def test_captions_say_what_is_there() -> None:
    longest = 0
    for number in range(100):
        said = caption(MANY, number)
        longest = max(longest, len(said.words))
        assert len(scenes_captions.READER.codes(said.text)) == len(said.words) == len(said.asked)
        thing, side = r"an? \w+ \w+", "(left of|right of|above|below)"
        assert re.fullmatch(rf"{thing}( {side} {thing}( and {side} {thing})?)?\.", said.text)
        listed = objects_in(MANY, number)
        main = KINDS[MANY.kinds[number, 0]]
        assert said.words[2] == main
        for kind in set(listed) - {main}:
            place = said.words.index(kind)
            assert said.asked[place] == listed[kind][0]
            assert said.words[place - 1] == COLOURS[MANY.colours[number, listed[kind][0]]]
        assert is_true(MANY, number, said.words)
    assert longest <= scenes_captions.READER.length


def test_articles_are_right() -> None:
    texts = [caption(MANY, number).text for number in range(100)]
    assert any(" an orange " in f" {text}" for text in texts)
    assert not any(re.search(r"\ba orange|\ban (?!orange)", text) for text in texts)


def two_things() -> tuple[int, Caption]:
    return next((n, caption(MANY, n)) for n in range(len(MANY)) if MANY.counts[n] == 2)


@pytest.mark.parametrize("lie", ["kind", "colour", "side", "order", "nothing", "half"])
def test_untruths_are_found(lie: str) -> None:
    number, said = two_things()
    words = list(said.words)
    opposite = {"left": "right", "right": "left", "above": "below", "below": "above"}
    if lie == "kind":
        words[2] = next(kind for kind in KINDS[1:] if kind not in words)
    elif lie == "colour":
        words[1] = next(colour for colour in COLOURS[1:] if colour not in (*words, "orange"))
    elif lie == "side":
        words[3] = opposite[words[3]]
    elif lie == "order":
        words = [*words[-3:], *words[3:-3], *words[:3]]
    else:
        words = [] if lie == "nothing" else words[:-1]
    assert is_true(MANY, number, said.words)
    assert is_true(MANY, number, said.words[:3])
    assert not is_true(MANY, number, words)
