"""What `Model.from_net` has to find out of a net of one's own, and the sentences for what does not fit."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import NetError, SettingError, ShapeError
from minitorch_viz.graph import ancestors, channel_axis, last_common_maps
from minitorch_viz.layers import Conv2d
from minitorch_viz.models.classes import notes_on_names
from minitorch_viz.models.features import last_features
from minitorch_viz.models.own_readers import maps_reader, numbers_note, numbers_reader
from minitorch_viz.models.readers import Alphabet, Numbers, Preprocessing, Reader
from minitorch_viz.models.readers.preprocessing import Resize
from minitorch_viz.models.scores import Maps, Scores, Steps, chosen_scores, ending, kind_of_scores
from minitorch_viz.net import Net

LENGTHS = (4, 16, 64, 256)  # steps of a series that are tried where any number should do
MOST_PIXELS = 2**27  # of a net's input: what is more fits no memory


class Findings(NamedTuple):
    """Hold the fields of a Model that a net and its user's settings decide."""

    readers: Mapping[str, Reader]
    class_names: tuple[str, ...]
    logits: str
    maps: str
    scores: Scores
    first_conv: str
    last_conv: str
    notes: tuple[str, ...]


def look_at(
    net: Net,
    size: int | Pair | None,
    given_readers: Reader | Mapping[str, Reader] | None,
    class_names: Iterable[str],
    mean: float | Sequence[float],
    std: float | Sequence[float],
    resize: Resize,
    logits: str | None,
    scores: str | None,
) -> Findings:
    """Run the net once on a blank input and find its channels, scores, kind of scores and layers of maps."""
    if scores is not None:
        kind_of_scores(scores)
    names = checked_names(class_names)
    net = checked_net(net)
    if given_readers is None:
        reader, shapes = _first_run(net, size, mean, std, resize, logits)
        readers: Mapping[str, Reader] = {net.inputs[0]: reader}
        steps_first = channel_axis(net.nodes, net.inputs[0]) == -1
        notes = [
            *(scale_notes(reader) if type(reader) is Preprocessing else []),
            *numbers_note(reader, steps_first),
        ]
    else:
        readers = _checked_readers(net, size, given_readers)
        shapes = shapes_inside(net, readers, logits)
        notes = []
    answer = _answer(net, shapes, names) if logits is None else ""
    end = ending(net, shapes, logits, answer)
    shape = shapes[end.node]
    notes += [*_twin_note(names), *notes_on_names(names, "The net")]
    names = names or _letters(readers.values(), shape[-1])
    in_steps = len(shape) == 3 and scores in (None, Steps.name)
    in_maps = len(shape) == 4 and (scores == Maps.name or (logits is None and scores is None and shape[2:] != (1, 1)))
    kind: Scores
    maps = ""
    if in_steps:
        kind, node = Steps(end.squashed), ""
        if names and len(names) != shape[2]:
            raise SettingError(f"{end.node!r} gives {shape[2]} scores a step, but there are {len(names)} names.")
        notes.append(
            f"The net answers at each step, {end.node} (T, {shape[2]}), and not once: its units are explained, one "
            "at a time (node, channel, position)."
        )
    elif in_maps:
        kind, node, maps = Maps(end.squashed), "", end.node
        if names and len(names) != shape[1]:
            raise SettingError(f"{end.node!r} gives {shape[1]} maps, but there are {len(names)} names.")
        notes.append(
            f"The net ends in maps, {end.node} {shape[1:]}, and not in class scores: target= is one of its channels, "
            "summed over the places where it wins (region=, mask= or position= say other places); node=, channel= and "
            "position= explain a unit."
        )
    else:
        if len(shape) != 2:
            raise ShapeError(
                f"Class scores need the shape (N, classes), but {end.node!r} gives {shape}; name another node with "
                "logits=, end the net with a Flatten, or say scores='maps'."
            )
        kind, guess = chosen_scores(shape[1], end, scores, end.node)
        node = end.node
        notes += [guess] if guess else []
        names = names or kind.names(shape[1])
        if len(names) != shape[1]:
            hint = f" One score answers yes or no: give the name of yes, {names[-1]!r}." if shape[1] == 1 else ""
            raise SettingError(f"{node!r} gives {shape[1]} scores, but there are {len(names)} class names.{hint}")
    notes += _heads_note(net, shapes, end.node)
    convolutions = [conv.name for conv in net.nodes if isinstance(conv.layer, Conv2d)]
    last = last_features(net.nodes, net.inputs, maps, shapes) if maps else None
    last = last or last_common_maps(net.nodes, net.inputs, end.node, shapes)
    if last in net.inputs and convolutions and node:
        notes.append(
            f"No node with maps lies on every path from the picture to {node!r}, so class maps would show the picture "
            "itself; name a layer for them."
        )
    first_conv = convolutions[0] if convolutions else ""
    last_conv = last if last is not None and last in net else ""
    return Findings(readers, names, node, maps, kind, first_conv, last_conv, tuple(notes))


