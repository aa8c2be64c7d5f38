"""The CUDA text beyond what the CPU can tell: does nvcc take it, and does a GPU compute the same."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minitorch_viz_kernels as kernels
from tests.kernels.kernel_cases import CALLS, KERNELS, arrays, error, exact, expected

FILES = [
    ("convolution", "columns.cu"),
    ("convolution", "winograd.cu"),
    ("normalization", "lrn.cu"),
    ("pooling", "pooling.cu"),
]
PACKAGE = Path(str(resources.files("minitorch_viz_kernels")))


def text_of(file: tuple[str, str]) -> str:
    return (PACKAGE / file[0] / "cuda_" / file[1]).read_text(encoding="utf-8")


def test_there_is_cuda_text() -> None:
    found = [(path.parts[-3], path.name) for path in sorted(PACKAGE.rglob("*.cu"))]
    assert found == FILES


@pytest.mark.parametrize("file", FILES, ids="-".join)
def test_threads_are_independent(file: tuple[str, str]) -> None:
    """No waiting and no atomics: what the stand-in for CuPy relies on, and what makes sums repeatable."""
    assert not re.search(r"__syncthreads|atomic|__shared__", text_of(file))


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES, ids="-".join)
def test_nvcc_takes_the_text(file: tuple[str, str], tmp_path: Path) -> None:
    if shutil.which("nvcc") is None:
        pytest.skip("nvcc is not installed")
    text = text_of(file)
    names = re.findall(r"__global__ void (\w+)", text)
    uses = ", ".join(f"(void*){name}<{number}>" for name in names for number in ("float", "double"))
    source = tmp_path / file[1]
    source.write_text(f"{text}\nvoid* used[] = {{{uses}}};\n")  # a template is checked where it is used
    command = ["nvcc", "-arch=sm_80", "-std=c++14", "-Werror", "all-warnings", "-cubin", str(source)]
    done = subprocess.run([*command, "-o", str(tmp_path / "out.cubin")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# N, C, O, (H, W), padding: sizes that are no multiples of 4, single pixels, more padding than filter, batches
WINOGRAD: list[tuple[Any, ...]] = [
    (1, 16, 16, (8, 8), (1, 1)),
    (2, 17, 33, (13, 14), (0, 0)),
    (3, 20, 16, (5, 22), (2, 1)),
    (1, 16, 18, (3, 7), (4, 3)),
    (2, 16, 16, (1, 1), (1, 1)),
    (0, 16, 16, (5, 5), (1, 1)),
]


def winograd_error(kernels_of: Any, shape: tuple[Any, ...], to: Any = lambda x: x, back: Any = lambda x: x) -> float:
    """The largest error of forward and dx, relative to the largest number, against the direct sum in float64."""
    n, c, o, size, padding = shape
    rng = np.random.default_rng(0)
    x, w, b = (rng.standard_normal(dims).astype(np.float32) for dims in ((n, c, *size), (o, c, 3, 3), (o,)))
    one, errors = (1, 1), [0.0]

    y = exact("conv2d", x, w, b, one, padding, one, 1)
    dy = rng.standard_normal(y.shape).astype(np.float32)
    for bias, relu in ((b, False), (b, True), (None, False)):
        given = None if bias is None else to(bias)
        got = back(kernels_of.conv2d(to(x), to(w), given, one, padding, one, 1, relu))
        wanted = exact("conv2d", x, w, bias, one, padding, one, 1)
        errors.append(error(got, np.maximum(wanted, 0) if relu else wanted))
    got = back(kernels_of.conv2d_dx(to(dy), to(w), size, one, padding, one, 1))
    errors.append(error(got, exact("conv2d_dx", dy, w, size, one, padding, one, 1)))
    return max(errors)


@pytest.mark.parametrize("shape", WINOGRAD, ids=str)
def test_winograds_text_is_the_direct_sum(
    cuda_cpu: Any, shape: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    used = []
    columns = cuda_cpu.conv2d.__globals__
    real = columns["winograd"]
    monkeypatch.setitem(columns, "winograd", lambda *args, **more: used.append(1) or real(*args, **more))
    assert winograd_error(cuda_cpu, shape) < 1e-5
    assert len(used) == 4  # three times forward, once back


def test_winograd_takes_images_in_blocks(cuda_cpu: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cuda_cpu.conv2d.__globals__["winograd"].__globals__, "BLOCK_NUMBERS", 1)  # each image by itself
    assert winograd_error(cuda_cpu, (3, 16, 16, (9, 6), (1, 1))) < 1e-5


def test_winograd_only_where_the_table_says(cuda_cpu: Any) -> None:
    def choice(o: int, c: int, side: int = 3, stride: int = 1, groups: int = 1, dtype: Any = np.float32) -> bool:
        w = np.zeros((o, c, side, side), dtype)
        chosen: bool = cuda_cpu.conv2d.__globals__["_by_winograd"](w, (stride, stride), (1, 1), groups)
        return chosen

    assert choice(16, 16)
    assert not any((choice(64, 3), choice(3, 64), choice(64, 64, 5), choice(64, 64, stride=2)))
    assert not any((choice(64, 64, groups=2), choice(64, 64, dtype=np.float64)))


@pytest.fixture(scope="module")
def cupy() -> Any:
    cupy = pytest.importorskip("cupy")
    if not cupy.cuda.is_available():
        pytest.skip("there is no CUDA device")
    return cupy


def on_gpu(cupy: Any, value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(on_gpu(cupy, each) for each in value)
    return cupy.asarray(value) if isinstance(value, np.ndarray) else value


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kernel", KERNELS)
def test_a_gpu_agrees_with_the_loops(cupy: Any, kernel: str, dtype: Any) -> None:
    tolerance = 1e-11 if dtype == np.float64 else 3e-5
    for call in (call for call in CALLS if call.kernel == kernel):
        arguments = [on_gpu(cupy, value) for value in call.arguments(dtype)]
        answers = arrays(getattr(kernels, kernel)(*arguments))
        for ours, theirs in zip(answers, expected(call, dtype), strict=True):
            assert kernels.array_module(ours) is cupy
            scale = np.max(np.abs(theirs), initial=1.0, where=np.isfinite(theirs))
            np.testing.assert_allclose(
                cupy.asnumpy(ours), theirs, rtol=tolerance, atol=tolerance * scale, err_msg=str(call)
            )


@pytest.mark.gpu
@pytest.mark.parametrize("shape", WINOGRAD, ids=str)
def test_winograd_on_a_gpu(cupy: Any, shape: tuple[Any, ...]) -> None:
    assert winograd_error(kernels, shape, cupy.asarray, cupy.asnumpy) < 1e-5
