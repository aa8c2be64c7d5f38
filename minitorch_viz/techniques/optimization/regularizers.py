"""Regularizers: one unit by every preset on one page, and how far each picture is to be believed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.optimize.presets import Preset, get_preset
from minitorch_viz.optimize.presets import presets as all_presets
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.optimization._climb import size_of
from minitorch_viz.techniques.optimization._regularizers_making import going_on, nothing_yet, with_preset
from minitorch_viz.techniques.optimization._regularizers_natural import nature_of
from minitorch_viz.techniques.optimization._regularizers_result import Regularizers
from minitorch_viz.techniques.optimization._regularizers_unit import unit_of
from minitorch_viz.techniques.optimization._targets import takes_pictures
from minitorch_viz.techniques.run import looping
from minitorch_viz.techniques.state import State
from minitorch_viz.techniques.subject import NOTHING, Pictures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

STEPS = 100  # of each preset at most, where no other number is asked for; of small pictures fewer


@looping("preset")
def regularizers(
    model: Model,
    *,
    target: str | int | None = None,
    node: str | None = None,
    channel: int | None = None,
    presets: str | None = None,
    seeds: int = 2,
    steps: int | None = None,
    pictures: Pictures | None = None,
    seed: int = 0,
    state: State | None = None,
) -> Iterator[Regularizers]:
    """Make the picture of one unit by every published preset, and measure how far each is to be believed.

    The table holds each preset with its year and family, its picture, the score, the slope of the spectrum, how far
    seeds differ, seconds, and the trust score: at each layer, how like natural pictures of the class the net finds it.
    The natural patches that excite the unit most stand beside. The net scenes_liar has planted units of which the
    truth is known: --model scenes_liar shows which presets a unit can fool.

    Args:
        target: the class, by number or name; by default the first, of scenes_liar the unit that lies
        node: a unit of this node instead of a class
        channel: the unit's channel
        presets: their names, with commas between; by default all
        seeds: pictures of each preset; they differ in noise and transforms
        steps: of each preset at most; its stages in proportion; by default 100, of small pictures fewer
        pictures: a folder or data set of natural pictures; of ImageNet classes are pooled where photos are few
        seed: the first one

    Returns Regularizers with pixels (P, S, h, w, C) and what was measured. state= goes on from a result's, preset by
    preset. Raises SettingError for an unknown class, channel or preset.

    Paper: Geirhos et al. 2024; Borowski et al. 2020; Olah, Mordvintsev, Schubert 2017.
    """
    ways = _chosen(presets)
    need_whole("number of seeds", seeds, 1, 20)
    steps = need_whole("steps", _steps_of(model) if steps is None else steps, 1, 100_000)
    need_whole("seed", seed, 0)
    unit = unit_of(model, target, node, channel)
    nature = nature_of(model, unit, pictures)
    frame = nothing_yet(model, unit, ways, nature, seeds, steps)
    if state is not None:
        frame = going_on(frame, state)
    if frame.done == frame.total:
        yield frame
    for place in range(frame.done, len(ways)):
        frame = with_preset(frame, model, unit, ways[place], nature, place, seed)
        yield frame


def _steps_of(model: Model) -> int:
    """Return how many steps are taken at most: fewer for small pictures, which are soon done."""
    return max(8, min(STEPS, 2 * min(size_of(model, None)) - 8))


def _chosen(names: str | None) -> list[Preset]:
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


def plot(result: Regularizers, figure: Figure) -> None:
    """Draw the table: a picture a preset with its numbers and its trust by layer, natural patches at the top."""
    from minitorch_viz.techniques.optimization._regularizers_figure import draw

    draw(result, figure)


def example() -> Regularizers:
    """Compare three presets on a class of the bundled net for digits."""
    from minitorch_viz.models import load_model

    return regularizers(load_model("digits"), presets="simonyan,oygard,lucid", steps=16)


TECHNIQUE = Technique(
    name="regularizers",
    compute=regularizers,
    plot=plot,
    title="Regularizers: one unit by every preset, and how far to believe it",
    paper="Geirhos et al. 2024",
    example=example,
    pages=(".html",),
    applies=takes_pictures,
    subject=NOTHING,
    level=80,
    budget=120.0,
    in_comparison={"presets": "none", "seeds": 1, "steps": 2},
)
