"""Which technique applies to which net, how long it takes, and what LRP's shares sum to: the gallery's table.

    python -m tests.gallery.nets_table                             every net, into docs/gallery/nets.json and nets.html
    python -m tests.gallery.nets_table --nets resnet34 vit_b_16    these rows anew, the others stay
    python -m tests.gallery.nets_table --page                      the page again from the numbers

Nets that come with the package have their weights; all others have random ones (seed 0): what applies does not depend
on them. A cell is one run with the settings by which methods are compared, on the sample that suits the net; one that
takes longer than --seconds is stopped there, and the cell says so.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import signal
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz.drawing.html import render, write_page
from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.io.atomic import write_bytes_atomically
from minitorch_viz.models import Model, Numbers, get_spec, load_model, sketch, specs
from minitorch_viz.models.catalog import list_models
from minitorch_viz.techniques import Technique, techniques
from tests.gallery.kinds_of_nets import KINDS, SAYS

LRPS_PATIENCE = 10
GALLERY = Path(__file__).resolve().parents[2] / "docs" / "gallery" / "nets.json"
NEAR = 0.01  # of the score: LRP's shares that sum to more or less carry a note


class TooLongError(Exception):
    """Carry nothing: the time is over."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise TooLongError inside the block when the time is over."""

    def ring(_number: int, _frame: Any) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def zoo_model(name: str) -> Model:
    """Return a net of the zoo with its weights where they come with the package, else with random ones."""
    if next(row for row in list_models() if row.name == name).bundled:
        return load_model(name)
    return dataclasses.replace(sketch(name), net=get_spec(name).build(), notes=())


def all_nets() -> dict[str, Callable[[], Model]]:
    """Return what makes each net of the table: the zoo's, then one of each other kind."""
    zoo: dict[str, Callable[[], Model]] = {name: lambda name=name: zoo_model(name) for name in specs()}  # type: ignore[misc]  # a default argument keeps the name
    return {**zoo, **KINDS}


def cell(technique: Technique, model: Model, seconds: float) -> dict[str, Any]:
    """Return {"seconds": how long} or {"why": the sentence}; {"seconds": None} beyond the time."""
    reason = technique.refuses(model)
    if reason:
        return {"why": sentence(reason, model)}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = looked_at(technique, model)  # outside the time: libraries that read files do not like to be stopped
        with at_most(seconds), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in range(2):  # what is loaded the first time does not count, if there is time for a second
                start = time.perf_counter()
                result = technique.run_on(model, value, **technique.in_comparison)
                took = time.perf_counter() - start
                if took > seconds / 3:
                    break
    except TooLongError:
        return {"seconds": None}
    except MinitorchVizError as error:
        return {"why": sentence(str(error), model)}
    entry: dict[str, Any] = {"seconds": float(f"{took:.2g}")}
    if technique.name == "lrp":
        entry.update(shares(result))
    return entry


def looked_at(technique: Technique, model: Model) -> Any:
    """Return the sample that suits the net; numbers for a net of numbers."""
    reader = next(iter(model.readers.values()))
    if isinstance(reader, Numbers) and technique.subject.parameter == "image":
        return np.random.default_rng(0).normal(size=[side or 8 for side in reader.shape])
    return technique.subject.read(model, [])


def shares(result: Any) -> dict[str, Any]:
    """Return the sum of LRP's shares as a part of the score, and the note where it is not all of it."""
    ratio = float(result.map().sum()) / result.value if result.value else None
    return {"ratio": None if ratio is None else float(f"{ratio:.3g}"), "note": " ".join(result.notes)}


def sentence(reason: str, model: Model) -> str:
    """Return a reason as a sentence that does not name the net."""
    text = reason.strip().rstrip(".")
    text = f"the net {text.removeprefix(model.name).strip()}" if text.startswith(f"{model.name} ") else text
    return f"{text[0].upper()}{text[1:]}."


def row(name: str, make: Callable[[], Model], seconds: float, chosen: Sequence[str] = ()) -> dict[str, Any]:
    """Try every technique, or those chosen, on one net."""
    model = make()
    spec = specs().get(name)
    bundled = any(entry.name == name and entry.bundled for entry in list_models())
    cells = {}
    for technique in techniques().values():
        if chosen and technique.name not in chosen:
            continue
        limit = seconds * (LRPS_PATIENCE if technique.name == "lrp" else 1)  # its shares have a table of their own
        cells[technique.name] = cell(technique, model, limit)
        print(f"{name:18} {technique.name:22} {cells[technique.name]}"[:160], flush=True)
    return {
        "net": name,
        "kind": SAYS[name] if spec is None else spec.paper,
        "takes": " and ".join(reader.words for reader in model.readers.values()),
        "weights": "trained, with the package" if bundled else "random, seed 0",
        "cells": cells,
    }


def page_of(table: dict[str, Any]) -> str:
    """Return the page of the table."""
    names = list(table["techniques"])
    reasons: dict[str, int] = {}
    for entry in table["rows"]:
        for name in names:
            why = entry["cells"].get(name, {}).get("why")
            if why:
                reasons.setdefault(why, len(reasons) + 1)
    counts = {
        name: sum("why" not in entry["cells"].get(name, {"why": ""}) for entry in table["rows"]) for name in names
    }
    return render("nets.html", table=table, names=names, reasons=reasons, counts=counts, near=NEAR)


def write_both(table: dict[str, Any], path: Path) -> None:
    """Write the numbers, and the page beside them."""
    write_bytes_atomically(path, (json.dumps(table, indent=1, ensure_ascii=False) + "\n").encode(), MinitorchVizError)
    write_page(path.with_suffix(".html"), page_of(table))


def table_of(rows: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    """Return the table: the rows of nets that there are, in the order of `all_nets`."""
    by_name = {entry["net"]: entry for entry in rows}
    return {
        "techniques": {name: technique.title for name, technique in techniques().items()},
        "seconds": seconds,
        "rows": [by_name[name] for name in all_nets() if name in by_name],
    }


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nets", nargs="+", choices=list(all_nets()), metavar="NET", help="these rows alone")
    parser.add_argument("--techniques", nargs="+", choices=list(techniques()), metavar="NAME", help="these cells alone")
    parser.add_argument("--page", action="store_true", help="measure nothing: the page anew, of the numbers there are")
    parser.add_argument("--seconds", type=float, default=6.0, help="most for one cell")
    options = parser.parse_args(arguments)
    kernels.warmup()  # a time that is over would interrupt a compiler, and what is compiled counts for no net
    nets = all_nets()
    table = json.loads(GALLERY.read_text(encoding="utf-8")) if GALLERY.exists() else {"rows": []}
    rows = table["rows"]
    if options.page:
        options.seconds = table["seconds"]
    for name in () if options.page else options.nets or nets:
        before = next((entry["cells"] for entry in rows if entry["net"] == name), {}) if options.techniques else {}
        new = row(name, nets[name], options.seconds, options.techniques or ())
        cells = before | new["cells"]
        new["cells"] = {technique: cells[technique] for technique in techniques() if technique in cells}
        rows = [entry for entry in rows if entry["net"] != name] + [new]
        write_both(table_of(rows, options.seconds), GALLERY)  # after each net: what was measured is kept
    write_both(table_of(rows, options.seconds), GALLERY)


if __name__ == "__main__":
    np.seterr(all="ignore")  # random weights of deep nets may overflow
    main()
