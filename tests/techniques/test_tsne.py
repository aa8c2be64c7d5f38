"""The map of pictures: its parts against brute force and scikit-learn, pictures in their places, the page in order."""

from __future__ import annotations

import base64
import io
import itertools
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from minitorch_viz import Model, Net, load_model
from minitorch_viz.cli import main
from minitorch_viz.data import Dataset, load_digits
from minitorch_viz.errors import DataFileError, ImageFileError, SettingError
from minitorch_viz.layers import Conv2d, Flatten, GlobalAvgPool2d, Linear, ReLU
from minitorch_viz.techniques.activations import _tsne_map as on_map
from minitorch_viz.techniques.activations import _tsne_sheet as sheets
from minitorch_viz.techniques.activations.tsne import tsne
from minitorch_viz.techniques.explain.neighbours import nearest
from minitorch_viz.techniques.explain.thumbnails import in_cells, place_in, sprite
from tests.measured_figures import check


@pytest.fixture(scope="module")
def digits() -> Model:
    return load_model("digits")


@pytest.fixture(scope="module")
def some() -> Dataset:
    return load_digits()[1][:40]


@pytest.fixture(scope="module")
def mapped(digits: Model, some: Dataset):
    return tsne(digits, some, perplexity=(5, 10), show="grid")


def colours_net() -> Model:
    """A net whose codes are the mean colours, and whose last layer has something to read."""
    conv = Conv2d(np.eye(3, dtype=np.float32)[:, :, None, None])
    layers = [("conv", conv), ("relu", ReLU()), ("gap", GlobalAvgPool2d()), ("flat", Flatten())]
    return Model.from_net(Net([*layers, ("fc", Linear(np.eye(3, dtype=np.float32)))]), 8)


# ---- the map


def test_components_are_scikit_learns(rng) -> None:
    codes = rng.normal(size=(60, 80)) * np.linspace(5, 1, 80)
    result, other = on_map.reduced(codes), PCA(50, svd_solver="full").fit(codes)
    np.testing.assert_allclose(np.abs(result.points), np.abs(other.transform(codes)), atol=1e-9)
    assert result.share == pytest.approx(other.explained_variance_ratio_.sum())


def test_many_codes_of_many_numbers_are_taken_apart_by_their_first_components(rng, monkeypatch) -> None:
    codes = rng.normal(size=(60, 3)) @ rng.normal(size=(3, 80)) + 1e-3 * rng.normal(size=(60, 80))
    exact = on_map.reduced(codes).points[:, :3]
    monkeypatch.setattr(on_map, "EXACT", 10)
    np.testing.assert_allclose(on_map.reduced(codes).points[:, :3], exact, rtol=1e-6, atol=1e-6)


def test_the_same_bits_for_the_same_seed_whatever_the_threads(rng) -> None:
    points = rng.normal(size=(60, 8))
    first = on_map.embedded(points, 10, 3)
    for threads in (1, 2):
        with threadpool_limits(threads):
            assert first.tobytes() == on_map.embedded(points, 10, 3).tobytes()


