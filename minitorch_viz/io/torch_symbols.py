"""What the names in PyTorch's pickles stand for: storages, tensors, and the few functions that put them together."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minitorch_viz.errors import WeightsFileError
from minitorch_viz.io.files import is_whole, shown
from minitorch_viz.io.foreign import Foreign
from minitorch_viz.io.pickle_reader import Function
from minitorch_viz.io.tensors import MOST_ELEMENTS, checked_shape


@dataclass(frozen=True, slots=True)
class StorageType:
    """Stand for torch.FloatStorage and so on."""

    code: str  # NumPy's code for a number, without the byte order
    is_bfloat16: bool = False


@dataclass(frozen=True, slots=True)
class Storage:
    """Locate a run of numbers somewhere in the file."""

    key: str
    code: str
    count: int
    is_bfloat16: bool

    @property
    def nbytes(self) -> int:
        return self.count * np.dtype(self.code).itemsize


@dataclass(frozen=True, slots=True)
class Tensor:
    """Describe a window on a storage; all sizes in numbers, not bytes."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    code: str | None = None  # of the numbers, if the storage is one of bytes

    @property
    def itemsize(self) -> int:
        return int(np.dtype(self.code or self.storage.code).itemsize)

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.itemsize

    @property
    def is_dense(self) -> bool:
        """Return whether the numbers stand side by side without gaps or overlaps, in any order of the axes."""
        reach = 1
        for stride, size in sorted(
            (stride, size) for stride, size in zip(self.stride, self.shape, strict=True) if size > 1
        ):
            if stride != reach:
                return False
            reach *= size
        return True


def _refused(text: str) -> WeightsFileError:
    return WeightsFileError(f"The weights file describes {text}; is it damaged?")


def _tensor(storage: Any, offset: Any, shape: Any, stride: Any, code: str | None = None) -> Tensor | Foreign:
    """Return a tensor, checked to lie within its storage; a label if the storage is of an unknown kind."""
    if type(storage) is Foreign:
        return storage
    if type(storage) is not Storage or type(shape) is not tuple or type(stride) is not tuple:
        raise _refused("a tensor that has no storage, shape or strides")
    sizes = checked_shape(shape, "The weights file")
    steps_fit = len(stride) == len(shape) and all(is_whole(step) and 0 <= step <= MOST_ELEMENTS for step in stride)
    if not steps_fit or not is_whole(offset) or not 0 <= offset <= MOST_ELEMENTS:
        raise _refused(f"a tensor of shape {sizes} with impossible strides or offset")
    tensor = Tensor(storage, int(offset), sizes, tuple(map(int, stride)), code)
    last = offset + sum((size - 1) * step for size, step in zip(sizes, stride, strict=True))
    room = storage.nbytes // tensor.itemsize
    if math.prod(sizes) and last >= room:
        raise _refused(f"a tensor of shape {sizes} that reaches to number {last} of a storage of {room}")
    return tensor


def _tensor_v2(storage: Any, offset: Any, shape: Any, stride: Any, *_: Any) -> Tensor | Foreign:
    """Do torch._utils._rebuild_tensor_v2(storage, offset, shape, stride, requires_grad, hooks, metadata)."""
    return _tensor(storage, offset, shape, stride)


def _tensor_v3(
    storage: Any, offset: Any, shape: Any, stride: Any, _grad: Any, _hooks: Any, code: Any, *_: Any
) -> Tensor | Foreign:
    """Do the same for dtypes that came after typed storages: the storage is one of bytes."""
    if type(code) is Foreign:  # float8, say
        return code
    if not isinstance(code, _Dtype) or type(storage) is not Storage or storage.code != "u1":
        raise _refused(f"a tensor whose dtype is {shown(code)}")
    return _tensor(storage, offset, shape, stride, code.code)


def _parameter(data: Any, *_: Any) -> Tensor | Foreign:
    """Do torch._utils._rebuild_parameter(data, requires_grad, hooks): return the tensor in it."""
    if type(data) not in (Tensor, Foreign):
        raise _refused(f"a parameter that holds {shown(data)}")
    return data  # type: ignore[no-any-return]  # one of the two


def _with_attributes(function: Any, _kind: Any, arguments: Any, _state: Any) -> Any:
    """Do torch._tensor._rebuild_from_type_v2(function, type, arguments, state): a tensor that carries attributes."""
    if type(function) is not Function or function not in _TENSORS or type(arguments) is not tuple:
        raise _refused("a tensor of a class of its own")
    least, most = function.arguments
    if not least <= len(arguments) <= most:
        raise _refused(f"a tensor of {len(arguments)} parts")
    return function.body(*arguments)


