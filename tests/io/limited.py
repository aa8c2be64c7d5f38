"""A program for tests: `python -m tests.io.limited FOLDER ...` reads every file under a memory limit.

The limit is what the program has when it starts, plus the size of the largest file, plus 256 MB. It prints a line for
each thing that may not happen: an exception that is not the package's own, memory that ran out; and ends with status 1.
"""

from __future__ import annotations

import resource
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from minitorch_viz.errors import ImageFileError, WeightsFileError
from minitorch_viz.io.caffemodel import read_caffemodel
from minitorch_viz.io.convnetjs import read_convnetjs
from minitorch_viz.io.images import load_image
from minitorch_viz.io.npz import read_npz
from minitorch_viz.io.safetensors_ import read_safetensors
from minitorch_viz.io.torch_pth import read_torch
from minitorch_viz.io.weights import read_weights

READERS: dict[str, Callable[[Path], Any]] = {
    ".safetensors": read_safetensors,
    ".npz": read_npz,
    ".pth": read_torch,
    ".caffemodel": read_caffemodel,
    ".json": read_convnetjs,
}


def problem(read: Callable[[Path], Any], path: Path) -> str:
    """What went wrong with the reader itself; '' if it gave arrays or one of the package's own errors."""
    try:
        got = read(path)
        if hasattr(got, "tensors"):
            str(got)
            for array in got.tensors.values():
                array.sum()
    except (WeightsFileError, ImageFileError) as error:
        return str(error) if "not enough memory" in str(error) or len(str(error)) < 20 else ""
    except MemoryError:
        return "MemoryError"
    except Exception as error:  # this is what is looked for
        return f"{type(error).__name__}: {error}"
    return ""


def _peak() -> int:
    """The most memory that was in use so far, in MiB; getrusage would count the parent's before exec."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


def main(folders: list[str]) -> int:
    warnings.simplefilter("error")
    np.seterr(all="ignore")  # the numbers in a damaged file may be anything
    import PIL.BmpImagePlugin
    import PIL.GifImagePlugin
    import PIL.JpegImagePlugin
    import PIL.PngImagePlugin
    import PIL.PpmImagePlugin
    import PIL.TiffImagePlugin
    import PIL.WebPImagePlugin  # noqa: F401 (loaded before the limit is set)

    files = sorted(path for folder in folders for path in Path(folder).iterdir())
    largest = max(path.stat().st_size for path in files)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + largest + 256 * 10**6
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    start = _peak()
    bad = 0
    for path in files:
        readers = [load_image] if path.suffix in (".png", ".jpg") else [read_weights, READERS[path.suffix]]
        for read in readers:
            if text := problem(read, path):
                bad += 1
                print(f"{path} {read.__name__}: {text}"[:500])
    print(f"{len(files)} files, peak {_peak() - start} MiB above the start")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
