"""Your own net: build it, train it, say what its score means, look at what it sees, and keep it in one file.

Run it as a script, or cell by cell in an editor that knows `# %%`. It takes a few seconds and needs no download.
"""

# %% A question of our own: has the digit a closed loop? The pictures come with scikit-learn.
import numpy as np

from minitorch_viz.data import load_digits

training, test = load_digits()
LOOPS = [0, 6, 8, 9]


def question(data):
    """Pictures (N, 1, 8, 8) from 0 to 1, and the right answers (N, 1), 0 or 1."""
    images = data.images.reshape(len(data), 1, 8, 8).astype(np.float32) / 255
    return images, np.isin(data.labels, LOOPS).astype(np.float32)[:, None]


# %% The net: named layers, each reads from the one before. One score is the answer.
from minitorch_viz import Model, Net, load_model  # noqa: E402 (a notebook imports where it needs)
from minitorch_viz.layers import Flatten, GlobalAvgPool2d, MaxPool2d, ReLU, Sigmoid  # noqa: E402
from minitorch_viz.models import Params, describe  # noqa: E402

p = Params(seed=0)
net = Net(
    [
        p.conv("conv1", 1, 16, 3, padding=1),
        ("relu1", ReLU()),
        p.conv("conv2", 16, 32, 3, padding=1),
        ("relu2", ReLU()),
        ("pool", MaxPool2d(2)),
        p.conv("conv3", 32, 32, 3, padding=1),
        ("relu3", ReLU()),
        ("mean", GlobalAvgPool2d()),
        ("flat", Flatten()),
        p.linear("score", 32, 1),
        ("answer", Sigmoid()),
    ]
)

# %% Training: the loss looks at the score, before the sigmoid.
from minitorch_viz.training import Adam, BinaryCrossEntropy, fit  # noqa: E402

fitted = fit(
    net,
    *question(training),
    rng=np.random.default_rng(0),
    epochs=12,
    optimizer=Adam(3e-3),
    loss=BinaryCrossEntropy(),
    logits="score",
    validation=question(test),
    progress=False,
)

# %% A model is a net that takes pictures and whose scores have names. That this one answers yes or no, its end tells.
model = Model.from_net(fitted.net, size=8, class_names=["loop"], name="loops")
print(describe(model))
images, answers = question(test)
share = float(((model.predict_probabilities(images) > 0.5) == (answers > 0.5)).mean())
print(f"{share:.1%} of {len(test)} test pictures right")

# %% What speaks for a loop, and what against one? The opposite of a yes-or-no score can be explained, too.
from minitorch_viz.models.samples import sample_digit  # noqa: E402
from minitorch_viz.techniques.gradients.grad_cam import grad_cam  # noqa: E402

nine = sample_digit(9)
print(model.classify(nine))
result = grad_cam(model, nine, target=["loop", "not loop"])
result.save("loops.png")
print(result.caption)

# %% One file keeps all of it. Every command takes it: minitorch-viz report photo.png --model loops.safetensors
model.save("loops.safetensors")
print(load_model("loops.safetensors"))
