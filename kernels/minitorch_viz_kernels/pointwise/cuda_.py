"""Rung five: NumPy's functions work on CuPy's arrays, so rung two is this one too."""

from .numpy_ import add, concat, relu, relu_dx

__all__ = ["add", "concat", "relu", "relu_dx"]
