"""Easily fooled: why a small step in every number turns a net's answer. An exercise in six cells.

Run it as a script, or cell by cell in an editor that knows `# %%`. Every net comes with the package. Try to answer each
question before its cell is run.
"""

# %% Ten numbers, ten weights. The score is w . x, the probability its sigmoid: which step of 0.5 each raises it most?
import numpy as np

x = np.array([2, -1, 3, -2, 2, 2, 1, -4, 5, 1])
w = np.array([-1, -1, 1, -1, 1, -1, 1, 1, -1, 1])
for name, moved in (("x", x), ("x + 0.5 sign(w)", x + 0.5 * np.sign(w))):
    score = w @ moved
    print(f"{name}: score {score:g}, probability {1 / (1 + np.exp(-score)):.2f}")

# %% And a step of 0.5 by chance? How much, as the root of the mean square over many draws? (sqrt(10) times 0.5.)
rng = np.random.default_rng(0)
by_chance = 0.5 * rng.choice([-1, 1], (10_000, 10)) @ w
print(f"by chance: +-{np.sqrt((by_chance**2).mean()):.2f}, along the signs: {0.5 * np.abs(w).sum():g}")

# %% The same for a photo of 3,072 numbers. Which step, in grey levels, makes the linear net's frog a cat?
from minitorch_viz import load_model  # noqa: E402 (a notebook imports where it needs)
from minitorch_viz.models.samples import sample_images  # noqa: E402

model = load_model("cifar10_linear")
_, photo = sample_images(model)[0]
scores = model.net.predict(model.preprocess(photo), upto="logits")[0].astype(float)
frog, cat = model.class_index("frog"), model.class_index("cat")
std = np.reshape(model.preprocessing.std, (3, 1, 1))
weight = model.net["logits"].layer.weight.astype(float).reshape(10, 3, 32, 32) / std  # by grey levels
difference = weight[cat] - weight[frog]
eps = (scores[frog] - scores[cat]) / np.abs(difference).sum()
print(f"frog {scores[frog]:.2f}, cat {scores[cat]:.2f}: a step of {eps:.2f} of 255 in each number is enough")

# %% Is it? The technique asks the net itself, and draws it.
from minitorch_viz.techniques import linear_explanation  # noqa: E402

result = linear_explanation(model, photo, target="cat")
print(f"The net's answer turns at {result.turn:.2f} of 255; {result.along.says[0]} becomes", end=" ")
print(f"{result.along.says[result.at]} at {result.eps:g}, whose L2 norm is {result.norms[2]:.0f}.")
result.save("easily_fooled.png")

# %% How much of the templates themselves? And at which length does a person see them? Move the slider of the page.
print(f"{result.mix_turn:.1%} of the photo's own length")
result.save("easily_fooled.html")

# %% A deep net is linear in pieces. How far is its straight line right, and what switches where it ends?
deep = linear_explanation(load_model("cifar10"), photo)
line = deep.along
for eps, error, switched in zip(line.lengths[1::6], line.errors[1::6], line.switched[1::6], strict=True):
    print(f"eps {eps:.2f}: the line is off by {error:+.0%}, {switched:.1%} of the ReLUs have switched")
