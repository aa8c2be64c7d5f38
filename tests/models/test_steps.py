"""The column of layers: steps, forks and what repeats, and the drawing of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from minitorch_viz import Model, Net, layers
from minitorch_viz.cli import main
from minitorch_viz.drawing.column import COMPACT, draw_column, fitting, height_of
from minitorch_viz.models.describe import describe
from minitorch_viz.models.load import sketch
from minitorch_viz.models.readers import Numbers
from minitorch_viz.models.steps import Box, Fork, Repeat, compact, folded, rows_of, steps_of

RNG = np.random.default_rng(0)


def conv(channels: int, out: int) -> layers.Conv2d:
    return layers.Conv2d.random(RNG, channels, out, 3, padding=1)


def block(name: str, source: str) -> list[tuple[object, ...]]:
    return [
        (f"{name}.conv1", conv(4, 4), (source,)), (f"{name}.relu1", layers.ReLU()), (f"{name}.conv2", conv(4, 4)),
        (f"{name}.add", layers.Add(), (f"{name}.conv2", source)), (f"{name}.relu", layers.ReLU()),
    ]  # fmt: skip


def residual(blocks: int = 3) -> Model:
    nodes: list[tuple[object, ...]] = [("stem", conv(3, 4)), ("relu", layers.ReLU())]
    for number in range(blocks):
        nodes += block(f"b{number}", nodes[-1][0])
    return Model.from_net(Net([*nodes, ("pool", layers.GlobalAvgPool2d()), ("flat", layers.Flatten())]), 8)  # type: ignore[arg-type]  # nodes in short


def test_a_shortcut_is_an_empty_branch_and_gates_stand_behind_their_layer() -> None:
    stem, fork, pool = steps_of(residual(1))
    assert isinstance(stem, Box)
    assert (stem.words, stem.behind) == ("3 x 3, 4", ("ReLU",))
    assert isinstance(fork, Fork)
    assert (fork.join, fork.behind) == ("+", ("ReLU",))
    main_branch, shortcut = fork.branches
    assert [box.words for box in main_branch if isinstance(box, Box)] == ["3 x 3, 4", "3 x 3, 4"]
    assert shortcut == ()
    assert isinstance(pool, Box)
    assert (pool.words, pool.behind, pool.pools) == ("mean of each map", ("Flatten",), True)


def test_what_repeats_is_drawn_once_with_the_parameters_of_all() -> None:
    steps = steps_of(residual(3))
    stem, blocks, _ = folded(steps)
    assert isinstance(blocks, Repeat)
    assert (blocks.times, blocks.names) == (3, ("b0.add", "b2.add"))
    total = sum(row.parameters for row in rows_of(steps))
    assert sum(row.parameters for row in rows_of([stem, blocks])) == total == 7 * 4 * 9 * 4 - 4 * 9 + 7 * 4


def test_steps_that_differ_are_not_folded() -> None:
    nodes = [("a", conv(3, 4)), ("b", conv(4, 5)), ("c", conv(5, 6))]
    assert len(folded(steps_of(Model.from_net(Net(nodes), 8)))) == 3


@pytest.mark.parametrize("name", ["digits", "tinyvgg", "squeezenet1_1", "googlenet", "resnet50"])
def test_every_layer_and_parameter_is_in_the_column(name: str) -> None:
    model = sketch(name)
    rows = [row for row in describe(model).rows if row.layer]
    steps = steps_of(model)
    for column in (steps, folded(steps), compact(steps), fitting(steps)):
        assert sum(row.parameters for row in rows_of(column)) == sum(row.parameters for row in rows)
    assert sorted(row.node for row in rows_of(steps)) == sorted(row.node for row in rows)
    assert height_of(fitting(steps)) <= COMPACT


def test_branches_of_an_inception_module() -> None:
    fork = next(step for step in steps_of(sketch("googlenet")) if isinstance(step, Fork))
    words = [[box.words for box in branch if isinstance(box, Box)] for branch in fork.branches]
    assert words == [
        ["1 x 1, 64"],
        ["1 x 1, 96", "3 x 3, 128"],
        ["1 x 1, 16", "5 x 5, 32"],
        ["max pool 3 x 3", "1 x 1, 32"],
    ]
    assert fork.join == "concatenate"


def two_inputs() -> Model:
    nodes = [
        ("left", layers.Linear.random(RNG, 5, 8), ("a",)), ("relu", layers.ReLU()),
        ("right", layers.Linear.random(RNG, 3, 8), ("b",)), ("add", layers.Add(), ("relu", "right")),
        ("out", layers.Linear.random(RNG, 8, 2)),
    ]  # fmt: skip
    return Model.from_net(Net(nodes, inputs=("a", "b")), readers={"a": Numbers((5,)), "b": Numbers((3,))})


def test_inputs_that_meet_are_branches() -> None:
    fork, out = steps_of(two_inputs())
    assert isinstance(fork, Fork)
    names = [[row.node for row in rows_of(branch)] for branch in fork.branches]
    assert names == [["a", "left", "relu"], ["b", "right"]]
    assert isinstance(out, Box)


@pytest.mark.parametrize("make", [residual, two_inputs, lambda: sketch("faces")])
def test_words_lie_inside_the_figure_and_not_over_each_other(make) -> None:
    figure = Figure()
    draw_column(make(), figure)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    width, height = figure.bbox.width, figure.bbox.height
    assert all(box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height for box in boxes)
    for index, box in enumerate(boxes):
        for other in boxes[:index]:
            across, down = min(box.x1, other.x1) - max(box.x0, other.x0), min(box.y1, other.y1) - max(box.y0, other.y0)
            assert across <= 1 or down <= 3, "two words overlap"  # pixels


def test_the_command_draws_it(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["describe", "digits", "--out", "net.png"]) == 0
    assert capsys.readouterr().out == "Wrote net.png\n"
    with Image.open("net.png") as picture:
        assert picture.size[0] == 1440
    assert main(["describe", "digits", "--out", "net.svg"]) == 0
    assert main(["describe", "digits", "--out", "net.gif"]) == 2
    assert "written as .png, .svg or .pdf" in capsys.readouterr().err
