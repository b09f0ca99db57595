"""Docstrings of public functions name the errors that their own ``raise`` statements raise."""

from __future__ import annotations

import ast
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


def without_raises(tree: ast.Module) -> list[str]:
    """Return the public functions and methods that raise, and have no section that says so."""
    public = [n for n in tree.body if isinstance(n, ast.ClassDef) and not n.name.startswith("_")]
    functions = [
        node
        for body in (tree.body, *(owner.body for owner in public))
        for node in body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    ]
    return [
        function.name
        for function in functions
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
