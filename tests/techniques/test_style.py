"""Style transfer as a technique: going on to the same bits, what is said of trouble, colours, masks, bad inputs."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from minitorch_viz import Model, load_model
from minitorch_viz.errors import MinitorchVizError, NetError, SettingError
from minitorch_viz.models.spec import get_spec
from minitorch_viz.optimize.style.closed_form import adain, whitening
from minitorch_viz.optimize.style.colours import TO_YIQ, luminance_of, recoloured
from minitorch_viz.optimize.style.methods import method_of
from minitorch_viz.optimize.style.statistics import statistics
from minitorch_viz.optimize.units import Units
from minitorch_viz.techniques import run, style
from minitorch_viz.techniques.optimization import _style_inputs as inputs
from minitorch_viz.techniques.optimization._style_layers import layers_of
from minitorch_viz.techniques.optimization._style_task import Task, job_of


@pytest.fixture(autouse=True)
def every_step_yields(monkeypatch) -> None:
    monkeypatch.setattr(run.Pace, "due", lambda self: True)


@pytest.fixture(scope="module")
def net() -> Model:
    return load_model("cifar10")


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    rows, columns = np.indices((30, 40))
    return np.stack([rows * 8, columns * 6, 255 - rows * 4 - columns * 3], axis=2).astype(np.uint8)


@pytest.fixture(scope="module")
def checks() -> np.ndarray:
    """A painting of red and yellow squares."""
    board = np.indices((32, 32)).sum(axis=0) // 4 % 2
    return np.where(board[..., None], [220, 40, 30], [230, 200, 60]).astype(np.uint8)


def same(first: Any, second: Any) -> None:
    for one, other in zip(first.pictures, second.pictures, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(first.losses, second.losses)
    np.testing.assert_array_equal(first.evaluations, second.evaluations)
    for name, array in first.state.arrays.items():
        np.testing.assert_array_equal(second.state.arrays[name], array)
    assert first.state.numbers == second.state.numbers
    assert first.notes == second.notes


WAYS = {
    "L-BFGS with its history": {"steps": 14},
    "Adam": {"optimizer": "adam", "steps": 3},
    "Adagrad": {"optimizer": "adagrad", "steps": 3, "rate": 9.0},
    "one optimizer after another": {"show": "optimizers", "steps": 2},
    "layer by layer": {"show": "layers", "steps": 2, "style_layers": "relu1,relu3", "seed": 3},
}


@pytest.mark.parametrize("settings", WAYS.values(), ids=list(WAYS))
def test_it_goes_on_from_every_step_to_the_same_bits(settings, net, photo, checks) -> None:
    listed = list(style.each(net, photo, style=checks, size=32, **settings))
    assert listed[-1].done == listed[-1].total == len(listed)
    if not settings.get("optimizer") and not settings.get("show"):
        assert listed[-2].state.numbers["method"]["pairs"] > 5
    for result in listed[:: max(1, len(listed) // 6)]:
        *_, last = style.each(net, photo, style=checks, size=32, state=result.state, **settings)
        same(last, listed[-1])


def test_it_goes_on_where_the_picture_grows(net, photo, checks, monkeypatch) -> None:
    monkeypatch.setattr("minitorch_viz.techniques.optimization._style_task.sides", lambda end, _: [end // 2, end])
    for optimizer in ("lbfgs", "adam"):
        listed = list(style.each(net, photo, style=checks, size=48, steps=2, optimizer=optimizer))
        assert listed[0].sizes == ((18, 24), (36, 48))
        assert listed[0].steps == (2, 4)
        assert [result.picture.shape[0] for result in listed] == [18, 18, 36, 36, 36, 36]
        assert len({result.frame.shape for result in listed}) == 1
        assert min(listed[0].frame.shape[:2]) >= 128
        for result in listed:
            *_, last = style.each(
                net, photo, style=checks, size=48, steps=2, optimizer=optimizer, state=result.state
            )  # fmt: skip
            same(last, listed[-1])
        words = " ".join(listed[-1].notes)
        assert ("begins each size without a history" in words) == (optimizer == "lbfgs")
        assert "the change is enlarged" in words
        assert ("running means are enlarged" in words) == (optimizer == "adam")


def test_the_loss_falls_and_the_style_comes_over(net, photo, checks) -> None:
    result = style(net, photo, style=checks, size=48, steps=12, smooth=0.0, progress=False)
    losses = result.losses[0]
    assert losses[-1] < 0.3 * losses[0]
    assert losses[-1] == pytest.approx(sum(result.parts[0].values()), rel=1e-5)
    assert (np.diff(losses) <= 0).all()
    colours = [pixels.reshape(-1, 3).mean(axis=0) for pixels in (result.photo, result.picture, checks)]
    assert np.abs(colours[1] - colours[2]).sum() < 0.5 * np.abs(colours[0] - colours[2]).sum()


def test_content_alone_gives_the_photo_back_and_style_alone_does_not(net, photo, checks) -> None:
    result = style(net, photo, style=checks, size=32, steps=25, show="layers", smooth=0.0, progress=False)
    first = {title: i for i, title in enumerate(result.titles)}
    near, far = (
        np.abs(result.pictures[first[title]].astype(float) - result.photo).mean()
        for title in ("content of relu1 alone", "style of relu1 alone")
    )
    assert near < 12 < 30 < far


# ---------------------------------------------------------------------- what is said of trouble


def breaking(monkeypatch, wrong) -> None:
    """Let `wrong(number, value, gradient)` change what the loss gives at its evaluation number so and so."""
    whole, count = Task.loss, itertools.count()

    def loss(self, *arguments):
        inner = whole(self, *arguments)

        class Loss:
            parts = inner.parts

            def __call__(self, x):
                return wrong(next(count), *inner(x))

        return Loss()

    monkeypatch.setattr(Task, "loss", loss)


def test_a_line_search_that_fails_is_said_and_recovered_from(net, photo, checks, monkeypatch) -> None:
    """For a while the gradient points the wrong way round."""
    breaking(monkeypatch, lambda number, value, slopes: (value, -slopes if 9 <= number < 14 else slopes))
    result = style(net, photo, style=checks, size=32, steps=12, progress=False)
    notes = " ".join(result.notes)
    assert "The line search" in notes or "does not go downhill" in notes
    assert "32 pixels: " in notes
    assert result.done == result.total
    assert result.losses[0][np.isfinite(result.losses[0])][-1] < 0.6 * result.losses[0][0]


def test_no_way_down_at_all_is_still_and_not_converged(net, photo, checks, monkeypatch) -> None:
    breaking(monkeypatch, lambda number, value, slopes: (value, -slopes))
    result = style(net, photo, style=checks, size=32, steps=9, progress=False)
    assert any("it stands still, which is not the same as converged" in note for note in result.notes)
    assert result.done == result.total < 9


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_a_step_that_is_not_finite_is_taken_again_and_said(optimizer, net, photo, checks, monkeypatch) -> None:
    breaking(monkeypatch, lambda number, value, slopes: (np.nan if number == 4 else value, slopes))
    result = style(net, photo, style=checks, size=32, steps=8, optimizer=optimizer, progress=False)
    assert any("not finite" in note for note in result.notes)
    assert np.isfinite(result.losses).all()


def test_running_means_grow_with_the_picture(net, photo) -> None:
    method = method_of("adam", Units.of(net.reader()))

    def loss(x):
        return float((x**2).sum()), 2 * x

    state = method.step(method.start(photo.transpose(2, 0, 1)[None].astype(float) - 120, loss), loss)
    grown = method.enlarged(state, (60, 80), 0.0, loss)
    assert grown.memory.square["x"].shape == (1, 3, 60, 80)
    assert grown.memory.square["x"].mean() == pytest.approx(state.memory.square["x"].mean(), rel=0.02)
    assert (grown.memory.square["x"] >= 0).all()
    assert grown.memory.steps == 1


def test_only_the_change_is_enlarged(net, photo, checks) -> None:
    """What was not changed is the photo at each size, to the last pixel; a change comes over enlarged."""
    task = Task(net, inputs.inputs_of(net, photo, checks, None), 48, 1.0, (1.0,), "gram", 0.1, 0)
    settings = {"steps": 2, "optimizer": "lbfgs", "rate": None, "coarse_to_fine": True}
    job, noisy = (
        job_of(task, "painted", {"relu1": 1.0}, {"relu2": 0.1}, noise=noise, **settings) for noise in (False, True)
    )
    coarse, size = (18, 24), (36, 48)
    loss = job.loss(size)
    state = job.method.start(job.start(coarse), job.loss(coarse))
    grown = job.method.enlarged(state, size, job.details(coarse, size), loss)
    np.testing.assert_allclose(grown.x, job.start(size), atol=1e-9)
    brighter = job.method.start(job.start(coarse) + 5, job.loss(coarse))
    grown = job.method.enlarged(brighter, size, job.details(coarse, size), loss)
    np.testing.assert_allclose(grown.x, job.start(size) + 5, atol=1e-9)
    assert noisy.details(coarse, size) == 0


def test_of_pictures_that_begin_with_noise_no_detail_is_said_to_be_kept(net, photo, checks, monkeypatch) -> None:
    monkeypatch.setattr("minitorch_viz.techniques.optimization._style_task.sides", lambda end, _: [end // 2, end])
    for settings in ({"show": "layers"}, {"start": "noise"}):
        result = style(net, photo, style=checks, size=48, steps=1, progress=False, **settings)
        assert not any("the change is enlarged" in note for note in result.notes)


# ---------------------------------------------------------------------- masks, several styles, colours


def test_masks_of_white_are_none_and_a_region_gets_its_own_style(net, photo, checks) -> None:
    white = np.full((30, 40, 3), 255, np.uint8)
    settings = {"size": 32, "steps": 6, "progress": False}
    plain, masked = (style(net, photo, style=checks, masks=mask, **settings) for mask in (None, white))
    np.testing.assert_allclose(masked.losses, plain.losses, rtol=2e-3)
    left = white.copy()
    left[:, 20:] = 0
    blue = np.roll(checks, 2, axis=2)
    halves = style(
        net,
        photo,
        style=[checks, blue],
        masks=[left, 255 - left],
        content_weight=0.0,
        steps=15,
        size=32,
        progress=False,
    )
    red, other = halves.picture[:, :12].mean(axis=(0, 1)), halves.picture[:, -12:].mean(axis=(0, 1))
    assert red[0] - red[2] > 40 + other[0] - other[2]


def test_the_blend_of_one_style_is_that_style(net, photo, checks) -> None:
    settings = {"size": 32, "steps": 4, "progress": False}
    alone = style(net, photo, style=checks, **settings)
    mixed = style(net, photo, style=[checks, photo], blend="1,0", **settings)
    np.testing.assert_allclose(mixed.losses, alone.losses, rtol=1e-3)
    half = style(net, photo, style=[checks, photo], **settings)
    assert abs(half.losses[0, 0] / alone.losses[0, 0] - 1) > 0.05


def test_the_luminance_is_painted_and_the_colours_stay(rng) -> None:
    painted, photo = rng.integers(60, 190, (2, 20, 30, 3)).astype(np.uint8)
    mixed = luminance_of(painted, photo).astype(float)
    inside = ((mixed > 1) & (mixed < 254)).all(axis=2)
    assert inside.mean() > 0.5
    np.testing.assert_allclose(mixed @ TO_YIQ[0], painted @ TO_YIQ[0], atol=1.0)
    np.testing.assert_allclose((mixed @ TO_YIQ[1:].T)[inside], (photo @ TO_YIQ[1:].T)[inside], atol=1.5)


def test_a_recoloured_painting_has_the_photos_mean_and_covariance(photo, checks) -> None:
    noisy = np.clip(checks + np.random.default_rng(0).normal(0, 12, checks.shape), 0, 255).astype(np.uint8)
    calm = (90 + photo * 0.3).astype(np.uint8)
    moved = recoloured(noisy, calm).reshape(-1, 3).astype(float)
    goal = calm.reshape(-1, 3).astype(float)
    np.testing.assert_allclose(moved.mean(axis=0), goal.mean(axis=0), atol=1.0)
    np.testing.assert_allclose(np.cov(moved.T), np.cov(goal.T), atol=0.06 * np.cov(goal.T).max())
    np.testing.assert_array_equal(recoloured(calm, calm), calm)


@pytest.mark.parametrize("settings", [
    {"colours": "histogram"}, {"colours": "luminance"}, {"distance": "wasserstein"}, {"start": "noise"},
    {"show": "content"}, {"show": "gram"}, {"style_scale": 0.5}, {"content_layer": "relu2", "style_weights": "1,0,2"},
])  # fmt: skip
def test_every_setting_makes_a_picture(settings, net, photo, checks, tmp_path) -> None:
    result = style(net, photo, style=checks, size=32, steps=2, progress=False, **settings)
    assert result.picture.shape == (24, 32, 3)
    assert result.save(tmp_path / "a.png", dpi=40).stat().st_size > 3000
    assert "scale" in result.caption
    if result.gram is not None:
        assert np.abs(result.gram.style).max() <= 1 + 1e-5
        assert len(set(result.gram.pairs.ravel())) == result.gram.pairs.size


# ---------------------------------------------------------------------- in one go


@pytest.mark.parametrize("guided", [False, True])
def test_formulas_bring_the_statistics_over(guided: bool, rng) -> None:
    maps, target = rng.standard_normal((5, 400)) * 3 + 1, statistics(rng.random((5, 5)) @ rng.random((5, 200)))
    guide = rng.random(400) if guided else None
    coloured, shifted = (statistics(formula(maps, target, guide), guide) for formula in (whitening, adain))
    np.testing.assert_allclose(coloured.mean, target.mean, rtol=1e-8)
    np.testing.assert_allclose(coloured.covariance, target.covariance, atol=1e-4 * np.abs(target.covariance).max())
    np.testing.assert_allclose(shifted.mean, target.mean, rtol=1e-8)
    np.testing.assert_allclose(np.diag(shifted.covariance), np.diag(target.covariance), rtol=1e-8)


def test_decoded_level_by_level_and_gone_on(shared_data, photo, checks) -> None:
    model = load_model("vgg19_conv3_1", weights=shared_data / "weights")
    listed = list(style.each(model, photo, style=checks, size=32, fast="whitening"))
    assert [result.done for result in listed] == [1, 2, 3]
    *_, last = style.each(model, photo, style=checks, size=32, fast="whitening", state=listed[0].state)
    np.testing.assert_array_equal(last.picture, listed[-1].picture)
    cat = str(shared_data / "photos" / "cat_chelsea.jpg")
    plain = style(model, cat, style=checks, size=64, fast="adain", strength=0.0, progress=False)
    assert np.abs(plain.picture.astype(float) - plain.photo).mean() < 25  # decoders alone: about the photo
    whole = style(model, photo, style=checks, size=32, fast="whitening", masks=np.full((9, 9, 3), 255, np.uint8))
    assert np.abs(whole.picture.astype(int) - last.picture).max() <= 2


# ---------------------------------------------------------------------- layers, and what cannot be


def test_a_whole_vgg19_has_the_papers_layers() -> None:
    spec = get_spec("vgg19")
    model = Model.from_net(
        spec.build(None, 5, 0, hidden=8), readers=spec.reader, class_names=list("abcde"), name="vgg19"
    )
    layers = layers_of(model, None, None, None)
    assert list(layers.style) == [f"features.{i}" for i in (1, 6, 11, 20, 29)]  # relu1_1 to relu5_1
    assert set(layers.style.values()) == {1}
    assert layers.content == "features.22"  # relu4_2
    assert layers.words == ()


def test_our_vgg19_says_where_it_ends(net) -> None:
    spec = get_spec("vgg19_conv3_1")
    layers = layers_of(Model.from_net(spec.build(), readers=spec.reader, name=spec.name), None, None, None)
    assert list(layers.style) == ["relu1_1", "relu2_1", "relu3_1"]
    assert list(layers.style.values()) == [16, 4, 1]  # 256 : 64 : 16
    assert "vgg19_conv3_1 has 3, up to relu3_1" in layers.words[0]
    assert layers_of(net, "relu2", None, "relu4").words == ()


DOT = np.zeros((1, 1, 3), np.uint8)
BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"image": DOT}, SettingError, "The photo has 1 x 1 pixels"),
    ({"style": DOT}, SettingError, "The style has 1 x 1 pixels"),
    ({"size": 10**7}, SettingError, r"GB .*take a smaller one, --size \d+"),
    ({"size": 3}, SettingError, "size"),
    ({"steps": 0}, SettingError, "number of steps"),
    ({"style_layers": "relu9"}, SettingError, "no node 'relu9'"),
    ({"style_layers": "logits"}, (SettingError, NetError), "logits"),
    ({"style_weights": "1,2"}, SettingError, "one number of at least 0 for each layer, 3 in all"),
    ({"style_weights": "1,-2,3"}, SettingError, "at least 0"),
    ({"blend": "x"}, SettingError, "blend"),
    ({"content_weight": -1.0}, SettingError, "content_weight"),
    ({"smooth": float("nan")}, SettingError, "smooth"),
    ({"style_scale": 0.0}, SettingError, "style_scale must be a number above 0"),
    ({"rate": 3.0}, SettingError, "takes no rate"),
    ({"optimizer": "sgd"}, SettingError, "no optimizer 'sgd'"),
    ({"show": "nothing"}, SettingError, "no show 'nothing'"),
    ({"masks": np.zeros((9, 9, 3), np.uint8)}, SettingError, "black everywhere"),
    ({"masks": [np.full((9, 9, 3), 255, np.uint8)] * 2}, SettingError, "as many as styles; got 2 for 1"),
    ({"fast": "whitening"}, SettingError, "no other net here has decoders"),
    ({"fast": "adain", "show": "gram"}, SettingError, "nothing to show of gram"),
    ({"strength": 2.0}, SettingError, "strength"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "error", "words"), BAD, ids=[f"{list(s)}-{w:.12}" for s, _, w in BAD])
def test_bad_input_gets_a_sentence(settings, error, words, net, photo, checks) -> None:
    settings = {"style": checks, "size": 32, "steps": 1, **settings}
    image = settings.pop("image", photo)
    with pytest.raises(error, match=words) as caught:
        style(net, image, progress=False, **settings)
    assert isinstance(caught.value, MinitorchVizError)


def test_a_net_without_maps_is_refused() -> None:
    assert "no maps of features" in str(inputs.refuses(load_model("digits_linear")))
