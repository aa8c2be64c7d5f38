"""L-BFGS: its direction is BFGS's, its steps reach SciPy's minima, and what goes wrong is said and recovered from."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der

from minitorch_viz.errors import MinitorchVizError, SettingError, ShapeError
from minitorch_viz.techniques.state import Identity, read_state, write_state
from minitorch_viz.techniques.state import State as LoopState
from minitorch_viz.training import LBFGS
from minitorch_viz.training.optimizers.lbfgs import State, direction, unpacked


def rosenbrock(x):
    return rosen(x), rosen_der(x)


class Quadratic:
    """x^T A x / 2 - b^T x, with the eigenvalues of A from 1 to `condition`; counts its evaluations."""

    def __init__(self, size: int, condition: float, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        axes, _ = np.linalg.qr(rng.standard_normal((size, size)))
        self.matrix = axes * np.geomspace(1, condition, size) @ axes.T
        self.minimum = rng.standard_normal(size)
        self.evaluations = 0

    def __call__(self, x):
        self.evaluations += 1
        away = x - self.minimum
        return away @ self.matrix @ away / 2, self.matrix @ away


def run(function, x, optimizer: LBFGS | None = None, most: int = 1000) -> list[State]:
    """Return every state until it moves no more."""
    optimizer = optimizer or LBFGS()
    states = [optimizer.start(x, function)]
    while states[-1].status == "moving" and len(states) <= most:
        states.append(optimizer.step(states[-1], function))
    return states


def same_bits(a: State, b: State) -> bool:
    arrays_a, numbers_a = a.packed()
    arrays_b, numbers_b = b.packed()
    return numbers_a == numbers_b and all(
        np.array_equal(arrays_a[name], arrays_b[name]) for name in arrays_a | arrays_b
    )


# The direction


@pytest.mark.parametrize("pairs", [0, 1, 2, 5])
def test_the_direction_is_that_of_bfgs_with_its_whole_matrix(rng, pairs) -> None:
    """Nocedal and Wright, (7.17): H <- V^T H V + rho s s^T, from the newest pair's s.y / y.y times the identity."""
    size = 6
    root = rng.standard_normal((size, size))
    moves = [rng.standard_normal(size) for _ in range(pairs)]
    changes = [(root @ root.T + np.eye(size)) @ move for move in moves]  # positive curvature along each
    inverse = np.eye(size)
    if pairs:
        inverse = inverse * (moves[-1] @ changes[-1]) / (changes[-1] @ changes[-1])
    for move, change in zip(moves, changes, strict=True):
        rho = 1 / (move @ change)
        project = np.eye(size) - rho * np.outer(change, move)
        inverse = project.T @ inverse @ project + rho * np.outer(move, move)
    slopes = rng.standard_normal(size)
    np.testing.assert_allclose(direction(slopes, moves, changes), -inverse @ slopes, rtol=1e-10)


def test_a_quadratic_ends_in_n_steps_with_exact_searches() -> None:
    """With the best length along each line the directions are conjugate: n of them are all there are."""
    size = 8
    quadratic = Quadratic(size, 50)
    x, moves, changes = np.zeros(size), [], []
    for step in range(size):
        slopes = quadratic(x)[1]
        downhill = direction(slopes, moves, changes)
        move = downhill * -(slopes @ downhill) / (downhill @ quadratic.matrix @ downhill)
        moves, changes = [*moves, move], [*changes, quadratic.matrix @ move]
        assert step == 0 or abs(moves[-2] @ changes[-1]) < 1e-9
        x = x + move
    np.testing.assert_allclose(x, quadratic.minimum, atol=1e-9)


# The minima


