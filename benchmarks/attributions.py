"""Attribution methods against Captum on SqueezeNet 1.1, on the same CPU, with the same settings.

    python benchmarks/attributions.py                 guided backpropagation, integrated gradients, SmoothGrad, Grad-CAM
    python benchmarks/attributions.py --quick         few steps and samples, some seconds, nothing written

The net has random weights: speed does not depend on them. PyTorch gets the same graph, layer by layer, with the same
weights. Integrated gradients take 50 steps (Gauss-Legendre) from the same baseline, SmoothGrad 50 noisy copies. Captum
may take all images at once or a few at a time (its internal_batch_size, nt_samples_batch_size): both are measured, and
the ratio is to the faster one. A row for which there is no technique yet is left out. All take turns in one process;
medians and their ratios are written to benchmarks/results/attributions.json. A ratio above 1 means that this engine is
faster. PyTorch and Captum are optional: without them there are no ratios.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parent)]

import convolutions as bench  # noqa: E402  # sets the path of an uninstalled checkout
import nets  # noqa: E402

import minitorch_viz_kernels as kernels  # noqa: E402
from minitorch_viz import Model, relu_mode  # noqa: E402
from minitorch_viz.models.spec import get_spec  # noqa: E402
from minitorch_viz.objectives import Unit  # noqa: E402
from minitorch_viz.techniques import techniques  # noqa: E402
from minitorch_viz.techniques.explain.path import follow  # noqa: E402
from minitorch_viz.techniques.explain.signals import CHUNK_IMAGES, at_pixels, mean_at_pixels  # noqa: E402
from minitorch_viz.techniques.gradients.smoothgrad import noisy_copies  # noqa: E402

TARGET = 7
FEW = 5  # images at a time, where Captum is asked to take few


def calls(count: int, torch: Any, attr: Any) -> dict[str, list[Callable[[], Any]]]:
    """Return for each row this engine's call, and Captum's on the same numbers, at once and a few at a time."""
    spec = get_spec("squeezenet1_1")
    model = Model.from_net(spec.build(), spec.preprocessing.size, logits=spec.logits)
    model = dataclasses.replace(model, last_conv=spec.last_conv)
    net = model.net
    picture = np.random.default_rng(0).integers(0, 256, (*model.preprocessing.size, 3)).astype(np.uint8)
    x = model.preprocess(picture)
    base, unit = np.zeros_like(x), Unit(spec.logits, (TARGET,))
    width = 0.15 * float(x.max() - x.min())

    def smooth() -> Any:
        return mean_at_pixels(net, noisy_copies(x, width, count, CHUNK_IMAGES, 0), unit, relu_mode("normal"))

    rows: dict[str, list[Callable[[], Any]]] = {
        "guided backprop": [lambda: at_pixels(net, x, unit, "guided")],
        "integrated gradients": [lambda: follow(net, x, base, unit, "gauss-legendre", count)],
        "smoothgrad": [smooth],
    }
    cam = techniques().get("grad-cam")
    if cam is not None:
        rows["grad-cam"] = [lambda: cam.compute(model, picture, target=str(TARGET))]
    if attr is None:
        return rows

    peer = nets.as_torch(net, spec.logits, torch)
    tx = torch.from_numpy(x).requires_grad_()
    guided, path, noise = (
        attr.GuidedBackprop(peer),
        attr.IntegratedGradients(peer),
        attr.NoiseTunnel(attr.Saliency(peer)),
    )
    theirs = path.attribute(tx, target=TARGET, n_steps=4).detach().numpy()[0]
    ours = follow(net, x, base, unit, "gauss-legendre", 4).shares
    assert np.linalg.norm(theirs - ours) < 1e-2 * np.linalg.norm(theirs), "the two do not compute the same"
    rows["guided backprop"].append(lambda: guided.attribute(tx, target=TARGET))
    for batch in (None, FEW):
        rows["integrated gradients"].append(
            lambda batch=batch: path.attribute(tx, target=TARGET, n_steps=count, internal_batch_size=batch)
        )
        rows["smoothgrad"].append(
            lambda batch=batch: noise.attribute(
                tx, target=TARGET, nt_samples=count, nt_samples_batch_size=batch, stdevs=width, abs=False
            )
        )
    if cam is not None:
        layer = peer.steps[[node.name for node in net.nodes].index(model.last_conv)]
        layer_cam = attr.LayerGradCam(peer, layer)
        rows["grad-cam"].append(
            lambda: attr.LayerAttribution.interpolate(
                layer_cam.attribute(tx, target=TARGET, relu_attributions=True), x.shape[2:], "bilinear"
            )
        )
    return rows


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few steps and samples, nothing written")
    parser.add_argument("--threads", type=int, help="for both; default: every core")
    parser.add_argument("--seconds", type=float, default=10.0, help="of measuring, for each row and library")
    parser.add_argument("--only", help="rows whose names contain this")
    parser.add_argument("--out", type=Path, default=bench.ROOT / "benchmarks" / "results" / "attributions.json")
    options = parser.parse_args(arguments)
    torch, attr = nets.libraries()
    threads_before = kernels.get_threads()
    kernels.set_threads(options.threads)
    if torch is not None:
        torch_before = torch.get_num_threads()
        torch.set_num_threads(kernels.get_threads())
    count = 3 if options.quick else 50
    rows = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Captum announces its hooks
            for label, functions in calls(count, torch, attr).items():
                if options.only and options.only not in label:
                    continue
                seconds = bench.medians(functions, 0.05 if options.quick else options.seconds)
                ours, *theirs = (1e3 * value for value in seconds)
                ratio = min(theirs) / ours if theirs else None
                times = {"at once": theirs[0], f"{FEW} at a time": theirs[-1]} if len(theirs) > 1 else None
                peers = times or ({"ms": theirs[0]} if theirs else None)
                rows.append({"what": label, "count": count, "ms": ours, "captum_ms": peers, "ratio": ratio})
                print(f"{label:22} {ours:9.1f} ms   Captum {peers}   ratio {ratio or np.nan:5.2f}", flush=True)
    finally:
        kernels.set_threads(threads_before)
        if torch is not None:
            torch.set_num_threads(torch_before)
    result = {"machine": bench.machine(torch), "net": "squeezenet1_1", "chunk": CHUNK_IMAGES, "rows": rows}
    if not options.quick and not options.only:
        bench.write(result, options.out)
    return result


if __name__ == "__main__":
    main()
