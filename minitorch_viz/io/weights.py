"""Weights files of any known kind: `read_weights` goes by what is in the file, not only by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy.typing as npt

from minitorch_viz._types import Array
from minitorch_viz.errors import WeightsFileError
from minitorch_viz.io.files import open_file, read_json, read_json_beside
from minitorch_viz.io.mapping import Report, map_weights
from minitorch_viz.io.tensors import float_dtype, in_dtype

__all__ = ["Report", "Weights", "map_weights", "read_json", "read_weights"]

NOT_READ = {  # other things that people try, and what to do about them
    b"\x89HDF": "an HDF5 file (Keras?); save its weights as .npz or .safetensors in Keras",
    b"\x93NUMPY": "a single NumPy array; save arrays by name with np.savez",
    b"GGUF": "a GGUF file; convert it to .safetensors",
    b"\x1f\x8b": "compressed with gzip; unpack it first",
    b"version https://git-lfs": "a git-lfs pointer, not the weights themselves; run `git lfs pull`",
    b"<": "a web page, not the weights themselves; fetch the file itself",
    b"\x08": "an ONNX model; give it alone, as the net: load_model('net.onnx'), --model net.onnx",
}


@dataclass(frozen=True)
class Weights:
    """Hold what a weights file holds."""

    tensors: dict[str, Array]  # arrays by the file's names
    format: str  # "safetensors", "npz", "torch", "caffemodel" or "convnetjs"
    path: Path
    metadata: dict[str, Any] = field(default_factory=dict)  # what the file itself says beside its arrays
    json: dict[str, Any] | None = None  # the JSON file of the same name beside it, if there is one
    notes: tuple[str, ...] = ()  # sentences on what was changed or left out

    def __str__(self) -> str:
        count = sum(array.size for array in self.tensors.values())
        lines = [f"{self.path.name} ({self.format}): {len(self.tensors)} arrays, {count:,} numbers", *self.notes]
        shapes = [f"  {name} {tuple(array.shape)} {array.dtype}" for name, array in self.tensors.items()]
        return "\n".join([*lines, *shapes])


def read_weights(path: str | Path, dtype: npt.DTypeLike | None = None) -> Weights:
    """Return the arrays of a weights file: .safetensors, .npz, PyTorch's .pth (without PyTorch), .caffemodel, .json.

    The .json is ConvNetJS's. The kind is told by the file's first bytes, and by its suffix only where those say
    nothing (.caffemodel).
    dtype: float32 (say) brings all floating-point arrays to it; None leaves them as they are (bfloat16, which NumPy
        does not have, becomes float32).

    Nothing in the file is executed. Raises WeightsFileError, and nothing else, if the file is missing, damaged,
    unsafe or of another kind.
    """
    if dtype is not None:
        float_dtype(dtype)
    with open_file(path, "weights file", WeightsFileError) as (file, _, place):
        start = file.read(512)
    kind = _kind(start, place)
    tensors, metadata, notes = _READERS[kind](place)
    return Weights(in_dtype(tensors, dtype), kind, place, metadata, read_json_beside(place), notes)


def _kind(start: bytes, place: Path) -> str:
    """Return the kind of file that begins with these bytes."""
    from minitorch_viz.io.torch_pth import is_legacy

    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _kind_of_zip(place)
    if is_legacy(start):
        return "torch"
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") < 2**32:
        return "safetensors"
    if start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{":
        return "convnetjs"
    if place.suffix.lower() == ".caffemodel":  # it has no first bytes of its own
        return "caffemodel"
    if start.startswith(b"\x80") or start[257:262] == b"ustar":
        raise WeightsFileError(
            f"{place} is a pickle or an archive that PyTorch has not written since 2018; it is not opened, because "
            f"pickles can run programs. Save it again: torch.save(model.state_dict(), path)."
        )
    for magic, words in NOT_READ.items():
        if start.startswith(magic):
            raise WeightsFileError(f"{place} is not read: it looks like {words}.")
    if start.startswith((b"\x0a", b"\x12", b"\xa2\x06")):  # name, layers or layer: a NetParameter under another suffix
        return "caffemodel"
    raise WeightsFileError(
        f"{place} is no weights file of a known kind (.safetensors, .npz, PyTorch's .pth, .caffemodel, ConvNetJS's "
        f".json): it begins with {start[:16]!r}. Is it damaged?"
    )


def _kind_of_zip(place: Path) -> str:
    from minitorch_viz.io.zip_ import open_zip

    with open_zip(place) as archive:
        names = list(archive.members)
    if any(name == "data.pkl" or name.endswith("/data.pkl") for name in names):
        return "torch"
    if any(name.endswith(".npy") for name in names):
        return "npz"
    raise WeightsFileError(
        f"{place} is a zip archive, but neither NumPy's .npz nor PyTorch's .pth; it holds "
        f"{', '.join(map(ascii, names[:6])) or 'nothing'}."
    )


Parts = tuple[dict[str, Array], dict[str, Any], tuple[str, ...]]


def _safetensors(path: Path) -> Parts:
    from minitorch_viz.io.safetensors_ import read_safetensors_and_metadata

    tensors, metadata = read_safetensors_and_metadata(path)
    return tensors, dict(metadata), ()


def _npz(path: Path) -> Parts:
    from minitorch_viz.io.npz import read_npz_and_notes

    tensors, notes = read_npz_and_notes(path)
    return tensors, {}, notes


def _torch(path: Path) -> Parts:
    from minitorch_viz.io.torch_pth import read_torch

    tensors, notes = read_torch(path)
    return tensors, {}, notes


def _caffemodel(path: Path) -> Parts:
    from minitorch_viz.io.caffemodel import read_caffemodel

    tensors, layers = read_caffemodel(path)
    note = "Caffe's networks take BGR images; reverse the input channels of the first convolution for RGB."
    return tensors, {"layers": layers}, (note,)


def _convnetjs(path: Path) -> Parts:
    from minitorch_viz.io.convnetjs import read_convnetjs

    tensors, layers = read_convnetjs(path)
    return tensors, {"layers": layers}, ()


_READERS: dict[str, Callable[[Path], Parts]] = {
    "safetensors": _safetensors,
    "npz": _npz,
    "torch": _torch,
    "caffemodel": _caffemodel,
    "convnetjs": _convnetjs,
}
