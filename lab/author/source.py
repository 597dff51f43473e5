"""What the source of an exercise's Python shows without running it: functions, imports, texts, diagnoses."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path

from lab.course.document import read_text
from lab.errors import CourseError


@dataclass(slots=True)
class Source:
    """What was found in one file.

    Attributes:
        functions: Names of the functions at its top.
        imports: Modules by name, with the line.
        texts: Every text in it, whatever it is for.
        diagnoses: What ``not_yet`` is called with, where it stands there as a text, with the line.
    """

    functions: set[str] = field(default_factory=set)
    imports: dict[str, int] = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)
    diagnoses: dict[str, int] = field(default_factory=dict)


def read_source(file: Path) -> Source:
    """Look through a file.

    Raises:
        CourseError: It is not Python.
    """
    try:
        tree = ast.parse(read_text(file), str(file))
    except SyntaxError as error:
        raise CourseError(f"{file}:{error.lineno}: not Python: {error.msg}.") from error
    found = Source(functions={node.name for node in tree.body if isinstance(node, ast.FunctionDef)})
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.imports |= {alias.name: node.lineno for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.imports[node.module or ""] = node.lineno
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.texts.add(node.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "not_yet" and node.args:
            _add_codes(node.args[0], found)
    return found


def _add_codes(node: ast.expr, found: Source) -> None:
    """The texts that an expression gives by itself: as it stands, or one of two."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        found.diagnoses[node.value] = node.lineno
    elif isinstance(node, ast.IfExp):
        _add_codes(node.body, found)
        _add_codes(node.orelse, found)
