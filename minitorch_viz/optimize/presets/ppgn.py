"""PPGN, Nguyen et al. 2017: the code of a generator, drawn to where codes of natural pictures lie."""

from minitorch_viz.models.scores import Classes
from minitorch_viz.objectives import LogProbability, Objective, Unit
from minitorch_viz.optimize.code_steps import ClippedCode, NormalizedCode, TowardsLikelyCodes
from minitorch_viz.optimize.generators import no_drawer
from minitorch_viz.optimize.presets.base import Preset, Request
from minitorch_viz.optimize.presets.dgn import code
from minitorch_viz.optimize.stage import Stage


def log_probability(request: Request) -> Objective:
    """Return the logarithm of a class's probability; of what is no class score what was asked for."""
    asked, kind = request.objective, request.model.scores
    if not isinstance(asked, Unit) or asked.node != request.model.logits or asked.sign != 1:
        return asked
    return LogProbability(asked) if isinstance(kind, Classes) and not kind.squashed else asked


PRESET = Preset(
    title="The code of a generator, kept likely by a denoising autoencoder",
    year=2017,
    family="learned prior",
    source="Nguyen, Clune, Bengio, Dosovitskiy, Yosinski 2017, equation 11; ppgn, sampler.py",
    stages=(
        Stage(
            200,
            (1.0, 1.0),
            uphill=(TowardsLikelyCodes(1e-5, 1.0, 1e-17), NormalizedCode()),
            parameters=(ClippedCode(0.0, 30.0),),
        ),
    ),
    parametrization=code,
    objective=log_probability,
    differs=(
        "The paper's code is CaffeNet's fc6 and its generator draws photos; here both are halves of an autoencoder of "
        "MNIST. What is no class score is climbed as it is, not as a probability."
    ),
    applies=no_drawer,
)
