"""Which letters a prediction depends on: gradients against differences, occlusion and completeness by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import Model, Net
from minitorch_viz.errors import MinitorchVizError, SettingError
from minitorch_viz.layers import LSTM, RNN, Embedding, Linear, Softmax
from minitorch_viz.layers.softmax import log_softmax
from minitorch_viz.models import Alphabet
from minitorch_viz.models.letters import letters
from minitorch_viz.techniques import char_saliency, get_technique
from minitorch_viz.techniques.explain.reading import read

LETTERS = "abcdef "
TEXT = "a bad cab faced a fade"


def model_of(kind: str = "lstm", dtype: type = np.float64, letters_known: str = LETTERS) -> Model:
    net = letters(len(letters_known), kind, cells=6, embedding=4, seed=3)
    strong = {name: (value * 3).astype(dtype) for name, value in net.params.items()}
    return Model.from_net(net.with_params(strong), readers=Alphabet(letters_known, one_hot=False), name="random")


def codes_of(text: str) -> np.ndarray:
    return np.array([LETTERS.index(letter) for letter in text])


def log_p(model: Model, vectors: np.ndarray, code: int) -> float:
    """The log probability of one letter after the vectors (T, D)."""
    answer = model.net.predict(np.zeros((1, len(vectors)), np.int64), given={"embedding": vectors[None]})
    return float(log_softmax(answer[0, -1], 0)[code])


def test_the_gradient_is_that_of_differences_at_every_place() -> None:
    model = model_of()
    result = char_saliency(model, TEXT, at=9, method="all")
    vectors = model.net.params["embedding.weight"][codes_of(TEXT[:9])]
    assert ("".join(result.units), result.target, result.came, result.first) == (TEXT[:9], TEXT[9], TEXT[9], 0)
    code, step = LETTERS.index(TEXT[9]), 1e-5
    differences = np.zeros_like(vectors)
    for place in np.ndindex(vectors.shape):
        up, down = vectors.copy(), vectors.copy()
        up[place] += step
        down[place] -= step
        differences[place] = (log_p(model, up, code) - log_p(model, down, code)) / (2 * step)
    np.testing.assert_allclose(result.gradient, differences, atol=1e-8)
    np.testing.assert_allclose(result.heats[0], np.linalg.norm(differences, axis=1), atol=1e-7)
    for place in range(9):  # gradient x input: the vector made longer
        longer, shorter = vectors.copy(), vectors.copy()
        longer[place] *= 1 + step
        shorter[place] *= 1 - step
        slope = (log_p(model, longer, code) - log_p(model, shorter, code)) / (2 * step)
        assert result.heats[1][place] == pytest.approx(slope, abs=1e-7)


def test_occlusion_is_the_pass_without_the_letter() -> None:
    model = model_of()
    result = char_saliency(model, TEXT, at=14, method="occlusion", target="f")
    table = model.net.params["embedding.weight"]
    vectors, code = table[codes_of(TEXT[:14])], LETTERS.index("f")
    for place in range(14):
        without = vectors.copy()
        without[place] = table.mean(axis=0)
        assert result.heats[0][place] == pytest.approx(log_p(model, vectors, code) - log_p(model, without, code))
    assert result.probability == pytest.approx(np.exp(log_p(model, vectors, code)))


def test_a_letter_that_stands_twice_is_judged_at_each_place() -> None:
    """The known mistake: the gradient of the table, which adds the places of a letter up."""
    model = model_of()
    result = char_saliency(model, "abab", method="gradient")
    first, second = result.gradient[0], result.gradient[2]
    assert np.abs(first - second).max() > 0.1 * np.abs(second).max()
    assert result.heats[0][0] != pytest.approx(result.heats[0][2], rel=0.05)
    tape = model.net.forward(codes_of("abab")[None])
    seed = np.zeros_like(tape["scores"])
    seed[0, -1] = -np.exp(log_softmax(tape["scores"][0, -1], 0))
    seed[0, -1, LETTERS.index(result.target)] += 1
    at_vectors = model.net.backward(tape, {"scores": seed}, wrt=("embedding",))["embedding"]
    summed = model.net["embedding"].layer.param_grads(at_vectors, tape.saved["embedding"])["weight"]
    np.testing.assert_allclose(summed[0], first + second, atol=1e-12)


def test_gradient_x_input_adds_up_where_the_net_is_homogeneous() -> None:
    """A ReLU RNN without biases doubles its scores when all its vectors are doubled: Euler's theorem."""
    rng = np.random.default_rng(1)
    nodes = [
        ("embedding", Embedding(rng.standard_normal((7, 4)))),
        ("rnn", RNN(rng.standard_normal((5, 4)), rng.standard_normal((5, 5)) / 2, nonlinearity="relu")),
        ("scores", Linear(rng.standard_normal((7, 5)))),
    ]
    model = Model.from_net(Net(nodes), readers=Alphabet(LETTERS, one_hot=False))
    result = char_saliency(model, TEXT, method="gradient-x-input", value="score", target="c")
    score = model.net.predict(codes_of(TEXT)[None])[0, -1, LETTERS.index("c")]
    assert result.heats[0].sum() == pytest.approx(score, rel=1e-9)
    assert abs(score) > 0.05


