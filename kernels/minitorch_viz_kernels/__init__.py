"""The heavy loops of the engine: convolution, pooling, normalization, gates, curves and sums, products, recurrence.

    import minitorch_viz_kernels as kernels
    y = kernels.conv2d(x, w, b, (1, 1), (1, 1), (1, 1), 1)
    with kernels.use("numpy"):
        ...

Each operation is a folder. Its `contract.py` says what each kernel computes, and each further file is a rung nearer to
the machine: `loops`, `numpy_`, `compiled`, `numba_`, `cuda_`. CuPy arrays go to CUDA; for NumPy arrays the current rung
is Numba where it is installed, else NumPy, unless `use` or the environment variable MINITORCH_VIZ_KERNELS says another.
Importing this package loads NumPy only.

A kernel becomes known to checks, tests, warm-up and ladder by one line: its import below.
"""

from __future__ import annotations

from .convolution import conv2d as conv2d
from .convolution import conv2d_dw as conv2d_dw
from .convolution import conv2d_dx as conv2d_dx
from .convolution.contract import out_size as out_size
from .curves import gelu as gelu
from .curves import gelu_dx as gelu_dx
from .curves import silu as silu
from .curves import silu_dx as silu_dx
from .machine.choice import current as current
from .machine.choice import use as use
from .machine.devices import array_module as array_module
from .machine.devices import device_of as device_of
from .machine.devices import to_cpu as to_cpu
from .machine.devices import to_device as to_device
from .machine.threads import get_threads as get_threads
from .machine.threads import set_threads as set_threads
from .machine.warm_up import warmup as warmup
from .normalization import batch_norm as batch_norm
from .normalization import batch_norm_dx as batch_norm_dx
from .normalization import layer_norm as layer_norm
from .normalization import layer_norm_dx as layer_norm_dx
from .normalization import lrn as lrn
from .normalization import lrn_dx as lrn_dx
from .pointwise import add as add
from .pointwise import concat as concat
from .pointwise import relu as relu
from .pointwise import relu_dx as relu_dx
from .pooling import avgpool2d as avgpool2d
from .pooling import avgpool2d_dx as avgpool2d_dx
from .pooling import maxpool2d as maxpool2d
from .pooling import maxpool2d_dx as maxpool2d_dx
from .pooling.contract import pool_out_size as pool_out_size
from .product import matmul as matmul
from .product import matmul_dx as matmul_dx
from .recurrence import lstm as lstm
from .recurrence import lstm_dz as lstm_dz
