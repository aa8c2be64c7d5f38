"""Writing a trained net: weights as float16 safetensors, and a model card beside them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minitorch_viz.errors import SettingError
from minitorch_viz.models.readers import Preprocessing, Reader
from minitorch_viz.net import Net


def place_for_weights(out: str | Path) -> Path:
    """Return `out` as a path that can be written to, else raise SettingError: before a long training, not after it."""
    from minitorch_viz.io.files import as_path
    from minitorch_viz.io.out import check_out

    place = as_path(out, "weights file", SettingError)
    if place.suffix != ".safetensors" or place.is_dir():
        raise SettingError(f"The weights are written as NAME.safetensors, but the file is to be {place}.")
    if not place.parent.is_dir():
        raise SettingError(f"The weights are to be written to {place}, but {place.parent} is no folder; make it first.")
    return check_out(place, noun="weights file", error=SettingError)


def save_with_card(
    net: Net, out: str | Path, reader: Reader, *, class_names: Sequence[str], card: Mapping[str, Any]
) -> Path:
    """Write `out` (.safetensors) and, beside it, NAME.json with how its input is read, class names, the card's facts.

    `load_model(name, weights=out)` reads both; `load_model(out)` reads the one file, which says of a net of the package
    how it is built, too. The card gets the number of parameters and the weights' SHA-256.
    """
    from minitorch_viz.io.atomic import write_bytes_atomically
    from minitorch_viz.io.safetensors_ import save_safetensors

    out = Path(out)
    arrays = {name: value.astype(np.float16) for name, value in net.state.items()}
    save_safetensors(out, arrays, _model_metadata(net, reader, class_names, card["name"]))
    description = {
        "name": card["name"],
        "weights": out.name,
        "dtype": "float16",
        "parameters": sum(value.size for value in net.params.values()),
        "input": _input(reader),
        "names": list(class_names),
        "card": {**card, "sha256": hashlib.sha256(out.read_bytes()).hexdigest()},
    }
    write_bytes_atomically(out.with_suffix(".json"), (json.dumps(description, indent=1) + "\n").encode())
    return out


def _input(reader: Reader) -> dict[str, Any]:
    """Return what the card says of how an input is read."""
    if not isinstance(reader, Preprocessing):
        return {"reads": reader.name, **reader.description()}
    return {
        "size": [reader.channels, *reader.size],
        "mean": list(reader.mean),
        "std": list(reader.std),
        "resize": reader.resize,
    }


def _model_metadata(net: Net, reader: Reader, class_names: Sequence[str], name: str) -> dict[str, str] | None:
    """Return what the file says of the net, as `Model.save` writes it; None where a net of the package is no such one.

    A name that the package does not know is that of a net of one's own: what it is, is found out by running it.
    """
    from minitorch_viz.models.classes import first_synonym
    from minitorch_viz.models.model import Model
    from minitorch_viz.models.saved import KEY, written
    from minitorch_viz.models.scores import kind_of_scores
    from minitorch_viz.models.spec import specs

    spec = specs().get(name)
    if spec is None:
        own = Model.from_net(net, readers=reader, class_names=class_names, name=name)
        return {KEY: written(own)[0]}
    if not spec.logits or spec.logits not in net:
        return None
    first, last = (at if at in net else "" for at in (spec.first_conv, spec.last_conv))
    model = Model(
        name=name,
        net=net,
        readers={net.inputs[0]: reader, **spec.further},
        class_names=tuple(map(first_synonym, class_names)),
        logits=spec.logits,
        class_synonyms=tuple(class_names),
        first_conv=first,
        last_conv=last,
        scores=kind_of_scores(spec.scores)(),
    )
    return {KEY: written(model)[0]}
