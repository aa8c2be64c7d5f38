"""The mixture of Gaussians over patches: SciPy's densities, its gradient, the step that takes noise away, its fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from minitorch_viz.errors import DataFileError, SettingError, ShapeError
from minitorch_viz.gradcheck import check
from minitorch_viz.models import load_model
from minitorch_viz.objectives import Unit
from minitorch_viz.optimize.ascent import ascend
from minitorch_viz.optimize.natural import read_pictures
from minitorch_viz.optimize.natural.mixture import fitted, patches_from
from minitorch_viz.optimize.parametrizations.base import GREY
from minitorch_viz.optimize.presets import Request, get_preset, gmm
from minitorch_viz.optimize.regularizers import PatchMixture
from minitorch_viz.optimize.score import score_of

RNG = np.random.default_rng(0)
ROOTS = RNG.standard_normal((3, 4, 4))
MIXTURE = PatchMixture(
    np.array([0.2, 0.5, 0.3]), 20 * RNG.standard_normal((3, 4)), 50 * ROOTS @ ROOTS.transpose(0, 2, 1), 2, 4.0, 2
)


def test_it_is_minus_the_logarithm_of_the_density_of_all_patches() -> None:
    x = 30 * RNG.standard_normal((1, 1, 5, 4))  # patches at rows 0, 2, 3 and columns 0, 2: the last ends at the border

    def density(patch: np.ndarray) -> float:
        parts = zip(MIXTURE.weights, MIXTURE.means, MIXTURE.covariances, strict=True)
        wide = 16 * np.eye(4)
        return float(logsumexp([np.log(w) + multivariate_normal(m, c + wide).logpdf(patch) for w, m, c in parts]))

    patches = [x[0, 0, i : i + 2, j : j + 2].ravel() for i in (0, 2, 3) for j in (0, 2)]
    most = logsumexp([
        np.log(w) + multivariate_normal(m, c + 16 * np.eye(4)).logpdf(m)
        for w, m, c in zip(MIXTURE.weights, MIXTURE.means, MIXTURE.covariances, strict=True)
    ])  # fmt: skip
    assert MIXTURE.value(x)[0] == pytest.approx(sum(most - density(patch) for patch in patches), rel=1e-10)
    assert MIXTURE.value(x)[0] >= 0


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_its_gradient_away_from_the_middle(stride: int) -> None:
    penalty = replace(MIXTURE, stride=stride)
    report = check(
        lambda x: (penalty.value(x), x),
        lambda dy, x: dy[:, None, None, None] * penalty.gradient(x),
        20 * np.random.default_rng(1).standard_normal((2, 1, 5, 4)),
        tolerance=1e-7,
    )
    assert report.ok, report


def test_a_step_of_its_noise_is_the_best_guess_without_noise() -> None:
    """Of one Gaussian it is Wiener's filter; every pixel is in one patch here."""
    mean, wide = np.array([5.0, -3, 2, 8]), MIXTURE.covariances[1]
    alone = PatchMixture(np.ones(1), mean[None], wide[None], 2, 10.0, 2)
    x = 40 * RNG.standard_normal((1, 1, 2, 2))
    wiener = mean + wide @ np.linalg.solve(wide + 100 * np.eye(4), x.ravel() - mean)
    np.testing.assert_allclose((x - 100 * alone.gradient(x)).ravel(), wiener, rtol=1e-9)


def test_a_fitted_mixture_tells_natural_pictures_from_noise_and_is_the_same_twice() -> None:
    pictures = list(read_pictures("scenes:12", GREY, (32, 32)))
    patches = patches_from(pictures[:8], 4, 60, seed=0)
    assert patches.shape == (480, 16)
    first, again = (fitted(patches, 4, 3, seed=0) for _ in range(2))
    assert first.means.tobytes() == again.means.tobytes()
    natural = np.stack(pictures[8:])
    rng = np.random.default_rng(0)
    shuffled = np.stack([rng.permutation(x.ravel()).reshape(x.shape) for x in natural])
    assert (first.value(natural) < 0.5 * first.value(shuffled)).all()
    with pytest.raises(DataFileError, match="there is none"):
        patches_from([], 4, 60, seed=0)


@pytest.mark.slow
@pytest.mark.slow
def test_the_preset_makes_likelier_patches_than_the_score_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gmm, "PATCHES", 1000)
    model, preset = load_model("cifar10"), get_preset("gmm")
    request = Request(model, Unit(model.logits, (3,)), (32, 32), "scenes:20")
    ((_, mixture),) = preset.penalties(request)
    found = {}
    for name, stages in (("with", preset.stages_for(request)), ("without", preset.stages)):
        shorter = [replace(stage, steps=20) for stage in stages]
        steps = list(ascend(model, preset.objective(request), shorter, preset.parametrization(request)))
        found[name] = (score_of(model, request.objective, steps[-1].x)[0], float(mixture.value(steps[-1].x)[0]))
        assert found[name][0] > score_of(model, request.objective, steps[0].x)[0] + 2
    assert found["with"][1] < 0.5 * found["without"][1]


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(ShapeError, match="covariances \\(3, 4, 4\\)"):
        replace(MIXTURE, covariances=np.eye(4)[None])
    with pytest.raises(SettingError, match="cannot be 3 x 3"):
        replace(MIXTURE, side=3)
    with pytest.raises(ShapeError, match="do not fit pictures"):
        MIXTURE.value(np.zeros((1, 3, 5, 5)))
    with pytest.raises(ShapeError, match="do not fit pictures"):
        MIXTURE.gradient(np.zeros((1, 1, 1, 5)))
