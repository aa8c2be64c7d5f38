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
from minitorch_viz.training.answers import Answers
from minitorch_viz.training.card import save_with_card
from minitorch_viz.training.film import Film
from minitorch_viz.training.fit import Fitted, fit
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
    answers: Answers | None = None,
    **settings: Any,
) -> Path:
    """Train `net` on `batches` and write weights (float16, batch normalization folded away) and card to `out`.

    test: the first `watched` of its pictures are measured after every epoch, all of them at the end; they choose
        nothing. shown: the class names of the pictures that the film has in front.
    settings: for `fit`; so are film, checkpoint and resume.
    card: what is known beforehand, such as another command or licence than a bundled net's. parts: {entry of the
        card: test pictures that are worth a figure of their own}. answers: what is right for the labels of `batches`
        and `test`; default: the label is the one class.
    Raises KeyboardInterrupt at Ctrl-C, with a sentence, once film, checkpoint and the weights so far are written.
    """
    check_places(out, film, checkpoint, resume)
    answers = Answers(test.class_names) if answers is None else answers
    command = f"minitorch-viz train {spec.name} --seed {seed}"
    facts = {"name": spec.name, **card, "command": card.get("command", command), "seed": seed}
    fitted = fit(
        net,
        batches,
        rng=np.random.default_rng(seed),
        logits=spec.logits,
        validation=answers.batches(DatasetBatches(test[:watched], 256, preprocessing=spec.preprocessing)),
        keep="last",
        checkpoint=checkpoint,
        resume=resume,
        observers=[] if film is None else [film_of(film, spec, test, shown, answers)],
        **settings,
    )
    unfinished = UnfinishedWeights(out, spec.preprocessing, answers.names, facts, checkpoint, resume)
    return write_tested(
        as_written(fitted.net), fitted, spec, test, answers, unfinished, settings["epochs"], parts=parts
    )


def write_tested(
    net: Net,
    fitted: Fitted,
    spec: ModelSpec,
    test: Dataset,
    answers: Answers,
    unfinished: UnfinishedWeights,
    epochs: int,
    *,
    parts: Mapping[str, Dataset] | None = None,
    stage: str = "",
    before: Sequence[Fitted] = (),
    seconds_before: float = 0.0,
) -> Path:
    """Test a net that training has come to, and write it with its card to `unfinished.out`.

    net: as it is written. fitted: what the last call of `fit` gave; before: those of the stages before it. epochs: how
    many that call was to have; stage: in words, " of stage 2 of 2". seconds_before: spent on other work than `fit`.
    Raises KeyboardInterrupt, with a sentence on what is kept, if training was interrupted or testing is.
    """
    facts, steps_before = unfinished.card, sum(stage_before.steps for stage_before in before)
    try:
        if fitted.stopped == "interrupted":
            raise KeyboardInterrupt
        share = share_right(net, spec, test, answers)
        shares = {name: round(share_right(net, spec, part, answers), 4) for name, part in (parts or {}).items()}
    except KeyboardInterrupt:
        raise KeyboardInterrupt(unfinished.keep(fitted, net, epochs, stage, steps_before)) from None
    seconds = seconds_before + sum(part.seconds for part in (*before, fitted))
    words = "" if answers.table is None or len(answers.names) == 1 else " in every label"
    print(f"{spec.name}: {share:.2%} of the {len(test)} test images right{words}, trained in {seconds:.1f} s")
    for note in fitted.notes:
        print(f"Note: {note}")
    card_facts = {
        **facts,
        "epochs": sum(len(part.history) for part in (*before, fitted)),
        "test_accuracy": round(share, 4),
        **shares,
        "seconds": round(seconds, 1),
        "licence": facts.get("licence", "MIT"),
    }
    return save_with_card(net, unfinished.out, spec.preprocessing, class_names=answers.names, card=card_facts)


def as_written(net: Net) -> Net:
    """Return the net that a file of it holds: batch normalizations folded away, numbers as float16."""
    net = fold_batch_norms(net)
    return net.with_params({name: value.astype(np.float16).astype(np.float32) for name, value in net.state.items()})


def share_right(net: Net, spec: ModelSpec, test: Dataset, answers: Answers | None = None) -> float:
    """Return the share of test pictures, 0..1, for which the net gives the right answer; see `Answers.right`."""
    answers = Answers(test.class_names) if answers is None else answers
    right = 0
    for start in range(0, len(test), 256):  # not all normalized at once
        piece = test[start : start + 256]
        scores = net.predict(normalized(piece.images, spec.preprocessing), upto=spec.logits)
        right += int(answers.right(scores, piece.labels).sum())
    return right / len(test)


def _listed(names: Sequence[str], others: int) -> str:
    """Return some names, and how many there are beside them: "3, 5, 8 and 7 more"."""
    return f"{', '.join(names)} and {others} more" if others else ", ".join(names)


def film_of(
    path: Path,
    spec: ModelSpec,
    test: Dataset,
    shown: Sequence[str],
    answers: Answers,
    count: int = 64,
    **settings: Any,
) -> Film:
    """Return a film with one picture of each class `shown` in front, and up to `count` for gradients and dead units.

    settings: further ones of `Film`.
    """
    first = [int((test.labels == test.class_names.index(name)).argmax()) for name in shown]
    places = [*first, *(i for i in range(min(count, len(test))) if i not in first)]
    images = normalized(test.images[places], spec.preprocessing)
    others = len(test.class_names) - len(shown)
    title = f"{spec.name}: a net learns to tell {len(test.class_names)} kinds apart ({_listed(shown, others)})"
    return Film(path, images, answers.targets(test.labels[places]), title=title, shown=len(first), **settings)
