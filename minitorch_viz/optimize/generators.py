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
LAYER, CHANNELS, SHARE = "relu3_1", 256, 4  # of the decoder for colour pictures: a map's pixel is 4 of the picture's


def drawer_for(model: Model) -> Drawer:
    """Return the bundled generator of pictures like those that a grey net takes, by their size.

    Raises SettingError for other nets.
    """
    if why := no_drawer(model):
        raise SettingError(why)
    return bundled_drawer(*BUNDLED[own_size(model)])


def no_drawer(model: Model) -> str:
    """Return why no bundled generator draws pictures like those that a net takes, and what to do; "" if one does."""
    channels = Units.of(model.reader()).channels
    if channels == 1 and own_size(model) in BUNDLED:
        return ""
    sizes = " or ".join(f"{height} x {width}" for height, width in BUNDLED)
    return (
        f"A learned prior needs a generator of such pictures as the net takes, and for {model.name} there is none: the "
        f"bundled one draws digits, for grey nets of {sizes} pixels. Take another preset, such as "
        f"{'vgg-decoder' if channels == 3 else 'lucid'}, or give a generator of your own to GeneratorCode in Python."
    )


def colour_drawer_for(model: Model, size: Pair) -> Drawer:
    """Return VGG-19's decoder of relu3_1, for a net's pictures of a size (H, W).

    Its file lies beside the net's own weights, or at home. Raises SettingError where it does not, or the net takes no
    colours.
    """
    path, why = _decoders(model), no_colour_drawer(model)
    if path is None or why:
        raise SettingError(why)
    return decoder_drawer(path, size)


def no_colour_drawer(model: Model) -> str:
    """Return why VGG-19's decoder cannot draw for a net, and what to do; "" if it can."""
    from minitorch_viz.models.home import home_folder

    if Units.of(model.reader()).channels != 3:
        return f"VGG-19's decoder draws in colours, which {model.name} does not take; take another preset, such as dgn."
    if _decoders(model) is None:
        return (
            "This learned prior is the decoder of VGG-19's relu3_1: put vgg19_decoders.safetensors beside the net's "
            f"own weights or into {home_folder()}, or take another preset, such as lucid."
        )
    return ""


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
    from minitorch_viz.layers import Affine, Hardtanh
    from minitorch_viz.models.load import load_model
    from minitorch_viz.models.vgg19_conv3_1 import SPEC
    from minitorch_viz.models.vgg19_decoder import load_vgg19_decoder

    plain = load_vgg19_decoder(LAYER, path)
    decoder = Net([*((node.name, node.layer) for node in plain.nodes), ("drawing", Hardtanh(0.0, 1.0))])
    shape = (CHANNELS, *(max(2, -(-side // SHARE)) for side in size))  # mirrored borders need two rows
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
