"""What a technique is: one file with a pure function, a result, a way to draw it, and this description.

The folder is the registry: `techniques()` finds every module below `minitorch_viz/techniques` that has a `TECHNIQUE`.
The command line, the report, the README's table and the tests are made from it, so a new technique is one new file.
"""

from __future__ import annotations

import functools
import pkgutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, near
from minitorch_viz.techniques.chapters import CHAPTERS
from minitorch_viz.techniques.numbers import SUFFIXES as NUMBERS
from minitorch_viz.techniques.numbers import save_numbers
from minitorch_viz.techniques.options import Option, manual_of, options_of, result_class, summary_of
from minitorch_viz.techniques.run import Loop
from minitorch_viz.techniques.subject import PHOTO, Subject, without_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

# A technique's look at a model before it runs: None if it applies, else a sentence that says why not.
Applies = Callable[["Model"], str | None]


PICTURES = (".png", ".svg", ".pdf")


def always(model: Model) -> None:
    """Apply to every model."""


def classifies(model: Model) -> str | None:
    """Return why a net has no class scores; None if it has."""
    return None if model.logits else f"{model.name} is no classifier: it ends in feature maps, not in class scores"


def once(model: Model) -> list[dict[str, Any]]:  # noqa: ARG001 (the signature of `in_report`)
    """Return one run with the default settings."""
    return [{}]


@dataclass(frozen=True)
class Technique:
    """Describe one technique, as the command line, the report and the tests see it."""

    name: str  # the command: "activation-maps"
    # (model, what it looks at, *, settings) -> result, or a loop of results; its docstring is the manual.
    compute: Callable[..., Result]
    plot: Callable[[Any, Figure], None]  # draws a result on an empty figure
    title: str  # a heading in plain words
    paper: str  # who, what, when
    example: Callable[[], Result]  # a run of well under a second on the bundled net
    applies: Applies = always
    # It explains one number by a map of the pixels: its function takes the settings `Which` (explain/unit.py), of which
    # none is the most probable class, and its results have a `heat`.
    explains: bool = False
    # Where its subject is a photo: whether it looks at rows and series of numbers, too, which have no picture.
    takes_numbers: bool = False
    in_comparison: Mapping[str, Any] = field(default_factory=dict)  # cheaper settings, for where many methods are run
    in_report: Callable[[Model], Sequence[Mapping[str, Any]]] = once  # the settings of each run that a report makes
    pages: tuple[str, ...] = ()  # suffixes of further files that its results can be saved as: (".html",)
    subject: Subject = PHOTO  # what it looks at
    further_nets: str = ""  # the setting that names further nets; the command's --model then takes several
    shown_by: str = "digits"  # the bundled net that a command takes which names neither a net nor a photo
    chapter: str = ""  # of a report (`techniques/chapters.py`); "" is its family's
    level: int = 50  # its place in the chapter: the simple ones first
    # Seconds that `report --all` gives it; None: it takes under 3 s on the bundled nets, and each report shows it.
    budget: float | None = None

    def __post_init__(self) -> None:
        if self.chapter and self.chapter not in CHAPTERS:
            raise SettingError(f"There is no chapter {self.chapter!r}; {near(self.chapter, CHAPTERS, 'chapter')}.")

    @property
    def family(self) -> str:
        """Return the lecture's family, from the folder: weights, activations, gradients, optimization, recurrent."""
        return self.compute.__module__.split(".")[-2]

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Return the endings of the files that its results can be saved as: pictures, and the numbers."""
        return (*PICTURES, *self.pages, *NUMBERS)

    @functools.cached_property
    def options(self) -> dict[str, Option]:
        """Return the settings by name, from the function's signature and docstring."""
        return options_of(self.compute)

    @property
    def looking(self) -> dict[str, Subject]:
        """Return the settings that are things to look at, and their subjects, by name."""
        return {name: option.subject for name, option in self.options.items() if option.subject is not None}

    @property
    def loop(self) -> Loop[..., Any] | None:
        """Return its function as a loop of whole results (`@looping`); None if it gives one result."""
        return self.compute if isinstance(self.compute, Loop) else None

    @functools.cached_property
    def films(self) -> bool:
        """Return whether its loop's results have a `frame`: then the option `--film` makes a film of them."""
        return self.loop is not None and hasattr(result_class(self.compute), "frame")

    def refuses(self, model: Model) -> str | None:
        """Return why it has nothing to show for this model, in words; None if it applies."""
        if "numbers" in self.subject.read_by and not self.takes_numbers and (why := without_picture(model)):
            return self.subject.refuses(model) or why
        settings = (subject for name, subject in self.looking.items() if self.options[name].required)
        reasons = (subject.refuses_setting(model) for subject in settings)
        return self.subject.refuses(model) or next(filter(None, reasons), None) or self.applies(model)

    def run_on(self, model: Model, value: Any, **settings: Any) -> Result:
        """Return its result for a model and a value of its subject (of NOTHING any value).

        What a setting has to look at, and is not given, is its subject's sample.
        """
        return self.compute(model, *self.subject.arguments(value), **{**self.samples(model), **settings})

    def samples(self, model: Model) -> dict[str, Any]:
        """Return the samples of the settings that must be given something to look at, by name."""
        needed = {name: subject for name, subject in self.looking.items() if self.options[name].required}
        return {name: subject.read(model, []) for name, subject in needed.items()}

    @property
    def summary(self) -> str:
        """Return the manual's first sentence; the title where docstrings were dropped (PYTHONOPTIMIZE=2)."""
        return summary_of(self.compute.__doc__) or self.title

    @property
    def manual(self) -> str:
        """Return what the docstring tells a reader at the command line."""
        return manual_of(self.compute.__doc__) or self.title


