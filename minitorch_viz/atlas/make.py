"""Making an atlas: one pass over the pictures for all layers, then the units in blocks, each written as it is done."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minitorch_viz._types import Pair
from minitorch_viz.atlas.store import Atlas, Kept, Layer, Stored, open_to_write
from minitorch_viz.checks import check_names
from minitorch_viz.data.pictures import Pictures, as_pictures
from minitorch_viz.drawing.small_png import contact_sheet, thumbnail
from minitorch_viz.errors import DataFileError, SettingError, near, need_whole
from minitorch_viz.progress import progress_bar
from minitorch_viz.techniques.activations.unit import dissected, empirical_field, evidence_of
from minitorch_viz.techniques.explain.class_use import Reading, leads_to_scores
from minitorch_viz.techniques.explain.nothing import blank_tape
from minitorch_viz.techniques.explain.patches import Patch
from minitorch_viz.techniques.explain.silence import Silenced
from minitorch_viz.techniques.explain.unit_page import SIDE, SMALL, beside_png, effective_picture, patch_png
from minitorch_viz.techniques.explain.unit_passport import passport_of
from minitorch_viz.techniques.explain.unit_pictures import (
    Effective,
    field_facts,
    reach_of,
    shown,
    tenths_of,
    top_of,
)
from minitorch_viz.techniques.explain.unit_survey import (
    Ground,
    Survey,
    ground_of,
    need_pictures,
    survey_of,
    tallies_for,
)
from minitorch_viz.techniques.state import net_fingerprint
from minitorch_viz.techniques.tally import Tally, tallied

if TYPE_CHECKING:
    from minitorch_viz.models import Model

TOP = 9  # strongest answers of each unit
BLOCK = 128  # units whose patches are gathered together: each of their pictures is looked at once
COVERS = 4  # patches on a unit's small picture
COVER = 48  # pixels of each
FIELD = 96  # pixels of an effective field
EXTRAS = ("ablation", "field")  # what costs much and is left out unless it is asked for
STATE = "atlas.state"  # the file beside the atlas that keeps the pass over the pictures


@dataclass(frozen=True)
class Made:
    """Say what became of an atlas."""

    path: Path
    units: int  # finished, of all layers
    of: int
    written: int  # in this run
    seconds: float
    skipped: tuple[tuple[int, str, str], ...]  # pictures that could not be read: number, title, why


def make_atlas(
    model: Model,
    pictures: Any,
    folder: str | Path,
    nodes: Sequence[str],
    *,
    extras: Sequence[str] = (),
    workers: int = 1,
    progress: bool = True,
) -> Made:
    """Write the passports of all units of some nodes; those that the file has already are left as they are.

    folder: where `atlas.sqlite` is, or is made. extras: "ablation", what silencing each unit does to the classes;
    "field", its empirical field.
    Ctrl-C and kill -9 keep every unit that is finished; the same call goes on.

    Raises NetError or SettingError for an unknown node or setting, or if the file is another net's; DataFileError if
    the folder cannot be written, the file is damaged, or no picture can be read.
    """
    *_, newest = atlas_steps(model, pictures, folder, nodes, extras=extras, workers=workers, progress=progress)
    return newest


def atlas_steps(
    model: Model,
    pictures: Any,
    folder: str | Path,
    nodes: Sequence[str],
    *,
    extras: Sequence[str] = (),
    workers: int = 1,
    progress: bool = True,
) -> Iterator[Made]:
    """Do the same, and yield after each unit that is written (and once if there was none left)."""
    begin = time.monotonic()
    need_whole("number of workers", workers, 1)
    for extra in extras:
        if extra not in EXTRAS:
            raise SettingError(f"An atlas can be made with {', '.join(EXTRAS)}, but not with {extra!r}.")
    if not nodes:
        raise SettingError(f"Name the layers: nodes; {near('', model.net.names, 'node')}.")
    check_names(nodes, model.net.names, "nodes")
    names = [name for name in model.net.names if name in nodes]
    source = as_pictures(pictures)
    tape = blank_tape(model)
    grounds = [ground_of(model, name, tape) for name in names]
    place = made_folder(folder)
    with open_to_write(place, facts_of(model, source, extras)) as atlas:
        for ground in grounds:
            number = model.net.names.index(ground.node)
            words = repr(model.net[ground.node].layer) if ground.node in model.net else "the net's input"
            atlas.add_layer(Layer(ground.node, number, ground.channels, words))
        left = {ground.node: _left(atlas, ground) for ground in grounds}
        total = sum(ground.channels for ground in grounds)
        finished, written = total - sum(map(len, left.values())), 0
        skipped = tuple(map(tuple, atlas.about.get("skipped", ())))
        newest = Made(atlas.path, finished, total, written, 0.0, skipped)
        if finished < total:
            working = [ground for ground in grounds if left[ground.node]]
            surveys = _surveys(source, working, place, workers, progress)
            skipped = tuple((each.number, each.title, each.why) for each in surveys[0].skipped)
            atlas.say(skipped=skipped)
            with progress_bar(desc="units", total=total, show=progress) as shown_bar:
                shown_bar.update(finished)
                for survey in surveys:
                    for kept in units_of(survey, source, left[survey.ground.node], extras, workers):
                        atlas.add(kept)
                        finished, written = finished + 1, written + 1
                        shown_bar.update(1)
                        seconds = time.monotonic() - begin
                        newest = Made(atlas.path, finished, total, written, seconds, skipped)
                        if finished < total:
                            yield newest
        with contextlib.suppress(OSError):
            (place / STATE).unlink(missing_ok=True)  # it is of use as long as units are missing
    yield newest


def units_of(
    survey: Survey, pictures: Pictures, channels: Sequence[int], extras: Sequence[str] = (), workers: int = 1
) -> Iterator[Kept]:
    """Yield the passports of some channels with their pictures, a block at a time."""
    reach, ground = reach_of(survey, pictures), survey.ground
    concepts = dissected(ground, pictures, workers, length=3, untrained=1)
    for begin in range(0, len(channels), BLOCK):
        block = channels[begin : begin + BLOCK]
        tops = [top_of(survey, channel, TOP) for channel in block]
        tenths = [tenths_of(survey, channel) for channel in block]
        units = shown(ground, pictures, tops, tenths, reach)
        for channel, wanted, (top, tenth, field) in zip(block, tops, units, strict=True):
            falls = _falls(survey, pictures, channel) if "ablation" in extras else None
            evidence = None if concepts is None else evidence_of(concepts, channel)
            covered = empirical_field(ground, pictures, wanted) if "field" in extras else None
            passport = passport_of(survey, channel, field_facts(ground, field, covered, top), falls, evidence)
            size = ground.model.preprocessing.size
            cover = contact_sheet([patch.crop for patch in top[:COVERS]], 2, COVER) if top else None
            patches = (*_stored("top", top, SIDE), *_stored("tenth", tenth, SMALL))
            yield Kept(passport, cover, _field_png(field, size), _field_png(covered, size), patches)


def _field_png(field: Effective | None, size: Pair) -> bytes | None:
    return None if field is None else thumbnail(effective_picture(field, size), FIELD)


def facts_of(model: Model, pictures: Pictures, extras: Sequence[str]) -> dict[str, Any]:
    """Return what an atlas is of: the net, the pictures and the settings, with the hashes by which they are known."""
    return {
        "net": model.name,
        "net_hash": net_fingerprint(model),
        "pictures": pictures.name,
        "pictures_hash": pictures.fingerprint,
        "count": len(pictures),
        "settings": {"top": TOP, "with": sorted(extras)},
        "class_names": list(model.class_names),
        "skipped": [],
    }


def made_folder(folder: str | Path) -> Path:
    """Return a folder that can be written, made if there is none; DataFileError if that is impossible."""
    from minitorch_viz.io.out import check_out

    place = Path(folder).expanduser()
    if place.exists() and not place.is_dir():
        raise DataFileError(f"{place} is a file; give the name of a folder for the atlas.")
    if not place.absolute().parent.is_dir():
        raise DataFileError(f"There is no folder {place.parent} to make {place.name} in; make it first.")
    try:
        place.mkdir(exist_ok=True)
    except OSError as error:
        raise DataFileError(f"The folder {place} cannot be made: {error.strerror or error}.") from error
    check_out(place / "trial.sqlite", noun="atlas", error=DataFileError)
    return place


def _left(atlas: Atlas, ground: Ground) -> list[int]:
    finished = atlas.finished(ground.node)
    return [channel for channel in range(ground.channels) if channel not in finished]


def _surveys(pictures: Pictures, grounds: Sequence[Ground], place: Path, workers: int, progress: bool) -> list[Survey]:
    """Look at all pictures once, for all layers; the state is kept, so that a run that was stopped goes on."""
    groups = [tallies_for(ground, TOP) for ground in grounds]
    tallies: list[Tally] = [tally for group in groups for tally in group]
    model = grounds[0].model
    with progress_bar(desc="pictures", total=len(pictures), show=progress) as shown_bar:
        for step in _with_state(
            lambda file: tallied(model, pictures, tallies, workers=workers, checkpoint=file), place
        ):
            shown_bar.update(step.done - shown_bar.n)
    surveys, begin = [], 0
    for ground, group in zip(grounds, groups, strict=True):
        survey = survey_of(ground, step.tallies[begin : begin + len(group)], step)
        surveys.append(need_pictures(survey, pictures, step.skipped))
        begin += len(group)
    return surveys


def _with_state(begin: Any, place: Path) -> Iterator[Any]:
    """Yield the steps of a pass that goes on from the state file; one of another run, or a damaged one, is replaced."""
    from minitorch_viz.errors import MinitorchVizError

    file = place / STATE
    if file.exists():
        steps = begin(file)
        try:
            first = next(steps)
        except MinitorchVizError:
            file.unlink(missing_ok=True)
        else:
            yield first
            yield from steps
            return
    yield from begin(file)


def _falls(survey: Survey, pictures: Pictures, channel: int) -> Any:
    """Return what silencing a channel does to mean class scores; None where it does not lead to any."""
    model, node = survey.ground.model, survey.ground.node
    if not leads_to_scores(model, node):
        return None
    for step in tallied(model, pictures, [Silenced(node, channel, Reading(model))]):
        (tally,) = step.tallies
    return tally.result()


def _stored(kind: str, patches: Sequence[Patch], side: int) -> Iterator[Stored]:
    for rank, patch in enumerate(patches):
        row, column = patch.position if isinstance(patch.position, tuple) else (patch.position, None)
        guided = None if patch.beside is None else beside_png(patch, side)
        picture = patch_png(patch, side)
        yield Stored(kind, rank, patch.number, patch.title, row, column, patch.value, picture, guided)
