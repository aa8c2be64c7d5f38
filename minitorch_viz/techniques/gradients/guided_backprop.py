"""Guided backpropagation: the crispest pictures of this family, and the least faithful ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

from minitorch_viz.rules.relu import relu_mode
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.explain.blank import why_blank
from minitorch_viz.techniques.explain.gates import gates_note, has_relus
from minitorch_viz.techniques.explain.maps import PixelMap, plot_map
from minitorch_viz.techniques.explain.signals import at_tape
from minitorch_viz.techniques.explain.start import start_any
from minitorch_viz.techniques.explain.unit import Which
from minitorch_viz.techniques.options import spelled_out

if TYPE_CHECKING:
    from minitorch_viz.models import Model


@dataclass(frozen=True, eq=False)
class GuidedMap(PixelMap):
    """Hold the guided signal at the pixels."""

    remark: str = ""  # what it is where not all gates on the way are ReLUs

    @property
    def notes(self) -> tuple[str, ...]:
        return super().notes + ((self.remark,) if self.remark else ())

    @property
    def _title(self) -> str:
        return "guided signal: red +, blue -"

    @property
    def caption(self) -> str:
        return (
            f"{self.explains} Guided backpropagation: at each ReLU only positive signals go back, and only through "
            f"units that fired. It is no gradient: look at another class before believing it. {self.legend}"
        )


@spelled_out
def guided_backprop(model: Model, image: Any, **choice: Unpack[Which]) -> GuidedMap:
    """Show the parts of the photo that raise a unit through units that all fired: sharp edges of what it looks for.

    The backward pass of the gradient, except that each ReLU lets a signal through only if the unit fired and the
    signal is positive (GELU, SiLU and Hardswish let it through as far as they are open). What speaks against the unit
    is left out, so the picture is clean; it is also nearly the same for every class, because the lower layers' gates
    decide it.

    Returns a GuidedMap with signal (C, h, w).
    Raises SettingError for an unknown class or channel, NetError for an unknown node, ImageFileError for a bad image.

    Paper: Springenberg et al. 2014.
    """
    seen, tape, unit, value, reading = start_any(model, image, **choice)
    rules = relu_mode("guided")
    signal = at_tape(model.net, tape, unit, rules)
    blank = why_blank(model, tape, unit, signal, rules)
    remark = gates_note(model.net, tape, ("guided",))
    return GuidedMap(
        signal, seen.picture, seen.pixel_aspect, unit.label, value, blank,
        reading=reading, remark=remark, photo=seen.area, given=seen.given,
    )  # fmt: skip


def example() -> GuidedMap:
    """Explain a digit of scikit-learn's, by the bundled net."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return guided_backprop(load_model("digits"), sample_digit())


TECHNIQUE = Technique(
    name="guided-backprop",
    compute=guided_backprop,
    plot=plot_map,
    title="Guided backpropagation: the edges of what a unit looks for",
    paper="Springenberg et al. 2014",
    example=example,
    chapter="pixels",
    level=30,
    applies=has_relus,
    explains=True,
    takes_numbers=True,
)
