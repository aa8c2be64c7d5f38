"""Photos: every kind of PNG and JPEG comes out as the right RGB pixels, and what cannot be read says why."""

from __future__ import annotations

import io
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from minitorch_viz.errors import ImageFileError
from minitorch_viz.io.images import center_crop, load_image, resize_image, save_png
from tests.io.samples import encoded, png

RAMP = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3) * 4
DEEP = np.array([[0, 255, 256, 32768, 65535]], np.uint16)
DEEP_AS_8 = [0, 0, 1, 128, 255]
PALETTE = (b"PLTE", bytes([255, 0, 0, 0, 255, 0, 0, 0, 255]))
KEY = b"tRNS"


def load(data: bytes, **options: object) -> np.ndarray:
    return load_image(io.BytesIO(data), **options)


def grey(pixels: np.ndarray) -> list[int]:
    """One row of grey pixels; fails if the channels differ."""
    assert pixels.shape[0] == 1
    assert (pixels == pixels[:, :, :1]).all()
    return [int(value) for value in pixels[0, :, 0]]


@pytest.mark.parametrize("kind", ["path", "str", "file", "bytesio", "pillow", "array"])
def test_all_ways_to_give_a_picture(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "ramp.png"
    Image.fromarray(RAMP).save(path)
    with path.open("rb") as file, Image.open(path) as opened:
        given = {"path": path, "str": str(path), "file": file, "bytesio": io.BytesIO(path.read_bytes())}
        given |= {"pillow": opened, "array": RAMP}
        pixels = load_image(given[kind])
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    np.testing.assert_array_equal(pixels, RAMP)


def test_a_given_array_is_copied() -> None:
    assert not np.shares_memory(load_image(RAMP), RAMP)


def test_jpeg_gives_the_decoders_pixels() -> None:
    data = encoded(Image.fromarray(RAMP), "JPEG", quality=95)
    np.testing.assert_array_equal(load(data), np.asarray(Image.open(io.BytesIO(data))))


def test_16_bit_grey_is_scaled_not_clipped() -> None:
    assert grey(load(png(DEEP, 0, 16))) == DEEP_AS_8


def test_16_bit_color_and_alpha_are_scaled() -> None:
    opaque = np.full_like(DEEP, 65535)
    assert grey(load(png(np.stack([DEEP] * 3, -1), 2, 16))) == DEEP_AS_8
    assert grey(load(png(np.stack([DEEP, opaque], -1), 4, 16))) == DEEP_AS_8
    assert grey(load(png(np.stack([DEEP, DEEP, DEEP, opaque], -1), 6, 16))) == DEEP_AS_8


def test_16_bit_transparent_color_is_compared_in_16_bits() -> None:
    assert grey(load(png(DEEP, 0, 16, [(KEY, struct.pack(">H", 32768))]))) == [0, 0, 1, 255, 255]
    # 256 and 32768 share their lower byte with 0, which Pillow by itself would make transparent.
    rgb = png(np.stack([DEEP] * 3, -1), 2, 16, [(KEY, struct.pack(">3H", 32768, 32768, 32768))])
    assert grey(load(rgb)) == [0, 0, 1, 255, 255]


def test_pillows_own_16_bit_image() -> None:
    assert grey(load_image(Image.fromarray(DEEP))) == DEEP_AS_8
    assert grey(load_image(Image.fromarray(DEEP.astype(np.int32)))) == DEEP_AS_8
    with pytest.raises(ImageFileError, match="70000"):
        load_image(Image.fromarray(np.array([[70000]], np.int32)))


@pytest.mark.parametrize(
    ("bits", "size", "levels"),
    [(1, 8, [0, 0, 0, 255, 255, 0, 255, 255]), (2, 4, [0, 85, 170, 255]), (4, 2, [17, 187])],
)
def test_few_bits_become_the_whole_range(bits: int, size: int, levels: list[int]) -> None:
    packed = [[0b00011011]]
    assert grey(load(png(packed, 0, bits, size=(1, size)))) == levels
    clear = levels[-1] * (2**bits - 1) // 255  # the last level, in the file's units, is made transparent
    data = png(packed, 0, bits, [(KEY, struct.pack(">H", clear))], size=(1, size))
    assert grey(load(data, background=(9, 9, 9))) == [9 if level == levels[-1] else level for level in levels]


def test_8_bit_transparent_color() -> None:
    assert grey(load(png([[1, 2, 3]], 0, 8, [(KEY, b"\0\2")]))) == [1, 255, 3]
    rgb = np.array([[[1, 2, 3], [1, 2, 4]]])
    pixels = load(png(rgb, 2, 8, [(KEY, struct.pack(">3H", 1, 2, 3))]))
    assert pixels.tolist() == [[[255, 255, 255], [1, 2, 4]]]


def test_palette_with_and_without_transparency() -> None:
    colors = [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
    assert load(png([[0, 1, 2]], 3, 8, [PALETTE])).tolist() == [colors]
    half = load(png([[0, 1, 2]], 3, 8, [PALETTE, (KEY, bytes([0, 128]))]))
    assert half.tolist() == [[[255, 255, 255], [127, 255, 127], [0, 0, 255]]]


def test_alpha_is_laid_over_white_or_the_given_color() -> None:
    rgba = np.array([[[10, 20, 30, 0], [10, 20, 30, 255], [0, 100, 200, 51]]], np.uint8)
    assert load(png(rgba, 6, 8)).tolist() == [[[255, 255, 255], [10, 20, 30], [204, 224, 244]]]
    assert load(png(rgba, 6, 8), background=(0, 0, 0)).tolist() == [[[0, 0, 0], [10, 20, 30], [0, 20, 40]]]
    np.testing.assert_array_equal(load_image(rgba), load(png(rgba, 6, 8)))
    np.testing.assert_array_equal(load_image(Image.fromarray(rgba)), load(png(rgba, 6, 8)))


def test_alpha_agrees_with_pillow_to_rounding() -> None:
    rgba = np.random.default_rng(0).integers(0, 256, (50, 60, 4), np.uint8)
    white = Image.new("RGBA", (60, 50), "white")
    expected = np.asarray(Image.alpha_composite(white, Image.fromarray(rgba)).convert("RGB")).astype(int)
    assert abs(load_image(rgba) - expected).max() <= 1


def _without_adobe(data: bytes) -> bytes:
    at = data.index(b"\xff\xee")
    return data[:at] + data[at + 2 + struct.unpack(">H", data[at + 2 : at + 4])[0] :]


def test_cmyk_is_inverted_as_adobe_writes_it() -> None:
    # Cyan 0, magenta and yellow full, black 0 is red; with and without the marker, as browsers read it.
    data = encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=95)
    assert b"Adobe" in data
    for file in (data, _without_adobe(data)):
        assert abs(load(file).astype(int) - [255, 0, 0]).max() <= 3


def test_ycck_is_converted_and_inverted() -> None:
    # The Adobe marker's last byte says YCCK; the same pixels must come out as Pillow's own CMYK, made RGB.
    data = bytearray(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=95))
    data[data.index(b"\xff\xee") + 15] = 2
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == "CMYK"
        assert image.info["adobe_transform"] == 2
        expected = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(load(bytes(data)), expected)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_exif_orientation(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    corner = np.zeros((16, 32, 3), np.uint8)
    corner[:8, :16] = 255
    corner[8:, :8] = 128
    data = encoded(Image.fromarray(corner), kind, exif=exif.tobytes())
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    pixels = load(data)
    assert pixels.flags.c_contiguous
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize(
    "damage", [b"\0\0\0\0\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\0\x09"]
)
def test_damaged_exif_does_not_spoil_a_sound_photo(damage: bytes) -> None:
    data = encoded(Image.fromarray(RAMP), "JPEG")
    data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(damage) + 2) + damage + data[2:]
    assert load(data).shape == RAMP.shape


