"""Which words of a text the answer depends on: gradients against differences, and occlusion by hand."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Model, Net
from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.layers import LSTM, RNN, Embedding, Flatten, Linear, Mul, Slice
from minitorch_viz.layers.softmax import log_softmax
from minitorch_viz.models.readers import Preprocessing
from minitorch_viz.techniques import char_saliency, get_technique
from tests.measured_figures import check

Words = pytest.importorskip("minitorch_viz.models.readers.words", reason="needs the reader of words").Words
WORDS = ("what", "is", "red", "blue", "left", "of", "the", "star")
ANSWERS = ("yes", "no", "a star")


def answering(dtype: type = np.float64) -> Model:
    """A random net that reads six words and answers one of three things."""
    rng = np.random.default_rng(4)
    nodes = [
        ("embedding", Embedding(rng.standard_normal((9, 5)))),
        ("lstm", LSTM(*(rng.standard_normal(shape) for shape in ((24, 5), (24, 6), (24,))))),
        ("last", Slice(1, -1)),
        ("asked", Flatten()),
        ("logits", Linear(rng.standard_normal((3, 6)), rng.standard_normal(3))),
    ]
    net = Net(nodes).astype(dtype)
    return Model.from_net(net, readers=Words(WORDS, 6), class_names=ANSWERS, name="answering")


def test_the_words_of_a_text_are_explained_by_the_answer() -> None:
    """Gradients by differences, occlusion by hand; a word that stands twice at each of its places."""
    model = answering()
    result = char_saliency(model, "What is left of what?")
    assert result.units == ("what", "is", "left", "of", "what")
    assert result.of_words
    table = model.net.params["embedding.weight"]
    row = model.read("what is left of what")[0]
    vectors = table[row]
    answer = lambda changed: log_softmax(model.net.predict(row[None], given={"embedding": changed[None]})[0], 0)
    code = int(answer(vectors).argmax())
    assert result.target == ANSWERS[code]
    assert result.probability == pytest.approx(np.exp(answer(vectors)[code]))
    for number, place in enumerate(range(1, 6)):  # nothing stands in front
        for feature in range(5):
            step = np.zeros_like(vectors)
            step[place, feature] = 1e-5
            slope = (answer(vectors + step)[code] - answer(vectors - step)[code]) / 2e-5
            assert result.gradient[number, feature] == pytest.approx(slope, abs=1e-8)
        without = vectors.copy()
        without[place] = table[1:].mean(axis=0)
        assert result.heats[2, number] == pytest.approx((answer(vectors) - answer(without))[code])
    assert not np.allclose(result.gradient[0], result.gradient[4])  # both are "what"
    np.testing.assert_allclose(result.spread, (vectors[1:] - vectors[1:].mean(axis=0)) ** 2)
    assert result.shows_vectors
    assert result.html()
    check(result.figure())


def test_an_answer_is_named_and_bad_words_get_a_sentence() -> None:
    model = answering()
    result = char_saliency(model, "is red", target="no", value="score", method="gradient-x-input")
    assert (result.target, result.why) == ("no", "the answer asked for")
    for text, settings, message in (
        ("is green", {}, "does not know the word 'green'"),
        ("", {}, "at least 1 word"),
        ("is red", {"target": "maybe"}, "maybe"),
        ("is red", {"at": 1}, "after the last word"),
        ("is red", {"photo": np.zeros((4, 4, 3), np.uint8)}, "looks at no picture"),
        ("is red", {"photo": "nowhere.png"}, "nowhere.png"),
    ):
        with pytest.raises(MinitorchVizError, match=message):
            char_saliency(model, text, **settings)
    technique = get_technique("char-saliency")
    assert technique.refuses(model) is None
    assert technique.run_on(model, technique.subject.read(model, [])).units


def test_a_net_that_answers_about_a_picture_is_given_one() -> None:
    rng = np.random.default_rng(5)
    nodes = [
        ("pixels", Flatten(), ("image",)),
        ("embedding", Embedding(rng.standard_normal((9, 5))), ("question",)),
        ("rnn", RNN(rng.standard_normal((6, 5)), rng.standard_normal((6, 6)))),
        ("last", Slice(1, -1)),
        ("asked", Flatten()),
        ("seen", Linear(rng.standard_normal((6, 48)), rng.standard_normal(6)), ("pixels",)),
        ("both", Mul(), ("asked", "seen")),
        ("logits", Linear(rng.standard_normal((3, 6)))),
    ]
    readers = {"image": Preprocessing((4, 4)), "question": Words(WORDS, 6)}
    model = Model.from_net(Net(nodes, ("image", "question")), readers=readers, class_names=ANSWERS)
    black, noise = np.zeros((4, 4, 3), np.uint8), rng.integers(0, 256, (4, 4, 3)).astype(np.uint8)
    first, second = (char_saliency(model, "what is red", photo=photo) for photo in (black, noise))
    assert not np.allclose(first.heats, second.heats)
    assert "It looked at the photo." in first.notes
    beside = model.with_inputs(question="is the star red")  # asked already: the text is asked instead
    np.testing.assert_array_equal(char_saliency(beside, "what is red", photo=black).heats, first.heats)
    assert get_technique("char-saliency").subject.read(beside, []) == "is the star red"
