"""Model.from_net: every slip ends in a sentence, or in a note where the net may be meant so."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Model, Net
from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.layers import Conv2d, Flatten, GlobalAvgPool2d, Linear, Softmax


def net(channels: int = 3, outputs: int = 2) -> Net:
    rng = np.random.default_rng(0)
    conv = Conv2d.random(rng, channels, 4, 3)
    head = Linear.random(rng, 4, outputs)
    return Net([("c", conv), ("g", GlobalAvgPool2d()), ("f", Flatten()), ("fc", head), ("p", Softmax())])


class Module:
    """As PyTorch's modules look from outside."""

    def state_dict(self) -> dict:
        return {}


NO_NETS = [
    (Module(), "got Module, a PyTorch module"),
    (None, "got NoneType"),
    ([("c", Flatten())], "got list"),
    ("resnet18", "got str"),
    (Flatten(), "got Flatten"),
    (Net, "got type"),
]


@pytest.mark.parametrize(("thing", "message"), NO_NETS, ids=[message for _, message in NO_NETS])
def test_what_is_no_net(thing, message: str) -> None:
    with pytest.raises(MinitorchVizError, match=message):
        Model.from_net(thing, 12)


def test_a_model_is_no_net_either() -> None:
    with pytest.raises(MinitorchVizError, match=r"got a Model, which is ready as it is; its net is \.net"):
        Model.from_net(Model.from_net(net(), 12), 12)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.torch
def test_a_torch_module_is_no_net() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(MinitorchVizError, match="got Sequential, a PyTorch module"):
        Model.from_net(torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3)), 12)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["cat", None], "class 1 is None"),
        ([3, 7], r"class 0 is 3 \(int\)"),
        (["cat", ""], "class 1 is ''"),
        (["cat", "  "], "class 1 is '  '"),
        ([b"cat", b"dog"], r"class 0 is b'cat' \(bytes\)"),
        ([["cat"], ["dog"]], r"class 0 is \['cat'\]"),
        ("ab", "got str 'ab'"),
        ({0: "cat", 1: "dog"}, r"list\(names\.values\(\)\)"),
        ({"cat", "dog"}, "got set"),
        (2, "got int 2"),
        (["cat"], "gives 2 scores, but there are 1 class names"),
        (["cat", "dog", "cow"], "gives 2 scores, but there are 3 class names"),
    ],
)
def test_class_names_that_are_none(names, message: str) -> None:
    with pytest.raises(MinitorchVizError, match=message):
        Model.from_net(net(), 12, class_names=names)
    if "gives" not in message:
        with pytest.raises(MinitorchVizError, match=message):
            Model.from_net(net(), 12).with_class_names(names)


@pytest.mark.parametrize(
    "names", [["cat", "dog"], ("cat", "dog"), np.array(["cat", "dog"]), (n for n in ("cat", "dog"))]
)
def test_class_names_of_any_sequence(names) -> None:
    model = Model.from_net(net(), 12, class_names=names)
    assert model.class_names == ("cat", "dog")
    assert all(type(name) is str for name in model.class_names)
    assert model.notes == ()


@pytest.mark.parametrize("names", [["cat", "cat"], ["crane", "dog", "crane"]])
def test_two_classes_of_one_name_are_noted(names: list[str]) -> None:
    """ImageNet has two cranes."""
    (note,) = Model.from_net(net(outputs=len(names)), 12, class_names=names).notes
    assert repr(names[0]) in note


@pytest.mark.parametrize(
    ("mean", "std", "warned"),
    [
        ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "-2.12 to 1136"),
        (0.5, 0.5, "-1 to 509"),
        (0.1307, 0.3081, "-0.424 to 827.2"),
        ((0.5, 0.5, 0.5), (1, 1, 1), "-0.5 to 254.5"),
        (0, 0.5, "0 to 510"),
        (127.5, 0.5, "-255 to 255"),
        (0.4, 58, "-0.0069 to 4.39"),
        (0, 255, None),
        ((123.7, 116.3, 103.5), (58.4, 57.1, 57.4), None),
        ((123, 117, 104), 1, None),  # Caffe's
        (0, 1, None),  # pixels as they are
        (127.5, 127.5, None),
    ],
)
def test_mean_and_std_on_the_wrong_scale(mean, std, warned: str | None) -> None:
    model = Model.from_net(net(), 12, mean=mean, std=std)
    if warned is None:
        assert model.notes == ()
        return
    (note,) = model.notes
    assert f"values from {warned};" in note
    extremes = [model.preprocess(np.full((12, 12, 3), level, np.uint8)) for level in (0, 255)]
    assert f"{extremes[0].min():.3g} to {extremes[1].max():.4g}" == warned


SIZES = [0, -3, 2.5, "12", None, True, (12,), (12, 12, 3), (12, "x"), (0, 12), [12, None], 10**9, (10**7, 10**7), 2]


@pytest.mark.parametrize("size", SIZES, ids=repr)
def test_sizes_that_are_none(size) -> None:
    with pytest.raises(MinitorchVizError) as caught:
        Model.from_net(net(), size)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    "settings",
    [{"logits": "fd"}, {"logits": 3}, {"name": ""}, {"name": None}, {"resize": "squash"}, {"mean": "a"}, {"std": 0}],
    ids=repr,
)
def test_other_settings_that_do_not_fit(settings: dict) -> None:
    with pytest.raises(MinitorchVizError) as caught:
        Model.from_net(net(), 12, **settings)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_that_only_the_sizes_tell(channels: int) -> None:
    """A net that begins with a Flatten or a pooling says nothing of its channels."""
    head = Linear.random(np.random.default_rng(0), channels * 64, 3)
    model = Model.from_net(Net([("f", Flatten()), ("fc", head)]), 8)
    assert model.preprocessing.channels == channels


def test_a_net_of_four_channels_takes_arrays_and_a_photo_is_told() -> None:
    model = Model.from_net(net(channels=4), 12)
    assert "4 channels" in " ".join(model.notes)
    with pytest.raises(MinitorchVizError, match="3 channels, but the net takes 4"):
        model.read(np.zeros((12, 12, 3)))


def test_a_net_of_two_inputs_is_told() -> None:
    from minitorch_viz.layers import Concat

    both = Net([("j", Concat(), ("a", "b")), ("f", Flatten())], inputs=("a", "b"))
    with pytest.raises(MinitorchVizError, match="inputs a, b"):
        Model.from_net(both, 12)
