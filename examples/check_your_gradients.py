"""Check your own backward pass: any pair of functions, CS231n style.

Run it as a script, or cell by cell in an editor that knows `# %%`.
"""

# %% A layer as one writes it in a first exercise. Is its backward pass right?
import numpy as np

from minitorch_viz.gradcheck import check

rng = np.random.default_rng(0)


def affine_forward(x, w, b):
    return x @ w + b, (x, w)


def affine_backward(dy, cache):
    x, w = cache
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)


inputs = {"x": rng.standard_normal((4, 3)), "w": rng.standard_normal((3, 3)), "b": rng.standard_normal(3)}
report = check(affine_forward, affine_backward, inputs)
print(report)
report.raise_if_wrong()


# %% A common slip: w and its transpose have the same shape here, so nothing complains. The checker does.
def wrong_backward(dy, cache):
    x, w = cache
    return dy @ w, x.T @ dy, dy.sum(axis=0)


report = check(affine_forward, wrong_backward, inputs)
print(report)
assert not report.ok
