"""Pictures made by optimization, by this project's own commands, on one page.

    python -m tests.gallery.optimized_page --data ../shared/data         into docs/gallery/optimized.html, some minutes
    python -m tests.gallery.optimized_page --data FOLDER --out page.html --only deep-dream style

FOLDER has weights/ (GoogLeNet, VGG-19 as far as conv3_1), photos/ and paintings/. What is dreamt on and painted over is
not kept here: only what the commands make.
"""

from __future__ import annotations

import argparse
import json
import shlex
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minitorch_viz._types import Array
from minitorch_viz.drawing.html import Embedded, embedded_image, render, write_page
from minitorch_viz.models import Model, load_model
from minitorch_viz.optimize.presets import get_preset
from minitorch_viz.techniques import get_technique
from tests.gallery.presets_view import PAGE, TABLE, view_of

GOOGLENET = ("--model", "googlenet", "--weights", "googlenet_bvlc.safetensors")
PRESETS = (
    "none", "simonyan", "yosinski-3", "mahendran", "oygard", "laplacian", "lucid", "maco", "vgg-decoder", "ours",
)  # fmt: skip
MOST_STEPS = 160  # of each
FAINT = 64  # grey levels: a picture that stays within so many of its middle is shown with more contrast
KINDS = ("tree", "car", "umbrella", "house", "star", "fish", "cup", "face")
# Nine classes that a person knows, and eleven drawn once: 3 of the animals, 0 to 397, and 8 of the things, 398 to 999.
JUDGE = "squeezenet1_1=squeezenet1_1.safetensors"
NAMED = (
    "flamingo", "pelican", "hartebeest", "goose", "pool table", "Indian cobra", "school bus", "black swan", "ostrich",
)  # fmt: skip
ANIMALS, CLASSES = 398, 1000


@dataclass(frozen=True)
class Picture:
    """Hold a picture of the page."""

    embedded: Embedded
    title: str
    words: str = ""


@dataclass(frozen=True)
class Section:
    """Hold what the page shows of one command."""

    name: str
    title: str
    words: str
    command: str
    pictures: list[Picture]
    size: str = ""  # a class of the page's style: "large", "fine"
    notes: Sequence[str] = field(default=())
    texts: Sequence[tuple[str, str]] = field(default=())  # a title and what a net wrote


