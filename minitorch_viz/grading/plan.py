"""How much is measured, and how many maps that takes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

from minitorch_viz.errors import need_whole
from minitorch_viz.grading.cases import Cases
from minitorch_viz.grading.checks import need_number


@dataclass(frozen=True)
class Plan:
    """Say how much is measured."""

    tolerance: float  # pixels, of the pointing game
    steps: int  # of deletion and insertion
    checked: int  # how many pictures the randomization and sensitivity checks use
    samples: int  # noisy pictures for each of them
    layers: int  # the most stops of the randomization
    seed: int
    examples: int = 2  # maps of each sort that are kept to be shown

    @classmethod
    def checked_plan(cls, *, tolerance: float, steps: int, checked: int, samples: int, layers: int, seed: int) -> Self:
        """Return the plan, or raise SettingError with a sentence."""
        return cls(
            tolerance=need_number("tolerance", tolerance, 0),
            steps=need_whole("number of steps", steps, 1, 10_000),
            checked=need_whole("number of checked pictures", checked, 0),
            samples=need_whole("number of samples", samples, 1),
            layers=need_whole("most stops of the randomization", layers, 2),
            seed=need_whole("seed", seed, 0),
        )

    def as_settings(self) -> dict[str, Any]:
        """Return what makes the numbers what they are."""
        return {name: value for name, value in asdict(self).items() if name != "examples"}


def count_maps(cases: Cases, layers: int, plan: Plan) -> int:
    """Return how many maps a row takes; for the progress bar."""
    checked = min(plan.checked, len(cases.single))
    return (
        len(cases.single) + sum(len(case.classes) for case in cases.several) + checked * (plan.samples + 2 * layers - 1)
    )
