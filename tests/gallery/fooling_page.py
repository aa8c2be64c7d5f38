"""Nets that are fooled, by this project's own commands, on one page.

    python -m tests.gallery.fooling_page --data ../shared/data         into docs/gallery/fooling.html, some minutes
    python -m tests.gallery.fooling_page --data FOLDER --parts FOLDER --only evolve

FOLDER has weights/ (GoogLeNet) and mnist/. The bus is a drawing of our own (`python -m tests.gallery.drawn_bus`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minitorch_viz.models import Model, load_model
from minitorch_viz.models.samples import samples
from minitorch_viz.techniques import get_technique
from tests.gallery.drawn_bus import school_bus
from tests.gallery.optimized_page import GOOGLENET, Picture, Section, command_of, computed, made, picture

PAGE = Path(__file__).resolve().parents[2] / "docs" / "gallery" / "fooling.html"
WIDEST = 1100  # pixels of a figure


def figure_of(result: Any, title: str, words: str = "") -> Picture:
    """Return a result's own figure as a picture of the page."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figure.png"
        result.save(path)
        image = Image.open(path).convert("RGB")
    if image.width > WIDEST:
        image = image.resize((WIDEST, round(image.height * WIDEST / image.width)), Image.Resampling.LANCZOS)
    return picture(np.asarray(image), title, words)


def googlenet(data: Path) -> Model:
    return load_model("googlenet", weights=data / "weights" / "googlenet_bvlc.safetensors")


def bus(data: Path) -> Section:
    result = computed("fooling", googlenet(data), np.asarray(school_bus()), target="ostrich")
    return Section(
        "fooling",
        "A school bus that is an ostrich",
        "The bus was drawn for this page; so little of the change is seen that the third picture looks like the first.",
        command_of("fooling", "bus.png", "--target", "ostrich", *GOOGLENET),
        [figure_of(result, result.label, result.caption)],
        "wide",
        result.notes,
    )


def noise(data: Path) -> Section:
    pictures = []
    for target in ("ostrich", "goldfish", "volcano"):
        result = computed("fooling", googlenet(data), np.asarray(school_bus()), target=target, start="noise")
        pictures.append(picture(result.fooling, f"{result.new}: {result.after.shares[0]:.1%}", "made from grey noise"))
    return Section(
        "noise",
        "Noise that the net is sure of",
        "GoogLeNet's answers to three pictures that show nothing. They began as the same kind of noise.",
        command_of("fooling", "bus.png", "--target", "ostrich", "--start", "noise", *GOOGLENET),
        pictures,
    )


def evolved(_data: Path) -> Section:
    pictures, words = [], ""
    for name, wanted in (("mnist", None), ("scenes", "tree,car,umbrella,house,star,fish")):
        settings = {} if wanted is None else {"target": wanted}
        result = computed("evolve", load_model(name), **settings)
        words = words or result.caption
        rows = zip(result.pixels, result.names, result.confidences, strict=True)
        pictures += [picture(pixels, f"{name}: {label}", f"{share:.2%}") for pixels, label, share in rows]
    return Section(
        "evolve",
        "Evolved pictures that a net is sure of",
        "No gradient was used: graphs that draw were changed at random, and for each class the one was kept of whose "
        "picture the net is surest. " + words,
        command_of("evolve", "--model", "mnist"),
        pictures,
        "fine",
    )


def ten_numbers(_data: Path) -> Section:
    model = load_model("cifar10_linear")
    photo = samples(model)[0].image
    result = get_technique("linear-explanation").compute(model, photo)
    return Section(
        "linear-explanation",
        "Why it is so easy: ten numbers, and three thousand",
        "Each number is moved by a half only, but all in the direction that counts: the moves add up.",
        command_of("linear-explanation", "--model", "cifar10_linear"),
        [figure_of(result, result.label, result.caption)],
        "wide",
    )


def around(data: Path) -> Section:
    result = computed("regions", googlenet(data), np.asarray(school_bus()), target="ostrich")
    return Section(
        "regions",
        "The answers around a picture",
        "Along the attack the border is near, in a random direction far.",
        command_of("regions", "bus.png", "--target", "ostrich", *GOOGLENET),
        [figure_of(result, "the plane through the drawing of a bus", result.caption)],
        "wide",
        result.notes,
    )


def robust(data: Path) -> Section:
    model = load_model("mnist")
    photos = [sample.image for sample in samples(model)]
    result = computed("adversarial", model, photos, nets="mnist_robust", pictures=str(data / "mnist"))
    return Section(
        "adversarial",
        "A net that was taught under attack",
        "mnist_robust saw each digit as an attack had left it. What its classes look like, made without a regularizer, "
        "stands at the bottom, beside those of a net of the usual kind.",
        command_of("adversarial", "--model", "mnist", "mnist_robust", "--pictures", "mnist"),
        [figure_of(result, "mnist and mnist_robust", result.caption)],
        "wide",
        result.notes,
    )


SECTIONS: dict[str, Callable[[Path], Section]] = {
    "fooling": bus,
    "noise": noise,
    "evolve": evolved,
    "linear-explanation": ten_numbers,
    "regions": around,
    "adversarial": robust,
}


def main(arguments: list[str] | None = None) -> Path:
    about = (
        "Each picture was made by the command above it. A change of a picture that a person hardly sees gives another "
        "answer, and pictures of nothing get a sure one."
    )
    return made(arguments, __doc__, SECTIONS, PAGE, "weights/ and mnist/", "Nets that are fooled", about)


if __name__ == "__main__":
    print(f"Wrote {main()}")
