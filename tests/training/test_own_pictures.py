"""Training on a folder of one's own pictures: the model file, the same bits, and a sentence for what cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import load_model
from minitorch_viz.cli import main
from minitorch_viz.data.own_pictures import own_pictures
from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.io.images import save_png
from minitorch_viz.layers import BatchNorm2d
from minitorch_viz.models.plain import plain
from minitorch_viz.training.film.page import read_film
from tests.training.training_cases import assert_same_bits


def picture(kind: int, number: int, size: tuple[int, int] = (12, 12), grey: bool = False) -> np.ndarray:
    """A dark (0) or light (1) picture with some noise."""
    noise = np.random.default_rng([kind, number]).integers(0, 60, (*size, 1 if grey else 3))
    return np.broadcast_to(noise + (20, 170)[kind], (*size, 3)).astype(np.uint8)


def fill(folder: Path, kind: int = 0, count: int = 5, **settings) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        save_png(picture(kind, number, **settings), folder / f"{number}.png")
    return folder


def two_classes(folder: Path, names: tuple[str, str] = ("dark", "light"), **settings) -> Path:
    for kind, name in enumerate(names):
        fill(folder / name, kind, **settings)
    return folder


def train(*arguments: object) -> int:
    return main(["train", *map(str, arguments)])


def test_a_folder_becomes_a_model_file(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    two_classes(tmp_path / "shades")
    assert train("shades", "--epochs", 8, "--film", "film.html") == 0
    said = capsys.readouterr().out
    assert "8 pictures to train on and 2 held out to test on, as 12 x 12 pixels in colour; 2 classes: dark, " in said
    assert "shades: 100.00% of the 2 test images right" in said
    assert said.endswith("Next: minitorch-viz report PHOTO.jpg --model shades.safetensors\n")
    model = load_model("shades.safetensors")
    assert (model.class_names, model.first_conv, model.last_conv) == (("dark", "light"), "conv1", "relu5")
    assert not any(isinstance(node.layer, BatchNorm2d) for node in model.net.nodes)
    for kind, name in enumerate(model.class_names):
        assert model.classify(picture(kind, 77))[0].name == name
    assert read_film(Path("film.html"), 60).shots[-1].step == 8
    assert main(["saliency", "shades/dark/0.png", "--model", "shades.safetensors", "--out", "map.png"]) == 0


def test_the_same_seed_gives_the_same_bits_resumed_too(tmp_path: Path) -> None:
    folder = two_classes(tmp_path / "shades", size=(20, 9))

    def run(name: str, *more: object):
        out = tmp_path / f"{name}.safetensors"
        assert train(folder, "--out", out, "--epochs", 3, *more) == 0
        return load_model(out).net

    once = run("once")
    assert_same_bits(run("again", "--checkpoint", tmp_path / "run.ckpt"), once)
    assert_same_bits(run("resumed", "--checkpoint", tmp_path / "run.ckpt", "--resume"), once)
    other = run("other", "--seed", 1)
    assert any((other.params[name] != once.params[name]).any() for name in once.params)


def test_ctrl_c_leaves_a_model_file(tmp_path: Path, monkeypatch, capsys) -> None:
    from minitorch_viz.training import bundle
    from tests.training.test_interrupted import stop_after

    stop_after(monkeypatch, bundle, 2)
    folder, out = two_classes(tmp_path / "shades"), tmp_path / "net.safetensors"
    assert train(folder, "--out", out, "--epochs", 5) == 130
    assert f"interrupted; {out} holds the weights after 1 of 5 epochs (2 steps)" in capsys.readouterr().err
    assert load_model(out).class_names == ("dark", "light")


def test_a_recipes_name_comes_before_a_folders(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    two_classes(tmp_path / "digits")
    assert train("digits", "--epochs", 1) == 2
    assert "write the folder as ./digits" in capsys.readouterr().err
    assert train("./digits", "--epochs", 1) == 0
    model = load_model("digits.safetensors")
    assert (model.name, model.class_names) == ("own digits", ("dark", "light"))


@pytest.mark.parametrize("names", [("Zürich 2", "Äpfel und Birnen"), ("10", "9"), ("a, b", "c")])
def test_names_of_classes_are_kept(names: tuple[str, str], tmp_path: Path) -> None:
    folder, out = two_classes(tmp_path / "my pictures", names), tmp_path / "net.safetensors"
    assert train(folder, "--out", out, "--epochs", 1) == 0
    assert load_model(out).class_names == names


def test_grey_pictures_make_a_net_of_one_channel_and_one_in_colour_makes_three(tmp_path: Path) -> None:
    folder = two_classes(tmp_path / "shades", grey=True)
    training, test, preprocessing = own_pictures(folder)
    assert (training.channels, test.channels, preprocessing.channels) == (1, 1, 1)
    assert preprocessing.mean[0] == pytest.approx(training.images.mean(), abs=0.05)
    save_png(picture(0, 9), folder / "dark" / "9.png")
    assert own_pictures(folder)[2].channels == 3


def test_what_the_net_learnt_from_is_what_it_reads(tmp_path: Path) -> None:
    """The stored pictures, normalized, are bit for bit what `preprocess` makes of the files, of any size."""
    from minitorch_viz.data import normalized

    folder = two_classes(tmp_path / "shades", size=(31, 17))
    training, test, preprocessing = own_pictures(folder, 16)
    expected = np.concatenate([preprocessing.preprocess(file) for file in sorted((folder / "dark").iterdir())])
    images = np.concatenate([part.images[part.labels == 0] for part in (training, test)])
    stored = {image.tobytes() for image in normalized(images, preprocessing)}
    assert stored == {image.tobytes() for image in expected}


@pytest.mark.parametrize(("sides", "side"), [([40, 41, 200], 41), ([5], 8), ([900], 64)])
def test_the_size_is_the_usual_one(sides: list[int], side: int, tmp_path: Path) -> None:
    from minitorch_viz.data.own_pictures import usual_side

    for number, length in enumerate(sides):
        fill(tmp_path / str(number), count=1, size=(length, length + 3))
    assert usual_side(tmp_path) == side


@pytest.mark.parametrize(("size", "maps"), [((8, 8), 8), ((64, 64), 8), ((33, 90), 8), ((256, 256), 16)])
def test_the_maps_stay_large_enough_to_show_a_place(size: tuple[int, int], maps: int) -> None:
    net = plain(size, 3, 4)
    tape = net.forward(np.zeros((1, 3, *size), np.float32))
    assert min(tape["relu5"].shape[2:]) == maps
    assert tape["logits"].shape == (1, 4)


def test_pictures_of_letters_are_not_mirrored(tmp_path: Path, monkeypatch) -> None:
    from minitorch_viz.training import own

    mirrored: list[int] = []
    monkeypatch.setattr(own, "flip", lambda images, _: mirrored.append(len(images)) or images)
    folder, out = two_classes(tmp_path / "letters"), tmp_path / "net.safetensors"
    assert train(folder, "--epochs", 1, "--out", out, "--no-mirror") == 0
    assert not mirrored
    assert train(folder, "--epochs", 1, "--out", out) == 0
    assert mirrored == [8]


@pytest.mark.parametrize(
    ("settings", "nodes", "templates"),
    [
        (["--net", "linear"], ["flatten", "logits", "prob"], ("logits", 2)),
        (["--net", "hidden"], ["flatten", "hidden", "relu", "logits", "prob"], ("hidden", 16)),
        (
            ["--net", "hidden", "--units", 3, "--activation", "tanh"],
            ["flatten", "hidden", "tanh", "logits", "prob"],
            ("hidden", 3),
        ),
    ],
)
def test_the_simplest_nets_have_templates(settings, nodes, templates, tmp_path: Path) -> None:
    """Each row of the weights is a picture, and the row of the light class is lighter than that of the dark one."""
    folder, out = two_classes(tmp_path / "shades", grey=True), tmp_path / "net.safetensors"
    assert train(folder, "--out", out, "--epochs", 20, *settings) == 0
    model = load_model(out)
    assert [node.name for node in model.net.nodes] == nodes
    name, count = templates
    assert model.net.params[f"{name}.weight"].shape == (count, 12 * 12)
    for kind, class_name in enumerate(model.class_names):
        assert model.classify(picture(kind, 77, grey=True))[0].name == class_name
    if name == "logits":
        dark, light = model.net.params["logits.weight"].mean(axis=1)
        assert dark < 0 < light


@pytest.mark.nightly
def test_three_classes_of_sixty_scenes_are_learnt(tmp_path: Path) -> None:
    """Of scenes with one to three objects of these kinds, the largest is named: 90 % of 300 fresh ones."""
    from minitorch_viz.data import normalized
    from minitorch_viz.data.scenes import KINDS, scenes

    kinds = ["tree", "car", "star"]

    def first(count: int, seed: int):
        batch = scenes(6 * count, seed, kinds=kinds)
        for kind in kinds:
            places = np.flatnonzero(batch.labels == KINDS.index(kind) - 1)[:count]
            assert len(places) == count
            yield kind, batch.images[places]

    for kind, images in first(60, 5):
        (tmp_path / "scenes" / kind).mkdir(parents=True)
        for number, image in enumerate(images):
            save_png(image, tmp_path / "scenes" / kind / f"{number}.png")
    out = tmp_path / "net.safetensors"
    assert train(tmp_path / "scenes", "--out", out) == 0
    model = load_model(out)
    right = [
        model.net.predict(normalized(images, model.preprocessing), upto="logits").argmax(axis=1)
        == model.class_names.index(kind)
        for kind, images in first(100, 77)
    ]
    assert np.size(right) == 300
    assert np.mean(right) >= 0.9


# ------------------------------------------------------------------ what cannot be used


def broken(folder: Path) -> None:
    two_classes(folder)
    for file in (folder / "dark").iterdir():
        file.write_bytes(b"no picture")


def one_picture_each(folder: Path) -> None:
    two_classes(folder, count=1)


def all_the_same(folder: Path) -> None:
    for name in "ab":
        (folder / name).mkdir(parents=True)
        for number in range(3):
            save_png(np.full((9, 9, 3), 7, np.uint8), folder / name / f"{number}.png")


def with_an_empty_class(folder: Path) -> None:
    two_classes(folder)
    (folder / "none").mkdir()


BAD_FOLDERS: dict[str, tuple[Callable[[Path], object], list[object], str]] = {
    "no folder": (lambda _: None, [], "There is no folder"),
    "an empty folder": (lambda place: place.mkdir(), [], "has no folders; each class needs one"),
    "pictures without classes": (fill, [], "has no folders; each class needs one"),
    "one class": (lambda place: fill(place / "dark"), [], "has a single class, 'dark'"),
    "an empty class": (with_an_empty_class, [], "none has no pictures"),
    "a class of broken pictures": (broken, [], "None of the pictures of 'dark' can be read"),
    "one picture a class": (one_picture_each, [], "no class has more than one picture"),
    "nothing to see": (all_the_same, [], "Every pixel of the pictures in"),
    "a size too small": (two_classes, ["--size", 2], "size must be a whole number from 8 to 256"),
    "a size too large": (two_classes, ["--size", 5000], "size must be a whole number from 8 to 256"),
    "no epochs": (two_classes, ["--epochs", 0], "epochs must be a whole number of at least 1"),
    "units of no layer": (two_classes, ["--units", 4], "has none"),
    "a hidden layer without units": (two_classes, ["--net", "hidden", "--units", 0], "units must be a whole number"),
    "a negative seed": (two_classes, ["--seed", -1], "seed must be a whole number of at least 0"),
    "the data of a bundled net": (two_classes, ["--data", "x"], "--data is for bundled nets"),
    "nothing to resume": (two_classes, ["--resume"], "give --checkpoint FILE too"),
    "another ending": (two_classes, ["--out", "net.pth"], "The weights are written as NAME.safetensors"),
    "a folder that is not there to write to": (two_classes, ["--out", "no/net.safetensors"], "make it first"),
}


@pytest.mark.parametrize("case", BAD_FOLDERS)
def test_what_cannot_be_used_gets_one_sentence(case: str, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    make, settings, sentence = BAD_FOLDERS[case]
    make(tmp_path / "pictures")
    assert train("./pictures", "--epochs", 1, *settings) == 2
    error = capsys.readouterr().err
    assert error.startswith("minitorch-viz: ")
    assert sentence in error
    assert len(error.strip().splitlines()) == 1
    assert not list(tmp_path.glob("*.safetensors"))


def test_a_broken_picture_is_left_out_and_named(tmp_path: Path, capsys) -> None:
    folder = two_classes(tmp_path / "shades")
    (folder / "dark" / "bad.png").write_bytes(b"no picture")
    assert train(folder, "--epochs", 1, "--out", tmp_path / "net.safetensors") == 0
    said = capsys.readouterr().out
    assert "Note: 1 picture was left out" in said
    assert "bad.png" in said


@pytest.mark.parametrize("name", ["digit", "my_pictures"])
def test_a_name_that_is_neither_gets_both_said(name: str, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        train(name)
    assert f"there is no recipe {name!r}; " in capsys.readouterr().err


def test_one_class_is_refused_in_python_too(tmp_path: Path) -> None:
    fill(tmp_path / "dark")
    with pytest.raises(MinitorchVizError, match="single class"):
        own_pictures(tmp_path)
