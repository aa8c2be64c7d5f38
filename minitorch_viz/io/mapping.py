"""Which arrays of a weights file go to which parameters of a net, with a report of what fits and what does not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, WeightsFileError, near
from minitorch_viz.io.files import is_whole, shown

Shape = tuple[int, ...]
AVERAGE = re.compile(r"(^|[._\-/])(ema|swa|averaged?|shadow|polyak)(?=$|[._\-/])", re.IGNORECASE)
TOLERATED = ("num_batches_tracked",)  # bookkeeping of the framework that wrote the file; no net here needs it


@dataclass(frozen=True)
class Report:
    """Say what `map_weights` did; `print(report)` shows it."""

    used: dict[str, str]  # name in the net -> name in the file
    missing: dict[str, str]  # name in the net -> a hint at near names in the file
    mismatched: dict[str, tuple[Shape, Shape]]  # name in the net -> (shape needed, shape in the file)
    unused: tuple[str, ...]  # names in the file
    prefix: str = ""  # taken off the names in the file

    @property
    def complete(self) -> bool:
        """Return whether every array that the net needs was found with the right shape."""
        return not self.missing and not self.mismatched

    def __str__(self) -> str:
        needed = len(self.used) + len(self.missing) + len(self.mismatched)
        lines = [f"{len(self.used)} of {needed} needed arrays are in the weights."]
        if self.prefix:
            lines.append(f"The names in the file begin with {self.prefix!r}, which was taken off.")
        lines += _block("Missing", [f"{name}; {hint}" if hint else name for name, hint in self.missing.items()])
        wrong = self.mismatched.items()
        lines += _block("Wrong shape", [f"{name} must be {need}, but is {shape}" for name, (need, shape) in wrong])
        lines += _block("Not used", self.unused)
        return "\n".join(lines)


def _block(title: str, items: Sequence[str]) -> list[str]:
    remark = [f"  ... and {len(items) - 12} more"] if len(items) > 12 else []
    return [f"{title} ({len(items)}):", *(f"  {item}" for item in items[:12]), *remark] if items else []


def map_weights(
    tensors: Mapping[str, Array],
    needed: Mapping[str, Sequence[int]],
    *,
    partial: bool = False,
    prefix: str | None = None,
) -> tuple[dict[str, Array], Report]:
    """Pick from a file's arrays those that a net needs: (arrays by the net's names, report).

    tensors: arrays by the file's names. needed: shapes by the net's names.
    prefix: what the file's names have in front of the net's ("backbone."); None finds it, "" allows none. A file with
        different nets under several prefixes raises WeightsFileError: then it must be given.
    partial: take what fits; otherwise something missing or of a wrong shape raises WeightsFileError with the report.

    Arrays that no parameter needs are listed in the report and tolerated. Nothing is copied.
    """
    _check(tensors, needed, prefix)
    start = _best_prefix(tensors, needed) if prefix is None else prefix
    mapped: dict[str, Array] = {}
    used: dict[str, str] = {}
    missing: dict[str, str] = {}
    mismatched: dict[str, tuple[Shape, Shape]] = {}
    for name, sizes in needed.items():
        shape, array = tuple(int(size) for size in sizes), tensors.get(start + name)
        if array is None:
            missing[name] = near(start + name, tensors) if len(missing) < 12 else ""  # looking up names is slow
        elif tuple(array.shape) != shape:
            mismatched[name] = (shape, tuple(array.shape))
        else:
            mapped[name], used[name] = array, start + name
    used_names = {*used.values(), *(start + name for name in mismatched)}
    unused = tuple(name for name in tensors if name not in used_names and not name.endswith(TOLERATED))
    report = Report(used, missing, mismatched, unused, start)
    if not report.complete and not partial:
        raise WeightsFileError(f"The weights do not fit the net: {report}")
    return mapped, report


def prefixes_of(tensors: Mapping[str, Array], needed: Collection[str]) -> list[str]:
    """Return the prefixes, "" among them, under each of which the file has all the needed names."""
    return [start for start, count in _starts(tensors, needed).items() if count == len(needed)]


def likely_prefix(tensors: Mapping[str, Array], needed: Collection[str]) -> str:
    """Return the prefix under which the file has most of the needed names; none, if that does as well."""
    starts = _starts(tensors, needed)
    plain = {start: count for start, count in starts.items() if not is_average(start)} or starts
    return max(plain.items(), key=lambda item: item[1])[0]


def is_average(name: str) -> bool:
    """Return whether a name is that of a moving average of the weights ("ema.conv1.weight")."""
    return bool(AVERAGE.search(name))


def _starts(tensors: Mapping[str, Array], needed: Collection[str]) -> Counter[str]:
    """Return how many of the needed names the file has under each prefix, "" first."""
    starts: Counter[str] = Counter({"": sum(name in tensors for name in needed)})
    for name in tensors:
        parts = name.split(".", 8)
        for cut in range(1, len(parts)):
            if ".".join(parts[cut:]) in needed:
                starts[".".join(parts[:cut]) + "."] += 1
    return starts


def _best_prefix(tensors: Mapping[str, Array], needed: Mapping[str, Sequence[int]]) -> str:
    """Return the prefix under which most of the needed names are found; none, if that does as well.

    Raises WeightsFileError if the file has several different nets that fit, under several prefixes.
    """
    starts = _starts(tensors, needed)
    complete = [start for start, count in starts.items() if count == len(needed)]
    fitting = [
        start
        for start in complete
        if all(tuple(tensors[start + name].shape) == tuple(sizes) for name, sizes in needed.items())
    ]
    # A moving average is the same net; the weights themselves come first.
    plain = [start for start in fitting if not is_average(start)] or fitting or complete
    if not plain:
        return max(starts.items(), key=lambda item: item[1])[0]
    first, *other_prefixes = plain
    different = [
        start
        for start in other_prefixes
        if start in fitting and any(not np.array_equal(tensors[start + n], tensors[first + n]) for n in needed)
    ]
    if different:
        names = [repr(start) if start else "no prefix" for start in (first, *different)]
        raise WeightsFileError(
            f"The file holds {len(names)} nets that fit, under {', '.join(names[:-1])} and {names[-1]}: say which one "
            f"is meant, for example prefix={different[0]!r}."
        )
    return first


def _check(tensors: object, needed: object, prefix: object) -> None:
    if not isinstance(tensors, Mapping):
        raise SettingError(f"tensors must be a dict of arrays by name, but got {shown(tensors)}.")
    for name, array in tensors.items():
        if not isinstance(name, str) or not hasattr(array, "shape"):
            raise SettingError(f"tensors must map names to arrays, but {shown(name)} goes to {shown(array)}.")
    if not isinstance(needed, Mapping):
        raise SettingError(f"needed must be a dict of shapes by name, but got {shown(needed)}.")
    for name, shape in needed.items():
        valid = isinstance(shape, (tuple, list)) and all(is_whole(size) and size >= 0 for size in shape)
        if not isinstance(name, str) or not valid or len(shape) > np.iinfo(np.int8).max:
            raise SettingError(f"needed must map names to shapes, but {shown(name)} goes to {shown(shape)}.")
    if prefix is not None and not isinstance(prefix, str):
        raise SettingError(f"prefix must be text or None, but got {shown(prefix)}.")
