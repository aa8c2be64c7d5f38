"""Writing captions: a net that reads a picture and the words so far is asked for the next word, again and again."""

from __future__ import annotations

from collections.abc import Sequence

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.models.readers import Words
from minitorch_viz.net import Net


def captions(
    net: Net,
    images: Array,
    so_far: str,
    reader: Words,
    answers: Sequence[str],
    end: str,
    logits: str = "logits",
    begun: str = "",
) -> list[list[str]]:
    """Return the caption of each of N images (N, 3, H, W): at each step the word with the highest score.

    so_far: the input of the words that are said already. answers: what the scores (N, len(answers)) stand for. A
    caption is over at the answer `end`, or after as many words as the net can read. begun: the words it begins with,
    which are not among those that are returned.
    """
    (image,) = (name for name in (*net.inputs, *net.beside) if name != so_far)
    free = Net(net.nodes, (image, so_far))  # whatever words the net has been given
    numbers = {word: number for number, word in enumerate(reader.vocabulary, 1)}
    codes = reader.read(begun).repeat(len(images), axis=0)
    sentences: list[list[str]] = [[] for _ in images]
    going = list(range(len(images)))
    for _ in range(reader.length - len(reader.codes(begun))):
        words = kernels.to_device(codes[going], net.device)
        scores = kernels.to_cpu(free.predict({image: images[going], so_far: words}, upto=logits))
        next_words = [answers[best] for best in scores.argmax(axis=1).tolist()]
        going = [number for number, word in zip(going, next_words, strict=True) if word != end]
        for number, word in zip(going, filter(end.__ne__, next_words), strict=True):
            sentences[number].append(word)
            codes[number] = [*codes[number, 1:], numbers[word]]
        if not going:
            break
    return sentences
