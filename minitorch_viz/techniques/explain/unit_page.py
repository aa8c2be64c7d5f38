"""A passport as a part of a page: what the templates `unit.html` and those of the atlas draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from minitorch_viz._types import Array
from minitorch_viz.drawing.html import Embedded, embedded_image, embedded_png, render
from minitorch_viz.drawing.small_png import thumbnail
from minitorch_viz.techniques.explain.in_context import Link
from minitorch_viz.techniques.explain.passport import Passport
from minitorch_viz.techniques.explain.patches import Patch, beside_pixels, framed
from minitorch_viz.techniques.explain.silence import Fall
from minitorch_viz.techniques.explain.unit_pictures import Effective

SIDE = 96  # pixels of a patch
SMALL = 64  # of one of a tenth of the answers
BRIGHT = 0.5  # the power of an effective field's colours: weak energy stays visible

Address = Callable[[str, int], str]  # (node, channel) -> the address of a unit's page, "" if it has none


class Picture(NamedTuple):
    """Hold one patch of a page."""

    picture: Embedded
    guided: Embedded | None
    value: str
    title: str  # of the picture it is from
    place: str  # in words


class Bar(NamedTuple):
    """Hold one bar of a list: its text, its length from -100 to 100 % of the longest, and its number."""

    text: str
    percent: float
    number: str
    address: str = ""
    title: str = ""


class Column(NamedTuple):
    """Hold one bar of a histogram, in a drawing 100 high."""

    height: float
    words: str


class Passported(Protocol):
    """Hold what the page of one unit shows: a `UnitPassport`."""

    @property
    def passport(self) -> Passport:
        """Return what is known of the unit."""

    @property
    def patches(self) -> tuple[Patch, ...]:
        """Return its strongest answers."""

    @property
    def tenths(self) -> tuple[Patch, ...]:
        """Return one of each tenth of its answers."""

    @property
    def energy(self) -> Effective | None:
        """Return its effective field."""

    @property
    def covered(self) -> Effective | None:
        """Return its empirical field."""

    @property
    def silenced(self) -> tuple[Fall, ...]:
        """Return class scores of a photo with it and without."""

    @property
    def photo(self) -> str:
        """Return what that photo is called."""

    @property
    def net(self) -> str:
        """Return what the net is called."""

    @property
    def source(self) -> str:
        """Return what the pictures are called."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what a reader should know."""


class Part(NamedTuple):
    """Hold what a page shows of one unit."""

    passport: Passport
    top: Sequence[Picture]
    tenths: Sequence[Picture]
    effective: Embedded | None
    covered: Embedded | None
    inputs: Sequence[Bar]
    readers: Sequence[Bar]
    alike: Sequence[Bar]
    same_weights: Sequence[Bar]
    classes: Sequence[Bar]
    falls: Sequence[Bar]
    histogram: Sequence[Column]
    silenced: Sequence[Bar] = ()  # class scores of one photo, before and after
    photo: str = ""  # what that photo is called
    fields: Sequence[str] = ()  # what it can see and does see, in sentences
    ends: tuple[str, str] = ("", "")  # of the histogram
    strongest: str = ""  # its largest answer


