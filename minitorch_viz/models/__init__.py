"""Nets: their definitions, their pretrained weights, and all that is needed to show them a photo.

The definitions to read first are `tinyvgg`, `squeezenet1_1` and `resnet18`. A model is one file with a `SPEC`; a new
file is a new model.
"""

from __future__ import annotations

from minitorch_viz.models.describe import Description, describe
from minitorch_viz.models.home import home_folder
from minitorch_viz.models.load import load_model, sketch
from minitorch_viz.models.model import Model
from minitorch_viz.models.params import Params
from minitorch_viz.models.prediction import Prediction
from minitorch_viz.models.readers import Alphabet, Bands, Numbers, Preprocessing, Reader, Words
from minitorch_viz.models.spec import ModelSpec, get_spec, specs

__all__ = [
    "Alphabet",
    "Bands",
    "Description",
    "Model",
    "ModelSpec",
    "Numbers",
    "Params",
    "Prediction",
    "Preprocessing",
    "Reader",
    "Words",
    "describe",
    "get_spec",
    "home_folder",
    "load_model",
    "sketch",
    "specs",
]
