"""What is climbed, resolved without a photo: classes by name, their differences, their probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.graph import Tape
from minitorch_viz.models.readers.preprocessing import Preprocessing
from minitorch_viz.models.scores import Classes, Labels
from minitorch_viz.objectives import LogProbability, Objective, Unit
from minitorch_viz.techniques.base import classifies
from minitorch_viz.techniques.explain.nothing import blank_tape
from minitorch_viz.techniques.explain.unit import Target, Targets, listed, resolve_any
from minitorch_viz.techniques.optimization._climb import Begin

if TYPE_CHECKING:
    from minitorch_viz.models import Model

MOST = 20  # pictures of one run
ALL = 12  # classes that are all shown where none is named
SHOWN_CLASS = 130  # flamingo, where none of 1000 classes is named: a person sees at once whether it is one


def takes_pictures(model: Model) -> str | None:
    """Return why no picture can be made for a net, as a clause; None if one can."""
    readers = [model.readers.get(name) for name in model.net.inputs]
    if len(readers) == 1 and isinstance(readers[0], Preprocessing):
        return None
    nouns = " and ".join(reader.noun for reader in readers if reader is not None) or "something else"
    return f"only a picture can be made by optimization, and the net takes {nouns}"


def has_classes_of_pictures(model: Model) -> str | None:
    """Return why a net has no classes of which a picture could be made, as a clause; None if it has."""
    return classifies(model) or takes_pictures(model)


def class_targets(
    model: Model, target: Targets, *, minus: str | int | None = None, after_softmax: bool = False
) -> tuple[tuple[Objective, ...], str]:
    """Return an objective for each class that is named, and a note on how they were chosen.

    target: a class, several in a list or with commas between; None: all, where there are at most 12, else one.
    minus: a class whose score is taken away. after_softmax: climb the logarithm of the probability.
    Raises SettingError for a class that there is not.
    """
    tape = blank_tape(model, model.logits)
    names, note = chosen_classes(model, tape, target)
    classes = [resolve_any(model, tape, target=name) for name in names]
    if after_softmax:
        classes = [log_probability(model, each) for each in classes]
    if minus is None:
        return tuple(classes), note
    other = resolve_any(model, tape, target=minus)
    other = log_probability(model, other) if after_softmax else other
    same = next((each.label for each in classes if each.label == other.label), None)
    if same is not None:
        raise SettingError(f"The difference of {same} and itself is 0 everywhere; give --minus another class.")
    return tuple(each - other for each in classes), note


def chosen_classes(model: Model, tape: Tape, target: Targets) -> tuple[Sequence[Target | None], str]:
    """Return what names the classes, one by one, and a note where they were not named."""
    if target is None:
        count = len(model.class_names)
        if count <= ALL:
            return list(range(count)), ""
        number = SHOWN_CLASS if count == 1000 else 0
        noun = model.scores.noun
        return [number], f"No {noun} was named, and {count} are too many: this is {model.class_names[number]!r}."
    names = listed(target)
    if isinstance(target, str) and len(names) > 1:
        try:
            resolve_any(model, tape, target=target)  # "tench, Tinca tinca" is one class
            names = [target]
        except SettingError:
            pass
    if len(names) > MOST:
        raise SettingError(f"At most {MOST} classes climb side by side, but target names {len(names)}.")
    return names, ""


def from_starts(
    objectives: Sequence[Objective], starts: int, start: Begin | None, nouns: str
) -> tuple[tuple[Objective, ...], Begin | None]:
    """Return each objective as often as there are starts, and what they start from: noise, if there are several.

    nouns: what the objectives are of, such as "classes". Raises SettingError where all starts would be one picture, or
    more than 20 pictures would climb.
    """
    need_whole("starts", starts, 1, MOST)
    if starts > 1 and start == "zero":
        raise SettingError(f"From zero all {starts} starts are one picture; give --start noise, or leave it out.")
    count = len(objectives) * starts
    if count > MOST:
        raise SettingError(
            f"At most {MOST} pictures climb side by side, but {len(objectives)} {nouns} from {starts} starts are "
            f"{count}; name fewer {nouns}, or give fewer starts."
        )
    return tuple(objective for objective in objectives for _ in range(starts)), "noise" if starts > 1 else start


def log_probability(model: Model, objective: Objective) -> Objective:
    """Return the logarithm of a class's probability. Raises SettingError where the net gives no probabilities."""
    kind = model.scores
    if not isinstance(objective, Unit) or not isinstance(kind, (Classes, Labels)):
        raise SettingError(f"{model.name} gives no probabilities; leave out --after-softmax (after_softmax=).")
    if kind.squashed:
        raise SettingError(
            f"{objective.node!r} gives the probabilities themselves; leave out --after-softmax (after_softmax=)."
        )
    return LogProbability(objective, alone=isinstance(kind, Labels))
