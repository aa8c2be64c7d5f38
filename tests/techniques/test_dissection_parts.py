"""The parts of a dissection against independent implementations: SciPy, scikit-learn, and brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import false_discovery_control, mannwhitneyu
from sklearn.metrics import roc_auc_score

from minitorch_viz.graph import Tape
from minitorch_viz.techniques.activations import _dissection_tallies as tallies
from minitorch_viz.techniques.activations._dissection_chance import (
    against_untrained,
    benjamini_hochberg,
    holm,
    larger_where,
    presence,
)
from minitorch_viz.techniques.activations._dissection_formulas import (
    Label,
    Term,
    best_formulas,
    covered,
    ious,
    leaves_of,
    taken,
)
from minitorch_viz.techniques.activations._dissection_tallies import TopShare, numbered, rotation

# ------------------------------------------------------------------ thresholds


def top_share(maps: np.ndarray, share: float, parts: int, turned: int | None = None) -> TopShare:
    """A tally of all maps (N, C, h, w), in parts that are merged."""
    merged = TopShare("maps", share, len(maps), turned)
    for numbers in np.array_split(np.arange(len(maps)), parts):
        part = TopShare("maps", share, len(maps), turned)
        for chunk in np.array_split(numbers, 2):
            part.see(Tape({"maps": maps[chunk]}, {}), chunk)
        merged.merge(part)
    return merged


@pytest.mark.parametrize("share", [0.0005, 0.005, 0.2])
@pytest.mark.parametrize("parts", [1, 4])
def test_thresholds_are_those_of_sorting_everything(rng, share, parts) -> None:
    maps = rng.standard_normal((40, 3, 7, 9)).astype(np.float32)
    maps[:, 2] = maps[:, 2].round(1)  # many ties, of which none is the largest
    maps[7, 2, 3, 3] = 9
    thresholds = top_share(maps, share, parts).result()
    descending = np.sort(maps.transpose(1, 0, 2, 3).reshape(3, -1), axis=1)[:, ::-1]
    np.testing.assert_array_equal(thresholds, descending[:, int(share * descending.shape[1])])
    assert ((maps > thresholds[:, None, None]).mean(axis=(0, 2, 3)) <= share).all()


def test_a_unit_of_two_levels_and_a_silent_one(rng) -> None:
    maps = np.zeros((10, 3, 8, 8), np.float32)
    maps[:, 0] = rng.random((10, 8, 8)) < 0.1  # more than the share are at its highest level
    maps[:, 1] = 2.5
    maps[3, 2, 0, 0] = np.nan
    maps[4, 2, 0, 0] = 1
    tally = top_share(maps, 0.02, 2)
    thresholds = tally.result()
    np.testing.assert_array_equal(maps[:, 0] > thresholds[0], maps[:, 0] == 1)
    assert not (maps[:, 1] > thresholds[1]).any()
    assert thresholds[2] == 0
    assert tally.arrays["broken"] == 1


def test_what_does_not_fit_is_read_from_every_so_many_pictures(rng, monkeypatch) -> None:
    monkeypatch.setattr(tallies, "MOST_KEPT", 50)
    maps = rng.standard_normal((64, 2, 10, 10)).astype(np.float32)
    tally = top_share(maps, 0.05, 4)
    assert tally.stride == 7
    assert tally.arrays["top"].shape[1] <= 51
    share = (maps > tally.result()[:, None, None]).mean(axis=(0, 2, 3))
    np.testing.assert_allclose(share, 0.05, atol=0.02)


def test_a_random_basis_is_orthogonal_and_its_seed_decides_it() -> None:
    turned = rotation(40, 3)
    np.testing.assert_allclose(turned @ turned.T, np.eye(40), atol=1e-5)
    np.testing.assert_array_equal(turned, rotation(40, 3))
    assert np.abs(turned - rotation(40, 4)).max() > 0.1


def test_the_turned_channels_stand_after_the_others(rng) -> None:
    maps = rng.standard_normal((3, 5, 4, 4)).astype(np.float32)
    both = TopShare("maps", 0.1, 3, 7).maps(Tape({"maps": maps}, {}))
    np.testing.assert_array_equal(both[:, :5], maps)
    np.testing.assert_allclose(both[:, 5:], np.einsum("dc,nchw->ndhw", rotation(5, 7), maps), atol=1e-5)


# ------------------------------------------------------------------ cells


@pytest.mark.parametrize("limit", [2**62, 30])
def test_cells_number_what_pixels_show(rng, limit, monkeypatch) -> None:
    monkeypatch.setattr(tallies, "LARGEST_KEY", limit)
    layers = rng.integers(0, 4, (5, 3, 50))
    labelled = rng.random((5, 50)) < 0.8
    cells, places = numbered(layers, labelled)
    assert len(np.unique(cells, axis=0)) == len(cells)
    assert (places[~labelled] == -1).all()
    for picture, pixel in np.argwhere(labelled):
        np.testing.assert_array_equal(cells[places[picture, pixel]], layers[picture, :, pixel])


# ------------------------------------------------------------------ formulas


def small_case(rng, concepts: int = 5):
    cells = np.array(list(itertools.product([0, 1], [0, 2], [0, 3], [0, 4], [0, 5])))[:, :concepts]
    pixels = rng.integers(0, 200, len(cells))
    hits = rng.binomial(pixels, rng.random((6, len(cells))) ** 3)
    return hits, pixels, leaves_of(cells, concepts)


def brute(hits, pixels, mask) -> float:
    shared = hits[mask].sum()
    return shared / (hits.sum() + pixels[mask].sum() - shared)


def test_leaves_and_ious_of_single_concepts(rng) -> None:
    hits, pixels, leaves = small_case(rng)
    table = ious(hits, pixels, leaves)
    for unit, concept in np.ndindex(*table.shape):
        assert table[unit, concept] == pytest.approx(brute(hits[unit], pixels, leaves[:, concept]))


def test_a_wide_beam_finds_the_best_of_all_formulas(rng) -> None:
    hits, pixels, leaves = small_case(rng)
    found = best_formulas(hits, pixels, leaves, 3, 100)
    words = [("", n, c) for n in (False, True) for c in range(5)]
    every = {1: [], 2: [], 3: []}
    for length in every:
        for order in itertools.permutations(range(5), length):
            for negations in itertools.product((False, True), repeat=length):
                for joints in itertools.product(("AND", "OR"), repeat=length - 1):
                    terms = zip(("", *joints), negations, order, strict=True)
                    every[length].append(tuple(Term(*term) for term in terms))
    assert len(words) == len(every[1])
    for unit, labels in enumerate(found):
        for length, label in enumerate(labels, start=1):
            best = max(brute(hits[unit], pixels, covered(formula, leaves)) for formula in every[length])
            assert label.iou == pytest.approx(best)
            assert label.iou == pytest.approx(brute(hits[unit], pixels, covered(label.formula, leaves)))


def test_a_narrow_beam_is_no_better_and_blocks_change_nothing(rng, monkeypatch) -> None:
    hits, pixels, leaves = small_case(rng)
    wide, narrow = (best_formulas(hits, pixels, leaves, 3, beam) for beam in (100, 2))
    for one, other in zip(wide, narrow, strict=True):
        assert all(a.iou >= b.iou - 1e-12 for a, b in zip(one, other, strict=True))
    monkeypatch.setattr("minitorch_viz.techniques.activations._dissection_formulas.MOST_NUMBERS", 1)
    assert best_formulas(hits, pixels, leaves, 3, 2) == narrow


def test_a_unit_that_answers_to_nothing_has_no_label(rng) -> None:
    hits, pixels, leaves = small_case(rng)
    hits[2] = 0
    labels = best_formulas(hits, pixels, leaves, 3, 5)[2]
    assert labels == [Label((), 0.0)] * 3
    assert taken(labels).words(("a", "b", "c", "d", "e")) == ""


def test_formulas_in_words_and_which_is_taken() -> None:
    a, not_b, or_b, and_c = Term("", False, 0), Term("AND", True, 1), Term("OR", False, 1), Term("AND", False, 2)
    names = ("red", "blue", "car")
    assert Label((a,), 0.1).words(names) == "red"
    assert Label((a, not_b), 0.1).words(names) == "red AND NOT blue"
    assert Label((a, or_b, and_c), 0.1).words(names) == "(red OR blue) AND car"
    assert Label((a, not_b, and_c), 0.1).words(names) == "red AND NOT blue AND car"
    labels = [Label((a,), 0.1), Label((a, not_b), 0.104), Label((a, not_b, and_c), 0.12)]
    assert taken(labels) is labels[2]
    assert taken(labels[:2]) is labels[0]


# ------------------------------------------------------------------ chance


def test_presence_is_mann_and_whitneys_test(rng) -> None:
    means = rng.random((80, 4)).round(1)  # with ties
    shown = rng.random((80, 5)) < 0.3
    means[:, 1] += 0.3 * shown[:, 2]
    shown[:, 4] = np.arange(80) < 4  # too few
    tested = presence(means, shown)
    assert np.isnan(tested.auc[:, 4]).all()
    raw = np.full((4, 4), np.nan)
    for unit, concept in np.ndindex(4, 4):
        with_it, without = means[shown[:, concept], unit], means[~shown[:, concept], unit]
        raw[unit, concept] = mannwhitneyu(with_it, without, use_continuity=False, method="asymptotic").pvalue
        assert tested.auc[unit, concept] == pytest.approx(roc_auc_score(shown[:, concept], means[:, unit]))
    np.testing.assert_allclose(tested.p[:, :4], holm(raw), rtol=1e-6)
    assert tested.p[1, 2] < 0.05


def test_corrections(rng) -> None:
    p = rng.random((5, 8)) ** 3
    np.testing.assert_allclose(benjamini_hochberg(p), false_discovery_control(p.ravel()).reshape(p.shape))
    ordered = np.sort(p, axis=None)
    expected = [min(1, max(ordered[j] * (40 - j) for j in range(i + 1))) for i in range(40)]
    np.testing.assert_allclose(np.sort(holm(p), axis=None), expected)


def test_a_one_sided_test_and_a_constant(rng) -> None:
    shown = rng.random(60) < 0.4
    values = rng.random(60) + 0.5 * shown
    expected = mannwhitneyu(values[shown], values[~shown], alternative="greater", use_continuity=False).pvalue
    assert larger_where(values, shown)[1] == pytest.approx(expected, rel=1e-6)
    assert larger_where(-values, shown)[1] == pytest.approx(1 - expected, rel=1e-6)
    assert larger_where(np.ones(60), shown) == (0.5, 0.5)
    assert np.isnan(larger_where(values, shown & False)[1])


def test_units_are_compared_with_untrained_ones(rng) -> None:
    untrained = rng.random(99)
    chance = against_untrained(np.concatenate([rng.random(50), np.full(50, 2.0)]), untrained)
    assert (chance[50:] < 0.05).all()
    assert (chance[:50] < 0.05).mean() < 0.2
    assert not (against_untrained(rng.random(100), untrained) < 0.05).any()
