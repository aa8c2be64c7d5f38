"""What holds between the three ways back through the ReLUs, on every net: per node, and for whole passes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from minitorch_viz import Net, relu_mode
from minitorch_viz.graph import Tape
from minitorch_viz.layers import LocalResponseNorm, ReLU
from minitorch_viz.models.samples import sample_digit
from minitorch_viz.objectives import Unit
from minitorch_viz.techniques.gradients._compare_gates import FATES, gate_shares
from tests.map_nets import MAP_NETS

MODES = ("normal", "deconvnet", "guided")
Built = tuple[Net, Tape, dict[str, np.ndarray]]  # a net, a forward pass, and seeds


def on_digits(request) -> Built:
    digits = request.getfixturevalue("digits")
    tape = digits.net.forward(digits.preprocess(sample_digit()))
    return digits.net, tape, {"logits": np.eye(10, dtype=np.float32)}


def on_map_net(name: str) -> Callable[..., Built]:
    def build(request) -> Built:
        rng = request.getfixturevalue("rng")
        net = MAP_NETS[name].build(rng)
        tape = net.forward(rng.standard_normal((1, 2, *MAP_NETS[name].size)))
        return net, tape, {net.output: rng.standard_normal((3, *tape[net.output].shape[1:]))}

    return build


def on_googlenet(request) -> Built:
    """A crop of a photo, up to the middle of the net."""
    from minitorch_viz import load_model

    shared_data = request.getfixturevalue("shared_data")
    model = load_model("googlenet", weights=shared_data / "weights" / "googlenet_bvlc.safetensors")
    crop = model.preprocess(shared_data / "photos" / "cat_dog.jpg")[:, :, 40:136, 60:156]
    tape = model.net.forward(crop, upto="inception_4a/output")
    seed = np.random.default_rng(0).standard_normal(tape["inception_4a/output"].shape).astype(np.float32)
    return model.net, tape, {"inception_4a/output": seed}


NETS = {"digits": on_digits, **{name: on_map_net(name) for name in MAP_NETS}, "googlenet": on_googlenet}
every = pytest.mark.parametrize("build", NETS.values(), ids=list(NETS))


def gates(net: Net, tape: Tape) -> list[tuple[str, str]]:
    """(ReLU, the name it reads) where no one else reads that, so that the signal there is this ReLU's alone."""
    readers = [name for node in net.nodes for name in node.inputs]
    relus = [node for node in net.nodes if isinstance(node.layer, ReLU) and node.name in tape]
    return [(node.name, node.inputs[0]) for node in relus if readers.count(node.inputs[0]) == 1]


@every
def test_each_mode_closes_its_gates_and_no_other(request, build) -> None:
    """At each ReLU of each pass: guided is zero wherever normal's gate or deconvnet's gate closes, and only there."""
    net, tape, seeds = build(request)
    pairs = gates(net, tape)
    assert pairs
    for mode in MODES:
        for relu, source in pairs:
            found = net.backward(tape, seeds, wrt=(relu, source), rules=relu_mode(mode))
            came, went, on = found[relu], found[source], tape[source] > 0
            normal, deconvnet = np.broadcast_to(on, came.shape), came > 0
            opened = {"normal": normal, "deconvnet": deconvnet, "guided": normal & deconvnet}[mode]
            np.testing.assert_array_equal(went, np.where(opened, came, 0))
            assert came.any(), (mode, relu)


@every
def test_the_modes_differ(request, build) -> None:
    """Deconvnet and guided are one where each ReLU is read by a max pooling alone: its winners have fired."""
    net, tape, seeds = build(request)
    a, b, c = (net.backward(tape, seeds, rules=relu_mode(mode))["input"] for mode in MODES)
    alike = build in (NETS["plain"], NETS["fires"], NETS["decoder"])
    for one, other in ((a, b), (a, c), *([] if alike else [(b, c)])):
        assert np.abs(one - other).max() > 1e-3 * np.abs(one).max()


@every
def test_with_positive_signals_guided_is_the_gradient(request, build) -> None:
    """All weights and seeds positive: no signal is negative, and the two rules do the same.

    To rounding: a fast convolution's sum of nothing may be -1e-7, which guided backpropagation leaves out.

    From the last ReLU down, without the layers whose derivative is negative somewhere whatever the weights are.
    """
    net, tape, seeds = build(request)
    net = net.with_params({key: np.abs(value) for key, value in net.params.items()})
    x = np.abs(tape["input"])
    (node,) = seeds
    relu = [name for name, _ in gates(net, tape)][-1]
    tape = net.forward(x, upto=node)
    below = net.names[: net.names.index(relu)]
    mixing = [one.name for one in net.nodes if isinstance(one.layer, LocalResponseNorm) and one.name in below]
    wrt = mixing[-1] if mixing else "input"
    positive = {relu: np.abs(np.random.default_rng(3).standard_normal(tape[relu].shape)).astype(x.dtype)}
    passes = [net.backward(tape, positive, wrt=wrt, rules=relu_mode(mode))[wrt] for mode in ("normal", "guided")]
    assert passes[0].any()
    np.testing.assert_allclose(*passes, rtol=0, atol=100 * np.finfo(x.dtype).eps * passes[0].max())


@every
def test_a_pass_leaves_the_plain_gradient_as_it_was(request, build) -> None:
    net, tape, seeds = build(request)
    before = net.backward(tape, seeds)["input"]
    for mode in MODES:
        net.backward(tape, seeds, rules=relu_mode(mode))
    np.testing.assert_array_equal(net.backward(tape, seeds)["input"], before)


@every
def test_the_shares_of_the_gates_are_what_the_passes_do(request, build) -> None:
    """Counted anew from the signals before and behind each ReLU; every row adds up to 1."""
    net, tape, seeds = build(request)
    (node,) = seeds
    values = tape[node][0]
    unit = Unit(node, tuple(int(i) for i in np.unravel_index(values.argmax(), values.shape)))
    names, shares = gate_shares(net, tape, unit)
    assert set(shares) == set(MODES)
    for mode in MODES:
        assert shares[mode].shape == (len(names), len(FATES))
        np.testing.assert_allclose(shares[mode].sum(axis=1), 1)
        for relu, source in gates(net, tape):
            if relu not in names:
                continue
            found = net.backward(tape, unit.seeds(tape), wrt=(relu, source), rules=relu_mode(mode), crop=False)
            came, went = found[relu], found[source]
            nothing, passed, forward, backward, both = shares[mode][names.index(relu)]
            assert nothing == pytest.approx((came == 0).mean())
            assert passed == pytest.approx((went != 0).mean())
            assert forward + both == (
                0 if mode == "deconvnet" else pytest.approx(((came != 0) & (tape[source] <= 0)).mean())
            )
            assert backward + both == (0 if mode == "normal" else pytest.approx((came < 0).mean()))
