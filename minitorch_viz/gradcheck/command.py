"""`minitorch-viz gradcheck`: every layer on its examples, or the functions of a Python file."""

from __future__ import annotations

import runpy
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minitorch_viz.errors import SettingError, near
from minitorch_viz.gradcheck.networks import check_layer
from minitorch_viz.gradcheck.pairs import check
from minitorch_viz.layers import Layer, all_layers


def run(what: Sequence[str]) -> int:
    """Check the named layers and files (none: every layer), print what came out; 1 if a gradient is wrong, else 0."""
    layers = {layer.__name__: layer for layer in all_layers()}
    fine = True
    for name in what or layers:
        if name.endswith(".py"):
            fine &= check_file(Path(name))
        elif name in layers:
            fine &= check_examples(layers[name])
        else:
            raise SettingError(f"There is no layer {name!r}; {near(name, layers, 'layer')}. Files must end in .py.")
    return 0 if fine else 1


def check_examples(layer: type[Layer]) -> bool:
    """One line for a layer on all its examples, and the whole report of each example that is not well."""
    reports = [check_layer(example, inputs) for example, inputs in layer.examples(np.random.default_rng(0))]
    wrong = [report for report in reports if not report.ok]
    errors = [result.largest_error for report in reports for result in report.results]
    worst = np.nanmax(errors) if np.isfinite(errors).any() else 0.0  # nan: that one was not measured
    verdict = "ok" if not wrong else f"{len(wrong)} NOT OK"
    print(f"{layer.__name__:<18} {len(reports)} examples  largest relative error {worst:.1e}  {verdict}")
    for report in wrong:
        print(report)
    return not wrong


def check_file(path: Path) -> bool:
    """Check the forward and backward that a Python file defines, at the inputs that it defines."""
    if not path.is_file():
        raise SettingError(f"There is no file {path}; give a Python file that defines forward, backward and inputs.")
    names = runpy.run_path(str(path))
    missing = [name for name in ("forward", "backward", "inputs") if name not in names]
    if missing:
        raise SettingError(
            f"{path} must define forward, backward and inputs, but it has no {' and no '.join(missing)}."
        )
    report = check(names["forward"], names["backward"], names["inputs"])
    print(report)
    return report.ok
