"""Rung four: the matrix product with blocks that fit the caches and tiles that fit the registers.

Read `tile` first, then `panels`; `few_rows` is the product that is limited by memory.
"""

from .panels import matmul

__all__ = ["matmul"]
