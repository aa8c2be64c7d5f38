"""scenes_questions: a small net that answers questions about the generated scenes."""

from __future__ import annotations

from minitorch_viz.models.asking import asking
from minitorch_viz.models.params import State
from minitorch_viz.models.readers import Words
from minitorch_viz.models.scenes import KINDS, PREPROCESSING
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.net import Net

# as in minitorch_viz.data.scenes, whose first colour is the background
COLOURS = "red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "brown", "white", "black"
ANSWERS = (*COLOURS, *KINDS, "yes", "no")
WORDS = (
    *("what", "which", "is", "there", "the", "a", "an", "colour", "thing", "of", "left", "right", "above", "below"),
    *COLOURS,
    *KINDS,
)
READER = Words(WORDS, length=12)  # the longest, "what colour is the thing left of the star?", has 9
SAMPLE = "what is left of the umbrella?"  # about the scene of `models/samples.py`


def scenes_questions(state: State | None = None, classes: int = len(ANSWERS), seed: int | None = 0) -> Net:
    """Build the net: image (N, 3, 64, 64) and question (N, 12) -> "looked_at" (N, 80, 16, 16) -> "prob" (N, 35).

    The question's numbers are those of its words, 0 in front: see `Words`. `asking.py` says what is between.
    """
    return asking("question", len(WORDS), classes, state, seed)


SPEC = ModelSpec(
    name="scenes_questions",
    build=scenes_questions,
    paper="the shape of the net: Andreas et al., Neural Module Networks, 2016",
    licence="MIT, as this package: trained by `minitorch-viz train scenes_questions`",
    reader=PREPROCESSING,
    further={"question": READER},
    given={"question": SAMPLE},
    parameters=189_326,
    logits="logits",
    head="logits",
    classes=ANSWERS,
    first_conv="conv1",
    last_conv="looked_at",
)
