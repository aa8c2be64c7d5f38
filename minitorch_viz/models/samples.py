"""Pictures to begin with: those a net comes with, so that every command works without a photo."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.models.load import load_model
from minitorch_viz.models.readers import Alphabet, Bands, Numbers, Preprocessing

if TYPE_CHECKING:
    from minitorch_viz.models import Model

# What `minitorch-viz report` shows when it is asked for nothing in particular: nets, each with its first sample.
IN_REPORT = ("cifar10", "scenes")
DIGITS = (3, 5, 8)  # one picture of each
SCENE, SCENE_SEED, SCENE_OBJECTS = 3, 0, (2, 3)  # an umbrella, a tree and a house that do not touch
SAMPLE_STEPS = 48  # of a series of any length
GENERATED = (
    "No sample of such data comes with the package: these numbers are random, to see the picture; give your own."
)
NONE_OF_THE_SIX = (
    "This face is none of the six people that the net knows. It has no answer for that: whichever of them it names is "
    "wrong, however probable it finds it."
)


@dataclass(frozen=True, eq=False)
class Sample:
    """Hold a picture, and where it was generated what is truly where."""

    name: str
    image: Any  # (H, W, 3) uint8, other channels, numbers; of a report also a path or a Pillow image; None without one
    truth: Array | None = None  # (H, W) uint8: 0 is the background, i + 1 shows objects[i]
    objects: tuple[str, ...] = ()  # the kinds in the picture, the main one first
    note: str = ""  # what to know of it beside the net's answers
    text: str = ""  # of a net that reads letter by letter; "" of all others
    file: str = ""  # where the text came from; "" where it comes with the package

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise SettingError(f"A sample's name must be a text, but got {self.name!r:.60}.")
        if self.truth is None:
            return
        if getattr(self.truth, "dtype", None) != "uint8" or self.truth.ndim != 2 or self.truth.size == 0:
            got = getattr(self.truth, "shape", None) or type(self.truth).__name__
            raise SettingError(f"A sample's truth must be a map (H, W) of uint8, but got {got}.")
        if not self.objects or self.truth.max() > len(self.objects):
            raise SettingError(
                f"A sample's truth shows object {self.truth.max()}, but objects names {len(self.objects)}: "
                f"{self.objects!r:.60}."
            )


def samples(model: Model) -> list[Sample]:
    """Return pictures that suit the model, the best first; of a net that takes none a text, or a sample without either.

    Nets for scenes get generated ones, nets for faces one of scikit-image's small faces, other grey nets digits of
    scikit-learn's test split, all others the cat of scikit-image's wheel. Raises SettingError where that library has
    no picture without a download.
    """
    looked_at = model.readers.get(model.net.inputs[0]) if len(model.net.inputs) == 1 else None
    if isinstance(looked_at, Numbers) and not looked_at.whole:
        return [Sample("generated numbers", sample_numbers(looked_at), note=GENERATED)]
    if isinstance(looked_at, Bands):
        return [Sample("a generated picture", sample_bands(looked_at), note=GENERATED)]
    if isinstance(looked_at, Alphabet):
        return [Sample("a text of our own", None, text=sample_text(looked_at))]
    if not any(isinstance(reader, Preprocessing) for reader in model.readers.values()):
        return [Sample(" and ".join(reader.noun for reader in model.readers.values()) or "the net", None)]
    if model.name in ("scenes", "scenes_questions", "scenes_captions"):
        return [sample_scene()]
    if model.name.startswith("faces"):
        face = _from_skimage("a small face (scikit-image), none of the six people", "lfw_subset")
        return [replace(face, note=NONE_OF_THE_SIX)]
    if model.preprocessing.channels == 1:
        return [Sample(f"a handwritten {digit}", sample_digit(digit)) for digit in DIGITS]
    return [_from_skimage("chelsea the cat (scikit-image)", "chelsea")]


def sample_numbers(reader: Numbers) -> Array:
    """Return random numbers of a reader's shape, of its mean and deviation; along time they change slowly."""
    shape = tuple(SAMPLE_STEPS if side is None else side for side in reader.shape)
    numbers = np.random.default_rng(0).standard_normal(shape)
    if len(shape) == 2 and None in reader.shape:
        axis = reader.shape.index(None)
        numbers = numbers.cumsum(axis=axis) / np.sqrt(SAMPLE_STEPS)
    scaled: Array = numbers * np.array(reader.std) + np.array(reader.mean)
    return scaled


def sample_bands(reader: Bands) -> Array:
    """Return a picture (H, W, C) of random patches, of the reader's mean and deviation; from 0 to 1 without these."""
    high, wide = reader.size
    patch = max(1, min(high, wide) // 6)
    coarse = np.random.default_rng(0).random((-(-high // patch), -(-wide // patch), reader.channels))
    fine = coarse.repeat(patch, axis=0).repeat(patch, axis=1)[:high, :wide]
    scaled: Array = fine * np.array(reader.std) + np.array(reader.mean)
    return scaled


def sample_images(model: Model) -> list[tuple[str, Array]]:
    """Return (name, image (H, W, 3) uint8) pairs that suit the model; see `samples`."""
    return [(sample.name, sample.image) for sample in samples(model)]


def report_samples() -> list[tuple[Model, Sample]]:
    """Return what a report without arguments shows: the nets of IN_REPORT, each with its first sample."""
    models = [load_model(name) for name in IN_REPORT]
    return [(model, samples(model)[0]) for model in models]


def sample_text(alphabet: Alphabet) -> str:
    """Return a text of our own that suits a net: prose, or C for a net that knows its braces, as far as it is known.

    Letters that the net does not know are left out; of a net that knows hardly any, its own letters are the text. For a
    net that takes texts of one length it is cut or repeated.
    """
    folder = Path(__file__).parent / "bundled"
    text = (folder / ("code.txt" if "{" in alphabet.letters else "prose.txt")).read_text(encoding="utf-8")
    letters = alphabet.known(text)
    letters = letters if len(letters) > len(text) / 2 else alphabet.letters
    length = alphabet.length or len(letters)
    return (letters * (length // len(letters) + 1))[:length]


def sample_digit(digit: int = 3) -> Array:
    """Return the first image of a digit in the test split, (8, 8, 3) uint8: white ink on black."""
    from minitorch_viz.data import load_digits

    _, test = load_digits()
    image = test.images[int((test.labels == digit).argmax())]
    picture: Array = image[..., None].repeat(3, axis=2)
    return picture


def sample_scene() -> Sample:
    """Generate a scene, (64, 64, 3), of several objects, with its truth."""
    from minitorch_viz.data.scenes import KINDS, scene

    drawn = scene(SCENE, SCENE_SEED, objects=SCENE_OBJECTS)
    kinds = tuple(KINDS[kind] for kind in drawn.kinds)
    return Sample(f"a generated scene: {', '.join(kinds)}", drawn.image, drawn.object_map, kinds)


def _from_skimage(name: str, function: str) -> Sample:
    """Return a picture of scikit-image's wheel; of a stack of grey ones with values 0..1 the first."""
    try:
        from skimage import data

        image = getattr(data, function)()
    except (ImportError, OSError) as error:
        raise SettingError(f"There is no sample photo here ({error}); give one of your own.") from error
    if image.dtype != "uint8":
        image = (255 * image[0]).round().astype("uint8")[..., None].repeat(3, axis=2)
    return Sample(name, image)
