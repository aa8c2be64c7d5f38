"""What is no picture is refused with a sentence that says what came and what is needed."""

from __future__ import annotations

import gc
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minitorch_viz.errors import ImageFileError, SettingError, ShapeError
from minitorch_viz.io.images import center_crop, load_image, resize_image, save_png
from tests.io.samples import encoded, png

RAMP = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3) * 4
DEEP = np.array([[0, 255, 256, 32768, 65535]], np.uint16)
VIEW = RAMP.astype(float) / 255


def load(data: bytes, **options: object) -> np.ndarray:
    return load_image(io.BytesIO(data), **options)


class OnADevice:
    """What a tensor does that does not lie in main memory."""

    def __array__(self, *args: object, **settings: object) -> np.ndarray:
        raise TypeError("copy it to main memory first")


BAD = {  # what is done, the error, words that its sentence must hold
    "None": (lambda d: load_image(None), ImageFileError, "load_image", "None"),
    "int": (lambda d: load_image(3), ImageFileError, "load_image", "3 (int)"),
    "list": (lambda d: load_image([[1, 2]]), ImageFileError, "load_image", "list"),
    "tensor elsewhere": (
        lambda d: load_image(OnADevice()),
        ImageFileError,
        "OnADevice",
        "copy it to main memory first",
    ),
    "bytes": (lambda d: load_image(b"\x89PNG"), ImageFileError, "bytes", "BytesIO"),
    "text file": (lambda d: load_image(io.StringIO("hello")), ImageFileError, "binary mode"),
    "object array": (lambda d: load_image(np.array([[None]])), ImageFileError, "object", "uint8"),
    "ints": (lambda d: load_image(RAMP.astype(int)), ImageFileError, "int64", "uint8"),
    "bools": (lambda d: load_image(RAMP > 3), ImageFileError, "bool", "uint8", "image * np.uint8(255)"),
    "batch of one": (lambda d: load_image(RAMP[None]), ImageFileError, "(1, 4, 5, 3)", "image[0]"),
    "16-bit array": (lambda d: load_image(DEEP), ImageFileError, "uint16", "uint8", "image / 65535"),
    "floats to 255": (lambda d: load_image(RAMP.astype(float)), ImageFileError, "0 to 1", "236", "uint8"),
    "negative floats": (lambda d: load_image(VIEW - 0.5), ImageFileError, "0 to 1", "-0.5"),
    "NaN": (lambda d: load_image(VIEW * np.nan), ImageFileError, "0 to 1", "nan"),
    "channels first": (lambda d: load_image(RAMP.transpose(2, 0, 1)), ImageFileError, "(3, 4, 5)", "np.moveaxis"),
    "two channels": (lambda d: load_image(RAMP[:, :, :2]), ImageFileError, "(H, W, 3)", "(4, 5, 2)"),
    "batch": (lambda d: load_image(RAMP[None]), ImageFileError, "(1, 4, 5, 3)"),
    "no pixels": (lambda d: load_image(RAMP[:0]), ImageFileError, "(0, 5, 3)"),
    "float image": (lambda d: load_image(Image.new("F", (2, 2))), ImageFileError, "floats", "array"),
    "background name": (
        lambda d: load_image(RAMP, background="white"),
        SettingError,
        "background",
        "white",
        "(R, G, B)",
    ),
    "background float": (lambda d: load_image(RAMP, background=(1.0, 1, 1)), SettingError, "background", "0 to 255"),
    "background large": (lambda d: load_image(RAMP, background=(1, 1, 256)), SettingError, "background", "256"),
    "icon": (lambda d: load(encoded(Image.new("L", (2, 2)), "ICO")), ImageFileError, "PNG, JPEG", "an icon"),
    "jpeg 2000": (lambda d: load(b"\0\0\0\x0cjP  \r\n"), ImageFileError, "PNG, JPEG", "JPEG 2000"),
    "web page": (lambda d: load(b"<!DOCTYPE html>"), ImageFileError, "web page"),
    "lfs": (lambda d: load(b"version https://git-lfs.github.com/spec/v1\n"), ImageFileError, "git lfs pull"),
    "noise": (lambda d: load(bytes(range(256))), ImageFileError, "no picture", "PNG, JPEG"),
    "empty": (lambda d: load(b""), ImageFileError, "empty"),
    "only a head": (lambda d: load(png(RAMP, 2, 8)[:20]), ImageFileError, "cut off"),
    "half a PNG": (lambda d: load(png(RAMP, 2, 8)[:60]), ImageFileError, "cut off"),
    "half a JPEG": (lambda d: load(encoded(Image.fromarray(RAMP), "JPEG")[:-20]), ImageFileError, "cut off"),
    "no rows": (lambda d: load(png(RAMP, 2, 8, size=(0, 5))), ImageFileError, "PNG"),
    "many pixels": (lambda d: load(png(RAMP, 2, 8, size=(7000, 6000))), ImageFileError, "6000 x 7000", "40 megapixels"),
    "too many pixels": (lambda d: load(png(RAMP, 2, 8, size=(70000, 60000))), ImageFileError, "40 megapixels"),
    "save None": (lambda d: save_png(RAMP, None), ImageFileError, "None", "pathlib.Path"),
    "save nothing": (lambda d: save_png(None, d / "a.png"), ImageFileError, "load_image", "None"),
    "save jpg": (lambda d: save_png(RAMP, d / "a.jpg"), ImageFileError, "save_png", ".png", "a.jpg"),
    "save bare": (lambda d: save_png(RAMP, d / "a"), ImageFileError, ".png", "'a'"),
    "save int": (lambda d: save_png(RAMP, 3), ImageFileError, "3 (int)"),
    "save bytes": (lambda d: save_png(RAMP, b"a.png"), ImageFileError, "b'a.png'"),
    "save empty name": (lambda d: save_png(RAMP, ""), ImageFileError, "empty"),
    "save null byte": (lambda d: save_png(RAMP, "a\0.png"), ImageFileError, "null byte"),
    "save no folder": (lambda d: save_png(RAMP, d / "none" / "a.png"), ImageFileError, "no folder", "none"),
    "save on folder": (lambda d: (d / "f.png").mkdir() or save_png(RAMP, d / "f.png"), ImageFileError, "folder"),
    "save long name": (lambda d: save_png(RAMP, d / ("a" * 300 + ".png")), ImageFileError, "aaa", "too long"),
    "save in a file": (
        lambda d: (d / "x").write_bytes(b"x") and save_png(RAMP, d / "x/a.png"),
        ImageFileError,
        "folder",
    ),
    "save batch": (lambda d: save_png(RAMP[None], d / "a.png"), ImageFileError, "(1, 4, 5, 3)"),
    "save floats": (lambda d: save_png(RAMP * 2.0, d / "a.png"), ImageFileError, "0 to 1"),
    "save lost file": (lambda d: save_png(d / "lost.png", d / "a.png"), ImageFileError, "no image file", "lost.png"),
    "save list": (lambda d: save_png([1], d / "a.png"), ImageFileError, "list"),
    "resize None": (lambda d: resize_image(None, 3), ShapeError, "resize_image", "None"),
    "resize path": (lambda d: resize_image("a.png", 3), ShapeError, "resize_image", "'a.png'", "load_image"),
    "resize grey": (lambda d: resize_image(RAMP[:, :, 0], 3), ShapeError, "(H, W, 3)", "(4, 5)"),
    "resize floats": (lambda d: resize_image(VIEW, 3), ShapeError, "uint8", "float64"),
    "resize batch": (lambda d: resize_image(RAMP[None], 3), ShapeError, "(1, 4, 5, 3)"),
    "resize nothing": (lambda d: resize_image(RAMP[:, :0], 3), ShapeError, "(4, 0, 3)"),
    "resize image": (lambda d: resize_image(Image.new("RGB", (2, 2)), 3), ShapeError, "a Image"),
    "size 0": (lambda d: resize_image(RAMP, 0), SettingError, "resize_image's size", "0"),
    "size negative": (lambda d: resize_image(RAMP, (3, -3)), SettingError, "resize_image's size", "(3, -3)"),
    "size float": (lambda d: resize_image(RAMP, 2.5), SettingError, "size", "whole number", "2.5"),
    "size None": (lambda d: resize_image(RAMP, None), SettingError, "size", "None"),
    "size bool": (lambda d: resize_image(RAMP, True), SettingError, "size", "True"),
    "size text": (lambda d: resize_image(RAMP, "224"), SettingError, "size", "'224'"),
    "size triple": (lambda d: resize_image(RAMP, (3, 4, 5)), SettingError, "(height, width)", "(3, 4, 5)"),
    "size NaN": (lambda d: resize_image(RAMP, float("nan")), SettingError, "size", "nan"),
    "size huge": (lambda d: resize_image(RAMP, 10**30), SettingError, "size", "int"),
    "size 100 megapixels": (lambda d: resize_image(RAMP, 10**4), SettingError, "40 megapixels"),
    "how": (lambda d: resize_image(RAMP, 3, "fit"), SettingError, "how", '"stretch"', "'fit'"),
    "how None": (lambda d: resize_image(RAMP, 3, None), SettingError, "how", "None"),
    "crop a line": (
        lambda d: resize_image(RAMP[:1].repeat(9999, 1), 99, "crop"),
        SettingError,
        "stretch",
        "megapixels",
    ),
    "center None": (lambda d: center_crop(None, 3), ShapeError, "center_crop", "None"),
    "center too large": (lambda d: center_crop(RAMP, 5), SettingError, "center_crop", "5 x 5", "4 x 5"),
    "center 0": (lambda d: center_crop(RAMP, 0), SettingError, "center_crop's size", "0"),
    "center float": (lambda d: center_crop(RAMP, 1.0), SettingError, "center_crop's size", "1.0"),
    "center grey": (lambda d: center_crop(RAMP[0], 1), ShapeError, "center_crop", "(5, 3)"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name: str, tmp_path: Path) -> None:
    action, error, *words = BAD[name]
    with pytest.raises(error) as caught:
        action(tmp_path)
    assert type(caught.value) is error
    for word in words:
        assert word in str(caught.value)
    assert str(caught.value).rstrip()[-1] in ".?"


def test_a_failed_save_leaves_no_open_buffer(tmp_path) -> None:
    """A view of the bytes, kept by the error's frames, made Python 3.13 complain when the buffer was collected."""
    complaints: list[object] = []
    hook, sys.unraisablehook = sys.unraisablehook, complaints.append
    try:
        for _ in range(3):
            with pytest.raises(ImageFileError):
                save_png(RAMP, tmp_path / "missing" / "a.png")
        gc.collect()
    finally:
        sys.unraisablehook = hook
    assert complaints == []
