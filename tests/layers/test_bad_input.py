"""Errors are sentences: each names the layer or argument, says what came, and what is needed."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.errors import MinitorchVizError, SettingError, ShapeError, WeightsFileError
from minitorch_viz.layers import (
    LSTM,
    Add,
    AvgPool2d,
    BatchNorm2d,
    Concat,
    Conv2d,
    ConvTranspose2d,
    Dropout,
    Embedding,
    Flatten,
    GlobalAvgPool2d,
    LeakyReLU,
    Linear,
    LocalResponseNorm,
    LogSoftmax,
    MaxPool2d,
    Softmax,
    UpsampleNearest,
    fold_batch_norm,
    lstm_stack,
    softmax_cross_entropy,
)

w = np.ones((4, 2, 3, 3))
x = np.ones((1, 2, 5, 5))
lstm = LSTM(np.ones((8, 3)), np.ones((8, 2)))
norm = BatchNorm2d.fresh(2).astype(np.float64)
rng = np.random.default_rng(0)
labels = np.array([0, 1])
logits = np.zeros((2, 3))

# what is done, the error it raises, and words its sentence must hold
BAD = {
    "conv weight axes": (lambda: Conv2d(np.ones((4, 2))), ShapeError, "Conv2d's weight", "(4, 2)", "(O, C/groups"),
    "conv weight list": (lambda: Conv2d([[1.0]]), ShapeError, "Conv2d's weight", "list"),
    "conv weight ints": (lambda: Conv2d(np.ones((1, 1, 1, 1), int)), ShapeError, "Conv2d's weight", "int64", "astype"),
    "conv weight empty": (lambda: Conv2d(np.ones((0, 1, 1, 1))), ShapeError, "Conv2d's weight", "(0, 1, 1, 1)"),
    "conv bias": (lambda: Conv2d(w, np.ones(3)), ShapeError, "Conv2d's bias", "(4,)", "(3,)"),
    "conv stride 0": (lambda: Conv2d(w, stride=0), SettingError, "Conv2d's stride", "at least 1", "0"),
    "conv stride float": (lambda: Conv2d(w, stride=1.5), SettingError, "Conv2d's stride", "whole number", "1.5"),
    "conv padding triple": (lambda: Conv2d(w, padding=(1, 1, 1)), SettingError, "Conv2d's padding", "(1, 1, 1)"),
    "conv padding negative": (lambda: Conv2d(w, padding=(0, -1)), SettingError, "Conv2d's padding", "(0, -1)"),
    "conv dilation bool": (lambda: Conv2d(w, dilation=True), SettingError, "Conv2d's dilation", "True"),
    "conv stride None": (lambda: Conv2d(w, stride=None), SettingError, "Conv2d's stride", "None"),
    "conv groups": (lambda: Conv2d(w, groups=3), SettingError, "Conv2d's groups", "4", "3"),
    "conv groups float": (lambda: Conv2d(w, groups=2.0), SettingError, "Conv2d's groups", "whole number", "2.0"),
    "conv padding mode": (lambda: Conv2d(w, padding_mode="same"), SettingError, "padding_mode", '"reflect"', "'same'"),
    "conv channels": (lambda: Conv2d(w).forward(x[:, :1]), ShapeError, "2 input channels", "(1, 1, 5, 5)"),
    "conv image axes": (lambda: Conv2d(w).forward(x[0]), ShapeError, "Conv2d", "(N, C, H, W)", "(2, 5, 5)"),
    "conv image small": (lambda: Conv2d(w).forward(x[..., :2]), ShapeError, "3 pixels", "(1, 2, 5, 2)"),
    "conv image ints": (lambda: Conv2d(w).forward(x.astype(np.uint8)), ShapeError, "uint8", "float32"),
    "conv image list": (lambda: Conv2d(w).forward([[1.0]]), ShapeError, "Conv2d", "list", "np.asarray"),
    "conv precision": (lambda: Conv2d(w).forward(x.astype("f")), ShapeError, "float64", "float32", "astype"),
    "conv bias precision": (lambda: Conv2d(w, np.ones(4, "f")).forward(x), ShapeError, "bias", "float32", "float64"),
    "conv mirror": (
        lambda: Conv2d(w, padding=5, padding_mode="reflect").forward(x),
        ShapeError,
        "Mirroring (5, 5)",
        "(5, 5)",
    ),
    "conv random kernel": (lambda: Conv2d.random(rng, 1, 1, 0), SettingError, "Conv2d's kernel", "0"),
    "transpose weight": (lambda: ConvTranspose2d(np.ones(3)), ShapeError, "ConvTranspose2d's weight", "(3,)"),
    "transpose bias": (lambda: ConvTranspose2d(w, np.ones(4)), ShapeError, "ConvTranspose2d's bias", "(2,)", "(4,)"),
    "transpose groups": (lambda: ConvTranspose2d(w, groups=3), SettingError, "groups", "4", "3"),
    "transpose output_padding": (
        lambda: ConvTranspose2d(w, stride=2, output_padding=(0, 2)),
        SettingError,
        "output_padding",
        "(2, 2)",
        "(0, 2)",
    ),
    "transpose channels": (lambda: ConvTranspose2d(w).forward(x), ShapeError, "4 input channels", "(1, 2, 5, 5)"),
    "transpose padding": (
        lambda: ConvTranspose2d(w, padding=2).forward(np.ones((1, 4, 1, 1))),
        ShapeError,
        "padding (2, 2)",
        "less padding",
    ),
    "linear weight": (lambda: Linear(np.ones(3)), ShapeError, "Linear's weight", "(O, D)", "(3,)"),
    "linear bias": (lambda: Linear(np.ones((2, 3)), np.ones(3)), ShapeError, "Linear's bias", "(2,)", "(3,)"),
    "linear features": (lambda: Linear(np.ones((2, 3))).forward(np.ones((1, 4))), ShapeError, "(2, 3)", "(1, 4)"),
    "linear unflattened": (lambda: Linear(np.ones((2, 50))).forward(x), ShapeError, "(1, 2, 5, 5)", "Flatten"),
    "linear one vector": (lambda: Linear(np.ones((2, 3))).forward(np.ones(3)), ShapeError, "(N, ..., 3)", "(3,)"),
    "leaky slope": (lambda: LeakyReLU(np.nan), SettingError, "LeakyReLU's negative_slope", "finite", "nan"),
    "leaky slope text": (lambda: LeakyReLU("0.1"), SettingError, "LeakyReLU's negative_slope", "'0.1'"),
    "dropout p 1": (lambda: Dropout(1), SettingError, "Dropout's p", "below 1"),
    "dropout p range": (lambda: Dropout(-0.1), SettingError, "Dropout's p", "at least 0", "-0.1"),
    "dropout ints": (lambda: Dropout().forward(labels), ShapeError, "Dropout", "int64"),
    "pool kernel": (lambda: MaxPool2d(0), SettingError, "MaxPool2d's kernel", "at least 1", "0"),
    "pool padding": (lambda: MaxPool2d(3, 2, 2), SettingError, "MaxPool2d's padding", "half", "(2, 2)", "no pixel"),
    "avg padding": (lambda: AvgPool2d((4, 1), 1, 1), SettingError, "AvgPool2d's padding", "half", "(4, 1)", "(1, 1)"),
    "pool image": (lambda: MaxPool2d(6).forward(x), ShapeError, "MaxPool2d's window (6, 6)", "(1, 2, 5, 5)"),
    "avg image axes": (lambda: AvgPool2d(2).forward(logits), ShapeError, "AvgPool2d", "(N, C, H, W)", "(2, 3)"),
    "global axes": (lambda: GlobalAvgPool2d().forward(logits), ShapeError, "GlobalAvgPool2d", "(2, 3)"),
    "upsample factor": (lambda: UpsampleNearest(0), SettingError, "UpsampleNearest's factor", "0"),
    "upsample axes": (lambda: UpsampleNearest(2).forward(logits), ShapeError, "UpsampleNearest", "(2, 3)"),
    "lrn size": (lambda: LocalResponseNorm(0), SettingError, "LocalResponseNorm's size", "at least 1", "0"),
    "lrn alpha": (lambda: LocalResponseNorm(5, -1), SettingError, "LocalResponseNorm's alpha", "at least 0", "-1"),
    "lrn axes": (lambda: LocalResponseNorm(5).forward(logits), ShapeError, "LocalResponseNorm", "(2, 3)"),
    "norm buffers": (
        lambda: BatchNorm2d(np.ones(2), None, running_mean=np.ones(3), running_var=np.ones(3)),
        ShapeError,
        "BatchNorm2d's weight",
        "(3,)",
        "(2,)",
    ),
    "norm eps": (lambda: norm.replace(eps=-1), SettingError, "BatchNorm2d's eps", "at least 0", "-1"),
    "norm momentum": (lambda: norm.replace(momentum=2), SettingError, "BatchNorm2d's momentum", "at most 1", "2"),
    "norm channels": (lambda: norm.forward(x[:, :1]), ShapeError, "2 channels", "(1, 1, 5, 5)"),
    "norm one value": (lambda: norm.forward(x[..., :1, :1], rng=rng), ShapeError, "no variance", "(1, 2, 1, 1)"),
    "norm statistics": (lambda: norm.with_running_stats(norm.forward(x)[1]), SettingError, "forward(x, rng=rng)"),
    "fold layer": (lambda: fold_batch_norm(Flatten(), norm), SettingError, "Conv2d or a Linear", "Flatten"),
    "fold channels": (lambda: fold_batch_norm(Conv2d(w), norm), ShapeError, "(4, 2, 3, 3)", "(2,)"),
    "flatten start": (lambda: Flatten(0), SettingError, "Flatten's start_dim", "at least 1", "0"),
    "flatten axes": (lambda: Flatten(2).forward(logits), ShapeError, "Flatten", "2", "(2, 3)"),
    "concat shapes": (lambda: Concat().forward(x, x[..., 1:]), ShapeError, "Concat", "(1, 2, 5, 5), (1, 2, 5, 4)"),
    "concat nothing": (lambda: Concat().forward(), ShapeError, "Concat", "[]"),
    "concat axis": (lambda: Concat(0), SettingError, "Concat's axis", "at least 1", "0"),
    "concat beyond": (lambda: Concat(4).forward(x, x), ShapeError, "axis 4", "(1, 2, 5, 5)"),
    "add shapes": (lambda: Add().forward(x, x[:, :1]), ShapeError, "Add", "(1, 2, 5, 5), (1, 1, 5, 5)"),
    "add nothing": (lambda: Add().forward(), ShapeError, "Add", "at least one"),
    "softmax axis": (lambda: Softmax(2).forward(logits), ShapeError, "Softmax", "axis 2", "(2, 3)"),
    "log softmax ints": (lambda: LogSoftmax().forward(np.ones((2, 3), int)), ShapeError, "LogSoftmax", "int64"),
    "label range": (lambda: softmax_cross_entropy(logits, np.array([0, 3])), SettingError, "0 to 2", "0..3"),
    "label negative": (lambda: softmax_cross_entropy(logits, np.array([-1, 0])), SettingError, "0 to 2", "-1..0"),
    "label shape": (lambda: softmax_cross_entropy(logits, labels[:1]), ShapeError, "(2,)", "(1,)", "class numbers"),
    "label floats": (lambda: softmax_cross_entropy(logits, labels * 1.0), ShapeError, "integers", "float64"),
    "label sums": (lambda: softmax_cross_entropy(logits, np.ones((2, 3))), SettingError, "sum to 1", "3..3"),
    "label below 0": (lambda: softmax_cross_entropy(logits, np.eye(3)[:2] * 3 - 0.5), SettingError, "at least 0"),
    "no labels": (lambda: softmax_cross_entropy(logits[:0], labels[:0]), ShapeError, "empty batch", "(0, 3)"),
    "word floats": (lambda: Embedding(np.ones((4, 2))).forward(logits), ShapeError, "whole numbers", "float64"),
    "word range": (lambda: Embedding(np.ones((2, 2))).forward(labels + 1), ShapeError, "words 0 to 1", "1..2"),
    "word negative": (lambda: Embedding(np.ones((2, 2))).forward(labels - 1), ShapeError, "words 0 to 1", "-1..0"),
    "embedding weight": (lambda: Embedding(np.ones(3)), ShapeError, "Embedding's weight", "(V, D)", "(3,)"),
    "lstm weights": (lambda: LSTM(np.ones((8, 3)), np.ones((6, 2))), ShapeError, "weight_hh_l0", "(8, 2)", "(6, 2)"),
    "lstm input weights": (lambda: LSTM(np.ones((4, 3)), np.ones((8, 2))), ShapeError, "weight_ih_l0", "(4, 3)"),
    "lstm bias": (lambda: lstm.replace(bias_hh_l0=np.ones(2)), ShapeError, "LSTM's bias_hh_l0", "(8,)", "(2,)"),
    "lstm features": (lambda: lstm.forward(np.ones((1, 2, 4))), ShapeError, "(N, T, 3)", "(1, 2, 4)"),
    "lstm no step": (lambda: lstm.forward(np.ones((1, 0, 3))), ShapeError, "at least one step", "(1, 0, 3)"),
    "lstm axes": (lambda: lstm.forward(np.ones((2, 3))), ShapeError, "(N, T, D)", "(2, 3)"),
    "lstm only h0": (
        lambda: lstm.forward(np.ones((1, 2, 3)), np.ones((1, 2))),
        ShapeError,
        "both h0 and c0",
        "only h0",
    ),
    "lstm c0 shape": (
        lambda: lstm.forward(np.ones((1, 2, 3)), np.ones((1, 2)), np.ones((1, 3))),
        ShapeError,
        "LSTM's c0",
        "(1, 2)",
        "(1, 3)",
    ),
    "lstm h0 precision": (
        lambda: lstm.forward(np.ones((1, 2, 3)), np.ones((1, 2), "f"), np.ones((1, 2))),
        ShapeError,
        "h0",
        "float32",
    ),
    "stack absent": (lambda: lstm_stack({"a": w}, "lstm"), WeightsFileError, "lstm.weight_ih_l0", "a"),
    "stack backwards": (
        lambda: lstm_stack({"weight_ih_l0": w, "weight_ih_l0_reverse": w}),
        WeightsFileError,
        "forwards",
        "weight_ih_l0_reverse",
    ),
    "stack projected": (lambda: lstm_stack({"weight_hr_l0": w}), WeightsFileError, "projection", "weight_hr_l0"),
    "stack without hh": (lambda: lstm_stack({"weight_ih_l0": w}), ShapeError, "weight_hh_l0", "NoneType"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_answered_with_a_sentence(what):
    action, error, *words = BAD[what]
    with pytest.raises(MinitorchVizError) as caught:
        action()
    assert type(caught.value) is error
    sentence = str(caught.value)
    for word in words:
        assert word in sentence, f"{word!r} is not in: {sentence}"
    assert sentence[0].isupper()
    assert sentence.endswith(".")


@pytest.mark.parametrize("cls", [MaxPool2d, AvgPool2d, LocalResponseNorm, Conv2d, Embedding])
def test_what_has_no_default_must_be_given(cls):
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        cls()
