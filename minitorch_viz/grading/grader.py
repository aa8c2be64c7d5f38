"""One method on one net: every map that its row of the table needs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import ShapeError
from minitorch_viz.grading.cases import Case, Cases
from minitorch_viz.grading.curves import baseline_of, deletion, insertion
from minitorch_viz.grading.energy import contrast, energy_inside
from minitorch_viz.grading.grades import Examples, Row
from minitorch_viz.grading.localize import USUAL_SHARE, best_match, best_share
from minitorch_viz.grading.methods import Method
from minitorch_viz.grading.overlap import best_iou
from minitorch_viz.grading.plan import Plan
from minitorch_viz.grading.pointing import pointing, pointing_chance
from minitorch_viz.grading.sensitivity import max_sensitivity
from minitorch_viz.grading.similarity import rank_correlation, structural_similarity
from minitorch_viz.techniques.explain.sharing import MOST_BYTES, sharing
from minitorch_viz.techniques.explain.start import start

if TYPE_CHECKING:
    from minitorch_viz.models import Model

SHARES = tuple(share / 100 for share in range(5, 100, 5))  # of a map's maximum, tried for each method's boxes
SIMILARITIES: tuple[Callable[[Array, Array], float], ...] = (  # in the order of `Row.cascading`'s last axis
    rank_correlation,
    lambda a, b: rank_correlation(a, b, absolute=False),
    structural_similarity,
)


class Grader:
    """Grade methods on one model, one row each; what all rows share is made once."""

    def __init__(self, model: Model, cases: Cases, randoms: tuple[tuple[Model, ...], tuple[Model, ...]], plan: Plan):
        self.model, self.cases, self.plan = model, cases, plan
        cascade, one_by_one = randoms
        nets = (*cascade, *one_by_one[1:])  # the topmost layer alone is the cascade's start
        begun = tuple(_begun(random, cases.single[: plan.checked], MOST_BYTES // len(nets)) for random in nets)
        self.cascade, self.below = begun[: len(cascade)], begun[len(cascade) :]
        self.shared = _begun(model, cases.several)
        self.inputs = [kernels.to_cpu(model.preprocess(case.image)) for case in cases.single]

    def row(self, method: Method, tick: Callable[[], object]) -> Row:
        """Measure every score of one method. tick: called after each map."""

        seconds: list[float] = []

        def explain(model: Model, image: Array, target: int) -> Array:
            started = time.perf_counter()
            heat = method.explain(model, image, target)
            seconds.append(time.perf_counter() - started)
            size = image.shape[:2] if model.preprocessing.resize == "keep" else model.preprocessing.size
            if heat.shape != size:
                raise ShapeError(f"The map of {method.name} has shape {heat.shape}, but the net's input has {size}.")
            tick()
            return heat

        scores: dict[str, Array] = {}
        # These are timed, so each map is made as if it were the only one.
        single = [explain(self.model, case.image, case.classes[0]) for case in self.cases.single]
        # The first call compiles and warms up; it counts only where it is the only one.
        scores["milliseconds"] = 1000 * np.array(seconds[1:] or seconds)
        object_maps = [
            [explain(model, case.image, label) for label in case.classes]
            for case, model in ((case, sharing(self.shared)) for case in self.cases.several)
        ]
        scores |= self._boxes(single) if self.cases.boxes else self._places(single)
        scores |= self._several_objects(object_maps) | self._curves(single)
        checked = range(min(self.plan.checked, len(single)))
        scores["sensitivity"] = np.array([self._sensitivity(explain, i, single[i]) for i in checked])
        cascading, shown = self._randomized(explain, self.cascade, single, checked)
        below, _ = self._randomized(explain, self.below, single, checked)
        independent = np.concatenate([cascading[:, :1], below], axis=1)
        if len(cascading):
            levels = {"top": 0, "half": (cascading.shape[1] - 1) // 2, "all": -1}
            scores |= {name: cascading[:, level, 0] for name, level in levels.items()}
        every = single + [heat for maps in object_maps for heat in maps]
        return Row(
            net=self.model.name,
            name=method.name,
            title=method.title,
            paper=method.paper,
            settings=method.settings,
            baseline=method.baseline,
            scores={name: values for name, values in scores.items() if len(values)},
            cascading=cascading,
            independent=independent,
            blank=float(np.mean([not heat.any() for heat in every])),
            examples=Examples(
                tuple(single[: self.plan.examples]),
                tuple(tuple(maps[:2]) for maps in object_maps[: self.plan.examples]),
                tuple(shown),
            ),
        )

    def _places(self, maps: list[Array]) -> dict[str, Array]:
        pairs = [(heat, case.masks[0]) for heat, case in zip(maps, self.cases.single, strict=True)]
        return {
            "pointing": np.array([pointing(heat, mask, self.plan.tolerance) for heat, mask in pairs]),
            "energy": np.array([energy_inside(heat, mask) for heat, mask in pairs]),
            "iou": np.array([best_iou(heat, mask).iou for heat, mask in pairs]),
        }

    def _boxes(self, maps: list[Array]) -> dict[str, Array]:
        pairs = [(heat, case.masks[0]) for heat, case in zip(maps, self.cases.single, strict=True)]
        share = best_share(maps, self.cases.boxes, SHARES)
        usual, best = (
            np.array([best_match(heat, boxes, tried) for heat, boxes in zip(maps, self.cases.boxes, strict=True)])
            for tried in (USUAL_SHARE, share)
        )
        return {
            "box_pointing": np.array([pointing(heat, mask, self.plan.tolerance) for heat, mask in pairs]),
            "box_energy": np.array([energy_inside(heat, mask) for heat, mask in pairs]),
            "box_iou": usual,
            "box_iou_best": best,
            "box_found": (best >= 0.5).astype(np.float64),
            "box_share": np.full(1, share),
        }

    def _several_objects(self, maps: list[list[Array]]) -> dict[str, Array]:
        """Return means over the objects of each scene, which are not independent."""
        scores: dict[str, list[float]] = {"pointing_several": [], "contrast": [], "same": []}
        for heats, case in zip(maps, self.cases.several, strict=True):
            hits = [pointing(heat, mask, self.plan.tolerance) for heat, mask in zip(heats, case.masks, strict=True)]
            contrasts = [contrast(heat, case.masks[i], case.others(i)) for i, heat in enumerate(heats)]
            scores["pointing_several"].append(float(np.mean(hits)))
            scores["contrast"].append(float(np.mean(contrasts)))
            scores["same"].append(
                float(np.mean([rank_correlation(a, b, absolute=False) for a, b in combinations(heats, 2)]))
            )
        return {name: np.array(values) for name, values in scores.items()}

    def _curves(self, maps: list[Array]) -> dict[str, Array]:
        areas: dict[str, list[float]] = {"deletion": [], "insertion": []}
        for x, heat, case in zip(self.inputs, maps, self.cases.single, strict=True):

            def probability(batch: Array, case: Case = case) -> Array:
                on_device = kernels.to_device(batch, self.model.net.device)
                return self.model.predict_answers(on_device)[:, case.classes[0]]

            settings = {"steps": self.plan.steps, "seed": self.plan.seed}
            deleted = deletion(probability, x, heat, background=baseline_of(x, "mean"), **settings)
            inserted = insertion(probability, x, heat, background=baseline_of(x, "blur"), **settings)
            areas["deletion"].append(deleted.area)
            areas["insertion"].append(inserted.area)
        return {name: np.array(values) for name, values in areas.items()}

    def _sensitivity(self, explain: Callable[[Model, Array, int], Array], index: int, heat: Array) -> float:
        case = self.cases.single[index]
        return max_sensitivity(
            lambda picture: explain(self.model, picture, case.classes[0]),
            case.image,
            heat=heat,
            samples=self.plan.samples,
            seed=self.plan.seed + index,
        )

    def _randomized(
        self,
        explain: Callable[[Model, Array, int], Array],
        models: tuple[Model, ...],
        maps: list[Array],
        checked: range,
    ) -> tuple[Array, list[Array]]:
        """Return (scenes, layers, 3) likeness to the map of the trained net, and the maps of the first scene."""
        likeness = np.zeros((len(checked), len(models), len(SIMILARITIES)))
        first_maps: list[Array] = []
        for i in checked:
            case = self.cases.single[i]
            for number, model in enumerate(models):
                heat = explain(sharing(model, 0), case.image, case.classes[0])
                likeness[i, number] = [measure(maps[i], heat) for measure in SIMILARITIES]
                if i == 0:
                    first_maps.append(heat)
        return likeness, first_maps


def _begun(model: Model, cases: Sequence[Case], limit: int = MOST_BYTES) -> Model:
    """Return the model with the forward passes of the pictures, as many as fit: every method begins with them."""
    shared = sharing(model, limit)
    for case in cases:
        start(shared, case.image)
    return shared


def failed(model: Model, method: Method, problem: str) -> Row:
    """Return the row of a method that could not be graded, with why."""
    none = np.zeros((0, 0, 3))
    return Row(
        model.name, method.name, method.title, method.paper, method.settings, method.baseline,
        scores={}, cascading=none, independent=none, blank=0.0, examples=Examples((), (), ()), problem=problem,
    )  # fmt: skip


def chance_levels(cases: Cases, tolerance: float) -> dict[str, Array]:
    """Return what an empty map gets, one number a scene: the share of the pixels that the object takes up."""
    return dict(_chances(cases, tolerance))


def _chances(cases: Cases, tolerance: float) -> Iterator[tuple[str, Array]]:
    if cases.single:
        hits = np.array([pointing_chance(case.masks[0], tolerance) for case in cases.single])
        share = np.array([case.masks[0].mean() for case in cases.single])
        with_boxes = {"box_pointing": hits, "box_energy": share}
        yield from (with_boxes if cases.boxes else {"pointing": hits, "energy": share, "iou": share}).items()
    if cases.several:
        yield (
            "pointing_several",
            np.array([np.mean([pointing_chance(mask, tolerance) for mask in case.masks]) for case in cases.several]),
        )
        yield (
            "contrast",
            np.array(
                [
                    np.mean([m.mean() - case.others(i).mean() for i, m in enumerate(case.masks)])
                    for case in cases.several
                ]
            ),
        )
