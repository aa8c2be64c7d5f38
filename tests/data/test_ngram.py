"""The n-gram model against the formulas written down gram by gram, and its figures on real texts."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz.data.ngram import NGram, discounts_of
from minitorch_viz.data.text_stream import TextFile
from minitorch_viz.errors import SettingError

WORDS = "abacadabaabcabbadacabacabdacabbaabcdabaddca"
TEXT = np.array(["abcd".index(letter) for letter in WORDS])
OTHER = np.array([0, 1, 0, 2, 3, 3, 3, 1, 0, 1, 1, 2, 0, 1])


def by_the_formulas(text: tuple[int, ...], n: int, letters: int, history: tuple[int, ...], letter: int) -> float:
    """Of p_n(letter | history), with every count made anew."""

    def counts(k: int) -> Counter[tuple[int, ...]]:
        grams = Counter(text[i : i + k] for i in range(len(text) - k + 1))
        if k == n:
            return grams
        before = Counter(gram[1:] for gram in {text[i : i + k + 1] for i in range(len(text) - k)})
        return Counter({gram: max(before[gram], 1) for gram in grams})

    def p(k: int, history: tuple[int, ...]) -> float:
        if k == 0:
            return 1 / letters
        shorter = p(k - 1, history[1:])
        c = counts(k)
        d = (0.0, *discounts_of(np.array(list(c.values()))))
        followers = {gram[-1]: count for gram, count in c.items() if gram[:-1] == history}
        total = sum(followers.values())
        if total == 0:
            return shorter
        taken = sum(d[min(count, 3)] for count in followers.values())
        count = followers.get(letter, 0)
        return (count - d[min(count, 3)]) / total + taken / total * shorter

    size = min(n, len(history) + 1)
    return p(size, history[len(history) - size + 1 :])


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_probabilities_are_those_of_the_formulas(n: int) -> None:
    model = NGram.of(TEXT, n, 5)  # a fifth letter, which never occurs
    text = tuple(TEXT.tolist())
    for end in (0, 1, 2, 6, len(OTHER)):
        history = OTHER[:end]
        wanted = [by_the_formulas(text, n, 5, tuple(history.tolist()), letter) for letter in range(5)]
        np.testing.assert_allclose(model.next_letter(history), wanted, rtol=1e-12)
        assert sum(wanted) == pytest.approx(1)
        assert min(wanted) > 0


@pytest.mark.parametrize("n", [1, 3, 20])
def test_nats_of_a_text_are_those_of_its_letters_one_by_one(n: int) -> None:
    model = NGram.of(TEXT, n, 4)
    for codes in (OTHER, OTHER[:2], OTHER[:0], TEXT):
        wanted = [-np.log(model.next_letter(codes[:end])[code]) for end, code in enumerate(codes)]
        np.testing.assert_allclose(model.nats(codes), wanted, rtol=1e-12)


def test_discounts() -> None:
    """Chen and Goodman's, of 8 grams that count once, 4 twice, 2 three times, 1 four times: Y = 1/2."""
    counts = np.repeat([1, 2, 3, 4, 9], [8, 4, 2, 1, 3])
    assert discounts_of(counts) == pytest.approx((0.5, 1.25, 2.0))
    assert discounts_of(np.array([5, 5])) == (0.5, 1.0, 1.5)  # nothing counts once


FIGURES = {
    ("linux_kernel", 7): 1.391,
    ("linux_kernel", 10): 1.356,
    ("war_and_peace", 7): 1.381,
    ("tinyshakespeare", 7): 1.687,
}


@pytest.mark.parametrize(("name", "n"), FIGURES)
def test_the_figures_of_real_texts(shared_data: Path, name: str, n: int) -> None:
    """Trained on the first 80 %, tested on the last 10 %; measured by another program."""
    text = TextFile(shared_data / "text" / f"{name}.txt")
    training, _, test = text.parts()
    model = NGram.of(np.concatenate([*text.codes(*training)]), n, len(text.letters))
    assert model.nats(np.concatenate([*text.codes(*test)])).mean() == pytest.approx(FIGURES[name, n], abs=6e-4)


def test_what_cannot_be_counted_gets_a_sentence() -> None:
    for codes, n, letters, message in (
        (TEXT, 0, 4, "n of an n-gram must be a whole number"),
        (TEXT[:3], 3, 4, "a text of more than 3, but this one has 3"),
        (TEXT, 2, 3, "numbers 0 to 2, but got 0 to 3"),
        (TEXT / 2, 2, 4, r"whole numbers \(T,\)"),
        (TEXT[None], 2, 4, r"whole numbers \(T,\)"),
    ):
        with pytest.raises(SettingError, match=message):
            NGram.of(codes, n, letters)
    with pytest.raises(SettingError, match="numbers 0 to 3"):
        NGram.of(TEXT, 2, 4).nats(np.array([0, 4]))
