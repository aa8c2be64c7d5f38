"""Progress bars: silent where stderr is no terminal, no wider than one, and without a warning in notebooks."""

from __future__ import annotations

import sys
import warnings
from typing import Any

# Leaves 30 of 80 columns for a postfix, where tqdm's own format has the rate. The bar takes what is left.
FORMAT = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} {elapsed}<{remaining}{postfix}"


def progress_bar(*arguments: Any, show: bool = True, **settings: Any) -> Any:
    """Return tqdm's bar: in notebooks its widget (or text, where ipywidgets are missing), else text on a terminal.

    show: False for no bar. Where stderr is no terminal (a log, a pipe) and this is no notebook there is none either.
    """
    bar = _kind_of_bar()
    # None: tqdm looks whether stderr is a terminal; what a notebook shows is none.
    disable: bool | None = True if not show else False if _in_notebook() else None
    return bar(*arguments, **{"bar_format": FORMAT, "dynamic_ncols": True, "disable": disable, **settings})


def _in_notebook() -> bool:
    """Return whether the code runs in a Jupyter kernel."""
    if "ipykernel" not in sys.modules:
        return False
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return shell is not None and "IPKernelApp" in shell.config


def _kind_of_bar() -> Any:
    """Return tqdm's class for notebooks or for a terminal.

    Without ipywidgets tqdm.auto would warn in every notebook before it takes the text bar.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm
    return tqdm
