"""Rung three: `loops.py` as it stands, through a compiler. The naive rung, for tests and timings; never chosen."""

from __future__ import annotations

from minitorch_viz_kernels.machine.naive import compile_loops

from . import loops

_compiled = compile_loops(loops)
maxpool2d = _compiled.maxpool2d
maxpool2d_dx = _compiled.maxpool2d_dx
avgpool2d = _compiled.avgpool2d
avgpool2d_dx = _compiled.avgpool2d_dx
