"""What every technique that loops must do, run over the registry: a new loop is tested by being there."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from minitorch_viz import Model, load_model
from minitorch_viz.cli import main
from minitorch_viz.errors import SettingError
from minitorch_viz.models import samples
from minitorch_viz.techniques import Result, Technique, run, state, techniques
from minitorch_viz.techniques.explain import reading
from minitorch_viz.techniques.recurrent import _cell_search_clamp, _cell_search_corpus

ALL = [technique for technique in techniques().values() if technique.loop]
GOING_ON = [technique for technique in ALL if technique.loop.goes_on]
each = pytest.mark.parametrize("technique", ALL, ids=lambda technique: technique.name)
going_on = pytest.mark.parametrize("technique", GOING_ON, ids=lambda technique: technique.name)


# Of those that take long a shorter run.
SHORT: dict[str, dict[str, Any]] = {
    "adversarial": {"count": 6, "steps": 4, "restarts": 2, "climbs": 8},
    "evolve": {"generations": 8, "population": 40},
    "class-model": {"steps": 12},
}


@pytest.fixture(autouse=True)
def every_step_yields(monkeypatch, tmp_path) -> None:
    """Loops of quick steps yield after each, texts are short, and what is written goes to an empty folder."""
    monkeypatch.setattr(run.Pace, "due", lambda self: True)
    whole_sample = samples.sample_text
    monkeypatch.setattr(samples, "sample_text", lambda alphabet: whole_sample(alphabet)[:350])
    monkeypatch.setattr(reading, "PIECE", 100)
    monkeypatch.setattr(_cell_search_corpus, "SHORT", 0)
    monkeypatch.setattr(_cell_search_clamp, "LENGTH", 5)
    monkeypatch.chdir(tmp_path)


@functools.cache
def bundled(name: str) -> Model:
    return load_model(name)


def model_for(technique: Technique) -> Model:
    """The first bundled net that it applies to."""
    models = map(bundled, ("digits", "cifar10", "scenes", "war_and_peace"))
    return next(model for model in models if technique.refuses(model) is None)


def loop(technique: Technique, model: Model | None = None, **settings: Any) -> Iterator[Any]:
    """The loop over its sample, with its default settings, or shorter."""
    model = model or model_for(technique)
    arguments = technique.subject.arguments(technique.subject.read(model, []))
    return technique.loop.each(model, *arguments, **{**SHORT.get(technique.name, {}), **settings})


def command_of(technique: Technique) -> list[str]:
    """The command for the same run."""
    settings = SHORT.get(technique.name, {})
    flags = [word for name, value in settings.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    return [technique.name, "--model", model_for(technique).name, *flags]


@functools.cache
def results(name: str) -> list[Any]:
    """Every result of a loop; at least three, so that it can be stopped on the way."""
    listed = list(loop(techniques()[name]))
    assert len(listed) >= 3, f"{name} gives {len(listed)} results on its sample; a loop yields after each step"
    return listed


def stopped(technique: Technique, after: int, monkeypatch) -> None:
    """Let Ctrl-C come after so many results of a technique."""
    generator = technique.loop.generator

    @functools.wraps(generator)
    def stops(*arguments: Any, **settings: Any) -> Iterator[Any]:
        for number, result in enumerate(generator(*arguments, **settings), 1):
            yield result
            if number == after:
                raise KeyboardInterrupt

    monkeypatch.setattr(technique.loop, "generator", stops)


def assert_same(first: Any, second: Any) -> None:
    """Equal in every bit of every field."""
    for field in dataclasses.fields(first):
        np.testing.assert_equal(getattr(first, field.name), getattr(second, field.name))


def assert_whole(result: Result) -> None:
    """It has words, numbers and a picture, whatever is missing yet."""
    assert result.caption.endswith(".")
    assert result.heat is None or np.isfinite(result.heat).all()
    place = result.save("whole.png", dpi=40)
    with Image.open(place) as picture:
        assert np.ptp(np.asarray(picture.convert("L"))) > 100  # no blank page


@each
def test_its_results_come_one_after_the_other(technique: Technique) -> None:
    steps = [(result.done, result.total) for result in results(technique.name)]
    done = [now for now, _ in steps]
    assert done == sorted(set(done))
    assert all(0 < now <= total for now, total in steps)
    assert done[-1] == steps[-1][1]
    model = model_for(technique)
    whole = technique.run_on(model, technique.subject.read(model, []), **SHORT.get(technique.name, {}))
    assert_same(results(technique.name)[-1], whole)


@each
def test_ctrl_c_leaves_a_whole_result_and_says_how_far_it_is(technique: Technique, monkeypatch, capsys) -> None:
    expected = results(technique.name)[1]
    stopped(technique, 2, monkeypatch)
    assert main([*command_of(technique), "--out", "stopped.png"]) == 130
    said = capsys.readouterr()
    how_far = f"this is the result after {expected.done} of {expected.total} {technique.loop.unit}s"
    assert said.err == f"Interrupted; {how_far}.\n"
    assert f"Note: T{how_far[1:]}." in said.out
    assert "Wrote stopped.png" in said.out
    assert list(Path().iterdir()) == [Path("stopped.png")]
    expected.save("expected.png")
    assert Path("stopped.png").read_bytes() == Path("expected.png").read_bytes()


@each
def test_a_result_on_the_way_is_whole(technique: Technique) -> None:
    for result in results(technique.name)[:2]:
        assert_whole(result)


def hatches(result: Result) -> list[str]:
    """The hatches in a result's figure."""
    return [patch.get_hatch() for axes in result.figure().axes for patch in axes.patches if patch.get_hatch()]


