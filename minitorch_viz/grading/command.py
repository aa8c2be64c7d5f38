"""`minitorch-viz grade`: the table as a page, and its numbers as JSON beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from minitorch_viz.errors import SettingError
from minitorch_viz.grading.grades import Grades
from minitorch_viz.grading.harness import grade
from minitorch_viz.grading.photos import grade_photos
from minitorch_viz.io.out import check_out


@dataclass(frozen=True)
class Arguments:
    """What the command line gave."""

    models: Sequence[str]
    weights: Path | None
    methods: Sequence[str] | None
    scenes: int
    seed: int
    out: Path
    boxes: Path | None
    photos: Path | None
    prefix: str | None = None  # of the names in the weights file


def run_grade(given: Arguments) -> None:
    """Grade, print the table, write both files; Ctrl-C writes what is finished and then ends as interrupted."""
    from minitorch_viz.models import load_model

    _check(given)
    models = [load_model(name, weights=given.weights, prefix=given.prefix) for name in given.models]
    if given.boxes is not None and given.photos is not None:
        grades = grade_photos(models, given.boxes, given.photos, methods=given.methods, seed=given.seed)
    else:
        grades = grade(models, methods=given.methods, scenes=given.scenes, seed=given.seed)
    print(grades)
    for note in (*dict.fromkeys(note for model in models for note in model.notes), *grades.notes):
        print(f"Note: {note}")
    for path in save_both(grades, given.out):
        print(f"Wrote {path}")
    if grades.interrupted:
        raise KeyboardInterrupt(f"what was finished is kept in {given.out} and {given.out.with_suffix('.json').name}")


def save_both(grades: Grades, out: Path) -> tuple[Path, Path]:
    """Write the page and, beside it under the same name, the JSON."""
    return grades.save(out), grades.save(out.with_suffix(".json"))


def _check(given: Arguments) -> None:
    """Refuse what cannot end well before the first minute of work is spent on it."""
    if given.out.suffix.lower() != ".html" or given.out.is_dir() or not given.out.parent.is_dir():
        raise SettingError(f"--out must be the path of a page, NAME.html in a folder that exists, but got {given.out}.")
    if (given.boxes is None) != (given.photos is None):
        have, miss = ("--photos", "--boxes FILE") if given.boxes is None else ("--boxes", "--photos FOLDER")
        raise SettingError(f"{have} needs {miss} too: the file that says what is where, and the folder of the photos.")
    if given.prefix is not None and len(given.models) != 1:
        raise SettingError(f"--prefix belongs to the weights of one net, but {len(given.models)} were named.")
    if given.weights is not None and len(given.models) != 1:
        raise SettingError(f"--weights belong to one net, but {len(given.models)} were named; put the files at home.")
    photos = given.photos.rglob("*") if given.photos is not None and given.photos.is_dir() else ()
    inputs = [given.weights, given.boxes, *given.models, *photos]
    for path in (given.out, given.out.with_suffix(".json")):
        check_out(path, inputs=inputs, what="page" if path is given.out else "table beside the page")
