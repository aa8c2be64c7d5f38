"""The chapters of a report: which techniques come first, and which need to have been seen before.

A technique names its chapter and its level there (`Technique.chapter`, `Technique.level`); one that names none stands
at the end of its family's chapter. So a new technique finds its place from its own file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from minitorch_viz.techniques.base import Technique

# Name -> heading, in the order of a page: look, then one method at a time, comparisons last.
CHAPTERS: Mapping[str, str] = {
    "look": "Look: what the net makes of the picture",
    "pixels": "Pixel by pixel: one method at a time, the simplest first",
    "places": "Place by place: where the evidence for a class lies",
    "ascent": "The picture as the parameter: what the net would like to see",
    "sequences": "Step by step: nets that read",
    "use": "Put to use, and compared",
}
OF_FAMILY: Mapping[str, str] = {
    "weights": "look",
    "activations": "look",
    "gradients": "pixels",
    "optimization": "ascent",
    "recurrent": "sequences",
}


def chapter_of(technique: Technique) -> str:
    """Return the chapter that a technique names, or its family's; that of a stranger's technique is the last one."""
    return technique.chapter or OF_FAMILY.get(technique.family, [*CHAPTERS][-1])


def in_order(techniques: Iterable[Technique]) -> list[Technique]:
    """Return techniques in the order of a page: by chapter, in it the simple ones first, equal ones by name."""
    order = list(CHAPTERS)
    return sorted(
        techniques, key=lambda technique: (order.index(chapter_of(technique)), technique.level, technique.name)
    )
