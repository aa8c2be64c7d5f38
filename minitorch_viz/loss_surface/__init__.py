"""The loss surface: do the minima that training finds end up equally good, and what does it look like around one?"""

from minitorch_viz.loss_surface.directions import filter_normalized, plane_of_path
from minitorch_viz.loss_surface.slices import Slice, slice_around
from minitorch_viz.loss_surface.surface import LossSurface, loss_surface

__all__ = ["LossSurface", "Slice", "filter_normalized", "loss_surface", "plane_of_path", "slice_around"]
