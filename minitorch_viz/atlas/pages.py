"""An atlas as static pages: an index, a page a layer, a page a unit, a page of what persons said; no server is needed.

All addresses are relative, so that the folder can be moved or put on any server. A unit's page holds its pictures; a
layer's page loads the small ones as they come into sight.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from minitorch_viz.atlas.labels import CATEGORIES, Labelled, by_category, in_words, labelled
from minitorch_viz.atlas.store import Atlas, Layer, Opinion, Row, Stored
from minitorch_viz.drawing.html import embedded_png, render, script_data, write_page
from minitorch_viz.errors import DataFileError
from minitorch_viz.io.atomic import write_bytes_atomically
from minitorch_viz.techniques.explain.unit_page import Address, Picture, number, part_of, place_words

INDEX, OPINIONS = "index.html", "labels.html"


class Card(NamedTuple):
    """Hold a unit as a list shows it."""

    row: Row
    address: str
    cover: str  # the address of its small picture; "" if it has none
    words: str  # its labels
    opinion: Opinion | None
    precision: float | None = None
    agrees: bool | None = None


@dataclass(frozen=True)
class Site:
    """Know where each unit's page is."""

    folders: Mapping[str, str]  # of each layer, by its node
    units: Mapping[str, frozenset[int]]  # those that are finished

    def page(self, node: str, channel: int) -> str:
        """Return the address of a unit's page, from the index; "" if it has none."""
        return f"{self.folders[node]}/{channel:04d}.html" if channel in self.units.get(node, ()) else ""

    def from_unit(self) -> Address:
        """Return the addresses of units' pages, from another unit's page."""
        return lambda node, channel: f"../{page}" if (page := self.page(node, channel)) else ""


def write_pages(
    atlas: Atlas, folder: Path, progress: Callable[[int], object] | None = None, only: Sequence[str] = ()
) -> int:
    """Write all pages of an atlas into a folder; return how many. progress: is told of each unit's page.

    Raises DataFileError if a page cannot be written.
    """
    layers = atlas.layers()
    rows = {layer.node: atlas.rows(layer.node) for layer in layers}
    site = Site(folder_names(layers), {node: frozenset(row.channel for row in listed) for node, listed in rows.items()})
    about, opinions = atlas.about, atlas.opinions()
    count = 2
    for layer in layers:
        if only and layer.node not in only:
            continue
        place = folder / site.folders[layer.node]
        try:
            place.mkdir(exist_ok=True)
        except OSError as error:
            raise DataFileError(f"The folder {place} cannot be made: {error.strerror or error}.") from error
        cards = [_card(atlas, site, place, row, opinions) for row in rows[layer.node]]
        page = render("atlas_layer.html", layer=layer, cards=cards, about=about, index=INDEX)
        write_page(folder / f"{site.folders[layer.node]}.html", page, DataFileError)
        count += 1
        neighbours = [row.channel for row in rows[layer.node]]
        for index, row in enumerate(rows[layer.node]):
            before = neighbours[index - 1] if index else None
            after = neighbours[index + 1] if index + 1 < len(neighbours) else None
            unit_page = _unit_page(atlas, site, layer, row, about, opinions.get((row.node, row.channel)), before, after)
            write_page(place / f"{row.channel:04d}.html", unit_page, DataFileError)
            count += 1
            if progress is not None:
                progress(1)
    labels = labelled(atlas)
    write_page(folder / OPINIONS, _opinions_page(site, labels, about), DataFileError)
    write_page(folder / INDEX, _index_page(site, layers, rows, opinions, labels, about), DataFileError)
    return count


def folder_names(layers: Sequence[Layer]) -> dict[str, str]:
    """Return the name of each layer's folder: letters that every file system and address takes, each once."""
    names: dict[str, str] = {}
    for layer in layers:
        name = re.sub(r"[^A-Za-z0-9_-]+", "_", layer.node).strip("_")[:80] or "layer"
        used = {other.lower() for other in names.values()} | {"index", "labels"}
        names[layer.node] = name if name.lower() not in used else f"{name}-{layer.place}"
    return names


