"""What every technique must do, run over the registry: a new file in the folder is tested by being there."""

from __future__ import annotations

import dataclasses
import inspect

import numpy as np
import pytest

from minitorch_viz.cli import parser
from minitorch_viz.errors import MinitorchVizError, SettingError
from minitorch_viz.models.samples import sample_digit
from minitorch_viz.techniques import Result, Technique, get_technique, techniques
from minitorch_viz.techniques.options import argument_helps
from tests.examples import example_of
from tests.techniques.letters_net import letters_net
from tests.techniques.net_of import net_of

ALL = list(techniques().values())
each = pytest.mark.parametrize("technique", ALL, ids=lambda t: t.name)


def example(technique: Technique) -> Result:
    return example_of(technique.name)


def model_for(technique: Technique, digits):
    """A net that the technique can be given its subject on."""
    return net_of(technique, digits) if technique.subject.refuses(digits) is None else letters_net()


def pixels(result) -> np.ndarray:
    """The figure as Matplotlib draws it, (H, W, 3) in 0..255."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(result.figure())
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def test_the_registry_finds_the_files() -> None:
    assert {"saliency", "occlusion", "activation-maps"} <= set(techniques())
    with pytest.raises(SettingError, match="near techniques: saliency"):
        get_technique("salency")


@each
def test_the_result_is_frozen_arrays_and_draws_the_same_twice(technique: Technique) -> None:
    result = example(technique)
    assert result.technique is technique
    assert dataclasses.is_dataclass(result)
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.caption = "x"  # type: ignore[misc]  # it must fail
    first = pixels(result)
    np.testing.assert_array_equal(first, pixels(result))
    assert first.std() > 20  # something is to be seen on the white page
    assert len(np.unique(first.reshape(-1, 3), axis=0)) > 20


@each
def test_the_same_call_gives_the_same_bits(technique: Technique) -> None:
    first, second = example(technique), technique.example()
    for field in dataclasses.fields(first):
        np.testing.assert_equal(getattr(first, field.name), getattr(second, field.name))


@each
def test_the_caption_says_what_is_shown_and_its_scale(technique: Technique) -> None:
    caption = example(technique).caption
    assert len(caption) > 80
    assert any(word in caption for word in ("scale", "Scale", "probability"))
    assert caption.endswith(".")


explaining = pytest.mark.parametrize("technique", [t for t in ALL if t.explains], ids=lambda t: t.name)


@explaining
def test_what_explains_has_a_heat_at_the_inputs_resolution(technique: Technique) -> None:
    result = example(technique)
    assert result.heat is not None
    assert result.heat.shape == ((28, 28) if technique.name == "cam" else (8, 8))  # the input of mnist, and of digits
    assert np.isfinite(result.heat).all()
    assert result.heat.any()


@explaining
def test_what_explains_takes_the_common_settings(technique: Technique, digits) -> None:
    """Any class, by number or as a unit of the node of the scores; by default the most probable one."""
    assert {"target", "node", "channel", "position"} <= technique.options.keys()
    model = net_of(technique, digits)
    run = lambda **chosen: technique.compute(model, sample_digit(), **technique.in_comparison, **chosen).heat
    best = model.classify(sample_digit(), top=1)[0].index
    np.testing.assert_array_equal(run(), run(target=best))
    np.testing.assert_array_equal(run(target=8), run(node="logits", channel=8))
    assert not np.array_equal(run(target=3), run(target=8))


@each
def test_it_shows_itself_in_jupyter(technique: Technique, tmp_path) -> None:
    result = example(technique)
    assert result._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(SettingError, match=r"a\.txt"):
        result.save(tmp_path / "a.txt")
    assert list(tmp_path.iterdir()) == []


@each
@pytest.mark.slow
def test_it_saves_itself_in_every_format(technique: Technique, tmp_path) -> None:
    result = example(technique)
    assert result.save(tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    assert b"<svg" in result.save(tmp_path / "a.svg").read_bytes()
    assert result.save(tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pdf", "a.png", "a.svg"]


@pytest.mark.slow
@pytest.mark.parametrize("size", [(40, 1), (1, 37), (2, 1)])
@each
def test_a_line_of_pixels_is_explained_and_drawn(technique: Technique, size: tuple[int, int], rng, tmp_path) -> None:
    from minitorch_viz import Model, Net
    from minitorch_viz.layers import Conv2d, Flatten, GlobalAvgPool2d, Linear, ReLU

    layers = [("conv", Conv2d.random(rng, 3, 4, 3, padding=1)), ("relu", ReLU()), ("gap", GlobalAvgPool2d())]
    net = Net([*layers, ("flat", Flatten()), ("fc", Linear.random(rng, 4, 3))])
    photo = rng.integers(0, 256, (*size, 3)).astype(np.uint8)
    model = Model.from_net(net, size)
    if technique.applies(model) is None and technique.explains:
        result = technique.compute(model, photo, **technique.in_comparison)
        assert result.heat is not None
        assert result.heat.shape == size
        assert np.isfinite(result.heat).all()
        assert result.save(tmp_path / "a.png", dpi=30).stat().st_size > 500


@each
def test_its_function_is_imported_by_name(technique: Technique) -> None:
    import minitorch_viz.techniques as package

    name = technique.compute.__name__
    assert getattr(package, name) is technique.compute
    assert name in dir(package)
    assert technique.compute.__module__.endswith(f".{name}")  # the module of that name stays where it was


@pytest.mark.parametrize("name", ["gradcam", "_coarse", "Grad_Cam", "techniqes", "__wrapped__", "base_"])
def test_a_name_that_is_no_technique_is_an_attribute_error(name: str) -> None:
    import minitorch_viz.techniques as package

    with pytest.raises(AttributeError, match=rf"no attribute '{name}'"):
        getattr(package, name)
    assert not hasattr(package, name)


@each
def test_it_says_itself_in_one_line(technique: Technique) -> None:
    """Not the arrays: what is explained, and how large the map is."""
    result = example(technique)
    text = repr(result)
    assert text.startswith(f"{type(result).__name__}(")
    assert len(text) < 130
    assert "array" not in text
    assert "\n" not in text
    assert len(result.alt) < 160
    assert result.alt != result.caption
    for label in getattr(result, "labels", None) or [getattr(result, "label", "")]:
        assert label in text


def test_the_text_form_names_class_layer_and_places(digits) -> None:
    result = get_technique("grad-cam").compute(digits, sample_digit(), target=3)
    assert repr(result) == 'GradCam(class "3" (3), relu3, 4 x 4)'
    assert result.alt == 'Grad-CAM: class "3" (3), relu3, 4 x 4'


def test_a_notebook_gets_picture_caption_notes_and_words(digits) -> None:
    """One drawing for all forms; what a name contains cannot break the page."""
    import base64
    from html.parser import HTMLParser

    tags: list[tuple[str, dict[str, str | None]]] = []
    words: list[str] = []

    class Page(HTMLParser):
        def handle_starttag(self, tag, attributes) -> None:
            tags.append((tag, dict(attributes)))

        def handle_data(self, data) -> None:
            words.append(data)

    name = '<b>"&amp;'
    model = dataclasses.replace(digits, class_names=(name, *digits.class_names[1:]), class_synonyms=())
    result = get_technique("grad-cam").compute(model, sample_digit(), target="0,3")  # 3 is strong, 0 is not there
    assert result.notes
    bundle = result._repr_mimebundle_()
    Page().feed(bundle["text/html"])
    assert {tag for tag, _ in tags} == {"figure", "img", "figcaption", "p"}
    (image,) = [attributes for tag, attributes in tags if tag == "img"]
    assert image["alt"] == result.alt
    assert name in result.alt
    assert words == [result.caption, *result.notes]
    assert base64.b64decode(bundle["image/png"]) == result._repr_png_()
    assert bundle["image/png"] in bundle["text/html"]
    assert bundle["text/plain"] == repr(result)


def test_a_figure_shows_itself_at_the_end_of_a_cell(digits) -> None:
    """Without %matplotlib, and for nbconvert with an alternative text."""
    result = get_technique("occlusion").compute(digits, sample_digit())
    bundle = result.figure()._repr_mimebundle_()
    assert f'alt="{result.alt}"'.replace('"3"', "&quot;3&quot;") in bundle["text/html"]
    assert bundle["image/png"]


@pytest.mark.parametrize("size", [(9, 16), (16, 9), (8, 8)], ids=["wide", "tall", "square"])
@pytest.mark.parametrize("name", ["grad-cam", "saliency", "occlusion", "segmentation", "integrated-gradients", "lrp"])
def test_pictures_fill_their_places(digits, name: str, size: tuple[int, int]) -> None:
    """Figures take their shape from the photo: no blank bands, titles inside, and a colour bar as high as its map."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    technique = get_technique(name)
    photo = np.asarray(np.random.default_rng(0).integers(0, 256, (*size, 3)), np.uint8)
    figure = technique.compute(digits, photo, **technique.in_comparison).figure()
    FigureCanvasAgg(figure).draw()
    shown = [axes for axes in figure.axes if axes.images]
    assert len(shown) >= 2
    for axes in shown:
        place, drawn = axes.get_position(original=True), axes.get_position()
        assert drawn.width > 0.8 * place.width
        assert drawn.height > 0.75 * place.height  # a title of two lines may stand above one of one
        if axes.get_title():
            assert axes.title.get_window_extent().y1 < figure.bbox.height + 3
        for bar in axes.child_axes:
            if not bar.images and bar.collections:
                assert bar.get_position().height == pytest.approx(drawn.height, rel=1e-3)