def test_what_stands_before_the_window_is_read_too() -> None:
    whole, part = (char_saliency(model_of(), TEXT, reach=reach) for reach in (100, 7))
    np.testing.assert_allclose(part.heats, whole.heats[:, -7:], rtol=1e-9, atol=1e-12)
    assert ("".join(part.units), part.first) == (TEXT[-7:], len(TEXT) - 7)
    assert part.probability == pytest.approx(whole.probability)
    assert "15 letters before are read" in " ".join(part.notes)


def test_rows_of_zeros_with_a_1_are_a_table_that_is_the_unit_matrix() -> None:
    rng = np.random.default_rng(2)
    rest = [("lstm", LSTM.random(rng, 7, 6)), ("scores", Linear.random(rng, 6, 7))]
    plain = Model.from_net(Net(rest), readers=Alphabet(LETTERS))
    table = Net([("embedding", Embedding(np.eye(7, dtype=np.float32))), *rest])
    results = [
        char_saliency(model, TEXT, target="b")
        for model in (plain, Model.from_net(table, readers=Alphabet(LETTERS, one_hot=False)))
    ]
    np.testing.assert_allclose(results[0].heats, results[1].heats, atol=1e-6)
    assert [result.on_table for result in results] == [False, True]


def test_a_softmax_at_the_end_changes_nothing() -> None:
    model = model_of()
    nodes = [(node.name, node.layer) for node in model.net.nodes]
    ended = Model.from_net(Net([*nodes, ("p", Softmax(axis=2))]), readers=Alphabet(LETTERS, one_hot=False))
    first, second = (char_saliency(each, TEXT, target="d") for each in (model, ended))
    np.testing.assert_allclose(first.heats, second.heats, rtol=1e-6, atol=1e-9)


def test_the_place_is_found() -> None:
    model = model_of()
    reading = read(model, TEXT, of=())
    surprise = char_saliency(model, TEXT, at="surprise", method="gradient")
    assert surprise.place == int(reading.nats.argmax()) + 1
    assert surprise.target == TEXT[surprise.place]
    helped = char_saliency(model, TEXT, at="helped", method="gradient")
    short = [read(model, TEXT[place : place + 2], of=()).nats[0] for place in range(len(TEXT) - 1)]
    assert helped.place == int((np.array(short) - reading.nats).argmax()) + 1
    last = char_saliency(model, TEXT, method="gradient")
    assert (last.place, last.came, last.target) == (len(TEXT), "", reading.likeliest(len(TEXT) - 1, 1)[0][0])
    assert char_saliency(model, TEXT, at="5", method="gradient").place == 5


def test_variance_is_the_distance_from_the_texts_mean() -> None:
    result = char_saliency(model_of(), "abc", vectors=True)
    table = model_of().net.params["embedding.weight"][:3]
    np.testing.assert_allclose(result.spread, (table - table.mean(axis=0)) ** 2)
    assert len([axes for axes in result.figure().axes if axes.images]) >= 3


def test_every_letter_of_the_window_is_explained_as_it_is_alone() -> None:
    model = model_of()
    whole = char_saliency(model, TEXT)
    assert whole.maps.shape == (3, len(TEXT), len(TEXT))
    np.testing.assert_allclose(whole.maps[:, -1], whole.heats, rtol=1e-5, atol=1e-7)
    for place in (1, 8, 15):
        alone = char_saliency(model, TEXT, at=place)
        np.testing.assert_allclose(whole.maps[:, place - 1, :place], alone.heats, rtol=1e-4, atol=1e-7)
        assert not whole.maps[:, place - 1, place:].any()
        assert whole.chances[place - 1] == pytest.approx(alone.probability)
        assert [letter for letter, _ in whole.expected[place - 1]] == [letter for letter, _ in alone.likeliest]


def test_the_page_holds_the_numbers(tmp_path: Path) -> None:
    result = char_saliency(model_of(), TEXT, at=12, reach=9, method="gradient-x-input")
    page = result.save(tmp_path / "page.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])
    assert "".join(data["text"]) == TEXT[3:12]
    assert data["targets"] == [*TEXT[4:12], TEXT[12]]
    (method,) = data["methods"]
    assert method["signed"]
    for number, row in enumerate(method["rows"]):
        np.testing.assert_allclose(row, result.maps[0, number, : number + 1], rtol=6e-3)
    assert "http" not in page.replace("http-equiv", "")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "grad"}, "near methods: gradient"),
        ({"value": "nats"}, "There is no value"),
        ({"at": 0}, "something must stand before it"),
        ({"at": 99}, "from 1 to 22"),
        ({"at": "surprised"}, "near places: surprise"),
        ({"at": 2.5}, "whole number"),
        ({"at": -1}, "whole number"),
        ({"target": "x"}, "'x' at place 0"),
        ({"target": "ab"}, "one letter"),
        ({"target": ""}, "one letter"),
        ({"reach": 0}, "reach"),
    ],
)
def test_bad_settings(settings: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        char_saliency(model_of(), TEXT, **settings)


def test_one_letter_is_enough_for_the_next_and_too_few_to_look_back() -> None:
    assert char_saliency(model_of(), "a").heats.shape == (3, 1)
    with pytest.raises(SettingError, match="at least 2 letters"):
        char_saliency(model_of(), "a", at="surprise")


def test_a_net_that_predicts_nothing_is_refused() -> None:
    net = Net([("lstm", LSTM.random(np.random.default_rng(0), 7, 5))])
    model = Model.from_net(net, readers=Alphabet(LETTERS))
    assert "does not say" in str(get_technique("char-saliency").refuses(model))
    with pytest.raises(MinitorchVizError, match="does not say"):
        char_saliency(model, TEXT)
