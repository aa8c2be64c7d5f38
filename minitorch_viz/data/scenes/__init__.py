"""Generated scenes: pictures whose objects, parts, textures and colours are known at every pixel."""

from minitorch_viz.data.scenes.change import Change
from minitorch_viz.data.scenes.colours import COLOURS
from minitorch_viz.data.scenes.generate import scene, scenes
from minitorch_viz.data.scenes.kinds import KINDS, PARTS
from minitorch_viz.data.scenes.scene import Scene, Scenes
from minitorch_viz.data.scenes.textures import BACKGROUNDS, TEXTURES
from minitorch_viz.data.scenes.varied import DIMENSIONS, Varied, varied

__all__ = [
    "BACKGROUNDS",
    "COLOURS",
    "DIMENSIONS",
    "KINDS",
    "PARTS",
    "TEXTURES",
    "Change",
    "Scene",
    "Scenes",
    "Varied",
    "scene",
    "scenes",
    "varied",
]