def picture(pixels: Array, title: str, words: str = "", quality: int = 82) -> Picture:
    """Return pixels (h, w, 3 or 1) uint8 for the page; small ones are enlarged without smoothing."""
    image = Image.fromarray(np.squeeze(pixels))
    times = -(-128 // min(image.size))
    if times > 1:
        image = image.resize((times * image.width, times * image.height), Image.Resampling.NEAREST)
    return Picture(embedded_image(image, "webp", quality=quality), title, words)


def computed(name: str, model: Model, *subject: Any, **settings: Any) -> Any:
    """Return a technique's result, without a progress bar."""
    return get_technique(name).compute(model, *subject, progress=False, **settings)


def twenty(model: Model) -> list[int]:
    """Return the numbers of the twenty classes, fixed before any picture was made."""
    rng = np.random.default_rng(0)
    animals = rng.choice(ANIMALS, 3, replace=False)
    things = ANIMALS + rng.choice(CLASSES - ANIMALS, 8, replace=False)
    return [model.class_index(name) for name in NAMED] + [int(number) for number in (*animals, *things)]


def class_models(data: Path) -> Section:
    model = load_model("googlenet", weights=data / "weights" / "googlenet_bvlc.safetensors")
    judge = data / "weights" / "squeezenet1_1.safetensors"
    numbers = twenty(model)
    begin = time.perf_counter()
    result = computed("class-model", model, target=numbers, judge=f"squeezenet1_1={judge}")
    seconds = time.perf_counter() - begin
    names = [model.class_names[number] for number in numbers]
    ranks = [opinion.rank for opinion in result.opinions]
    among = sum(0 < rank <= 5 for rank in ranks)
    print(f"among the first five: {among} of {len(ranks)}; {seconds / len(ranks):.1f} s a class; ranks {ranks}")
    rows = zip(names, result.pixels, result.probabilities, result.opinions, strict=True)
    pictures = [
        picture(pixels, name, f"probability {probability:.3f}; {opinion.words}")
        for name, pixels, probability, opinion in rows
    ]
    return Section(
        "class-model",
        "Class models of GoogLeNet",
        "What the net finds most like a class, made from nothing, and what SqueezeNet 1.1 says, which had no part in "
        f"it: {among} of the {len(ranks)} classes, fixed beforehand, are among its first five. {result.how}.",
        command_of("class-model", *GOOGLENET, "--target", ",".join(names), "--judge", JUDGE),
        pictures,
    )


def small_class_models(_data: Path) -> Section:
    model = load_model("scenes")
    result = computed("class-model", model, target=list(KINDS))
    rows = zip(KINDS, result.pixels, result.probabilities, strict=True)
    pictures = [picture(pixels, name, f"probability {probability:.3f}") for name, pixels, probability in rows]
    return Section(
        "class-model-scenes",
        "Class models of the bundled net for scenes",
        f"A net of 237 kB, trained on generated scenes of 64 x 64 pixels. {result.how}.",
        command_of("class-model", "--model", "scenes", "--target", ",".join(KINDS)),
        pictures,
        "fine",
    )


def stretched(pixels: Array) -> tuple[Array, float]:
    """Return faint pixels (h, w, 3) uint8 with more contrast, so that they can be seen, and how many times as much."""
    middle = np.median(pixels, axis=(0, 1))
    times = FAINT / max(float(np.percentile(np.abs(pixels - middle), 99)), 1.0)
    if times < 1:
        return pixels, 1.0
    return np.round(np.clip(middle + times * (pixels - middle), 0, 255)).astype(np.uint8), times


def regularizers(data: Path) -> Section:
    model = load_model("googlenet", weights=data / "weights" / "googlenet_bvlc.safetensors")
    pictures = []
    for name in PRESETS:
        preset = get_preset(name)
        steps = min(preset.steps, MOST_STEPS)
        result = computed("class-model", model, preset=name, target="hartebeest", steps=steps)
        in_steps = f", in {steps} of {preset.steps} steps" if steps < preset.steps else ""
        pixels, times = stretched(result.pixels[0])
        shown = f"; shown with {times:.1f} times its contrast" if times > 1 else ""
        words = f"{result.method.family}; score {result.after[0]:.0f}{in_steps}{shown}"
        pictures.append(picture(pixels, f"{name} ({result.method.year})", words))
    return Section(
        "presets",
        "One class, and ways to keep the picture from being noise",
        "The class hartebeest of GoogLeNet, by --preset and the name that stands below each. The score says how much "
        "the net likes a picture, not how good it is.",
        command_of("class-model", *GOOGLENET, "--target", "hartebeest", "--preset", "oygard"),
        pictures,
    )


def dream(data: Path) -> Section:
    model = load_model("googlenet", weights=data / "weights" / "googlenet_bvlc.safetensors")
    sky = data / "paintings" / "content_sky.jpg"
    deep = computed("deep-dream", model, sky, iterations=20)
    return Section(
        "deep-dream",
        "DeepDream",
        "Whatever fires in inception_4c/output is made to fire more: in clouds a dog with its eyes, trees, temples.",
        command_of("deep-dream", "sky.jpg", *GOOGLENET, "--iterations", "20"),
        [picture(deep.dream, "on a photo of clouds")],
        "large",
    )


def dream_from_noise(data: Path) -> Section:
    model = load_model("googlenet", weights=data / "weights" / "googlenet_bvlc.safetensors")
    settings = {"start": "noise", "size": 448, "iterations": 30, "octaves": 5, "laplacian": 4}
    made = computed("deep-dream", model, data / "paintings" / "content_sky.jpg", **settings)
    words = [part for name, value in settings.items() for part in (f"--{name}", str(value))]
    return Section(
        "dream-from-noise",
        "DeepDream from noise",
        "There is nothing to be seen in the start: all that is here comes from the net. Scales of the gradient are "
        "made equally strong.",
        command_of("deep-dream", "sky.jpg", *GOOGLENET, *words),
        [picture(made.dream, "on noise")],
        "large",
    )


def style(data: Path) -> Section:
    model = load_model("vgg19_conv3_1", weights=data / "weights" / "vgg19_normalised_conv3_1.safetensors")
    houses = data / "paintings" / "content_tubingen.jpg"
    results = [
        computed("style", model, houses, style=[data / "paintings" / file], size=size)
        for file, (_, size) in STYLES.items()
    ]
    pictures = [picture(each.pictures[-1], title) for each, (title, _) in zip(results, STYLES.values(), strict=True)]
    return Section(
        "style",
        "Style: houses in Tuebingen, painted",
        f"{results[0].about} The others are 384 pixels wide.",
        command_of("style", "tubingen.jpg", "--style", "starry_night.jpg", "--model", "vgg19_conv3_1", "--size", "512"),
        pictures,
        "large",
        [words for words in results[0].words if "conv3_1" in words],
    )


STYLES = {
    "starry_night.jpg": ("The Starry Night, van Gogh 1889", 512),
    "great_wave.jpg": ("The Great Wave, Hokusai 1831", 384),
    "the_scream.jpg": ("The Scream, Munch 1893", 384),
    "composition_vii.jpg": ("Composition VII, Kandinsky 1913", 384),
}
NODES = (
    "conv1/7x7_s2", "pool1/3x3_s2", "conv2/3x3", "pool2/3x3_s2", "inception_3a/output", "inception_3b/output",
    "inception_4a/output", "inception_4c/output", "inception_4e/output", "inception_5b/output",
)  # fmt: skip


def inversion(data: Path) -> Section:
    model = load_model("googlenet", weights=data / "weights" / "googlenet_bvlc.safetensors")
    result = computed(
        "inversion", model, data / "photos" / "cat_chelsea.jpg", nodes=",".join(NODES), size=128, steps=40
    )
    pictures = [picture(result.picture, "the photo, as the net sees it")]
    rows = zip(result.nodes, result.inversions, result.psnr, result.ssim, strict=True)
    for node, inversions, psnr, ssim in rows:
        pictures.append(picture(inversions[0], node, f"{psnr[0]:.1f} dB, SSIM {ssim[0]:.2f}"))
    return Section(
        "inversion",
        "Inversion, layer by layer",
        "Pictures with nearly the same code as the photo at each layer: what a layer keeps of it.",
        command_of("inversion", "cat.jpg", *GOOGLENET, "--size", "128", "--steps", "40", "--nodes", ",".join(NODES)),
        pictures,
    )


def command_of(*words: str) -> str:
    return shlex.join(["minitorch-viz", *words])


SECTIONS: dict[str, Callable[[Path], Section]] = {
    "class-model": class_models,
    "class-model-scenes": small_class_models,
    "presets": regularizers,
    "deep-dream": dream,
    "dream-from-noise": dream_from_noise,
    "style": style,
    "inversion": inversion,
}


def kept(section: Section, folder: Path | None) -> Section:
    """Write a section into a folder, for a page that is made anew."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{section.name}.json").write_text(json.dumps(asdict(section)), encoding="utf-8")
    return section


def read(path: Path) -> Section:
    """Return a section that was kept."""
    content = json.loads(path.read_text(encoding="utf-8"))
    pictures = [Picture(Embedded(*one["embedded"]), one["title"], one["words"]) for one in content["pictures"]]
    texts = tuple((title, text) for title, text in content.get("texts", ()))
    return Section(**{**content, "pictures": pictures, "notes": tuple(content["notes"]), "texts": texts})


def sections_of(
    makers: Mapping[str, Callable[[Path], Section]], data: Path, only: Collection[str], parts: Path | None
) -> list[Section]:
    """Return the sections in `only`, made anew, and those of the others that a folder has kept."""
    sections = []
    for name, make in makers.items():
        if name in only:
            sections.append(kept(make(data), parts))
            print(f"{name}: {len(sections[-1].pictures)} pictures", flush=True)
        elif parts is not None and (parts / f"{name}.json").is_file():
            sections.append(read(parts / f"{name}.json"))
    return sections


def made(
    arguments: Sequence[str] | None,
    manual: str | None,
    makers: Mapping[str, Callable[[Path], Section]],
    page: Path,
    folders: str,
    title: str,
    about: str,
    trust: Any = None,
) -> Path:
    """Make a page of sections as a command asks for it. folders: what --data must hold; page: where it is written."""
    parser = argparse.ArgumentParser(description=manual, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help=f"the folder of {folders}")
    parser.add_argument("--only", nargs="+", choices=makers, default=list(makers), help="these alone")
    parser.add_argument(
        "--parts", type=Path, help="a folder that keeps the sections; those not in --only are taken from it"
    )
    parser.add_argument("--out", type=Path, default=page, help=f"the page (default: docs/gallery/{page.name})")
    options = parser.parse_args(arguments)
    sections = sections_of(makers, options.data, options.only, options.parts)
    return write_page(options.out, render("optimized.html", title=title, about=about, sections=sections, trust=trust))


def main(arguments: list[str] | None = None) -> Path:
    about = "Each picture was made by the command above it; the image is the parameter, the net's weights stay."
    trust = view_of(json.loads(TABLE.read_text(encoding="utf-8"))) if TABLE.is_file() else None
    title = "Pictures made by optimization"
    return made(arguments, __doc__, SECTIONS, PAGE, "weights/, photos/ and paintings/", title, about, trust)


if __name__ == "__main__":
    print(f"Wrote {main()}")