class Result:
    """Be the base of all results: arrays and facts, never a picture. It draws itself when it is asked to.

    In Jupyter a result shows its figure with caption and notes; `save` writes it as PNG, SVG or PDF, or its numbers as
    NPZ or JSON; `figure()` gives the Matplotlib figure.
    """

    no_numbers: ClassVar[tuple[str, ...]] = ()  # fields that a file of its numbers leaves out

    def __init_subclass__(cls) -> None:
        """Keep the short text form: a dataclass writes its own, all arrays in full, where a class has none."""
        cls.__repr__ = cls.__dict__.get("__repr__", Result.__repr__)  # type: ignore[method-assign]  # the same method

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self.facts)})"

    @property
    def facts(self) -> tuple[str, ...]:
        """Return what the short text form says: what is explained, and how large the map is."""
        labels = getattr(self, "labels", None) or (getattr(self, "label", ""),)
        picture = getattr(self, "picture", None)
        given = getattr(self, "given", None)
        if given is not None and given.is_numbers:
            return (*dict.fromkeys(filter(None, labels)), given.words)
        size = () if picture is None else (f"{picture.shape[0]} x {picture.shape[1]} pixels",)
        return (*dict.fromkeys(filter(None, labels)), *size)

    @property
    def alt(self) -> str:
        """Return the picture in a few words, for readers who do not see it (the caption says the rest)."""
        return f"{self.technique.title.split(':')[0]}: {', '.join(self.facts)}"

    @property
    def caption(self) -> str:
        """Return what is to be seen, with the settings and what the colours mean."""
        raise NotImplementedError

    @property
    def notes(self) -> tuple[str, ...]:
        """Return warnings about this very result, such as why a map is blank."""
        return ()

    @property
    def heat(self) -> Array | None:
        """Return how much each pixel matters to what is explained, (h, w) floats at the net's input resolution.

        One map, by which methods are compared and graded. Larger magnitude is more important. It is nonnegative, or it
        is signed: then positive speaks for the number and negative against it. All zero where `notes` say that the map
        is blank, and never NaN. None: this result is no such map.
        """
        return None

    @property
    def technique(self) -> Technique:
        """Return the technique that made this result: the TECHNIQUE of the module that defines the result's class."""
        technique: Technique = sys.modules[type(self).__module__].TECHNIQUE
        return technique

    def figure(self) -> Figure:
        """Draw on a new Matplotlib figure (no pyplot, nothing global); last in a cell of a notebook it shows itself."""
        from minitorch_viz.drawing.files import DRAWING
        from minitorch_viz.drawing.jupyter import ShownFigure

        with DRAWING:
            figure = ShownFigure(layout="constrained", facecolor="white")
            figure.alt = self.alt
            self.draw(figure)
        return figure

    def draw(self, figure: Figure) -> None:
        """Draw on an empty figure."""
        self.technique.plot(self, figure)

    def html(self) -> str | None:
        """Return its page, one file, where it has one; its technique then has ".html" among its `pages`."""
        return None

    def save(self, path: str | Path, dpi: int = 144) -> Path:
        """Write the figure (.png, .svg, .pdf) or the numbers (.npz, .json: `techniques/numbers.py`) to `path`.

        With the suffix .html it writes `html()`, where it has a page. The file is complete or absent.
        Raises SettingError for another suffix.
        """
        suffix = Path(path).suffix.lower()
        if suffix in NUMBERS:
            return save_numbers(self, path)
        if suffix in PICTURES:
            from minitorch_viz.drawing import save_figure

            return save_figure(self.figure(), path, dpi)
        page = self.html() if suffix == ".html" else None
        if page is not None:
            from minitorch_viz.drawing.html import write_page

            return write_page(path, page)
        raise SettingError(
            f"A result is saved as .png, .svg or .pdf (its figure) or as .npz or .json (its numbers), but the file "
            f"is called {Path(path).name!r}."
        )

    def _repr_png_(self) -> bytes:
        from minitorch_viz.drawing import figure_bytes
        from minitorch_viz.drawing.jupyter import DPI

        return figure_bytes(self.figure(), "png", dpi=DPI)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002 (IPython's)
        from minitorch_viz.drawing.jupyter import bundle

        return {**bundle(self.figure(), self.alt, self.caption, self.notes), "text/plain": repr(self)}


@functools.cache
def techniques() -> dict[str, Technique]:
    """Return every technique by name, in the order of the families' folders and files."""
    registry = {}
    package = import_module("minitorch_viz.techniques")
    for module in sorted(pkgutil.walk_packages(package.__path__, package.__name__ + "."), key=lambda m: m.name):
        technique = getattr(import_module(module.name), "TECHNIQUE", None)
        if isinstance(technique, Technique):
            registry[technique.name] = technique
    return registry


def explainers(model: Model) -> dict[str, Technique]:
    """Return the techniques that explain one number of this model by a map of the pixels (`Technique.explains`)."""
    return {
        name: technique
        for name, technique in techniques().items()
        if technique.explains and technique.refuses(model) is None
    }


def get_technique(name: str) -> Technique:
    """Return the technique called `name`; SettingError with near names if there is none."""
    if name not in techniques():
        raise SettingError(f"There is no technique {name!r}; {near(name, techniques(), 'technique')}.")
    return techniques()[name]
