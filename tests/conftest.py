"""What all tests share: where the shared data lies, and how to run without Numba or CuPy."""

from __future__ import annotations

import importlib
import shutil
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from minitorch_viz_kernels.machine import registry
from tests import cupy_stand_in

# Techniques of which a run takes a second or more: what is tried of every technique is tried of these in one round.
LONG = {
    "regularizers", "multifaceted", "inversion", "style", "accentuate", "tsne", "unit", "dissection", "network",
    "tuning", "evolve", "adversarial", "errors", "cell-map", "cell-search",
}  # fmt: skip
SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--block",
        default="",
        metavar="NAMES",
        help="modules that are to look uninstalled, with commas between them: --block numba,cupy",
    )
    parser.addoption(
        "--require",
        default="",
        metavar="NAMES",
        help="modules that must be there; a test marked with such a name may not be skipped: --require torch,captum",
    )
    parser.addoption("--nightly", action="store_true", help="run what is marked nightly, too; -s shows its figures")


def pytest_configure(config: pytest.Config) -> None:
    for name in _names(config, "--block"):
        sys.modules[name] = None  # type: ignore[assignment]  # this is how Python marks a module that cannot be imported
    for name in _names(config, "--require"):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # of what it imports itself
                importlib.import_module(name)
        except ImportError as error:
            raise pytest.UsageError(f"--require {name}: it cannot be imported here: {error}.") from error


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the runs of long techniques slow; leave out what is marked nightly unless it is asked for."""
    for item in items:
        values = getattr(getattr(item, "callspec", None), "params", {}).values()
        names = {name for name in (getattr(value, "name", value) for value in values) if isinstance(name, str)}
        if names & LONG:
            item.add_marker(pytest.mark.slow)
    if config.getoption("--nightly"):
        return
    left_out = [item for item in items if item.get_closest_marker("nightly")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if not item.get_closest_marker("nightly")]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Turn the skip of a required comparison into a failure, unless only the shared data is absent."""
    report = yield
    marks = [name for name in _names(item.config, "--require") if item.get_closest_marker(name)]
    if marks and report.skipped and not hasattr(report, "wasxfail") and "shared/data" not in str(report.longrepr):
        report.outcome = "failed"
        report.longrepr = f"skipped, though --require names {marks[0]}: {report.longrepr}"
    return report


def _names(config: pytest.Config, option: str) -> list[str]:
    return [name for name in config.getoption(option).split(",") if name]


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
    """Let the next kernel import CUDA's rung and what belongs to it anew, on the `cupy` of the moment."""
    for package in registry.operations():
        registry.rungs(package).forget("cuda")
    for name in [name for name in sys.modules if name.startswith("minitorch_viz_kernels.")]:
        if ".cuda" in name:
            del sys.modules[name]
