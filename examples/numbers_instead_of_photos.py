"""Numbers instead of photos: a table and a series, explained by the same techniques, drawn as bars and curves.

Run it as a script, or cell by cell in an editor that knows `# %%`. It takes a few seconds and needs no download: the
table of irises comes with scikit-learn, the series are generated.
"""

# %% A table: four measures of each of 150 irises, of three kinds.
import numpy as np
from sklearn.datasets import load_iris

from minitorch_viz import Model, Net
from minitorch_viz.layers import ReLU
from minitorch_viz.models import Numbers, Params
from minitorch_viz.training import Adam, fit

iris = load_iris()
mean, std = iris.data.mean(axis=0), iris.data.std(axis=0)
names = [name.replace(" (cm)", "") for name in iris.feature_names]

p = Params(seed=0)
net = Net([p.linear("fc1", 4, 16), ("relu", ReLU()), p.linear("fc2", 16, 3)])
standardized = ((iris.data - mean) / std).astype(np.float32)
fitted = fit(
    net, standardized, iris.target, rng=np.random.default_rng(0), epochs=40, optimizer=Adam(1e-2), progress=False
)

# %% The reader says how a row is prepared, and what its columns are called; class names are those of the kinds.
reader = Numbers(4, mean=mean, std=std, names=names)
model = Model.from_net(fitted.net, readers=reader, class_names=list(iris.target_names), name="iris")
flower = iris.data[100]
print(model.classify(flower))

# %% What the score of this flower is made of: its shares add up to the rise from the average flower.
from minitorch_viz.techniques import get_technique  # noqa: E402 (a notebook imports where it needs)

shares = get_technique("integrated-gradients").compute(model, flower, baseline="mean")
shares.save("iris-shares.png")
print(dict(zip(names, shares.heat.round(2).tolist(), strict=True)))

# %% What the answer depends on: one column at a time is replaced by its average.
get_technique("occlusion").compute(model, flower).save("iris-occlusion.png")

# %% A series: a bump on a noisy line says "up" or "down". Two numbers a step; only the first one holds the bump.
from minitorch_viz.layers import AdaptiveAvgPool1d, Conv1d, Flatten  # noqa: E402

STEPS = 60


def series(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return series (count, 2, STEPS) and what they are, 1 for "up" and 0 for "down"."""
    kinds = rng.integers(0, 2, count)
    middles = rng.uniform(12, STEPS - 12, count)
    bumps = np.exp(-(((np.arange(STEPS) - middles[:, None]) / 4) ** 2)) * (2 * kinds - 1)[:, None]
    numbers = 0.25 * rng.standard_normal((count, 2, STEPS))
    numbers[:, 0] += 1.5 * bumps
    return numbers.astype(np.float32), kinds


rng = np.random.default_rng(0)
nodes = [
    ("conv1", Conv1d.random(rng, 2, 8, 7, padding=3)),
    ("relu1", ReLU()),
    ("conv2", Conv1d.random(rng, 8, 16, 7, padding=3)),
    ("relu2", ReLU()),
    ("mean", AdaptiveAvgPool1d(1)),
    ("flat", Flatten()),
    p.linear("fc", 16, 2),
]
fitted = fit(Net(nodes), *series(400, rng), rng=rng, epochs=8, optimizer=Adam(1e-2), progress=False)

# %% The net's first layer tells that it takes series of two numbers a step; every technique knows the rest.
model = Model.from_net(fitted.net, STEPS, class_names=["down", "up"], name="bumps")
example, kind = series(1, np.random.default_rng(5))
print(model.classify(example[0]), "- it is", model.class_names[kind[0]])
for name in ("grad-cam", "integrated-gradients", "occlusion"):
    get_technique(name).compute(model, example[0]).save(f"bump-{name}.png")

# %% The same from the command line: a file that `model.save` wrote, and a .npy file.
model.save("bumps.safetensors")
np.save("bump.npy", example[0])
print("minitorch-viz saliency bump.npy --model bumps.safetensors")
