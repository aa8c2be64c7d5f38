"""Model: a net, what it wants done to an image, and what its outputs are called."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import NetError, SettingError, ShapeError
from minitorch_viz.models.classes import find_class, first_synonym
from minitorch_viz.models.own_net import checked_names, look_at
from minitorch_viz.models.preprocessing import Preprocessing, Resize
from minitorch_viz.models.scores import Classes, Maps, Numbers, Scores
from minitorch_viz.net import Net

if TYPE_CHECKING:
    from PIL.Image import Image

    ImageLike: TypeAlias = str | Path | Array | Image


@dataclass(frozen=True)
class Prediction:
    """One answer of a classifier."""

    index: int  # the class number
    name: str  # "tiger cat"
    probability: float | None  # 0..1; None if the net gives plain numbers
    score: float | None = field(default=None, compare=False)  # what the net gives, before its softmax or sigmoid

    @property
    def number(self) -> float:
        """What there is to read: the probability, or of a plain number its value."""
        return float(self.score or 0) if self.probability is None else self.probability

    @property
    def shown(self) -> str:
        """The number in words: "50.0%", or of a plain number "37.25"."""
        return f"{self.number:.4g}" if self.probability is None else f"{self.probability:.1%}"

    def __str__(self) -> str:
        return f"{self.name} ({self.index}) {self.shown}"


class Predictions(list[Prediction]):
    """Answers, best first: a list that prints one a line, and shows itself as a table in Jupyter."""

    def __repr__(self) -> str:
        return "\n".join(map(str, self))

    def _repr_html_(self) -> str:
        lines = [
            f"<tr><td style='text-align:left'>{escape(one.name)}</td><td>{one.index}</td><td>{one.shown}</td></tr>"
            for one in self
        ]
        return f"<table>{''.join(lines)}</table>"


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """A net together with all that is needed to show it a photo and read its answer.

    `load_model("squeezenet1_1", weights="squeezenet1_1.safetensors")` makes one; `Model.from_net` wraps your own net.
    """

    name: str
    net: Net
    preprocessing: Preprocessing
    class_names: tuple[str, ...]  # short names, in class order; empty if the net is no classifier
    logits: str  # the node with the class scores (N, classes), before the softmax; "" if the net is no classifier
    class_synonyms: tuple[str, ...] = ()  # full names such as "tench, Tinca tinca"; empty: the same as class_names
    first_conv: str = ""  # the first convolution, whose filters can be drawn; "" if there is none
    last_conv: str = ""  # the last node with maps of features, for class activation maps; "" if there is none
    source: str = ""  # the file the weights came from
    notes: tuple[str, ...] = ()  # what the user should know, such as missing class names
    scores: Scores = Classes()  # what the scores mean: classes, labels, yes or no, numbers, maps
    prefix: str | None = None  # what `load_model` was told that the names in that file have in front

    def __post_init__(self) -> None:
        for node in (self.logits, self.first_conv, self.last_conv):
            if node:
                self.net[node]  # NetError with near names
        if bool(self.logits) != bool(self.class_names) and not isinstance(self.scores, Maps):
            raise NetError(
                f"{self.name} names the classes {self.class_names[:3]} and {self.logits!r} as the node of their "
                "scores; a classifier needs both, and any other net neither."
            )
        if self.class_synonyms and len(self.class_synonyms) != len(self.class_names):
            raise NetError(f"{self.name} has {len(self.class_names)} classes but {len(self.class_synonyms)} synonyms.")

    @classmethod
    def from_net(
        cls,
        net: Net,
        size: int | Pair,
        *,
        class_names: Sequence[str] = (),
        mean: float | Sequence[float] = 0.0,
        std: float | Sequence[float] = 255.0,
        resize: Resize = "stretch",
        logits: str | None = None,
        scores: str | None = None,
        name: str = "net",
    ) -> Self:
        """Wrap your own net, so that every technique works on it.

        size: (H, W) of its input, or one number for a square. mean, std: as in `Preprocessing`, for pixels from 0 to
        255; the default gives the net pixels from 0 to 1. logits: the node with the scores (N, classes); default: the
        last node, or the one before it if that is a Softmax, LogSoftmax or Sigmoid. scores: what they mean, "classes"
        of which one is right (softmax), "labels" beside one another (sigmoids), "yes-no" (one sigmoid), plain
        "numbers", or "maps"; default: what the net's end tells, and where that is a guess, `notes` say so.
        class_names: default "class 0", "class 1", ...

        Raises NetError if `net` is none, SettingError or ShapeError if it cannot take such an image or gives neither
        (N, classes) scores nor maps.

        >>> from minitorch_viz.layers import Conv2d, Flatten, Linear, ReLU
        >>> rng = np.random.default_rng(0)
        >>> net = Net([("conv", Conv2d.random(rng, 3, 4, 3)), ("relu", ReLU()), ("flat", Flatten()),
        ...            ("fc", Linear.random(rng, 4 * 6 * 6, 2))])
        >>> Model.from_net(net, 8, class_names=["cat", "dog"]).class_index("dog")
        1
        """
        if not isinstance(name, str) or not name.strip():
            raise SettingError(f"name must be a text, what the net is called, but got {name!r}.")
        known = look_at(net, size, class_names, mean, std, resize, logits, scores)
        return cls(name, net, **known._asdict())

    @property
    def dtype(self) -> np.dtype[Any]:
        """The precision of the net's parameters, in which it computes."""
        return _dtype(self.net)

    def preprocess(self, image: ImageLike) -> Array:
        """An image (path, array (H, W, 3), Pillow image) -> the net's input (1, C, H, W), in the net's precision."""
        return kernels.to_device(self.preprocessing.preprocess(image, self.dtype), self.net.device)

    def restore(self, x: Array) -> Array:
        """The net's input (1, C, H, W) or (C, H, W) -> the picture (H, W, 3) uint8 that a person sees."""
        return self.preprocessing.restore(x)

    def predict_answers(self, x: Array, batch: int | None = None) -> Array:
        """Inputs x (N, C, H, W), as `preprocess` gives them -> what the net answers (N, classes), in main memory.

        Probabilities 0..1 by a softmax or by sigmoids, or plain numbers: as `scores` says. batch: how many images to
        run at a time; None: all at once.
        """
        return self.scores.answers(self._scores_of(x, batch))

    def predict_probabilities(self, x: Array, batch: int | None = None) -> Array:
        """The same for nets whose answers are probabilities; SettingError for plain numbers."""
        if isinstance(self.scores, Numbers):
            raise SettingError(f"{self.name} gives plain numbers and no probabilities; use predict_answers.")
        return self.predict_answers(x, batch)

    def classify(self, image: ImageLike, top: int = 5) -> Predictions:
        """The `top` most probable classes or labels of an image, best first; plain numbers in their own order."""
        if isinstance(top, bool) or not isinstance(top, (int, np.integer)) or top < 1:
            raise SettingError(f"top must be a whole number of at least 1, but got {top!r}.")
        scores = self._scores_of(self.preprocess(image))
        answers = self.scores.answers(scores)[0]
        if isinstance(self.scores, Numbers):
            numbers = enumerate(answers[:top].tolist())
            return Predictions(Prediction(i, self.class_names[i], None, number) for i, number in numbers)
        best = [int(i) for i in np.argsort(-answers, kind="stable")[:top]]
        return Predictions(Prediction(i, self.class_names[i], float(answers[i]), float(scores[0, i])) for i in best)

    def class_index(self, target: int | str) -> int:
        """The number of a class given by number ("281" or 281), name ("tabby") or part of a name ("persian").

        A name that fits exactly comes before parts of names. Raises SettingError with near names if none fits, with
        the candidates if several do.
        """
        return find_class(target, self.class_synonyms or self.class_names, self.name)

    def astype(self, dtype: npt.DTypeLike) -> Self:
        """The same model in another precision (float32, float64)."""
        return dataclasses.replace(self, net=self.net.astype(dtype))

    def to(self, device: str) -> Self:
        """The same model with its arrays on "cpu" (NumPy) or "cuda" (CuPy); techniques run unchanged on either.

        Raises SettingError if the device is unknown, or CuPy or a GPU is missing.
        """
        return dataclasses.replace(self, net=self.net.to(device))

    def with_class_names(self, names: Sequence[str]) -> Self:
        """The same model with other class names, in class order; synonyms may follow after commas."""
        names = checked_names(names)
        if len(names) != len(self.class_names):
            raise SettingError(f"{self.name} has {len(self.class_names)} classes, but {len(names)} names were given.")
        return dataclasses.replace(self, class_names=tuple(map(first_synonym, names)), class_synonyms=tuple(names))

    def save(self, path: str | Path) -> Path:
        """Write all of it to one .safetensors file: graph, arrays, preprocessing, names. `load_model(path)` reads it.

        The file is complete or absent. Raises SettingError for layers of your own, WeightsFileError if the file cannot
        be written.
        """
        from minitorch_viz.models.saved import save_model

        return save_model(self, path)

    def __repr__(self) -> str:
        size = " x ".join(map(str, self.preprocessing.size))
        count = sum(value.size for value in self.net.params.values())
        classes = self.scores.counted(len(self.class_names))
        return f"Model({self.name}: {count:,} parameters, input {size}, {classes}, {self.dtype})"

    def _repr_html_(self) -> str:
        from minitorch_viz.models.describe import describe

        return describe(self)._repr_html_()

    def _scores_of(self, x: Array, batch: int | None = None) -> Array:
        """The scores (N, classes) in main memory, one for each name."""
        self._need_classes()
        scores = kernels.to_cpu(self.net.predict(x, upto=self.logits, batch=batch))
        if scores.ndim != 2 or scores.shape[1] != len(self.class_names):
            raise ShapeError(
                f"{self.name} names {len(self.class_names)} classes, but {self.logits!r} gives {scores.shape} and not "
                f"(N, {len(self.class_names)})."
            )
        return scores

    def _need_classes(self) -> None:
        if not self.logits:
            raise SettingError(
                f"{self.name} is no classifier: it ends in feature maps ({self.net.output!r}), not in class scores."
            )


def _dtype(net: Net) -> np.dtype[Any]:
    return next((value.dtype for value in net.params.values()), np.dtype(np.float32))
