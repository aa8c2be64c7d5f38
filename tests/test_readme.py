"""The README is what runs: its Python, its commands, its tables and its links. To renew the tables:

python tests/test_readme.py
"""

from __future__ import annotations

import json
import re
import shlex
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minitorch_viz.cli import main, parser
from minitorch_viz.models import Model, load_model
from minitorch_viz.techniques import techniques

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
BUNDLED = ROOT / "minitorch_viz" / "models" / "bundled"
RESULTS = ROOT / "benchmarks" / "results"
MARKED = re.compile(r"(<!-- (techniques|nets|speed|ladder): [^\n]* -->\n).*?(<!-- end -->)", re.DOTALL)


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def techniques_table() -> str:
    rows = ["| command | what it shows | paper |", "| --- | --- | --- |"]
    rows += [f"| `{name}` | {technique.summary} | {technique.paper} |" for name, technique in techniques().items()]
    return "\n".join(rows) + "\n"


def nets_table() -> str:
    """What the cards beside the bundled weights say."""
    rows = ["| net | data | test accuracy | file | made by |", "| --- | --- | --- | --- | --- |"]
    for path in sorted(BUNDLED.glob("*.json")):
        card = json.loads(path.read_text(encoding="utf-8"))["card"]
        size = path.with_suffix(".safetensors").stat().st_size
        command = f"`{card['command'].split(' --')[0]}`"
        if "test_accuracy" in card:
            right = f"{card['test_accuracy']:.1%}"
        elif "test_nats" in card:
            right = f"none: {card['test_nats']:.3f} nats a character (counting 7: {card['test_nats_of_a_7_gram']:.3f})"
        else:
            right = f"none: a mean squared error of {card['test_error']:.3f}, of {card['test_variance']:.3f}"
        rows.append(f"| `{card['name']}` | {card['data']} | {right} | {size / 1000:.0f} kB | {command} |")
    return "\n".join(rows) + "\n"


def speed_table() -> str:
    """What the benchmarks measured last: ratios to the peer, above 1 where this engine is faster."""
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in RESULTS.glob("*.json")}
    layers, nets = found["convolutions"], found["nets"]["rows"]
    machine = layers["machine"]
    torch, captum = (found["less_work"]["machine"]["versions"][name].split("+")[0] for name in ("torch", "captum"))
    rows = [
        f"Medians; {machine['threads']} threads of one {machine['cpu']} for both, PyTorch {torch}, Captum {captum}:\n",
        "| what | times as fast |",
        "| --- | --- |",
    ]
    passes = ("forward", "dx", "dw")
    kinds = {"3x3 stride 1": "layers with 3x3 filters and stride 1", "other": "other convolution layers"}
    for kind, words in kinds.items():
        of = [layers["summary"][f"{kind}, {what}"] for what in passes]
        count = sum(row["class"] == kind and row["pass"] == "forward" for row in layers["layers"])
        means = " / ".join(f"{one['geometric mean']:.1f}" for one in of)
        least = " / ".join(f"{one['least']:.1f}" for one in of)
        rows.append(f"| {count} {words}, batch 1, forward / dx / dw, on average | {means} (least {least}) |")
    for name, label in (("vgg16", "VGG-16"), ("squeezenet1_1", "SqueezeNet 1.1"), ("googlenet", "GoogLeNet")):
        of_net = {row["what"]: row["ratio"] for row in nets if (row["net"], row["batch"]) == (name, 1)}
        rows.append(
            f"| {label}, forward / guided backprop | {of_net['forward']:.1f} / {of_net['guided backprop']:.1f} |"
        )
    for row in found["attributions"]["rows"]:
        if row["what"] != "guided backprop":
            rows.append(f"| {row['what']}, SqueezeNet 1.1 | {row['ratio']:.1f} |")
    places = found["less_work"]["occlusion"]
    rows.append(f"| an occlusion map of {places['places']} places, SqueezeNet 1.1 | {places['captum / reached']:.1f} |")
    step = found["epoch"]["rows"][0]
    rows.append(f"| a training step of `cifar10`, batch {step['batch']} | {step['ratio']:.1f} |")
    lstm = next(row for row in found["lstm"]["rows"] if row["batch"] == 50 and row["what"] == "forward and backward")
    rows.append(
        f"| an LSTM of {lstm['layers']} layers of {lstm['width']}, forward and backward | {lstm['ratio']:.1f} |"
    )
    style = max(found["style"]["rows"], key=lambda row: row["threads"])
    rows.append(
        f"| style transfer at {style['size']} pixels, VGG-19 to conv3_1, an evaluation | {1 / style['ratio']:.1f} |"
    )
    return "\n".join(rows) + "\n"


