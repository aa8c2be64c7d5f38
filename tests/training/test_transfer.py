"""A new head on a trained net: cut where it should be, fitted on features, and a model file like any other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.cli import main
from minitorch_viz.data.own_pictures import pictures_for
from minitorch_viz.data.scenes.folders import write_scenes
from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.layers import Conv2d, Flatten, GlobalAvgPool2d, Linear, ReLU, Softmax
from minitorch_viz.models.cut import body_of, reader_of_body, with_nodes
from minitorch_viz.techniques import grad_cam
from minitorch_viz.training import transfer
from minitorch_viz.training.features import features_of
from minitorch_viz.training.film.page import read_film
from minitorch_viz.training.transfer import Joint
from tests.training.test_interrupted import stop_after
from tests.training.test_own_pictures import picture, train, two_classes
from tests.training.training_cases import assert_same_bits


@pytest.fixture(scope="module")
def shapes(tmp_path_factory) -> Path:
    """Scenes of two kinds, twelve each."""
    place = tmp_path_factory.mktemp("own") / "shapes"
    write_scenes(place, ["tree", "star"], 12, 4, progress=False)
    return place


# ------------------------------------------------------------------ where a net is cut


@pytest.mark.parametrize(
    ("name", "head", "goal", "width"),
    [
        ("cifar10", "linear", "flatten", 128),
        ("cifar10", "gap", "flatten", 128),
        ("digits", "linear", "flatten", 512),
        ("digits", "gap", "flatten", 32),
        ("allcnn", "linear", "flatten", 96),
        ("scenes", "gap", "flatten", 96),
        ("faces_hidden", "linear", "relu", 16),
    ],
)
def test_a_net_is_cut_before_its_scores_or_at_its_last_maps(name: str, head: str, goal: str, width: int) -> None:
    model = load_model(name)
    body = body_of(model, head)
    assert body.output == goal
    x = np.random.default_rng(0).standard_normal((2, *model.preprocessing.blank().shape[1:])).astype(np.float32)
    features = body.predict(x)
    assert features.shape == (2, width)
    if head == "gap":
        np.testing.assert_allclose(features, model.net.predict(x, upto=model.last_conv).mean(axis=(2, 3)), rtol=1e-4)


def test_the_body_of_a_net_that_ends_in_a_convolution_makes_its_scores() -> None:
    """The mean commutes with the convolution of one pixel: features times its weights are the old scores."""
    model = load_model("allcnn")
    x = np.random.default_rng(0).standard_normal((3, 3, 32, 32)).astype(np.float32)
    weight, bias = model.net.params["conv9.weight"][:, :, 0, 0], model.net.params["conv9.bias"]
    scores = body_of(model).predict(x) @ weight.T + bias
    np.testing.assert_allclose(scores, model.net.predict(x, upto="logits"), rtol=1e-3, atol=1e-4)


def test_names_that_are_taken() -> None:
    net = with_nodes(Net([("logits", ReLU()), ("gap", ReLU())]), ("gap", GlobalAvgPool2d()), ("logits", Flatten()))
    assert net.names[-2:] == ("gap_new", "logits_new")


def test_a_net_of_maps_gets_scores() -> None:
    """A net that is no classifier has no scores to cut before: its last maps are averaged."""
    weight = np.random.default_rng(0).standard_normal((4, 3, 3, 3)).astype(np.float32)
    model = Model.from_net(Net([("conv", Conv2d(weight)), ("relu", ReLU())]), size=12)
    assert body_of(model).predict(np.zeros((1, 3, 12, 12), np.float32)).shape == (1, 4)


# ------------------------------------------------------------------ what comes of it


def test_a_head_on_features_makes_the_whole_net(shapes: Path) -> None:
    """The head learns from centred and scaled features; joined, the net gives the head's scores for the pictures."""
    model = load_model("scenes")
    reader = reader_of_body(model)
    training, _ = pictures_for(shapes, reader)
    body = body_of(model)
    features = features_of(body, training, reader)
    joint = Joint(body, features.mean(axis=0), float(features.std()))
    rng = np.random.default_rng(0)
    scores = Linear(rng.standard_normal((2, 96)).astype(np.float32), np.ones(2, np.float32))
    head = Net([("logits", scores), ("prob", Softmax())])
    expected = head.predict(joint.inward(features), upto="logits")
    x = np.concatenate([reader.preprocess(image) for image in training.images])
    np.testing.assert_allclose(joint.net(head).predict(x, upto="logits"), expected, rtol=1e-3, atol=1e-3)


