"""What persons say of units: a label, a category, and which patches do not show it (Zhou et al. 2015).

The pages offer a form that downloads a file of such opinions, and a table may be typed by hand:

    .json    {"labels": [{"node": "relu5", "channel": 3, "label": "white band", "category": "part", "misfits": [4, 9]}]}
    .csv     node,channel,label,category,misfits
             relu5,3,white band,part,4 9

`misfits` are the numbers, from 1, of the top patches that do not show what the label says. The precision of a unit is
the share of its patches that do. An entry without a word takes an older one away.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minitorch_viz.atlas.store import Atlas, Opinion
from minitorch_viz.errors import DataFileError, WeightsFileError, near
from minitorch_viz.io.files import as_path, parse_json

COLUMNS = ("node", "channel", "label", "category", "misfits")
LONGEST = 200  # letters of a label or a category
# Object detectors and what else Zhou et al. sort units into; a person may write any other.
CATEGORIES = ("object", "part", "scene", "texture", "colour", "building", "furniture", "animal", "vehicle", "nature")


@dataclass(frozen=True)
class Labelled:
    """Hold a unit with what a person and what dissection say of it."""

    opinion: Opinion
    patches: int  # how many it has
    concept: str  # dissection's label; "" if none
    concept_category: str
    dissected: bool  # whether its pictures had masks

    @property
    def precision(self) -> float | None:
        """Return the share of its top patches that show what the label says; None without a label or a patch."""
        if not self.opinion.label or not self.patches:
            return None
        return 1 - len(self.opinion.misfits) / self.patches

    @property
    def agrees(self) -> bool | None:
        """Return whether the person's label and dissection's name the same; None where one of them says nothing."""
        if not self.opinion.label or not self.concept:
            return None
        return _same(self.opinion.label, self.concept)


def import_labels(atlas: Atlas, files: Iterable[str | Path]) -> int:
    """Write the opinions of some files into an atlas, all or none of each; return how many.

    Raises DataFileError with the place if a file is missing or damaged, or names a unit that is not in the atlas.
    """
    count = 0
    for file in files:
        opinions = read_labels(file, atlas)
        atlas.set_opinions(opinions)
        count += len(opinions)
    return count


def read_labels(file: str | Path, atlas: Atlas) -> list[Opinion]:
    """Read a file of opinions on the units of an atlas."""
    place = as_path(file, "file of labels", DataFileError)
    try:
        text = place.read_bytes()
    except OSError as error:
        raise DataFileError(f"{place} cannot be read: {error.strerror or error}.") from error
    suffix = place.suffix.lower()
    if suffix not in (".json", ".csv"):
        raise DataFileError(f"Labels are read from .json or .csv, but the file is called {place.name}.")
    rows = _of_json(text, place) if suffix == ".json" else _of_csv(text, place)
    channels = {layer.node: layer.channels for layer in atlas.layers()}
    opinions = [_checked(row, f"{place}, {where}", channels, atlas) for where, row in rows]
    return list({opinion[:2]: opinion for opinion in opinions}.values())  # of two on one unit the later


def labelled(atlas: Atlas) -> list[Labelled]:
    """Return the units that a person has said something of, in the order of the net."""
    opinions = atlas.opinions()
    result = []
    for layer in atlas.layers():
        dissected = any(row.iou is not None for row in atlas.rows(layer.node))
        for row in atlas.rows(layer.node):
            if (row.node, row.channel) in opinions:
                patches = atlas.count_top(row.node, row.channel)
                opinion = opinions[row.node, row.channel]
                result.append(Labelled(opinion, patches, row.concept, row.category, dissected))
    return result


def by_category(units: Sequence[Labelled]) -> dict[str, list[Labelled]]:
    """Return the units of each category, the category with most units first; "" is those without one, last."""
    groups: dict[str, list[Labelled]] = {}
    for unit in units:
        groups.setdefault(unit.opinion.category, []).append(unit)
    return dict(sorted(groups.items(), key=lambda pair: (pair[0] == "", -len(pair[1]), pair[0])))


def in_words(units: Sequence[Labelled]) -> list[str]:
    """Return what the opinions come to: how many units, their mean precision, the agreement with dissection."""
    named = [unit for unit in units if unit.opinion.label]
    if not named:
        return []
    precisions = [unit.precision for unit in named if unit.precision is not None]
    words = [f"{len(named)} unit{'s have labels' if len(named) > 1 else ' has a label'} typed by a person"]
    if precisions:
        words[0] += f"; mean precision {100 * sum(precisions) / len(precisions):.0f} % of the patches"
    words[0] += "."
    judged = [unit for unit in named if unit.agrees is not None]
    if judged:
        agreeing = sum(bool(unit.agrees) for unit in judged)
        words.append(f"Of {len(judged)} that dissection labels, too, {agreeing} have the same label.")
    elif any(unit.dissected for unit in named):
        words.append("Dissection finds no concept for any of them.")
    return words


def _same(label: str, concept: str) -> bool:
    """Return whether two labels name the same: the words of one are among those of the other."""
    words, others = ({word.rstrip("s") for word in text.lower().replace("-", " ").split()} for text in (label, concept))
    return bool(words) and bool(others) and (words <= others or others <= words)


def _of_json(text: bytes, place: Path) -> list[tuple[str, dict[str, Any]]]:
    try:
        rows: Any = parse_json(text, str(place)).get("labels")
    except WeightsFileError as error:
        raise DataFileError(str(error)) from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataFileError(f'{place} holds no labels; it should read {{"labels": [{{"node": ..., "channel": ...}}]}}.')
    return [(f"entry {number}", row) for number, row in enumerate(rows, 1)]


def _of_csv(text: bytes, place: Path) -> list[tuple[str, dict[str, Any]]]:
    try:
        reader = csv.DictReader(io.StringIO(text.decode("utf-8-sig")))
        names = [name.strip().lower() for name in reader.fieldnames or ()]
        if not {"node", "channel"} <= set(names):
            raise DataFileError(f"{place} needs a first line {','.join(COLUMNS)}, but it has {','.join(names)[:80]!r}.")
        rows = [dict(zip(names, row.values(), strict=False)) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataFileError(f"{place} cannot be read as a table: {error}.") from error
    return [(f"row {number}", row) for number, row in enumerate(rows, 1)]


def _checked(row: dict[str, Any], where: str, channels: dict[str, int], atlas: Atlas) -> Opinion:
    """Return a row as an opinion on a unit of the atlas; DataFileError if it is none."""
    node, channel = row.get("node"), row.get("channel")
    if node not in channels:
        raise DataFileError(f"{where}: the atlas has no layer {node!r}; {near(node, channels, 'layer')}.")
    try:
        number = int(str(channel))
    except ValueError:
        number = -1
    if not 0 <= number < channels[node]:
        raise DataFileError(f"{where}: {node} has the channels 0 to {channels[node] - 1}, but not {channel!r}.")
    label, category = (_text(row.get(name), f"{where}: the {name}") for name in ("label", "category"))
    return Opinion(node, number, label, category, _misfits(row.get("misfits"), where, atlas.count_top(node, number)))


def _text(value: Any, where: str) -> str:
    if value is not None and not isinstance(value, str):
        raise DataFileError(f"{where} must be a text, but is {value!r:.40}.")
    text = " ".join((value or "").split())
    if len(text) > LONGEST:
        raise DataFileError(f"{where} has {len(text)} letters; {LONGEST} are the most.")
    return text


def _misfits(value: Any, where: str, patches: int) -> tuple[int, ...]:
    parts = value if isinstance(value, list) else str(value or "").replace(",", " ").replace(";", " ").split()
    try:
        numbers = sorted({int(str(part)) for part in parts})
    except ValueError:
        numbers = [0]
    if numbers and not 1 <= numbers[0] <= numbers[-1] <= patches:
        raise DataFileError(f"{where}: misfits are numbers of patches from 1 to {patches}, but got {value!r:.60}.")
    return tuple(number - 1 for number in numbers)
