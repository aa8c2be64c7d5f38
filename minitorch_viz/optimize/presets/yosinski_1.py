"""Yosinski et al. 2015, row 1 of the table."""

from minitorch_viz.optimize.presets._yosinski import yosinski

PRESET = yosinski(1)