def test_an_unknown_orientation_is_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 99
    assert load(encoded(Image.fromarray(RAMP), "PNG", exif=exif.tobytes())).tolist() == RAMP.tolist()


def test_floats_from_0_to_1() -> None:
    assert grey(load_image(np.array([[0, 0.5, 1]]))) == [0, 128, 255]
    assert load_image(np.zeros((2, 3, 1), np.float32)).shape == (2, 3, 3)
    assert load_image(np.zeros((2, 3, 4), np.float16)).tolist() == np.full((2, 3, 3), 255).tolist()


def test_pictures_in_strips_agree_with_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(Image.fromarray(RAMP).convert("RGBA").rotate(30), "PNG")
    whole = load(data)
    monkeypatch.setattr("minitorch_viz.io.decode.STRIP_PIXELS", 7)
    np.testing.assert_array_equal(load(data), whole)


def test_a_warning_filter_of_the_caller_stays() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        load(encoded(Image.fromarray(RAMP), "PNG"))
        warnings.warn("still heard", UserWarning, stacklevel=1)
    assert [str(one.message) for one in caught] == ["still heard"]


def test_save_png_and_load_again(tmp_path: Path) -> None:
    for given in (RAMP, Image.fromarray(RAMP), RAMP.astype(np.float64) / 255):
        save_png(given, tmp_path / "a.png")
        np.testing.assert_array_equal(load_image(tmp_path / "a.png"), RAMP)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_stretch_is_pillows_bicubic() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (30, 50, 3), np.uint8)
    expected = np.asarray(Image.fromarray(picture).resize((40, 20), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(resize_image(picture, (20, 40)), expected)
    assert resize_image(picture, 24).shape == (24, 24, 3)
    np.testing.assert_array_equal(resize_image(picture, (30, 50)), picture)


def test_crop_is_imagenets_evaluation() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (300, 500, 3), np.uint8)
    small = Image.fromarray(picture).resize((427, 256), Image.Resampling.BICUBIC)
    expected = np.asarray(small)[16:240, 101:325]
    np.testing.assert_array_equal(resize_image(picture, 224, how="crop"), expected)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (7, 9), (640, 480)])
@pytest.mark.parametrize("size", [1, 5, 33, (3, 60), (60, 3)])
def test_crop_always_gives_the_size(shape: tuple[int, int], size: int | tuple[int, int]) -> None:
    expected = (size, size) if isinstance(size, int) else size
    assert resize_image(np.zeros((*shape, 3), np.uint8), size, how="crop").shape == (*expected, 3)


def test_center_crop() -> None:
    np.testing.assert_array_equal(center_crop(RAMP, (2, 3)), RAMP[1:3, 1:4])
    np.testing.assert_array_equal(center_crop(RAMP, (1, 2)), RAMP[1:2, 1:3])
    np.testing.assert_array_equal(center_crop(RAMP, (4, 5)), RAMP)


def test_all_shared_photos(shared_data: Path) -> None:
    folders = ["photos", "photos/tiny64", "paintings", "textures"]
    files = [path for folder in folders for path in sorted((shared_data / folder).glob("*.*"))]
    assert len(files) > 20
    for path in files:
        with Image.open(path) as image:
            np.testing.assert_array_equal(load_image(path), np.asarray(image.convert("RGB")))
