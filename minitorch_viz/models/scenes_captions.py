"""scenes_captions: a small net that describes the generated scenes, one word after the other."""

from __future__ import annotations

from minitorch_viz.models.asking import asking
from minitorch_viz.models.params import State
from minitorch_viz.models.readers import Words
from minitorch_viz.models.scenes import KINDS, PREPROCESSING
from minitorch_viz.models.scenes_questions import COLOURS
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.net import Net

END = "."  # the answer after the last word
WORDS = ("a", "an", "and", "of", "left", "right", "above", "below", *COLOURS, *KINDS)
READER = Words(WORDS, length=16, fewest=0)
SO_FAR = "words"  # the input of the words that are said already


def scenes_captions(state: State | None = None, classes: int = len(WORDS) + 1, seed: int | None = 0) -> Net:
    """Build the net: image (N, 3, 64, 64) and words so far (N, 16) -> "prob" (N, 42) of the next word.

    It is the net of `asking.py`: what it looks at and says next depends on the words that it has said.
    """
    return asking(SO_FAR, len(WORDS), classes, state, seed)


SPEC = ModelSpec(
    name="scenes_captions",
    build=scenes_captions,
    paper="the task: Vinyals et al., Show and Tell, 2015",
    licence="MIT, as this package: trained by `minitorch-viz train scenes_captions`",
    reader=PREPROCESSING,
    further={SO_FAR: READER},
    given={SO_FAR: ""},
    parameters=190_037,
    logits="logits",
    head="logits",
    classes=(*WORDS, END),
    first_conv="conv1",
    last_conv="looked_at",
)
