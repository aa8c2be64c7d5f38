"""Style transfer against the same loop in PyTorch on the same CPU: seconds an evaluation of the loss and its gradient.

    python benchmarks/style.py                   100 steps of L-BFGS at 256 pixels, VGG-19 to conv3_1
    python benchmarks/style.py --coarse-to-fine  512 pixels: minutes and loss, beside one scale for the same time
    python benchmarks/style.py --quick           10 steps at 64 pixels, some seconds, nothing written

The net has random weights unless --weights names the folder of the official ones: speed does not depend on them.
PyTorch gets the same graph and weights, the same loss, and its own L-BFGS with a strong Wolfe search; both take
turns of ten steps in one process, and the time of a turn is divided by its evaluations. Medians and their ratio are
written to benchmarks/results/style.json; a ratio below 1 means that this engine is faster. PyTorch is optional.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parent)]

import convolutions as bench  # noqa: E402  # sets the path of an uninstalled checkout

import minitorch_viz_kernels as kernels  # noqa: E402
from minitorch_viz import Model, layers, load_model  # noqa: E402
from minitorch_viz.models.spec import get_spec  # noqa: E402
from minitorch_viz.optimize.style.methods import method_of  # noqa: E402
from minitorch_viz.optimize.style.terms import ContentTerm  # noqa: E402
from minitorch_viz.techniques.optimization._style_inputs import Inputs  # noqa: E402
from minitorch_viz.techniques.optimization._style_layers import layers_of  # noqa: E402
from minitorch_viz.techniques.optimization._style_sample import strokes  # noqa: E402
from minitorch_viz.techniques.optimization._style_task import Task  # noqa: E402
from minitorch_viz.techniques.optimization.style import Style, style  # noqa: E402

NET = "vgg19_conv3_1"
TURN = 10  # steps
CONTENT, SMOOTH = 0.03, 0.1  # weights, as the technique has them
PAUSE = 0.012  # seconds, in which the other library's waiting threads fall asleep


class Turn(NamedTuple):
    """Hold what a turn of steps took."""

    seconds: float
    evaluations: int
    loss: float


def model_of(weights: Path | None) -> Model:
    """Return the net, with the official weights where these are at hand."""
    if weights is not None:
        return load_model(NET, weights=weights)
    spec = get_spec(NET)
    return Model.from_net(spec.build(), readers=spec.reader, name=NET)


def pictures(photo: Path | None, painting: Path | None, model: Model) -> Inputs:
    """Return the photo and the painting; without files the sample photo and generated strokes."""
    from minitorch_viz.techniques.optimization._style_inputs import inputs_of

    if photo is None:
        from skimage.data import chelsea

        return inputs_of(model, chelsea(), strokes(), None)
    return inputs_of(model, str(photo), strokes() if painting is None else str(painting), None)


def ours(model: Model, task: Task, side: int) -> Callable[[], Turn]:
    """Return a function that takes ten steps with this engine, and goes on at each call."""
    size, names = task.size(side), layers_of(model, None, None, None)
    loss = task.loss(size, names.style, {names.content: CONTENT})
    method = method_of("lbfgs", task.inputs.units)
    state = method.start(task.photo(size), loss)

    def turn() -> Turn:
        nonlocal state
        before, begin = state.evaluations, time.perf_counter()
        for _ in range(TURN):
            state = method.step(state, loss)
        return Turn(time.perf_counter() - begin, state.evaluations - before, state.value)

    return turn


def theirs(model: Model, task: Task, side: int, torch: Any) -> Callable[[], Turn]:
    """Return the same loop in PyTorch."""
    size, names = task.size(side), layers_of(model, None, None, None)
    terms = task.loss(size, names.style, {names.content: CONTENT}).terms
    functional = torch.nn.functional
    weights = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in model.net.params.items()}
    photo = torch.from_numpy(task.photo(size))
    x = photo.clone().requires_grad_()
    units = [None if isinstance(term, ContentTerm) else torch.from_numpy(term.wanted.products) for term in terms]
    targets = [torch.from_numpy(term.wanted) if unit is None else unit for term, unit in zip(terms, units, strict=True)]

    def value() -> Any:
        outputs, y = {}, x
        for node in model.net.nodes:
            if isinstance(node.layer, layers.Conv2d):
                y = functional.pad(y, (1, 1, 1, 1), mode="reflect")
                y = functional.conv2d(y, weights[f"{node.name}.weight"], weights[f"{node.name}.bias"])
            elif isinstance(node.layer, layers.ReLU):
                y = functional.relu(y)
            else:
                y = functional.max_pool2d(y, 2, ceil_mode=True)
            outputs[node.name] = y
        total = 0.0
        for term, target in zip(terms, targets, strict=True):
            output = outputs[term.node]
            if isinstance(term, ContentTerm):
                difference = output - target
            else:
                maps = output[0].flatten(1)
                difference = maps @ maps.T / maps.shape[1] - target
            total = total + term.weight * (difference**2).sum() / (target**2).sum()
        down, right = x[..., 1:, :] - x[..., :-1, :], x[..., 1:] - x[..., :-1]
        scale = task.smooth / (255**2 * size[0] * size[1])
        return total + scale * ((down**2).sum() + (right**2).sum())

    slopes = torch.autograd.grad(value(), x)[0]
    optimizer = torch.optim.LBFGS(
        [x], max_iter=1, max_eval=10 * TURN, history_size=10, tolerance_grad=0, tolerance_change=0,
        line_search_fn="strong_wolfe",
    )  # fmt: skip
    # Its first step is lr * min(1, 1 / |g|_1) long; the loop above begins with one of a grey level.
    group = optimizer.param_groups[0]
    group["lr"] = x.numel() ** 0.5 / float(slopes.norm() * min(1.0, 1 / float(slopes.abs().sum())))
    count, first = 0, True

    def closure() -> Any:
        nonlocal count
        count += 1
        optimizer.zero_grad()
        total = value()
        total.backward()
        return total

    def turn() -> Turn:
        nonlocal first
        before, begin = count, time.perf_counter()
        if first:
            optimizer.step(closure)
            group["lr"] = 1.0  # from now on the history sets the length
        group["max_iter"] = TURN - first
        optimizer.step(closure)
        first = False
        seconds = time.perf_counter() - begin
        return Turn(seconds, count - before, float(value().detach()))

    return turn


def evaluations(options: argparse.Namespace, model: Model, inputs: Inputs, torch: Any) -> list[dict[str, Any]]:
    """Measure the loops for each number of threads, and print a line for each."""
    rows = []
    for threads in options.threads:
        kernels.set_threads(threads)
        if torch is not None:
            torch.set_num_threads(threads)
        task = Task(model, inputs, options.size, 1.0, (1.0,), "gram", SMOOTH, 0)
        turns = [ours(model, task, options.size)]
        if torch is not None:
            turns.append(theirs(model, task, options.size, torch))
        times: list[list[float]] = [[] for _ in turns]
        counts, losses = [0] * len(turns), [np.nan] * len(turns)
        for _ in range(-(-options.steps // TURN)):
            for index, turn in enumerate(turns):
                time.sleep(PAUSE)
                result = turn()
                times[index].append(result.seconds / max(result.evaluations, 1))
                counts[index] += result.evaluations
                losses[index] = result.loss
        row: dict[str, Any] = {
            "threads": threads, "size": options.size, "steps": options.steps,
            "ms": 1e3 * float(np.median(times[0])), "evaluations": counts[0], "loss": losses[0],
        }  # fmt: skip
        line = f"{threads} thread{'s' if threads > 1 else ''}: {row['ms']:.0f} ms an evaluation, {counts[0]} of them"
        if torch is not None:
            row |= {
                "peer ms": 1e3 * float(np.median(times[1])), "peer evaluations": counts[1], "peer loss": losses[1],
                "ratio": float(np.median(times[0]) / np.median(times[1])),
            }  # fmt: skip
            line += f"; PyTorch {row['peer ms']:.0f} ms, {counts[1]}; ratio {row['ratio']:.2f}"
            line += f"; losses {losses[0]:.4g} and {losses[1]:.4g}"
        print(line, flush=True)
        rows.append(row)
    return rows


def made(results: Iterator[Style], budget: float = np.inf) -> tuple[Style, float]:
    """Return the last result within so many seconds, and the seconds: of both ways all that they do counts."""
    begin = time.perf_counter()
    last = next(results)
    while last.done < last.total and time.perf_counter() - begin < budget:
        last = next(results)
    return last, time.perf_counter() - begin


def scales(model: Model, inputs: Inputs, size: int, steps: int) -> list[dict[str, Any]]:
    """Measure pictures from coarse to fine, and those of a single size that are given the same time."""
    rows = []
    for start in ("content", "noise"):
        settings: dict[str, Any] = {"style": list(inputs.styles), "size": size, "steps": steps, "start": start}
        next(iter(style.each(model, inputs.photo, **settings)))  # kernels are loaded
        grown, seconds = made(style.each(model, inputs.photo, **settings))
        settings |= {"steps": 10_000, "coarse_to_fine": False}
        single, _ = made(style.each(model, inputs.photo, **settings), seconds)
        rows.append({
            "start": start, "size": size, "seconds": seconds, "steps": list(grown.steps), "loss": grown.loss,
            "one scale": {"steps": single.done, "loss": single.loss},
        })  # fmt: skip
        print(
            f"{size} pixels from {start}, coarse to fine: {seconds / 60:.1f} minutes, loss {grown.loss:.4g}; one scale "
            f"for the same time: {single.done} steps, loss {single.loss:.4g}"
        )
    return rows


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a small picture and few steps, nothing written")
    parser.add_argument("--coarse-to-fine", action="store_true", help="measure the growing picture, too")
    parser.add_argument("--threads", type=int, nargs="+", help="for both; default: one, and every core")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--weights", type=Path, help="the folder of the official weights")
    parser.add_argument("--photo", type=Path)
    parser.add_argument("--painting", type=Path)
    parser.add_argument("--out", type=Path, default=bench.ROOT / "benchmarks" / "results" / "style.json")
    options = parser.parse_args(arguments)
    try:
        import torch
    except ImportError:
        torch = None
    threads_before = kernels.get_threads()
    torch_before = None if torch is None else torch.get_num_threads()
    options.threads = options.threads or sorted({1, threads_before})
    if options.quick:
        options.size, options.steps = 64, TURN
    model = model_of(options.weights)
    inputs = pictures(options.photo, options.painting, model)
    try:
        rows = evaluations(options, model, inputs, torch)
        result: dict[str, Any] = {"machine": bench.machine(torch), "rows": rows}
        kernels.set_threads(threads_before)
        if options.coarse_to_fine:
            result["coarse to fine"] = scales(model, inputs, 64 if options.quick else 512, 2 if options.quick else 40)
    finally:
        kernels.set_threads(threads_before)
        if torch is not None:
            torch.set_num_threads(torch_before)
    if not options.quick:
        bench.write(result, options.out)
    return result


if __name__ == "__main__":
    main()
