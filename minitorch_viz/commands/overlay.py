"""The option --overlay of the techniques that explain: the map over the photo, at the photo's full resolution."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minitorch_viz.drawing.overlay import NONNEGATIVE, OPAQUE, SIGNED, check_look
from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.techniques import Technique
from minitorch_viz.techniques.subject import PHOTO, given

if TYPE_CHECKING:
    from minitorch_viz.models import Model
    from minitorch_viz.techniques.base import Result
    from minitorch_viz.techniques.explain.view import PhotoResult


def add_overlay_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --overlay and how it looks."""
    words = "write the map over the photo at the photo's full resolution, one plain picture (.png), and no figure"
    parser.add_argument("--overlay", action="store_true", help=words)
    words = f"of --overlay: how opaque the map is, 0 to 1 (default: {OPAQUE})"
    parser.add_argument("--opacity", type=float, metavar="X", help=words)
    words = f"of --overlay: a colour map of Matplotlib's (default: {NONNEGATIVE}, of maps with signs {SIGNED})"
    parser.add_argument("--colormap", type=given, metavar="NAME", help=words)


def overlay_asked(arguments: argparse.Namespace) -> dict[str, Any] | None:
    """Return the settings of the overlay that is asked for, checked before the work; None for a figure."""
    chosen = {name: getattr(arguments, name, None) for name in ("opacity", "colormap")}
    settings = {name: value for name, value in chosen.items() if value is not None}
    if not getattr(arguments, "overlay", False):
        if settings:
            raise MinitorchVizError(
                f"--{next(iter(settings))} is a setting of --overlay; add --overlay, or leave it out."
            )
        return None
    check_look(**settings)
    return settings


def save_overlay(result: Result, model: Model, photo: Any, settings: dict[str, Any], out: Path) -> str:
    """Write a result's map over the photo in all its pixels, and return the scale in a few words.

    The file says itself what it shows: what is explained, and what the colours mean, are its text "Description".
    """
    from minitorch_viz.io.images import save_png

    reader = model.preprocessing
    tensor = reader.prepared(photo)
    if tensor is None:
        pixels = reader.load(photo)
        below = reader.area_seen(pixels, max(pixels.shape[:2]))
    else:
        below = reader.restore(tensor)
    shown = _of_photo(result).overlay(photo=below, **settings)
    told = f"{result.caption} {overlay_legend(result, settings)}"
    save_png(shown, out, {"Description": told}, level=2)
    return _of_photo(result).overlay_scale


def need_picture_for_overlay(model: Model) -> None:
    """Raise an error, before the work, for a net that looks at a row or a series: there is no photo below its map."""
    from minitorch_viz.techniques.explain.view import NO_OVERLAY
    from minitorch_viz.techniques.subject import reads_numbers

    if reads_numbers(model):
        raise MinitorchVizError(NO_OVERLAY)


def overlay_legend(result: Result, settings: dict[str, Any]) -> str:
    """Return what the colours of the overlay mean, and the scale."""
    return _of_photo(result).overlay_legend(settings.get("colormap"))


def has_overlay(technique: Technique) -> bool:
    """Return whether a technique's results are one map over one photo."""
    return technique.explains and technique.subject is PHOTO


def _of_photo(result: Result) -> PhotoResult:
    """Return the result of a technique that `has_overlay`."""
    from minitorch_viz.techniques.explain.view import PhotoResult

    assert isinstance(result, PhotoResult)  # a test over all techniques holds it
    return result
