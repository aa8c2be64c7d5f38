"""Rung four: convolution as a matrix product without columns, or by Winograd's way, shared by threads.

Read `direct` first, then `product/numba_/tile`, then `winograd`. `choice` says which shape goes where.
"""

from .choice import conv2d, conv2d_dw, conv2d_dx

__all__ = ["conv2d", "conv2d_dw", "conv2d_dx"]
