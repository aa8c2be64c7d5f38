"""The strongest patches of chosen units, for pictures of weights: one pass over the pictures for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from minitorch_viz.data.pictures import as_pictures
from minitorch_viz.errors import DataFileError
from minitorch_viz.graph import channel_axis
from minitorch_viz.techniques.explain.patches import Patch, patch_of
from minitorch_viz.techniques.explain.strongest import Strongest
from minitorch_viz.techniques.run import last
from minitorch_viz.techniques.tally import tallied

if TYPE_CHECKING:
    from minitorch_viz.models import Model


class Found(NamedTuple):
    """Hold the strongest patches of some channels of some nodes."""

    patches: dict[str, list[tuple[Patch, ...]]]  # {node: of each channel that was asked for, the strongest first}
    source: str  # what the pictures are called, and how many of them if not all; "" without
    skipped: tuple[str, ...]  # pictures that could not be read


def top_patches(model: Model, pictures: Any, asked: Mapping[str, tuple[Sequence[int], int]]) -> Found:
    """Return the strongest patches; asked: {node: (channels, how many of each)}. None at all without pictures.

    Of the net's input there are none: it has no units. Raises DataFileError if no picture can be read.
    """
    if pictures is None:
        return Found({}, "", ())
    source = as_pictures(pictures)
    nodes = {node: request for node, request in asked.items() if node not in model.net.inputs}
    axes = {node: channel_axis(model.net.nodes, node) for node in nodes}
    tallies = [Strongest(node, k, axis=axes[node]) for node, (_, k) in nodes.items()]
    step = last(tallied(model, source, tallies), "patches", "picture")  # Ctrl-C keeps those seen so far
    if all(not tally.arrays for tally in step.tallies):
        raise DataFileError(f"None of the {len(source)} pictures of {source.name} could be read.")
    patches: dict[str, list[tuple[Patch, ...]]] = {}
    for (node, (channels, _)), tally in zip(nodes.items(), step.tallies, strict=True):
        top = tally.result()
        patches[node] = [
            tuple(
                patch_of(model, source, node, int(top.numbers[channel, rank]), top.position(channel, rank))
                for rank in range(top.count(channel))
            )
            for channel in channels
        ]
    name = source.name if step.done == step.total else f"{source.name} (the first {step.done} of {step.total})"
    return Found(patches, name, tuple(picture.title for picture in step.skipped))
