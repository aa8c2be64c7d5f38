"""Rung four: pooling with compiled loops, for vectors of windows and several threads."""

from .average_pooling import avgpool2d, avgpool2d_dx
from .max_pooling import maxpool2d, maxpool2d_dx

__all__ = ["avgpool2d", "avgpool2d_dx", "maxpool2d", "maxpool2d_dx"]
