"""Answers of a classifier, as a person reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape


@dataclass(frozen=True)
class Prediction:
    """Hold one answer of a classifier."""

    index: int  # the class number
    name: str  # "tiger cat"
    probability: float | None  # 0..1; None if the net gives plain numbers
    score: float | None = field(default=None, compare=False)  # what the net gives, before its softmax or sigmoid

    @property
    def number(self) -> float:
        """Return what there is to read: the probability, or of a plain number its value."""
        return float(self.score or 0) if self.probability is None else self.probability

    @property
    def shown(self) -> str:
        """Return the number in words: "50.0%", or of a plain number "37.25"."""
        return f"{self.number:.4g}" if self.probability is None else f"{self.probability:.1%}"

    def __str__(self) -> str:
        return f"{self.name} ({self.index}) {self.shown}"


class Predictions(list[Prediction]):
    """List answers, best first: prints one a line, and shows itself as a table in Jupyter."""

    def __repr__(self) -> str:
        return "\n".join(map(str, self))

    def _repr_html_(self) -> str:
        lines = [
            f"<tr><td style='text-align:left'>{escape(best.name)}</td><td>{best.index}</td><td>{best.shown}</td></tr>"
            for best in self
        ]
        return f"<table>{''.join(lines)}</table>"
