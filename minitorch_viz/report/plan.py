"""The plan of a report: which pictures there will be, in which order, and which not, with the reason."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from minitorch_viz.drawing.html import Embedded
from minitorch_viz.drawing.segments import Entry
from minitorch_viz.models.readers import Preprocessing
from minitorch_viz.models.samples import Sample
from minitorch_viz.report.command import Command, command_for
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.chapters import chapter_of, in_order

if TYPE_CHECKING:
    from minitorch_viz.models import Model


@dataclass
class Card:
    """Hold one picture of the page and the words around it."""

    technique: Technique
    model: Model
    settings: Mapping[str, Any]
    looked_at: Any  # what the technique is given: this photo, or of PICTURES and TEXT the sample for the net
    command: Command
    picture: Embedded | None = None  # None if the technique did not run
    alt: str = ""  # the picture in a few words; the caption below it says the rest
    caption: str = ""
    notes: Sequence[str] = ()
    seconds: float = 0.0
    problem: str = ""  # why there is no picture

    @property
    def chapter(self) -> str:
        """Return the chapter that it stands in."""
        return chapter_of(self.technique)


@dataclass(frozen=True)
class Absent:
    """Name a technique that is not shown for a photo, and why."""

    technique: Technique
    reason: str


@dataclass
class Plan:
    """Hold what there is to do for one photo, before any of it is done."""

    cards: list[Card] = field(default_factory=list)
    absent: list[Absent] = field(default_factory=list)


@dataclass
class Section:
    """Hold one photo, what the net answers, and its cards."""

    model: Model
    name: str
    photo: Embedded | None = None  # None if the photo cannot be shown, or the net takes none
    answers: Sequence[Any] = ()  # Prediction: index, name, probability
    segments: Embedded | None = None  # of a net that ends in maps: which channel wins where, in colours over the photo
    legend: Sequence[Entry] = ()  # those colours
    truth: Embedded | None = None  # where the objects are; None if that is not known
    truth_caption: str = ""
    main_object: str = ""
    cards: list[Card] = field(default_factory=list)
    absent: Sequence[Absent] = ()
    text: str = ""  # of a net that reads: the text, in place of a photo
    nats: float | None = None  # how surprised the net was at each letter of it, on average; None if it says nothing
    problem: str = ""  # why the photo cannot be shown; then there are no cards
    notes: list[str] = field(default_factory=list)  # what was left out of the photo, or is wrong about the answers

    @property
    def likely(self) -> float:
        """Return the probability that is as surprising as the letters of the text were on average."""
        return math.exp(-(self.nats or 0))

    @property
    def taken(self) -> str:
        """Return what the net takes, in words: "8 x 8 pixels"."""
        readers = self.model.readers.values()
        sizes = [f"{reader.brief} pixels" if type(reader) is Preprocessing else reader.brief for reader in readers]
        return " and ".join(sizes).replace(" x ", " \N{MULTIPLICATION SIGN} ")

    @property
    def parameters(self) -> int:
        """Return how many numbers the net has learned."""
        return sum(value.size for value in self.model.net.params.values())


def planned(
    model: Model, sample: Sample, chosen: Iterable[Technique], choices: Mapping[str, Any], *, is_first: bool, long: bool
) -> Plan:
    """Return the cards to fill for one photo, in the order of the page, and what is left out.

    choices: settings (target, other, node) for each technique that takes them.
    is_first: whether this is the net's first photo; what looks at the net itself, or a data set, is shown only there.
    long: whether techniques that have a budget are shown, too.
    """
    plan = Plan()
    for technique in in_order(chosen):
        once_a = technique.subject.once_a
        if once_a != "photo" and not is_first and not (once_a == "text" and sample.text):
            continue
        reason = technique.refuses(model)
        if reason is None and technique.budget is not None and not long:
            reason = f"it takes longer: `minitorch-viz report --all` gives it {technique.budget:g} s"
        if reason is not None:
            plan.absent.append(Absent(technique, reason))
        else:
            plan.cards += _cards(model, sample, technique, choices)
    return plan


def _cards(model: Model, sample: Sample, technique: Technique, choices: Mapping[str, Any]) -> Iterator[Card]:
    """Yield one card for each run that the technique makes in a report."""
    is_of_photo = technique.subject.once_a == "photo"
    is_of_text = technique.subject.once_a == "text" and sample.text
    looked_at = sample.image if is_of_photo else sample.text if is_of_text else technique.subject.read(model, [])
    for report_settings in technique.in_report(model):
        # A run that shows a node shows that node, whatever class is asked for.
        choosable = set() if "node" in report_settings or not is_of_photo else choices.keys() & technique.options.keys()
        settings = {**report_settings, **{name: choices[name] for name in choices if name in choosable}}
        yield Card(technique, model, settings, looked_at, command_for(technique, model, sample, settings))
