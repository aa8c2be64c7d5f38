"""What all tests share: where the shared data lies, and how to run without Numba or CuPy."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import minitorch_viz_kernels as kernels
from tests import cupy_stand_in

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--block",
        default="",
        metavar="NAMES",
        help="modules that are to look uninstalled, with commas between them: --block numba,cupy",
    )


def pytest_configure(config: pytest.Config) -> None:
    for name in filter(None, config.getoption("--block").split(",")):
        sys.modules[name] = None  # type: ignore[assignment]  # this is how Python marks a module that cannot be imported


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real photos and pretrained weights; the test is skipped where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs the folder ../shared/data with real photos and weights")
    return SHARED_DATA


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def _stand_in(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    if shutil.which("g++") is None:
        pytest.skip("needs g++ to run CUDA text on the CPU")
    return cupy_stand_in.module(tmp_path_factory.mktemp("cuda"))


@pytest.fixture(params=["stand-in", pytest.param("real", marks=pytest.mark.gpu)])
def cuda(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """ "cuda" is CuPy's stand-in, or CuPy itself where there is a GPU."""
    if request.param == "real":
        cupy = pytest.importorskip("cupy")
        if not cupy.cuda.is_available():
            pytest.skip("needs a GPU")
    else:
        monkeypatch.setitem(sys.modules, "cupy", request.getfixturevalue("_stand_in"))
    forget_gpu_modules()
    yield
    forget_gpu_modules()


def forget_gpu_modules() -> None:
    """Let the next kernel import `cupy_` and what belongs to it anew, on the `cupy` of the moment."""
    kernels._gpu_module.cache_clear()
    for name in [name for name in sys.modules if name.startswith("minitorch_viz_kernels.cupy_")]:
        del sys.modules[name]
        vars(kernels).pop(name.rpartition(".")[2], None)
