"""Nothing is lost: places are checked before the work; Ctrl-C leaves the weights so far, or says there are none."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import load_model
from minitorch_viz.cli import main
from minitorch_viz.errors import SettingError
from minitorch_viz.training import Observer, bundle
from minitorch_viz.training.recipes import digits, faces, scenes
from minitorch_viz.training.recipes import train as train_recipe


class Stop(Observer):
    """Ctrl-C after so many steps."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def begin(self, _run, state) -> None:
        self._stop(state)

    def step(self, _run, step) -> None:
        self._stop(step.state)

    def _stop(self, state) -> None:
        if state.step == self.steps:
            raise KeyboardInterrupt


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digits, "EPOCHS", 2)
    monkeypatch.setattr(digits, "BATCH", 720)  # two steps an epoch


def stop_after(monkeypatch: pytest.MonkeyPatch, module, steps: int) -> None:
    plain = module.fit

    def fit(*args, observers=(), **settings):
        return plain(*args, observers=[*observers, Stop(steps)], **settings)

    monkeypatch.setattr(module, "fit", fit)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(("steps", "done"), [(1, "0 of 2 epochs (1 step)"), (3, "1 of 2 epochs (3 steps)")])
def test_ctrl_c_writes_the_weights_so_far(steps: int, done: str, tmp_path: Path, monkeypatch, capsys) -> None:
    stop_after(monkeypatch, bundle, steps)
    out, kept = tmp_path / "net.safetensors", tmp_path / "run.ckpt"
    assert main(["train", "digits", "--out", str(out), "--checkpoint", str(kept)]) == 130
    said = capsys.readouterr().err
    assert f"interrupted; {out} holds the weights after {done}; the same command with --resume continues" in said
    card = json.loads(out.with_suffix(".json").read_text())["card"]
    assert card["interrupted"] == f"after {done}"
    assert "test_accuracy" not in card
    model = load_model("digits", weights=out)
    from minitorch_viz.io.safetensors_ import read_safetensors

    state = {name.removeprefix("net/"): value for name, value in read_safetensors(kept).items() if "net/" in name}
    for name, value in model.net.state.items():  # rounded to float16, as every file of weights
        np.testing.assert_array_equal(value, state[name].astype(np.float16).astype(np.float32))


@pytest.mark.usefixtures("short")
def test_older_weights_stay_and_the_unfinished_ones_lie_beside_them(tmp_path: Path, monkeypatch, capsys) -> None:
    out, aside, kept = (tmp_path / name for name in ("net.safetensors", "net.interrupted.safetensors", "run.ckpt"))
    train_recipe("digits", out)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with monkeypatch.context() as patch:
        stop_after(patch, bundle, 3)
        assert main(["train", "digits", "--seed", "1", "--out", str(out), "--checkpoint", str(kept)]) == 130
    said = capsys.readouterr().err
    assert f"interrupted; {aside} holds the weights after 1 of 2 epochs (3 steps); {out} is left as it was" in said
    assert {path: path.read_bytes() for path in before} == before
    assert set(tmp_path.iterdir()) == {*before, aside, aside.with_suffix(".json"), kept}
    state = load_model("digits", weights=aside).net.state
    assert any(
        not np.array_equal(value, load_model("digits", weights=out).net.state[name]) for name, value in state.items()
    )
    settings = {"checkpoint": kept, "resume": True}  # to its end: the weights of an undisturbed run
    whole = train_recipe("digits", tmp_path / "whole.safetensors", 1)
    assert train_recipe("digits", out, 1, **settings).read_bytes() == whole.read_bytes()


@pytest.mark.usefixtures("short")
def test_unfinished_weights_of_earlier_runs_stay_too(tmp_path: Path, monkeypatch, capsys) -> None:
    out = tmp_path / "net.safetensors"
    out.write_bytes(b"somebody's")
    (tmp_path / "net.interrupted-2.json").write_text("{}")  # a card alone is not overwritten, either
    stop_after(monkeypatch, bundle, 1)
    before: dict[Path, bytes] = {}
    for run, name in enumerate(["net.interrupted", "net.interrupted-3", "net.interrupted-4"]):
        assert main(["train", "digits", "--seed", str(run), "--out", str(out)]) == 130
        said = capsys.readouterr().err
        assert f"interrupted; {tmp_path / name}.safetensors holds the weights" in said
        assert f"{out} is left as it was" in said
        assert ("and so are the unfinished weights of earlier runs" in said) == (run > 0)
        assert {path: path.read_bytes() for path in before} == before
        before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(before) == 2 + 3 * 2


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("older", ["no card", "a card that is a list", "an interrupted run, but no checkpoint"])
def test_weights_of_any_kind_stay(older: str, tmp_path: Path, monkeypatch) -> None:
    out = tmp_path / "net.safetensors"
    out.write_bytes(b"somebody's")
    if older != "no card":
        card = [1] if older == "a card that is a list" else {"interrupted": "after 1 of 2 epochs"}
        out.with_suffix(".json").write_text(json.dumps({"card": card}))
    stop_after(monkeypatch, bundle, 1)
    assert main(["train", "digits", "--out", str(out)]) == 130
    assert out.read_bytes() == b"somebody's"
    assert "interrupted" in json.loads((tmp_path / "net.interrupted.json").read_text())["card"]


