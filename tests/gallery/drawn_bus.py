"""A school bus of our own: a drawing that nets for photos take for one, so that no photo has to be kept here."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

WIDTH, HEIGHT, FINER = 448, 336, 4  # pixels; drawn four times as large and made smaller, so that edges are smooth
YELLOW, DARK_YELLOW, BLACK, GREY, GLASS = (250, 178, 12), (196, 132, 6), (22, 22, 24), (40, 40, 42), (38, 50, 58)


def school_bus() -> Image.Image:
    """Return the drawing, 448 x 336 pixels, with a little noise, as a camera has it."""
    scene = _scene()
    draw = ImageDraw.Draw(scene)
    _ellipse(draw, 235, 276, 195, 14, (52, 52, 55))  # the shadow
    _body(draw)
    _windows(draw)
    _words(draw)
    for x in (110, 368):
        for radius, colour in ((33, (30, 28, 26)), (30, (18, 18, 18)), (15, (205, 160, 40)), (6, (60, 55, 50))):
            _ellipse(draw, x, 260, radius, radius, colour)
    small = np.asarray(scene.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS), float)
    noisy = small + np.random.default_rng(1).normal(0, 4, small.shape)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def _scene() -> Image.Image:
    """Return the sky, trees and a street, out of focus."""
    scene = Image.new("RGB", (WIDTH * FINER, HEIGHT * FINER))
    draw = ImageDraw.Draw(scene)
    for y in range(scene.height):
        share = y / scene.height
        draw.line([(0, y), (scene.width, y)], fill=(int(150 + 60 * share), int(190 + 35 * share), int(235 + 5 * share)))
    rng = np.random.default_rng(0)
    for _ in range(900):
        x, y, radius, green = rng.uniform(-10, 460), rng.normal(130, 28), rng.uniform(6, 20), int(rng.uniform(50, 120))
        _ellipse(draw, x, y, radius, radius, (green // 2 + 10, green, green // 3))
    _box(draw, 0, 190, WIDTH, HEIGHT, (110, 110, 112))
    _box(draw, 0, 186, WIDTH, 206, (150, 148, 140))
    return scene.filter(ImageFilter.GaussianBlur(3 * FINER))


def _body(draw: ImageDraw.ImageDraw) -> None:
    _box(draw, 40, 88, 340, 258, YELLOW, 16)
    _box(draw, 40, 84, 340, 110, (255, 200, 60), 14)
    _polygon(draw, [(330, 150), (352, 168), (412, 176), (420, 190), (420, 258), (330, 258)], YELLOW)
    _polygon(draw, [(338, 110), (352, 168), (338, 168)], (60, 80, 92))
    for y, right in ((166, 345), (196, 420), (226, 420)):
        _box(draw, 40, y, right, y + 5, BLACK)
    _box(draw, 40, 240, 420, 258, DARK_YELLOW)
    _box(draw, 404, 206, 424, 222, (255, 250, 220), 6)  # a headlight
    _box(draw, 396, 252, 430, 262, GREY, 3)  # bumpers
    _box(draw, 36, 236, 46, 256, GREY, 2)
    _box(draw, 344, 140, 352, 160, BLACK, 2)  # a mirror
    for x, colour in ((60, (200, 40, 30)), (74, (255, 150, 20)), (300, (255, 150, 20)), (314, (200, 40, 30))):
        _ellipse(draw, x + 4.5, 96.5, 4.5, 4.5, colour)


def _windows(draw: ImageDraw.ImageDraw) -> None:
    for x in range(54, 290, 34):
        _box(draw, x, 120, x + 28, 156, GLASS, 3)
        _polygon(draw, [(x + 4, 152), (x + 14, 124), (x + 20, 124), (x + 10, 152)], (110, 132, 146))
        _box(draw, x, 137, x + 28, 139, BLACK)
    _box(draw, 300, 116, 332, 250, BLACK, 3)  # the door
    _box(draw, 302, 118, 330, 248, (206, 146, 10), 2)
    _box(draw, 305, 122, 327, 180, (48, 62, 70), 2)
    _box(draw, 305, 186, 327, 240, (48, 62, 70), 2)


def _words(draw: ImageDraw.ImageDraw) -> None:
    from matplotlib import font_manager

    path = font_manager.findfont("DejaVu Sans:bold")
    for place, height in (((118, 173), 19), ((160, 92), 13)):
        font = ImageFont.truetype(path, height * FINER)
        draw.text((place[0] * FINER, place[1] * FINER), "SCHOOL BUS", font=font, fill=BLACK)


Colour = tuple[int, int, int]


def _box(draw: ImageDraw.ImageDraw, x0: int, y0: int, x1: int, y1: int, colour: Colour, radius: int = 0) -> None:
    draw.rounded_rectangle([x0 * FINER, y0 * FINER, x1 * FINER, y1 * FINER], radius * FINER, fill=colour)


def _ellipse(draw: ImageDraw.ImageDraw, x: float, y: float, across: float, down: float, colour: Colour) -> None:
    box = [(x - across) * FINER, (y - down) * FINER, (x + across) * FINER, (y + down) * FINER]
    draw.ellipse(box, fill=colour)


def _polygon(draw: ImageDraw.ImageDraw, corners: list[tuple[int, int]], colour: Colour) -> None:
    draw.polygon([(x * FINER, y * FINER) for x, y in corners], fill=colour)


if __name__ == "__main__":
    school_bus().save("bus.png")
