"""A stand-in for CuPy that runs CUDA text on the CPU.

Arrays are NumPy's. `RawModule` compiles the text with g++ behind a shim in which threadIdx and its kin are variables,
and a launch is a loop over the grid. This holds for kernels without __syncthreads and atomics, where every thread is on
its own. It is stricter than CuPy: arguments must have the C types of the kernel, and results lie in guarded memory.
"""

from __future__ import annotations

import ctypes
import subprocess
import types
from pathlib import Path
from typing import Any

import numpy as np

SHIM = r"""
#include <math.h>
#include <algorithm>
#include <string>
#include <typeinfo>
#include <utility>
using std::max; using std::min;
static thread_local struct { unsigned x; } threadIdx, blockIdx, blockDim;
#define __global__
#define __device__
template <class... P, size_t... I>
void run(void (*kernel)(P...), unsigned grid, unsigned block, void** values, std::index_sequence<I...>) {
    blockDim.x = block;
    for (blockIdx.x = 0; blockIdx.x < grid; blockIdx.x++)
        for (threadIdx.x = 0; threadIdx.x < block; threadIdx.x++) kernel(*(P*)values[I]...);
}
template <class... P> void launch(void (*kernel)(P...), unsigned grid, unsigned block, void** values) {
    run(kernel, grid, block, values, std::index_sequence_for<P...>{});
}
template <class... P> const char* signature(void (*)(P...)) {
    static std::string names = ((std::string(typeid(P).name()) + " ") + ...);
    return names.c_str();
}
"""
EXPORT = """
extern "C" void launch_{i}(unsigned grid, unsigned block, void** values) {{ launch({name}, grid, block, values); }}
extern "C" const char* signature_{i}() {{ return signature({name}); }}
"""
GUARD = 1024  # numbers behind each array that no thread may touch
C_TYPES = {"float32": "f", "float64": "d", "int32": "i", "int64": "x"}


def module(folder: Path) -> types.ModuleType:
    """A module to put in the place of `cupy`; it compiles in `folder`."""
    guarded: dict[int, np.ndarray] = {}

    def empty(shape: Any, dtype: Any) -> Any:
        size = int(np.prod(shape))
        memory = np.full(size + GUARD, 77, dtype)
        guarded[id(memory)] = memory
        return memory[:size].reshape(shape)

    def function(library: ctypes.CDLL, i: int, name: str) -> Any:
        describe = getattr(library, f"signature_{i}")
        describe.restype = ctypes.c_char_p
        wanted = describe().decode().split()
        run = getattr(library, f"launch_{i}")
        run.restype = None

        def launch(grid: tuple[int], block: tuple[int], arguments: tuple[Any, ...]) -> None:
            assert len(arguments) == len(wanted), f"{name} takes {wanted}"
            addresses = []
            for argument, c_type in zip(arguments, wanted, strict=True):
                letter = C_TYPES[argument.dtype.name]
                if isinstance(argument, np.ndarray):
                    assert c_type in ("P" + letter, "PK" + letter), f"{name}: {c_type} got {argument.dtype}*"
                    assert argument.flags.c_contiguous, f"{name} got an array with gaps"
                    assert argument.flags.writeable or "K" in c_type, f"{name} writes to a read-only array"
                    addresses.append(ctypes.c_void_p(argument.ctypes.data))
                else:
                    assert c_type == letter, f"{name}: {c_type} got {argument.dtype}"
                    addresses.append(np.array(argument).ctypes.data_as(ctypes.c_void_p))
            # The outer pointers point at the values, as in cuLaunchKernel.
            values = (ctypes.c_void_p * len(addresses))(
                *(
                    ctypes.addressof(address) if isinstance(argument, np.ndarray) else address.value
                    for argument, address in zip(arguments, addresses, strict=True)
                )
            )
            run(ctypes.c_uint(grid[0]), ctypes.c_uint(block[0]), values)
            for argument in arguments:
                memory = guarded.get(id(argument.base)) if isinstance(argument, np.ndarray) else None
                assert memory is None or (memory[-GUARD:] == 77).all(), f"{name} wrote behind an array"

        return launch

    class RawModule:
        def __init__(self, code: str, options: tuple[str, ...], name_expressions: list[str]) -> None:
            assert options == ("--std=c++14",)  # what CuPy hands to NVRTC; g++ needs C++17 for the shim
            self.names = name_expressions
            path = folder / f"cuda{len(list(folder.iterdir()))}.cpp"
            exports = "".join(EXPORT.format(i=i, name=name) for i, name in enumerate(name_expressions))
            path.write_text(SHIM + code + exports)
            # -ffp-contract and -O1: no liberties, so that the comparison is of the text and not of the compiler.
            command = ["g++", "-std=c++17", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-ffp-contract=off"]
            subprocess.run([*command, str(path), "-o", str(path.with_suffix(".so"))], check=True)
            self.library = ctypes.CDLL(str(path.with_suffix(".so")))

        def get_function(self, name: str) -> Any:
            return function(self.library, self.names.index(name), name)

    cupy = types.ModuleType("cupy")
    cupy.__dict__.update(
        empty=empty,
        zeros=np.zeros,
        matmul=np.matmul,
        maximum=np.maximum,
        ascontiguousarray=np.ascontiguousarray,
        RawModule=RawModule,
    )
    return cupy
