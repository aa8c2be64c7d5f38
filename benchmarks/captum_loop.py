"""Grad-CAM of many photos as one writes it with PyTorch, Captum and Pillow: the peer of benchmarks/many_photos.py."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from minitorch_viz import Model


def captum_loop(model: Model, photos: list[Path], torch: Any, attr: Any) -> Callable[..., None] | None:
    """Return loop(folder, kind, known, photos) that writes a file for each photo; None where a library is missing.

    The net is torchvision's SqueezeNet 1.1 with the model's weights. kind: "npz" or "overlay"; known: the class of each
    photo is at hand, and no forward pass is made to find it.
    """
    torchvision = None if attr is None else imported(torch)
    if torchvision is None:
        return None
    from PIL import Image

    peer = torchvision.models.squeezenet1_1().eval()
    peer.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in model.net.state.items()})
    cam, enlarge = attr.LayerGradCam(peer, peer.features[12]), attr.LayerAttribution.interpolate
    reader = model.preprocessing
    mean, std = (torch.tensor(values, dtype=torch.float32).view(3, 1, 1) for values in (reader.mean, reader.std))

    def read(photo: Path) -> tuple[Any, Any, Any]:
        picture = Image.open(photo).convert("RGB")
        small = picture.resize(reader.size[::-1], Image.Resampling.BICUBIC)
        pixels = torch.from_numpy(np.array(small)).permute(2, 0, 1).float()
        return picture, small, ((pixels - mean) / std)[None]

    def best(x: Any) -> int:
        with torch.no_grad():
            return int(peer(x)[0].argmax())

    classes = {photo: best(read(photo)[2]) for photo in photos}
    theirs = cam.attribute(read(photos[0])[2], target=classes[photos[0]]).detach().numpy()[0, 0]
    ours = _ours(model, photos[0], classes[photos[0]])
    assert np.abs(theirs - ours).max() <= 1e-3 * np.abs(ours).max(), "the two do not compute the same"

    def loop(folder: Path, kind: str, known: bool, photos: list[Path]) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for photo in photos:
            picture, small, x = read(photo)
            target = classes[photo] if known else best(x)
            places = cam.attribute(x, target=target, relu_attributions=True)
            if kind == "npz":
                heat = enlarge(places, x.shape[2:], "bilinear").detach().numpy()[0, 0]
                arrays = {"heat": heat, "signed": places.detach().numpy()[0], "picture": np.array(small)}
                np.savez(folder / f"{photo.stem}.npz", photo=np.array(picture), target=target, **arrays)
            else:
                heat = enlarge(places, picture.size[::-1], "bilinear").detach().numpy()[0, 0]
                _over(np.asarray(picture), heat).save(folder / f"{photo.stem}.png")

    return loop


def imported(torch: Any) -> Any:
    """Return torchvision, or None; its wheel names compiled operators that a torch for CPUs alone does not have."""
    register = torch.library.register_fake

    def passing_over(name: Any, *args: Any, **settings: Any) -> Any:
        if str(name).startswith("torchvision::"):
            return lambda function: function
        return register(name, *args, **settings)

    torch.library.register_fake = passing_over
    try:
        import torchvision
    except ImportError:
        return None
    finally:
        torch.library.register_fake = register
    return torchvision


def _over(photo: Any, heat: Any) -> Any:
    """Return the map over the photo, as a Pillow image."""
    from matplotlib import colormaps
    from PIL import Image

    share = np.clip(heat / (heat.max() or 1), 0, 1)
    colours = colormaps["inferno"](share)[..., :3] * 255
    return Image.fromarray((photo + 0.75 * share[..., None] * (colours - photo)).astype(np.uint8))


def _ours(model: Model, photo: Path, target: int) -> Any:
    """Return this engine's sum of the maps before it is cut off below 0, (h', w')."""
    from minitorch_viz.techniques.gradients.grad_cam import grad_cam

    return grad_cam(model, photo, target=target).signed[0]
