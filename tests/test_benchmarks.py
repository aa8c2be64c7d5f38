"""The benchmarks run, and say what they should; how fast anything is depends on the machine and is not tested."""

from __future__ import annotations

import importlib.util
import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minitorch_viz.techniques import techniques

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


def load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_convolutions(capsys: pytest.CaptureFixture[str]) -> None:
    module = load("convolutions")
    result = module.main(["--quick"])
    assert len(result["layers"]) == 3 * len(module.QUICK)
    assert all(row["ms"] > 0 for row in result["layers"])
    assert json.loads(json.dumps(result))["peak_gflops"] > 0
    assert "peak" in capsys.readouterr().out
    assert {module.kind(layer) for _, layer in module.layers(quick=False)} == {"3x3 stride 1", "other"}


@pytest.mark.slow
def test_ladder(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    monkeypatch.setattr("sys.path", sys.path[:])  # it finds its neighbours by path
    module = load("ladder")
    result = module.main(["--quick"])
    assert [(row["kernel"], row["rung"]) for row in result["rows"]] == [
        (kernel, rung) for kernel in ("conv2d", "relu", "matmul") for rung in module.RUNGS
    ]
    assert all(row["ms"] > 0 and (row["share"] is None) == (row["kernel"] == "relu") for row in result["rows"])
    lines = result["lines"]
    assert set(lines) == {
        "machine",
        "convolution",
        "curves",
        "normalization",
        "pointwise",
        "pooling",
        "product",
        "recurrence",
    }
    assert lines["convolution"]["compiled"] < lines["convolution"]["reference"] < lines["convolution"]["numba"]
    assert "peak" in capsys.readouterr().out


@pytest.mark.slow
def test_pointwise(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", sys.path[:])  # it finds its neighbours by path
    result = load("pointwise").main(["--quick"])
    rows = [(row["layer"], row["what"]) for row in result["rows"]]
    assert rows == [
        (name, what) for name in ("GELU", "GELU tanh", "LayerNorm", "SiLU") for what in ("forward", "backward")
    ]
    assert all(row["ms"] > 0 for row in result["rows"])
    assert "LayerNorm small" in capsys.readouterr().out


def test_ladder_counts_lines_of_code_and_multiplications(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", sys.path[:])
    module = load("ladder")
    code = [
        '"""Text.',
        "",
        'More."""',
        "",
        "x = (",
        "    1,  # one",
        ")",
        "",
        "def f():",
        '    """Text."""',
        "    # no code",
    ]
    (tmp_path / "a.py").write_text("\n".join([*code, "    return 2", ""]))
    assert module.lines_of(tmp_path / "a.py") == 5
    (tmp_path / "a.cu").write_text("// text\nint x;\n\nint y;  // more\n")
    assert module.lines_of(tmp_path / "a.cu") == 2
    x, w, dy = np.ones((2, 6, 5, 7)), np.ones((4, 3, 3, 2)), np.ones((2, 4, 2, 6))
    geometry = ((2, 1), (0, 0), (1, 1), 2)
    products = 2 * 4 * 2 * 6 * 3 * 3 * 2  # images, filters, places, channels of a group, weights
    assert module.multiplications("conv2d", (x, w, None, *geometry)) == products
    assert module.multiplications("conv2d_dx", (dy, w, (5, 7), *geometry)) == products
    assert module.multiplications("conv2d_dw", (dy, x, (3, 2), *geometry)) == products
    assert module.multiplications("matmul", (np.ones((3, 4)), np.ones((4, 5)))) == 60
    assert module.multiplications("relu", (x,)) is None
    plain = ((2, 1), (0, 0), (1, 1), 1)
    for kernel, call in (
        ("conv2d", (x[:, :3], w, None, *plain)),
        ("conv2d_dx", (dy, w, (5, 7), *plain)),
        ("conv2d_dw", (dy, x[:, :3], (3, 2), *plain)),
    ):
        part, times = module.one_filter(kernel, call)
        assert times == 4
        assert times * module.multiplications(kernel, part) == module.multiplications(kernel, call)


@pytest.mark.slow
def test_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    """One thread: a library whose waiting threads turn in circles takes seconds where other programs run."""
    result = load("epoch").main(["--quick", "--threads", "1"])
    assert [row["what"] for row in result["rows"]] == ["step", "fit"]
    for row in result["rows"]:
        assert row["s_an_epoch"] == pytest.approx(row["ms_a_step"] / 1e3 * 50_000 / row["batch"], abs=0.1)
        if "ratio" in row:  # with PyTorch
            assert row["ratio"] == pytest.approx(row["torch_ms_a_step"] / row["ms_a_step"], rel=0.02)
    assert result["machine"]["threads"] == 1
    kinds = {what.split()[1] for what in result["ms_by_layer"]}
    assert kinds == {"Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d", "GlobalAvgPool2d", "Flatten", "Linear"}
    assert json.loads(json.dumps(result)) == result
    assert "ms a step" in capsys.readouterr().out


@pytest.mark.slow
def test_attributions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", sys.path[:])  # it finds its neighbours by path
    result = load("attributions").main(["--quick"])
    rows = {row["what"]: row for row in result["rows"]}
    assert {"guided backprop", "integrated gradients", "smoothgrad"} <= rows.keys()
    assert ("grad-cam" in rows) == ("grad-cam" in techniques())
    assert all(row["ms"] > 0 for row in rows.values())
    assert json.loads(json.dumps(result))["net"] == "squeezenet1_1"


@pytest.mark.slow
def test_attacks(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", sys.path[:])  # it finds its neighbours by path
    result = load("attacks").main(["--quick"])
    rows = {row["what"]: row for row in result["rows"]}
    assert [*rows] == ["DeepFool", "Carlini and Wagner", "PGD, 5 steps"]
    assert rows["DeepFool"]["ours"]["success"] == 1
    assert all(row["ours"]["cpu s"] > 0 for row in rows.values())
    if "foolbox" in result["machine"]["versions"]:
        assert rows["DeepFool"]["ratio"]["mean l2"] == pytest.approx(1, abs=0.01)
    assert json.loads(json.dumps(result)) == result
    assert "success" in capsys.readouterr().out


@pytest.mark.slow
def test_lstm(capsys: pytest.CaptureFixture[str]) -> None:
    module = load("lstm")
    result = module.main(["--quick"])
    assert [row["what"] for row in result["rows"]] == ["forward", "forward and backward"]
    assert all(row["ms"] > 0 for row in result["rows"])
    assert json.loads(json.dumps(result))["machine"]["threads"] == result["threads"]["ours"]
    assert capsys.readouterr().out.count("2 layers of 32") == 2
    assert module.SIZES[0] == (2, 256, 100, 50)


@pytest.mark.slow
@pytest.mark.torch
def test_letters(capsys: pytest.CaptureFixture[str]) -> None:
    """Both begin with the same weights and read the same batches, so they come to the same."""
    pytest.importorskip("torch")
    result = load("letters").main(["--quick"])
    assert result["nats"]["ours"] == pytest.approx(result["nats"]["torch"], rel=1e-4)
    assert result["steps"] == 24
    assert "times its speed" in capsys.readouterr().out


@pytest.mark.slow
def test_scaling(capsys: pytest.CaptureFixture[str]) -> None:
    module = load("scaling")
    result = module.main(["--quick"])
    assert len(result["rows"]) == 2 * len(module.GROWS) + 2
    for row in json.loads(json.dumps(result))["rows"]:
        assert all(ms > 0 for ms in row["ours ms"])
        slope = np.log(row["ours ms"][1] / row["ours ms"][0]) / np.log(row["sizes"][1] / row["sizes"][0])
        assert row["ours exponent"] == pytest.approx(slope)  # through two points the line is exact
    assert "seeds K" in capsys.readouterr().out


@pytest.mark.parametrize("power", [0.0, 1.0, 2.5])
def test_the_fitted_exponent_is_the_power(power: float) -> None:
    sizes = [3.0, 5.0, 8.0, 20.0]
    assert load("scaling").exponent(sizes, [0.7 * size**power for size in sizes]) == pytest.approx(power)


def test_gpu_without_one_is_one_sentence(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", sys.path[:])
    monkeypatch.setitem(sys.modules, "cupy", None)  # an import of it fails
    with pytest.raises(SystemExit):
        load("gpu").main(["--quick"])
    assert '"cuda" needs CuPy' in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.usefixtures("cuda")
def test_gpu(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """On the stand-in for CuPy, or where there is a GPU on that."""
    cupy = sys.modules["cupy"]
    if not hasattr(cupy.cuda, "runtime"):  # what the stand-in need not know otherwise
        runtime = types.SimpleNamespace(deviceSynchronize=lambda: None, getDeviceProperties=lambda _: {"name": b"none"})
        monkeypatch.setattr(cupy, "__version__", "0", raising=False)
        monkeypatch.setattr(cupy.cuda, "runtime", runtime, raising=False)
    monkeypatch.setattr("sys.path", sys.path[:])
    module = load("gpu")
    monkeypatch.setattr(module, "CALLS", 1)
    monkeypatch.setattr(module.bench, "QUICK", [(16, 20, 3, 1, 1, 9), (3, 8, 5, 2, 0, 12)])
    result = module.main(["--quick"])
    assert [row["pass"] for row in result["layers"]] == ["forward", "dx", "dw"] * 2
    assert all(row["ms"] > 0 for row in result["layers"])
    assert all(row["difference"] is None or row["difference"] < 1e-4 for row in result["layers"])
    assert json.loads(json.dumps(result))["machine"]["gpu"]
    assert "3x3" in capsys.readouterr().out


@pytest.mark.nightly
def test_many_photos(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", sys.path[:])  # it finds its neighbours by path
    result = load("many_photos").main(["--quick"])
    what = [row["what"] for row in result["rows"]]
    assert {"npz against the passes alone", "overlay against the passes alone", "figures, 2 workers"} <= {*what}
    assert all(np.isfinite(row["ms"]) for row in result["rows"])  # without start-up little is left of three photos
    assert all(row["a second"] > 0 for row in result["rows"] if "figures" in row["what"])
    assert "a second" in capsys.readouterr().out


@pytest.mark.slow
def test_top_patches(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", sys.path[:])
    result = load("top_patches").main(["--quick"])
    assert result["equals sorting"]
    assert result["workers"]["same bits"]
    assert result["search"]["ratio"] > 0
    assert abs(np.diff([*result["MiB"].values()])[0]) < 50
    assert [row["beside"] for row in result["patches"]] == ["none", "guided", "deconvnet"]
    assert json.loads(json.dumps(result))["net"] == "scenes"
    assert "same bits" in capsys.readouterr().out


@pytest.mark.slow
def test_style(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Both loops make the same loss small."""
    monkeypatch.setattr("sys.path", sys.path[:])  # it finds its neighbours by path
    result = load("style").main(["--quick", "--threads", "1"])
    (row,) = result["rows"]
    assert row["ms"] > 0
    if "ratio" in row:
        assert row["ratio"] == pytest.approx(row["ms"] / row["peer ms"])
        assert row["loss"] == pytest.approx(row["peer loss"], rel=0.2)
    assert "an evaluation" in capsys.readouterr().out


@pytest.mark.nightly
def test_style_takes_at_most_six_tenths_of_pytorchs_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    pytest.importorskip("torch")
    monkeypatch.setattr("sys.path", sys.path[:])
    result = load("style").main(["--steps", "40", "--out", str(tmp_path / "style.json")])
    assert all(row["ratio"] <= 0.6 for row in result["rows"])


@pytest.mark.nightly
def test_the_search_for_top_patches_keeps_its_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that does nothing else: the search beside the passes alone, its memory, and what workers save."""
    monkeypatch.setattr("sys.path", sys.path[:])
    module = load("top_patches")
    if not module.DATA.is_dir():
        pytest.skip(f"{module.DATA} has the weights and the photos, and is not at hand")
    parts = ["search", "equals sorting", "MiB", "workers"]
    result = module.main(
        ["--out", str(tmp_path / "result.json"), "--rounds", "3", "--long-rounds", "2", "--parts", *parts]
    )
    assert result["equals sorting"]
    assert result["search"]["ratio"] <= 1.3
    assert abs(result["MiB"]["5000"] - result["MiB"]["500"]) <= 50
    workers = result["workers"]
    assert workers["same bits"]
    assert workers["one / two workers"] >= 1.6
    assert workers["two threads / two workers"] >= 1.0


@pytest.mark.slow
def test_fooled_photos(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.path", sys.path[:])  # it finds its neighbours by path
    result = load("fooled_photos").main(["--quick", "--attacks", "fgsm,pgd,gradient", "--page", f"{tmp_path}/p.png"])
    rows = result["nets"]["digits"]
    assert [(row["attack"], row["photos"], row["fooled"]) for row in rows] == [
        ("fgsm", 10, 10), ("fgsm", 10, 10), ("pgd", 10, 10), ("pgd", 10, 10), ("gradient", 10, 10)
    ]  # fmt: skip
    for row in rows:
        assert row["rms"] == pytest.approx(row["l2"] / 8, rel=1e-12)  # of 64 values
        assert 0 < row["linf"] <= row["l2"]
    assert rows[2]["l2"] <= rows[0]["l2"]  # many steps come out nearer than one
    assert json.loads(json.dumps(result)) == result
    assert (tmp_path / "p.png").stat().st_size > 10_000
    assert "10 of 10 fooled" in capsys.readouterr().out
