"""The columns of the table: what each number is, its range, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Better = Literal["higher", "lower", ""]


@dataclass(frozen=True)
class Metric:
    """Describe one column."""

    name: str  # its key in the JSON
    title: str  # the column's heading
    group: str  # the heading above it
    better: Better  # "" where neither is a merit in itself
    says: str  # one sentence for the page
    paper: str
    digits: int = 2


def number(value: float, digits: int = 2) -> str:
    """Write a number with `digits` digits, a real minus sign, and no negative zero."""
    return f"{value:z.{digits}f}".replace("-", "−")


ONE, SEVERAL, PHOTOS = "one object", "several objects", "boxes on photos"
NET, RANDOM, REST = "the net's answer", "left when weights are random", "steady, fast"

_ALL = (
    Metric(
        "box_pointing", "pointing", PHOTOS, "higher", "The hottest pixel lies in a box of the class.", "Zhang 2016",
    ),
    Metric("box_energy", "energy", PHOTOS, "higher", "The share of positive heat in its boxes.", "Wang 2020"),
    Metric(
        "box_iou", "box IoU, 15 %", PHOTOS, "higher", "Overlap of the class's box with that around the largest part of "
        "the map above 15 % of its maximum.", "Selvaraju 2017",
    ),
    Metric(
        "box_iou_best", "box IoU, best", PHOTOS, "higher",
        "The same with the share of the maximum that suits the method best over all photos.", "Choe 2020",
    ),
    Metric(
        "box_found", "found", PHOTOS, "higher", "The share of boxes with an overlap of at least one half, at the "
        "method's best share.", "Russakovsky 2015",
    ),
    Metric("box_share", "best share", PHOTOS, "", "The share of the maximum that suits the method best.", ""),
    Metric("pointing", "pointing", ONE, "higher", "The hottest pixel lies on the object.", "Zhang 2016"),
    Metric("energy", "energy", ONE, "higher", "The share of positive heat on the object.", "Wang 2020"),
    Metric("iou", "best IoU", ONE, "higher", "Overlap with the object, at each map's best threshold.", "common"),
    Metric(
        "pointing_several", "pointing", SEVERAL, "higher", "The hottest pixel for a class lies on that class's object, "
        "not on the ground and not on another object; each object is asked for.", "Zhang 2016",
    ),
    Metric(
        "contrast", "contrast", SEVERAL, "higher",
        "The share of positive heat on the class's object minus that on the others, -1 to 1.", "Zhang 2016, as energy",
    ),
    Metric(
        "same", "same for each", SEVERAL, "lower",
        "Rank correlation of the maps for two classes in one picture: 1 is one map whatever one asks for.", "",
    ),
    Metric(
        "deletion", "deletion", NET, "lower",
        "Mean probability of the class while pixels are replaced by the mean colour, hottest first.", "Petsiuk 2018",
    ),
    Metric(
        "insertion", "insertion", NET, "higher",
        "Mean probability of the class while pixels come out of a blur, hottest first.", "Petsiuk 2018",
    ),
    Metric(
        "top", "top layer", RANDOM, "lower",
        "Rank correlation (magnitudes) with the map of the same net whose classifier is random.", "Adebayo 2018",
    ),
    Metric("half", "upper half", RANDOM, "lower", "The same with the upper half of the layers random.", "Adebayo 2018"),
    Metric("all", "all layers", RANDOM, "lower", "The same with all layers random.", "Adebayo 2018"),
    Metric(
        "sensitivity", "sensitivity", REST, "lower",
        "The largest change of the map under noise of 5 levels of 255, relative to the map's size.", "Yeh 2019",
    ),
    Metric("milliseconds", "ms a map", REST, "lower", "The time for one map, here.", "", digits=1),
)  # fmt: skip
METRICS = {metric.name: metric for metric in _ALL}
