"""A file of another net is refused by what it holds beyond the one that is asked for; bookkeeping is only told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from minitorch_viz.errors import WeightsFileError
from minitorch_viz.io.mapping import map_weights
from minitorch_viz.models import get_spec, load_model
from minitorch_viz.models.params import Params
from minitorch_viz.models.resnet18 import basic_block, resnet

State = dict[str, np.ndarray]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINITORCH_VIZ_HOME", str(tmp_path / "home"))


def state(seed: int = 1, classes: int = 10) -> State:
    """The arrays of a small net."""
    return {
        key: np.ascontiguousarray(value) for key, value in get_spec("tinyvgg").build(None, classes, seed).state.items()
    }


def under(prefix: str, arrays: State) -> State:
    return {prefix + name: value for name, value in arrays.items()}


def load(tmp_path: Path, arrays: State, **settings: Any) -> Any:
    save_file(arrays, tmp_path / "w.safetensors")
    return load_model("tinyvgg", weights=tmp_path / "w.safetensors", **settings)


def is_of(model: Any, seed: int, classes: int = 10) -> bool:
    return all(np.array_equal(value, model.net.state[name]) for name, value in state(seed, classes).items())


X, ONE = np.ones((4, 4), np.float32), np.ones(1, np.float32)
OTHER_NETS: dict[str, State] = {
    "a deeper stage": {"conv_3_1.weight": X, "conv_3_1.bias": ONE},
    "a branch inside": {"conv_1_1.se.fc.weight": X},
    "a scale that changes the answer": {"conv_1_2.alpha": ONE},
    "a normalization": {"bn_1.weight": ONE, "bn_1.bias": ONE, "bn_1.running_mean": ONE, "bn_1.running_var": ONE},
    "a second head": {"head2.weight": X, "head2.bias": ONE},
    "an attention called ema": {"conv_1_1.ema.conv.weight": X, "ema.conv_1_1.weight": X},
    "a relative table": {"attn.relative_position_bias_table": X},
}


@pytest.mark.parametrize("name", OTHER_NETS)
@pytest.mark.parametrize("prefix", ["", "module.", "model.backbone."])
def test_arrays_without_a_place_are_an_error_that_names_them(name: str, prefix: str, tmp_path: Path) -> None:
    rest = under(prefix, OTHER_NETS[name])
    first = min(rest)  # the order in the file
    plural = "s" * (len(rest) > 1)
    with pytest.raises(WeightsFileError) as caught:
        load(tmp_path, under(prefix, state()) | rest)
    message = str(caught.value)
    assert f"w.safetensors holds {len(rest)} array{plural} that tinyvgg has no place for" in message
    assert first in message
    assert "another net?" in message
    assert "\n" not in message


def test_a_resnet_34_is_no_resnet_18(tmp_path: Path) -> None:
    net = resnet(basic_block, 1, (3, 4, 6, 3), Params(None, 0), 5, fold=False)
    np.savez(tmp_path / "resnet34.npz", **net.state)
    words = r"resnet34\.npz holds 80 arrays that resnet18 has no place for \(layer1\.2\.conv1\.weight, .* \.\.\.\)"
    with pytest.raises(WeightsFileError, match=words):
        load_model("resnet18", weights=tmp_path / "resnet34.npz")


HARMLESS: dict[str, tuple[State, str]] = {
    "batch counters": ({"conv_1_1.bn.num_batches_tracked": ONE}, "1 batch counter "),
    "an auxiliary head": (
        {"aux1.conv.weight": X, "aux2.fc.weight": X, "AuxLogits.fc.weight": X},
        "3 arrays of auxiliary",
    ),
    "Caffe's": ({"loss1/fc.weight": X, "loss2/classifier.weight": X}, "2 arrays of auxiliary heads"),
    "a segmentation's": ({"aux_classifier.0.weight": X}, "1 array of auxiliary heads"),
    "an optimizer": ({"optimizer.state.0.exp_avg": X, "lr_scheduler.last": ONE}, "optimizer or schedule"),
    "a loss": ({"criterion.weight": X[0], "train_acc.total": ONE}, "2 arrays of a loss or metric"),
    "lone numbers": ({"epoch": ONE, "best": np.array(0.9)}, "2 lone numbers"),
    "swa": ({"n_averaged": np.array(7)}, "1 counter"),
    "a profiler": ({"conv_1_1.total_ops": ONE, "total_params": ONE}, "2 counters"),
    "a profiler, of the head": ({"output.total_ops": ONE}, "1 counter"),
    "an average": (under("ema.", state(2)), "arrays of a moving average"),
    "an average, timm": (under("state_dict_ema.module.", state(2)), "arrays of a moving average"),
    "an average, each": ({f"{name}_ema": value for name, value in state(2).items()}, "arrays of a moving average"),
    "the same under two names": (under("best.", state(1)), "second names of an array"),
    "normalization": ({"normalize.mean": np.array([0.5, 0.25, 0.125])}, "normalize.mean is 0.5, 0.25, 0.125"),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_bookkeeping_is_a_note(name: str, tmp_path: Path) -> None:
    rest, words = HARMLESS[name]
    model = load(tmp_path, state() | rest)
    assert is_of(model, 1)
    assert words in " ".join(model.notes)
    assert next(iter(rest)) in " ".join(model.notes)


@pytest.mark.parametrize("order", [1, -1])
def test_two_nets_in_one_file_must_be_told_apart(order: int, tmp_path: Path) -> None:
    pairs = [("student.", 1), ("teacher.net.", 2)][::order]
    arrays = {name: value for prefix, seed in pairs for name, value in under(prefix, state(seed)).items()}
    with pytest.raises(WeightsFileError, match=r"2 nets that fit, under '.*' and '.*': say which .*prefix='"):
        load(tmp_path, arrays)
    for prefix, seed in pairs:
        model = load(tmp_path, arrays, prefix=prefix)
        assert is_of(model, seed)
        assert "of other parts" in model.notes[0]
    with pytest.raises(WeightsFileError, match=r"no prefix and 'teacher\.'"):
        load(tmp_path, state(1) | under("teacher.", state(2)))
    assert is_of(load(tmp_path, state(1) | under("teacher.", state(2)), prefix=""), 1)
    with pytest.raises(WeightsFileError, match="2 nets that fit"):  # for whoever maps by hand, too
        map_weights(arrays, {name: value.shape for name, value in state().items()})


def test_a_net_that_does_not_fit_is_no_choice(tmp_path: Path) -> None:
    """A teacher of other widths cannot be meant, but the file is not the student's alone either."""
    wide = {name: np.concatenate([value, value]) for name, value in state(2).items()}
    arrays = under("student.", state(1)) | under("teacher.", wide)
    with pytest.raises(WeightsFileError, match=r"no place for \(teacher\..*prefix='student\.'"):
        load(tmp_path, arrays)
    assert is_of(load(tmp_path, arrays, prefix="student."), 1)


