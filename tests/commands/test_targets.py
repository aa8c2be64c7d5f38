"""--target, --region, --mask and --position on the command line: numbers with spaces or commas, and what is told."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from minitorch_viz import load_model
from minitorch_viz.cli import main
from minitorch_viz.commands.parser import joined
from tests.answer_nets import CASES, CLASSES, model_of, photo


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A saved segmentation net, a net with three heads, a photo and a mask."""
    folder = tmp_path_factory.mktemp("targets")
    for name, case in (("maps", "dilated, a class"), ("heads", "three heads, the second classifier")):
        model_of(CASES[case]).astype(np.float32).save(folder / f"{name}.safetensors")
    Image.fromarray(photo()).save(folder / "photo.png")
    mask = np.zeros((16, 16), np.uint8)
    mask[2:9, 3:12] = 255
    Image.fromarray(mask).save(folder / "mask.png")
    return folder


def caption_of(files, capsys, *words: str, net: str = "maps") -> str:
    command = ["saliency", str(files / "photo.png"), "--model", str(files / f"{net}.safetensors"), *words]
    assert main([*command, "--out", str(files / "map.json")]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "label"),
    [
        (["--target", "sky"], 'out channel "sky" (2) where it wins'),
        (["--target", "2", "--mask", "all"], 'out channel "sky" (2) over all places'),
        (["--target", "sky", "--region", "2", "3", "9", "12"], "in rows 2 to 8, columns 3 to 11"),
        (["--target", "sky", "--region=2,3,9,12"], "in rows 2 to 8, columns 3 to 11"),
        (["--region", "2,3,9,12", "--target", "sky"], "in rows 2 to 8, columns 3 to 11"),
        (["--region", "2,", "3,", "9,", "12", "--target", "sky"], "in rows 2 to 8, columns 3 to 11"),
        (["--target", "sky", "--position", "4", "9"], 'out channel "sky" (2) at row 4, column 9'),
        (["--pos", "4,9", "--target", "sky"], 'out channel "sky" (2) at row 4, column 9'),
        (["--node", "relu1", "--channel", "1", "--mask", "all"], "relu1 channel 1 over all places"),
    ],
    ids=str,
)
def test_what_is_explained_of_a_net_that_ends_in_maps(files, capsys, words, label) -> None:
    assert label in caption_of(files, capsys, *words)


def test_a_mask_is_a_file_and_the_rectangle_it_shows(files, capsys) -> None:
    masked = caption_of(files, capsys, "--target", "sky", "--mask", str(files / "mask.png"))
    assert "in mask.png (25%)" in masked
    boxed = caption_of(files, capsys, "--target", "sky", "--region", "2", "3", "9", "12")
    assert masked.split("sum ")[1].split(",")[0] == boxed.split("sum ")[1].split(",")[0]


def test_a_mask_is_not_overwritten(files, capsys) -> None:
    before = (files / "mask.png").read_bytes()
    command = ["saliency", str(files / "photo.png"), "--model", str(files / "maps.safetensors")]
    assert main([*command, "--mask", str(files / "mask.png"), "--out", str(files / "mask.png")]) != 0
    assert "overwrite" in capsys.readouterr().err
    assert (files / "mask.png").read_bytes() == before


def test_a_report_shows_which_channel_wins_where(files, tmp_path, capsys) -> None:
    """With its legend; no technique fails, and a target is taken by every card."""
    out = tmp_path / "report.html"
    command = ["report", str(files / "photo.png"), "--model", str(files / "maps.safetensors"), "--target", "sky"]
    assert main([*command, "--out", str(out), "--only", "saliency", "grad-cam"]) == 0
    page = out.read_text()
    assert 'alt="which channel wins where"' in page
    shares = load_model(files / "maps.safetensors").segment(files / "photo.png").shares
    for channel, share in shares.items():
        assert f"{100 * share:.1f}%" in page
        assert CLASSES[channel] in page
    assert page.count("out channel &#34;sky&#34; (2)") + page.count("out channel &quot;sky&quot; (2)") >= 2
    assert "is no classifier" not in page
    capsys.readouterr()


def test_every_head_is_explained_by_its_node(files, capsys) -> None:
    assert "colour unit 4" in caption_of(files, capsys, "--node", "colour", "--channel", "4", net="heads")
    everywhere = caption_of(files, capsys, "--node", "maps", "--channel", "0", "--mask", "all", net="heads")
    assert "maps channel 0 over all places" in everywhere
    assert 'class "road" (1)' in caption_of(files, capsys, "--target", "road", net="heads")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--region", "2", "3", "9"], "it takes 4 whole numbers, TOP LEFT BOTTOM RIGHT, but got '2,3,9'"),
        (["--region", "a"], "it takes 4 whole numbers"),
        (["--position", "1.5"], "it takes 1 to 2 whole numbers, ROW COLUMN, but got '1.5'"),
        (["--position", "4"], "The position of a unit of 'out' is its row and its column"),
        (["--region", "-1", "0", "3", "3"], "top < bottom <= 16"),
        (["--target", "sky", "--mask", "nowhere.png"], "nowhere.png"),
        (["--target", "sea"], "sea"),
        (["--target", "sky", "--mask", "wins", "--region", "0", "0", "2", "2"], "Give either --region or --mask"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_told(files, capsys, words, message) -> None:
    command = ["saliency", str(files / "photo.png"), "--model", str(files / "maps.safetensors"), *words]
    try:
        status = main([*command, "--out", str(files / "map.json")])
    except SystemExit as stop:
        status = stop.code
    assert status != 0
    error = capsys.readouterr().err
    assert message in " ".join(error.split())
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--position", "3", "5", "a.png"], ["--position=3,5", "a.png"]),
        (["--position", "3", "a.png"], ["--position=3", "a.png"]),
        (["--position", "3,5", "7"], ["--position=3,5", "7"]),
        (["--position", "3", "5", "7"], ["--position=3,5", "7"]),
        (["--position=3,5", "7"], ["--position=3,5", "7"]),
        (["--region", "-1", "0", "3", "4"], ["--region=-1,0,3,4"]),
        (["--region", "1,", "0,", "3,", "4"], ["--region=1,0,3,4"]),
        (["--region", "-1,0", "3,4"], ["--region=-1,0,3,4"]),
        (["--reg", "1", "0"], ["--reg=1,0"]),
        (["--size", "3", "5"], ["--size", "3", "5"]),
        (["--position"], ["--position"]),
        (["-p", "3", "5"], ["-p", "3", "5"]),
    ],
    ids=str,
)
def test_numbers_that_belong_to_an_option_become_one_word(words, expected) -> None:
    assert joined(words, {"--position": 2, "--region": 4}) == expected