def number(value: float) -> str:
    """Return a number in three digits, or more where it has more before the point."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.3g}"


def nowhere(node: str, channel: int) -> str:  # noqa: ARG001 (the signature of an Address)
    """Return no address: the page stands alone."""
    return ""


def part_of(
    passport: Passport,
    top: Sequence[Picture],
    tenths: Sequence[Picture],
    effective: Embedded | None = None,
    covered: Embedded | None = None,
    silenced: Sequence[Fall] = (),
    photo: str = "",
    address: Address = nowhere,
) -> Part:
    """Return what a page shows of a unit."""
    return Part(
        passport=passport,
        top=top,
        tenths=tenths,
        effective=effective,
        covered=covered,
        inputs=_links(passport.inputs, address),
        readers=_links(passport.readers, address),
        alike=_links(passport.alike, address),
        same_weights=_links(passport.same_weights, address),
        classes=_bars([(link.name, link.value, _of(link.pictures)) for link in passport.classes]),
        falls=_bars(
            [(fall.name, fall.by, f"{fall.before:.4g} becomes {fall.after:.4g}") for fall in passport.falls or ()]
        ),
        histogram=_columns(passport),
        silenced=_bars(
            [(fall.name, -fall.by, f"{fall.before:.4g} becomes {fall.after:.4g}") for fall in silenced], True
        ),
        photo=photo,
        fields=field_words(passport),
        ends=(number(passport.edges[0]), number(passport.edges[-1])) if passport.edges else ("", ""),
        strongest=number(passport.strongest),
    )


def field_words(passport: Passport) -> tuple[str, ...]:
    """Return what a unit can see and what it does see, in sentences."""
    field = passport.field
    if field is None:
        return ()
    high, wide = field.whole
    if field.size is None:
        can = f"It can see the whole picture, {high} x {wide} pixels."
    else:
        beyond = ", more than the whole picture" if field.size[0] >= high and field.size[1] >= wide else ""
        stride = "" if field.stride is None else f"; its neighbours' fields are {field.stride[0]:g} pixels apart"
        can = f"Theoretical field: {field.size[0]} x {field.size[1]} of {high} x {wide} pixels{beyond}{stride}."
    words = [can]
    if field.sigma is not None:
        words.append(
            f"Effective field: the energy of its gradient spreads {field.sigma:.3g} pixels (one sigma) around the "
            f"middle; {100 * (field.share or 0):.0f} % of it lies within that."
        )
    if field.covered is not None:
        words.append(
            f"Empirical field: what small squares over its strongest pictures change of its answer spreads "
            f"{field.covered:.3g} pixels (one sigma)."
        )
    if field.middle:
        words.append(
            "Its patches show the middle of the field only, two sigmas of the layer's effective field to either side."
        )
    return tuple(words)


def pictures_of(patches: Sequence[Patch], side: int = SIDE) -> list[Picture]:
    """Return patches as pictures of a page."""
    return [
        Picture(
            embedded_png(patch_png(patch, side)),
            None if patch.beside is None else embedded_png(beside_png(patch, side)),
            number(patch.value),
            patch.title,
            place_words(patch.position),
        )
        for patch in patches
    ]


def patch_png(patch: Patch, side: int) -> bytes:
    """Return a patch as a small PNG file, its field in white."""
    return thumbnail(patch.crop if patch.is_whole else framed(patch, side), side)


def beside_png(patch: Patch, side: int) -> bytes:
    """Return what came back to a patch's pixels as a small PNG file."""
    return thumbnail(patch.beside if patch.is_whole and patch.beside is not None else beside_pixels(patch, side), side)


def effective_picture(field: Effective, size: tuple[int, int]) -> Array:
    """Return an effective field as pixels (h, w, 3) uint8, black to white, cut to the picture's size around it."""
    import numpy as np

    height, width = size
    top, left = field.energy.shape[0] // 2 - height // 2, field.energy.shape[1] // 2 - width // 2  # the same middle
    energy = field.energy[top : top + height, left : left + width]
    bright = (energy / max(energy.max(), 1e-300)) ** BRIGHT
    return np.repeat(np.round(255 * bright).astype(np.uint8)[..., None], 3, axis=2)


def place_words(position: tuple[int, int] | int | None) -> str:
    """Return a unit's place in words."""
    if position is None:
        return ""
    return f"row {position[0]}, column {position[1]}" if isinstance(position, tuple) else f"step {position}"


def _links(links: Sequence[Link], address: Address) -> list[Bar]:
    largest = max((abs(link.value) for link in links), default=0) or 1
    return [
        Bar(
            link.words,
            100 * link.value / largest,
            number(link.value),
            address(link.node, link.channel),
        )
        for link in links
    ]


def _bars(rows: Sequence[tuple[str, float, str]], words: bool = False) -> list[Bar]:
    """Return bars; words: show the third entry in place of the number."""
    largest = max((abs(value) for _, value, _ in rows), default=0) or 1
    return [
        Bar(text, 100 * value / largest, title if words else number(value), title=title) for text, value, title in rows
    ]


def _of(pictures: int) -> str:
    return f"the mean of {pictures} picture{'s' * (pictures != 1)}" if pictures else ""


def _columns(passport: Passport) -> list[Column]:
    """Return a histogram's bars on a logarithmic scale: most answers are near zero."""
    import math

    largest = math.log1p(max(passport.counts, default=0)) or 1
    pairs = zip(passport.counts, passport.edges[:-1], passport.edges[1:], strict=True)
    return [
        Column(100 * math.log1p(count) / largest, f"{count:,.0f} answers from {low:.3g} to {high:.3g}")
        for count, low, high in pairs
    ]


def _embedded(field: Effective, size: tuple[int, int]) -> Embedded:
    from PIL import Image

    return embedded_image(Image.fromarray(effective_picture(field, size)))


def page_of(result: Passported) -> str:
    """Return the page of one unit, a single file."""
    size = result.passport.field.whole if result.passport.field else (1, 1)
    field, covered = (None if energy is None else _embedded(energy, size) for energy in (result.energy, result.covered))
    part = part_of(
        result.passport,
        pictures_of(result.patches),
        pictures_of(result.tenths, SMALL),
        field,
        covered,
        result.silenced,
        result.photo,
    )
    notes = [note for note in result.notes if note not in result.passport.notes]
    return render("unit.html", unit=part, net=result.net, source=result.source, notes=notes)
