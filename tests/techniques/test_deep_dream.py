"""DeepDream: every setting against what it must not change, must raise, or must equal."""

from __future__ import annotations

import functools
import itertools
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from minitorch_viz import Model, load_model
from minitorch_viz.cli import main
from minitorch_viz.errors import MinitorchVizError, NetError, SettingError
from minitorch_viz.models.samples import sample_scene
from minitorch_viz.objectives import Energy
from minitorch_viz.optimize.octaves import octave_pictures, octave_sizes, zoomed
from minitorch_viz.optimize.resizing import resized
from minitorch_viz.optimize.score import score_and_gradient
from minitorch_viz.optimize.tiles import tile_edges, tiled_score_and_gradient
from minitorch_viz.techniques.film import film
from minitorch_viz.techniques.optimization.deep_dream import DeepDream, deep_dream

QUICK: dict[str, Any] = {"size": 64, "octaves": 2, "iterations": 4}


@pytest.fixture(scope="module")
def scenes() -> Model:
    return load_model("scenes")


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    picture: np.ndarray = sample_scene().image[:48]
    return picture


def dream(model: Model, photo: Any, **settings: Any) -> DeepDream:
    return deep_dream(model, photo, progress=False, **QUICK | settings)


def test_the_score_rises_in_each_octave(scenes: Model, photo: np.ndarray) -> None:
    """Of what the net sees without jitter, so that each step is compared with the one before on the same pixels."""
    for settings in ({}, {"channel": 7}, {"guide": np.flip(photo, 1).copy()}, {"position": (20, 30), "channel": 3}):
        scores = dream(scenes, photo, jitter=0, node="relu3", **settings).scores.reshape(2, 4)
        assert (scores[:, -1] > scores[:, 0]).all(), settings


def test_it_rises_with_jitter_too(scenes: Model, photo: np.ndarray) -> None:
    for seed in range(3):
        scores = dream(scenes, photo, iterations=8, seed=seed).scores.reshape(2, 8)
        assert (scores[:, -2:].mean(axis=1) > scores[:, :2].mean(axis=1)).all()


@pytest.mark.parametrize("size", [64, 96], ids=["its own size", "enlarged"])
def test_steps_of_0_leave_the_photo_to_the_bit(scenes: Model, photo: np.ndarray, size: int) -> None:
    """Octaves, jitter and tiles are undone exactly."""
    result = dream(scenes, photo, step=0.0, size=size, octaves=4, tile=40)
    np.testing.assert_array_equal(result.dream, result.start)
    np.testing.assert_array_equal(result.octaves, np.stack([result.start] * 4))
    if size == 64:
        np.testing.assert_array_equal(result.dream, photo)


