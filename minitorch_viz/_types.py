"""The types that the package's signatures share: `Array`, `Pair`, `Region`, `Wholes`, `Generator`.

CuPy arrays have the same methods as NumPy's, so that every signature that says `Array` takes either.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Pair: TypeAlias = tuple[int, int]
Region: TypeAlias = tuple[int, int, int, int]  # top, left, bottom, right: a rectangle, its last two sides outside
Wholes: TypeAlias = tuple[int, ...]  # whole numbers, from one to four
Generator: TypeAlias = np.random.Generator
