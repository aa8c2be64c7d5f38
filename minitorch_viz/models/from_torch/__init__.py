"""The way in for torch modules: `net_from_torch`, which `Model.from_torch` calls; torch itself is never loaded here.

follow      runs the module on an example and is told of every operator
registry    which operator is mapped by which function
operators/  the mappings, a family a file: a new operator is one function there
values      what stands for tensors meanwhile
net         the net that comes of it, and the check against the module
"""

from __future__ import annotations

from minitorch_viz.models.from_torch.net import Followed, net_from_torch

__all__ = ["Followed", "net_from_torch"]
