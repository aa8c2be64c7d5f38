"""download: bring a model's official weights file here once, checked, resumable, and complete or absent."""

from __future__ import annotations

import re
import urllib.parse
from pathlib import Path

from minitorch_viz.errors import SettingError, WeightsFileError
from minitorch_viz.models.fetch import copy_in, fetch, finish, taking, wrong_sum
from minitorch_viz.models.home import home_folder
from minitorch_viz.models.load import look_for
from minitorch_viz.models.sidecar import IMAGENET_FILE
from minitorch_viz.models.spec import ModelSpec, get_spec

SUFFIXES = (".safetensors", ".npz", ".pth", ".pt", ".caffemodel", ".json")


def download(
    name: str, source: str | Path | None = None, home: str | Path | None = None, *, progress: bool = True
) -> Path:
    """Fetch the weights of a model into `home` and return the file's path.

    name: a model from `minitorch-viz models`.
    source: another http or https address, or a file or folder on this machine (its .json goes along); default: the
        official file.
    home: the folder for it; default $MINITORCH_VIZ_HOME, else the user's cache folder.

    A file with a known sum (the official one, or one named like torchvision's) is checked, resumed after an
    interruption, and not fetched again. Ctrl-C keeps what has arrived in a .part file.

    Raises SettingError for an unknown name or address, WeightsFileError if the file cannot be had or has a wrong sum.
    """
    spec = get_spec(name)
    folder = home_folder() if home is None else Path(home).expanduser()
    place = str(spec.url if source is None else source).strip()
    if not place:
        names = " or ".join(spec.file_names[:2])
        raise WeightsFileError(
            f"{name} has no official file to download. Put {names} into {folder}, or name a file with --from."
        )
    is_address = re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+:", place)  # two letters at least: C: is a Windows drive
    if not is_address:
        return _copy(spec, place, folder)
    file_name = _name_in_address(place)
    target = folder / _target_name(spec, file_name)
    digest = _known_digest(spec, file_name)
    if digest and target.is_file() and wrong_sum(target, digest) is None:
        return target
    with taking("file", folder, WeightsFileError):
        folder.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        fetch(place, part, digest, _by_hand(target), progress)
        finish(part, target)
    return target


def _name_in_address(address: str) -> str:
    """Return the file name at the end of an http or https address; SettingError for any other kind."""
    try:
        parts = urllib.parse.urlsplit(address)
    except ValueError:
        parts = urllib.parse.urlsplit("")
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise SettingError(f"Only http and https addresses and files on this machine can be fetched, not {address!r}.")
    return Path(urllib.parse.unquote(parts.path)).name


def _target_name(spec: ModelSpec, file_name: str) -> str:
    """Return the name under which load_model finds the file."""
    if file_name in spec.file_names:
        return file_name
    suffix = Path(file_name).suffix.lower()
    if suffix not in SUFFIXES:
        raise SettingError(f"A weights file ends in {', '.join(SUFFIXES)}, but {file_name!r} does not.")
    name = f"{spec.name}{suffix}"
    if name not in spec.file_names:
        raise SettingError(f"{spec.name} has no weights in {suffix} files; known names: {', '.join(spec.file_names)}.")
    return name


def _known_digest(spec: ModelSpec, file_name: str) -> str:
    """Return the sum that the file must have, "sha256:be5be79"; "" if none is known."""
    if file_name == spec.official_file:
        return spec.digest
    match = re.search(r"-([0-9a-f]{8,64})\.[a-z]+$", file_name)
    return f"sha256:{match[1]}" if match else ""


def _copy(spec: ModelSpec, place: str, folder: Path) -> Path:
    """Bring a file of this machine, with the JSON beside it and the class names, into the folder."""
    source = look_for(spec.file_names, place)
    assert source is not None  # a path is given, so it is found or an error is raised
    target = folder / _target_name(spec, source.name)
    if wrong := wrong_sum(source, _known_digest(spec, source.name)):
        raise WeightsFileError(f"{source} {wrong}; it was not taken.")
    copies = [  # the weights last: once they are there, all is there
        (source.with_suffix(".json"), target.with_suffix(".json")),
        (source.with_name(IMAGENET_FILE), folder / IMAGENET_FILE),
        (source, target),
    ]
    with taking("file", folder, WeightsFileError):
        folder.mkdir(parents=True, exist_ok=True)
        for old, new in copies:
            copy_in(old, new)
    return target


def _by_hand(target: Path) -> str:
    return f"Without a network: fetch it elsewhere and put it there as {target}, or use --from with a local file."
