"""The report: one self-contained HTML page with every technique that applies, each with its caption.

The page needs no network and no server: pictures are inside it. It is made from the registry of techniques, so a new
technique appears in it by itself.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minitorch_viz.errors import MinitorchVizError, SettingError
from minitorch_viz.techniques.base import Technique, get_technique, techniques

if TYPE_CHECKING:
    from minitorch_viz.models import Model


@dataclass
class Card:
    """One picture of the page and the words around it."""

    technique: Technique
    settings: Mapping[str, Any]
    picture: str = ""  # a data: URL, empty if the technique did not run
    caption: str = ""
    notes: Sequence[str] = ()
    seconds: float = 0.0
    problem: str = ""  # why there is no picture

    @property
    def command(self) -> str:
        """The command line that makes this picture alone (model and photo to be added)."""
        options = "".join(f" --{name.replace('_', '-')} {value}" for name, value in self.settings.items())
        return f"minitorch-viz {self.technique.name}{options}"


@dataclass
class Section:
    """One photo: what the net answers, and its cards."""

    name: str
    photo: str  # a data: URL
    answers: Sequence[Any]  # Prediction: index, name, probability
    cards: list[Card] = field(default_factory=list)


def make_report(
    model: Model,
    images: Iterable[tuple[str, Any]],
    out: str | Path,
    *,
    only: Sequence[str] | None = None,
    progress: bool = True,
) -> Path:
    """Run every technique that applies on every image and write the page to `out`.

    images: (name, image) pairs; an image is a path, an array or a Pillow image.
    only: the names of the techniques to run; None for all.

    Ctrl-C stops the work and writes the page with what is finished, then raises KeyboardInterrupt again.
    The file is written completely or not at all. A technique that fails on bad settings leaves its sentence in the
    page instead of a picture.
    """
    from tqdm.auto import tqdm

    from minitorch_viz.io.atomic import write_bytes_atomically

    out, pairs = _checked(model, images, out)
    chosen = list(techniques().values()) if only is None else [get_technique(name) for name in _names(only)]
    started = time.perf_counter()
    sections: list[Section] = []
    try:
        plans = [list(_plan(model, chosen)) for _ in pairs]
        with tqdm(total=sum(map(len, plans)), desc="report", unit="picture", disable=not progress) as bar:
            for (name, image), cards in zip(pairs, plans, strict=True):
                section = _start_section(model, name, image)
                sections.append(section)
                for card in cards:
                    bar.set_postfix_str(card.technique.name)
                    _run(card, model, image, progress)
                    section.cards.append(card)
                    bar.update()
        interrupted = False
    except KeyboardInterrupt:
        interrupted = True
    page = _render(model, sections, time.perf_counter() - started, interrupted)
    write_bytes_atomically(out, page.encode())
    if interrupted:
        raise KeyboardInterrupt
    return out


def _checked(model: Model, images: Iterable[tuple[str, Any]], out: str | Path) -> tuple[Path, list[tuple[str, Any]]]:
    """Refuse what cannot become a report before the first minute of work is spent on it."""
    from minitorch_viz.models import Model

    if not isinstance(model, Model):
        raise SettingError(f"make_report needs a Model, but got a {type(model).__name__}; see Model.from_net.")
    if not isinstance(out, (str, Path)) or not str(out):
        raise SettingError(f"out must be the path of the page to write, but got {out!r}.")
    out = Path(out)
    if out.is_dir() or not out.parent.is_dir():
        what = "is a folder" if out.is_dir() else f"is in {out.parent}, which is no folder"
        raise SettingError(f"out must be the path of the page to write, but {out} {what}.")
    pairs = list(images) if isinstance(images, Iterable) and not isinstance(images, (str, Mapping)) else []
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2 or not isinstance(pair[0], str):
            raise SettingError(
                f"images must be (name, image) pairs, but one is {type(pair).__name__} {str(pair)[:60]}."
            )
    if not pairs:
        raise SettingError(f"images must be at least one (name, image) pair, but got {str(images)[:60]!r}.")
    return out, pairs


def _names(only: Sequence[str]) -> Sequence[str]:
    if isinstance(only, str) or not only:
        raise SettingError(f"only must be a list of at least one technique's name, but got {only!r}.")
    return only


def _plan(model: Model, chosen: Iterable[Technique]) -> Iterator[Card]:
    """The cards to fill for one photo; a technique that does not apply gets one card that says why."""
    for technique in chosen:
        reason = technique.applies(model)
        if reason is None:
            yield from (Card(technique, settings) for settings in technique.in_report(model))
        else:
            yield Card(technique, {}, problem=f"Not shown: {reason}.")


def _start_section(model: Model, name: str, image: Any) -> Section:
    import io

    from PIL import Image

    from minitorch_viz.io.images import load_image

    photo = Image.fromarray(load_image(image))
    if max(photo.size) < 200:  # a tiny image is enlarged here, with its pixels left as squares
        factor = 200 // max(photo.size) + 1
        photo = photo.resize((photo.width * factor, photo.height * factor), Image.Resampling.NEAREST)
    photo.thumbnail((480, 480))
    buffer = io.BytesIO()
    photo.save(buffer, "PNG")
    return Section(name, _data_url(buffer.getvalue()), model.classify(image) if model.logits else [])


def _run(card: Card, model: Model, image: Any, progress: bool) -> None:
    """Fill a card in place."""
    from minitorch_viz.plotting import figure_bytes

    if card.problem:
        return
    started = time.perf_counter()
    settings = dict(card.settings)
    if "progress" in card.technique.options:
        settings["progress"] = progress
    try:
        result = card.technique.compute(model, image, **settings)
        card.picture = _data_url(figure_bytes(result.figure(), "png", dpi=110))
        card.caption, card.notes = result.caption, result.notes
    except MinitorchVizError as error:
        card.problem = str(error)
    card.seconds = time.perf_counter() - started


def _data_url(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _render(model: Model, sections: Sequence[Section], seconds: float, interrupted: bool) -> str:
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
        model=model,
        parameters=sum(value.size for value in model.net.params.values()),
        sections=sections,
        seconds=seconds,
        interrupted=interrupted,
        version=__version__,
    )
    return page
