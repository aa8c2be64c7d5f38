"""What is graded: every technique that explains a class by a map, found in the registry, and the baselines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, ShapeError, near
from minitorch_viz.grading.baselines import centre_map, edge_map, random_map
from minitorch_viz.grading.checks import need_map
from minitorch_viz.techniques.base import Technique, explainers, techniques
from minitorch_viz.techniques.explain.unit import Which
from minitorch_viz.techniques.options import option_words

if TYPE_CHECKING:
    from minitorch_viz.models import Model

Explain: TypeAlias = Callable[["Model", Array, int], Array]  # model, picture (H, W, 3) uint8, class -> heat (h, w)


@dataclass(frozen=True, eq=False)
class Method:
    """Describe one row of the table: a way to make a map for a class."""

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
    """Return the methods to grade on this model, baselines last.

    names: techniques to grade, each perhaps with settings: "lrp", "lrp:rule=epsilon,epsilon=0.01"; "all" stands for all
        that apply to the model; None is ["all"]. The baselines come along.
    Raises SettingError for a name or setting that is not there, with near names, or one that does not apply, with why.
    """
    if isinstance(names, str) or (names is not None and (not isinstance(names, Sequence) or not names)):
        raise SettingError(f"methods must be a list of at least one technique's name, but got {names!r}.")
    methods: dict[str, Method] = {}
    for name in ["all"] if names is None else names:
        if name == "all":
            methods |= {technique.name: method_of(technique) for technique in explainers(model).values()}
        elif name not in _baseline_names():
            methods[name] = _named(model, name)
    return [*methods.values(), *BASELINES]


def method_of(technique: Technique, name: str = "", settings: Mapping[str, Any] = MappingProxyType({})) -> Method:
    """Make a method of a technique, with the settings that it has for comparisons, or those given in their place."""
    chosen: dict[str, Any] = {**technique.in_comparison, **settings}
    words = [word for key, value in chosen.items() if key != "progress" for word in option_words(key, value)]
    if "progress" in technique.options:
        chosen["progress"] = False

    def explain(model: Model, image: Array, target: int) -> Array:
        heat = technique.compute(model, image, target=str(target), **chosen).heat
        if heat is None:
            raise ShapeError(f"{technique.name} gave no map (its result's heat is None), so there is nothing to grade.")
        return need_map(heat, f"the map of {technique.name}")

    return Method(name or technique.name, technique.title, technique.paper, explain, settings=" ".join(words))


def _named(model: Model, name: Any) -> Method:
    """Return the method that words name: "lrp:rule=epsilon"."""
    names = [technique.name for technique in techniques().values() if technique.explains]
    word, _, settings = name.partition(":") if isinstance(name, str) else (name, "", "")
    if word not in names:
        raise SettingError(
            f"{word!r} is no technique that explains a class by a map; {near(word, names, 'technique')}."
        )
    technique = techniques()[word]
    reason = technique.applies(model)
    if reason:
        raise SettingError(f"{word} does not apply to {model.name}: {reason}.")
    return method_of(technique, name, dict(_setting(technique, words) for words in settings.split(",") if ":" in name))


def _setting(technique: Technique, words: str) -> tuple[str, Any]:
    """Return a setting, "rule=epsilon" as ("rule", "epsilon"), in the type that the technique takes."""
    key, _, text = words.partition("=")
    key = key.strip().replace("-", "_")
    reserved = {*Which.__annotations__, "progress"}
    allowed = [name for name, option in technique.options.items() if name not in reserved and option.subject is None]
    if key not in allowed:
        raise SettingError(
            f"{technique.name} has no setting {key!r} to grade it with; {near(key, allowed, 'setting')}."
        )
    option = technique.options[key]
    values = {"true": True, "yes": True, "false": False, "no": False} if option.kind is bool else None
    try:
        value = text if option.kind is None else values[text.lower()] if values else option.kind(text)
    except (KeyError, ValueError):
        value = None
    if value is None or (option.choices and value not in option.choices):
        needed = ", ".join(option.choices or values or [getattr(option.kind, "__name__", "text")])
        raise SettingError(f"{technique.name}: {key} must be one of {needed}, but got {text!r}.")
    return key, value


def _baseline_names() -> list[str]:
    return [method.name for method in BASELINES]
