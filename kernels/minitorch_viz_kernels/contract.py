"""What all kernels share: how arrays are described, and in which form they come.

Each folder beside this file is an operation. Its `contract.py` states each kernel once, with signature, shapes and
loops; its `loops.py` is the same in runnable plain loops, and the oracle of the tests. The further rungs (NumPy, the
loops compiled, Numba, CUDA) are modules with exactly the functions of the contract.

Axis letters: N images, C channels in, O channels out, H and W the input's height and width, H' and W' the output's,
kh and kw the kernel's, g groups; of sequences T steps, D features, H memory cells, K gradients that share a tape. Pairs
are (vertical, horizontal). Arrays are float32 or float64, and all float arrays of one call share one dtype, which the
result keeps.

Kernels take arrays and integers only. Sizes are checked once, by the operation's `checks.py`, before any rung is
called: a rung may rely on them.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Pair: TypeAlias = tuple[int, int]
