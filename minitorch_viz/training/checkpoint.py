"""Checkpoints: a whole training run in one file, so that nothing in it can be lost or mixed with another's.

The file is in safetensors format: arrays under "net/...", "best/...", "optimizer/STATE FIELD/...", "carried/..." (the
states of recurrent layers) and "average/..." (running means of the parameters), everything else
(steps, history, the generators' states, the settings) as JSON in its header. No pickle. It is written beside its name
and takes the name in one step of the file system, so after kill -9 the last complete checkpoint is there.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import MinitorchVizError, SettingError, WeightsFileError, need_whole
from minitorch_viz.io.files import as_path, parse_json
from minitorch_viz.io.safetensors_ import LONGEST_HEADER, read_safetensors_and_metadata, save_safetensors
from minitorch_viz.training.observer import Observer, Run, Step
from minitorch_viz.training.state import Epoch, State, Sums, generator_from

VERSION = 1
KEY = "minitorch_viz checkpoint"  # the entry of the header that holds the JSON


def save_checkpoint(path: str | Path, run: Run, state: State) -> None:
    """Write a run's state to `path`, completely or not at all. Raises WeightsFileError if it cannot be written."""
    arrays = {f"net/{name}": value for name, value in state.net.state.items()}
    if state.best is not None:
        arrays |= {f"best/{name}": value for name, value in state.best.state.items()}
    arrays |= {f"carried/{name}": value for name, value in state.carried.items()}
    arrays |= {f"average/{name}": value for name, value in (state.average or {}).items()}
    numbers = {}
    for field, value in state.optimizer._asdict().items():
        if isinstance(value, Mapping):
            arrays |= {f"optimizer/{field}/{name}": array for name, array in value.items()}
        else:
            numbers[field] = value
    header = {
        "version": VERSION,
        "settings": run.settings,
        "optimizer": numbers,
        "step": state.step,
        "batches": state.batches,
        "seconds": state.seconds,
        "sums": state.sums,
        "history": state.history,
        "data_rng": state.data_rng,
        "net_rng": state.net_rng,
    }
    save_safetensors(path, arrays, {KEY: json.dumps(header, default=_array_to_json)})


def load_checkpoint(path: str | Path, run: Run, start: State) -> State:
    """Return the state in `path`, for a run whose first state would be `start`.

    Raises WeightsFileError if the file is missing, damaged or no checkpoint, SettingError if it belongs to a run with
    other settings: the sentence says which.
    """
    arrays, metadata = read_safetensors_and_metadata(path)
    place = as_path(path, "checkpoint", WeightsFileError)
    if KEY not in metadata:
        raise WeightsFileError(f"{place} holds weights but no training state; give a file that fit(checkpoint=) wrote.")
    header = parse_json(metadata[KEY].encode(), f"The training state in {place}")
    if header.get("version") != VERSION:
        raise WeightsFileError(f"{place} is a checkpoint of version {header.get('version')!r}; {VERSION} can be read.")
    try:
        settings = dict(header["settings"])
        for name, value in run.settings.items():
            if settings.get(name) != value:
                raise SettingError(
                    f"{place} is a checkpoint of another run: its {name} was {settings.get(name)}, but here it is "
                    f"{value}. Give the same settings, or another file."
                )
        return _state(arrays, header, start)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, MinitorchVizError):
            raise
        raise WeightsFileError(f"{place}: its training state is damaged ({error}).") from error


