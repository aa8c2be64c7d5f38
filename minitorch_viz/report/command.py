"""The command line that makes one picture of a report again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.models.load import look_for
from minitorch_viz.models.samples import Sample, samples
from minitorch_viz.models.spec import specs
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.options import option_words

if TYPE_CHECKING:
    from minitorch_viz.models import Model


@dataclass(frozen=True)
class Command:
    """Hold a line to paste into a shell, and what must be done before it, if anything."""

    line: str
    remark: str = ""


def command_for(technique: Technique, model: Model, sample: Sample, settings: Mapping[str, Any]) -> Command:
    """Return the command that makes this picture alone, with photo, net, weights and settings.

    A net of one's own that lies in no file, and a picture that is an array, have to be saved first; then the remark
    says how. A text is named by its file.
    """
    remarks: list[str] = []
    words = ["minitorch-viz", technique.name]
    if technique.subject.once_a == "text" and sample.file:
        words += ["--text", sample.file]
    elif technique.subject.once_a != "photo":
        pass  # it looks at no photo, and takes the same sample by itself
    elif isinstance(sample.image, (str, Path)):
        words.append(str(sample.image))
    else:
        number = _number_of_sample(model, sample)
        if number == 0:
            words.append("PICTURE.png")
            remarks.append("PICTURE.png is the picture, which came from Python and not from a file")
        elif number > 1:  # the first is taken without a photo
            words.append(f"sample:{number}")
    words += ["--model", *_net(model, remarks)]
    for name, value in model.given.items():
        if isinstance(value, (str, Path)):
            words += ["--input", f"{name}={value}"]
        else:
            remarks.append(f"the input {name} came from Python: --input {name}=FILE")
    for name, value in settings.items():
        words += option_words(name, value)
    if technique.budget is not None and technique.loop is not None:
        words += option_words("budget", f"{technique.budget:g}")
    return Command(shlex.join(words), "; ".join(remarks))


def _net(model: Model, remarks: list[str]) -> Iterator[str]:
    """Yield what stands after --model: a name, a name with its weights, or the file of a net of one's own."""
    spec = specs().get(model.name)
    if spec is None or not model.source:
        if not model.source:
            remarks.append(f'first, in Python: model.save("{model.name}.safetensors")')
        yield model.source or f"{model.name}.safetensors"
    else:
        yield model.name
        path = look_for(spec.file_names)
        if path is None or str(path) != model.source:
            yield from ("--weights", model.source)
        yield from option_words("prefix", model.prefix)
    for name, value in model.told.items():
        if name == "class_names":
            file = "NAMES.txt" if any("," in text for text in value) else ""
            if file:
                remarks.append(f"{file} holds the names of the classes, one a line")
            yield from ("--classes", file or ",".join(value))
        else:
            yield from (f"--{name}", ",".join(f"{x:.9g}" for x in value) if isinstance(value, tuple) else str(value))


def _number_of_sample(model: Model, sample: Sample) -> int:
    """Return which of the pictures that come with the model this is, from 1 on; 0: none of them."""
    try:
        model_samples = samples(model)
    except MinitorchVizError:  # no sample is installed
        return 0
    matches = [
        number for number, other in enumerate(model_samples, start=1) if np.array_equal(other.image, sample.image)
    ]
    return matches[0] if matches else 0
