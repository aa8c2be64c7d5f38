"""A small atlas, made once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from minitorch_viz import load_model
from minitorch_viz.atlas import make
from minitorch_viz.data import load_digits

COUNT = 48  # pictures


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Path:
    """The folder of an atlas of two layers of the digits net."""
    folder = tmp_path_factory.mktemp("atlas")
    make.make_atlas(load_model("digits"), load_digits()[1][:COUNT], folder, ["relu3", "relu1"], progress=False)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(made, tmp_path / "atlas"))
