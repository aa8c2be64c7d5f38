"""Boxes: out of maps, out of files, through a net's resizing, and into grades."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from skimage.measure import label, regionprops

from minitorch_viz import Model
from minitorch_viz.errors import DataFileError, MinitorchVizError, ShapeError
from minitorch_viz.grading import grade_photos
from minitorch_viz.grading.boxes import read_boxes
from minitorch_viz.grading.cases import input_mask
from minitorch_viz.grading.localize import Box, best_match, best_share, box_iou, box_of_map, largest_part
from minitorch_viz.grading.photos import photo_cases

# ------------------------------------------------------------------ out of maps


def test_the_box_of_a_map_by_hand() -> None:
    heat = np.zeros((10, 12))
    heat[2:5, 3:9] = 1
    heat[8, 0] = 5  # a hotter spot, but a smaller part
    heat[6, 11] = -9
    assert box_of_map(heat, 0.15) == Box(3, 2, 9, 5)
    assert box_of_map(heat, 0.5) == Box(0, 8, 1, 9)
    assert box_of_map(heat, 1) == Box(0, 8, 1, 9)
    assert box_of_map(heat, 0) == Box(3, 2, 9, 5)  # zeros are never inside
    assert box_of_map(np.zeros((3, 3))) is None
    assert box_of_map(-np.ones((3, 3))) is None


def test_parts_that_touch_at_a_corner_are_one() -> None:
    assert largest_part(np.eye(5, dtype=bool)) == Box(0, 0, 5, 5)


def test_the_largest_part_is_scikit_images(rng) -> None:
    for _ in range(20):
        mask = rng.random((15, 17)) < 0.25
        regions = regionprops(label(mask, connectivity=2))
        most = max(region.area for region in regions)
        boxes = [region.bbox for region in regions if region.area == most]
        found = largest_part(mask)
        assert (found.y0, found.x0, found.y1, found.x1) in boxes


def test_box_iou_is_that_of_the_pixels(rng) -> None:
    for _ in range(50):
        boxes, masks = [], []
        for _ in range(2):
            x, y = (np.sort(rng.choice(12, 2, replace=False)) for _ in range(2))
            boxes.append(Box(int(x[0]), int(y[0]), int(x[1]), int(y[1])))
            masks.append(np.zeros((12, 12), bool))
            masks[-1][y[0] : y[1], x[0] : x[1]] = True
        expected = (masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum()
        assert box_iou(*boxes) == pytest.approx(expected)
        assert box_iou(*boxes) == box_iou(*boxes[::-1])
    assert box_iou(None, boxes[0]) == 0
    assert box_iou(boxes[0], boxes[0]) == 1


def test_the_best_share_is_the_best_of_those_tried() -> None:
    """A pyramid of heat 1, 2, 3: its steps are the boxes at shares up to 1/3, 2/3 and 1."""
    heat = np.zeros((9, 9))
    for step in range(3):
        heat[step : 9 - step, step : 9 - step] = step + 1
    middle = Box(1, 1, 8, 8)
    assert best_share([heat], [[middle]], (0.2, 0.5, 0.9)) == 0.5
    assert best_match(heat, [Box(0, 0, 1, 1), middle], 0.5) == 1  # the box that fits best counts
    assert best_match(heat, [Box(0, 0, 9, 9)], 0.9) == pytest.approx(25 / 81)


# ------------------------------------------------------------------ through resizing


@pytest.mark.parametrize("resize", ["stretch", "crop"])
def test_masks_go_the_way_of_the_photos(colours, resize) -> None:
    """What is red in the photo is red in the net's input, and the mask says so."""
    model = Model.from_net(colours.net, 32, resize=resize, mean=0.0)
    photo, mask = np.zeros((100, 160, 3), np.uint8), np.zeros((100, 160), bool)
    mask[30:70, 60:110] = True
    photo[mask] = 255
    seen = input_mask(model, mask)
    assert seen.shape == (32, 32)
    np.testing.assert_array_equal(seen, model.preprocess(photo)[0, 0] >= 0.5)
    assert 0.1 < seen.mean() < 0.5


# ------------------------------------------------------------------ the whole


@pytest.fixture
def photos(tmp_path):
    """Two photos of a red and a blue box, and one with a red box alone; their boxes as JSON and as CSV."""
    entries = []
    for number, boxes in enumerate(
        [((10, 10, 50, 40), (60, 70, 110, 110)), ((5, 60, 50, 115), (70, 5, 115, 50)), ((30, 30, 90, 80),)]
    ):
        pixels = np.zeros((120, 120, 3), np.uint8)
        for which, (x0, y0, x1, y1) in enumerate(boxes):
            pixels[y0:y1, x0:x1, 2 * which] = 250
            box = dict(zip(("x0", "y0", "x1", "y1"), (x0, y0, x1, y1), strict=True))
            entries.append({"file": f"{number}.png", "class": ("red", "blue")[which], **box})
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    (tmp_path / "boxes.json").write_text(json.dumps(entries), encoding="utf-8")
    lines = [",".join(entries[0]), *(",".join(map(str, entry.values())) for entry in entries)]
    (tmp_path / "boxes.csv").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def test_json_and_csv_say_the_same(photos) -> None:
    boxes = read_boxes(photos / "boxes.json")
    assert boxes == read_boxes(photos / "boxes.csv")
    assert boxes[1] == ("0.png", "blue", Box(60, 70, 110, 110))
    assert len(boxes) == 5


