"""grade: all methods on all nets, in one table."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz.errors import MinitorchVizError, SettingError, need_whole
from minitorch_viz.grading.cases import Case, Cases, checked_cases, scene_cases
from minitorch_viz.grading.grader import Grader, chance_levels, failed
from minitorch_viz.grading.grades import Grades, Pictures, Row
from minitorch_viz.grading.methods import Method, find_methods
from minitorch_viz.grading.plan import Plan, count_maps
from minitorch_viz.progress import progress_bar
from minitorch_viz.techniques.explain.randomize import cascading, independent, stops, weighted_layers

if TYPE_CHECKING:
    from minitorch_viz.models import Model


def grade(
    models: Model | Sequence[Model],
    *,
    methods: Sequence[str] | None = None,
    scenes: int = 40,
    seed: int = 0,
    cases: Sequence[Case] | Cases | None = None,
    tolerance: float = 2,
    steps: int = 12,
    checked: int = 8,
    samples: int = 5,
    layers: int = 8,
    progress: bool = True,
) -> Grades:
    """Grade every method that explains a class by a map, on pictures whose truth is known.

    models: one or several nets that know the scenes' kinds of objects ("scenes" comes with the package).
    methods: names of techniques; None: all that apply. Baselines (noise, the centre, edges) come along.
    scenes: how many with one object, and again with two or three; those that the net misnames are left out.
    seed: the same seed gives the same scenes, random nets and noise, and so the same grades (but for the times).
    cases: your own pictures and masks instead of scenes.
    tolerance: pixels by which a maximum may miss the object. steps: of deletion and insertion.
    checked: how many pictures the randomization and sensitivity checks use. samples: noisy pictures for each.
    layers: the most stops of the randomization, for deep nets.

    Ctrl-C ends it with the methods that are finished (`Grades.interrupted`), or raises KeyboardInterrupt if none is.
    A method that fails gets a row that says why. Raises SettingError for arguments that do not fit.
    """
    nets = checked_models(models)
    count = need_whole("number of scenes", scenes, 2, 100_000)
    plan = Plan.checked_plan(
        tolerance=tolerance, steps=steps, checked=checked, samples=samples, layers=layers, seed=seed
    )
    methods_of_nets = [find_methods(model, methods) for model in nets]
    own_cases = None if cases is None else checked_cases(cases)
    cases_of_nets = [own_cases or scene_cases(model, count, plan.seed) for model in nets]
    settings = {"scenes": count if own_cases is None else None, "methods": None if methods is None else list(methods)}
    return run(nets, methods_of_nets, cases_of_nets, plan, settings, progress=progress)


def run(
    nets: Sequence[Model],
    methods: Sequence[Sequence[Method]],
    cases: Sequence[Cases],
    plan: Plan,
    settings: dict[str, Any],
    *,
    notes: Sequence[str] = (),
    progress: bool = True,
) -> Grades:
    """Grade each net's methods on its cases, all checked before; settings: what else the table should tell."""
    tops = [stops(weighted_layers(model.net), plan.layers) for model in nets]
    nets_and_cases = list(zip(nets, cases, strict=True))
    rows: list[Row] = []
    interrupted = False
    total = sum(
        len(net_methods) * count_maps(net_cases, len(top), plan)
        for net_methods, net_cases, top in zip(methods, cases, tops, strict=True)
    )
    with progress_bar(total=total, desc="grade", unit="map", show=progress) as bar:
        try:
            for (model, net_cases), net_methods, top in zip(nets_and_cases, methods, tops, strict=True):
                randoms = [
                    tuple(dataclasses.replace(model, net=net) for net in randomize(model.net, top, plan.seed))
                    for randomize in (cascading, independent)
                ]
                grader = Grader(model, net_cases, (randoms[0], randoms[1]), plan)
                for method in net_methods:
                    bar.set_postfix_str(method.name)
                    rows.append(_row(grader, method, bar.update))
        except KeyboardInterrupt:
            if not rows:
                raise
            interrupted = True
    counts = {model.name: [len(net_cases.single), len(net_cases.several)] for model, net_cases in nets_and_cases}
    return Grades(
        rows=tuple(rows),
        chance={model.name: chance_levels(net_cases, plan.tolerance) for model, net_cases in nets_and_cases},
        layers={model.name: tuple(" + ".join(names) for names in top) for model, top in zip(nets, tops, strict=True)},
        pictures={model.name: _pictures(model, net_cases, plan) for model, net_cases in nets_and_cases},
        settings={"models": [model.name for model in nets], **settings, "kept": counts, **plan.as_settings()},
        notes=(*notes, *_notes_on_scores(nets)),
        interrupted=interrupted,
    )


def _notes_on_scores(nets: Sequence[Model]) -> list[str]:
    """Say how the table's words must be read for nets that give no probabilities."""
    return [
        f"{model.name} gives plain numbers: where a column speaks of probabilities, they are its values."
        for model in nets
        if model.scores.number != "probability"
    ]


def _row(grader: Grader, method: Method, tick: Any) -> Row:
    """Return a method's row; one that fails has its sentence in the table instead of ending everything."""
    try:
        return grader.row(method, tick)
    except MinitorchVizError as error:
        return failed(grader.model, method, str(error))


def checked_models(models: Any) -> list[Model]:
    """Return the nets as a list; SettingError unless they are classifiers with names of their own."""
    from minitorch_viz.models import Model

    listed = [models] if isinstance(models, Model) else list(models) if isinstance(models, (list, tuple)) else []
    if not listed or not all(isinstance(model, Model) for model in listed):
        raise SettingError(f"grade needs a Model or a list of them (see load_model), but got {str(models)[:60]!r}.")
    names = [model.name for model in listed]
    if len(set(names)) != len(names):
        raise SettingError(f"Nets need different names to be told apart in one table, but got {', '.join(names)}.")
    for model in listed:
        if not model.logits:
            raise SettingError(f"{model.name} is no classifier, so there is no class to explain; give another net.")
    return listed


def _pictures(model: Model, cases: Cases, plan: Plan) -> Pictures:
    def input_picture(case: Case) -> Any:
        return model.restore(model.preprocess(case.image))

    crowded = cases.several[: plan.examples]
    return Pictures(
        tuple((input_picture(case), case.masks[0]) for case in cases.single[: plan.examples]),
        tuple((input_picture(case), np.ascontiguousarray(case.masks[:2])) for case in crowded),
        tuple(tuple(model.class_names[label] for label in case.classes[:2]) for case in crowded),
    )
