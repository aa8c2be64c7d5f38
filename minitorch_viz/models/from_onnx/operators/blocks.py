"""DepthToSpace and SpaceToDepth: channels dealt out over blocks of pixels, and back."""

from __future__ import annotations

from minitorch_viz.layers import PixelShuffle
from minitorch_viz.models.from_onnx.builder import Signal
from minitorch_viz.models.from_onnx.call import Call
from minitorch_viz.models.from_onnx.operators.registry import operator
from minitorch_viz.models.from_onnx.operators.turning import counted, permuted


@operator("DepthToSpace")
def depth_to_space(call: Call) -> Signal:
    """Read DepthToSpace: "CRD" is PyTorch's PixelShuffle, "DCR" has the blocks' places before the channels."""
    x, factor = call.signal(), call.whole("blocksize", 0)
    mode = call.text("mode", "DCR")
    if len(x.shape) != 4 or factor < 1 or x.shape[1] % factor**2 or mode not in ("DCR", "CRD"):
        call.refuse(f"deals {x.shape} out in blocks of {factor}, mode {mode!r:.20}", "The file is damaged.")
    n, c, h, w = x.shape
    shape = (n, c // factor**2, h * factor, w * factor)
    if mode == "CRD":
        return call.add(PixelShuffle(factor), x, shape=shape)
    parts = counted(call, x, (factor, factor, shape[1], h, w))
    return counted(call, permuted(call, parts, (2, 3, 0, 4, 1)), shape[1:])._replace(shape=shape)


@operator("SpaceToDepth")
def space_to_depth(call: Call) -> Signal:
    """Read SpaceToDepth, the way back."""
    x, factor = call.signal(), call.whole("blocksize", 0)
    mode = call.text("mode", "DCR")
    if len(x.shape) != 4 or factor < 1 or x.shape[2] % factor or x.shape[3] % factor or mode not in ("DCR", "CRD"):
        call.refuse(f"collects {x.shape} from blocks of {factor}", "The file is damaged.")
    n, c, h, w = x.shape
    shape = (n, c * factor**2, h // factor, w // factor)
    parts = counted(call, x, (c, shape[2], factor, shape[3], factor))
    order = (2, 4, 0, 1, 3) if mode == "DCR" else (0, 2, 4, 1, 3)
    return counted(call, permuted(call, parts, order), shape[1:])._replace(shape=shape)