@each
def test_every_setting_has_a_help_line_and_an_option(technique: Technique) -> None:
    helps = argument_helps(technique.compute.__doc__ or "")
    assert helps.keys() == technique.options.keys()
    flags = {f"--{name.replace('_', '-')}" for name in technique.options}
    commands = next(action for action in parser()._actions if action.dest == "==SUPPRESS==" or action.choices)
    text = commands.choices[technique.name].format_help()  # type: ignore[index]  # the subparsers
    assert all(flag in text or flag.replace("--", "--no-") in text for flag in flags)


@each
def test_names_and_papers(technique: Technique) -> None:
    assert technique.name == technique.name.lower().replace("_", "-")
    assert technique.family in ("weights", "activations", "gradients", "optimization", "recurrent")
    assert any(character.isdigit() for character in technique.paper)
    parameters = inspect.signature(technique.compute).parameters.values()
    positional = [one.name for one in parameters if one.kind is not one.KEYWORD_ONLY]
    assert positional == ["model", *filter(None, [technique.subject.parameter])]


BAD = [
    pytest.param(technique, value, word, id=f"{technique.name}-{value!r:.20}")
    for technique in ALL
    for value, word in technique.subject.bad
]


@pytest.mark.parametrize(("technique", "value", "word"), BAD)
def test_what_is_no_subject_gets_a_sentence(technique: Technique, value: object, word: str, digits) -> None:
    with pytest.raises(MinitorchVizError, match=word):
        technique.run_on(model_for(technique, digits), value)


@each
def test_settings_that_are_looked_at_are_checked_by_their_subjects(technique: Technique, digits) -> None:
    """A keyword annotated Photo, Photos, Pictures or Text: bad values end in the sentences of its subject."""
    model = model_for(technique, digits)
    sample = technique.subject.read(model, [])
    for name, option in technique.options.items():
        for value, word in () if option.subject is None else option.subject.bad:
            if value is not None or option.required:
                with pytest.raises(MinitorchVizError, match=word):
                    technique.run_on(model, sample, **{name: value})


@each
def test_the_subjects_sample_suits_a_net(technique: Technique, digits) -> None:
    """Every command runs without arguments."""
    model = model_for(technique, digits)
    if technique.refuses(model) is None:
        sample = technique.subject.read(model, [])
        assert technique.run_on(model, sample, **technique.in_comparison).caption
