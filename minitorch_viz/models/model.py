"""Model: a net, what it wants done to an image, and what its outputs are called."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import NetError, SettingError, ShapeError
from minitorch_viz.layers import Conv2d, Softmax
from minitorch_viz.models.classes import find_class, first_synonym, numbered
from minitorch_viz.models.preprocessing import Preprocessing, Resize
from minitorch_viz.net import Net

if TYPE_CHECKING:
    from PIL.Image import Image

    ImageLike: TypeAlias = str | Path | Array | Image


@dataclass(frozen=True)
class Prediction:
    """One answer of a classifier."""

    index: int  # the class number
    name: str  # "tiger cat"
    probability: float  # 0..1

    def __str__(self) -> str:
        return f"{self.name} ({self.index}) {self.probability:.1%}"


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

    def __post_init__(self) -> None:
        for node in (self.logits, self.first_conv, self.last_conv):
            if node:
                self.net[node]  # NetError with near names
        if bool(self.logits) != bool(self.class_names):
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
        name: str = "net",
    ) -> Self:
        """Wrap your own classifier, so that every technique works on it.

        size: (H, W) of its input, or one number for a square. mean, std: as in `Preprocessing`; the default gives the
        net pixels from 0 to 1. logits: the node with the class scores (N, classes); default: the last node, or the
        one before it if that is a Softmax. class_names: default "class 0", "class 1", ...

        Raises SettingError or ShapeError if the net cannot take such an image or gives no (N, classes) scores.

        >>> from minitorch_viz.layers import Conv2d, Flatten, Linear, ReLU
        >>> rng = np.random.default_rng(0)
        >>> net = Net([("conv", Conv2d.random(rng, 3, 4, 3)), ("relu", ReLU()), ("flat", Flatten()),
        ...            ("fc", Linear.random(rng, 4 * 6 * 6, 2))])
        >>> Model.from_net(net, 8, class_names=["cat", "dog"]).class_index("dog")
        1
        """
        convolutions = [node.name for node in net.nodes if isinstance(node.layer, Conv2d)]
        channels = 3
        if convolutions and (reads := net[convolutions[0]]).inputs[0] in net.inputs:
            channels = reads.layer.weight.shape[1] * reads.layer.groups  # type: ignore[attr-defined]  # a Conv2d
        sides = (size, size) if isinstance(size, (int, np.integer)) else size
        preprocessing = Preprocessing(sides, channels, mean, std, resize)  # type: ignore[arg-type]  # checked there
        if logits is None:
            last = net.nodes[-1]
            logits = last.inputs[0] if isinstance(last.layer, Softmax) else last.name
        blank = np.zeros((1, channels, *preprocessing.size), _dtype(net))
        scores = net.predict(blank, upto=logits)
        if scores.ndim != 2:
            raise ShapeError(
                f"Class scores need the shape (N, classes), but {logits!r} gives {scores.shape}; "
                "name another node with logits=, or end the net with a Flatten."
            )
        names = tuple(class_names) or numbered(scores.shape[1])
        if len(names) != scores.shape[1]:
            raise SettingError(f"{logits!r} gives {scores.shape[1]} scores, but there are {len(names)} class names.")
        first, last_conv = (convolutions[0], convolutions[-1]) if convolutions else ("", "")
        return cls(name, net, preprocessing, names, logits, first_conv=first, last_conv=last_conv)

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

    def predict_probabilities(self, x: Array, batch: int | None = None) -> Array:
        """Inputs x (N, C, H, W), as `preprocess` gives them -> class probabilities (N, classes), in main memory.

        batch: how many images to run at a time; None: all at once.
        """
        self._need_classes()
        scores = self.net.predict(x, upto=self.logits, batch=batch)
        return Softmax().forward(kernels.to_cpu(scores))[0]

    def classify(self, image: ImageLike, top: int = 5) -> list[Prediction]:
        """The `top` most probable classes of an image, best first."""
        if isinstance(top, bool) or not isinstance(top, (int, np.integer)) or top < 1:
            raise SettingError(f"top must be a whole number of at least 1, but got {top!r}.")
        probabilities = self.predict_probabilities(self.preprocess(image))[0]
        best = np.argsort(-probabilities, kind="stable")[:top]
        return [Prediction(int(i), self.class_names[int(i)], float(probabilities[i])) for i in best]

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
        if len(names) != len(self.class_names):
            raise SettingError(f"{self.name} has {len(self.class_names)} classes, but {len(names)} names were given.")
        return dataclasses.replace(self, class_names=tuple(map(first_synonym, names)), class_synonyms=tuple(names))

    def __repr__(self) -> str:
        size = " x ".join(map(str, self.preprocessing.size))
        count = sum(value.size for value in self.net.params.values())
        classes = f"{len(self.class_names)} classes" if self.class_names else "no classes"
        return f"Model({self.name}: {count:,} parameters, input {size}, {classes}, {self.dtype})"

    def _need_classes(self) -> None:
        if not self.logits:
            raise SettingError(
                f"{self.name} is no classifier: it ends in feature maps ({self.net.output!r}), not in class scores."
            )


def _dtype(net: Net) -> np.dtype[Any]:
    return next((value.dtype for value in net.params.values()), np.dtype(np.float32))