def _answer(net: Net, shapes: Mapping[str, tuple[int, ...]], names: Sequence[str]) -> str:
    """Return the output that is the net's answer: of several heads the one that the names fit, else the last."""
    fitting = [name for name in net.outputs if names and len(shapes[name]) > 1 and shapes[name][1] == len(names)]
    return fitting[0] if len(fitting) == 1 else net.output


def _heads_note(net: Net, shapes: Mapping[str, tuple[int, ...]], node: str) -> list[str]:
    """Say which other outputs a net has, and how they are explained."""
    ends = [name for name in net.outputs if node not in ancestors(net.nodes, name) | {name}]
    if not ends:
        return []
    heads = " and ".join(f"{name} {shapes[name][1:]}" if name in shapes else name for name in ends)
    return [
        f"The net has the output{'s' if len(ends) > 1 else ''} {heads} beside {node}: any of their units is explained "
        "by node= and channel=; logits= takes another for the answer."
    ]


def checked_precision(dtype: npt.DTypeLike) -> np.dtype[Any]:
    """Return float32 or float64 as a dtype; SettingError for anything else."""
    try:
        precision = np.dtype(dtype)
    except TypeError:
        precision = None
    if precision is None or precision not in (np.float32, np.float64):
        raise SettingError(f"Nets compute in float32 or float64, but dtype is {dtype!r}.")
    return precision


def checked_net(net: object) -> Net:
    """Return the net, or raise a sentence on what else it is."""
    if isinstance(net, Net):
        return net
    name = "type" if isinstance(net, type) else type(net).__name__
    if callable(getattr(net, "state_dict", None)):
        raise NetError(
            f"Model.from_net wraps a minitorch_viz Net, but got {name}, a PyTorch module; "
            "Model.from_torch(module, example) takes it."
        )
    if isinstance(getattr(net, "net", None), Net):
        raise NetError(f"Model.from_net wraps a Net, but got a {name}, which is ready as it is; its net is .net.")
    raise NetError(f"Model.from_net wraps a minitorch_viz Net, but got {name}; make one: Net([(name, layer), ...]).")


def shapes_inside(net: Net, readers: Mapping[str, Reader], upto: str | None = None) -> dict[str, tuple[int, ...]]:
    """Return the shape of every node's output for a blank input; ShapeError if the net does not take such a one."""
    for name in net.inputs:
        if name not in readers:
            listed = ", ".join(net.inputs)
            raise NetError(f"The net has the inputs {listed}; say how each is read, readers={{NAME: reader}}.")
    dtype = next((value.dtype for value in net.params.values()), np.dtype(np.float32))
    blanks = {name: readers[name].blank(dtype) for name in net.inputs}
    with np.errstate(all="ignore"):  # only the shapes are asked; a damaged file's weights may be beyond all sums
        values = net.forward(blanks, upto=upto).values
    return {name: tuple(value.shape) for name, value in values.items()}


def _checked_readers(net: Net, size: object, readers: Reader | Mapping[str, Reader]) -> Mapping[str, Reader]:
    """Return one reader for each input."""
    if size is not None:
        raise SettingError("Give either the size of the net's pictures or readers=, which say how each input is read.")
    if isinstance(readers, Reader) and len(net.inputs) == 1:
        return {net.inputs[0]: readers}
    if not isinstance(readers, Mapping) or set(readers) != set(net.inputs):
        received = list(readers) if isinstance(readers, Mapping) else readers
        raise SettingError(
            f"readers must be one for each of the inputs {', '.join(net.inputs)}, but got {received!r:.80}."
        )
    others = [reader for reader in readers.values() if not isinstance(reader, Reader)]
    if others:
        raise SettingError(
            f"A reader is a Preprocessing, Bands, an Alphabet, Words or Numbers, but got {others[0]!r:.60}."
        )
    return {name: readers[name] for name in net.inputs}


def _letters(readers: Iterable[Reader], count: int) -> tuple[str, ...]:
    """Return the letters as names of the classes, if the net reads texts alone and gives one score for each letter."""
    first, *others = readers
    if others or not isinstance(first, Alphabet) or len(first.letters) != count:
        return ()
    return tuple(letter if letter.strip() else repr(letter) for letter in first.letters)


