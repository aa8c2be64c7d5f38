"""Is this backward pass the derivative of that forward pass? If not: where, by how much, and what does it look like?

`check(forward, backward, inputs)` for any pair of functions, `check_layer` and `check_net` for the package's own. The
report names each gradient ok or wrong, shows the worst entries beside their finite differences, and a diagnosis.

Read in this order: `differences` (how a derivative is measured), `noise` and `steps` (how far it may be trusted, and
which step is best), `compare` (entries and random directions), `integral` (a second opinion where noise is loud),
`judge` (what is compared), `verdict` (what it comes to), `diagnosis` (what a bug looks like).
"""

from minitorch_viz.gradcheck.networks import check_layer, check_net
from minitorch_viz.gradcheck.pairs import check
from minitorch_viz.gradcheck.report import Entry, GradientError, Report, TensorResult, Verdict

__all__ = ["Entry", "GradientError", "Report", "TensorResult", "Verdict", "check", "check_layer", "check_net"]