def _card(atlas: Atlas, site: Site, place: Path, row: Row, opinions: Mapping[tuple[str, int], Opinion]) -> Card:
    """Return a unit as its layer's page lists it, and write its small picture."""
    cover = atlas.cover(row.node, row.channel)
    if cover is not None:
        write_bytes_atomically(place / f"{row.channel:04d}.png", cover, DataFileError)
    address = site.page(row.node, row.channel)
    opinion = opinions.get((row.node, row.channel))
    return Card(row, address, address.replace(".html", ".png") if cover else "", _words(row, opinion), opinion)


def _words(row: Row, opinion: Opinion | None) -> str:
    own = [] if opinion is None else [opinion.label, opinion.category]
    return ", ".join(dict.fromkeys(filter(None, [*own, row.concept])))


def _unit_page(
    atlas: Atlas,
    site: Site,
    layer: Layer,
    row: Row,
    about: Mapping[str, Any],
    opinion: Opinion | None,
    before: int | None,
    after: int | None,
) -> str:
    kept = atlas.unit(row.node, row.channel)
    top = [_picture(patch) for patch in kept.patches if patch.kind == "top"]
    tenths = [_picture(patch) for patch in kept.patches if patch.kind == "tenth"]
    field, covered = (None if png is None else embedded_png(png) for png in (kept.effective, kept.covered))
    part = part_of(kept.passport, top, tenths, field, covered, address=site.from_unit())
    key = {"atlas": about["net_hash"][:12] + about["pictures_hash"][:12], "node": row.node, "channel": row.channel}
    entry = opinion._asdict() | {"misfits": [rank + 1 for rank in opinion.misfits]} if opinion else None
    return render(
        "atlas_unit.html",
        unit=part,
        layer=layer,
        about=about,
        index=f"../{INDEX}",
        layer_page=f"../{site.folders[layer.node]}.html",
        before=None if before is None else f"{before:04d}.html",
        after=None if after is None else f"{after:04d}.html",
        opinion=opinion,
        categories=CATEGORIES,
        data=script_data({"key": key, "said": entry, "count": len(top)}),
    )


def _picture(patch: Stored) -> Picture:
    position = None if patch.row is None else patch.row if patch.column is None else (patch.row, patch.column)
    guided = None if patch.guided is None else embedded_png(patch.guided)
    return Picture(embedded_png(patch.picture), guided, number(patch.value), patch.title, place_words(position))


def _index_page(
    site: Site,
    layers: Sequence[Layer],
    rows: Mapping[str, Sequence[Row]],
    opinions: Mapping[tuple[str, int], Opinion],
    labels: Sequence[Labelled],
    about: Mapping[str, Any],
) -> str:
    listed = []
    for layer in layers:
        concepts: dict[str, int] = {}
        for row in rows[layer.node]:
            if row.concept:
                concepts[row.concept] = concepts.get(row.concept, 0) + 1
        best = sorted(concepts, key=lambda name: -concepts[name])[:6]
        address = f"{site.folders[layer.node]}.html"
        listed.append((layer, len(rows[layer.node]), address, [(name, concepts[name]) for name in best]))
    units = [
        [
            site.page(row.node, row.channel),
            f"{row.node} {row.channel}",
            _words(row, opinions.get((row.node, row.channel))),
        ]
        for layer in layers
        for row in rows[layer.node]
    ]
    return render(
        "atlas_index.html",
        layers=listed,
        about=about,
        said=in_words(labels),
        opinions=OPINIONS,
        units=script_data(units),
    )


def _opinions_page(site: Site, labels: Sequence[Labelled], about: Mapping[str, Any]) -> str:
    groups = []
    for category, units in by_category(labels).items():
        cards = []
        for unit in units:
            opinion = unit.opinion
            address = site.page(opinion.node, opinion.channel)
            row = Row(opinion.node, opinion.channel, 0.0, unit.concept, unit.concept_category, None)
            cover = address.replace(".html", ".png")
            cards.append(Card(row, address, cover, opinion.label, opinion, unit.precision, unit.agrees))
        groups.append((category, cards))
    return render("atlas_labels.html", groups=groups, about=about, said=in_words(labels), index=INDEX)
