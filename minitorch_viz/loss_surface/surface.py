"""`loss_surface`: the losses of many nets of growing width, and slices of the loss around some of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.loss_surface.directions import plane_of_path
from minitorch_viz.loss_surface.side_by_side import Data, TrainedNets, train_nets
from minitorch_viz.loss_surface.slices import Slice, loss_of, loss_on_grid, slice_around, steps_around
from minitorch_viz.net import Net
from minitorch_viz.progress import progress_bar
from minitorch_viz.techniques.base import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTHS = (2, 4, 8, 16, 32, 64)
MARGIN = 0.15  # of the path's extent, on each side


@dataclass(frozen=True, eq=False)
class LossSurface(Result):
    """Hold the losses of many trained nets and slices of the loss; draws and saves itself (.png, .svg, .pdf, .html)."""

    widths: tuple[int, ...]  # hidden units; those that were finished
    train_loss: Array  # (W, S): mean cross-entropy in nats of each width and seed, after training
    test_loss: Array  # (W, S)
    test_accuracy: Array  # (W, S): 0..1
    slices: tuple[Slice, ...]  # of the training loss: the narrowest and the widest net, the bundled one, the path
    settings: dict[str, Any]  # all that is needed to make it again
    interrupted: bool = False  # it was stopped: what was not finished is missing

    @property
    def spread(self) -> Array:
        """Return (W,): the standard deviation of the test loss over the seeds."""
        spread: Array = self.test_loss.std(axis=1, ddof=1)
        return spread

    @property
    def caption(self) -> str:
        rows = zip(self.widths, self.test_loss.mean(axis=1), self.spread, strict=True)
        ends = "; ".join(f"width {width}: {mean:.3g} ± {std:.2g}" for width, mean, std in rows)
        seeds, epochs = self.settings["seeds"], self.settings["epochs"]
        slices = (
            "Slices show the training loss around a net, on a logarithmic colour scale that all share, in two random "
            "directions whose filters are as long as the net's own; the last one shows the plane in which most of a "
            "training path lies. "
        )
        return (
            f"Every point is one net with one hidden layer, trained for {epochs} epochs on scikit-learn's digits with "
            f"a seed of its own, {seeds} of each width. Test loss, mean and standard deviation over the seeds: {ends}. "
            f"{slices if self.slices else ''}"
            "Choromanska et al. 2015; Li et al. 2018."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        dead = int((self.test_loss > np.log(10) - 1e-3).sum())
        notes = []
        if dead:
            notes.append(
                f"{dead} of {self.test_loss.size} nets know nothing (loss ln 10 = 2.30), as when all hidden units died."
            )
        if self.interrupted:
            missing = [width for width in self.settings["widths"] if width not in self.widths]
            parts = [f"width {', '.join(map(str, missing))}"] if missing else []
            notes.append(f"Stopped before the end: {' and '.join([*parts, 'some slices'])} are missing.")
        return tuple(notes)

    def figure(self) -> Figure:
        """Draw on a new Matplotlib figure (no pyplot, nothing global)."""
        from matplotlib.figure import Figure

        from minitorch_viz.loss_surface.picture import plot

        figure = Figure(layout="constrained", facecolor="white")
        plot(self, figure)
        return figure

    def html(self) -> str:
        """Return a self-contained page with a table."""
        from minitorch_viz.loss_surface.page import page_of

        return page_of(self)

    def save(self, path: str | Path, dpi: int = 120) -> Path:
        """Write the figure (.png, .svg, .pdf) or the page (.html), complete or not at all."""
        return super().save(path, dpi)


def loss_surface(
    *,
    widths: Sequence[int] = WIDTHS,
    seeds: int = 100,
    epochs: int = 60,
    grid: int = 21,
    seed: int = 0,
    progress: bool = True,
) -> LossSurface:
    """Train many nets of each width on the digits, compare their final losses, and slice the loss around some of them.

    Args:
        widths: how many hidden units; each from 1 to 1024
        seeds: how many nets of each width, 2 to 1000; net number s is the same however many there are
        epochs: passes of each net over all training images
        grid: points a side of the slices, odd, 3 to 501
        seed: same seed, same bits
        progress: show a bar

    Wide nets end up about equally good, narrow ones do not: for them it matters where they began (Choromanska,
    Henaff, Mathieu, Ben Arous, LeCun 2015). The slices are those of Li, Xu, Taylor, Studer, Goldstein 2018.

    Ctrl-C returns what is finished, if any width is. Raises SettingError for settings that cannot be used.
    """
    settings = _checked(widths, seeds, epochs, grid, seed)
    data = digits_data()
    nets_by_width: list[TrainedNets] = []
    slices: list[Slice] = []
    interrupted = False
    # What a bar counts: epochs of all nets of a width, and rows of the slices.
    with progress_bar(total=len(settings["widths"]) * epochs + 4 * grid, desc="loss surface", show=progress) as bar:
        try:
            for width in settings["widths"]:
                bar.set_postfix_str(f"{seeds} nets of width {width}")
                nets = train_nets(width, range(seeds), data, seed=seed, epochs=epochs, after_epoch=bar.update)
                nets_by_width.append(nets)
            bar.set_postfix_str("slices")
            for make_slices in (_random_slices, _bundled_slice, _path_slice):
                slices += make_slices(nets_by_width, data, settings, bar.update)
        except KeyboardInterrupt:
            if not nets_by_width:
                raise
            interrupted = True
    return LossSurface(
        settings["widths"][: len(nets_by_width)],
        np.stack([nets.train_loss for nets in nets_by_width]),
        np.stack([nets.test_loss for nets in nets_by_width]),
        np.stack([nets.test_accuracy for nets in nets_by_width]),
        tuple(slices),
        settings,
        interrupted,
    )


def digits_data() -> Data:
    """Return scikit-learn's digits, normalized as the bundled net takes them, one image a row."""
    from minitorch_viz.data import load_digits, normalized
    from minitorch_viz.models.digits import PREPROCESSING

    parts = load_digits()
    rows = [normalized(part.images, PREPROCESSING).reshape(len(part), -1) for part in parts]
    return Data(rows[0], parts[0].labels, rows[1], parts[1].labels)


