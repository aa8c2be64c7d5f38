"""The planted net does what it says: each unit's answers are those computed from the scenes' truth."""

from __future__ import annotations

import numpy as np

from tests.planted import NODE, TWO_MEANINGS, UNITS, EncodedScenes, answers, planted_model, shows


def test_every_unit_answers_as_planted() -> None:
    model, pictures = planted_model(), EncodedScenes(6)
    for number in range(6):
        maps = model.net.forward(model.preprocess(pictures[number]))[NODE][0]
        for unit, answer in zip(UNITS, maps, strict=True):
            np.testing.assert_allclose(answer, answers(pictures, number, unit), atol=1e-4, err_msg=unit.formula)


def test_the_unit_of_two_meanings_answers_stars_above_yellow() -> None:
    pictures, lowest, highest = EncodedScenes(60), [], []
    for number in range(60):
        answer = answers(pictures, number, UNITS[TWO_MEANINGS])
        star = shows(pictures, number, "star")
        lowest += answer[star].tolist()
        highest += answer[~star & (answer > 0)].tolist()
    assert min(lowest) >= 1 > 0.5 >= max(highest) > 0.49
