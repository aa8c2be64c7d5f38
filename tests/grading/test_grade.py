"""grade: planted methods get the grades that they deserve, whatever else happens."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from minitorch_viz.errors import MinitorchVizError, SettingError
from minitorch_viz.grading import Case, Grades, grade, grader, harness, methods
from minitorch_viz.grading.grades import _readable
from minitorch_viz.grading.methods import BASELINES, Method, find_methods
from minitorch_viz.grading.metrics import METRICS
from minitorch_viz.net import Net
from minitorch_viz.techniques import techniques

QUICK = {"steps": 6, "checked": 3, "samples": 2, "progress": False}


def fails(error: BaseException):
    raise error


PLANTED = {  # (model, picture, class) -> map
    # what the net looks at: the light of the class's colour
    "right": lambda model, image, target: image[..., 2 * target] / 255,
    # light of any colour, whatever is asked
    "both": lambda model, image, target: image.max(axis=2) / 255,
    "wrong": lambda model, image, target: image[..., 2 - 2 * target] / 255,
    "blank": lambda model, image, target: np.zeros((12, 12)),
    # the classifier's weights, and nothing else
    "weights": lambda model, image, target: np.sin(RAMP * float(model.net["fc"].layer.weight[target, target])),
    "refuses": lambda model, image, target: fails(SettingError("This method does not like the picture.")),
    "small": lambda model, image, target: np.ones((5, 5)),
}
STOPS = {"stops": lambda model, image, target: fails(KeyboardInterrupt())}
RAMP = np.outer(np.arange(12), np.arange(12))


def plant(monkeypatch, **explains) -> None:
    planted = [Method(name, name, "planted", explain) for name, explain in explains.items()]
    monkeypatch.setattr(harness, "find_methods", lambda model, names: [*planted, *BASELINES])


@pytest.fixture(scope="module")
def grades(colours, cases) -> Grades:
    with pytest.MonkeyPatch.context() as patch:
        plant(patch, **PLANTED)
        return grade(colours, cases=cases, **QUICK)


def mean(grades: Grades, method: str, metric: str) -> float:
    cell = grades.interval("colours", method, metric)
    assert cell is not None
    return cell.mean


@pytest.mark.parametrize(
    ("method", "metric", "value"),
    [
        ("right", "pointing", 1), ("right", "energy", 1), ("right", "iou", 1), ("right", "pointing_several", 1),
        ("right", "contrast", 1), ("right", "sensitivity", pytest.approx(0.02, abs=0.02)),
        ("right", "top", 1), ("right", "all", 1),  # it looks at the picture alone
        ("both", "pointing", 1), ("both", "energy", 1), ("both", "same", 1), ("both", "contrast", 0),
        ("wrong", "pointing_several", 0), ("wrong", "contrast", -1),
        ("weights", "top", pytest.approx(0, abs=0.5)), ("weights", "all", pytest.approx(0, abs=0.5)),
        ("centre", "top", 1), ("edges", "all", 1), ("random", "top", pytest.approx(0, abs=0.2)),
        ("centre", "sensitivity", 0),
    ],
)  # fmt: skip
def test_planted_methods_get_what_they_deserve(grades, method: str, metric: str, value) -> None:
    assert mean(grades, method, metric) == value


@pytest.mark.parametrize("metric", ["pointing", "energy", "iou", "pointing_several", "contrast"])
def test_a_blank_map_gets_chance(grades, metric: str) -> None:
    assert mean(grades, "blank", metric) == pytest.approx(grades.chance_of("colours", metric))


def test_what_the_net_looks_at_wins_the_curves(grades) -> None:
    for other in ("blank", "random", "centre"):
        assert mean(grades, "right", "deletion") < mean(grades, other, "deletion")
        assert mean(grades, "right", "insertion") > mean(grades, other, "insertion")


def test_chance_by_hand(grades, cases) -> None:
    shares = [case.masks[0].mean() for case in cases[:4]]
    np.testing.assert_allclose(grades.chance["colours"]["energy"], shares)
    np.testing.assert_allclose(grades.chance["colours"]["contrast"], 0, atol=1e-12)  # one's loss is the other's gain


def test_a_method_that_fails_says_why_and_the_others_go_on(grades) -> None:
    rows = {row.name: row for row in grades.rows}
    assert rows["refuses"].problem == "This method does not like the picture."
    assert "(5, 5)" in rows["small"].problem
    assert not rows["small"].scores
    assert list(rows) == [*PLANTED, "random", "centre", "edges"]
    assert rows["blank"].blank == 1
    assert rows["right"].blank == 0


def test_the_randomization_is_measured_layer_by_layer(grades) -> None:
    assert grades.layers == {"colours": ("fc", "conv")}
    row = next(row for row in grades.rows if row.name == "weights")
    assert row.cascading.shape == row.independent.shape == (3, 2, 3)
    assert len(row.examples.cascading) == 2
    np.testing.assert_array_equal(row.cascading[:, 0], row.cascading[:, 1])  # the classifier is random in both
    np.testing.assert_array_equal(row.independent[:, 0], row.cascading[:, 0])
    np.testing.assert_allclose(row.independent[:, 1], 1)  # a random convolution leaves the classifier as it is


def test_the_same_seed_gives_the_same_grades(colours, cases) -> None:
    again = [grade(colours, cases=cases, methods=["saliency"], seed=seed, **QUICK) for seed in (3, 3, 4)]
    without_times = [
        [{name: list(v) for name, v in row.scores.items() if name != "milliseconds"} for row in one.rows]
        for one in again
    ]
    assert without_times[0] == without_times[1]
    assert without_times[0] != without_times[2]


def test_every_technique_that_explains_is_found_and_graded(colours, cases) -> None:
    expected = [name for name, one in techniques().items() if one.explains and one.applies(colours) is None]
    found = grade(colours, cases=cases[:1] + cases[-1:], checked=1, steps=2, samples=1, progress=False)
    assert [row.name for row in found.rows] == [*expected, "random", "centre", "edges"]
    assert [row.problem for row in found.rows] == [""] * len(found.rows)
    for row in found.rows:
        assert set(row.scores) == {name for name in METRICS if not name.startswith("box_")}


def test_the_classes_of_one_picture_share_what_they_have_in_common(monkeypatch, colours, cases) -> None:
    """A picture of two classes is covered once and runs forward once for all methods; timed maps share nothing."""
    calls: list[str] = []
    for kind in ("forward", "predict_changed"):
        monkeypatch.setattr(Net, kind, counted(kind, getattr(Net, kind), calls))
    techniques()["occlusion"].compute(colours, cases[0].image)
    squares = calls.count("predict_changed")
    settings = {"cases": cases, "methods": ["occlusion", "saliency"], "steps": 2, "samples": 1, "progress": False}
    calls.clear()
    shared = grade(colours, **settings, checked=0)
    assert calls.count("predict_changed") == squares * len(cases)
    timed, several = len(shared.rows[0].scores["energy"]), len(cases) - len(shared.rows[0].scores["energy"])
    assert calls.count("forward") == 2 * timed + several
    calls.clear()
    shared = grade(colours, **settings, checked=1)
    assert calls.count("forward") == 2 * timed + several + 3 + 2  # three random nets; a noisy picture for each method
    monkeypatch.setattr(grader, "sharing", lambda model, _limit=0: model)
    alone = grade(colours, **settings, checked=1)
    for ours, theirs in zip(shared.rows, alone.rows, strict=True):
        np.testing.assert_array_equal(ours.cascading, theirs.cascading)
        np.testing.assert_array_equal(ours.independent, theirs.independent)
        for name in ours.scores.keys() - {"milliseconds"}:
            np.testing.assert_array_equal(ours.scores[name], theirs.scores[name])


def counted(kind: str, compute, calls: list[str]):
    def count(self: Net, *args: object, **settings: object):
        calls.append(kind)
        return compute(self, *args, **settings)

    return count


def test_a_technique_brings_its_cheaper_settings(monkeypatch, colours, cases) -> None:
    seen, one = [], techniques()["saliency"]

    def compute(model, image, *, target, mode="normal", progress=True):
        seen.append((target, mode, progress))
        return one.compute(model, image, target=target, mode=mode)

    options = {"target": None, "mode": None, "progress": None}
    planted = SimpleNamespace(
        name="cheap", title="", paper="", compute=compute, options=options, in_comparison={"mode": "guided"}
    )
    monkeypatch.setattr(methods, "explainers", lambda model: {"cheap": planted})
    method = find_methods(colours)[0]
    heat = method.explain(colours, cases[0].image, 1)
    assert seen == [("1", "guided", False)]
    assert method.settings == "--mode guided"
    np.testing.assert_array_equal(heat, one.compute(colours, cases[0].image, target=1, mode="guided").heat)


def test_a_technique_is_graded_with_settings_of_ones_own(colours, cases) -> None:
    names = ["saliency:mode=guided", "guided-backprop", "smoothgrad:samples=3,noise=0", "saliency"]
    found = grade(colours, cases=cases, methods=names, **QUICK)
    assert [row.name for row in found.rows][:4] == names
    rows = {row.name: row for row in found.rows}
    for same, as_this in (("saliency:mode=guided", "guided-backprop"), ("smoothgrad:samples=3,noise=0", "saliency")):
        for metric in ("energy", "iou", "contrast", "top"):
            np.testing.assert_allclose(rows[same].scores[metric], rows[as_this].scores[metric], rtol=1e-5)
    assert rows["saliency:mode=guided"].settings == "--mode guided"
    assert [one.name for one in find_methods(colours, ["all"])] == [one.name for one in find_methods(colours)]


def test_ctrl_c_keeps_the_methods_finished(monkeypatch, colours, cases) -> None:
    plant(monkeypatch, right=PLANTED["right"], **STOPS)
    found = grade(colours, cases=cases, **QUICK)
    assert found.interrupted
    assert [row.name for row in found.rows] == ["right"]
    plant(monkeypatch, **STOPS)
    with pytest.raises(KeyboardInterrupt):
        grade(colours, cases=cases, **QUICK)


def test_several_nets_share_a_table(monkeypatch, colours, cases) -> None:
    import dataclasses

    plant(monkeypatch, weights=PLANTED["weights"])
    twin = dataclasses.replace(colours, name="twin")
    found = grade([colours, twin], cases=cases, **QUICK)
    assert [(row.net, row.name) for row in found.rows][::4] == [("colours", "weights"), ("twin", "weights")]
    assert "weights (twin)" in str(found)


def test_the_table_and_the_json_hold_the_same(grades, tmp_path) -> None:
    saved = json.loads(grades.save(tmp_path / "grades.json").read_text(encoding="utf-8"))
    for line, row in zip(grades.table(), saved["rows"], strict=True):
        assert (line["net"], line["method"], line["baseline"]) == (row["net"], row["method"], row["baseline"])
        for metric in grades.metrics:
            cell = line[metric.name]
            assert (cell is None) == (metric.name not in row["scores"])
            if cell is not None:
                assert row["scores"][metric.name]["mean"] == pytest.approx(cell.mean, rel=1e-5)
                assert np.mean(row["scores"][metric.name]["scores"]) == pytest.approx(cell.mean, rel=1e-4, abs=1e-9)
    assert saved["settings"]["seed"] == 0
    assert saved["chance"]["colours"]["energy"] == pytest.approx(grades.chance_of("colours", "energy"), rel=1e-5)


def test_the_json_is_json_whatever_its_words() -> None:
    content = {"a": ["[ two  spaces ]", "a\n  b", '"quoted", '], "b": [1.5, None], "c": [[1, 2], []], "d": {"e": []}}
    assert json.loads(_readable(content)) == content
    assert '"b": [1.5, null]' in _readable(content)


def test_scenes_are_graded_by_a_net_that_knows_them() -> None:
    from minitorch_viz import load_model

    model = load_model("scenes")
    found = grade(model, methods=["saliency"], scenes=6, checked=1, steps=2, samples=1, progress=False)
    single, several = found.settings["kept"]["scenes"]
    assert 4 <= single <= 6
    assert 3 <= several <= 6
    assert mean_of(found, "saliency", "energy") > mean_of(found, "random", "energy")


def mean_of(grades: Grades, method: str, metric: str) -> float:
    cell = grades.interval("scenes", method, metric)
    assert cell is not None
    return cell.mean


ONE = np.ones((1, 12, 12), bool)
IMAGE = np.zeros((12, 12, 3), np.uint8)
BAD = [
    (lambda m, c: grade(None), "grade needs a Model"),
    (lambda m, c: grade([]), "grade needs a Model"),
    (lambda m, c: grade("scenes"), "load_model"),
    (lambda m, c: grade([m, m], cases=c), "different names"),
    (lambda m, c: grade(m), "cannot be graded on scenes"),
    (lambda m, c: grade(m, cases=[]), "at least one Case"),
    (lambda m, c: grade(m, cases="case"), "'case'"),
    (lambda m, c: grade(m, cases=[IMAGE]), "at least one Case"),
    (lambda m, c: grade(m, cases=c, methods=[]), "at least one technique"),
    (lambda m, c: grade(m, cases=c, methods="saliency"), "'saliency'"),
    (lambda m, c: grade(m, cases=c, methods=["salency"]), "near techniques: saliency"),
    (lambda m, c: grade(m, cases=c, methods=["activation-maps"]), "no technique that explains"),
    (lambda m, c: grade(m, cases=c, methods=[3]), "3"),
    (lambda m, c: grade(m, cases=c, methods=["lrp:rul=epsilon"]), "near settings: rule"),
    (lambda m, c: grade(m, cases=c, methods=["lrp:rule=epsilo"]), "epsilon"),
    (lambda m, c: grade(m, cases=c, methods=["lrp:gamma=much"]), "must be one of float"),
    (lambda m, c: grade(m, cases=c, methods=["smoothgrad:samples=2.5"]), "one of int"),
    (lambda m, c: grade(m, cases=c, methods=["excitation-backprop:contrastive=perhaps"]), "true, yes, false, no"),
    (lambda m, c: grade(m, cases=c, methods=["saliency:target=1"]), "no setting 'target'"),
    (lambda m, c: grade(m, cases=c, methods=["saliency:"]), "no setting ''"),
    (lambda m, c: grade(m, cases=c, tolerance=-1), "tolerance"),
    (lambda m, c: grade(m, cases=c, steps=0), "steps"),
    (lambda m, c: grade(m, cases=c, checked=-1), "checked"),
    (lambda m, c: grade(m, cases=c, samples=0), "samples"),
    (lambda m, c: grade(m, cases=c, layers=1), "stops"),
    (lambda m, c: grade(m, cases=c, seed=-1), "seed"),
    (lambda m, c: grade(m, scenes=1), "scenes"),
    (lambda m, c: grade(m, scenes=2.5), "2.5"),
    (lambda m, c: Case(IMAGE, (0,), np.ones((12, 12))), "(n, h, w)"),
    (lambda m, c: Case(IMAGE, (), ONE), "a class of its own"),
    (lambda m, c: Case(IMAGE, (0, 0), np.concatenate([ONE, ONE])), "a class of its own"),
    (lambda m, c: Case(IMAGE, (0, 1), np.concatenate([ONE, ONE])), "no two masks"),
    (lambda m, c: Case(IMAGE, (0,), ~ONE), "at least one pixel"),
]


@pytest.mark.parametrize(("call", "words"), BAD)
def test_bad_input_gets_a_sentence(call, words: str, colours, cases) -> None:
    with pytest.raises(MinitorchVizError) as caught:
        call(colours, cases)
    assert words in str(caught.value)
    assert str(caught.value).endswith(".")


def test_grades_are_saved_as_pages_or_numbers(grades, tmp_path) -> None:
    for name in ("grades.txt", "grades", "grades.png"):
        with pytest.raises(SettingError, match=r"\.html or \.json"):
            grades.save(tmp_path / name)
    assert not list(tmp_path.iterdir())
