"""What a net's user says of it where its file does not: what its classes are called, and how pictures are prepared."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

from minitorch_viz.errors import SettingError
from minitorch_viz.models.classes import notes_on_names
from minitorch_viz.models.model import Model
from minitorch_viz.models.own_net import checked_names, scale_notes
from minitorch_viz.models.readers import Bands
from minitorch_viz.models.scores import Classes, Labels, Numbers, YesNo, kind_of_scores


class Told(NamedTuple):
    """Hold what was said; None and () where nothing was."""

    class_names: Sequence[str] = ()  # in class order; "tench, Tinca tinca" names one class by two words
    mean: float | Sequence[float] | None = None  # of pixels from 0 to 255, as in `Preprocessing`
    std: float | Sequence[float] | None = None
    scores: str | None = None  # what they mean: "classes", "labels", "yes-no" or "numbers"

    @property
    def preparation(self) -> dict[str, Any]:
        """Return what was said of the pictures, by the fields of `Preprocessing`."""
        return {key: value for key, value in (("mean", self.mean), ("std", self.std)) if value is not None}

    def of(self, model: Model) -> Model:
        """Return the model with these names, this meaning of its scores and this preparation.

        Raises SettingError if there are more or fewer names than classes, if its scores cannot mean that, or if the net
        takes no pictures.
        """
        told = self.preparation
        if len(self.class_names):
            model = _named(model, checked_names(self.class_names))
            told["class_names"] = model.class_synonyms
        if self.scores is not None:
            model = _meaning(model, self.scores)
            told["scores"] = self.scores
        model = dataclasses.replace(model, told={**model.told, **told})
        if not self.preparation:
            return model
        is_bands = isinstance(model.preprocessing, Bands)
        units: dict[str, Any] = {"to_one": False} if is_bands else {}  # mean and std are then those of the numbers
        reader = dataclasses.replace(model.preprocessing, **self.preparation, **units)
        name = next(name for name, own in model.readers.items() if own is model.preprocessing)
        warnings = [] if units else scale_notes(reader)
        notes = [note for note in warnings if note not in model.notes]
        return dataclasses.replace(model.with_reader(reader, name), notes=(*model.notes, *notes))


def _named(model: Model, names: tuple[str, ...]) -> Model:
    if len(names) != len(model.class_names):
        count = len(model.class_names)
        net = f"{count} class{'' if count == 1 else 'es'}" if count else "no classes, as it is no classifier"
        raise SettingError(
            f"{model.name} has {net}, but class_names= gives {len(names)}: {', '.join(map(repr, names[:4]))}"
            f"{', ...' if len(names) > 4 else ''}. Give one name for each class, in class order."
        )
    notes = (*model.notes, *notes_on_names(names, model.name))
    return dataclasses.replace(model.with_class_names(names), notes=tuple(dict.fromkeys(notes)))


def _meaning(model: Model, name: str) -> Model:
    """Return the model whose scores mean what `name` says."""
    kind = kind_of_scores(name)
    count = len(model.class_names)
    fits = kind is Numbers or (kind is YesNo if count == 1 else kind in (Classes, Labels))
    if not model.logits or not fits:
        raise SettingError(f"{model.name} gives {count} scores for each picture, and they cannot be {name!r}.")
    if type(model.scores) is kind:
        return model
    return dataclasses.replace(model, scores=kind())
