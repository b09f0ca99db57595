"""Docstrings of public functions name the errors they raise, and the shapes of their arrays."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "netgen").rglob("*.py"))


def statements(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Yield the nodes of a function, without those of the functions and classes inside it."""
    left: list[ast.AST] = [*body]
    while left:
        node = left.pop()
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Lambda)):
            yield node
            left.extend(ast.iter_child_nodes(node))


def public_functions(tree: ast.Module) -> list[ast.FunctionDef]:
    """Return the public functions, and the public methods of public classes."""
    public = [n for n in tree.body if isinstance(n, ast.ClassDef) and not n.name.startswith("_")]
    return [
        node
        for body in (tree.body, *(owner.body for owner in public))
        for node in body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    ]


def without_raises(tree: ast.Module) -> list[str]:
    """Return the public functions and methods that raise, and have no section that says so."""
    return [
        function.name
        for function in public_functions(tree)
        if any(isinstance(n, ast.Raise) and n.exc is not None for n in statements(function.body))
        and "Raises\n------\n" not in (ast.get_docstring(function) or "")
    ]


def test_functions_that_raise_are_found() -> None:
    text = '''
def silent(x):
    """Return x."""
    def inner():
        raise ValueError("of another function")
    return inner

def loud(x):
    """Refuse x."""
    if x:
        raise ValueError("x")

def told(x):
    """Refuse x.

    Raises
    ------
    ValueError
        Always.
    """
    raise ValueError("x")
'''
    assert without_raises(ast.parse(text)) == ["loud"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_public_functions_that_raise_say_so(path: Path) -> None:
    """Functions of commands are left out: their docstrings are the help that users read."""
    found = without_raises(ast.parse(path.read_text(encoding="utf-8")))
    if path.parent.name == "commands":
        found = [name for name in found if not name.endswith("_command") and name != "invoke"]
    assert not found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_fields_are_described_beside_them(path: Path) -> None:
    """A comment ``#:`` stands where the field does; a list in the docstring repeats its name."""
    assert "    Attributes\n    ---" not in path.read_text(encoding="utf-8")


ARRAYS = frozenset(("Floats", "Integers", "Bools", "NDArray", "ndarray"))
SHAPE = re.compile(r"\([^()]*,[^()]*\)|any shape")
"""``(samples, frames)``, ``(units,)`` or ``(…, 3)``; or that any shape will do."""


def without_shapes(tree: ast.Module) -> list[str]:
    """Return the public functions and methods of arrays whose docstring states no shape."""
    return [
        function.name
        for function in public_functions(tree)
        if any(
            isinstance(part, (ast.Name, ast.Attribute))
            and (part.id if isinstance(part, ast.Name) else part.attr) in ARRAYS
            for annotation in types_of(function)
            for part in ast.walk(annotation)
        )
        and not SHAPE.search(ast.get_docstring(function) or "")
    ]


def types_of(function: ast.FunctionDef) -> Iterator[ast.expr]:
    """Yield the annotations of a function's parameters and of its result."""
    for argument in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs):
        if argument.annotation is not None:
            yield argument.annotation
    if function.returns is not None:
        yield function.returns


def test_arrays_without_a_shape_are_named() -> None:
    text = '''
def silent(x: Floats) -> float:
    """Return the mean."""

def given(x: int) -> np.ndarray:
    """Return zeros, (x,)."""

def scalar(x: float) -> float:
    """Return x."""

def general(*, x: dict[str, NDArray[np.float64]]) -> float:
    """Return the mean of arrays of any shape."""

class Table:
    def of(self, x: float) -> Floats:
        """Return a column."""
'''
    assert without_shapes(ast.parse(text)) == ["silent", "of"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_docstrings_give_the_shapes_of_arrays(path: Path) -> None:
    assert without_shapes(ast.parse(path.read_text(encoding="utf-8"))) == []
