"""Training a net that answers words about pictures: generated scenes, and new texts about them without end.

The convolutions are those of the bundled net `scenes`, and stay as they are: what they see of the pictures is computed
once for all texts about them. What is trained is the rest of the net (`models/asking.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minitorch_viz._types import Array, Generator, Pair
from minitorch_viz.data import normalized
from minitorch_viz.data.scenes import Scenes
from minitorch_viz.data.scenes import scenes as make_scenes
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.models.asking import IMAGE, SEEN, asking, asking_of_maps, begun, eye
from minitorch_viz.models.load import load_model
from minitorch_viz.models.params import Params
from minitorch_viz.models.scenes import PREPROCESSING
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.net import Net
from minitorch_viz.progress import progress_bar
from minitorch_viz.training.bundle import as_written
from minitorch_viz.training.card import save_with_card
from minitorch_viz.training.fit import fit
from minitorch_viz.training.optimizers import Adam
from minitorch_viz.training.output_files import UnfinishedWeights, check_places
from minitorch_viz.training.schedules import OneCycle

SCENES, BATCH = 12_000, 16  # to train on; in a batch
FIRST_SEED = 2**40  # of the scenes to train on; those given by a user lie below
TEST_SEED, TEST_SCENES, WATCHED = 10**9, 2000, 256
CLIP = 5.0


class Texts(NamedTuple):
    """Hold K texts about the scenes of a batch, and what is right after each."""

    scenes: Array  # (K,) int: the number of the scene
    words: Array  # (K, T) int: the words' numbers
    targets: Array  # (K,) int: the class


Writer = Callable[[Scenes, Generator], Texts]  # writes texts about a batch of scenes


class Look(NamedTuple):
    """Hold what the convolutions see of N scenes; half the digits are enough, and take half the memory."""

    scenes: Scenes
    shapes: Array  # (N, 128, 16, 16) float16
    pixels: Array  # (N, 3, 16, 16) float16

    def at(self, texts: Texts, words_input: str) -> tuple[dict[str, Array], Array]:
        """Return texts about these scenes as `fit` takes them: the inputs by name, and the targets."""
        seen = {name: values[texts.scenes].astype(np.float32) for name, values in zip(SEEN, self[1:], strict=True)}
        return {**seen, words_input: texts.words}, texts.targets


def look_at(looking: Net, scenes: Scenes) -> Look:
    """Return what the convolutions see of scenes."""
    parts = []
    with progress_bar(total=len(scenes), desc="looking at the scenes", unit="scene", delay=2) as bar:
        for start in range(0, len(scenes), 50):
            tape = looking.forward(normalized(scenes.images[start : start + 50], PREPROCESSING))
            parts.append([tape[name].astype(np.float16) for name in SEEN])
            bar.update(len(parts[-1][0]))
    return Look(scenes, *map(np.concatenate, zip(*parts, strict=True)))


@dataclass(frozen=True, eq=False)
class FreshTexts:
    """Make batches of new texts about the same scenes: {"shapes": ..., "pixels": ..., words: (K, T)}, targets (K,)."""

    look: Look
    words_input: str
    write: Writer
    batch: int = BATCH  # scenes

    def __len__(self) -> int:
        return len(self.look.scenes) // self.batch

    def __call__(self, rng: Generator | None) -> Iterator[tuple[dict[str, Array], Array]]:
        rng = np.random.default_rng(0) if rng is None else rng
        order = rng.permutation(len(self.look.scenes))
        for number in range(len(self)):
            chosen = np.sort(order[number * self.batch : (number + 1) * self.batch])
            texts = self.write(part_of(self.look.scenes, chosen), rng)
            yield self.look.at(texts._replace(scenes=chosen[texts.scenes]), self.words_input)


def part_of(scenes: Scenes, numbers: Array) -> Scenes:
    """Return some scenes of a batch."""
    return Scenes(**{field.name: getattr(scenes, field.name)[numbers] for field in fields(Scenes)})


@dataclass(frozen=True)
class Lesson:
    """Describe what a net of this shape is trained on, and for how long."""

    spec: ModelSpec
    write: Writer
    objects: Pair
    epochs: int
    peak: float  # the highest rate
    measure: Callable[[Net], dict[str, float]]  # of the whole net, on fresh scenes: what the card says


def train_on_scenes(
    lesson: Lesson,
    out: Path,
    seed: int,
    *,
    film: Path | None,
    checkpoint: Path | None,
    resume: bool,
) -> Path:
    """Train what follows the convolutions of `scenes`, and write the whole net (float16) and its card to `out`.

    Raises SettingError for a film, which shows nets of one input, and as `fit` does.
    """
    spec = lesson.spec
    if film is not None:
        raise SettingError(f"A film shows the training of nets that take pictures alone; {spec.name} takes words, too.")
    out = check_places(out, None, checkpoint, resume)
    need_whole("seed", seed, 0)
    (words_input, reader), *_ = spec.further.items()
    sizes = words_input, len(reader.vocabulary), spec.class_count  # type: ignore[attr-defined]  # of a reader of Words
    looking = Net(eye(Params(load_model("scenes").net.state)), (IMAGE,))
    mind = begun(asking_of_maps(*sizes, seed=seed))
    scenes = make_scenes(SCENES, FIRST_SEED + seed, objects=lesson.objects, progress=True)
    source = FreshTexts(look_at(looking, scenes), words_input, lesson.write)
    watched = look_at(looking, make_scenes(WATCHED, TEST_SEED + 1, objects=lesson.objects))
    facts = {
        "name": spec.name,
        "data": f"{SCENES} scenes of minitorch_viz.data.scenes of {lesson.objects[0]} to {lesson.objects[1]} objects, "
        f"new texts about each in each epoch; tested on {TEST_SCENES} others, seed {TEST_SEED}; the convolutions "
        "are those of the bundled net scenes",
        "command": f"minitorch-viz train {spec.name} --seed {seed}",
        "seed": seed,
    }
    fitted = fit(
        mind,
        source,
        rng=np.random.default_rng(seed),
        epochs=lesson.epochs,
        optimizer=Adam(lesson.peak),
        schedule=OneCycle(lesson.peak, lesson.epochs * len(source)),
        logits=spec.logits,
        clip=CLIP,
        validation=[watched.at(lesson.write(watched.scenes, np.random.default_rng(1)), words_input)],
        keep="last",
        checkpoint=checkpoint,
        resume=resume,
    )
    net = as_written(asking(*sizes, {**looking.params, **fitted.net.params}))
    names = spec.classes if isinstance(spec.classes, tuple) else ()
    unfinished = UnfinishedWeights(out, PREPROCESSING, names, facts, checkpoint, resume)
    try:
        if fitted.stopped == "interrupted":
            raise KeyboardInterrupt
        shares = lesson.measure(net)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(unfinished.keep(fitted, net, lesson.epochs)) from None
    figures = ", ".join(f"{name.replace('_', ' ')} {share:.2%}" for name, share in shares.items())
    print(f"{spec.name}: {figures}; trained in {fitted.seconds:.0f} s")
    card: dict[str, Any] = {
        **facts,
        **{name: round(share, 4) for name, share in shares.items()},
        "seconds": round(fitted.seconds, 1),
        "licence": "MIT",
    }
    return save_with_card(net, out, PREPROCESSING, class_names=names, card=card)


def share_right(net: Net, words_input: str, batch: Scenes, texts: Texts, *, pictures: Array | None = None) -> float:
    """Return the share of texts, 0..1, after which the right class has the highest score.

    pictures: (K,) which scene's picture the net is shown with each text; by default that of the text's own scene.
    """
    pictures = texts.scenes if pictures is None else pictures
    images = normalized(batch.images, PREPROCESSING)
    right = 0
    for start in range(0, len(pictures), 128):
        part = slice(start, start + 128)
        x = {IMAGE: images[pictures[part]], words_input: texts.words[part]}
        right += int((net.predict(x, upto="logits").argmax(axis=1) == texts.targets[part]).sum())
    return right / len(pictures)