def test_a_folder_is_learnt_from_a_trained_net(shapes: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "net.safetensors"
    assert train(shapes, "--from", "scenes", "--head", "gap", "--out", out) == 0
    said = capsys.readouterr().out
    assert "as 64 x 64 pixels in colour; 2 classes: star, tree" in said
    model, origin = load_model(out), load_model("scenes")
    assert (model.class_names, model.last_conv, model.logits) == (("star", "tree"), "relu5", "logits")
    for name, value in origin.net.params.items():
        if not name.startswith("logits"):
            np.testing.assert_array_equal(model.net.params[name], value)
    card = json.loads(out.with_suffix(".json").read_text())["card"]
    assert card["test_accuracy"] >= 0.8
    assert card["command"] == f"minitorch-viz train {shapes} --seed 0 --from scenes --head gap"
    assert card["from"] == "scenes"
    assert "that of scenes: MIT" in card["licence"]
    photo = next((shapes / "tree").iterdir())
    result = grad_cam(model, photo, target="tree")
    maps = model.net.predict(model.preprocessing.preprocess(photo), upto="relu5")[0]
    expected = np.tensordot(model.net.params["logits.weight"][1], maps, 1) / maps[0].size
    np.testing.assert_allclose(result.signed[0], expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())


def test_its_file_is_one_to_begin_with_too(shapes: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    assert train(two_classes(tmp_path / "shades"), "--epochs", 1, "--out", first) == 0
    assert train(shapes, "--from", first, "--epochs", 1, "--out", second) == 0
    assert load_model(second).class_names == ("star", "tree")


def test_a_grey_net_reads_pictures_in_colour_as_grey(shapes: Path, tmp_path: Path) -> None:
    out = tmp_path / "net.safetensors"
    assert train(shapes, "--from", "mnist", "--epochs", 1, "--out", out) == 0
    assert load_model(out).preprocessing.channels == 1


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bits_with_film_and_resumed(shapes: Path, tmp_path: Path, capsys) -> None:
    checkpoint, film = tmp_path / "run.ckpt", tmp_path / "film.html"

    def run(name: str, *more: object) -> Net:
        out = tmp_path / f"{name}.safetensors"
        assert train(shapes, "--from", "cifar10", "--out", out, "--epochs", 3, "--unfreeze", 1, *more) == 0
        return load_model(out).net

    once = run("once")
    assert_same_bits(run("again", "--checkpoint", checkpoint, "--film", film), once)
    assert "Wrote " + str(tmp_path / "film_2.html") in capsys.readouterr().out
    assert_same_bits(run("resumed", "--checkpoint", checkpoint, "--resume"), once)
    assert (tmp_path / "run_2.ckpt").exists()
    for page in (film, tmp_path / "film_2.html"):
        strips = read_film(page, 60).strips
        assert ("conv1", "weights") in strips
        assert ("logits", "weights") in strips
    weight = load_model("cifar10").net.params["conv1.weight"]
    assert not np.array_equal(once.params["conv1.weight"], weight)
    np.testing.assert_allclose(once.params["conv1.weight"], weight, atol=0.01)


@pytest.mark.parametrize(("call", "stage"), [(1, " of stage 1 of 2 (1 step)"), (2, " of stage 2 of 2 (7 steps)")])
def test_ctrl_c_in_either_stage_leaves_a_model_file(
    call: int, stage: str, shapes, tmp_path, monkeypatch, capsys
) -> None:
    out, calls = tmp_path / "net.safetensors", []
    plain = transfer.fit

    def fit(*args, **settings):
        calls.append(1)
        with monkeypatch.context() as patch:
            patch.setattr(transfer, "fit", plain)
            if len(calls) == call:
                stop_after(patch, transfer, 1)
            return transfer.fit(*args, **settings)

    monkeypatch.setattr(transfer, "fit", fit)
    assert train(shapes, "--from", "cifar10", "--out", out, "--epochs", 3, "--unfreeze", 2) == 130
    assert f"{out} holds the weights after 0 of {3 if call == 1 else 2} epochs{stage}" in capsys.readouterr().err
    assert load_model(out).class_names == ("star", "tree")


def test_ctrl_c_while_features_are_made_writes_nothing(shapes, tmp_path, monkeypatch, capsys) -> None:
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(transfer, "features_of", stopped)
    assert train(shapes, "--from", "cifar10", "--out", tmp_path / "net.safetensors") == 130
    assert "before the first step, so nothing was written" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(("name", "head"), [("squeezenet1_1", "gap"), ("googlenet_bvlc", None)])
def test_nets_of_imagenet(name: str, head: str | None, shared_data: Path, tmp_path: Path) -> None:
    """Photos that such a net has never seen as classes of its own: light and dark ones of animals."""
    weights = shared_data / "weights"
    if not weights.is_dir():
        pytest.skip("needs weights of ImageNet nets")
    names = {"squeezenet1_1": "squeezenet1_1", "googlenet_bvlc": "googlenet"}
    folder, out = two_classes(tmp_path / "shades", size=(40, 40)), tmp_path / "net.safetensors"
    more = [] if head is None else ["--head", head]
    assert train(folder, "--from", names[name], "--weights", weights / f"{name}.safetensors", "--out", out, *more) == 0
    model = load_model(out)
    for kind, class_name in enumerate(model.class_names):
        assert model.classify(picture(kind, 77, (40, 40)))[0].name == class_name


# ------------------------------------------------------------------ what cannot be used


BAD = {
    "an unknown net": (["--from", "cifar"], "There is no model 'cifar'; near models: cifar10"),
    "an empty name": (["--from", ""], "--from"),
    "a file that is not there": (["--from", "no.safetensors"], "no.safetensors"),
    "a net without its weights": (["--from", "vgg16"], "vgg16"),
    "weights that are not there": (["--from", "squeezenet1_1", "--weights", "no.pth"], "no.pth"),
    "another net's weights": (["--from", "squeezenet1_1", "--weights", "other.safetensors"], "other.safetensors"),
    "a net with one layer": (["--from", "faces"], "has a single layer with weights"),
    "maps where there are none": (["--from", "faces_hidden", "--head", "gap"], "has no maps to average"),
    "a size that it cannot take": (
        ["--from", "faces_hidden", "--size", 32],
        "faces_hidden takes no pictures of 1 x 32 x 32",
    ),
    "a net to begin anew with": (["--from", "cifar10", "--net", "linear"], "leave one of them out"),
    "units": (["--from", "cifar10", "--units", 4], "a net that is trained already has none"),
    "a head of no net": (["--head", "gap"], "give --from NET too"),
    "weights of no net": (["--weights", "other.safetensors"], "give --from NET too"),
    "layers of no net": (["--unfreeze", 3], "give --from NET too"),
    "fewer epochs than none": (
        ["--from", "cifar10", "--unfreeze", -1],
        "unfreeze must be a whole number of at least 0",
    ),
    "no epochs": (["--from", "cifar10", "--epochs", 0], "epochs must be a whole number of at least 1"),
    "a negative seed": (["--from", "cifar10", "--seed", -1], "seed must be a whole number of at least 0"),
    "a size that is none": (["--from", "cifar10", "--size", 0], "size"),
    "the second stage's place": (["--from", "cifar10", "--unfreeze", 1, "--checkpoint", "a.ckpt"], "a_2.ckpt"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_does_not_go_together_gets_one_sentence(case: str, tmp_path: Path, monkeypatch, capsys) -> None:
    from minitorch_viz.io.safetensors_ import save_safetensors

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINITORCH_VIZ_HOME", str(tmp_path / "home"))
    two_classes(tmp_path / "pictures")
    save_safetensors("other.safetensors", {"a": np.zeros(3, np.float32)}, None)
    Path("a_2.ckpt").write_text("mine")
    settings, sentence = BAD[case]
    try:
        status = train("./pictures", *settings)
    except SystemExit as stop:
        status = stop.code
    error = capsys.readouterr().err
    assert status == 2
    assert sentence in error
    assert "Traceback" not in error
    assert not Path("pictures.safetensors").exists()


TYPOS = {
    "an option": (["--form", "cifar10"], "there is no option --form; did you mean --from?"),
    "an option of two words": (["--unfrezze", "2"], "there is no option --unfrezze; did you mean --unfreeze?"),
    "a head": (["--from", "cifar10", "--head", "gab"], "there is no head 'gab'; did you mean gap?"),
    "scores": (["--scores", "sigmoyd"], "there is no scores 'sigmoyd'; did you mean sigmoid?"),
}


@pytest.mark.parametrize("case", TYPOS)
def test_a_typo_is_told(case: str, tmp_path: Path, capsys) -> None:
    settings, sentence = TYPOS[case]
    with pytest.raises(SystemExit):
        train(two_classes(tmp_path / "pictures"), *settings)
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--from", "--head", "--unfreeze", "--scores", "--weights"])
def test_a_bundled_net_takes_none_of_it(option: str, capsys) -> None:
    value = {"--head": "gap", "--unfreeze": "1", "--scores": "sigmoid"}.get(option, "cifar10")
    assert main(["train", "digits", option, value]) == 2
    assert f"{option} is for a folder of your own pictures" in capsys.readouterr().err


@pytest.mark.parametrize("head", ["gab", "", None, 3])
def test_heads_that_are_none(head: object) -> None:
    with pytest.raises(MinitorchVizError, match="head"):
        body_of(load_model("digits"), head)  # type: ignore[arg-type]  # wrong on purpose
