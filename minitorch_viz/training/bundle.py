"""From a recipe to a bundled net: train a classifier, fold, round, test, and write it with its card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.data import Dataset, DatasetBatches, normalized
from minitorch_viz.models.fold import fold_batch_norms
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.net import Net
from minitorch_viz.training.adversarial import Adversarial
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
    held_out: Dataset | None = None,
    adversarial: Adversarial | None = None,
    **settings: Any,
) -> Path:
    """Train `net` on `batches` and write weights (float16, batch normalization folded away) and card to `out`.

    test: the first `watched` of its pictures are measured after every epoch, all of them at the end; they choose
        nothing. shown: the class names of the pictures that the film has in front.
    settings: for `fit`; so are film, checkpoint and resume.
    card: what is known beforehand, such as another command or licence than a bundled net's. parts: {entry of the
        card: test pictures that are worth a figure of their own}. answers: what is right for the labels of `batches`
        and `test`; default: the label is the one class. held_out: pictures that are neither trained on nor tested: they
        are measured after every epoch in place of test pictures, and the net that is best on them is kept.
    adversarial: see `fit`; the card then says what share of the test pictures its attack leaves right, too.
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
        validation=answers.batches(
            DatasetBatches(test[:watched] if held_out is None else held_out, 256, preprocessing=spec.preprocessing)
        ),
        keep="last" if held_out is None else "best",
        adversarial=adversarial,
        checkpoint=checkpoint,
        resume=resume,
        observers=[] if film is None else [film_of(film, spec, test, shown, answers)],
        **settings,
    )
    unfinished = UnfinishedWeights(out, spec.preprocessing, answers.names, facts, checkpoint, resume)
    return write_tested(
        as_written(fitted.net),
        fitted,
        spec,
        test,
        answers,
        unfinished,
        settings["epochs"],
        parts=parts,
        adversarial=adversarial,
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
    adversarial: Adversarial | None = None,
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
        shares: dict[str, Any] = {
            name: round(share_right(net, spec, part, answers), 4) for name, part in (parts or {}).items()
        }
        if adversarial is not None:
            attacked = share_right_under_attack(net, spec, test, adversarial, answers)
            attack = f"{adversarial.trial}, on {min(adversarial.tried, len(test))} of the test pictures"
            shares |= {"attack": attack, "test_accuracy_under_attack": round(attacked, 4)}
    except KeyboardInterrupt:
        raise KeyboardInterrupt(unfinished.keep(fitted, net, epochs, stage, steps_before)) from None
    seconds = seconds_before + sum(part.seconds for part in (*before, fitted))
    words = "" if answers.table is None or len(answers.names) == 1 else " in every label"
    print(f"{spec.name}: {share:.2%} of the {len(test)} test images right{words}, trained in {seconds:.1f} s")
    if adversarial is not None:
        print(f"{spec.name}: {attacked:.2%} right under {attack}")
    fell = "" if adversarial is None else adversarial.remark(fitted.history)
    for note in (*fitted.notes, *([fell] if fell else [])):
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


def share_right_under_attack(
    net: Net, spec: ModelSpec, test: Dataset, adversarial: Adversarial, answers: Answers | None = None, seed: int = 0
) -> float:
    """Return the share of test pictures, 0..1, whose right answer no step of the attack's trial takes away.

    At most `adversarial.tried` of them are attacked, spread evenly: a data set's first pictures may be its easy ones.
    """
    answers = Answers(test.class_names) if answers is None else answers
    test = test[np.unique(np.linspace(0, len(test) - 1, min(adversarial.tried, len(test))).round().astype(int))]
    rng, right = np.random.default_rng(seed), 0
    for start in range(0, len(test), 256):
        piece = test[start : start + 256]

        def is_right(scores: Array, numbers: Array, labels: Array = piece.labels) -> Array:
            return answers.right(scores, labels[numbers])

        x, targets = normalized(piece.images, spec.preprocessing), answers.targets(piece.labels)
        standing = adversarial.right_under_attack(
            net, x, targets, is_right, loss=answers.loss(), output=spec.logits, rng=rng
        )
        right += int(standing.sum())
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
