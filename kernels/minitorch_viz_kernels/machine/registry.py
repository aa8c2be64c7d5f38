"""Every kernel by name, and the rungs of each operation, loaded when they are first needed.

A kernel becomes known by one line: its import in `minitorch_viz_kernels/__init__.py`. That loads its function, whose
mark `@kernel` writes it into `KERNELS`; checks, tests, warm-up and the ladder take it from here.
"""

from __future__ import annotations

import importlib
import types
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from minitorch_viz_kernels.contract import Array

from .checks import is_cupy
from .choice import current
from .examples import Example, Share

Function = TypeVar("Function", bound=Callable[..., Any])
Contract = TypeVar("Contract")

KERNELS: dict[str, str] = {}  # kernel -> the package of its operation

# What `use` and the tests call a rung -> its module in the folder of an operation.
MODULES = {
    "reference": "loops",
    "numpy": "numpy_",
    "compiled": "compiled",  # the loops as they are, through Numba's compiler: for tests and timings, never chosen
    "numba": "numba_",
    "cuda": "cuda_",
}


def kernel(function: Function) -> Function:
    """Register a public kernel under its name; its module is the package of the operation."""
    KERNELS[function.__name__] = function.__module__
    return function


class Rungs(Generic[Contract]):
    """Load the modules of one operation, each of which fulfils its contract, when they are needed.

    package: of the operation. modules: those whose names differ from `MODULES`.
    """

    def __init__(self, package: str, **modules: str) -> None:
        self._package, self._modules = package, {**MODULES, **modules}
        self._loaded: dict[str, Contract] = {}

    def __call__(self, array: Array) -> Contract:
        """Return the module that computes with an array: CUDA's for one on the GPU, else the current one."""
        name = "cuda" if is_cupy(array) else current()
        return self._loaded.get(name) or self[name]

    def __getitem__(self, name: str) -> Contract:
        module = self._loaded.get(name)
        if module is None:  # imported here and not above: Numba takes a second to load
            loaded: Any = importlib.import_module(f"{self._package}.{self.module(name)}")
            self._loaded[name] = module = loaded
        return module

    def module(self, name: str) -> str:
        """Return the name of a rung's module, or package, in the folder of the operation."""
        return self._modules[name]

    def forget(self, name: str) -> None:
        """Import a rung anew when it is next needed."""
        self._loaded.pop(name, None)


def rungs(package: str) -> Rungs[Any]:
    """Return the rungs of an operation, which its package holds as `RUNGS`."""
    modules: Rungs[Any] = importlib.import_module(package).RUNGS
    return modules


def rung(name: str) -> Any:
    """Return all kernels of a rung ("reference", "numpy", "compiled", "numba", "cuda"), unchecked, in a namespace."""
    return types.SimpleNamespace(
        **{kernel: getattr(rungs(package)[name], kernel) for kernel, package in KERNELS.items()}
    )


def operations() -> list[str]:
    """Return the packages of all operations."""
    return list(dict.fromkeys(KERNELS.values()))


def examples() -> Iterator[Example]:
    """Yield every example of every kernel."""
    for package in operations():
        yield from importlib.import_module(f"{package}.examples").examples()


def large_examples() -> Iterator[Example]:
    """Yield calls of every kernel that are worth several threads; the ladder times the first of each kernel."""
    for package in operations():
        yield from importlib.import_module(f"{package}.examples").large_examples()


def shares() -> list[Share]:
    """Return what the warm-up compiles."""
    return [share for package in operations() for share in importlib.import_module(f"{package}.examples").SHARES]
