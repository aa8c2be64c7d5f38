"""Rung three: `loops.py` as it stands, through a compiler. The naive rung, for tests and timings; never chosen."""

from __future__ import annotations

from minitorch_viz_kernels.machine.naive import compile_loops

from . import loops

_compiled = compile_loops(loops)
lrn = _compiled.lrn
lrn_dx = _compiled.lrn_dx
batch_norm = _compiled.batch_norm
batch_norm_dx = _compiled.batch_norm_dx
layer_norm = _compiled.layer_norm
layer_norm_dx = _compiled.layer_norm_dx
