"""A home folder of its own for every test, so that nothing kept there is seen or left behind."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("MINITORCH_VIZ_HOME", str(folder))
    return folder
