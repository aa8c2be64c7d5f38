"""A new layer is one file: exported, checked, kept in model files and known to the rules, without a line elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import minitorch_viz

LAYER = '''
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from minitorch_viz.layers.base import Layer, expect_floats
from minitorch_viz.layers.kind import Kind


@dataclass(frozen=True, eq=False, repr=False)
class Square(Layer):
    """Square each number: y = x * x. x of any shape -> y of the same shape."""

    kind: ClassVar[Kind] = Kind.GATES

    class Saved(NamedTuple):
        x: object  # the input

    def forward(self, x):
        expect_floats(self, x)
        return x * x, self.Saved(x)

    def backward(self, dy, saved):
        return 2 * dy * saved.x

    @classmethod
    def examples(cls, rng):
        return [(cls(), (rng.standard_normal((2, 3)),))]
'''
PROGRAM = """
import sys
import numpy as np
from minitorch_viz import Model, Net, load_model
from minitorch_viz.cli import main
from minitorch_viz.layers import Flatten, Linear, Square, __all__
from minitorch_viz.rules import lrp_rules

assert "Square" in __all__
assert main(["gradcheck", "Square"]) == 0
net = Net([("square", Square()), ("flat", Flatten()), ("fc", Linear(np.ones((2, 48))))])
back = load_model(Model.from_net(net, 4).save(sys.argv[1]))
x = np.random.default_rng(0).standard_normal((1, 3, 4, 4))
tape = back.net.forward(x)
np.testing.assert_array_equal(tape["square"], x * x)
share = back.net.backward(tape, {"fc": tape["fc"] * [[1, 0]]}, rules=lrp_rules(back.net, tape), crop=False)["input"]
np.testing.assert_allclose(share.sum(), tape["fc"][0, 0], rtol=1e-6)
print("known everywhere")
"""


def test_one_file_is_enough(tmp_path: Path) -> None:
    package = Path(minitorch_viz.__file__).parent
    copy = tmp_path / "minitorch_viz"
    for folder in (package, *(path for path in package.rglob("*") if path.is_dir())):
        place = copy / folder.relative_to(package)
        if "__pycache__" not in folder.parts:
            place.mkdir()
            for file in folder.glob("*.py"):
                shutil.copy(file, place)
    (copy / "layers" / "square.py").write_text(LAYER, encoding="utf-8")
    paths = os.pathsep.join([str(tmp_path), str(package.parent / "kernels")])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "mine.safetensors")],
        env={**os.environ, "PYTHONPATH": paths, "MINITORCH_VIZ_KERNELS": "numpy"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("known everywhere\n")
