"""Units that respond to recognizable things, each with a name given by hand and its top nine patches.

    python -m tests.gallery.units_page                  the bundled net for scenes, into docs/gallery/units.html
    python -m tests.gallery.units_page --pictures FOLDER --weights FILE --out page.html
                                                        GoogLeNet's, whose photos stay where they are
    python -m tests.gallery.units_page ... --record     the values and file names anew, into units.json

docs/gallery/units.json has for each net its pictures, and for each unit its node, channel and name, whether it has
several meanings, and the file name, value and place of each patch.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from minitorch_viz.data.pictures import as_pictures
from minitorch_viz.drawing.html import write_page
from minitorch_viz.io.atomic import write_bytes_atomically
from minitorch_viz.models import Model, load_model
from minitorch_viz.techniques.activations._top_patches_page import card_of, render_units
from minitorch_viz.techniques.activations.top_patches import TopPatches, top_patches

UNITS = Path(__file__).resolve().parents[2] / "docs" / "gallery" / "units.json"
PAGE = UNITS.with_suffix(".html")
COUNT, SIDE = 9, 112  # patches a unit, pixels of a patch's width
Unit = dict[str, Any]


def searched(model: Model, pictures: str, units: list[Unit]) -> dict[str, TopPatches]:
    """Return the top patches of these units, by node."""
    nodes = dict.fromkeys(unit["node"] for unit in units)
    channels = {node: [unit["channel"] for unit in units if unit["node"] == node] for node in nodes}
    return {node: top_patches(model, pictures, node=node, channels=channels[node], count=COUNT) for node in nodes}


def patches_of(result: TopPatches, channel: int) -> list[dict[str, Any]]:
    """Return the file name, value and place of each patch of a unit."""
    row = result.channels.tolist().index(channel)
    files = result.files[row * COUNT : (row + 1) * COUNT]
    places = zip(files, result.values[row], result.rows[row], result.columns[row], strict=True)
    return [{"file": file, "value": float(f"{value:.4g}"), "place": [int(r), int(c)]} for file, value, r, c in places]


def page(results: dict[str, TopPatches], units: list[Unit], net: str) -> str:
    """Return the page of these units, in their order."""
    cards = []
    for unit in units:
        result = results[unit["node"]]
        row = result.channels.tolist().index(unit["channel"])
        name = unit["name"] + " (several meanings)" * unit["mixed"]
        cards.append(card_of(result, row, name, SIDE))
    first = next(iter(results.values()))
    about = f"{len(units)} units of {net}, their top {COUNT} of {first.looked_at} pictures of {first.source}"
    title = "Units and what they respond to"
    caption = (
        "The names are given by hand, after a look at the patches. Each is what the unit sees, in white, with its "
        "answer and the picture's class or name. Below it is what came back to its pixels from that unit alone, by "
        "guided backpropagation: mid-grey is 0, each on its own scale. Where a whole picture is shown, 90 % of the "
        "energy of what came back lies in the orange frame."
    )
    return render_units(cards, title=title, about=about, caption=caption, side=SIDE)


def recorded(content: dict[str, Any]) -> bytes:
    """Return units.json: a unit's patch a line."""
    text = json.dumps(content, indent=1, ensure_ascii=False)
    return text.encode() + b"\n"


def main(arguments: list[str] | None = None) -> Path:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", help="the folder that GoogLeNet's units were searched in")
    parser.add_argument("--weights", type=Path, help="of GoogLeNet; none: the bundled net for scenes")
    parser.add_argument("--record", action="store_true", help="write the values and file names into units.json")
    parser.add_argument("--out", type=Path, default=PAGE, help="the page (default: docs/gallery/units.html)")
    options = parser.parse_args(arguments)
    net = "scenes" if options.weights is None else "googlenet"
    if net != "scenes" and (options.out == PAGE or not options.pictures):
        parser.error("the page of photos is not kept here: give --pictures FOLDER and --out FILE.")
    content = json.loads(UNITS.read_text(encoding="utf-8"))
    pictures = options.pictures or content[net]["pictures"]
    units: list[Unit] = content[net]["units"]
    results = searched(load_model(net, weights=options.weights), pictures, units)
    for unit in units:
        patches = patches_of(results[unit["node"]], unit["channel"])
        if not options.record and patches != unit["patches"]:
            print(f"{unit['node']} unit {unit['channel']}: other patches than in {UNITS.name}; are these the pictures?")
        unit["patches"] = patches
    if options.record:
        content[net]["pictures"] = as_pictures(pictures).name if options.pictures else pictures
        write_bytes_atomically(UNITS, recorded(content))
    return write_page(options.out, page(results, units, net))


if __name__ == "__main__":
    print(f"Wrote {main()}")
