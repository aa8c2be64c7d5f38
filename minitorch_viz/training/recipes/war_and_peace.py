"""How `war_and_peace` was trained: on a million letters of Tolstoy's novel, the state carried on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from minitorch_viz.errors import SettingError
from minitorch_viz.models.war_and_peace import SPEC
from minitorch_viz.training.letters import train_letters

SETTINGS: dict[str, Any] = {"cells": 256, "dropout": 0.2, "epochs": 30, "rate": 0.005, "average": 0.998}


def train(
    out: Path,
    seed: int = 0,
    *,
    film: Path | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
    data: Path | None = None,
) -> Path:
    """Train on the first 80 % of the text, keep the best epoch on the next 10 %, test on the last 10 %.

    data: the folder with war_and_peace.txt (default: data/text in $MINITORCH_VIZ_HOME). The rest: see `train_letters`.
    """
    if film is not None:
        raise SettingError("--film shows pictures and their gradients, and a text has none; leave it out.")
    text = Path(f"{SPEC.name}.txt") if data is None else data / f"{SPEC.name}.txt"
    return train_letters(text, out, seed, spec=SPEC, checkpoint=checkpoint, resume=resume, **SETTINGS)
