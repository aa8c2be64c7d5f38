"""An edited source file never runs old machine code: the cache's stamp is of all sources of the kernels."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SOURCES = Path(__file__).parents[2] / "kernels" / "minitorch_viz_kernels"
CALL = """
import numpy as np
import minitorch_viz_kernels as kernels
from numba.core import event
compiled = []
class Listener(event.Listener):
    def on_start(self, which): compiled.append(which)
    def on_end(self, which): pass
with event.install_listener("numba:compile", Listener()):
    {code}
print(answer, bool(compiled))
"""
# A kernel that calls a function of another file.
CALLER = """
from minitorch_viz_kernels.machine.compiling import compiled
from minitorch_viz_kernels.machine.part import part

@compiled
def whole(x):
    return part(x) + 1
"""
PART = """
from minitorch_viz_kernels.machine.compiling import inner

@inner
def part(x):
    return {factor} * x
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the kernels' sources that may be edited."""
    pytest.importorskip("numba")
    target = tmp_path / "sources" / SOURCES.name
    shutil.copytree(SOURCES, target, ignore=shutil.ignore_patterns("__pycache__"))
    return target


def run(copy: Path, code: str) -> str:
    """Run the copy in a new process, with one folder for machine code."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CALL.format(code=code)],
        env={
            **os.environ,
            "PYTHONPATH": str(copy.parent),
            "NUMBA_CACHE_DIR": str(copy.parents[1] / "cache"),
            # Python takes a source of the same size, changed within the same second, for unchanged.
            "PYTHONDONTWRITEBYTECODE": "1",
            "NUMBA_BOUNDSCHECK": "0",  # under bounds checking nothing is kept
            "MINITORCH_VIZ_THREADS": "1",
        },
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_this_numba_keeps_its_stamp_where_it_is_looked_for() -> None:
    numba = pytest.importorskip("numba")
    from minitorch_viz_kernels.machine import stamp

    def one(x: float) -> float:
        return x

    dispatcher = numba.njit(cache=True)(one)
    assert stamp.put_stamp(dispatcher), (
        f"Numba {numba.__version__} keeps the stamp of a cached function elsewhere than in "
        "_cache._cache_file._source_stamp; "
        "with it no machine code is kept on disk, until machine/stamp.py knows where."
    )
    assert dispatcher._cache._cache_file._source_stamp == stamp.sources_hash()
    assert not stamp.put_stamp(object())


def test_a_numba_that_keeps_it_elsewhere_keeps_no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    from minitorch_viz_kernels.machine import compiling

    monkeypatch.delenv("NUMBA_BOUNDSCHECK", raising=False)
    monkeypatch.setattr(compiling, "put_stamp", lambda dispatcher: False)

    @compiling.compiled
    def one(x: float) -> float:
        return x

    assert getattr(getattr(one, "stats", None), "cache_path", None) is None


def test_an_edited_part_in_another_file_is_compiled_anew(copy: Path) -> None:
    (copy / "machine" / "part.py").write_text(PART.format(factor=2))
    (copy / "machine" / "caller.py").write_text(CALLER)
    code = "from minitorch_viz_kernels.machine.caller import whole; answer = whole(10.0)"
    assert run(copy, code) == "21.0 True"
    (copy / "machine" / "part.py").write_text(PART.format(factor=5))
    assert run(copy, code) == "51.0 True"  # the old folder, the new answer
    for name in ("part.py", "caller.py"):
        os.utime(copy / "machine" / name)
    assert run(copy, code) == "51.0 False"  # from disk: the files were only touched


@pytest.mark.slow
def test_an_edited_part_of_a_kernel_is_compiled_anew(copy: Path) -> None:
    """Max pooling calls `window_maxima.py`: windows of one pixel give the pixel, -inf once it keeps the weaker one."""
    code = "answer = kernels.maxpool2d(np.full((1, 1, 2, 2), 7.0), (1, 1), (1, 1), (0, 0), (2, 2))[0].max()"
    assert run(copy, code) == f"{np.float64(7)} True"
    assert run(copy, code) == f"{np.float64(7)} False"
    path = copy / "pooling" / "numba_" / "window_maxima.py"
    text = path.read_text()
    assert "builder.select(wins, value, before)" in text
    path.write_text(text.replace("builder.select(wins, value, before)", "builder.select(wins, before, value)"))
    assert run(copy, code) == f"{-np.inf} True"
