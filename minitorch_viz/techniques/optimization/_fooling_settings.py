"""What a user asks of an attack, checked, in words: which one, how much it may change, and towards which class."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.models.classes import find_class
from minitorch_viz.models.scores import Labels, YesNo
from minitorch_viz.optimize.attacks import Aim, Attack, Box, aim_at, attacks, get_attack
from minitorch_viz.optimize.attacks.growing import doubled
from minitorch_viz.optimize.attacks.losses import cross_entropy
from minitorch_viz.optimize.attacks.norms import need_eps, need_fitting_eps, remark_on

if TYPE_CHECKING:
    from minitorch_viz.models import Model

SURE = 0.99  # how probable a class must be for noise to count as taken for it


class Means(NamedTuple):
    """Hold how something is attacked."""

    attack: Attack
    tried: tuple[float, ...]  # each eps that is tried until one is enough; empty where it is given, or none is needed
    sure: float  # how probable the answer must be for a larger eps not to be tried


def means_of(
    name: str,
    norm: str | None,
    eps: float | None,
    steps: int | None,
    restarts: int,
    box: Box,
    values: int,
    from_noise: bool,
) -> Means:
    """Return the attack that the settings mean, of so many values; SettingError where it has no such setting."""
    cls = get_attack(name)
    settings = {field.name: field for field in dataclasses.fields(cls)}
    chosen: dict[str, object] = {}
    if norm is not None:
        chosen["norm"] = norm
    if eps is not None:
        if "eps" not in settings:
            others = ", ".join(other for other, kind in attacks().items() if _has(kind, "eps"))
            raise SettingError(
                f"{name} takes no eps: {_instead(cls)}. Leave eps out, or take an attack that stays within one: "
                f"{others}."
            )
        chosen["eps"] = need_eps(eps)
        if eps == 0:
            raise SettingError("An eps of 0 allows no change at all; give one above 0.")
    if steps is not None:
        chosen["steps"] = need_whole("number of steps", steps, 1, 100_000)
        if "steps" not in settings:
            raise SettingError(f"{name} takes no number of steps: {_instead(cls)}. Leave steps out.")
    if need_whole("number of restarts", restarts, 1, 100_000) > 1:
        chosen["restarts"] = restarts
        if "restarts" not in settings:
            others = ", ".join(other for other, kind in attacks().items() if _has(kind, "restarts"))
            raise SettingError(f"{name} begins once; leave restarts out, or take {others}.")
    attack = cls(**chosen)
    if eps is not None:
        need_fitting_eps(float(eps), attack.norm, values, box.span)
    if from_noise and cls.one_for_all:
        raise SettingError(f"{name} makes one change for all pictures, and noise is none; leave start out.")
    searched = eps is None and "eps" in settings and cls.kind == "fixed eps" and not cls.one_for_all
    return Means(attack, doubled(box, attack.norm, values) if searched else (), SURE if from_noise else 0.0)


def _has(attack: type[Attack], name: str) -> bool:
    return any(field.name == name for field in dataclasses.fields(attack))


def _instead(attack: type[Attack]) -> str:
    words = {"smallest change": "it looks for the smallest change that fools", "fixed area": "it covers a part"}
    return words.get(attack.kind, "it makes one step")


def aim_of(model: Model, x: Array, target: str | int | None, others: Array | None = None) -> tuple[Aim, Array]:
    """Return the aim at an input x (1, ...), towards a class or away from the answer, and its values.

    others: (N, ...), which lie within the bounds, too. Raises SettingError for a class that there is not, or that is
    the answer already.
    """
    box = Box.of(model, x if others is None else np.concatenate([x, others]))
    aim, pixels = aim_at(model, x, box=box)
    if target is None:
        return aim, pixels
    return aim_at(model, x, targets=class_meant(aim, target), box=aim.box)


def noise_of(aim: Aim, pixels: Array, target: str | int | None, seed: int) -> tuple[Aim, Array]:
    """Return the aim at noise of the same shape, each value anywhere in the box: by default at the photo's answer.

    That noise may be taken for the target already, and become more surely so.
    """
    noise = np.random.default_rng([seed, 1]).uniform(aim.box.low, aim.box.high, pixels.shape)
    wanted = aim.labels if target is None else np.full(len(pixels), class_meant(aim, target))
    answers = aim.logits(noise).argmax(axis=1)
    return dataclasses.replace(aim, labels=answers, targets=wanted), noise


def class_meant(aim: Aim, target: str | int) -> int:
    """Return the number of a class by number, name or part of a name; of a net that says yes or no also "not NAME"."""
    if isinstance(aim.model.scores, YesNo):
        return find_class(target, aim.classes, aim.model.name)
    return aim.model.class_index(target)


def remarks(means: Means, aim: Aim, pixels: Array) -> tuple[str, ...]:
    """Return what is to be known of an attack of pixels (1, ...), whatever comes out."""
    attack, box, sentences = means.attack, aim.box, []
    eps = getattr(attack, "eps", None)
    if box.pictures and eps is not None and not means.tried:
        sentences.append(remark_on(eps, attack.norm, pixels[0].size))
    if not box.pictures:
        sentences.append(f"{box.words[0].upper()}{box.words[1:]}, and sizes are in these units.")
    if isinstance(aim.model.scores, Labels) and not isinstance(aim.model.scores, YesNo):
        sentences.append(
            f"{aim.model.name} gives labels beside one another; fooled means here that another one is the most "
            "probable."
        )
    if not aim.loss_and_gradient(pixels, cross_entropy)[1].any():
        sentences.append("The gradient is exactly 0 where the attack begins: what follows it can move by chance only.")
    return (*filter(None, sentences), *filter(None, [attack.trait]))
