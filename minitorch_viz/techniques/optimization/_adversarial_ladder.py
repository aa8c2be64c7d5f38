"""The ladder of attacks, from none to the strongest, and what each leaves right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.optimize.attacks import Aim, Attack, get_attack, get_loss, last

CLEAN, NOISE, FGSM, PGD, APGD, RESTARTS, FREE = range(7)  # the rungs, in order


class Rung(NamedTuple):
    """Hold one attack: what a table calls it, and how it is run; None: there is nothing to look for."""

    name: str
    attack: Attack | None


class Fall(NamedTuple):
    """Hold what an attack came to."""

    standing: Array  # (M,) bool: which answers are right after it
    pixels: Array  # (M, C, H, W): the pictures that it ends with


@dataclass(frozen=True)
class Ladder:
    """Make the rungs: `eps` in steps of 0..255 (L-infinity), `steps` of an attack, `restarts` of the strongest."""

    eps: float
    steps: int
    restarts: int
    classes: int  # fewest that one of the nets has

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """Return the attacks, the weakest first; the last one has no limit, and must fool every net."""
        pgd, eps, steps = get_attack("pgd"), self.eps, self.steps
        strongest = f"PGD, {self.restarts} start{'s' * (self.restarts > 1)}, margin"
        return (
            Rung("none", None),
            Rung("noise", None),
            Rung("FGSM", get_attack("fgsm")(eps=eps)),  # type: ignore[call-arg]  # settings of its own
            Rung("PGD", pgd(eps=eps, steps=steps)),  # type: ignore[call-arg]
            Rung("APGD", get_attack("apgd")(eps=eps, steps=steps)),  # type: ignore[call-arg]
            Rung(strongest, pgd(eps=eps, steps=steps, restarts=self.restarts, loss="margin")),  # type: ignore[call-arg]
            Rung("PGD, no limit", pgd(eps=255.0, steps=steps)),  # type: ignore[call-arg]
        )

    def fall(self, aim: Aim, pixels: Array, rung: int, seed: int) -> Fall:
        """Run one rung on pictures (M, C, H, W)."""
        attack = self.rungs[rung].attack
        if attack is not None:
            attempt = last(attack.attempts(aim, pixels, seed=seed))
            return Fall(~attempt.fooled, attempt.pixels)
        changed = noisy(pixels, self.eps, seed) if rung == NOISE else pixels
        return Fall(~aim.fooled(aim.logits(changed)), changed)


def noisy(pixels: Array, eps: float, seed: int) -> Array:
    """Return pictures with each value moved by eps up or down at random: as large a change as FGSM's."""
    signs = np.random.default_rng(seed).choice((-1.0, 1.0), pixels.shape)
    return np.clip(pixels + eps * signs, 0, 255)


def silent(aim: Aim, pixels: Array) -> Array:
    """Return for which pictures (M,) bool the gradient of the cross-entropy is 0 everywhere: it says no direction."""
    _, gradient, _ = aim.loss_and_gradient(pixels, get_loss("ce"))
    return np.asarray(~gradient.reshape(len(gradient), -1).any(axis=1))
