"""Photos in figures: their own pixels, of exactly the area that the net sees, with the maps where they belong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from minitorch_viz import Model
from minitorch_viz.io.images import resize_image
from minitorch_viz.models.readers.preprocessing import Preprocessing
from minitorch_viz.techniques import Technique, techniques
from minitorch_viz.techniques.explain.view import view
from minitorch_viz.techniques.subject import PHOTO, PHOTOS
from tests.techniques.net_of import net_of

OF_PHOTOS = [  # those that make pictures have their own sizes
    technique
    for technique in techniques().values()
    if technique.subject in (PHOTO, PHOTOS) and technique.family != "optimization"
]


def scene(size: tuple[int, int]) -> np.ndarray:
    """A smooth colourful picture with a sharp square in it, that looks different at every place."""
    rows, columns = np.mgrid[: size[0], : size[1]] / np.reshape(size, (2, 1, 1))
    picture = 255 * np.stack([rows, columns, np.abs(np.sin(7 * rows + 3 * columns))], axis=2)
    high, wide = size
    picture[high // 3 : high // 2, wide // 4 : wide // 3] = (250, 10, 10)
    return picture.round().astype(np.uint8)


@pytest.mark.parametrize("size", [(97, 210), (210, 97), (64, 64), (33, 40)])
@pytest.mark.parametrize("resize", ["stretch", "crop"])
@pytest.mark.parametrize("net", [(24, 24), (32, 20)])
def test_the_area_is_the_one_that_the_net_sees(size: tuple[int, int], resize: str, net: tuple[int, int]) -> None:
    """Shrunk to the net's size it is what goes into the net; a shift by a pixel of the net's would not be."""
    photo = scene(size)
    reader = Preprocessing(net, resize=resize)
    seen = reader.restore(reader.preprocess(photo)).astype(float)
    area = reader.area_seen(photo)
    again = resize_image(area, net).astype(float)
    shifted = np.roll(again, 1, axis=0)
    assert np.abs(again - seen).mean() < 2.5
    assert np.abs(again - seen).mean() < 0.4 * np.abs(shifted - seen)[2:].mean()


def test_a_small_photo_keeps_its_pixels_and_a_large_one_its_shape() -> None:
    photo = scene((90, 160))
    reader = Preprocessing((24, 24))
    area = reader.area_seen(photo)
    np.testing.assert_array_equal(area, photo)
    photo[:] = 0
    assert area.any()  # a later change of the photo does not change it
    large = reader.area_seen(scene((1500, 2000)))
    assert large.shape == (768, 1024, 3)
    assert np.abs(large.astype(float) - resize_image(scene((1500, 2000)), (768, 1024))).mean() < 1


def test_a_net_of_grey_images_sees_no_colours() -> None:
    area = Preprocessing((8, 8), channels=1).area_seen(scene((40, 60)))
    assert area.shape == (40, 60, 3)
    assert (area == area[..., :1]).all()


def test_with_crop_the_pixels_are_cut_where_the_net_looks(red_detector: Model) -> None:
    """Of a wide photo the sides are missing, in the picture of the net and in the photo's own pixels."""
    reader = replace(red_detector.preprocessing, resize="crop")
    cropping = replace(red_detector, readers={red_detector.net.inputs[0]: reader})
    seen = view(cropping, scene((60, 120)))
    assert seen.picture.shape == (12, 12, 3)
    assert seen.area.shape == (51, 53, 3)  # 12 of 14 rows, 12 of 27 columns: the photo is cut at that size
    middle = 7 * 120 / 27 + 26.5 * (12 * 120 / 27) / 53  # 7 columns of the 27 are left of it
    assert seen.area[25, 26, 1] == pytest.approx(255 * (middle - 0.5) / 120, abs=2)  # green grows with the columns


NETS_OWN = ("network", "templates")  # they show the very numbers that go into the net, and no photo behind a map


@pytest.mark.parametrize("technique", OF_PHOTOS, ids=lambda t: t.name)
def test_the_figure_shows_them_where_the_nets_pixels_are(technique: Technique, digits: Model) -> None:
    """And the results' own arrays stay those of the net."""
    photo = scene((50, 70))
    model = net_of(technique, digits)
    side = model.preprocessing.size[0]
    result = technique.compute(model, photo, **technique.in_comparison)
    pictures = getattr(result, "pictures", None) or (result.picture,)
    assert pictures[0].shape == (side, side, 3)
    images = [image for axes in result.figure().axes for image in axes.images]
    own = [image for image in images if image.get_array().shape[:2] == photo.shape[:2]]
    assert bool(own) == (technique.name not in NETS_OWN)
    for image in own:
        np.testing.assert_allclose(image.get_extent(), (-0.5, side - 0.5, side - 0.5, -0.5))
        if technique.name == "receptive-field":  # its boxes reach over the photo's border
            continue
        assert image.axes.get_xlim() == (-0.5, side - 0.5)
        assert image.axes.get_ylim() == (side - 0.5, -0.5)
