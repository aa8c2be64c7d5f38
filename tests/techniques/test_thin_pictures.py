"""Pictures one pixel wide or high, and sides that no pooling divides: every technique draws them, or says why not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from minitorch_viz import Model, Net
from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.layers import (
    Concat,
    Conv2d,
    Flatten,
    GlobalAvgPool2d,
    Linear,
    MaxPool2d,
    ReLU,
    UpsampleBilinear,
    UpsampleNearest,
)
from minitorch_viz.techniques import segmentation, techniques
from minitorch_viz.techniques.base import Technique
from tests.answer_nets import CASES, conv, fcn, model_of, photo, residual_maps

OF_A_PHOTO = [t for t in techniques().values() if t.subject.name in ("photo", "photos")]


PLACES = (
    "activation-maps",
    "factors",
    "grad-cam",
    "guided-grad-cam",
    "counterfactual",
    "compare",
)  # they need maps of more than one place
ATTACKING = ("fooling", "linear-explanation", "regions")  # their target may not be the answer already, which is road


def column_classifier(rng: np.random.Generator) -> Net:
    """A classifier of columns: its filters are one pixel wide."""
    weight = rng.standard_normal((4, 3, 3, 1))
    layers = [("conv", Conv2d(weight, padding=(1, 0))), ("relu", ReLU()), ("gap", GlobalAvgPool2d())]
    return Net([*layers, ("flat", Flatten()), ("fc", Linear(rng.standard_normal((3, 4))))])


def row_u_net(rng: np.random.Generator) -> Net:
    """Down and up along the rows alone."""
    return Net(
        [
            ("down", conv(rng, 3, 5)),
            ("downr", ReLU()),
            ("pool", MaxPool2d((1, 2))),
            ("middle", conv(rng, 5, 5)),
            ("middler", ReLU()),
            ("up", UpsampleNearest((1, 2))),
            ("skip", Concat(), ("up", "downr")),
            ("out", conv(rng, 10, 3)),
        ]
    )


def odd_u_net(rng: np.random.Generator) -> Net:
    """The size of what is enlarged is given, so that an odd side fits its skip connection."""
    return Net(
        [
            ("down", conv(rng, 3, 5)),
            ("downr", ReLU()),
            ("pool", MaxPool2d(2)),
            ("middle", conv(rng, 5, 5)),
            ("middler", ReLU()),
            ("up", UpsampleBilinear(size=(17, 13))),
            ("skip", Concat(), ("up", "downr")),
            ("out", conv(rng, 10, 3)),
        ]
    )


NETS = {
    "a column, a classifier": (column_classifier, (60, 1)),
    "a column of two pixels, a classifier": (column_classifier, (2, 1)),
    "a row, along the row": (row_u_net, (1, 32)),
    "two rows": (row_u_net, (2, 8)),
    "a row, at a quarter of its size": (fcn, (1, 16)),
    "a column, at a quarter of its size": (fcn, (19, 1)),
    "a row, residual": (residual_maps, (1, 9)),
    "one pixel": (residual_maps, (1, 1)),
    "odd sides through a U-net": (odd_u_net, (17, 13)),
    "odd sides at a quarter of the size": (fcn, (7, 13)),
    "three rows": (fcn, (3, 31)),
}


def model_for(build: Callable[[np.random.Generator], Net], size: tuple[int, int], seed: int = 0) -> Model:
    """A map of one place looks like a score that was left unflattened, so there it has to be said."""
    names = ("background", "road", "sky")
    kind = "maps" if size == (1, 1) else None
    return Model.from_net(build(np.random.default_rng(seed)), size, class_names=names, scores=kind)


FAST = ("a column, a classifier", "a row, along the row", "odd sides at a quarter of the size")


@pytest.mark.parametrize(
    "name", [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in NETS]
)
@pytest.mark.parametrize("technique", OF_A_PHOTO, ids=lambda technique: technique.name)
def test_each_technique_draws_it_or_says_why_not(technique: Technique, name: str, tmp_path) -> None:
    build, size = NETS[name]
    model = model_for(build, size, seed=4)
    if technique.refuses(model):
        return
    another = "sky" if technique.name in ATTACKING else "road"
    target = {"target": another} if "target" in technique.options else {}
    if name == "one pixel" and technique.name in PLACES:
        with pytest.raises(MinitorchVizError, match=r"no places to show|one place only"):
            technique.run_on(model, photo(size), **target)
        return
    if technique.name == "deep-dream" and "U-net" in name:  # whose paths meet at a few sizes alone
        with pytest.raises(MinitorchVizError, match="does not take a picture of"):
            technique.run_on(model, photo(size))
        return
    if technique.name == "style" and min(size) < 8:
        with pytest.raises(MinitorchVizError, match="both sides need at least 8"):
            technique.run_on(model, photo(size))
        return
    result = technique.run_on(model, photo(size), **target, **technique.in_comparison)
    heat = result.heat
    if heat is not None:
        assert heat.shape == size
        assert np.isfinite(heat).all()
    assert result.save(tmp_path / "figure.png", dpi=30).stat().st_size > 500


@pytest.mark.parametrize("size", [(60, 1), (1, 60), (1, 1), (2, 2), (33, 1), (1, 33), (34, 2), (40, 40)], ids=str)
def test_the_object_of_a_thin_picture_is_cut_out_and_drawn(size, tmp_path) -> None:
    """Whatever the sides, also of photos that are larger than what the net takes."""
    model = model_for(residual_maps, size)
    for sides in (size, (size[0] * 3 + 1, size[1] * 2)):
        result = segmentation(model, photo(sides), target="sky")
        assert result.mask.shape == size
        assert result.save(tmp_path / "x.png", dpi=30).exists()


def test_a_net_that_cannot_take_it_says_at_which_node() -> None:
    with pytest.raises(MinitorchVizError, match="At node 'pool1'"):
        model_of(CASES["U-net, a class"], (1, 16))
