"""Which generator suits a net: a learned prior is one of pictures like those that the net was trained with."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz._types import Pair
from minitorch_viz.errors import SettingError
from minitorch_viz.net import Net
from minitorch_viz.optimize.parametrizations import Drawer
from minitorch_viz.optimize.score import own_size
from minitorch_viz.optimize.units import WHITE, Units

if TYPE_CHECKING:
    from minitorch_viz.models import Model

# By the size of the pictures that a grey net takes: a bundled autoencoder, and the border of its drawings that is left
# out. scikit-learn's digits fill their 8 x 8 pixels, where MNIST's have four empty ones of 28 on each side.
BUNDLED: dict[Pair, tuple[str, int]] = {
    (28, 28): ("mnist_autoencoder", 0),
    (8, 8): ("mnist_autoencoder", 4),
}
LAYER, CHANNELS, HALVED = "relu3_1", 256, 4  # of the decoder for colour pictures, the deepest at hand


def drawer_for(model: Model, size: Pair) -> Drawer:
    """Return the generator for a net's pictures of a size (H, W).

    Grey nets get a bundled one, by the size that they take; nets for colour pictures the decoder of VGG-19's relu3_1,
    whose file lies beside their own weights or at home. Raises SettingError for other nets.
    """
    units, own = Units.of(model.reader()), own_size(model)
    if units.channels == 1 and own in BUNDLED:
        return bundled_drawer(*BUNDLED[own])
    path = _decoders(model) if units.channels == 3 else None
    if path is not None:
        return decoder_drawer(path, size)
    sizes = " or ".join(f"{height} x {width}" for height, width in BUNDLED)
    raise SettingError(
        f"A learned prior needs a generator of such pictures as the net takes, and for {model.name} there is none: the "
        f"bundled one draws digits, for grey nets of {sizes} pixels; for nets that take colours the decoder of VGG-19 "
        f"is read from vgg19_decoders.safetensors beside the net's own weights. Take another preset, or train a "
        f"generator of your own and give it to GeneratorCode in Python."
    )


@functools.cache
def bundled_drawer(name: str, margin: int) -> Drawer:
    """Return the generator in a bundled autoencoder: from its node "code" to its node "output"."""
    from minitorch_viz.models import load_model

    net = load_model(name).net
    return Drawer(net, "code", "output", (len(net.params["mean.bias"]),), encodes=True, margin=margin)


@functools.lru_cache(maxsize=4)
def decoder_drawer(path: Path, size: Pair) -> Drawer:
    """Return VGG-19's decoder of relu3_1 as a generator of pictures about as large as `size`.

    Its code is the maps (256, h/4, w/4) themselves: a prior of textures, which knows nothing of whole things. It has an
    encoder where the file of VGG-19 itself lies beside that of the decoders.
    """
    from minitorch_viz.layers import Affine
    from minitorch_viz.models.load import load_model
    from minitorch_viz.models.vgg19_conv3_1 import SPEC
    from minitorch_viz.models.vgg19_decoder import load_vgg19_decoder

    decoder = load_vgg19_decoder(LAYER, path)
    shape = (CHANNELS, *(max(2, -(-side // HALVED)) for side in size))  # mirrored borders need two rows
    if not any((path.parent / name).is_file() for name in SPEC.file_names):
        return Drawer(decoder, decoder.inputs[0], decoder.output, shape)
    encoder = load_model(SPEC.name, path.parent)
    units = Units.of(encoder.reader())
    scale, shift = (np.asarray(v, np.float32).reshape(3, 1, 1) for v in (WHITE / np.array(units.std), units.mean))
    as_it_takes = Affine(weight=scale, bias=-shift / np.asarray(units.std, np.float32).reshape(3, 1, 1))
    nodes = [
        ("as_it_takes", as_it_takes),
        *((node.name, node.layer) for node in encoder.net.nodes),
        *((node.name, node.layer) for node in decoder.nodes),
    ]
    return Drawer(Net(nodes), LAYER, decoder.output, shape, encodes=True)


def _decoders(model: Model) -> Path | None:
    """Return the file of decoders beside the net's weights, or at home; None if there is none."""
    from minitorch_viz.models.load import look_for
    from minitorch_viz.models.vgg19_decoder import FILE

    beside = Path(model.source).parent / FILE if model.source else None
    return beside if beside is not None and beside.is_file() else look_for((FILE,))
