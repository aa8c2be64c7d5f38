"""The average picture: against NumPy's mean and standard deviation, in parts, and with broken pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from minitorch_viz import load_model
from minitorch_viz.data import Dataset
from minitorch_viz.errors import DataFileError, SettingError, WeightsFileError
from minitorch_viz.techniques.activations.average_picture import average_picture


@pytest.fixture(scope="module")
def cifar10():
    return load_model("cifar10")


def pictures(count: int = 70) -> Dataset:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, 32, 32, 3)).astype(np.uint8)
    return Dataset(images, np.arange(count) % 2, ("even", "odd"), "noise")


def test_mean_and_deviation_of_each_class(cifar10) -> None:
    data = pictures()
    result = average_picture(cifar10, data)
    assert result.names == ("even", "odd")
    assert result.counts.tolist() == [35, 35]
    for label in (0, 1):
        images = data.images[data.labels == label].astype(float)
        np.testing.assert_allclose(result.means[label], images.mean(axis=0), atol=0.51)  # rounded to pixels
        np.testing.assert_allclose(result.spreads[label], images.std(axis=0), rtol=1e-4)


def test_a_flat_folder_is_one_class_and_a_broken_picture_is_named(cifar10, tmp_path) -> None:
    for number in range(3):
        Image.fromarray(np.full((32, 32, 3), 40 * number, np.uint8)).save(tmp_path / f"{number}.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    result = average_picture(cifar10, str(tmp_path))
    assert result.names == ("all pictures",)
    assert np.ptp(result.means) == 0
    assert result.means[0, 0, 0, 0] == 40
    assert "broken.png" in result.notes[0]
    assert "1 picture could not be read and was left out" in result.notes[0]


def test_it_is_a_loop_that_goes_on(cifar10, tmp_path) -> None:
    data = pictures(150)
    loop = average_picture.each(cifar10, data, resume=tmp_path / "state")
    first = next(loop)
    assert (first.done, first.total) == (64, 150)
    assert "after 64 of 150 pictures" in first.notes[0]
    loop.close()
    whole, again = average_picture(cifar10, data), average_picture(cifar10, data, resume=tmp_path / "state")
    assert whole.means.tobytes() == again.means.tobytes()
    assert whole.spreads.tobytes() == again.spreads.tobytes()


def test_only_broken_pictures_get_a_sentence(cifar10, tmp_path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(
        (DataFileError, SettingError), match=r"no average picture: none of the 1 could be read\. .*broken\.png"
    ):
        average_picture(cifar10, str(tmp_path))


def test_the_first_result_looks_at_no_picture_beyond_it(cifar10) -> None:
    first = next(average_picture.each(cifar10, "scenes:1000000"))  # drawing all of them would take hours
    assert (first.done, first.total) == (64, 1000000)
    assert first.counts.sum() == 64


def test_a_file_to_go_on_from_is_checked_before_the_work(cifar10, tmp_path) -> None:
    with pytest.raises(WeightsFileError, match="no folder"):
        next(average_picture.each(cifar10, pictures(), resume=tmp_path / "missing" / "state"))
