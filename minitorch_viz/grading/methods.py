"""What is graded: every technique that explains a class by a map, found in the registry, and the baselines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, ShapeError, near
from minitorch_viz.grading.baselines import centre_map, edge_map, random_map
from minitorch_viz.grading.checks import need_map
from minitorch_viz.techniques.base import Technique, explainers, techniques

if TYPE_CHECKING:
    from minitorch_viz.models import Model

Explain: TypeAlias = Callable[["Model", Array, int], Array]  # model, picture (H, W, 3) uint8, class -> heat (h, w)


@dataclass(frozen=True, eq=False)
class Method:
    """One row of the table: a way to make a map for a class."""

    name: str  # "grad-cam"
    title: str  # in plain words
    paper: str
    explain: Explain
    baseline: bool = False  # it knows nothing of the net
    settings: str = ""  # those that differ from the technique's defaults, as on the command line


BASELINES = (
    Method("random", "Random map: noise", "baseline", random_map, baseline=True),
    Method("centre", "Centred Gaussian: the middle of the picture", "baseline", centre_map, baseline=True),
    Method("edges", "Edge detector: Sobel", "baseline; Adebayo et al. 2018", edge_map, baseline=True),
)


def find_methods(model: Model, names: Sequence[str] | None = None) -> list[Method]:
    """The methods to grade on this model, baselines last.

    names: techniques to grade (the baselines come along); None: all that apply to the model.
    Raises SettingError for a name that is no such technique, with near names, or one that does not apply, with why.
    """
    if names is None:
        chosen = list(explainers(model).values())
    elif isinstance(names, str) or not isinstance(names, Sequence) or not names:
        raise SettingError(f"methods must be a list of at least one technique's name, but got {names!r}.")
    else:
        chosen = [_explainer(model, name) for name in dict.fromkeys(names) if name not in _baseline_names()]
    return [*(method_of(technique) for technique in chosen), *BASELINES]


def method_of(technique: Technique) -> Method:
    """A technique as a method, with the settings that it has for comparisons."""
    settings: dict[str, Any] = dict(technique.in_comparison)
    words = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in settings.items() if name != "progress")
    if "progress" in technique.options:
        settings["progress"] = False

    def explain(model: Model, image: Array, target: int) -> Array:
        heat = technique.compute(model, image, target=str(target), **settings).heat
        if heat is None:
            raise ShapeError(f"{technique.name} gave no map (its result's heat is None), so there is nothing to grade.")
        return need_map(heat, f"the map of {technique.name}")

    return Method(technique.name, technique.title, technique.paper, explain, settings=words)


def _explainer(model: Model, name: Any) -> Technique:
    known = [one.name for one in techniques().values() if one.explains]
    if name not in known:
        raise SettingError(
            f"{name!r} is no technique that explains a class by a map; {near(name, known, 'technique')}."
        )
    technique = techniques()[name]
    reason = technique.applies(model)
    if reason:
        raise SettingError(f"{name} does not apply to {model.name}: {reason}.")
    return technique


def _baseline_names() -> list[str]:
    return [method.name for method in BASELINES]
