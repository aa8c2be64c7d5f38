"""The drawn figures, measured: every technique's, for photos of four shapes and class names as long as ImageNet's.

Nothing is judged by eye here: the renderer says where each letter stands.
"""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from minitorch_viz import Model, Net
from minitorch_viz.drawing import text_width, wrapped
from minitorch_viz.io.images import resize_image
from minitorch_viz.layers import Conv2d, Flatten, GlobalAvgPool2d, Linear, MaxPool2d, ReLU
from minitorch_viz.techniques import Technique, get_technique, techniques
from minitorch_viz.techniques.subject import PHOTO, PHOTOS
from tests.examples import example_of
from tests.measured_figures import check

SHAPES = {"square": (120, 120), "3:2": (120, 180), "16:9": (90, 160), "9:16": (160, 90)}


def slow_unless(quick: bool) -> tuple[pytest.MarkDecorator, ...]:
    """The mark of what a quick run leaves out."""
    return () if quick else (pytest.mark.slow,)


NAMES = (
    "Staffordshire bullterrier, Staffordshire bull terrier",
    "electric locomotive",
    "cock",
    "black-and-tan coonhound",
    "Greater Swiss Mountain dog",
    "gyromitra",
)


@pytest.fixture(scope="module")
def net() -> Model:
    """A small random net with long names of nodes and classes, colour filters of 7 x 7 and others of 3 x 3."""
    rng = np.random.default_rng(1)
    normal = lambda *shape: rng.standard_normal(shape).astype(np.float32) / np.sqrt(np.prod(shape[1:]))
    nodes = [
        ("features.0.reduce7x7", Conv2d(normal(6, 3, 7, 7), padding=3)),
        ("features.1.reduce7x7_activation", ReLU()),
        ("features.2.pool", MaxPool2d(2)),
        ("features.12.expand3x3", Conv2d(normal(8, 6, 3, 3), padding=1)),
        ("features.12.expand3x3_activation", ReLU()),
        ("gap", GlobalAvgPool2d()),
        ("flat", Flatten()),
        ("logits", Linear(3 * normal(len(NAMES), 8))),
    ]
    return Model.from_net(Net(nodes), 24, class_names=list(NAMES), mean=(120, 115, 104), std=(60, 60, 60))


@pytest.fixture(scope="module")
def cat() -> np.ndarray:
    from skimage.data import chelsea

    return chelsea()


def result_of(technique: Technique, model: Model, photo: np.ndarray):
    if technique.subject not in (PHOTO, PHOTOS) or technique.refuses(model):
        return example_of(technique.name)
    return technique.compute(model, photo, **technique.in_comparison)


EACH = [  # what looks at no photo, for one shape only
    pytest.param(technique, shape, id=f"{technique.name}-{shape}", marks=slow_unless(shape in ("square", "9:16")))
    for technique in techniques().values()
    for shape in (SHAPES if technique.subject in (PHOTO, PHOTOS) else ["square"])
]


@pytest.mark.parametrize(("technique", "shape"), EACH)
def test_everything_is_in_its_place(technique: Technique, shape: str, net: Model, cat: np.ndarray) -> None:
    """No words cut off or run together, none too small, bars as high as their maps, no blank bands."""
    check(result_of(technique, net, resize_image(cat, SHAPES[shape])).figure())


VARIANTS = [
    ("saliency", {"mode": "compare"}),
    ("lrp", {"rule": "compare"}),
    ("lrp", {"rule": "epsilon"}),
    ("grad-cam", {"target": "0,1,2"}),
    ("grad-cam", {"target": "0,1,2,3,4", "scale": "each"}),
    ("counterfactual", {"target": "0,1", "scale": "each"}),
    ("activation-maps", {"scale": "shared"}),
    ("activation-maps", {"node": "features.0.reduce7x7"}),
    ("occlusion", {"node": "features.12.expand3x3_activation"}),
    ("deconvnet", {"node": "features.12.expand3x3_activation"}),
    ("microscope", {"node": "features.12.expand3x3"}),
    ("microscope", {"node": "logits"}),
    ("compare", {"only": "saliency,lrp"}),
    ("compare", {"node": "features.12.expand3x3_activation"}),
    ("segmentation", {"method": "grad-cam"}),
]


@pytest.mark.parametrize(
    "shape", ["9:16", *(pytest.param(shape, marks=pytest.mark.slow) for shape in ("square", "16:9"))]
)
@pytest.mark.parametrize(("name", "settings"), VARIANTS, ids=lambda value: str(value).replace(" ", ""))
def test_with_other_settings_too(name: str, settings: dict[str, str], shape: str, net: Model, cat: np.ndarray) -> None:
    check(get_technique(name).compute(net, resize_image(cat, SHAPES[shape]), **settings).figure())


@pytest.mark.slow
@pytest.mark.parametrize("size", [(60, 300), (300, 60)], ids=["5:1", "1:5"])
@pytest.mark.parametrize("name", ["saliency", "grad-cam", "occlusion", "segmentation", "compare", "microscope"])
def test_panoramas_and_towers(name: str, size: tuple[int, int], net: Model, cat: np.ndarray) -> None:
    """Their places stay wide enough for titles and high enough for bars, so that there are bands at one side."""
    check(get_technique(name).compute(net, resize_image(cat, size)).figure(), band=0.3)


@pytest.mark.parametrize("count", [2, 5, 9])
def test_several_photos_of_several_shapes(count: int, net: Model, cat: np.ndarray) -> None:
    photos = [resize_image(cat, size) for size in SHAPES.values()]
    images = [photos[number % len(photos)] for number in range(count)]
    check(get_technique("deconvnet").compute(net, images, node="features.12.expand3x3_activation").figure())


def test_a_result_that_is_blank_everywhere(net: Model, cat: np.ndarray) -> None:
    """The reasons are read, too."""
    state = {name: value.copy() for name, value in net.net.params.items()}
    state["features.12.expand3x3.weight"][:] = np.nan
    broken = Model.from_net(net.net.with_params(state), 24, class_names=list(NAMES))
    for name in ("saliency", "grad-cam", "lrp", "integrated-gradients", "guided-grad-cam", "segmentation"):
        check(get_technique(name).compute(broken, resize_image(cat, SHAPES["16:9"])).figure())


@pytest.mark.parametrize("wide", [0.6, 1.5, 3.0])
@pytest.mark.parametrize(
    "words", [*NAMES, "features.12.expand3x3_activation channel 5 at row 20, column 17", "a " * 40]
)
def test_lines_are_no_wider_than_asked_for(words: str, wide: float) -> None:
    lines = wrapped(words, wide).split("\n")
    assert max(text_width(line) for line in lines) <= wide
    assert "".join(lines).replace(" ", "").replace("\N{NO-BREAK SPACE}", "") == words.replace(" ", "")
    if text_width(words) <= wide:
        assert len(lines) == 1


def test_the_measure_is_matplotlibs() -> None:
    figure = Figure(dpi=200)
    for words in ("iiiiiillll.,", "WWWMMM@", "guided Grad-CAM: sign and colour, full at ±0.012"):
        text = figure.text(0, 0, words, fontsize=12)
        FigureCanvasAgg(figure).draw()
        drawn = text.get_window_extent().width / 200
        assert drawn <= text_width(words, 12) <= 1.12 * drawn + 0.02
