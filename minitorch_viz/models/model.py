"""Model: a net, how its inputs are read, and what its outputs are called."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import NetError, SettingError, ShapeError, near
from minitorch_viz.io.files import shown
from minitorch_viz.models.classes import find_class, first_synonym
from minitorch_viz.models.own_net import checked_names, checked_precision, look_at
from minitorch_viz.models.own_readers import reader_of_shape
from minitorch_viz.models.prediction import Prediction, Predictions
from minitorch_viz.models.readers import Preprocessing, Reader
from minitorch_viz.models.readers.preprocessing import Resize
from minitorch_viz.models.scores import Classes, Maps, Numbers, Scores
from minitorch_viz.net import Net

if TYPE_CHECKING:
    from PIL.Image import Image

    from minitorch_viz.models.segments import Segments

    ImageLike: TypeAlias = str | Path | Array | Image


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """Hold a net together with all that is needed to show it a photo, a text or numbers, and to read its answer.

    `load_model("squeezenet1_1", weights="squeezenet1_1.safetensors")` makes one; `Model.from_net` wraps your own net.
    """

    name: str
    net: Net
    readers: Mapping[str, Reader]  # how each input of the net is read, by the input's name
    class_names: tuple[str, ...]  # short names, in class order; empty if the net is no classifier
    logits: str  # the node with the class scores (N, classes), before the softmax; "" if the net is no classifier
    class_synonyms: tuple[str, ...] = ()  # full names such as "tench, Tinca tinca"; empty: the same as class_names
    first_conv: str = ""  # the first convolution, whose filters can be drawn; "" if there is none
    last_conv: str = ""  # the last node with maps of features, for class activation maps; "" if there is none
    source: str = ""  # the file the weights came from
    notes: tuple[str, ...] = ()  # what the user should know, such as missing class names
    scores: Scores = Classes()  # what the scores mean: classes, labels, yes or no, numbers, maps
    prefix: str | None = None  # what `load_model` was told that the names in that file have in front
    told: Mapping[str, Any] = field(default_factory=dict)  # what `load_model` was told: class_names, mean, std
    maps: str = ""  # the node with the maps (N, C, h, w) that are the net's answer, as in segmentation; else ""
    given: Mapping[str, Any] = field(default_factory=dict)  # what `with_inputs` was told, by the input's name

    def __post_init__(self) -> None:
        for name, reader in self.readers.items():
            if name not in (*self.net.inputs, *self.net.beside) or not isinstance(reader, Reader):
                raise NetError(
                    f"{self.name} reads its inputs {', '.join(self.net.inputs)}, but got {name!r}: {reader!r}."
                )
        for node in (self.logits, self.maps, self.first_conv, self.last_conv):
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
        size: int | Pair | None = None,
        *,
        readers: Reader | Mapping[str, Reader] | None = None,
        class_names: Sequence[str] = (),
        mean: float | Sequence[float] = 0.0,
        std: float | Sequence[float] = 255.0,
        resize: Resize = "stretch",
        logits: str | None = None,
        scores: str | None = None,
        name: str = "net",
    ) -> Self:
        """Wrap your own net, so that every technique works on it.

        size: (H, W) or (C, H, W) of its pictures, one number for a square; rows or series need none (of series
        it may be the number of steps). readers: in place of the size, how each input is read: a `Preprocessing`,
        `Bands`, `Numbers`, an `Alphabet` or `Words`, or {input: reader} for several inputs; mean, std and resize are
        then the reader's. mean, std: as in `Preprocessing`, for pixels from 0 to 255; the default gives the net pixels
        from 0 to 1, and any other numbers as they are. logits: the node with the scores (N, classes); default: the
        last node, or the one before it if that is a Softmax, LogSoftmax or Sigmoid. scores: what they mean, "classes"
        of which one is right (softmax), "labels" beside one another (sigmoids), "yes-no" (one sigmoid), plain
        "numbers", "maps" or "steps"; default: what the net's end tells, and where that is a guess, `notes` say so.
        class_names: default "class 0", "class 1", ...

        Raises NetError if `net` is none, SettingError or ShapeError if it cannot take such an input or gives neither
        (N, classes) scores, nor maps, nor steps (N, T, classes).

        >>> from minitorch_viz.layers import Conv2d, Flatten, Linear, ReLU
        >>> rng = np.random.default_rng(0)
        >>> net = Net([("conv", Conv2d.random(rng, 3, 4, 3)), ("relu", ReLU()), ("flat", Flatten()),
        ...            ("fc", Linear.random(rng, 4 * 6 * 6, 2))])
        >>> Model.from_net(net, 8, class_names=["cat", "dog"]).class_index("dog")
        1
        """
        if not isinstance(name, str) or not name.strip():
            raise SettingError(f"name must be a text, what the net is called, but got {name!r}.")
        findings = look_at(net, size, readers, class_names, mean, std, resize, logits, scores)
        return cls(name, net, **findings._asdict())

    @classmethod
    def from_torch(
        cls,
        module: Any,
        example: Any,
        *,
        readers: Reader | Mapping[str, Reader] | None = None,
        class_names: Sequence[str] = (),
        mean: float | Sequence[float] = 0.0,
        std: float | Sequence[float] = 255.0,
        resize: Resize = "stretch",
        logits: str | None = None,
        scores: str | None = None,
        name: str | None = None,
    ) -> Self:
        """Wrap your own PyTorch module: its operators become nodes, called by the paths of its modules.

        module: a torch.nn.Module; it runs as in use and stays as it is, its parameters are copied. example: what it
        takes, a tensor or array with a batch axis such as torch.zeros(1, 3, 32, 32), or a tuple of them for several
        inputs; the size of the pictures is the example's. name: default that of the module's class. All others as in
        `from_net`; mean and std are for pixels from 0 to 255, so those of a Normalize after a ToTensor are times 255.
        `notes` say what was mapped, and how well the answers agree for the example.

        Raises NetError with the operator and its place where one cannot be mapped, or where the module fails.
        """
        from minitorch_viz.models.from_torch import net_from_torch

        followed = net_from_torch(module, example)
        size: Any = None
        if readers is None:
            shapes = list(followed.shapes.items())
            if len(shapes) == 1 and len(shapes[0][1]) == 3 and not followed.whole:
                size = shapes[0][1][1:]
            else:
                readers = {
                    key: reader_of_shape(shape, key in followed.whole, mean, std, resize) for key, shape in shapes
                }
        model = cls.from_net(
            followed.net,
            size,
            readers=readers,
            class_names=class_names,
            mean=mean,
            std=std,
            resize=resize,
            logits=logits,
            scores=scores,
            name=type(module).__name__ if name is None else name,
        )
        return dataclasses.replace(model, notes=(*model.notes, *followed.notes))

    @classmethod
    def from_onnx(
        cls,
        path: str | Path,
        size: int | Pair | None = None,
        *,
        readers: Reader | Mapping[str, Reader] | None = None,
        class_names: Sequence[str] = (),
        mean: float | Sequence[float] | None = None,
        std: float | Sequence[float] | None = None,
        resize: Resize | None = None,
        logits: str | None = None,
        scores: str | None = None,
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
    ) -> Self:
        """Read a net from an ONNX file; needs the package onnx: `Model.from_onnx("net.onnx")`.

        size: (H, W) of its pictures where the file leaves them open (default 224). mean, std, resize: as in
        `Preprocessing`, for pixels 0 to 255; a JSON file beside the net ("net.json") may say them, and the class names,
        too. Without either a net for 1,000 classes gets pictures as torchvision's nets do, others pixels from 0 to 1;
        `notes` say so, and what was mapped. dtype: float32 or float64; None: the file's. The rest is as in `from_net`.

        Raises WeightsFileError if the file is missing or damaged, SettingError if onnx is not installed, NetError for
        an operator that has no layer here: which, where, and what to do.
        """
        from minitorch_viz.models.from_onnx.model import Preparation, read_onnx

        asked = None if dtype is None else checked_precision(dtype)
        preparation = Preparation(size, mean, std, resize)
        return read_onnx(cls, path, preparation, readers, class_names, logits, scores, name, asked)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Return the precision of the net's parameters, in which it computes."""
        return _dtype(self.net)

    @property
    def input(self) -> str:
        """Return the input that is looked at: the one that is not given beside; SettingError if there are several."""
        if len(self.net.inputs) != 1:
            listed = " and ".join(self.net.inputs) or "none left"
            raise SettingError(
                f"{self.name} has the inputs {listed}, and one is looked at; give each other one: "
                "model.with_inputs(NAME=VALUE), or --input NAME=VALUE on the command line."
            )
        return self.net.inputs[0]

    def reader(self, name: str | None = None) -> Reader:
        """Return how an input is read, by default the one that is looked at; SettingError where that is not known."""
        name = self.input if name is None else name
        if name not in self.readers:
            raise SettingError(f"{self.name} does not say how {name!r} is read; {near(name, self.readers, 'input')}.")
        return self.readers[name]

    def read(self, value: Any, name: str | None = None) -> Array:
        """Turn what an input is given (a picture, a text, numbers) into its array (1, ...), in the net's precision.

        name: the input, by default the one that is looked at.
        """
        return kernels.to_device(self.reader(name).read(value, self.dtype), self.net.device)

    def with_inputs(self, **values: Any) -> Self:
        """Return the same model with some inputs given once and for all: `model.with_inputs(question="what is it?")`.

        Each value is read by its input's reader, and repeated for every picture of a pass. What is left is looked at.
        """
        arrays = {name: self.read(value, name) for name, value in values.items()}
        return dataclasses.replace(self, net=self.net.with_inputs(arrays), given={**self.given, **values})

    @property
    def given_words(self) -> tuple[str, ...]:
        """Say what `with_inputs` was told: ("The input question is 'what is it?'.",)."""
        values = {name: repr(v) if isinstance(v, str) else shown(v) for name, v in self.given.items() if v != ""}
        return tuple(f"The input {name} is {value:.120}." for name, value in values.items())

    def with_reader(self, reader: Reader, name: str | None = None) -> Self:
        """Return the same model with another way to read an input, by default the one that is looked at."""
        return dataclasses.replace(self, readers={**self.readers, self.input if name is None else name: reader})

    @property
    def preprocessing(self) -> Preprocessing:
        """Return how the net's pictures are read; SettingError if it takes none."""
        kinds = [self.readers[name] for name in self.net.inputs if name in self.readers]
        reader = next((reader for reader in kinds if isinstance(reader, Preprocessing)), None)
        if reader is None:
            nouns = " and ".join(reader.noun for reader in kinds) or "no known input"
            raise SettingError(f"{self.name} takes {nouns}, and no picture.")
        return reader

    def preprocess(self, image: ImageLike) -> Array:
        """Turn an image (path, array (H, W, 3), Pillow image) into the net's input (1, C, H, W), in its precision."""
        return kernels.to_device(self.preprocessing.preprocess(image, self.dtype), self.net.device)

    def restore(self, x: Array) -> Array:
        """Turn the net's input (1, C, H, W) or (C, H, W) into the picture (H, W, 3) uint8 that a person sees.

        Of a net that looks at rows, series or texts it is what its reader restores.
        """
        if len(self.net.inputs) == 1 and self.net.inputs[0] in self.readers:
            restored: Array = self.reader().restore(x)
            return restored
        return self.preprocessing.restore(x)

    def predict_answers(self, x: Array, batch: int | None = None) -> Array:
        """Run inputs x (N, C, H, W), as `preprocess` gives them -> what the net answers (N, classes), in main memory.

        Probabilities 0..1 by a softmax or by sigmoids, or plain numbers: as `scores` says. batch: how many images to
        run at a time; None: all at once.
        """
        return self.scores.answers(self._scores_of(x, batch))

    def predict_probabilities(self, x: Array, batch: int | None = None) -> Array:
        """Return `predict_answers` of nets whose answers are probabilities; SettingError for plain numbers."""
        if isinstance(self.scores, Numbers):
            raise SettingError(f"{self.name} gives plain numbers and no probabilities; use predict_answers.")
        return self.predict_answers(x, batch)

    def classify(self, image: ImageLike | Any, top: int = 5) -> Predictions:
        """Return the `top` most probable classes or labels, best first; plain numbers in their own order.

        image: what the net looks at: an image, of other nets a text or numbers.
        """
        if isinstance(top, bool) or not isinstance(top, (int, np.integer)) or top < 1:
            raise SettingError(f"top must be a whole number of at least 1, but got {top!r}.")
        scores = self._scores_of(self.read(image))
        answers = self.scores.answers(scores)[0]
        if isinstance(self.scores, Numbers):
            numbers = enumerate(answers[:top].tolist())
            return Predictions(Prediction(i, self.class_names[i], None, number) for i, number in numbers)
        best = [int(i) for i in np.argsort(-answers, kind="stable")[:top]]
        return Predictions(Prediction(i, self.class_names[i], float(answers[i]), float(scores[0, i])) for i in best)

    def class_index(self, target: int | str) -> int:
        """Return the number of a class given by number ("281" or 281), name ("tabby") or part of a name ("persian").

        A name that fits exactly comes before parts of names. Raises SettingError with near names if none fits, with
        the candidates if several do.
        """
        return find_class(target, self.class_synonyms or self.class_names, self.name)

    def channel_names(self, count: int) -> tuple[str, ...]:
        """Return what the channels of a net that ends in maps are called: "channel 0" where they have no names."""
        return self.class_synonyms or self.class_names or self.scores.names(count)

    def segment(self, image: ImageLike | Any) -> Segments:
        """Return which channel wins at each place of the maps that the net ends in: a segmentation net's answer.

        Raises SettingError for a net that ends in no maps.
        """
        from minitorch_viz.models.segments import segments_of

        return segments_of(self, self.read(image))

    def astype(self, dtype: npt.DTypeLike) -> Self:
        """Return the same model in another precision (float32, float64)."""
        return dataclasses.replace(self, net=self.net.astype(dtype))

    def to(self, device: str) -> Self:
        """Return the same model with its arrays on "cpu" (NumPy) or "cuda" (CuPy); techniques run unchanged on either.

        Raises SettingError if the device is unknown, or CuPy or a GPU is missing.
        """
        return dataclasses.replace(self, net=self.net.to(device))

    def with_class_names(self, names: Sequence[str]) -> Self:
        """Return the same model with other class names, in class order; synonyms may follow after commas."""
        names = checked_names(names)
        if len(names) != len(self.class_names):
            raise SettingError(f"{self.name} has {len(self.class_names)} classes, but {len(names)} names were given.")
        return dataclasses.replace(self, class_names=tuple(map(first_synonym, names)), class_synonyms=tuple(names))

    def save(self, path: str | Path) -> Path:
        """Write all of it to one .safetensors file: graph, arrays, readers, names. `load_model(path)` reads it.

        What `with_inputs` gave is not kept: those are inputs again. The file is complete or absent. Raises SettingError
        for layers of your own, WeightsFileError if the file cannot be written.
        """
        from minitorch_viz.models.saved import save_model

        return save_model(self, path)

    def __repr__(self) -> str:
        sizes = " and ".join(reader.brief for reader in self.readers.values()) or "unknown"
        count = sum(value.size for value in self.net.params.values())
        classes = self.scores.counted(len(self.class_names))
        return f"Model({self.name}: {count:,} parameters, input {sizes}, {classes}, {self.dtype})"

    def _repr_html_(self) -> str:
        from minitorch_viz.models.describe import describe

        return describe(self)._repr_html_()

    def _scores_of(self, x: Array, batch: int | None = None) -> Array:
        """Return the scores (N, classes) in main memory, one for each name."""
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
            instead = "; model.segment tells which channel wins where" if self.maps else ""
            raise SettingError(
                f"{self.name} is no classifier: it ends in feature maps ({self.maps or self.net.output!r}), not in "
                f"class scores{instead}."
            )


def _dtype(net: Net) -> np.dtype[Any]:
    return next((value.dtype for value in net.params.values()), np.dtype(np.float32))
