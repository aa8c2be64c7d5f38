"""What the table says, in sentences that are made from its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from minitorch_viz.grading.bootstrap import Interval
from minitorch_viz.grading.grades import Grades, Row
from minitorch_viz.grading.metrics import METRICS, number

SAME = 0.8  # a rank correlation from which on two maps are called nearly the same
DEAF, REACTS = 0.7, 0.5  # with the upper half of the layers random: barely reacts from here, reacts below


@dataclass(frozen=True)
class Finding:
    """Hold one sentence and the question that it answers."""

    question: str
    answer: str


def findings(grades: Grades) -> list[Finding]:
    """Return the answers that the grades allow, most useful first; each names methods and their numbers."""
    pairs = [_finds(grades), _right_one(grades), _same(grades), _forgets(grades), _baseline(grades), _troubles(grades)]
    return [Finding(question, answer) for question, answer in pairs if answer]


def _finds(grades: Grades) -> tuple[str, str]:
    name = "iou" if "iou" in _names(grades) else "box_iou_best"
    best = _ranked(grades, name)[:3]
    title = METRICS[name].title if name in METRICS else ""
    return "Which maps lie on the object?", f"By {title}: {_listed(best)}." if best else ""


def _right_one(grades: Grades) -> tuple[str, str]:
    ranked = _ranked(grades, "contrast")
    if not ranked:
        return "", ""
    chance = [(row, cell) for row, cell in ranked if cell.low <= grades.chance_of(row.net, "contrast") <= cell.high]
    answer = f"Most heat on the class's own object, by contrast: {_listed(ranked[:3])}."
    if chance:
        answer += f" Not to be told from chance: {_listed(chance)}."
    return "Of several objects, the right one?", answer


def _same(grades: Grades) -> tuple[str, str]:
    insensitive = [(row, cell) for row, cell in _ranked(grades, "same")[::-1] if cell.mean >= SAME]
    if not insensitive:
        return "", ""
    answer = (
        f"Nearly one map whatever class one asks for (rank correlation of {SAME} and more): {_listed(insensitive)}."
    )
    return "Does the class matter?", answer


def _forgets(grades: Grades) -> tuple[str, str]:
    ranked = _ranked(grades, "half")
    deaf = [(row, cell) for row, cell in ranked[::-1] if cell.mean >= DEAF]
    reacting = [(row, cell) for row, cell in ranked if cell.mean < REACTS]
    parts = [
        f"Barely react when the upper half of the layers is random: {_listed(deaf)}." if deaf else "",
        f"React: {_listed(reacting)}." if reacting else "",
    ]
    return "Does what the net learned matter?", " ".join(part for part in parts if part)


def _baseline(grades: Grades) -> tuple[str, str]:
    name = "iou" if "iou" in _names(grades) else "box_iou_best"
    cells = [(row, cell) for row in grades.rows if row.baseline and (cell := grades.interval(row.net, row.name, name))]
    if not cells:
        return "", ""
    row, cell = max(cells, key=lambda pair: pair[1].mean)
    below = [pair for pair in _ranked(grades, name) if pair[0].net == row.net and pair[1].mean <= cell.mean]
    answer = f"The best map that knows nothing of the net, {_listed([(row, cell)])}, is not beaten by {len(below)} of "
    count = len([pair for pair in _ranked(grades, name) if pair[0].net == row.net])
    answer += f"the {count} methods" if count != 1 else "the one method"
    return "What does a map get for nothing?", f"{answer} ({METRICS[name].title})."


def _troubles(grades: Grades) -> tuple[str, str]:
    parts = [f"{label(row, grades)}: {row.problem}" for row in grades.rows if row.problem]
    blank = [f"{label(row, grades)} {row.blank:.0%}" for row in grades.rows if row.blank > 0]
    if blank:
        parts.append(f"Blank maps, which get chance: {', '.join(blank)}.")
    if grades.interrupted:
        parts.append("This was interrupted: some methods are missing.")
    return "What went wrong?", " ".join(parts)


def label(row: Row, grades: Grades) -> str:
    """Return the method's name, and the net's where there are several."""
    return row.name if len(grades.chance) < 2 else f"{row.name} ({row.net})"


def _listed(pairs: Sequence[tuple[Row, Interval]]) -> str:
    many_nets = len({row.net for row, _ in pairs}) > 1
    nets = [f" ({row.net})" if many_nets else "" for row, _ in pairs]
    return ", ".join(f"{row.name}{net} {number(cell.mean)}" for (row, cell), net in zip(pairs, nets, strict=True))


def _ranked(grades: Grades, metric: str) -> list[tuple[Row, Interval]]:
    """Return the methods that have this grade, best first, without the baselines."""
    pairs = [
        (row, cell) for row in grades.rows if not row.baseline and (cell := grades.interval(row.net, row.name, metric))
    ]
    sign = 1 if metric in METRICS and METRICS[metric].better == "lower" else -1
    return sorted(pairs, key=lambda pair: sign * pair[1].mean)


def _names(grades: Grades) -> set[str]:
    return {metric.name for metric in grades.metrics}
