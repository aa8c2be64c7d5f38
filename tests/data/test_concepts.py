"""Concepts: the maps of scenes by name, masks beside pictures in both forms, and what is wrong with a folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minitorch_viz.data.bits import counted, packed, unpacked
from minitorch_viz.data.concepts import concepts_of
from minitorch_viz.data.pictures import as_pictures
from minitorch_viz.errors import DataFileError, ImageFileError
from minitorch_viz.io.images import resize_image
from minitorch_viz.models.readers.preprocessing import Preprocessing


def save(path: Path, values: np.ndarray, palette: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(values)
    if palette:
        image = image.convert("P") if image.mode != "L" else Image.frombytes("P", image.size, values.tobytes())
        image.putpalette(list(range(256)) * 3)
    image.save(path)


def folder(place: Path, masks: dict[str, np.ndarray], listed: str = "", photos: int = 2) -> Path:
    for number in range(photos):
        save(place / "photos" / f"{number}.png", np.full((6, 8, 3), 40 * number, np.uint8))
    for name, values in masks.items():
        save(place / "masks" / name, values)
    if listed:
        (place / "concepts.csv").write_text(listed)
    return place


def test_scenes_know_every_name_once_and_agree_with_their_own_maps() -> None:
    pictures = as_pictures("scenes:4")
    concepts = concepts_of(pictures)
    assert len(set(concepts.names)) == len(concepts.names) == 73
    assert set(concepts.categories) == {"kind", "part", "texture", "colour", "background"}
    for number in range(4):
        scene, masks = pictures.scene(number), concepts.masks(number)
        for name, mask in zip(concepts.names, masks, strict=True):
            np.testing.assert_array_equal(mask, scene.where(name), err_msg=name)
        assert concepts.truth(number).known.all()


def test_masks_of_numbers_with_void_and_missing_ones(tmp_path) -> None:
    values = np.zeros((6, 8), np.uint8)
    values[:2], values[4:, :3], values[3] = 1, 7, 255
    pictures = as_pictures(folder(tmp_path, {"0.png": values}, "number,name,category\n1,sky,stuff\n7,dog,animal\n"))
    assert [pictures.title(number) for number in range(len(pictures))] == ["0.png", "1.png"]
    concepts = concepts_of(pictures)
    assert (concepts.names, concepts.categories) == (("sky", "dog"), ("stuff", "animal"))
    np.testing.assert_array_equal(concepts.masks(0), np.stack([values == 1, values == 7]))
    np.testing.assert_array_equal(concepts.truth(0).known, values != 255)
    unlabelled = concepts.truth(1)
    assert not unlabelled.known.any()
    assert unlabelled.remark == "it has no mask"
    assert not concepts.masks(1).any()


def test_a_palette_counts_by_its_index(tmp_path) -> None:
    place = folder(tmp_path, {}, "3;dog;animal\n")
    values = np.zeros((6, 8), np.uint8)
    values[2:4] = 3
    save(place / "masks" / "0.png", values, palette=True)
    np.testing.assert_array_equal(concepts_of(as_pictures(place)).masks(0)[0], values == 3)


def test_a_folder_of_masks_a_concept_may_overlap(tmp_path) -> None:
    ear, head = np.zeros((2, 6, 8), np.uint8)
    ear[:2, :2], head[:4] = 255, 1
    place = folder(tmp_path, {"ear/0.png": ear, "head/0.png": head}, "ear,part\n")
    concepts = concepts_of(as_pictures(place))
    assert (concepts.names, concepts.categories) == (("ear", "head"), ("part", "concept"))
    np.testing.assert_array_equal(concepts.masks(0), np.stack([ear > 0, head > 0]))


def test_a_mask_of_another_size_is_brought_to_it_if_the_proportions_agree(tmp_path) -> None:
    values = np.array([[1, 0, 0, 1], [0, 0, 0, 0], [1, 1, 0, 0]], np.uint8)
    concepts = concepts_of(as_pictures(folder(tmp_path, {"0.png": values}, "1,sky\n")))
    np.testing.assert_array_equal(concepts.masks(0)[0], values.repeat(2, axis=0).repeat(2, axis=1) == 1)
    assert "3 x 4" in concepts.truth(0).remark
    folder(tmp_path, {"1.png": values.T.copy()})
    with pytest.raises(DataFileError, match=r"1\.png has 4 x 3 pixels, but its picture 1\.png has 6 x 8"):
        concepts_of(as_pictures(tmp_path)).truth(1)


@pytest.mark.parametrize(
    ("masks", "listed", "words"),
    [
        ({"0.png": 5}, "1,sky\n", r"0\.png has the number 5 at row 0, column 0"),
        ({"0.png": 1}, "", r"a list of them is needed: concepts\.csv"),
        ({"0.png": 1}, "sky,stuff\n", r"a list of them is needed"),
        ({"0.png": 1}, "1,sky\n2,sky\n", r"has the name sky twice"),
        ({"0.png": 1}, "1,sky\n1,sea\n", r"has the number 1 twice"),
        ({"0.png": 1}, "1,sky\nsea,stuff\n", r"lines with a number in front and lines without"),
        ({"0.png": 1}, "1,sky,stuff,blue\n", r"line 1 is '1,sky,stuff,blue'"),
        ({"0.png": 1}, "\n", r"is empty"),
        ({"0.png": 1}, "70000,sky\n", r"the number 70000; masks hold 0 to 65535"),
        ({"9.png": 1}, "1,sky\n", r"No mask in .*masks belongs to a picture.*masks/0\.png"),
        ({"0.png": 1, "ear/0.png": 1}, "1,sky\n", r"masks of numbers, such as 0\.png, and folders of masks"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said(tmp_path, masks, listed, words) -> None:
    place = folder(tmp_path, {name: np.full((6, 8), value, np.uint8) for name, value in masks.items()}, listed)
    with pytest.raises(DataFileError, match=words):
        concepts_of(as_pictures(place)).truth(0)


def test_what_is_wrong_with_a_mask_is_said(tmp_path) -> None:
    place = folder(tmp_path, {"0.png": np.zeros((6, 8), np.uint8)}, "1,sky\n")
    coloured = np.zeros((6, 8, 3), np.uint8)
    coloured[0] = 200, 0, 0
    save(place / "masks" / "0.png", coloured)
    with pytest.raises(ImageFileError, match=r"0\.png is coloured"):
        concepts_of(as_pictures(place)).truth(0)
    (place / "masks" / "0.png").write_bytes(b"\x89PNG")
    with pytest.raises(ImageFileError, match=r"0\.png cannot be read"):
        concepts_of(as_pictures(place)).truth(0)
    (place / "masks" / "0.png").unlink()
    (place / "masks" / "0.jpg").write_bytes(b"")
    with pytest.raises(DataFileError, match=r"0\.jpg is no mask that keeps every number"):
        concepts_of(as_pictures(place))


def test_pictures_beside_masks_are_no_masks_and_other_masks_are_named(tmp_path) -> None:
    for name in ("a.png", "masks/a.png", "masks/other.png"):
        save(tmp_path / name, np.ones((6, 8), np.uint8))
    (tmp_path / "concepts.csv").write_text("1,sky\n")
    pictures = as_pictures(tmp_path)
    assert len(pictures) == 1
    assert concepts_of(pictures).notes == ("1 masks belong to no picture: other.png.",)
    before = pictures.fingerprint
    (tmp_path / "concepts.csv").write_text("1,heaven\n")
    assert as_pictures(tmp_path).fingerprint != before


def test_a_class_called_masks_is_a_class(tmp_path) -> None:
    for name in ("hats/a.png", "masks/b.png"):
        save(tmp_path / name, np.zeros((6, 8), np.uint8))
    pictures = as_pictures(tmp_path)
    assert pictures.class_names == ("hats", "masks")
    assert concepts_of(pictures) is None


@pytest.mark.parametrize("resize", ["stretch", "crop"])
@pytest.mark.parametrize("size", [(60, 80), (90, 50), (64, 64)])
def test_a_truth_is_cut_as_the_picture_is(tmp_path, resize, size) -> None:
    """A white square is, as the net sees it, where its mask says, but for its blurred rim."""
    values = np.zeros(size, np.uint8)
    values[20:45, 12:40] = 255
    save(tmp_path / "a.png", values)
    save(tmp_path / "masks" / "square" / "a.png", values)
    reader = Preprocessing((40, 32), resize=resize)
    truth = concepts_of(as_pictures(tmp_path)).truth(0).seen_by(reader, (40, 32))
    seen = resize_image(np.repeat(values[..., None], 3, axis=2), (40, 32), resize)[..., 0]
    sure = (seen < 40) | (seen > 215)
    assert sure.mean() > 0.8
    np.testing.assert_array_equal(truth.masks(1)[0][sure], seen[sure] > 127)


def test_bits_keep_every_truth_and_are_counted(rng) -> None:
    for count in (1, 63, 64, 65, 3136):
        truths = rng.random((3, 2, count)) < 0.3
        words = packed(truths)
        assert words.dtype == np.uint64
        assert words.shape == (3, 2, -(-count // 64))
        np.testing.assert_array_equal(unpacked(words, count), truths)
        np.testing.assert_array_equal(counted(words), truths.sum(axis=-1))
