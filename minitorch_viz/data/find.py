"""Where the files of a data set are looked for: the folder given, else in the home folder; else a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from minitorch_viz.errors import DataFileError
from minitorch_viz.io.files import as_path
from minitorch_viz.models.home import VARIABLE, home_folder


def data_folder(name: str) -> Path:
    """Where `minitorch-viz download` puts a data set: $MINITORCH_VIZ_HOME/data/NAME, or in the user's cache folder."""
    return home_folder() / "data" / name


def find_folder(given: str | Path | None, name: str, wanted: Sequence[str], needed: str, download: bool) -> Path:
    """The folder that has one of the `wanted` files: `given` or its subfolder `name`, else home/data/NAME or home/NAME.

    needed: the end of "Put ... there", download: whether the files can be downloaded; both for the error's sentence.
    Raises DataFileError if there is none.
    """
    if given is None:
        places = [data_folder(name), home_folder() / name]
    else:
        place = as_path(given, f"folder of {name}", DataFileError)
        if place.is_file():
            raise DataFileError(f"{place} is a file; give the folder it is in.")
        places = [place, place / name]
    for place in places:
        if any((place / file).is_file() for file in wanted):
            return place
    fetch = f", or run `minitorch-viz download {name}`" if download else ""
    other = f", or give the folder that has it (or set ${VARIABLE})" if given is None else ""
    raise DataFileError(f"There is no {name} in {places[0]}. Put {needed} there{fetch}{other}.")
