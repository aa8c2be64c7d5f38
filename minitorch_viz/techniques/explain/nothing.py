"""A net that looks at nothing: a forward pass that tells shapes, and what does not depend on the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.graph import Tape

if TYPE_CHECKING:
    from minitorch_viz.models import Model


def blank_input(model: Model) -> Array:
    """Return what the net takes for a picture of nothing (1, ...), where the net computes."""
    return kernels.to_device(model.reader().blank(model.dtype), model.net.device)


def blank_tape(model: Model, upto: str | tuple[str, ...] | None = None) -> Tape:
    """Return a forward pass of it as far as `upto`, with all that the net saved."""
    return model.net.forward(blank_input(model), upto=upto)
