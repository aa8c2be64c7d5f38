"""`--model my_net.py`: a Python file that defines model() is a net like any other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minitorch_viz.cli import main
from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.models import load_model

GOOD = """
import numpy as np
from minitorch_viz.layers import Conv2d, Flatten, Linear, ReLU
from minitorch_viz import Model, Net

def model():
    rng = np.random.default_rng(0)
    net = Net([("conv", Conv2d.random(rng, 3, 4, 3)), ("relu", ReLU()), ("flat", Flatten()),
               ("fc", Linear.random(rng, 144, 2))])
    return Model.from_net(net, 8, class_names=["cat", "dog"], name="mine")
"""


def test_a_command_takes_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my_net.py").write_text(GOOD)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 9, 3), np.uint8)).save("photo.png")
    assert main(["saliency", "photo.png", "--model", "my_net.py", "--target", "dog", "--out", "map.png"]) == 0
    assert Path("map.png").stat().st_size > 1000
    model = load_model("my_net.py", dtype=np.float64)
    assert (model.name, model.dtype) == ("mine", np.float64)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "There is no file"),
        ("x = 1", r"must define a function model\(\)"),
        ("def model(): return 3", "must return a Model, but returns int"),
        ("import nothing_of_this_name", "fails: ModuleNotFoundError"),
        ("def model(): raise SystemExit('no')", "fails: SystemExit: no"),
        ("def model(:", "fails: SyntaxError"),
    ],
)
def test_other_files_end_in_a_sentence(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "my_net.py"
    if text is not None:
        path.write_text(text)
    with pytest.raises(MinitorchVizError, match=words):
        load_model(path)


def test_it_brings_its_own_weights(tmp_path: Path) -> None:
    with pytest.raises(MinitorchVizError, match="loads its own weights"):
        load_model(tmp_path / "my_net.py", weights="a.safetensors")
