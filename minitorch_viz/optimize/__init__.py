"""The image as the parameter: what a picture that is made by optimization is built of.

One convention holds everywhere: a picture x is **pixel - mean**, (N, C, H, W) in steps of 0..255 (`units`). What a net
takes, x / std, is the last linear map before it. Read in this order:

    units             pixels, pictures and the net's own numbers
    maps              linear maps with their adjoints: separable ones, chains
    pyramid           half the size and back, levels of detail
    parametrizations  the numbers that are moved: pixels, Fourier coefficients, phases, a pyramid
    transforms        what is drawn anew in each step: jitter, scale, rotation, padding, crops, noise
    regularizers      penalties (value and gradient), and steps that change the picture or its gradient

Each folder is its own registry: `parametrizations()`, `transforms()`, `penalties()` list it, and tests come from these.
"""

from minitorch_viz.optimize.units import Units

__all__ = ["Units"]
