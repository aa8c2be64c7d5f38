"""What a net's scores mean: known from its end, guessed with a note, or said; and what follows in every technique."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from safetensors.numpy import save_file

from minitorch_viz import Model, Net, load_model
from minitorch_viz.errors import SettingError, ShapeError, WeightsFileError
from minitorch_viz.layers import (
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    Linear,
    LogSoftmax,
    MaxPool2d,
    ReLU,
    Sigmoid,
    Softmax,
)
from minitorch_viz.models import Prediction, get_spec
from minitorch_viz.models.scores import Classes, Labels, Maps, Numbers, YesNo
from minitorch_viz.techniques.activations.occlusion import occlusion
from minitorch_viz.techniques.base import explainers
from minitorch_viz.techniques.gradients.compare import compare
from minitorch_viz.techniques.gradients.excitation_backprop import excitation_backprop
from minitorch_viz.techniques.gradients.grad_cam import grad_cam
from minitorch_viz.techniques.gradients.integrated_gradients import integrated_gradients
from minitorch_viz.techniques.gradients.lrp import lrp
from minitorch_viz.techniques.gradients.saliency import saliency

PHOTO = np.random.default_rng(5).integers(0, 256, (8, 8, 3), dtype=np.uint8)


def net(outputs: int, *end: tuple, seed: int = 0) -> Net:
    """Convolution, ReLU, mean, linear layer, and what comes after the scores."""
    rng = np.random.default_rng(seed)
    head = Linear(3 * rng.standard_normal((outputs, 5)), rng.standard_normal(outputs))
    conv = Conv2d(rng.standard_normal((5, 3, 3, 3)), rng.standard_normal(5), padding=1)
    nodes = [("conv", conv), ("relu", ReLU()), ("gap", GlobalAvgPool2d()), ("flat", Flatten()), ("fc", head)]
    return Net([*nodes, *end])


def maps_net(*end: tuple, outputs: int = 3) -> Net:
    """A convolution for each output, and then nothing but what is named."""
    weight = np.random.default_rng(1).standard_normal((outputs, 3, 3, 3))
    return Net([("conv", Conv2d(weight, padding=1)), *end])


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def softmax(values: list[float]) -> list[float]:
    total = sum(math.exp(value) for value in values)
    return [math.exp(value) / total for value in values]


GAP, FLAT = ("pool", GlobalAvgPool2d()), ("flatten", Flatten())
ENDS = [  # net, kind, node of the scores, whether it is a guess
    (net(3, ("p", Softmax())), Classes(), "fc", False),
    (net(3, ("p", LogSoftmax())), Classes(), "fc", False),
    (net(4, ("p", Sigmoid())), Labels(), "fc", False),
    (net(1, ("p", Sigmoid())), YesNo(), "fc", False),
    (net(3), Classes(), "fc", True),
    (net(1), YesNo(), "fc", True),
    (net(1, ("p", Softmax())), YesNo(), "fc", True),  # a softmax of one score is always 1
    (net(2, ("d", Dropout()), ("p", Sigmoid())), Labels(), "d", False),
    (net(2, ("p", Sigmoid()), ("f", Flatten())), Labels(), "fc", False),
    (maps_net(GAP, ("p", Softmax()), FLAT), Classes(squashed=True), "flatten", False),
    (maps_net(GAP, ("p", Sigmoid()), FLAT), Labels(squashed=True), "flatten", False),
    (maps_net(("p", Sigmoid()), GAP, FLAT, outputs=1), YesNo(squashed=True), "flatten", False),
    (maps_net(("p", Softmax()), ("pool", MaxPool2d(8)), FLAT), Classes(squashed=True), "flatten", False),
    (maps_net(GAP, FLAT, ("p", Softmax())), Classes(), "flatten", False),
    (maps_net(), Maps(), "", True),
    (maps_net(("p", Softmax())), Maps(), "", True),
    (maps_net(("p", Sigmoid()), outputs=1), Maps(), "", True),
]


@pytest.mark.parametrize(("ending", "scores", "logits", "guess"), ENDS, ids=range(len(ENDS)))
def test_the_end_of_a_net_tells_what_its_scores_are(ending: Net, scores, logits: str, guess: bool) -> None:
    model = Model.from_net(ending, 8)
    assert (model.scores, model.logits) == (scores, logits)
    assert bool(model.notes) == guess
    if logits:  # with the Softmax or Sigmoid in the net, its own last values are the right probabilities
        x = model.preprocess(PHOTO)
        last, raw = ending.predict(x)[0].ravel(), ending.predict(x, upto=logits)[0].tolist()
        squashes = {type(node.layer) for node in ending.nodes} & {Softmax, Sigmoid}
        by_hand = [sigmoid(one) for one in raw] if isinstance(scores, Labels) else softmax(raw)
        expected = last if squashes and not guess else by_hand
        np.testing.assert_allclose(model.predict_probabilities(x)[0], expected, rtol=1e-12)


@pytest.mark.parametrize("node", ["p", "fc"])
@pytest.mark.parametrize("layer", [Softmax(), Sigmoid(), LogSoftmax()], ids=lambda layer: type(layer).__name__)
def test_a_named_node_is_squashed_once(node: str, layer) -> None:
    """Naming the Softmax itself as the scores gives its values, not the softmax of them."""
    ending = net(3, ("p", layer))
    model = Model.from_net(ending, 8, logits=node)
    raw = ending.predict(model.preprocess(PHOTO), upto="fc")[0].tolist()
    expected = [sigmoid(one) for one in raw] if isinstance(layer, Sigmoid) else softmax(raw)
    np.testing.assert_allclose(model.predict_probabilities(model.preprocess(PHOTO))[0], expected, rtol=1e-12)


def test_what_is_said_comes_before_what_is_guessed() -> None:
    for scores, kind in (("labels", Labels()), ("numbers", Numbers()), ("classes", Classes())):
        model = Model.from_net(net(3), 8, scores=scores)
        assert (model.scores, model.notes) == (kind, ())
    model = Model.from_net(net(2), 8, scores="numbers")
    raw = model.net.predict(model.preprocess(PHOTO))[0]
    np.testing.assert_array_equal(model.predict_answers(model.preprocess(PHOTO))[0], raw)
    assert model.classify(PHOTO) == [Prediction(i, f"output {i}", None) for i in range(2)]
    assert [answer.number for answer in model.classify(PHOTO)] == raw.tolist()
    assert str(Prediction(0, "angle", None, 37.25)) == "angle (0) 37.25"
    with pytest.raises(SettingError, match="plain numbers and no probabilities"):
        model.predict_probabilities(model.preprocess(PHOTO))


@pytest.mark.parametrize(
    ("outputs", "scores", "message"),
    [
        (3, "yes-no", "'yes-no' is for one score, but 'fc' gives 3; say 'labels'"),
        (1, "classes", "whose softmax is always 1"),
        (3, "maps", "'fc' gives 3 numbers"),
        (3, "label", "scores is 'label'; near names: labels"),
        (3, 3, "scores is 3"),
        (3, Labels, "scores is <class"),
    ],
)
def test_kinds_that_cannot_be(outputs: int, scores, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        Model.from_net(net(outputs), 8, scores=scores)


def test_maps_are_taken_but_have_no_classes() -> None:
    model = Model.from_net(maps_net(), 8, class_names=["road", "sky", "tree"])
    assert model.class_names == ("road", "sky", "tree")
    with pytest.raises(SettingError, match="maps"):
        Model.from_net(maps_net(), 8, class_names=["road"])
    with pytest.raises(SettingError, match="no classifier"):
        model.classify(PHOTO)
    with pytest.raises(SettingError, match="segment tells which channel wins where"):
        model.classify(PHOTO)
    with pytest.raises(SettingError, match="sea"):
        saliency(model, PHOTO, target="sea")
    assert saliency(model, PHOTO, target="sky").label.startswith('conv channel "sky" (1) ')
    assert saliency(model, PHOTO).label.startswith("conv channel")
    assert Model.from_net(maps_net(("p", Sigmoid())), 8, logits="conv", scores="maps").scores == Maps()
    with pytest.raises(ShapeError, match="say scores='maps'"):
        Model.from_net(maps_net(), 8, logits="conv")


# ------------------------------------------------------------------ one question, and labels


def turned(model: Model, **changes) -> Model:
    """The same net with its last layer negated: what asks for "not dog" in "dog"."""
    head = model.net["fc"].layer
    opposite = model.net.with_params({"fc.weight": -head.weight, "fc.bias": -head.bias})
    names = list(model.class_names)
    return Model.from_net(opposite, 8, class_names=names, scores=model.scores.name, **changes)


def asked(outputs: int, seed: int) -> Model:
    scores = "yes-no" if outputs == 1 else "labels"
    return Model.from_net(net(outputs, seed=seed), 8, class_names=["dog", "cat", "sky"][:outputs], scores=scores)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("outputs", [1, 3])
def test_the_opposite_is_explained_as_by_the_net_with_a_negated_end(outputs: int, seed: int) -> None:
    model = asked(outputs, seed)
    other = turned(model)
    for explain in (
        lambda net, target: saliency(net, PHOTO, target=target).gradients["normal"],
        lambda net, target: grad_cam(net, PHOTO, target=target).signed,
        lambda net, target: lrp(net, PHOTO, target=target, rule="epsilon").relevance["epsilon"],
        lambda net, target: excitation_backprop(net, PHOTO, target=target, layer="relu").signed,
        lambda net, target: excitation_backprop(net, PHOTO, target=target, layer="relu", contrastive=False).signed,
        lambda net, target: integrated_gradients(net, PHOTO, target=target).signal,
        lambda net, target: occlusion(net, PHOTO, target=target, size=3).values,
    ):
        theirs = explain(other, "dog")
        np.testing.assert_allclose(explain(model, "not dog"), theirs, rtol=1e-9, atol=1e-9 * np.abs(theirs).max())
    result = saliency(model, PHOTO, target="not dog")
    assert "not dog" in result.label
    score = float(model.net.predict(model.preprocess(PHOTO))[0, 0])
    assert result.value == pytest.approx(-score)
    assert f"probability {sigmoid(-score):.3g}" in result.caption


def test_two_targets_of_which_one_is_an_opposite() -> None:
    model = asked(3, 0)
    both = excitation_backprop(model, PHOTO, target=["cat", "not dog"], layer="relu")
    for index, target in enumerate(("cat", "not dog")):
        alone = excitation_backprop(model, PHOTO, target=target, layer="relu")
        np.testing.assert_allclose(both.signed[index], alone.signed[0], atol=1e-12)


def test_a_class_called_not_something_is_that_class() -> None:
    named = Model.from_net(net(2), 8, class_names=["dog", "not dog"], scores="labels")
    assert saliency(named, PHOTO, target="not dog").label == 'label "not dog" (1)'
    hot = Model.from_net(net(2, ("p", Softmax())), 8, class_names=["hot dog", "not hot dog"])
    assert saliency(hot, PHOTO, target="Not Hot Dog").label == 'class "not hot dog" (1)'


@pytest.mark.parametrize(
    ("model", "target", "message"),
    [
        (Model.from_net(net(3, ("p", Softmax())), 8, class_names=["a", "b", "c"]), "not a", "exclude one another"),
        (Model.from_net(net(1), 8, class_names=["angle"], scores="numbers"), "not angle", "plain numbers"),
        (asked(3, 0), "not elephant", "no class 'elephant'"),
        (asked(3, 0), "not", "no class 'not'"),
        (asked(3, 0), ["cat", "dog"], "One class is explained at a time, but target names 2"),
        (asked(3, 0), [], "empty list"),
    ],
)
def test_opposites_and_lists_that_there_are_not(model: Model, target, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        saliency(model, PHOTO, target=target)


@pytest.mark.parametrize("target", [[2, 0], ["sky", "dog"], (2, "dog"), "sky,dog", "2, dog", np.array([2, 0])])
def test_several_targets_in_a_list_or_with_commas(target) -> None:
    assert grad_cam(asked(3, 0), PHOTO, target=target).labels == ('label "sky" (2)', 'label "dog" (0)')


@pytest.mark.parametrize("outputs", [1, 3])
def test_occlusion_measures_the_sigmoid(outputs: int) -> None:
    model = asked(outputs, 1)
    result = occlusion(model, PHOTO, target="dog", size=4, stride=4, fill="black")
    for row, top in enumerate(result.tops):
        for column, left in enumerate(result.lefts):
            covered = PHOTO.copy()
            covered[top : top + 4, left : left + 4] = 0
            score = float(model.net.predict(model.preprocess(covered))[0, 0])
            assert result.values[row, column] == pytest.approx(sigmoid(score), rel=1e-9)
    assert result.kind == "probability"
    assert (result.best is None) == (outputs == 1)
    result.figure()


def test_occlusion_of_plain_numbers() -> None:
    model = Model.from_net(net(2), 8, scores="numbers")
    result = occlusion(model, PHOTO, target=1, size=8, fill="black")
    black = model.net.predict(model.preprocess(np.zeros_like(PHOTO)))[0, 1]
    assert result.values[0, 0] == pytest.approx(black)
    assert "probab" not in result.caption
    assert 'output "output 1" (1), value' in result.caption


def test_an_even_drop_is_not_called_sure() -> None:
    """A net that sees only the mean colour loses the same wherever a white picture is covered."""
    head = Linear(np.array([[8.0]]), np.array([-4.0]))
    mean = [("c", Conv2d(np.full((1, 3, 1, 1), 1 / 3))), GAP, FLAT, ("fc", head)]
    model = Model.from_net(Net(mean), 8, class_names=["light"])
    result = occlusion(model, np.full_like(PHOTO, 255), size=4, stride=4, fill="black")
    np.testing.assert_allclose(result.values, sigmoid(2), rtol=1e-9)
    assert result.base == pytest.approx(sigmoid(4))
    assert result.notes == (
        f"The map is even: wherever the square stands, it changes the probability by {sigmoid(2) - sigmoid(4):+.3g}.",
        "No ReLU lies on the way, so the deconvnet's and the guided mode have nothing to change: they are the "
        "gradient.",
    )


def test_compare_sets_a_single_question_against_its_opposite() -> None:
    result = compare(asked(1, 0), PHOTO, only="grad-cam,saliency")
    assert "not dog" in result.other_label
    assert "sign turned" in result.notes[0]
    assert "Hardly change" not in " ".join(result.notes)
    model = turned(asked(1, 0))
    np.testing.assert_allclose(result.other_maps[0], grad_cam(model, PHOTO).heat, atol=1e-12)
    assert compare(Model.from_net(net(1), 8, scores="numbers"), PHOTO, only="saliency").other_maps is None


@pytest.mark.parametrize("scores", ["labels", "numbers", "yes-no", "classes"])
def test_every_explanation_says_what_it_explains(scores: str) -> None:
    outputs = 1 if scores == "yes-no" else 2
    model = Model.from_net(net(outputs), 8, scores=scores)
    for technique in explainers(model).values():
        caption = technique.compute(model, PHOTO, **technique.in_comparison).caption
        assert ("probability" in caption) == (scores != "numbers"), technique.name


# ------------------------------------------------------------------ in files


@pytest.mark.parametrize(
    ("classes", "said", "kind"),
    [(1, None, YesNo()), (1, "numbers", Numbers()), (3, None, Classes()), (3, "labels", Labels())],
)
def test_a_weights_file_and_the_json_beside_it(tmp_path, classes: int, said: str | None, kind) -> None:
    path = tmp_path / "tinyvgg.safetensors"
    save_file(get_spec("tinyvgg").build(classes=classes, seed=0).state, path)
    if said:
        path.with_suffix(".json").write_text(json.dumps({"scores": said}))
    model = load_model("tinyvgg", weights=path)
    assert model.scores == kind
    guess, names = "taken as a sigmoid's", "has 1 class of its own" if classes == 1 else "has 3 classes of its own"
    assert [guess in note for note in model.notes] == [False, True][: len(model.notes)]
    assert len(model.notes) == 1 + (classes == 1 and said is None)
    assert names in model.notes[0]


@pytest.mark.parametrize("said", ["yes-no", "maps", "softmax", 3, None, ["labels"]])
def test_a_json_that_says_what_cannot_be(tmp_path, said: object) -> None:
    path = tmp_path / "tinyvgg.safetensors"
    save_file(get_spec("tinyvgg").build(classes=3, seed=0).state, path)
    path.with_suffix(".json").write_text(json.dumps({"scores": said}))
    with pytest.raises(WeightsFileError, match=r"tinyvgg\.json"):
        load_model("tinyvgg", weights=path)


def test_a_binary_net_with_two_names_is_told_which_to_give() -> None:
    with pytest.raises(SettingError, match="give the name of yes, 'dog'"):
        Model.from_net(net(1), 8, class_names=["cat", "dog"])


@pytest.mark.parametrize(
    ("scores", "outputs", "words"),
    [("classes", 2, "2 classes"), ("labels", 3, "3 labels"), ("yes-no", 1, "1 class"), ("numbers", 2, "2 outputs")],
)
def test_the_short_form_says_what_the_scores_are(scores: str, outputs: int, words: str) -> None:
    assert f", {words}, " in repr(Model.from_net(net(outputs), 8, scores=scores))


@pytest.mark.parametrize("names", [["7"], ["2", "0", "1"], ["1", "0"]])
def test_opposites_of_labels_whose_names_are_numbers(names: list[str]) -> None:
    model = Model.from_net(net(len(names)), 8, class_names=names, scores="labels")
    assert bool(model.notes) == (len(names) > 1)
    for number, name in enumerate(names):
        result = saliency(model, PHOTO, target=f"not {name}")
        assert f'"not {name}" (the opposite of {number})' in result.label
    result = compare(model, PHOTO, target=0, other=f"not {names[0]}", only="grad-cam")
    np.testing.assert_allclose(result.other_maps[0], grad_cam(model, PHOTO, target=f"not {names[0]}").heat)
