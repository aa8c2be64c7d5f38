"""The operators that are mapped, a family a file; importing them fills the registry."""

from minitorch_viz.models.from_torch.operators import arithmetic, gates, norms, pools, sequences, shapes, weights

__all__ = ["arithmetic", "gates", "norms", "pools", "sequences", "shapes", "weights"]
