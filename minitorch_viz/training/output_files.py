"""Where a training writes to, checked before it begins; and what is left when it is stopped."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minitorch_viz.errors import MinitorchVizError, SettingError
from minitorch_viz.models.readers import Reader
from minitorch_viz.net import Net
from minitorch_viz.training.card import place_for_weights, save_with_card
from minitorch_viz.training.checkpoint import is_checkpoint, steps_in
from minitorch_viz.training.fit import Fitted


def check_places(
    out: str | Path, film: str | Path | None = None, checkpoint: str | Path | None = None, resume: bool = True
) -> Path:
    """Return `out` as a path if all files of a training can be written, the model card beside `out` included.

    resume: whether the training goes on from the checkpoint; one that does not would replace what the checkpoint holds.

    Raises SettingError with a sentence if a folder is missing or may not be written, a suffix is wrong, two of the
    files are one, or something would be overwritten that is no card and no checkpoint, or is a checkpoint with steps
    in it.
    """
    from minitorch_viz.io.out import check_out

    place = place_for_weights(out)
    card = place.with_suffix(".json")
    files = {"weights": place, "model card": check_out(card, noun="model card", error=SettingError)}
    if card.exists() and not _is_card(card):
        raise SettingError(f"The model card would overwrite {card}, which is none; give the weights another name.")
    if film is not None:
        files["film"] = check_out(film, (".html", ".htm"), noun="film", error=SettingError)
    if checkpoint is not None:
        files["checkpoint"] = check_out(checkpoint, noun="checkpoint", error=SettingError)
        if files["checkpoint"].exists() and not is_checkpoint(checkpoint):
            raise SettingError(f"The checkpoint would overwrite {checkpoint}, which is none; give another name.")
        if not resume and (steps := steps_in(checkpoint)):
            raise SettingError(
                f"{checkpoint} holds a training after {steps} step{'s' * (steps != 1)}, which a new one would replace: "
                "continue it with --resume, give another name, or remove it."
            )
    kinds_by_file: dict[Path, str] = {}
    for kind, file in files.items():
        other = kinds_by_file.setdefault(file.resolve(), kind)
        if other != kind:
            raise SettingError(f"{file} cannot be both the {other} and the {kind}; give two names.")
    return place


def numbered(path: Path | None, number: int) -> Path | None:
    """Return film.html for the first stage of a training, film_2.html for the second."""
    return path if path is None or number == 0 else path.with_name(f"{path.stem}_{number + 1}{path.suffix}")


@contextlib.contextmanager
def saying_what_is_written(out: Path) -> Iterator[None]:
    """Give a Ctrl-C inside that comes without a sentence one on whether `out` was written."""
    written_before = _when_written(out)
    try:
        yield
    except KeyboardInterrupt as stop:
        nothing_written = f"interrupted before the first step, so nothing was written to {out}"
        written_already = f"interrupted; {out} was written before that"
        raise KeyboardInterrupt(
            str(stop) or (nothing_written if _when_written(out) == written_before else written_already)
        ) from None


@dataclass(frozen=True)
class UnfinishedWeights:
    """Write what an interrupted training has come to."""

    out: Path
    reader: Reader  # of the net's input
    class_names: Sequence[str]
    card: Mapping[str, Any]  # what is known beforehand
    checkpoint: Path | None
    resume: bool = False  # whether the training went on from its checkpoint

    def keep(self, fitted: Fitted, net: Net, epochs: int, stage: str = "", steps_before: int = 0) -> str:
        """Write the weights so far, with their card, and return the sentence that says it.

        net: as it is written. epochs: how many there should have been. stage: words such as " of stage 1 of 2";
        steps_before: taken in the stages before this one.
        """
        continuation = (
            "" if self.checkpoint is None else f"; the same command with --resume continues from {self.checkpoint}"
        )
        steps = steps_before + fitted.steps
        if steps == 0:
            return f"interrupted before the first step, so nothing was written to {self.out}{continuation}"
        done = f"after {len(fitted.history)} of {epochs} epochs{stage} ({steps} step{'s' * (steps != 1)})"
        progress = done if fitted.stopped == "interrupted" else f"{done}, before the test was done"
        ending = {"interrupted": progress, "seconds": round(fitted.seconds, 1)}
        facts = {**self.card, **ending, "licence": self.card.get("licence", "MIT")}
        place = self._place()
        save_with_card(net, place, self.reader, class_names=self.class_names, card=facts)
        unchanged = "" if place == self.out else f"; {self.out} is left as it was"
        if place not in (self.out, next(_unfinished_names(self.out))):
            unchanged += ", and so are the unfinished weights of earlier runs"
        return f"interrupted; {place} holds the weights {progress}{unchanged}{continuation}"

    def _place(self) -> Path:
        """Return where unfinished weights go: over older ones only if this training goes on from those."""
        if not self.out.exists():
            return self.out
        older = _card(self.out.with_suffix(".json"))
        if self.checkpoint is not None and self.resume and "interrupted" in older:
            facts = json.loads(json.dumps(dict(self.card)))  # as it reads in a file
            if all(older.get(name) == value for name, value in facts.items()):
                return self.out
        return next(place for place in _unfinished_names(self.out) if not _is_taken(place))


def _unfinished_names(out: Path) -> Iterator[Path]:
    """Yield the names for unfinished weights beside `out`: NAME.interrupted.safetensors, NAME.interrupted-2..."""
    for number in itertools.count(1):
        yield out.with_suffix(f".interrupted{'' if number == 1 else f'-{number}'}{out.suffix}")


def _is_taken(place: Path) -> bool:
    """Return whether weights or a card of that name are there."""
    return place.exists() or place.with_suffix(".json").exists()


def _is_card(path: Path) -> bool:
    return "card" in _content(path)


def _card(path: Path) -> Mapping[str, Any]:
    """Return what a model card says of its training; empty if it is none."""
    card = _content(path).get("card")
    return card if isinstance(card, dict) else {}


def _content(path: Path) -> Mapping[str, Any]:
    from minitorch_viz.io.files import read_json

    try:
        content = read_json(path)
    except MinitorchVizError:
        return {}
    return content if isinstance(content, dict) else {}


def _when_written(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None
