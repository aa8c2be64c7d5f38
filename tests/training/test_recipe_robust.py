"""mnist_robust: the file is what its card says, it stands attacks that fell mnist, and its recipe can be run again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import Net, load_model
from minitorch_viz.cli import main
from minitorch_viz.data import Dataset, load_mnist
from minitorch_viz.io.images import save_png
from minitorch_viz.io.safetensors_ import read_safetensors
from minitorch_viz.models import get_spec
from minitorch_viz.training.bundle import share_right, share_right_under_attack
from minitorch_viz.training.film.page import read_film
from minitorch_viz.training.recipes import how_trained, recipe_names
from minitorch_viz.training.recipes import mnist_robust as recipe
from tests.training.training_cases import assert_same_bits


def card() -> dict[str, object]:
    content: dict[str, object] = json.loads(Path(load_model("mnist_robust").source).with_suffix(".json").read_text())
    return content["card"]  # type: ignore[return-value]


def test_the_file_is_what_the_card_says() -> None:
    path, facts = Path(load_model("mnist_robust").source), card()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == facts["sha256"]
    assert path.stat().st_size < 360_000
    assert {array.dtype for array in read_safetensors(path).values()} == {np.dtype(np.float16)}
    assert facts["command"] == "minitorch-viz train mnist_robust --seed 0"
    assert float(str(facts["test_accuracy"])) >= 0.98
    assert float(str(facts["test_accuracy_under_attack"])) >= 0.85
    assert float(str(facts["seconds"])) < 30 * 60
    assert facts["attack"] == ("PGD of 50 steps with 10 restarts at eps 76.5 of 255, on 1000 of the test pictures")


def test_it_stands_what_fells_mnist(shared_data: Path) -> None:
    """By a short attack on a few digits; the whole one is nightly."""
    test = load_mnist(shared_data / "mnist")[1][::100]
    short = replace(recipe.ATTACK, trial_steps=10, trial_alpha=20.0, restarts=1)
    shares = {}
    for name in ("mnist", "mnist_robust"):
        model, spec = load_model(name), get_spec(name)
        assert share_right(model.net, spec, test) >= 0.97
        attack = replace(short, preprocessing=spec.preprocessing)
        shares[name] = share_right_under_attack(model.net, spec, test, attack)
    assert shares["mnist"] < 0.05
    assert shares["mnist_robust"] > 0.8


@pytest.mark.nightly
def test_a_thousand_digits_under_the_whole_attack(shared_data: Path) -> None:
    """The figure of the card: PGD of 50 steps of 0.01 with 10 restarts at eps 0.3, and all digits without attack."""
    test, model, spec = load_mnist(shared_data / "mnist")[1], load_model("mnist_robust"), get_spec("mnist_robust")
    share = share_right_under_attack(model.net, spec, test, recipe.ATTACK)
    print(f"mnist_robust: {share:.1%} of 1000 digits right under {recipe.ATTACK.trial}")
    assert share >= 0.85
    assert share == pytest.approx(card()["test_accuracy_under_attack"], abs=0.0031)
    clean = share_right(model.net, spec, test)
    assert clean >= 0.98
    assert clean == pytest.approx(card()["test_accuracy"], abs=2.1 / len(test))


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe in two epochs of three steps, on noise."""
    rng, labels = np.random.default_rng(3), np.arange(32) % 10
    parts = tuple(
        Dataset(rng.integers(0, 256, (32, 28, 28), np.uint8), labels, get_spec("mnist").classes, part)
        for part in ("train", "test")
    )
    monkeypatch.setattr(recipe, "load_mnist", lambda folder: parts)
    for name, value in {"EPOCHS": 2, "BATCH": 8, "HELD_OUT": 8}.items():
        monkeypatch.setattr(recipe, name, value)
    monkeypatch.setattr(recipe, "ATTACK", replace(recipe.ATTACK, trial_steps=2, restarts=1))


def run(out: Path, *more: object) -> Net:
    assert main(["train", "mnist_robust", "--seed", "3", "--out", str(out), *map(str, more)]) == 0
    return load_model("mnist_robust", weights=out).net


@pytest.mark.usefixtures("tiny")
def test_a_tiny_run_gives_the_same_bits_with_film_and_resume(tmp_path: Path, capsys) -> None:
    film, checkpoint = tmp_path / "film.html", tmp_path / "run.ckpt"
    once = run(tmp_path / "once.safetensors")
    assert "right under PGD of 2 steps at eps 76.5 of 255, on 32 of the test pictures" in capsys.readouterr().out
    assert_same_bits(run(tmp_path / "film.safetensors", "--film", film, "--checkpoint", checkpoint), once)
    assert read_film(film, 60).shots[-1].step == 6
    assert_same_bits(run(tmp_path / "again.safetensors", "--checkpoint", checkpoint, "--resume"), once)
    facts = json.loads((tmp_path / "once.json").read_text())["card"]
    assert (facts["seed"], facts["epochs"]) == (3, 2)
    assert "24 pictures for training, 8 for choosing the epoch and 32 for testing" in facts["data"]
    assert 0 <= facts["test_accuracy_under_attack"] <= facts["test_accuracy"]


def test_a_folder_is_trained_on_under_attack(tmp_path: Path, capsys, monkeypatch) -> None:
    """`train FOLDER --adversarial EPS`: the last line and the card say what a stronger attack leaves right."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for kind, name in enumerate(("dark", "light")):
        (tmp_path / "shades" / name).mkdir(parents=True)
        for number in range(5):
            picture = np.broadcast_to(rng.integers(0, 60, (12, 12, 3)) + (20, 170)[kind], (12, 12, 3))
            save_png(picture.astype(np.uint8), f"shades/{name}/{number}.png")
    assert main(["train", "shades", "--epochs", "8", "--adversarial", "16"]) == 0
    said = capsys.readouterr().out
    assert "right under PGD of 20 steps at eps 16 of 255, on 2 of the test pictures" in said
    facts = json.loads(Path("shades.json").read_text())["card"]
    assert facts["command"].endswith("--epochs 8 --adversarial 16.0")
    assert facts["test_accuracy_under_attack"] == 1.0
    for words, sentence in (
        (["--adversarial", "0.1"], "0.1 of the scale 0..1 is 25.5"),
        (["--adversarial", "-2"], "above 0 and at most 255"),
        (["--adversarial", "8", "--from", "digits"], "leave out --from, or --adversarial"),
    ):
        assert main(["train", "shades", "--epochs", "1", *words]) != 0
        assert sentence in capsys.readouterr().err


def test_how_each_net_was_trained_is_known_from_its_recipe() -> None:
    assert (
        how_trained("mnist_robust")
        == "each digit moved by three steps from a random start, eight passes of Adam in a cycle"
    )
    assert all(how_trained(name) for name in recipe_names() if name != "faces")
    assert how_trained("squeezenet1_1") == ""
