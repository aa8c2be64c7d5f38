"""Excitation backprop: against the definition on explicit matrices, and the sum of the chances."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Net, load_model
from minitorch_viz.layers import (
    BatchNorm2d,
    Conv2d,
    Embedding,
    GlobalAvgPool2d,
    Kind,
    Linear,
    MaxUnpool2d,
    MultiheadAttention,
    Softmax,
    all_layers,
)
from minitorch_viz.models.fold import fold_batch_norms
from minitorch_viz.models.samples import sample_digit
from minitorch_viz.rules import excitation_rules, inhibit
from tests.layers.layer_cases import CASES
from tests.map_nets import MAP_NETS
from tests.rules.share_nets import share_net, winning_probabilities

NETS = pytest.mark.parametrize("name", MAP_NETS)


def one_unit(y: np.ndarray) -> np.ndarray:
    """1 at the strongest unit of one image, 0 elsewhere."""
    seed = np.zeros_like(y)
    seed.flat[y.argmax()] = 1
    return seed


@NETS
def test_it_is_the_definition_on_explicit_matrices(name, rng) -> None:
    net, x, top = share_net(name, rng)
    tape = net.forward(x, upto=top)
    seed = {top: one_unit(tape[top])}
    nodes = [node for node in net.names if node in tape]
    ours = net.backward(tape, seed, wrt=nodes, rules=excitation_rules(net, tape), crop=False)
    folded = fold_batch_norms(net)  # the definition knows no batch normalization
    plain = folded.forward(x, upto=top)
    expected = winning_probabilities(folded, plain, seed)
    for node, p in expected.items():
        here = "bn1" if node == "conv1" and "bn1" in net else node
        np.testing.assert_allclose(ours[here].ravel(), p, atol=1e-12, err_msg=node)
    assert ours["input"].any()


@pytest.mark.parametrize(("name", "signs"), [("fires", "any"), *((name, "positive") for name in MAP_NETS)])
def test_the_chances_add_up_to_one_at_the_input(name, signs, rng) -> None:
    """Without biases, and where no signal is negative, who fires was excited by somebody: nothing stops on the way."""
    net, x, top = share_net(name, rng, bias=False)
    if signs == "positive":
        net = net.with_params({key: np.abs(value) for key, value in net.params.items()})
    if name == "residual":
        net = net.with_layers({"bn1": net["bn1"].layer.replace(bias=None, running_mean=np.zeros(4))})
    tape = net.forward(x, upto=top)
    p = net.backward(tape, {top: one_unit(tape[top])}, rules=excitation_rules(net, tape), crop=False)["input"]
    assert p.min() >= 0
    assert p.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("digit", [3, 5, 8])
def test_the_bundled_nets_chances_add_up(digit) -> None:
    """In a chain every node is a cut: all sums are 1, the pixels' too, where light and darkness excite."""
    model = load_model("digits").astype(np.float64)
    x = model.preprocess(sample_digit(digit))
    tape = model.net.forward(x)
    black, white = (float(model.preprocess(np.full((8, 8, 3), level, np.uint8)).mean()) for level in (0, 255))
    seed = one_unit(tape["logits"])
    nodes = [node for node in model.net.names if node != "prob"]
    rules = excitation_rules(model.net, tape, box=(black, white))
    p = model.net.backward(tape, {"logits": seed}, wrt=nodes, rules=rules, crop=False)
    for name in nodes:
        assert p[name].sum() == pytest.approx(1, abs=1e-6), name


def check_sums(model, image) -> None:
    """At every node that all ways pass, and at the pixels."""
    model = model.astype(np.float64)
    net, tape = model.net, model.net.forward(model.preprocess(image))
    blank = np.zeros((*model.preprocessing.size, 3), np.uint8)
    rules = excitation_rules(net, tape, box=(model.preprocess(blank)[0], model.preprocess(blank + 255)[0]))
    cuts = [node.name for node in net.nodes if is_cut(net, node.name) and node.name in tape and node.name != "prob"]
    p = net.backward(tape, {model.logits: one_unit(tape[model.logits])}, wrt=[*cuts, "input"], rules=rules, crop=False)
    sums = {name: float(p[name].sum()) for name in p}
    for name, total in sums.items():
        assert total == pytest.approx(1, abs=1e-6), (name, sums)


