"""What a gradient check found, as data; it prints as a table and shows itself in Jupyter."""

from __future__ import annotations

import html
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from minitorch_viz.errors import MinitorchVizError, SettingError, near


class GradientError(MinitorchVizError, AssertionError):
    """Report that a backward pass is not the derivative of its forward pass; the message is the report."""


class Verdict(StrEnum):
    """Name what the check says about one tensor's gradient."""

    OK = "ok"
    WRONG = "wrong"
    NOT_A_DERIVATIVE = "not a derivative"  # a modified backward pass: guided, deconvnet, LRP, clipping
    MODIFIED = "input was modified"
    RANDOM = "non-deterministic"
    NONFINITE = "non-finite"
    KINK = "kink"  # every entry that was measured sits on a kink
    PRECISION = "not checkable in this precision"
    NOT_GIVEN = "not given"  # backward returned nothing for it
    LEFT_OUT = "left out"  # the same, on purpose
    INTEGER = "not differentiable"  # an integer input


FAILURES = frozenset(
    {
        Verdict.WRONG,
        Verdict.NOT_A_DERIVATIVE,
        Verdict.MODIFIED,
        Verdict.RANDOM,
        Verdict.NONFINITE,
        Verdict.NOT_GIVEN,
    }
)
UNCHECKED = frozenset({Verdict.LEFT_OUT, Verdict.INTEGER})


@dataclass(frozen=True)
class Entry:
    """Hold one entry of a gradient, both ways."""

    index: tuple[int, ...]
    yours: float  # what backward says
    measured: float  # what the finite difference says
    attainable: float  # how far the measured value may be off
    kink: bool = False  # the function has a kink here

    @property
    def difference(self) -> float:
        return self.yours - self.measured

    @property
    def ratio(self) -> float:
        """Return yours / measured; nan where the measured value is 0."""
        return self.yours / self.measured + 0.0 if self.measured else float("nan")


@dataclass(frozen=True)
class TensorResult:
    """Hold what the check says about the gradient of one input or parameter. Errors are relative."""

    name: str
    shape: tuple[int, ...]
    verdict: Verdict
    sentence: str = ""  # the verdict in words, where there is more to say
    diagnosis: tuple[str, ...] = ()  # what the bug looks like, likeliest first
    largest_error: float = float("nan")
    median_error: float = float("nan")
    attainable: float = float("nan")  # the relative error that this precision and step can resolve
    checked: int = 0  # entries measured one by one, kinks included
    along_direction: bool = False  # all other entries were weighed together along a random direction
    kinks: tuple[tuple[int, ...], ...] = ()  # entries skipped because the function has a kink there
    worst: tuple[Entry, ...] = ()  # largest errors first


