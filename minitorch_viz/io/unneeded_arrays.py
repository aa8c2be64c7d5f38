"""What a weights file holds beyond what a net needs: harmless bookkeeping, or the sign that it is another net's."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import WeightsFileError
from minitorch_viz.io.mapping import AVERAGE, Report, is_average, prefixes_of

COUNTERS = ("num_batches_tracked", "n_averaged", "total_ops", "total_params", "_extra_state")
AUXILIARY = re.compile(r"aux(iliary)?(_?(logits|head|classifier|output|loss)s?)?_?\d*|loss[12]", re.IGNORECASE)
TRAINING = re.compile(r"(optim|opt_|sched|lr_sched|scaler|grad_scaler|rng)", re.IGNORECASE)
LOSSES = re.compile(r"criterion|loss|loss_?(fn|func|function)|metrics?|\w*_(metric|acc|accuracy|loss)", re.IGNORECASE)
CONSTANTS = re.compile(r"((pixel|image|input|data|norm|channel|rgb)_?)?(mean|std)", re.IGNORECASE)
LISTED = 3


@dataclass
class UnneededArrays:
    """List the arrays that a net does not need, by what they are."""

    unknown: list[str] = field(default_factory=list)
    harmless: dict[str, list[str]] = field(default_factory=dict)  # what they are -> names

    def notes(self, tensors: Mapping[str, Array], file: str) -> list[str]:
        """Return a sentence on what was left out, and one on constants that may have prepared the picture."""
        notes = []
        parts = [f"{_count(names, kind)} ({_shown(names)})" for kind, names in self.harmless.items()]
        if parts:
            notes.append(f"{file} also holds what the net does not need: {', '.join(parts)}.")
        for name in self.harmless.get("constant of a picture's preparation", []):
            values = ", ".join(f"{value:.6g}" for value in np.ravel(tensors[name]))
            notes.append(f"The net of {file} may have normalized its pictures itself: {name} is {values}.")
        return notes


def sort_unneeded(tensors: Mapping[str, Array], report: Report, other_parts: bool) -> UnneededArrays:
    """Say of each array that `map_weights` left over what it is.

    other_parts: whether arrays outside of the prefix are harmless, because the user has named the prefix.
    """
    unneeded = UnneededArrays()
    needed = {*report.used, *report.missing, *report.mismatched}
    used_names = {*report.used.values(), *(report.prefix + name for name in report.mismatched)}
    prefixes = [prefix for prefix in prefixes_of(tensors, needed) if prefix != report.prefix]
    averages = _averages(tensors, needed)
    for name in tensors:
        if name in used_names:
            continue
        inner = name.removeprefix(report.prefix)
        is_outside = not name.startswith(report.prefix) or any(name.startswith(start) for start in prefixes if start)
        kind = bookkeeping(name, inner, tensors[name])
        if not kind and name in averages:
            kind = "array of a moving average of the weights"
        if not kind and _is_second_name(name, prefixes, tensors, report):
            kind = "second name of an array"
        if not kind and other_parts and is_outside:
            kind = "array of other parts"
        if kind:
            unneeded.harmless.setdefault(kind, []).append(name)
        else:
            unneeded.unknown.append(name)
    return unneeded


def check_unneeded(
    tensors: Mapping[str, Array], report: Report, *, file: str, net: str, headless: bool, prefix: str | None
) -> list[str]:
    """Return notes on what is left over of a file whose arrays fit a net; WeightsFileError if it is another net's.

    file: its name. net: what the net is called. headless: the net is the beginning of a larger one, so that the rest
    of that is no surprise. prefix: what the user gave.
    """
    unneeded = sort_unneeded(tensors, report, other_parts=prefix is not None)
    if unneeded.unknown and headless:
        unneeded.harmless["array of the rest of the net"] = unneeded.unknown
    elif unneeded.unknown:
        hint = ""
        start = report.prefix
        if start and not any(name.startswith(start) for name in unneeded.unknown):
            hint = f" If the part under {start!r} is meant alone, say so: prefix={start!r}."
        raise WeightsFileError(
            f"{file} holds {_count(unneeded.unknown, 'array')} that {net} has no place for "
            f"({_shown(unneeded.unknown)}): "
            f"another net?{hint}"
        )
    return unneeded.notes(tensors, file)


def bookkeeping(name: str, inner: str, array: Array) -> str:
    """Return what an array is, if its name (`inner`: without the net's prefix) says it is harmless; else ""."""
    parts = re.split(r"[./]", inner)
    outer = re.split(r"[./]", name)[0]
    if parts[-1] in COUNTERS:
        return "batch counter" if parts[-1] == COUNTERS[0] else "counter"
    if TRAINING.match(outer) or TRAINING.match(parts[0]):
        return "array of an optimizer or schedule"
    if AUXILIARY.fullmatch(parts[0]):
        return "array of auxiliary heads"
    if any(LOSSES.fullmatch(part) for part in (outer, parts[0])):
        return "array of a loss or metric"
    if array.size <= 1 and len(parts) == 1:
        return "lone number"
    if array.size <= 4 and CONSTANTS.fullmatch(parts[-1]):
        return "constant of a picture's preparation"
    return ""


def _averages(tensors: Mapping[str, Array], needed: Collection[str]) -> set[str]:
    """Return the names of a moving average of the whole net: one for each parameter that is learned, at the least."""
    needed_names = {}
    for name in filter(is_average, tensors):
        plain = AVERAGE.sub("", name).strip("._-/")
        needed_names[name] = next((ending for ending in _endings(plain) if ending in needed), "")
    learned = {name for name in needed if name.endswith((".weight", ".bias"))}
    return {name for name, ending in needed_names.items() if ending} if learned <= set(needed_names.values()) else set()


def _endings(name: str) -> Iterator[str]:
    """Return the name, and what is left of it without its first part, its first two parts, ..."""
    parts = name.split(".")
    return (".".join(parts[cut:]) for cut in range(len(parts)))


def _is_second_name(name: str, prefixes: list[str], tensors: Mapping[str, Array], report: Report) -> bool:
    """Return whether it belongs to the same net, with the same numbers, under another prefix."""
    starts = (start for start in prefixes if name.startswith(start) and name.removeprefix(start) in report.used)
    return any(np.array_equal(tensors[name], tensors[report.used[name.removeprefix(s)]]) for s in starts)


def _count(names: list[str], kind: str) -> str:
    noun, joint, ending = kind.partition(" of ")
    return f"{len(names)} {noun}{'s' * (len(names) != 1)}{joint}{ending}"


def _shown(names: list[str]) -> str:
    return ", ".join(ascii(name)[1:-1][:80] for name in names[:LISTED]) + " ..." * (len(names) > LISTED)
