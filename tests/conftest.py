"""What all tests share: where the shared data lies, and how to run without Numba or CuPy."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

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
