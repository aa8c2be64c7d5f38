"""One file over HTTP: resumed, retried, and checked against its sum.

This is `urllib` and an HTTP Range header. pooch, the usual choice, starts a broken download over again (548 MB for
VGG-16), and cannot check a sum of which only the first digits are known, as in torchvision's file names.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from minitorch_viz.errors import MinitorchVizError, WeightsFileError
from minitorch_viz.progress import progress_bar

CHUNK_BYTES = 1 << 20  # bytes read at a time
LARGEST_FILE = 4 << 30  # no file here is larger; a server that sends more is not sending them
TIMEOUT = 30.0  # seconds without an answer
ATTEMPTS = 5  # connections in a row that bring nothing new before giving up
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # the disk is full, or fails


def fetch(
    address: str,
    part: Path,
    digest: str,
    otherwise: str,
    progress: bool,
    failed: type[MinitorchVizError] = WeightsFileError,
) -> None:
    """Bring the whole file into `part`, in as many connections as it takes while each brings something new.

    digest: "sha256:" or "sha1:" and the first digits of the sum; "" if none is known, and then nothing is resumed.
    otherwise: the sentence that says what to do without a network.
    Raises `failed` for what is wrong with the server or the file, OSError for what is wrong with the disk.
    """
    if not digest:  # nothing could tell whether an old piece and a new one belong together
        part.unlink(missing_ok=True)
    resumed = part.exists()
    largest, failures = _size(part), 0
    while True:
        try:
            if _receive(address, part, progress, failed):
                break
            error: object = "the connection broke off"
        except urllib.error.HTTPError as answer:
            answer.close()
            if answer.code == 416 and _size(part):  # there is nothing beyond what we have: complete, or of another file
                break
            raise failed(f"{address} answered {answer.code} {answer.reason}. {otherwise}") from answer
        except (OSError, HTTPException) as failure:  # URLError, timeouts and resets are OSErrors
            if isinstance(failure, OSError) and (failure.filename is not None or failure.errno in DISK_ERRORS):
                raise  # not the network but the disk
            reason = getattr(failure, "reason", failure)  # URLError wraps the error that tells more
            error = getattr(reason, "strerror", None) or reason or type(failure).__name__
        failures = 0 if _size(part) > largest else failures + 1
        if failures and (largest == 0 or failures >= ATTEMPTS):
            remark = f" {_size(part):,} bytes are kept; run it again to go on." if digest and _size(part) else ""
            raise failed(f"{address} cannot be fetched: {error}.{remark} {otherwise}")
        largest = max(largest, _size(part))
    wrong = wrong_sum(part, digest)
    if wrong is None:
        return
    part.unlink()
    if resumed:  # the old piece may have been of another file: once more from the start
        return fetch(address, part, digest, otherwise, progress, failed)
    raise failed(f"The file from {address} {wrong}; it was removed. Try again, or use another source.")


def _receive(address: str, part: Path, progress: bool, failed: type[MinitorchVizError]) -> bool:
    """Append what one connection brings to `part`; return whether the file is now complete."""
    have = _size(part)
    headers = {"User-Agent": "minitorch-viz", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with _opener().open(urllib.request.Request(address, headers=headers), timeout=TIMEOUT) as answer:
        start, total = _span(answer, have)
        if answer.headers.get_content_type() == "text/html":
            raise failed(f"{address} answered with a web page, not with a file; is it the right address?")
        too_long = f"{address} sends more than {LARGEST_FILE:,} bytes, which no file here has."
        if total is not None and total > LARGEST_FILE:
            raise failed(too_long)
        bar = progress_bar(total=total, initial=start, unit="B", unit_scale=True, desc=part.stem, show=progress)
        with part.open("r+b" if start else "wb") as file, bar:
            file.seek(start)
            file.truncate()
            while chunk := answer.read1(CHUNK_BYTES):
                file.write(chunk)
                bar.update(len(chunk))
                if file.tell() > LARGEST_FILE:
                    raise failed(too_long)
            return total is None or file.tell() >= total


def _span(answer: HTTPResponse, have: int) -> tuple[int, int | None]:
    """Return where the answer's bytes begin in the file, and how long the file is (None: the server does not say)."""
    if answer.status == 206:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
        if match is None or int(match[1]) > have:
            raise HTTPException(f"the server answered with an unusable range {answer.headers.get('Content-Range')!r}")
        return int(match[1]), None if match[2] == "*" else int(match[2])
    length = answer.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else None  # the whole file: the server ignores ranges


def _opener() -> urllib.request.OpenerDirector:
    """Make an opener that follows redirects only to http and https: the default one would also follow one to ftp."""
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


def wrong_sum(path: Path, digest: str) -> str | None:
    """Return None if the file has the sum (or none is known), else the end of a sentence that says what is wrong."""
    if not digest:
        return None
    kind, _, digits = digest.partition(":")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, kind).hexdigest()
    if digest.startswith(digits):
        return None
    return f"has the {kind.upper()} sum {digest[: max(len(digits), 16)]}, but it should begin with {digits}"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def copy_in(old: Path, new: Path) -> None:
    """Copy a file into place, complete or not at all; nothing if it is missing or is that very file."""
    if not old.is_file() or (new.exists() and old.samefile(new)):
        return
    part = new.with_name(new.name + ".part")
    shutil.copyfile(old, part)
    finish(part, new)


def finish(part: Path, target: Path) -> None:
    """Make a file durable, then visible under its own name."""
    with part.open("r+b") as file:  # Windows can only flush what is open for writing
        os.fsync(file.fileno())
    os.replace(part, target)


@contextlib.contextmanager
def taking(label: str, folder: Path, failed: type[MinitorchVizError]) -> Iterator[None]:
    """Turn a full disk or a forbidden folder into a sentence."""
    try:
        yield
    except OSError as error:
        raise failed(f"{folder} cannot take the {label}: {error.strerror or error}.") from error
