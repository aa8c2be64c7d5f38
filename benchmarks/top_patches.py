"""The search for top patches: what it costs beside the forward passes, its memory, and what workers save.

    python benchmarks/top_patches.py                         GoogLeNet and the photos of ../shared/data, if at hand
    python benchmarks/top_patches.py FOLDER --weights FILE   500 pictures of that folder, and 5,000 (again and again)
    python benchmarks/top_patches.py --quick                 generated pictures, some seconds, nothing written

* The search for the values and places of all units of a layer, the pictures read and prepared, against the forward
  passes alone of pictures that lie prepared in memory. The two take turns, a shard of 64 pictures each, and change
  places; of each round the ratio of the two times is taken, by the clock and by the processor's time, and of these the
  median.
* Crops, and what came back to their pixels: milliseconds a unit, each unit alone, and all units of the layer in one go,
  where each picture is opened once.
* The largest memory of a process that searches 500, and of one that searches 5,000.
* That the answers are those of sorting all of them, on 64 pictures.
* One worker of one thread, one of two threads, and two of one thread, over all 5,000 pictures, in turns: the same
  bits, and how long.

Written to benchmarks/results/top_patches.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parent)]

import convolutions as bench  # noqa: E402  # sets the path of an uninstalled checkout

import minitorch_viz_kernels as kernels  # noqa: E402
from minitorch_viz import Model, load_model  # noqa: E402
from minitorch_viz.data.pictures import FilePictures, as_pictures  # noqa: E402
from minitorch_viz.data.scenes import scene  # noqa: E402
from minitorch_viz.io.images import save_png  # noqa: E402
from minitorch_viz.techniques.activations._top_patches_rows import Cutter, rows_of  # noqa: E402
from minitorch_viz.techniques.explain.patches import Beside  # noqa: E402
from minitorch_viz.techniques.explain.strongest import Strongest, Top  # noqa: E402
from minitorch_viz.techniques.tally import BATCH, BATCHES, tallied  # noqa: E402

DATA = bench.ROOT.parent / "shared" / "data"
SHARD = BATCH * BATCHES
K = 9


def search(model: Model, pictures: FilePictures, node: str, workers: int = 1) -> Top:
    """Return the strongest of all units of a node."""
    *_, step = tallied(model, pictures, [Strongest(node, K)], workers=workers)
    top: Top = step.tallies[0].result()
    return top


def passes(model: Model, images: np.ndarray, node: str) -> None:
    """Make the forward passes alone."""
    for begin in range(0, len(images), BATCH):
        model.net.predict(images[begin : begin + BATCH], upto=node)


def prepared(model: Model, pictures: FilePictures) -> np.ndarray:
    return np.concatenate([model.preprocess(image) for image in pictures])


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Return (seconds by the clock, seconds of the processor)."""
    begin, begin_cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - begin, time.process_time() - begin_cpu


def against_passes(model: Model, pictures: FilePictures, node: str, rounds: int) -> dict[str, Any]:
    """Return milliseconds a picture of the search and of the passes alone, and the medians of their ratios."""
    times: dict[str, list[tuple[float, float]]] = {"search": [], "passes": []}
    for number in range(rounds):
        for place, begin in enumerate(range(0, len(pictures), SHARD)):
            part = FilePictures(pictures.files[begin : begin + SHARD])
            work = {
                "search": partial(search, model, part, node),
                "passes": partial(passes, model, prepared(model, part), node),
            }
            for name in sorted(work, reverse=bool((number + place) % 2)):
                times[name].append(timed(work[name]))
    ratios = [
        [a / b for a, b in zip(*turn, strict=True)] for turn in zip(times["search"], times["passes"], strict=True)
    ]
    clock, processor = (statistics.median(ratio[which] for ratio in ratios) for which in (0, 1))
    each = {name: 1e3 * sum(turn[0] for turn in turns) / (rounds * len(pictures)) for name, turns in times.items()}
    return {"ms a picture": each, "ratio": clock, "ratio of processor time": processor, "turns": len(ratios)}


def crops(model: Model, pictures: FilePictures, node: str, top: Top, units: int) -> list[dict[str, Any]]:
    """Return milliseconds a unit for its patches, alone and together with all others."""
    rng, rows = np.random.default_rng(0), []
    some = rng.choice(len(top.values), min(units, len(top.values)), replace=False)
    kinds: tuple[Beside, ...] = ("none", "guided", "deconvnet")
    for beside in kinds:

        def cut(channels: np.ndarray, beside: Beside = beside) -> None:
            for _ in Cutter(model, pictures, node, beside).steps(rows_of(top, channels, None, 0, None)):
                pass

        cut(some[:1])  # kernels are loaded
        alone = statistics.median(timed(partial(cut, some[i : i + 1]))[0] for i in range(len(some)))
        together = timed(partial(cut, some))[0] / len(some)
        rows.append(
            {"beside": beside, "ms a unit alone": 1e3 * alone, f"ms a unit, {len(some)} together": 1e3 * together}
        )
    return rows


