"""WebP, GIF, BMP and TIFF, told by their contents; unusual modes; and a limit on pixels that can be raised."""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from minitorch_viz.errors import ImageFileError, SettingError
from minitorch_viz.io import formats
from minitorch_viz.io.formats import kind_of, webp_size
from minitorch_viz.io.images import load_image
from tests.io.samples import encoded, png

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (9, 14, 3), np.uint8)
GREY = RNG.integers(0, 256, (9, 14), np.uint8)
LOSSLESS = {"WEBP": {"lossless": True}, "BMP": {}, "TIFF": {}, "PNG": {}, "GIF": {}}


def load(data: bytes, **options: object) -> np.ndarray:
    return load_image(io.BytesIO(data), **options)  # type: ignore[arg-type]  # passed on


@pytest.mark.parametrize("kind", ["WEBP", "BMP", "TIFF"])
def test_pixels_without_loss_come_out_as_they_went_in(kind: str, tmp_path: Path) -> None:
    data = encoded(Image.fromarray(PIXELS), kind, **LOSSLESS[kind])
    np.testing.assert_array_equal(load(data), PIXELS)
    (tmp_path / "photo.jpg").write_bytes(data)  # as it is often called after a download
    np.testing.assert_array_equal(load_image(tmp_path / "photo.jpg"), PIXELS)
    np.testing.assert_array_equal(load(encoded(Image.fromarray(GREY), kind, **LOSSLESS[kind]))[:, :, 1], GREY)


def test_lossy_webp_gives_the_decoders_pixels() -> None:
    data = encoded(Image.fromarray(PIXELS), "WEBP", quality=80)
    np.testing.assert_array_equal(load(data), np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))


@pytest.mark.parametrize("kind", ["WEBP", "TIFF", "PNG"])
def test_alpha_is_laid_over_white_in_every_format(kind: str) -> None:
    rgba = np.array([[[10, 20, 30, 0], [10, 20, 30, 255], [0, 100, 200, 51]]], np.uint8)
    data = encoded(Image.fromarray(rgba), kind, **LOSSLESS[kind] | ({"exact": True} if kind == "WEBP" else {}))
    assert load(data).tolist() == [[[255, 255, 255], [10, 20, 30], [204, 224, 244]]]


def test_the_first_frame_of_an_animation_is_taken_and_told() -> None:
    frames = [Image.fromarray(np.full((4, 5), shade, np.uint8)) for shade in (50, 100, 200)]
    for kind in ("GIF", "WEBP", "TIFF", "PNG"):
        more = {"save_all": True, "append_images": frames[1:], **LOSSLESS[kind]}
        notes: list[str] = []
        assert (load(encoded(frames[0], kind, **more), notes=notes) == 50).all()
        assert notes == ["The image file holds several pictures; the first is taken."]
        assert (load(encoded(frames[0], kind, **LOSSLESS[kind]), notes=notes) == 50).all()
        assert len(notes) == 1


@pytest.mark.parametrize(
    ("data", "shades"),
    [
        (b"P5 3 1 65535\n" + struct.pack(">3H", 0, 256, 65535), [0, 1, 255]),
        (b"P5 3 1 1000\n" + struct.pack(">3H", 0, 500, 1000), [0, 128, 255]),
        (b"P5 2 1 65535\n" + struct.pack(">2H", 0, 200), [0, 0]),  # a dark picture whose white is known
        (b"P5 2 1 255\n\x07\xc8", [7, 200]),
        (b"P2\n# by hand\n3 1\n15\n0 7 15\n", [0, 119, 255]),
        (b"P1\n3 1\n0 1 0\n", [255, 0, 255]),
        (b"P4\n3 1\n\x40", [255, 0, 255]),
        (b"P6 2 1 255\n\1\1\1\2\2\2", [1, 2]),
    ],
)
def test_portable_maps(data: bytes, shades: list[int]) -> None:
    """In which data sets of traffic signs and faces come."""
    assert load(data).tolist() == [[[shade] * 3 for shade in shades]]


def test_gif_with_a_transparent_color() -> None:
    image = Image.new("P", (3, 1))
    image.putdata([0, 1, 2])
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    assert load(encoded(image, "GIF")).tolist() == [[[255, 0, 0], [0, 255, 0], [0, 0, 255]]]
    assert load(encoded(image, "GIF", transparency=1)).tolist() == [[[255, 0, 0], [255, 255, 255], [0, 0, 255]]]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["TIFF", "WEBP"])
