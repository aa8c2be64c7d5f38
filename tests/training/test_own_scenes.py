"""A net of one's own from pictures that anybody can make: from the first command to the report, by the clock."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from minitorch_viz import load_model
from minitorch_viz.data.scenes.folders import write_scenes

FRESH = 100  # scenes of each class, of another seed


def command(*words: object, folder: Path) -> float:
    """Run a command as its user does and return the seconds that it took."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "minitorch_viz", *map(str, words)], check=True, cwd=folder)
    return time.perf_counter() - started


def share_named(file: Path, fresh: list[Path]) -> float:
    """Return the share of fresh scenes whose main object has the highest score."""
    model = load_model(file)
    return sum(model.classify(picture)[0].name == picture.parent.name for picture in fresh) / len(fresh)


@pytest.mark.nightly
@pytest.mark.parametrize("more", [[], ["--from", "scenes"]], ids=["a new net", "a new head"])
def test_three_classes_of_sixty_scenes_from_one_command_and_the_report_from_a_second(more, tmp_path: Path) -> None:
    """90 % of 300 fresh scenes, in under two minutes."""
    classes = ["tree", "car", "star"]
    command("scenes", "--classes", ",".join(classes), "--each", 60, "--seed", 5, "--out", "my_scenes", folder=tmp_path)
    seconds = command("train", "my_scenes", *more, folder=tmp_path)
    file = tmp_path / "my_scenes.safetensors"
    fresh = write_scenes(tmp_path / "fresh", classes, FRESH, 77)
    share = share_named(file, fresh)
    print(f"{' '.join(['train', *more])}: {share:.1%} of {len(fresh)} fresh scenes, in {seconds:.0f} s")
    assert share >= 0.9
    assert seconds < 120
    command("report", fresh[0], "--model", file, "--out", "report.html", folder=tmp_path)
    assert "car" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_new_head_names_fresh_scenes(tmp_path: Path) -> None:
    """What the bundled net for scenes sees is enough for any three of its kinds, in a second or two."""
    from minitorch_viz.training.own import train_folder

    classes = ["umbrella", "car", "tree"]
    write_scenes(tmp_path / "my_scenes", classes, 60, 1, progress=False)
    file = train_folder(tmp_path / "my_scenes", tmp_path / "net.safetensors", from_net="scenes")
    fresh = write_scenes(tmp_path / "fresh", classes, FRESH, 2, progress=False)
    assert share_named(file, fresh) >= 0.95
    card = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))["card"]
    assert card["test_accuracy"] >= 0.9
