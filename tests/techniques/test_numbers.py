"""A result's numbers in a file: the same entries in both formats, to the last bit, no pickle, and no NaN in JSON."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minitorch_viz.cli import main
from minitorch_viz.errors import MinitorchVizError, SettingError
from minitorch_viz.io.npz import read_npz_and_notes
from minitorch_viz.techniques import Result, techniques
from minitorch_viz.techniques.numbers import as_json, numbers_of
from tests.examples import example_of


@pytest.fixture(scope="module", params=list(techniques()))
def result(request: pytest.FixtureRequest) -> Result:
    return example_of(request.param)


def test_every_array_is_in_the_npz_file_to_the_last_bit(result: Result, tmp_path: Path) -> None:
    entries = numbers_of(result)
    with np.load(result.save(tmp_path / "numbers.npz"), allow_pickle=False) as file:
        assert str(file["technique"]) == result.technique.name
        assert str(file["caption"]) == result.caption
        for name, value in entries.items():
            if isinstance(value, np.ndarray):
                assert (file[name].dtype, file[name].shape) == (value.dtype, value.shape)
                assert file[name].tobytes() == value.tobytes()
            elif value is not None:
                assert file[name].tolist() == value
    arrays, _ = read_npz_and_notes(tmp_path / "numbers.npz")  # our own reader takes it, too, and leaves out the texts
    assert arrays


def test_the_json_file_holds_the_same(result: Result, tmp_path: Path) -> None:
    def refuse(name: str) -> None:
        raise AssertionError(f"JSON has no {name}")

    text = result.save(tmp_path / "numbers.json").read_text(encoding="utf-8")
    content = json.loads(text, parse_constant=refuse)
    entries = numbers_of(result)
    assert {*content} - {"left_out"} == {*entries} - {*content["left_out"]}
    for name in content["left_out"]:
        assert entries[name].dtype == np.uint8
    for name in {*content} - {"left_out"}:
        if isinstance(entries[name], np.ndarray):
            again = np.array(content[name], dtype=entries[name].dtype)  # null becomes NaN
            assert again.shape == entries[name].shape
            assert np.array_equal(again, entries[name], equal_nan=entries[name].dtype.kind == "f")
        else:
            assert content[name] == entries[name]


# Cut out of the user's pictures, whose numbers and places stay.
PIXELS = {
    "class-model": {"natural"},
    "regularizers": {"natural"},
    "multifaceted": {"natural", "examples"},
    "top-patches": {"patches"},
    "tsne": {"pixels"},
    "unit-model": {"natural"},
}


def test_nothing_but_states_pages_and_the_users_own_pixels_is_left_out(result: Result) -> None:
    names = {field.name for field in dataclasses.fields(result)}  # type: ignore[arg-type]  # it is a dataclass
    shown = {name.split(".")[0] for name in numbers_of(result)}
    empty = {name for name in names if isinstance(value := getattr(result, name), (tuple, dict)) and not value}
    pixels = PIXELS.get(result.technique.name, set())
    assert names - shown <= {"state", "page"} | pixels | empty


def test_a_heat_map_is_an_entry_of_its_own() -> None:
    grad_cam = example_of("grad-cam")
    assert numbers_of(grad_cam)["heat"].tobytes() == grad_cam.heat.tobytes()
    assert numbers_of(grad_cam)["labels"][0].startswith("class ")


def test_what_is_not_measured_is_null_in_json() -> None:
    occlusion: Any = example_of("occlusion")
    values = occlusion.values.copy()
    values[0, 0] = np.nan
    content = json.loads(as_json(dataclasses.replace(occlusion, values=values)))
    assert content["values"][0][0] is None
    assert content["values"][0][1] == values[0, 1]


def test_float32_is_written_in_as_few_digits_as_it_has() -> None:
    occlusion: Any = example_of("occlusion")
    text = as_json(dataclasses.replace(occlusion, values=np.full(occlusion.values.shape, 0.1, np.float32)))
    assert '"values": [[0.1, 0.1' in text


def test_the_same_numbers_are_the_same_bytes(tmp_path: Path) -> None:
    for suffix in ("npz", "json"):
        first, second = (
            techniques()["saliency"].example().save(tmp_path / f"{number}.{suffix}").read_bytes() for number in (1, 2)
        )
        assert first == second


@pytest.mark.parametrize("suffix", ["npz", "json", "NPZ"])
def test_from_the_command_line(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["saliency", "--out", f"s.{suffix}"]) == 0
    assert f"Wrote s.{suffix}" in capsys.readouterr().out
    assert (tmp_path / f"s.{suffix}").stat().st_size > 500


def test_another_suffix_and_a_missing_folder_are_told(tmp_path: Path) -> None:
    saliency = example_of("saliency")
    with pytest.raises(SettingError, match=r"saved as \.png, \.svg or \.pdf .* but the file is called 'map\.txt'"):
        saliency.save(tmp_path / "map.txt")
    for name in ("map.npz", "map.json"):
        with pytest.raises(MinitorchVizError, match="missing"):
            saliency.save(tmp_path / "missing" / name)
