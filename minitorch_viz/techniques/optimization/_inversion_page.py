"""The page of all layers: what changed is measured, what did not is kept."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.models.hog import DIFFERS
from minitorch_viz.optimize.score import score_of
from minitorch_viz.optimize.units import Units
from minitorch_viz.techniques.explain.view import View
from minitorch_viz.techniques.optimization._inversion_measure import likeness, stretched
from minitorch_viz.techniques.optimization._inversion_nodes import depths
from minitorch_viz.techniques.optimization._inversion_problem import Descent
from minitorch_viz.techniques.optimization._inversion_rounds import state_of
from minitorch_viz.techniques.optimization._inversion_rows import Row
from minitorch_viz.techniques.optimization._inversion_weights import Method

if TYPE_CHECKING:
    from minitorch_viz.models import Model
    from minitorch_viz.techniques.optimization.inversion import Inversion

STRETCHED = (
    "HOG knows neither brightness nor contrast, and its pictures are grey: they are shown, and compared, with the "
    "photo's mean and deviation."
)


class Page:
    """Measure what changed, keep what did not."""

    def __init__(
        self,
        model: Model,
        seen: View,
        photo: Array,
        rows: tuple[Row, ...],
        whys: dict[str, str],
        starts: int,
        method: Method,
        units: Units,
        total: int,
    ) -> None:
        self.model, self.seen, self.photo, self.rows, self.whys = model, seen, photo, rows, whys
        self.names = tuple(row.node for row in rows)
        self.method, self.units, self.total = method, units, total
        shape = (len(rows), starts)
        self.numbers = np.full((4, *shape), np.nan)  # distance, PSNR, SSIM, share lost
        self.pictures = np.full((*shape, *seen.picture.shape), 128, np.uint8)
        self.taken = np.zeros(shape, int)

    def result(self, descents: dict[str, Descent], changed: list[str]) -> Inversion:
        """Return the page with what is there now."""
        from minitorch_viz.techniques.optimization.inversion import Inversion

        for key in changed:
            self._measure(key, descents[key])
        deep = depths(self.model)
        layers = tuple(self.model.net[name].layer.type_name for name in self.names)
        many = self.pictures.shape[1] > 1
        spread = self.pictures.astype(np.float32).std(axis=1).mean(axis=-1)
        spread[~(self.taken > 0).all(axis=1) | (not many)] = np.nan
        words = self._told(descents)
        steps = self.total // len(descents)
        done = sum(steps if descent.ended else descent.done for descent in descents.values())
        distances, psnr, ssim, lost = self.numbers.copy()
        return Inversion(
            nodes=self.names,
            layers=layers,
            begins=tuple(row.begins for row in self.rows),
            depths=np.array([deep[name] for name in self.names]),
            inversions=self.pictures.copy(),
            taken=self.taken.copy(),
            distances=distances,
            psnr=psnr,
            ssim=ssim,
            lost=lost,
            spread=spread,
            whys=tuple(self.whys.get(name, "") for name in self.names),
            words=words,
            picture=self.seen.picture,
            pixel_aspect=self.seen.pixel_aspect,
            method=self.method,
            done=done,
            total=self.total,
            state=state_of(descents),
            remarks=self._remarks,
            photo=self.seen.area,
            given=self.seen.given,
        )

    def _measure(self, key: str, descent: Descent) -> None:
        row, start = map(int, key.split("."))
        x = descent.x
        code = descent.problem.code
        with np.errstate(over="ignore", invalid="ignore"):  # of a picture that ran away; its number says so
            distance = -float(score_of(self.model, code, x.astype(self.model.dtype))[0])
        x = stretched(x, self.photo) if self.rows[row].stretched else x
        self.numbers[:, row, start] = (distance, *likeness(self.units, x, self.photo))
        shown = kernels.to_device(self.units.net(self.units.clip(x)), self.model.net.device)
        self.pictures[row, start] = self.model.restore(shown)
        self.taken[row, start] = descent.done

    def _told(self, descents: dict[str, Descent]) -> tuple[str, ...]:
        """Return what the optimizer said, each sentence once, with the layers that it was said of."""
        where: dict[str, dict[str, None]] = {}
        for key, descent in descents.items():
            for sentence in descent.words:
                where.setdefault(sentence, {})[self.names[int(key.split(".")[0])]] = None
        return tuple(f"{listed(list(names))}: {sentence}" for sentence, names in where.items())

    @cached_property
    def _remarks(self) -> tuple[str, ...]:
        remarks: tuple[str, ...] = ()
        if not np.ptp(self.photo, axis=(2, 3)).any():
            remarks += (
                "The photo is of one colour everywhere: PSNR says how near that colour is, and nothing of structure.",
            )
        if any(row.stretched for row in self.rows):
            remarks += (STRETCHED, DIFFERS)
        return remarks


def listed(names: list[str], most: int = 6) -> str:
    """Return names with commas; of many the first ones, and how many there are."""
    rest = len(names) - most
    return ", ".join(names) if rest < 2 else f"{', '.join(names[:most])} and {rest} more"
