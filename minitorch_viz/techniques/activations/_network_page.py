"""The net's page: a table of all nodes, and of each its pictures, bars and numbers, in one HTML file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz.drawing.html import Embedded, embedded_image, render
from minitorch_viz.techniques.activations._network_cards import Card
from minitorch_viz.techniques.activations._network_correlation import Correlation
from minitorch_viz.techniques.activations._network_sheets import Sheet, Spread
from minitorch_viz.techniques.activations._network_tiles import LAST, colours, image_of, scale_words

if TYPE_CHECKING:
    from minitorch_viz.techniques.activations.network import NetworkView

SHOWN = 260  # pixels that pictures are wide on the page, at least
HIGH = 46  # of the bars


def render_page(result: NetworkView) -> str:
    """Return the page as one string of HTML, with everything inside."""
    from PIL import Image

    photo = embedded_image(Image.fromarray(result.picture))
    return render(
        "network.html",
        model=result.model,
        label=result.label,
        reading=result.reading,
        parameters=result.parameters,
        notes=result.notes,
        photo=photo,
        photo_height=round(SHOWN * result.pixel_aspect * photo.height / photo.width),
        nodes=[_node(number, card) for number, card in enumerate(result.cards)],
    )


def _node(number: int, card: Card) -> dict[str, Any]:
    """Return what the template shows of a node."""
    figures = [_figure("answers", card.activations)]
    if card.gradients is not None:
        figures.append(_figure("gradients", card.gradients))
    for params in card.params:
        figures.append(_figure(params.name, params.values))
        if params.gradients is not None:
            figures.append(_figure(f"gradients of the {params.name}", params.gradients))
    gradient = None if card.gradients is None else _largest(card.gradients.spread)
    return {
        "id": f"node-{number}",
        "name": card.name,
        "words": card.words,
        "inputs": card.inputs,
        "shape": " x ".join(map(str, card.shape)),
        "channels": ", ".join(map(str, card.channels)),
        "least": _short(card.activations.spread.least),
        "most": _short(card.activations.spread.most),
        "gradient": "" if gradient is None else _short(gradient),
        "shut": "" if card.shut is None else f"{card.shut:.0%}",
        "dead": "" if card.dead is None else str(card.dead),
        "saturated": "" if card.saturated is None else f"{card.saturated:.1%}",
        "limits": " or ".join(f"{limit:g}" for limit in card.limits),
        "parameters": f"{card.size:,}" if card.size else "",
        "figures": figures,
        "correlation": None if card.correlation is None else _correlation(card.correlation),
    }


def _figure(title: str, sheet: Sheet) -> dict[str, Any]:
    spread = sheet.spread
    zeros = f"; {spread.zeros:.0%} are exactly 0, and not in the bars" if spread.zeros >= 0.005 else ""
    return {
        "title": title,
        "image": _enlarged(embedded_image(image_of(sheet))),
        "words": sheet.words,
        "scale": scale_words(sheet),
        "bars": _bars(spread),
        "ends": (_short(float(spread.edges[0])), _short(float(spread.edges[-1]))),
        "numbers": f"{_short(spread.least)} to {_short(spread.most)}, mean {_short(spread.mean)}, "
        f"standard deviation {_short(spread.deviation)}{zeros}",
    }


def _enlarged(image: Embedded) -> dict[str, Any]:
    """Return a picture with the size that it is shown at: its pixels are whole squares where they are few."""
    factor = max(1, round(SHOWN / max(image.width, image.height)))
    return {"url": image.url, "width": image.width * factor, "height": image.height * factor}


def _bars(spread: Spread) -> list[dict[str, float]]:
    """Return the bars as rectangles of an SVG, SHOWN x HIGH."""
    top = max(int(spread.counts.max()), 1)
    step = SHOWN / len(spread.counts)
    heights = spread.counts / top * HIGH
    return [
        {"x": round(i * step, 1), "y": round(HIGH - high, 1), "width": round(step - 1, 1), "height": round(high, 1)}
        for i, high in enumerate(heights.tolist())
        if high > 0
    ]


def _correlation(correlation: Correlation) -> dict[str, Any]:
    from PIL import Image

    image = Image.fromarray(((correlation.matrix + 1) / 2 * LAST).round().astype(np.uint8))
    image.putpalette(colours(signed=True).tobytes())
    return {
        "image": _enlarged(embedded_image(image)),
        "pairs": [f"{first} and {second}: {value:.3f}" for first, second, value in correlation.pairs],
        "order": ", ".join(map(str, correlation.channels.tolist())),
        "count": len(correlation.channels),
        "places": correlation.places,
        "constant": correlation.constant,
    }


def _largest(spread: Spread) -> float:
    return max(abs(spread.least), abs(spread.most))


def _short(value: float) -> str:
    return f"{value:.3g}"
