"""The search for cells: figures by definition, planted cells found with their rank, evidence that can be checked."""

from __future__ import annotations

import dataclasses
import functools
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.errors import DataFileError, MinitorchVizError, SettingError
from minitorch_viz.layers import GRU, LSTM, RNN, Embedding, Linear
from minitorch_viz.models import Alphabet
from minitorch_viz.models.letters import letters
from minitorch_viz.models.planted import DEPTH, POSITION, QUOTE, planted
from minitorch_viz.techniques import cell_search
from minitorch_viz.techniques.explain.reading import read
from minitorch_viz.techniques.recurrent import _cell_search_corpus as corpora
from minitorch_viz.techniques.recurrent._cell_search_clamp import holding, texts_with
from minitorch_viz.techniques.recurrent._cell_search_figure import stretches
from minitorch_viz.techniques.recurrent._cell_search_find import States
from minitorch_viz.techniques.recurrent._cell_search_findings import best_first
from minitorch_viz.techniques.recurrent._cell_search_scores import (
    auc,
    aucs,
    chance,
    correlations,
    fitted,
    r2,
    ranks,
    threshold,
)
from minitorch_viz.techniques.recurrent._cell_search_states import random_twin
from tests.conftest import SHARED_DATA
from tests.measured_figures import check

LINES = (
    'He asked (twice), "Who is there?" and left the house.\n',
    "I did not know (and how (if at all) could I know it)?\n\n",
    'She said: "It is (now) late.\nCome." It was.\n',
    "Nothing.\n",
)


@functools.cache
def text_of(count: int, seed: int = 0) -> str:
    rng = np.random.default_rng(seed)
    return "".join(LINES[number] for number in rng.integers(0, len(LINES), count))


@functools.cache
def searched() -> cell_search:
    """The planted net on a text of its letters, with evidence."""
    text = text_of(80)
    names = "inside-quote,parenthesis-depth,inside-parentheses,line-position,inside-comment"
    return cell_search(planted(text), text, hypothesis=names, write=0, evidence=4, progress=False)


def finding(name: str):
    return next(each for each in searched().findings if each.name == name)


def net_of(kind: str = "lstm", alphabet: str = 'ab \n"()', **settings) -> Model:
    net = letters(len(alphabet), kind, 1, 6, 4, **settings)
    return Model.from_net(net, readers=Alphabet(alphabet, one_hot=False), name=kind)


# Figures, by their definition.


def test_auc_is_the_share_of_pairs_that_are_in_order(rng) -> None:
    x = np.round(rng.standard_normal((60, 5)), 1).astype(np.float32)  # with ties
    x[:, 4] = 1
    y = rng.random((60, 3)) < 0.4
    expected = np.array(
        [
            [
                np.mean([(a > b) + (a == b) / 2 for a in column[truth].tolist() for b in column[~truth].tolist()])
                for column in x.T
            ]
            for truth in y.T
        ]
    )
    np.testing.assert_allclose(aucs(x, y), expected, atol=1e-6)
    np.testing.assert_allclose([auc(column, y[:, 0]) for column in x.T], expected[0], atol=1e-12)
    assert np.isnan(auc(x[:, 0], np.ones(60, bool)))


def test_ranks_share_their_mean_where_values_are_equal() -> None:
    np.testing.assert_array_equal(ranks(np.array([[3.0, 1], [1, 1], [3, 1]])), [[2.5, 2], [1, 2], [2.5, 2]])


def test_correlations_are_numpys_and_leave_out_what_is_not_told(rng) -> None:
    x = (100 + rng.standard_normal((80, 4))).astype(np.float32)
    y = np.stack([x[:, 0] + rng.standard_normal(80), rng.standard_normal(80), np.full(80, 3.0)], axis=1)
    y[::7, 0] = np.nan
    told = np.isfinite(y[:, 0])
    result = correlations(x, y)
    np.testing.assert_allclose(result[0], [np.corrcoef(column[told], y[told, 0])[0, 1] for column in x.T], atol=1e-4)
    np.testing.assert_allclose(result[1], [np.corrcoef(column, y[:, 1])[0, 1] for column in x.T], atol=1e-4)
    np.testing.assert_array_equal(result[2], 0)
    x[:, 2] = 5
    assert correlations(x, y)[0, 2] == 0


