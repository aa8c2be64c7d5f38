"""What slides a window over a map: where it starts, how far it steps, and what it finds beyond the border."""

from __future__ import annotations

from typing import NamedTuple

from minitorch_viz.models.from_onnx.call import Call

FARTHEST = 2**20  # a stride, dilation or border beyond this is no net's


class Window(NamedTuple):
    """Hold the settings of a window, one number for each axis of a map."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    before: tuple[int, ...]  # rows and columns added at the beginning
    after: tuple[int, ...]  # and at the end

    @property
    def is_even_handed(self) -> bool:
        """Return whether as much is added before as after."""
        return self.before == self.after

    @property
    def reach(self) -> tuple[int, ...]:
        """Return how many places the kernel spans."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    def within(self, sides: tuple[int, ...]) -> Window:
        """Return the window with steps no longer than the map: beyond it there is no further window either way."""
        spans = zip(self.stride, sides, self.before, self.after, strict=True)
        return self._replace(stride=tuple(max(min(step, n + b + e), 1) for step, n, b, e in spans))

    def counts(self, sides: tuple[int, ...]) -> tuple[int, ...]:
        """Return how many windows there are along each axis, the last whole one being the last."""
        spans = zip(sides, self.before, self.after, self.reach, self.stride, strict=True)
        return tuple((side + begin + end - reach) // step + 1 for side, begin, end, reach, step in spans)


def window_of(call: Call, sides: tuple[int, ...], kernel: tuple[int, ...]) -> Window:
    """Read strides, dilations and pads, or auto_pad, for maps of these sides."""
    rank = len(sides)
    if rank not in (1, 2):
        call.refuse(f"works on arrays with {rank} axes of places; sequences (1) and maps (2) are known here")
    stride = tuple(call.whole_list("strides", [1] * rank, rank))
    dilation = tuple(call.whole_list("dilations", [1] * rank, rank))
    pads = call.whole_list("pads", [0] * 2 * rank, 2 * rank)
    for name, numbers, least in (("kernel", kernel, 1), ("strides", stride, 1), ("dilations", dilation, 1)):
        if not all(least <= number <= FARTHEST for number in numbers):
            call.refuse(f"has {name} = {numbers}, where numbers from {least} are needed", "The file is damaged.")
    if not all(0 <= number <= FARTHEST for number in pads):
        call.refuse(f"has pads = {pads}; a border is 0 or more places wide here")
    window = Window(kernel, stride, dilation, tuple(pads[:rank]), tuple(pads[rank:]))
    automatic = call.text("auto_pad", "NOTSET")
    if automatic in ("NOTSET", ""):
        return window
    if automatic == "VALID":
        return window._replace(before=(0,) * rank, after=(0,) * rank)
    if automatic not in ("SAME_UPPER", "SAME_LOWER"):
        call.refuse(f"has auto_pad = {automatic!r:.40}, which is no word for it", "The file is damaged.")
    missing = [
        max((-(-side // step) - 1) * step + reach - side, 0)
        for side, step, reach in zip(sides, stride, window.reach, strict=True)
    ]
    less, more = tuple(n // 2 for n in missing), tuple(n - n // 2 for n in missing)
    before, after = (less, more) if automatic == "SAME_UPPER" else (more, less)
    return window._replace(before=before, after=after)


def padding_of(window: Window) -> tuple[int, ...]:
    """Return the window's border as Pad counts it: two numbers an axis, the last axis first."""
    return tuple(n for pair in zip(window.before[::-1], window.after[::-1], strict=True) for n in pair)
