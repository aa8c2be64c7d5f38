"""What is asked for: which class or unit, by which presets, in how many steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minitorch_viz.errors import SettingError
from minitorch_viz.graph import channel_axis
from minitorch_viz.models.scenes_liar import LIAR, NODE
from minitorch_viz.objectives import Unit
from minitorch_viz.optimize.presets import Preset, get_preset
from minitorch_viz.optimize.presets import presets as all_presets
from minitorch_viz.techniques.explain.nothing import blank_tape
from minitorch_viz.techniques.explain.unit import resolve
from minitorch_viz.techniques.optimization._climb import size_of
from minitorch_viz.techniques.optimization._targets import SHOWN_CLASS

if TYPE_CHECKING:
    from minitorch_viz.models import Model

STEPS = 100  # of each preset at most, where no other number is asked for; of small pictures fewer


def unit_of(model: Model, target: str | int | None, node: str | None, channel: int | None) -> Unit:
    """Return the class or the unit that is meant; of maps the unit in the middle."""
    if target is None and node is None and model.name == "scenes_liar":
        node, channel = NODE, LIAR
    if node is None:
        if not model.logits:
            raise SettingError(f"{model.name} has no classes; name a unit with --node and --channel.")
        first = SHOWN_CLASS if len(model.class_names) == 1000 else 0
        return resolve(model, blank_tape(model, model.logits), target=first if target is None else target)
    if target is not None:
        raise SettingError(f"Give either a class (target={target!r}) or a node (node={node!r}), not both.")
    tape = blank_tape(model, node)
    shape, axis = tape[node].shape[1:], channel_axis(model.net.nodes, node)
    if len(shape) not in (1, 3) or axis != 1:
        raise SettingError(
            f"Node {node!r} gives an array of shape {shape}; name one of maps, or of one number a channel."
        )
    if channel is None or not 0 <= channel < shape[0]:
        raise SettingError(
            f"{node!r} has the channels 0 to {shape[0] - 1}, but got {channel}; give one with --channel."
        )
    position = (shape[1] // 2, shape[2] // 2) if len(shape) == 3 else ()
    if node == model.logits:
        return resolve(model, tape, target=channel)
    place = f" in the middle, row {position[0]}, column {position[1]}" if position else ""
    return Unit(node, (channel, *position), f"{node} channel {channel}{place}")


def steps_of(model: Model) -> int:
    """Return how many steps are taken at most: fewer for small pictures, which are soon done."""
    return max(8, min(STEPS, 2 * min(size_of(model, None)) - 8))


def chosen(names: str | None) -> list[Preset]:
    """Return the presets that are named, in the order of their years; without names all."""
    registry = all_presets()
    if names is None:
        return list(registry.values())
    asked = [name.strip() for name in names.split(",") if name.strip()]
    for name in asked:
        get_preset(name)  # SettingError with near names
    if not asked:
        raise SettingError("presets names none; give their names with commas between, or leave it out.")
    return [preset for name, preset in registry.items() if name in asked]
