"""`warmup` compiles everything: no kernel of the table compiles again after it."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import minitorch_viz_kernels as kernels
from minitorch_viz_kernels.machine import registry, warm_up
from tests.kernels.test_kernel_choice import run_python


def test_it_says_how_long_it_took() -> None:
    with kernels.use("numpy"):
        assert 0 < kernels.warmup() < 600


@pytest.mark.fresh
def test_nothing_compiles_after_it() -> None:
    pytest.importorskip("numba")
    code = """
import sys, time
import numpy as np, minitorch_viz_kernels as kernels
from numba.core import event
from tests.kernels.kernel_cases import CALLS
kernels.warmup()
compiled = []
class Listener(event.Listener):
    def on_start(self, which): compiled.append(str(which.data['dispatcher']))
    def on_end(self, which): pass
with event.install_listener('numba:compile', Listener()):
    for call in CALLS:
        for dtype in (np.float32, np.float64):
            getattr(kernels, call.kernel)(*call.arguments(dtype))
print(len(CALLS) > 100, sorted(set(compiled)))
"""
    assert run_python(code) == "True []"


FIRST_CALL = """
import os, sys, time
import numpy as np, minitorch_viz_kernels as kernels
from minitorch_viz_kernels.machine import compiling
compiling.announcer.patience = {patience}
sys.stderr = sys.stdout
x = np.ones((1, 1, 2, 2))
for _ in range(2):
    kernels.add(x, x)
    kernels.relu(x)
print("done")
"""


@pytest.mark.parametrize(("patience", "lines"), [(0.0, 1), pytest.param(1e6, 0, marks=pytest.mark.slow)])
def test_a_first_call_that_compiles_for_long_says_so_once(tmp_path: Path, patience: float, lines: int) -> None:
    pytest.importorskip("numba")
    kept = {"NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_BOUNDSCHECK": "0"}  # with bounds checks nothing is kept on disk
    said = run_python(FIRST_CALL.format(patience=patience), **kept).splitlines()
    assert said[-1] == "done"
    assert len(said) == lines + 1
    assert all("minitorch-viz warmup" in line for line in said[:-1])
    again = run_python(FIRST_CALL.format(patience=0.0), **kept).splitlines()
    assert again == ["done"]  # what is on disk is not compiled


COLD = """
import sys
import minitorch_viz_kernels as kernels
from numba.core import event
compiled = []
class Listener(event.Listener):
    def on_start(self, which): pass
    def on_end(self, which): compiled.append(which)
sys.stderr = sys.stdout
with event.install_listener('numba:compile', Listener()):
    {code}