def test_photos_are_graded_by_their_boxes(colours, photos) -> None:
    """Light of the class's colour is inside the class's boxes, so gradient x input finds them."""
    found = grade_photos(
        colours,
        photos / "boxes.json",
        photos,
        methods=["gradient-x-input"],
        tolerance=0,
        samples=1,
        steps=4,
        progress=False,
    )
    cells = found.table()[0]
    assert found.settings["kept"] == {"colours": [5, 2]}
    assert cells["box_pointing"].mean == 1
    assert cells["box_energy"].mean > 0.9
    assert cells["box_iou_best"].mean > 0.8
    assert cells["box_found"].mean == 1
    assert cells["contrast"].mean > 0.9
    assert cells["milliseconds"].mean > 0
    centre = next(row for row in found.table() if row["method"] == "centre")
    assert centre["box_iou_best"].mean < cells["box_iou_best"].mean
    assert centre["contrast"].mean == pytest.approx(0, abs=0.05)
    assert "box IoU" in str(found)


def test_where_boxes_of_two_classes_overlap_belongs_to_neither(colours, photos) -> None:
    text = "file,class,x0,y0,x1,y1\n0.png,red,10,10,70,70\n0.png,blue,40,40,110,110\n"
    (photos / "over.csv").write_text(text, encoding="utf-8")
    cases = photo_cases(colours, read_boxes(photos / "over.csv"), photos, [])
    assert [case.masks.sum() for case in cases.single] == [36, 49]  # 6 x 6 and 7 x 7 pixels of the net's 12 x 12
    assert [mask.sum() for mask in cases.several[0].masks] == [36 - 9, 49 - 9]
    np.testing.assert_array_equal(cases.several[0].masks[0], cases.single[0].masks[0] & ~cases.single[1].masks[0])


def test_boxes_that_the_net_does_not_see_are_noted(colours, photos) -> None:
    model = Model.from_net(colours.net, 12, resize="crop", class_names=["red", "blue"])
    wide = np.zeros((40, 200, 3), np.uint8)
    wide[:, :20, 2], wide[10:30, 90:110, 0] = 250, 250
    Image.fromarray(wide).save(photos / "wide.png")
    text = "file,class,x0,y0,x1,y1\nwide.png,blue,0,0,20,40\nwide.png,red,90,10,110,30\n"
    (photos / "wide.csv").write_text(text, encoding="utf-8")
    found = grade_photos(model, photos / "wide.csv", photos, methods=["saliency"], samples=1, progress=False)
    assert found.settings["kept"] == {"net": [1, 0]}
    assert "1 of 1 boxes of 'blue'" in found.notes[0]


ROW = '[{"file": "0.png", "class": "red", "x0": 1, "y0": 1, "x1": 9, "y1": 9}]'
BAD = [
    ("none.json", None, "cannot be read"),
    ("a.txt", ROW, ".json or .csv"),
    ("a.json", "", "no JSON file"),
    ("a.json", "[" * 100_000, "no JSON file"),
    ("a.json", "{}", "holds a dict"),
    ("a.json", "[]", "holds no boxes"),
    ("a.json", "[3]", "entry 1"),
    ("a.json", b"\xff\xfe\x00[", "cannot be read"),
    ("a.json", ROW.replace('"file"', '"File"'), "near fields: File"),
    ("a.json", ROW.replace('"red"', "null"), "no 'class'"),
    ("a.json", ROW.replace('"x1": 9', '"x1": "nine"'), "numbers of pixels"),
    ("a.json", ROW.replace('"x1": 9', '"x1": [9]'), "numbers of pixels"),
    ("a.json", ROW.replace('"x1": 9', '"x1": NaN'), "numbers of pixels"),
    ("a.json", ROW.replace('"x1": 9', '"x1": 1e999'), "numbers of pixels"),
    ("a.json", ROW.replace('"x1": 9', '"x1": 1'), "x0 < x1"),
    ("a.json", ROW.replace('"y0": 1', '"y0": -1'), "0 <= y0"),
    ("a.json", ROW.replace('"x1": 9', '"x1": 900'), "has 120 x 120 pixels"),
    ("a.json", ROW.replace("0.png", "none.png"), "none.png"),
    ("a.json", ROW.replace("red", "green"), "green"),
    ("a.csv", "", "holds no boxes"),
    ("a.csv", "file,class\n0.png,red", "no 'x0'"),
    ("a.csv", "file,class,x0,y0,x1,y1\n0.png,red,1,2,3", "no 'y1'"),
]


@pytest.mark.parametrize(("name", "text", "words"), BAD)
def test_bad_files_get_a_sentence(name: str, text, words: str, colours, photos) -> None:
    if text is not None:
        (photos / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(MinitorchVizError) as caught:
        grade_photos(colours, photos / name, photos, progress=False)
    assert words in str(caught.value)
    assert str(caught.value).endswith(".")


def test_other_bad_input_gets_a_sentence(colours, photos) -> None:
    with pytest.raises(DataFileError, match="no folder"):
        grade_photos(colours, photos / "boxes.json", photos / "none")
    with pytest.raises(MinitorchVizError, match="tolerance"):
        grade_photos(colours, photos / "boxes.json", photos, tolerance=-1)
    with pytest.raises(ShapeError, match="x0 < x1"):
        box_iou(Box(0, 0, 1, 1), Box(2, 2, 2, 3))
    with pytest.raises(ShapeError, match="no true box"):
        best_match(np.ones((3, 3)), [], 0.5)
    with pytest.raises(MinitorchVizError, match="from 0 to 1"):
        box_of_map(np.ones((3, 3)), 15)
