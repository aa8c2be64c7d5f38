"""Running a technique's command: what is asked is checked, the net is loaded, each photo is looked at."""

from __future__ import annotations

import argparse
import itertools
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minitorch_viz.commands.look import Look
from minitorch_viz.commands.many import Many, many_asked
from minitorch_viz.commands.nets import chosen_model, inputs_given, net_told
from minitorch_viz.commands.overlay import need_picture_for_overlay, overlay_asked, overlay_legend
from minitorch_viz.commands.write_each import write_each
from minitorch_viz.errors import MinitorchVizError

if TYPE_CHECKING:
    from minitorch_viz.models import Model
    from minitorch_viz.techniques import Technique
    from minitorch_viz.techniques.film import Reel


def run_technique(technique: Technique, arguments: argparse.Namespace) -> int:
    """Run one technique on what is named, or on the sample; 1 if one of several photos could not be read.

    For several photos a technique of one photo runs on each (`many.py`).
    """
    asked = _asked(technique, arguments)
    asked.check([*asked.read, arguments.weights, arguments.model])
    model = _model(technique, arguments, asked)
    asked.check([model.source], again=True)
    reason = technique.refuses(model)
    if reason:
        raise MinitorchVizError(f"{technique.name} does not apply to {model.name}: {reason}.")
    if asked.over is not None:
        need_picture_for_overlay(model)
    notes: list[str] = []
    settings, left_out = _settings(technique, arguments, asked, model, notes)
    budget = getattr(arguments, "budget", None)
    look = Look(technique.compute.__module__, model, settings, asked.over, budget, asked.resume)
    status = int(left_out > 0)
    if asked.many is None:
        return max(_write(look, asked, notes), status)
    for note in (*model.given_words, *model.notes, *notes):
        print(f"Note: {note}")
    return max(write_each(asked.many, look), status)


@dataclass(frozen=True)
class _Asked:
    """Hold what the command line names, before anything is read."""

    names: list[str]  # of the subject: photos, data sets, texts
    named: dict[str, list[str]]  # the same of each setting that is looked at
    inputs: dict[str, str]  # of the net's further inputs
    masks: list[str]  # files that say which places are summed
    out: Path
    over: dict[str, Any] | None  # the overlay's look, where one is written
    many: Many | None  # where there is a result for each photo
    resume: Path | None  # the file that keeps a loop's state
    film: Path | None  # the file of a loop's film
    frame: Path | None  # the file of its last frame
    suffixes: tuple[str, ...]  # that the result's file may have

    @property
    def read(self) -> list[str]:
        """Return what is read beside the net."""
        return [*self.names, *itertools.chain(*self.named.values()), *self.inputs.values(), *self.masks]

    def check(self, read: list[Any], *, again: bool = False) -> None:
        """Raise MinitorchVizError if a result cannot be written, or would overwrite what is read."""
        from minitorch_viz.io.out import check_out

        if self.many is not None:
            self.many.check(read, self.suffixes)
        else:
            check_out(self.out, self.suffixes, read, noun="result" if again or self.over is None else "overlay")
        if self.film is not None:
            from minitorch_viz.io.film_files import check_film

            check_film(self.film, read)
        if self.frame is not None:
            check_out(self.frame, (".png",), read, noun="frame")
        if again:
            return
        if self.resume is not None:
            check_out(self.resume, inputs=read, noun="state")
        files = {
            "the result": self.out,
            "what keeps its state": self.resume,
            "its film": self.film,
            "its last frame": self.frame,
        }
        named = [(words, file) for words, file in files.items() if file is not None]
        for (first, file), (second, other) in itertools.combinations(named, 2):
            if file.resolve() == other.resolve():
                raise MinitorchVizError(f"{other} cannot be both {first} and {second}; give two names.")


def _asked(technique: Technique, arguments: argparse.Namespace) -> _Asked:
    over = overlay_asked(arguments)
    many = many_asked(technique, arguments, None if over is None else ".png")
    return _Asked(
        names=technique.subject.named(arguments) if many is None else list(many.photos),
        named={name: other.named_by(getattr(arguments, name)) for name, other in technique.looking.items()},
        inputs=inputs_given(arguments.input, arguments.question),
        masks=[arguments.mask] if getattr(arguments, "mask", None) else [],
        out=Path(f"{technique.name}.png") if arguments.out is None else arguments.out,
        over=over,
        many=many,
        resume=getattr(arguments, "resume", None),
        film=getattr(arguments, "film", None),
        frame=getattr(arguments, "frame", None),
        suffixes=technique.suffixes if over is None else (".png",),
    )


def _model(technique: Technique, arguments: argparse.Namespace, asked: _Asked) -> Model:
    """Return the net that is named, or one that suits what is looked at."""
    subject, looking = technique.subject, technique.looking
    is_photo = subject.is_photo(asked.names)
    return chosen_model(
        arguments.model,
        arguments.weights,
        arguments.prefix,
        photo=is_photo or any(looking[name].is_photo(names) for name, names in asked.named.items()),
        shown_by=technique.shown_by,
        applies=lambda model: technique.refuses(model) is None,
        reads=subject.reads,
        inputs=asked.inputs,
        resize=getattr(arguments, "resize", None),
        bands=getattr(arguments, "bands", None),
        told=net_told(arguments),
        text=asked.names[0] if subject.reads == "text" and asked.names else None,
    )


def _settings(
    technique: Technique, arguments: argparse.Namespace, asked: _Asked, model: Model, notes: list[str]
) -> tuple[dict[str, Any], int]:
    """Return the technique's settings, what they look at already read, and how many of those could not be read."""
    settings = {name: getattr(arguments, name) for name in technique.options if name not in technique.looking}
    settings = {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}
    settings |= technique.samples(model)
    left_out = 0
    for name, subject in technique.looking.items():
        names = asked.named[name]
        if names:
            readable = subject.readable(names)
            settings[name] = subject.read(model, readable, notes)
            left_out += len(names) - len(readable)
    return settings, left_out


def _reel() -> Reel:
    """Return what keeps the frames of a loop; loaded where a film is asked for."""
    from minitorch_viz.techniques.film import Reel

    return Reel()


def _write(look: Look, asked: _Asked, notes: list[str]) -> int:
    """Write the one result and print what it shows; return the exit status."""
    subject, model, out = look.technique.subject, look.model, asked.out
    readable = subject.readable(asked.names)
    value = subject.read(model, readable, notes)
    reel = None if asked.film is None else _reel()
    result, why = look.explain(value, watch=() if reel is None else (reel.see,))
    if why and asked.resume is not None:
        why += f"; the same command goes on from {asked.resume}"
    look.save(result, value, out)
    print(result.caption, *() if asked.over is None else (overlay_legend(result, asked.over),))
    for note in (*model.given_words, *model.notes, *notes, *result.notes):
        print(f"Note: {note}")
    print(f"Wrote {out}")
    if asked.frame is not None:
        from minitorch_viz.io.images import save_png

        cutout = getattr(result, "cutout", None)  # with its transparency, where a result has one
        if cutout is None:
            save_png(result.frame, asked.frame)  # type: ignore[attr-defined]  # of every technique with this option
        else:
            save_png(cutout[..., :3], asked.frame, alpha=cutout[..., 3])
        print(f"Wrote {asked.frame}")
    if reel is not None and asked.film is not None:
        reel.write(asked.film)
        print(f"Wrote {asked.film}, a film of {len(reel.frames)} frames")
    if why:
        print(f"{why[0].upper()}{why[1:]}.", file=sys.stderr)
    return 130 if why.startswith("interrupted") else int(len(readable) < len(asked.names))