@dataclass(frozen=True)
class Report:
    """Hold the result of a gradient check: print it, index it by name, or call `raise_if_wrong`."""

    title: str
    results: tuple[TensorResult, ...]
    notes: tuple[str, ...] = ()
    tolerance: float = 1e-6

    @property
    def ok(self) -> bool:
        """Return True if at least one gradient was checked, every one that was is right, and none is missing."""
        verdicts = [result.verdict for result in self.results if result.verdict not in UNCHECKED]
        return bool(verdicts) and all(verdict == Verdict.OK for verdict in verdicts)

    @property
    def headline(self) -> str:
        """Return the result in one sentence."""
        checked = [result for result in self.results if result.verdict not in UNCHECKED]
        bad = [result for result in checked if result.verdict in FAILURES]
        unsure = [result for result in checked if result.verdict not in FAILURES | {Verdict.OK}]
        if not checked:
            return f"{self.title}: no gradient was given, nothing was checked"
        if bad and all(result.verdict == Verdict.NOT_A_DERIVATIVE for result in bad):
            return f"{self.title}: not a derivative, seen in {', '.join(result.name for result in bad)}"
        missing = [result.name for result in bad if result.verdict == Verdict.NOT_GIVEN]
        if bad and len(missing) == len(bad) and len(checked) > len(bad) and not unsure:
            right = len(checked) - len(bad)
            fine = f"{right} of {len(checked)} gradients {'is' if right == 1 else 'are'} right"
            return f"{self.title}: {fine}, but backward returned none for {', '.join(missing)}"
        if bad:
            listed = ", ".join(f"{result.name} ({result.verdict})" for result in bad)
            share = "the gradient" if len(checked) == 1 else f"{len(bad)} of {len(checked)} gradients"
            return f"{self.title}: {share} failed: {listed}"
        if unsure:
            listed = ", ".join(f"{result.name} ({result.verdict})" for result in unsure)
            return f"{self.title}: no error found, but not all could be checked: {listed}"
        return f"{self.title}: " + ("the gradient is right" if len(checked) == 1 else f"all {len(checked)} are right")

    @property
    def _named_first(self) -> list[TensorResult]:
        """Return the results, those with a named error before those that are wrong because of it."""
        return sorted(self.results, key=lambda result: result.verdict == Verdict.WRONG and not result.diagnosis)

    def raise_if_wrong(self) -> None:
        """Raise GradientError, with the report as its message, if any gradient failed."""
        if any(result.verdict in FAILURES for result in self.results):
            raise GradientError(str(self))

    def __getitem__(self, name: str) -> TensorResult:
        for result in self.results:
            if result.name == name:
                return result
        names = [result.name for result in self.results]
        raise SettingError(f"The report has no {name!r}; {near(name, names)}.")

    def __str__(self) -> str:
        rows = [_HEADER, *(_row(result) for result in self.results)]
        lines = [f"Gradient check of {self.headline}.", "", *_aligned(rows, "  ")]
        for result in self._named_first:
            if sentences := _sentences(result):
                lines += [
                    "",
                    f"{result.name}: {sentences[0]}",
                    *(f"{' ' * len(result.name)}  {line}" for line in sentences[1:]),
                ]
            if result.verdict in FAILURES and result.worst:
                lines += ["", *_aligned([_ENTRY_HEADER, *map(_entry_row, result.worst)], "    ")]
        if self.notes:
            lines += ["", *(f"Note: {note}" for note in self.notes)]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        color = "#1a7f37" if self.ok else "#b42318"
        parts = [f'<p><b style="color:{color}">Gradient check of {html.escape(self.headline)}.</b></p>']
        parts.append(_html_table([_HEADER, *(_row(result) for result in self.results)]))
        for result in self._named_first:
            if sentences := _sentences(result):
                text = " ".join(html.escape(sentence) for sentence in sentences)
                parts.append(f"<p><b>{html.escape(result.name)}</b>: {text}</p>")
            if result.verdict in FAILURES and result.worst:
                parts.append(_html_table([_ENTRY_HEADER, *map(_entry_row, result.worst)]))
        parts += [f"<p><i>Note: {html.escape(note)}</i></p>" for note in self.notes]
        return "\n".join(parts)


_HEADER = ("gradient of", "shape", "verdict", "largest error", "median error", "attainable", "checked", "kinks")
_ENTRY_HEADER = ("index", "yours (backward)", "measured (finite difference)", "difference", "ratio")


def _row(result: TensorResult) -> tuple[str, ...]:
    size = int(np.prod(result.shape))
    checked = f"{result.checked} of {size}" if result.checked else "-"
    if result.along_direction:
        checked += " + direction"
    numbers = (f"{number:.1e}" if np.isfinite(number) else "-" for number in _numbers(result))
    kinks = str(len(result.kinks)) if result.checked else "-"
    return (result.name, str(result.shape), str(result.verdict), *numbers, checked, kinks)


def _numbers(result: TensorResult) -> tuple[float, float, float]:
    return result.largest_error, result.median_error, result.attainable


def _entry_row(entry: Entry) -> tuple[str, ...]:
    ratio = f"{entry.ratio:.6g}" if np.isfinite(entry.ratio) else "-"
    return (str(entry.index), f"{entry.yours:.9g}", f"{entry.measured:.9g}", f"{entry.difference:.3g}", ratio)


def _sentences(result: TensorResult) -> list[str]:
    sentences = ([result.sentence] if result.sentence else []) + [f"Looks like: {line}" for line in result.diagnosis]
    if result.verdict == Verdict.WRONG and not sentences:
        sentences.append("No simple pattern explains the difference.")
    if result.kinks:
        listed = ", ".join(str(index) for index in result.kinks[:4]) + (", ..." if len(result.kinks) > 4 else ".")
        sentences.append(f"Skipped at kinks, where there is no derivative: {listed}")
    return sentences


def _aligned(rows: list[tuple[str, ...]], indent: str) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [indent + "  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _html_table(rows: list[tuple[str, ...]]) -> str:
    def cells(row: tuple[str, ...], tag: str) -> str:
        style = 'style="text-align:left;padding:2px 10px"'
        return "".join(f"<{tag} {style}>{html.escape(cell)}</{tag}>" for cell in row)

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows[1:])
    return f'<table style="border-collapse:collapse"><tr>{cells(rows[0], "th")}</tr>{body}</table>'
