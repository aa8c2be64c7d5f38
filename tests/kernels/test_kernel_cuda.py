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
from tests.kernels.kernel_cases import CALLS, KERNELS, arrays, expected

FILES = sorted(
    entry.name
    for entry in resources.files("minitorch_viz_kernels").joinpath("cuda").iterdir()
    if entry.name.endswith(".cu")
)


def text_of(file: str) -> str:
    return resources.files("minitorch_viz_kernels").joinpath("cuda", file).read_text(encoding="utf-8")


def test_there_is_cuda_text() -> None:
    assert FILES == ["conv.cu", "lrn.cu", "pool.cu"]


@pytest.mark.parametrize("file", FILES)
def test_threads_are_independent(file: str) -> None:
    """No waiting and no atomics: what the stand-in for CuPy relies on, and what makes sums repeatable."""
    assert not re.search(r"__syncthreads|atomic|__shared__", text_of(file))


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES)
def test_nvcc_takes_the_text(file: str, tmp_path: Path) -> None:
    if shutil.which("nvcc") is None:
        pytest.skip("nvcc is not installed")
    text = text_of(file)
    names = re.findall(r"__global__ void (\w+)", text)
    uses = ", ".join(f"(void*){name}<{number}>" for name in names for number in ("float", "double"))
    source = tmp_path / file
    source.write_text(f"{text}\nvoid* used[] = {{{uses}}};\n")  # a template is checked where it is used
    command = ["nvcc", "-arch=sm_80", "-std=c++14", "-Werror", "all-warnings", "-cubin", str(source)]
    done = subprocess.run([*command, "-o", str(tmp_path / "out.cubin")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


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
