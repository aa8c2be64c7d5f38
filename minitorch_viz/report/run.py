"""Running a report's plan: the photo's answers, and one card after the other."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing.html import Embedded, embedded_figure, embedded_image
from minitorch_viz.drawing.segments import coloured, legend
from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.models.readers import Preprocessing
from minitorch_viz.models.samples import Sample
from minitorch_viz.report.plan import Card, Section
from minitorch_viz.techniques.explain.view import view
from minitorch_viz.techniques.run import End
from minitorch_viz.techniques.run import run as run_loop

if TYPE_CHECKING:
    from minitorch_viz.models import Model

LONGEST_SIDE = 480  # pixels: the longer side of the photo at the head of a section, at most
SMALL_SIDE = 200  # pixels: smaller ones are enlarged, their pixels left as squares


def start_section(model: Model, sample: Sample) -> Section:
    """Return the section of a photo, without cards: the photo, what the net answers, and the truth where it is known.

    Raises ImageFileError if the photo cannot be read.
    """
    from minitorch_viz.io.images import load_image

    notes = [sample.note] if sample.note else []
    if sample.text:
        return _of_text(model, sample, notes)
    if sample.image is None:  # the net takes no pictures
        return Section(model, sample.name, notes=notes)
    if (other := _no_photo(model, sample, notes)) is not None:
        return other
    photo = load_image(sample.image, notes=notes)
    section = Section(model, sample.name, thumbnail(photo), model.classify(photo) if model.logits else [], notes=notes)
    if model.maps:
        segments = model.segment(photo)
        area = model.preprocessing.area_seen(photo)
        section.segments, section.legend = thumbnail(coloured(segments, area)), legend(segments)
    if sample.truth is not None:
        greys = [0, *np.linspace(255, 90, len(sample.objects)).round().astype(int).tolist()]
        section.truth = thumbnail(np.array(greys, np.uint8)[sample.truth])
        main, *others = sample.objects
        section.main_object = main
        ending = f"; the others, from lighter to darker grey: {', '.join(others)}" if others else ""
        section.truth_caption = f"The truth, known because the picture was generated: white is the {main}{ending}."
    return section


def _of_text(model: Model, sample: Sample, notes: list[str]) -> Section:
    """Return the section of a text: its letters, and what the net expects after the last of them."""
    from minitorch_viz.models.prediction import Prediction
    from minitorch_viz.techniques.explain.letters import shown
    from minitorch_viz.techniques.explain.reading import read, writes

    section = Section(model, sample.name, text=sample.text, notes=notes)
    if writes(model) is None:
        reading = read(model, sample.text, of=())
        best = reading.likeliest(len(sample.text) - 1)
        section.answers = [
            Prediction(reading.letters.index(letter), shown(letter), probability) for letter, probability in best
        ]
        section.nats = float(reading.nats.mean()) if len(reading.nats) else None
    return section


def _no_photo(model: Model, sample: Sample, notes: list[str]) -> Section | None:
    """Return the section of a row, a series, other channels or a prepared tensor; None for a photo."""
    reader = model.readers.get(model.net.inputs[0]) if len(model.net.inputs) == 1 else None
    if reader is None or (type(reader) is Preprocessing and reader.prepared(sample.image) is None):
        return None
    seen = view(model, sample.image)
    if seen.given is not None and seen.given.remark:
        notes.append(seen.given.remark)
    picture = None if seen.noun != "photo" else thumbnail(seen.area)
    return Section(model, sample.name, picture, model.classify(sample.image) if model.logits else [], notes=notes)


def thumbnail(pixels: Array) -> Embedded:
    """Return a picture (H, W) or (H, W, 3) of uint8 at SIDE pixels at most; a tiny one is enlarged."""
    from PIL import Image

    photo = Image.fromarray(pixels)
    if max(photo.size) < SMALL_SIDE:
        factor = SMALL_SIDE // max(photo.size) + 1
        photo = photo.resize((photo.width * factor, photo.height * factor), Image.Resampling.NEAREST)
    photo.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return embedded_image(photo)


def fill(card: Card) -> None:
    """Run a card's technique and put its picture and words into the card; a failure leaves its sentence there.

    Ctrl-C in a technique that loops leaves the newest whole result in the card, and goes on as KeyboardInterrupt.
    """
    started = time.perf_counter()
    interrupted = False
    try:
        end = _end(card)
        interrupted = end.why == "interrupted"
        card.picture = embedded_figure(end.result.figure())
        card.alt, card.caption, card.notes = end.result.alt, end.result.caption, end.result.notes
    except MinitorchVizError as error:
        card.problem = str(error)
    card.seconds = time.perf_counter() - started
    if interrupted:
        raise KeyboardInterrupt


def _end(card: Card) -> End:
    """Return the card's result; that of a loop within the technique's budget, without a bar of its own."""
    technique = card.technique
    if technique.loop is None:
        return End(technique.run_on(card.model, card.looked_at, **card.settings), "")
    looked_at = technique.subject.arguments(card.looked_at)
    settings = {**technique.samples(card.model), **card.settings}
    loop = technique.loop.each(card.model, *looked_at, **settings)
    return run_loop(loop, technique.loop.name, technique.loop.unit, budget=technique.budget, progress=False)
