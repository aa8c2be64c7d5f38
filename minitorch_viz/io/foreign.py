"""What a pickle names that is no plain data: harmless things become a label, the names of programs are refused.

Checkpoints often hold things beside the weights: NumPy's numbers, dates, paths, settings in a program's own class. A
`Foreign` stands for each of them. It takes part in every instruction of the pickle and does nothing, so that what lies
beside it can be read.
"""

from __future__ import annotations

from dataclasses import dataclass

RUNS_PROGRAMS = frozenset({
    *("os", "posix", "nt", "subprocess", "sys", "runpy", "importlib", "imp", "zipimport", "ctypes", "shutil", "socket"),
    *("pty", "code", "codeop", "pickle", "_pickle", "marshal", "webbrowser", "multiprocessing", "asyncio", "threading"),
    *("timeit", "cProfile", "profile", "pdb", "bdb", "doctest", "pip", "commands", "popen2"),
})  # fmt: skip
BUILTINS = frozenset(("eval", "exec", "execfile", "compile", "__import__", "open", "file", "input", "breakpoint"))


@dataclass(frozen=True, slots=True, eq=False)
class Foreign:
    """Stand for something in a pickle that is no plain data: never made, only named."""

    label: str  # "numpy.core.multiarray.scalar", "a set"

    def __str__(self) -> str:
        return f"({self.label})"


def runs_programs(module: str, name: str) -> bool:
    """Return whether a program could be run by this name. Nothing here is run, but such a file is no mishap."""
    first, inner = module.split(".", 1)[0], name.split(".")
    if first in ("builtins", "__builtin__", "io", "_io", "codecs"):
        return not BUILTINS.isdisjoint(inner)
    return first in RUNS_PROGRAMS or not RUNS_PROGRAMS.isdisjoint(inner[:-1])
