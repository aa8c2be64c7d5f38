"""`minitorch-viz gradcheck`: every layer on its examples, or the functions of a Python file."""

from __future__ import annotations

import runpy
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minitorch_viz.errors import MinitorchVizError, SettingError, near
from minitorch_viz.gradcheck.networks import check_layer
from minitorch_viz.gradcheck.pairs import check
from minitorch_viz.layers import Layer, all_layers


def run(names: Sequence[str]) -> int:
    """Check the named layers and files (none: every layer), print what came out; 1 if a gradient is wrong, else 0.

    Of several files one that cannot be checked is named and does not stop the others; SettingError at the end.
    """
    layers = {cls.__name__: cls for cls in all_layers()}
    for name in names:
        if not name.endswith(".py") and name not in layers:
            raise SettingError(f"There is no layer {name!r}; {near(name, layers, 'layer')}. Files must end in .py.")
    all_ok = True
    failed: list[str] = []
    for name in names or layers:
        try:
            text, ok = check_file(Path(name)) if name.endswith(".py") else check_examples(layers[name])
            all_ok &= ok
            print(text)
        except BrokenPipeError:  # the reader has stopped (head); the exit code still says what is wrong
            if all_ok and not failed:
                raise
            return 2 if failed else 1
        except MinitorchVizError as error:
            if len(names) == 1:
                raise
            print(f"{name}: {error}", file=sys.stderr)
            failed.append(name)
    if failed:
        raise SettingError(f"{len(failed)} of {len(names)} could not be checked: {', '.join(failed)}.")
    return 0 if all_ok else 1


def check_examples(cls: type[Layer]) -> tuple[str, bool]:
    """Check a layer on all its examples: what to print, and whether all is right.

    It is one line, and the whole report of each example that is not well.
    """
    reports = [check_layer(example, inputs) for example, inputs in cls.examples(np.random.default_rng(0))]
    wrong = [report for report in reports if not report.ok]
    errors = [result.largest_error for report in reports for result in report.results]
    worst = np.nanmax(errors) if np.isfinite(errors).any() else 0.0  # nan: that one was not measured
    verdict = "ok" if not wrong else f"{len(wrong)} NOT OK"
    line = f"{cls.__name__:<18} {len(reports)} examples  largest relative error {worst:.1e}  {verdict}"
    return "\n".join([line, *map(str, wrong)]), not wrong


def check_file(path: Path) -> tuple[str, bool]:
    """Check the forward and backward that a Python file defines: what to print, and whether all is right.

    The file defines the inputs, too. It may also define `without`: the inputs for which backward gives no gradient on
    purpose. Whatever it raises, and that it ends the program, becomes a SettingError that names the line.
    """
    if not path.is_file():
        raise SettingError(f"There is no file {path}; give a Python file that defines forward, backward and inputs.")
    try:
        names = runpy.run_path(str(path))
        missing = [name for name in ("forward", "backward", "inputs") if name not in names]
        if missing:
            raise SettingError(
                f"{path} must define forward, backward and inputs, but it has no {' and no '.join(missing)}."
            )
        report = check(names["forward"], names["backward"], names["inputs"], without=names.get("without", ()))
    except (MinitorchVizError, BrokenPipeError):
        raise
    except SystemExit:
        raise SettingError(f"{path} ends the program ({_where(path)}); it must only define things.") from None
    except Exception as error:
        message = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise SettingError(f"{path} cannot be checked: {message} ({_where(path, error)}).") from error
    return str(report), report.ok


def _where(path: Path, error: Any = None) -> str:
    """Return the last line of the file that was reached."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}"
    frames = [frame for frame in traceback.extract_tb(sys.exc_info()[2]) if frame.filename == str(path)]
    if not frames:
        return "while it was called"
    function = "" if frames[-1].name == "<module>" else f" in {frames[-1].name}"
    return f"line {frames[-1].lineno}{function}"
