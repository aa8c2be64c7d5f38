"""Bad input to whatever explains one number: the common settings through every such technique, then each one's own."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.errors import ImageFileError, MinitorchVizError, NetError, SettingError
from minitorch_viz.models.samples import sample_digit
from minitorch_viz.techniques import get_technique, techniques
from tests.techniques.net_of import net_of

COMMON = {
    "no such file": ({"image": "nowhere.png"}, ImageFileError, "nowhere.png"),
    "no image": ({"image": None}, ImageFileError, "None"),
    "a number": ({"image": 3}, ImageFileError, "int"),
    "a wrong array": ({"image": np.zeros(3, np.uint8)}, ImageFileError, r"\(3,\)"),
    "unknown class": ({"target": "elephant"}, SettingError, "elephant"),
    "class out of range": ({"target": 10}, SettingError, "10"),
    "negative class": ({"target": -1}, SettingError, "-1"),
    "unknown node": ({"node": "relu9"}, NetError, "near nodes: relu"),
    "node is a number": ({"node": 3}, NetError, "3"),
    "class and node": ({"target": 3, "node": "relu1"}, SettingError, "not both"),
    "channel without node": ({"channel": 3}, SettingError, "belong to a node"),
    "position without node": ({"position": (0, 0)}, SettingError, "belong to a node"),
    "channel out of range": ({"node": "relu1", "channel": 16}, SettingError, "from 0 to 15"),
    "negative channel": ({"node": "relu1", "channel": -1}, SettingError, "from 0 to 15"),
    "channel is a float": ({"node": "relu1", "channel": 1.5}, SettingError, "whole number"),
    "row out of range": ({"node": "relu1", "channel": 1, "position": (28, 0)}, SettingError, "row of 'relu1'"),
    "column out of range": ({"node": "relu1", "channel": 1, "position": (0, 28)}, SettingError, "column of 'relu1'"),
    "position where there is none": ({"node": "flatten", "position": (0, 0)}, SettingError, "no position"),
}
OWN = {
    "saliency": {
        "unknown mode": ({"mode": "guide"}, "near modes: guided"),
        "average of a unit": ({"node": "relu1", "average": True}, "explains a class, not relu1"),
    },
    "deconvnet": {
        "no photos": ({"image": []}, "1 to 36.*0"),
        "too many photos": ({"image": [sample_digit()] * 37}, "1 to 36.*37"),
        "one bad photo of two": ({"image": [sample_digit(), "nowhere.png"]}, "nowhere.png"),
        "several, unknown node": ({"image": [sample_digit()] * 2, "node": "relu9"}, "near nodes: relu"),
        "several, channel out of range": ({"image": [sample_digit()] * 2, "channel": 99}, "from 0 to 31"),
    },
    "integrated-gradients": {
        "no steps": ({"steps": 0}, "steps .*0"),
        "steps is a float": ({"steps": 2.5}, "steps .*2.5"),
        "too many steps": ({"steps": 10**6}, "from 1 to 10000"),
        "unknown baseline": ({"baseline": "blur"}, "near baselines: blurred"),
        "baseline is None": ({"baseline": None}, "None"),
        "unknown rule": ({"rule": "gauss"}, "near rules: gauss-legendre"),
        "chunk of zero": ({"chunk": 0}, "chunk .*0"),
        "negative seed": ({"seed": -1}, "seed .*-1"),
    },
    "smoothgrad": {
        "no samples": ({"samples": 0}, "samples .*0"),
        "samples is a float": ({"samples": 1.5}, "samples .*1.5"),
        "negative noise": ({"noise": -0.1}, "noise .*-0.1"),
        "noise is nan": ({"noise": float("nan")}, "noise .*nan"),
        "noise is a word": ({"noise": "much"}, "noise .*much"),
        "noise is a switch": ({"noise": True}, "noise .*True"),
        "unknown method": ({"method": "gradient"}, "near methods: gradient-x-input"),
        "unknown variant": ({"variant": "squared"}, "near variants: square"),
        "chunk of zero": ({"chunk": 0}, "chunk .*0"),
        "negative seed": ({"seed": -1}, "seed .*-1"),
    },
    "fooling": {
        "unknown class": ({"target": "elephant"}, "elephant"),
        "class out of range": ({"target": 10}, "10"),
        "the answer already": ({"target": 3}, r"The target, 3 \(3\), is the answer already.*another class"),
        "unknown attack": ({"attack": "fgms"}, "near attacks: fgsm"),
        "attack is None": ({"attack": None}, "None"),
        "eps below 0": ({"eps": -1.0}, "at least 0, but got -1"),
        "eps of 0": ({"eps": 0}, "no change at all"),
        "eps is nan": ({"eps": float("nan")}, "eps .*nan"),
        "eps is a word": ({"eps": "8"}, "eps .*'8'"),
        "eps is a switch": ({"eps": True}, "eps .*True"),
        "eps of the other norm": (
            {"eps": 500.0},
            "most 255, but got 500.*norm l2: over 64 values .* 62.5",
        ),
        "an L2 eps beyond every picture": ({"eps": 9999.0, "norm": "l2"}, "of 64 values is at most 2040"),
        "eps of an attack without": ({"attack": "gradient", "eps": 8.0}, "gradient takes no eps.*smallest.*fgsm, pgd"),
        "unknown norm": ({"norm": "l3"}, "near norms: l"),
        "a norm that the attack has not": (
            {"attack": "gradient", "norm": "linf"},
            "gradient measures .* l2, but .*linf",
        ),
        "no steps": ({"steps": 0}, "steps .*0"),
        "steps is a float": ({"steps": 2.5}, "steps .*2.5"),
        "steps of one step": ({"attack": "fgsm", "steps": 3}, "fgsm takes no number of steps"),
        "no restarts": ({"restarts": 0}, "restarts .*0"),
        "restarts of an attack without": ({"attack": "fgsm", "restarts": 2}, "fgsm begins once"),
        "unknown start": ({"start": "nose"}, "near starts: noise"),
        "negative seed": ({"seed": -1}, "seed .*-1"),
    },
    "segmentation": {
        "unknown method": ({"method": "salency"}, "near methods: saliency"),
        "a method that explains nothing": ({"method": "activation-maps"}, "There is no method"),
        "method is None": ({"method": None}, "None"),
        "high over 100": ({"high": 101}, "high= .*101"),
        "low below 0": ({"low": -1}, "low= .*-1"),
        "low above high": ({"low": 96.0}, "low= must be below high=.*96"),
        "high is nan": ({"high": float("nan")}, "high= .*nan"),
        "high is a word": ({"high": "most"}, "high= .*most"),
        "negative smoothing": ({"smooth": -2}, "smooth= .*-2"),
        "no iterations": ({"iterations": 0}, "iterations .*0"),
    },
    "compare": {
        "unknown second class": ({"other": "elephant"}, "elephant"),
        "second class out of range": ({"other": 10}, "10"),
        "the same class twice": ({"target": 3, "other": 3}, "explained already"),
        "a second class for a unit": ({"node": "relu1", "other": 3}, "leave it out"),
        "unknown method": ({"only": "salency"}, "near methods: saliency"),
        "one of two methods unknown": ({"only": "saliency,guided"}, r"near methods: .*guided-backprop"),
        "no methods": ({"only": ""}, "only="),
        "only is a number": ({"only": 3}, "only= names the method 3"),
    },
}
TAKERS = [
    name
    for name, one in techniques().items()
    if {"target", "node", "channel", "position"} <= one.options.keys()
    if name != "microscope"  # it takes both: a unit, and the class whose signal comes back to it
]


def run(digits, name: str, settings: dict[str, object]) -> None:
    technique = get_technique(name)
    quiet = {"progress": False} if "progress" in technique.options else {}
    settings = {"image": sample_digit(), **quiet, **settings}
    technique.compute(net_of(technique, digits), settings.pop("image"), **settings)


@pytest.mark.parametrize("name", TAKERS)
@pytest.mark.parametrize(("settings", "kind", "message"), COMMON.values(), ids=list(COMMON))
def test_common_settings(digits, name, settings, kind, message) -> None:
    with pytest.raises(MinitorchVizError, match=message) as caught:
        run(digits, name, settings)
    assert isinstance(caught.value, kind)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [pytest.param(name, *row, id=f"{name}: {row_id}") for name, rows in OWN.items() for row_id, row in rows.items()],
)
def test_own_settings(digits, name, settings, message) -> None:
    with pytest.raises(MinitorchVizError, match=message):
        run(digits, name, settings)
