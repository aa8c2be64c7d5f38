"""Data sets that come with the libraries the package already needs."""

from minitorch_viz.data.digits import Split, load_digits

__all__ = ["Split", "load_digits"]