def test_a_line_of_one_part_is_measured_on_another(rng) -> None:
    x, y = rng.standard_normal(50), rng.standard_normal(50)
    slope, start = np.polyfit(x, y, 1)
    line = fitted(x, y)
    assert line == pytest.approx((start, slope))
    assert r2(x, y, line) == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2)
    assert r2(x, y + 10, line) < 0  # worse than the mean
    assert r2(x, 2 + 3 * x, fitted(x, 2 + 3 * x)) == pytest.approx(1)
    assert np.isnan(r2(x, np.ones(50), line))


@pytest.mark.parametrize("direction", [1, -1])
def test_the_threshold_parts_as_well_as_any(direction: int, rng) -> None:
    x = np.round(rng.standard_normal(40), 1)
    y = direction * x + rng.standard_normal(40) > 0

    def parts(cut: float) -> float:
        above = direction * (x - cut) > 0
        return float(above[y].mean() - above[~y].mean())

    assert parts(threshold(x, y, direction)) == pytest.approx(max(map(parts, np.arange(-4, 4, 0.05))))


@pytest.mark.parametrize("kind", ["yes-no", "number", "number with gaps"])
def test_chance_is_the_share_of_all_shifts_that_fit_as_well(kind: str, rng) -> None:
    y = np.cumsum(rng.standard_normal(90))
    x = y + 3 * rng.standard_normal(90)
    if kind == "yes-no":
        y = y > np.median(y)
        fits = [auc(x, np.roll(y, shift)) for shift in range(90)]
    elif kind == "number":
        fits = [np.corrcoef(x, np.roll(y, shift))[0, 1] for shift in range(90)]
    else:
        y[[3, 50]] = np.nan
        told = np.isfinite(y)
        fits = [np.corrcoef(x[told], np.roll(y[told], shift))[0, 1] for shift in range(88)]
    for direction in (1, -1):
        expected = np.mean([direction * fit >= direction * fits[0] - 1e-12 for fit in fits])
        assert chance(x, y, direction) == pytest.approx(expected)


def test_what_has_nothing_to_do_with_a_text_is_rarely_significant() -> None:
    """Slow cells against slow truths: shuffled letters would find most of them."""
    rng = np.random.default_rng(0)
    values = []
    for _ in range(200):
        x = np.convolve(rng.standard_normal(640), np.ones(40), "valid")
        y = np.convolve(rng.standard_normal(640), np.ones(40), "valid") > 0
        if 0 < y.sum() < len(y):
            values.append(chance(x, y, 1))
    assert np.mean(np.array(values) < 0.05) < 0.1


# Planted cells.


PLANTED = {
    "inside-quote": QUOTE,
    "inside-parentheses": DEPTH,
    "parenthesis-depth": DEPTH,
    "line-position": POSITION,
}


@pytest.mark.parametrize(("name", "cell"), PLANTED.items())
def test_a_planted_cell_has_rank_one(name: str, cell: int) -> None:
    match = finding(name).matches[0]
    assert (match.node, match.cell) == ("lstm", cell)
    assert match.chosen_on == pytest.approx(1, abs=1e-4)
    assert match.held_out == pytest.approx(1, abs=1e-4)
    assert match.direction == 1
    assert finding(name).p < 0.05
    assert finding(name).is_found
    assert finding(name).control < finding(name).figure - 0.1


def test_the_planted_net_does_what_its_docstring_says() -> None:
    text = text_of(20)
    states = read(planted(text), text).states["lstm"]["c"]
    for cell, name, scale in (
        (QUOTE, "inside-quote", 1),
        (DEPTH, "parenthesis-depth", 1),
        (POSITION, "line-position", 0.01),
    ):
        from minitorch_viz.techniques.recurrent.hypotheses import hypotheses

        np.testing.assert_allclose(states[:, cell], scale * hypotheses()[name](text), atol=1e-4)


