"""Compile every kernel before it is needed: its machine code then comes from the cache, now and in later processes."""

from __future__ import annotations

import time

import numpy as np

from .threads import crew


def warmup() -> float:
    """Run each kernel of the current module once in float32 and float64; returns how many seconds it took.

    The first time on a machine, Numba's compiler takes most of them. Later calls are a matter of milliseconds.
    """
    import minitorch_viz_kernels as kernels

    start = time.perf_counter()
    if kernels.current() == "numba":
        from .numba_jit import announcer

        announcer.said = True  # who calls this knows
    one, none = (1, 1), (0, 0)
    for dtype in (np.float32, np.float64):
        x, w = np.ones((1, 16, 8, 8), dtype), np.ones((16, 16, 3, 3), dtype)
        for filters, padding, dilation, groups in (
            (w, one, one, 1),
            (w[:, :1], one, one, 16),
            (w[:, :, :1, :1], none, one, 1),
        ):
            size = (filters.shape[2], filters.shape[3])
            kernels.conv2d(x, filters, None, one, padding, dilation, groups)
            kernels.conv2d_dx(x, filters, (8, 8), one, padding, dilation, groups)
            kernels.conv2d_dw(x, x, size, one, padding, dilation, groups)
        y, won = kernels.maxpool2d(x, (2, 2), (2, 2), none, (4, 4))
        kernels.maxpool2d_dx(y, won, (8, 8))
        kernels.avgpool2d(x, (2, 2), (2, 2), none, (4, 4), True)
        kernels.avgpool2d_dx(y, (2, 2), (2, 2), none, (8, 8), True)
        y, scale = kernels.lrn(x, 5, 1e-4, 0.75, 1.0)
        kernels.lrn_dx(y, x, scale, 5, 1e-4, 0.75)
        y, on = kernels.relu(x)
        kernels.relu_dx(y, on)
        kernels.concat((kernels.add(x, x), x), 1)
        per_channel = np.ones(16, dtype)
        y, mean, var = kernels.batch_norm(x, per_channel, per_channel, 1e-5)
        kernels.batch_norm_dx(y, x, mean, var, per_channel, 1e-5)
        a, h0 = np.ones((32, 8), dtype), np.ones((2, 8), dtype)
        kernels.matmul(kernels.matmul(a, a.T.copy()).T, a)
        kernels.matmul(kernels.matmul(a[:1], a.T), a)
        h, c, i, f, g, o = kernels.lstm(np.ones((3, 2, 8), dtype), a, a, a[:, 0], h0, h0)
        kernels.lstm_dz(h, c, i, f, g, o, a, h0)
    many = np.ones((1, 16, 64, 64), np.float32)  # more tiles than one block: Winograd's other way
    kernels.conv2d(many, np.ones((16, 16, 3, 3), np.float32), None, one, one, one, 1)
    if kernels.current() == "numba":
        crew(np.inf)  # hires the helpers
    return time.perf_counter() - start
