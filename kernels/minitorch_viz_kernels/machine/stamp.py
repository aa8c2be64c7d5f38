"""Machine code on disk is used while the sources it was made from are the same: all kernels' sources, not one file's.

Numba keeps a compiled function with a stamp of the file it stands in, and compiles it anew when that has changed. But a
kernel contains what it calls from other files. So its stamp is a hash of all source files of this package: one that was
edited, or another version of the package, never runs old code, and a file that was only copied or touched is not
compiled again.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any

SOURCES = Path(__file__).parents[1]


@functools.cache
def sources_hash() -> str:
    """Return a hash of the names and contents of all source files of the kernels; empty in an archive."""
    paths = sorted(SOURCES.rglob("*.py"))
    if not paths:
        return ""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.relative_to(SOURCES).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def put_stamp(dispatcher: Any) -> bool:
    """Give a function that Numba keeps on disk the stamp of all sources.

    False where this version of Numba keeps its stamp elsewhere: old code could then be run, so nothing may be kept.
    """
    file: Any = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
    if not hasattr(file, "_source_stamp"):
        return False
    file._source_stamp = sources_hash() or file._source_stamp
    return True