@pytest.mark.parametrize("name", ["inside-quote", "parenthesis-depth", "line-position"])
def test_planted_cells_follow_what_is_inserted(name: str) -> None:
    flip = finding(name).flip
    assert flip.places >= 20
    assert flip.share == 1
    assert flip.median == 0  # at once
    assert flip.chance < 0.2
    assert flip.passes


def test_a_planted_cell_that_is_held_changes_what_is_written() -> None:
    """By construction: the net closes a quote where the cell says that it is open, and ends a line that is long."""
    quote, position = finding("inside-quote").clamp, finding("line-position").clamp
    assert quote.held == pytest.approx((1, 0), abs=1e-3)
    free, much, little = position.values
    assert much < free < little
    assert little == 200  # the line never ends
    assert position.differs
    assert quote.differs


def test_what_never_is_true_is_said_and_not_scored() -> None:
    comment = finding("inside-comment")
    assert comment.why == "it is never true in this text"
    assert not comment.matches
    assert np.isnan(comment.figure)
    assert any("inside-comment (it is never true in this text)" in note for note in searched().notes)


def test_the_same_of_an_embedding_and_of_more_letters_than_fit_a_pass() -> None:
    """Rows side by side with a run-up give what one reading gives: the planted cells remember no further."""
    text = text_of(260)
    assert len(text) > corpora.WHOLE
    result = cell_search(
        planted(text, others=2), text, hypothesis="line-position,parenthesis-depth", write=0, evidence=0
    )
    assert result.rows == 3
    assert [each.figure for each in result.findings] == pytest.approx([1, 1], abs=1e-4)
    assert any("3 pieces" in note for note in result.notes)


# What is read, and what is written on.


def test_states_are_those_of_one_reading() -> None:
    model, text = net_of(), 'ab (a) "b"\n' * 60
    corpus = corpora.corpus_of(model, text, 10_000, 0, 0)
    states = States(model, corpus)
    assert len(list(states.read())) == states.steps == 7
    reading = read(model, text, of=("c", "tanh", "h"))
    for cells in states.cells:
        np.testing.assert_allclose(states.of(cells), reading.states[cells[0]][cells[1]], atol=1e-6)
        np.testing.assert_allclose(states.column(cells, 3), reading.states[cells[0]][cells[1]][:, 3], atol=1e-6)
    assert states.nats == pytest.approx(reading.nats.mean(), abs=1e-5)


def test_a_short_text_is_written_on_and_says_so() -> None:
    model, text = net_of(), 'ab (a) "b"\n' * 20
    result = cell_search(model, text, write=1_500, evidence=0, hypothesis="line-position,word-start")
    assert result.letters == 1_500 + (result.letters - 1_500)
    assert result.written == result.letters - len(text)
    assert 1_500 <= result.letters <= 1_510
    assert any(f"{result.written:,} were written by the net itself" in note for note in result.notes)
    assert cell_search(model, text, write=0, evidence=0).written == 0


def test_of_a_long_text_the_last_letters_are_used() -> None:
    model = net_of()
    corpus = corpora.corpus_of(model, "ab\n" * 300 + "()", 500, 0, 0)
    assert (len(corpus.given), corpus.left_out) == (500, 402)
    assert corpus.given.endswith("()")
    result = cell_search(model, "ab\n" * 300, most=500, evidence=0, write=0)
    assert any("the last 500 letters were used and the 400 before" in note for note in result.notes)


