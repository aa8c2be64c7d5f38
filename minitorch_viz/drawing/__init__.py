"""Drawing: arrays to colours with a stated scale, figures that fit their pictures, and files.

Matplotlib is imported where it is used.
"""

from minitorch_viz.drawing.files import figure_bytes, save_figure
from minitorch_viz.drawing.images import (
    BLACK,
    DARK,
    show_blank,
    show_heat,
    show_image,
    show_magnitude,
    show_over,
    show_photo,
    show_shares,
    show_signed,
    smoothing,
)
from minitorch_viz.drawing.layout import (
    BAR,
    GAP,
    PAD,
    SIDE,
    WIDTH,
    Sheet,
    axes_at,
    in_rows,
    panels,
    picture_size,
    proportions,
    start_charts,
    start_sheet,
)
from minitorch_viz.drawing.resize import resize
from minitorch_viz.drawing.scales import PALETTE, robust_max, signed_colour
from minitorch_viz.drawing.words import (
    HEAD_SIZE,
    LABEL_SIZE,
    NUMBER_SIZE,
    TITLE_SIZE,
    text_height,
    text_width,
    wrapped,
)

__all__ = [
    "BAR",
    "BLACK",
    "DARK",
    "GAP",
    "HEAD_SIZE",
    "LABEL_SIZE",
    "NUMBER_SIZE",
    "PAD",
    "PALETTE",
    "SIDE",
    "TITLE_SIZE",
    "WIDTH",
    "Sheet",
    "axes_at",
    "figure_bytes",
    "in_rows",
    "panels",
    "picture_size",
    "proportions",
    "resize",
    "robust_max",
    "save_figure",
    "show_blank",
    "show_heat",
    "show_image",
    "show_magnitude",
    "show_over",
    "show_photo",
    "show_shares",
    "show_signed",
    "signed_colour",
    "smoothing",
    "start_charts",
    "start_sheet",
    "text_height",
    "text_width",
    "wrapped",
]
