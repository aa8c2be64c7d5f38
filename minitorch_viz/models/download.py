"""download: fetch an official weights file once, checked, resumable, and complete or absent.

This is `urllib` and an HTTP Range header. pooch, the usual choice, starts a broken download over again (548 MB for
VGG-16), and cannot check a sum of which only the first digits are published, in torchvision's file names.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from minitorch_viz.errors import SettingError, WeightsFileError
from minitorch_viz.models.home import home_folder
from minitorch_viz.models.load import IMAGENET_FILE, look_for
from minitorch_viz.models.spec import ModelSpec, get_spec

CHUNK = 1 << 20  # bytes read at a time
LIMIT = 4 << 30  # no file here is larger; a server that sends more is not sending weights
TIMEOUT = 30.0  # seconds without an answer
ATTEMPTS = 5  # connections in a row that bring nothing new before giving up
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # the disk is full, or fails
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
        wanted = " or ".join(spec.file_names[:2])
        raise WeightsFileError(
            f"{name} has no official file to download. Put {wanted} into {folder}, or name a file with --from."
        )
    is_address = re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+:", place)  # two letters at least: C: is a Windows drive
    if not is_address:
        return _copy(spec, place, folder)
    given = _name_in_address(place)
    target = folder / _target_name(spec, given)
    digest = _known_digest(spec, given)
    if digest and target.is_file() and _wrong_sum(target, digest) is None:
        return target
    with _files_in(folder):
        folder.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        _fetch(place, part, digest, target, progress)
        _finish(part, target)
    return target


def _name_in_address(address: str) -> str:
    """The file name at the end of an http or https address; SettingError for any other kind."""
    try:
        parts = urllib.parse.urlsplit(address)
    except ValueError:
        parts = urllib.parse.urlsplit("")
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise SettingError(f"Only http and https addresses and files on this machine can be fetched, not {address!r}.")
    return Path(urllib.parse.unquote(parts.path)).name


def _target_name(spec: ModelSpec, given: str) -> str:
    """The name under which load_model finds the file."""
    if given in spec.file_names:
        return given
    suffix = Path(given).suffix.lower()
    if suffix not in SUFFIXES:
        raise SettingError(f"A weights file ends in {', '.join(SUFFIXES)}, but {given!r} does not.")
    name = f"{spec.name}{suffix}"
    if name not in spec.file_names:
        raise SettingError(f"{spec.name} has no weights in {suffix} files; known names: {', '.join(spec.file_names)}.")
    return name


def _known_digest(spec: ModelSpec, file_name: str) -> str:
    """The sum that the file must have, "sha256:be5be79"; "" if none is known."""
    if file_name == spec.official_file:
        return spec.digest
    found = re.search(r"-([0-9a-f]{8,64})\.[a-z]+$", file_name)
    return f"sha256:{found[1]}" if found else ""


def _copy(spec: ModelSpec, place: str, folder: Path) -> Path:
    """Bring a file of this machine, with the JSON beside it and the class names, into the folder."""
    source = look_for(spec.file_names, place)
    assert source is not None  # a path is given, so it is found or an error is raised
    target = folder / _target_name(spec, source.name)
    if wrong := _wrong_sum(source, _known_digest(spec, source.name)):
        raise WeightsFileError(f"{source} {wrong}; it was not taken.")
    copies = [  # the weights last: once they are there, all is there
        (source.with_suffix(".json"), target.with_suffix(".json")),
        (source.with_name(IMAGENET_FILE), folder / IMAGENET_FILE),
        (source, target),
    ]
    with _files_in(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for old, new in copies:
            if not old.is_file() or (new.exists() and old.samefile(new)):
                continue
            part = new.with_name(new.name + ".part")
            shutil.copyfile(old, part)
            _finish(part, new)
    return target


def _fetch(address: str, part: Path, digest: str, target: Path, progress: bool) -> None:
    """Bring the whole file into `part`, in as many connections as it takes while each brings something new."""
    if not digest:  # nothing could tell whether an old piece and a new one belong together
        part.unlink(missing_ok=True)
    resumed = part.exists()
    most, failures = _size(part), 0
    while True:
        try:
            if _receive(address, part, progress):
                break
            error: Exception | str = "the connection broke off"
        except urllib.error.HTTPError as answer:
            answer.close()
            if answer.code == 416 and _size(part):  # there is nothing beyond what we have: complete, or of another file
                break
            raise WeightsFileError(f"{address} answered {answer.code} {answer.reason}. {_by_hand(target)}") from answer
        except (OSError, HTTPException) as failure:  # URLError, timeouts and resets are OSErrors
            if isinstance(failure, OSError) and (failure.filename is not None or failure.errno in DISK):
                raise  # not the network but the disk
            error = failure.reason if isinstance(failure, urllib.error.URLError) else failure  # type: ignore[assignment]  # a string or an exception
        failures = 0 if _size(part) > most else failures + 1
        if failures and (most == 0 or failures >= ATTEMPTS):
            kept = f" {_size(part):,} bytes are kept; run it again to go on." if digest and _size(part) else ""
            raise WeightsFileError(f"{address} cannot be fetched: {error}.{kept} {_by_hand(target)}")
        most = max(most, _size(part))
    wrong = _wrong_sum(part, digest)
    if wrong is None:
        return
    part.unlink()
    if resumed:  # the old piece may have been of another file: once more from the start
        return _fetch(address, part, digest, target, progress)
    raise WeightsFileError(f"The file from {address} {wrong}; it was removed. Try again, or use another source.")


def _receive(address: str, part: Path, progress: bool) -> bool:
    """Append what one connection brings to `part`; whether the file is now complete."""
    from tqdm.auto import tqdm

    have = _size(part)
    headers = {"User-Agent": "minitorch-viz", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with _opener().open(urllib.request.Request(address, headers=headers), timeout=TIMEOUT) as answer:
        start, total = _span(answer, have)
        if answer.headers.get_content_type() == "text/html":
            raise WeightsFileError(f"{address} answered with a web page, not with a file; is it the right address?")
        too_long = f"{address} sends more than {LIMIT:,} bytes, which no weights file here has."
        if total is not None and total > LIMIT:
            raise WeightsFileError(too_long)
        disable = None if progress else True  # None: off where there is no terminal
        bar = tqdm(total=total, initial=start, unit="B", unit_scale=True, desc=part.stem, disable=disable)
        with part.open("r+b" if start else "wb") as file, bar:
            file.seek(start)
            file.truncate()
            while chunk := answer.read1(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
                if file.tell() > LIMIT:
                    raise WeightsFileError(too_long)
            return total is None or file.tell() >= total


def _span(answer: HTTPResponse, have: int) -> tuple[int, int | None]:
    """Where the answer's bytes begin in the file, and how long the file is (None: the server does not say)."""
    if answer.status == 206:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
        if found is None or int(found[1]) > have:
            raise HTTPException(f"the server answered with an unusable range {answer.headers.get('Content-Range')!r}")
        return int(found[1]), None if found[2] == "*" else int(found[2])
    length = answer.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else None  # the whole file: the server ignores ranges


def _opener() -> urllib.request.OpenerDirector:
    """Follows redirects, but only to http and https: the default opener would also follow one to ftp."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.UnknownHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    return opener


def _wrong_sum(path: Path, digest: str) -> str | None:
    """None if the file has the sum (or none is known), else the end of a sentence that says what is wrong."""
    if not digest:
        return None
    kind, _, wanted = digest.partition(":")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, kind).hexdigest()
    if found.startswith(wanted):
        return None
    return f"has the {kind.upper()} sum {found[: max(len(wanted), 16)]}, but it should begin with {wanted}"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _by_hand(target: Path) -> str:
    return f"Without a network: fetch it elsewhere and put it there as {target}, or use --from with a local file."


def _finish(part: Path, target: Path) -> None:
    """Make the file durable, then visible under its own name."""
    with part.open("r+b") as file:  # Windows can only flush what is open for writing
        os.fsync(file.fileno())
    os.replace(part, target)


@contextlib.contextmanager
def _files_in(folder: Path) -> Iterator[None]:
    """Turn a full disk or a forbidden folder into a sentence."""
    try:
        yield
    except OSError as error:
        raise WeightsFileError(f"{folder} cannot take the file: {error.strerror or error}.") from error
