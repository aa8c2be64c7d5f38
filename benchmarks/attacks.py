"""Attacks against Foolbox on the same net in PyTorch, on the same CPU, photos and settings: success, size and time.

    python benchmarks/attacks.py --data ../shared/data     PGD and DeepFool on 100 photos, Carlini and Wagner on 20
    python benchmarks/attacks.py --quick                   the bundled digits, some seconds, nothing written

The folder holds weights/squeezenet1_1.safetensors and imagenet_samples/. The preprocessing is inside on both sides, and
both are asked to change the net's own answer. Sizes are in grey levels, 0 to 255. Both take turns of some photos in one
process, with one thread each unless --threads says otherwise; times are seconds of processor time and of the clock, and
a ratio below 1 means that this engine is better: a smaller change, less time.

PGD takes 40 steps, of eps * 0.01 / 0.3 each, from a random place, at the eps at which Foolbox's success is nearest to a
half, and there again from three other places. DeepFool looks at 10 classes, at most 50 times, and passes the border by
2 %. Carlini and Wagner's attack searches 5 times for c, 60 steps each, from c = 0.01, at the rate 0.01. Foolbox would
end a search that makes no progress within 6 steps, and so nearly all at once: that is measured apart, and turned off in
the comparison. PyTorch and Foolbox are optional: without them there are no ratios.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parent)]

import convolutions as bench  # noqa: E402  # sets the path of an uninstalled checkout
import nets  # noqa: E402

import minitorch_viz_kernels as kernels  # noqa: E402
from minitorch_viz import Model, load_model  # noqa: E402
from minitorch_viz.optimize.attacks import Aim, Attack, aim_at, get_attack, last, sizes  # noqa: E402
from minitorch_viz.optimize.units import Units  # noqa: E402

WHITE = 255.0
STEP = 0.01 / 0.3  # of eps: Foolbox's own
TRIES = 5  # for the eps at which a half is fooled


class Side(NamedTuple):
    """Hold what one library made of all photos."""

    pixels: Any  # (N, C, H, W), 0..255
    fooled: Any  # (N,) by its own net
    cpu: float  # seconds of processor time
    clock: float  # seconds


class Task(NamedTuple):
    """Hold what is attacked: the aim at all photos, and Foolbox's net; None without it."""

    aim: Aim
    pixels: Any
    peer: Any
    foolbox: Any
    torch: Any


Run = Callable[[slice], tuple[Any, Any]]  # some photos -> their pixels, and which are fooled


def task_of(options: argparse.Namespace) -> Task:
    """Return the net, the photos, and the same net for Foolbox."""
    if options.quick:
        from minitorch_viz.data import load_digits

        model = load_model("digits")
        images = load_digits()[1].images[: options.photos]
        x = np.concatenate([model.read(image[..., None].repeat(3, axis=2)) for image in images])
    else:
        model = load_model("squeezenet1_1", weights=options.data / "weights" / "squeezenet1_1.safetensors")
        paths = sorted((options.data / "imagenet_samples").glob("*.jpg"))
        chosen = np.linspace(0, len(paths) - 1, options.photos).astype(int)
        x = np.concatenate([model.read(paths[i]) for i in chosen])
    aim, pixels = aim_at(model, x)
    torch, foolbox = libraries()
    peer = None if foolbox is None else peer_of(model, foolbox, torch)
    return Task(aim, pixels, peer, foolbox, torch)


def libraries() -> tuple[Any, Any]:
    """Return PyTorch and Foolbox, or None for both."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Foolbox's own imports
            import foolbox
            import torch
    except ImportError:
        return None, None
    return torch, foolbox


def peer_of(model: Model, foolbox: Any, torch: Any) -> Any:
    """Return the net as Foolbox takes it: pixels from 0 to 1, mean and std inside."""
    units = Units.of(model.reader())
    module = nets.as_torch(model.net, model.logits, torch).eval()
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    mean, std = (np.array(values, np.float32) / WHITE for values in (units.mean, units.std))
    preprocessing = {"mean": torch.from_numpy(mean), "std": torch.from_numpy(std), "axis": -3}
    return foolbox.PyTorchModel(module, bounds=(0, 1), preprocessing=preprocessing, device="cpu")


def ours(task: Task, attack: Attack, seed: int = 0) -> Run:
    """Return this engine's run."""

    def run(part: slice) -> tuple[Any, Any]:
        attempt = last(attack.attempts(task.aim.of(part), task.pixels[part], seed=seed))
        return attempt.pixels, attempt.fooled

    return run


