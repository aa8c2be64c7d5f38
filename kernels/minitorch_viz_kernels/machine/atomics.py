"""Single steps on the board that no other thread can interrupt, and what the system does for a thread that waits.

Numba has no atomic operations on the CPU; these are written in the compiler's own language (LLVM). Nothing here is
imported where Numba's compiler is switched off.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic as numbas_intrinsic

from .threads import CORES

Written = Callable[..., Any]
intrinsic: Callable[[Written], Written] = numbas_intrinsic  # a call gives no context, which Numba adds

POSIX, LINUX = os.name == "posix", sys.platform == "linux"
LONG, BYTES = ir.IntType(64), ir.IntType(8).as_pointer()
PART = ir.FunctionType(LONG, [BYTES, LONG, LONG])  # (arguments, number of the part, worker) -> failed


def place_of(context: Any, builder: Any, kind: Any, board: Any, at: Any) -> Any:
    """Return the address of board[at]."""
    return builder.gep(context.make_array(kind)(context, builder, board).data, [at])


@intrinsic
def load(_context: Any, board: Any, at: Any) -> Any:
    """Read board[at], and everything that was written before it."""

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load_atomic(place_of(context, builder, signature.args[0], *args), "seq_cst", 8)

    return types.int64(board, types.intp), write


@intrinsic
def store(_context: Any, board: Any, at: Any, value: Any) -> Any:
    """Write board[at] = value, after everything that was written before it."""

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store_atomic(args[2], place_of(context, builder, signature.args[0], *args[:2]), "seq_cst", 8)
        return context.get_dummy_value()

    return types.void(board, types.intp, types.int64), write


@intrinsic
def add(_context: Any, board: Any, at: Any, value: Any) -> Any:
    """Add to board[at] in one step, and return the number that stood there before."""

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.atomic_rmw("add", place_of(context, builder, signature.args[0], *args[:2]), args[2], "seq_cst")

    return types.int64(board, types.intp, types.int64), write


@intrinsic
def take(_context: Any, board: Any, at: Any) -> Any:
    """Turn board[at] from 0 to 1 in one step; False if it was not 0."""

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = place_of(context, builder, signature.args[0], *args)
        return builder.extract_value(builder.cmpxchg(place, LONG(0), LONG(1), "seq_cst", "seq_cst"), 1)

    return types.boolean(board, types.intp), write


@intrinsic
def pause(_context: Any) -> Any:
    """Tell the processor that this thread only waits."""

    def write(context: Any, builder: Any, _signature: Any, _args: Any) -> Any:
        if platform.machine().lower() in ("x86_64", "amd64"):
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse2.pause"), [])
        elif platform.machine().lower() in ("aarch64", "arm64"):
            kind, word = ir.FunctionType(ir.VoidType(), [ir.IntType(32)]), ir.IntType(32)(1)
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.aarch64.hint"), [word])
        return context.get_dummy_value()

    return types.void(), write


@intrinsic
def doze(_context: Any) -> Any:
    """Sleep for 20 microseconds. Not sched_yield: a thread that yields often waits long when there is work."""

    def write(context: Any, builder: Any, _signature: Any, _args: Any) -> Any:
        if POSIX:
            kind = ir.FunctionType(ir.IntType(32), [ir.IntType(32)])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "usleep"), [ir.IntType(32)(20)])
        return context.get_dummy_value()

    return types.void(), write


@intrinsic
def core_number(_context: Any) -> Any:
    """Return the number of the core that this thread is on, or -1 where the system does not say."""

    def write(_context: Any, builder: Any, _signature: Any, _args: Any) -> Any:
        if not LINUX:
            return LONG(-1)
        kind = ir.FunctionType(ir.IntType(32), [])
        return builder.sext(
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "sched_getcpu"), []), LONG
        )  # fmt: skip

    return types.int64(), write


def _semaphore(name: str) -> Any:
    """Return a function of the C library that takes the address of a semaphore and returns an int."""

    @intrinsic
    def call(_context: Any, board: Any, at: Any) -> Any:
        def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            address = builder.bitcast(place_of(context, builder, signature.args[0], *args), BYTES)
            kind = ir.FunctionType(ir.IntType(32), [BYTES])
            status = builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [address])
            return builder.sext(status, LONG)

        return types.int64(board, types.intp), write

    return call


sem_wait, sem_post = _semaphore("sem_wait"), _semaphore("sem_post")


@intrinsic
def set_cores(_context: Any, board: Any, at: Any, thread: Any) -> Any:
    """Let a thread of this process use only the cores whose bits are set from board[at] on."""

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address = builder.bitcast(place_of(context, builder, signature.args[0], *args[:2]), BYTES)
        number = ir.IntType(32)
        kind = ir.FunctionType(number, [number, LONG, BYTES])
        function = cgutils.get_or_insert_function(builder.module, kind, "sched_setaffinity")
        builder.call(function, [builder.trunc(args[2], number), LONG(8 * CORES), address])
        return context.get_dummy_value()

    return types.void(board, types.intp, types.intp), write


@intrinsic
def run_part(_context: Any, job: Any, arguments: Any, number: Any, worker: Any) -> Any:
    """Do one part, and return whether it failed."""

    def write(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        function, place = builder.inttoptr(args[0], PART.as_pointer()), builder.inttoptr(args[1], BYTES)
        return builder.call(function, [place, *args[2:]])

    return types.int64(*[types.int64] * 4), write
