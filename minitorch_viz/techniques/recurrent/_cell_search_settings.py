"""What the settings of a search mean: which hypotheses, and which nets beside the first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minitorch_viz.errors import SettingError, near
from minitorch_viz.models.load import load_model
from minitorch_viz.techniques.explain.reading import remembers
from minitorch_viz.techniques.recurrent.hypotheses import Hypothesis, hypotheses, hypothesis_in_file

if TYPE_CHECKING:
    from minitorch_viz.models import Model

MOST = 12  # nets
ALL = "all"


def hypotheses_meant(names: Any) -> list[Hypothesis]:
    """Return the hypotheses of names with commas between: those of the package, "all" of them, FILE.py:function.

    None: all. Raises SettingError for an unknown name, DataFileError for a file that is not there or fails.
    """
    if names is None:
        return list(hypotheses().values())
    words = [name.strip() for name in names.split(",") if name.strip()] if isinstance(names, str) else []
    if not words:
        raise SettingError(
            f"hypothesis names one or several with commas between, or FILE.py:function, but got {names!r:.40}."
        )
    meant: dict[str, Hypothesis] = {}
    for word in words:
        if word == ALL:
            meant |= hypotheses()
        elif ".py" in word:
            own = hypothesis_in_file(word)
            meant[own.name] = own
        elif word in hypotheses():
            meant[word] = hypotheses()[word]
        else:
            choices = near(word, [ALL, *hypotheses()])
            raise SettingError(f"There is no hypothesis {word!r}; {choices}; or FILE.py:function.")
    return list(meant.values())


def nets_meant(model: Model, nets: Any) -> tuple[Model, ...]:
    """Return the nets beside the first, by their names with commas between, or Models in a list.

    Raises SettingError where one has no cells, is there twice, or there are too many.
    """
    if nets is None:
        return ()
    if isinstance(nets, str):
        others = [_loaded(name.strip()) for name in nets.split(",") if name.strip() and name.strip() != "none"]
    else:
        others = list(nets) if isinstance(nets, (list, tuple)) else [nets]
    for place, other in enumerate(others):
        if not hasattr(other, "net"):
            raise SettingError(f"nets are names with commas between, or Models in a list, but one is {other!r:.60}.")
        if why := remembers(other):
            raise SettingError(f"cell-search does not apply to {other.name}: {why}.")
        if any(other.name == net.name and other.source == net.source for net in (model, *others[:place])):
            raise SettingError(f"{other.name} is named twice; each net is searched once.")
    if len(others) >= MOST:
        raise SettingError(f"At most {MOST} nets stand side by side, but {len(others) + 1} are named.")
    return tuple(others)


def _loaded(name: str) -> Model:
    """Return the net that NAME, NAME=WEIGHTS or FILE means."""
    net, _, weights = name.partition("=")
    return load_model(net.strip(), weights.strip() or None)
