"""Pictures in archives: by number and lazily, the same in every pass, whatever is damaged or hostile in between."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import pickle
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minitorch_viz.data import archive_pictures as module
from minitorch_viz.data.pictures import ArrayPictures, as_pictures
from minitorch_viz.errors import DataFileError, ImageFileError

KINDS = (".zip", ".tar", ".tar.gz", ".tar.xz")
each = pytest.mark.parametrize("kind", KINDS)


def png(level: int, size: tuple[int, int] = (6, 4)) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((*size, 3), level, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def archive(folder: Path, kind: str, files: dict[str, bytes]) -> Path:
    """An archive of these files, in this order."""
    path = folder / f"pictures{kind}"
    if kind == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as table:
            for name, data in files.items():
                table.writestr(name, data)
        return path
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as table:
        for name, data in files.items():
            header = tarfile.TarInfo(name)
            header.size = len(data)
            table.addfile(header, io.BytesIO(data))
    packers = {".tar": bytes, ".tar.gz": gzip.compress, ".tar.xz": lzma.compress}
    path.write_bytes(packers[kind](buffer.getvalue()))
    return path


NESTED = {
    "set/dog/b.png": png(3),
    "set/cat/z.png": png(2, (9, 5)),
    "set/cat/a.png": png(1),
    "set/notes.txt": b"not a picture",
    "set/dog/.hidden.png": png(9),
    "__MACOSX/set/dog/._b.png": b"",
    "set/dog/scan": png(4),  # told by its first bytes
}


@each
def test_pictures_are_read_by_number_with_the_labels_of_their_folders(kind: str, tmp_path: Path) -> None:
    pictures = as_pictures(archive(tmp_path, kind, NESTED))
    assert repr(pictures) == f"Pictures(pictures{kind}: 4, 2 classes)"
    assert [pictures.title(number) for number in range(4)] == ["a.png", "z.png", "b.png", "scan"]
    assert pictures.class_names == ("cat", "dog")
    assert [pictures.label(number) for number in range(4)] == [0, 0, 1, 1]
    for number in (3, 0, 1, 2, 1):  # in any order, and again
        assert pictures[number].shape == ((9, 5, 3) if number == 1 else (6, 4, 3))
        assert (pictures[number] == number + 1).all()
    assert len([*pictures]) == 4
    with pytest.raises(IndexError):
        pictures[4]


@each
def test_they_are_those_of_the_folder_that_was_packed(kind: str, tmp_path: Path) -> None:
    for name, data in NESTED.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    folder, packed = as_pictures(tmp_path / "set"), as_pictures(archive(tmp_path, kind, NESTED))
    assert (len(packed), packed.class_names) == (len(folder), folder.class_names)
    for number in range(len(folder)):
        np.testing.assert_array_equal(packed[number], folder[number])
        assert (packed.title(number), packed.label(number)) == (folder.title(number), folder.label(number))


@each
def test_one_flat_folder_has_no_labels(kind: str, tmp_path: Path) -> None:
    pictures = as_pictures(str(archive(tmp_path, kind, {"all/b.png": png(2), "all/a.png": png(1)})))
    assert pictures.class_names == ()
    assert pictures.label(0) is None
    assert pictures[0].max() == 1


@each
def test_the_fingerprint_knows_the_archive_and_workers_read_the_same(kind: str, tmp_path: Path) -> None:
    path = archive(tmp_path, kind, NESTED)
    pictures = as_pictures(path)
    assert as_pictures(path).fingerprint == pictures.fingerprint
    there = pickle.loads(pickle.dumps(pictures))
    assert there.fingerprint == pictures.fingerprint
    np.testing.assert_array_equal(there[2], pictures[2])
    (tmp_path / "other").mkdir()
    other = as_pictures(archive(tmp_path / "other", kind, {**NESTED, "set/dog/b.png": png(7)}))
    os.utime(path)  # written anew
    assert other.fingerprint != pictures.fingerprint
    with pytest.raises(ImageFileError, match="written anew"):
        pictures[0]


@each
def test_what_is_broken_or_leads_out_is_named_and_costs_itself_only(kind: str, tmp_path: Path) -> None:
    files = {
        "../out.png": png(5),
        "/abs.png": png(5),
        "a/../../up.png": png(5),
        "good.png": png(1),
        "torn.png": png(2)[:40],
        "words.png": b"words",
    }
    pictures = as_pictures(archive(tmp_path, kind, files))
    problems = {}
    for number in range(len(pictures)):
        try:
            assert (pictures[number] == 1).all()
        except ImageFileError as problem:
            problems[pictures.title(number)] = str(problem)
    assert len(problems) == len(pictures) - 1 == 5
    for name in ("out.png", "abs.png", "up.png"):
        assert "leads out of the archive" in problems[name]
    for name in ("torn.png", "words.png"):
        assert f"pictures{kind}: '{name}'" in problems[name]
    assert pictures.class_names == ()


@pytest.mark.parametrize("kind", KINDS)
def test_links_are_not_followed(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"links{kind}"
    if kind == ".zip":
        with zipfile.ZipFile(path, "w") as table:
            link = zipfile.ZipInfo("link.png")
            link.external_attr = 0o120777 << 16
            table.writestr(link, "/etc/hostname")
            table.writestr("good.png", png(1))
    else:
        mode = {".tar": "w", ".tar.gz": "w:gz", ".tar.xz": "w:xz"}[kind]
        with tarfile.open(path, mode) as table:
            for name, sort in (
                ("link.png", tarfile.SYMTYPE),
                ("hard.png", tarfile.LNKTYPE),
                ("pipe.png", tarfile.FIFOTYPE),
            ):
                header = tarfile.TarInfo(name)
                header.type, header.linkname = sort, "good.png"
                table.addfile(header)
            header = tarfile.TarInfo("good.png")
            header.size = len(png(1))
            table.addfile(header, io.BytesIO(png(1)))
    pictures = as_pictures(path)
    for number in range(len(pictures)):
        if pictures.title(number) == "good.png":
            assert (pictures[number] == 1).all()
        else:
            with pytest.raises(ImageFileError, match="a link or a device"):
                pictures[number]
    assert len(pictures) == (2 if kind == ".zip" else 4)


def test_a_damaged_member_of_a_zip_is_told_by_its_checksum(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as table:
        table.writestr("a.png", png(1))
        table.writestr("b.png", png(2))
    data = bytearray(path.read_bytes())
    place = data.index(b"IDAT") + 6
    data[place] ^= 0xFF
    path.write_bytes(data)
    pictures = as_pictures(path)
    with pytest.raises(ImageFileError, match=r"'a\.png' has a wrong checksum"):
        pictures[0]
    assert (pictures[1] == 2).all()


# ---------------------------------------------------------------------- bombs


def test_a_packed_archive_that_unfolds_to_too_much_is_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "MORE_BYTES", 2**20)
    monkeypatch.setattr(module.tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    path = archive(tmp_path, ".tar.gz", {"zeros.png": bytes(2**24)})
    assert path.stat().st_size < 2**16
    with pytest.raises(DataFileError, match="unfolds to more bytes"):
        as_pictures(path)
    assert not [*(tmp_path / "temporary").iterdir()]


@each
def test_a_picture_file_that_is_too_large_is_not_read(kind: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "LARGEST_BYTES", 1000)
    pictures = as_pictures(archive(tmp_path, kind, {"large.png": bytes(2000), "small.png": png(1)}))
    with pytest.raises(ImageFileError, match=r"'large\.png' has 2000 bytes"):
        pictures[0]
    assert (pictures[1] == 1).all()


def test_a_header_that_declares_gigabytes_is_not_read_into_memory(tmp_path: Path) -> None:
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, 2**40
    path = tmp_path / "a.tar"
    path.write_bytes(header.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    with pytest.raises(DataFileError, match="one of its headers"):
        as_pictures(path)


def test_more_files_than_any_data_set_has_are_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "MOST_MEMBERS", 2)
    path = archive(tmp_path, ".tar", {f"{number}.png": png(1) for number in range(3)})
    with pytest.raises(DataFileError, match="more than 2 files"):
        as_pictures(path)


@each
def test_every_cut_of_an_archive_ends_in_a_sentence(kind: str, tmp_path: Path) -> None:
    whole = archive(tmp_path, kind, NESTED).read_bytes()
    path, sentences = tmp_path / f"cut{kind}", []
    for length in range(0, len(whole), max(1, len(whole) // 40)):
        path.write_bytes(whole[:length])
        try:
            pictures = as_pictures(path)
        except DataFileError as problem:
            sentences.append(str(problem))
            continue
        for number in range(len(pictures)):
            try:
                pictures[number]
            except ImageFileError as problem:
                sentences.append(str(problem))
    assert len(sentences) > 10  # a .tar ends with zeros, of which some may be missing
    assert all(str(path) in sentence for sentence in sentences)


def test_a_tar_that_is_cut_off_between_two_files_is_told_by_its_missing_end(tmp_path: Path) -> None:
    path = archive(tmp_path, ".tar", {"a.png": png(1), "b.png": png(2)})
    whole = path.read_bytes()
    second = whole.index(b"b.png")
    for length in (second, second + 1024):
        path.write_bytes(whole[:length])
        with pytest.raises(DataFileError, match="is cut off"):
            as_pictures(path)
    path.write_bytes(whole[: second + 1024 + 512])  # one block of zeros is an end
    assert len(as_pictures(path)) == 2


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.zip", b"PK\x03\x04 nothing", "cut off"),
        ("a.tar", b"words" * 200, "no sound"),
        ("a.txt", b"words", "no sound"),
        ("a.png", png(1), "Give one of pictures, or a folder"),
        ("empty.tar", b"", "empty"),
        ("none.zip", None, "no archive of pictures"),
    ],
)
def test_what_is_no_archive_gets_a_sentence(name: str, data: bytes | None, words: str, tmp_path: Path) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(DataFileError, match=words):
        as_pictures(tmp_path / name)


@each
def test_an_archive_without_pictures_says_so(kind: str, tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="has no pictures"):
        as_pictures(archive(tmp_path, kind, {"a.txt": b"words"}))


# ---------------------------------------------------------------------- how it is used


def test_what_was_unpacked_is_gone_when_the_program_ends(tmp_path: Path) -> None:
    path = archive(tmp_path, ".tar.xz", NESTED)
    (tmp_path / "temporary").mkdir()
    program = (
        "import os, sys; from minitorch_viz.data.pictures import as_pictures; "
        f"p = as_pictures({str(path)!r}); print(len(p), p[0].shape, len(os.listdir(os.environ['TMPDIR'])))"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["4", "(6,", "4,", "3)", "1"]
    assert not [*(tmp_path / "temporary").iterdir()]


def test_a_technique_over_many_pictures_takes_an_archive(tmp_path: Path, monkeypatch, capsys) -> None:
    from minitorch_viz.cli import main

    monkeypatch.chdir(tmp_path)
    files = {f"{name}/{number}.png": png(20 * number + 5, (8, 8)) for name in ("cat", "dog") for number in range(3)}
    archive(tmp_path, ".zip", {**files, "dog/torn.png": b"torn"})
    assert main(["average-picture", "--pictures", "pictures.zip", "--model", "digits"]) == 0
    captured = capsys.readouterr()
    assert "torn.png" in captured.out + captured.err
    with Image.open("average-picture.png") as picture:
        assert picture.size[0] > 300


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", [".zip", ".tar.gz"])
def test_workers_count_an_archive_to_the_bits_of_one_pass_over_its_folder(
    kind: str, workers: int, tmp_path: Path
) -> None:
    from minitorch_viz import load_model
    from minitorch_viz.techniques import average_picture

    files = {f"{name}/{number}.png": png(6 * number + 5, (8, 8)) for name in ("cat", "dog") for number in range(40)}
    for name, data in files.items():
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_bytes(data)
    model = load_model("digits")
    whole = average_picture(model, tmp_path / "set")
    packed = average_picture(model, archive(tmp_path, kind, files), workers=workers)
    assert packed.means.tobytes() == whole.means.tobytes()
    assert packed.names == whole.names == ("cat", "dog")


def test_arrays_are_pictures_too() -> None:
    images = [np.full((3, 4, 3), 1, np.uint8), np.full((2, 2), 0.5), np.zeros((2, 2, 7))]
    pictures = as_pictures(images)
    assert isinstance(pictures, ArrayPictures)
    assert len(pictures) == 3
    assert [pictures[number].shape for number in (0, 1)] == [(3, 4, 3), (2, 2, 3)]
    with pytest.raises(ImageFileError, match="arrays 2: A picture is an array"):
        pictures[2]
    assert pictures.fingerprint == as_pictures(images).fingerprint
    assert pictures.fingerprint != as_pictures(images[:2]).fingerprint
    stack = np.zeros((5, 3, 3, 3), np.uint8)
    assert len(as_pictures(stack)) == 5
