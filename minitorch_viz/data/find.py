"""Where the files of a data set are looked for: in the folder given and below it, else at home; else a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from minitorch_viz.data.picture_files import SUFFIXES, entries
from minitorch_viz.errors import DataFileError
from minitorch_viz.io.files import as_path
from minitorch_viz.models.home import VARIABLE, home_folder

DEEPEST, MOST_FOLDERS, SHOWN = 3, 500, 6
OTHER_FORMS = {  # what else a data set comes as: a pattern of file names, and what to do about it
    r".*python.*\.(tar|tgz|tar\.gz)|data_batch_\d|test_batch|batches\.meta|.*\.(pkl|pickle)(\.gz)?": (
        "they are pickles (the Python version), which can run programs, so they are not opened"
    ),
    r".*\.pt": "they are tensors that PyTorch has pickled; the folder raw beside them is needed",
    r".*\.mat|.*matlab.*": "they are the Matlab version",
    r".*\.csv(\.gz)?": "tables (CSV) are not read",
    r".*\.(parquet|arrow|tfrecord)": "tables of that kind are not read",
    r".*\.npz": "NumPy's files hold no data set in a known form",
    r".*\.(zip|7z|rar)": "unpack the archive first",
}


def data_folder(name: str) -> Path:
    """Return where `minitorch-viz download` puts a data set: $MINITORCH_VIZ_HOME/data/NAME, or in the cache folder."""
    return home_folder() / "data" / name


def find_folder(
    given: str | Path | None, name: str, is_data_file: Callable[[str], bool], needed: str, download: bool
) -> Path:
    """Return the folder with a data file: `given`, its subfolder `name` or one below, else home/data/NAME, home/NAME.

    is_data_file: whether a file of this name is one of the data set's. A folder of such a name (some unpackers
        make one for each file) stands for the folder that it is in.
    needed: the end of "Put ... there", download: whether the files can be downloaded; both for the error's sentence.

    Raises DataFileError if there is none, saying what was found instead, or if there are several.
    """
    if given is None:
        places = [data_folder(name), home_folder() / name]
    else:
        place = as_path(given, f"folder of {name}", DataFileError)
        if place.is_file():
            raise DataFileError(f"{place} is a file; give the folder it is in.")
        places = [place, place / name]
    for place in places:
        if _has(place, is_data_file):
            return place
    for place in places:
        subfolders = [folder for folder in _folders(place) if _has(folder, is_data_file)]
        unique = list(dict.fromkeys(folder.parent if is_data_file(folder.name) else folder for folder in subfolders))
        with_name = [folder for folder in unique if name in (part.lower() for part in folder.relative_to(place).parts)]
        choice = with_name or unique
        if len(choice) > 1:
            names = ", ".join(str(folder.relative_to(place)) for folder in choice[:SHOWN])
            raise DataFileError(f"{place} has {name} in several folders: {names}; give one of them.")
        if choice:
            return choice[0]
    fetch = f", or run `minitorch-viz download {name}`" if download else ""
    remark = f", or give the folder that has it (or set ${VARIABLE})" if given is None else ""
    raise DataFileError(f"There is no {name} in {places[0]}{_instead(places[0])}. Put {needed} there{fetch}{remark}.")


def _has(folder: Path, is_data_file: Callable[[str], bool]) -> bool:
    return folder.is_dir() and any(is_data_file(path.name) and path.is_file() for path in entries(folder))


def _folders(place: Path) -> Iterator[Path]:
    """Yield the folders below a place, the nearest first."""
    level = [place] if place.is_dir() else []
    count = 0
    for _ in range(DEEPEST):
        level = [path for folder in level for path in entries(folder) if path.is_dir()]
        for folder in level:
            count += 1
            if count > MOST_FOLDERS:
                return
            yield folder


def _instead(place: Path) -> str:
    """Return words for what is there: the names of some files, and what is known of their form."""
    if not place.is_dir():
        return ""
    paths = entries(place)
    files = [path for folder in (place, *_folders(place)) for path in entries(folder) if path.is_file()]
    if not paths:
        return ", which is empty"
    names = [f"{path.name}/" if path.is_dir() else path.name for path in paths]
    remark = " ..." * (len(names) > SHOWN)
    words = [
        f" ({path.name}: {form})"
        for pattern, form in OTHER_FORMS.items()
        for path in files[:1000]
        if re.fullmatch(pattern, path.name.lower())
    ]
    pictures = [path for path in files if path.suffix.lower() in SUFFIXES]
    if pictures and not words:
        words = [f" (pictures such as {pictures[0].name}: load_folder reads folders of them, one a class)"]
    return f", but {', '.join(names[:SHOWN])}{remark}{words[0] if words else ''}"