print(len(compiled))
"""


@pytest.mark.nightly
def test_several_processes_fill_an_empty_cache(tmp_path: Path) -> None:
    """What they leave behind is whole: a later process compiles nothing."""
    pytest.importorskip("numba")
    kept = {"NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_BOUNDSCHECK": "0", "MINITORCH_VIZ_THREADS": "4"}
    assert run_python(COLD.format(code="kernels.warmup()"), **kept).isdigit()  # and nothing was said
    assert run_python(COLD.format(code="kernels.warmup()"), **kept) == "0"


TWO = """import numpy as np
    from minitorch_viz_kernels.machine import compiling, warm_up
    compiling.announcer.announced = True
    start = "import numpy as np, minitorch_viz_kernels as kernels; x = np.ones((1, 1, 2, 2)); "
    warm_up.CODE = start + "kernels.relu(x)  # {{}}"
    warm_up.run = lambda *_: exec(start + "kernels.add(x, x)")
    warm_up._compile_at_once([["add"], ["relu"]])
    exec(start + "kernels.add(x, x); kernels.relu(x)")"""


@pytest.mark.slow
def test_two_processes_fill_an_empty_cache_with_two_kernels(tmp_path: Path) -> None:
    """The same of two kernels, in a fraction of the time."""
    pytest.importorskip("numba")
    kept = {"NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_BOUNDSCHECK": "0", "MINITORCH_VIZ_THREADS": "4"}
    assert int(run_python(COLD.format(code=TWO), **kept)) > 0  # what the process that asked has compiled
    assert run_python(COLD.format(code=TWO), **kept) == "0"


CALLED = """
import gc
from numba.core.dispatcher import Dispatcher
from minitorch_viz_kernels.machine import warm_up
warm_up.run([{share!r}])
ready = [d for d in gc.get_objects() if isinstance(d, Dispatcher) and d.signatures and d.stats.cache_path]
print(*sorted({{f"{{d.py_func.__module__}}.{{d.py_func.__qualname__}}" for d in ready}}))
"""


@pytest.mark.fresh
def test_no_two_shares_compile_the_same_function() -> None:
    """Each function that is kept has an index of its own on disk, so two shares write different ones."""
    pytest.importorskip("numba")
    shares: dict[str, str] = {}
    for share in warm_up.shares():
        for name in run_python(CALLED.format(share=share), NUMBA_BOUNDSCHECK="0").split():
            # `wake` has one signature, and each process writes the same.
            assert name.endswith("parallel.wake") or shares.setdefault(name, share) == share
    assert len(shares) > 10


@pytest.mark.nightly
def test_no_two_shares_write_the_same_index(tmp_path: Path) -> None:
    pytest.importorskip("numba")
    files: dict[str, str] = {}

    def compile_alone(share: str) -> None:
        kept = {"NUMBA_CACHE_DIR": str(tmp_path / share), "NUMBA_BOUNDSCHECK": "0"}
        run_python(f"from minitorch_viz_kernels.machine import warm_up; warm_up.run(['{share}'])", **kept)

    with ThreadPoolExecutor(2) as processes:
        list(processes.map(compile_alone, warm_up.shares()))
    for share in warm_up.shares():
        for index in (tmp_path / share).rglob("*.nbi"):
            # `wake` has one signature, and each process writes the same.
            assert index.name.startswith("parallel.wake") or files.setdefault(index.name, share) == share
    assert len(files) > 10


def test_groups_take_about_as_long_as_each_other() -> None:
    assert sorted(name for group in warm_up._groups(warm_up.shares(), 2) for name in group) == sorted(warm_up.shares())
    times = [sum(warm_up.shares()[name][0] for name in group) for group in warm_up._groups(warm_up.shares(), 2)]
    assert max(times) < 1.2 * min(times)
    assert warm_up._groups(["maps"], 4) == [["maps"]]
    assert warm_up._groups([], 4) == []


def test_a_process_that_fails_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    warm_up._compile_at_once([[], ["a share that does not exist"]])
    assert "KeyError: 'a share that does not exist'" in capfd.readouterr().err


def test_processes_end_with_the_one_that_started_them(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    popen = subprocess.Popen

    def slow(_command: list[str], **settings: Any) -> Any:
        started.append(popen([sys.executable, "-c", "import time; time.sleep(60)"], **settings))
        return started[-1]

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(warm_up.subprocess, "Popen", slow)
    monkeypatch.setattr(warm_up, "run", interrupt)
    with pytest.raises(KeyboardInterrupt):
        warm_up._compile_at_once([["maps"], ["products"], ["winograd"]])
    assert [process.returncode is not None for process in started] == [True, True]


def test_each_call_is_told_once() -> None:
    """Where nothing is compiled, one after the other."""
    seen: list[tuple[int, int]] = []
    with kernels.use("numpy"):
        kernels.warmup(lambda done, total: seen.append((done, total)))
    total = seen[-1][1]
    assert seen == [(done, total) for done in range(1, total + 1)]
    assert total > 2 * len(registry.KERNELS) - 2


@pytest.mark.fresh
def test_what_other_processes_compile_is_told_too(capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("numba")
    told: list[None] = []
    warm_up._compile_at_once([["products"], ["maps"]], lambda: told.append(None))
    alone: list[None] = []
    warm_up.run(["products", "maps"], lambda: alone.append(None))
    assert len(told) == len(alone) > 20
    assert "failed" not in capfd.readouterr().err
