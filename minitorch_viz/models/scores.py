"""What a net's scores say: one class of several, labels beside one another, yes or no, or plain numbers.

The one place for the arithmetic that follows (a softmax, a sigmoid, nothing) and for the words of a caption. A net's
end tells its kind where it can: a Softmax after the scores makes them classes, a Sigmoid labels, and maps are maps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, TypeVar

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, near
from minitorch_viz.layers import (
    AvgPool2d,
    GlobalAvgPool2d,
    Layer,
    LogSoftmax,
    MaxPool2d,
    Sigmoid,
    Softmax,
)
from minitorch_viz.net import Net

Answer = TypeVar("Answer", float, Array)


@dataclass(frozen=True)
class Scores:
    """Say what scores (N, C) mean, and turn them into what a person reads.

    squashed: the node of the scores gives the probabilities themselves, because its softmax or sigmoid lies before it.
    """

    name: ClassVar[str] = ""  # what `Model.from_net(scores=...)` and a JSON file call it
    noun: ClassVar[str] = "class"  # what a caption calls the thing that a score is of
    number: ClassVar[str] = "probability"  # what a caption calls the number that a person reads
    has_opposite: ClassVar[bool] = False  # whether "not dog" is a question to the net

    squashed: bool = False

    def answers(self, scores: Array) -> Array:
        """Turn scores (N, C) into what a person reads (N, C): probabilities 0..1, or plain numbers as they are."""
        return scores if self.squashed else self._squash(scores)

    def _squash(self, scores: Array) -> Array:
        return scores

    def opposite(self, answers: Answer) -> Answer:
        """Return the numbers of "not dog", from those of "dog"."""
        return 1 - answers

    def words(self, score: float, answer: float) -> str:
        """Return what a caption says of one score: "score -4, probability 0.018"."""
        if self.squashed:
            return f"{self.number} {answer:.3g}"
        return f"score {score:.4g}, {self.number} {answer:.3g}"

    def names(self, count: int) -> tuple[str, ...]:
        """Make names where none are known: "class 0", "class 1", ..."""
        return tuple(f"{self.noun} {i}" for i in range(count))

    def counted(self, count: int) -> str:
        """Say how many there are, in words: "10 classes"."""
        noun = self.noun if count == 1 else f"{self.noun}{'es' if self.noun.endswith('s') else 's'}"
        return f"{count or 'no'} {noun}"

    @property
    def remark(self) -> str:
        """Say why there is no opposite; "" if there is one."""
        return ""


@dataclass(frozen=True)
class Classes(Scores):
    """Take exactly one class as right: the probabilities are the scores' softmax, and add up to 1."""

    name: ClassVar[str] = "classes"

    def _squash(self, scores: Array) -> Array:
        return Softmax().forward(scores)[0]

    @property
    def remark(self) -> str:
        return "its classes exclude one another, so the opposite of one is any other; name that one"


@dataclass(frozen=True)
class Labels(Scores):
    """Take each label as right or not, whatever the others are: the probabilities are the scores' sigmoids."""

    name: ClassVar[str] = "labels"
    noun: ClassVar[str] = "label"
    has_opposite: ClassVar[bool] = True

    def _squash(self, scores: Array) -> Array:
        return Sigmoid().forward(scores)[0]


@dataclass(frozen=True)
class YesNo(Labels):
    """Answer one question: the probability of yes is the score's sigmoid."""

    name: ClassVar[str] = "yes-no"
    noun: ClassVar[str] = "class"


@dataclass(frozen=True)
class Numbers(Scores):
    """Give plain numbers, such as an angle or a price: the net's output is the answer, and nothing is a probability."""

    name: ClassVar[str] = "numbers"
    noun: ClassVar[str] = "output"
    number: ClassVar[str] = "value"

    def words(self, score: float, answer: float) -> str:  # noqa: ARG002 (the signature of every kind)
        return f"value {score:.4g}"

    @property
    def remark(self) -> str:
        return "its outputs are plain numbers, which have no opposite; what lowers one is the negative part of its map"


@dataclass(frozen=True)
class Maps(Scores):
    """Give maps (N, C, h, w), an answer for each place: there is no score of the whole picture to explain."""

    name: ClassVar[str] = "maps"
    noun: ClassVar[str] = "channel"
    number: ClassVar[str] = "value"


@dataclass(frozen=True)
class Steps(Maps):
    """Give scores at each step (N, T, C), such as those of the next letter: there is no score of the whole text."""

    name: ClassVar[str] = "steps"
    noun: ClassVar[str] = "class"


KINDS: Mapping[str, type[Scores]] = {kind.name: kind for kind in (Classes, Labels, YesNo, Numbers, Maps, Steps)}


