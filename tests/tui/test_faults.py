"""When the lab fails: one sentence, a report without secrets, never a traceback."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import subprocess
import sys
import textwrap
from importlib import import_module
from pathlib import Path

import pytest
from textual.app import App
from textual.screen import Screen
from textual.widget import Widget

import lab.tui
from lab.errors import LabError, UsageError
from lab.tui.faults import as_lab_error, redacted, report_text

from .conftest import MakeApp
from .settling import settle

pytestmark = pytest.mark.anyio

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def fail_with_a_secret() -> None:
    key_material = SECRET
    raise ValueError(f"bad key {key_material!r} for 'alice' in {SECRET}")


def failure() -> ValueError:
    try:
        fail_with_a_secret()
    except ValueError as error:
        return error
    raise AssertionError


def test_the_report_has_places_and_no_values() -> None:
    text = report_text(failure(), "testing")
    assert "while: testing" in text
    assert "ValueError: bad key <removed> for <removed> in <removed>" in text
    assert "in fail_with_a_secret" in text
    assert SECRET not in text
    assert str(Path.home()) not in text


def test_the_learner_reads_one_sentence_and_where_the_report_is() -> None:
    error = as_lab_error(failure(), "checking")
    assert error.message == "The lab failed while checking (ValueError). Your work is untouched."
    report = Path(error.next_step.removesuffix(".").rsplit(" ", 1)[-1])
    assert report.stat().st_mode & 0o777 == 0o600
    assert SECRET not in report.read_text()
    own = UsageError("There is no such thing.")
    assert as_lab_error(own, "checking") is own


def test_reports_do_not_pile_up() -> None:
    from lab import paths

    directory = paths.private_directory(paths.data_dir() / "faults")
    for number in range(40):
        (directory / f"fault-20200101-0000{number:02}.txt").write_text("old")
    as_lab_error(failure(), "checking")
    assert len(list(directory.glob("fault-*.txt"))) <= 20


def test_redaction() -> None:
    assert redacted("key b'abc' at\nAKIAIOSFODNN7EXAMPLE now") == "key <removed> at <removed> now"


async def test_a_crash_in_a_handler_ends_the_app_with_one_sentence(
    make_app: MakeApp, capsys: pytest.CaptureFixture[str]
) -> None:
    app = make_app()

    async def crash() -> None:
        async with app.run_test(size=(80, 24)) as pilot:
            await settle(pilot)
            app.call_later(fail_with_a_secret)
            await pilot.pause()

    with pytest.raises(ValueError, match="bad key"):  # what the test harness sees; run_app() raises app.fault
        await crash()
    assert isinstance(app.fault, LabError)
    assert "The lab failed while showing a screen" in app.fault.message
    assert app.return_code == 3
    seen = capsys.readouterr()
    assert SECRET not in seen.out + seen.err
    assert "Traceback" not in seen.out + seen.err


def classes_of_ours() -> list[type]:
    """Every widget, screen and app of the lab."""
    found: list[type] = []
    for info in pkgutil.walk_packages(lab.tui.__path__, "lab.tui."):
        module = import_module(info.name)
        found += [
            member
            for _, member in inspect.getmembers(module, inspect.isclass)
            if member.__module__ == info.name and issubclass(member, Widget | Screen | App)
        ]
    return found


def private_names(cls: type) -> set[str]:
    """Methods and attributes with one leading underscore that the class itself defines or sets on ``self``."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name):
            names |= {node.attr} if node.value.id == "self" else set()
    return {name for name in names if name.startswith("_") and not name.startswith("__")}


#: Taken over on purpose, see ``LabApp._handle_exception``.
OVERRIDDEN = {"_handle_exception", "_exception", "_return_code"}


@pytest.mark.parametrize("ours", classes_of_ours(), ids=lambda ours: ours.__name__)
def test_private_names_do_not_hide_textuals(ours: type) -> None:
    """Textual's bases own hundreds of private names; one of ours in their place fails in silence."""
    bases = [base for base in ours.__mro__ if base.__module__.startswith("textual")]
    theirs = set().union(*(private_names(base) for base in bases))
    assert len(theirs) > 50
    assert private_names(ours) & theirs <= OVERRIDDEN


def test_nothing_heavy_before_the_first_frame() -> None:
    code = (
        "import sys, lab.tui.app\n"
        "heavy = {'boto3', 'botocore', 'moto', 'cryptography', 'pyte', 'watchfiles', 'markdown_it', 'sqlite3'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
