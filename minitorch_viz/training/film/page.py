"""The film's page: written whole or not at all, and read again by a run that continues it."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minitorch_viz.drawing.html import render, script_data, write_page
from minitorch_viz.errors import MinitorchVizError, SettingError
from minitorch_viz.net import Net
from minitorch_viz.training.film.charts import Line, line_chart
from minitorch_viz.training.film.frame import KINDS
from minitorch_viz.training.film.reel import Reel
from minitorch_viz.training.observer import Run
from minitorch_viz.training.state import State

LARGEST_PAGE = 64 * 2**20
SMALLEST_RATIO = 1e-7  # smaller steps (a rate that has come down to 0) are drawn at the edge, which says so
BLUE, ORANGE, GREEN, RED = "#0b62a4", "#d97706", "#15803d", "#b91c1c"
DATA = re.compile(r'<script type="application/json" id="film">(.*?)</script>', re.DOTALL)


@dataclass(frozen=True, eq=False)
class Facts:
    """Hold what the page says in words."""

    title: str
    net: Net
    run: Run
    state: State
    why: str  # "" while training goes on, then why it ended
    images: int
    shown: int


def write_film(path: Path, reel: Reel, facts: Facts) -> None:
    """Write the page, completely or not at all."""
    from markupsafe import Markup

    data = reel.to_json(9 if facts.why else 1) | {"live": not facts.why}
    history = facts.state.history
    page = render(
        "film.html",
        facts=facts,
        parameters=sum(value.size for value in facts.net.params.values()),
        loss_chart=Markup(_loss_chart(reel, facts)),
        score_chart=Markup(_score_chart(reel, facts)),
        cards=[_card(name, reel, facts, Markup) for name in _nodes(reel)],
        hidden=[name for name in facts.net.names if name not in _nodes(reel)],
        last=history[-1] if history else None,
        written=time.strftime("%H:%M:%S"),
        data=script_data(data),
    )
    write_page(path, page)


def read_film(path: Path, most_frames: int) -> Reel:
    """Read the frames in a page that `write_film` wrote; SettingError for anything else."""
    advice = "give another name, or remove it"
    try:
        if path.stat().st_size > LARGEST_PAGE:
            raise SettingError(f"{path} is larger than any film of this package, so it cannot be continued; {advice}.")
        match = DATA.search(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"The film {path} cannot be read ({error}), so it cannot be continued; {advice}.") from error
    if match is None:
        raise SettingError(f"{path} is no film of this package, so it cannot be continued; {advice}.")
    try:
        return Reel.from_json(json.loads(match[1]), most_frames)
    except MinitorchVizError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, OSError, RecursionError) as error:
        raise SettingError(f"The film {path} is damaged ({error}), so it cannot be continued; {advice}.") from error


def _nodes(reel: Reel) -> list[str]:
    return list(dict.fromkeys(node for node, _ in reel.strips))


def _card(name: str, reel: Reel, facts: Facts, markup: Any) -> dict[str, Any]:
    """Return what the template needs to draw one node."""
    keys = list(reel.strips)
    pictures: list[dict[str, Any]] = []
    for kind in (kind for kind in KINDS if (name, kind) in reel.strips):
        index, note = keys.index((name, kind)), reel.strips[name, kind].note
        pictures.append({"index": index, "kind": kind, "note": note, "change": False, "svg": ""})
        if kind == "weights":
            change = f"{kind}: change since step {reel.shots[0].step}"
            pictures.append({"index": index, "kind": change, "note": note, "change": True, "svg": ""})
    description = "the fixed images" if name not in facts.net else repr(facts.net[name].layer)
    charts = [{"svg": markup(chart)} for chart in _charts(name, reel)]
    place = 3 if len(pictures) > 3 else len(pictures)  # beside the weights' gradients
    return {"name": name, "what": description, "cells": [*pictures[:place], *charts, *pictures[place:]]}


def _charts(name: str, reel: Reel) -> list[str]:
    x_max, size = reel.shots[-1].step, (600, 170)
    charts = []
    ratios = [(shot.step, shot.ratios[name]) for shot in reel.shots if name in shot.ratios]
    if ratios:
        label = "size of a step: |change of the weights| / |weights|"
        line = Line("", ratios, BLUE)
        lowest = min((ratio for _, ratio in ratios if ratio > 0), default=1e-3)
        limits = (SMALLEST_RATIO, 1.0) if lowest < SMALLEST_RATIO else None
        mark = (1e-3, "1/1000")
        charts.append(line_chart([line], y_label=label, x_max=x_max, limits=limits, log=True, mark=mark, size=size))
    dead = [(shot.step, shot.dead[name]) for shot in reel.shots if name in shot.dead]
    if dead:
        label = "dead units: 0 everywhere for all fixed images"
        chart = line_chart([Line("", dead, RED)], y_label=label, x_max=x_max, limits=(0, 1), percent=True, size=size)
        charts.append(chart)
    return charts


def _loss_chart(reel: Reel, facts: Facts) -> str:
    training = Line("training", [(step, loss) for step, loss, _ in reel.curve], BLUE)
    held_out = [(line.step, line.held_out_loss) for line in facts.state.history if line.held_out_loss is not None]
    lines = [training] + ([Line("held out", held_out, ORANGE)] if held_out else [])
    values = [y for line in lines for _, y in line.points if y > 0]
    log = bool(values) and max(values) > 20 * min(values)
    point = "one step" if reel.per_point == 1 else f"mean of {reel.per_point} steps"
    label = f"step (training curve: {point})"
    return line_chart(lines, y_label="loss (log)" if log else "loss", x_label=label, x_max=reel.shots[-1].step, log=log)


def _score_chart(reel: Reel, facts: Facts) -> str:
    name = facts.run.loss.score_name
    if not name:
        return ""
    training = Line("training", [(step, score) for step, _, score in reel.curve if score >= 0], BLUE)
    held_out = [(line.step, line.held_out_score) for line in facts.state.history if line.held_out_score is not None]
    lines = [training] + ([Line("held out", held_out, ORANGE)] if held_out else [])
    return line_chart(lines, y_label=name, x_max=reel.shots[-1].step, limits=(0, 1), percent=True)
