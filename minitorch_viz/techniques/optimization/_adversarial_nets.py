"""The nets that are attacked side by side, and how a picture made for one is shown to another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.models.catalog import list_models
from minitorch_viz.models.load import load_model
from minitorch_viz.models.readers.preprocessing import LUMA
from minitorch_viz.models.scores import Numbers
from minitorch_viz.models.spec import get_spec, specs
from minitorch_viz.optimize.resizing import resized
from minitorch_viz.techniques.explain.further_nets import further_nets
from minitorch_viz.techniques.optimization._targets import has_classes_of_pictures

if TYPE_CHECKING:
    from minitorch_viz.models import Model

MOST = 6  # nets


def can_be_attacked(model: Model) -> str | None:
    """Return why a net has no answer to a picture that could be another one, as a clause; None if it has."""
    why = has_classes_of_pictures(model)
    if why is None and isinstance(model.scores, Numbers):
        why = f"{model.name} gives plain numbers, and no class that could be another one"
    return why


def nets_meant(model: Model, nets: Any) -> tuple[Model, ...]:
    """Return the nets that are attacked, the first of them `model`.

    nets: the others, by their names with commas between, each NAME or NAME=WEIGHTS; in Python also Models in a list;
    None: the bundled ones that know the same classes and take the same pictures; "none": no others.
    Raises SettingError where one is no classifier of pictures, is there twice, or there are too many.
    """
    if nets is None:
        nets = [load_model(name) for name in bundled_beside(model)]
    once = "each net is attacked once, and shown the others' pictures"
    return (model, *further_nets(model, nets, "adversarial", can_be_attacked, MOST, once))


def bundled_beside(model: Model) -> list[str]:
    """Return the names of the package's other nets for the same classes and the same size of picture."""
    reader = model.preprocessing
    same = []
    for row in list_models():
        if not row.bundled or row.name == model.name:
            continue
        spec = get_spec(row.name)
        kind = (getattr(spec.reader, "size", None), getattr(spec.reader, "channels", None))
        if spec.classes == model.class_names and kind == (reader.size, reader.channels):
            same.append(row.name)
    return same[: MOST - 1] if model.name in specs() else []


def names_of(nets: Sequence[Model]) -> tuple[str, ...]:
    """Return what each net is called; of several with one name the later ones have a number."""
    names: list[str] = []
    for net in nets:
        count = sum(name == net.name or name.startswith(f"{net.name} (") for name in names)
        names.append(f"{net.name} ({count + 1})" if count else net.name)
    return tuple(names)


def shown_to(model: Model, pixels: Array) -> Array:
    """Return pictures (N, C, H, W), 0..255, as they come to another net: in its channels, and at its size.

    They are shown whole, whatever part of a photo the net looks at otherwise. Of its own kind they stay as they are.
    """
    reader = model.preprocessing
    if pixels.shape[1] != reader.channels:
        grey = np.tensordot(pixels, np.array(LUMA), axes=(1, 0))[:, None] if pixels.shape[1] == 3 else pixels
        pixels = grey if reader.channels == 1 else grey.repeat(reader.channels, axis=1)
    return pixels if reader.resize == "keep" else resized(pixels, reader.size)
