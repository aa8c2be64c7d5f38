"""The list of models: what each is, whether its weights are at hand, and where the official file comes from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from minitorch_viz.models.home import home_folder
from minitorch_viz.models.load import look_for
from minitorch_viz.models.readers import Preprocessing, Reader
from minitorch_viz.models.spec import specs


@dataclass(frozen=True)
class CatalogRow:
    """Describe one model; `print(row)` shows it in three lines."""

    name: str
    parameters: int
    reader: Reader  # how its input is read
    file: Path | None  # the weights file that load_model would take
    bundled: bool  # whether that file comes with the package
    url: str  # the official file; "" if there is none
    licence: str  # of the official weights
    paper: str

    @property
    def at_hand(self) -> str:
        """Say where the weights are: "bundled", the path of the file found, or "not here"."""
        return "bundled" if self.bundled else str(self.file) if self.file else "not here"

    @property
    def _takes(self) -> str:
        """Say the size of its input in words: "224 x 224 RGB"."""
        if not isinstance(self.reader, Preprocessing):
            return self.reader.words
        return f"{self.reader.brief} {'RGB  ' if self.reader.channels == 3 else 'grey '}"

    def __str__(self) -> str:
        origin = f"official file: {self.url}" if self.url else "no official file; give your own with --weights"
        if self.bundled:
            origin = "comes with this package"
        return (
            f"{self.name:<18} {self.parameters:>11,} parameters  {self._takes} {self.at_hand}\n"
            f"{'':<18} {self.paper}\n"
            f"{'':<18} {origin}; licence: {self.licence}"
        )


def list_models() -> list[CatalogRow]:
    """List every model, with what is at hand in $MINITORCH_VIZ_HOME and in the package."""
    home = home_folder()
    rows = []
    for spec in specs().values():
        file = look_for(spec.file_names)
        rows.append(
            CatalogRow(
                name=spec.name,
                parameters=spec.parameters,
                reader=spec.reader,
                file=file,
                bundled=file is not None and file.parent != home,
                url=spec.url,
                licence=spec.licence,
                paper=spec.paper,
            )
        )
    return rows
