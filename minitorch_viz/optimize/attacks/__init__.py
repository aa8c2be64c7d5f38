"""Attacks: small changes of a picture that make a net give another answer. The folder is the registry, one a file.

Read in this order:

    norms     how large a change is, and the largest that is allowed
    box       pixels from 0 to 255, and the way to what the net takes
    losses    how fooled a net is, with the gradient
    aim       the net, what is to go away, what is wanted
    attempt   where an attack stands
    gradient  the plainest attack; then fgsm, pgd, and the others

    aim, pixels = aim_at(model, model.read("bus.jpg"), targets=[model.class_index("ostrich")])
    attempt = last(Pgd(eps=2.0).attempts(aim, pixels))
"""

from __future__ import annotations

import functools
import sys

from minitorch_viz.errors import SettingError, near
from minitorch_viz.optimize.attacks.aim import Aim, aim_at, cannot_be_fooled
from minitorch_viz.optimize.attacks.attempt import Attempt, last
from minitorch_viz.optimize.attacks.base import Attack, name_of
from minitorch_viz.optimize.attacks.box import Box
from minitorch_viz.optimize.attacks.losses import LOSSES, get_loss
from minitorch_viz.optimize.attacks.norms import Norm, sizes
from minitorch_viz.optimize.listing import classes_of

__all__ = [
    "LOSSES",
    "Aim",
    "Attack",
    "Attempt",
    "Box",
    "Norm",
    "aim_at",
    "attacks",
    "cannot_be_fooled",
    "get_attack",
    "get_loss",
    "last",
    "sizes",
]


@functools.cache
def attacks() -> dict[str, type[Attack]]:
    """Return every attack by the name of its file, "one-pixel", in the order of their years."""
    by_name = {name_of(attack): attack for attack in classes_of(sys.modules[__name__], Attack).values()}
    return dict(sorted(by_name.items(), key=lambda item: (item[1].year, item[0])))


def get_attack(name: str) -> type[Attack]:
    """Return the attack called `name`; SettingError with near names if there is none."""
    if name not in attacks():
        raise SettingError(f"There is no attack {name!r}; {near(name, attacks(), 'attack')}.")
    return attacks()[name]
