"""Every definition: parameter counts as published, names that exist, a folder that is the registry."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

import minitorch_viz.models as models
from minitorch_viz.errors import WeightsFileError
from minitorch_viz.layers import Dropout
from minitorch_viz.models import Params, Preprocessing, get_spec, specs
from minitorch_viz.models.fold import fold_batch_norms
from minitorch_viz.models.squeezenet1_1 import from_caffe, squeezenet1_1
from minitorch_viz.models.vgg19_decoder import vgg19_decoder

PUBLISHED = {
    "alexnet": 61_100_840,
    "vgg16": 138_357_544,
    "vgg19": 143_667_240,
    "resnet18": 11_689_512,
    "resnet50": 25_557_032,
    "resnet34": 21_797_672,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "resnext50_32x4d": 25_028_904,
    "mobilenet_v2": 3_504_872,
    "mobilenet_v3_small": 2_542_856,
    "mobilenet_v3_large": 5_483_032,
    "efficientnet_b0": 5_288_548,
    "densenet121": 7_978_856,
    "inception_v3": 23_834_568,  # without the auxiliary classifier
    "convnext_tiny": 28_589_128,
    "vit_b_16": 86_567_656,
    "squeezenet1_1": 1_235_496,
    "googlenet": 6_998_552,
    "tinyvgg": 19_920,
    "vgg19_conv3_1": 555_328,
}
ALL = pytest.mark.parametrize("name", sorted(specs()))


def test_all_published_nets_are_there() -> None:
    assert set(PUBLISHED) <= set(specs())


@ALL
def test_parameter_counts(name: str) -> None:
    net = get_spec(name).build(seed=None)
    count = sum(value.size for value in net.params.values())
    assert count == PUBLISHED.get(name, count) == get_spec(name).parameters


@ALL
def test_what_the_spec_says_fits_the_net(name: str) -> None:
    spec = get_spec(name)
    net = spec.build(seed=None)
    for node in (spec.logits, spec.head, spec.first_conv, spec.last_conv):
        assert not node or node in net
    if spec.first_conv:
        assert net[spec.first_conv].inputs == net.inputs[:1]
        assert net[spec.first_conv].layer.params["weight"].shape[1] == spec.preprocessing.channels
    if spec.logits:
        assert net.output == "prob"
        assert net["prob"].inputs == (spec.logits,)
        assert net[spec.head].layer.params["weight"].shape[0] == spec.class_count
        assert spec.build(seed=None, classes=7)[spec.head].layer.params["weight"].shape[0] == 7
    assert spec.paper
    assert spec.licence
    if spec.url:
        if "pytorch.org" in spec.url:  # torchvision writes the first eight digits into the name, and checks no more
            assert re.fullmatch("sha256:[0-9a-f]{8}([0-9a-f]{56})?", spec.digest)
            assert spec.url.endswith(f"-{spec.digest[7:15]}.pth")
        else:
            assert re.fullmatch("sha256:[0-9a-f]{64}|sha1:[0-9a-f]{40}", spec.digest)
        assert spec.official_file in spec.file_names


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow) if spec.parameters > 1e7 else n for n, spec in sorted(specs().items())],
)
def test_a_net_without_weights_runs_and_is_repeatable(name: str) -> None:
    if get_spec(name).parameters > 3e7:
        pytest.skip("hundreds of megabytes of random numbers")
    spec = get_spec(name)
    nets = [spec.build(seed=3) for _ in range(2)]
    readers = {nets[0].inputs[0]: spec.reader, **spec.further}
    x = {key: reader.blank() for key, reader in readers.items()}
    if isinstance(spec.reader, Preprocessing):
        size = (48, 64) if spec.reader.resize == "keep" else spec.reader.size
        x[nets[0].inputs[0]] = np.random.default_rng(0).standard_normal((1, spec.reader.channels, *size), np.float32)
    outputs = [net.predict(x) for net in nets]
    np.testing.assert_array_equal(*outputs)
    assert outputs[0].dtype == np.float32
    assert 0 < np.abs(outputs[0]).max() < 1e3  # He's initialization keeps the signal's size
    first = next(iter(nets[0].params))
    assert not np.array_equal(spec.build(seed=4).params[first], nets[0].params[first])


def test_a_file_is_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new file in the folder, and nothing else, is a new model."""
    (tmp_path / "mine_for_a_test.py").write_text(
        "import dataclasses\n"
        "from minitorch_viz.models.tinyvgg import SPEC as TINY\n"
        "SPEC = dataclasses.replace(TINY, name='mine')\n"
    )
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path)])
    specs.cache_clear()
    try:
        assert specs()["mine"].parameters == 19_920
        assert dataclasses.replace(specs()["mine"], name="tinyvgg") == specs()["tinyvgg"]
    finally:
        specs.cache_clear()


