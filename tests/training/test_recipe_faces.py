"""faces and faces_hidden: what the cards say is so, the command makes them again, and the templates are faces."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import load_model
from minitorch_viz.cli import main
from minitorch_viz.data import Dataset, load_faces
from minitorch_viz.errors import DataFileError
from minitorch_viz.io.safetensors_ import read_safetensors
from minitorch_viz.training.film.page import read_film
from minitorch_viz.training.recipes import faces as recipe
from minitorch_viz.training.recipes import train

NAMES = "faces", "faces_hidden"
TEMPLATES = {"faces": "logits.weight", "faces_hidden": "hidden.weight"}


@pytest.fixture
def people(shared_data: Path) -> tuple[Dataset, Dataset]:
    return recipe.six_people(*load_faces(shared_data))


@pytest.fixture
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with a small made-up file of faces, and recipes of a few steps."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(7), 4)
    patterns = rng.integers(60, 200, (7, 64, 64))
    images = (patterns[labels] + rng.integers(-20, 20, (28, 64, 64))).astype(np.uint8)
    folder = tmp_path / "home" / "data" / "faces"
    folder.mkdir(parents=True)
    np.savez_compressed(folder / "olivetti_faces.npz", images=images, labels=labels)
    monkeypatch.setenv("MINITORCH_VIZ_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(recipe, "SPLITS", 2)
    shorter = tuple(recipe.Recipe(r.name, r.build, r.rate, 4, r.start) for r in recipe.RECIPES)
    monkeypatch.setattr(recipe, "RECIPES", shorter)
    return tmp_path


def card_of(name: str) -> dict[str, object]:
    path = Path(load_model(name).source).with_suffix(".json")
    card: dict[str, object] = json.loads(path.read_text())["card"]
    return card


@pytest.mark.parametrize("name", NAMES)
def test_the_file_is_what_the_card_says(name: str) -> None:
    path = Path(load_model(name).source)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == card_of(name)["sha256"]
    assert {array.dtype for array in read_safetensors(path).values()} == {np.dtype(np.float16)}
    assert card_of(name)["command"] == "minitorch-viz train faces --seed 0"


def test_together_they_are_small() -> None:
    assert sum(Path(load_model(name).source).stat().st_size for name in NAMES) < 300_000


@pytest.mark.parametrize("name", NAMES)
def test_the_accuracy_is_the_cards(name: str, people: tuple[Dataset, Dataset]) -> None:
    _, test = people
    model = load_model(name)
    answers = [model.classify(image, top=1)[0].index for image in test.images]  # as a user would
    share = float(np.mean(answers == test.labels))
    assert share == pytest.approx(card_of(name)["test_accuracy"], abs=1e-4)
    assert share >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize("one", recipe.RECIPES, ids=NAMES)
def test_other_splits_are_about_as_good(one: recipe.Recipe, people: tuple[Dataset, Dataset]) -> None:
    """Twelve pictures say little; sixty of five splits say more. The card has the mean of twenty."""
    assert recipe.other_splits(one, *people, count=5) >= 0.95
    assert float(card_of(one.name)["mean_test_accuracy_of_20_other_splits"]) >= 0.95  # type: ignore[arg-type]


def test_half_of_the_pictures_will_nearly_do(people: tuple[Dataset, Dataset]) -> None:
    """With five pictures a person instead of eight it gets worse: the splits above hide no leak."""
    whole = recipe.replace(
        people[0],
        images=np.concatenate([part.images for part in people]),
        labels=np.concatenate([part.labels for part in people]),
    )
    shares = []
    for seed in range(6):
        some, held = whole.split(0.5, seed)
        shares.append(recipe.share_right(recipe.train_net(recipe.RECIPES[0], some, seed).net, held))
    assert 0.85 < np.mean(shares) < 0.99


@pytest.mark.parametrize("name", NAMES)
def test_the_command_makes_them_again(name: str, shared_data: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("MINITORCH_VIZ_HOME", str(shared_data.parent))
    monkeypatch.setattr(recipe, "SPLITS", 1)
    train("faces", tmp_path / "faces.safetensors")
    again = read_safetensors(tmp_path / f"{name}.safetensors")
    for key, value in read_safetensors(Path(load_model(name).source)).items():
        # another machine's kernels may add in another order, and float16 keeps three digits
        np.testing.assert_allclose(again[key].astype(float), value.astype(float), atol=2e-3 * np.abs(value).max())


@pytest.mark.parametrize("name", NAMES)
def test_templates_look_like_people_they_speak_for(name: str, people: tuple[Dataset, Dataset]) -> None:
    """Smooth; and whoever's mean picture a template resembles most, it raises the score of."""
    model, training = load_model(name), people[0]
    templates = model.net.params[TEMPLATES[name]].reshape(-1, 64, 64)
    votes = np.eye(6) if name == "faces" else model.net.params["logits.weight"]  # (people, templates)
    means = np.stack([training.images[training.labels == k].mean(axis=0) for k in range(6)])
    means = means - means.mean(axis=0)
    for template, its_votes in zip(templates, votes.T, strict=True):
        likeness = [np.corrcoef(template.ravel(), mean.ravel())[0, 1] for mean in means]
        assert max(likeness) > 0.3
        assert its_votes[int(np.argmax(likeness))] > 0
        neighbours = np.corrcoef(template[:, :-1].ravel(), template[:, 1:].ravel())[0, 1]
        assert neighbours > 0.8  # white noise has 0


def test_a_tiny_run_gives_the_same_bits_with_film_and_resume(few: Path) -> None:
    def run(name: str, *more: str) -> list[bytes]:
        (few / name).mkdir()
        assert main(["train", "faces", "--seed", "3", "--out", str(few / name / "f.safetensors"), *more]) == 0
        return [(few / name / file).read_bytes() for file in ("f.safetensors", "f_hidden.safetensors")]

    once = run("once")
    film, checkpoint = few / "film.html", few / "c.ckpt"
    assert run("film", "--film", str(film), "--checkpoint", str(checkpoint)) == once
    for page in (film, few / "film_hidden.html"):
        assert read_film(page, 60).shots[-1].step > 0
    assert checkpoint.exists()
    assert (few / "c_hidden.ckpt").exists()
    assert run("resumed", "--checkpoint", str(checkpoint), "--resume") == once
    card = json.loads((few / "once" / "f_hidden.json").read_text())["card"]
    assert card["seed"] == 3
    assert card["data"].endswith("18 pictures for training and 6 for testing")


def test_without_the_faces_a_sentence(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("MINITORCH_VIZ_HOME", str(tmp_path))
    with pytest.raises(DataFileError, match=r"Put olivetti_faces\.npz there"):
        train("faces", tmp_path / "faces.safetensors")


@pytest.mark.torch
def test_pytorch_reads_them() -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file

    layers = {
        "faces": {"logits": torch.nn.Linear(4096, 6)},
        "faces_hidden": {
            "hidden": torch.nn.Linear(4096, 16),
            "relu": torch.nn.ReLU(),
            "logits": torch.nn.Linear(16, 6),
        },
    }
    x = np.random.default_rng(0).standard_normal((3, 1, 64, 64)).astype(np.float32)
    for name, modules in layers.items():
        model, theirs = load_model(name), torch.nn.Sequential(torch.nn.Flatten())
        for key, module in modules.items():
            theirs.add_module(key, module)
        theirs.load_state_dict({key: value.float() for key, value in load_file(model.source).items()})
        with torch.no_grad():
            expected = theirs(torch.tensor(x)).numpy()
        np.testing.assert_allclose(model.net.predict(x, upto="logits"), expected, rtol=1e-4, atol=1e-5)