def _state(arrays: Mapping[str, Array], header: Mapping[str, Any], start: State) -> State:
    def part(prefix: str, expected: Mapping[str, Array]) -> dict[str, Array]:
        parts = {name: arrays[prefix + name] for name in expected}
        for name, value in expected.items():
            if parts[name].shape != value.shape or parts[name].dtype != value.dtype:
                raise ValueError(f"{prefix + name} is {parts[name].dtype} {parts[name].shape}")
        return parts

    net = start.net.with_params(part("net/", start.net.state))
    has_best = any(name.startswith("best/") for name in arrays)
    optimizer_fields = {
        field: part(f"optimizer/{field}/", value) if isinstance(value, Mapping) else int(header["optimizer"][field])
        for field, value in start.optimizer._asdict().items()
    }
    data_rng, net_rng = _arrays_from_json(header["data_rng"]), _arrays_from_json(header["net_rng"])
    generator_from(data_rng), generator_from(net_rng)  # for their sentences
    return replace(
        start,
        net=net,
        optimizer=type(start.optimizer)(**optimizer_fields),
        step=int(header["step"]),
        batches=int(header["batches"]),
        data_rng=data_rng,
        net_rng=net_rng,
        history=tuple(Epoch(*line) for line in header["history"]),
        sums=Sums(*header["sums"]),
        best=start.net.with_params(part("best/", start.net.state)) if has_best else None,
        carried={name.removeprefix("carried/"): value for name, value in arrays.items() if name.startswith("carried/")},
        average=None if start.average is None else part("average/", start.average),
        seconds=float(header["seconds"]),
    )


def is_checkpoint(path: str | Path) -> bool:
    """Return whether a file is a checkpoint, by its first bytes; False if it cannot be read."""
    with contextlib.suppress(OSError), Path(path).open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        return length <= LONGEST_HEADER and f'"{KEY}"'.encode() in file.read(length)
    return False


def steps_in(path: str | Path) -> int:
    """Return after how many steps the checkpoint in a file is; 0 if it says none."""
    with contextlib.suppress(MinitorchVizError, KeyError, TypeError, ValueError, AttributeError):
        metadata = read_safetensors_and_metadata(path)[1]
        return int(parse_json(metadata[KEY].encode(), "The training state")["step"])
    return 0


def resumed_or_new(path: str | Path, run: Run, start: State) -> State:
    """Return the state in `path` if there is such a file, else `start`: one command begins a run and continues it."""
    return load_checkpoint(path, run, start) if as_path(path, "checkpoint", WeightsFileError).exists() else start


class Checkpoints(Observer):
    """Keep a file up to date: after every epoch, or every `every` steps; and at the end, Ctrl-C included."""

    def __init__(self, path: str | Path, every: int | None = None) -> None:
        self.path = as_path(path, "checkpoint", WeightsFileError)
        self.every = None if every is None else need_whole("number of steps between checkpoints", every, 1)
        self._written: tuple[int, int] | None = None  # step and epoch of what the file holds

    def begin(self, run: Run, state: State) -> None:
        """Remove what a killed run left half-written, and write the start: a file that cannot be written fails now."""
        leftovers = re.compile(re.escape(f".{self.path.name[:100]}.") + r"[0-9a-f]{12}\.tmp")
        with contextlib.suppress(OSError):
            for file in self.path.parent.iterdir():
                if leftovers.fullmatch(file.name):
                    file.unlink()
        self._write(run, state)

    def step(self, run: Run, step: Step) -> None:
        if self.every is not None and step.state.step % self.every == 0:
            self._write(run, step.state)

    def epoch(self, run: Run, state: State) -> None:
        self._write(run, state)

    def end(self, run: Run, state: State, why: str) -> None:  # noqa: ARG002 (every observer has this signature)
        self._write(run, state)

    def _write(self, run: Run, state: State) -> None:
        place = (state.step, state.epoch)
        if place != self._written:
            save_checkpoint(self.path, run, state)
            self._written = place


def _array_to_json(value: Any) -> Any:
    """Return NumPy's numbers, and the arrays inside a Mersenne Twister's state, as JSON can hold them."""
    if isinstance(value, np.ndarray):
        return {"array": value.tolist(), "dtype": value.dtype.str}
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a {type(value).__name__} has no place in a checkpoint")


def _arrays_from_json(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {"array", "dtype"}:
        return np.array(value["array"], dtype=value["dtype"])
    return {key: _arrays_from_json(inner) for key, inner in value.items()} if isinstance(value, dict) else value
