"""Commands on what is no photo, as a user types them: tables, series, other channels, tensors, two inputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minitorch_viz import Model, Net
from minitorch_viz.cli import main
from minitorch_viz.graph import Node
from minitorch_viz.layers import Concat, Conv1d, Conv2d, Flatten, GlobalAvgPool2d, Linear, ReLU
from minitorch_viz.models import Numbers, Preprocessing

RNG = np.random.default_rng(0)


def bands_net() -> Net:
    head = [("gap", GlobalAvgPool2d()), ("flat", Flatten()), ("fc", Linear.random(RNG, 4, 3))]
    return Net([("conv", Conv2d.random(RNG, 5, 4, 3)), ("relu", ReLU()), *head])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with nets, and with data for them."""
    monkeypatch.chdir(tmp_path)
    reader = Numbers(3, names=("wide", "high", "deep"))
    Model.from_net(Net([("fc", Linear.random(RNG, 3, 2))]), readers=reader, name="rows").save("rows.safetensors")
    series = Net(
        [
            ("conv", Conv1d.random(RNG, 2, 4, 3)),
            ("relu", ReLU()),
            ("flat", Flatten()),
            ("fc", Linear.random(RNG, 32, 2)),
        ]
    )
    Model.from_net(series, 10, name="series").save("series.safetensors")
    Model.from_net(bands_net(), 12, name="bands").save("bands.safetensors")
    nodes = [Node("flat", Flatten(), ("image",)), Node("both", Concat(), ("flat", "vector")),
             Node("fc", Linear.random(RNG, 51, 2), ("both",))]  # fmt: skip
    readers = {"image": Preprocessing((4, 4)), "vector": Numbers(3)}
    Model.from_net(Net(nodes, ["image", "vector"]), readers=readers, name="two").save("two.safetensors")
    Path("table.csv").write_text("name,deep,wide,high\na,1,2,3\nb,4,5,6\n")
    np.save("series.npy", RNG.standard_normal((2, 10)))
    np.save("bands.npy", RNG.random((12, 12, 5)))
    np.save("tensor.npy", RNG.standard_normal((1, 5, 12, 12)).astype(np.float32))
    Image.fromarray(RNG.integers(0, 256, (4, 4, 3)).astype(np.uint8)).save("photo.png")
    return tmp_path


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("integrated-gradients table.csv --model rows.safetensors", "table.csv has 2 rows; this is the first"),
        ("saliency table.csv:2 --model rows.safetensors --out a.npz", "Wrote a.npz"),
        ("occlusion 1,2,3 --model rows.safetensors", "One column at a time"),
        ("saliency --model rows.safetensors", "Wrote saliency.png"),
        ("grad-cam series.npy --model series.safetensors", "stretched to the series"),
        ("grad-cam bands.npy --model bands.safetensors --overlay", "Over the photo"),
        ("saliency bands.npy --model bands.safetensors --bands 4,2,0", "channel 4, channel 2 and channel 0 as red"),
        ("saliency tensor.npy --model bands.safetensors", "is the net's input as it is"),
        ("lrp bands.npy tensor.npy --model bands.safetensors --out maps --format json", "Wrote 2 of 2 files"),
        ("saliency photo.png --model two.safetensors --input vector=1,2,3", "The input vector is '1,2,3'"),
        (
            "saliency 1,2,3 --model two.safetensors --input image=photo.png --out v.json",
            "The input image is 'photo.png'",
        ),
        ("report table.csv --model rows.safetensors --only saliency --out r.html", "Wrote r.html"),
        ("report bands.npy --model bands.safetensors --only saliency --out r.html", "Wrote r.html"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_it_is_explained(line: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == 0
    assert words in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("grad-cam table.csv --model rows.safetensors", "take saliency, integrated-gradients or occlusion"),
        ("saliency table.csv --model rows.safetensors --overlay", "An overlay is a map over a photo"),
        ("saliency table.csv:9 --model rows.safetensors", "There is no row 9"),
        ("saliency 1,2 --model rows.safetensors", "takes 3 columns (wide, high, deep), and these are 2"),
        ("saliency photo.png --model rows.safetensors", ".npy or .csv"),
        ("saliency photo.png --model bands.safetensors", "picture of 3 channels, but the net takes 5"),
        ("saliency bands.npy --model bands.safetensors --bands 4,2,5", "0 to 4"),
        ("saliency bands.npy --model bands.safetensors --bands red", "such as 3,2,1"),
        ("saliency series.npy --model series.safetensors --bands 0", "for others than a photo's"),
        ("saliency series.npy --model bands.safetensors", "(H, W, 5)"),
        ("saliency bands.npy --model series.safetensors", "(2, 10) are needed, but got (12, 12, 5)"),
        ("saliency photo.png --model two.safetensors", "--input NAME=VALUE"),
        ("segmentation series.npy --model series.safetensors", "take saliency, integrated-gradients or occlusion"),
    ],
)
def test_what_does_not_fit_is_one_sentence(
    line: str, words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line.split()) != 0
    printed = capsys.readouterr()
    assert words in printed.err
    assert "Traceback" not in printed.err
    assert not list(folder.glob("*.html"))


@pytest.mark.usefixtures("folder")
def test_columns_of_the_file_are_in_the_saved_numbers() -> None:
    assert main(["saliency", "table.csv:2", "--model", "rows.safetensors", "--out", "a.npz"]) == 0
    file = np.load("a.npz")
    np.testing.assert_array_equal(file["given.values"], [5, 6, 4])
    assert list(file["given.names"]) == ["wide", "high", "deep"]
