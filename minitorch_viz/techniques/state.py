"""What a loop needs to go on, and the file that keeps it: a run that was stopped gives the bits of one that was not.

A result that can go on holds a `State`: arrays, and numbers such as counts and the state of the random generator. The
file is in safetensors format, the numbers as JSON in its header: no pickle. It is replaced in one step of the file
system while the loop runs, so that after kill -9 the last one is there, and it says which run it belongs to.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import MinitorchVizError, SettingError, WeightsFileError
from minitorch_viz.io.files import as_path, parse_json
from minitorch_viz.io.out import check_out
from minitorch_viz.io.safetensors_ import read_safetensors_and_metadata, save_safetensors

if TYPE_CHECKING:
    from minitorch_viz.models import Model

KEY = "minitorch_viz state"  # the entry of the file's header that holds the JSON
VERSION = 1
PAUSE = 2.0  # seconds at least between two writes
FREE = ("workers",)  # settings that change no bit of a result

# What a technique looks at, by the name of its second parameter, where a file was kept of something else.
OTHERS = {
    "image": "another photo",
    "images": "other photos",
    "pictures": "other pictures",
    "text": "another text",
}

R = TypeVar("R")


class State(NamedTuple):
    """Hold what a loop needs to go on from one of its results."""

    arrays: Mapping[str, Array]  # never written to again
    numbers: Mapping[str, Any]  # what JSON can hold: whole numbers, texts, lists, dicts


@dataclass(frozen=True)
class Identity:
    """Hold what must be the same for a run to go on."""

    work: str  # the technique
    net: str  # a hash
    parameter: str  # what is looked at: "image", "pictures"; "" for nothing but the net
    value: str  # a hash of it
    settings: Mapping[str, str]

    @property
    def json(self) -> dict[str, Any]:
        """Return it as it is written."""
        return {
            "work": self.work, "net": self.net, "value": [self.parameter, self.value], "settings": dict(self.settings)
        }  # fmt: skip

    def differs_from(self, file_identity: Mapping[str, Any]) -> str:
        """Say how the run of a file differs, in words; "" if it does not."""
        if file_identity.get("work") != self.work:
            return f"of {file_identity.get('work')}, not of {self.work}"
        if file_identity.get("net") != self.net:
            return "with another net"
        if file_identity.get("value") != self.json["value"]:
            return f"with {OTHERS.get(self.parameter, 'another ' + self.parameter)}"
        settings = file_identity.get("settings")
        old = settings if isinstance(settings, dict) else {}
        names = [name for name in {**old, **self.settings} if old.get(name) != self.settings.get(name)]
        return ", ".join(_setting(name, old.get(name), self.settings.get(name)) for name in names)


def _setting(name: str, old: Any, new: str | None) -> str:
    """Say how a setting differs, in words: what is long is a hash."""
    return f"with another {name}" if len(f"{old}{new}") > 80 else f"with {name}={old}, not {name}={new}"


def identity_of(
    function: Callable[..., Any], arguments: tuple[Any, ...], settings: Mapping[str, Any], free: Collection[str] = ()
) -> Identity:
    """Return the identity of a technique's run: its function, called with (model, what it looks at), and settings.

    free: settings that change no bit of its state.
    """
    bound = inspect.signature(function).bind(*arguments, **settings)
    bound.apply_defaults()
    pairs = list(bound.arguments.items())
    keywords = [
        name for name, parameter in bound.signature.parameters.items() if parameter.kind is parameter.KEYWORD_ONLY
    ]
    (_, model), *subject = [(name, value) for name, value in pairs if name not in keywords]
    parameter, value = subject[0] if subject else ("", None)
    fingerprints = {
        name: fingerprint(value) for name, value in pairs if name in keywords and name not in (*FREE, *free, "state")
    }
    name = str(getattr(function, "__name__", "")).replace("_", "-")
    looked_at = _pictures(value) if parameter == "pictures" else fingerprint(value, files=parameter != "text")
    return Identity(name, net_fingerprint(model), parameter, looked_at, fingerprints)


def _pictures(value: Any) -> str:
    from minitorch_viz.data.pictures import as_pictures

    return as_pictures(value).fingerprint


def net_fingerprint(model: Model) -> str:
    """Hash a net's weights, its nodes, how its inputs are read, and what is given beside."""
    state = hashlib.sha256()
    for name, value in sorted({**model.net.state, **model.net.beside}.items()):
        state.update(f"{name} {value.dtype} {value.shape}\n".encode())
        state.update(np.ascontiguousarray(kernels.to_cpu(value)).data)
    for node in model.net.nodes:
        state.update(repr(node).encode())
    state.update(repr(dict(model.readers)).encode())
    return state.hexdigest()


