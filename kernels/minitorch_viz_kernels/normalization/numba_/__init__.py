"""Rung four: normalization with compiled loops, each number read from memory once, shared by threads."""

from .across_channels import lrn, lrn_dx
from .per_channel import batch_norm, batch_norm_dx
from .per_vector import layer_norm, layer_norm_dx

__all__ = ["batch_norm", "batch_norm_dx", "layer_norm", "layer_norm_dx", "lrn", "lrn_dx"]
