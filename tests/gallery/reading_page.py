"""Nets that read, by this project's own commands, on one page: cells, gates, evidence, questions about scenes.

    python -m tests.gallery.reading_page --data ../shared/data         into docs/gallery/reading.html, some minutes
    python -m tests.gallery.reading_page --data FOLDER --parts FOLDER --only cells gates

FOLDER has text/war_and_peace.txt and text/linux_kernel.txt, of which only numbers come onto the page: what is shown was
written for this package, or by the nets. In nets/ are nets of other sizes and kinds for the sections growth and errors:

    minitorch-viz train letters --text war_and_peace.txt --cells 32 --epochs 20 --rate 0.005

On the page they are LSTMs of 32, 64 and 128 cells a layer, and a GRU and an RNN (--kind) of 64; the files are called
"LSTM 2 x 32.safetensors" and so on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from minitorch_viz.data.text import load_text
from minitorch_viz.drawing.files import DRAWING
from minitorch_viz.models import Model, load_model
from minitorch_viz.models.samples import samples
from minitorch_viz.models.writing import write
from minitorch_viz.techniques import get_technique
from minitorch_viz.techniques.recurrent._cell_search_figure import draw_growth_alone
from minitorch_viz.techniques.subject import TEXT
from tests.gallery.fooling_page import figure_of
from tests.gallery.optimized_page import Section, command_of, computed, made, picture

PAGE = Path(__file__).resolve().parents[2] / "docs" / "gallery" / "reading.html"
TEMPERATURE = 0.7
CLOSING = 'carry it away."'  # of the sample text
QUESTIONS = ("what colour is the umbrella?", "what colour is the tree?", "what colour is the house?")


def plain(name: str, model: Model, **settings: Any) -> Any:
    """Return the result of a technique that is no loop, on the sample text."""
    return get_technique(name).compute(model, TEXT.read(model, []), **settings)


def cells(_data: Path) -> Section:
    pictures = []
    for name, settings in (("war_and_peace", {}), ("linux_kernel", {"node": "lstm1", "cell": 13})):
        result = plain("cells", load_model(name), **settings)
        pictures.append(figure_of(result, name, result.caption))
    return Section(
        "cells",
        "Cells that can be read",
        "Nobody told these nets what a quotation or a comment is: they only had to say which letter comes next. As a "
        "page (--out cells.html) there is a slider over all 512 cells, and the letters that the net expects.",
        command_of("cells", "--model", "war_and_peace", "--out", "cells.html"),
        pictures,
        "large",
    )


def search(_data: Path) -> Section:
    pictures, notes = [], []
    for name in ("war_and_peace", "linux_kernel"):
        model = load_model(name)
        result = computed("cell-search", model, TEXT.read(model, []))
        pictures.append(figure_of(result, f"{name}: what its cells stand for", result.caption))
        notes += result.notes
    return Section(
        "cell-search",
        "What the cells stand for, found by itself",
        "Each cell is compared with each of some small functions of the text, chosen on one half of it and measured on "
        "the other, beside a net of random weights; then a quotation mark is put in, and the cell held while the net "
        "writes. With --text FILE the letters are those of a file; here the nets wrote most of them.",
        command_of("cell-search", "--model", "war_and_peace"),
        pictures,
        "wide",
        tuple(dict.fromkeys(notes)),
    )


def others(data: Path, kind: str = "*") -> list[Model]:
    """Return nets that were trained for this page alone, by the names of their files."""
    places = sorted((data / "nets").glob(f"{kind}.safetensors"))
    return [dataclasses.replace(load_model(place), name=place.stem) for place in places]


def growth(data: Path) -> Section:
    text = load_text(data / "text" / "war_and_peace.txt").text
    nets = others(data, "LSTM *")
    asked = {"hypothesis": "inside-quote,word-start,line-position", "evidence": 0}
    result = computed("cell-search", load_model("war_and_peace"), text[int(0.8 * len(text)) :], nets=nets, **asked)
    with DRAWING:
        canvas = FigureCanvasAgg(Figure(facecolor="white", dpi=150))
        draw_growth_alone(result, canvas.figure)
        canvas.draw()
        chart = np.asarray(canvas.buffer_rgba())[..., :3]
    sizes = ", ".join(f"{size.name} {size.figures[0]:.3f}" for size in result.sizes)
    return Section(
        "growth",
        "The quote cell appears as the net grows",
        "Nets of the same kind that read the same novel, from 64 cells to 512: the best cell of each, on letters that "
        "no net was trained on, and how surprised the net is at a letter.",
        command_of("cell-search", "--model", "war_and_peace", "small.safetensors", "large.safetensors"),
        [picture(chart, "Four nets, the smallest first", f"The best quote cell of each: AUC {sizes}.")],
        "wide",
    )


def gates(_data: Path) -> Section:
    result = plain("gates", load_model("war_and_peace"))
    return Section(
        "gates",
        "Gates: what is let in, kept and given out",
        "A cell whose forget gate is always open remembers; one whose gate is often shut begins anew again and again.",
        command_of("gates", "--model", "war_and_peace"),
        [figure_of(result, "war_and_peace", result.caption)],
        "wide",
        result.notes,
    )


def saliency(_data: Path) -> Section:
    model = load_model("war_and_peace")
    place = TEXT.read(model, []).index(CLOSING) + len(CLOSING) - 1
    result = plain("char-saliency", model, at=str(place))
    return Section(
        "char-saliency",
        "Which letters a prediction depends on",
        "The same prediction asked three ways: that a quotation ends here depends on its beginning, far back.",
        command_of("char-saliency", "--model", "war_and_peace", "--at", str(place)),
        [figure_of(result, "war_and_peace", result.caption)],
        "wide",
        result.notes,
    )


def errors(data: Path) -> Section:
    model = load_model("war_and_peace")
    text = load_text(data / "text" / "war_and_peace.txt").text
    result = computed("errors", model, text, nets=others(data))
    return Section(
        "errors",
        "Which letters are wrong, and why",
        "Errors by the first reason that explains them, how far back the context helps, and what counting comes to; "
        "what nets of other kinds and sizes come to, in how many seconds of training.",
        command_of("errors", "--model", "war_and_peace", "gru.safetensors", "--text", "war_and_peace.txt"),
        [figure_of(result, "war_and_peace", result.caption)],
        "wide",
        result.notes,
    )


def factors(_data: Path) -> Section:
    pictures = []
    for technique in ("cell-factors", "cell-map"):
        compute = get_technique(technique).compute
        model = load_model("war_and_peace")
        settings = {"progress": False} if get_technique(technique).loop is not None else {}
        result = compute(model, TEXT.read(model, []), **settings)
        pictures.append(figure_of(result, technique, result.caption))
    return Section(
        "cell-factors",
        "All cells at once",
        "Sums of a few factors, and a map in which letters that leave the net in a similar state are neighbours.",
        command_of("cell-factors", "--model", "war_and_peace"),
        pictures,
        "large",
    )


def answers(_data: Path) -> Section:
    model = load_model("scenes_questions")
    image = samples(model)[0].image
    pictures = []
    for question in QUESTIONS:
        asked = model.with_inputs(question=question)
        answer = asked.classify(image, top=1)[0]
        result = get_technique("grad-cam").compute(asked, image)
        pictures.append(figure_of(result, f"{question} {answer.name}, {answer.probability:.0%}", result.caption))
    return Section(
        "grad-cam",
        "A question about a picture, and where the net looks for the answer",
        "The picture is the same: another question moves the map.",
        command_of("grad-cam", "--model", "scenes_questions", "--question", QUESTIONS[0]),
        pictures,
        "large",
    )


def captions(_data: Path) -> Section:
    model = load_model("scenes_captions")
    result = get_technique("caption").compute(model, samples(model)[0].image)
    return Section(
        "caption",
        "A picture in words, and where each word comes from",
        "The net says a word, reads it, and says the next.",
        command_of("caption", "--model", "scenes_captions"),
        [figure_of(result, "scenes_captions", result.caption)],
        "wide",
        result.notes,
    )


def written(_data: Path) -> Section:
    texts = []
    for name, prime in (("war_and_peace", "\n\n"), ("linux_kernel", "static int ")):
        (text,) = write(load_model(name), 700, prime=prime, temperature=TEMPERATURE, seed=1)
        texts.append((name, prime.lstrip() + text))
    return Section(
        "sample",
        "What the nets write",
        f"Letter by letter, at temperature {TEMPERATURE:g}.",
        command_of("sample", "static int ", "--model", "linux_kernel", "--temperature", f"{TEMPERATURE:g}"),
        [],
        texts=texts,
    )


SECTIONS: dict[str, Callable[[Path], Section]] = {
    "cells": cells,
    "cell-search": search,
    "growth": growth,
    "gates": gates,
    "char-saliency": saliency,
    "errors": errors,
    "cell-factors": factors,
    "grad-cam": answers,
    "caption": captions,
    "sample": written,
}


def main(arguments: list[str] | None = None) -> Path:
    about = (
        "Two nets have read a megabyte of a novel and of the Linux kernel's source, letter by letter; two others have "
        "learned to answer questions about generated scenes and to describe them. Each picture was made by the command "
        "above it."
    )
    return made(arguments, __doc__, SECTIONS, PAGE, "text/", "Nets that read", about)


if __name__ == "__main__":
    print(f"Wrote {main()}")