def test_a_step_changes_pixels_by_its_size_on_average(scenes: Model, photo: np.ndarray) -> None:
    """The gradient that is taken is bounded, however steep the score is; clipping can only make steps smaller."""
    for step in (0.5, 3.0):
        result = dream(scenes, photo // 4 + 96, step=step, octaves=1, iterations=1)
        change = np.abs(result.state.arrays["x"] - result.state.arrays["ground"])
        assert change.mean() == pytest.approx(step, rel=1e-3)
    low, high = result.dream.min(), result.dream.max()
    assert 0 <= low < high <= 255


@pytest.mark.parametrize("settings", [{}, {"start": "noise"}, {"zoom": 1, "iterations": 2}], ids=str)
def test_the_same_seed_gives_the_same_bits(scenes: Model, photo: np.ndarray, settings: dict[str, Any]) -> None:
    first, second, other = (dream(scenes, photo, seed=seed, **settings) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.dream, second.dream)
    assert (first.dream != other.dream).any()


@pytest.mark.parametrize("settings", [{}, {"zoom": 2, "iterations": 2, "octaves": 2}], ids=["one dream", "a zoom"])
def test_it_goes_on_from_any_step(scenes: Model, photo: np.ndarray, settings: dict[str, Any]) -> None:
    settings = QUICK | settings
    whole = list(deep_dream.each(scenes, photo, **settings))
    for result in whole[::3]:
        again = list(deep_dream.each(scenes, photo, **settings, state=result.state))
        assert again[0].done == result.done
        for name in ("dream", "octaves", "zooms", "scores"):
            np.testing.assert_array_equal(getattr(again[-1], name), getattr(whole[-1], name))


def test_a_dream_on_the_way_is_as_sharp_as_the_photo(scenes: Model, photo: np.ndarray) -> None:
    """After one step in a small octave the picture is the photo and an enlarged detail, not an enlarged photo."""
    first = next(deep_dream.each(scenes, photo, size=64, octaves=3, step=0.5))
    assert first.dream.shape == first.frame.shape[:0] + photo.shape
    assert np.abs(first.dream.astype(float) - photo).max() < 12
    assert (first.dream != photo).any()


def test_octave_sizes_end_at_the_picture_and_are_a_factor_apart() -> None:
    sizes = octave_sizes((300, 400), 4, 1.4)
    assert sizes[-1] == (300, 400)
    assert sizes[0] == (round(300 / 1.4**3), round(400 / 1.4**3))
    assert octave_sizes((9, 5), 1, 1.4) == [(9, 5)]
    assert octave_sizes((9, 1), 9, 2.0)[0] == (1, 1)


def test_detail_is_carried_on(rng: np.random.Generator) -> None:
    """What was added to a small picture is there, smoothly enlarged, in the next; and nothing else."""
    x = rng.random((1, 3, 20, 28)).astype(np.float32) * 50
    sizes = octave_sizes((20, 28), 3, 1.4)
    bases = octave_pictures(x, sizes)
    assert [base.shape[2:] for base in bases] == sizes
    assert bases[-1] is x
    flat = resized(np.full((1, 3, 10, 14), 7.0), (20, 28))
    np.testing.assert_allclose(flat, 7.0, rtol=1e-12)
    ramp = np.arange(14.0)[None, None, None] + np.zeros((1, 1, 10, 1))
    np.testing.assert_allclose(resized(ramp, (20, 28))[0, 0, 3, 1:-1], (np.arange(28) / 2 - 0.25)[1:-1], atol=1e-12)


def test_a_zoom_enlarges_about_the_middle() -> None:
    rows, columns = np.mgrid[:40, :60].astype(float)
    x = np.stack([rows, columns])[None]
    y = zoomed(x, 0.05)
    np.testing.assert_allclose(y[0, 0, :, 0], 19.5 + (np.arange(40) - 19.5) * 0.95, atol=1e-9)
    np.testing.assert_allclose(y[0, 1, 0], 29.5 + (np.arange(60) - 29.5) * 0.95, atol=1e-9)
    np.testing.assert_array_equal(zoomed(x, 0.0), x)


def test_tiles_are_the_whole_where_seams_are_far(rng: np.random.Generator) -> None:
    model = load_model("cifar10").astype(np.float64)
    x = rng.uniform(-100, 100, (1, 3, 96, 80))
    objective = Energy("relu3")  # a unit sees at most 16 pixels, so that 16 from a seam both are the same
    whole, gradient = score_and_gradient(model, objective, x)
    edges = tile_edges(96, 48, 2), tile_edges(80, 48, 2)
    assert edges == ([0, 48, 96], [0, 40, 80])
    total, tiled = tiled_score_and_gradient(model, objective, x, 48, (2, 2))
    far = np.ones((96, 80), bool)
    far[48 - 16 : 48 + 16] = far[:, 40 - 16 : 40 + 16] = False
    np.testing.assert_allclose(tiled[0][:, far], gradient[0][:, far], rtol=1e-9, atol=1e-12 * np.abs(gradient).max())
    assert (tiled != gradient).any()
    assert total[0] == pytest.approx(whole[0], rel=0.2)
    same, alone = tiled_score_and_gradient(model, objective, x, 96, (2, 2))
    np.testing.assert_array_equal(alone, gradient)
    assert same == whole


def test_tiles_bound_the_memory(rng: np.random.Generator) -> None:
    model, x = load_model("cifar10"), rng.uniform(-100, 100, (1, 3, 256, 256)).astype(np.float32)

    def peak(tile: int) -> int:
        tracemalloc.start()
        tiled_score_and_gradient(model, Energy("relu3"), x, tile, (2, 2))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(64) < peak(256) / 4


@pytest.mark.parametrize("stride", [1, 7, 16])
def test_tiles_cover_a_side_once(stride: int) -> None:
    for side in range(1, 90):
        edges = tile_edges(side, 32, stride)
        assert edges[0] == 0 < edges[-1] == side
        assert edges == sorted(set(edges))
        assert all(edge % stride == 0 for edge in edges[:-1])
        assert max(np.diff(edges)) <= 32 + stride


def test_a_guide_leads_towards_itself(scenes: Model, photo: np.ndarray) -> None:
    """Two guides give two dreams, and each is more like its own guide than the other's dream is."""
    from minitorch_viz.objectives import BestMatch
    from minitorch_viz.optimize.score import score_of
    from minitorch_viz.techniques.optimization._dream_settings import as_x, sought_of

    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::8] = stripes[:, 1::8] = (255, 40, 40)
    guides = [stripes, np.ascontiguousarray(stripes.transpose(1, 0, 2))]
    dreams = [dream(scenes, photo, guide=guide, node="relu3", iterations=6) for guide in guides]
    columns = [sought_of(scenes, (48, 64), "relu3", None, None, guide)[0].columns for guide in guides]
    scores = np.array([
        [score_of(scenes, BestMatch("relu3", columns[i]), as_x(scenes, dreams[j].dream))[0] for j in range(2)]
        for i in range(2)
    ])  # fmt: skip
    assert scores[0, 0] > scores[0, 1]
    assert scores[1, 1] > scores[1, 0]
    assert dreams[0].guide is not None
    assert dreams[0].guide.shape == (64, 64, 3)


