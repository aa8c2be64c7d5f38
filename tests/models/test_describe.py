"""A model in rows, text and HTML; the short forms of nets, tapes and predictions."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.layers import Add, Conv2d, Flatten, GlobalAvgPool2d, Linear, MaxPool2d, ReLU
from minitorch_viz.models import Prediction, describe, sketch, specs
from minitorch_viz.models.describe import words_of
from minitorch_viz.models.prediction import Predictions


def small() -> Model:
    rng = np.random.default_rng(0)
    conv = [Conv2d.random(rng, 3, 4, 3, padding=1), Conv2d.random(rng, 4, 4, 3, padding=1)]
    nodes = [("a", conv[0]), ("b", conv[1]), ("sum", Add(), ("a", "b")), ("act", ReLU()), ("gap", GlobalAvgPool2d())]
    head = Linear.random(rng, 4, 2)
    return Model.from_net(
        Net([*nodes, ("flat", Flatten()), ("fc", head)]), (6, 8), class_names=["<b>", "dog"], name="my"
    )


def test_the_rows_of_a_small_net() -> None:
    rows = {row.node: row for row in describe(small()).rows}
    assert [*rows] == ["input", "a", "b", "sum", "act", "gap", "flat", "fc"]
    assert (rows["input"].shape, rows["input"].parameters) == ((3, 6, 8), 0)
    assert (rows["a"].shape, rows["a"].parameters) == ((4, 6, 8), 4 * 3 * 9 + 4)
    assert (rows["b"].shape, rows["b"].parameters) == ((4, 6, 8), 4 * 4 * 9 + 4)
    assert (rows["fc"].shape, rows["fc"].parameters, rows["fc"].reads) == ((2,), 10, ("flat",))
    assert rows["sum"].reads == ("a", "b")


def test_the_text_of_a_small_net() -> None:
    lines = str(describe(small())).splitlines()
    assert lines[0] == "my: 270 parameters, 7 nodes, input 3 x 6 x 8"
    assert lines[1].split() == ["node", "layer", "output", "parameters", "reads"]
    assert lines[3].split() == ["a", "Conv2d", "3", "x", "3,", "padding", "1", "4", "x", "6", "x", "8", "112"]
    assert lines[5].split() == ["sum", "Add", "4", "x", "6", "x", "8", "a,", "b"]
    assert lines[10] == "scores: fc, classes"
    assert lines[11] == "classes (2): <b> (0), dog (1)"
    assert lines[12].startswith("Note: fc gives 2 scores, taken as classes")
    assert max(map(len, lines[:12])) <= 80


def test_the_table_of_a_small_net() -> None:
    page = small()._repr_html_()
    cells: list[str] = []

    class Reader(HTMLParser):
        def handle_data(self, data: str) -> None:
            cells.append(data)

    Reader().feed(page)
    assert [cell for cell in cells if cell in ("node", "sum", "4 x 6 x 8", "a, b", "112")].count("4 x 6 x 8") == 4
    assert "&lt;b&gt; (0)" in page
    assert page.count("<tr>") == 9


@pytest.mark.parametrize("name", [name for name in sorted(specs()) if specs()[name].parameters < 2e7])
def test_every_small_net_without_its_weights(name: str) -> None:
    description = describe(sketch(name))
    assert sum(row.parameters for row in description.rows) == specs()[name].parameters
    last = next(row for row in description.rows if row.node == (specs()[name].logits or description.rows[-1].node))
    if specs()[name].logits:
        assert last.shape == (specs()[name].class_count,)
    assert all(row.shape is not None for row in description.rows)


def test_a_net_that_takes_no_such_picture_is_described_without_shapes() -> None:

    from minitorch_viz.models import Preprocessing

    model = load_model("faces").with_reader(Preprocessing((8, 8), 1))
    description = describe(model)
    assert [row.shape for row in description.rows] == [None] * 4
    assert description.table()[0] == ["node", "layer", "parameters"]


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (ReLU(), "ReLU"),
        (MaxPool2d(3, 2, ceil_mode=True), "MaxPool2d, kernel 3, stride 2, ceil mode"),
        (Conv2d(np.zeros((2, 3, 1, 5)), stride=(1, 2)), "Conv2d 1 x 5, stride 1 x 2"),
        (Flatten(2), "Flatten, start dim 2"),
        (Linear(np.zeros((2, 3))), "Linear"),
    ],
)
def test_a_layer_in_a_few_words(layer, words: str) -> None:
    assert words_of(layer) == words


def test_many_classes_are_cut() -> None:
    text = str(describe(sketch("squeezenet1_1")))
    assert re.search(r"classes \(1000\): .* \(19\), \.\.\., .* \(999\)\n", text)


def test_the_short_forms_of_net_and_tape() -> None:
    model = small()
    lines = repr(model.net).splitlines()
    assert lines[0] == "Net of 7 nodes, 270 parameters, inputs input"
    assert lines[1].endswith("  112 parameters")
    assert "parameters" not in lines[3]
    tape = model.net.forward(model.preprocess(np.zeros((6, 8, 3), np.uint8)))
    assert repr(tape).startswith("Tape(input (1, 3, 6, 8), a (1, 4, 6, 8)")
    long = repr(load_model("cifar10").net.forward(np.zeros((1, 3, 32, 32), np.float32)))
    assert len(long) < 250
    assert "... 14 more ..." in long
    assert long.endswith("prob (1, 10))")


def test_predictions_read_well() -> None:
    answers = Predictions([Prediction(4, "tiger <cat>", 0.5), Prediction(1, "angle", None, 37.25)])
    assert repr(answers) == "tiger <cat> (4) 50.0%\nangle (1) 37.25"
    assert "tiger &lt;cat&gt;" in answers._repr_html_()
    assert isinstance(small().classify(np.zeros((6, 8, 3), np.uint8)), Predictions)
