"""How CUDA text is compiled and run: one thread for each number, or tile, of a result.

    numbers of the result     0 1 2 3 ... 255 | 256 257 ...          each number is one thread's work;
    blocks of threads         block 0         | block 1              a block is what the GPU hands out at once

CuPy compiles the text of a `.cu` file, which stands beside its launcher, when a kernel is first used on a machine, once
for float and once for double.
"""

from __future__ import annotations

import functools
import re
from importlib import resources
from typing import Any

import cupy
import numpy as np

from minitorch_viz_kernels.contract import Array

THREADS = 256
BLOCK_NUMBERS = 1 << 27  # numbers of working memory, about: images are taken in blocks of this size


@functools.cache
def _module(package: str, file: str) -> Any:
    operation, _, folder = package.rpartition(".")
    text = resources.files(operation).joinpath(folder, file).read_text(encoding="utf-8")
    names = re.findall(r"__global__ void (\w+)", text)
    return cupy.RawModule(
        code=text,
        options=("--std=c++14",),
        name_expressions=[f"{name}<{number}>" for name in names for number in ("float", "double")],
    )


def launch(
    package: str, file: str, name: str, result: Array, threads: int, *arguments: Array | np.int64 | int | float
) -> None:
    """Run `name` of a package's .cu file in this number of threads; the arguments are those of the CUDA function."""
    if threads == 0:
        return
    function = _module(package, file).get_function(f"{name}<{'float' if result.dtype == np.float32 else 'double'}>")
    # CUDA is given bytes, not types: Python's integers must become the 32 bits of a C int, and its floats the T.
    typed = [
        np.int32(value) if isinstance(value, int) else result.dtype.type(value) if isinstance(value, float) else value
        for value in arguments
    ]
    function((-(-threads // THREADS),), (THREADS,), (np.int64(threads), *typed))
