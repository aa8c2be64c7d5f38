"""The same for every letter of the window: how much each prediction depends on each letter before it.

One pass back serves many predictions, a seed each; one pass with a letter replaced tells of all predictions after it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.models.carry import log_probabilities, log_probability_seed
from minitorch_viz.techniques.recurrent._char_saliency_numbers import CHUNK, Window, answer_of

EVERY = 100  # predictions at most, the last ones
SEEDS = 25  # predictions that are carried back side by side


def everywhere(window: Window, targets: Array, methods: Sequence[str], by_score: bool) -> Array:
    """Return by each method how much the last E predictions depend on each of the R letters, (M, E, R) float32.

    targets: (E,) the letter whose prediction each is: that after letter R - E, ..., that after the last one.
    """
    count = len(window.codes)
    steps = np.arange(count - len(targets), count)  # (E,) after which letter each prediction stands
    maps = {}
    if {"gradient", "gradient-x-input"} & {*methods}:
        maps["gradient"], maps["gradient-x-input"] = _by_gradient(window, steps, targets, by_score)
    if "occlusion" in methods:
        maps["occlusion"] = _by_occlusion(window, steps, targets, by_score)
    later = np.arange(count) > steps[:, None]  # (E, R) what comes after a prediction has no part in it
    return np.stack([np.where(later, 0, maps[name]) for name in methods]).astype(np.float32)


def _by_gradient(window: Window, steps: Array, targets: Array, by_score: bool) -> tuple[Array, Array]:
    """Return (E, R) the lengths of the gradients, and gradient x input."""
    net = window.net
    tape = net.forward(**window.inputs(window.vectors[None]))
    answer = tape[net.output]
    lengths, products = np.empty((2, len(steps), len(window.codes)))
    for start in range(0, len(steps), SEEDS):
        chunk = slice(start, start + SEEDS)
        seed = np.zeros((len(steps[chunk]), *answer.shape[1:]), answer.dtype)
        for row, (step, code) in enumerate(zip(steps[chunk].tolist(), targets[chunk].tolist(), strict=True)):
            if by_score:
                seed[row, step, code] = 1
            else:
                seed[row, step] = log_probability_seed(net, answer[0, step], code)
        gradient = net.backward(tape, {net.output: seed}, wrt=(window.node,))[window.node]  # (K, R, D)
        lengths[chunk] = np.sqrt((gradient**2).sum(axis=2))
        products[chunk] = (gradient * window.vectors).sum(axis=2)
    return lengths, products


def _by_occlusion(window: Window, steps: Array, targets: Array, by_score: bool) -> Array:
    """Return (E, R) by how much each prediction falls without each letter."""
    vectors, filling = window.vectors, window.filling
    count = len(vectors)
    falls = np.empty((len(steps), count))

    def values(answer: Array) -> Array:
        numbers = answer[:, steps] if by_score else log_probabilities(window.net, answer[:, steps])  # (N, E, V)
        return numbers[:, np.arange(len(steps)), targets]

    whole = values(answer_of(window, vectors[None]))  # (1, E)
    for start in range(0, count, CHUNK):
        places = np.arange(start, min(start + CHUNK, count))
        changed = vectors[None].repeat(len(places), axis=0)
        changed[np.arange(len(places)), places] = filling
        falls[:, places] = (whole - values(answer_of(window, changed))).T
    return falls
