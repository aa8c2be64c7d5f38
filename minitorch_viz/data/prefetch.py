"""Making things ahead in a thread, in order."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable
from typing import Any


def ahead(make: Callable[[Any], Any], items: Iterable[Any], count: int) -> Generator[Any, None, None]:
    """Yield `make(item)` for each item in order, up to `count` of them made ahead in a thread.

    An error in `make` is raised here, at its place. The thread ends with the iterator, also when it is dropped early.
    """
    results: queue.Queue[tuple[Any, BaseException | None] | None] = queue.Queue(count)
    stopped = threading.Event()

    def put(entry: tuple[Any, BaseException | None] | None) -> None:
        while not stopped.is_set():
            try:
                return results.put(entry, timeout=0.1)
            except queue.Full:
                continue

    def work() -> None:
        try:
            for item in items:
                put((make(item), None))
                if stopped.is_set():
                    return
            put(None)
        except BaseException as error:  # whatever it is, it belongs to the thread that asked
            put((None, error))

    thread = threading.Thread(target=work, name="prefetch", daemon=True)
    thread.start()
    try:
        while (entry := results.get()) is not None:
            value, error = entry
            if error is not None:
                raise error
            yield value
    finally:
        stopped.set()
        thread.join()
