"""Rung three: the kernels with their loops compiled by Numba, one idea a file.

Powers stay NumPy's, which has the faster ones. The loops release the GIL and start no threads themselves: `threads`
lets several Python threads run them at once. Read `numba_direct` first, then `numba_product`, `numba_winograd`.
"""

from __future__ import annotations

from .numba_batch_norm import batch_norm, batch_norm_dx
from .numba_conv import conv2d, conv2d_dw, conv2d_dx
from .numba_lrn import lrn, lrn_dx
from .numba_lstm import lstm, lstm_dz
from .numba_matmul import matmul
from .numba_pointwise import add, concat, relu, relu_dx
from .numba_pool import avgpool2d, avgpool2d_dx, maxpool2d, maxpool2d_dx

__all__ = [
    "add",
    "avgpool2d",
    "avgpool2d_dx",
    "batch_norm",
    "batch_norm_dx",
    "concat",
    "conv2d",
    "conv2d_dw",
    "conv2d_dx",
    "lrn",
    "lrn_dx",
    "lstm",
    "lstm_dz",
    "matmul",
    "maxpool2d",
    "maxpool2d_dx",
    "relu",
    "relu_dx",
]