@pytest.mark.usefixtures("short")
def test_a_run_that_goes_on_from_its_checkpoint_renews_its_own_unfinished_weights(
    tmp_path, monkeypatch, capsys
) -> None:
    out, kept = tmp_path / "net.safetensors", tmp_path / "run.ckpt"
    for steps, more in ((1, []), (3, ["--resume"])):
        with monkeypatch.context() as patch:
            stop_after(patch, bundle, steps)
            assert main(["train", "digits", "--out", str(out), "--checkpoint", str(kept), *more]) == 130
        assert f"interrupted; {out} holds the weights" in capsys.readouterr().err
    assert set(tmp_path.iterdir()) == {out, out.with_suffix(".json"), kept}


@pytest.mark.usefixtures("short")
def test_a_checkpoint_is_not_begun_anew_and_other_runs_weights_stay(tmp_path, monkeypatch, capsys) -> None:
    """Without --resume its steps would be lost; unfinished weights of another run are not this one's."""
    out, kept, other = (tmp_path / name for name in ("net.safetensors", "run.ckpt", "other.ckpt"))

    def run(seed: int, checkpoint: Path, steps: int, *more: str) -> tuple[int, str]:
        with monkeypatch.context() as patch:
            stop_after(patch, bundle, steps)
            settings = ["--seed", str(seed), "--out", str(out), "--checkpoint", str(checkpoint)]
            return main(["train", "digits", *settings, *more]), capsys.readouterr().err

    run(0, kept, 1)
    before = {path: path.read_bytes() for path in (out, kept)}
    status, said = run(0, kept, 1)
    assert status == 2
    assert f"{kept} holds a training after 1 step, which a new one would replace: continue it with --resume" in said
    status, said = run(1, other, 1)
    assert status == 130
    assert f"{out} is left as it was" in said
    status, said = run(1, other, 3, "--resume")
    assert f"{out} is left as it was, and so are the unfinished weights of earlier runs" in said
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.usefixtures("short")
def test_before_the_first_step_there_is_nothing_to_keep(tmp_path: Path, monkeypatch, capsys) -> None:
    out = tmp_path / "net.safetensors"

    def stopped() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:  # while the data are read
        patch.setattr(digits, "load_digits", stopped)
        assert main(["train", "digits", "--out", str(out)]) == 130
    assert f"before the first step, so nothing was written to {out}" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("short")
def test_an_interrupted_test_costs_the_test_only(tmp_path: Path, monkeypatch, capsys) -> None:
    out = tmp_path / "net.safetensors"

    def stopped(*_) -> float:
        raise KeyboardInterrupt

    whole = train_recipe("digits", tmp_path / "whole.safetensors")
    monkeypatch.setattr(bundle, "share_right", stopped)
    assert main(["train", "digits", "--out", str(out)]) == 130
    assert "after 2 of 2 epochs (4 steps), before the test was done" in capsys.readouterr().err
    assert out.read_bytes() == whole.read_bytes()


