"""Further nets: those that a technique sets beside the first (`Technique.further_nets`), by name or as Models."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from minitorch_viz.errors import SettingError
from minitorch_viz.models.load import load_model

if TYPE_CHECKING:
    from minitorch_viz.models import Model


def named_net(name: str) -> Model:
    """Return the net that NAME, NAME=WEIGHTS or the file of one means."""
    net, _, weights = name.partition("=")
    return load_model(net.strip(), weights.strip() or None)


def further_nets(
    model: Model, nets: Any, technique: str, refuses: Callable[[Model], str | None], most: int, once: str
) -> tuple[Model, ...]:
    """Return the nets beside the first.

    nets: their names with commas between, each NAME, NAME=WEIGHTS or a file; "none" or None: no others; in Python also
    Models in a list. technique: what it is called. refuses: why it does not apply to a net. most: nets, the first
    among them. once: what is said of a net that is named twice.

    Raises SettingError where one is refused, is there twice, or there are too many.
    """
    if isinstance(nets, str):
        names = [name.strip() for name in nets.split(",") if name.strip()]
        others = [] if names == ["none"] else [named_net(name) for name in names]
    else:
        others = [] if nets is None else list(nets) if isinstance(nets, (list, tuple)) else [nets]
    if len(others) >= most:
        raise SettingError(f"At most {most} nets stand side by side, but {len(others) + 1} are named.")
    for place, other in enumerate(others):
        if not hasattr(other, "net"):
            raise SettingError(f"nets are names with commas between, or Models in a list, but one is {other!r:.60}.")
        if why := refuses(other):
            raise SettingError(f"{technique} does not apply to {other.name}: {why}.")
        if any(other.name == net.name and other.source == net.source for net in (model, *others[:place])):
            raise SettingError(f"{other.name} is named twice; {once}.")
    return tuple(others)
