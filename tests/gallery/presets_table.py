"""Trust and seconds of every preset, for one unit each of three nets: docs/gallery/presets.json, and its page's table.

    python -m tests.gallery.presets_table --data ../shared/data           cifar10, scenes and GoogLeNet, some minutes
    python -m tests.gallery.presets_table --data FOLDER --nets scenes     this one anew, the others stay

FOLDER has cifar10/, imagenet_samples/ and weights/. Of GoogLeNet there is one photo a class, so that the trust score
compares with a group of classes. Seconds are those of one processor, with one thread: they are the same on a machine
that has other work, too.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.data import load_cifar10
from minitorch_viz.io.atomic import write_bytes_atomically
from minitorch_viz.models import load_model
from minitorch_viz.optimize.presets import presets
from minitorch_viz.techniques import get_technique
from minitorch_viz.techniques.optimization import _regularizers_making as making
from tests.gallery.presets_view import PAGE, TABLE, renewed

MAGNITUDES = {"maco"}  # presets whose magnitudes are those of real pictures


def cifar10(data: Path) -> Any:
    return computed(load_model("cifar10"), target="horse", pictures=load_cifar10(data, lossless=True)[1], seeds=2)


def scenes(_data: Path) -> Any:
    return computed(load_model("scenes"), target="tree", pictures="scenes:300", seeds=2)


def googlenet(data: Path) -> Any:
    model = load_model("googlenet", weights=data / "weights" / "googlenet_bvlc.safetensors")
    return computed(model, target="golden retriever", pictures=str(data / "imagenet_samples"), seeds=2)


NETS: dict[str, Callable[[Path], Any]] = {"cifar10": cifar10, "scenes": scenes, "googlenet": googlenet}


def computed(model: Any, **settings: Any) -> Any:
    """Return the technique's result, without a progress bar; its seconds are the processor's, compiling left out."""
    kernels.set_threads(1)
    get_technique("class-model").compute(model, target=settings["target"], steps=1, progress=False)  # what compiles
    with mock.patch.object(making, "monotonic", time.process_time):
        return get_technique("regularizers").compute(model, progress=False, **settings)


def row_of(result: Any) -> dict[str, Any]:
    """Return what the table keeps of one net."""
    learned = {
        name
        for name, preset in presets().items()
        if preset.needs_pictures or preset.family == "learned prior" or name in MAGNITUDES
    }
    columns = result.scores, result.trusts, result.trust_by_layer, result.seconds
    entries = zip(result.methods, result.reasons, zip(*columns, strict=True), strict=True)
    return {
        "unit": result.label,
        "class": result.class_words,
        "steps": max(result.steps),
        "seeds": int(result.pixels.shape[1]),
        "nodes": list(result.nodes),
        "presets": {
            way.name: {
                "year": way.year,
                "family": way.family,
                "from pictures": way.name in learned,
                **({"why": why} if why else measured(*numbers)),
            }
            for way, why, numbers in entries
        },
    }


def measured(scores: Array, trust: float, by_layer: Array, seconds: float) -> dict[str, Any]:
    """Return the numbers of a preset's pictures: means over seeds, the trust at each node, seconds of one picture."""
    return {
        "score": number(float(np.mean(scores))),
        "trust": number(trust),
        "by layer": [number(float(value)) for value in by_layer],
        "seconds": number(seconds),
    }


def number(value: float) -> float | None:
    """Return three digits of a number; None where nothing was measured."""
    return float(f"{value:.3g}") if np.isfinite(value) else None


def main(arguments: list[str] | None = None) -> Path:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of cifar10/, imagenet_samples/, weights/")
    parser.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS), help="these alone")
    parser.add_argument("--out", type=Path, default=TABLE, help="the table (default: docs/gallery/presets.json)")
    options = parser.parse_args(arguments)
    os.environ["MINITORCH_VIZ_HOME"] = str(options.data / "weights")  # the decoders of VGG-19 are there
    table: dict[str, Any] = json.loads(options.out.read_text(encoding="utf-8")) if options.out.is_file() else {}
    for name in options.nets:
        table[name] = row_of(NETS[name](options.data))
        text = json.dumps({key: table[key] for key in NETS if key in table}, indent=1, ensure_ascii=False)
        write_bytes_atomically(options.out, text.encode() + b"\n")
        print(f"{name}: {len(table[name]['presets'])} presets", flush=True)
    if options.out == TABLE:
        page = renewed(PAGE.read_text(encoding="utf-8"), json.loads(text))
        write_bytes_atomically(PAGE, page.encode())
    return Path(options.out)


if __name__ == "__main__":
    print(f"Wrote {main()}")
