"""Batches of a data set as `fit` takes them: the same bits again, also from the middle of an epoch; said in words."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from minitorch_viz import Net
from minitorch_viz.data import ArrayBatches, Dataset, DatasetBatches, batches, crop, flip, normalized
from minitorch_viz.errors import MinitorchVizError, SettingError, ShapeError
from minitorch_viz.layers import BatchNorm2d, Conv2d, Flatten, GlobalAvgPool2d, Linear, ReLU
from minitorch_viz.models.readers.preprocessing import Preprocessing
from minitorch_viz.training import Adam, Constant, MeanSquaredError, Observer, evaluate, fit
from tests.training.training_cases import assert_same_bits

RNG = np.random.default_rng(0)
LABELS = np.arange(40) % 3
IMAGES = RNG.integers(0, 256, (40, 8, 8, 3), np.uint8)
IMAGES[LABELS == 1, :4] //= 3  # class 1 is dark above, class 2 has no red
IMAGES[LABELS == 2, :, :, 0] //= 3
INSECTS = Dataset(IMAGES, LABELS, ("ant", "bee", "cat"), "insects")
WANTED = Preprocessing((8, 8), mean=(100.0,), std=(60.0,))
AUGMENT = (flip, partial(crop, padding=1))


def source(**settings) -> DatasetBatches:
    return DatasetBatches(INSECTS, **({"batch": 16, "augment": AUGMENT, "preprocessing": WANTED} | settings))


def net() -> Net:
    rng = np.random.default_rng(5)
    return Net(
        [
            ("conv", Conv2d.random(rng, 3, 8, 3, padding=1)),
            ("norm", BatchNorm2d.fresh(8)),
            ("relu", ReLU()),
            ("gap", GlobalAvgPool2d()),
            ("flat", Flatten()),
            ("fc", Linear.random(rng, 8, 3)),
        ]
    )


def trained(data=None, seed: int = 3, **settings):
    settings = {"epochs": 2, "progress": False, "optimizer": Adam(1e-2)} | settings
    return fit(net(), data or source(), rng=np.random.default_rng(seed), **settings)


def test_with_a_generator_it_is_what_batches_gives() -> None:
    ours = list(source()(np.random.default_rng(4)))
    want = list(batches(INSECTS, 16, np.random.default_rng(4), AUGMENT, preprocessing=WANTED))
    assert len(ours) == len(source()) == len(want) == 3
    for (x, labels), (other, others) in zip(ours, want, strict=True):
        np.testing.assert_array_equal(x, other)
        np.testing.assert_array_equal(labels, others)
    assert ours[0][0].dtype == np.float32


def test_without_a_generator_the_pictures_are_as_they_are() -> None:
    x, labels = (np.concatenate(parts) for parts in zip(*source()(None), strict=True))
    np.testing.assert_array_equal(x, normalized(IMAGES, WANTED))
    np.testing.assert_array_equal(labels, LABELS)
    np.testing.assert_array_equal(source().first(), x[:1])
    np.testing.assert_array_equal(source().labels, LABELS)


def test_fit_learns_from_it() -> None:
    fitted = trained(epochs=40, validation=source())
    assert fitted.history[-1].held_out_score > 0.95
    assert fitted.history[-1].step == 40 * 3
    assert evaluate(fitted.net, source()).score == evaluate(fitted.net, normalized(IMAGES, WANTED), LABELS).score


@pytest.mark.parametrize("prefetch", [0, 1, 5])
def test_the_same_seed_gives_the_same_net_with_any_prefetch(prefetch: int) -> None:
    assert_same_bits(trained(source(prefetch=prefetch)).net, trained().net)
    assert not np.array_equal(trained(seed=4).net.params["fc.weight"], trained().net.params["fc.weight"])


def test_a_run_goes_on_from_the_middle_of_an_epoch(tmp_path) -> None:
    class Interrupt(Observer):
        def step(self, _run, step) -> None:
            if step.state.step == 5:
                raise KeyboardInterrupt

    file = tmp_path / "run.ckpt"
    first = trained(checkpoint=file, observers=[Interrupt()], schedule=Constant(0.01))
    assert (first.stopped, first.steps) == ("interrupted", 5)
    rest = trained(checkpoint=file, resume=True, schedule=Constant(0.01))
    assert rest.steps == 6
    assert_same_bits(rest.net, trained(schedule=Constant(0.01)).net)


OTHERS = {
    "another picture": {"dataset": Dataset(IMAGES[::-1], LABELS, INSECTS.class_names, "insects")},
    "other labels": {"dataset": Dataset(IMAGES, LABELS[::-1], INSECTS.class_names, "insects")},
    "another batch": {"batch": 8},
    "no augmentation": {"augment": ()},
    "a wider crop": {"augment": (flip, partial(crop, padding=2))},
    "in order": {"shuffle": False},
    "another mean": {"preprocessing": Preprocessing((8, 8), mean=(101.0,), std=(60.0,))},
}


@pytest.mark.parametrize("settings", OTHERS.values(), ids=list(OTHERS))
def test_a_checkpoint_of_other_data_is_refused(settings, tmp_path) -> None:
    trained(checkpoint=tmp_path / "run.ckpt", epochs=1, schedule=Constant(0.01))
    other = DatasetBatches(
        **({"dataset": INSECTS, "batch": 16, "augment": AUGMENT, "preprocessing": WANTED} | settings)
    )
    with pytest.raises(SettingError, match="its data was"):
        trained(other, checkpoint=tmp_path / "run.ckpt", resume=True, schedule=Constant(0.01))


def test_the_description_is_the_same_in_every_process() -> None:
    """It names functions, not the addresses that their repr shows; prefetch changes no bit, so it is not in it."""
    said = source().describe()
    assert "insects: 40 pictures" in said
    assert "augment flip, crop(padding=1)" in said
    assert "0x" not in said
    assert source(prefetch=0).describe() == said


GREY = Dataset(IMAGES[..., 0], LABELS, INSECTS.class_names, "grey insects")
GEN = np.random.default_rng(0)
BAD = {
    "no data set": (lambda: DatasetBatches(IMAGES), SettingError, "needs a Dataset"),
    "both parts at once": (lambda: DatasetBatches((INSECTS, INSECTS)), SettingError, "load_cifar10"),
    "None for data": (lambda: DatasetBatches(None), SettingError, "None"),
    "batch of zero": (lambda: source(batch=0), SettingError, "batch.*0"),
    "half a batch": (lambda: source(batch=0.5), SettingError, "batch.*0.5"),
    "negative prefetch": (lambda: source(prefetch=-1), SettingError, "prefetch.*-1"),
    "augment a name": (lambda: source(augment="flip"), SettingError, "augment.*'flip'"),
    "augment a number": (lambda: source(augment=4), SettingError, "augment.*4"),
    "augment with a number inside": (lambda: source(augment=(flip, 4)), SettingError, "one is 4"),
    "preprocessing a tuple": (lambda: source(preprocessing=(0, 1)), SettingError, r"Preprocessing or None.*\(0, 1\)"),
    "a net of grey pictures": (lambda: DatasetBatches(GREY, preprocessing=WANTED), ShapeError, "3 channel"),
    "a seed for rng": (lambda: source()(0), SettingError, "default_rng"),
    "None for rng": (lambda: batches(INSECTS, 4, None), SettingError, "default_rng"),
    "labels beside it": (
        lambda: fit(net(), source(), LABELS, rng=GEN, epochs=1, progress=False), ShapeError, "its own labels",
    ),
    "a data set for fit": (lambda: trained(INSECTS), ShapeError, r"DatasetBatches\(dataset"),
    "a data set for validation": (lambda: trained(validation=INSECTS), ShapeError, "DatasetBatches"),
    "a data set for evaluate": (lambda: evaluate(net(), INSECTS), ShapeError, "DatasetBatches"),
    "pixels that are not prepared": (lambda: trained(source(preprocessing=None)), ShapeError, "uint8|axes"),
    "shifts on top": (lambda: trained(augment=1), SettingError, "augment shifts"),
    "another net's classes": (
        lambda: trained(DatasetBatches(Dataset(IMAGES, LABELS + 1, tuple("abcd"), "x"), 16, (), WANTED)),
        SettingError, "from 0 to 2",
    ),
    "a loss of other targets": (lambda: trained(loss=MeanSquaredError()), ShapeError, r"\(40, 3\)|3"),
    "arrays without labels": (lambda: ArrayBatches(IMAGES, None), ShapeError, "labels must be an array"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "message"), BAD.values(), ids=list(BAD))
def test_bad_input_is_told_in_a_sentence(call, kind, message) -> None:
    with pytest.raises(MinitorchVizError, match=message) as caught:
        call()
    assert isinstance(caught.value, kind)
