"""Blended pictures: picture and answer in one proportion, the same for the same seed, none in a test."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.data.batches import ArrayBatches
from minitorch_viz.data.mixing import MixedBatches
from minitorch_viz.errors import SettingError


def source(count: int = 12, batch: int = 5) -> ArrayBatches:
    """Pictures that are their own targets, so that what is done to one must be done to the other."""
    targets = np.eye(count, dtype=np.float32)
    return ArrayBatches(targets.reshape(count, 1, 3, count // 3), targets, batch)


def test_a_picture_and_its_targets_are_blended_alike() -> None:
    seen = 0
    for x, targets in MixedBatches(source())(np.random.default_rng(0)):
        np.testing.assert_array_equal(x.reshape(targets.shape), targets)
        np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)
        assert (targets.max(axis=1) >= 0.5).all()
        assert ((targets > 0).sum(axis=1) <= 2).all()
        assert targets.dtype == x.dtype == np.float32
        seen += len(x)
    assert seen == 12


def test_a_seed_repeats_a_pass_and_the_next_one_differs() -> None:
    batches = MixedBatches(source())
    rng = np.random.default_rng(1)
    first, second = (np.concatenate([t for _, t in batches(rng)]) for _ in range(2))
    again = np.concatenate([t for _, t in batches(np.random.default_rng(1))])
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, second)


def test_a_test_sees_the_pictures_themselves() -> None:
    x = np.concatenate([x for x, _ in MixedBatches(source())(None)])
    np.testing.assert_array_equal(x, source().images)
    assert len(MixedBatches(source())) == 3
    np.testing.assert_array_equal(MixedBatches(source()).labels, source().labels)


def test_a_small_concentration_leaves_most_pictures_nearly_alone() -> None:
    parts = {}
    for concentration in (0.05, 10.0):
        batches = MixedBatches(source(300, 300), concentration)
        parts[concentration] = next(iter(batches(np.random.default_rng(0))))[1].max(axis=1).mean()
    assert parts[0.05] > 0.9
    assert parts[10.0] < 0.7
    assert MixedBatches(source()).describe() != MixedBatches(source(), 0.5).describe()


@pytest.mark.parametrize("value", [0, -1, None, "0.4", np.nan, np.inf, True, [0.4]])
def test_concentrations_that_are_none(value: object) -> None:
    with pytest.raises(SettingError, match="concentration"):
        MixedBatches(source(), value)  # type: ignore[arg-type]  # wrong on purpose
