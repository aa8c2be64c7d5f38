"""How many of 100 photos each attack turns into anything else, and how small a change that takes.

    python benchmarks/fooled_photos.py --photos FOLDER --net googlenet --weights FILE
    python benchmarks/fooled_photos.py ... --attacks fgsm,pgd,lbfgs --page photos.png     and the photos beside it
    python benchmarks/fooled_photos.py --quick                          ten digits, some seconds, nothing written

The photos are spread evenly over the folder; what the net answers to each is what is to go away (untargeted). An attack
of a fixed eps is tried with 1/8, 1/4, 1/2, 1, ... 64 of 255 (in L2 so much of each value), and again from 1 on, which
is no less in a file of whole grey levels. Each photo gets the smallest that is enough: a larger eps of FGSM's one step
need not fool where a smaller one does, so that at any one eps some photos are missed. Attacks of the smallest change
look for it by themselves. Of PGD and APGD, whose steps are many, 10 are taken. Sizes are medians over the fooled
photos, in steps of 0 to 255; "rounded" counts those that fool as whole grey levels, too. Written to
benchmarks/results/fooled_photos.json, a list of rows for each net.

The page shows, for each attack, the photo whose change is the median one: before, the change magnified, and after.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parent)]

import convolutions as bench  # noqa: E402  # sets the path of an uninstalled checkout

from minitorch_viz import Model, load_model  # noqa: E402
from minitorch_viz.optimize.attacks import Aim, Attack, Attempt, aim_at, get_attack, last, sizes  # noqa: E402
from minitorch_viz.optimize.attacks.growing import growing  # noqa: E402

LEAST, MOST = (0.125, 1.0), 64.0  # of the eps that are tried, which are doubled
STEPS = 10
SUFFIXES = (".jpg", ".jpeg", ".png")


def inputs(options: argparse.Namespace) -> tuple[Model, np.ndarray[Any, Any]]:
    """Return the net, and the photos (N, ...) as it takes them."""
    if options.quick:
        from minitorch_viz.data import load_digits

        model = load_model("digits")
        images = load_digits()[1].images[:10, :, :, None].repeat(3, axis=3)
        return model, np.concatenate([model.read(image) for image in images])
    files = sorted(file for file in options.photos.iterdir() if file.suffix.lower() in SUFFIXES)
    count = min(options.count, len(files))
    chosen = [files[number] for number in np.linspace(0, len(files) - 1, count).round().astype(int)]
    model = load_model(options.net, weights=options.weights) if options.weights else load_model(options.net)
    return model, np.concatenate([model.read(str(file)) for file in chosen])


def made(name: str) -> Attack:
    """Return an attack with its default settings; of those with many steps at a fixed eps 10."""
    kind = get_attack(name)
    has_steps = kind.kind == "fixed eps" and "steps" in {field.name for field in fields(kind)}
    return kind(**({"steps": STEPS} if has_steps else {}))


def run(name: str, aim: Aim, pixels: np.ndarray[Any, Any], least: float) -> tuple[dict[str, Any], Attempt]:
    """Return a row of the table, and the attempt that it is of; least: the smallest eps that is tried."""
    attack, begin = made(name), time.process_time()
    if attack.kind == "fixed eps":
        values = np.sqrt(pixels[0].size) if attack.norm == "l2" else 1.0
        count = round(np.log2(MOST / least)) + 1
        attempt = last(growing(attack, aim, pixels, [values * least * 2.0**power for power in range(count)]))
    else:
        attempt = last(attack.attempts(aim, pixels))
    fooled = attempt.fooled
    size = sizes((attempt.pixels - pixels)[fooled])
    rounded = aim.fooled(aim.logits(aim.box.rounded(attempt.pixels)))
    medians = {key: float(np.median(getattr(size, key))) for key in ("l2", "linf", "rms")} if fooled.any() else {}
    row = {
        "attack": name, "norm": attack.norm, "photos": len(pixels), "fooled": int(fooled.sum()),
        "rounded": int((fooled & rounded).sum()), **medians, "passes": attempt.passes,
        "seconds": time.process_time() - begin,
    }  # fmt: skip
    if "eps" in attempt.inner:
        row["eps"] = sorted(set(attempt.inner["eps"][fooled].tolist()))
    return row, attempt


def page(path: Path, aim: Aim, pixels: np.ndarray[Any, Any], attempts: dict[str, Attempt]) -> None:
    """Write a picture: for each attack the photo whose change is the median one, the change, and what it became."""
    from matplotlib.figure import Figure

    from minitorch_viz.drawing import panels, show_image, show_signed

    rows, titles = [], []
    for name, attempt in attempts.items():
        change = attempt.pixels - pixels
        size = sizes(change)
        numbers = np.flatnonzero(attempt.fooled)
        if not len(numbers):
            continue
        number = numbers[np.argsort(size.l2[numbers])[len(numbers) // 2]]
        scale = float(np.percentile(np.abs(change[number]), 99.5)) or 1.0
        before, after = (aim.classes[answer] for answer in (aim.labels[number], attempt.logits[number].argmax()))
        said = f"L2 {size.l2[number]:.3g}, L-inf {size.linf[number]:.2g}, RMS {size.rms[number]:.2g}"
        titles.append([f"{name}: {before}", f"{127 / scale:.3g} times: {said}", after])
        rows.append((pixels[number], change[number], scale, attempt.pixels[number]))
    figure = Figure()
    sheet = panels(figure, titles, pixels.shape[2] / pixels.shape[3], side=2.6)
    for axes, (photo, change, scale, became) in zip(sheet.axes, rows, strict=True):
        show_image(axes[0], picture(photo))
        show_signed(axes[1], change, scale=scale)
        show_image(axes[2], picture(became))
    figure.savefig(path, dpi=110)


def picture(pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return pixels (C, h, w) as they are shown, (h, w, 3) uint8."""
    return np.rint(pixels).astype(np.uint8).transpose(1, 2, 0).repeat(3 // len(pixels), axis=2)


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="ten digits, nothing written")
    parser.add_argument("--photos", type=Path, help="a folder")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--net", default="googlenet")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--attacks", default="fgsm,pgd,lbfgs", help="with commas between them")
    parser.add_argument("--page", type=Path, metavar="FILE.png", help="the photos beside the table")
    parser.add_argument("--out", type=Path, default=bench.ROOT / "benchmarks" / "results" / "fooled_photos.json")
    options = parser.parse_args(arguments)
    if not options.quick and options.photos is None:
        parser.error("name a folder of photos, --photos FOLDER, or take --quick")
    model, x = inputs(options)
    aim, pixels = aim_at(model, x)
    rows, attempts = [], {}
    names = [
        (name, least)
        for name in options.attacks.split(",")
        for least in (LEAST if get_attack(name).kind == "fixed eps" else LEAST[:1])
    ]
    for name, least in names:
        row, attempts[name] = run(name, aim, pixels, least)
        rows.append(row)
        size = ", ".join(f"{key} {row[key]:.4g}" for key in ("l2", "linf", "rms") if key in row)
        words = (
            f"{row['fooled']} of {row['photos']} fooled, {row['rounded']} of them as whole grey levels; median {size}"
        )
        print(f"{model.name}, {name}: {words}; {row['passes']} passes, {row['seconds']:.0f} s", flush=True)
    if options.page is not None:
        page(options.page, aim, pixels, attempts)
    result = {"machine": bench.machine(None), "nets": {model.name: rows}}
    if not options.quick:
        if options.out.is_file():  # the rows of other nets stay
            result["nets"] = {**json.loads(options.out.read_text(encoding="utf-8"))["nets"], **result["nets"]}
        bench.write(result, options.out)
    return result


if __name__ == "__main__":
    main()