def ladder_table() -> str:
    """What each rung of the kernels gains, as benchmarks/ladder.py measured it last."""
    path = RESULTS / "ladder.json"
    if not path.exists():
        return "No figure has been taken yet.\n"
    measured = json.loads(path.read_text(encoding="utf-8"))
    cells = {(row["rung"], row["kernel"]): row for row in measured["rows"]}
    kernels = {"conv2d": "3 x 3 convolution", "matmul": "product", "maxpool2d": "max pooling", "lstm": "LSTM"}
    rungs = {"reference": "the formula in Python's loops", "numpy": "NumPy", "compiled": "the loops, compiled"}
    head = ["rung", "lines of its own, convolution", *(f"{words}, ms" for words in kernels.values())]
    rows = [
        f"One thread of one {measured['machine']['cpu']}, float32. In brackets the share of its peak, counting the "
        "multiplications of the plain sum; Winograd's way needs a quarter of them:\n",
        f"| {' | '.join(head)} |",
        "| --- |" + " --- |" * (len(head) - 1),
    ]
    for rung, words in {**rungs, "numba": "Numba, blocks, vectors, fewer multiplications"}.items():
        line = [words, str(measured["lines"]["convolution"][rung])]
        for kernel in kernels:
            cell = cells[rung, kernel]
            share = "" if cell["share"] is None else f" ({_digits(100 * cell['share'], 2)} %)"
            line.append(_digits(cell["ms"], 3) + share)
        rows.append(f"| {' | '.join(line)} |")
    return "\n".join(rows) + "\n"


def _digits(value: float, digits: int) -> str:
    """A number with a few digits, and never in powers of ten."""
    return f"{value:.0f}" if value >= 10 ** (digits - 1) else f"{value:.{digits}g}"


TABLES = {"techniques": techniques_table, "nets": nets_table, "speed": speed_table, "ladder": ladder_table}


def renewed(text: str) -> str:
    return MARKED.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}{found[3]}", text)


def test_the_python_blocks_run_and_show_the_proof(capsys) -> None:
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), {"__name__": "readme"})
    printed = capsys.readouterr().out
    assert "(1, 1, 8, 8)" in printed
    assert "conv.weight" in printed
    assert "wrong" not in printed


@pytest.mark.slow
def test_the_report_command_runs(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    commands = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("minitorch-viz ")]
    assert commands
    for command in commands:
        assert main(shlex.split(command)[1:]) == 0
    assert (tmp_path / "report.html").stat().st_size > 50_000


def test_the_other_commands_parse() -> None:
    for block in blocks("text"):
        for line in block.splitlines():
            if line.startswith("minitorch-viz "):
                parser().parse_args(shlex.split(line, comments=True)[1:])


def test_the_tables_are_the_registrys_and_the_cards() -> None:
    text = README.read_text(encoding="utf-8")
    assert sorted(found[2] for found in MARKED.finditer(text)) == sorted(TABLES)
    assert text == renewed(text), "renew it with: python tests/test_readme.py"


def test_the_links_lead_to_files() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (ROOT / target).exists(), target


def test_the_environment_variables_are_listed() -> None:
    sources = [*(ROOT / "minitorch_viz").rglob("*.py"), *(ROOT / "kernels").rglob("*.py")]
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    listed = set(re.findall(r"MINITORCH_VIZ_[A-Z_]+", (ROOT / "docs" / "install.md").read_text(encoding="utf-8")))
    assert set(re.findall(r"MINITORCH_VIZ_[A-Z_]+", text)) == listed


def test_what_ci_reads_from_it_is_there() -> None:
    shell = "".join(blocks("sh"))
    assert re.search(r"^pip install -e \.$", shell, re.MULTILINE)
    assert re.search(r'^pip install -e "\.\[test\]"$', shell, re.MULTILINE)
    assert "bench" not in shell  # PyTorch is gigabytes
    assert re.search(r"^python -m pytest$", shell, re.MULTILINE)


TUTORIAL = """
import torch
import torch.nn as nn
import torch.nn.functional as F

classes = ("plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)
"""


