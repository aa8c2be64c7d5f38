"""A new kernel is its files and one line: then it is checked, compared with its loops on every rung, and warmed."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minitorch_viz_kernels as kernels
from minitorch_viz_kernels.machine import registry, warm_up
from tests.kernels.kernel_cases import KERNELS, calls_of

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "kernels" / "minitorch_viz_kernels"

GUIDE = ROOT / "docs" / "kernels.md"
WARMED = """
import numpy as np, minitorch_viz_kernels as kernels
from minitorch_viz_kernels.machine import registry, warm_up
from numba.core import event
warm_up.run(["squares"])
compiled = []
class Listener(event.Listener):
    def on_start(self, which): compiled.append(which)
    def on_end(self, which): pass
with event.install_listener("numba:compile", Listener()):
    answers = [kernels.square(np.full(2, 3, dtype)).tolist() for dtype in (np.float32, np.float64)]
print(answers, len(compiled), "square" in registry.KERNELS, [str(e) for e in registry.large_examples()][-1])
"""


@pytest.mark.slow
def test_a_new_kernel_is_its_files_and_one_line(tmp_path: Path) -> None:
    """The one of docs/kernels.md, in a copy: the generic tests of this folder see it without being told."""
    pytest.importorskip("numba")
    copy = tmp_path / PACKAGE.name
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    blocks = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (line,) = (block for block in blocks if block.startswith("from .squares"))
    files = {block.splitlines()[0].removeprefix("# "): block for block in blocks if block.startswith("# squares/")}
    assert len(files) == 8
    (copy / "squares").mkdir()
    for name, text in files.items():
        (copy / name).write_text(text)
    with (copy / "__init__.py").open("a") as file:
        file.write(line)
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}", "NUMBA_CACHE_DIR": str(tmp_path / "c")}
    tests = ["tests/kernels/test_kernel_parity.py", "tests/kernels/test_kernel_registry.py"]
    command = [sys.executable, "-m", "pytest", "-q", "-o", "pythonpath=", "-p", "no:cacheprovider", "-k", "square"]
    done = subprocess.run(
        [*command, "-rA", *tests], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    for seen in (
        *("[numpy-square]", "[numba-square]", "[cuda-square]", "test_the_compiled_loops_are_the_loops[square-float64]"),
        *("test_arrays_need_not_be_contiguous[numba-square]", "test_bad_arrays_are_refused[square]"),
    ):
        assert f"{seen}\n" in done.stdout, done.stdout
    warmed = subprocess.run(
        [sys.executable, "-c", WARMED], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert warmed.stdout == "[[9.0, 9.0], [9.0, 9.0]] 0 True square-large\n", warmed.stderr


def replaced(values: tuple[Any, ...], at: int, value: Any) -> tuple[Any, ...]:
    return (*values[:at], value, *values[at + 1 :])


@pytest.mark.parametrize("kernel", KERNELS)
def test_bad_arrays_are_refused(kernel: str) -> None:
    """Each array in turn as a list, and as whole numbers: refused in a sentence that begins with the kernel's name."""
    call = next(call for call in calls_of(kernel) if not call.name.startswith(("no-", "empty")))
    arguments = call.arguments(np.float64)
    refused = 0
    if isinstance(arguments[0], tuple):  # several arrays in one argument
        whole, *rest = arguments
        bad = [((whole[0].tolist(), *whole[1:]), *rest), ((whole[0].astype(int), *whole[1:]), *rest)]
    else:
        bad = []
        for at, value in enumerate(arguments):
            if isinstance(value, np.ndarray):
                bad.append(replaced(arguments, at, value.tolist()))
                if value.dtype == np.float64:
                    bad.append(replaced(arguments, at, value.astype(int)))
    for values in bad:
        with pytest.raises(TypeError, match=rf"^{kernel}: .*\.$"):
            getattr(kernels, kernel)(*values)
        refused += 1
    assert refused >= 2


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_kernel_has_examples_small_and_large_and_is_warmed(kernel: str) -> None:
    assert len(calls_of(kernel)) > 2
    assert any(call.kernel == kernel for call in registry.large_examples())
    assert callable(getattr(kernels, kernel))


def test_the_warm_up_calls_every_kernel() -> None:
    called = set()

    class Spy:
        def __getattr__(self, name: str) -> Any:
            called.add(name)
            return getattr(kernels, name)

    with kernels.use("numpy"):
        for _, calls in warm_up.shares().values():
            for call in calls:
                call(Spy(), np.float32)
    assert called == set(KERNELS)


def test_the_wheel_holds_every_package_and_all_cuda_text() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = set(config["options"]["packages"].split())
    folders = {path.parent.relative_to(PACKAGE.parent) for path in PACKAGE.rglob("*.py")}
    assert {".".join(folder.parts) for folder in folders} <= listed
    data = config["options.package_data"]
    for path in PACKAGE.rglob("*.cu"):
        package = ".".join(path.parent.relative_to(PACKAGE.parent).parts)
        assert any(path.match(pattern.strip()) for pattern in data[package].split(","))
