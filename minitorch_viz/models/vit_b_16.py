"""ViT-B/16: a picture as a sequence of patches, read by a transformer."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from minitorch_viz._types import Array
from minitorch_viz.layers import GELU, Add, Concat, Flatten, Pad, Permute, Reshape, Slice, Softmax
from minitorch_viz.models.params import NodeSpec, Params, State
from minitorch_viz.models.spec import TORCHVISION, TORCHVISION_LICENCE, TORCHVISION_URL, ModelSpec
from minitorch_viz.net import Net

PATCH = 16  # pixels along a patch's side
FEATURES = 768
HIDDEN = 3072  # between a block's two linear layers
HEADS = 12
DEPTH = 12
EPS = 1e-6  # of its layer normalizations


def vit_b_16(state: State | None = None, classes: int = 1000, seed: int | None = 0, side: int = 224) -> Net:
    """Build ViT-B/16: x (N, 3, side, side) -> "heads.head" (N, classes) -> "prob" (N, classes).

    Names are torchvision's: "encoder.layers.encoder_layer_3" is the output (N, 1 + patches, 768) of a block; its
    "self_attention" saves how much each patch reads of each. Dosovitskiy et al. 2020.
    """
    p = Params(state, seed)
    patches = (side // PATCH) ** 2
    nodes: list[NodeSpec] = [
        p.conv("conv_proj", 3, FEATURES, PATCH, stride=PATCH),
        ("patches", Reshape((FEATURES, patches))),
        ("sequence", Permute((0, 2, 1))),
        ("empty", Pad((0, 0, 1, -patches))),  # one step of zeros in the place of all patches
        p.shift("class_token", (1, FEATURES)),
        ("tokens", Concat(), ("class_token", "sequence")),
        p.shift("encoder.pos_embedding", (1 + patches, FEATURES)),
    ]
    for i in range(DEPTH):
        nodes += block(p, f"encoder.layers.encoder_layer_{i}", nodes[-1][0])
    nodes += [
        p.layer_norm("encoder.ln", FEATURES, eps=EPS),
        ("answer", Slice(axis=1, stop=1)),  # the class token's
        ("flatten", Flatten()),
        p.linear("heads.head", FEATURES, classes),
        ("prob", Softmax()),
    ]
    return Net(nodes)


def block(p: Params, name: str, reads: str) -> list[NodeSpec]:
    """Build attention among the steps and two linear layers on each step, each added to what it reads."""
    return [
        p.layer_norm(f"{name}.ln_1", FEATURES, eps=EPS, reads=reads),
        p.attention(f"{name}.self_attention", FEATURES, HEADS),
        (f"{name}.add", Add(), (f"{name}.self_attention", reads)),
        p.layer_norm(f"{name}.ln_2", FEATURES, eps=EPS),
        p.linear(f"{name}.mlp.0", FEATURES, HIDDEN),
        (f"{name}.mlp.1", GELU()),
        p.linear(f"{name}.mlp.3", HIDDEN, FEATURES),
        (name, Add(), (f"{name}.add", f"{name}.mlp.3")),
    ]


def adapted(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Turn the file's names into those of the nodes' parameters, and take the axis of images off what is added.

    The official file says "mlp.linear_1" and "mlp.linear_2", older than the modules' numbers.
    """
    renamed = {}
    for name, array in arrays.items():
        if re.search(r"(^|\.)(class_token|pos_embedding)$", name):
            renamed[f"{name}.bias"] = array[0] if array.ndim == 3 and len(array) == 1 else array
        else:
            name = re.sub(r"\.mlp\.linear_([12])\.", lambda match: f".mlp.{3 * (match[1] == '2')}.", name)
            renamed[name.replace(".out_proj.", ".out_proj_")] = array
    return renamed


def sized(arrays: Mapping[str, Array]) -> int | None:
    """Return the side of the pictures that the places in a file are for: a net made for another size has others."""
    places = next((array for name, array in arrays.items() if name.endswith("pos_embedding.bias")), None)
    side = 0 if places is None or places.ndim != 2 else math.isqrt(len(places) - 1)
    return side * PATCH if side and places is not None and side * side == len(places) - 1 else None


SPEC = ModelSpec(
    name="vit_b_16",
    build=vit_b_16,
    paper="Dosovitskiy et al., An image is worth 16x16 words, 2020",
    licence=TORCHVISION_LICENCE,
    reader=TORCHVISION,
    parameters=86_567_656,
    logits="heads.head",
    head="heads.head",
    classes=1000,
    imagenet=True,
    top1=0.81072,
    first_conv="conv_proj",
    last_conv="conv_proj",
    url=TORCHVISION_URL + "vit_b_16-c867db91.pth",
    digest="sha256:c867db91",
    adapted=adapted,
    sized=sized,
)