def _checked(widths: Any, seeds: Any, epochs: Any, grid: Any, seed: Any) -> dict[str, Any]:
    if isinstance(widths, (str, bytes)) or not isinstance(widths, Sequence) or not widths:
        raise SettingError(f"widths must be a list of at least one number of hidden units, but got {widths!r}.")
    numbers = tuple(need_whole("width of a net", width, 1, 1024) for width in widths)
    if len(set(numbers)) < len(numbers):
        raise SettingError(f"Every width is trained once, but widths names one twice: {list(numbers)}.")
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise SettingError(f"The seed must be a whole number of at least 0, but got {seed!r}.")
    steps_around(1.0, grid)
    return {
        "widths": tuple(sorted(numbers)),
        "seeds": need_whole("number of seeds", seeds, 2, 1000),
        "epochs": need_whole("number of epochs", epochs, 1, 10_000),
        "grid": grid,
        "seed": int(seed),
    }


def _middle(nets: TrainedNets) -> int:
    """Return the number of the net whose training loss is the median."""
    return int(nets.train_loss.argsort(kind="stable")[len(nets.train_loss) // 2])


def _random_slices(
    nets_by_width: list[TrainedNets], data: Data, settings: dict[str, Any], after_row: Callable[[], object]
) -> list[Slice]:
    """Slice the loss around the median net of the narrowest and of the widest kind."""
    slices = []
    for index in dict.fromkeys((0, len(nets_by_width) - 1)):
        number, width = _middle(nets_by_width[index]), settings["widths"][index]
        slices.append(
            slice_around(
                nets_by_width[index].alone(number),
                data.x,
                data.labels,
                rng=np.random.default_rng([settings["seed"], width]),
                grid=settings["grid"],
                label=f"{width} hidden units",
                after_row=after_row,
            )
        )
    return slices


def _bundled_slice(
    nets_by_width: list[TrainedNets],  # noqa: ARG001 (all three are called alike)
    data: Data,
    settings: dict[str, Any],
    after_row: Callable[[], object],
) -> list[Slice]:
    """Slice the loss around the convolutional net that comes with the package."""
    from minitorch_viz.models import load_model

    model = load_model("digits")
    rng, label = np.random.default_rng(settings["seed"]), "bundled convolutional net"
    images = data.x.reshape(-1, 1, 8, 8)
    return [
        slice_around(
            model.net, images, data.labels, rng=rng, logits=model.logits, grid=settings["grid"], label=label,
            after_row=after_row,
        )
    ]  # fmt: skip


def _path_slice(
    nets_by_width: list[TrainedNets], data: Data, settings: dict[str, Any], after_row: Callable[[], object]
) -> list[Slice]:
    """Slice the loss in the plane of the widest median net's training path; the net is trained again, alone."""
    width, epochs = settings["widths"][len(nets_by_width) - 1], settings["epochs"]
    number = _middle(nets_by_width[-1])
    retrained = train_nets(width, [number], data, seed=settings["seed"], epochs=epochs, keep_path=True)
    stages: list[Net] = [retrained.alone(0, stage) for stage in retrained.path]
    if len(stages) < 3:  # two points have no plane
        return []
    plane = plane_of_path([stage.params for stage in stages])
    low, high = plane.places.min(axis=0), plane.places.max(axis=0)
    reach = (0.5 + MARGIN) * (high - low).max()  # the same in both, so that the panel is square
    along, across = ((low[k] + high[k]) / 2 + steps_around(reach, settings["grid"]) for k in (0, 1))
    loss = loss_of(stages[-1], data.x, data.labels)
    values = loss_on_grid(
        loss, stages[-1].params, plane.along, plane.across, along, across, after_row
    )  # fmt: skip
    label = f"the way to {width} hidden units"
    return [Slice(along, across, values, loss(stages[-1].params), label, plane.places, plane.share)]
