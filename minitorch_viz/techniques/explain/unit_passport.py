"""The passport of one unit, out of what the weights and one pass over the pictures tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.techniques.explain.class_use import BY_WEIGHT
from minitorch_viz.techniques.explain.in_context import MOST, Link
from minitorch_viz.techniques.explain.passport import ClassLink, Evidence, FieldFacts, Passport
from minitorch_viz.techniques.explain.silence import Fall
from minitorch_viz.techniques.explain.unit_survey import Survey

NEAREST = 6
CLASSES = 8  # that use a unit, and as many against which it speaks
FALLS = 8


def passport_of(
    survey: Survey,
    channel: int,
    field: FieldFacts | None = None,
    falls: tuple[Sequence[Fall], int] | None = None,
    concept: Evidence | None = None,
    notes: Sequence[str] = (),
) -> Passport:
    """Return what is known of one channel."""
    ground = survey.ground
    node, context = ground.node, ground.context
    histogram = survey.answers.histogram(channel)
    strongest = float(survey.top.values[channel, 0])
    own_notes = [*notes]
    if not np.isfinite(strongest):
        own_notes.append("Its answers are no finite numbers.")
    elif strongest <= 0:
        own_notes.append("It is above zero in none of the pictures: the patches are those where it is least below.")
    fallen = None if falls is None else tuple(sorted(falls[0], key=lambda fall: -fall.by)[:FALLS])
    return Passport(
        node=node,
        channel=channel,
        of=ground.channels,
        layer=repr(ground.model.net[node].layer) if node in ground.model.net else "the net's input",
        strongest=strongest,
        active=survey.answers.active(channel),
        pictures=survey.done - len(survey.skipped),
        counts=_rounded(histogram.counts),
        edges=_rounded(histogram.edges),
        field=field,
        inputs=tuple(context.inputs(channel, MOST)),
        readers=_named(survey, context.readers(channel, MOST)),
        alike=_nearest(node, survey.answers.alike(channel)),
        same_weights=_nearest(node, context.alike(channel)),
        classes=_classes(survey, channel),
        way="" if survey.classes is None else survey.classes.way,
        falls=fallen,
        changed=0 if falls is None else falls[1],
        concept=concept,
        notes=tuple(own_notes),
    )


def _classes(survey: Survey, channel: int) -> tuple[ClassLink, ...]:
    """Return the classes that use a channel most, and those that it speaks against most, in falling order."""
    use = survey.classes
    if use is None:
        return ()
    values, names = use.values[:, channel], survey.ground.model.class_names
    counts = np.zeros(len(values), int) if use.way == BY_WEIGHT else use.pictures
    order = [i for i in np.argsort(-values, kind="stable").tolist() if use.way == BY_WEIGHT or counts[i]]
    for_it = [i for i in order[:CLASSES] if values[i] > 0]
    against = [i for i in order[-CLASSES:] if values[i] < 0 and i not in for_it]
    return tuple(ClassLink(names[i], _number(values[i]), int(counts[i])) for i in (*for_it, *against))


def _named(survey: Survey, links: Sequence[Link]) -> tuple[Link, ...]:
    """Return links of which those to class scores have the class's name."""
    model = survey.ground.model
    names = model.class_names
    return tuple(
        link._replace(name=names[link.channel]) if link.node == model.logits and names else link for link in links
    )


def _nearest(node: str, values: Array) -> tuple[Link, ...]:
    """Return the channels with the largest values, NaN left out."""
    order = np.argsort(-np.nan_to_num(values, nan=-np.inf), kind="stable")[:NEAREST]
    return tuple(Link(node, int(i), _number(values[i])) for i in order if np.isfinite(values[i]))


def _rounded(values: Array) -> tuple[float, ...]:
    return tuple(map(_number, values))


def _number(value: float) -> float:
    """Return a number in as many digits as a page shows, so that a file that keeps it stays small."""
    return float(f"{value:.5g}")
