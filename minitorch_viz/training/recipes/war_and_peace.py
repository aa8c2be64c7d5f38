"""How `war_and_peace` was trained: on a million letters of Tolstoy's novel, the state carried on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from minitorch_viz.models.war_and_peace import SPEC
from minitorch_viz.training.letters import train_again

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
    return train_again(SPEC, out, seed, film=film, data=data, checkpoint=checkpoint, resume=resume, **SETTINGS)
