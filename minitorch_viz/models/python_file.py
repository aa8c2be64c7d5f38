"""A net of one's own from a Python file: `--model my_net.py` runs the file and calls its function `model()`."""

from __future__ import annotations

import dataclasses
import inspect
import os
import runpy
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from minitorch_viz.errors import MinitorchVizError, SettingError, WeightsFileError
from minitorch_viz.models.model import Model


def run_model_file(path: str | Path, weights: str | Path | None = None) -> Model:
    """Run a Python file and return what its function `model()` gives, a Model.

    The file is a program and does what it says: run only files that you would run with `python`. It may import what
    lies beside it. weights: given to a `model(weights)`, as a path.
    Raises WeightsFileError if there is no such file, or if it fails; SettingError if it gives no Model.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsFileError(f"There is no file {os.fspath(path)!r}; --model takes a .py file that defines model().")
    try:
        with importing_from(path.resolve().parent):
            make = runpy.run_path(os.fspath(path)).get("model")
            if not callable(make):
                raise SettingError(
                    f"{path.name} must define a function model() that returns a Model, but there is none."
                )
            model = make(*_arguments(make, path, weights))
    except MinitorchVizError:
        raise
    except (Exception, SystemExit) as error:
        raise WeightsFileError(
            f"{path.name} fails: {type(error).__name__}: {error!s:.300}{line_of(error, path)}"
        ) from error
    if not isinstance(model, Model):
        raise SettingError(
            f"model() in {path.name} must return a Model, but returns {type(model).__name__}; wrap it: "
            "Model.from_net(net, size), or Model.from_torch(module, example)."
        )
    told = {} if weights is None else {"weights": weights}
    return dataclasses.replace(model, source=os.fspath(path), told={**model.told, **told})


def line_of(error: BaseException, path: Path) -> str:
    """Return " (line 7)", the last of the file's own lines that ran; "" for what fails before it runs."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == os.fspath(path)]
    return f" (line {lines[-1]})" if lines else ""


def _arguments(make: Callable[..., Any], path: Path, weights: str | Path | None) -> tuple[str, ...]:
    """Return what the function is called with: the weights, if it takes them."""
    places = [
        parameter
        for parameter in inspect.signature(make).parameters.values()
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    needed = [parameter.name for parameter in places if parameter.default is parameter.empty]
    if weights is None:
        if needed:
            raise SettingError(f"model({', '.join(needed)}) in {path.name} is given a weights file: add weights=PATH.")
        return ()
    if not places or len(needed) > 1:
        raise SettingError(
            f"model({', '.join(needed)}) in {path.name} takes no weights file: write model(weights), which is given "
            "its path, or leave weights= out."
        )
    file = Path(weights).expanduser()
    if not file.exists():
        raise WeightsFileError(f"There is no weights file {os.fspath(file)!r}.")
    return (os.fspath(file),)


@contextmanager
def importing_from(folder: Path) -> Iterator[None]:
    """Let imports find what lies in a folder, as `python FILE` does."""
    sys.path.insert(0, os.fspath(folder))
    try:
        yield
    finally:
        sys.path.remove(os.fspath(folder))