def test_each_stage_and_each_net_is_kept(tmp_path: Path, monkeypatch, capsys) -> None:
    """scenes has two stages, faces two nets: what is finished stays, what has begun is written."""
    from minitorch_viz.data import Dataset

    monkeypatch.setattr(scenes, "BATCHES", 2)
    monkeypatch.setattr(scenes, "BATCH", 2)
    monkeypatch.setattr(scenes, "WATCHED", 4)
    monkeypatch.setattr(scenes, "STAGES", tuple(replace(stage, epochs=1) for stage in scenes.STAGES))
    calls = []
    plain = scenes.fit

    def fit(*args, observers=(), **settings):
        calls.append(1)
        return plain(*args, observers=[*observers, Stop(1 if len(calls) == 2 else 99)], progress=False, **settings)

    monkeypatch.setattr(scenes, "fit", fit)
    out = tmp_path / "s.safetensors"
    assert main(["train", "scenes", "--out", str(out)]) == 130
    assert "after 0 of 1 epochs of stage 2 of 2 (3 steps)" in capsys.readouterr().err
    assert load_model("scenes", weights=out).source == str(out)

    people = np.repeat(np.arange(6), 4)
    images = np.random.default_rng(0).integers(0, 256, (24, 64, 64), np.uint8)
    data = Dataset(images, people, tuple(f"person {i}" for i in range(6)), "faces")
    monkeypatch.setattr(faces, "load_faces", lambda _: data.split(0.25))
    monkeypatch.setattr(faces, "SPLITS", 1)
    monkeypatch.setattr(
        faces, "RECIPES", tuple(faces.Recipe(r.name, r.build, r.rate, 2, r.start) for r in faces.RECIPES)
    )
    calls.clear()
    plain_fit = faces.fit

    def fit_faces(*args, observers=(), **settings):
        calls.append(1)  # the first net, its other split, the second net
        settings["progress"] = False
        return plain_fit(*args, observers=[*observers, Stop(1 if len(calls) == 3 else 99)], **settings)

    monkeypatch.setattr(faces, "fit", fit_faces)
    out = tmp_path / "f.safetensors"
    assert main(["train", "faces", "--out", str(out)]) == 130
    said = capsys.readouterr().err
    assert f"{tmp_path / 'f_hidden.safetensors'} holds the weights after 0 of 2 epochs (1 step)" in said
    assert "test_accuracy" in json.loads(out.with_suffix(".json").read_text())["card"]
    assert load_model("faces_hidden", weights=tmp_path / "f_hidden.safetensors").name == "faces_hidden"


PLACES = {  # arguments, words of the sentence
    "no folder": (["--out", "no/x.safetensors"], "no is no folder; make it first"),
    "another suffix": (["--out", "y.txt"], "NAME.safetensors"),
    "a photo": (["--out", "photo.jpg"], "NAME.safetensors"),
    "a folder": (["--out", "folder"], "NAME.safetensors"),
    "the film nowhere": (["--film", "no/film.html"], "There is no folder"),
    "the film no page": (["--film", "film.mp4"], r"film is written as \.html or \.htm, but film\.mp4 ends in \.mp4"),
    "the film a folder": (["--film", "folder"], "is a folder"),
    "the checkpoint nowhere": (["--checkpoint", "no/run.ckpt"], "There is no folder"),
    "the checkpoint a photo": (["--checkpoint", "photo.jpg"], "would overwrite photo.jpg, which is none"),
    "the checkpoint other weights": (["--checkpoint", "other.safetensors"], "would overwrite other.safetensors"),
    "the same twice": (
        ["--out", "a.safetensors", "--checkpoint", "a.safetensors"],
        "both the weights and the checkpoint",
    ),
    "the card twice": (["--out", "a.safetensors", "--checkpoint", "a.json"], "both the model card and the checkpoint"),
    "a page and the state": (["--film", "a.html", "--checkpoint", "./a.html"], "both the film and the checkpoint"),
    "another JSON": (["--out", "package.safetensors"], "The model card would overwrite package.json, which is none"),
}


@pytest.mark.parametrize("name", PLACES)
def test_places_are_checked_before_anything_is_read(name: str, tmp_path: Path, monkeypatch, capsys) -> None:
    import re

    from minitorch_viz.io.safetensors_ import save_safetensors

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(digits, "load_digits", None)  # it must not come so far
    (tmp_path / "folder").mkdir()
    (tmp_path / "photo.jpg").write_bytes(b"a photo")
    (tmp_path / "package.json").write_text('{"version": 1}')
    save_safetensors("other.safetensors", {"a": np.ones(3)})
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    more, words = PLACES[name]
    assert main(["train", "digits", *more]) == 2
    said = capsys.readouterr().err
    assert re.search(words, said), said
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_the_second_nets_places_are_checked_too(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(faces, "load_faces", None)
    Path("a_hidden.json").write_text("[1]")
    with pytest.raises(SettingError, match=r"a_hidden\.json"):
        train_recipe("faces", Path("a.safetensors"))
    monkeypatch.setattr(scenes, "make_scenes", None)
    Path("film_2.html").mkdir()
    with pytest.raises(SettingError, match=r"film_2\.html is a folder"):
        train_recipe("scenes", Path("b.safetensors"), film=Path("film.html"))
