"""One run: what is measured, one thing after the other, and the state that another run goes on from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.optimize.attacks import Aim, sizes
from minitorch_viz.optimize.presets import get_preset
from minitorch_viz.optimize.units import Units
from minitorch_viz.techniques.optimization._adversarial_ladder import CLEAN, PGD, Ladder, noisy, silent
from minitorch_viz.techniques.optimization._adversarial_nets import names_of, shown_to
from minitorch_viz.techniques.optimization._adversarial_shown import Seen, Shown
from minitorch_viz.techniques.optimization._adversarial_words import training_words
from minitorch_viz.techniques.optimization._climb import climb_of, size_of
from minitorch_viz.techniques.optimization._pictures import as_seen_at, pixels_of, probabilities
from minitorch_viz.techniques.optimization._targets import class_targets
from minitorch_viz.techniques.state import State, net_fingerprint

if TYPE_CHECKING:
    from minitorch_viz.models import Model


# Of the pictures that class models begin with, a third of white: a net trained on digits under attack is blind to what
# is darker than its eps, and its slopes there are 0.
GREY = 85.0


class Answer(NamedTuple):
    """Hold what a net says of a photo, and of the changed one."""

    before: str
    before_share: float  # its probability
    after: str
    after_share: float


class Row(NamedTuple):
    """Say which net is attacked, and whether it looks at one view of a picture or at shifted ones."""

    net: int
    shift: int  # pixels; 0: one view


@dataclass(eq=False)
class Run:
    """Do a run's steps: each rung of the ladder for each row, then the transfer, then each net's class models."""

    nets: Sequence[Model]
    shown: Shown
    seen: Sequence[Seen]  # (I,)
    ladder: Ladder
    shift: int
    classes: Sequence[Sequence[Any]]  # (I,): the classes that are drawn of each net
    climbs: int  # steps of a class model
    seed: int
    arrays: dict[str, Array] = field(default_factory=dict)
    answers: dict[int, list[Answer]] = field(default_factory=dict)  # by net
    done: int = 0

    def __post_init__(self) -> None:
        rows, rungs = len(self.rows), len(self.ladder.rungs)
        pictures, nets = len(self.shown.images), len(self.nets)
        self.arrays = {
            "standing": np.full((rows, rungs, pictures), np.nan),
            "silent": np.full((rows, pictures), np.nan),
            "transfer": np.full((nets + 1, rows), np.nan),
            "judged": np.zeros((nets + 1, rows), np.int64),
        }

    @property
    def rows(self) -> list[Row]:
        """Return what is attacked: each net, and each net with shifted views."""
        plain = [Row(net, 0) for net in range(len(self.nets))]
        return plain + [Row(net, self.shift) for net in range(len(self.nets)) if self.shift]

    @property
    def row_names(self) -> tuple[str, ...]:
        """Return what the rows are called."""
        names = names_of(self.nets)
        return tuple(f"{names[row.net]}, 5 views" if row.shift else names[row.net] for row in self.rows)

    @property
    def total(self) -> int:
        """Return how many steps there are."""
        return len(self.rows) * len(self.ladder.rungs) + 1 + len(self.nets)

    def step(self) -> None:
        """Do the next step."""
        attacks = len(self.rows) * len(self.ladder.rungs)
        if self.done < attacks:
            self._attack(*divmod(self.done, len(self.rows)))
        elif self.done == attacks:
            self._transfer()
        else:
            self._make(self.done - attacks - 1)
        self.done += 1
        for array in self.arrays.values():
            array.flags.writeable = False  # earlier results hold them, too

    def aim(self, row: Row) -> Aim:
        """Return what the attacks of a row aim at."""
        seen = self.seen[row.net]
        return seen.of_views(row.shift) if row.shift else seen.aim

    def _attack(self, rung: int, number: int) -> None:
        """Run one rung on one row; keep the pictures that PGD makes for a net as they would be saved."""
        row = self.rows[number]
        aim, seen = self.aim(row), self.seen[row.net]
        if rung == CLEAN:
            self._set("silent", number, silent(aim, seen.pixels))
        fall = self.ladder.fall(aim, seen.pixels, rung, self.seed)
        self._set("standing", (number, rung), fall.standing)
        if rung == PGD and not row.shift:
            self.arrays[f"changed/{row.net}"] = np.rint(fall.pixels).astype(np.uint8)
            drawn = self.shown.drawn
            before, after = (self._answers(row.net, each[:drawn]) for each in (seen.pixels, fall.pixels))
            self.answers[row.net] = [Answer(*first, *then) for first, then in zip(before, after, strict=True)]

    def _answers(self, net: int, pixels: Array) -> list[tuple[str, float]]:
        """Return the best answer to each picture, and its probability."""
        model, aim = self.nets[net], self.seen[net].aim
        x = kernels.to_device(aim.box.net(pixels), model.net.device)
        scores = aim.logits(pixels)
        if len(aim.classes) != len(model.class_names):  # yes or no
            yes = model.predict_answers(x)[:, 0]
            shares = np.stack([1 - yes, yes], axis=1)
        else:
            shares = model.predict_answers(x)
        best = scores.argmax(axis=1)
        return [(aim.classes[k].split(",")[0], float(shares[i, k])) for i, k in enumerate(best)]

    def _transfer(self) -> None:
        """Show the pictures made for each net to all, and noise as a baseline, and count whose answers fall.

        Counted are the pictures that a row answers rightly as the maker sees them unchanged; where what is right is not
        known, all, and those fall whose answer is another than before.
        """
        counted = self.shown.counted
        transfer, judged = self.arrays["transfer"].copy(), self.arrays["judged"].copy()
        for number, row in enumerate(self.rows):
            aim, judge = self.aim(row), self.nets[row.net]
            for maker in range(len(self.nets) + 1):
                source = self.seen[min(maker, len(self.nets) - 1)] if maker < len(self.nets) else self.seen[row.net]
                if maker < len(self.nets):
                    changed = self.arrays[f"changed/{maker}"].astype(np.float64)
                else:
                    changed = np.rint(noisy(source.pixels, self.ladder.eps, self.seed + 1))
                clean, fooling = (shown_to(judge, each[counted]) for each in (source.pixels, changed))
                part, scores = aim.of(counted), aim.logits(clean)
                if not self.seen[row.net].is_truth:
                    part = replace(part, labels=scores.argmax(axis=1))
                right = ~part.fooled(scores)
                fallen = part.fooled(part.logits(fooling))[right]
                judged[maker, number] = right.sum()
                transfer[maker, number] = fallen.mean() if right.any() else np.nan
        self.arrays |= {"transfer": transfer, "judged": judged}

    def _make(self, net: int) -> None:
        """Make a net's class models with no regularizer at all."""
        if self.classes[net]:
            pixels, shares = class_pictures(self.nets[net], self.classes[net], self.climbs, self.seed)
            self.arrays |= {f"models/{net}": pixels, f"probabilities/{net}": shares}

    def _set(self, name: str, place: Any, values: Array) -> None:
        array = self.arrays[name].copy()
        array[place] = values
        self.arrays[name] = array

    @property
    def fields(self) -> dict[str, Any]:
        """Return the fields of `Attacked` for where the run stands, by name."""
        drawn, nets = self.shown.drawn, range(len(self.nets))
        own = [np.rint(each.pixels[:drawn]).astype(np.uint8) for each in self.seen]
        none = [pixels[:0] for pixels in own]
        return {
            "nets": names_of(self.nets),
            "rows": self.row_names,
            "row_nets": tuple(row.net for row in self.rows),
            "attacks": tuple(rung.name for rung in self.ladder.rungs),
            **{name: self.arrays[name] for name in ("standing", "silent", "transfer", "judged")},
            "counted": self.shown.counted,
            "photos": tuple(_drawn(pixels) for pixels in own),
            "changed": tuple(_drawn(self.arrays.get(f"changed/{net}", none[net])[:drawn]) for net in nets),
            "answers": tuple(tuple(self.answers.get(net, ())) for net in nets),
            "sizes": np.stack([self._sizes(net) for net in nets]),
            "models": tuple(self.arrays.get(f"models/{net}", _drawn(none[net])) for net in nets),
            "probabilities": tuple(self.arrays.get(f"probabilities/{net}", np.zeros(0)) for net in nets),
            "classes": tuple(self._class_names(net) for net in nets),
            "eps": self.ladder.eps,
            "steps": self.ladder.steps,
            "restarts": self.ladder.restarts,
            "shift": self.shift,
            "source": self.shown.source,
            "is_truth": tuple(each.is_truth for each in self.seen),
            "trained": training_words(self.nets),
            "remarks": self.shown.remarks,
            "done": self.done,
            "total": self.total,
            "state": self.state,
        }

    def _class_names(self, net: int) -> tuple[str, ...]:
        return tuple(self.nets[net].class_names[number].split(",")[0] for number in self.classes[net])

    def _sizes(self, net: int) -> Array:
        """Return the mean size of PGD's changes, (3,): L2, L-infinity, RMS; NaN until it has run."""
        changed, counted = self.arrays.get(f"changed/{net}"), self.shown.counted
        if changed is None:
            return np.full(3, np.nan)
        size = sizes(changed[counted] - self.seen[net].pixels[counted])
        return np.array([size.l2.mean(), size.linf.mean(), size.rms.mean()])

    @property
    def state(self) -> State:
        """Return what another run goes on from."""
        answers = {str(net): [list(words) for words in lines] for net, lines in self.answers.items()}
        prints = [net_fingerprint(net) for net in self.nets]
        return State(dict(self.arrays), {"done": self.done, "answers": answers, "nets": prints})

    def go_on(self, state: State) -> None:
        """Take over a state. Raises SettingError if it is that of other nets."""
        numbers: Mapping[str, Any] = state.numbers
        if list(numbers["nets"]) != [net_fingerprint(net) for net in self.nets]:
            raise SettingError("The state is of a run with other nets beside this one; name the same nets.")
        self.arrays |= {name: np.asarray(array) for name, array in state.arrays.items()}
        self.answers = {int(net): [Answer(*words) for words in lines] for net, lines in numbers["answers"].items()}
        self.done = int(numbers["done"])


def _drawn(pixels: Array) -> Array:
    """Return pictures (N, C, h, w) as they are drawn, (N, h, w, C)."""
    return pixels.transpose(0, 2, 3, 1)


def class_pictures(model: Model, classes: Sequence[Any], steps: int, seed: int) -> tuple[Array, Array]:
    """Return what a net finds most like each class, (K, h, w, C) uint8, and how probable it finds that, (K,).

    Plain ascent from the same dark grey for every net, whatever its mean colour is, without any regularizer.
    """
    objectives, _ = class_targets(model, list(classes))
    size, units = size_of(model, None), Units.of(model.reader())
    grey = units.picture(np.full((len(objectives), units.channels, *size), GREY, np.float32))
    climb = climb_of(model, objectives, get_preset("none"), size, steps=steps, start=grey, seed=seed)
    *_, ascent = climb.steps()
    x = as_seen_at(climb, ascent)
    return pixels_of(climb, x), probabilities(climb, x)
