"""Captions of generated scenes: "a red star left of a blue ring and above a green tree."."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from minitorch_viz.data.scenes.colours import COLOURS
from minitorch_viz.data.scenes.kinds import KINDS
from minitorch_viz.data.scenes.scene import Scenes
from minitorch_viz.data.scenes.things import SIDES, side_of, things, with_article

END = "."  # what stands after the last word
WORDS = ("a", "an", "and", "of", "left", "right", "above", "below", *COLOURS[1:], *KINDS[1:])


@dataclass(frozen=True)
class Caption:
    """Hold the caption of one scene, word by word."""

    words: tuple[str, ...]  # without the end
    asked: tuple[int, ...]  # of each word the index of the object that it speaks of

    @property
    def text(self) -> str:
        """Return the caption as one text: "a red star left of a blue ring."."""
        return " ".join(self.words) + END


def caption(scenes: Scenes, number: int, most: int = 3) -> Caption:
    """Return the caption of scene `number` of a batch.

    The main object comes first, then the others (up to `most` in all) from the largest that is seen on, each by the
    side of it on which the main object lies: "left of a blue ring". A word of a side speaks of the object to come.
    """
    main, *others = things(scenes, number)
    words, asked = with_article(f"{main.colour} {main.kind}").split(), [main.index] * 3
    for place, other in enumerate(sorted(others, key=lambda thing: -thing.area)[: most - 1]):
        phrase = f"{'and ' * bool(place)}{side_of(main, other)} {with_article(f'{other.colour} {other.kind}')}".split()
        words += phrase
        asked += [other.index] * len(phrase)
    return Caption(tuple(words), tuple(asked))


def is_true(scenes: Scenes, number: int, words: Sequence[str]) -> bool:
    """Return whether all that a caption says of scene `number` is so: things, colours, and sides of the main object.

    A side is right if the main object's centre lies on it at all, be it farther above or below than to the left. Words
    that make no caption are not true.
    """
    first, *parts = re.split(f" (?:and )?(?={'|'.join(SIDES)})", " ".join(words))
    listed = {(thing.colour, thing.kind): thing for thing in things(scenes, number)}
    main = listed.get(_thing(first))
    if main is None or main.index != 0:
        return False
    for part in parts:
        side = next((side for side in SIDES if part.startswith(f"{side} ")), "")
        other = listed.get(_thing(part.removeprefix(f"{side} ")))
        if not side or other is None or other is main:
            return False
        axis, direction = SIDES[side]
        if direction * (main.centre[axis] - other.centre[axis]) <= 0:
            return False
    return True


def _thing(words: str) -> tuple[str, str]:
    """Return (colour, kind) of "a red star"; ("", "") of any other words."""
    article, *rest = words.split(" ")
    return (rest[0], rest[1]) if len(rest) == 2 and with_article(rest[0]).startswith(f"{article} ") else ("", "")
