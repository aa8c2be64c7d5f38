"""Training: losses, optimizers, schedules, the loop, and what watches it.

Read `fit` first, then one optimizer and one loss; `checkpoint` says what a run consists of, `film` plays it back.
"""

from minitorch_viz.training.adversarial import Adversarial
from minitorch_viz.training.checkpoint import Checkpoints, load_checkpoint, save_checkpoint
from minitorch_viz.training.clip import clip_by_norm, clip_by_value, global_norm
from minitorch_viz.training.evaluate import Scores, accuracy, evaluate
from minitorch_viz.training.film import Film
from minitorch_viz.training.fit import Fitted, fit
from minitorch_viz.training.losses import BinaryCrossEntropy, Loss, MeanSquaredError, SoftmaxCrossEntropy, losses
from minitorch_viz.training.nonfinite import NotFiniteError
from minitorch_viz.training.observer import Observer
from minitorch_viz.training.optimizers import (
    LBFGS,
    SGD,
    Adagrad,
    Adam,
    AdamW,
    NAdam,
    Optimizer,
    RMSProp,
    optimizers,
)
from minitorch_viz.training.schedules import Constant, Cosine, OneCycle, StepDecay, Triangle, Warmup
from minitorch_viz.training.state import Epoch, State

__all__ = [
    "LBFGS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adversarial",
    "BinaryCrossEntropy",
    "Checkpoints",
    "Constant",
    "Cosine",
    "Epoch",
    "Film",
    "Fitted",
    "Loss",
    "MeanSquaredError",
    "NAdam",
    "NotFiniteError",
    "Observer",
    "OneCycle",
    "Optimizer",
    "RMSProp",
    "Scores",
    "SoftmaxCrossEntropy",
    "State",
    "StepDecay",
    "Triangle",
    "Warmup",
    "accuracy",
    "clip_by_norm",
    "clip_by_value",
    "evaluate",
    "fit",
    "global_norm",
    "load_checkpoint",
    "losses",
    "optimizers",
    "save_checkpoint",
]
