"""A batch of one image does not end a training with batch normalization over maps of one pixel."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Net
from minitorch_viz.data import Dataset, DatasetBatches
from minitorch_viz.layers import BatchNorm2d, Conv2d, Dropout, Flatten, GlobalAvgPool2d, Linear, ReLU
from minitorch_viz.models.readers.preprocessing import Preprocessing
from minitorch_viz.training import SGD, Constant, Cosine, evaluate, fit
from tests.training.training_cases import assert_same_bits, bars, net_with_everything, small_net


def pooled_net(seed: int = 0) -> Net:
    """Batch normalization after a global pooling: of one image it sees one value a channel."""
    rng = np.random.default_rng(seed)
    return Net(
        [
            ("conv", Conv2d.random(rng, 1, 4, 3)),
            ("pool", GlobalAvgPool2d()),
            ("norm", BatchNorm2d.fresh(4)),
            ("relu", ReLU()),
            ("flat", Flatten()),
            ("drop", Dropout(0.25)),
            ("fc", Linear.random(rng, 4, 2)),
        ]
    )


SETTINGS = {"optimizer": SGD(0.1, momentum=0.9), "progress": False, "keep": "last"}


def batches(sizes: list[int]) -> list[tuple[np.ndarray, np.ndarray]]:
    images, labels = bars(sum(sizes))
    ends = np.cumsum(sizes)[:-1]
    return list(zip(np.split(images, ends), np.split(labels, ends), strict=True))


@pytest.mark.parametrize(
    ("sizes", "joined"),
    [
        ([32, 1], [33]),
        ([8, 8, 8, 1], [8, 8, 9]),
        ([1, 8, 8], [9, 8]),
        ([8, 1, 8], [8, 9]),
        ([4, 1, 1], [4, 2]),
        ([1, 1, 1, 1, 1], [2, 3]),
        ([8, 2], [8, 2]),
    ],
)
def test_a_lone_image_is_joined_to_its_neighbours(sizes: list[int], joined: list[int]) -> None:
    rng = np.random.default_rng
    settings = {**SETTINGS, "schedule": Constant(0.1)}
    fitted = fit(pooled_net(), batches(sizes), rng=rng(0), epochs=2, **settings)
    right = fit(pooled_net(), batches(joined), rng=rng(0), epochs=2, **settings)
    assert_same_bits(fitted.net, right.net)
    assert fitted.steps == 2 * len(joined)
    assert fitted.history == right.history
    count = 2 * (len(sizes) - len(joined))
    assert (f"{count} batch" in " ".join(fitted.notes)) == bool(count)
    assert right.notes == ()


@pytest.mark.parametrize(("count", "batch", "steps"), [(33, 32, 1), (65, 32, 2), (9, 4, 2), (5, 1, 2), (2, 1, 1)])
def test_the_schedule_ends_with_the_last_step(count: int, batch: int, steps: int) -> None:
    images, labels = bars(count)
    pixels = np.clip(images[:, 0] * 50 + 100, 0, 255).astype(np.uint8)
    own = DatasetBatches(
        Dataset(pixels, labels, ("a", "b"), "bars"), batch, preprocessing=Preprocessing((6, 6), 1, 0, 99)
    )
    for source in ((images, labels), (own, None)):
        fitted = fit(pooled_net(), *source, rng=np.random.default_rng(0), epochs=3, batch=batch, **SETTINGS)
        assert fitted.steps == 3 * steps
        assert fitted.history[-1].rate == Cosine(0.1, 3 * steps)(3 * steps - 1)
        assert evaluate(fitted.net, images[:1], labels[:1]).images == 1


def test_a_data_set_of_one_image_is_trained_with_the_running_statistics() -> None:
    """By hand: no dropout, and the normalization is the scale and shift of its running statistics."""
    images, labels = bars(1)
    net = pooled_net()
    fitted = fit(net, images, labels, rng=np.random.default_rng(0), epochs=1, schedule=Constant(0.1), **SETTINGS)
    tape = net.forward(images)
    scores = tape["fc"] - tape["fc"].max()
    dy = np.exp(scores) / np.exp(scores).sum()
    dy[0, labels[0]] -= 1
    expected = net["fc"].layer.params["bias"] - 0.1 * dy[0]
    np.testing.assert_allclose(fitted.net["fc"].layer.params["bias"], expected, rtol=1e-6)
    np.testing.assert_array_equal(fitted.net["norm"].layer.running_mean, np.zeros(4))
    assert "1 step was taken on one image alone, with the running statistics" in fitted.notes[0]
    again = fit(net, [(images, labels)], rng=np.random.default_rng(0), epochs=3, **SETTINGS)
    assert "3 steps were" in again.notes[0]


def test_nets_that_can_take_one_image_are_left_alone() -> None:
    """Larger maps have a variance of their own, and nets without batch normalization need none."""
    for net in (net_with_everything(), small_net()):
        fitted = fit(net, batches([8, 8, 1]), rng=np.random.default_rng(0), epochs=1, **SETTINGS)
        assert fitted.steps == 3
        assert fitted.notes == ()


@pytest.mark.parametrize("every", [1, 2])
def test_a_run_that_is_stopped_at_any_step_goes_on_to_the_same_bits(every: int, tmp_path) -> None:
    from minitorch_viz.training import Observer

    class Stop(Observer):
        def __init__(self, at: int) -> None:
            self.at = at

        def step(self, _run, step) -> None:
            if step.state.step == self.at:
                raise KeyboardInterrupt

    images, labels = bars(17)

    def run(**settings):
        return fit(
            pooled_net(), images, labels, rng=np.random.default_rng(0), epochs=3, batch=4, **SETTINGS, **settings
        )

    whole = run()
    assert whole.steps == 12
    for at in (1, 3, 4, 5, 8):
        file = tmp_path / f"{at}.ckpt"
        assert run(checkpoint=file, checkpoint_every=every, observers=[Stop(at)]).stopped == "interrupted"
        resumed = run(checkpoint=file, checkpoint_every=every, resume=True)
        assert_same_bits(resumed.net, whole.net)
        assert resumed.history == whole.history
