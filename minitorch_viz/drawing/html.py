"""Pages: one template environment, one base page, and pictures inside the page.

A new page is one template that extends `base.html`, and one call: `write_page(path, render("new.html", ...))`. A page
needs no network and no server: pictures and data are inside it.

Jinja2 and Pillow are imported where they are used.
"""

from __future__ import annotations

import base64
import functools
import io
import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from minitorch_viz.errors import MinitorchVizError, SettingError

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup
    from matplotlib.figure import Figure
    from PIL.Image import Image

DPI = 110  # of a figure in a page: 1100 pixels across for most


class Embedded(NamedTuple):
    """Hold a picture for a page, with its size, so that the page does not jump when it is drawn."""

    url: str  # a data: URL
    width: int  # pixels
    height: int


@functools.cache
def environment() -> Environment:
    """Return the one environment of all templates: what is filled in is escaped, and a missing name is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("minitorch_viz"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(template: str, **values: Any) -> str:
    """Return the page that a template of `minitorch_viz/templates` makes of these values."""
    from minitorch_viz import __version__

    return environment().get_template(template).render(version=__version__, **values)


def write_page(path: str | Path, page: str, error: type[MinitorchVizError] = MinitorchVizError) -> Path:
    """Write a page completely or not at all; raises `error` with a sentence if that is impossible.

    Names of files may hold any byte: what is no text is written as its escape.
    """
    from minitorch_viz.io.atomic import write_bytes_atomically

    write_bytes_atomically(path, page.encode(errors="backslashreplace"), error)
    return Path(path)


def data_url(content: bytes, kind: str) -> str:
    """Return bytes as a data: URL; kind: "image/png", "image/webp"."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def embedded_png(content: bytes) -> Embedded:
    """Return a PNG file's bytes as a picture of a page; SettingError if they are no PNG."""
    if not content.startswith(b"\x89PNG\r\n\x1a\n") or len(content) < 24:
        raise SettingError(f"A PNG file was expected, but its {len(content)} bytes begin with {content[:8]!r}.")
    width, height = struct.unpack(">II", content[16:24])  # the first chunk says the size
    return Embedded(data_url(content, "image/png"), width, height)


def embedded_figure(figure: Figure, dpi: int = DPI) -> Embedded:
    """Return a Matplotlib figure, drawn as a PNG."""
    from minitorch_viz.drawing.files import figure_bytes

    return embedded_png(figure_bytes(figure, "png", dpi))


def embedded_image(image: Image, kind: str = "png", **settings: Any) -> Embedded:
    """Return a Pillow image as a file inside the page; kind: "png", "webp" or "jpeg"; settings: of Pillow's `save`."""
    buffer = io.BytesIO()
    image.save(buffer, kind.upper(), **settings)
    return Embedded(data_url(buffer.getvalue(), f"image/{kind}"), image.width, image.height)


def script_data(value: Any) -> Markup:
    """Return a value as JSON that may stand between <script> and </script>, whatever texts are in it."""
    from markupsafe import Markup

    return Markup(json.dumps(value).replace("<", "\\u003c"))
