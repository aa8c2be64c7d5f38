"""Mutated files: 2,000 weights files and 500 images give arrays or the package's own errors, within bounded memory."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.io import samples, torch_samples

VALUES = [0, 1, 2, 7, 127, 128, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**62, 2**63 - 1, 2**64 - 1]


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """The bytes with one to four damages: flipped bits, changed numbers, cut, spliced, doubled or removed parts."""
    out = bytearray(data)
    for _ in range(int(rng.choice([1, 1, 1, 2, 4]))):
        if not out:
            break
        # Half of the damages go near the beginning or the end, where formats keep their lengths.
        edge = int(rng.integers(min(len(out), 200)))
        at = int(rng.choice([edge, len(out) - 1 - edge, rng.integers(len(out)), rng.integers(len(out))]))
        span = int(rng.integers(1, 1 + min(40, len(out))))
        match int(rng.integers(7)):
            case 0:
                out[at] ^= 1 << int(rng.integers(8))
            case 1:
                out[at] = int(rng.integers(256))
            case 2:
                width = int(rng.choice([1, 2, 4, 8]))
                number = int(VALUES[int(rng.integers(len(VALUES)))]) & (256**width - 1)
                out[at : at + width] = number.to_bytes(width, str(rng.choice(["little", "big"])))  # type: ignore[arg-type]  # a str_ is a str
            case 3:
                del out[at:]
            case 4:
                source = int(rng.integers(len(out)))
                out[at : at + span] = out[source : source + span]
            case 5:
                del out[at : at + span]
            case 6:
                out[at:at] = out[at : at + span]
    return bytes(out)


def inside(data: bytes, rng: np.random.Generator) -> bytes:
    """A zip file with one member damaged before it was packed, so that all checksums are right."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = str(rng.choice([name for name in members if name.endswith((".pkl", ".npy"))]))
    return samples.zip_file({**members, name: mutated(members[name], rng)})


def text(data: bytes, rng: np.random.Generator) -> bytes:
    """JSON with one value replaced, so that it stays JSON."""
    parts = data.split(b", ")
    at = int(rng.integers(len(parts)))
    values = [b"null", b"-1", b"1e999", b'"x"', b"[]", b"{}", b"true", b"0", b"99999999999999999999", b"NaN", b"1.5"]
    key = parts[at].split(b": ")[:-1]
    parts[at] = b": ".join([*key, values[int(rng.integers(len(values)))]])
    return b", ".join(parts)


def _safetensors() -> bytes:
    header = {"__metadata__": {"format": "np"}, "a": samples.entry("F32", (2, 3), 0, 24)}
    header |= {"b": samples.entry("BF16", (4,), 24, 32), "c": samples.entry("I64", (), 32, 40)}
    return samples.safetensors_file(header, bytes(range(40)))


def _arrays() -> dict[str, bytes]:
    grid = np.arange(12, dtype="f4").reshape(3, 4)
    return {"a.npy": samples.npy(grid), "b.npy": samples.npy(np.arange(5)), "c.npy": samples.npy(np.float64(2))}


def _caffemodel() -> bytes:
    old = samples.layer(
        "conv1", 4, samples.blob(np.ones((2, 3, 2, 2)), legacy=True), samples.blob([1, 2], packed=False)
    )
    new = samples.layer("fc", "InnerProduct", samples.blob(np.ones((3, 4))), samples.blob([1, 2, 3], double=True))
    return samples.field(1, "net") + old + new


def _convnetjs() -> bytes:
    return json.dumps(samples.convnetjs(np.random.default_rng(0))[0]).encode()


def _torch(form: Callable[..., bytes]) -> bytes:
    return form(torch_samples.STATE_DICT, torch_samples.TORCH_STORAGES)


WEIGHTS = {  # name: (suffix, file, how to damage it)
    "safetensors": (".safetensors", _safetensors(), mutated),
    "npz": (".npz", samples.zip_file(_arrays()), mutated),
    "npz inside": (".npz", samples.zip_file(_arrays()), inside),
    "npz deflated": (".npz", samples.zip_file(_arrays(), zipfile.ZIP_DEFLATED), mutated),
    "torch zip": (".pth", _torch(torch_samples.torch_zip), mutated),
    "torch zip inside": (".pth", _torch(torch_samples.torch_zip), inside),
    "torch legacy": (".pth", _torch(torch_samples.torch_legacy), mutated),
    "caffemodel": (".caffemodel", _caffemodel(), mutated),
    "convnetjs": (".json", _convnetjs(), mutated),
    "convnetjs text": (".json", _convnetjs(), text),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_200_mutated_weights_files(name: str, tmp_path: Path, read_under_limit: Callable[[Path], str]) -> None:
    suffix, data, damage = WEIGHTS[name]
    rng = np.random.default_rng(list(name.encode()))
    (tmp_path / f"sound{suffix}").write_bytes(data)
    for number in range(200):
        (tmp_path / f"{number:03}{suffix}").write_bytes(damage(data, rng) or b"\0")
    assert "201 files" in read_under_limit(tmp_path)


def _photo(mode: str) -> Image.Image:
    ramp = np.arange(24 * 20 * 3, dtype=np.uint32).reshape(20, 24, 3) % 251
    return Image.fromarray(ramp.astype(np.uint8)).convert(mode)


def _exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif.tobytes()


IMAGES = {
    "grey 16 bits": (".png", samples.png(np.arange(300).reshape(15, 20) * 200, 0, 16, [(b"tRNS", b"\0\x10")])),
    "palette": (".png", samples.encoded(_photo("P"), "PNG", transparency=3)),
    "alpha": (".png", samples.encoded(_photo("RGBA"), "PNG")),
    "rgb jpeg": (".jpg", samples.encoded(_photo("RGB"), "JPEG", exif=_exif(), progressive=True)),
    "cmyk jpeg": (".jpg", samples.encoded(_photo("CMYK"), "JPEG")),
}


@pytest.mark.parametrize("name", IMAGES)
def test_100_mutated_images(name: str, tmp_path: Path, read_under_limit: Callable[[Path], str]) -> None:
    suffix, data = IMAGES[name]
    rng = np.random.default_rng(list(name.encode()))
    for number in range(100):
        (tmp_path / f"{number:03}{suffix}").write_bytes(mutated(data, rng) or b"\0")
    assert "100 files" in read_under_limit(tmp_path)


@pytest.mark.slow
def test_500_mutated_images_of_other_formats(tmp_path: Path, read_under_limit: Callable[[Path], str]) -> None:
    files = [
        samples.encoded(_photo("RGB"), "WEBP"),
        samples.encoded(_photo("RGBA"), "WEBP", lossless=True),
        samples.encoded(_photo("P"), "GIF", save_all=True, append_images=[_photo("P")]),
        samples.encoded(_photo("P"), "BMP"),
        samples.encoded(_photo("CMYK"), "TIFF"),
        samples.encoded(_photo("L"), "TIFF", compression="tiff_lzw"),
    ]
    rng = np.random.default_rng(7)
    for number in range(500):
        (tmp_path / f"{number:03}.png").write_bytes(mutated(files[number % len(files)], rng) or b"\0")
    assert "500 files" in read_under_limit(tmp_path)