def test_a_neuron_changes_its_own_place(scenes: Model, photo: np.ndarray) -> None:
    for tile in (512, 40):
        result = dream(scenes, photo, node="relu2", position=(10, 50), channel=5, jitter=0, tile=tile, octaves=1)
        change = np.abs(result.dream.astype(float) - result.start).sum(axis=2)
        rows, columns = np.nonzero(change)
        assert rows.size
        assert abs(rows.mean() - 10) < 4
        assert abs(columns.mean() - 50) < 4


def test_a_neuron_stays_with_its_place_under_jitter(scenes: Model, photo: np.ndarray) -> None:
    result = dream(scenes, photo, node="relu2", position=(10, 50), jitter=32, octaves=1, iterations=12)
    change = np.abs(result.dream.astype(float) - result.start).sum(axis=2)
    rows, columns = (np.average(axis, weights=change) for axis in np.mgrid[:48, :64])
    assert abs(rows - 10) < 4
    assert abs(columns - 50) < 4


def test_noise_is_a_little_above_100(scenes: Model, photo: np.ndarray) -> None:
    result = dream(scenes, photo, start="noise", step=0.0)
    assert set(np.unique(result.dream)) == {100, 101}
    assert result.from_noise


def test_options_of_the_gradient_change_the_dream(scenes: Model, photo: np.ndarray) -> None:
    plain = dream(scenes, photo).dream.astype(float)
    roughness = lambda picture: np.abs(np.diff(picture.astype(float), axis=1)).mean()
    blurred, even = dream(scenes, photo, blur=3.0).dream, dream(scenes, photo, laplacian=4).dream
    assert roughness(blurred) < roughness(plain)
    assert (even != plain).any()


