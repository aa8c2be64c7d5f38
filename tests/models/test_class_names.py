"""Classes by name and by number: an exact name comes first, and ImageNet's names come with the package."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from minitorch_viz.errors import SettingError
from minitorch_viz.models import get_spec, load_model
from minitorch_viz.models.classes import find_class, imagenet_names, notes_on_names

TWELVE = sorted(str(i) for i in range(1, 13))  # as folders are sorted: 1, 10, 11, 12, 2, ...
YEARS = ["2019", "2020", "2021"]
MIXED = ["cat", "0", "7, seven", "007"]


@pytest.mark.parametrize(
    ("target", "names", "called"),
    [
        ("10", TWELVE, "10"),
        ("2", TWELVE, "2"),
        ("12", TWELVE, "12"),
        (" 9 ", TWELVE, "9"),
        ("0", TWELVE, "1"),  # no class is called so: the number
        (0, TWELVE, "1"),
        (10, TWELVE, "8"),
        (np.int64(10), TWELVE, "8"),
        ("#10", TWELVE, "8"),
        ("+10", TWELVE, "8"),
        ("7", ["3", "7"], "7"),
        ("2020", YEARS, "2020"),
        ("1", YEARS, "2020"),
        ("0", MIXED, "0"),
        ("7", MIXED, "7"),
        ("007", MIXED, "007"),
        ("seven", MIXED, "7"),
        ("#0", MIXED, "cat"),
        ("1", ["#1", "b"], "b"),
        ("#1", ["#1", "b"], "#1"),
        ("A", ["a", "A"], "A"),
        ("1", ["class 1", "class 0"], "class 0"),  # a number is no part of a name
    ],
)
def test_an_exact_name_comes_before_a_number(target: object, names: list[str], called: str) -> None:
    assert names[find_class(target, names, "net")].split(",")[0] == called


@pytest.mark.parametrize(
    ("target", "names", "words"),
    [
        ("13", TWELVE, r"classes 0 to 11, and 1, 10, 11, 12, 2, 3, 4, 5 \.\.\. as names, but got 13"),
        ("2018", YEARS, "classes 0 to 2, and 2019, 2020, 2021 as names, but got 2018"),
        ("-1", TWELVE, "but got -1"),
        ("#12", TWELVE, "but got 12"),
        ("5", ["5", "5"], r"fits 2 classes of net: 5 \(0\), 5 \(1\)"),
        ("9" * 99, ["a"], "classes 0 to 0, but got 9"),
    ],
)
def test_numbers_that_mean_no_class(target: str, names: list[str], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        find_class(target, names, "net")


def test_names_that_are_other_numbers_are_told() -> None:
    assert "'1' means the class of that name, which is number 0; '#1' means class number 1." in "".join(
        notes_on_names(TWELVE, "net")
    )
    for names in (YEARS, ["0", "1", "2"], ["cat", "dog"], [], ["3", "7"]):  # no digits means two classes
        assert notes_on_names(names, "net") == ()
    assert notes_on_names(["1", "0"], "net")


def test_a_net_of_such_names_tells_it(tmp_path: Path) -> None:
    state = {name: np.ascontiguousarray(value) for name, value in get_spec("tinyvgg").build(classes=12).state.items()}
    save_file(state, tmp_path / "w.safetensors")
    (tmp_path / "w.json").write_text(json.dumps({"names": TWELVE}))
    model = load_model("tinyvgg", weights=tmp_path / "w.safetensors")
    assert model.class_names[model.class_index("10")] == "10"
    assert any("'#1' means class number 1." in note for note in model.notes)


def test_imagenets_names() -> None:
    names = imagenet_names()
    assert len(names) == 1000
    assert len(set(names)) == 999  # a bird and a machine are called crane and nothing else
    assert all(name.strip() == name and name.split(",")[0] for name in names)
    for number, name in ((0, "tench"), (281, "tabby"), (291, "lion"), (404, "airliner"), (999, "toilet tissue")):
        assert names[number].split(",")[0] == name
        assert find_class(names[number], names, "net") == number
    assert find_class("Canis lupus familiaris", [*names, "dog, Canis lupus familiaris"], "net") == 1000
    with pytest.raises(SettingError, match=r"fits 2 classes of net: crane \(134\), crane \(517\)"):
        find_class("crane", names, "net")
