"""Cells on a text: values are the formulas', planted cells are chosen and found, the page holds them all."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minitorch_viz import Model
from minitorch_viz.errors import MinitorchVizError, NetError, SettingError
from minitorch_viz.models import Alphabet
from minitorch_viz.models.letters import letters
from minitorch_viz.techniques import cells
from minitorch_viz.techniques.recurrent import _cells_sheet as sheets
from minitorch_viz.techniques.recurrent import _cells_span as spans
from minitorch_viz.techniques.recurrent._cells_figure import scale_of
from minitorch_viz.techniques.recurrent._cells_page import kept_cells, page_data, rounded
from minitorch_viz.techniques.recurrent._cells_values import swings
from minitorch_viz.techniques.recurrent._small_net import small_reading
from tests.measured_figures import check
from tests.test_pages_in_a_browser import CHROMIUM, PAGE, measured

browser = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium or Chrome on the PATH")

LETTERS = '\n\t abcdefgh".'


def net(kind: str = "lstm", layers: int = 2) -> Model:
    return Model.from_net(
        letters(len(LETTERS), kind, layers=layers, cells=7, embedding=5, seed=1),
        readers=Alphabet(LETTERS, one_hot=False),
        name="small",
    )


def by_formulas(model: Model, text: str) -> dict[str, np.ndarray]:
    """The first LSTM's gates and states, a letter at a time, in PyTorch's order of gates: i, f, g, o."""
    params = {name: value.astype(np.float64) for name, value in model.net.params.items()}
    x = params["embedding.weight"][[LETTERS.index(letter) for letter in text]]
    sigmoid = lambda z: 1 / (1 + np.exp(-z))
    h = c = np.zeros(7)
    rows: dict[str, list[np.ndarray]] = {name: [] for name in ("i", "f", "g", "o", "c", "h", "tanh")}
    for row in x:
        z = params["lstm1.weight_ih_l0"] @ row + params["lstm1.weight_hh_l0"] @ h
        z = z + params["lstm1.bias_ih_l0"] + params["lstm1.bias_hh_l0"]
        i, f, g, o = sigmoid(z[:7]), sigmoid(z[7:14]), np.tanh(z[14:21]), sigmoid(z[21:])
        c = f * c + i * g
        h = o * np.tanh(c)
        for name, value in zip(rows, (i, f, g, o, c, h, np.tanh(c)), strict=True):
            rows[name].append(value)
    return {name: np.array(values) for name, values in rows.items()}


@pytest.mark.parametrize("quantity", ["tanh", "c", "h", "i", "f", "g", "o"])
def test_values_are_those_of_the_formulas(quantity: Any) -> None:
    text = 'abc "de."\nfa'
    result = cells(net(), text, quantity=quantity, node="lstm1")
    np.testing.assert_allclose(result.watched.values, by_formulas(net(), text)[quantity], atol=1e-5)


def test_next_letters_are_the_nets_answer() -> None:
    model, text = net(), "abc dd\nfa"
    watched = cells(model, text).watched
    scores = model.net.predict(model.read(text))[0].astype(np.float64)
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(watched.next_probabilities, -np.sort(-shares, axis=1)[:, :5], rtol=1e-4)
    assert watched.next_codes[3, 0] == shares[3].argmax()
    came = shares[np.arange(8), [LETTERS.index(letter) for letter in text[1:]]]
    np.testing.assert_allclose(np.exp(-watched.nats[1:]), came, rtol=1e-4)


def test_what_swings_widely_and_slowly_is_told_from_noise_drift_and_rest() -> None:
    places = np.arange(1200)
    slow = np.where(places // 40 % 2, 1.0, -1.0)
    flicker = np.where(places % 2, 1.0, -1.0)
    drift = np.linspace(-1, 1, 1200)
    values = np.stack([flicker, drift, slow, 0.3 * slow, np.full(1200, 0.9)], axis=1)
    swing = swings(values)
    assert swing.argmax() == 2
    assert swing[3] == pytest.approx(0.3 * swing[2])
    assert swing[2] > 0.8
    assert max(swing[[0, 1]]) < 0.1
    assert swing[4] == pytest.approx(0, abs=1e-12)


def planted(cells_: int = 6, letters_: int = 300) -> np.ndarray:
    """Noise, but for cell 2, which is on in 50..70 and in 200..215, and cell 4, which is low in 50..70 alone."""
    values = 0.3 * np.random.default_rng(0).standard_normal((letters_, cells_))
    values[:, 2] = -0.9
    values[50:70, 2] = values[200:215, 2] = 0.9
    values[:, 4] = 0.5
    values[50:70, 4] = -0.5
    return values


def test_cells_that_are_on_in_a_part_are_found_on_either_side_of_zero() -> None:
    values = planted()
    best = spans.ranked(values, 50, 70, 2.0)
    assert best.cells[:2].tolist() == [2, 4]
    np.testing.assert_allclose(best.scores[:2], [0.9, 0.5])
    np.testing.assert_allclose(best.inside[:2], 1)
    np.testing.assert_allclose(best.around[:2], 0)
    assert best.gaps[0] > 0 > best.gaps[1]
    assert abs(best.scores[2]) < 0.1
    on = spans.is_on(values[:, [2]], best.thresholds[:1], best.gaps[:1])[:, 0]
    assert spans.runs(on).tolist() == [[50, 70], [200, 215]]


def test_the_score_is_what_it_is_said_to_be() -> None:
    values = np.random.default_rng(1).uniform(-1, 1, (90, 4))
    best = spans.ranked(values, 30, 37, 2.0)
    for place, cell in enumerate(best.cells):
        inside, outside = values[30:37, cell], np.concatenate([values[10:30, cell], values[37:57, cell]])
        middle, side = (inside.mean() + outside.mean()) / 2, np.sign(inside.mean() - outside.mean())
        shares = [np.mean((part - middle) * side > 0) for part in (inside, outside)]
        expected = (shares[0] - shares[1]) * abs(inside.mean() - outside.mean()) / 2
        assert best.scores[place] == pytest.approx(expected)
    assert (np.diff(best.scores) <= 0).all()


def test_a_part_by_places_and_by_words_is_the_same() -> None:
    model, text = small_reading()
    by_words = cells(model, text, select="Here we")
    by_places = cells(model, text, span="11:18")
    assert by_words.span == by_places.span == (11, 18)
    scores = by_words.ranked.scores[:3]
    best = by_words.ranked.cells[:3][scores >= scores[0] / 2]  # a third one that is hardly on tells nothing
    assert by_words.shown == by_places.shown == tuple(best.tolist())
    assert by_words.rule == "span"
    for begin, end in by_words.elsewhere:
        assert end <= 11 or begin >= 18


def test_elsewhere_is_where_all_that_are_shown_are_on() -> None:
    model, text = small_reading()
    result = cells(model, text, select="said", node="lstm2", cell=(3, 5))
    assert [result.watched.name(cell) for cell in result.shown] == [("lstm2", 3), ("lstm2", 5)]
    places = [result.ranked.cells.tolist().index(cell) for cell in result.shown]
    flags = np.ones(len(text), bool)
    for cell, place in zip(result.shown, places, strict=True):
        values = result.watched.values[:, cell].astype(np.float64) - result.ranked.thresholds[place]
        flags &= values * np.sign(result.ranked.gaps[place]) > 0
    flags[4:8] = False
    on = np.zeros(len(text), bool)
    for begin, end in result.elsewhere:
        on[begin:end] = True
    np.testing.assert_array_equal(on, flags)


def test_without_a_cell_the_one_that_swings_most_is_shown_and_said() -> None:
    model, text = small_reading()
    result = cells(model, text)
    assert result.shown == (int(result.swing.argmax()),)
    node, number = result.watched.name(result.shown[0])
    assert f"{node} cell {number}" in result.caption
    assert "swings most widely and slowly" in result.caption
    assert cells(model, text, node="lstm1").watched.nodes == ("lstm1",)
    assert [result.watched.name(cell) for cell in cells(model, text, cell=4).shown] == [("lstm2", 4)]


def test_the_scale_is_the_same_for_all_cells_and_a_dull_one_is_said() -> None:
    model, text = small_reading()
    result = cells(model, text, cell=(0, 1))
    assert result.watched.scale == 1
    assert "from \N{MINUS SIGN}1 to 1, the same for every cell" in result.caption
    values = result.watched.values.copy()
    values[:, result.shown[0]] = 0.02
    dull = dataclasses.replace(result, watched=result.watched._replace(values=values))
    assert any("hardly changes" in note for note in dull.notes)
    memory = cells(model, text, quantity="c")
    assert memory.watched.scale == pytest.approx(np.percentile(np.abs(memory.watched.values), 99.5))
    gate = cells(model, text, quantity="f")
    assert "white is 0, shut" in gate.caption


@pytest.mark.parametrize("kind", ["gru", "rnn"])
def test_nets_without_memory_cells_show_their_output_and_say_why_not_more(kind: Any) -> None:
    model = net(kind)
    result = cells(model, "abc\nabc")
    assert result.watched.quantity == "h"
    with pytest.raises(SettingError, match=r"only an LSTM has memory and gates.*Take quantity h"):
        cells(model, "abc", quantity="f")


BAD = {
    "empty text": ({"text": ""}, SettingError, "at least one letter"),
    "unknown letter": ({"text": "abcZ"}, SettingError, "'Z' at place 3"),
    "no text": ({"text": 3}, SettingError, "text"),
    "unknown quantity": ({"quantity": "x"}, SettingError, "no quantity 'x'"),
    "unknown node": ({"node": "lstm3"}, NetError, "near nodes: lstm"),
    "node without cells": ({"node": "scores"}, SettingError, "no LSTM.*lstm1, lstm2"),
    "cell out of range": ({"cell": 7}, SettingError, "cell of lstm2 .*0 to 6, but got 7"),
    "cell is a float": ({"cell": (1.5,)}, SettingError, "whole number"),
    "cell twice": ({"cell": (1, 1)}, SettingError, "different"),
    "five cells": ({"cell": (0, 1, 2, 3, 4)}, SettingError, "one to four"),
    "span of words": ({"span": "three"}, SettingError, '"START:STOP"'),
    "span backwards": ({"span": "5:3"}, SettingError, "START must be below STOP"),
    "span beyond": ({"span": "5:300"}, SettingError, "STOP at most 10"),
    "span of all": ({"span": "0:10"}, SettingError, "the whole text"),
    "both": ({"span": "1:3", "select": "abc"}, SettingError, "not both"),
    "words that are not there": ({"select": "zebra"}, SettingError, "does not contain 'zebra'"),
    "no words": ({"select": ""}, SettingError, "words of the text"),
    "start beyond": ({"start": 10}, SettingError, "0 to 9, but got 10"),
}


@pytest.mark.parametrize(("settings", "kind", "message"), BAD.values(), ids=list(BAD))
def test_bad_input_gets_a_sentence(settings: dict[str, Any], kind: type, message: str) -> None:
    settings = {"text": "abc abc ab", **settings}
    with pytest.raises(MinitorchVizError, match=message) as caught:
        cells(net(), settings.pop("text"), **settings)
    assert isinstance(caught.value, kind)


def test_one_letter_is_a_text() -> None:
    result = cells(net(), "a")
    assert result.watched.values.shape == (1, 14)
    check(result.figure())


def test_lines_hold_each_letter_once() -> None:
    text = "short\n" + "\tx" * 60 + "\n\nlong " + "y" * 200
    lines = sheets.lines_of(text)
    assert "".join(text[line.start : line.stop] for line in lines) == text
    for line in lines:
        assert line.columns[-1] <= sheets.COLUMNS
        assert "\n" not in text[line.start : line.stop - 1]
        widths = [4 if letter == "\t" else 1 for letter in text[line.start : line.stop]]
        assert np.diff(line.columns).tolist() == widths
    assert [line.start for line in sheets.lines_of(text, 6, 2)] == [6, lines[2].start]


@pytest.mark.parametrize("settings", [{}, {"cell": (0, 1, 2, 3)}, {"select": "abc", "cell": (1, 2)}, {"quantity": "o"}])
def test_the_figure_is_in_order(settings: dict[str, Any]) -> None:
    text = 'abc "def"\n\tgh.\n' * 30
    check(cells(net(), text, **settings).figure())


def test_a_letter_that_the_font_lacks_is_drawn_as_a_square() -> None:
    model = Model.from_net(
        letters(3, layers=1, cells=3, embedding=2), readers=Alphabet("a\N{HANGUL SYLLABLE GA}\r", one_hot=False)
    )
    check(cells(model, "a\N{HANGUL SYLLABLE GA}\ra").figure())


def test_the_figure_begins_where_the_part_is() -> None:
    text = "abc def.\n" * 100 + '"gh"\n' + "abc def.\n" * 100
    result = cells(net(), text, select='"gh"')
    assert 0 < result.first < 900
    assert result.first % 9 == 0
    assert any(f"letters {result.first:,} to" in note for note in result.notes)
    assert cells(net(), text, select='"gh"', start=5).first == 5


def data_of(page: str) -> dict[str, Any]:
    (content,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page)
    return json.loads(content)


def test_the_page_holds_every_cell_to_half_a_step() -> None:
    model, text = small_reading()
    result = cells(model, text, quantity="c")
    data = data_of(result.html())
    whole = np.frombuffer(base64.b64decode(data["values"]), np.int8).reshape(24, len(text))
    steps = np.array(data["steps"])[:, None]
    assert (np.abs(whole * steps - result.watched.values.T) <= 0.5001 * steps + 1e-6).all()
    assert "".join(data["text"]) == text
    assert data["shown"] == list(result.shown)
    codes = np.frombuffer(base64.b64decode(data["next"]), "<u2").reshape(len(text), 5)
    np.testing.assert_array_equal(codes, result.watched.next_codes)
    shares = np.frombuffer(base64.b64decode(data["likely"]), "<u2").reshape(len(text), 5) / 65535
    np.testing.assert_allclose(shares, result.watched.next_probabilities, atol=1e-5)


def test_a_cell_of_zeros_and_one_that_is_not_finite_are_rounded_too() -> None:
    whole, steps = rounded(np.array([[0.0, np.nan, 1.0], [0.0, 2.0, -1.0]]))
    assert whole.tolist() == [[0, 0], [0, 127], [127, -127]]
    assert steps[0] == 0


def long_result(length: int) -> Any:
    """As of 512 cells and `length` letters, without a net."""
    model, text = small_reading()
    result = cells(model, text)
    watched = result.watched
    times = -(-length // len(text))
    values = np.random.default_rng(0).uniform(-1, 1, (length, 512)).astype(np.float32)
    longer = watched._replace(
        text=(text * times)[:length],
        values=values,
        sizes=(256, 256),
        next_codes=np.tile(watched.next_codes, (times, 1))[:length],
        next_probabilities=np.tile(watched.next_probabilities, (times, 1))[:length],
        nats=np.tile(watched.nats, times)[:length],
    )
    return dataclasses.replace(result, watched=longer, swing=np.arange(512.0), shown=(3,))


def test_a_page_of_ten_thousand_letters_and_all_cells_stays_below_8_mb() -> None:
    result = long_result(10_000)
    assert kept_cells(result).tolist() == list(range(512))
    assert 6e6 < len(result.html().encode()) < 8e6


def test_a_longer_text_leaves_out_the_cells_that_swing_least_and_says_so() -> None:
    result = long_result(20_000)
    kept = kept_cells(result)
    assert len(kept) == 260
    assert kept.tolist() == [3, *range(512 - 259, 512)]  # the one that is shown, and those that swing most
    page = result.html()
    assert len(page.encode()) < 8e6
    assert "Of 512 cells it holds the 260 that swing most" in page
    assert page_data(result, kept)["shown"] == [0]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model, text = small_reading()
    return cells(model, text * 3, node="lstm2", cell=4).save(tmp_path_factory.mktemp("cells") / "cells.html")


@browser
@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1400])
def test_in_a_browser_slider_keys_and_letters_show_what_python_computed(page: Path, width: int) -> None:
    script = (
        PAGE
        + """
      const id = name => document.getElementById(name), name = () => id("cell").firstChild.textContent;
      const key = (key, to = document.body) => to.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
      const letters = [...document.querySelectorAll("#text i")], text = id("text"), slider = id("slider");
      answer.ready = document.body.dataset.ready; answer.names = [name()];
      slider.value = 3; slider.oninput(); answer.names.push(name());
      key("ArrowRight"); answer.names.push(name()); key("["); key("["); answer.names.push(name());
      document.querySelector("#layers button:last-child").click(); answer.names.push(name());
      answer.colour = getComputedStyle(letters[20]).backgroundColor;
      letters[20].click();
      answer.value = document.querySelector("#values b").textContent; answer.letter = id("letter").textContent;
      const cells = row => [...row.cells].map(cell => cell.textContent);
      answer.next = [...document.querySelectorAll("#next tr")].map(cells);
      key("ArrowRight", text); answer.moved = id("letter").textContent;
      key("ArrowDown", text); answer.down = id("letter").textContent;"""
    )
    answer = measured(page, width, "", script)
    model, text = small_reading()
    watched = cells(model, text * 3, node="lstm2", cell=4).watched
    assert answer["ready"] == "yes"
    assert answer["wide"] <= width
    assert answer["names"] == ["lstm2 4", "lstm2 3", "lstm2 4", "lstm2 2", "lstm2 0"]
    value = float(watched.values[20, 0])
    assert float(answer["value"].replace("\N{MINUS SIGN}", "-")) == pytest.approx(value, abs=0.005)
    red, green, blue = (int(part) for part in re.findall(r"\d+", answer["colour"]))
    expected = 255 * scale_of(watched).coloured(np.array([value]))[0]
    np.testing.assert_allclose([red, green, blue], expected, atol=6)
    assert answer["letter"] == f"\u201c{text[20]}\u201d, letter 20"
    best = [watched.alphabet[code] for code in watched.next_codes[20]]
    assert [row[0] for row in answer["next"]][:5] == [{"\n": "\u21b5", " ": "\u2423"}.get(x, x) for x in best]
    share = float(answer["next"][0][2].split()[0])
    assert share == pytest.approx(100 * watched.next_probabilities[20, 0], abs=0.6)
    assert answer["moved"].endswith("letter 21")
    if width == 1400:  # the line below is shorter: its last letter
        assert answer["down"].endswith(f"letter {text.index(chr(10), 30)}")


@browser
@pytest.mark.slow
def test_in_a_browser_a_selection_is_searched_as_python_does(page: Path) -> None:
    script = (
        PAGE
        + """
      const letters = [...document.querySelectorAll("#text i")], range = document.createRange();
      range.setStart(letters[11].firstChild, 0); range.setEnd(letters[23].firstChild, 1);
      getSelection().removeAllRanges(); getSelection().addRange(range);
      find(11, 24);
      const cells = row => [...row.cells].map(cell => cell.textContent);
      answer.rows = [...document.querySelectorAll("#ranked tbody tr")].map(cells);
      document.getElementById("three").click();
      answer.count = document.getElementById("count").textContent;
      answer.marked = letters.filter(one => one.classList.contains("in")).map(one => one.i);
      answer.on = letters.filter(one => one.classList.contains("on")).length;
      answer.stack = document.querySelectorAll("#stack button").length;"""
    )
    answer = measured(page, 1400, "", script)
    model, text = small_reading()
    result = cells(model, text * 3, node="lstm2", span="11:24")
    names = [f"lstm2 {cell}" for cell in result.ranked.cells]
    assert [row[0] for row in answer["rows"][:3]] == names[:3]
    scores = [float(row[1].replace("\N{MINUS SIGN}", "-")) for row in answer["rows"]]
    np.testing.assert_allclose(scores, result.ranked.scores[: len(scores)], atol=0.02)
    assert answer["marked"] == list(range(11, 24))
    assert answer["on"] == pytest.approx((result.elsewhere[:, 1] - result.elsewhere[:, 0]).sum(), abs=3)
    assert answer["stack"] == len(result.shown) - 1
