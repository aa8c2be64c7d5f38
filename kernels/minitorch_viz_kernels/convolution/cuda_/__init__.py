"""Rung five: convolution on a GPU, by columns or Winograd's way. `columns.py` chooses."""

from .columns import conv2d, conv2d_dw, conv2d_dx

__all__ = ["conv2d", "conv2d_dw", "conv2d_dx"]
