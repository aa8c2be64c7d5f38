"""A learned prior: what a net likes best among all pictures, and among those that a generator can draw.

Run it as a script, or cell by cell in an editor that knows `# %%`. Net and generator come with the package.
"""

# %% The best picture of each digit among all pictures: the net is sure of every one, and no person is.
from minitorch_viz import load_model
from minitorch_viz.techniques import class_model

model = load_model("mnist")
plain = class_model(model, preset="none", steps=200, start="noise")
plain.save("without_a_prior.png")

# %% The same steps on the 64 numbers from which a generator draws. It learned to draw digits, and knows no classes.
drawn = class_model(model, preset="dgn", steps=200)
drawn.save("learned_prior.png")

# %% The other half of the same net reads a digit's code. Half way between two codes lies another digit.
import numpy as np  # noqa: E402 (a notebook imports where it needs)

generator = load_model("mnist_autoencoder").net
codes = generator.predict(drawn.pixels.transpose(0, 3, 1, 2).astype(np.float32) / 255, upto="code")
ways = [(1 - t) * codes[1] + t * codes[7] for t in np.linspace(0, 1, 6, dtype=np.float32)]  # from the 1 to the 7
pictures = generator.predict(given={"code": np.stack(ways)}, upto="output")
for row in np.hstack(list(pictures[:, 0]))[4:26:2, ::2]:
    print("".join(" .:+#"[int(4.99 * ink)] for ink in row))
