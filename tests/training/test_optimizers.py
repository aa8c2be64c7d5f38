"""Every optimizer of the folder: PyTorch's steps, papers' formulas, purity, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.errors import MinitorchVizError, NetError, SettingError, ShapeError
from minitorch_viz.training import SGD, Adagrad, Adam, AdamW, NAdam, RMSProp, optimizers

ALL = [(name, i) for name, kind in optimizers().items() for i in range(len(kind.examples()))]


def params_and_grads(steps: int, seed: int = 0) -> tuple[dict[str, np.ndarray], list[dict[str, np.ndarray]]]:
    rng = np.random.default_rng(seed)
    params = {"w": rng.standard_normal((3, 4)), "b": rng.standard_normal(4)}
    return params, [{name: rng.standard_normal(p.shape) for name, p in params.items()} for _ in range(steps)]


def test_the_folder_is_the_registry() -> None:
    assert optimizers() == {
        "sgd": SGD, "adagrad": Adagrad, "rmsprop": RMSProp, "adam": Adam, "adamw": AdamW, "nadam": NAdam
    }  # fmt: skip
    assert all(kind.examples() and kind.__doc__ for kind in optimizers().values())


@pytest.fixture
def torch():
    """Let PyTorch count in float64: its NAdam keeps the product of the momenta in the default dtype."""
    module = pytest.importorskip("torch")
    before = module.get_default_dtype()
    module.set_default_dtype(module.float64)
    yield module
    module.set_default_dtype(before)


@pytest.mark.torch
@pytest.mark.parametrize(("name", "i"), ALL)
def test_twenty_steps_match_pytorchs(torch, name: str, i: int) -> None:
    optimizer = optimizers()[name].examples()[i]
    params, all_grads = params_and_grads(20)
    theirs = {key: torch.tensor(value, requires_grad=True) for key, value in params.items()}
    kind, settings = optimizer.in_pytorch()
    peer = getattr(torch.optim, kind)(list(theirs.values()), **settings)
    state = optimizer.start(params)
    for grads in all_grads:
        for key, value in theirs.items():
            value.grad = torch.tensor(grads[key])
        peer.step()
        params, state = optimizer.step(params, grads, state)
        for key, value in theirs.items():
            np.testing.assert_allclose(params[key], value.detach().numpy(), rtol=1e-12, atol=1e-12)
    assert state.steps == 20


@pytest.mark.parametrize(("name", "i"), ALL)
def test_a_step_changes_nothing_it_is_given_and_keeps_the_precision(name: str, i: int) -> None:
    optimizer = optimizers()[name].examples()[i]
    params, (grads,) = params_and_grads(1)
    for dtype in (np.float32, np.float64):
        p, g = ({key: v.astype(dtype) for key, v in x.items()} for x in (params, grads))
        state = optimizer.start(p)
        arrays = [*p.values(), *g.values(), *(a for kept in state[1:] for a in kept.values())]
        for array in arrays:
            array.flags.writeable = False
        new, after = optimizer.step(p, g, state, np.float64(0.1))
        again, _ = optimizer.step(p, g, state, 0.1)
        for key, value in new.items():
            assert value.dtype == dtype
            assert not np.array_equal(value, p[key])
            np.testing.assert_array_equal(value, again[key])
        assert all(a.dtype == dtype for kept in after[1:] for a in kept.values())
        assert (state.steps, after.steps) == (0, 1)


@pytest.mark.parametrize("name", optimizers())
def test_a_parameter_without_a_gradient_stays(name: str) -> None:
    optimizer = optimizers()[name].examples()[-1]
    params, (grads,) = params_and_grads(1)
    new, _ = optimizer.step(params, {"w": grads["w"]}, optimizer.start(params))
    assert new["b"] is params["b"]
    assert not np.array_equal(new["w"], params["w"])


@pytest.mark.parametrize("name", optimizers())
def test_rate_zero_moves_nothing(name: str) -> None:
    optimizer = optimizers()[name].examples()[-1]
    params, (grads,) = params_and_grads(1)
    new, _ = optimizer.step(params, grads, optimizer.start(params), rate=0)
    for key, value in params.items():
        np.testing.assert_array_equal(new[key], value)


def test_adams_first_step_is_the_rate_against_the_sign(rng) -> None:
    """Kingma and Ba 2015, section 2.1: without history the step is rate * g / |g|."""
    grads = {"w": rng.standard_normal(7)}
    adam = Adam(rate=0.01, epsilon=0)
    new, _ = adam.step({"w": np.zeros(7)}, grads, adam.start({"w": np.zeros(7)}))
    np.testing.assert_allclose(new["w"], -0.01 * np.sign(grads["w"]), rtol=1e-12)


def test_adamw_shrinks_all_weights_alike_and_adam_does_not() -> None:
    """Loshchilov and Hutter 2019: decay that is decoupled from the gradient's size."""
    params = {"w": np.array([1.0, 1.0])}
    grads = {"w": np.array([1e-3, 1e3])}
    moved = {}
    for decay in (0.0, 0.5):
        for kind in (Adam, AdamW):
            optimizer = kind(0.1, weight_decay=decay)
            moved[kind, decay] = optimizer.step(params, grads, optimizer.start(params))[0]["w"]
    np.testing.assert_allclose(moved[AdamW, 0.5], moved[AdamW, 0.0] - 0.1 * 0.5, rtol=1e-9)
    np.testing.assert_allclose(moved[Adam, 0.5], moved[Adam, 0.0], atol=1e-4)  # the first step is the sign either way