def test_a_part_of_a_larger_net_is_taken_if_it_is_named(tmp_path: Path) -> None:
    arrays = under("encoder.", state(1, 3)) | {"decoder.up.weight": X, "decoder.up.bias": ONE}
    with pytest.raises(WeightsFileError, match=r"2 arrays .*decoder\.up\.weight.*prefix='encoder\.'"):
        load(tmp_path, arrays)
    model = load(tmp_path, arrays, prefix="encoder.")
    assert is_of(model, 1, 3)
    assert len(model.class_names) == 3
    with pytest.raises(WeightsFileError, match="Missing"):
        load(tmp_path, arrays, prefix="decoder.")
    with pytest.raises(WeightsFileError, match=r"encoder\.'\. Or write .prefix. into w\.json beside it"):
        load(tmp_path, arrays)
    (tmp_path / "w.json").write_text('{"prefix": "encoder."}')
    assert is_of(load(tmp_path, arrays), 1, 3)


def test_the_weights_come_before_their_average(tmp_path: Path) -> None:
    arrays = under("model_ema.", state(2)) | under("model.", state(1))
    assert is_of(load(tmp_path, arrays), 1)
    assert is_of(load(tmp_path, under("ema.", state(2))), 2)
    assert is_of(load(tmp_path, arrays, prefix="model_ema."), 2)


def test_a_net_without_a_head_is_the_beginning_of_others(tmp_path: Path) -> None:
    arrays = {name: np.ascontiguousarray(v) for name, v in get_spec("vgg19_conv3_1").build(seed=1).state.items()}
    save_file(arrays | {"conv3_2.weight": X, "fc6.weight": X}, tmp_path / "w.safetensors")
    model = load_model("vgg19_conv3_1", weights=tmp_path / "w.safetensors")
    assert any("2 arrays of the rest of the net (conv3_2.weight, fc6.weight)" in note for note in model.notes)


@pytest.mark.torch
def test_checkpoints_as_torch_saves_them(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs PyTorch")

    def tensors(arrays: State) -> dict[str, Any]:
        return {name: torch.tensor(value) for name, value in arrays.items()}

    plain, other = tensors(state(1)), tensors(state(2))
    for value in ({"model": plain, "model_ema": other}, {"state_dict": plain, "ema": {"module": other}, "epoch": 3}):
        torch.save(value, tmp_path / "w.pth")
        model = load_model("tinyvgg", weights=tmp_path / "w.pth")
        assert is_of(model, 1)
        assert "moving average" in " ".join(model.notes)
    torch.save({"model": plain, "teacher": other}, tmp_path / "w.pth")
    with pytest.raises(WeightsFileError, match=r"'model\.' and 'teacher\.'"):
        load_model("tinyvgg", weights=tmp_path / "w.pth")
    torch.save({"state_dict": {f"module.{name}": value for name, value in plain.items()}}, tmp_path / "w.pth")
    assert any("'module.'" in note for note in load_model("tinyvgg", weights=tmp_path / "w.pth").notes)