def test_dropout_is_there_and_sleeps_without_rng() -> None:
    net = squeezenet1_1(classes=5)
    assert isinstance(net["classifier.0"].layer, Dropout)
    x = np.random.default_rng(0).standard_normal((1, 3, 63, 63)).astype(np.float32)
    tape = net.forward(x)
    assert tape["classifier.0"] is tape["features.12"]
    assert not np.array_equal(net.forward(x, rng=np.random.default_rng(0))["logits"], tape["logits"])


def test_a_state_builds_the_net_and_misfits_are_named() -> None:
    state = get_spec("tinyvgg").build(seed=1).state
    net = get_spec("tinyvgg").build(state)
    assert net["conv_2_1"].layer.params["weight"] is state["conv_2_1.weight"]
    with pytest.raises(WeightsFileError, match=r"needs an array 'conv_2_1\.bias'.*near names: conv_\d_\d\.bias"):
        get_spec("tinyvgg").build({name: value for name, value in state.items() if name != "conv_2_1.bias"})
    with pytest.raises(WeightsFileError, match=r"'output\.weight' with shape \(4, 1690\).*has \(10, 1690\)"):
        get_spec("tinyvgg").build(state, classes=4)


def test_zeros_for_counting_take_no_memory() -> None:
    weight = get_spec("vgg19").build(seed=None)["classifier.0"].layer.params["weight"]
    assert weight.nbytes > 4e8
    assert weight.strides == (0, 0)


def test_folding_keeps_what_the_net_computes() -> None:
    rng = np.random.default_rng(0)
    net = get_spec("resnet18").build(seed=0)
    stats = {name: rng.uniform(0.5, 2, value.shape) for name, value in net.state.items() if "bn" in name}
    net = net.astype(np.float64).with_params(stats)
    folded = fold_batch_norms(net)
    x = rng.standard_normal((1, 3, 65, 65))
    expected, found = net.predict(x, upto="fc"), folded.predict(x, upto="fc")
    assert np.abs(found - expected).max() < 1e-10 * np.abs(expected).max()
    assert not [node.name for node in folded.nodes if "bn" in node.name or "downsample.1" in node.name]
    assert get_spec("resnet18").build(seed=None, fold=True).names == folded.names


def test_caffe_names_of_squeezenet() -> None:
    caffe = [f"fire{i}/{part}.weight" for i in range(2, 10) for part in ("squeeze1x1", "expand1x1", "expand3x3")]
    caffe += ["conv1.weight", "conv1.bias", "conv10.weight"]
    ours = squeezenet1_1(seed=None).state
    assert {from_caffe(name) for name in caffe} <= set(ours)
    assert from_caffe("fire9/expand3x3.bias") == "features.12.expand3x3.bias"


@pytest.mark.parametrize("layer", ["relu1_1", "relu2_1", "relu3_1"])
@pytest.mark.parametrize("size", [(12, 20), (13, 18)])
def test_a_decoder_undoes_the_encoders_sizes(layer: str, size: tuple[int, int]) -> None:
    x = np.random.default_rng(0).standard_normal((1, 3, *size)).astype(np.float32)
    maps = get_spec("vgg19_conv3_1").build().predict(x, upto=layer)
    picture = vgg19_decoder(layer).predict(maps)
    step = {"relu1_1": 1, "relu2_1": 2, "relu3_1": 4}[layer]
    assert picture.shape == (1, 3, *(-(-side // step) * step for side in size))


def test_params_shows_what_it_makes() -> None:
    name, layer = Params(None, seed=None).linear("fc", 6, 2)
    assert (name, repr(layer)) == ("fc", "Linear(weight (2, 6), bias (2,))")
