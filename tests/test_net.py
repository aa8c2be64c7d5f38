"""Net and Tape: graphs, gradients against finite differences and the explicit Jacobian, seeds, patches, errors."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import minitorch_viz_kernels as kernels
from minitorch_viz import Net, relu_mode
from minitorch_viz.errors import NetError, SettingError, ShapeError
from minitorch_viz.layers import LSTM, Add, Concat, Conv2d, Dropout, Flatten, Linear, MaxPool2d, ReLU, Sigmoid


def small_net(rng: np.random.Generator) -> Net:
    """A fork, a concat, a residual add and a classifier, in float64."""
    conv = lambda o, c, k, **s: Conv2d(rng.standard_normal((o, c, k, k)), rng.standard_normal(o), **s)
    return Net(
        [
            ("conv1", conv(4, 2, 3, padding=1)),
            ("relu1", ReLU()),
            ("left", conv(3, 4, 1)),
            ("right", conv(3, 4, 3, padding=1), ("relu1",)),
            ("join", Concat(), ("left", "right")),
            ("relu2", ReLU()),
            ("conv3", conv(6, 6, 3, padding=1)),
            ("sum", Add(), ("relu2", "conv3")),
            ("relu3", ReLU()),
            ("pool", MaxPool2d(2)),
            ("flat", Flatten()),
            ("fc", Linear(rng.standard_normal((5, 24)), rng.standard_normal(5))),
        ]
    )


@pytest.fixture
def net(rng: np.random.Generator) -> Net:
    return small_net(rng)


@pytest.fixture
def x(rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal((1, 2, 4, 5))


def numeric_gradient(f, x: np.ndarray, h: float = 1e-6) -> np.ndarray:
    """df/dx of a scalar function, entry by entry, by central differences."""
    grad = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[i] = h
        grad[i] = (f(x + step) - f(x - step)) / (2 * h)
    return grad


def test_input_gradient_is_the_derivative(net: Net, x: np.ndarray, rng: np.random.Generator) -> None:
    seed = rng.standard_normal((1, 5))
    dx = net.backward(net.forward(x), {"fc": seed})["input"]
    expected = numeric_gradient(lambda z: float((net.predict(z) * seed).sum()), x)
    np.testing.assert_allclose(dx, expected, rtol=1e-6, atol=1e-7 * np.abs(expected).max())


def test_parameter_gradients_are_derivatives(net: Net, rng: np.random.Generator) -> None:
    images, seed = rng.standard_normal((3, 2, 4, 5)), rng.standard_normal((3, 5))
    grads = net.param_grads(net.forward(images), {"fc": seed})
    assert grads.keys() == net.params.keys()
    for name, grad in grads.items():
        value = lambda w, name=name: float((net.with_params({name: w}).predict(images) * seed).sum())
        expected = numeric_gradient(value, net.params[name])
        np.testing.assert_allclose(grad, expected, rtol=1e-6, atol=1e-7 * np.abs(expected).max(), err_msg=name)


def test_k_seeds_share_one_tape(net: Net, x: np.ndarray) -> None:
    tape = net.forward(x)
    together = net.backward(tape, {"fc": np.eye(5)})["input"]
    assert together.shape == (5, 2, 4, 5)
    for k in range(5):
        alone = net.backward(tape, {"fc": np.eye(5)[k : k + 1]})["input"]
        np.testing.assert_allclose(together[k], alone[0], rtol=1e-12)


def test_k_seeds_parameter_gradients_add_up(net: Net, x: np.ndarray) -> None:
    tape = net.forward(x)
    together = net.param_grads(tape, {"fc": np.eye(5)})
    summed = net.param_grads(tape, {"fc": np.ones((1, 5))})
    for name, grad in together.items():
        np.testing.assert_allclose(grad, summed[name], rtol=1e-9, atol=1e-9, err_msg=name)


def lstms(rng: np.random.Generator) -> Net:
    nodes = [(name, LSTM.random(rng, 3, 3).astype(np.float64)) for name in ("a", "b", "c")]
    return Net(nodes)


def test_one_walk_through_time_serves_inputs_and_parameters(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, walks = lstms(rng), []
    plain = kernels.lstm_dz
    monkeypatch.setattr(kernels, "lstm_dz", lambda *call: walks.append(1) or plain(*call))
    tape, seed = net.forward(rng.standard_normal((2, 4, 3))), {"c": rng.standard_normal((2, 4, 3))}
    grads = net.param_grads(tape, seed)
    assert len(walks) == 3
    dys = {"c": seed["c"], **net.backward(tape, seed, wrt=("a", "b"))}
    for name, dy in dys.items():
        for param, grad in net[name].layer.param_grads(dy, tape.saved[name]).items():
            np.testing.assert_allclose(grads[f"{name}.{param}"], grad, rtol=1e-12)


def test_parameters_before_a_rule_get_what_it_lets_pass(rng: np.random.Generator) -> None:
    """And the rule's own layer gets its parameters' gradients of the signal that reached it."""
    net = lstms(rng)
    tape, seed = net.forward(rng.standard_normal((2, 4, 3))), {"c": rng.standard_normal((2, 4, 3))}
    plain = net.param_grads(tape, seed)
    for key in ("b", LSTM):
        ruled = net.param_grads(tape, seed, rules={key: lambda layer, dy, saved: 2 * layer.backward(dy, saved)})
        assert ruled.keys() == plain.keys()
        factors = {"a": 2, "b": 1, "c": 1} if key == "b" else {"a": 4, "b": 2, "c": 1}
        for name, grad in plain.items():
            np.testing.assert_allclose(ruled[name], factors[name[0]] * grad, rtol=1e-12, err_msg=name)


def test_seeds_at_several_nodes_add_up(net: Net, x: np.ndarray, rng: np.random.Generator) -> None:
    tape = net.forward(x)
    a, b = {"fc": rng.standard_normal((1, 5))}, {"relu1": rng.standard_normal(tape["relu1"].shape)}
    both = net.backward(tape, a | b)["input"]
    apart = net.backward(tape, a)["input"] + net.backward(tape, b)["input"]
    np.testing.assert_allclose(both, apart, rtol=1e-12, atol=1e-12)


def test_wrt_stops_there_and_chains(net: Net, x: np.ndarray) -> None:
    tape = net.forward(x)
    seed = {"fc": np.ones((1, 5))}
    found = net.backward(tape, seed, wrt=("join", "relu1"))
    assert list(found) == ["join", "relu1"]
    onwards = net.backward(tape, {"relu1": found["relu1"]})["input"]
    np.testing.assert_allclose(onwards, net.backward(tape, seed)["input"], rtol=1e-12, atol=1e-12)


def test_only_nodes_between_are_visited(net: Net, x: np.ndarray) -> None:
    visited = []

    def spy(layer, dy, saved):
        visited.append(layer)
        return layer.backward(dy, saved)

    net.backward(net.forward(x), {"relu3": np.ones((1, 6, 4, 5))}, wrt="join", rules={Conv2d: spy, ReLU: spy})
    assert visited == [net[name].layer for name in ("relu3", "conv3", "relu2")]


def test_given_patches_a_node(net: Net, x: np.ndarray) -> None:
    zeros = np.zeros((1, 3, 4, 5))
    tape = net.forward(x, given={"left": zeros})
    assert not tape["join"][:, :3].any()
    assert tape["join"][:, 3:].any()
    with pytest.raises(NetError, match="left"):  # a patched value does not depend on the input
        net.backward(tape, {"left": zeros})


def test_given_starts_in_the_middle(net: Net, x: np.ndarray) -> None:
    whole = net.forward(x)
    rest = net.forward(given={"relu2": whole["relu2"]})
    np.testing.assert_array_equal(rest["fc"], whole["fc"])
    assert "conv1" not in rest


def test_upto_leaves_out_the_rest(net: Net, x: np.ndarray) -> None:
    assert list(net.forward(x, upto="left").values) == ["input", "conv1", "relu1", "left"]


def test_predict_equals_forward_and_batches(net: Net, rng: np.random.Generator) -> None:
    images = rng.standard_normal((5, 2, 4, 5))
    expected = net.forward(images)["fc"]
    np.testing.assert_array_equal(net.predict(images), expected)
    np.testing.assert_allclose(net.predict(images, batch=2), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(net.predict(images, upto="join"), net.forward(images)["join"])
    assert net.predict(images[:0], batch=2).shape == (0, 5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_predict_takes_a_relu_along_only_where_nobody_else_reads(rng: np.random.Generator, dtype: type) -> None:
    net, x = small_net(rng).astype(dtype), rng.standard_normal((2, 2, 4, 5)).astype(dtype)
    tape = net.forward(x)
    for name in net.names[1:]:  # also the convolution itself, before its ReLU
        np.testing.assert_array_equal(net.predict(x, upto=name), tape[name])
    given = {"conv1": tape["conv1"] - 1}
    np.testing.assert_array_equal(net.predict(x, given=given), net.forward(x, given=given)[net.output])
    # Here the convolution is read twice, by the ReLU and by the join.
    forked = Net([("conv", net["conv1"].layer), ("relu", ReLU()), ("both", Concat(), ("conv", "relu"))])
    np.testing.assert_array_equal(forked.predict(x), forked.forward(x)["both"])
    with pytest.raises(ShapeError, match="At node 'conv'"):
        forked.predict(x[:, :1])


@pytest.mark.parametrize("mode", ["normal", "deconvnet", "guided"])
def test_a_fused_pass_gives_the_same_and_keeps_no_value_of_what_it_fused(
    net: Net, rng: np.random.Generator, mode: str
) -> None:
    x, seed = rng.standard_normal((2, 2, 4, 5)), rng.standard_normal((2, 5))
    plain, fused = net.forward(x), net.forward(x, fuse=True)
    assert fused.fused == {"conv1": "relu1"}  # left and right go to a Concat, conv3 to a sum
    for name in set(plain.values) - {"conv1"}:
        np.testing.assert_array_equal(fused[name], plain[name])
    rules, wrt = relu_mode(mode), ("input", "conv1", "relu2")
    for name, dx in net.backward(fused, {"fc": seed}, rules=rules, wrt=wrt).items():
        np.testing.assert_array_equal(dx, net.backward(plain, {"fc": seed}, rules=rules, wrt=wrt)[name])
    for name, grad in net.param_grads(fused, {"fc": seed}).items():
        np.testing.assert_array_equal(grad, net.param_grads(plain, {"fc": seed})[name])
    with pytest.raises(NetError, match="no value for 'conv1': with fuse=True only 'relu1' has one"):
        fused["conv1"]
    with pytest.raises(NetError, match="seeds names 'conv1'"):
        net.backward(fused, {"conv1": plain["conv1"]})
    np.testing.assert_array_equal(net.forward(x, upto=("relu1", "conv1"), fuse=True)["conv1"], plain["conv1"])


def test_a_fused_pass_of_one_unit_carries_boxes(net: Net, x: np.ndarray) -> None:
    plain, fused = net.forward(x), net.forward(x, fuse=True)
    seed = np.zeros_like(plain["relu1"])
    seed[0, 1, 2, 2] = 1
    np.testing.assert_array_equal(
        net.backward(fused, {"relu1": seed})["input"], net.backward(plain, {"relu1": seed})["input"]
    )


def test_two_inputs(rng: np.random.Generator) -> None:
    net = Net([("sum", Add(), ("a", "b")), ("relu", ReLU())], inputs=("a", "b"))
    a, b = rng.standard_normal((2, 1, 3))
    tape = net.forward({"a": a, "b": b})
    grads = net.backward(tape, {"relu": np.ones((1, 3))})
    np.testing.assert_array_equal(grads["a"], (a + b > 0).astype(float))
    np.testing.assert_array_equal(grads["b"], grads["a"])


def test_a_shared_layer_object_keeps_its_passes_apart(rng: np.random.Generator) -> None:
    """One ReLU object at two nodes: its gates must be those of each node (state on layers gets this wrong)."""
    relu = ReLU()
    w = [rng.standard_normal((3, 3)) for _ in range(2)]
    net = Net([("fc1", Linear(w[0])), ("relu1", relu), ("fc2", Linear(w[1])), ("relu2", relu)])
    x = rng.standard_normal((1, 3))
    tape = net.forward(x)
    on1, on2 = tape["fc1"][0] > 0, tape["fc2"][0] > 0
    jacobian = np.diag(on2) @ w[1] @ np.diag(on1) @ w[0]
    dx = net.backward(tape, {"relu2": np.eye(3)})["input"]
    np.testing.assert_allclose(dx, jacobian, rtol=1e-12, atol=1e-15)


# Each mode against its formula on an explicit stack of matrices: gates in the modes' own way.
def test_relu_modes_follow_their_formulas(rng: np.random.Generator) -> None:
    w = [rng.standard_normal((4, 4)) for _ in range(3)]
    net = Net([(f"{kind}{i}", layer) for i in range(3) for kind, layer in (("fc", Linear(w[i])), ("relu", ReLU()))])
    x = rng.standard_normal((1, 4))
    tape = net.forward(x)
    for k in range(4):
        r = {mode: np.eye(4)[k] for mode in ("normal", "deconvnet", "guided")}
        for i in (2, 1, 0):
            on = tape[f"fc{i}"][0] > 0
            r["normal"] = w[i].T @ (r["normal"] * on)
            r["deconvnet"] = w[i].T @ np.where(r["deconvnet"] > 0, r["deconvnet"], 0)
            r["guided"] = w[i].T @ np.where((r["guided"] > 0) & on, r["guided"], 0)
        for mode, expected in r.items():
            found = net.backward(tape, {"relu2": np.eye(4)[k : k + 1]}, rules=relu_mode(mode))["input"][0]
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15, err_msg=mode)


def test_modes_differ_and_every_relu_is_visited(net: Net, x: np.ndarray) -> None:
    tape = net.forward(x)
    seed = {"fc": np.ones((1, 5))}
    maps = {
        mode: net.backward(tape, seed, rules=relu_mode(mode))["input"] for mode in ("normal", "deconvnet", "guided")
    }
    assert not np.allclose(maps["normal"], maps["guided"])
    assert not np.allclose(maps["deconvnet"], maps["guided"])
    visited = []

    def spy(layer, dy, saved):
        visited.append(saved)
        return layer.backward(dy, saved)

    net.backward(tape, seed, rules={ReLU: spy})
    assert len(visited) == 3


def test_rules_leave_the_plain_gradient_alone(net: Net, x: np.ndarray) -> None:
    tape = net.forward(x)
    seed = {"fc": np.ones((1, 5))}
    before = net.backward(tape, seed)["input"]
    net.backward(tape, seed, rules=relu_mode("guided"))
    np.testing.assert_array_equal(net.backward(tape, seed)["input"], before)


def test_a_nodes_own_rule_comes_first(net: Net, x: np.ndarray) -> None:
    tape = net.forward(x)
    seen = []
    by_name = lambda layer, dy, saved: (seen.append("name"), layer.backward(dy, saved))[1]
    by_type = lambda layer, dy, saved: (seen.append("type"), layer.backward(dy, saved))[1]
    net.backward(tape, {"fc": np.ones((1, 5))}, rules={ReLU: by_type, "relu2": by_name})
    assert sorted(seen) == ["name", "type", "type"]


def test_float32_stays_float32(net: Net, x: np.ndarray) -> None:
    small = net.astype(np.float32)
    tape = small.forward(x.astype(np.float32))
    assert {value.dtype for value in tape.values.values()} == {np.dtype(np.float32)}
    assert small.backward(tape, {"fc": np.eye(5)})["input"].dtype == np.float32
    assert {grad.dtype for grad in small.param_grads(tape, {"fc": np.eye(5)}).values()} == {np.dtype(np.float32)}


def test_nothing_is_written_in_place(net: Net, x: np.ndarray) -> None:
    for array in (x, *net.state.values()):
        array.setflags(write=False)
    tape = net.forward(x)
    for value in tape.values.values():
        value.setflags(write=False)
    seed = np.ones((1, 5))
    seed.setflags(write=False)
    first = net.backward(tape, {"fc": seed})["input"]
    net.param_grads(tape, {"fc": seed})
    net.forward(x + 1)
    np.testing.assert_array_equal(net.backward(tape, {"fc": seed})["input"], first)


def test_threads_share_one_net(net: Net, rng: np.random.Generator) -> None:
    images = rng.standard_normal((16, 1, 2, 4, 5))

    def gradient(image: np.ndarray) -> np.ndarray:
        return net.backward(net.forward(image), {"fc": np.eye(5)})["input"]

    expected = [gradient(image) for image in images]
    with ThreadPoolExecutor(4) as pool:
        for found, right in zip(pool.map(gradient, list(images) * 8), expected * 8, strict=True):
            np.testing.assert_array_equal(found, right)


def test_rng_means_training() -> None:
    net = Net([("drop", Dropout(0.5)), ("relu", ReLU())])
    x = np.ones((1, 1000))
    np.testing.assert_array_equal(net.predict(x), x)
    first = net.forward(x, rng=np.random.default_rng(1))["relu"]
    assert 300 < (first == 0).sum() < 700
    np.testing.assert_array_equal(first, net.forward(x, rng=np.random.default_rng(1))["relu"])


def test_state_and_repr(net: Net) -> None:
    assert list(net.params)[:2] == ["conv1.weight", "conv1.bias"]
    doubled = net.with_params({"fc.bias": 2 * net.params["fc.bias"]})
    np.testing.assert_array_equal(doubled.params["fc.bias"], 2 * net.params["fc.bias"])
    assert doubled.params["conv1.weight"] is net.params["conv1.weight"]
    assert "join" in repr(net)
    assert "left, right" in repr(net)
    assert "conv1 (1, 4, 4, 5)" in repr(net.forward(np.zeros((1, 2, 4, 5))))


BAD_GRAPHS = {
    "empty": ([], "at least one node"),
    "no layer": ([("a",)], "Node 0 must be"),
    "not a tuple": (["relu"], "Node 0 must be"),
    "a class, not an object": ([("a", ReLU)], "'a' needs a layer"),
    "a function": ([("a", np.tanh)], "'a' needs a layer"),
    "no name": ([("", ReLU())], "non-empty string"),
    "a number as a name": ([(3, ReLU())], "non-empty string"),
    "a name twice": ([("a", ReLU()), ("a", ReLU())], "'a' is used twice"),
    "the input's name": ([("input", ReLU())], "'input' is used twice"),
    "reads what comes later": ([("a", ReLU(), "b"), ("b", ReLU())], "'a' reads from 'b'"),
    "reads itself": ([("a", ReLU(), "a")], "'a' reads from 'a'"),
    "a misspelt name": ([("relu1", ReLU()), ("b", ReLU(), "rellu1")], "near nodes: relu1"),
}


@pytest.mark.parametrize(("nodes", "message"), BAD_GRAPHS.values(), ids=list(BAD_GRAPHS))
def test_bad_graphs_name_the_node(nodes, message: str) -> None:
    with pytest.raises(NetError, match=message):
        Net(nodes)


BAD_CALLS = {
    "x is a list": (lambda net, x: net.forward([1.0]), ShapeError, "'input' needs an array"),
    "x is missing": (lambda net, x: net.forward(), NetError, "needs the input 'input'"),
    "x has no batch": (lambda net, x: net.forward(np.float64(1.0)), ShapeError, "batch axis"),
    "x has 3 axes": (lambda net, x: net.forward(x[0]), ShapeError, "At node 'conv1'.*N, C, H, W"),
    "wrong channels": (lambda net, x: net.forward(x[:, :1]), ShapeError, "At node 'conv1'.*2 input channels"),
    "integers": (lambda net, x: net.forward(x.astype(int)), ShapeError, "At node 'conv1'.*int64"),
    "unknown input": (lambda net, x: net.forward({"picture": x}), NetError, "no input 'picture'"),
    "unknown upto": (lambda net, x: net.forward(x, upto="relu9"), NetError, "upto names 'relu9'.*near nodes: relu"),
    "unknown given": (lambda net, x: net.forward(x, given={"lefty": x}), NetError, "given names 'lefty'.*left"),
    "no seeds": (lambda net, x: net.backward(net.forward(x), {}), NetError, "at least one entry"),
    "seeds is an array": (lambda net, x: net.backward(net.forward(x), np.ones(5)), NetError, "must be a dict"),
    "unknown seed": (lambda net, x: net.backward(net.forward(x), {"fd": x}), NetError, "seeds names 'fd'"),
    "seed is a number": (lambda net, x: net.backward(net.forward(x), {"fc": 1.0}), ShapeError, "'fc' must be an array"),
    "seed of another shape": (
        lambda net, x: net.backward(net.forward(x), {"fc": np.ones((1, 4))}),
        ShapeError,
        r"'fc' needs.*\(1, 5\).*\(1, 4\)",
    ),
    "two batches": (
        lambda net, x: net.backward(net.forward(x), {"fc": np.ones((2, 5)), "flat": np.ones((1, 24))}),
        ShapeError,
        "same batch",
    ),
    "seed past the tape": (
        lambda net, x: net.backward(net.forward(x, upto="join"), {"fc": np.ones((1, 5))}),
        NetError,
        "'fc', which this tape does not hold",
    ),
    "unknown wrt": (lambda net, x: net.backward(net.forward(x), {"fc": np.eye(5)}, wrt="conv9"), NetError, "wrt names"),
    "wrt behind the seed": (
        lambda net, x: net.backward(net.forward(x), {"left": np.ones((1, 3, 4, 5))}, wrt="fc"),
        NetError,
        "No path leads",
    ),
    "rule for a layer that is not one": (
        lambda net, x: net.backward(net.forward(x), {"fc": np.eye(5)}, rules={int: np.tanh}),
        NetError,
        "layer type or a node",
    ),
    "rule for an unknown node": (
        lambda net, x: net.backward(net.forward(x), {"fc": np.eye(5)}, rules={"relu7": np.tanh}),
        NetError,
        "rules names 'relu7'",
    ),
    "unknown parameter": (lambda net, x: net.with_params({"fc.wight": x}), NetError, "near parameters: fc.weight"),
    "parameter of another shape": (
        lambda net, x: net.with_params({"fc.weight": x}),
        ShapeError,
        r"fc.weight has shape",
    ),
    "unknown node": (lambda net, x: net["con1"], NetError, "near nodes: conv1"),
    "batch of zero": (
        lambda net, x: net.predict(x, batch=0),
        SettingError,
        "batch must be a whole number of at least 1",
    ),
    "unknown mode": (lambda net, x: relu_mode("guide"), SettingError, "near modes: guided"),
}


@pytest.mark.parametrize(("call", "kind", "message"), BAD_CALLS.values(), ids=list(BAD_CALLS))
def test_bad_calls_say_what_came(net: Net, x: np.ndarray, call, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call(net, x)


def test_sigmoid_between_is_no_relu(rng: np.random.Generator) -> None:
    """Guided rules touch ReLUs only."""
    net = Net([("fc", Linear(rng.standard_normal((3, 3)))), ("s", Sigmoid())])
    tape = net.forward(rng.standard_normal((1, 3)))
    plain = net.backward(tape, {"s": np.eye(3)})["input"]
    np.testing.assert_array_equal(net.backward(tape, {"s": np.eye(3)}, rules=relu_mode("guided"))["input"], plain)


@pytest.mark.parametrize(
    ("layer", "reads", "message"),
    [
        (ReLU(), ("input", "input"), r"reads 2 arrays \(input, input\), but ReLU takes 1"),
        (Conv2d(np.zeros((1, 1, 1, 1))), ("input", "input"), "but Conv2d takes 1"),
        (ReLU(), (), "reads 0 arrays"),
        (Add(), (), None),  # any number: Add itself tells
        (Add(), ("input",) * 5, None),
        (LSTM.random(np.random.default_rng(0), 2, 3), ("input",) * 4, "but LSTM takes 1 to 3"),
        (LSTM.random(np.random.default_rng(0), 2, 3), ("input",) * 3, None),
    ],
)
def test_a_node_reads_as_many_arrays_as_its_layer_takes(layer, reads: tuple[str, ...], message: str | None) -> None:
    if message is None:
        assert Net([("a", layer, reads)])["a"].inputs == reads
        return
    with pytest.raises(NetError, match=message):
        Net([("a", layer, reads)])