def test_adagrads_steps_along_a_constant_gradient_shrink_as_one_over_the_root(rng) -> None:
    """Duchi et al. 2011: after t equal gradients the sum of squares is t g^2, so that step t is rate / sqrt(t)."""
    adagrad = Adagrad(rate=0.1, epsilon=0)
    grads = {"w": rng.standard_normal(5)}
    params, state = {"w": np.zeros(5)}, adagrad.start({"w": np.zeros(5)})
    for t in range(1, 30):
        before = params["w"]
        params, state = adagrad.step(params, grads, state)
        np.testing.assert_allclose(params["w"] - before, -0.1 / np.sqrt(t) * np.sign(grads["w"]), rtol=1e-11)


def test_nadams_first_step_is_dozats(rng) -> None:
    """Dozat 2016, algorithm 8, by hand: without history the step is larger than Adam's by the look ahead."""
    grads = {"w": rng.standard_normal(7)}
    nadam = NAdam(rate=0.01, beta1=0.9, epsilon=0, momentum_decay=0)  # the momentum is 0.45 at every step
    new, _ = nadam.step({"w": np.zeros(7)}, grads, nadam.start({"w": np.zeros(7)}))
    ahead = (1 - 0.45) / (1 - 0.45) + 0.45 * (1 - 0.9) / (1 - 0.45**2)
    np.testing.assert_allclose(new["w"], -0.01 * ahead * np.sign(grads["w"]), rtol=1e-12)


def test_momentum_goes_ten_times_as_far() -> None:
    """A constant gradient: the velocity tends to g / (1 - momentum)."""
    sgd = SGD(1.0, momentum=0.9)
    params, state = {"w": np.zeros(1)}, sgd.start({"w": np.zeros(1)})
    for _ in range(200):
        before = params["w"]
        params, state = sgd.step(params, {"w": np.ones(1)}, state)
    np.testing.assert_allclose(before - params["w"], 10, rtol=1e-6)


P, (G,) = params_and_grads(1)
S = Adam().start(P)
W = {"w": P["w"]}
BAD = {
    "negative rate": (lambda: Adam(-1), SettingError, "rate.*at least 0.*-1"),
    "rate is a text": (lambda: SGD("fast"), SettingError, "rate.*'fast'"),
    "rate is nan": (lambda: RMSProp(float("nan")), SettingError, "finite.*nan"),
    "rate is True": (lambda: Adam(True), SettingError, "True"),
    "momentum above 1": (lambda: SGD(0.1, momentum=1.5), SettingError, "momentum.*at most 1.*1.5"),
    "nesterov without momentum": (lambda: SGD(0.1, nesterov=True), SettingError, "nesterov.*momentum is 0"),
    "nesterov is a number": (lambda: SGD(0.1, 0.9, nesterov=2), SettingError, "True or False, but got 2"),
    "beta1 of 1": (lambda: Adam(beta1=1), SettingError, "beta1 must be below 1"),
    "beta2 of 1": (lambda: AdamW(beta2=1.0), SettingError, "AdamW's beta2 must be below 1"),
    "NAdam's beta1 of 1": (lambda: NAdam(beta1=1), SettingError, "NAdam's beta1 must be below 1"),
    "negative sum at the start": (lambda: Adagrad(sum_at_start=-1), SettingError, "sum_at_start.*at least 0.*-1"),
    "decay of 1": (lambda: RMSProp(decay=1), SettingError, "decay must be below 1"),
    "negative weight decay": (lambda: AdamW(weight_decay=-0.1), SettingError, "weight_decay.*-0.1"),
    "negative epsilon": (lambda: Adam(epsilon=-1e-8), SettingError, "epsilon"),
    "start with nothing": (lambda: Adam().start({}), ShapeError, "at least one"),
    "start with a list": (lambda: SGD().start([1.0]), ShapeError, "a list"),
    "start with integers": (lambda: SGD().start({"w": np.arange(3)}), ShapeError, "floats.*int64"),
    "start with numbers": (lambda: SGD().start({"w": 1.0}), ShapeError, r"'w'.*1\.0"),
    "names are numbers": (lambda: SGD().start({0: P["w"]}), ShapeError, "texts.*0"),
    "gradient of no parameter": (lambda: Adam().step(P, {"ww": G["w"]}, S), NetError, "'ww'.*near.*w"),
    "gradient of another shape": (lambda: Adam().step(P, {"w": G["b"]}, S), ShapeError, r"\(3, 4\).*\(4,\)"),
    "gradient is a number": (lambda: Adam().step(P, {"w": 1.0}, S), ShapeError, r"\(3, 4\).*1\.0"),
    "grads is None": (lambda: Adam().step(P, None, S), ShapeError, "grads must be a dict.*None"),
    "state is None": (lambda: Adam().step(P, G, None), SettingError, "Adam.start.*None"),
    "another optimizer's state": (lambda: Adam().step(P, G, SGD().start(P)), SettingError, "Adam needs a state"),
    "state of other parameters": (lambda: SGD().step(P, G, SGD().start(W)), SettingError, "other parameters.*'b'"),
    "negative rate of a step": (lambda: Adam().step(P, G, S, rate=-1), SettingError, "-1"),
    "infinite rate of a step": (lambda: Adam().step(P, G, S, rate=np.inf), SettingError, "inf"),
    "rate of a step is a text": (lambda: AdamW().step(P, G, S, rate="1"), SettingError, "'1'"),
}


@pytest.mark.parametrize(("call", "kind", "message"), BAD.values(), ids=list(BAD))
def test_bad_input_is_told_in_a_sentence(call, kind, message) -> None:
    with pytest.raises(MinitorchVizError, match=message) as caught:
        call()
    assert isinstance(caught.value, kind)
    assert str(caught.value).endswith(".")
