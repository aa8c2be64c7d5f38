"""What persons say of units: files that the pages make or that are typed, and what they come to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from minitorch_viz.atlas.labels import Labelled, by_category, import_labels, in_words, labelled
from minitorch_viz.atlas.pages import write_pages
from minitorch_viz.atlas.store import Opinion, open_atlas, open_to_write
from minitorch_viz.cli import main
from minitorch_viz.errors import DataFileError


def entry(channel: int = 3, node: str = "relu3", **more) -> dict:
    return {"node": node, "channel": channel, **more}


def listed(*entries: dict) -> str:
    return json.dumps({"labels": entries})


def brought_in(folder: Path, text: str, suffix: str = ".json") -> dict:
    file = folder.parent / f"labels{suffix}"
    file.write_text(text)
    with open_atlas(folder) as atlas:
        about = atlas.about
    with open_to_write(folder, about) as atlas:
        import_labels(atlas, [file])
        return atlas.opinions()


def test_json_and_a_table_say_the_same(folder: Path) -> None:
    rows = [entry(label=" a  ring ", category="part", misfits=[2, 9]), entry(4, "relu1", label="edge")]
    expected = {
        ("relu1", 4): Opinion("relu1", 4, "edge", "", ()),
        ("relu3", 3): Opinion("relu3", 3, "a ring", "part", (1, 8)),
    }
    assert brought_in(folder, json.dumps({"labels": rows})) == expected
    table = "Node,channel,label,category,misfits\nrelu3,3,a ring,part,2 9\nrelu1,4,edge,,\n"
    assert brought_in(folder, table, ".csv") == expected
    assert brought_in(folder, "\ufeff" + table.replace("2 9", '"9, 2"'), ".csv") == expected


def test_the_later_entry_counts_and_an_empty_one_takes_away(folder: Path) -> None:
    rows = [entry(label="ring"), entry(label="bow")]
    assert brought_in(folder, listed(*rows))["relu3", 3].label == "bow"
    assert brought_in(folder, listed(entry(label=""))) == {}


@pytest.mark.parametrize(
    ("text", "suffix", "words"),
    [
        ("{", ".json", "labels.json"),
        ("[1]", ".json", "must be a JSON object"),
        ('{"labels": [1]}', ".json", "holds no labels"),
        ('{"names": []}', ".json", "holds no labels"),
        (listed(entry(node="relu9")), ".json", r"entry 1: the atlas has no layer 'relu9'; near"),
        (listed(entry(), entry(99)), ".json", "entry 2: relu3 has the channels 0 to 31, but not 99"),
        (listed(entry(channel=None)), ".json", "not None"),  # type: ignore[arg-type]
        (listed(entry(label=7)), ".json", "the label must be a text"),
        (listed(entry(label="x" * 300)), ".json", "has 300 letters"),
        (listed(entry(misfits=[0])), ".json", "from 1 to 9"),
        (listed(entry(misfits=[10])), ".json", "from 1 to 9"),
        (listed(entry(misfits="two")), ".json", "from 1 to 9"),
        ("unit,label\n3,ring\n", ".csv", "needs a first line node,channel"),
        ("node,channel\nrelu3,three\n", ".csv", "row 1"),
        ("node,channel\n", ".txt", r"\.json or \.csv"),
    ],
)
def test_a_bad_file_ends_in_a_sentence_and_changes_nothing(folder: Path, text: str, suffix: str, words: str) -> None:
    brought_in(folder, listed(entry(label="ring")))
    with pytest.raises(DataFileError, match=words):
        brought_in(folder, text, suffix)
    with open_atlas(folder) as atlas:
        assert [opinion.label for opinion in atlas.opinions().values()] == ["ring"]


def test_a_table_of_bytes_that_are_no_text(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes(b"node,channel\n\xff\xfe,3\n")
    with open_atlas(folder) as atlas, pytest.raises(DataFileError, match="as a table"):
        import_labels(atlas, [tmp_path / "labels.csv"])


def said(label: str = "dog", misfits: tuple[int, ...] = (), concept: str = "", category: str = "") -> Labelled:
    return Labelled(Opinion("relu", 0, label, category, misfits), 9, concept, "animal", True)


def test_precision_is_the_share_of_patches_that_fit() -> None:
    assert said(misfits=(0, 1, 2)).precision == pytest.approx(6 / 9)
    assert said("").precision is None


@pytest.mark.parametrize(
    ("label", "concept", "agrees"),
    [
        ("dog", "dog", True),
        ("Dogs", "dog", True),
        ("dog head", "dog", True),
        ("cat", "dog", False),
        ("cat", "category", False),
        ("dog", "", None),
        ("", "dog", None),
    ],
)
def test_a_person_agrees_with_dissection_where_both_name_the_same(label: str, concept: str, agrees) -> None:
    assert said(label, concept=concept).agrees is agrees


def test_what_it_comes_to_in_words() -> None:
    units = [said(misfits=(0, 1, 2), concept="dog"), said("cat", concept="sky"), said("", category="part")]
    assert in_words(units) == [
        "2 units have labels typed by a person; mean precision 83 % of the patches.",
        "Of 2 that dissection labels, too, 1 have the same label.",
    ]
    assert in_words([]) == []
    assert list(by_category([said(category="part"), said(), said(category="sky"), said(category="sky")])) == [
        "sky", "part", ""
    ]  # fmt: skip


def test_sheets_by_category_from_the_command_line(folder: Path, tmp_path: Path, capsys) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("node,channel,label,category,misfits\nrelu3,3,ring,part,2\nrelu3,5,bow,part,\nrelu1,0,edge,,\n")
    assert main(["atlas", "--out", str(folder), "--labels", str(file)]) == 0
    out = capsys.readouterr().out
    assert "3 units labelled." in out
    assert "mean precision 96 %" in out
    page = (folder / "labels.html").read_text()
    assert page.index("<h2>part") < page.index("<h2>without a category")
    assert "89 % of its patches fit" in page
    assert "ring" in (folder / "relu3.html").read_text()
    assert "ring" in (folder / "relu3" / "0003.html").read_text()
    with open_atlas(folder) as atlas:
        assert len(labelled(atlas)) == 3
        assert write_pages(atlas, folder) == 2 + 2 + 48
