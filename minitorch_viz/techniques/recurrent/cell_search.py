"""Cell search: which cells of a recurrent net stand for something that a reader of the text would name."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from minitorch_viz.errors import need_whole
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.explain.further_nets import further_nets
from minitorch_viz.techniques.explain.reading import remembers
from minitorch_viz.techniques.recurrent._cell_search_corpus import corpus_of
from minitorch_viz.techniques.recurrent._cell_search_find import Answer, States, known_to, questions_of, search
from minitorch_viz.techniques.recurrent._cell_search_findings import (
    Finding,
    Size,
    best_first,
    findings_of,
    growth,
    size_of,
)
from minitorch_viz.techniques.recurrent._cell_search_settings import hypotheses_meant
from minitorch_viz.techniques.recurrent._cell_search_states import layer_sizes, random_twin
from minitorch_viz.techniques.recurrent._cell_search_trial import Trial
from minitorch_viz.techniques.recurrent._cell_search_words import caption, notes
from minitorch_viz.techniques.run import Pace, looping
from minitorch_viz.techniques.subject import TEXT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

MOST_NETS = 12


@dataclass(frozen=True, eq=False)
class CellSearch(Result):
    """Hold the findings of a search over T letters, the best first."""

    net: str
    cells: int
    layers: tuple[str, ...]
    letters: int  # T
    half: int  # letters on which cells were chosen; the others are held out
    written: int  # of the T letters, that the net wrote itself
    unused: int  # letters of the text that were not used
    rows: int  # pieces in which the text was read
    findings: tuple[Finding, ...]  # () before the letters are read
    sizes: tuple[Size, ...]  # the net and those beside it, the smallest first; () without such
    evidence: int  # findings that are put to the test
    done: int
    total: int

    @property
    def found(self) -> tuple[Finding, ...]:
        """Return the findings with a cell that reaches the bar and did not fail its flip test."""
        return tuple(finding for finding in self.findings if finding.is_found)

    @property
    def facts(self) -> tuple[str, ...]:
        return (self.net, f"{self.letters} letters", f"{len(self.found)} found")

    @property
    def caption(self) -> str:
        return caption(self)

    @property
    def notes(self) -> tuple[str, ...]:
        return notes(self)

    def html(self) -> str:
        """Return the page: the findings with their evidence, and text in the colours of each cell."""
        from minitorch_viz.techniques.recurrent._cell_search_page import render_page

        return render_page(self)


@looping("step")
def cell_search(
    model: Model,
    text: str,
    *,
    hypothesis: str | None = None,
    most: int = 100_000,
    write: int = 20_000,
    evidence: int = 8,
    nets: str | Sequence[Model] | None = None,
    seed: int = 0,
) -> Iterator[CellSearch]:
    """Find the cells that stand for something: quotes, comments, strings, indentation, the place in the line.

    Every cell is compared with every hypothesis, a small function of the text that anyone can add (files in
    techniques/recurrent/hypotheses, or FILE.py:function). Cells and directions are chosen on the first half of the
    letters and measured on the second. A yes or no is measured by AUC, a number by R^2. Beside it stands the best cell
    of a net of the same shape with random weights. P-values come from shifting the hypothesis against the text, which
    keeps its runs, and are corrected for the number of hypotheses (Benjamini and Hochberg).

    Under each cell that reaches the bar stands its evidence. The flip test inserts what changes the truth, such as a
    quotation mark, and counts the letters until the cell follows: one that follows at less than three of four places
    is not called found. The clamp test holds the cell while the net writes, and says what becomes of closed quotes or
    the lengths of lines.

    A text of under 5,000 letters is written on by the net. With several nets (--model A B ...) a chart shows which
    cells appear as they grow.

    Args:
        hypothesis: names with commas between, among them FILE.py:function of your own; all: those of the package
            (default: all)
        most: letters of the text that are used, the last ones
        write: letters up to which the net writes a short text on; 0: it does not
        evidence: how many cells that reach the bar are put to the flip test and the clamp test, the best first; 0: none
        nets: further nets, their names with commas between, each NAME, NAME=WEIGHTS or the file of one's own
        seed: of the random net, of what is written and of the places of the tests

    Returns a CellSearch with findings, one a hypothesis. Raises SettingError for an unknown hypothesis, a text too
    short, letters that a net does not know, and settings that do not fit; DataFileError for a file that is not there.

    Paper: Karpathy, Johnson, Fei-Fei 2015.
    """
    for name, value, least in (("most", most, 1), ("write", write, 0), ("evidence", evidence, 0), ("seed", seed, 0)):
        need_whole(name, value, least)
    listed = hypotheses_meant(hypothesis)
    others = further_nets(model, nets, "cell-search", remembers, MOST_NETS, "each net is searched once")
    others = tuple(other.to("cpu") for other in others)
    model = model.to("cpu")  # one text at a time is read fastest there
    corpus = corpus_of(model, text, most, write, seed)
    for other in others:
        known_to(other, corpus)
    questions = questions_of(corpus, listed)
    own, random = States(model, corpus), States(random_twin(model, seed), corpus)
    trials = min(evidence, len(questions))
    total = own.steps + random.steps + 1 + 2 * trials + len(others)
    result = CellSearch(
        net=model.name,
        cells=sum(layer_sizes(model).values()),
        layers=tuple(layer_sizes(model)),
        letters=len(corpus.text),
        half=corpus.half,
        written=sum(map(len, corpus.written)),
        unused=corpus.left_out,
        rows=len(own.rows[0].codes),
        findings=(),
        sizes=(),
        evidence=evidence,
        done=0,
        total=total,
    )
    pace = Pace()
    done = 0
    searches: list[list[Answer | None]] = []
    for states in (random, own):
        for _ in states.read():
            done += 1
            if pace.due():
                yield dataclasses.replace(result, done=done)
        searches.append(search(states, questions))
        if states is random:
            states.arrays.clear()  # so that one net's states are in memory at a time
    controls, answers = searches
    done += 1
    result = dataclasses.replace(result, findings=findings_of(own, questions, answers, controls), done=done)
    tried = [finding for finding in result.findings if finding.reaches_bar][:evidence]
    result = dataclasses.replace(result, total=total - 2 * (trials - len(tried)))
    yield result
    pairs = zip(questions, answers, strict=True)
    by_name = {question.hypothesis.name: (question, answer) for question, answer in pairs if answer is not None}
    for finding in tried:
        trial = Trial(own, *by_name[finding.name], seed)
        for test in (trial.flipped, trial.clamped):
            finding = test(finding)
            done += 1
            listed_now = best_first(finding if other.name == finding.name else other for other in result.findings)
            result = dataclasses.replace(result, findings=listed_now, done=done)
            yield result
    if not others:
        return
    names = [finding.name for finding in result.findings]
    sizes = [size_of(own, names, questions, answers)]
    for other in others:
        states = States(other, corpus)
        for _ in states.read():
            pass
        sizes.append(size_of(states, names, questions, search(states, questions)))
        done += 1
        result = dataclasses.replace(result, sizes=tuple(sorted(sizes, key=growth)), done=done)
        yield result


def plot(result: CellSearch, figure: Figure) -> None:
    """Draw the findings as bars, below them text in the colours of the best cells, and the nets side by side."""
    from minitorch_viz.techniques.recurrent._cell_search_figure import draw

    draw(result, figure)


def example() -> CellSearch:
    """Search a net whose cells were built: a quote, a depth of parentheses, the position in the line."""
    from minitorch_viz.models.planted import planted
    from minitorch_viz.models.samples import sample_text
    from minitorch_viz.models.war_and_peace import ALPHABET

    text = sample_text(ALPHABET)
    names = "inside-quote,parenthesis-depth,line-position,word-start,inside-comment"
    return cell_search(planted(text), text, hypothesis=names, write=0, evidence=1)


TECHNIQUE = Technique(
    name="cell-search",
    compute=cell_search,
    plot=plot,
    title="Cell search: cells that stand for quotes, comments, depth, and the place in the line",
    paper="Karpathy, Johnson, Fei-Fei 2015",
    example=example,
    applies=remembers,
    subject=TEXT,
    further_nets="nets",
    shown_by="war_and_peace",
    pages=(".html",),
    level=40,
    budget=60.0,
    in_comparison={"write": 2_000, "evidence": 1},
)
