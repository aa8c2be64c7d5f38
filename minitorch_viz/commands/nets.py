"""Which net explains: the one that is named, else one that can know what is in a photo."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from minitorch_viz.errors import MinitorchVizError

if TYPE_CHECKING:
    from minitorch_viz.models import Model

WITHOUT_PHOTO = "digits"  # whose pictures come with scikit-learn
FOR_PHOTOS = "cifar10"  # the net for photos that comes with the package
IN_WORDS = f"for a photo the best ImageNet net at hand, else {FOR_PHOTOS}; without one {WITHOUT_PHOTO}"


def chosen_model(name: str | None, weights: Path | None, prefix: str | None = None, *, photo: bool) -> Model:
    """Load the net that a command is to explain, and print which one it is if the user named none.

    name, weights, prefix: what --model, --weights and --prefix gave. photo: whether a photo was given; without one, and
    without a name, it is the net whose sample pictures come along.
    """
    from minitorch_viz.models import load_model

    if name is not None:
        return load_model(name, weights=weights, prefix=prefix)
    if weights is not None:
        return _of_file(weights, prefix)
    if prefix is not None:
        raise MinitorchVizError("--prefix says which part of a weights file is meant: give --model and --weights too.")
    if not photo:
        return load_model(WITHOUT_PHOTO)
    model = load_model(best_at_hand() or FOR_PHOTOS)
    print(f"Explained by {knows(model)} (--model NAME takes another).")
    return model


def best_at_hand() -> str | None:
    """Return the ImageNet net with the best published accuracy whose weights are at hand; None if there is none."""
    from minitorch_viz.models.load import look_for
    from minitorch_viz.models.spec import specs

    nets = [spec for spec in specs().values() if spec.imagenet and look_for(spec.file_names)]
    return max(nets, key=lambda spec: spec.top1).name if nets else None


def knows(model: Model) -> str:
    """Return the net's name and what it can tell apart: all classes of a net that knows few, else their number."""
    names = model.class_names
    if not names:
        return f"{model.name}, which is no classifier"
    if len(names) <= 12:
        return f"{model.name}, which knows {len(names)} classes and nothing else: {', '.join(names)}"
    return f"{model.name}, which knows {len(names):,} classes"


def _of_file(weights: Path, prefix: str | None) -> Model:
    """The net whose weights a file of this name holds."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.spec import specs

    fitting = [spec.name for spec in specs().values() if weights.name in spec.file_names]
    if len(fitting) == 1:
        return load_model(fitting[0], weights=weights, prefix=prefix)
    if prefix is not None:
        raise MinitorchVizError(
            f"--prefix {prefix!r} says which part of {weights} is meant, but not for which net: give --model NAME too."
        )
    with contextlib.suppress(MinitorchVizError):
        return load_model(weights)  # a file that model.save wrote knows its net
    state = "A weights file" if weights.exists() else f"There is no weights file {weights}; besides, such a file"
    raise MinitorchVizError(
        f"{state} does not say how its net is built: give --model NAME with --weights {weights}; "
        "`minitorch-viz models` lists the names."
    )