def test_exif_orientation_of_other_formats(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    marked = Image.fromarray(PIXELS)
    data = encoded(marked, kind, exif=exif.tobytes() if kind == "WEBP" else exif, **LOSSLESS[kind])
    marked.getexif()[0x0112] = orientation
    np.testing.assert_array_equal(load(data), np.asarray(ImageOps.exif_transpose(marked)))


# ------------------------------------------------------------------ unusual modes


def tiff(pixels: np.ndarray, photometric: int, order: str = "<") -> bytes:
    """A TIFF of one strip, without compression: grey (H, W) or color (H, W, C), in the array's own precision."""
    height, width = pixels.shape[:2]
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    bits, kind = 8 * pixels.dtype.itemsize, {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    data = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    entries = [
        (256, width), (257, height), (258, bits), (259, 1), (262, photometric), (273, 8), (277, channels),
        (278, height), (279, len(data)), (339, kind),
    ]  # fmt: skip
    place = 8 + len(data) + len(data) % 2
    table = struct.pack(f"{order}H", len(entries))
    extra = b""
    for tag, value in entries:
        if tag in (258, 339) and channels > 2:  # one number a channel, behind the table
            table += struct.pack(f"{order}HHII", tag, 3, channels, place + 6 + 12 * len(entries) + len(extra))
            extra += struct.pack(f"{order}{channels}H", *[value] * channels)
        elif tag in (273, 279):
            table += struct.pack(f"{order}HHII", tag, 4, 1, value)
        else:
            table += struct.pack(f"{order}HHIHH", tag, 3, 1, value, 0)
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, place)
    return head + data + bytes(len(data) % 2) + table + struct.pack(f"{order}I", 0) + extra


DEEP = np.array([[0, 255, 256, 32768, 65535]], np.uint16)


@pytest.mark.parametrize("order", ["<", ">"])
def test_tiffs_of_16_bits(order: str) -> None:
    assert load(tiff(DEEP, 1, order))[0, :, 0].tolist() == [0, 0, 1, 128, 255]
    assert load(tiff(np.stack([DEEP] * 3, -1), 2, order))[0, :, 2].tolist() == [0, 0, 1, 128, 255]
    assert load(tiff(GREY, 0, order)).tolist() == np.repeat(255 - GREY[..., None], 3, 2).tolist()
    assert load(tiff(PIXELS, 2, order)).tolist() == PIXELS.tolist()


def test_a_negative_of_16_bits() -> None:
    """Photometric interpretation 0: the value 0 is white."""
    assert load(tiff(DEEP, 0))[0, :, 0].tolist() == [255, 255, 254, 127, 0]
    with pytest.raises(ImageFileError, match="a TIFF of a kind that is not read"):
        load(tiff(DEEP, 0, ">"))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (tiff(np.zeros((2, 3, 7), np.uint16), 2), "a TIFF of a kind that is not read"),
        (tiff(np.array([[0.0, 0.5, 1.0]], "f4"), 1), "floats, whose black and white are not known"),
        (tiff(np.array([[-5, 7]], "i2"), 1), "values from -5 to 7"),
        (tiff(np.array([[0, 70000]], "u4"), 1), "values from 0 to 70000"),
        (tiff(np.array([[0, 200]], "u4"), 1), "32 bits up to 200, so white may be 255 or 65535"),
    ],
)
def test_what_has_no_known_white_is_refused_in_words(data: bytes, words: str) -> None:
    with pytest.raises(ImageFileError, match=words):
        load(data)


