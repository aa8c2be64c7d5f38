"""A net of one's own from a Python file: `--model my_net.py` runs the file and calls its function `model()`."""

from __future__ import annotations

import os
import runpy
from pathlib import Path

from minitorch_viz.errors import MinitorchVizError, SettingError, WeightsFileError
from minitorch_viz.models.model import Model


def run_model_file(path: str | Path) -> Model:
    """Run a Python file and return what its function `model()` gives, a Model.

    The file is a program and does what it says: run only files that you would run with `python`.
    Raises WeightsFileError if there is no such file, or if it fails; SettingError if it gives no Model.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsFileError(f"There is no file {os.fspath(path)!r}; --model takes a .py file that defines model().")
    try:
        make = runpy.run_path(os.fspath(path)).get("model")
        if not callable(make):
            raise SettingError(f"{path.name} must define a function model() that returns a Model, but there is none.")
        model = make()
    except MinitorchVizError:
        raise
    except (Exception, SystemExit) as error:
        raise WeightsFileError(f"{path.name} fails: {type(error).__name__}: {error!s:.300}") from error
    if not isinstance(model, Model):
        raise SettingError(
            f"model() in {path.name} must return a Model, but returns {type(model).__name__}; wrap it: "
            "Model.from_net(net, size), or Model.from_torch(module, example)."
        )
    return model
