"""What an attack's table says in sentences: what a defence costs and buys, and signs that a net only hides its slopes.

The signs are those of Athalye, Carlini and Wagner 2018: one step finds more than many, noise or another net's pictures
find more than the attack that knows the net, and an attack without limit does not find everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.techniques.optimization._adversarial_ladder import APGD, CLEAN, FGSM, FREE, NOISE, PGD, RESTARTS

if TYPE_CHECKING:
    from minitorch_viz.models import Model
    from minitorch_viz.techniques.optimization.adversarial import Attacked

CLEAR = 2.0  # standard deviations by which one count must be above another
FEW = 30  # pictures
PRICE = 0.05  # of a share, that is worth a sentence


def caption(result: Attacked) -> str:
    """Say what the figure shows, with the settings and what the colours mean."""
    count, shift = int(result.counted.sum()), result.shift
    of = f"{count} pictures of {result.source}" if result.source else f"{count} photo{'s' * (count > 1)}"
    views = (
        f" A row with 5 views takes the mean of the scores of the picture and of four copies shifted by {shift} "
        f"pixel{'s' * (shift > 1)} both ways; the attack looks at the mean, too."
    )
    models = (
        " Last, what each net finds most like a class, by plain ascent from dark grey (85) without any regularizer, "
        "and how probable it finds that."
    )
    return (
        f"How {listed(result.nets)} stand{'s' * (len(result.nets) == 1)} attacks that change no pixel by more than "
        f"{result.eps:g} steps of 0 to 255 (L-infinity): the share of {of} that is right after each, from no attack to "
        f"the strongest ({result.steps} steps each); the last, without a limit, must leave nothing."
        f"{views if shift else ''} Whose pictures fool whom: each line shows every row the pictures that PGD made for "
        "one net, rounded as in a file; the share of its right answers that fall, with noise of the same size as a "
        "baseline. Then pictures as each net sees them, changed by PGD, and the change alone: mid-grey is 0, black and "
        f"white are -{result.eps:g} and +{result.eps:g}.{models if any(result.classes) else ''} Pixels on the scale 0 "
        "to 255; hatched is what is not measured yet."
    )


def reservations(result: Attacked) -> tuple[str, ...]:
    """Say what the numbers are not."""
    own = [net for net, truth in zip(result.nets, result.is_truth, strict=True) if not truth]
    count, words = int(result.counted.sum()), []
    if own:
        owner = "what each net" if len(own) == len(result.nets) else f"what {listed(own)}"
        words.append(
            f"What is right for these pictures is not known by the nets' own class names: right is {owner} says of the "
            "picture as it is."
        )
    if count < FEW:
        few = "One picture is" if count == 1 else f"{count} pictures are"
        words.append(f"{few} few for shares: give more with --pictures FOLDER.")
    return tuple(words)


def verdicts(result: Attacked) -> tuple[str, ...]:
    """Say what the strongest attacks leave of each net, and how much its pictures are worth to fool the others."""
    right, worst = result.right, result.worst
    words = []
    nets = [number for number, row in enumerate(result.rows) if row in result.nets]
    measured = [row for row in nets if np.isfinite(worst[row])]
    if measured:
        lines = [f"{result.rows[row]} {_percent(right[row, CLEAN])} to {_percent(worst[row])}" for row in measured]
        words.append(
            f"Right without an attack, and after the worst of all of at most {result.eps:g}: {_joined(lines)}."
        )
    if len(measured) == len(nets) > 1:
        first, last = (max(measured, key=lambda row: shares[row]) for shares in (right[:, CLEAN], worst))
        spread = sum(worst[row] * (1 - worst[row]) for row in (first, last)) / result.counted.sum()
        if first != last and worst[last] - worst[first] > max(PRICE, CLEAR * spread**0.5):
            words.append(
                f"{result.rows[last]} stands {_percent(worst[last] - worst[first])} of the pictures more than "
                f"{result.rows[first]} does, at the price of {_percent(right[first, CLEAN] - right[last, CLEAN])} of "
                "right answers without an attack."
            )
    words += [line for row in range(len(nets), len(result.rows)) if (line := _views(result, row))]
    return tuple(words)


def _views(result: Attacked, row: int) -> str:
    """Say what views at test time change; "" where that is not measured yet."""
    plain = result.rows.index(result.nets[result.row_nets[row]])
    worst = result.worst
    if not np.isfinite(worst[[plain, row]]).all():
        return ""
    gains = worst[row] - worst[plain], result.right[row, CLEAN] - result.right[plain, CLEAN]
    return (
        f"Five shifted views at test time change what {result.rows[plain]} stands by {_points(gains[0])} where the "
        f"attack looks at them, too, and its right answers by {_points(gains[1])}."
    )


def masking(result: Attacked) -> tuple[str, ...]:
    """Say of each row where a stronger attack finds less than a weaker one: its slopes are hidden, not its border.

    What is compared are counts on the same pictures: a difference of less than two standard deviations is chance.
    """
    words = []
    for row, name in enumerate(result.rows):
        fallen = 1 - result.standing[row][:, result.counted]  # (A, M)
        signs = []
        silent = result.silent[row, result.counted]
        if np.isfinite(silent).all() and silent.any():
            signs.append(
                f"the gradient of its cross-entropy is exactly 0 for {int(silent.sum())} of {len(silent)} pictures, so "
                "that FGSM and PGD see no way there"
            )
            felled = fallen[RESTARTS][silent == 1]
            if np.isfinite(felled).all() and felled.any():
                signs.append(f"by differences of scores, which do not saturate, PGD fells {int(felled.sum())} of these")
        for weak, strong in ((FGSM, PGD), (NOISE, FGSM), (NOISE, PGD), (PGD, APGD), (PGD, RESTARTS)):
            more, less = _only(fallen[weak], fallen[strong]), _only(fallen[strong], fallen[weak])
            if np.isfinite(fallen[[weak, strong]]).all() and more - less > CLEAR * np.sqrt(more + less):
                signs.append(
                    f"{result.attacks[weak]} fells {int(more)} pictures that {result.attacks[strong]} does not, and "
                    f"the other way round {int(less)}"
                )
        free = fallen[FREE]
        if np.isfinite(free).all() and not free.all():
            signs.append(f"PGD without a limit leaves {int((1 - free).sum())} of {len(free)} right, where it must none")
        signs += _others_find_more(result, row)
        if signs:
            words.append(
                f"Signs of masked gradients in {name}: {'; '.join(signs)}. Such a net is not as hard to fool as the "
                "attack that fails makes it look."
            )
    return tuple(words)


def _others_find_more(result: Attacked, row: int) -> list[str]:
    """Say whose pictures fool a row more often than those that were made for it."""
    own = result.transfer[result.row_nets[row], row]
    signs = []
    for maker, name in enumerate((*result.nets, "noise")):
        share, count = result.transfer[maker, row], result.judged[maker, row]
        if maker == result.row_nets[row] or not np.isfinite([share, own]).all() or not count:
            continue
        if share - own > CLEAR * np.sqrt(share * (1 - share) / count + own * (1 - own) / count):
            maker_words = name if name == "noise" else f"pictures made for {name}"
            signs.append(f"{maker_words} fool it in {_percent(share)}, its own in {_percent(own)}")
    return signs


def training_words(nets: Sequence[Model]) -> tuple[str, ...]:
    """Say how the package's nets among these were trained: what was done to their pictures is a defence, too."""
    from minitorch_viz.training.recipes import how_trained

    words = {net.name: how_trained(net.name) for net in nets}
    lines = [f"{name}: {how}" for name, how in words.items() if how]
    return (f"How they were trained: {_joined(lines)}.",) if lines else ()


def _only(first: Array, second: Array) -> float:
    """Return how many pictures fall by the first attack and not by the second."""
    return float(((first == 1) & (second == 0)).sum())


def _percent(share: float) -> str:
    return f"{share:.0%}" if share < 0.995 or share == 1 else f"{share:.1%}"


def _points(difference: float) -> str:
    return f"{100 * difference:+.0f} points".replace("+0 points", "0 points").replace("-0 points", "0 points")


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence lists them: "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _joined(lines: Sequence[str]) -> str:
    return "; ".join(lines)
