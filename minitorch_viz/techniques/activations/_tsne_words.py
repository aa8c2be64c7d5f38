"""What a map of pictures says of itself in words: what its codes are, what it keeps, what was left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz.graph import Tape
from minitorch_viz.techniques.explain.codes import Codes
from minitorch_viz.techniques.explain.neighbours import Kept

if TYPE_CHECKING:
    from minitorch_viz.techniques.activations.tsne import Tsne


def code_in_words(tally: Codes, tape: Tape) -> str:
    """Say what a code is made of: "the 1024 numbers of pool5/flatten", "the mean of each of 64 maps of relu5"."""
    shape = tape[tally.node].shape[1:]
    count = int(np.prod(shape))
    if tally.axis is not None and len(shape) > 1:
        channels = shape[tally.axis - 1 if tally.axis > 0 else tally.axis]
        return f"the mean of each of {channels} channels of {tally.node} over its {count // channels} places"
    words = f"the {count} numbers of {tally.node}"
    if count > tally.most:
        words += f", as {tally.most} random sums (distances right to about {100 / np.sqrt(2 * tally.most):.1f} %)"
    return words


def percent(share: float) -> str:
    """Return a share as 41 %, 0.6 % or "-" where there is none."""
    if not np.isfinite(share):
        return "-"
    return f"{100 * share:.0f} %" if share >= 0.0995 or share == 0 else f"{100 * share:.1f} %"


def kept_in_words(kept: Kept, k: int, count: int) -> str:
    """Say how many true neighbours a map keeps, and how many it would by chance."""
    chance = percent(min(k / max(count - 1, 1), 1))
    trust = f", trustworthiness {kept.trust:.3f}" if np.isfinite(kept.trust) else ""
    share = percent(kept.share)
    return f"of the {k} nearest on the map {share} are among the {k} nearest by codes (chance {chance}){trust}"


def same_in_words(result: Tsne) -> str:
    """Say how many neighbours are of the same class: on the maps, by codes, by pixels, and by chance; "" without."""
    if not np.isfinite(result.same_by_chance):
        return ""
    maps = [
        f"on the map {percent(share)}"
        if len(result.maps) == 1
        else f"on the map of perplexity {perplexity} {percent(share)}"
        for perplexity, share in zip(result.perplexities, result.same_on_map, strict=True)
    ]
    pixels = [f"by pixels {percent(result.same_by_pixels)}"] if np.isfinite(result.same_by_pixels) else []
    shares = ", ".join([*maps, f"by codes {percent(result.same_by_codes)}", *pixels])
    names = " | ".join(result.class_names) if len(result.class_names) <= 4 else f"{len(result.class_names)} classes"
    return (
        f"Of the {result.k} nearest are of the same class ({names}): {shares}, chance {percent(result.same_by_chance)}."
    )


SHOWN = {
    "points": "Each point is one of {count} pictures of {source}",
    "pictures": "{count} pictures of {source}, each where its code puts it; later ones lie over earlier ones",
    "grid": "{count} pictures of {source}, each in the cell near to its place on the map, none over another",
    "filled": "Every cell has the picture of {source} nearest on the map, of {count}; one may be in several cells",
}
SEAM_WORDS = "Between neighbours: the true distance of their codes, on a scale from white (small) to red (large)."


METRICS = {"cosine": "compared by their directions (cosine)", "l2": "compared by their distances (L2)"}


def map_caption(result: Tsne) -> str:
    """Return the caption of a map."""
    count = len(result.codes)
    begin = SHOWN[result.form].format(count=count, source=result.source)
    code = f"Code: {result.code}, {METRICS[result.metric]}"
    if not len(result.maps):
        return (
            f"{begin}. The places are the first two principal components of the codes "
            f"({percent(result.first_two_share)} of their variance), on a scale of their own; t-SNE is yet to come. "
            f"{code}."
        )
    listed = ", ".join(map(str, result.perplexities))
    parts = [
        f"{begin}. t-SNE (perplexity {listed}) puts pictures near one another whose codes are alike. {code}; "
        f"t-SNE is given {result.components} principal components ({percent(result.share)} of the variance). "
        "A map has no scale and its axes no meaning: what is near is alike, but sizes and gaps of groups say little.",
    ]
    for perplexity, kept in zip(result.perplexities, result.kept, strict=True):
        words = kept_in_words(kept, result.k, count)
        parts.append(
            f"Perplexity {perplexity}: {words}." if len(result.maps) > 1 else f"{words[0].upper()}{words[1:]}."
        )
    parts += filter(None, [same_in_words(result), SEAM_WORDS if result.has_seams else ""])
    return " ".join(parts)


def nearest_caption(result: Tsne) -> str:
    """Return the caption of a picture's nearest neighbours."""
    query = result.query
    assert query is not None
    has_pixels = query.by_pixels.numbers.shape[1] > 0
    way = (
        "sqrt(2 - 2 cos) of the angle between two codes" if result.metric == "cosine" else "L2, on the codes' own scale"
    )
    parts = [
        f"The {query.by_codes.numbers.shape[1]} pictures of {result.source} nearest to {query.title}"
        f"{', above' if has_pixels else ''} by codes, with their distances on a scale of {way}"
        f"{'; below by pixels, as the net reads them (L2)' if has_pixels else ''}.",
        f"Code: {result.code}.",
        same_in_words(result),
    ]
    return " ".join(filter(None, parts))
