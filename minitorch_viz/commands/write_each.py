"""Writing a file for each of many photos, and saying what became of them."""

from __future__ import annotations

import contextlib
import glob
import os
import sys
from collections.abc import Sequence
from contextlib import closing

from minitorch_viz.commands.look import Look
from minitorch_viz.commands.many import Many
from minitorch_viz.commands.outcomes import Outcome, outcomes
from minitorch_viz.io.out import identity
from minitorch_viz.progress import progress_bar

SHOWN = 3  # photos that a note names


def write_each(many: Many, look: Look) -> int:
    """Write the result of each photo and print a line on it; return 1 if one was left out, else 0.

    Raises KeyboardInterrupt, which says how many are written, and SettingError or NetError if a setting does not fit
    and nothing is written yet.
    """
    before = [identity(file) for file in many.files]
    is_new = not many.folder.is_dir()
    many.folder.mkdir(exist_ok=True)
    notes: dict[str, list[str]] = {}
    written = 0
    bar = progress_bar(total=len(many.photos), desc=look.technique.name, unit="photo", leave=False)
    pairs = list(zip(many.photos, many.files, strict=True))
    try:
        with closing(outcomes(look, pairs, many.workers)) as each, bar:  # type: ignore[type-var]  # a generator has close
            for outcome in each:
                if outcome.problem is None:
                    written += 1
                    bar.write(": ".join(filter(None, (str(outcome.file), ", ".join(outcome.facts)))))
                    for note in outcome.notes:
                        notes.setdefault(note, []).append(outcome.photo)
                else:
                    bar.write(f"Left out: {_problem_of(outcome)}", file=sys.stderr)
                bar.update()
    except KeyboardInterrupt:
        _tidy(many)
        files = zip(many.files, before, strict=True)
        count = sum(identity(file) not in (None, old) for file, old in files)
        told = f"{count + many.there} of {many.total} files are in {many.folder}"
        raise KeyboardInterrupt(f"interrupted; {told}; with --only-missing the same command goes on") from None
    finally:
        if is_new:
            with contextlib.suppress(OSError):  # only an empty one can be removed
                many.folder.rmdir()
    for note, photos in notes.items():
        print(f"Note{_on(photos, written)}: {note}")
    remark = f", {many.there} were there already" if many.there else ""
    print(f"Wrote {written} of {len(many.photos)} files into {many.folder}{os.sep}{remark}")
    return int(written < len(many.photos))


def _problem_of(outcome: Outcome) -> str:
    told = str(outcome.problem)
    return told if outcome.photo in told else f"{outcome.photo}: {told}"


def _tidy(many: Many) -> None:
    """Remove what workers that were stopped have begun: files that have only their hidden names."""
    for file in many.files:
        for begun in file.parent.glob(f".{glob.escape(file.name[:100])}.*.tmp"):
            with contextlib.suppress(OSError):
                begun.unlink()


def _on(photos: Sequence[str], total: int) -> str:
    """Return which photos a note is on: "" if on all."""
    if len(photos) == total and total > 1:
        return ""
    more = f" and {len(photos) - SHOWN} more" if len(photos) > SHOWN else ""
    return f" on {', '.join(photos[:SHOWN])}{more}"