@each
def test_what_is_not_measured_is_nan_hatched_and_no_heat(technique: Technique) -> None:
    """Of results with a number for each step of the loop: a map of places, a value for each place on a way."""
    result, whole = results(technique.name)[0], results(technique.name)[-1]
    values = getattr(result, "values", None)
    if not isinstance(values, np.ndarray) or values.size != result.total:
        pytest.skip("it has no number for each of its steps")
    assert np.isnan(values).sum() == result.total - result.done
    assert not np.isnan(whole.values).any()
    hatched = [
        sum(bool(patch.get_hatch()) for axes in r.figure().axes for patch in axes.patches) for r in (result, whole)
    ]
    assert hatched[0] > 0 == hatched[1]
    if result.heat is not None:
        assert (result.heat == 0).sum() > (whole.heat == 0).sum()


@each
def test_a_budget_ends_it_in_time(technique: Technique, monkeypatch) -> None:
    """By a clock that each step moves by a second."""
    clock = [100.0]
    monkeypatch.setattr(run.time, "monotonic", lambda: clock[0])

    def timed(listed: list[Any]) -> Iterator[Any]:
        for result in listed:
            clock[0] += 1
            yield result

    listed = results(technique.name)
    end = run.run(timed(listed), budget=1.5)
    assert end.result is listed[1]  # one more would end 2 s after the first
    assert end.sentence("step").startswith("the budget of 1.5 s is spent; this is the result after ")


@going_on
def test_it_goes_on_from_any_state_to_the_bits_of_an_undisturbed_run(technique: Technique) -> None:
    listed = results(technique.name)
    for count in (1, len(listed) // 2, len(listed) - 1, len(listed)):
        file = Path(f"{count}.state")
        first = loop(technique, resume=file)
        for _ in range(count):
            reached = next(first)
        first.close()
        assert_same(reached, listed[count - 1])
        *_, last = loop(technique, resume=file)
        assert_same(last, listed[-1])
        *_, again = loop(technique, resume=file)  # there is nothing left to do
        assert_same(again, listed[-1])


@going_on
def test_it_goes_on_from_a_state_in_python(technique: Technique) -> None:
    *_, last = loop(technique, state=results(technique.name)[0].state)
    assert_same(last, results(technique.name)[-1])


WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "finer walks": ("integrated-gradients", {"steps": 2, "baseline": "noise", "chunk": 3}),
    "a unit inside": ("integrated-gradients", {"node": "relu2", "steps": 9, "rule": "midpoint", "refine": False}),
    "a variance": ("smoothgrad", {"samples": 9, "variant": "variance"}),
    "squares": ("smoothgrad", {"samples": 9, "method": "gradient-x-input", "variant": "square", "chunk": 2}),
    "loops in a loop": ("smoothgrad", {"samples": 5, "method": "integrated-gradients"}),
    "guided": ("smoothgrad", {"samples": 9, "method": "guided-backprop", "seed": 3}),
    "a unit's places": ("occlusion", {"node": "relu2", "channel": 9, "position": (3, 4), "batch": 2}),
}


