"""Where a result is to go is checked before the work: each way in which it cannot be written is one sentence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from minitorch_viz.errors import ImageFileError, MinitorchVizError, WeightsFileError
from minitorch_viz.io.atomic import write_bytes_atomically
from minitorch_viz.io.out import check_out

PICTURES = (".png", ".svg", ".pdf")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "old.png").write_bytes(b"old")
    (tmp_path / "sub").mkdir()
    return tmp_path


@pytest.mark.parametrize("name", ["new.png", "old.png", "sub/x.SVG", "a b ü.pdf", "sub/../y.png"])
def test_what_can_be_written_stays_as_it_is(folder: Path, name: str) -> None:
    before = sorted(folder.rglob("*"))
    assert check_out(str(folder / name), PICTURES) == folder / name
    assert sorted(folder.rglob("*")) == before  # the trial has left nothing
    assert (folder / "old.png").read_bytes() == b"old"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("x.jpeg", r"The picture is written as \.png, \.svg or \.pdf, but .*x\.jpeg ends in \.jpeg; give another name"),
        ("x", r"\.png, \.svg or \.pdf, but .*x has no ending"),
        ("x.png.txt", "ends in .txt"),
        ("sub", "sub is a folder; give the name of the file to write in it"),
        ("no/x.png", "There is no folder .*no to write x.png into; make it first"),
        ("old.png/x.png", "There is no folder .*old.png to write x.png into"),
        ("x" * 300 + ".png", "File name too long"),
    ],
)
def test_what_cannot_be_written_is_a_sentence(folder: Path, name: str, sentence: str) -> None:
    with pytest.raises(MinitorchVizError, match=sentence) as caught:
        check_out(folder / name, PICTURES, noun="picture")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", ["", "  ", None, 3, b"x.png", "x\0.png"])
def test_no_path_is_a_sentence(path: object) -> None:
    with pytest.raises(WeightsFileError, match="weights file to write"):
        check_out(path, noun="weights file", error=WeightsFileError)  # type: ignore[arg-type]


@pytest.mark.skipif(os.name != "posix", reason="links and devices are POSIX's")
def test_no_input_is_overwritten_by_whatever_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = folder / "old.png"
    (folder / "soft.png").symlink_to(photo)
    (folder / "hard.png").hardlink_to(photo)
    monkeypatch.chdir(folder / "sub")
    for out in (photo, folder / "sub" / ".." / "old.png", "../old.png", folder / "soft.png", folder / "hard.png"):
        for source in (photo, str(photo), "../old.png", folder / "soft.png"):
            with pytest.raises(MinitorchVizError, match=r"would overwrite .* one of the inputs"):
                check_out(out, PICTURES, [None, 3, "missing.png", source])
    check_out(folder / "new.png", PICTURES, [photo, "missing.png", "new.png", "\0", folder])
    with pytest.raises(MinitorchVizError, match="not a regular file"):
        check_out("/dev/null")


def test_what_may_not_be_written_is_a_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        with pytest.raises(ImageFileError, match=r"x\.png cannot be written: Read-only file system"):
            check_out(folder / "x.png", error=ImageFileError)
    monkeypatch.setattr(os, "access", lambda *_: False)  # permission bits do not hold root back
    with pytest.raises(MinitorchVizError, match=r"old\.png is write-protected"):
        check_out(folder / "old.png")
    with pytest.raises(MinitorchVizError, match=r"old\.png is write-protected"):
        write_bytes_atomically(folder / "old.png", b"new")
    assert (folder / "old.png").read_bytes() == b"old"