def test_a_zoom_is_filmed_dream_by_dream(scenes: Model, photo: np.ndarray, tmp_path: Path) -> None:
    loop = deep_dream.each(scenes, photo, size=64, octaves=1, iterations=2, zoom=3)
    result = film(loop, tmp_path / "zoom.png", progress=False)
    with Image.open(tmp_path / "zoom.png") as moving:
        assert moving.n_frames == 5  # the photo, the dream, three dreams of the one before
        assert moving.size == (192, 144)  # three times as large: at least 128 a side
        moving.seek(4)
        np.testing.assert_array_equal(np.asarray(moving.convert("RGB")), result.frame)
    np.testing.assert_array_equal(result.dream, result.zooms)


def test_from_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["deep-dream", "--size", "64", "--octaves", "2", "--iterations", "3", "--film", "dream.gif"]
    command += ["--out", "dream.npz"]
    assert main([*command, "--frame", "dream.png"]) == 0
    said = capsys.readouterr().out
    assert "Wrote dream.gif, a film of 6 frames" in said
    assert "Wrote dream.png\n" in said
    with Image.open("dream.gif") as moving, Image.open("dream.png") as frame:
        assert (moving.n_frames, moving.size) == (6, (192, 129))  # three times as large: at least 128 a side
        moving.seek(5)
        last, exact = (np.asarray(picture.convert("RGB")).astype(float) for picture in (moving, frame))
        assert np.abs(last - exact).mean() < 6
    for wrong, said in (
        (["--film", "deep-dream.png"], "cannot be both"),
        (["--film", "dream.avi"], "ends in .avi"),
        (["--frame", "dream.gif"], "written as .png"),
        (["--frame", "d.png", "--film", "d.png"], "both its film and its last frame"),
        (["sample:1", "sample:1", "--film", "d.gif", "--format", "png"], "one photo's run"),
    ):
        assert main(["deep-dream", *wrong]) == 2
        assert said in capsys.readouterr().err


def test_ctrl_c_leaves_the_film_so_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    generator = deep_dream.generator

    @functools.wraps(generator)
    def stops(*arguments: Any, **settings: Any) -> Iterator[DeepDream]:
        yield from itertools.islice(generator(*arguments, **settings), 3)
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(deep_dream, "generator", stops)
    names = ["--out", "dream.npz", "--film", "dream.png", "--frame", "frame.png"]
    assert main(["deep-dream", "--model", "digits", "--octaves", "1", *names]) == 130
    said = capsys.readouterr()
    assert said.err == "Interrupted; this is the result after 3 of 10 steps.\n"
    assert "Wrote dream.png, a film of 3 frames" in said.out
    with Image.open("dream.png") as moving, Image.open("frame.png") as frame, np.load("dream.npz") as numbers:
        moving.seek(2)
        np.testing.assert_array_equal(np.asarray(moving.convert("RGB")), np.asarray(frame))
        np.testing.assert_array_equal(np.asarray(frame)[::2, ::2], numbers["dream"])
        assert np.isnan(numbers["scores"]).sum() == 7


def test_a_film_never_overwrites_the_photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(sample_scene().image).save("photo.png")
    before = Path("photo.png").read_bytes()
    assert main(["deep-dream", "photo.png", "--model", "scenes", "--film", "photo.png"]) == 2
    assert "one of the inputs" in capsys.readouterr().err
    assert Path("photo.png").read_bytes() == before


