"""Machine code is kept in a folder that can be written, and the announcement says truly how long."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from minitorch_viz_kernels.machine.cache_folder import temporary_folder

posix = pytest.mark.skipif(os.name != "posix", reason="rights and owners are POSIX's")
ROOT = Path(__file__).parents[2]
SAYS = """
import shutil, sys
shutil.copytree({source!r}, {copy!r}, ignore=shutil.ignore_patterns("__pycache__"))
(__import__("pathlib").Path({copy!r}) / "machine" / "__pycache__").touch()  # a file where the folder would be
sys.path.insert(0, {folder!r})
from minitorch_viz_kernels.machine import cache_folder
assert cache_folder.__file__.startswith({folder!r})
cache_folder.prepare()
print(cache_folder.how_often())
"""


@posix
def test_the_temporary_folder_is_the_users_alone(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = temporary_folder("numba")
    assert folder == tmp_path / f"minitorch_viz-{os.getuid()}" / "numba"
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    assert temporary_folder("numba") == folder


@posix
@pytest.mark.parametrize("trap", ["others may write", "a link", "a file", "no folder above", "read-only"])
def test_a_folder_that_others_could_have_filled_is_refused(trap: str, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    own = tmp_path / f"minitorch_viz-{os.getuid()}"
    if trap == "others may write":
        own.mkdir()
        own.chmod(0o777)
    elif trap == "a link":
        (tmp_path / "elsewhere").mkdir()
        own.symlink_to(tmp_path / "elsewhere")
    elif trap == "a file":
        own.touch()
    elif trap == "no folder above":
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    else:
        monkeypatch.setattr("tempfile.tempdir", "/proc/self")
    assert temporary_folder("numba") is None


@posix
@pytest.mark.fresh
@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({}, "and keeping them in {tmp}/minitorch_viz-{user}/numba"),
        ({"NUMBA_CACHE_DIR": "{tmp}/mine"}, "once on this machine"),
        ({"XDG_CACHE_HOME": "{tmp}/cache"}, "once on this machine"),
        ({"TMPDIR": "{tmp}/empty"}, "in every process anew: no folder"),
        ({"NUMBA_CACHE_DIR": "/proc/none"}, "and keeping them in {tmp}/minitorch_viz-{user}/numba"),
    ],
    ids=[
        "nothing can be written",
        "a folder named",
        "a cache of the user's",
        "no folder at all",
        "a wrong folder named",
    ],
)
def test_it_says_how_long_the_code_is_kept(variables: dict[str, str], says: str, tmp_path) -> None:
    pytest.importorskip("numba")
    if "empty" in variables.get("TMPDIR", ""):
        (tmp_path / "empty").mkdir()
        (tmp_path / "empty" / f"minitorch_viz-{os.getuid()}").touch()
    fill = lambda text: text.format(tmp=tmp_path, user=os.getuid())
    source = ROOT / "kernels" / "minitorch_viz_kernels"
    copy = tmp_path / "copy" / "minitorch_viz_kernels"
    done = subprocess.run(
        [sys.executable, "-c", SAYS.format(source=str(source), copy=str(copy), folder=str(copy.parent))],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": "/proc/none", "TMPDIR": str(tmp_path)}
        | {name: fill(value) for name, value in variables.items()},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(fill(says))