def largest(model: Model, pictures: FilePictures, node: str) -> float:
    """Return MiB: the largest memory of this process after a search, which Linux tells."""
    search(model, pictures, node)
    lines = Path("/proc/self/status").read_text().splitlines()  # getrusage tells that of the process that began it, too
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def memory(folder: Path, weights: Path | None, count: int, node: str) -> float:
    """Return MiB: the largest memory of a new process that searches so many pictures of a folder."""
    words = [sys.executable, __file__, str(folder), "--count", str(count), "--node", node, "--memory"]
    words += [] if weights is None else ["--weights", str(weights)]
    return float(subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def equals_sorting(model: Model, pictures: FilePictures, node: str) -> bool:
    """Return whether the search finds what sorting all answers of some pictures does."""
    top, images = search(model, pictures, node), prepared(model, pictures)
    tapes = [model.net.forward(images[i : i + BATCH], upto=(node,), fuse=True) for i in range(0, len(images), BATCH)]
    maps = np.concatenate([tape[node] for tape in tapes])
    flat = maps.reshape(*maps.shape[:2], -1)
    peaks, places = flat.max(axis=2), flat.argmax(axis=2)
    numbers = np.argsort(-peaks, axis=0, kind="stable")[:K].T
    columns = np.arange(maps.shape[1])[:, None]
    wide = maps.shape[3]
    return bool(
        (top.numbers == numbers).all()
        and (top.values == peaks[numbers, columns]).all()
        and (top.rows * wide + top.columns == places[numbers, columns]).all()
    )


def shared_out(model: Model, pictures: FilePictures, node: str, rounds: int) -> dict[str, Any]:
    """Return seconds of one worker of one thread, one of two threads, and two of one; medians of turns."""
    ways = {"1 worker, 1 thread": (1, 1), "1 worker, 2 threads": (1, 2), "2 workers, 1 thread each": (2, 2)}
    search(model, FilePictures(pictures.files[: 4 * SHARD]), node, 2)  # processes are started
    times: dict[str, list[float]] = {name: [] for name in ways}
    results, before = [], kernels.get_threads()
    for _ in range(rounds):
        for name, (workers, threads) in ways.items():
            kernels.set_threads(threads)
            begin = time.perf_counter()
            results.append(search(model, pictures, node, workers))
            times[name].append(time.perf_counter() - begin)
    kernels.set_threads(before)
    same = all(
        np.array_equal(a, b, equal_nan=True) for other in results[1:] for a, b in zip(results[0], other, strict=True)
    )
    seconds = {name: statistics.median(values) for name, values in times.items()}
    one, two, both = seconds.values()
    return {"pictures": len(pictures), "seconds": seconds, "one / two workers": one / both,
            "two threads / two workers": two / both, "same bits": same}  # fmt: skip


def repeated(pictures: FilePictures, count: int) -> FilePictures:
    """Return so many pictures, the same ones again and again."""
    return FilePictures(tuple(pictures.files[number % len(pictures)] for number in range(count)))


def generated(folder: Path, count: int) -> Path:
    """Fill a folder with pictures of generated scenes."""
    for number in range(count):
        save_png(scene(number).image, folder / f"{number:04d}.png")
    return folder


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="of pictures; none there either: generated ones")
    parser.add_argument("--weights", type=Path, help="of GoogLeNet; none: the bundled net for scenes")
    parser.add_argument("--node", help="whose units (default: inception_4c/output)")
    parser.add_argument("--count", type=int, default=500, help="pictures (default: %(default)s)")
    parser.add_argument("--many", type=int, default=5000, help="pictures of the long runs (default: %(default)s)")
    parser.add_argument("--units", type=int, default=20, help="whose patches are cut out (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="of turns (default: %(default)s)")
    parser.add_argument("--long-rounds", type=int, default=3, help="of turns of the long runs (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="few pictures, one round, nothing written")
    parser.add_argument("--parts", nargs="+", metavar="PART", help="search, patches, MiB, workers: these alone, anew")
    parser.add_argument("--memory", action="store_true", help="print the largest memory of this process, and end")
    parser.add_argument("--out", type=Path, default=bench.ROOT / "benchmarks" / "results" / "top_patches.json")
    options = parser.parse_args(arguments)
    count, many, units, rounds, long_rounds = (
        options.count,
        options.many,
        options.units,
        options.rounds,
        options.long_rounds,
    )
    if options.quick:
        count, many, units, rounds, long_rounds = 70, 140, 2, 1, 1
    if options.folder is None and not options.quick and DATA.is_dir():
        options.folder, options.weights = DATA / "imagenet_samples", DATA / "weights" / "googlenet_bvlc.safetensors"
    model = load_model("scenes" if options.weights is None else "googlenet", weights=options.weights)
    node = options.node or ("conv3" if options.weights is None else "inception_4c/output")
    with tempfile.TemporaryDirectory() as name:
        folder = generated(Path(name), count) if options.folder is None else options.folder.resolve()
        found = as_pictures(folder)
        assert isinstance(found, FilePictures), "give a folder of pictures"
        pictures = repeated(found, count)
        if options.memory:
            print(largest(model, pictures, node))
            return {}
        result: dict[str, Any] = {"machine": bench.machine(None), "net": model.name, "node": node, "count": count}
        passes(model, prepared(model, FilePictures(pictures.files[:BATCH])), node)  # kernels are loaded
        parts: dict[str, Callable[[], Any]] = {
            "search": lambda: against_passes(model, pictures, node, rounds),
            "patches": lambda: crops(model, pictures, node, search(model, pictures, node), units),
            "equals sorting": lambda: equals_sorting(model, FilePictures(pictures.files[:SHARD]), node),
            "MiB": lambda: {str(n): memory(folder, options.weights, n, node) for n in (count, many)},
            "workers": lambda: shared_out(model, repeated(pictures, many), node, long_rounds),
        }
        for part in options.parts or parts:
            result[part] = parts[part]()
            print(part, json.dumps(result[part], indent=1), flush=True)
    if not options.quick:
        old = json.loads(options.out.read_text()) if options.parts and options.out.is_file() else {}
        bench.write({**old, **result}, options.out)
    return result


if __name__ == "__main__":
    main()
