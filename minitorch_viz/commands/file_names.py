"""What the files of many photos' results are called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def file_names(photos: Sequence[str]) -> list[str]:
    """Return a name without ending for each photo's file: the photo's own, told apart where two are the same.

    cats/a.jpg and dogs/a.jpg become cats-a and dogs-a, a.jpg and a.png in one folder a.jpg and a.png. Capitals do not
    tell names apart: they are one file on some systems.
    """
    ways = [_ways(photo) for photo in photos]
    level = [0] * len(photos)
    while True:
        names = [way[at] for way, at in zip(ways, level, strict=True)]
        places: dict[str, list[int]] = {}
        for number, name in enumerate(names):
            places.setdefault(name.casefold(), []).append(number)
        same = [number for group in places.values() if len(group) > 1 for number in group]
        further = [number for number in same if level[number] + 1 < len(ways[number])]
        if not further:
            return names if not same else [f"{name}-{number + 1}" for number, name in enumerate(names)]
        for number in further:
            level[number] += 1


def _ways(photo: str) -> list[str]:
    """Return the names that a photo's file may have, the shortest first."""
    path = Path(photo)
    *folders, name = path.parts
    folders = [folder for folder in folders if folder not in (path.anchor, "..", ".")]
    stem = Path(name).stem.replace(":", "-")
    longer = ["-".join([*folders[-count:], stem]) for count in range(1, len(folders) + 1)]
    full = "-".join([*folders, name.replace(":", "-")])
    return [stem, name.replace(":", "-"), *longer, full]
