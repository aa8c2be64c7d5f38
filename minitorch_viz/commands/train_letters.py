"""The part of `minitorch-viz train` that trains a net on a text, letter by letter."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from minitorch_viz.commands.parser import path
from minitorch_viz.errors import MinitorchVizError

NAME = "letters"
SETTINGS: dict[str, dict[str, Any]] = {
    "--kind": {"choices": ("lstm", "gru", "rnn"), "help": "the recurrent layers (default: lstm)"},
    "--layers": {"type": int, "metavar": "N", "help": "how many of them (default: 2)"},
    "--cells": {"type": int, "metavar": "N", "help": "memory cells of each (default: 128)"},
    "--embedding": {"type": int, "metavar": "N", "help": "numbers that stand for a character (default: 64)"},
    "--dropout": {"type": float, "metavar": "X", "help": "share of each layer's outputs dropped (default: 0)"},
    "--steps": {"type": int, "metavar": "N", "help": "characters between two cuts of the gradient (default: 100)"},
    "--batch": {"type": int, "metavar": "N", "help": "places of the text that are read side by side (default: 50)"},
    "--optimizer": {"choices": ("adam", "adamw", "rmsprop"), "help": "what takes the steps (default: adam)"},
    "--rate": {"type": float, "metavar": "X", "help": "the step size (default: 0.004, of rmsprop 0.002)"},
    "--schedule": {
        "choices": ("cosine", "onecycle", "decay", "constant"),
        "help": "the rate falls to 0 along half a cosine (cosine, the default), rises and falls (onecycle), is "
        "multiplied by 0.97 each epoch (decay), or stays (constant)",
    },
    "--clip": {"type": float, "metavar": "X", "help": "the largest norm of all gradients (default: 5)"},
    "--average": {
        "type": float,
        "metavar": "X",
        "help": "keep the net whose weights are running means that forget this slowly: 0.999, say (default: none)",
    },
    "--patience": {"type": int, "metavar": "N", "help": "stop after so many epochs without a better one"},
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the text and the settings of its net, of which none is for anything else that is trained."""
    group = parser.add_argument_group("of letters, a net that reads and writes character by character")
    group.add_argument("--text", type=path, metavar="FILE", help="the text to train on, UTF-8, of any length")
    for flag, settings in SETTINGS.items():
        group.add_argument(flag, **settings)


def given_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the settings that are given, by their names in Python."""
    values = {flag.removeprefix("--"): getattr(arguments, flag.removeprefix("--")) for flag in SETTINGS}
    return {name: value for name, value in values.items() if value is not None}


def refuse_settings(arguments: argparse.Namespace) -> None:
    """Raise a sentence if a setting of letters is given for another net."""
    for name in ("text", *given_settings(arguments)):
        if getattr(arguments, name) is not None:
            raise MinitorchVizError(
                f"--{name} is for `train letters --text FILE`, a net that reads a text; leave it out."
            )


def run(arguments: argparse.Namespace) -> Path:
    """Train a net on a text, and return where it is written."""
    from minitorch_viz.training.letters import NO_FILM, train_letters

    if arguments.text is None:
        raise MinitorchVizError("letters needs the text that it learns from: --text FILE.")
    if arguments.film is not None:
        raise MinitorchVizError(NO_FILM)
    if arguments.data is not None:
        raise MinitorchVizError(f"--data is for bundled nets; the text is {arguments.text}: leave it out.")
    return train_letters(
        arguments.text,
        arguments.out or Path(f"{arguments.text.stem or NAME}.safetensors"),
        arguments.seed,
        epochs=arguments.epochs,
        checkpoint=arguments.checkpoint,
        resume=arguments.resume,
        **given_settings(arguments),
    )
