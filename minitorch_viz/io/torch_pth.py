"""Reading PyTorch's `.pth` without PyTorch, and without running the pickle in it.

Since 2020 torch.save writes a zip file: NAME/data.pkl describes the tensors, NAME/data/0, 1, ... are their storages,
plain numbers. Before that (and with `_use_new_zipfile_serialization=False`) it wrote five pickles, then the storages.
A tensor is a window on a storage: an offset, a shape, and a stride for each axis; several may share one storage.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from minitorch_viz._types import Array
from minitorch_viz.errors import WeightsFileError
from minitorch_viz.io.files import ROOM_BYTES, open_file, read_exactly
from minitorch_viz.io.pickle_reader import LONGEST_PICKLE, PickleReader
from minitorch_viz.io.state_dict import find_tensors
from minitorch_viz.io.tensors import float_dtype, from_bfloat16, in_dtype, read_array
from minitorch_viz.io.torch_symbols import SYMBOLS, Storage, Tensor, storage_from
from minitorch_viz.io.zip_ import STORED, Archive, open_zip

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C

ReadStorage = Callable[[Storage], Array]


def read_torch(path: str | Path, dtype: npt.DTypeLike | None = None) -> tuple[dict[str, Array], tuple[str, ...]]:
    """Return the arrays of a file that torch.save wrote, by name, and notes on what was left out or renamed.

    The file may hold a state dict, a checkpoint with one in it ({"state_dict": ..., "epoch": ...}), a list of
    tensors, or one. "module." in front of all names (DataParallel's) is taken off.
    dtype: float32 (say) brings all floating-point arrays to it; None leaves them; bfloat16 becomes float32.

    Tensors that share a storage share memory here, too. Raises WeightsFileError if the file is missing or damaged, or
    needs more than plain data: a whole pickled model is refused, since loading it would run its program.
    """
    if dtype is not None:
        float_dtype(dtype)
    with open_file(path, "weights file", WeightsFileError) as (file, _, place):
        is_zip = file.read(4) == b"PK\x03\x04"
    with (_open_zip_form if is_zip else _open_legacy_form)(place) as (value, size, read_storage):
        tensors, notes = find_tensors(value, str(place))
        _check_room(tensors, size, str(place))
        return in_dtype(_load(tensors, read_storage), dtype), notes


def is_legacy(start: bytes) -> bool:
    """Return whether a file that begins with these bytes is one of torch.save's older form."""
    return start[:1] == b"\x80" and LEGACY_MAGIC.to_bytes(10, "little") in start[:32]


@contextlib.contextmanager
def _open_zip_form(place: Path) -> Iterator[tuple[Any, int, ReadStorage]]:
    """Give (what the file holds, its size, a function that reads a storage)."""
    with open_zip(place) as archive:
        name = next((n for n in archive.members if n == "data.pkl" or n.endswith("/data.pkl")), None)
        if name is None:
            raise WeightsFileError(f"{place} is a zip archive, but holds no data.pkl; torch.save has not written it.")
        root = name.removesuffix("data.pkl")
        if any(member.startswith(f"{root}code/") for member in archive.members):
            raise WeightsFileError(
                f"{place} is a TorchScript program. Where it was made, give the module to torch.export.save (net.pt2) "
                "or torch.onnx.export (net.onnx), or save its arrays: torch.save(model.state_dict(), path)."
            )
        if archive.members[name].size > LONGEST_PICKLE:
            raise WeightsFileError(f"{place}: its data.pkl has {archive.members[name].size} bytes; is it damaged?")
        order = _byte_order(archive, root)
        pickle = archive.read(archive.members[name])
        value = PickleReader(pickle, 0, f"{place}: data.pkl", SYMBOLS, storage_from(str(place))).read()

        def read_storage(storage: Storage) -> Array:
            member = archive.members.get(f"{root}data/{storage.key}")
            label = f"{place}: the storage {storage.key!a:.40}"
            if member is None:
                raise WeightsFileError(f"{label} is missing; is the file damaged?")
            if member.method != STORED or member.size < storage.nbytes:
                raise WeightsFileError(f"{label} should have {storage.nbytes} plain bytes, but has {member.packed}.")
            crc = member.crc if member.size == storage.nbytes else 0
            dtype = f"{order}{storage.code}"
            return read_array(archive.file, archive.start(member), (storage.count,), dtype, label, crc)

        yield value, archive.size, read_storage


def _byte_order(archive: Archive, root: str) -> str:
    member = archive.members.get(f"{root}byteorder")
    text = archive.read(member) if member and member.size < 16 else b"little"
    if text not in (b"little", b"big"):
        raise WeightsFileError(f"{archive.path} declares the byte order {text!r}; is the file damaged?")
    return "<" if text == b"little" else ">"


@contextlib.contextmanager
def _open_legacy_form(place: Path) -> Iterator[tuple[Any, int, ReadStorage]]:
    """Give the same for the older form: magic number, version, system, the value, the storages' keys."""
    with open_file(place, "weights file", WeightsFileError) as (file, size, _):
        head = read_exactly(file, 0, min(size, LONGEST_PICKLE), str(place))
        if not is_legacy(head):
            raise WeightsFileError(f"{place} is no file that torch.save wrote: it begins with {head[:16]!r}.")
        at = 0
        storages: dict[str, Storage] = {}
        values = []
        for part in ("magic number", "version", "system", "value", "storage keys"):
            persistent = storage_from(str(place), storages)
            reader = PickleReader(head, at, f"{place}: its pickle of the {part}", SYMBOLS, persistent)
            values.append(reader.read())
            at = reader.at
        magic, version, _, value, keys = values
        if (
            magic != LEGACY_MAGIC
            or version != 1001
            or type(keys) is not list
            or not all(isinstance(key, str) for key in keys)
        ):
            raise WeightsFileError(f"{place} has an unknown version or a damaged list of storages.")
        offsets: dict[str, int] = {}
        for key in keys:
            if key not in storages or key in offsets:
                raise WeightsFileError(f"{place} lists a storage {key!a:.40} that no tensor uses, or lists it twice.")
            count = int.from_bytes(read_exactly(file, at, 8, f"{place}: storage {key!a:.40}"), "little")
            if count != storages[key].count or at + 8 + storages[key].nbytes > size:
                raise WeightsFileError(
                    f"{place}: the storage {key!a:.40} should have {storages[key].count} numbers, but {count} are "
                    f"announced and {max(size - at - 8, 0)} bytes follow; is the file cut off?"
                )
            offsets[key] = at + 8
            at += 8 + storages[key].nbytes

        def read_storage(storage: Storage) -> Array:
            label = f"{place}: the storage {storage.key!a:.40}"
            if storage.key not in offsets:
                raise WeightsFileError(f"{label} is missing; is the file damaged?")
            return read_array(file, offsets[storage.key], (storage.count,), f"<{storage.code}", label)

        yield value, size, read_storage


@dataclass
class _Shared:
    """Hold one storage and the names of the tensors on it."""

    storage: Storage
    names: list[str]


def _by_storage(tensors: Mapping[str, Tensor]) -> list[_Shared]:
    groups: dict[str, _Shared] = {}
    for name, tensor in tensors.items():
        groups.setdefault(tensor.storage.key, _Shared(tensor.storage, [])).names.append(name)
    return list(groups.values())


def _check_room(tensors: Mapping[str, Tensor], size: int, label: str) -> None:
    """Refuse a small file whose tensors would be large: a stride of 0 repeats one number without end."""
    needed = sum(group.storage.nbytes for group in _by_storage(tensors))
    needed += sum(tensor.nbytes for tensor in set(tensors.values()) if not tensor.is_dense)
    if needed > size + ROOM_BYTES:
        raise WeightsFileError(
            f"{label} has {size} bytes, but its tensors need {needed}: they are repeated or overlap. Save them with "
            ".contiguous()."
        )


def _load(tensors: Mapping[str, Tensor], read_storage: ReadStorage) -> dict[str, Array]:
    """Read storage after storage, and lay the tensors' windows on each; the order of names stays."""
    arrays: dict[str, Array] = dict.fromkeys(tensors, np.empty(0))
    for group in _by_storage(tensors):
        numbers = read_storage(group.storage)
        windows: dict[Tensor, Array] = {}
        for name in group.names:
            tensor = tensors[name]
            if tensor not in windows:
                windows[tensor] = _window(numbers, tensor)
            arrays[name] = windows[tensor]
    return arrays


def _window(numbers: Array, tensor: Tensor) -> Array:
    """Return the part of a storage that a tensor shows; a copy if its numbers have gaps or overlap."""
    if tensor.code is not None:  # a storage of bytes, with the dtype beside it
        numbers = numbers[: len(numbers) // tensor.itemsize * tensor.itemsize].view(tensor.code)
    if math.prod(tensor.shape) == 0:
        window = np.empty(tensor.shape, numbers.dtype)
    else:
        strides = [stride * numbers.itemsize for stride in tensor.stride]
        window = np.lib.stride_tricks.as_strided(numbers[tensor.offset :], tensor.shape, strides)
        window = window if tensor.is_dense else window.copy(order="C")
    return from_bfloat16(window) if tensor.storage.is_bfloat16 else window
