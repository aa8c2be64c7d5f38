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
    """Hold what the command line gave."""

    models: Sequence[str]
    weights: Path | None
    methods: Sequence[str] | None
    scenes: int
    seed: int
    out: Path
    boxes: Path | None
    photos: Path | None
    prefix: str | None = None  # of the names in the weights file


def run_grade(arguments: Arguments) -> None:
    """Grade, print the table, write both files; Ctrl-C writes what is finished and then ends as interrupted."""
    from minitorch_viz.models import load_model

    _check(arguments)
    models = [load_model(name, weights=arguments.weights, prefix=arguments.prefix) for name in arguments.models]
    if arguments.boxes is not None and arguments.photos is not None:
        grades = grade_photos(models, arguments.boxes, arguments.photos, methods=arguments.methods, seed=arguments.seed)
    else:
        grades = grade(models, methods=arguments.methods, scenes=arguments.scenes, seed=arguments.seed)
    print(grades)
    for note in (*dict.fromkeys(note for model in models for note in model.notes), *grades.notes):
        print(f"Note: {note}")
    for path in save_both(grades, arguments.out):
        print(f"Wrote {path}")
    if grades.interrupted:
        raise KeyboardInterrupt(
            f"what was finished is kept in {arguments.out} and {arguments.out.with_suffix('.json').name}"
        )


def save_both(grades: Grades, out: Path) -> tuple[Path, Path]:
    """Write the page and, beside it under the same name, the JSON."""
    return grades.save(out), grades.save(out.with_suffix(".json"))


def _check(arguments: Arguments) -> None:
    """Refuse what cannot end well before the first minute of work is spent on it."""
    if arguments.out.suffix.lower() != ".html" or arguments.out.is_dir() or not arguments.out.parent.is_dir():
        raise SettingError(
            f"--out must be the path of a page, NAME.html in a folder that exists, but got {arguments.out}."
        )
    if (arguments.boxes is None) != (arguments.photos is None):
        given, missing = ("--photos", "--boxes FILE") if arguments.boxes is None else ("--boxes", "--photos FOLDER")
        raise SettingError(
            f"{given} needs {missing} too: the file that says what is where, and the folder of the photos."
        )
    if arguments.prefix is not None and len(arguments.models) != 1:
        raise SettingError(f"--prefix belongs to the weights of one net, but {len(arguments.models)} were named.")
    if arguments.weights is not None and len(arguments.models) != 1:
        raise SettingError(
            f"--weights belong to one net, but {len(arguments.models)} were named; put the files at home."
        )
    photos = arguments.photos.rglob("*") if arguments.photos is not None and arguments.photos.is_dir() else ()
    inputs = [arguments.weights, arguments.boxes, *arguments.models, *photos]
    for path in (arguments.out, arguments.out.with_suffix(".json")):
        check_out(path, inputs=inputs, noun="page" if path is arguments.out else "table beside the page")