def test_rows_begin_at_empty_lines_and_count_each_letter_once(monkeypatch) -> None:
    monkeypatch.setattr(corpora, "WHOLE", 400)
    monkeypatch.setattr(corpora, "ROW", 300)
    monkeypatch.setattr(corpora, "RUN_UP", 100)
    text = text_of(20)
    model = planted(text)
    (rows,) = corpora.corpus_of(model, text, 10_000, 0, 0).rows(model)
    letters_of = model.readers["input"].letters
    parts = [
        "".join(letters_of[code] for code in codes[start:stop])
        for codes, start, stop in zip(rows.codes, rows.starts, rows.stops, strict=True)
    ]
    assert len(parts) == -(-len(text) // 300)
    assert "".join(parts) == text
    assert all(start >= 100 for start in rows.starts[1:])


def test_the_random_twin_has_the_shape_and_nothing_else() -> None:
    model = net_of(seed=3)
    twin = random_twin(model, 1)
    assert {name: value.shape for name, value in twin.net.params.items()} == {
        name: value.shape for name, value in model.net.params.items()
    }
    assert not np.array_equal(twin.net.params["lstm1.weight_hh_l0"], model.net.params["lstm1.weight_hh_l0"])
    np.testing.assert_array_equal(
        twin.net.params["lstm1.weight_hh_l0"], random_twin(model, 1).net.params["lstm1.weight_hh_l0"]
    )
    assert not np.array_equal(
        twin.net.params["lstm1.weight_hh_l0"], random_twin(model, 2).net.params["lstm1.weight_hh_l0"]
    )


def test_a_random_net_has_no_quote_cell() -> None:
    text = text_of(120)
    alphabet = "".join(sorted(set(text)))
    net = letters(len(alphabet), "lstm", 2, 16, 8, seed=5)
    model = Model.from_net(net, readers=Alphabet(alphabet, one_hot=False), name="random")
    result = cell_search(model, text, hypothesis="inside-quote", write=0, evidence=0)
    assert not result.found


# Holding a cell.


@pytest.mark.parametrize("biases", [2, 1])
def test_a_held_cell_keeps_its_memory_whatever_is_read(biases: int, rng) -> None:
    arrays = [rng.standard_normal(shape) for shape in ((24, 7), (24, 6), (24,), (24,))]
    net = Net([("lstm", LSTM(*arrays[: 2 + biases])), ("scores", Linear(rng.standard_normal((7, 6))))])
    model = Model.from_net(net, readers=Alphabet('ab \n"()'), name="own")
    twin = holding(model, "lstm", 4)
    x = np.eye(7)[rng.integers(0, 7, (1, 30))]
    own, held = (m.net[("lstm")].layer.forward(x, np.zeros((1, 6)), np.full((1, 6), 1.7))[1] for m in (model, twin))
    np.testing.assert_array_equal(held.c[0, :, 4], 1.7)
    assert np.ptp(own.c[0, :, 4]) > 0.1
    np.testing.assert_allclose(held.h[0, :, 4], held.o[0, :, 4] * np.tanh(1.7))


def test_what_is_written_with_a_cell_held_at_what_it_would_be_is_the_same() -> None:
    """Held at 0, a cell whose gates keep it at 0 changes nothing."""
    text = text_of(20)
    model = planted(text)
    twin = holding(model, "lstm", 3)
    assert texts_with(model, None, 1) == texts_with(model, None, 1)
    assert texts_with(model, None, 1) != texts_with(model, None, 2)
    assert len(texts_with(twin, ("lstm", 3, 0.0), 1)) == 50


# Every net, every setting.


def test_a_cell_that_does_not_follow_insertions_is_not_found() -> None:
    passed = next(each for each in searched().findings if each.flip is not None and each.flip.passes)
    failed = passed._replace(flip=passed.flip._replace(delays=passed.flip.delays[: passed.flip.places // 2]))
    assert passed.is_found
    assert failed.reaches_bar
    assert not failed.is_found
    assert best_first([failed, passed]) == (passed, failed)
    result = dataclasses.replace(searched(), findings=(failed,))
    check(result.figure())
    assert not result.found
    note = next(words for words in result.notes if words.startswith(failed.name))
    assert "is not called found" in note
    assert "Flip test failed" in note


@pytest.mark.parametrize("kind", ["gru", "rnn"])
def test_nets_without_a_memory_are_searched_by_their_output(kind: str) -> None:
    text = 'ab (a) "b"\n' * 40
    result = cell_search(net_of(kind), text, write=0, evidence=2, hypothesis="line-position,word-start,inside-quote")
    assert all(match.quantity == "h" for each in result.findings for match in each.matches)
    tried = [each for each in result.found if each.flip or each.flip_why]
    assert all("no memory that can be held" in each.clamp_why for each in tried)
    check(result.figure())


def test_several_nets_stand_side_by_side() -> None:
    text = text_of(40)
    small, large = (planted(text, others=count) for count in (2, 9))
    small, large = (dataclasses.replace(net, name=name) for net, name in ((small, "small"), (large, "large")))
    steps = list(cell_search.each(large, text, nets=[small], write=0, evidence=0, hypothesis="inside-quote,word-start"))
    result = steps[-1]
    assert [size.name for size in result.sizes] == ["small", "large"]
    assert [size.cells for size in result.sizes] == [6, 13]
    assert result.sizes[0].figures[0] == pytest.approx(1)
    assert all(np.isfinite(size.nats) for size in result.sizes)
    assert result.done == result.total
    check(result.figure())
    assert "As nets grow" in result.html()


BAD = {
    "an unknown hypothesis": ({"hypothesis": "inside-qoute"}, SettingError, "near names: inside-quote"),
    "no hypothesis": ({"hypothesis": " , "}, SettingError, "hypothesis names one or several"),
    "hypothesis is a number": ({"hypothesis": 3}, SettingError, "hypothesis names one or several"),
    "no such file": ({"hypothesis": "nowhere.py:f"}, DataFileError, r"nowhere\.py"),
    "most of 0": ({"most": 0}, SettingError, "most .*0"),
    "write below 0": ({"write": -1}, SettingError, "write .*-1"),
    "evidence is a float": ({"evidence": 1.5}, SettingError, "evidence .*1.5"),
    "negative seed": ({"seed": -1}, SettingError, "seed .*-1"),
    "nets is a number": ({"nets": 3}, SettingError, "nets are names .*3"),
    "an unknown net": ({"nets": "war_and_piece"}, SettingError, "near"),
    "a net of pictures": ({"nets": "digits"}, SettingError, "does not apply to digits"),
}


@pytest.mark.parametrize(("settings", "kind", "message"), BAD.values(), ids=list(BAD))
def test_bad_settings_end_in_a_sentence(settings, kind, message) -> None:
    with pytest.raises(MinitorchVizError, match=message) as caught:
        cell_search(net_of(), 'ab (a) "b"\n' * 9, **{"write": 0, **settings})
    assert isinstance(caught.value, kind)


def test_texts_that_cannot_be_searched() -> None:
    with pytest.raises(SettingError, match="3 letters tells no cell from another; give at least 40"):
        cell_search(net_of(), "abb", write=0)
    with pytest.raises(SettingError, match="'x' at place 1"):
        cell_search(net_of(), "ax" * 30)
    with pytest.raises(SettingError, match="empty"):
        cell_search(net_of(), "")
    with pytest.raises(SettingError, match="named twice"):
        cell_search(net_of(), "ab" * 30, nets=[net_of()], write=0)
    same = "a" * 200
    result = cell_search(net_of(), same, write=0)
    assert not result.found
    assert "R^2" in result.caption
    check(result.figure())


def test_a_hypothesis_of_ones_own_from_the_command_line(tmp_path: Path, monkeypatch, capsys) -> None:
    from minitorch_viz.cli import main

    monkeypatch.chdir(tmp_path)
    Path("own.py").write_text("def vowel(text):\n    return [letter in 'a' for letter in text]\n", encoding="utf-8")
    net_of().save("net.safetensors")
    Path("text.txt").write_text('ab (a) "b"\n' * 30, encoding="utf-8")
    command = ["cell-search", "--model", "net.safetensors", "--text", "text.txt", "--write", "0", "--evidence", "0"]
    assert main([*command, "--hypothesis", "own.py:vowel", "--out", "cells.html"]) == 0
    said = capsys.readouterr().out
    assert "vowel" in said
    assert "vowel" in Path("cells.html").read_text(encoding="utf-8")


# The picture and the page.


def test_the_figure_is_in_its_place() -> None:
    check(searched().figure())


def test_the_page_holds_every_letter_of_the_passages_and_no_address() -> None:
    page = searched().html()
    words: list[str] = []

    class Page(HTMLParser):
        def handle_data(self, data) -> None:
            words.append(data)

    Page().feed(page)
    shown = "".join(words)
    for each in searched().found:
        assert each.passage.replace("\n", "↵\n") in shown
        assert f'id="{each.name}"' in page
    assert "http" not in page.replace("http-equiv", "")
    assert "<script" not in page


def test_what_is_true_is_underlined_in_stretches() -> None:
    truth = np.array([1, 1, 0, 0, 1, 0, 1])
    assert [(mark.start, mark.stop) for mark in stretches(truth)] == [(0, 2), (4, 5), (6, 7)]
    assert stretches(np.zeros(3)) == []


def test_results_on_the_way_are_whole(monkeypatch) -> None:
    from minitorch_viz.techniques import run

    monkeypatch.setattr(run.Pace, "due", lambda self: True)
    text = text_of(20)
    steps = list(cell_search.each(planted(text), text, write=0, evidence=1, hypothesis="inside-quote"))
    assert not steps[0].findings
    assert "no cell has been scored yet" in steps[0].caption
    check(steps[0].figure())
    assert steps[0].html()
    assert [step.done for step in steps] == sorted({step.done for step in steps})
    assert steps[-1].done == steps[-1].total


def test_the_layers_are_all_searched() -> None:
    rng = np.random.default_rng(0)
    alphabet = 'ab \n"()'
    nodes = [
        ("embedding", Embedding.random(rng, 7, 4)), ("lstm", LSTM.random(rng, 4, 5)), ("gru", GRU.random(rng, 5, 6)),
        ("rnn", RNN.random(rng, 6, 3)), ("scores", Linear.random(rng, 3, 7)),
    ]  # fmt: skip
    model = Model.from_net(Net(nodes), readers=Alphabet(alphabet, one_hot=False), name="mixed")
    result = cell_search(model, 'ab (a) "b"\n' * 30, write=0, evidence=0, hypothesis="line-position")
    assert (result.cells, result.layers) == (14, ("lstm", "gru", "rnn"))
    names = {(match.node, match.cell) for match in result.findings[0].matches}
    assert len(names) == 5


# The bundled nets, on the parts of their texts that they have not learned from.


@functools.cache
def of_bundled(name: str):
    """A search that chooses cells on the validation part of a bundled net's text and measures on the test part."""
    place = SHARED_DATA / "text" / f"{name}.txt"
    if not place.is_file():
        pytest.skip(f"../shared/data has no text/{name}.txt")
    text = place.read_text(encoding="utf-8")
    return cell_search(load_model(name), text[int(0.8 * len(text)) :], most=250_000, evidence=12, progress=False)


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("net", "names", "least"),
    [
        ("war_and_peace", ["inside-quote"], 0.95),
        ("linux_kernel", ["inside-comment"], 0.95),
        ("linux_kernel", ["inside-string", "inside-quote"], 0.85),
        ("linux_kernel", ["line-position", "line-end"], 0.25),
        ("linux_kernel", ["indentation", "brace-depth", "parenthesis-depth"], 0.3),
    ],
)
def test_the_bundled_nets_have_these_cells(net: str, names: list[str], least: float) -> None:
    """Issue 18: on held-out text, and each passes its flip test."""
    best = max((each for each in of_bundled(net).findings if each.name in names), key=lambda each: each.figure)
    print(f"{net} {best.name}: {best.figure:.3f}, random {best.control:.3f}, flip {best.flip}")
    assert best.figure >= least
    assert best.is_found
    assert best.flip is None or best.flip.passes
