"""How `faces` and `faces_hidden` were trained: six people of the Olivetti faces, a second or two on one core.

The weights are meant to be pictures. So they begin near zero, and weight decay fades what the data do not hold up:
what is left of a template is a sum of faces, those for it light and those against it dark. Shifts of up to two pixels
keep the templates smooth.

There are ten pictures of each person: eight train and two test, as in `load_faces`. Twelve test pictures say little
(one of them is 8 %), so the card also has the mean over other splits of the same sixty.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from minitorch_viz.data import Dataset, load_faces, normalized
from minitorch_viz.errors import need_whole
from minitorch_viz.models.faces import PEOPLE, PREPROCESSING, faces
from minitorch_viz.models.faces_hidden import faces_hidden
from minitorch_viz.net import Net
from minitorch_viz.training.card import save_with_card
from minitorch_viz.training.evaluate import accuracy
from minitorch_viz.training.film import Film
from minitorch_viz.training.fit import Fitted, fit
from minitorch_viz.training.optimizers import SGD
from minitorch_viz.training.output_files import UnfinishedWeights, check_places

BATCH, MOMENTUM, DECAY, SHIFT = 16, 0.9, 0.1, 2
SPLITS = 20  # others than the files' own, for the mean


@dataclass(frozen=True)
class Recipe:
    """Describe one of the two nets."""

    name: str
    build: Callable[..., Net]
    rate: float
    epochs: int
    start: float  # what the random start of the first layer's weights is multiplied with


# Softmax regression has one optimum, which may be begun at 0; the units of a hidden layer must begin different.
RECIPES = Recipe("faces", faces, 1e-3, 100, 0.0), Recipe("faces_hidden", faces_hidden, 3e-3, 200, 0.01)


def train(
    out: Path,
    seed: int = 0,
    *,
    film: Path | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
    data: Path | None = None,
) -> Path:
    """Train both, write `out` (faces) and, beside it, the same with "_hidden" in its name, and their cards.

    data: the folder with olivetti_faces.npz, as `load_faces` takes it. film, checkpoint, resume: see `fit`; the second
    net has its own, with "_hidden" in their names.
    """
    out = check_places(out, film, checkpoint, resume)
    hidden_out = out.with_name(f"{out.stem}_hidden{out.suffix}")
    check_places(hidden_out, _hidden_path(film), _hidden_path(checkpoint), resume)
    need_whole("seed", seed, 0)
    training, test = six_people(*load_faces(data))
    for recipe, hidden in zip(RECIPES, (False, True), strict=True):
        path, its_film, its_checkpoint = (_hidden_path(file) if hidden else file for file in (out, film, checkpoint))
        fitted = train_net(recipe, training, seed, test, film=its_film, checkpoint=its_checkpoint, resume=resume)
        as_written = {name: value.astype(np.float16).astype(np.float32) for name, value in fitted.net.state.items()}
        net = fitted.net.with_params(as_written)
        assert path is not None
        facts = {
            "name": recipe.name,
            "data": f"the Olivetti faces (ORL database, 1994) of the first six people, {len(training)} pictures "
            f"for training and {len(test)} for testing",
            "command": f"minitorch-viz train faces --seed {seed}",
            "seed": seed,
        }
        try:
            if fitted.stopped == "interrupted":
                raise KeyboardInterrupt
            share, other_share = share_right(net, test), other_splits(recipe, training, test)
        except KeyboardInterrupt:
            unfinished = UnfinishedWeights(path, PREPROCESSING, PEOPLE, facts, checkpoint, resume)
            raise KeyboardInterrupt(unfinished.keep(fitted, net, recipe.epochs)) from None
        print(
            f"{recipe.name}: {share:.1%} of the {len(test)} test pictures right, trained in {fitted.seconds:.1f} s; "
            f"{other_share:.1%} on average over {SPLITS} other splits"
        )
        save_with_card(
            net,
            path,
            PREPROCESSING,
            class_names=PEOPLE,
            card={
                **facts,
                "test_accuracy": round(share, 4),
                "test_accuracy_of_one_picture": round(1 / len(test), 4),
                f"mean_test_accuracy_of_{SPLITS}_other_splits": round(other_share, 4),
                "seconds": round(fitted.seconds, 1),
                "licence": "MIT",
            },
        )
        if hidden:
            print(f"Wrote {path}")
    return out


def six_people(training: Dataset, test: Dataset) -> tuple[Dataset, Dataset]:
    """Return the first six people's pictures of each part."""
    first, second = (
        replace(data[data.labels < len(PEOPLE)], class_names=PEOPLE, name=f"six people of the {data.name}")
        for data in (training, test)
    )
    return first, second


def train_net(
    recipe: Recipe,
    training: Dataset,
    seed: int,
    test: Dataset | None = None,
    *,
    film: Path | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
) -> Fitted:
    """Train one net on `training`. The test pictures are only measured, after every epoch: they choose nothing."""
    net = recipe.build(seed=seed)
    first = next(iter(net.params))
    return fit(
        net.with_params({first: net.params[first] * np.float32(recipe.start)}),
        normalized(training.images, PREPROCESSING),
        training.labels,
        rng=np.random.default_rng(seed),
        epochs=recipe.epochs,
        batch=BATCH,
        optimizer=SGD(recipe.rate, MOMENTUM, weight_decay=DECAY),
        logits="logits",
        augment=SHIFT,
        validation=None if test is None else (normalized(test.images, PREPROCESSING), test.labels),
        keep="last",
        checkpoint=checkpoint,
        resume=resume,
        observers=[] if film is None or test is None else [_film(film, test, recipe.name)],
        progress=test is not None,
    )


def share_right(net: Net, data: Dataset) -> float:
    """Return the share of pictures whose person is recognized, 0..1."""
    return accuracy(net, normalized(data.images, PREPROCESSING), data.labels, "logits")


def other_splits(recipe: Recipe, training: Dataset, test: Dataset, count: int | None = None) -> float:
    """Return the mean share right over other splits of all pictures, each with a net trained for it (seeds 1, ...)."""
    everything = replace(
        training,
        images=np.concatenate([training.images, test.images]),
        labels=np.concatenate([training.labels, test.labels]),
    )
    shares = []
    for seed in range(1, 1 + (SPLITS if count is None else count)):
        training_part, test_part = everything.split(len(test) / len(everything), seed)
        fitted = train_net(recipe, training_part, seed)
        if fitted.stopped == "interrupted":
            raise KeyboardInterrupt
        shares.append(share_right(fitted.net, test_part))
    return float(np.mean(shares))


def _hidden_path(path: Path | None) -> Path | None:
    return None if path is None else path.with_name(f"{path.stem}_hidden{path.suffix}")


def _film(path: Path, test: Dataset, name: str) -> Film:
    """Return a film with the first three people in front."""
    first = [int((test.labels == person).argmax()) for person in range(3)]
    order = [*first, *(i for i in range(len(test)) if i not in first)]
    images = normalized(test.images[order], PREPROCESSING)
    return Film(path, images, test.labels[order], title=f"{name}: a net learns to tell six people apart")
