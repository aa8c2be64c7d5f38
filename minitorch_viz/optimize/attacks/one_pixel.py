"""One pixel: which one, and of which colour, is found by differential evolution, without a gradient."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Generator
from minitorch_viz.boxes import Boxes, Patch
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.optimize.attacks.aim import Aim
from minitorch_viz.optimize.attacks.attempt import Attempt, Packed
from minitorch_viz.optimize.attacks.base import Attack, Kind
from minitorch_viz.optimize.attacks.genes import Dots, Genes
from minitorch_viz.optimize.attacks.losses import cross_entropy
from minitorch_viz.optimize.attacks.norms import Norm, need_eps

SCALE = 0.5  # of the difference of two candidates that is added to a third
AT_ONCE = 32  # candidates that go through the net together


@dataclass(frozen=True)
class OnePixel(Attack):
    """Let candidates for a few pixels, (row, column, red, green, blue) each, compete: differential evolution.

    In each generation every candidate gets a rival, a + 0.5 (b - c) of three others at random, and the better of the
    two stays: the one that leaves the label less probable, or makes the target more so. It is SciPy's
    `differential_evolution`; the net's slopes are not asked for. A picture rests once it is fooled. An interrupted
    attack goes on between two generations.

    eps: pixels that may change, of rows and series values. population: candidates. steps: generations.
    """

    kind: ClassVar[Kind] = "fixed eps"
    norms: ClassVar[tuple[Norm, ...]] = ("l0",)
    title: ClassVar[str] = "a few pixels, by differential evolution"
    paper: ClassVar[str] = "Su, Vargas, Sakurai 2019"
    year: ClassVar[int] = 2019

    norm: Norm = "l0"
    eps: float = 1.0
    population: int = 400
    steps: int = 75

    def __post_init__(self) -> None:
        super().__post_init__()
        if need_eps(self.eps) < 1 or self.eps != int(self.eps):
            raise SettingError(
                f"An L0 eps is how many pixels may change, a whole number of at least 1, but got {self.eps:g}."
            )
        need_whole("population", self.population, 5, 1_000_000)
        need_whole("number of steps", self.steps, 1, 100_000)

    def attempts(self, aim: Aim, pixels: Array, *, seed: int = 0, state: Packed | None = None) -> Iterator[Attempt]:
        genes = Genes.of(aim.box, pixels.shape[1:], int(self.eps))
        if self.eps > genes.places:
            raise SettingError(f"There are {genes.places} places in all, but eps allows {self.eps:g} to change.")
        attempt = Attempt.begin(aim, pixels, self.steps) if state is None else Attempt.unpacked(state, self.steps)
        seed = int(attempt.inner.get("seed", seed))
        while attempt.done < self.steps:
            rows = np.flatnonzero(~attempt.fooled)
            if attempt.done == 0:
                population = np.zeros((len(pixels), self.population, len(genes.bounds)))
                costs = np.zeros((len(pixels), self.population))
            else:
                population, costs = attempt.inner["population"].copy(), attempt.inner["costs"].copy()
            passes = 0
            for row in rows:
                rng = np.random.default_rng([seed, int(row), attempt.done])
                contest = Contest(aim.of(slice(row, row + 1)), pixels[row], genes)
                if attempt.done == 0:
                    population[row] = genes.start(rng, self.population)
                    costs[row] = contest.costs(population[row])
                population[row], costs[row] = generation(contest.costs, genes, population[row], costs[row], rng)
                picture, value = contest.winner
                logits = aim.logits(picture[None])
                attempt = attempt.seen(aim, np.array([row]), picture[None], logits, np.array([value]))
                passes = max(passes, contest.passes + 1)
            attempt = attempt.after(passes, population=population, costs=costs, seed=seed)
            yield attempt


def generation(
    costs_of: Callable[[Array], Array], genes: Genes, population: Array, costs: Array, rng: Generator
) -> tuple[Array, Array]:
    """Return the candidates (S, P) after one generation, and their costs (S,).

    SciPy asks for the costs of all candidates first; these are known, and not computed again.
    """
    from scipy.optimize import differential_evolution

    first = [costs]

    def cost(candidates: Array) -> Array:
        return first.pop() if first else costs_of(candidates.T)

    named = "rng" if "rng" in inspect.signature(differential_evolution).parameters else "seed"  # before SciPy 1.15
    result = differential_evolution(
        cost, genes.bounds, strategy="rand1bin", maxiter=1, init=population, mutation=SCALE, recombination=1.0, tol=0,
        polish=False, updating="deferred", vectorized=True, **{named: rng},
    )  # fmt: skip
    return result.population, result.population_energies


class Contest:
    """Tell what candidates cost for one picture, and remember the best of all: one that fools, if there is one."""

    def __init__(self, aim: Aim, clean: Array, genes: Genes) -> None:
        self.aim, self.clean, self.genes = aim, clean, genes
        self.best: tuple[bool, float] = (False, -np.inf)  # whether it fools, and how well
        self.dots: Dots | None = None
        self.passes = 0
        # Of a single pixel the net computes only what it can reach.
        self.tape = None
        if clean.ndim == 3 and genes.count == 1:
            x = kernels.to_device(aim.box.net(clean[None]), aim.model.net.device)
            self.tape = aim.model.net.forward(x, upto=aim.model.logits)

    @property
    def winner(self) -> tuple[Array, float]:
        """Return the best picture (...), and how well it fools."""
        assert self.dots is not None  # a generation has candidates
        return self.genes.put(self.clean, self.dots)[0], self.best[1]

    def costs(self, candidates: Array) -> Array:
        """Return what candidates (S, P) cost, (S,): log p of the label, or -log p of the target."""
        dots = self.genes.dots(candidates)
        parts = [
            Dots(*(part[first : first + AT_ONCE] for part in dots)) for first in range(0, len(candidates), AT_ONCE)
        ]
        logits = np.concatenate([self._logits(part) for part in parts])
        every = self.aim.of(np.zeros(len(logits), int))
        values, fooled = every.loss(logits, cross_entropy)[0], every.fooled(logits)
        number = int(np.lexsort((values, fooled))[-1])
        if (bool(fooled[number]), float(values[number])) > self.best:
            self.best = bool(fooled[number]), float(values[number])
            self.dots = Dots(*(part[number : number + 1] for part in dots))
        self.passes += len(candidates)
        return -values

    def _logits(self, dots: Dots) -> Array:
        """Return the scores (S, K) of candidates."""
        if self.tape is None:
            return self.aim.logits(self.genes.put(self.clean, dots))
        model, (rows, columns) = self.aim.model, dots.places[:, 0].T
        values = self.aim.box.net(dots.values[:, 0, :, None, None])  # (S, C, 1, 1)
        patch = Patch(kernels.to_device(values, model.net.device), Boxes.at(rows.tolist(), columns.tolist(), (1, 1)))
        return self.aim.scores(model.net.predict_changed(self.tape, {model.input: patch}, upto=model.logits))
