"""How evolution is set to work on a net: the question to it, what is kept of each generation, and the state."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, near, need_whole
from minitorch_viz.models.scores import Numbers
from minitorch_viz.optimize.evolution.elites import Elites, generations
from minitorch_viz.optimize.evolution.encoding import ENCODINGS, Encoding, Genomes
from minitorch_viz.optimize.score import own_size
from minitorch_viz.optimize.units import Units
from minitorch_viz.techniques.explain.unit import Targets, listed
from minitorch_viz.techniques.optimization._evolve_words import SURE
from minitorch_viz.techniques.optimization._targets import MOST, has_classes_of_pictures
from minitorch_viz.techniques.state import State

if TYPE_CHECKING:
    from minitorch_viz.models import Model

TOGETHER = 2**21  # numbers of the pictures that go through the net in one pass, about
QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


def evolves_on(model: Model) -> str | None:
    """Return why no pictures can be evolved for a net, as a clause; None if they can."""
    if why := has_classes_of_pictures(model):
        return why
    if isinstance(model.scores, Numbers):
        return f"{model.name} gives plain numbers, and is not more or less sure of anything"
    return None


@dataclass(frozen=True, eq=False)
class Standing:
    """Hold where evolution stands after a generation, and what all before gave."""

    elites: Elites
    quantiles: Array  # (total, 5); NaN for generations to come
    sure: Array  # (total,); NaN for generations to come

    @property
    def is_over(self) -> bool:
        """Return whether this is the last generation."""
        return self.elites.done >= len(self.sure)

    @property
    def shown(self) -> Array:
        """Return which classes are shown, places among those that are evolved: all of up to 20, else the surest."""
        confidences = self.elites.confidences
        if len(confidences) <= MOST:
            return np.arange(len(confidences))
        return np.argsort(-confidences, kind="stable")[:MOST]


@dataclass(frozen=True, eq=False)
class Evolution:
    """Hold what evolution is made of."""

    model: Model
    classes: Array  # (K,) int: the classes for which pictures are evolved
    encoding: Encoding
    population: int
    total: int  # generations
    seed: int

    def answers(self, genomes: Genomes) -> Array:
        """Return how sure the net is that N pictures show the K classes, (N, K) 0..1. Whole pixels are shown to it."""
        units, size = Units.of(self.model.reader()), self.encoding.size
        together = max(1, TOGETHER // (self.encoding.channels * size[0] * size[1]))
        parts = []
        for begin in range(0, len(genomes), together):
            pixels = self.encoding.pixels(genomes[begin : begin + together]).transpose(0, 3, 1, 2)
            images = units.net(units.picture(np.ascontiguousarray(pixels).astype(self.model.dtype)))
            parts.append(self.model.predict_answers(kernels.to_device(images, self.model.net.device)))
        answers = np.concatenate(parts)[:, self.classes].astype(np.float64)
        if not np.isfinite(answers).all():
            raise SettingError(f"What {self.model.name} answers is not finite (NaN or infinity); look at its weights.")
        return answers

    def pixels(self, standing: Standing) -> Array:
        """Return the champions that are shown, (S, H, W, C) uint8."""
        return self.encoding.pixels([standing.elites.genomes[number] for number in standing.shown])

    def state(self, standing: Standing) -> State:
        """Return what another run goes on from: each champion once, and which of them each class has."""
        elites = standing.elites
        champions = list({id(genome): genome for genome in elites.genomes}.values())
        places = {id(genome): place for place, genome in enumerate(champions)}
        arrays = {f"genomes/{name}": array for name, array in self.encoding.packed(champions).items()}
        arrays |= {
            "champions": np.array([places[id(genome)] for genome in elites.genomes]),
            "confidences": elites.confidences,
            "born": elites.born,
            "quantiles": standing.quantiles[: elites.done],
            "sure": standing.sure[: elites.done],
        }
        numbers = {"done": elites.done, "moved": elites.moved, "taken": elites.taken, "generator": elites.generator}
        return State(arrays, numbers)

    def standing_of(self, state: State) -> Standing:
        """Return where a state's run stood. Raises SettingError where it went further than is asked for."""
        arrays, numbers = state.arrays, state.numbers
        done = int(numbers["done"])
        if done > self.total:
            raise SettingError(f"The state has {done} generations already; give generations={done} or more.")
        prefix = "genomes/"
        packed = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
        champions = self.encoding.unpacked(packed)
        genomes = [champions[place] for place in arrays["champions"]]
        counts = (int(numbers["moved"]), int(numbers["taken"]), done)
        elites = Elites(genomes, arrays["confidences"], arrays["born"], *counts, numbers["generator"])
        return Standing(elites, self._padded(arrays["quantiles"]), self._padded(arrays["sure"]))

    def _padded(self, history: Array) -> Array:
        """Return one row a generation: NaN for those to come."""
        rows = np.full((self.total, *history.shape[1:]), np.nan)
        rows[: len(history)] = history
        return rows


def standings(evolution: Evolution, state: State | None) -> Iterator[Standing]:
    """Yield where evolution stands after each generation; of a state that is gone on from, first where it stood."""
    standing = None if state is None else evolution.standing_of(state)
    if standing is not None:
        yield standing
        if standing.is_over:
            return
        quantiles, sure = standing.quantiles, standing.sure
    else:
        quantiles, sure = evolution._padded(np.empty((0, len(QUANTILES)))), evolution._padded(np.empty(0))
    begin = None if standing is None else standing.elites
    rng = np.random.default_rng(evolution.seed)
    for elites in generations(evolution.encoding, evolution.answers, evolution.population, rng, begin):
        row, quantiles, sure = elites.done - 1, quantiles.copy(), sure.copy()
        quantiles[row], sure[row] = np.quantile(elites.confidences, QUANTILES), (elites.confidences >= SURE).sum()
        standing = Standing(elites, quantiles, sure)
        yield standing
        if standing.is_over:
            return


def evolution_of(model: Model, target: Targets, encoding: str, population: int, total: int, seed: int) -> Evolution:
    """Return an evolution, each setting checked."""
    if why := evolves_on(model):
        raise SettingError(f"evolve does not apply to {model.name}: {why}.")
    if encoding not in ENCODINGS:
        raise SettingError(f"There is no encoding {encoding!r}; {near(encoding, ENCODINGS, 'encoding')}.")
    need_whole("population", population, 2, 10_000)
    need_whole("number of generations", total, 1, 1_000_000)
    need_whole("seed", seed, 0)
    numbers = classes_meant(model, target)
    way = ENCODINGS[encoding](own_size(model), Units.of(model.reader()).channels)
    return Evolution(model, numbers, way, population, total, seed)


def classes_meant(model: Model, target: Targets) -> Array:
    """Return the numbers of the classes that are named, each once; without names all."""
    if target is None:
        return np.arange(len(model.class_names))
    names: list[Any] = listed(target)
    if isinstance(target, str) and len(names) > 1:
        with contextlib.suppress(SettingError):
            names = [model.class_index(target)]  # "tench, Tinca tinca" is one class
    return np.array(list(dict.fromkeys(model.class_index(name) for name in names)))