def theirs(task: Task, attack: Any, eps: float | None = None) -> Run:
    """Return Foolbox's run, at an eps in grey levels."""
    photos = task.torch.from_numpy((task.pixels / WHITE).astype(np.float32))
    labels = task.torch.from_numpy(task.aim.labels)

    def run(part: slice) -> tuple[Any, Any]:
        share = None if eps is None else eps / WHITE
        _, made, fooled = attack(task.peer, photos[part], labels[part], epsilons=share)
        pixels = made.numpy().astype(np.float64) * WHITE
        # Where Carlini and Wagner's attack finds nothing it gives a black picture, and asks the net about that.
        return pixels, fooled.numpy() & pixels.any(axis=(1, 2, 3))

    return run


def in_turns(runs: list[Run], photos: int, turn: int) -> list[Side]:
    """Run all over so many photos, some at a time, one after the other; each once before, which is not counted."""
    for run in runs:
        run(slice(0, 1))
    parts: list[list[tuple[Any, Any]]] = [[] for _ in runs]
    times = np.zeros((len(runs), 2))
    for begin in range(0, photos, turn):
        for index, run in enumerate(runs):
            time.sleep(bench.PAUSE)  # the other library's waiting threads fall asleep
            cpu, clock = time.process_time(), time.perf_counter()
            parts[index].append(run(slice(begin, min(begin + turn, photos))))
            times[index] += time.process_time() - cpu, time.perf_counter() - clock
    return [
        Side(*(np.concatenate(values) for values in zip(*part, strict=True)), *seconds)
        for part, seconds in zip(parts, times.tolist(), strict=True)
    ]


def row_of(what: str, task: Task, sides: list[Side]) -> dict[str, Any]:
    """Return what is written of both sides, and print it; sizes over the photos that both have fooled."""
    count = len(sides[0].fooled)
    both = np.all([side.fooled for side in sides], axis=0)
    row: dict[str, Any] = {"what": what, "photos": count, "fooled by all": int(both.sum())}
    for name, side in zip(("ours", "foolbox"), sides, strict=False):
        size = sizes(side.pixels - task.pixels[:count])
        mean, median, linf, rms = (
            float(part(values[both])) if both.any() else None
            for part, values in (
                (np.mean, size.l2),
                (np.median, size.l2),
                (np.median, size.linf),
                (np.median, size.rms),
            )
        )
        row[name] = {
            "success": float(side.fooled.mean()), "mean l2": mean, "median l2": median, "median linf": linf,
            "median rms": rms, "cpu s": side.cpu, "s": side.clock,
        }  # fmt: skip
        print(
            f"{what:22} {name:8} success {side.fooled.mean():6.1%}   L2 mean {mean or np.nan:7.2f}, median "
            f"{median or np.nan:7.2f}   {side.cpu:6.1f} s of the processor, {side.clock:6.1f} s",
            flush=True,
        )
    if len(sides) > 1:
        mine, other = row["ours"], row["foolbox"]
        row["ratio"] = {key: mine[key] / other[key] if other[key] else None for key in ("mean l2", "cpu s", "s")}
        print(
            f"{'':22} ratio    L2 {row['ratio']['mean l2'] or np.nan:.3f}, processor time {row['ratio']['cpu s']:.2f}"
        )
    return row


def half(task: Task, photos: int, turn: int, start: float, steps: int) -> tuple[float, list[Side]]:
    """Return the eps at which Foolbox fools nearest to half of the photos, and what it made of them there."""
    results: dict[float, list[Side]] = {}
    low, high, eps = 0.0, np.inf, start
    for _ in range(TRIES):
        attack = task.foolbox.attacks.LinfPGD(rel_stepsize=STEP, steps=steps)
        task.torch.manual_seed(0)
        results[eps] = in_turns([theirs(task, attack, eps)], photos, turn)
        success = results[eps][0].fooled.mean()
        print(f"{'':22} Foolbox's PGD at eps {eps:.3g}: {success:.0%}", flush=True)
        if abs(success - 0.5) <= 0.01:
            break
        low, high = (eps, high) if success < 0.5 else (low, eps)
        eps = eps * 1.5 if high == np.inf else eps / 1.5 if low == 0 else (low * high) ** 0.5
    best = min(results, key=lambda eps: abs(results[eps][0].fooled.mean() - 0.5))
    return best, results[best]


