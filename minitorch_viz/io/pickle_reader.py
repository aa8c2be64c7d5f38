"""Reading the data in a pickle without running it.

A pickle is a program for a small stack machine, and the real machine lets it import and call anything: loading one from
a stranger is running the stranger's program. The machine here has the forty instructions that plain data need. What
is imported is a name, looked up in a list that the caller gives; what is called is one of the caller's own functions.

What is in no list becomes a `Foreign`, or is refused (see `foreign.py`).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from minitorch_viz.errors import WeightsFileError
from minitorch_viz.io.foreign import Foreign, runs_programs

LONGEST_PICKLE = 8 * 2**20
MOST_STEPS = 800_000  # 13,000 tensors; a step takes 90 bytes at most, strings aside
KEYS = (str, int, float, type(None), bytes)  # hashing a deeply nested tuple can overflow the stack of Python itself
LONGEST_INTEGER = 16  # bytes
_MARK = object()


@dataclass(frozen=True, slots=True)
class Function:
    """Name a function that a pickle may call, with the least and the largest number of arguments."""

    name: str
    arguments: tuple[int, int]
    body: Callable[..., Any]


class PickleReader:
    """Read one pickle: `PickleReader(data, ...).read()` gives the value, and `at` is then the place behind it.

    symbols: what each (module, name) stands for: a Function that is called with the arguments in the pickle, or a
        plain value. Anything else is a `Foreign`, or refused if programs are run by that name.
    persistent: turns the identifier of something kept outside the pickle into that thing.
    """

    def __init__(
        self,
        data: bytes,
        at: int,
        label: str,
        symbols: Mapping[tuple[str, str], Any],
        persistent: Callable[[Any], Any],
    ) -> None:
        self.data, self.at, self.label = data, at, label
        self.symbols, self.persistent = symbols, persistent
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def read(self) -> Any:
        """Return the value that the pickle describes; raises WeightsFileError for anything damaged or not allowed."""
        for _ in range(MOST_STEPS):
            code = self._take(1)[0]
            if code == ord("."):
                return self._pop()
            step = _STEPS.get(code)
            if step is None:
                raise self.error(f"has an instruction ({code:#04x}) that plain data do not need")
            step(self)
        raise self.error(f"has more than {MOST_STEPS} instructions")

    def error(self, text: str) -> WeightsFileError:
        """Return the error with a sentence about this pickle."""
        return WeightsFileError(f"{self.label} {text}.")

    def _take(self, count: int) -> bytes:
        """Return the next bytes; counts are checked against what is left: a small file makes nothing large."""
        if count > len(self.data) - self.at:
            raise self.error(f"ends too early: it is cut off or damaged at byte {self.at}")
        self.at += count
        return self.data[self.at - count : self.at]

    def _number(self, count: int) -> int:
        return int.from_bytes(self._take(count), "little")

    def _line(self) -> str:
        end = self.data.find(b"\n", self.at, self.at + 200)
        if end < 0:
            raise self.error("has a name without an end")
        line = self._take(end - self.at)
        self._take(1)
        return line.decode("utf-8", "replace")

    def _pop(self) -> Any:
        if not self.stack or self.stack[-1] is _MARK:
            raise self.error("takes a value from an empty stack: it is damaged")
        return self.stack.pop()

    def _pop_to_mark(self) -> list[Any]:
        at = len(self.stack) - 1
        while at >= 0 and self.stack[at] is not _MARK:
            at -= 1
        if at < 0:
            raise self.error("takes values down to a mark that is not there: it is damaged")
        items = self.stack[at + 1 :]
        del self.stack[at:]
        return items

    def _push(self, value: Any) -> None:
        self.stack.append(value)

    def _top(self, kind: type, action: str) -> Any:
        if not self.stack or type(self.stack[-1]) is not kind:
            raise self.error(f"{action} something that is no {kind.__name__}")
        return self.stack[-1]

    def _text(self, data: bytes) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError as problem:
            raise self.error("holds text that is not UTF-8: it is damaged") from problem

    def _bytes_or_text(self, data: bytes) -> str:
        """Return the str of Python 2, in which old files keep their names."""
        return data.decode("latin-1")

    def _long(self, count: int) -> int | Foreign:
        """Return an integer; a long one (a generator's state) only by its length: writing it out could take hours."""
        data = self._take(count)
        return int.from_bytes(data, "little", signed=True) if count <= LONGEST_INTEGER else _integer(count)

    def _put(self, index: int) -> None:
        if not self.stack or self.stack[-1] is _MARK:
            raise self.error("remembers a value that is not there: it is damaged")
        self.memo[index] = self.stack[-1]

    def _get(self, index: int) -> None:
        if index not in self.memo:
            raise self.error("recalls a value that it has not remembered: it is damaged")
        self.stack.append(self.memo[index])

    def _global(self, module: object, name: object) -> None:
        if (module, name) in self.symbols:
            self.stack.append(self.symbols[module, name])  # type: ignore[index]  # its presence was tested above
            return
        if not isinstance(module, str) or not isinstance(name, str):
            raise self.error("imports something that is not named by text")
        full_name = f"{module}.{name}"
        if runs_programs(module, name):
            raise self.error(
                f"needs {full_name!a:.120}, by which programs are run: running what a file asks for is unsafe, so it "
                "is "
                "refused. Where it was made, save only the arrays: torch.save(model.state_dict(), path)"
            )
        self.stack.append(Foreign(full_name[:120]))

    def _stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        self._global(module if isinstance(module, str) else None, name if isinstance(name, str) else None)

    def _reduce(self) -> None:
        arguments, function = self._pop(), self._pop()
        if type(function) is Foreign:
            self.stack.append(function)
            return
        if type(arguments) is not tuple or not isinstance(function, Function):
            raise self.error("calls something that is not a function")
        least, most = function.arguments
        if not least <= len(arguments) <= most:
            raise self.error(f"calls {function.name} with {len(arguments)} arguments")
        self.stack.append(function.body(*arguments))

    def _build(self) -> None:
        """Set an attribute, which has no effect: OrderedDict gets torch's `_metadata`, nothing about the arrays."""
        state = self._pop()
        if self._is_foreign():
            return
        self._top(dict, "sets an attribute of")
        if type(state) is not dict:
            raise self.error("sets attributes that are no dict")

    def _new(self, parts: int) -> None:
        """Make an object of a class, with arguments: only those of unknown classes, and they stay labels."""
        for _ in range(parts):
            self._pop()
        if not self._is_foreign():
            raise self.error("makes an object of something that is not a class")

    def _is_foreign(self) -> bool:
        return bool(self.stack) and type(self.stack[-1]) is Foreign

    def _set_items(self, items: list[Any]) -> None:
        if self._is_foreign():
            return
        target = self._top(dict, "sets items of")
        if len(items) % 2 or any(isinstance(key, (list, dict)) for key in items[::2]):
            raise self.error("has a dict whose keys are not plain")
        keys = [key if isinstance(key, KEYS) else Foreign(_kind(key)) for key in items[::2]]
        target.update(zip(keys, items[1::2], strict=True))

    def _set_item(self) -> None:
        value, key = self._pop(), self._pop()
        self._set_items([key, value])

    def _append(self, items: list[Any]) -> None:
        if not self._is_foreign():
            self._top(list, "appends to").extend(items)

    def _frozen_set(self) -> None:
        self._pop_to_mark()
        self._push(Foreign("a set"))

    def _tuple(self, count: int) -> None:
        items = [self._pop() for _ in range(count)]
        self.stack.append(tuple(reversed(items)))

    def _dup(self) -> None:
        self.stack.append(self._pop())
        self.stack.append(self.stack[-1])


def _integer(count: int) -> Foreign:
    return Foreign(f"an integer of {count} bytes")


def _kind(key: object) -> str:
    return key.label if isinstance(key, Foreign) else f"a {type(key).__name__}"


def _double(data: bytes) -> float:
    return float(struct.unpack(">d", data)[0])


# fmt: off
_BY_CODE: dict[int | str, Callable[[PickleReader], Any]] = {
    0x80: lambda r: r._take(1),                                            # PROTO
    0x95: lambda r: r._take(8),                                            # FRAME
    "(": lambda r: r._push(_MARK),                                         # MARK
    "0": lambda r: r._pop(),                                               # POP
    "1": lambda r: r._pop_to_mark(),                                       # POP_MARK
    "2": lambda r: r._dup(),                                               # DUP
    "N": lambda r: r._push(None),                                          # NONE
    0x88: lambda r: r._push(True),                                         # NEWTRUE
    0x89: lambda r: r._push(False),                                        # NEWFALSE
    "K": lambda r: r._push(r._number(1)),                                  # BININT1
    "M": lambda r: r._push(r._number(2)),                                  # BININT2
    "J": lambda r: r._push(r._long(4)),                                    # BININT
    0x8A: lambda r: r._push(r._long(r._number(1))),                        # LONG1
    0x8B: lambda r: r._push(r._long(r._number(4))),                        # LONG4
    "G": lambda r: r._push(_double(r._take(8))),                           # BINFLOAT
    "X": lambda r: r._push(r._text(r._take(r._number(4)))),                # BINUNICODE
    0x8C: lambda r: r._push(r._text(r._take(r._number(1)))),               # SHORT_BINUNICODE
    0x8D: lambda r: r._push(r._text(r._take(r._number(8)))),               # BINUNICODE8
    "U": lambda r: r._push(r._bytes_or_text(r._take(r._number(1)))),       # SHORT_BINSTRING
    "T": lambda r: r._push(r._bytes_or_text(r._take(r._number(4)))),       # BINSTRING
    "C": lambda r: r._push(r._take(r._number(1))),                         # SHORT_BINBYTES
    "B": lambda r: r._push(r._take(r._number(4))),                         # BINBYTES
    0x8E: lambda r: r._push(r._take(r._number(8))),                        # BINBYTES8
    ")": lambda r: r._push(()),                                            # EMPTY_TUPLE
    0x85: lambda r: r._tuple(1),                                           # TUPLE1
    0x86: lambda r: r._tuple(2),                                           # TUPLE2
    0x87: lambda r: r._tuple(3),                                           # TUPLE3
    "t": lambda r: r._push(tuple(r._pop_to_mark())),                       # TUPLE
    "]": lambda r: r._push([]),                                            # EMPTY_LIST
    "a": lambda r: r._append([r._pop()]),                                  # APPEND
    "e": lambda r: r._append(r._pop_to_mark()),                            # APPENDS
    "}": lambda r: r._push({}),                                            # EMPTY_DICT
    0x8F: lambda r: r._push(Foreign("a set")),                             # EMPTY_SET
    0x90: lambda r: r._append(r._pop_to_mark()),                           # ADDITEMS
    0x91: lambda r: r._frozen_set(),                                       # FROZENSET
    0x96: lambda r: r._push(r._take(r._number(8))),                        # BYTEARRAY8
    0x81: lambda r: r._new(1),                                             # NEWOBJ
    0x92: lambda r: r._new(2),                                             # NEWOBJ_EX
    "s": lambda r: r._set_item(),                                          # SETITEM
    "u": lambda r: r._set_items(r._pop_to_mark()),                         # SETITEMS
    "q": lambda r: r._put(r._number(1)),                                   # BINPUT
    "r": lambda r: r._put(r._number(4)),                                   # LONG_BINPUT
    0x94: lambda r: r._put(len(r.memo)),                                   # MEMOIZE
    "h": lambda r: r._get(r._number(1)),                                   # BINGET
    "j": lambda r: r._get(r._number(4)),                                   # LONG_BINGET
    "c": lambda r: r._global(r._line(), r._line()),                        # GLOBAL
    0x93: lambda r: r._stack_global(),                                     # STACK_GLOBAL
    "R": lambda r: r._reduce(),                                            # REDUCE
    "Q": lambda r: r._push(r.persistent(r._pop())),                        # BINPERSID
    "b": lambda r: r._build(),                                             # BUILD
}
# fmt: on
_STEPS = {ord(code) if isinstance(code, str) else code: step for code, step in _BY_CODE.items()}
