"""`minitorch-viz gradcheck`: every layer, some layers, or a Python file with somebody's forward and backward."""

from __future__ import annotations

import runpy
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minitorch_viz.errors import SettingError, near
from minitorch_viz.gradcheck.networks import check_layer
from minitorch_viz.gradcheck.pairs import check
from minitorch_viz.gradcheck.report import Report
from minitorch_viz.layers import Layer, all_layers


def run(what: Sequence[str]) -> int:
    """Check what is named (nothing: every layer) and print the reports; 1 if a gradient is wrong, else 0."""
    layers = {layer.__name__: layer for layer in all_layers()}
    for name in what:
        if not name.endswith(".py") and name not in layers:
            raise SettingError(
                f"There is no layer {name!r}; {near(name, layers, 'layer')}; or give a file ending in .py."
            )
    failed = [name for name in what or layers if not (_file(name) if name.endswith(".py") else _layer(layers[name]))]
    return 1 if failed else 0


def _layer(layer: type[Layer]) -> bool:
    """One line if all examples of a layer are right; the reports of those that are not."""
    reports = []
    for example, inputs in layer.examples(np.random.default_rng(0)):
        reports.append(check_layer(example, inputs))
        if layer.uses_rng:
            reports.append(check_layer(example, inputs, rng=np.random.default_rng(0)))
    wrong = [report for report in reports if not report.ok]
    errors = [_largest_error(report) for report in reports]
    verdict = f"{len(wrong)} FAILED" if wrong else "ok"
    print(
        f"{layer.__name__:20} {len(reports):3} cases  largest relative error {max(errors):.1e}  {verdict}", flush=True
    )
    for report in wrong:
        print(f"\n{report}\n")
    return not wrong


def _largest_error(report: Report) -> float:
    return max((r.largest_error for r in report.results if np.isfinite(r.largest_error)), default=0.0)


def _file(path: str) -> bool:
    """The report on a file that defines forward, backward and inputs."""
    if not Path(path).is_file():
        raise SettingError(f"There is no file {path!r}.")
    names = runpy.run_path(path)
    missing = [name for name in ("forward", "backward", "inputs") if name not in names]
    if missing:
        raise SettingError(f"{path} must define forward, backward and inputs, but {', '.join(missing)} is missing.")
    report = check(names["forward"], names["backward"], names["inputs"])
    print(report)
    return report.ok
