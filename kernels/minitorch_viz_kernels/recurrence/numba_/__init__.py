"""Rung four: an LSTM through time, at the speed of the product that each step waits for.

Read `tile` and `panels` first, then `forward`, and `backward`.
"""

from .backward import lstm_dz
from .forward import lstm

__all__ = ["lstm", "lstm_dz"]
