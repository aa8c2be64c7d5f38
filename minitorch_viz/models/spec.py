"""ModelSpec: what is known of each pretrained net. The folder is the registry: a model is one file with a SPEC."""

from __future__ import annotations

import functools
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, near
from minitorch_viz.models.readers import Preprocessing, Reader
from minitorch_viz.net import Net

# What torchvision's files want: RGB / 255, ImageNet's mean and standard deviation, 224 x 224.
TORCHVISION = Preprocessing(
    (224, 224), mean=(0.485 * 255, 0.456 * 255, 0.406 * 255), std=(0.229 * 255, 0.224 * 255, 0.225 * 255)
)
TORCHVISION_URL = "https://download.pytorch.org/models/"
TORCHVISION_LICENCE = "BSD-3-Clause (torchvision); the weights were trained on ImageNet, whose terms are for research"


@dataclass(frozen=True)
class ModelSpec:
    """Describe one net and its official weights file.

    `build(state=None, classes=..., seed=0)` gives the net: with the arrays in `state`, or random ones.
    """

    name: str  # what load_model calls it
    build: Callable[..., Net]
    paper: str  # who, title, when
    licence: str  # of the official weights
    reader: Reader  # how its input is read, as the official weights want it; a JSON beside a file comes first
    parameters: int  # how many numbers are learned
    logits: str = ""  # the node with the class scores (N, classes); "" if the net is no classifier
    head: str = ""  # the node whose weight has one row a class; "" if the net is no classifier
    classes: int | tuple[str, ...] = 0  # how many, or their names
    scores: str = "classes"  # what the scores mean, by the names of `models/scores.py`
    imagenet: bool = False  # whether the official classes are ImageNet's 1000
    top1: float = 0.0  # of ImageNet's validation pictures, the share that the official weights are published to name
    first_conv: str = ""
    last_conv: str = ""  # the node whose maps class activation maps weigh
    url: str = ""  # the official file; "" if there is none in a format that is read here
    digest: str = ""  # of the official file: "sha256:" or "sha1:" and all or the first digits of the sum
    files: tuple[str, ...] = ()  # file names to look for besides NAME.safetensors, NAME.pth, ...
    adapted: Callable[[Mapping[str, Array]], dict[str, Array]] | None = None  # a file's arrays -> by this net's names
    sized: Callable[[Mapping[str, Array]], int | None] | None = (
        None  # the side of the pictures that arrays are made for
    )
    further: Mapping[str, Reader] = field(default_factory=dict)  # how each input beside the first is read, by its name
    given: Mapping[str, Any] = field(default_factory=dict)  # what such inputs are given until `with_inputs` says else
    caffe: Preprocessing | None = None  # what a .caffemodel of this net wants; its images are BGR
    caffe_name: Callable[[str], str] | None = None  # a .caffemodel's array name -> this net's

    @property
    def preprocessing(self) -> Preprocessing:
        """Return how its pictures are read; SettingError if it takes none."""
        if not isinstance(self.reader, Preprocessing):
            raise SettingError(f"{self.name} takes {self.reader.noun}, and no picture.")
        return self.reader

    @property
    def official_file(self) -> str:
        """Return the file name at the end of `url`."""
        return self.url.rsplit("/", 1)[-1]

    @property
    def class_count(self) -> int:
        """Return how many classes the official weights have; 0 if the net is no classifier."""
        return self.classes if isinstance(self.classes, int) else len(self.classes)

    @property
    def file_names(self) -> tuple[str, ...]:
        """Return the names under which weights of this net are looked for, in order."""
        names = [f"{self.name}.{suffix}" for suffix in ("safetensors", "npz", "pth", "pt", "caffemodel")]
        return tuple(dict.fromkeys(name for name in (*names, *self.files, self.official_file) if name))


@functools.cache
def specs() -> dict[str, ModelSpec]:
    """Return every model by name: the SPEC of each file in this folder."""
    models: dict[str, ModelSpec] = {}
    package = import_module("minitorch_viz.models")
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda m: m.name):
        spec: Any = getattr(import_module(f"{package.__name__}.{module.name}"), "SPEC", None)
        if isinstance(spec, ModelSpec):
            models[spec.name] = spec
    return models


def get_spec(name: object) -> ModelSpec:
    """Return the model called `name`; SettingError with near names if there is none."""
    if not isinstance(name, str) or name not in specs():
        raise SettingError(f"There is no model {name!r}; {near(name, specs(), 'model')}.")
    return specs()[name]
