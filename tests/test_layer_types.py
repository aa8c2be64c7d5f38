"""Outside layers/ and less_work/ nobody asks what type a layer is: what matters of it, the layer says itself.

Counted in the syntax trees. Builders (models/, io/) are excepted: they make layers, and know which.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import minitorch_viz.layers as layers

PACKAGE = Path(layers.__file__).parents[1]
EXCEPTED = ("layers", "less_work", "models", "io")
MOST = 10  # it may only fall
LAYERS = {cls.__name__ for cls in layers.all_layers()} | {"Layer"}


def names_in(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} | {
        part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)
    }


def about_layers(tree: ast.Module) -> set[str]:
    """The layers' names, and those of the module's constants that hold layers, or are imported as such."""
    known = LAYERS
    for node in tree.body:
        if isinstance(node, ast.Assign) and names_in(node.value) & LAYERS:
            known |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return known


def questions(tree: ast.Module) -> Iterator[ast.AST]:
    """isinstance and issubclass with a layer, comparisons with type(...), and the name of a layer's class."""
    known = about_layers(tree)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("isinstance", "issubclass")
        ):
            if names_in(node.args[1]) & known or "layer" in names_in(node.args[0]):
                yield node
        elif isinstance(node, ast.Compare):
            calls = [part for part in ast.walk(node) if isinstance(part, ast.Call)]
            types = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "type"]
            if types and names_in(node) & (known | {"layer"}):
                yield node
        elif isinstance(node, ast.Attribute) and node.attr == "__name__" and "layer" in names_in(node.value):
            yield node


def test_places_that_ask_a_layer_for_its_type() -> None:
    places = []
    for path in sorted(PACKAGE.rglob("*.py")):
        part = path.relative_to(PACKAGE)
        if part.parts[0] not in EXCEPTED:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            places += [f"{part}:{node.lineno} {ast.unparse(node)}" for node in questions(tree)]
    assert len(places) <= MOST, "\n".join(places)


def test_each_way_of_asking_is_counted() -> None:
    asked = """
GATED = (ReLU, Sigmoid)
isinstance(x, GATED)
isinstance(node.layer, kind)
type(a) is MaxPool2d
type(net[name].layer).__name__
issubclass(cls, Layer)
"""
    assert len(list(questions(ast.parse(asked)))) == 5
    assert not list(questions(ast.parse("isinstance(x, dict); type(value).__name__; type(x) is int; {ReLU: guided}")))