@pytest.mark.parametrize(("name", "settings"), WAYS.values(), ids=list(WAYS))
def test_other_settings_go_on_from_every_result(name: str, settings: dict[str, Any]) -> None:
    listed = list(loop(techniques()[name], **settings))
    assert len(listed) > 2
    if name == "integrated-gradients" and settings.get("refine", True):
        assert len({len(result.path.places) for result in listed}) > 2  # walks of several lengths
    for result in listed:
        *_, last = loop(techniques()[name], **settings, state=result.state)
        assert_same(last, listed[-1])


def test_a_loop_of_loops_yields_after_each() -> None:
    listed = list(loop(techniques()["smoothgrad"], samples=5, method="integrated-gradients"))
    assert [result.done for result in listed] == [1, 2, 3, 4, 5]


@going_on
def test_killed_it_goes_on_from_what_was_written_last(technique: Technique, monkeypatch) -> None:
    monkeypatch.setattr(state, "PAUSE", -1)
    first = loop(technique, resume="run.state")
    next(first)
    next(first)
    kept = Path("run.state").read_bytes()  # kill -9: nothing is written after this
    first.close()
    Path("run.state").write_bytes(kept)
    *_, last = loop(technique, resume="run.state")
    assert_same(last, results(technique.name)[-1])


@going_on
def test_the_same_command_goes_on(technique: Technique, monkeypatch, capsys) -> None:
    command = [*command_of(technique), "--out"]
    assert main([*command, "whole.png"]) == 0
    with monkeypatch.context() as patch:
        stopped(technique, 1, patch)
        assert main([*command, "parts.png", "--resume", "run.state"]) == 130
    assert capsys.readouterr().err.endswith("; the same command goes on from run.state.\n")
    assert Path("parts.png").read_bytes() != Path("whole.png").read_bytes()
    assert main([*command, "parts.png", "--resume", "run.state"]) == 0
    assert capsys.readouterr().err == ""
    assert Path("parts.png").read_bytes() == Path("whole.png").read_bytes()


@going_on
def test_a_state_of_another_run_is_refused(technique: Technique) -> None:
    model = model_for(technique)
    first = loop(technique, resume="run.state")
    next(first)
    first.close()
    before = Path("run.state").read_bytes()
    name = next(name for name, option in technique.options.items() if option.kind in (int, float) and option.default)
    default = SHORT.get(technique.name, {}).get(name, technique.options[name].default)
    others: list[tuple[str, Callable[[], Iterator[Any]]]] = [
        (
            rf"with {name}={default}, not {name}={default + 1}\. It cannot go on with another net.*other settings",
            lambda: loop(technique, resume="run.state", **{name: default + 1}),
        ),
        ("with another net", lambda: loop(technique, model.astype(np.float64), resume="run.state")),
    ]
    if technique.subject.parameter:
        value = {"pictures": "scenes:70", "text": "another"}.get(technique.subject.parameter)
        other = np.zeros((9, 9, 3), np.uint8) if value is None else value
        others.append(("with (another|other) ", lambda: technique.loop.each(model, other, resume="run.state")))
    for said, begin in others:
        with pytest.raises(SettingError, match=said):
            next(begin())
    assert Path("run.state").read_bytes() == before


def test_a_state_of_another_technique_is_refused() -> None:
    from minitorch_viz.models.samples import sample_digit
    from minitorch_viz.techniques import integrated_gradients, smoothgrad

    digits = bundled("digits")
    first = smoothgrad.each(digits, sample_digit(), resume="run.state")
    next(first)
    first.close()
    with pytest.raises(SettingError, match="of smoothgrad, not of integrated-gradients"):
        next(integrated_gradients.each(digits, sample_digit(), resume="run.state"))


