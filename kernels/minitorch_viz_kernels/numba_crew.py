"""A crew of threads that share the parts of one job without leaving compiled code.

    parallel(part, parts, board, (x, y))       calls part(0, me, x, y) ... part(parts - 1, me, x, y), in any order

Waking a Python thread costs 50 microseconds; many a convolution takes less. So the helpers wait awake for a moment
after each job, all in one compiled function that needs no lock of Python's, and look at a board in plain memory:

    board   helpers | open | busy | job | arguments | next part and how many | left | failed

    caller  takes the board (busy), writes the job down, and begins with part 0 itself; it takes the next part by adding
            1 to its number, in one step that nobody can share
    helper  sees that there are parts, takes the last one by taking 1 from their number in one step, and does it
    caller  finds no more parts, waits until none is left undone, frees the board

The caller goes up and the helpers come down, so that in one call after another the same core writes to the same memory.

Nobody is waited for who has not begun: a helper that comes late takes what is left, or nothing. A second thread that
calls while the board is busy does its parts alone, and so does a job inside a part. A helper that saw no job for a
while goes to sleep, and the next caller rings its bell (`threads`).

A cached kernel keeps running the old code after this file changed: empty `__pycache__` then.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, compiler, types
from numba.extending import intrinsic as numbas_intrinsic

from .contract import Array
from .numba_jit import helper, kernel
from .numba_vector import SETTINGS
from .threads import ASLEEP, BELL, BUSY, CORE, CORES, FAILED, HELPERS, JOB, LEFT, MASKS, OPEN, TICKET

Written = Callable[..., Any]
intrinsic: Callable[[Written], Written] = numbas_intrinsic  # a call gives no context, which Numba adds

PARTS = 32  # the ticket holds above this bit where the parts that are left end, below where they begin
MASK = (1 << PARTS) - 1
PAUSES = 8000  # so often the caller only pauses, some 200 microseconds; then it sleeps for moments
PIECES, GRAIN = 4, 200_000  # so many parts for each thread, and multiplications of a part: some microseconds
POSIX, LINUX = os.name == "posix", sys.platform == "linux"
# Whether a helper can sleep where it stands. Otherwise it goes back to Python to sleep: there it needs Python's lock,
# and whoever holds that lock while another program has its core lets everyone wait.
NATIVE = LINUX and all(hasattr(ctypes.CDLL(None), name) for name in ("sem_wait", "sem_post", "sched_setaffinity"))


def _share_in_python(part: Any, parts: int, board: Array, args: Any) -> None:
    for number in range(parts):
        part(number, 0, *args)


if SETTINGS.DISABLE_JIT:
    parallel: Any = _share_in_python

    def serve(board: Array, me: int, patience: int) -> None:
        """Where nothing is compiled, nobody helps."""

    def ring(board: Array) -> None:
        """Nobody sleeps."""

    def wait(board: Array, turns: int) -> None:
        """Nobody waits."""

else:
    _LONG, _BYTES = ir.IntType(64), ir.IntType(8).as_pointer()
    _PART = ir.FunctionType(_LONG, [_BYTES, _LONG, _LONG])  # (arguments, number of the part, worker) -> failed

    def _place(context: Any, builder: Any, kind: Any, board: Any, at: Any) -> Any:
        return builder.gep(context.make_array(kind)(context, builder, board).data, [at])

    @intrinsic
    def _load(_context: Any, board: Any, at: Any) -> Any:
        """board[at], and everything that was written before it."""

        def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.load_atomic(_place(context, builder, signature.args[0], *args), "seq_cst", 8)

        return types.int64(board, types.intp), write

    @intrinsic
    def _store(_context: Any, board: Any, at: Any, value: Any) -> Any:
        """board[at] = value, after everything that was written before it."""

        def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            builder.store_atomic(args[2], _place(context, builder, signature.args[0], *args[:2]), "seq_cst", 8)
            return context.get_dummy_value()

        return types.void(board, types.intp, types.int64), write

    @intrinsic
    def _add(_context: Any, board: Any, at: Any, value: Any) -> Any:
        """board[at] += value in one step; returns what stood there before."""

        def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.atomic_rmw("add", _place(context, builder, signature.args[0], *args[:2]), args[2], "seq_cst")

        return types.int64(board, types.intp, types.int64), write

    @intrinsic
    def _take(_context: Any, board: Any, at: Any) -> Any:
        """Turn board[at] from 0 to 1 in one step; False if it was not 0."""

        def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            place = _place(context, builder, signature.args[0], *args)
            return builder.extract_value(builder.cmpxchg(place, _LONG(0), _LONG(1), "seq_cst", "seq_cst"), 1)

        return types.boolean(board, types.intp), write

    @intrinsic
    def _pause(_context: Any) -> Any:
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
    def _doze(_context: Any) -> Any:
        """Sleep for a moment. Not sched_yield: whom Linux saw yield often, it lets wait long when there is work."""

        def write(context: Any, builder: Any, _signature: Any, _args: Any) -> Any:
            if POSIX:
                kind = ir.FunctionType(ir.IntType(32), [ir.IntType(32)])
                builder.call(cgutils.get_or_insert_function(builder.module, kind, "usleep"), [ir.IntType(32)(20)])
            return context.get_dummy_value()

        return types.void(), write

    @intrinsic
    def _core(_context: Any) -> Any:
        """The number of the core that this thread is on, or -1 where the system does not tell."""

        def write(_context: Any, builder: Any, _signature: Any, _args: Any) -> Any:
            if not LINUX:
                return _LONG(-1)
            kind = ir.FunctionType(ir.IntType(32), [])
            return builder.sext(
                builder.call(cgutils.get_or_insert_function(builder.module, kind, "sched_getcpu"), []), _LONG
            )  # fmt: skip

        return types.int64(), write

    def _semaphore(name: str) -> Any:
        """A function of the C library that takes the address of a semaphore and returns an int."""

        @intrinsic
        def call(_context: Any, board: Any, at: Any) -> Any:
            def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
                address = builder.bitcast(_place(context, builder, signature.args[0], *args), _BYTES)
                kind = ir.FunctionType(ir.IntType(32), [_BYTES])
                made = builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [address])
                return builder.sext(made, _LONG)

            return types.int64(board, types.intp), write

        return call

    _sem_wait, _sem_post = _semaphore("sem_wait"), _semaphore("sem_post")

    @intrinsic
    def _set_cores(_context: Any, board: Any, at: Any, thread: Any) -> Any:
        """Let a thread of this process use only the cores whose bits are set from board[at] on."""

        def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            address = builder.bitcast(_place(context, builder, signature.args[0], *args[:2]), _BYTES)
            number = ir.IntType(32)
            kind = ir.FunctionType(number, [number, _LONG, _BYTES])
            function = cgutils.get_or_insert_function(builder.module, kind, "sched_setaffinity")
            builder.call(function, [builder.trunc(args[2], number), _LONG(8 * CORES), address])
            return context.get_dummy_value()

        return types.void(board, types.intp, types.intp), write

    @helper
    def _sleep(board: Array) -> None:
        """Until someone rings."""
        _add(board, ASLEEP, 1)
        while _sem_wait(board, BELL) != 0:
            pass  # a signal of the system

    @helper
    def _leave(board: Array, me: int, core: int) -> None:
        """Move a helper from its caller's core, where a system likes to put whom it wakes, if it may use another."""
        mask = MASKS + me * CORES
        others = 0
        for i in range(CORES):
            board[mask + i] = board[MASKS + i]
            if core // 64 == i:
                board[mask + i] &= ~(1 << core % 64)
            others |= board[mask + i]
        thread = board[MASKS + (board[HELPERS] + 1) * CORES + me]
        if others != 0 and thread != 0:  # it may not have said yet who it is
            _set_cores(board, mask, thread)

    @kernel
    def ring(board: Array) -> None:
        """Wake who sleeps, without waiting for them.

        A helper on the caller's own core could not even leave it: it would stand behind the caller, until the system
        lets it have its turn after some milliseconds. So it is moved while it sleeps.
        """
        if NATIVE:
            core = _core()
            for me in range(1, board[HELPERS] + 1):
                if 0 <= core < 64 * CORES and board[MASKS + me * CORES + core // 64] & (1 << core % 64):
                    _leave(board, me, core)
        while _load(board, ASLEEP) > 0:
            _add(board, ASLEEP, -1)
            _sem_post(board, BELL)

    @intrinsic
    def _run(_context: Any, job: Any, arguments: Any, number: Any, me: Any) -> Any:
        """Do one part; returns whether it failed."""

        def write(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            function, place = builder.inttoptr(args[0], _PART.as_pointer()), builder.inttoptr(args[1], _BYTES)
            return builder.call(function, [place, *args[2:]])

        return types.int64(*[types.int64] * 4), write

    @helper
    def _work(board: Array, me: int) -> bool:
        """Do parts until no more are to be had; returns whether there was one."""
        some = False
        step = 1 if me == 0 else -1 << PARTS
        while True:
            ticket = _load(board, TICKET)
            if ticket & MASK >= ticket >> PARTS:
                return some
            ticket = _add(board, TICKET, step)  # it may be another job's by now: only what this step returned counts
            first, last = ticket & MASK, (ticket >> PARTS) - 1
            if first > last:
                return some
            some = True
            number = first if me == 0 else last
            if _run(board[JOB], board[JOB + 1], number, me):  # the job stays until this part is done
                _store(board, FAILED, 1)
            _add(board, LEFT, -1)

    @helper
    def _share(board: Array, parts: int, job: int, arguments: int) -> None:
        """Do all parts, with the crew if it is free."""
        failed = 0
        if parts < 2 or board[HELPERS] == 0 or not _take(board, BUSY):
            for number in range(parts):
                failed |= _run(job, arguments, number, 0)
        else:
            board[JOB], board[JOB + 1], board[FAILED], board[CORE] = job, arguments, 0, _core()
            _store(board, LEFT, parts)
            _store(board, TICKET, parts << PARTS)  # from here on the helpers see it
            if NATIVE and _load(board, ASLEEP) > 0:
                ring(board)
            _work(board, 0)
            turn = 0
            while _load(board, LEFT) > 0:
                if turn < PAUSES:
                    _pause()
                else:
                    _doze()
                turn += 1
            failed = board[FAILED]
            _store(board, BUSY, 0)
        if failed != 0:
            raise RuntimeError("A part of a kernel failed: an index was out of bounds.")

    def _compile_here(typing: Any, context: Any, function: Any, asked: Any) -> Any:
        """Compile a helper into the kernel that is being compiled; returns how to call it.

        As any other helper it would be optimized and translated by itself first, and in the kernel once more.
        """
        flags: Any = compiler.Flags()
        function.targetdescr.options.parse_as_flags(flags, function.targetoptions)
        flags.no_compile = flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
        return compiler.compile_extra(
            typing, context, function.py_func, asked.args, asked.return_type, flags, {}, context.active_code_library
        ).fndesc

    @intrinsic
    def parallel(typing: Any, part: Any, parts: Any, board: Any, args: Any) -> Any:
        """part(number, me, *args) for every number below parts; returns when all are done.

        part: a helper of the same file, that writes where no other part writes.
            me: which of the threads does it, 0 to helpers, for working memory of its own.
        board: of `threads.crew`.
        """
        share_out = typing.resolve_value_type(_share)
        shared = share_out.get_call_type(typing, (board, *[types.intp] * 3), {})

        def write(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
            # The arguments are written down in this frame, beside a function that reads them and does one part.
            place = cgutils.alloca_once_value(builder, values[3])
            name = builder.module.get_unique_name(f"{builder.function.name}.part")
            function = ir.Function(builder.module, _PART, name)
            function.linkage = "internal"
            inner = ir.IRBuilder(function.append_basic_block())
            given = cgutils.unpack_tuple(inner, inner.load(inner.bitcast(function.args[0], place.type)))
            asked = types.void(types.intp, types.intp, *map(types.unliteral, args.types))
            given = [context.cast(inner, *each) for each in zip(given, args.types, asked.args[2:], strict=True)]
            described = _compile_here(typing, context, part.dispatcher, asked)
            status, _ = context.call_internal_no_propagate(inner, described, asked, [*function.args[1:], *given])
            inner.ret(inner.zext(status.is_error, _LONG))
            compiled = share_out.dispatcher.overloads[shared.args]
            context.add_linking_libs([compiled.library])
            job = [builder.ptrtoint(address, _LONG) for address in (function, place)]
            context.call_internal(builder, compiled.fndesc, shared, [values[2], values[1], *job])
            return context.get_dummy_value()

        return types.void(part, types.intp, board, args), write

    @kernel
    def wait(board: Array, turns: int) -> None:
        """So many turns of `serve` in which there is nothing to do."""
        for _ in range(turns):
            _work(board, 1)
            _pause()

    @kernel
    def serve(board: Array, me: int, patience: int) -> None:
        """What a helper does: parts of jobs, while the board is open; after `patience` turns in vain it sleeps.

        Where other programs run too, a helper may be put on the caller's own core, which it would only keep from
        working: then it leaves that core at once. Where it cannot sleep here, it returns to sleep in Python.
        """
        turn = 0
        while board[OPEN] != 0:
            if _work(board, me):
                turn = 0
            _pause()
            turn += 1
            if NATIVE and turn % 8 == 1:
                core = _core()
                if core == board[CORE]:
                    _leave(board, me, core)
                    turn = patience if _core() == core else turn
            if turn >= patience:
                if not NATIVE:
                    return
                _sleep(board)
                turn = 0


@helper
def share(count: int, number: int, parts: int) -> tuple[int, int]:
    """Of `count` things, from where to where part `number` goes."""
    return count * number // parts, count * (number + 1) // parts


@helper
def pieces(board: Array, count: int, cost: float) -> int:
    """Into how many parts to cut `count` things whose work costs about so many multiplications together."""
    return max(1, min(count, min(PIECES * (int(board[HELPERS]) + 1), int(cost / GRAIN)))) if board[HELPERS] else 1
