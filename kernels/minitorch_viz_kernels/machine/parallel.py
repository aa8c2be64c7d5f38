"""A pool of threads that share the parts of one job without leaving compiled code.

    parallel(part, parts, board, (x, y))     calls part(0, worker, x, y) ... part(parts - 1, worker, x, y) in any order

Waking a Python thread costs 50 microseconds; many a convolution takes less. So the workers wait awake for a moment
after each job, all in one compiled function that needs no lock of Python's, and read a board in plain memory:

    board   workers | open | busy | job | arguments | next part and their number | left | failed

    caller  takes the board (busy), writes the job down, and begins with part 0 itself; it takes the next part by adding
            1 to its number, in one step that no other thread can interrupt
    worker  reads that there are parts, takes the last one by taking 1 from their number in one step, and does it
    caller  finds no more parts, waits until none is left undone, frees the board

The caller goes up and the workers come down, so that in one call after another the same core writes to the same memory.

A job does not wait for a worker that has not begun: one that comes late takes what is left, or nothing. A second thread
that calls while the board is busy does its parts alone, and so does a job inside a part. A worker that had no job for
3e-4 seconds goes to sleep on a semaphore, which the next caller posts (`threads`).
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

from llvmlite import ir
from numba.core import cgutils, compiler, types

from minitorch_viz_kernels.contract import Array

from .compiling import compiled, inner
from .llvm import SETTINGS
from .threads import BUSY, CORE, CORES, FAILED, JOB, LEFT, MASKS, OPEN, SEMAPHORE, SLEEPING, TICKET, WORKERS

TICKET_BITS = 32  # above this bit of the ticket stands where the parts that are left end, below where they begin
TICKET_MASK = (1 << TICKET_BITS) - 1
PAUSES = 8000  # of the caller, some 200 microseconds; after them it sleeps for moments
PARTS_PER_THREAD = 4
GRAIN = 200_000  # multiplications of a part: some microseconds
# Whether a worker can sleep where it stands. Otherwise it goes back to Python to sleep: there it needs Python's lock,
# and while a thread holds that lock but has no core, all threads wait.
NATIVE = sys.platform == "linux" and all(
    hasattr(ctypes.CDLL(None), name) for name in ("sem_wait", "sem_post", "sched_setaffinity")
)


def _share_in_python(part: Any, parts: int, board: Array, args: Any) -> None:
    for number in range(parts):
        part(number, 0, *args)


if SETTINGS.DISABLE_JIT:
    parallel: Any = _share_in_python

    def serve(board: Array, worker: int, patience: int) -> None:
        """Do nothing: where nothing is compiled, there are no workers."""

    def wake(board: Array) -> None:
        """Do nothing: there are no workers to wake."""

    def spin(board: Array, turns: int) -> None:
        """Do nothing: there are no workers that wait."""

else:
    from .atomics import (  # fmt: skip
        LONG,
        PART,
        add,
        core_number,
        doze,
        intrinsic,
        load,
        pause,
        run_part,
        sem_post,
        sem_wait,
        set_cores,
        store,
        take,
    )

    @inner
    def _sleep(board: Array) -> None:
        """Sleep until a caller wakes this worker."""
        add(board, SLEEPING, 1)
        while sem_wait(board, SEMAPHORE) != 0:
            pass  # a signal of the system

    @inner
    def _leave(board: Array, worker: int, core: int) -> None:
        """Move a worker from its caller's core, where a system likes to put what it wakes, if it may use another."""
        mask = MASKS + worker * CORES
        other_cores = 0
        for i in range(CORES):
            board[mask + i] = board[MASKS + i]
            if core // 64 == i:
                board[mask + i] &= ~(1 << core % 64)
            other_cores |= board[mask + i]
        thread = board[MASKS + (board[WORKERS] + 1) * CORES + worker]
        if other_cores != 0 and thread != 0:  # its thread may not have been written down yet
            set_cores(board, mask, thread)

    @compiled
    def wake(board: Array) -> None:
        """Wake the workers that sleep, without waiting for them.

        A worker on the caller's own core could not even leave it: it would stand behind the caller, until the system
        lets it have its turn after some milliseconds. So it is moved while it sleeps.
        """
        if NATIVE:
            core = core_number()
            for worker in range(1, board[WORKERS] + 1):
                if 0 <= core < 64 * CORES and board[MASKS + worker * CORES + core // 64] & (1 << core % 64):
                    _leave(board, worker, core)
        while load(board, SLEEPING) > 0:
            add(board, SLEEPING, -1)
            sem_post(board, SEMAPHORE)

    @inner
    def _work(board: Array, worker: int) -> bool:
        """Do parts until none is left to take, and return whether there was one."""
        worked = False
        step = 1 if worker == 0 else -1 << TICKET_BITS
        while True:
            ticket = load(board, TICKET)
            if ticket & TICKET_MASK >= ticket >> TICKET_BITS:
                return worked
            ticket = add(board, TICKET, step)  # it may be another job's by now: only what this step returned counts
            first, last = ticket & TICKET_MASK, (ticket >> TICKET_BITS) - 1
            if first > last:
                return worked
            worked = True
            number = first if worker == 0 else last
            if run_part(board[JOB], board[JOB + 1], number, worker):  # the job stays until this part is done
                store(board, FAILED, 1)
            add(board, LEFT, -1)

    @inner
    def _share(board: Array, parts: int, job: int, arguments: int) -> None:
        """Do all parts, with the workers if the board is free."""
        failed = 0
        if parts < 2 or board[WORKERS] == 0 or not take(board, BUSY):
            for number in range(parts):
                failed |= run_part(job, arguments, number, 0)
        else:
            board[JOB], board[JOB + 1], board[FAILED], board[CORE] = job, arguments, 0, core_number()
            store(board, LEFT, parts)
            store(board, TICKET, parts << TICKET_BITS)  # from here on the workers take parts
            if NATIVE and load(board, SLEEPING) > 0:
                wake(board)
            _work(board, 0)
            turn = 0
            while load(board, LEFT) > 0:
                if turn < PAUSES:
                    pause()
                else:
                    doze()
                turn += 1
            failed = board[FAILED]
            store(board, BUSY, 0)
        if failed != 0:
            raise RuntimeError("A part of a kernel failed: an index was out of bounds.")

    def _compile_here(typing: Any, context: Any, function: Any, signature: Any) -> Any:
        """Compile an inner function into the one that is being compiled, and return how to call it.

        As any other inner function it would be optimized and translated by itself first, and in the kernel once more.
        """
        flags: Any = compiler.Flags()
        function.targetdescr.options.parse_as_flags(flags, function.targetoptions)
        flags.no_compile = flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
        return compiler.compile_extra(
            typing,
            context,
            function.py_func,
            signature.args,
            signature.return_type,
            flags,
            {},
            context.active_code_library,
        ).fndesc

    @intrinsic
    def parallel(typing: Any, part: Any, parts: Any, board: Any, args: Any) -> Any:
        """Call part(number, worker, *args) for every number below parts, and return when all are done.

        part: an inner function of the same file, that writes where no other part writes.
            worker: which of the threads does it, 0 to the number of workers, for working memory of its own.
        board: of `threads.board_for`.
        """
        share_out = typing.resolve_value_type(_share)
        shared = share_out.get_call_type(typing, (board, *[types.intp] * 3), {})

        def write(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            # The arguments are written down in this frame, beside a function that reads them and does one part.
            place = cgutils.alloca_once_value(builder, arguments[3])
            name = builder.module.get_unique_name(f"{builder.function.name}.part")
            function = ir.Function(builder.module, PART, name)
            function.linkage = "internal"
            inner = ir.IRBuilder(function.append_basic_block())
            values = cgutils.unpack_tuple(inner, inner.load(inner.bitcast(function.args[0], place.type)))
            part_signature = types.void(types.intp, types.intp, *map(types.unliteral, args.types))
            values = [
                context.cast(inner, *triple) for triple in zip(values, args.types, part_signature.args[2:], strict=True)
            ]
            described = _compile_here(typing, context, part.dispatcher, part_signature)
            status, _ = context.call_internal_no_propagate(
                inner, described, part_signature, [*function.args[1:], *values]
            )
            inner.ret(inner.zext(status.is_error, LONG))
            compiled = share_out.dispatcher.overloads[shared.args]
            context.add_linking_libs([compiled.library])
            job = [builder.ptrtoint(address, LONG) for address in (function, place)]
            context.call_internal(builder, compiled.fndesc, shared, [arguments[2], arguments[1], *job])
            return context.get_dummy_value()

        return types.void(part, types.intp, board, args), write

    @compiled
    def spin(board: Array, turns: int) -> None:
        """Take `turns` turns of `serve` in which there is nothing to do."""
        for _ in range(turns):
            _work(board, 1)
            pause()

    @compiled
    def serve(board: Array, worker: int, patience: int) -> None:
        """Do parts of jobs as a worker, while the board is open; after `patience` turns without one, sleep.

        Where other programs run too, a worker may be put on the caller's own core, which it would only keep from
        working: then it leaves that core at once. Where it cannot sleep here, it returns to sleep in Python.
        """
        turn = 0
        while board[OPEN] != 0:
            if _work(board, worker):
                turn = 0
            pause()
            turn += 1
            if NATIVE and turn % 8 == 1:
                core = core_number()
                if core == board[CORE]:
                    _leave(board, worker, core)
                    turn = patience if core_number() == core else turn
            if turn >= patience:
                if not NATIVE:
                    return
                _sleep(board)
                turn = 0


@inner
def part_range(count: int, number: int, parts: int) -> tuple[int, int]:
    """Return from where to where part `number` of `count` things goes."""
    return count * number // parts, count * (number + 1) // parts


@inner
def part_count(board: Array, count: int, cost: float) -> int:
    """Return into how many parts to cut `count` things, whose work costs about `cost` multiplications together."""
    return (
        max(1, min(count, min(PARTS_PER_THREAD * (int(board[WORKERS]) + 1), int(cost / GRAIN))))
        if board[WORKERS]
        else 1
    )