def fingerprint(value: Any, files: bool = False) -> str:
    """Return a short text that differs where a value does; of arrays, and of files, a hash of their bytes.

    files: whether a text may be the name of one; a Path always is.
    """
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(fingerprint(part, files) for part in value)}]"
    if any(hasattr(value, name) for name in ("dtype", "__array__", "__array_interface__")):  # Pillow's pictures, too
        array = np.ascontiguousarray(kernels.to_cpu(value))
        return hashlib.sha256(f"{array.dtype} {array.shape}\n".encode() + array.tobytes()).hexdigest()
    if isinstance(value, Path) or (isinstance(value, str) and files):
        try:
            return hashlib.sha256(Path(value).read_bytes()).hexdigest()
        except (OSError, ValueError):
            return str(value)
    return value if isinstance(value, str) else repr(value)


def going_on(begin_loop: Callable[[State | None], Iterator[R]], file: str | Path, identity: Identity) -> Iterator[R]:
    """Yield the results of a loop that begins where the file left off, and keep the file up to date.

    begin_loop: begins the loop at a state, or anew. The results have a `state`.
    file: what keeps it; if there is none of that name, the loop begins anew and makes it.

    Raises SettingError if the file belongs to another run, WeightsFileError if it is damaged or cannot be written.
    """
    place = check_out(file, noun="state", error=WeightsFileError)
    begin = read_state(place, identity) if place.exists() else None
    newest = saved = begin
    written = time.monotonic()
    loop = begin_loop(begin)
    try:
        for result in _begun(loop, place) if begin else loop:
            newest = getattr(result, "state", None) or newest
            if newest is not saved and time.monotonic() - written > PAUSE:
                write_state(place, identity, newest)
                written, saved = time.monotonic(), newest
            yield result
    finally:  # Ctrl-C, a budget that ran out, and the end
        close = getattr(loop, "close", None)
        if close is not None:
            close()
        if newest is not saved:
            write_state(place, identity, newest)


def _begun(loop: Iterator[R], place: Path) -> Iterator[R]:
    """Start a loop at the state of a file: if it stumbles over that, at once, the file is damaged."""
    try:
        yield next(loop)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        if isinstance(error, MinitorchVizError):
            raise
        raise WeightsFileError(f"{place}: its state is damaged ({error}).") from error
    yield from loop


def read_state(path: str | Path, identity: Identity) -> State:
    """Read the state in a file. Raises WeightsFileError if there is none, SettingError if it is another run's."""
    place = as_path(path, "state", WeightsFileError)
    arrays, metadata = read_safetensors_and_metadata(place)
    if KEY not in metadata:
        raise WeightsFileError(f"{place} holds weights but no state; give a file that --resume or resume= wrote.")
    header: Mapping[str, Any] = parse_json(metadata[KEY].encode(), f"The state in {place}")
    if header.get("version") != VERSION:
        raise WeightsFileError(f"{place} is a state of version {header.get('version')!r}; {VERSION} can be read.")
    file_identity, numbers = header.get("identity"), header.get("numbers")
    if not isinstance(file_identity, dict) or not isinstance(numbers, dict):
        raise WeightsFileError(f"{place}: its state is damaged (it does not say of which run it is).")
    if header.get("arrays") != sorted(arrays):
        raise WeightsFileError(f"{place}: its state is damaged (its arrays are not those that it names).")
    difference = identity.differs_from(file_identity)
    if difference:
        others = ["another net", *filter(None, [OTHERS.get(identity.parameter)])]
        raise SettingError(
            f"{place} keeps a run {difference}. It cannot go on with {', '.join(others)} or other settings; give the "
            "same ones, or another file."
        )
    return State(arrays, numbers)


def write_state(path: str | Path, identity: Identity, state: State | None) -> None:
    """Write a state, completely or not at all. Raises WeightsFileError if it cannot be written."""
    if state is not None:
        names, numbers = sorted(state.arrays), dict(state.numbers)
        header = {"version": VERSION, "identity": identity.json, "numbers": numbers, "arrays": names}
        save_safetensors(path, dict(state.arrays), {KEY: json.dumps(header)})


def generator_at(numbers: Mapping[str, Any], seed: int) -> np.random.Generator:
    """Return the generator whose state stands in `numbers` under "generator"; without one a new one with this seed."""
    generator = np.random.default_rng(seed)
    if "generator" in numbers:
        generator.bit_generator.state = numbers["generator"]
    return generator
