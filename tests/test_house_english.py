"""Variables are nouns, and docstrings are sentences. Read from the syntax trees of the package and the kernels."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = (ROOT / "minitorch_viz", ROOT / "kernels" / "minitorch_viz_kernels")

# They say how a value came about or where it is, not what it holds.
NO_NOUNS = {
    *("found", "one", "made", "both", "several", "some", "said", "there", "here"),
    *("who", "whose", "which", "what", "nobody", "known", "near"),
}

# Every rung of a kernel has the names that the family's contract documents.
CONTRACTS = (ROOT / "kernels" / "minitorch_viz_kernels").glob("*/contract.py")
KERNELS = {
    node.name
    for path in CONTRACTS
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(node, ast.FunctionDef)
}

Documented = ast.Module | ast.ClassDef | ast.FunctionDef


@functools.cache
def sources() -> list[tuple[str, ast.Module]]:
    paths = [path for package in PACKAGES for path in sorted(package.rglob("*.py"))]
    return [(path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))) for path in paths]


def variables(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield (name, line) of parameters and variables; the fields of classes are public names, and stay."""
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    fields = {line.target for body in bodies for line in body if isinstance(line, ast.AnnAssign)}
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node not in fields:
            yield node.id, node.lineno


def first_line_faults(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, Documented) and (text := ast.get_docstring(node)) is not None:
            line = text.splitlines()[0] if text else ""
            opening = line.lstrip("`\"'")
            # A module may begin with its name as users type it.
            if not line.endswith((".", "?")) or not (opening[:1].isupper() or isinstance(node, ast.Module)):
                yield getattr(node, "name", "the module"), line


def undocumented(tree: ast.Module) -> Iterator[str]:
    """Modules, and their public classes and functions. Stubs that `@overload`-like decorators fill in are excepted."""
    if ast.get_docstring(tree) is None:
        yield "the module"
    for node in tree.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef) or ast.get_docstring(node) is not None:
            continue
        if not node.name.startswith("_") and node.name not in KERNELS and not node.decorator_list:
            yield node.name


def test_variables_are_nouns() -> None:
    wrong = [
        f"{name}:{line} {variable}"
        for name, tree in sources()
        for variable, line in variables(tree)
        if variable in NO_NOUNS and not (variable == "one" and name.startswith("kernels/"))  # there it is the number 1
    ]
    assert not wrong, "\n".join(wrong)


def test_docstrings_begin_with_a_sentence() -> None:
    wrong = [f"{name}: {owner}: {line}" for name, tree in sources() for owner, line in first_line_faults(tree)]
    assert not wrong, "\n".join(wrong)


def test_what_is_public_has_a_docstring() -> None:
    wrong = [f"{name}: {owner}" for name, tree in sources() for owner in undocumented(tree)]
    assert not wrong, "\n".join(wrong)


def test_each_fault_is_seen() -> None:
    tree = ast.parse('''
def total(found):
    """the sum of all"""
    one = 1
    return [both for both in found]

def bare(): ...
''')
    assert [variable for variable, _ in variables(tree) if variable in NO_NOUNS] == ["found", "one", "both"]
    assert list(first_line_faults(tree)) == [("total", "the sum of all")]
    assert list(undocumented(tree)) == ["the module", "bare"]
    assert not list(first_line_faults(ast.parse('"""`load`: nets by name."""\nclass A:\n    """Hold (N, C)."""')))
