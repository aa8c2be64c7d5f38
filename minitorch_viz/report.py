"""The report: one self-contained HTML page with every technique that applies, each with its caption.

`make_report` shows what one net sees in some pictures, `make_page` any nets in any pictures, a section each.

The page needs no network and no server: pictures are inside it. It is made from the registry of techniques, so a new
technique appears in it by itself.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import MinitorchVizError, SettingError
from minitorch_viz.io.out import check_out
from minitorch_viz.models.samples import Sample
from minitorch_viz.progress import progress_bar
from minitorch_viz.report_command import Command, command_for
from minitorch_viz.techniques.base import Technique, get_technique, techniques

if TYPE_CHECKING:
    from minitorch_viz.models import Model

SUFFIXES = (".html", ".htm")


@dataclass
class Card:
    """One picture of the page and the words around it."""

    technique: Technique
    model: Model
    settings: Mapping[str, Any]
    picture: str = ""  # a data: URL, empty if the technique did not run
    alt: str = ""  # the picture in a few words; the caption below it says the rest
    caption: str = ""
    notes: Sequence[str] = ()
    seconds: float = 0.0
    problem: str = ""  # why there is no picture
    looked_at: Any = None  # what the technique is given: this photo, or of PICTURES and TEXT the sample for the net
    command: Command = field(default_factory=lambda: Command(""))


@dataclass
class Section:
    """One photo: what the net answers, and its cards."""

    model: Model
    name: str
    photo: str  # a data: URL
    answers: Sequence[Any]  # Prediction: index, name, probability
    truth: str = ""  # a data: URL of where the objects are; empty if that is not known
    truth_caption: str = ""
    main_object: str = ""
    cards: list[Card] = field(default_factory=list)
    problem: str = ""  # why the photo cannot be shown; then there are no cards
    notes: list[str] = field(default_factory=list)  # what was left out of the photo

    @property
    def parameters(self) -> int:
        """How many numbers the net has learned."""
        return sum(value.size for value in self.model.net.params.values())


def make_report(
    model: Model,
    images: Iterable[tuple[str, Any]],
    out: str | Path,
    *,
    only: Sequence[str] | None = None,
    target: str | int | None = None,
    other: str | int | None = None,
    node: str | None = None,
    left_out: Callable[[str], object] | None = None,
    progress: bool = True,
) -> Path:
    """Run every technique that applies on every image and write the page to `out`.

    images: (name, image) pairs; an image is a path, an array or a Pillow image.
    only: the names of the techniques to run; None for all.
    target, other, node: the class, the class that `compare` sets beside it, or the node to explain, of every technique
        that takes such a setting; by default the most probable class.
    left_out: called with a sentence for each image that cannot be read.

    Ctrl-C stops the work and writes the page with what is finished, then raises KeyboardInterrupt again, which says so.
    The file is written completely or not at all. An image that cannot be read, and a technique that fails on bad
    settings, leave their sentence in the page instead of pictures; if no image can be read, its error is raised.
    """
    pairs = [(model, Sample(*pair)) for pair in _checked(model, images, out)]
    return make_page(pairs, out, only=only, target=target, other=other, node=node, left_out=left_out, progress=progress)


def make_page(
    subjects: Sequence[tuple[Model, Sample]],
    out: str | Path,
    *,
    only: Sequence[str] | None = None,
    target: str | int | None = None,
    other: str | int | None = None,
    node: str | None = None,
    left_out: Callable[[str], object] | None = None,
    noted: Callable[[str], object] | None = None,
    progress: bool = True,
) -> Path:
    """One page with a section for each net and picture, as `make_report` does it for one net.

    subjects: (model, sample) pairs; a sample's truth, where it has one, is shown beside the picture and every map.
    noted: called with each note on a photo, such as that only the first frame of an animation is shown.
    """
    from minitorch_viz.io.atomic import write_bytes_atomically

    out, subjects = _place(out), _subjects(subjects)
    chosen = list(techniques().values()) if only is None else [get_technique(name) for name in _names(only)]
    asked = {name: value for name, value in (("target", target), ("other", other), ("node", node)) if value is not None}
    for model in {id(model): model for model, _ in subjects}.values():
        check_asked(model, asked)
    started = time.perf_counter()
    sections: list[Section] = []
    errors: list[MinitorchVizError] = []
    interrupted = False
    plans = [
        list(_plan(model, sample, chosen, asked, once=all(other is not model for other, _ in subjects[:number])))
        for number, (model, sample) in enumerate(subjects)
    ]
    with progress_bar(total=sum(map(len, plans)), desc="report", show=progress) as bar:
        try:
            for (model, sample), cards in zip(subjects, plans, strict=True):
                try:
                    section = _start_section(model, sample)
                except MinitorchVizError as error:
                    errors.append(error)
                    section = Section(model, sample.name, "", [], problem=str(error))
                    cards = []
                sections.append(section)
                for card in cards:
                    bar.set_postfix_str(card.technique.name)
                    _run(card)
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
    page = _render(names, sections, time.perf_counter() - started, interrupted)
    write_bytes_atomically(out, page.encode(errors="backslashreplace"))  # names of files may hold any byte
    if left_out is not None:
        for problem in errors:
            left_out(str(problem))
    if noted is not None:
        for note in dict.fromkeys(note for section in sections for note in section.notes):
            noted(note)
    if interrupted:
        raise KeyboardInterrupt(f"{out} holds what was finished, {done} of {sum(map(len, plans))} pictures")
    return out


def check_asked(model: Model, asked: Mapping[str, Any]) -> None:
    """Refuse a class or node that the model does not have, before the first picture and not in each."""
    for name in ("target", "other"):
        if name in asked and "node" in asked:
            raise SettingError(
                f"Give either a class ({name}={asked[name]!r}) or a node (node={asked['node']!r}), not both."
            )
        if (value := asked.get(name)) is not None:
            model.class_index(re.sub(r"^not (?=.)", "", value) if isinstance(value, str) else value)
    if "node" in asked:
        model.net[asked["node"]]  # NetError with near names


def _place(out: str | Path) -> Path:
    if not isinstance(out, (str, Path)) or not str(out):
        raise SettingError(f"out must be the path of the page to write, but got {out!r}.")
    out = Path(out)
    if out.is_dir() or not out.parent.is_dir():
        what = "is a folder" if out.is_dir() else f"is in {out.parent}, which is no folder"
        raise SettingError(f"out must be the path of the page to write, but {out} {what}.")
    return check_out(out, SUFFIXES, what="page", error=SettingError)


def _checked(model: Model, images: Iterable[tuple[str, Any]], out: str | Path) -> list[tuple[str, Any]]:
    """Refuse what cannot become a report before the first minute of work is spent on it."""
    from minitorch_viz.models import Model

    if not isinstance(model, Model):
        raise SettingError(f"make_report needs a Model, but got a {type(model).__name__}; see Model.from_net.")
    _place(out)
    pairs = list(images) if isinstance(images, Iterable) and not isinstance(images, (str, Mapping)) else []
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2 or not isinstance(pair[0], str):
            raise SettingError(
                f"images must be (name, image) pairs, but one is {type(pair).__name__} {str(pair)[:60]}."
            )
    if not pairs:
        raise SettingError(f"images must be at least one (name, image) pair, but got {str(images)[:60]!r}.")
    return pairs


def _subjects(subjects: Any) -> list[tuple[Model, Sample]]:
    from minitorch_viz.models import Model

    needed = "subjects must be at least one (Model, Sample) pair in a list"
    found = list(subjects) if isinstance(subjects, (list, tuple)) else []
    for pair in found:
        if not isinstance(pair, tuple) or [*map(type, pair)] != [Model, Sample]:
            raise SettingError(f"{needed}, but one is {type(pair).__name__} {str(pair)[:60]}.")
    if not found:
        raise SettingError(f"{needed}, but got {str(subjects)[:60]!r}.")
    return found


def _names(only: Sequence[str]) -> Sequence[str]:
    if isinstance(only, str) or not only:
        raise SettingError(f"only must be a list of at least one technique's name, but got {only!r}.")
    return only


def _plan(
    model: Model, sample: Sample, chosen: Iterable[Technique], asked: Mapping[str, Any], once: bool
) -> Iterator[Card]:
    """The cards to fill for one photo; a technique that does not apply gets one card that says why.

    once: whether this is the net's first photo; what looks at the net itself, or at a data set, is shown only there.
    """
    for technique in chosen:
        subject = technique.subject
        of_photo = subject.once_a == "photo"
        if not of_photo and not once:
            continue
        reason = technique.refuses(model)
        if reason is not None:
            command = command_for(technique, model, sample, {})
            yield Card(technique, model, {}, problem=f"Not shown: {reason}.", command=command)
            continue
        looked_at = sample.image if of_photo else subject.read(model, [])
        for own in technique.in_report(model):
            # A run that shows a node shows that node, whatever class is asked for.
            fitting = set() if "node" in own or not of_photo else asked.keys() & technique.options.keys()
            settings = {**own, **{name: asked[name] for name in asked if name in fitting}}
            command = command_for(technique, model, sample, settings)
            yield Card(technique, model, settings, looked_at=looked_at, command=command)


def _start_section(model: Model, sample: Sample) -> Section:
    from minitorch_viz.io.images import load_image

    notes: list[str] = []
    photo = load_image(sample.image, notes=notes)
    answers = model.classify(photo) if model.logits else []
    section = Section(model, sample.name, _thumbnail(photo), answers, notes=notes)
    if sample.truth is not None:
        greys = [0, *np.linspace(255, 90, len(sample.objects)).round().astype(int).tolist()]
        section.truth = _thumbnail(np.array(greys, np.uint8)[sample.truth])
        main, *others = sample.objects
        section.main_object = main
        rest = f"; the others, from lighter to darker grey: {', '.join(others)}" if others else ""
        section.truth_caption = f"The truth, known because the picture was generated: white is the {main}{rest}."
    return section


def _thumbnail(pixels: Array) -> str:
    """A picture as a data: URL, at most 480 pixels a side; a tiny one is enlarged, its pixels left as squares."""
    import io

    from PIL import Image

    photo = Image.fromarray(pixels)
    if max(photo.size) < 200:
        factor = 200 // max(photo.size) + 1
        photo = photo.resize((photo.width * factor, photo.height * factor), Image.Resampling.NEAREST)
    photo.thumbnail((480, 480))
    buffer = io.BytesIO()
    photo.save(buffer, "PNG")
    return _data_url(buffer.getvalue())


def _run(card: Card) -> None:
    """Fill a card in place."""
    from minitorch_viz.drawing import figure_bytes

    if card.problem:
        return
    started = time.perf_counter()
    try:
        result = card.technique.run_on(card.model, card.looked_at, **card.settings)
        card.picture = _data_url(figure_bytes(result.figure(), "png", dpi=110))
        card.alt, card.caption, card.notes = result.alt, result.caption, result.notes
    except MinitorchVizError as error:
        card.problem = str(error)
    card.seconds = time.perf_counter() - started


def _data_url(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _render(names: Sequence[str], sections: Sequence[Section], seconds: float, interrupted: bool) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from minitorch_viz import __version__

    environment = Environment(
        loader=PackageLoader("minitorch_viz"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page: str = environment.get_template("report.html").render(
        names=names,
        sections=sections,
        seconds=seconds,
        interrupted=interrupted,
        version=__version__,
    )
    return page