def is_cut(net: Net, name: str) -> bool:
    """Whether every way from the net's end to its input passes this node."""
    names = [node.name for node in net.nodes]
    place = names.index(name)
    return all(
        source == name or (source in names and names.index(source) > place)
        for node in net.nodes[place + 1 :]
        for source in node.inputs
    )


@pytest.mark.parametrize("photo", ["cat_dog", "elephant_zebra"])
@pytest.mark.parametrize(("name", "file"), [("squeezenet1_1", "squeezenet1_1"), ("googlenet", "googlenet_bvlc")])
def test_the_chances_add_up_in_pretrained_nets(shared_data, name, file, photo) -> None:
    model = load_model(name, weights=shared_data / "weights" / f"{file}.safetensors")
    check_sums(model, shared_data / "photos" / f"{photo}.jpg")


@NETS
def test_many_seeds_share_one_tape(name, rng) -> None:
    net, x, top = share_net(name, rng)
    tape = net.forward(x, upto=top)
    flat = np.eye(tape[top].size)[: min(3, tape[top].size)].reshape(-1, *tape[top].shape[1:])
    rules = excitation_rules(net, tape)
    together = net.backward(tape, {top: flat}, rules=rules, crop=False)["input"]
    for one, seed in zip(together, flat, strict=True):
        alone = net.backward(tape, {top: seed[None]}, rules=rules, crop=False)["input"]
        np.testing.assert_allclose(alone[0], one, atol=1e-14)


def test_images_of_a_batch_do_not_mix(rng) -> None:
    net, x, top = share_net("fires", rng)
    xs = np.concatenate([x, x[:, :, ::-1]])
    tape = net.forward(xs, upto=top)
    seed = np.ones_like(tape[top])
    both = net.backward(tape, {top: seed}, rules=excitation_rules(net, tape), crop=False)["input"]
    for image, got in zip(xs, both, strict=True):
        one = net.forward(image[None], upto=top)
        alone = net.backward(one, {top: seed[:1]}, rules=excitation_rules(net, one), crop=False)["input"]
        np.testing.assert_allclose(got, alone[0], atol=1e-12)


def test_a_unit_that_nothing_excites_hands_nothing_on() -> None:
    net = Net([("fc", Linear(np.array([[-1.0, -2.0], [1.0, 0.0]]), np.array([9.0, 0.0])))])
    tape = net.forward(np.array([[1.0, 1.0]]))
    p = net.backward(tape, {"fc": np.array([[1.0, 0.0]])}, rules=excitation_rules(net, tape), crop=False)["input"]
    np.testing.assert_array_equal(p, [[0.0, 0.0]])


def test_inhibit_is_excite_with_negated_weights(rng) -> None:
    conv = Conv2d(rng.standard_normal((3, 2, 3, 3)), rng.standard_normal(3), padding=1)
    nets = Net([("conv", conv)]), Net([("conv", conv.replace(weight=-conv.weight))])
    x = np.abs(rng.standard_normal((1, 2, 5, 5)))
    seed = {"conv": np.abs(rng.standard_normal((1, 3, 5, 5)))}
    tapes = [net.forward(x) for net in nets]
    ours = nets[0].backward(tapes[0], seed, rules={"conv": inhibit})["input"]
    named = nets[0].backward(tapes[0], seed, rules=excitation_rules(nets[0], tapes[0], against="conv"))["input"]
    theirs = nets[1].backward(tapes[1], seed, rules=excitation_rules(nets[1], tapes[1]))["input"]
    np.testing.assert_allclose(ours, theirs, atol=1e-14)
    np.testing.assert_array_equal(ours, named)


def test_the_plain_gradient_is_bit_identical_afterwards(rng) -> None:
    net, x, top = share_net("fires", rng)
    tape = net.forward(x, upto=top)
    seed = {top: one_unit(tape[top])}
    before = net.backward(tape, seed)["input"]
    net.backward(tape, seed, rules=excitation_rules(net, tape), crop=False)
    np.testing.assert_array_equal(net.backward(tape, seed)["input"], before)