def test_pillow_images_of_every_mode() -> None:
    """Against formulas: a mode that is another way to write the same pixels gives the same pixels."""
    rgb, grey = Image.fromarray(PIXELS), Image.fromarray(GREY)
    as_rgb = np.repeat(GREY[..., None], 3, 2)
    alpha = Image.fromarray(np.full((9, 14), 51, np.uint8))
    over = (as_rgb.astype(int) * 51 + 255 * 204 + 127) // 255
    la = Image.merge("LA", [grey, alpha])
    cmyk = RNG.integers(0, 256, (9, 14, 4), np.uint8)
    black = 255 - cmyk[..., 3:].astype(int)
    palette = rgb.quantize(8)
    colors = np.array(palette.getpalette()).reshape(-1, 3)[np.asarray(palette)]
    clear = palette.copy()
    clear.info["transparency"] = bytes([0, 128] + [255] * 6)
    share = np.array([0, 128] + [255] * 6)[np.asarray(palette)][..., None]
    cases = {
        "1": (Image.fromarray(GREY > 127), np.where(GREY > 127, 255, 0)[..., None].repeat(3, 2), 0),
        "L": (grey, as_rgb, 0),
        "LA": (la, over, 0),
        "La": (la.convert("La"), over, 3),
        "RGBa": (la.convert("RGBA").convert("RGBa"), over, 3),
        "RGBX": (rgb.convert("RGBX"), PIXELS, 0),
        "P": (palette, colors, 0),
        "P with transparency": (clear, (colors * share + 255 * (255 - share) + 127) // 255, 0),
        "PA": (palette.convert("PA"), colors, 0),
        "CMYK": (Image.fromarray(cmyk, "CMYK"), (255 - cmyk[..., :3].astype(int)) * black / 255, 1.01),
        "YCbCr": (rgb.convert("YCbCr"), PIXELS, 4),  # rounded to 8 bits on the way
        "HSV": (rgb.convert("HSV"), PIXELS, 6),
        "I;16": (Image.fromarray(GREY.astype(np.uint16) * 257), as_rgb, 0),
        "I;16B": (Image.frombytes("I;16B", (14, 9), (GREY.astype(">u2") * 257).astype(">u2").tobytes()), as_rgb, 0),
        "I": (Image.fromarray(GREY.astype(np.int32) * 257), as_rgb, 0),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, (image, expected, most) in cases.items():
            assert np.abs(load_image(image).astype(float) - expected).max() <= most, name
    for shade in (200, 255):
        with pytest.raises(ImageFileError, match="white may be 255 or 65535"):
            load_image(Image.fromarray(np.array([[0, shade]], np.int32)))
    assert (load_image(Image.new("I", (3, 2))) == 0).all()


def test_lab_is_that_of_the_light_of_print_shops() -> None:
    """By the formulas of ICC: sRGB's light adapted to D50 by Bradford's matrix, then CIE 1976."""
    shades = np.array([[[30, 60, 90], [200, 180, 40], [128, 128, 128], [250, 10, 20], [255, 255, 255]]], np.uint8)
    srgb = shades / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    to_xyz = [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
    share = linear @ np.transpose(to_xyz) / [0.9642, 1, 0.8249]
    f = np.where(share > (6 / 29) ** 3, np.cbrt(share), share * (29 / 6) ** 2 / 3 + 4 / 29)
    lab = np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)
    stored = np.rint(lab * [2.55, 1, 1]).astype(np.int16)
    image = Image.frombytes("LAB", (5, 1), (stored % 256).astype(np.uint8).tobytes())  # a and b are signed
    for picture in (image, io.BytesIO(encoded(image, "TIFF"))):
        assert np.abs(load_image(picture).astype(int) - shades).max() <= 4  # a and b are whole numbers on the way


# ------------------------------------------------------------------ what is no picture, and how large one may be


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\0\0\0\x18ftypheic" + bytes(60), "a HEIC photo"),
        (b"\0\0\0\x18ftypavif" + bytes(60), "an AVIF picture"),
        (b"\0\0\0\x18ftypmp42" + bytes(60), "a video"),
        (b"RIFF\0\0\0\0WAVE" + bytes(60), "a video or a sound"),
        (b"8BPS\0\1" + bytes(60), "a Photoshop file"),
        (b"%PDF-1.7" + bytes(60), "a PDF"),
        (b"BMW is a car" + bytes(60), "no picture of a kind that is read;"),
        (b"GIF89a\x05\0\x05\0", "damaged or cut off"),
        (b"II*\0\x08\0\0\0\0\0", "damaged"),
    ],
)
def test_what_else_came_is_said(data: bytes, words: str) -> None:
    with pytest.raises(ImageFileError, match=words) as caught:
        load(data)
    assert "PNG, JPEG, WebP, GIF, BMP, TIFF or PPM file is needed" in str(caught.value)