@pytest.mark.parametrize("size", [2, 10, 50])
def test_rosenbrocks_valley_is_followed_as_scipy_does(size) -> None:
    start = np.tile([-1.2, 1.0], size // 2)
    theirs = minimize(rosenbrock, start, jac=True, method="L-BFGS-B", options={"ftol": 0, "gtol": 1e-6})
    states = run(rosenbrock, start, LBFGS(tolerance=1e-9))  # about SciPy's gtol: the start's largest slope is 233
    assert states[-1].status == "converged"
    assert states[-1].value <= theirs.fun + 1e-12
    np.testing.assert_allclose(states[-1].x, 1, atol=1e-6)
    assert states[-1].evaluations < 1.5 * theirs.nfev + 10
    values = [state.value for state in states]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize("condition", [1, 1e2, 1e4])
def test_an_ill_conditioned_quadratic_is_solved_with_about_scipys_evaluations(condition) -> None:
    quadratic = Quadratic(40, condition)
    theirs = minimize(
        quadratic, np.zeros(40), jac=True, method="L-BFGS-B", options={"ftol": 0, "gtol": 1e-6, "maxiter": 5000}
    )
    at_start = LBFGS().start(np.zeros(40), quadratic)
    quadratic.evaluations = 0
    final = run(quadratic, np.zeros(40), LBFGS(tolerance=1e-6 / at_start.scale), 5000)[-1]
    assert final.status == "converged"
    assert final.largest_slope <= 1e-6  # SciPy's gtol
    assert final.evaluations == quadratic.evaluations
    assert final.evaluations < 1.5 * theirs.nfev + 10
    np.testing.assert_allclose(final.x, quadratic.minimum, atol=1e-5)


def test_more_pairs_need_fewer_steps_where_curvature_differs() -> None:
    steps = [run(Quadratic(30, 1e3), np.zeros(30), LBFGS(pairs=pairs))[-1].steps for pairs in (1, 5, 30)]
    assert steps[0] > steps[1] > steps[2]


def test_no_more_pairs_are_kept_than_asked_for_and_the_newest_are() -> None:
    states = run(rosenbrock, np.array([-1.2, 1.0]), LBFGS(pairs=3))
    assert [len(state.moves) for state in states[:5]] == [0, 1, 2, 3, 3]
    np.testing.assert_array_equal(states[5].moves[-1], states[5].x - states[4].x)
    np.testing.assert_array_equal(states[5].moves[0], states[3].x - states[2].x)


def test_where_rounding_hides_the_values_fall_the_gradient_leads_on_a_little_and_then_it_is_said() -> None:
    """Beside 1e6 the last falls, below 1e-10, are not seen."""
    quadratic = Quadratic(20, 100)

    def raised(x):
        value, slopes = quadratic(x)
        return value + 1e6, slopes

    *moving, last = run(raised, np.zeros(20))
    slopes = [state.largest_slope for state in moving if state.value == last.value]
    assert len(slopes) >= 3
    assert slopes == sorted(slopes, reverse=True)
    assert last.status == "still"
    assert "The value's rounding hides what is left" in last.words


# The scale


@pytest.mark.parametrize("exponent", [-60, 40, 300])
def test_a_loss_times_a_power_of_two_takes_the_same_steps_to_the_bit(exponent) -> None:
    factor = 2.0**exponent
    plain = run(rosenbrock, np.array([-1.2, 1.0]))
    scaled = run(lambda x: (rosen(x) * factor, rosen_der(x) * factor), np.array([-1.2, 1.0]))
    assert len(plain) == len(scaled)
    for a, b in zip(plain, scaled, strict=True):
        np.testing.assert_array_equal(a.x, b.x)
        assert a.value * factor == b.value
        assert a.status == b.status


@pytest.mark.parametrize("factor", [1e12, 1e-12, 1e200])
def test_a_huge_or_tiny_loss_stops_no_sooner(factor) -> None:
    final = run(lambda x: (rosen(x) * factor, rosen_der(x) * factor), np.array([-1.2, 1.0]))[-1]
    assert final.status == "converged"
    np.testing.assert_allclose(final.x, 1, atol=1e-6)


# The state


def test_a_run_that_went_through_a_file_goes_on_to_the_same_bits(tmp_path) -> None:
    start = np.tile([-1.2, 1.0], 5001).reshape(3, 2, 1667)

    def function(x):
        value, slopes = rosenbrock(x.reshape(-1))
        return value, slopes.reshape(x.shape)

    optimizer, identity = LBFGS(pairs=4), Identity("style", "a net", "", "", {})
    whole = run(function, start, optimizer, most=30)
    for stop in (0, 1, 7):
        write_state(tmp_path / "state", identity, LoopState(*whole[stop].packed()))
        state = unpacked(*read_state(tmp_path / "state", identity))
        assert same_bits(state, whole[stop])
        for expected in whole[stop + 1 :]:
            state = optimizer.step(state, function)
            assert same_bits(state, expected)


def test_the_history_makes_a_difference_so_that_it_must_be_kept() -> None:
    """The test above could pass without a history if the history changed nothing."""
    state = run(rosenbrock, np.array([-1.2, 1.0]), most=8)[-1]
    kept = LBFGS().step(state, rosenbrock)
    dropped = LBFGS().step(state._replace(moves=(), changes=()), rosenbrock)
    assert not np.array_equal(kept.x, dropped.x)


def test_a_step_changes_nothing_and_gives_the_same_again() -> None:
    state = run(rosenbrock, np.array([-1.2, 1.0]), most=5)[-1]
    before = unpacked(*state.packed())
    assert same_bits(LBFGS().step(state, rosenbrock), LBFGS().step(state, rosenbrock))
    assert same_bits(state, before)
    for array in (state.x, state.gradient, *state.moves, *state.changes):
        assert not array.flags.writeable


def test_the_function_cannot_write_to_x() -> None:
    def display(x):
        x += 128  # as if to show it
        return rosenbrock(x)

    with pytest.raises(ValueError, match="read-only"):
        LBFGS().start(np.zeros(2), display)
    state = LBFGS().start(np.zeros(2), rosenbrock)
    with pytest.raises(ValueError, match="read-only"):
        LBFGS().step(state, display)


def test_a_gradient_whose_memory_is_used_again_is_copied() -> None:
    memory = np.zeros(2)

    def function(x):
        memory[:] = rosen_der(x)
        return rosen(x), memory

    assert same_bits(run(function, np.array([-1.2, 1.0]))[-1], run(rosenbrock, np.array([-1.2, 1.0]))[-1])


def test_the_start_is_copied() -> None:
    x = np.array([-1.2, 1.0])
    state = LBFGS().start(x, rosenbrock)
    x[:] = 0
    np.testing.assert_array_equal(state.x, [-1.2, 1.0])


def test_float32_is_taken_and_reckoned_with_in_float64() -> None:
    dtypes = set()

    def function(x):
        dtypes.add(x.dtype)
        return np.float32(rosen(x)), rosen_der(x).astype(np.float32)

    final = run(function, np.array([[-1.2, 1.0]], np.float32).reshape(-1))[-1]
    assert dtypes == {np.dtype(np.float64)}
    assert final.x.dtype == final.gradient.dtype == np.float64
    np.testing.assert_allclose(final.x, 1, atol=1e-3)
    assert final.status in ("converged", "still")


# What goes wrong


@pytest.mark.parametrize("what", ["nan", "inf", "-inf", "the gradient"])
def test_a_place_without_finite_values_is_walked_around(what) -> None:
    """-log(x) + x has its minimum at 1, and nothing is finite below 0: the first step, of length 4, lands there."""

    def function(x):
        fine = bool((x > 0).all())
        slopes = 1 - 1 / np.where(x > 0, x, 1)
        if not fine and what == "the gradient":
            return 0.0, slopes * np.nan
        return (float((x - np.log(np.where(x > 0, x, 1))).sum()) if fine else float(what)), slopes

    states = run(function, np.array([3.0, 2.0]), LBFGS(first_step=4))
    assert "not finite at 1 of " in states[1].words
    assert "halved 1 time." in states[1].words
    assert states[-1].status == "converged"
    np.testing.assert_allclose(states[-1].x, 1, atol=1e-6)
    assert all(np.isfinite(state.value) and np.isfinite(state.gradient).all() for state in states)


def test_a_step_that_is_not_finite_is_halved_as_often_as_it_takes() -> None:
    def function(x):
        return (float(x @ x) if abs(x[0] - 1) < 1e-3 else math.nan), 2 * x

    state = LBFGS().step(LBFGS().start(np.ones(1), function), function)
    assert "halved 10 times." in state.words  # 2^-10 is the first below 1e-3
    assert state.value < 1
    assert state.status == "moving"


def test_a_function_that_is_finite_nowhere_else_stands_still_and_it_is_said() -> None:
    def function(x):
        return (1.0 if (x == 1).all() else math.nan), np.ones(2)

    final = run(function, np.ones(2))[-1]
    assert (final.status, final.steps) == ("still", 0)
    assert "not finite at 31 of 31 points" in final.words
    assert "stands still, which is not the same as converged" in final.words


def test_a_failed_line_search_drops_the_history_and_goes_on() -> None:
    """A history that is wrong, as after the function was changed: its direction is uphill."""
    state = run(rosenbrock, np.array([-1.2, 1.0]), most=6)[-1]
    wrong = state._replace(changes=tuple(-change for change in state.changes))
    states = [LBFGS().step(wrong, rosenbrock)]
    assert "does not go downhill" in states[0].words
    assert "The history was dropped, and a step of length 0.01 taken along the gradient" in states[0].words
    assert len(states[0].moves) == 1
    assert states[0].value < state.value
    while states[-1].status == "moving":
        states.append(LBFGS().step(states[-1], rosenbrock))
    assert states[-1].status == "converged"
    np.testing.assert_allclose(states[-1].x, 1, atol=1e-6)


def test_a_search_that_finds_nothing_recovers_with_a_small_step() -> None:
    """Walls beside the way: along the history's direction every step is higher, along the gradient it is not."""
    move = np.array([1.0, 100.0])
    changes = (np.array([1.0, 0.01]),)

    def function(x):
        wall = 1e6 if x[1] != 0 else 0.0
        return float(x[0] + wall), np.array([1.0, 0.0])

    state = LBFGS().start(np.zeros(2), function)._replace(moves=(move,), changes=changes)
    after = LBFGS().step(state, function)
    assert "The line search failed. The history was dropped" in after.words
    assert after.value < 0
    assert after.x[1] == 0
    assert after.status == "moving"


def test_a_gradient_that_is_not_the_values_stands_still_but_is_not_called_converged() -> None:
    final = run(lambda x: (rosen(x), -rosen_der(x)), np.array([-1.2, 1.0]))[-1]
    assert final.status == "still"
    assert "No step along the gradient lowers the value" in final.words
    assert "converged" not in final.words.replace("which is not the same as converged", "")


@pytest.mark.parametrize("x", [np.zeros(3), np.ones((2, 2))])
def test_a_constant_function_is_said_to_give_no_way(x) -> None:
    states = run(lambda x: (7.0, np.zeros_like(x)), x)
    assert len(states) == 1
    assert states[0].status == "still"
    assert "gradient is exactly 0 at the start" in states[0].words
    assert LBFGS().step(states[0], rosenbrock) is states[0]


def test_a_slope_without_end_goes_on_down() -> None:
    states = run(lambda x: (float(x.sum()), np.ones(2)), np.zeros(2), most=4)
    values = [state.value for state in states]
    assert values == sorted(values, reverse=True)
    assert "still falls after a step that was doubled 10 times" in states[1].words
    np.testing.assert_allclose(np.linalg.norm(states[1].x), 2.0**10)
    assert all(not state.moves for state in states)  # a straight line has no curvature


def test_an_edge_is_reached_and_not_called_a_minimum() -> None:
    final = run(lambda x: (float(np.abs(x).sum()), np.where(x < 0, -1.0, 1.0)), np.array([0.3, -0.7]))[-1]
    assert final.status == "still"
    assert final.value < 1e-6


FINE = LBFGS().start(np.zeros(2), rosenbrock)
BAD = {
    "no pairs": (lambda: LBFGS(pairs=0), SettingError, "pairs.*at least 1.*0"),
    "no length": (lambda: LBFGS(first_step=0), SettingError, "first_step must be above 0"),
    "a tolerance below 0": (lambda: LBFGS(tolerance=-1), SettingError, "tolerance.*-1"),
    "x is a list": (lambda: LBFGS().start([1.0], rosenbrock), ShapeError, "a list"),
    "x is whole": (lambda: LBFGS().start(np.arange(3), rosenbrock), ShapeError, r"array \(3,\) of int64"),
    "x is empty": (lambda: LBFGS().start(np.zeros(0), rosenbrock), ShapeError, "at least one entry"),
    "x is nan": (lambda: LBFGS().start(np.full(2, np.nan), rosenbrock), SettingError, "finite start.*nan"),
    "nan at the start": (lambda: LBFGS().start(np.zeros(2), lambda x: (np.nan, x)), SettingError, "value there is nan"),
    "inf in the gradient": (
        lambda: LBFGS().start(np.zeros(2), lambda x: (0.0, np.array([0, np.inf]))), SettingError, "1 of the 2 entries",
    ),
    "only a value": (lambda: LBFGS().start(np.zeros(2), lambda x: 1.0), ShapeError, r"\(value, gradient\).*float"),
    "a value for each entry": (lambda: LBFGS().start(np.zeros(2), lambda x: (x, x)), ShapeError, "a number and an"),
    "a gradient of words": (lambda: LBFGS().start(np.zeros(2), lambda x: (1, ["a"])), ShapeError, "of numbers"),
    "another shape": (lambda: LBFGS().step(FINE, lambda x: (1, x[:1])), ShapeError, r"\(2,\), but has \(1,\)"),
    "no state": (lambda: LBFGS().step(None, rosenbrock), SettingError, "LBFGS.start.*NoneType"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "message"), BAD.values(), ids=list(BAD))
def test_bad_input_is_told_in_a_sentence(call, kind, message) -> None:
    with pytest.raises(MinitorchVizError, match=message) as caught:
        call()
    assert isinstance(caught.value, kind)
    assert str(caught.value).endswith(".")
