"""Less work, same answer: occlusion, one unit's gradient and many seeds, each against the plain way.

    python benchmarks/less_work.py [--weights squeezenet1_1.safetensors] [--photo cat.jpg]
    python benchmarks/less_work.py --quick          # seconds, small sizes, no Captum: does it still run?

Candidates take turns in one process, so that whatever else the machine does meets all of them; each ratio is the median
over the rounds of one round's ratio. Beside the time on the clock stands the processor's, summed over the threads. On a
busy machine it is the steadier one, best with OMP_NUM_THREADS=1, which NumPy's BLAS and PyTorch both obey.

Occlusion is also compared with Captum's (needs torch and captum), whose `perturbations_per_eval` is the fastest of
several in a trial beforehand. Every comparison also says how far the two answers are apart, as the largest difference
over the largest value.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "kernels")]  # an uninstalled checkout works too

import minitorch_viz_kernels as kernels  # noqa: E402  # after the path is set
from minitorch_viz import Net, load_model  # noqa: E402
from minitorch_viz.boxes import Boxes, Patch  # noqa: E402
from minitorch_viz.less_work.forward import predict_changed  # noqa: E402
from minitorch_viz.models.squeezenet1_1 import squeezenet1_1  # noqa: E402
from minitorch_viz.models.vgg16 import vgg16  # noqa: E402
from minitorch_viz.objectives import Unit  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "less_work.json"
Seconds = dict[str, list[tuple[float, float]]]  # candidate -> (clock, processor) of each round
SQUARE, STEP = 32, 8  # 25 x 25 places on 224 x 224 pixels


def main() -> None:
    parser = argparse.ArgumentParser(description="Less work, same answer: each against the plain way.")
    parser.add_argument("--quick", action="store_true", help="small sizes, a few seconds")
    parser.add_argument("--rounds", type=int, default=5, help="how often each candidate has its turn")
    parser.add_argument("--weights", type=Path, help="SqueezeNet 1.1's file; default: random weights")
    parser.add_argument("--photo", type=Path, help="an image; default: noise")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the JSON file to write")
    chosen = parser.parse_args()
    side, rounds = (96, 1) if chosen.quick else (224, chosen.rounds)
    net, x = squeezenet_and_image(chosen.weights, chosen.photo, side)
    report: dict[str, Any] = {"machine": machine(), "rounds": rounds, "input": list(x.shape)}
    report["occlusion"] = occlusion(net, x, rounds, *((2 * STEP, False) if chosen.quick else (STEP, True)))
    vgg = vgg16(hidden=64) if not chosen.quick else None  # the hidden layers matter little, and their memory is large
    report["one unit"] = {
        "squeezenet1_1 features.4": one_unit(net, x, "features.4", 4 * rounds),
        "squeezenet1_1 features.6": one_unit(net, x, "features.6", 4 * rounds),
    }
    if vgg is not None:
        report["one unit"]["vgg16 relu3_3"] = one_unit(vgg, x, "features.15", rounds)
    report["many seeds"] = many_seeds(net, x, 16 if chosen.quick else 128, rounds)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


def occlusion(net: Net, x: np.ndarray, rounds: int, step: int, with_captum: bool) -> dict[str, Any]:
    """Cover every place with a black square: what it can reach, against whole passes, against Captum."""
    tape = net.forward(x, upto="logits")
    target = int(tape["logits"][0].argmax())
    corners = [(i, j) for i in range(0, x.shape[2] - SQUARE + 1, step) for j in range(0, x.shape[3] - SQUARE + 1, step)]

    def reached() -> np.ndarray:
        """Compute a row of places a batch, as the technique has it."""
        tape = net.forward(x, upto="logits")
        scores = []
        row = round(len(corners) ** 0.5)
        black = np.zeros((row, x.shape[1], SQUARE, SQUARE), x.dtype)
        for start in range(0, len(corners), row):
            boxes = Boxes.at(*zip(*corners[start : start + row], strict=True), (SQUARE, SQUARE))
            scores.append(predict_changed(net, tape, {"input": Patch(black, boxes)}, "logits"))
        return np.concatenate(scores)[:, target]

    def whole(batch: int = 16) -> np.ndarray:
        scores = []
        for start in range(0, len(corners), batch):
            covered = np.repeat(x, len(corners[start : start + batch]), axis=0)
            for copy, (top, left) in zip(covered, corners[start : start + batch], strict=True):
                copy[:, top : top + SQUARE, left : left + SQUARE] = 0
            scores.append(net.predict(covered, upto="logits"))
        return np.concatenate(scores)[:, target]

    def painted(scores: np.ndarray) -> np.ndarray:
        """Return what Captum returns: at each pixel the mean drop over the squares that cover it."""
        total, count = np.zeros(x.shape[2:]), np.zeros(x.shape[2:])
        for (top, left), drop in zip(corners, tape["logits"][0, target] - scores, strict=True):
            total[top : top + SQUARE, left : left + SQUARE] += drop
            count[top : top + SQUARE, left : left + SQUARE] += 1
        return total / np.maximum(count, 1)

    numbers = {"places": len(corners), "square": SQUARE}
    candidates: dict[str, Callable[[], np.ndarray]] = {"reached": reached, "whole": whole}
    captum = captum_occlusion(net, x, target, step) if with_captum else None
    if captum is None:
        numbers["captum"] = "not compared"
    else:
        numbers["captum perturbations_per_eval"], candidates["captum"] = captum
    answers, seconds = take_turns(candidates, rounds)
    numbers |= compared_times(seconds, "reached")
    numbers["difference to whole"] = relative_difference(answers["reached"], answers["whole"])
    if captum is not None:
        numbers["difference to captum's map"] = relative_difference(painted(answers["reached"]), answers["captum"])
    return numbers


def captum_occlusion(net: Net, x: np.ndarray, target: int, step: int) -> tuple[int, Callable[[], np.ndarray]] | None:
    """Return (its fastest perturbations_per_eval, Captum's Occlusion of the same net); None without PyTorch."""
    try:
        import torch
        from captum.attr import Occlusion
    except ImportError:
        return None
    from tests.torch_nets import squeezenet1_1 as peer

    method, image = Occlusion(peer(torch, net.state).eval()), torch.from_numpy(x)

    def run(per_eval: int, step: int = step) -> np.ndarray:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shape, strides = (x.shape[1], SQUARE, SQUARE), (x.shape[1], step, step)
            map_ = method.attribute(image, shape, strides, 0, target, perturbations_per_eval=per_eval)
        return map_.numpy()[0, 0]

    trials: dict[int, float] = {}
    for _ in range(3):  # the first is the warm-up
        for per_eval in (1, 2, 4, 8, 16):
            start = time.perf_counter()
            run(per_eval, SQUARE)  # fewer places
            trials[per_eval] = min(time.perf_counter() - start, trials.get(per_eval, np.inf))
    best = min(trials, key=trials.__getitem__)
    return best, lambda: run(best)


def one_unit(net: Net, x: np.ndarray, node: str, rounds: int) -> dict[str, Any]:
    """Measure the gradient of a node's middle unit, against its whole maps and a class score's backward pass."""
    tape = net.forward(x)
    channels, high, wide = tape[node].shape[1:]
    unit = Unit(node, (channels // 2, high // 2, wide // 2)).seeds(tape)
    score = Unit(net.nodes[-2].name, (0,)).seeds(tape)  # before the softmax
    answers, seconds = take_turns(
        {
            "box": lambda: net.backward(tape, unit)["input"],
            "whole maps": lambda: net.backward(tape, unit, crop=False)["input"],
            "full backward": lambda: net.backward(tape, score)["input"],
        },
        rounds,
    )
    return compared_times(seconds, "box") | {
        "difference to whole maps": relative_difference(answers["box"], answers["whole maps"])
    }


def many_seeds(net: Net, x: np.ndarray, count: int, rounds: int) -> dict[str, Any]:
    """Measure the gradients of many classes from one tape: in chunks, against all at once and one by one."""
    tape = net.forward(x, upto="logits")
    seeds = {"logits": np.eye(1000, dtype=x.dtype)[:count]}
    answers, seconds = take_turns(
        {
            "chunks": lambda: net.backward(tape, seeds)["input"],
            "at once": lambda: net.backward(tape, seeds, chunk=count)["input"],
            "one by one": lambda: net.backward(tape, seeds, chunk=1)["input"],
        },
        rounds,
    )
    numbers = {"seeds": count, **compared_times(seconds, "chunks")}
    return numbers | {"difference to at once": relative_difference(answers["chunks"], answers["at once"])}


def take_turns(
    candidates: Mapping[str, Callable[[], np.ndarray]], rounds: int
) -> tuple[dict[str, np.ndarray], Seconds]:
    """Return the answers of all candidates (from a warm-up that is not timed) and their seconds, round by round."""
    answers = {name: run() for name, run in candidates.items()}
    seconds: Seconds = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, run in candidates.items():
            start, cpu_start = time.perf_counter(), time.process_time()
            run()
            seconds[name].append((time.perf_counter() - start, time.process_time() - cpu_start))
            print(f"{name:>16} {1e3 * seconds[name][-1][0]:10.2f} ms", flush=True)
    return answers, seconds


def compared_times(seconds: Seconds, ours: str) -> dict[str, float]:
    """Return the median milliseconds of each, and how many times as long the others took: clock and processor."""
    numbers: dict[str, float] = {}
    for clock, unit in enumerate(("ms", "cpu ms")):
        for name, times in seconds.items():
            numbers[f"{name} {unit}"] = round(1e3 * statistics.median(time[clock] for time in times), 3)
    for clock, unit in enumerate(("", ", cpu")):
        for name, times in seconds.items():
            if name != ours:
                ratios = [theirs[clock] / own[clock] for theirs, own in zip(times, seconds[ours], strict=True)]
                numbers[f"{name} / {ours}{unit}"] = round(statistics.median(ratios), 2)
    return numbers


def relative_difference(a: np.ndarray, b: np.ndarray) -> float:
    """Return the largest difference over the largest value."""
    return float(f"{np.abs(a - b).max() / max(np.abs(b).max(), 1e-30):.2e}")


def squeezenet_and_image(weights: Path | None, photo: Path | None, side: int) -> tuple[Net, np.ndarray]:
    """Return SqueezeNet 1.1 and its input (1, 3, side, side)."""
    model = load_model("squeezenet1_1", weights=weights) if weights else None
    net = model.net if model else squeezenet1_1(seed=0)
    if photo is None or model is None:
        return net, np.random.default_rng(0).standard_normal((1, 3, side, side)).astype(np.float32)
    x = model.preprocess(photo)
    return net, np.ascontiguousarray(x[:, :, :side, :side])


def machine() -> dict[str, Any]:
    """Describe the processor, the cores this process may use, and the versions of what computes."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
    versions = {"python": platform.python_version()}
    for package in ("numpy", "numba", "torch", "captum"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "not installed"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = os.environ.get("OMP_NUM_THREADS", "all")
    return {"processor": model, "cores": cores, "threads": threads, "kernels": kernels.current(), "versions": versions}


if __name__ == "__main__":
    main()
