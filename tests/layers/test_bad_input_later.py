"""What layers of later nets are given wrongly, each answered with a sentence that says what is needed."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.errors import MinitorchVizError, SettingError, ShapeError
from minitorch_viz.layers import (
    ELU,
    GELU,
    GRU,
    RNN,
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveMaxPool2d,
    Affine,
    AvgPool1d,
    BatchNorm1d,
    ChannelShuffle,
    Conv1d,
    Flip,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    MaxPool1d,
    Mul,
    MultiheadAttention,
    Permute,
    PixelShuffle,
    PixelUnshuffle,
    PReLU,
    Reshape,
    SiLU,
    Slice,
    Softplus,
    UpsampleBilinear,
)

rng = np.random.default_rng(0)
x = rng.standard_normal((1, 4, 5, 6))
steps = rng.standard_normal((1, 3, 4))
ones = np.ones(4)
norm = BatchNorm1d(ones, ones, running_mean=ones, running_var=ones)
attention = MultiheadAttention.random(rng, 4, 2).astype(np.float64)
gru, rnn = (kind.random(rng, 4, 2).astype(np.float64) for kind in (GRU, RNN))

# what is done, the error it raises, and words its sentence must hold
BAD = {
    "gelu form": (lambda: GELU("fast"), SettingError, '"tanh"', "'fast'"),
    "gelu ints": (lambda: GELU().forward(x.astype(int)), ShapeError, "GELU", "int64"),
    "gelu list": (lambda: GELU().forward([1.0]), ShapeError, "GELU", "list", "np.asarray"),
    "silu half": (lambda: SiLU().forward(x.astype(np.float16)), ShapeError, "float16", "astype"),
    "elu alpha": (lambda: ELU(np.inf), SettingError, "ELU's alpha", "finite"),
    "softplus beta": (lambda: Softplus(0), SettingError, "Softplus's beta", "0"),
    "prelu axes": (lambda: PReLU(np.ones((2, 2))), ShapeError, "PReLU's weight", "(2, 2)"),
    "prelu channels": (lambda: PReLU(np.ones(3)).forward(x), ShapeError, "3 channels", "(1, 4, 5, 6)"),
    "prelu precision": (lambda: PReLU(np.ones(4, "f")).forward(x), ShapeError, "float32", "float64"),
    "mul shapes": (lambda: Mul().forward(x, x[:, :2]), ShapeError, "(1, 4, 5, 6) and (1, 2, 5, 6)"),
    "mul order": (lambda: Mul().forward(x[:, :, :1, :1], x), ShapeError, "give the larger one first"),
    "mul axes": (lambda: Mul().forward(x, steps), ShapeError, "axes of its first input"),
    "mul batch": (lambda: Mul().forward(np.ones((2, 3)), np.ones((1, 3))), ShapeError, "(2, 3) and (1, 3)"),
    "affine axes": (lambda: Affine(ones).forward(x), ShapeError, "Affine's weight (4,)", "(1, 4, 5, 6)"),
    "affine sides": (lambda: Affine(None, np.ones((3, 1, 1))).forward(x), ShapeError, "Affine's bias"),
    "layer norm sides": (lambda: LayerNorm(7).forward(x), ShapeError, "last axes (7,)", "(1, 4, 5, 6)"),
    "layer norm only batch": (lambda: LayerNorm((4, 5, 6, 1)).forward(x), ShapeError, "(4, 5, 6, 1)"),
    "layer norm shape": (lambda: LayerNorm(0), SettingError, "normalized_shape", "at least 1"),
    "layer norm shape text": (lambda: LayerNorm("4"), SettingError, "normalized_shape", "'4'"),
    "layer norm weight": (lambda: LayerNorm(3, ones), ShapeError, "LayerNorm's weight", "(3,)", "(4,)"),
    "layer norm eps": (lambda: LayerNorm(4, eps=-1), SettingError, "LayerNorm's eps", "-1"),
    "group norm groups": (lambda: GroupNorm(3).forward(x), ShapeError, "3 groups", "(1, 4, 5, 6)"),
    "group norm weight": (lambda: GroupNorm(2, np.ones(2)).forward(x), ShapeError, "weight is for 2 channels"),
    "instance norm axes": (lambda: InstanceNorm().forward(x[:, :, 0, 0]), ShapeError, "places to average"),
    "instance norm weight": (lambda: InstanceNorm(np.ones(3)).forward(x), ShapeError, "3 channels"),
    "batch norm 1d axes": (lambda: norm.forward(x), ShapeError, "BatchNorm1d", "(N, 4, L)", "(1, 4, 5, 6)"),
    "batch norm 1d channels": (lambda: norm.forward(steps), ShapeError, "(N, 4)", "(1, 3, 4)"),
    "batch norm 1d one value": (lambda: norm.forward(steps[:, 0], rng=rng), ShapeError, "no variance"),
    "adaptive size": (lambda: AdaptiveAvgPool2d(0), SettingError, "output_size", "at least 1"),
    "no places": (lambda: AdaptiveMaxPool2d(1).forward(steps[:, :, None, :0]), ShapeError, "a place at least", "0"),
    "no places to average": (
        lambda: AdaptiveAvgPool2d(1).forward(steps[:, :, :0, None]),
        ShapeError,
        "a place",
        "0, 1)",
    ),
    "adaptive axes": (lambda: AdaptiveMaxPool2d(1).forward(steps), ShapeError, "(N, C, H, W)", "(1, 3, 4)"),
    "adaptive 1d": (lambda: AdaptiveAvgPool1d((1, 2)), SettingError, "output_size", "(1, 2)"),
    "bilinear size": (lambda: UpsampleBilinear(size=0), SettingError, "UpsampleBilinear's size", "0"),
    "bilinear axes": (lambda: UpsampleBilinear().forward(steps), ShapeError, "UpsampleBilinear", "(1, 3, 4)"),
    "permute batch": (lambda: Permute((1, 0)), SettingError, "begin with 0", "(1, 0)"),
    "permute twice": (lambda: Permute((0, 1, 1)), SettingError, "every axis once"),
    "permute axes": (lambda: Permute((0, 2, 1)).forward(x), ShapeError, "3 axes", "(1, 4, 5, 6)"),
    "reshape two open": (lambda: Reshape((-1, -1)), SettingError, "-1"),
    "reshape nothing": (lambda: Reshape((0,)), SettingError, "at least 1"),
    "reshape values": (lambda: Reshape((7, -1)).forward(x), ShapeError, "120 values", "(7, -1)"),
    "slice axis": (lambda: Slice(4).forward(x), ShapeError, "axis 4"),
    "slice nothing": (lambda: Slice(1, 3, 2).forward(x), ShapeError, "leaves nothing"),
    "slice step": (lambda: Slice(1, step=-1), SettingError, "Slice's step", "-1"),
    "flip axis": (lambda: Flip(0), SettingError, "Flip's axis", "at least 1"),
    "shuffle groups": (lambda: ChannelShuffle(3).forward(x), ShapeError, "3 groups"),
    "pixel shuffle": (lambda: PixelShuffle(3).forward(x), ShapeError, "one channel of 9"),
    "pixel unshuffle": (lambda: PixelUnshuffle(2).forward(x), ShapeError, "2 divides", "(1, 4, 5, 6)"),
    "conv 1d weight": (lambda: Conv1d(np.ones((2, 2))), ShapeError, "Conv1d's weight", "(O, C/groups, k)"),
    "conv 1d channels": (lambda: Conv1d(np.ones((2, 2, 3))).forward(steps), ShapeError, "2 input channels"),
    "conv 1d axes": (lambda: Conv1d(np.ones((2, 4, 3))).forward(x), ShapeError, "(N, C, L)"),
    "conv 1d short": (lambda: Conv1d(np.ones((2, 3, 9))).forward(steps), ShapeError, "reaches over 9"),
    "conv 1d series": (
        lambda: Conv1d(ones[None, None, :3], dilation=2).forward(steps[:, :1]),
        ShapeError,
        "a longer series",
    ),
    "conv 1d one side": (
        lambda: Conv1d(np.ones((2, 3, 9)), padding=(3, 1)).forward(steps),
        ShapeError,
        "Conv1d's filter reaches over 9 steps",
    ),
    "conv 1d padding": (lambda: Conv1d(np.ones((2, 3, 3)), padding=-1), SettingError, "padding", "-1"),
    "pool 1d padding": (lambda: MaxPool1d(2, padding=2), SettingError, "padding", "half"),
    "pool 1d short": (lambda: AvgPool1d(9).forward(steps), ShapeError, "does not fit"),
    "attention heads": (lambda: attention.replace(num_heads=3), SettingError, "3 heads", "4 features"),
    "attention features": (lambda: attention.forward(x[0]), ShapeError, "(N, T, 4)", "(4, 5, 6)"),
    "attention only keys": (lambda: attention.forward(steps, steps), ShapeError, "only one of them"),
    "attention lengths": (
        lambda: attention.forward(steps, steps, steps[:, :2]),
        ShapeError,
        "one length",
        "(1, 2, 4)",
    ),
    "attention weight": (
        lambda: attention.replace(in_proj_weight=np.ones((4, 4))),
        ShapeError,
        "in_proj_weight",
        "(12, 4)",
    ),
    "gru features": (lambda: gru.forward(steps[..., :3]), ShapeError, "GRU needs x (N, T, 4)", "(1, 3, 3)"),
    "gru no step": (lambda: gru.forward(steps[:, :0]), ShapeError, "at least one step"),
    "gru state": (lambda: gru.forward(steps, np.ones((2, 2))), ShapeError, "GRU's h0", "(1, 2)", "(2, 2)"),
    "rnn curve": (lambda: rnn.replace(nonlinearity="sin"), SettingError, '"relu"', "'sin'"),
    "rnn weights": (lambda: RNN(np.ones((2, 3)), np.ones((3, 2))), ShapeError, "weight_hh_l0", "(3, 2)"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_answered_with_a_sentence(what) -> None:
    action, error, *words = BAD[what]
    with pytest.raises(MinitorchVizError) as caught:
        action()
    assert type(caught.value) is error
    sentence = str(caught.value)
    for word in words:
        assert word in sentence, f"{word!r} is not in: {sentence}"
    assert sentence[0].isupper()
    assert sentence.endswith(".")
