"""Which module computes: `use`, the default, the environment variable, threads, and what an import loads."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import types
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import minitorch_viz_kernels as kernels
from minitorch_viz_kernels.machine import registry
from tests.kernels.kernel_cases import arrays, expected, small_calls, using


def run_python(code: str, **environment: str) -> str:
    """Run code in a fresh interpreter, which sees the packages that this one sees."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    clean = {key: value for key, value in os.environ.items() if key != "MINITORCH_VIZ_KERNELS"}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**clean, "PYTHONPATH": path, **environment},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def test_importing_loads_numpy_and_nothing_heavier() -> None:
    heavy = "{'numba', 'cupy', 'scipy', 'torch', 'matplotlib'}"
    assert run_python(f"import sys, minitorch_viz_kernels; print({heavy} & set(sys.modules))") == "set()"


def test_without_numba_numpy_computes() -> None:
    code = """
import sys
sys.modules['numba'] = None  # an import of it now fails
import numpy as np, minitorch_viz_kernels as kernels
print(kernels.current(), kernels.conv2d(*map(np.ones, [(1, 1, 2, 2)] * 2), None, (1, 1), (0, 0), (1, 1), 1).item())
try:
    with kernels.use('numba'): pass
except ImportError as error:
    print(error)
"""
    first, second = run_python(code).splitlines()
    assert first == "numpy 4.0"
    assert second.startswith("Numba cannot be imported")
    assert "Install numba" in second


def test_numba_is_the_default_where_it_imports() -> None:
    pytest.importorskip("numba")
    assert run_python("import minitorch_viz_kernels as kernels; print(kernels.current())") == "numba"


def test_the_environment_variable_sets_the_default() -> None:
    show = "import minitorch_viz_kernels as kernels; print(kernels.current())"
    assert run_python(show, MINITORCH_VIZ_KERNELS="reference") == "reference"
    code = """
import minitorch_viz_kernels as kernels
try: kernels.current()
except ValueError as error: print(error)
"""
    assert "MINITORCH_VIZ_KERNELS" in run_python(code, MINITORCH_VIZ_KERNELS="fortran")


def test_a_read_only_installation_still_compiles() -> None:
    pytest.importorskip("numba")
    code = """
import numba
njit = numba.njit
def refuse(*a, cache=False, **k):
    if not cache: return njit(*a, **k)
    def wrapper(f): raise RuntimeError('cannot cache function: no locator available')
    return wrapper
numba.njit = refuse
import numpy as np, minitorch_viz_kernels as kernels
print(kernels.current(), kernels.relu(np.ones(1)).item())
"""
    assert run_python(code) == "numba 1.0"


def test_choices_nest_and_end_with_their_block() -> None:
    before = kernels.current()
    with kernels.use("reference"):
        assert kernels.current() == "reference"
        with kernels.use("numpy"):
            assert kernels.current() == "numpy"
        assert kernels.current() == "reference"
        with pytest.raises(RuntimeError, match="boom"), kernels.use("numpy"):
            raise RuntimeError("boom")
        assert kernels.current() == "reference"
    assert kernels.current() == before


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no kernel module 'cuda'.*reference, numpy, numba"), kernels.use("cuda"):
        pass


def test_a_choice_holds_for_its_thread() -> None:
    with ThreadPoolExecutor(1) as pool:
        default = pool.submit(kernels.current).result()
    with kernels.use("reference"), ThreadPoolExecutor(1) as pool:
        assert pool.submit(kernels.current).result() == default

        def choose() -> str:
            with kernels.use("numpy"):
                return kernels.current()

        assert pool.submit(choose).result() == "numpy"
        assert kernels.current() == "reference"


def test_the_chosen_module_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    from minitorch_viz_kernels.normalization import loops

    monkeypatch.setattr(loops, "lrn", lambda *_: "the loops")
    with kernels.use("reference"):
        assert kernels.lrn(np.ones((1, 1, 1, 1)), 3, 1.0, 1.0, 1.0) == "the loops"  # type: ignore[comparison-overlap]


class OnGpu:
    """What the dispatcher looks at in a CuPy array."""

    dtype = np.dtype(np.float32)
    shape = (1, 1, 2, 2)
    ndim = 4

    def astype(self, *_: Any, **__: Any) -> OnGpu:
        return self


OnGpu.__module__ = "cupy._core.core"


def test_gpu_arrays_go_to_cupy_and_do_not_mix(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = types.SimpleNamespace(lrn=lambda *_: "the GPU")
    rungs = registry.rungs(registry.KERNELS["lrn"])
    monkeypatch.setitem(rungs._loaded, "cuda", gpu)
    assert kernels.lrn(OnGpu(), 3, 1.0, 1.0, 1.0) == "the GPU"  # type: ignore[arg-type, comparison-overlap]
    with pytest.raises(TypeError, match=r"conv2d: x on the GPU and w in main memory.*cupy\.asarray"):
        kernels.conv2d(OnGpu(), np.ones((1, 1, 1, 1)), None, (1, 1), (0, 0), (1, 1), 1)  # type: ignore[arg-type]


def test_array_module() -> None:
    assert kernels.array_module(np.ones(2)) is np
    assert kernels.array_module(3.0) is np


def test_every_kernel_of_the_contract_is_offered_by_all() -> None:
    for package in registry.operations():
        contract = importlib.import_module(f"{package}.contract")
        (protocol,) = (
            value
            for value in vars(contract).values()
            if getattr(value, "__module__", "") == contract.__name__ and isinstance(value, type)
        )
        stated = {name for name in vars(protocol) if not name.startswith("_")}
        assert stated == {name for name, home in registry.KERNELS.items() if home == package}
        homes = [kernels, *(registry.rungs(package)[rung] for rung in ("reference", "numpy"))]
        assert all(callable(getattr(home, name)) for home in homes for name in stated)


@pytest.mark.parametrize("name", ["numpy", "numba"])
def test_four_threads_get_the_answers_of_one(name: str) -> None:
    if name == "numba":
        pytest.importorskip("numba")
    calls = small_calls()
    wanted = [expected(call, np.float64) for call in calls]

    def work(turn: int) -> None:
        with using(name):
            for step in range(40):
                which = (turn + step) % len(calls)
                got = arrays(getattr(kernels, calls[which].kernel)(*calls[which].arguments(np.float64)))
                for ours, theirs in zip(got, wanted[which], strict=True):
                    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(work, turn) for turn in range(4)]:
            future.result()
