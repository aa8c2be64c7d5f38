"""The report's page: sections with chapters, contents, and what is not shown."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from minitorch_viz.drawing.html import render
from minitorch_viz.report.plan import Card, Section
from minitorch_viz.techniques.chapters import CHAPTERS

MOST_LETTERS = 3000  # of a text that the page shows


class Numbered(NamedTuple):
    """Hold a card and its place in the page."""

    id: str
    card: Card


class Chapter(NamedTuple):
    """Hold cards under one heading."""

    heading: str
    cards: list[Numbered]

    @property
    def contents(self) -> list[Numbered]:
        """Return the first card of each technique that has a picture: what the contents list."""
        first = {numbered.card.technique.name: numbered for numbered in self.cards[::-1] if not numbered.card.problem}
        return [numbered for numbered in self.cards if first.get(numbered.card.technique.name) is numbered]


class Part(NamedTuple):
    """Hold one section as the template needs it."""

    id: str
    section: Section
    chapters: list[Chapter]
    absent: list[tuple[str, list[str]]]  # a reason, and the techniques that it keeps away


def page_of(names: Sequence[str], sections: Sequence[Section], seconds: float, interrupted: bool) -> str:
    """Return the page; names: of the nets; seconds: that it took; interrupted: whether some of it is missing."""
    parts = [_part(number, section) for number, section in enumerate(sections, start=1)]
    verb = "read" if all(section.text for section in sections) else "see"
    return render(
        "report.html", names=names, verb=verb, most=MOST_LETTERS, parts=parts, seconds=seconds, interrupted=interrupted
    )


def _part(number: int, section: Section) -> Part:
    cards = [Numbered(f"photo{number}-{place}", card) for place, card in enumerate(section.cards, start=1)]
    chapters = [
        Chapter(CHAPTERS[name], list(group)) for name, group in groupby(cards, lambda numbered: numbered.card.chapter)
    ]
    reasons: dict[str, list[str]] = {}
    for absent in section.absent:
        reasons.setdefault(absent.reason, []).append(absent.technique.name)
    return Part(f"photo{number}", section, chapters, list(reasons.items()))