BAD = {
    "unknown node": ({"node": "relu9"}, NetError, "near nodes: relu"),
    "a node without maps": ({"node": "logits"}, SettingError, "node with maps"),
    "a pooled node": ({"node": "gap"}, SettingError, "node with maps"),
    "channel out of range": ({"channel": 999}, SettingError, "channel of 'relu4'"),
    "position outside": ({"position": (99, 0)}, SettingError, "position's row .*from 0 to 47"),
    "position of one number": ({"position": 3}, SettingError, "row and a column"),
    "a guide and a channel": ({"guide": np.zeros((9, 9, 3), np.uint8), "channel": 1}, SettingError, "leave out"),
    "no octaves": ({"octaves": 0}, SettingError, "octaves .*0"),
    "scale of 1": ({"scale": 1.0}, SettingError, "scale .*1.01"),
    "step is nan": ({"step": float("nan")}, SettingError, "step .*nan"),
    "step is a word": ({"step": "much"}, SettingError, "step .*much"),
    "negative blur": ({"blur": -1.0}, SettingError, "blur .*-1"),
    "size of 3": ({"size": 3}, SettingError, "size .*3"),
    "unknown start": ({"start": "nois"}, SettingError, "near starts: noise"),
    "a tile of one pixel": ({"tile": 1}, SettingError, "tile .*1"),
    "negative seed": ({"seed": -1}, SettingError, "seed .*-1"),
}


@pytest.mark.parametrize(("settings", "error", "said"), BAD.values(), ids=list(BAD))
def test_bad_settings_get_a_sentence(
    settings: dict[str, Any], error: type[MinitorchVizError], said: str, scenes: Model, photo: np.ndarray
) -> None:
    with pytest.raises(error, match=said):
        next(deep_dream.each(scenes, photo, **{"size": 64} | settings))


def test_a_silent_node_is_told(photo: np.ndarray) -> None:
    """All of its filters are 0: nothing fires, whatever is done to the picture."""
    from minitorch_viz import Net
    from minitorch_viz.layers import Conv2d, ReLU

    net = Net([("conv", Conv2d(np.zeros((2, 3, 3, 3), np.float32))), ("relu", ReLU())])
    result = dream(Model.from_net(net, 16, name="silent"), photo, iterations=1, octaves=1)
    assert any("exactly 0: relu does not fire" in note for note in result.notes)
    np.testing.assert_array_equal(result.dream, result.start)


@pytest.mark.filterwarnings("ignore:(overflow|invalid value)")
def test_a_gradient_that_is_not_finite_is_told(photo: np.ndarray) -> None:
    from minitorch_viz import Net
    from minitorch_viz.layers import Conv2d, ReLU

    net = Net([("conv", Conv2d(np.full((2, 3, 3, 3), 1e30, np.float32))), ("relu", ReLU())])
    with pytest.raises(SettingError, match=r"stopped before step 1: its gradient is not finite\. Give another"):
        dream(Model.from_net(net, 16, name="huge"), photo)


def test_lines_in_the_chart_of_a_long_zoom_stay_few(scenes: Model, photo: np.ndarray) -> None:
    result = dream(scenes, photo, iterations=1)
    for zoom, lines, said in ((0, 1, "an octave"), (20, 20, "a dream"), (90, 0, None)):
        total = 2 * (zoom + 1)
        long = replace(result, zoom=zoom, total=total, done=total, scores=np.arange(float(total)))
        (chart,) = [axes for axes in long.figure().axes if not axes.images]
        assert sum(line.get_color() == "0.8" for line in chart.lines) == lines
        assert (f"a line where {said} begins" if said else "before each step") in chart.get_title()
        enlarged = "" if not zoom else f", enlarged {zoom} times"
        assert any(
            axes.get_title().replace("\n", " ") == f"the dream of scenes{enlarged}" for axes in long.figure().axes
        )


def test_a_net_for_small_pictures_says_that_it_dreams_small(scenes: Model, photo: np.ndarray) -> None:
    assert any("pictures of 64 x 64 pixels: it dreams of" in note for note in dream(scenes, photo).notes)


def test_fewer_octaves_are_told(scenes: Model, photo: np.ndarray) -> None:
    result = dream(scenes, photo, octaves=9, scale=2.0, iterations=1, jitter=0)
    assert len(result.sizes) < 9
    assert any(note.startswith(f"Only {len(result.sizes)} of 9 octaves") for note in result.notes)
    assert replace(result, done=1).notes[0] == f"This is the result after 1 of {result.total} steps."