def test_avif_is_read_where_pillow_decodes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    if not formats.reads_avif():
        pytest.skip("this Pillow decodes no AVIF")
    shades = np.linspace(0, 255, 64 * 48 * 3).reshape(64, 48, 3).astype(np.uint8)
    data = encoded(Image.fromarray(shades), "AVIF", quality=95)
    assert np.abs(load(data).astype(int) - shades).mean() < 4
    for size in (len(data) // 2, 40):
        with pytest.raises(ImageFileError, match="damaged or cut off"):
            load(data[:size])
    with pytest.raises(ImageFileError, match="48 x 64 pixels"):
        load_image(io.BytesIO(data), max_pixels=1000)
    monkeypatch.setattr(formats, "reads_avif", lambda: False)
    with pytest.raises(ImageFileError, match="cannot decode; save it as JPEG"):
        load(data)


def test_a_telephones_photo_says_how_to_export_it() -> None:
    with pytest.raises(ImageFileError, match="Most Compatible"):
        load(b"\0\0\0\x18ftypheic" + bytes(60))


@pytest.mark.parametrize("kind", ["WEBP", "BMP", "TIFF", "GIF"])
def test_files_that_are_cut_off_are_told(kind: str) -> None:
    data = encoded(Image.fromarray(PIXELS), kind)
    for length in (len(data) // 3, len(data) // 2, len(data) * 3 // 4):
        with pytest.raises(ImageFileError):
            load(data[:length])


def test_an_empty_file_is_an_image_file(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(ImageFileError, match="an image file is needed"):
        load_image(tmp_path / "empty.jpg")


def claims(kind: str, width: int, height: int) -> bytes:
    """A small file that claims to be large."""
    size = struct.pack("<II", width, height)
    if kind == "GIF":
        return b"GIF89a" + struct.pack("<HH", width, height) + encoded(Image.new("L", (3, 2)), "GIF")[10:]
    if kind == "BMP":
        return encoded(Image.new("RGB", (3, 2)), "BMP").replace(struct.pack("<II", 3, 2), size)
    if kind == "TIFF":
        data = tiff(np.zeros((7, 11), np.uint8), 1)
        return data.replace(struct.pack("<HHIHH", 256, 3, 1, 11, 0), struct.pack("<HHII", 256, 4, 1, width)).replace(
            struct.pack("<HHIHH", 257, 3, 1, 7, 0), struct.pack("<HHII", 257, 4, 1, height)
        )
    if kind == "VP8X":
        flags = b"\x10\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        return b"RIFF" + struct.pack("<I", 99) + b"WEBPVP8X" + struct.pack("<I", 10) + flags + bytes(64)
    if kind == "VP8L":
        bits = (width - 1 | height - 1 << 14).to_bytes(4, "little")
        return b"RIFF" + struct.pack("<I", 99) + b"WEBPVP8L" + struct.pack("<I", 30) + b"\x2f" + bits + bytes(64)
    body = b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height)
    return b"RIFF" + struct.pack("<I", 99) + b"WEBPVP8 " + struct.pack("<I", 30) + body + bytes(64)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "VP8X", "VP8L", "VP8 "])
def test_bombs_of_every_format_are_refused(kind: str, tmp_path: Path, read_under_limit: Callable[[Path], str]) -> None:
    side = 16_000 if kind != "GIF" else 60_000
    (tmp_path / "bomb.jpg").write_bytes(claims(kind, side, side))
    with pytest.raises(ImageFileError, match=f"{side} x {side} pixels"):
        load_image(tmp_path / "bomb.jpg")
    assert "1 files" in read_under_limit(tmp_path)


def test_sizes_of_webp_are_read_from_the_head() -> None:
    for options in ({"quality": 50}, {"lossless": True}, {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"}):
        data = encoded(Image.fromarray(PIXELS), "WEBP", **options)
        assert kind_of(data[:64]) == "WEBP"
        assert webp_size(data[:64]) == (14, 9)
    assert webp_size(b"RIFF\0\0\0\0WEBPVP9 ") is None


def test_the_limit_can_be_raised_and_lowered(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(Image.new("L", (300, 200), 7), "PNG")
    with pytest.raises(ImageFileError) as caught:
        load(data, max_pixels=59_999)
    for words in ("300 x 200 pixels (0.1 megapixels)", "max_pixels=60000", "MINITORCH_VIZ_MAX_MEGAPIXELS=1", "smaller"):
        assert words in str(caught.value)
    assert "damaged" not in str(caught.value)
    assert load(data, max_pixels=60_000).shape == (200, 300, 3)
    monkeypatch.setenv("MINITORCH_VIZ_MAX_MEGAPIXELS", "0.05")
    with pytest.raises(ImageFileError, match=r"at most 0\.05 megapixels"):
        load(data)
    assert load(data, max_pixels=10**6).shape == (200, 300, 3)  # what is given comes first
    monkeypatch.setenv("MINITORCH_VIZ_MAX_MEGAPIXELS", "64")
    assert load(data).shape == (200, 300, 3)
    for wrong in ("many", "0", "-3", "nan", "inf"):
        monkeypatch.setenv("MINITORCH_VIZ_MAX_MEGAPIXELS", wrong)
        with pytest.raises(SettingError, match=f"MINITORCH_VIZ_MAX_MEGAPIXELS must be .*{wrong}"):
            load(data)
    for wrong in (0, -1, 2.5, "9", True):
        with pytest.raises(SettingError, match="max_pixels must be a whole number"):
            load(data, max_pixels=wrong)


@pytest.mark.parametrize("width", [9_000, 20_000, 60_000])
def test_beyond_pillows_own_limits_only_ours_speaks(width: int) -> None:
    """Pillow warns from 89 and refuses from 179 megapixels; here that is one sentence, or no matter if allowed."""
    data = png([[0]], 0, 8, size=(10_000, width))
    with pytest.raises(ImageFileError, match=f"{width} x 10000 pixels .*at most 40 megapixels"):
        load(data)
    assert Image.MAX_IMAGE_PIXELS is not None
    with pytest.raises(ImageFileError, match="damaged or cut off"):  # allowed, and found to have no pixels
        load(data[:40], max_pixels=10_000 * width)