def rows_of(options: argparse.Namespace, task: Task) -> list[dict[str, Any]]:
    """Measure the attacks, and return a row for each."""
    library = None if task.foolbox is None else task.foolbox.attacks
    rows, turn = [], options.turn
    settings: dict[str, Any] = {"steps": 50, "candidates": 10, "overshoot": 0.02}
    runs = [ours(task, get_attack("deepfool")(**settings))]
    if library is not None:
        runs.append(theirs(task, library.L2DeepFoolAttack(**settings)))
    rows.append(row_of("DeepFool", task, in_turns(runs, options.photos, turn)))

    steps = options.steps
    runs = [ours(task, get_attack("cw")(searches=5, steps=steps, rate=options.rate, c=options.c))]
    if library is not None:
        same = {"binary_search_steps": 5, "steps": steps, "stepsize": options.rate, "initial_const": options.c}
        runs.append(theirs(task, library.L2CarliniWagnerAttack(**same, abort_early=False)))
    rows.append(row_of("Carlini and Wagner", task, in_turns(runs, options.few, turn)))
    if library is not None:
        early = theirs(task, library.L2CarliniWagnerAttack(**same, abort_early=True))
        (side,) = in_turns([early], options.few, turn)
        size = sizes(side.pixels - task.pixels[: options.few]).l2.mean()
        rows[-1]["foolbox ends early"] = {
            "success": float(side.fooled.mean()),
            "mean l2": float(size),
            "cpu s": side.cpu,
        }
        print(f"{'':22} Foolbox, with its early end: L2 {size:.2f} in {side.cpu:.1f} s of the processor", flush=True)

    nearest = last(get_attack("deepfool")(norm="linf").attempts(task.aim.of(slice(20)), task.pixels[:20]))
    eps = float(np.median(sizes(nearest.pixels - task.pixels[:20]).linf))
    sides = []
    if library is not None:
        eps, sides = half(task, options.photos, turn, eps, options.pgd_steps)
    pgd = get_attack("pgd")(eps=eps, steps=options.pgd_steps, step=STEP)
    sides = in_turns([ours(task, pgd)], options.photos, turn) + sides
    row = {**row_of(f"PGD, {options.pgd_steps} steps", task, sides), "eps": eps}
    if library is not None:
        row["success from other starts"] = other_starts(task, pgd, eps, options)
    rows.append(row)
    return rows


def other_starts(task: Task, pgd: Attack, eps: float, options: argparse.Namespace) -> dict[str, list[float]]:
    """Return the success of both at the same eps from other random places: how much of a difference is chance."""
    attack = task.foolbox.attacks.LinfPGD(rel_stepsize=STEP, steps=options.pgd_steps)
    found: dict[str, list[float]] = {"ours": [], "foolbox": []}
    for seed in range(1, options.starts):
        task.torch.manual_seed(seed)
        sides = in_turns([ours(task, pgd, seed), theirs(task, attack, eps)], options.photos, options.turn)
        for name, side in zip(found, sides, strict=True):
            found[name].append(float(side.fooled.mean()))
        print(f"{'':22} from other places: {', '.join(f'{name} {values[-1]:.0%}' for name, values in found.items())}")
    return found


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few digits and few steps, nothing written")
    parser.add_argument("--data", type=Path, default=bench.ROOT.parent / "shared" / "data", help="weights and photos")
    parser.add_argument("--threads", type=int, default=1, help="for both")
    parser.add_argument("--photos", type=int, default=100)
    parser.add_argument("--few", type=int, default=20, help="photos for Carlini and Wagner")
    parser.add_argument("--out", type=Path, default=bench.ROOT / "benchmarks" / "results" / "attacks.json")
    options = parser.parse_args(arguments)
    options.turn, options.steps, options.pgd_steps, options.rate, options.c = 10, 60, 40, 0.01, 0.01
    options.starts = 1 if options.quick else 4
    if options.quick:
        options.photos, options.few, options.turn, options.steps, options.pgd_steps = 20, 8, 10, 10, 5
        options.rate, options.c = 0.05, 1.0
    task = task_of(options)
    threads_before = kernels.get_threads()
    torch_before = None if task.torch is None else task.torch.get_num_threads()
    kernels.set_threads(options.threads)
    try:
        if task.torch is not None:
            task.torch.set_num_threads(options.threads)
        rows = rows_of(options, task)
        machine = bench.machine(task.torch)
        if task.foolbox is not None:
            machine["versions"]["foolbox"] = task.foolbox.__version__
        result = {"machine": machine, "net": task.aim.model.name, "rows": rows}
    finally:
        kernels.set_threads(threads_before)
        if task.torch is not None:
            task.torch.set_num_threads(torch_before)
    if not options.quick:
        bench.write(result, options.out)
    return result


if __name__ == "__main__":
    main()
