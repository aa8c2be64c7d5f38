"""Pictures of other channels than a photo's, prepared tensors, rows and series: how they come in, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minitorch_viz import Model, Net, load_model
from minitorch_viz.errors import ImageFileError, MinitorchVizError, SettingError, ShapeError
from minitorch_viz.layers import GRU, LSTM, AdaptiveAvgPool1d, Conv1d, Conv2d, Flatten, GlobalAvgPool2d, Linear, ReLU
from minitorch_viz.models import Bands, Numbers
from minitorch_viz.models.readers import KINDS

RNG = np.random.default_rng(0)


def net_of(channels: int) -> Net:
    """A small convolutional net for pictures of so many channels."""
    rng = np.random.default_rng(channels)
    return Net([
        ("conv", Conv2d.random(rng, channels, 4, 3, padding=1)), ("relu", ReLU()), ("gap", GlobalAvgPool2d()),
        ("flat", Flatten()), ("fc", Linear.random(rng, 4, 3)),
    ])  # fmt: skip


@pytest.mark.parametrize("channels", [2, 4, 6, 11])
def test_numbers_come_in_as_they_are_and_pixels_from_0_to_1(channels: int) -> None:
    model = Model.from_net(net_of(channels), 12)
    floats = RNG.normal(0, 1000, (12, 12, channels))
    np.testing.assert_array_equal(model.read(floats), floats.astype(np.float32).transpose(2, 0, 1)[None])
    pixels = RNG.integers(0, 256, (12, 12, channels)).astype(np.uint8)
    np.testing.assert_allclose(model.read(pixels), (pixels / 255).transpose(2, 0, 1)[None], rtol=1e-6)
    assert any(f"{channels} channels" in note for note in model.notes)
    assert model.restore(model.read(floats)).shape == (12, 12, 3)


def test_the_size_may_have_the_channels_too() -> None:
    assert Model.from_net(net_of(6), (6, 12, 10)).preprocessing == Model.from_net(net_of(6), (12, 10)).preprocessing
    flat = Net([("flat", Flatten()), ("fc", Linear.random(RNG, 5 * 4 * 3, 2))])
    assert Model.from_net(flat, (1, 5, 4, 3)).preprocessing == Bands((4, 3), 5)
    with pytest.raises(SettingError, match=r"\(6, H, W\), but size is \(5, 12, 12\)"):
        Model.from_net(net_of(6), (5, 12, 12))


def test_mean_and_std_are_in_the_units_of_the_numbers() -> None:
    model = Model.from_net(net_of(2), 12, mean=(10, 20), std=(2, 4))
    image = np.full((12, 12, 2), (14, 12), np.uint8)
    np.testing.assert_array_equal(model.read(image)[0, :, 0, 0], [2, -2])


def test_files_hold_what_the_arrays_hold(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    image = RNG.random((12, 12, 6)).astype(np.float32)
    reader = Bands(12, 6)
    np.save(tmp_path / "a.npy", image)
    np.savez(tmp_path / "b.npz", image=image)
    np.savez(tmp_path / "c.npz", **{f"band{i}": image[..., i] for i in range(6)})
    tifffile.imwrite(tmp_path / "d.tif", image.transpose(2, 0, 1))
    for name in ("a.npy", "b.npz", "c.npz", "d.tif"):
        np.testing.assert_array_equal(reader.load(tmp_path / name), image, err_msg=name)
    rgba = RNG.integers(0, 256, (9, 7, 4)).astype(np.uint8)
    Image.fromarray(rgba).save(tmp_path / "e.png")
    np.testing.assert_array_equal(Bands((9, 7), 4).load(str(tmp_path / "e.png")), rgba)
    np.testing.assert_array_equal(Bands((9, 7), 2).load(Image.fromarray(rgba).convert("LA")).shape, (9, 7, 2))


def test_a_photo_for_a_net_of_more_channels_is_not_called_damaged(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((12, 12, 3), np.uint8)).save(tmp_path / "photo.png")
    with pytest.raises(ImageFileError, match=r"photo\.png is a picture of 3 channels, but the net takes 11") as caught:
        Bands(12, 11).load(tmp_path / "photo.png")
    assert "damaged" not in str(caught.value)


def test_other_sizes_are_brought_to_the_nets() -> None:
    flat = np.full((30, 20, 5), (1.0, -2, 3, 0, 9))
    for resize in ("stretch", "crop"):
        np.testing.assert_allclose(Bands((12, 10), 5, resize=resize).read(flat)[0, :, 4, 4], [1, -2, 3, 0, 9])
    assert Bands(12, 5, resize="keep").read(flat).shape == (1, 5, 30, 20)
    ramp = np.broadcast_to(np.arange(24.0)[:, None, None], (24, 24, 2))
    np.testing.assert_allclose(Bands(12, 2).read(ramp)[0, 0, 1:-1, 3], np.arange(2.5, 22, 2), atol=0.05)


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_a_prepared_tensor_is_used_as_it_is(channels: int) -> None:
    model = Model.from_net(net_of(channels), 12, mean=100, std=7)
    x = RNG.normal(0, 3, (channels, 12, 12)).astype(np.float32)
    for value in (x, x[None]):
        np.testing.assert_array_equal(model.read(value), x[None])
        assert model.preprocessing.prepared(value) is not None
    assert model.preprocessing.prepared("x.png") is None


def test_channels_last_in_a_batch_of_one_are_told_to_go_first() -> None:
    with pytest.raises(ShapeError, match=r"12 channels\. Channels go first: np\.moveaxis\(x, -1, 1\)"):
        Model.from_net(net_of(11), 12).read(np.zeros((1, 12, 12, 11), np.float32))


def test_a_tensor_of_torch_is_used_as_it_is() -> None:
    torch = pytest.importorskip("torch")
    model = Model.from_net(net_of(3), 12)
    x = torch.randn(1, 3, 12, 12, requires_grad=True)
    np.testing.assert_array_equal(model.read(x), x.detach().numpy())
    row = Model.from_net(Net([("fc", Linear.random(RNG, 4, 2))]))
    np.testing.assert_array_equal(row.read(torch.arange(4.0)), [[0, 1, 2, 3]])
    halves = x.bfloat16()
    np.testing.assert_array_equal(model.read(halves), halves.float().detach().numpy())


def test_the_three_bands_of_the_picture_are_a_choice() -> None:
    image = np.zeros((4, 4, 5), np.uint8)
    image[..., 3], image[..., 1] = 200, 90
    reader = Bands(4, 5, shown=(3, 1, 0), names=["blue", "green", "red", "near", "far"])
    np.testing.assert_array_equal(reader.restore(reader.read(image))[0, 0], [200, 90, 0])
    np.testing.assert_array_equal(reader.area_seen(image)[0, 0], [200, 90, 0])
    assert reader.shown_words == "near, green and blue as red, green and blue"
    assert Bands(4, 2).shown == (0,)


def test_it_is_kept_in_json_and_in_a_model_file(tmp_path: Path) -> None:
    reader = Bands(12, 5, (1, 2, 3, 4, 5), 2.0, "crop", False, (4, 3, 2), tuple("abcde"))
    assert KINDS["bands"].described(json.loads(json.dumps(reader.description()))) == reader
    model = Model.from_net(net_of(5), readers=reader)
    again = load_model(model.save(tmp_path / "m.safetensors"))
    assert again.readers == {"input": reader}


def test_a_nets_first_layer_says_what_it_takes() -> None:
    rows = Model.from_net(Net([("fc", Linear.random(RNG, 10, 2))]))
    assert rows.reader() == Numbers(10)
    assert Model.from_net(rows.net, (1, 10)).reader() == Numbers(10)
    conv = Net([("conv", Conv1d.random(RNG, 4, 3, 3)), ("flat", Flatten()), ("fc", Linear.random(RNG, 24, 2))])
    assert Model.from_net(conv, 10).reader() == Model.from_net(conv, (4, 10)).reader() == Numbers((4, 10))
    for layer in (LSTM, GRU):
        net = Net([("rnn", layer.random(RNG, 3, 5)), ("flat", Flatten()), ("fc", Linear.random(RNG, 20, 2))])
        assert Model.from_net(net).reader() == Numbers((None, 3))
        assert Model.from_net(net, (4, 3), mean=2, std=3).reader() == Numbers((4, 3), mean=2, std=3)


def test_a_series_of_any_length_is_tried_with_longer_ones() -> None:
    nodes = [
        ("conv", Conv1d.random(RNG, 2, 4, 9)),
        ("relu", ReLU()),
        ("gap", AdaptiveAvgPool1d(1)),
        ("flat", Flatten()),
    ]
    model = Model.from_net(Net([*nodes, ("fc", Linear.random(RNG, 4, 2))]))
    assert model.reader() == Numbers((2, None), some=16)
    assert model.classify(np.zeros((2, 33)))[0].probability >= 0.5
    fixed = Net([*nodes[:2], ("flat", Flatten()), ("fc", Linear.random(RNG, 4 * 12, 2))])
    with pytest.raises(SettingError, match="how many steps they have, size=T"):
        Model.from_net(fixed)
    assert Model.from_net(fixed, 20).reader() == Numbers((2, 20))


def test_a_table_gives_its_rows_and_its_names(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("kind,wide,high\nrose,1,2\nfern,3,4\n")
    reader = Numbers(2, names=("high", "wide"))
    np.testing.assert_array_equal(reader.read(f"{table}:2"), [[4, 3]])
    with pytest.raises(ShapeError, match=r"2 of them.*FILE:1"):
        reader.read(table)
    np.save(tmp_path / "t.npy", np.arange(6.0).reshape(3, 2))
    np.testing.assert_array_equal(Numbers(2).read(f"{tmp_path / 't.npy'}:3"), [[4, 5]])


BANDS = Bands(12, 4)
BAD_PICTURES = {
    "three channels": (np.zeros((12, 12, 3)), ImageFileError, "3 channels, but the net takes 4"),
    "a flat array": (np.zeros(9), ImageFileError, r"\(H, W, 4\)"),
    "a batch": (np.zeros((2, 4, 12, 12)), ShapeError, "batch of 2"),
    "another size, prepared": (np.zeros((1, 4, 9, 9)), ShapeError, r"\(1, 4, 12, 12\)"),
    "other channels, prepared": (np.zeros((1, 5, 12, 12)), ShapeError, "5 channels"),
    "nan": (np.full((12, 12, 4), np.nan), ImageFileError, "not finite"),
    "nan, prepared": (np.full((4, 12, 12), np.nan), SettingError, "not finite"),
    "texts": (np.full((12, 12, 4), "a"), ImageFileError, "array of numbers"),
    "nothing": (None, ImageFileError, "None"),
    "a number": (3.5, ImageFileError, "3.5"),
    "an empty name": ("", ImageFileError, "empty"),
    "no such file": ("nowhere.npy", ImageFileError, "nowhere.npy"),
    "no picture": (__file__, ImageFileError, "no picture"),
    "no pixels": (np.zeros((0, 12, 4)), ImageFileError, r"\(0, 12, 4\)"),
    "complex": (np.zeros((12, 12, 4), complex), ImageFileError, "numbers"),
}


@pytest.mark.parametrize("name", BAD_PICTURES)
def test_what_is_no_such_picture_gets_a_sentence(name: str) -> None:
    value, error, words = BAD_PICTURES[name]
    with pytest.raises(error, match=words) as caught:
        BANDS.read(value)
    assert str(caught.value).endswith((".", "?"))


BAD_READERS = {
    "no channels": {"channels": 0}, "half a channel": {"channels": 2.5}, "True": {"channels": True},
    "too many": {"channels": 10**9}, "text": {"channels": "4"}, "size": {"size": 0}, "std 0": {"std": 0},
    "three means": {"mean": (1, 2, 3)}, "nan": {"mean": float("nan")}, "two shown": {"shown": (0, 1)},
    "beyond": {"shown": (0, 1, 4)}, "shown text": {"shown": "rgb"}, "names": {"names": ["a"]},
    "names of numbers": {"names": [1, 2, 3, 4]}, "resize": {"resize": "zoom"}, "to_one": {"to_one": 1},
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_READERS)
def test_a_reader_that_cannot_be_gets_a_sentence(name: str) -> None:
    with pytest.raises(MinitorchVizError):
        Bands(**{"size": 12, "channels": 4, **BAD_READERS[name]})


def test_rows_of_another_length_are_told_how_many_columns_there_are() -> None:
    model = Model.from_net(Net([("fc", Linear.random(RNG, 4, 2))]))
    with pytest.raises(ShapeError, match="takes 4 columns, and these are 3"):
        model.read([1.0, 2, 3])
    with pytest.raises(ShapeError, match="Turn them"):
        Numbers((2, 7)).read(np.zeros((7, 2)))
