"""Training: optimizers and the loop."""

from minitorch_viz.training.adam import Adam
from minitorch_viz.training.fit import accuracy, fit

__all__ = ["Adam", "accuracy", "fit"]
