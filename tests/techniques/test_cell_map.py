"""A map of states: labels, their shares beside an honest chance, a loop of two steps, the page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.techniques import cell_map
from minitorch_viz.techniques.explain.neighbours import nearest, same_class
from minitorch_viz.techniques.recurrent import _cell_map_colours as colours
from minitorch_viz.techniques.recurrent._small_net import small_reading
from tests.measured_figures import check


@pytest.fixture(scope="module")
def result() -> Any:
    return cell_map(*small_reading(), progress=False)


def test_each_letter_has_a_class() -> None:
    classes = colours.classes_of_letters("\n\t aZ7.bé")
    assert [classes.names[label] for label in classes.labels] == [
        "line end", "blank", "blank", "vowel", "capital letter", "digit", "other sign", "other small letter", "vowel",
    ]  # fmt: skip


def test_yes_and_no_numbers_and_what_does_not_apply() -> None:
    assert colours.labelled("x", np.array([True, False])).names == ("no", "yes")
    assert colours.labelled("x", np.array([True, True])) is None
    few = colours.labelled("depth", np.array([0.0, 2.0, np.nan, 1.0]))
    assert (few.labels.tolist(), few.names) == ([0, 2, -1, 1], ("0", "1", "2"))
    many = colours.labelled("column", np.arange(90.0))
    assert np.bincount(many.labels).tolist() == [30, 30, 30]
    assert many.names == ("0 to 29", "30 to 59", "60 to 89")
    skewed = colours.labelled("depth", np.array([0.0] * 80 + [1, 2, 3, 4, 5]))
    assert np.bincount(skewed.labels).tolist() == [80, 5]


def test_the_share_is_that_of_the_nearest_with_the_same_label(rng: np.random.Generator) -> None:
    points, labels = rng.standard_normal((60, 2)), rng.integers(0, 3, 60)
    near = nearest(points, 5).numbers
    share = colours.alike(near, near, labels)
    expected = np.mean([labels[j] == labels[i] for i in range(60) for j in near[i]])
    assert share.on_map == share.by_states == pytest.approx(expected)
    assert share.by_chance == pytest.approx(1 / 3, abs=0.06)


def test_chance_counts_what_neighbours_in_the_text_share_anyhow() -> None:
    """Points along a line in the order of the text: blocks of equal labels are alike, whatever the net has learned."""
    places = np.stack([np.arange(400.0), np.zeros(400)], axis=1)
    labels = np.arange(400) // 40 % 2
    near = nearest(places, 10).numbers
    share = colours.alike(near, near, labels)
    assert share.on_map > 0.9
    assert share.by_chance == pytest.approx(share.on_map, abs=0.02)
    assert same_class(near, labels)[1] == pytest.approx(0.5, abs=0.01)  # shuffled labels would say this


def test_the_loop_gives_the_components_a_map_of_few_letters_and_the_map() -> None:
    model, text = small_reading()
    first, fewer, last = cell_map.each(model, text)
    assert [(each.done, each.total) for each in (first, fewer, last)] == [(1, 3), (2, 3), (3, 3)]
    assert fewer.places.tolist() == list(range(0, len(text), 4))
    assert any("yet to come" in note for note in fewer.notes)
    assert first.perplexity == 0
    assert last.perplexity == (len(text) - 1) // 3
    assert "principal components of the states" in first.caption
    assert "after 1 of 3 steps" in first.notes[0]
    check(first.figure())


def test_the_result_is_of_each_letter(result: Any) -> None:
    model, text = small_reading()
    assert result.positions.shape == (len(text), 2)
    assert np.isfinite(result.positions).all()
    assert result.places.tolist() == list(range(len(text)))
    assert result.colourings[0].name == "letter"
    names = [colouring.name for colouring in result.colourings]
    assert "inside-quote" in names
    assert "brace-depth" not in names  # there are no braces
    quotes = result.colourings[names.index("inside-quote")]
    assert quotes.labels[text.index("Here")] == 1
    assert quotes.labels[0] == 0
    gains = [share.on_map - share.by_chance for share in result.alike[1:]]
    assert gains == sorted(gains, reverse=True)
    np.testing.assert_array_equal(result.near, nearest(_states(model, text), 10).numbers)
    check(result.figure())


def _states(model: Any, text: str) -> np.ndarray:
    tape = model.net.forward(model.read(text))
    return np.concatenate([np.tanh(tape.saved[node].c[0]) for node in ("lstm1", "lstm2")], axis=1).astype(np.float32)


def test_a_longer_text_is_thinned_evenly() -> None:
    model, text = small_reading()
    result = next(cell_map.each(model, text * 3, letters=50))
    assert len(result.places) == 50
    assert set(np.diff(result.places)) <= {4, 5}
    assert any("--letters" in note for note in result.notes)


def test_one_colour_of_choice_or_of_ones_own_file_is_drawn_alone(tmp_path: Path) -> None:
    model, text = small_reading()
    result = next(cell_map.each(model, text, hypothesis="inside-quote"))
    assert [colouring.name for colouring in result.colourings[:2]] == ["inside-quote", "letter"]
    assert len(result.figure().axes) == 1
    file = tmp_path / "own.py"
    file.write_text('def is_s(text):\n    """Return whether it is an s."""\n    return [c == "s" for c in text]\n')
    own = next(cell_map.each(model, text, hypothesis=f"{file}:is_s")).colourings[0]
    assert (own.name, own.words) == ("is-s", "it is an s")
    assert own.labels.sum() == text.count("s")


BAD = {
    "all the same": ({"hypothesis": "brace-depth"}, "brace-depth, .*same for all letters"),
    "no file": ({"hypothesis": "nowhere.py:f"}, r"no file 'nowhere\.py'"),
    "unknown hypothesis": ({"hypothesis": "lettre"}, "no hypothesis 'lettre'; near names: letter"),
    "three letters": ({"text": "She"}, "at least 4 letters, but the text has 3"),
    "too few letters": ({"letters": 3}, "number of letters .*3"),
    "perplexity": ({"perplexity": 60}, "Perplexity 60"),
    "perplexity of 0": ({"perplexity": 0}, "perplexity .*0"),
    "negative seed": ({"seed": -1}, "seed .*-1"),
    "unknown node": ({"node": "lstm7"}, "near nodes: lstm"),
}


@pytest.mark.parametrize(("settings", "message"), BAD.values(), ids=list(BAD))
def test_bad_input_gets_a_sentence(settings: dict[str, Any], message: str) -> None:
    model, text = small_reading()
    with pytest.raises(MinitorchVizError, match=message):
        cell_map(model, settings.pop("text", text), progress=False, **settings)


def test_the_page_holds_points_labels_and_text(result: Any) -> None:
    (content,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', result.html())
    data = json.loads(content)
    assert "".join(data["text"]) == result.text
    assert data["at"] == result.places.tolist()
    assert data["near"] == result.near.tolist()
    assert data["colourings"][0]["labels"] == result.colourings[0].labels.tolist()
    places = np.array(data["places"])
    assert places.min() >= 0
    assert places.max() <= 1
    right = result.positions[:, 0].argmax()
    assert places[:, 0].argmax() == right
