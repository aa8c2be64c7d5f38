"""Many photos through Grad-CAM of SqueezeNet 1.1, from the command line, as a user has it.

    python benchmarks/many_photos.py FOLDER --weights FILE    100 photos of that folder, again and again if it has fewer
    python benchmarks/many_photos.py FOLDER --count 20        fewer; without --weights they are random: a try
    python benchmarks/many_photos.py --quick                  generated photos, some seconds, nothing written

Three questions, each answered by a ratio of medians, of loops that take turns over the same photos:

* `minitorch-viz grad-cam FOLDER --format npz` and `--overlay` against decoding the photos and the forward and backward
  passes alone, in a plain loop of this engine. The ratio is above 1: writing, colours and the rest come on top.
* The same against a loop with Captum: Pillow decodes, LayerGradCam on torchvision's net with the same weights gives the
  map of the best class, and NumPy or Pillow writes it. A ratio above 1 means that the command is faster. The best class
  is found by a forward pass of its own, as one does; "class known" leaves that pass out.
* How many panelled figures a second one worker draws, and how many two.

Start-up is apart: each loop is run on its first photo alone too, and the seconds of that are subtracted. Workers are
warm: they have been used before. PyTorch, torchvision and Captum are optional: without them the second question has no
answer. Written to benchmarks/results/many_photos.json.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import shutil
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parent)]

import convolutions as bench  # noqa: E402  # sets the path of an uninstalled checkout
import nets  # noqa: E402
from captum_loop import captum_loop  # noqa: E402

from minitorch_viz import Model, load_model  # noqa: E402
from minitorch_viz.cli import main as command_line  # noqa: E402
from minitorch_viz.data.picture_files import picture_files  # noqa: E402
from minitorch_viz.io.images import load_image, save_png  # noqa: E402
from minitorch_viz.models.load import sketch  # noqa: E402

NET = "squeezenet1_1"
KINDS = {"npz": ["--format", "npz"], "overlay": ["--overlay"]}
WARM = 5  # photos that are drawn before the figures are timed: each worker gets some
PAUSE = 0.05  # seconds between turns: PyTorch's threads wait awake for some milliseconds


def alone(model: Model, photos: list[Path]) -> None:
    """Decode the photos and make the forward and backward passes, and nothing else."""
    for photo in photos:
        tape = model.net.forward(model.preprocess(load_image(photo)), upto=[model.logits])
        scores = tape[model.logits]
        seed = np.zeros_like(scores)
        seed[0, scores[0].argmax()] = 1
        model.net.backward(tape, {model.logits: seed}, wrt=model.last_conv)


def command(model: Path, out: Path, settings: list[str], photos: list[Path]) -> None:
    """Run the command on photos."""
    shutil.rmtree(out, ignore_errors=True)
    named = [str(photos[0].parent)] if len(photos) > 1 else [str(photos[0])]
    with contextlib.redirect_stdout(io.StringIO()):
        status = command_line(["grad-cam", *named, "--model", str(model), *settings, "--out", f"{out}{os.sep}"])
    written = len(list(out.iterdir()))
    assert (status, written) == (0, len(photos)), f"status {status}, {written} files of {len(photos)} photos"


def seconds_of(loop: Callable[[list[Path]], None], photos: list[Path]) -> float:
    """Return the seconds that a loop takes for all photos but the first: start-up is apart."""
    times = []
    for part in (photos[:1], photos):
        time.sleep(PAUSE)
        begin = time.perf_counter()
        loop(part)
        times.append(time.perf_counter() - begin)
    return times[1] - times[0]


def medians(loops: dict[str, Callable[[list[Path]], None]], photos: list[Path], rounds: int) -> dict[str, float]:
    """Return milliseconds a photo for each loop: the medians of rounds in which all take turns."""
    for loop in loops.values():  # kernels are loaded, workers started
        loop(photos[:1])
    times: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(rounds):
        for name, loop in loops.items():
            times[name].append(1e3 * seconds_of(loop, photos) / (len(photos) - 1))
    return {name: statistics.median(values) for name, values in times.items()}


def copies(folder: Path | None, count: int, place: Path) -> list[Path]:
    """Return copies of so many photos of a folder, each in turn; generated ones without a folder."""
    place.mkdir()
    if folder is None:
        rng = np.random.default_rng(0)
        for number in range(count):
            small = rng.integers(0, 256, (4, 5, 3)).astype(np.uint8)
            save_png(np.kron(small, np.ones((60, 60, 1), np.uint8)), place / f"{number:03d}.png")
    else:
        files = picture_files(folder).files
        for number in range(count):
            source = files[number % len(files)]
            shutil.copy(source, place / f"{number:03d}{source.suffix}")
    return sorted(place.iterdir())


def measured(model: Model, photos: list[Path], place: Path, rounds: int, figures: int) -> list[dict[str, Any]]:
    """Return a row for each question."""
    file, out = place / "net.safetensors", place / "maps"
    model.save(file)
    loops: dict[str, Callable[[list[Path]], None]] = {"alone": partial(alone, model)}
    for kind, settings in KINDS.items():
        loops[kind] = partial(command, file, out, settings)
    torch, attr = nets.libraries()
    peer = captum_loop(model, photos, torch, attr)
    if peer is not None:
        for kind in KINDS:
            loops[f"captum {kind}"] = partial(peer, place / "theirs", kind, False)
            loops[f"captum {kind}, class known"] = partial(peer, place / "theirs", kind, True)
    ms = medians(loops, photos, rounds)
    rows: list[dict[str, Any]] = []
    for kind in KINDS:
        rows.append({"what": f"{kind} against the passes alone", "ms": ms[kind], "to": ms["alone"]})
        rows[-1]["ratio"] = ms[kind] / ms["alone"]
        for name in (name for name in ms if name.startswith(f"captum {kind}")):
            rows.append(
                {"what": f"{name} against {kind}", "ms": ms[name], "to": ms[kind], "ratio": ms[name] / ms[kind]}
            )
    fewer, first = (copies(photos[0].parent, number, place / str(number)) for number in (figures, WARM))
    drawn = {f"{n} workers": partial(command, file, out, ["--format", "png", "--workers", str(n)]) for n in (1, 2)}
    for name, loop in drawn.items():
        loop(first)
        begin = time.perf_counter()
        loop(fewer)
        each = 1e3 * (time.perf_counter() - begin) / figures
        rows.append({"what": f"figures, {name}", "ms": each, "a second": 1e3 / each})
    return rows


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="of photos; none: generated ones")
    parser.add_argument("--weights", type=Path, help=f"of {NET}; default: random ones")
    parser.add_argument("--count", type=int, default=100, help="photos (default: %(default)s)")
    parser.add_argument("--figures", type=int, default=40, help="panelled figures (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="that the loops take turns (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="few photos, one round, nothing written")
    parser.add_argument("--out", type=Path, default=bench.ROOT / "benchmarks" / "results" / "many_photos.json")
    options = parser.parse_args(arguments)
    count, figures, rounds = (3, 4, 1) if options.quick else (options.count, options.figures, options.rounds)
    model = sketch(NET) if options.weights is None else load_model(NET, weights=options.weights)
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Captum announces its hooks
        place = Path(name)
        rows = measured(model, copies(options.folder, count, place / "photos"), place, rounds, figures)
    for row in rows:
        end = f"ratio {row['ratio']:5.2f}" if "ratio" in row else f"{row['a second']:5.1f} a second"
        print(f"{row['what']:44} {row['ms']:8.1f} ms a photo   {end}", flush=True)
    result = {"machine": bench.machine(nets.libraries()[0]), "net": NET, "count": count, "rounds": rounds, "rows": rows}
    if not options.quick:
        bench.write(result, options.out)
    return result


if __name__ == "__main__":
    main()
