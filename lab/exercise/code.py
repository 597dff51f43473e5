"""Loading ``world.py`` and ``validators.py``: the lab's own, trusted code, run only when an exercise is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from lab.course.document import read_text
from lab.errors import CourseError


def load_module(file: Path, exercise: str) -> ModuleType:
    """The module in this file, run afresh; nothing is written beside it.

    Raises:
        CourseError: It is absent or does not load; the cause is chained.
    """
    name = f"lab_exercise_{exercise.replace('-', '_')}_{file.stem}"
    module = ModuleType(name)
    module.__file__ = str(file)
    source = read_text(file)
    # Dataclasses and pickling look modules up by name.
    sys.modules[name] = module
    try:
        exec(compile(source, str(file), "exec"), module.__dict__)  # noqa: S102 - this is what loading a module is
    except Exception as error:
        raise CourseError(
            f"{file} does not load ({type(error).__name__}).", "This is the lab's fault, not yours: install it again."
        ) from error
    return module


def function_of(module: ModuleType, name: str) -> Callable[..., Any]:
    """A function of the module.

    Raises:
        CourseError: There is no such function.
    """
    function = getattr(module, name, None)
    if not callable(function):
        raise CourseError(f"{module.__file__}: there is no function {name}.", "This is the lab's fault, not yours.")
    return function  # type: ignore[no-any-return]