def _default_dict(_factory: Any = None) -> dict[Any, Any]:
    """Do collections.defaultdict(factory): its items follow."""
    return {}


def _ordered_dict(pairs: Any = ()) -> dict[Any, Any]:
    """Do OrderedDict(), or as Python 2 wrote it, OrderedDict([[name, value], ...])."""
    if not isinstance(pairs, (list, tuple)) or not all(
        isinstance(pair, (list, tuple)) and len(pair) == 2 and isinstance(pair[0], str) for pair in pairs
    ):
        raise _refused("an OrderedDict that is not made of names and values")
    return {pair[0]: pair[1] for pair in pairs}


def _size(sizes: Any = ()) -> tuple[Any, ...]:
    """Return torch.Size((3, 4)) as a tuple."""
    if type(sizes) is not tuple:
        raise _refused(f"a torch.Size of {shown(sizes)}")
    return sizes


@dataclass(frozen=True, slots=True)
class _Dtype:
    """Stand for torch.uint16 and so on."""

    code: str


_STORAGES = {
    **{"Float": "f4", "Double": "f8", "Half": "f2", "ComplexFloat": "c8", "ComplexDouble": "c16", "Bool": "b1"},
    **{"Long": "i8", "Int": "i4", "Short": "i2", "Char": "i1", "Byte": "u1"},
}
_TENSORS = {
    Function("_rebuild_tensor", (4, 4), _tensor_v2),
    Function("_rebuild_tensor_v2", (6, 7), _tensor_v2),
    Function("_rebuild_tensor_v3", (7, 8), _tensor_v3),
    Function("_rebuild_parameter", (3, 3), _parameter),
    Function("_rebuild_parameter_with_state", (4, 4), _parameter),
}
SYMBOLS: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): Function("OrderedDict", (0, 1), _ordered_dict),
    ("collections", "defaultdict"): Function("defaultdict", (0, 1), _default_dict),
    **{("torch._utils", function.name): function for function in _TENSORS},
    ("torch._tensor", "_rebuild_from_type_v2"): Function("_rebuild_from_type_v2", (4, 4), _with_attributes),
    ("torch", "Size"): Function("torch.Size", (0, 1), _size),
    **{("torch", f"{name}Storage"): StorageType(code) for name, code in _STORAGES.items()},
    ("torch", "BFloat16Storage"): StorageType("u2", is_bfloat16=True),
    ("torch.storage", "UntypedStorage"): StorageType("u1"),
    **{("torch", f"uint{8 * size}"): _Dtype(f"u{size}") for size in (2, 4, 8)},
}


def storage_from(label: str, seen: dict[str, Storage] | None = None) -> Callable[[Any], Storage | Foreign]:
    """Return a function that makes a pickle's ("storage", type, key, device, count) a Storage, noted in `seen`."""
    by_key: dict[str, Storage] = {} if seen is None else seen

    def persistent(identifier: Any) -> Storage | Foreign:
        if type(identifier) is tuple and identifier[:1] == ("module",):  # a class, with its program as text
            kind = identifier[1] if len(identifier) > 1 else None
            return kind if type(kind) is Foreign else Foreign("torch.nn.Module")
        if type(identifier) is not tuple or len(identifier) not in (5, 6) or identifier[0] != "storage":
            raise WeightsFileError(f"{label} refers to something that is no storage; is it damaged?")
        _, kind, key, _, count = identifier[:5]
        if len(identifier) == 6 and identifier[5] is not None:
            raise WeightsFileError(f"{label} holds views of storages as PyTorch 0.3 wrote them; save it again.")
        if type(kind) is Foreign:
            return kind
        if not isinstance(kind, StorageType) or not isinstance(key, str) or not is_whole(count):
            raise WeightsFileError(f"{label} refers to a storage without type, key or size; is it damaged?")
        if not 0 <= count <= MOST_ELEMENTS or len(key) > 100:
            raise WeightsFileError(f"{label} refers to a storage of {count} numbers; is it damaged?")
        storage = Storage(key, kind.code, count, kind.is_bfloat16)
        if by_key.setdefault(key, storage) != storage:
            raise WeightsFileError(f"{label} gives the storage {key!a} two types or sizes; is it damaged?")
        return storage

    return persistent
