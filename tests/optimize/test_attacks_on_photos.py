"""FGSM and PGD on 100 photos: each is turned into something else by a change of a few grey levels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import Model, load_model
from minitorch_viz.optimize.attacks import Attack, aim_at, last, sizes
from minitorch_viz.optimize.attacks.fgsm import Fgsm
from minitorch_viz.optimize.attacks.growing import growing
from minitorch_viz.optimize.attacks.pgd import Pgd

EPS = 2.0 ** np.arange(-3, 5)  # 1/8 to 16 grey levels: each photo gets the smallest that is enough


def photos(model: Model, folder: Path, count: int) -> np.ndarray:
    files = sorted(folder.glob("*.jpg"))
    return np.concatenate([model.read(str(files[number])) for number in range(0, len(files), len(files) // count)])


def squeezenet(shared_data: Path) -> Model:
    return load_model("squeezenet1_1", weights=shared_data / "weights" / "squeezenet1_1.safetensors")


@pytest.mark.slow
def test_a_few_photos(shared_data: Path) -> None:
    model = squeezenet(shared_data)
    aim, pixels = aim_at(model, photos(model, shared_data / "imagenet_samples", 10))
    end = last(Pgd(eps=1.0, steps=10).attempts(aim, pixels))
    assert end.fooled.all()
    assert aim.fooled(aim.logits(np.rint(end.pixels))).all()


@pytest.mark.nightly
@pytest.mark.parametrize("attack", [Fgsm(), Pgd(steps=10)], ids=["fgsm", "pgd"])
@pytest.mark.parametrize("net", ["squeezenet1_1", "googlenet_bvlc"])
def test_a_hundred_photos(net: str, attack: Attack, shared_data: Path) -> None:
    model = load_model(net.removesuffix("_bvlc"), weights=shared_data / "weights" / f"{net}.safetensors")
    aim, pixels = aim_at(model, photos(model, shared_data / "imagenet_samples", 100))
    assert len(pixels) == 100
    end = last(growing(attack, aim, pixels, tuple(EPS)))
    size = sizes((end.pixels - pixels)[end.fooled])
    print(
        f"{net}, {attack.name}: {end.fooled.sum()} of 100 at an eps of {np.nanmin(end.inner['eps']):g} to "
        f"{np.nanmax(end.inner['eps']):g}; median L2 {np.median(size.l2):.4g}, L-infinity {np.median(size.linf):.3g}, "
        f"RMS {np.median(size.rms):.3g}"
    )
    assert end.fooled.sum() >= 99
    assert np.median(size.linf) <= 1
