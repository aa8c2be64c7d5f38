"""Entries that are too small beside the others for their own errors to be seen: the report says which."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.gradcheck import check

FAINT = "too small beside the others to be resolved"


def reported(scales: list[float], factor: float = 1.0, summed: bool = False) -> str:
    """What the report says of s x^2, whose derivative is 2 s x; factor: on the smallest entry that is not zero."""
    s = np.array(scales)
    wrong = np.ones(s.shape)
    wrong[np.argmin(np.where(s, s, np.inf))] = factor

    def forward(x):
        y = s * x * x
        return (np.array([y.sum()]) if summed else y), x

    report = check(forward, lambda dy, x: wrong * 2 * s * x * dy, {"x": np.linspace(1, 2, len(s))})
    assert report.ok
    return report.results[0].sentence


@pytest.mark.parametrize("summed", [False, True])
@pytest.mark.parametrize("factor", [1.0, 2.0])  # the second is what cannot be seen, and why it must be said
@pytest.mark.parametrize(("scales", "count"), [([1, 2, 1e-12, 1], 1), ([3e-12, 1, 0, 1e-12, 2], 2)])
def test_entries_whose_own_errors_are_not_seen_are_said(scales, count, factor, summed) -> None:
    said = reported(scales, factor, summed)
    assert said.startswith(f"{count} entr")
    assert FAINT in said
    assert any(f"at ({k},)" in said for k, scale in enumerate(scales) if 0 < scale < 1e-6)


@pytest.mark.parametrize("scales", [[1, 2, 3], [1, 0, 2], [1, 1e-3, 2], [1e-12, 2e-12, 1e-12], [1, 1e-17, 1]])
def test_entries_that_are_resolved_zero_or_mere_rounding_are_not(scales) -> None:
    assert reported(scales) == ""