@pytest.fixture
def tutorial(tmp_path, monkeypatch):
    """A tutorial's folder: its net in tutorial.py, cifar_net.pth, and a photo; the names that its script has."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    Path("tutorial.py").write_text(TUTORIAL, encoding="utf-8")
    (lines,) = blocks("python my_net")
    Path("my_net.py").write_text(lines, encoding="utf-8")
    names: dict[str, Any] = {}
    exec(compile(TUTORIAL, "tutorial.py", "exec"), names)
    torch.manual_seed(0)
    net = names["Net"]()
    torch.save(net.state_dict(), "cifar_net.pth")
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 32, 3), np.uint8)).save("dog.png")
    yield {"torch": torch, "net": net, "classes": names["classes"]}
    sys.modules.pop("tutorial", None)


def own_net_command(file: str) -> list[str]:
    """The command of the table of one's own nets that names this file, without the program's name."""
    (line,) = (line for line in re.findall(r"`minitorch-viz ([^`]+)`", README.read_text("utf-8")) if file in line)
    return shlex.split(line)


def scores_of(model: Model, net: Any, torch: Any) -> None:
    """Check that the model's scores for the photo are the module's."""
    x = model.preprocess("dog.png")
    np.testing.assert_allclose(model.net.predict(x), net(torch.from_numpy(x)).detach(), atol=1e-5)


@pytest.mark.torch
def test_a_tutorials_module_and_state_dict_in_five_lines(tutorial) -> None:
    (block,) = blocks("python torch")
    assert sum(bool(line) for line in block.splitlines()) <= 5
    names = {**tutorial}
    exec(compile(block, "README.md", "exec"), names)
    assert Path("dog_grad_cam.png").stat().st_size > 5_000
    scores_of(names["model"], tutorial["net"], tutorial["torch"])
    assert names["model"].class_names == tutorial["classes"]


@pytest.mark.torch
def test_a_tutorials_state_dict_by_one_command(tutorial, capsys) -> None:
    assert main(own_net_command("--model my_net.py")) == 0
    assert Path("grad-cam.png").stat().st_size > 5_000
    assert re.search(r'Explains class "(plane|car|bird|cat|deer|dog|frog|horse|ship|truck)"', capsys.readouterr().out)
    scores_of(load_model("my_net.py", weights="cifar_net.pth"), tutorial["net"], tutorial["torch"])


@pytest.mark.torch
def test_a_tutorials_onnx_file_by_one_command(tutorial, capsys) -> None:
    pytest.importorskip("onnx", reason="onnx is not installed")
    torch = tutorial["torch"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # this exporter is deprecated, and the other needs one more package
        torch.onnx.export(tutorial["net"], torch.zeros(1, 3, 32, 32), "net.onnx", dynamo=False)
    assert main(own_net_command("--model net.onnx")) == 0
    assert Path("grad-cam.png").stat().st_size > 5_000
    assert re.search(r'Explains class "(plane|car|bird|cat|deer|dog|frog|horse|ship|truck)"', capsys.readouterr().out)
    scores_of(load_model("net.onnx", mean=127.5, std=127.5), tutorial["net"], torch)


@pytest.mark.torch
def test_a_tutorials_exported_module_by_one_command(tutorial, capsys) -> None:
    torch = tutorial["torch"]
    torch.export.save(torch.export.export(tutorial["net"].eval(), (torch.zeros(1, 3, 32, 32),)), "net.pt2")
    assert "`--model net.pt2`" in README.read_text(encoding="utf-8")
    assert main([word.replace("net.onnx", "net.pt2") for word in own_net_command("--model net.onnx")]) == 0
    assert Path("grad-cam.png").stat().st_size > 5_000
    assert re.search(r'Explains class "(plane|car|bird|cat|deer|dog|frog|horse|ship|truck)"', capsys.readouterr().out)
    scores_of(load_model("net.pt2", mean=127.5, std=127.5), tutorial["net"], torch)


@pytest.mark.torch
def test_a_tutorials_whole_module_in_a_file_says_the_line_to_type(tutorial, capsys) -> None:
    tutorial["torch"].save(tutorial["torch"].nn.Linear(2, 2), "net.pt")
    assert main(["grad-cam", "dog.png", "--model", "net.pt"]) == 2
    sentence = capsys.readouterr().err
    assert "Model.from_torch(torch.load(path, weights_only=False), example)" in sentence


def test_the_other_commands_for_ones_own_net_parse() -> None:
    for file in ("mine.pth", "--model mine.safetensors", "./my_photos"):
        command = own_net_command(file) if file != "./my_photos" else ["train", file]
        parser().parse_args(command)


if __name__ == "__main__":
    README.write_text(renewed(README.read_text(encoding="utf-8")), encoding="utf-8")
