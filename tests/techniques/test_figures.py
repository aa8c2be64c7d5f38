"""The drawn figures, measured: every technique's, for photos of four shapes and class names as long as ImageNet's.

Nothing is judged by eye here: the renderer says where each letter stands.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from minitorch_viz import Model, Net
from minitorch_viz.drawing import WIDTH, text_width, wrapped
from minitorch_viz.io.images import resize_image
from minitorch_viz.layers import Conv2d, Flatten, GlobalAvgPool2d, Linear, MaxPool2d, ReLU
from minitorch_viz.techniques import Technique, get_technique, techniques
from minitorch_viz.techniques.subject import PHOTO, PHOTOS

ALL = list(techniques().values())
SHAPES = {"square": (120, 120), "3:2": (120, 180), "16:9": (90, 160), "9:16": (160, 90)}
SMALLEST = 9.0  # points, on a figure 10 inches wide
BAND = 0.08  # of the figure's height or width: the widest band with nothing in it
MARGIN = 0.3, 0.5  # inches of height and of width: in a small figure such a band is no more than a margin
NAMES = (
    "Staffordshire bullterrier, Staffordshire bull terrier",
    "electric locomotive",
    "cock",
    "black-and-tan coonhound",
    "Greater Swiss Mountain dog",
    "gyromitra",
)


class Measured(NamedTuple):
    """A text as it was drawn: its four corners, in pixels, and what it belongs to."""

    text: Text
    corners: np.ndarray  # (4, 2)

    @property
    def words(self) -> str:
        return self.text.get_text()


def drawn_texts(figure: Figure) -> list[Measured]:
    """Every text that drawing the figure drew, tick labels and legends included."""
    drawn: list[Text] = []
    draw = Text.draw

    def noting(self: Text, renderer) -> None:
        drawn.append(self)
        draw(self, renderer)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", noting)
        FigureCanvasAgg(figure).draw()
    return [Measured(text, corners(text)) for text in drawn if text.get_text().strip() and text.get_visible()]


def corners(text: Text) -> np.ndarray:
    """Of the rectangle around a text, turned as the text is."""
    box, angle = text.get_window_extent(), text.get_rotation()
    if angle == 0:
        return box_of(box.expanded(1 - 1 / max(box.width, 2), 1 - 1 / max(box.height, 2)))
    centre = np.array([(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2])
    text.set_rotation(0)
    level = text.get_window_extent()
    text.set_rotation(angle)
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (level.width / 2 - 0.5, level.height / 2 - 0.5)
    turn = np.deg2rad(angle)
    return centre + half @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])


def overlap(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two rectangles (4, 2), at any angles, have an area in common: no side of either keeps them apart."""
    for shape in (one, other):
        for begin, end in zip(shape, np.roll(shape, -1, axis=0), strict=True):
            across = np.array([end[1] - begin[1], begin[0] - end[0]])
            first, second = one @ across, other @ across
            if first.max() <= second.min() or second.max() <= first.min():
                return False
    return True


def box_of(bounds) -> np.ndarray:
    return np.array([[bounds.x0, bounds.y0], [bounds.x1, bounds.y0], [bounds.x1, bounds.y1], [bounds.x0, bounds.y1]])


def widest_gap(intervals: list[tuple[float, float]], end: float) -> float:
    """The longest part of 0..end that no interval covers."""
    reached, widest = 0.0, 0.0
    for low, high in sorted(intervals):
        widest, reached = max(widest, low - reached), max(reached, high)
    return max(widest, end - reached)


def check(figure: Figure) -> None:
    """All that is asked of a figure; the messages say which words are where they should not be."""
    texts = drawn_texts(figure)
    width, height = figure.bbox.width, figure.bbox.height
    assert figure.get_size_inches()[0] <= WIDTH + 0.01
    for one in texts:
        assert one.corners[:, 0].min() > -1, f"{one.words!r} begins left of the figure"
        assert one.corners[:, 0].max() < width + 1, f"{one.words!r} ends right of the figure"
        assert one.corners[:, 1].min() > -1, f"{one.words!r} ends below the figure"
        assert one.corners[:, 1].max() < height + 1, f"{one.words!r} begins above the figure"
        assert one.text.get_fontsize() >= SMALLEST, f"{one.words!r} has {one.text.get_fontsize()} points"
    low, high = (np.array([edge(one.corners, axis=0) for one in texts]) for edge in (np.min, np.max))
    near = (low[:, None] < high).all(axis=2) & (low < high[:, None]).all(axis=2)
    for one, other in ((texts[i], texts[j]) for i, j in np.argwhere(np.triu(near, 1))):
        assert not overlap(one.corners, other.corners), f"{one.words!r} runs into {other.words!r}"
    every = [*figure.axes, *(child for axes in figure.axes for child in axes.child_axes)]
    shown = [axes for axes in every if axes.get_visible() and (axes.axison or axes.images or axes.tables)]
    for axes in shown:
        if not axes.images:
            continue
        picture = box_of(axes.get_window_extent())
        for one in texts:
            if one.text.axes is not axes and not any(one.text.axes is child for child in axes.child_axes):
                assert not overlap(one.corners, picture), f"{one.words!r} lies on another picture"
    for axes in every:
        for bar in axes.child_axes:
            if bar.get_label() == "<colorbar>":
                assert bar.get_window_extent().height == pytest.approx(axes.get_window_extent().height, rel=0.01)
    boxes = [box_of(axes.get_window_extent()) for axes in shown] + [one.corners for one in texts]
    band = widest_gap([(box[:, 1].min(), box[:, 1].max()) for box in boxes], height)
    assert band < max(BAND * height, MARGIN[0] * figure.dpi), f"a band of {band / height:.0%} of the height is blank"
    band = widest_gap([(box[:, 0].min(), box[:, 0].max()) for box in boxes], width)
    assert band < max(BAND * width, MARGIN[1] * figure.dpi), f"a band of {band / width:.0%} of the width is blank"


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
        return technique.example()
    return technique.compute(model, photo, **technique.in_comparison)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("technique", ALL, ids=lambda t: t.name)
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


@pytest.mark.parametrize("shape", ["square", "16:9", "9:16"])
@pytest.mark.parametrize(("name", "settings"), VARIANTS, ids=lambda value: str(value).replace(" ", ""))
def test_with_other_settings_too(name: str, settings: dict[str, str], shape: str, net: Model, cat: np.ndarray) -> None:
    check(get_technique(name).compute(net, resize_image(cat, SHAPES[shape]), **settings).figure())


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
