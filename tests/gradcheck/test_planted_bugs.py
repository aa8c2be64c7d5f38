"""The checker itself is checked: planted bugs must be caught and named, and right functions must pass."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from minitorch_viz.gradcheck import GradientError, Report, check
from minitorch_viz.layers import ReLU, all_layers
from tests.gradcheck.planted import BUGS, Planted


@functools.cache
def report_of(place: int) -> Report:
    """Check a planted bug once for all tests."""
    bug = BUGS[place]
    return check(bug.forward, bug.backward, bug.inputs, max_entries=bug.max_entries)


def verdict_and_words(bug: Planted) -> tuple[str, str]:
    result = report_of([other is bug for other in BUGS].index(True))[bug.tensor]
    return str(result.verdict), " ".join((result.sentence, *result.diagnosis))


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_named(bug):
    verdict, words = verdict_and_words(bug)
    assert verdict == bug.verdict
    assert bug.says in words


def test_of_all_planted_bugs_none_passes_and_all_but_two_are_named():
    found = [(bug, *verdict_and_words(bug)) for bug in BUGS]
    assert len(found) >= 30
    assert [bug.name for bug, verdict, _ in found if verdict == "ok"] == []
    assert sum(bug.says in words for bug, _, words in found) >= len(BUGS) - 2


@pytest.mark.parametrize("bug", [bug for bug in BUGS if bug.right], ids=lambda bug: bug.name)
def test_the_same_forward_with_the_right_backward_raises_no_alarm(bug):
    report = check(bug.forward, bug.right, bug.inputs, max_entries=bug.max_entries, without=bug.without)
    report.raise_if_wrong()
    assert report.ok


@pytest.mark.parametrize("bug", [bug for bug in BUGS if bug.verdict != "not checkable in this precision"][::4])
def test_raise_if_wrong_raises_the_report(bug):
    report = check(bug.forward, bug.backward, bug.inputs, max_entries=bug.max_entries)
    with pytest.raises(GradientError) as caught:
        report.raise_if_wrong()
    assert str(caught.value) == str(report)
    assert isinstance(caught.value, AssertionError)


@pytest.mark.parametrize("cls", all_layers())
@pytest.mark.parametrize(("factor", "max_entries"), [(1.01, 200), (0.0, 200), (1.001, 3)])
def test_one_wrong_entry_in_any_layer_is_found(cls, factor, max_entries):
    """The last case measures three entries only: the random direction has to notice the others."""
    tried = 0
    for layer, inputs in cls.examples(np.random.default_rng(5)):
        if inputs[0].dtype.kind != "f" or layer.forward(*inputs)[0].size == 1:
            continue
        places = []

        def backward(dy, saved, layer=layer, places=places):
            grads = layer.backward(dy, saved)
            grads = [np.array(grad) for grad in (grads if isinstance(grads, tuple) else (grads,))]
            size = np.abs(grads[0])
            if not places and size.max() > 1e-9:  # not a softmax over one class: a constant
                places.append(np.random.default_rng(1).choice(np.flatnonzero(size > 0.05 * size.max())))
            grads[0].flat[places] *= factor
            return tuple(grads)

        names = [f"x{i}" for i in range(len(inputs))]
        result = check(layer.forward, backward, inputs, max_entries=max_entries, names=names)["x0"]
        if places:
            assert result.verdict == "wrong"
            assert result.worst[0].index == np.unravel_index(places[0], result.shape)
            tried += 1
    assert tried or cls.__name__ == "Embedding"


@pytest.mark.parametrize("seed", range(10))
def test_one_percent_at_one_pixel_of_a_large_image_is_found_among_millions_of_terms(seed):
    rng = np.random.default_rng(seed)
    place = (0, int(rng.integers(3)), int(rng.integers(96)), int(rng.integers(96)))
    x = rng.standard_normal((1, 3, 96, 96))
    x[place] = 0.5

    def backward(dy, on):
        dx = ReLU().backward(dy, on)
        dx[place] *= 1.01
        return dx

    report = check(ReLU().forward, backward, (x,), max_entries=5, seed=seed)
    assert report["x"].verdict == "wrong"
    assert report["x"].worst[0].index == place
    assert "halving" in report["x"].sentence
    assert check(ReLU().forward, ReLU().backward, (x,), max_entries=5, seed=seed).ok
