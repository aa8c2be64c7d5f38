"""Rung three: `loops.py` as it stands, through a compiler. The naive rung, for tests and timings; never chosen."""

from __future__ import annotations

from minitorch_viz_kernels.machine.naive import compile_loops

from . import loops

_compiled = compile_loops(loops)
gelu = _compiled.gelu
gelu_dx = _compiled.gelu_dx
silu = _compiled.silu
silu_dx = _compiled.silu_dx
