"""Drawing: arrays to colours with a stated scale, figures that fit their pictures, and files.

Matplotlib is imported where it is used.
"""

from minitorch_viz.drawing.files import figure_bytes, save_figure
from minitorch_viz.drawing.images import (
    show_blank,
    show_heat,
    show_image,
    show_magnitude,
    show_over,
    show_shares,
    show_signed,
)
from minitorch_viz.drawing.layout import (
    LABEL_SIZE,
    LINE,
    SIDE,
    TITLE_SIZE,
    colour_bar,
    panel_size,
    panels,
    proportions,
    title_width,
    wrapped,
)
from minitorch_viz.drawing.resize import resize
from minitorch_viz.drawing.scales import robust_max, signed_colour

__all__ = [
    "LABEL_SIZE",
    "LINE",
    "SIDE",
    "TITLE_SIZE",
    "colour_bar",
    "figure_bytes",
    "panel_size",
    "panels",
    "proportions",
    "resize",
    "robust_max",
    "save_figure",
    "show_blank",
    "show_heat",
    "show_image",
    "show_magnitude",
    "show_over",
    "show_shares",
    "show_signed",
    "signed_colour",
    "title_width",
    "wrapped",
]
