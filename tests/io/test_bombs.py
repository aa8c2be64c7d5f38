"""Small files that claim or unfold to far more than they hold are refused within file size + 256 MB of memory."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minitorch_viz.errors import ImageFileError, WeightsFileError
from minitorch_viz.io.images import load_image
from minitorch_viz.io.weights import read_weights
from tests.io import samples
from tests.io.samples import entry, field, npy, safetensors_file, zip_file
from tests.io.torch_samples import encode, tensor, torch_legacy, torch_zip

DEFLATED = zipfile.ZIP_DEFLATED
HUGE = 2**40
ZEROS = bytes(10**8)


def dict_pickle(*parts: bytes) -> bytes:
    """A pickle that does much work and then gives an empty dict."""
    return b"\x80\x02" + b"".join(parts) + b"}."


def empty_npy(shape: str) -> bytes:
    return npy(np.zeros(0, "f4"), shape=shape)


def caffe(blob: bytes) -> bytes:
    return samples.layer("conv1", "Convolution", blob)


WEIGHTS: dict[str, Callable[[], tuple[str, bytes]]] = {
    "safetensors: 4 TiB": lambda: (".safetensors", safetensors_file({"a": entry("F32", (HUGE,), 0, 4 * HUGE)})),
    "safetensors: header": lambda: (".safetensors", struct.pack("<Q", 2**31) + b"{" + bytes(100)),
    "safetensors: objects": lambda: (".safetensors", safetensors_file(b'{"a":[' + b"{}," * 1_390_000 + b"{}]}")),
    "safetensors: overlap": lambda: (
        ".safetensors",
        safetensors_file({f"t{n}": entry("U8", (10**6,), 0, 10**6) for n in range(20_000)}, bytes(10**6)),
    ),
    "npz: 240 MB in 233 kB": lambda: (".npz", zip_file({"a.npy": npy(np.zeros(6 * 10**7, "f4"))}, DEFLATED)),
    "npz: 3.6 TiB": lambda: (".npz", zip_file({"a.npy": empty_npy("(1000000, 1000000)")})),
    "npz: axes that multiply to 0": lambda: (".npz", zip_file({"a.npy": empty_npy(f"(0, {2**47}, {2**47})")})),
    "npz: pieces": lambda: (".npz", zip_file({f"{n}.npy": npy(np.zeros(10**7, "u1")) for n in range(25)}, DEFLATED)),
    "npz: header": lambda: (
        ".npz",
        zip_file({"a.npy": b"\x93NUMPY\x02\x00" + struct.pack("<I", 10**8) + ZEROS}, DEFLATED),
    ),
    "pth: repeated number": lambda: (".pth", torch_zip({"a": tensor("0", 1, (HUGE,), (0,))}, {"0": np.ones(1, "f4")})),
    "pth: repeated rows": lambda: (
        ".pth",
        torch_zip(
            {f"a{n}": tensor("0", 10**6, (60, 10**6), (n, 0), 100) for n in range(5)}, {"0": np.ones(10**6, "f4")}
        ),
    ),
    "pth: storage": lambda: (".pth", torch_zip({"a": tensor("0", HUGE, (HUGE,))}, {"0": np.ones(1, "f4")})),
    "pth: deflated": lambda: (
        ".pth",
        torch_zip({"a": tensor("0", 10**8, (10**8,))}, {"0": np.zeros(10**8, "f4")}, method=DEFLATED),
    ),
    "pth: deflated pickle": lambda: (".pth", torch_zip(b"\x80\x02" + ZEROS, {}, method=DEFLATED)),
    "pth: dicts remembered": lambda: (".pth", torch_zip(dict_pickle(b"}\x94" * 399_000), {})),
    "pth: dicts": lambda: (".pth", torch_zip(dict_pickle(b"}" * 799_000), {})),
    "pth: filled dicts": lambda: (".pth", torch_zip(dict_pickle(b"}NNs" * 199_000), {})),
    "pth: tuples in tuples": lambda: (".pth", torch_zip(dict_pickle(b")", b"\x85" * 790_000), {})),
    "pth: deep key": lambda: (".pth", torch_zip(dict_pickle(b"})", b"\x85" * 790_000, b"Ns"), {})),
    "pth: calls": lambda: (
        ".pth",
        torch_zip(dict_pickle(b"ccollections\nOrderedDict\nq\x00)q\x01", b"h\x00h\x01R" * 260_000), {}),
    ),
    "pth: long text": lambda: (".pth", torch_zip(b"\x80\x02X" + struct.pack("<I", 2**31) + b"aaaa", {})),
    "pth: names of names": lambda: (
        ".pth",
        torch_zip(
            b"\x80\x02}" + encode("k" * 10**6) + b"}(" + b"".join(encode(n) + b"N" for n in range(200_000)) + b"us.",
            {},
        ),
    ),
    "legacy: storage": lambda: (".pth", torch_legacy({"a": tensor("0", HUGE, (HUGE,))}, {"0": np.ones(1, "f4")})),
    "legacy: dicts": lambda: (".pth", torch_legacy(dict_pickle(b"}\x94" * 399_000), {})),
    "legacy: integer": lambda: (".pth", torch_legacy(b"\x80\x02\x8b" + struct.pack("<I", 2**31) + bytes(9), {})),
    "caffemodel: shape": lambda: (".caffemodel", caffe(samples.blob([1.0], shape=(HUGE,)))),
    "caffemodel: length": lambda: (".caffemodel", b"\xa2\x06" + samples.varint(2**62) + b"abc"),
    "caffemodel: fields": lambda: (".caffemodel", b"\x08\x01" * 250_000),
    "caffemodel: layers": lambda: (".caffemodel", field(100, field(1, "x")) * 250_000),
    "caffemodel: packs": lambda: (".caffemodel", caffe(field(5, b"abcd") * 250_000)),
    "json: objects": lambda: (".json", b'{"layers":[' + b"{}," * 2_000_000 + b"{}]}"),
    "json: depth": lambda: (".json", b'{"layers":' + b"[" * 2_000_000),
    "json: digits": lambda: (".json", b'{"layers":' + b"1" * 2_000_000 + b"}"),
    "json: length": lambda: (".json", b'{"layers":[' + b"{}," * 4_000_000 + b"{}]}"),
    "zip: table": lambda: (
        ".npz",
        b"PK\x03\x04" + bytes(2**24) + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 9, 9, 2**24, 0, 0),
    ),
    "zip: members": lambda: (".npz", zip_file({f"{n}.x": b"" for n in range(60_000)})),
}


# Each takes seconds until the limit is found; the others try the same limits in the quick round.
SLOW = (
    "pth: deep key",
    "pth: tuples in tuples",
    "caffemodel: packs",
    "caffemodel: layers",
    "pth: calls",
)


NIGHTLY = ("zip: members",)
MARKS = dict.fromkeys(SLOW, pytest.mark.slow) | dict.fromkeys(NIGHTLY, pytest.mark.nightly)


@pytest.mark.parametrize("name", [pytest.param(name, marks=MARKS.get(name, ())) for name in WEIGHTS])
def test_weights_bomb(name: str, tmp_path: Path, read_under_limit: Callable[[Path], str]) -> None:
    suffix, data = WEIGHTS[name]()
    (tmp_path / f"bomb{suffix}").write_bytes(data)
    print(read_under_limit(tmp_path))
    with pytest.raises(WeightsFileError):
        read_weights(tmp_path / f"bomb{suffix}")


def _flat_png(side: int) -> bytes:
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return samples.png([[0]], 2, 8).replace(struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0), head)


def _text_bomb() -> bytes:
    return samples.png([[0]], 0, 8, [(b"zTXt", b"a\0\0" + zlib.compress(ZEROS))])


IMAGES: dict[str, Callable[[], bytes]] = {
    "12000 x 12000": lambda: samples.encoded(Image.new("L", (12000, 12000)), "PNG"),
    "40 megapixels": lambda: samples.encoded(Image.new("L", (8000, 5001)), "PNG"),
    "60000 x 60000": lambda: samples.png([[0]], 0, 8, size=(60000, 60000)),
    "beyond 2**31": lambda: samples.png([[0]], 0, 8, size=(2**31, 2**31 - 1)),
    "text": _text_bomb,
    "color profile": lambda: samples.png([[0]], 2, 8, [(b"iCCP", b"a\0\0" + zlib.compress(ZEROS))]),
    "39 megapixels, cut off": lambda: samples.png([[0]], 2, 8, size=(6240, 6240)),
}


@pytest.mark.parametrize("name", IMAGES)
def test_image_bomb(name: str, tmp_path: Path, read_under_limit: Callable[[Path], str]) -> None:
    (tmp_path / "bomb.png").write_bytes(IMAGES[name]())
    print(read_under_limit(tmp_path))
    with pytest.raises(ImageFileError):
        load_image(tmp_path / "bomb.png")


def test_an_image_of_39_megapixels_is_read(tmp_path: Path) -> None:
    Image.new("L", (7800, 5000), 7).save(tmp_path / "large.png")
    pixels = load_image(tmp_path / "large.png")
    assert pixels.shape == (5000, 7800, 3)
    assert (pixels == 7).all()
