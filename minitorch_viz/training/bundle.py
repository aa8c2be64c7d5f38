"""From a recipe to a bundled net: train a classifier, fold, round, test, and write it with its card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minitorch_viz.data import Dataset, DatasetBatches, normalized
from minitorch_viz.models.fold import fold_batch_norms
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.net import Net
from minitorch_viz.training.card import save_with_card
from minitorch_viz.training.evaluate import accuracy
from minitorch_viz.training.film import Film
from minitorch_viz.training.fit import fit
from minitorch_viz.training.output_files import UnfinishedWeights, check_places
from minitorch_viz.training.sources import Source


def train_classifier(
    spec: ModelSpec,
    net: Net,
    batches: Source,
    test: Dataset,
    *,
    seed: int,
    watched: int,
    shown: Sequence[str],
    out: Path,
    film: Path | None,
    checkpoint: Path | None,
    resume: bool,
    card: Mapping[str, Any],
    parts: Mapping[str, Dataset] | None = None,
    **settings: Any,
) -> Path:
    """Train `net` on `batches` and write weights (float16, batch normalization folded away) and card to `out`.

    test: the first `watched` of its pictures are measured after every epoch, all of them at the end; they choose
        nothing. shown: the class names of the pictures that the film has in front.
    settings: for `fit`; so are film, checkpoint and resume.
    card: what is known beforehand, such as another command or licence than a bundled net's. parts: {entry of the
        card: test pictures that are worth a figure of their own}.
    Raises KeyboardInterrupt at Ctrl-C, with a sentence, once film, checkpoint and the weights so far are written.
    """
    check_places(out, film, checkpoint, resume)
    names = test.class_names
    command = f"minitorch-viz train {spec.name} --seed {seed}"
    facts = {"name": spec.name, **card, "command": card.get("command", command), "seed": seed}
    fitted = fit(
        net,
        batches,
        rng=np.random.default_rng(seed),
        logits=spec.logits,
        validation=DatasetBatches(test[:watched], 256, preprocessing=spec.preprocessing),
        keep="last",
        checkpoint=checkpoint,
        resume=resume,
        observers=[] if film is None else [_film(film, spec, test, shown)],
        **settings,
    )
    net = as_written(fitted.net)
    try:
        if fitted.stopped == "interrupted":
            raise KeyboardInterrupt
        share = share_right(net, spec, test)
        shares = {name: round(share_right(net, spec, part), 4) for name, part in (parts or {}).items()}
    except KeyboardInterrupt:
        unfinished = UnfinishedWeights(out, spec.preprocessing, names, facts, checkpoint, resume)
        raise KeyboardInterrupt(unfinished.keep(fitted, net, settings["epochs"])) from None
    print(f"{spec.name}: {share:.2%} of the {len(test)} test images right, trained in {fitted.seconds:.1f} s")
    for note in fitted.notes:
        print(f"Note: {note}")
    card_facts = {
        **facts,
        "epochs": len(fitted.history),
        "test_accuracy": round(share, 4),
        **shares,
        "seconds": round(fitted.seconds, 1),
        "licence": card.get("licence", "MIT"),
    }
    return save_with_card(net, out, spec.preprocessing, class_names=names, card=card_facts)


def as_written(net: Net) -> Net:
    """Return the net that a file of it holds: batch normalizations folded away, numbers as float16."""
    net = fold_batch_norms(net)
    return net.with_params({name: value.astype(np.float16).astype(np.float32) for name, value in net.state.items()})


def share_right(net: Net, spec: ModelSpec, test: Dataset) -> float:
    """Return the share of test pictures, 0..1, whose class has the highest score."""
    pieces = [test[start : start + 1000] for start in range(0, len(test), 1000)]  # not all normalized at once
    right = [
        accuracy(net, normalized(piece.images, spec.preprocessing), piece.labels, spec.logits) * len(piece)
        for piece in pieces
    ]
    return sum(right) / len(test)


def _listed(names: Sequence[str], others: int) -> str:
    """Return some names, and how many there are beside them: "3, 5, 8 and 7 more"."""
    return f"{', '.join(names)} and {others} more" if others else ", ".join(names)


def _film(path: Path, spec: ModelSpec, test: Dataset, shown: Sequence[str]) -> Film:
    """Return a film with one picture of each class `shown` in front, and more for gradients and dead units."""
    first = [int((test.labels == test.class_names.index(name)).argmax()) for name in shown]
    places = [*first, *(i for i in range(min(64, len(test))) if i not in first)]
    images = normalized(test.images[places], spec.preprocessing)
    others = len(test.class_names) - len(shown)
    title = f"{spec.name}: a net learns to tell {len(test.class_names)} kinds apart ({_listed(shown, others)})"
    return Film(path, images, test.labels[places], title=title, shown=len(first))
