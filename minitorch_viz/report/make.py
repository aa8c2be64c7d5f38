"""Making a report: what is asked for is checked, planned, run and written."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minitorch_viz.drawing.html import write_page
from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.models.samples import Sample
from minitorch_viz.progress import progress_bar
from minitorch_viz.report.checks import check_asked, checked_images, checked_names, checked_out, checked_subjects
from minitorch_viz.report.page import page_of
from minitorch_viz.report.plan import Plan, Section, planned
from minitorch_viz.report.run import fill, start_section
from minitorch_viz.techniques.base import Technique, get_technique, techniques

if TYPE_CHECKING:
    from minitorch_viz.models import Model


def make_report(
    model: Model,
    images: Iterable[tuple[str, Any]],
    out: str | Path,
    *,
    only: Sequence[str] | None = None,
    long: bool = False,
    target: str | int | None = None,
    other: str | int | None = None,
    node: str | None = None,
    left_out: Callable[[str], object] | None = None,
    progress: bool = True,
) -> Path:
    """Run every technique that applies on every image and write the page to `out`.

    images: (name, image) pairs; an image is a path, an array or a Pillow image.
    only: the names of the techniques to run; None for all.
    long: run those, too, that take longer, each within its budget (`Technique.budget`).
    target, other, node: the class, the class that `compare` sets beside it, or the node to explain, of every technique
        that takes such a setting; by default the most probable class.
    left_out: called with a sentence for each image that cannot be read.

    Ctrl-C stops the work and writes the page with what is finished, then raises KeyboardInterrupt again, which says so.
    The file is written completely or not at all. An image that cannot be read, and a technique that fails on bad
    settings, leave their sentence in the page instead of pictures; if no image can be read, its error is raised.
    """
    pairs = [(model, Sample(*pair)) for pair in checked_images(model, images, out)]
    return make_page(
        pairs, out, only=only, long=long, target=target, other=other, node=node, left_out=left_out, progress=progress
    )


def make_page(
    subjects: Sequence[tuple[Model, Sample]],
    out: str | Path,
    *,
    only: Sequence[str] | None = None,
    long: bool = False,
    target: str | int | None = None,
    other: str | int | None = None,
    node: str | None = None,
    left_out: Callable[[str], object] | None = None,
    noted: Callable[[str], object] | None = None,
    progress: bool = True,
) -> Path:
    """Write one page with a section for each net and picture, as `make_report` does it for one net.

    subjects: (model, sample) pairs; a sample's truth, where it has one, is shown beside the picture and every map.
    noted: called with each note on a photo, such as that only the first frame of an animation is shown.
    """
    out, subjects = checked_out(out), checked_subjects(subjects)
    chosen = list(techniques().values()) if only is None else [get_technique(name) for name in checked_names(only)]
    choices = {
        name: value for name, value in (("target", target), ("other", other), ("node", node)) if value is not None
    }
    for model in {id(model): model for model, _ in subjects}.values():
        check_asked(model, choices)
    started = time.perf_counter()
    plans = _plans(subjects, chosen, choices, long or only is not None)  # what is named is wanted
    sections: list[Section] = []
    errors: list[MinitorchVizError] = []
    total = sum(len(plan.cards) for plan in plans)
    interrupted = False
    with progress_bar(total=total, desc="report", show=progress) as bar:
        try:
            for (model, sample), plan in zip(subjects, plans, strict=True):
                try:
                    section = start_section(model, sample)
                except MinitorchVizError as error:
                    errors.append(error)
                    section, plan = Section(model, sample.name, problem=str(error)), Plan()
                sections.append(section)
                section.absent = plan.absent
                for card in plan.cards:
                    bar.set_postfix_str(card.technique.name)
                    try:
                        fill(card)
                    finally:
                        if card.picture or card.problem:
                            section.cards.append(card)
                    bar.update()
        except KeyboardInterrupt:
            interrupted = True
    done = sum(len(section.cards) for section in sections)
    if interrupted and not done:
        raise KeyboardInterrupt
    if errors and len(errors) == len(sections):
        raise errors[0]
    names = list(dict.fromkeys(model.name for model, _ in subjects))
    write_page(out, page_of(names, sections, time.perf_counter() - started, interrupted))
    if left_out is not None:
        for problem in errors:
            left_out(str(problem))
    if noted is not None:
        for note in dict.fromkeys(note for section in sections for note in section.notes):
            noted(note)
    if interrupted:
        raise KeyboardInterrupt(f"{out} holds what was finished, {done} of {total} pictures")
    return out


def _plans(
    subjects: Sequence[tuple[Model, Sample]], chosen: Sequence[Technique], choices: Mapping[str, Any], long: bool
) -> list[Plan]:
    """Return one plan a photo; what looks at a net itself is in the plan of its first photo."""
    return [
        planned(
            model,
            sample,
            chosen,
            choices,
            is_first=all(other is not model for other, _ in subjects[:number]),
            long=long,
        )
        for number, (model, sample) in enumerate(subjects)
    ]