@pytest.mark.parametrize("name", [name for name in CASES if not name.endswith("-training")])
def test_every_layer_conserves_or_says_why_not(name, rng) -> None:
    """All layers on their examples with nonnegative inputs: the chances of units that fire are handed on whole."""
    layer, inputs, _ = CASES[name]
    names = [f"x{i}" for i in range(len(inputs))]
    xs = {key: np.abs(x) for key, x in zip(names, inputs, strict=True)}
    net = Net([("layer", layer, names)], names)
    tape = net.forward(xs)
    if len(layer.params) and isinstance(layer, BatchNorm2d):
        pass  # alone it passes on
    elif layer.params:
        bias = dict.fromkeys(
            key for key in layer.params if key.endswith("bias")
        )  # who fires by his bias alone was excited by nobody
        layer = layer.replace(**{key: np.abs(value) for key, value in layer.params.items()} | bias)
        net = Net([("layer", layer, names)], names)
        tape = net.forward(xs)
    p = np.where(tape["layer"] > 0, rng.random(tape["layer"].shape), 0)
    run = lambda: net.backward(tape, {"layer": p}, rules=excitation_rules(net, tape), crop=False)
    if layer.kind is Kind.OPAQUE and not isinstance(layer, MultiheadAttention):  # Softmax, LSTM, ...
        with pytest.raises(ValueError, match=r"^Shares cannot be carried back through \w+: .*\.$"):
            run()
        return
    handed = sum(float(part.sum()) for part in run().values())
    assert handed == pytest.approx(p.sum(), abs=1e-9)


def test_the_list_of_layers_is_complete() -> None:
    """A new layer needs a rule, or a sentence that says that it has none: nobody else's gradient stands in for it."""
    from minitorch_viz.rules.shares import COMMON

    linear = {cls for cls in all_layers() if cls.kind in (Kind.WEIGHS, Kind.SUMS)}
    known = {*COMMON, *linear, BatchNorm2d}
    by_kind = {kind for kind in COMMON if isinstance(kind, Kind)} | {Kind.GATES, Kind.OPAQUE}  # opaque: a sentence
    assert {cls for cls in all_layers() if cls.kind not in by_kind} <= known
    assert MaxUnpool2d.kind is Kind.SUMS


def two_layers(*nodes) -> Net:
    return Net([("conv", Conv2d(np.ones((2, 1, 3, 3)), padding=1)), *nodes])


def run_pass(net: Net, x: np.ndarray, crop: bool = False, **settings) -> None:
    training = settings.pop("rng", None)
    tape = net.forward(x, rng=training)
    rules = excitation_rules(net, tape, **settings)
    net.backward(tape, {net.output: one_unit(tape[net.output])}, rules=rules, crop=crop)


X = np.ones((1, 1, 6, 6))
NORM = BatchNorm2d(None, None, np.zeros(2), np.ones(2))
BAD = {
    "through a softmax": (lambda: run_pass(two_layers(("p", Softmax())), X), "Softmax: a probability"),
    "a net that knows no such node": (lambda: run_pass(two_layers(), X, against="fc"), "no node 'fc'"),
    "the tape of another net": (
        lambda: excitation_rules(two_layers(), Net([("a", GlobalAvgPool2d())], ("photo",)).forward(X)),
        "no value for 'input'",
    ),
    "words": (
        lambda: run_pass(Net([("words", Embedding(np.ones((3, 2))))]), np.zeros((1, 2), int)),
        "wrt=",
    ),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=list(BAD))
def test_bad_input_is_told_in_a_sentence(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_a_mean_sees_whole_maps(rng) -> None:
    """Its rule knows the inputs of its tape, so it is never asked about a part of a map."""
    from minitorch_viz.layers import AvgPool2d

    net = two_layers(("mean", AvgPool2d(3, 1, 1)))
    tape = net.forward(np.abs(rng.standard_normal((1, 1, 12, 12))))
    seed, rules = {"mean": one_unit(tape["mean"])}, excitation_rules(net, tape)
    expected = winning_probabilities(net, tape, seed)["input"]
    np.testing.assert_allclose(net.backward(tape, seed, rules=rules)["input"].ravel(), expected, rtol=1e-12, atol=0)
    other = net.forward(np.ones((1, 1, 11, 12)))
    with pytest.raises(ValueError, match="go back over the tape that the rules were made for"):
        net.backward(other, {"mean": one_unit(other["mean"])}, rules=rules)
