"""A segmentation net of your own: trained on generated scenes, and asked what it looks at where it sees a car.

Run it as a script, or cell by cell in an editor that knows `# %%`. It takes a minute or two and needs no download.
"""

# %% Pictures with cars, trees and houses, of which the kind of every pixel is known.
import numpy as np

from minitorch_viz.data.scenes import KINDS, scene, scenes

NAMES = ["background", "car", "tree", "house"]
NUMBERS = np.array([NAMES.index(kind) if kind in NAMES else 0 for kind in KINDS])


def pictures(count, seed):
    """Pictures (N, 3, 48, 48) from 0 to 1, and the kind of each pixel (N, 48, 48), a number of NAMES."""
    data = scenes(count, seed, size=48, kinds=NAMES[1:])
    return data.images.transpose(0, 3, 1, 2).astype(np.float32) / 255, NUMBERS[data.kind_map]


# %% A U-Net: down to a quarter of the size and up again, with skip connections between maps of one size.
from minitorch_viz import Model, Net  # noqa: E402 (a notebook imports where it needs)
from minitorch_viz.layers import Concat, MaxPool2d, ReLU, UpsampleBilinear  # noqa: E402
from minitorch_viz.models import Params  # noqa: E402

p = Params(seed=0)


def block(name, channels, out):
    """A convolution and its ReLU."""
    return [p.conv(f"{name}_conv", channels, out, 3, padding=1), (name, ReLU())]


net = Net(
    [
        *block("down1", 3, 12),
        ("pool1", MaxPool2d(2)),
        *block("down2", 12, 24),
        ("pool2", MaxPool2d(2)),
        *block("middle1", 24, 32),
        *block("middle2", 32, 32),
        ("up2", UpsampleBilinear(2)),
        ("skip2", Concat(), ("up2", "down2")),
        *block("fuse2", 56, 24),
        ("up1", UpsampleBilinear(2)),
        ("skip1", Concat(), ("up1", "down1")),
        *block("fuse1", 36, 12),
        p.conv("kinds", 12, len(NAMES), 1),
    ]
)

# %% Training: the loss is the mean over all pixels.
from minitorch_viz.training import Adam, fit  # noqa: E402

fitted = fit(
    net,
    *pictures(1200, seed=0),
    rng=np.random.default_rng(0),
    epochs=16,
    batch=16,
    optimizer=Adam(3e-3),
    validation=pictures(60, seed=1),
    progress=False,
)

# %% A model is a net that takes pictures. That this one ends in maps, its end tells; the channels have names.
model = Model.from_net(fitted.net, size=48, class_names=NAMES, name="parts")
images, truth = pictures(100, seed=2)
answers = fitted.net.predict(images, batch=20).argmax(axis=1)
for number, name in enumerate(NAMES):
    both = ((answers == number) & (truth == number)).sum() / ((answers == number) | (truth == number)).sum()
    print(f"{name}: intersection over union {both:.2f}")

# %% What wins where, and why car, where it sees a car? The sum of the car's scores over those places is explained.
# A kind may win with a score below 0, where the others are lower still: then hardly anything speaks for it.
from minitorch_viz.techniques import grad_cam, saliency  # noqa: E402

photo = scene(4, seed=3, size=48, objects=3, kinds=NAMES[1:]).image
print(model.segment(photo))
result = grad_cam(model, photo, target=["car", "house", "tree"], scale="each")
result.save("segmentation.png")
print(result.caption)

# %% The same of a part of the picture: of one place, a rectangle, what a mask marks, or of the whole map.
print(saliency(model, photo, target="car", region=(24, 0, 48, 24)).label)
print(saliency(model, photo, target="car", position=(30, 20)).label)
print(saliency(model, photo, target="car", mask="all").label)

# %% One file keeps all of it: minitorch-viz report photo.png --model parts.safetensors --target car
model.save("parts.safetensors")
