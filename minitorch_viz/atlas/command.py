"""`minitorch-viz atlas`: making the file, bringing in labels, writing the pages, and what is said of each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minitorch_viz.atlas.labels import import_labels, in_words, labelled
from minitorch_viz.atlas.make import Made, atlas_steps, made_folder
from minitorch_viz.atlas.pages import INDEX, write_pages
from minitorch_viz.atlas.store import NAME, open_atlas, open_to_write
from minitorch_viz.errors import SettingError
from minitorch_viz.progress import progress_bar
from minitorch_viz.techniques.subject import PICTURES

if TYPE_CHECKING:
    from minitorch_viz.models import Model

NAMED = 5  # broken pictures that a note names


def make(model: Model, pictures: Any, folder: Path, nodes: Sequence[str], extras: Sequence[str], workers: int) -> None:
    """Make an atlas or go on with it; Ctrl-C keeps what is finished, and says so."""
    why = PICTURES.refuses(model)
    if why:
        raise SettingError(f"atlas does not apply to {model.name}: {why}.")
    newest: Made | None = None
    try:
        for newest in atlas_steps(model, pictures, folder, nodes, extras=extras, workers=workers):  # noqa: B007
            pass
    except KeyboardInterrupt:
        if newest is None:
            raise KeyboardInterrupt(f"{Path(folder) / NAME} keeps what is finished; the same command goes on") from None
        words = f"{newest.path} has {newest.units} of {newest.of} units; the same command goes on"
        raise KeyboardInterrupt(words) from None
    if newest is not None:
        _say(newest)


def bring_in(folder: Path, files: Sequence[Path]) -> None:
    """Write what persons say of units into an atlas."""
    with open_atlas(folder) as atlas:
        about = atlas.about
    with open_to_write(made_folder(folder), about) as atlas:
        count = import_labels(atlas, files)
        print(f"{count} unit{'s' * (count != 1)} labelled.")
        for words in in_words(labelled(atlas)):
            print(words)


def write(folder: Path) -> None:
    """Write the pages of an atlas."""
    with open_atlas(folder) as atlas:
        total = sum(len(atlas.finished(layer.node)) for layer in atlas.layers())
        with progress_bar(desc="pages", total=total) as bar:
            write_pages(atlas, made_folder(folder), bar.update)
    print(f"Wrote {Path(folder) / INDEX}")


def _say(outcome: Made) -> None:
    """Print what became of it."""
    size = outcome.path.stat().st_size / 1e6
    now = f"{outcome.written} of them written now in {outcome.seconds:.0f} s"
    print(f"{outcome.path}: {outcome.units} units, {now}, {size:.1f} MB.")
    if outcome.skipped:
        names = "; ".join(title for _, title, _ in outcome.skipped[:NAMED]) + (
            "; ..." if len(outcome.skipped) > NAMED else ""
        )
        count = len(outcome.skipped)
        verb = "picture was" if count == 1 else "pictures were"
        print(f"Note: {count} {verb} left out, since {'it' if count == 1 else 'they'} could not be read: {names}.")
