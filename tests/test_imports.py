"""Imports run one way, and importing the package loads NumPy and nothing heavier."""

from __future__ import annotations

import ast
import configparser
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("numba", "cupy", "matplotlib", "scipy", "sklearn", "skimage", "PIL", "safetensors", "tqdm", "jinja2", "torch")

# Each part may import those before it (and itself), when its modules are loaded.
ORDER = [
    "ctrl_c",
    "errors",
    "_types",
    "progress",
    "boxes",
    "layers",
    "graph",
    "checks",
    "walk",
    "less_work",
    "nodes",
    "net",
    "rules",
    "objectives",
    "gradcheck",
    "io",
    "models",
    "drawing",
]
ORDER += [
    "data",
    "training",
    "optimize",
    "techniques",
    "report",
    "grading",
    "loss_surface",
    "atlas",
    "commands",
    "cli",
    "__main__",
]


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'kernels'}", "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_loads_numpy_and_nothing_heavier() -> None:
    loaded = run("import sys, minitorch_viz; print(*sys.modules)").split()
    assert "numpy" in loaded
    assert [name for name in HEAVY if name in loaded] == []


def test_building_the_command_line_loads_nothing_heavy() -> None:
    loaded = run("import sys, minitorch_viz.cli as c; c.parser(); print(*sys.modules)").split()
    assert [name for name in HEAVY if name in loaded] == []


def test_a_technique_is_imported_by_name_and_loads_no_other() -> None:
    """`import minitorch_viz.techniques` loads no technique; naming one loads its file and nothing heavy."""
    start = "import sys; import minitorch_viz.techniques as techniques; before = [*sys.modules]; "
    before, after = (
        part.split() for part in run(f"{start} techniques.grad_cam; print(*before, '|', *sys.modules)").split("|")
    )
    assert not [name for name in before if name.startswith("minitorch_viz.techniques.gradients")]
    assert "minitorch_viz.techniques.gradients.grad_cam" in after
    assert "minitorch_viz.techniques.gradients.lrp" not in after
    assert [name for name in HEAVY if name in after] == []


def test_kernels_know_nothing_of_layers() -> None:
    loaded = run("import sys, minitorch_viz_kernels; print(*sys.modules)").split()
    assert not [name for name in loaded if name == "minitorch_viz" or name.startswith("minitorch_viz.")]


@pytest.mark.parametrize("path", sorted((ROOT / "minitorch_viz").rglob("*.py")), ids=lambda p: p.stem)
def test_imports_run_one_way(path: Path) -> None:
    part = path.relative_to(ROOT / "minitorch_viz").with_suffix("").parts[0]
    if part == "__init__":
        return
    allowed = set(ORDER[: ORDER.index(part) + 1])
    for node in ast.parse(path.read_text(encoding="utf-8")).body:  # what is imported when the module is loaded
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("minitorch_viz."):
            assert node.module.split(".")[1] in allowed, f"{path.name} imports {node.module}"


def test_every_package_is_installed() -> None:
    """A folder that setup.cfg does not list is missing from the wheel, and from nothing else."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    listed = set(settings["options"]["packages"].split())
    files = [
        file.parent.relative_to(base)
        for base, name in ((ROOT, "minitorch_viz"), (ROOT / "kernels", "minitorch_viz_kernels"))
        for file in (base / name).rglob("__init__.py")
    ]
    packages = {".".join(folder.parts) for folder in files}
    assert packages <= listed
