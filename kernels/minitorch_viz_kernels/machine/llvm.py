"""Vectors in the compiler's own language (LLVM), from which `vectors` and the innermost loops are written."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import binding, ir

SETTINGS: Any = numba.config  # Numba makes its attributes from the environment


def _vector_bytes() -> int:
    """Return how wide this processor's vectors are: AVX-512, AVX, or the 16 bytes that every one has."""
    features = SETTINGS.CPU_FEATURES or binding.get_host_cpu_features().flatten()
    if "+avx512f" in features:
        return 64
    return 32 if "+avx" in features else 16


VECTOR_BYTES = _vector_bytes()


def lanes_of(dtype: Any) -> int:
    """Return how many numbers of a dtype one vector holds: 16 of float32 with AVX-512."""
    size: int = np.dtype(dtype).itemsize
    return VECTOR_BYTES // size


def llvm_vector(number: Any) -> Any:
    """Return LLVM's type of a vector of float or double."""
    return ir.VectorType(number, VECTOR_BYTES // (4 if isinstance(number, ir.FloatType) else 8))


def pointer_to(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    """Return the address of a number of a flat array."""
    return builder.gep(context.make_array(kind)(context, builder, array).data, [at], inbounds=True)


def load_vector(builder: Any, pointer: Any) -> Any:
    """Load the vector that begins at an address, which need not be a multiple of a vector's size."""
    value = builder.load(builder.bitcast(pointer, llvm_vector(pointer.type.pointee).as_pointer()))
    value.align = 4
    return value


def store_vector(builder: Any, value: Any, pointer: Any) -> None:
    """Store a vector at an address, which need not be a multiple of a vector's size."""
    builder.store(value, builder.bitcast(pointer, value.type.as_pointer())).align = 4


def spread_number(builder: Any, number: Any) -> Any:
    """Return the vector that holds one number everywhere."""
    kind, index = llvm_vector(number.type), ir.IntType(32)
    undefined = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(undefined, number, index(0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(index, kind.count), None))


def transposed(builder: Any, rows: list[Any]) -> list[Any]:
    """Turn rows into columns: exchange blocks of 1, 2, 4, ... numbers between rows that far apart."""
    count, index = len(rows), ir.IntType(32)
    step = 1
    while step < count:
        for i in (i for i in range(count) if not i & step):
            a, b = rows[i], rows[i + step]
            upper = [j if not j & step else count + j - step for j in range(count)]
            lower = [j + step if not j & step else count + j for j in range(count)]
            rows[i], rows[i + step] = (
                builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(index, count), places))
                for places in (upper, lower)
            )
        step *= 2
    return rows
