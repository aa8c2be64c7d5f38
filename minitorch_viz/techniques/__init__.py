"""The techniques, one file each, in the lecture's families: weights, activations, gradients."""

from minitorch_viz.techniques.base import Result, Technique, get_technique, techniques

__all__ = ["Result", "Technique", "get_technique", "techniques"]
