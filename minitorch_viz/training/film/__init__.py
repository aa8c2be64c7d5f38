"""The film of a training run: one self-contained HTML page that plays it back, and follows it live.

`observer` decides when a frame is taken, `frame` computes it, `tiles` lays arrays out, `strips` keeps them as pictures,
`charts` draws the curves, `page` writes everything into templates/film.html and reads it again.
"""

from minitorch_viz.training.film.observer import Film

__all__ = ["Film"]