def kind_of_scores(name: object) -> type[Scores]:
    """Return the kind called "classes", "labels", "yes-no", "numbers", "maps" or "steps"; SettingError for others."""
    if not isinstance(name, str) or name not in KINDS:
        raise SettingError(f"Scores can be {', '.join(KINDS)}, but scores is {name!r}; {near(name, KINDS)}.")
    return KINDS[name]


class Ending(NamedTuple):
    """Hold what the end of a net says about its scores."""

    node: str  # whose values are the scores
    kind: type[Scores] | None  # None: nothing there tells
    squashed: bool  # whether the node's values are probabilities already


SQUASHES: Mapping[type[Layer], type[Scores]] = {Softmax: Classes, LogSoftmax: Classes, Sigmoid: Labels}
MIXES = (AvgPool2d, GlobalAvgPool2d, MaxPool2d)  # means and maxima of probabilities are probabilities


def ending(net: Net, shapes: Mapping[str, tuple[int, ...]], scores: str | None = None, answer: str = "") -> Ending:
    """Return the node of the scores and what the net's end says about them.

    shapes: {node: shape of its output}, which tells scores (N, C) from maps. scores: the node, if it is known; None:
        the last node, or the one before a Softmax, LogSoftmax or Sigmoid that ends the net. answer: the output that
        counts as the last node, of a net with several.
    """
    last = (answer or net.output) if scores is None else scores
    name, mixed = last, False
    while name in net and (net[name].layer.passes_on or isinstance(net[name].layer, MIXES)):
        mixed |= isinstance(net[name].layer, MIXES)
        name = net[name].inputs[0]
    squash = _squash(net[name].layer) if name in net else None
    if squash is not None:
        source = net[name].inputs[0]
        if scores is None and not mixed and len(shapes[source]) == len(shapes[last]):
            return Ending(source, SQUASHES[squash], False)
        # A softmax undoes the logarithm of one, so log-probabilities are as good as the scores.
        return Ending(last, SQUASHES[squash], squash is not LogSoftmax)
    reader = squash_above(net, last)
    return Ending(last, None if reader is None else SQUASHES[reader], False)


def _squash(layer: Layer) -> type[Layer] | None:
    """Return Softmax, LogSoftmax or Sigmoid, if the layer is one of them; else None."""
    return next((kind for kind in SQUASHES if isinstance(layer, kind)), None)


def squash_above(net: Net, name: str) -> type[Layer] | None:
    """Return the Softmax, LogSoftmax or Sigmoid that reads a node, be it through layers that hand values on."""
    for node in net.nodes:
        if name in node.inputs:
            if (squash := _squash(node.layer)) is not None:
                return squash
            if node.layer.passes_on and (later_squash := squash_above(net, node.name)) is not None:
                return later_squash
    return None


def chosen_scores(count: int, end: Ending, named_kind: str | None, node: str) -> tuple[Scores, str]:
    """Choose the kind of `count` scores, with a note if it is only a guess.

    named_kind: the one that the user names; None: what the net's end tells, else one score is a sigmoid's, and
        several are classes. Raises SettingError for a kind that cannot be of so many scores.
    """
    kind = end.kind if named_kind is None else kind_of_scores(named_kind)
    if kind is Maps:
        raise SettingError(f"scores is 'maps', but {node!r} gives {count} numbers a picture, no maps (N, C, h, w).")
    if kind is Steps:
        raise SettingError(f"scores is 'steps', but {node!r} gives {count} numbers in all, no steps (N, T, C).")
    if named_kind is not None and kind is YesNo and count != 1:
        raise SettingError(f"scores='yes-no' is for one score, but {node!r} gives {count}; say 'labels'.")
    if named_kind is not None and kind is Classes and count == 1:
        raise SettingError(
            f"scores='classes' needs two scores or more, but {node!r} gives 1, whose softmax is always 1; say 'yes-no' "
            "or 'numbers'."
        )
    if count == 1 and kind is Classes:  # a softmax of one score says 1 of everything
        end = end._replace(squashed=False)
        note = f"{node} has one score, whose softmax is always 1, so it is taken as that of a sigmoid: yes or no."
        return YesNo(), note
    if kind is not None:
        return (YesNo if kind is Labels and count == 1 and named_kind is None else kind)(end.squashed), ""
    if count == 1:
        return YesNo(), f"{node} gives one score, taken as a sigmoid's (yes or no); scores='numbers' says otherwise."
    return Classes(), (
        f"{node} gives {count} scores, taken as classes of which one is right (a softmax); scores='labels' or "
        "scores='numbers' says otherwise."
    )