def test_groups_stay_groups(rng) -> None:
    middles = 20 * rng.normal(size=(4, 30))
    points = np.repeat(middles, 20, axis=0) + rng.normal(size=(80, 30))
    near = nearest(on_map.embedded(on_map.reduced(points).points, 10), 10).numbers
    assert (near // 20 == np.arange(80)[:, None] // 20).all()


@pytest.mark.parametrize("case", ["all the same", "two kinds", "one number"])
@pytest.mark.filterwarnings("error")
def test_equal_codes_do_no_harm(case: str) -> None:
    codes = {
        "all the same": np.ones((12, 4)),
        "two kinds": np.eye(2)[[0, 1] * 6],
        "one number": np.arange(12.0)[:, None],
    }
    positions = on_map.embedded(on_map.reduced(codes[case]).points, 3)
    assert positions.shape == (12, 2)
    assert np.isfinite(positions).all()


def test_a_new_code_lies_at_the_weighted_mean_of_its_nearest(rng) -> None:
    codes, maps = rng.normal(size=(30, 4)), rng.normal(size=(2, 30, 2))
    query = rng.normal(size=(1, 4))
    result = on_map.placed(codes, maps, query)
    ways = np.linalg.norm(codes - query, axis=1)
    five = np.argsort(ways)[:5]
    expected = (maps[:, five] / ways[five, None] ** 2).sum(axis=1) / (1 / ways[five] ** 2).sum()
    np.testing.assert_allclose(result.positions[:, 0], expected)
    np.testing.assert_allclose(on_map.placed(codes, maps, codes[[7]]).positions[:, 0], maps[:, 7])  # its own place


@pytest.mark.parametrize(
    ("perplexity", "said"),
    [
        (14, r"needs 43 pictures at least, but there are 40; take --perplexity 13 or less"),
        (0, "whole number from 1 up"),
        (2.5, "whole number from 1 up"),
        ((5, 5), "different"),
        ((1, 2, 3, 4, 5), "one to four"),
    ],
)
def test_a_perplexity_that_does_not_fit_gets_a_sentence(digits: Model, some: Dataset, perplexity, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        next(tsne.each(digits, some, perplexity=perplexity))


def test_the_usual_perplexity_becomes_smaller_for_few_pictures(digits: Model, some: Dataset) -> None:
    assert tsne(digits, some[:7]).perplexities == (2,)
    with pytest.raises(SettingError, match="at least 4 pictures, but there are 3"):
        tsne(digits, some[:3])


# ---- the sheets of pictures


def test_the_grid_is_the_assignment_with_the_shortest_ways(rng) -> None:
    positions = rng.random((4, 2))
    inside = sheets.in_unit_square(positions, each=True)
    centres = np.array([[0.25, 0.25], [0.25, 0.75], [0.75, 0.25], [0.75, 0.75]])
    total = lambda order: ((inside[list(order)] - centres) ** 2).sum()
    best = min(itertools.permutations(range(4)), key=total)
    assert sheets.snapped(positions).cells.ravel().tolist() == list(best)


def test_each_picture_is_on_the_grid_once(rng, monkeypatch) -> None:
    cells = sheets.snapped(rng.random((23, 2))).cells
    assert sorted(cells[cells >= 0].tolist()) == list(range(23))
    assert cells.shape == (5, 5)
    monkeypatch.setattr(sheets, "MOST_SNAPPED", 9)
    some = sheets.snapped(rng.random((23, 2)), 1).cells
    assert len(np.unique(some)) == some.size == 9


def test_every_cell_is_filled_by_its_nearest(rng) -> None:
    positions = rng.random((30, 2))
    cells = sheets.filled(positions).cells
    inside = sheets.in_unit_square(positions, each=True)
    for row, column in np.ndindex(cells.shape):
        ways = np.linalg.norm(inside - [(row + 0.5) / len(cells), (column + 0.5) / len(cells)], axis=1)
        assert cells[row, column] == ways.argmin()


CORNERS = np.array([[0.0, 1.0], [1.0, 1.0], [0.0, 0.0], [1.0, 0.0]])  # (across, up): above left, above right, below ...
COLOURS = np.array([[200, 0, 0], [0, 160, 0], [0, 0, 220], [230, 180, 0]], np.uint8)


def flat(size: tuple[int, int]):
    return in_cells([np.full((*size, 3), colour, np.uint8) for colour in COLOURS], 32)


def test_pictures_are_where_the_points_are() -> None:
    """Up is up and left is left, on each sheet."""
    small = flat((32, 32))
    assert sheets.snapped(CORNERS).cells.tolist() == [[0, 1], [2, 3]]
    assert sheets.filled(CORNERS).cells.tolist() == [[0, 1], [2, 3]]
    grid, cell, _ = sheets.on_grid(sheets.snapped(CORNERS), small, 0.0)
    over = sheets.overlapping(CORNERS, small)
    for sheet, side in ((grid, cell), (over, 20)):
        middles = [sheet[side // 2, side // 2], sheet[side // 2, -side // 2], sheet[-side // 2, side // 2]]
        np.testing.assert_array_equal([*middles, sheet[-side // 2, -side // 2]], COLOURS)


@pytest.mark.parametrize("size", [(16, 48), (48, 16)], ids=["wide", "tall"])
def test_pictures_that_are_not_square_keep_their_shape(size: tuple[int, int]) -> None:
    small = flat(size)
    assert small.sizes.tolist() == [[round(32 * side / 48) for side in size]] * 4
    for sheet in (sheets.on_grid(sheets.snapped(CORNERS), small, 0.0)[0], sheets.overlapping(CORNERS, small)):
        for colour in COLOURS:
            rows, columns = np.nonzero((sheet == colour).all(axis=2))
            assert np.ptp(rows) + 1 == pytest.approx((np.ptp(columns) + 1) * size[0] / size[1], rel=0.1)


def test_seams_are_the_distances_of_neighbouring_codes() -> None:
    codes = np.array([[0.0, 0], [3, 4], [0, 1], [5, 5]])
    seams = sheets.seams_of(sheets.Grid(np.array([[0, 1], [2, -1]])), codes)
    assert seams.beside[0, 0] == 5
    assert seams.below[0, 0] == 1
    assert np.isnan([seams.beside[1, 0], seams.below[0, 1]]).all()
    sheet = np.zeros((22, 22, 3), np.uint8)
    sheets.draw_seams(sheet, seams, 10, 2, (1, 5))
    assert sheet[5, 10].tolist() == [210, 0, 0]  # the largest: red
    assert sheet[10, 5].tolist() == [255, 255, 255]
    assert not sheet[5, 5].any()


def test_the_sprite_is_in_the_order_of_the_pictures(rng) -> None:
    cells = rng.integers(0, 256, (11, 8, 8, 3)).astype(np.uint8)
    sheet, columns = sprite(cells)
    for number, cell in enumerate(cells):
        top, left = place_in(number, columns, 8)
        np.testing.assert_array_equal(sheet[top : top + 8, left : left + 8], cell)


# ---- the technique


def test_it_says_what_it_keeps(mapped, some: Dataset) -> None:
    assert mapped.maps.shape == (2, 40, 2)
    by_hand = [
        np.mean([len(set(a) & set(b)) / 10 for a, b in zip(mapped.near, nearest(positions, 10).numbers, strict=True)])
        for positions in mapped.maps
    ]
    np.testing.assert_allclose([kept.share for kept in mapped.kept], by_hand)
    same = np.mean(some.labels[nearest(mapped.maps[0], 10).numbers] == some.labels[:, None])
    assert mapped.same_on_map[0] == pytest.approx(same)
    assert f"on the map of perplexity 5 {100 * same:.0f} %" in mapped.caption
    assert "trustworthiness 0." in mapped.caption
    assert "chance" in mapped.caption


def test_codes_tell_digits_apart_better_than_pixels_do(digits: Model) -> None:
    result = tsne(digits, load_digits()[1][:200])
    assert result.same_by_chance < 0.12
    assert result.same_by_pixels + 0.05 < result.same_by_codes
    assert result.same_on_map[0] > result.same_by_pixels + 0.05


def test_a_kept_state_serves_other_forms_perplexities_and_neighbours(digits: Model, some: Dataset, tmp_path) -> None:
    file = tmp_path / "state"
    first = tsne(digits, some, perplexity=5, resume=file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minitorch_viz.techniques.activations.tsne.embedded", lambda *_: pytest.fail("it is there"))
        again = tsne(digits, some, perplexity=5, show="grid", seams=True, resume=file)
    np.testing.assert_array_equal(first.maps, again.maps)
    both = tsne(digits, some, perplexity=(10, 5), resume=file)
    np.testing.assert_array_equal(both.maps[1], first.maps[0])
    with pytest.raises(SettingError, match="node"):
        tsne(digits, some, node="relu3", resume=file)


@pytest.mark.parametrize("form", ["points", "pictures", "grid", "filled"])
@pytest.mark.parametrize("perplexity", [5, (3, 5, 10)])
def test_every_form_is_drawn_in_its_place(digits: Model, some: Dataset, form: str, perplexity) -> None:
    seams = form in ("grid", "filled")
    check(tsne(digits, some, show=form, seams=seams, perplexity=perplexity, place=some.images[3]).figure(), band=0.12)


def test_many_classes_have_a_legend_and_too_many_none(digits: Model) -> None:
    images = np.random.default_rng(0).integers(0, 17, (70, 8, 8)).astype(np.uint8)
    names = tuple(f"Staffordshire bullterrier {number}" for number in range(70))
    for count, has_legend in ((35, True), (70, False)):
        data = Dataset(images, np.arange(70) % count, names[:count], "dogs")
        figure = tsne(digits, data, perplexity=5).figure()
        assert len(figure.axes) == 1 + has_legend
        check(figure, band=0.12)


def test_the_nearest_of_a_picture_are_the_nearest(digits: Model, some: Dataset, tmp_path) -> None:
    whole = tsne(digits, some, nearest="7", metric="l2")
    assert whole.query.by_codes.numbers[0].tolist() == nearest(whole.codes, 10).numbers[7].tolist()
    assert whole.query.by_pixels.numbers[0].tolist() == nearest(whole.pixels, 10).numbers[7].tolist()
    np.testing.assert_allclose(whole.query.by_codes.distances[0], nearest(whole.codes, 10).distances[7])
    np.testing.assert_array_equal(whole.query.picture.cells, in_cells([shown(some, 7)], 240).cells)
    first = int(whole.query.by_codes.numbers[0, 0])
    np.testing.assert_array_equal(whole.query.small.cells[0], in_cells([shown(some, first)], 240).cells[0])
    assert tsne(digits, some, nearest=f"{some.name} 7").query.number == 7
    Image.fromarray(shown(some, 7)).save(tmp_path / "seven.png")
    photo = tsne(digits, some, nearest=str(tmp_path / "seven.png"))
    assert photo.query.by_codes.numbers[0, 0] == 7  # the picture itself, which as a photo is another one
    assert photo.query.by_codes.distances[0, 0] < 1e-3
    check(whole.figure(), band=0.2)


def shown(data: Dataset, number: int) -> np.ndarray:
    from minitorch_viz.io.images import load_image

    return load_image(data.images[number])


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ("40", SettingError, "0 to 39"),
        ("-1", SettingError, "0 to 39"),
        ("digits tset 7", SettingError, "digits test 7"),
    ],
)
def test_what_is_no_picture_to_be_near_to(digits: Model, some: Dataset, asked: str, error, said: str) -> None:
    with pytest.raises(error, match=said):
        tsne(digits, some, nearest=asked)


def test_a_broken_photo_to_place_or_to_be_near_to(digits: Model, some: Dataset, tmp_path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    for settings in ({"nearest": str(tmp_path / "broken.png")}, {"place": str(tmp_path / "broken.png")}):
        with pytest.raises(ImageFileError, match=r"broken\.png"):
            tsne(digits, some, **settings)


def test_a_picture_of_the_map_put_on_it_lies_on_itself(digits: Model, some: Dataset) -> None:
    result = tsne(digits, some, perplexity=5, place=[some.images[3], some.images[9]])
    size = np.ptp(result.maps[0], axis=0).max()
    np.testing.assert_allclose(result.placed.positions[0], result.maps[0, [3, 9]], atol=1e-3 * size)
    assert result.placed.near.numbers[:, 0].tolist() == [3, 9]
    assert "new photo 1 lies at the mean of the places of its nearest by codes" in " ".join(result.notes)
    figures = [
        tsne(digits, some, perplexity=5, show="pictures", place=place).figure() for place in (None, some.images[3])
    ]
    before, after = (figure.axes[0].images[0].get_array() for figure in figures)
    changed = np.argwhere((np.asarray(before) != np.asarray(after)).any(axis=2))
    middle = sheets.in_unit_square(result.maps[0], each=False)[3] * (2000 - 240) + 120
    assert np.abs(changed.mean(axis=0) - middle).max() < 30  # it lies over itself, framed in black


def test_bad_settings_get_a_sentence(digits: Model, some: Dataset) -> None:
    for settings, said in (
        ({"show": "dots"}, "points, pictures, grid, filled"),
        ({"seams": True}, "show=grid or show=filled"),
        ({"metric": "l1"}, "cosine, l2"),
        ({"place": []}, "1 to 12"),
    ):
        with pytest.raises(SettingError, match=said):
            tsne(digits, some, **settings)


def test_broken_pictures_are_named_and_only_broken_ones_are_an_error(tmp_path) -> None:
    model = colours_net()
    for number in range(6):
        Image.fromarray(np.full((9, 12, 3), 40 * number, np.uint8)).save(tmp_path / f"{number}.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    result = tsne(model, str(tmp_path), metric="l2")
    assert result.titles == tuple(f"{number}.png" for number in range(6))
    assert "1 picture could not be read and was left out: broken.png" in " ".join(result.notes)
    for file in tmp_path.glob("[0-9].png"):
        file.write_bytes(b"no picture")
    with pytest.raises(DataFileError, match="none of the 7 could be read"):
        tsne(model, str(tmp_path))


def test_a_net_that_says_the_same_to_all_is_said_to(some: Dataset) -> None:
    net = Net([("flat", Flatten()), ("fc", Linear(np.zeros((3, 192), np.float32)))])
    result = tsne(Model.from_net(net, 8), some[:12], node="fc")
    assert "All codes are the same" in " ".join(result.notes)
    assert np.isfinite(result.maps).all()
    check(result.figure(), band=0.12)


def test_codes_that_are_not_finite_get_a_sentence(some: Dataset) -> None:
    net = Net([("flat", Flatten()), ("fc", Linear(np.full((3, 192), np.nan, np.float32)))])
    with pytest.raises(SettingError, match="12 pictures are not finite"):
        tsne(Model.from_net(net, 8), some[:12], node="fc")


# ---- the page


def page_data(text: str) -> dict:
    return json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1].replace("\\u003c", "<"))


def coloured(count: int, size: tuple[int, int]) -> tuple[Dataset, np.ndarray]:
    """Pictures of one colour each."""
    colours = np.random.default_rng(2).integers(30, 226, (count, 3))
    images = np.tile(colours[:, None, None], (1, *size, 1)).astype(np.uint8)
    return Dataset(images, np.arange(count) % 3, ("a", "b", "c"), "colours"), colours


@pytest.mark.parametrize("size", [(12, 12), (8, 24), (24, 8)], ids=["square", "wide", "tall"])
def test_pictures_classes_and_neighbours_of_a_page_are_in_one_order(size: tuple[int, int]) -> None:
    data, colours = coloured(23, size)
    result = tsne(colours_net(), data, metric="l2")
    page = page_data(result.html())
    kind, coded = page["sprite"].split(",", 1)
    assert kind == "data:image/jpeg;base64"
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(coded)))).astype(int)
    side = page["side"]
    assert side % 8 == 0  # whole blocks of JPEG
    for number, colour in enumerate(colours):
        top, left = number // page["columns"] * side, number % page["columns"] * side
        high, wide = page["sizes"][number]
        assert high / wide == pytest.approx(size[0] / size[1], rel=0.1)
        cell = sheet[top : top + side, left : left + side]
        inner = cell[(side - high) // 2 : (side + high) // 2, (side - wide) // 2 : (side + wide) // 2]
        assert np.abs(inner - colour).mean() < 4
    assert page["labels"] == data.labels.tolist()
    np.testing.assert_array_equal(page["near"], result.near)
    places = np.array(page["maps"][0]["places"])
    assert places[:, 0].argmax() == result.maps[0, :, 0].argmax()
    assert places[:, 1].argmin() == result.maps[0, :, 1].argmax()  # up is small
    cells = page["maps"][0]["cells"]
    assert cells[-1] == [5, 5]
    assert len({tuple(cell) for cell in cells[:-1]}) == 23


def test_a_page_needs_nothing_else_and_is_not_broken_by_names(digits: Model, some: Dataset, tmp_path) -> None:
    names = ("</script><b>", '"&amp;', *map(str, range(2, 10)))
    text = tsne(digits, Dataset(some.images, some.labels, names, "<i>set</i>")).save(tmp_path / "a.html").read_text()
    assert not re.findall(r"(?:src|href)=[\"']?(?:https?:)?//", text)
    assert "<i>set" not in text
    assert text.count("<script") == text.count("</script>") == 2
    assert page_data(text)["classes"][0]["name"] == names[0]


def test_nearest_have_no_page(digits: Model, some: Dataset, tmp_path) -> None:
    with pytest.raises(SettingError, match=r"saved as \.png"):
        tsne(digits, some, nearest="3").save(tmp_path / "a.html")


def test_the_command_takes_several_perplexities(tmp_path, capsys) -> None:
    out = tmp_path / "a.npz"
    command = [
        "tsne",
        "--model",
        "digits",
        "--perplexity",
        "3",
        "10",
        "--pictures",
        str(tmp_path / "set"),
        "--out",
        str(out),
    ]
    (tmp_path / "set").mkdir()
    for number, image in enumerate(load_digits()[1].images[:31]):
        Image.fromarray(image * 15).save(tmp_path / "set" / f"{number}.png")
    assert main(command) == 0
    assert np.load(out)["maps"].shape[0] == 2
    assert "t-SNE (perplexity 3, 10)" in capsys.readouterr().out


CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium or Chrome on the PATH")
@pytest.mark.parametrize("width", [390, 1400])
def test_the_page_in_a_browser_shows_the_picture_that_it_names(width: int, tmp_path: Path) -> None:
    """On the map, in front, and large beside it; by keys, too; and nothing runs out of a phone's screen."""
    from tests.test_pages_in_a_browser import PAGE, measured

    data, colours = coloured(23, (12, 12))
    file = tsne(colours_net(), data, metric="l2", show="pictures", perplexity=5).save(tmp_path / "map.html")
    script = (
        PAGE
        + """
      const spots = i => { choose(i, false); before = null; draw(performance.now() + 9999);
        const k = devicePixelRatio, [x, y] = [across(now[i][0]) * k, down(now[i][1]) * k];
        const at = stage.getContext('2d').getImageData(x, y, 1, 1).data;
        const large = document.getElementById('large').getContext('2d').getImageData(130, 130, 1, 1).data;
        return [[...at].slice(0, 3), [...large].slice(0, 3), document.getElementById('name').textContent]; };
      answer.spots = [...Array(23).keys()].map(spots);
      form = 'grid'; showMap(); answer.grid = [...Array(23).keys()].map(spots);
      const press = key => stage.dispatchEvent(new KeyboardEvent('keydown', { key }));
      choose(DATA.maps[0].cells.findIndex(([column, row]) => column === 2 && row === 2), false);
      const start = pinned; press('ArrowLeft'); press('ArrowUp'); answer.moved = [start, pinned];
      const zoom = view.zoom; press('+'); answer.zoomed = view.zoom / zoom;
      answer.listed = document.querySelectorAll('#near li').length; answer.near = DATA.near[pinned].length;"""
    )
    found = measured(file, width, "", script)
    assert found["wide"] <= width
    for spots in (found["spots"], found["grid"]):
        for number, (on_stage, large, name) in enumerate(spots):
            assert np.abs(np.array(on_stage) - colours[number]).max() < 12
            assert np.abs(np.array(large) - colours[number]).max() < 12
            assert name.endswith(f" {number}")
    cells = page_data(file.read_text())["maps"][0]["cells"]
    assert [cells[number] for number in found["moved"]] == [[2, 2], [1, 1]]  # one to the left and one up
    assert found["zoomed"] > 1.2
    assert found["listed"] == found["near"] == 10
