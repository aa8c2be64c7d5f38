"""First pictures: three ways back through the ReLUs, and what happens when a place is covered.

Run it as a script, or cell by cell in an editor that knows `# %%`. It uses the net that comes with the package.
"""

# %% The net, and a picture it has never seen
from minitorch_viz import load_model
from minitorch_viz.models.samples import sample_images

model = load_model("digits")
name, image = sample_images(model)[0]
print(name)
for answer in model.classify(image, top=3):
    print(f"  {answer.name}: {answer.probability:.3f}")

# %% Which pixels would change the score? Three answers, one backward pass each.
from minitorch_viz.techniques import saliency  # noqa: E402 (a notebook imports where it needs)

saliency(model, image, mode="compare").save("saliency.png")

# %% What does the answer depend on? Cover one place after another.
from minitorch_viz.techniques import occlusion  # noqa: E402

result = occlusion(model, image, size=3, stride=1)
result.save("occlusion.png")
print(f"With the worst place covered the probability is {result.values.min():.3f} instead of {result.base:.3f}.")

# %% The engine underneath: a tape holds every array of the forward pass by name.
x = model.preprocess(image)
tape = model.net.forward(x)
print(tape)