@pytest.mark.parametrize("kind", ["empty", "text", "weights", "cut off", "without its arrays", "another version"])
def test_what_is_no_state_gets_a_sentence(kind: str, capsys) -> None:
    from minitorch_viz.io.safetensors_ import read_safetensors_and_metadata, save_safetensors

    command = ["average-picture", "--model", "digits", "--out", "a.png", "--resume", "run.state"]
    with pytest.MonkeyPatch.context() as patch:
        stopped(techniques()["average-picture"], 1, patch)
        assert main(command) == 130
    whole = Path("run.state").read_bytes()
    arrays, metadata = read_safetensors_and_metadata("run.state")
    if kind == "weights":
        save_safetensors("run.state", {"w": np.zeros(3)})
    elif kind == "without its arrays":
        save_safetensors("run.state", {"w": np.zeros(3)}, metadata)
    elif kind == "another version":
        save_safetensors("run.state", arrays, {state.KEY: metadata[state.KEY].replace('"version": 1', '"version": 9')})
    else:
        Path("run.state").write_bytes({"empty": b"", "text": b"no state" * 9, "cut off": whole[:-5]}[kind])
    Path("a.png").unlink()
    before = Path("run.state").read_bytes()
    capsys.readouterr()
    assert main(command) == 2
    assert "run.state" in capsys.readouterr().err
    assert Path("run.state").read_bytes() == before
    assert not Path("a.png").exists()


def test_a_place_for_the_state_is_checked_before_the_work(capsys) -> None:
    Path("mine.safetensors").write_bytes(b"weights")
    command = ["average-picture", "--model", "digits", "--weights", "mine.safetensors", "--out", "a.png", "--resume"]
    for resume, said in (
        ("mine.safetensors", "one of the inputs"),
        ("a.png", "cannot be both"),
        ("missing/run.state", "no folder"),
        (".", "is a folder"),
    ):
        assert main([*command, resume]) == 2
        assert said in capsys.readouterr().err
    assert Path("mine.safetensors").read_bytes() == b"weights"
    assert list(Path().iterdir()) == [Path("mine.safetensors")]


@pytest.mark.parametrize("kind", ["array", "Pillow", "file"])
def test_what_is_looked_at_counts_however_it_is_given(kind: str) -> None:
    """By position or by name; the same pixels are the same photo, in a later process, too."""
    from minitorch_viz.techniques import occlusion

    def photo(level: int) -> Any:
        pixels = np.full((8, 8, 3), level, np.uint8)
        Image.fromarray(pixels).save(f"{level}.png")
        return {"array": pixels, "Pillow": Image.fromarray(pixels), "file": f"{level}.png"}[kind]

    begun = occlusion.each(bundled("digits"), image=photo(10), resume="run.state")
    first = next(begun).done
    begun.close()
    with pytest.raises(SettingError, match="with another photo"):
        next(occlusion.each(bundled("digits"), photo(200), resume="run.state"))
    assert next(occlusion.each(bundled("digits"), photo(10), resume="run.state")).done > first


def test_a_loop_without_a_state_says_so() -> None:
    @run.looping("step")
    def counting(*, to: int) -> Iterator[Any]:
        yield from range(to)

    assert not counting.goes_on
    with pytest.raises(SettingError, match="counting cannot go on from a file"):
        counting.each(to=3, resume="run.state")


# Settings with which a loop takes longer than the budget on any machine; a loop that is not here keeps its own.
LONG: dict[str, dict[str, Any]] = {
    "occlusion": {"stride": 6},
    "smoothgrad": {"samples": 10_000},
    "integrated-gradients": {"steps": 2000},
}


@pytest.mark.nightly
@pytest.mark.parametrize("net", ["squeezenet", "googlenet"])
@each
def test_a_budget_of_five_seconds_ends_within_seven(
    technique: Technique, net: str, request, shared_data, monkeypatch, tmp_path
) -> None:
    """Counted from the first result, with warm kernels; what is there is drawn and saved after that."""
    monkeypatch.undo()  # loops keep their own pace
    model = request.getfixturevalue(net)
    if technique.refuses(model):
        pytest.skip(f"it does not take {net}")
    photo = shared_data / "photos" / "cat_dog.jpg"
    value = {"pictures": "scenes:1000000", "text": "a text"}.get(technique.subject.parameter, photo)
    arguments = (model, *technique.subject.arguments(value))
    next(technique.loop.each(*arguments))  # kernels are compiled and loaded
    times: list[float] = []
    each_result = technique.loop.each(*arguments, **LONG.get(technique.name, {}))
    end = run.run(each_result, budget=5, watch=[lambda result: times.append(time.monotonic())])
    seconds = time.monotonic() - times[0]
    size = f"{end.result.done} of {end.result.total} {technique.loop.unit}s"
    print(f"{technique.name}, {model.name}: --budget 5 ended {seconds:.2f} s after the first result, {size}")
    assert seconds < 7
    assert "budget" in end.why or end.result.done == end.result.total
    assert end.result.save(tmp_path / "a.png").stat().st_size > 5000
