"""What natural pictures are like, as numbers: a user's own pictures at a size, and the spectrum that comes bundled.

reading   pictures of a folder or a data set as x, one at a time
radial    a spectrum as a curve over the frequency, which gives one of any size
mixture   a mixture of Gaussians over their patches
features  what a net gives for them, sorted
make      the command that writes `spectrum.json`, the bundled curve
"""

from minitorch_viz.optimize.natural.radial import bundled_spectrum
from minitorch_viz.optimize.natural.reading import as_x, read_pictures

__all__ = ["as_x", "bundled_spectrum", "read_pictures"]