def checked_names(names: object) -> tuple[str, ...]:
    """Return class names as a tuple of texts; SettingError with the first that is none."""
    if names is None:
        return ()
    if isinstance(names, (str, bytes, Mapping, set, frozenset)) or not isinstance(names, Iterable):
        hint = " (of a dict: list(names.values()))" if isinstance(names, Mapping) else ""
        raise SettingError(
            f"class_names must be a list of texts in class order{hint}, but got {type(names).__name__} {names!r:.60}."
        )
    listed: list[Any] = list(names)
    for place, name in enumerate(listed):
        if not isinstance(name, str) or not name.strip():
            raise SettingError(
                f"class_names must be texts, but that of class {place} is {name!r:.60} ({type(name).__name__}); "
                f"write a name such as 'class {place}'."
            )
    return tuple(str(name) for name in listed)


def _first_run(
    net: Net, size: int | Pair | None, mean: Any, std: Any, resize: Resize, logits: str | None
) -> tuple[Reader, dict[str, tuple[int, ...]]]:
    """Return how the one input is read, and the shape of every node's output for a blank one."""
    if len(net.inputs) > 1 and size is not None:
        raise NetError(
            f"The net has the inputs {', '.join(net.inputs)}; say how each is read, readers={{NAME: reader}}: a "
            "Preprocessing, Bands, an Alphabet, Words or Numbers."
        )
    numbers = numbers_reader(net, size, mean, std)  # of a net with one input
    if numbers is not None:
        return _fitting_numbers(net, numbers, logits)
    if size is None:
        raise SettingError(
            "Give the size (H, W) of the net's pictures, or readers= for a net that takes anything else."
        )
    sides: Any = (size, size) if isinstance(size, (int, np.integer)) else size
    channels = _channels(net)
    if isinstance(sides, (tuple, list)) and len(sides) in (3, 4):  # (C, H, W), as the net takes it
        if (len(sides) == 4 and sides[0] != 1) or (channels and sides[-3] != channels):
            wanted = f"{channels or 'C'}, H, W"
            raise SettingError(f"The net takes pictures ({wanted}), but size is {size!r:.60}; (H, W) alone will do.")
        channels, sides = sides[-3], tuple(sides[-2:])
    problem: Exception | None = None
    for guess in (channels,) if channels else (3, 1):  # a net that begins with a Flatten does not tell
        try:
            preprocessing = maps_reader(sides, guess, mean, std, resize)
            if math.prod(preprocessing.size) * guess > MOST_PIXELS:
                raise SettingError(f"A picture of size {preprocessing.size} is larger than any memory; give (H, W).")
            readers = dict.fromkeys(net.inputs[:1], preprocessing)
            return preprocessing, shapes_inside(net, readers, logits)
        except (ShapeError, SettingError) as error:
            problem = problem or error
    assert problem is not None
    raise problem


def _fitting_numbers(net: Net, numbers: Numbers, logits: str | None) -> tuple[Reader, dict[str, tuple[int, ...]]]:
    """Return the reader and the shapes inside the net; a series of any length is tried with longer and longer ones."""
    name = net.inputs[0]
    if None not in numbers.shape:
        return numbers, shapes_inside(net, {name: numbers}, logits)
    problem: Exception | None = None
    for length in LENGTHS:
        reader = dataclasses.replace(numbers, some=length)
        try:
            return reader, shapes_inside(net, {name: reader}, logits)
        except (ShapeError, SettingError) as error:
            problem = problem or error
    raise SettingError(
        f"It does not take series of any length ({str(problem).rstrip('.')}); say how many steps they have, size=T."
    ) from problem


def _channels(net: Net) -> int:
    """Return how many channels the first convolution that reads the picture takes; 0 if none tells."""
    for node in net.nodes:
        if isinstance(node.layer, Conv2d) and node.inputs[0] in net.inputs:
            return int(node.layer.weight.shape[1] * node.layer.groups)
    return 0


def scale_notes(preprocessing: Preprocessing) -> list[str]:
    """Warn where mean and std look as if pixels went from 0 to 1."""
    mean, std = np.array(preprocessing.mean), np.array(preprocessing.std)
    if std.max() >= 1 and not 0 < np.abs(mean).max() <= 1:
        return []
    low, high = ((0 - mean) / std).min(), ((255 - mean) / std).max()
    return [
        f"mean {_short(mean)} and std {_short(std)} look as if pixels went from 0 to 1, but they go from 0 to 255, so "
        f"that the net gets values from {low:.3g} to {high:.4g}; multiply both by 255 if it was trained on 0 to 1."
    ]


def _short(values: Array) -> str:
    return ", ".join(f"{value:.3g}" for value in dict.fromkeys(values.tolist()))


def _twin_note(names: Sequence[str]) -> list[str]:
    """Warn where two classes have one name."""
    twins = [name for name, count in Counter(names).items() if count > 1]
    if not twins:
        return []
    places = ", ".join(str(i) for i, name in enumerate(names) if name == twins[0])
    return [f"{len(twins)} names stand for several classes ({twins[0]!r}: {places}); name those by their numbers."]
