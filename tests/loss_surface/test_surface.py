"""The whole: spread shrinks with width, same seed same bits, Ctrl-C keeps what is done, the picture shows it."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minitorch_viz.cli import main
from minitorch_viz.errors import SettingError
from minitorch_viz.layers import softmax_cross_entropy
from minitorch_viz.loss_surface import LossSurface, loss_surface, surface
from minitorch_viz.loss_surface.side_by_side import train_nets
from tests.measured_figures import check

SMALL: dict[str, Any] = {"widths": (2, 32), "seeds": 8, "epochs": 8, "grid": 3, "progress": False}


@pytest.fixture(scope="module")
def found() -> LossSurface:
    return loss_surface(**SMALL)


def test_wide_nets_end_closer_together_and_lower(found: LossSurface) -> None:
    assert found.widths == (2, 32)
    assert found.test_loss.shape == found.train_loss.shape == found.test_accuracy.shape == (2, 8)
    assert found.spread[1] < found.spread[0] / 5
    assert found.test_loss[1].max() < found.test_loss[0].min()
    assert found.test_accuracy[1].min() > 0.85
    np.testing.assert_allclose(found.spread, [np.std(row, ddof=1) for row in found.test_loss])


def test_slices_are_around_the_nets_that_were_trained(found: LossSurface) -> None:
    narrow, wide, bundled, path = found.slices
    data = surface.digits_data()
    for at, one in ((0, narrow), (1, wide)):
        assert one.centre == one.loss[1, 1] == np.sort(found.train_loss[at])[4]  # the middle net of eight
    assert bundled.centre < 0.05
    assert path.centre == wide.centre  # trained again, to the same bits
    assert len(path.path) == 8 + 1
    np.testing.assert_allclose(path.path[-1], 0, atol=1e-9)
    assert 0.5 < path.share <= 1
    for k, steps in enumerate((path.along, path.across)):
        assert steps[0] < path.path[:, k].min() <= path.path[:, k].max() < steps[-1]
    first = train_nets(32, [int(found.train_loss[1].argsort(kind="stable")[4])], data, seed=0, epochs=8, keep_path=True)
    start = softmax_cross_entropy(first.alone(0, first.path[0]).predict(data.x), data.labels)[0]
    assert start > 10 * path.centre


def test_same_seed_same_bits_and_more_seeds_keep_the_first(found: LossSurface) -> None:
    again = loss_surface(**SMALL)
    for name in ("train_loss", "test_loss", "test_accuracy"):
        np.testing.assert_array_equal(getattr(again, name), getattr(found, name))
    for one, other in zip(again.slices, found.slices, strict=True):
        np.testing.assert_array_equal(one.loss, other.loss)
        np.testing.assert_array_equal(one.path, other.path)
    fewer = loss_surface(**SMALL | {"seeds": 3, "widths": [32]})
    np.testing.assert_array_equal(fewer.test_loss[0], found.test_loss[1, :3])
    assert (loss_surface(**SMALL | {"seeds": 3, "widths": [32], "seed": 1}).test_loss[0] != fewer.test_loss[0]).all()


def interrupting(monkeypatch: pytest.MonkeyPatch, name: str, call: int) -> None:
    """Ctrl-C in the middle of the call-th call of a function of the module."""
    plain, calls = getattr(surface, name), []

    def wrapped(*given: Any, **settings: Any) -> Any:
        calls.append(1)
        if len(calls) == call:
            raise KeyboardInterrupt
        return plain(*given, **settings)

    monkeypatch.setattr(surface, name, wrapped)


def test_ctrl_c_keeps_the_widths_that_are_finished(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    interrupting(monkeypatch, "train_nets", 2)
    kept = loss_surface(**SMALL | {"epochs": 1})
    assert (kept.widths, kept.test_loss.shape, kept.slices, kept.interrupted) == ((2,), (1, 8), (), True)
    assert "width 32" in kept.notes[-1]
    assert kept.save(tmp_path / "kept.png").stat().st_size > 10_000


def test_ctrl_c_keeps_the_slices_that_are_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    interrupting(monkeypatch, "_bundled_slice", 1)
    kept = loss_surface(**SMALL | {"epochs": 1})
    assert kept.widths == (2, 32)
    assert len(kept.slices) == 2
    assert kept.interrupted
    assert kept.notes[-1] == "Stopped before the end: some slices are missing."


def test_ctrl_c_before_anything_is_finished_is_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    interrupting(monkeypatch, "train_nets", 1)
    with pytest.raises(KeyboardInterrupt):
        loss_surface(**SMALL)


def test_the_pictures_words_are_in_their_places(found: LossSurface) -> None:
    check(found.figure())


def test_the_picture_shows_every_net(found: LossSurface) -> None:
    figure = found.figure()
    axes = [one for part in figure.subfigs for one in part.axes]
    dots = [line for line in axes[0].lines if line.get_marker() == "."]
    for line, losses in zip(dots, found.test_loss, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), losses)
    drawn = {line.get_label(): line.get_ydata() for line in axes[1].lines}
    np.testing.assert_allclose(drawn["test loss"], found.spread)
    np.testing.assert_allclose(drawn["training loss"], found.train_loss.std(axis=1, ddof=1))
    words = " ".join(one.get_xlabel() + one.get_ylabel() + one.get_title() for one in axes)
    for word in ("hidden units", "nats (log scale)", "lengths of each filter", "at the star", "square: start"):
        assert word in words
    scales = [one.collections[0].norm for one in axes[2:6]]
    assert len({(scale.vmin, scale.vmax) for scale in scales}) == 1  # colours may be compared
    assert scales[0].vmin == min(one.loss.min() for one in found.slices)
    assert scales[0].vmax == max(one.loss.max() for one in found.slices)


def test_it_says_what_is_to_be_seen(found: LossSurface) -> None:
    for words in ("8 epochs", "8 of each width", "width 2:", "width 32:", "logarithmic", "Choromanska", "Li et al."):
        assert words in found.caption
    lost = int((found.test_loss > np.log(10) - 1e-3).sum())
    assert found.notes == (() if not lost else (f"{lost} of 16 nets know nothing (loss ln 10 = 2.30), "
                                                "as when all hidden units died.",))  # fmt: skip
    assert dataclasses.is_dataclass(found)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.widths = ()  # type: ignore[misc]  # it must fail
    assert found._repr_png_().startswith(b"\x89PNG")


def test_the_page_is_one_file_with_picture_and_table(found: LossSurface, tmp_path: Path) -> None:
    page = found.save(tmp_path / "surface.html").read_text(encoding="utf-8")
    assert "data:image/png;base64," in page
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert "minitorch-viz loss-surface --widths 2 32 --seeds 8 --epochs 8 --grid 3 --seed 0" in page
    for row in found.test_loss:
        assert f"<td>{row.mean():.3g}</td><td>{row.std(ddof=1):.3g}</td>" in page
    assert [path.name for path in tmp_path.iterdir()] == ["surface.html"]


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], found: LossSurface
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = ["--seeds", "8", "--epochs", "8", "--grid", "3"]
    assert main(["loss-surface", "--widths", "32", "2", *settings, "--out", "mine.svg"]) == 0
    printed = capsys.readouterr().out
    assert found.caption in printed  # widths are sorted
    assert "Wrote mine.svg" in printed
    assert b"<svg" in (tmp_path / "mine.svg").read_bytes()
    interrupting(monkeypatch, "train_nets", 2)
    assert main(["loss-surface", "--widths", "2", "4", "--seeds", "2", "--epochs", "1", "--out", "kept.png"]) == 130
    assert (tmp_path / "kept.png").read_bytes().startswith(b"\x89PNG")
    assert "Stopped before the end" in capsys.readouterr().out


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no widths": ({"widths": ()}, "at least one number of hidden units"),
    "one number": ({"widths": 8}, "list of at least one.*8"),
    "widths as text": ({"widths": "8"}, "'8'"),
    "widths as a set": ({"widths": {8}}, "list"),
    "no units": ({"widths": (0,)}, "width of a net.*from 1 to 1024, but got 0"),
    "fewer than none": ({"widths": (8, -1)}, "-1"),
    "half a unit": ({"widths": (2.5,)}, "2.5"),
    "a switch for a width": ({"widths": (True,)}, "True"),
    "too wide": ({"widths": (4096,)}, "4096"),
    "twice": ({"widths": (4, 8, 4)}, r"twice: \[4, 8, 4\]"),
    "one seed has no spread": ({"seeds": 1}, "number of seeds.*from 2 to 1000, but got 1"),
    "too many seeds": ({"seeds": 10**6}, "1000000"),
    "seeds as text": ({"seeds": "many"}, "many"),
    "no epochs": ({"epochs": 0}, "number of epochs.*got 0"),
    "half an epoch": ({"epochs": 0.5}, "0.5"),
    "even grid": ({"grid": 10}, "odd number of points"),
    "no grid": ({"grid": None}, "None"),
    "seed below 0": ({"seed": -1}, "seed must be a whole number of at least 0, but got -1"),
    "seed with a fraction": ({"seed": 1.5}, "1.5"),
    "seed as a switch": ({"seed": False}, "False"),
    "a generator for a seed": ({"seed": np.random.default_rng(0)}, "seed must be"),
}


@pytest.mark.parametrize(("changes", "words"), BAD.values(), ids=list(BAD))
def test_bad_settings_are_one_sentence(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingError, match=words) as caught:
        loss_surface(**SMALL | changes)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("out", ["map.tiff", "map", "nowhere/map.png", ".", "nowhere/map.html"])
def test_a_place_that_cannot_be_written_is_told_first(
    out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    interrupting(monkeypatch, "train_nets", 1)  # nothing may be trained before
    assert main(["loss-surface", "--out", out]) == 2
    error = capsys.readouterr().err
    assert error.startswith("minitorch-viz: --out must be a file in a folder that exists")
    assert error.count("\n") == 1
