"""Small dialogs: a text to read, a choice to commit to, a question to confirm. Escape always closes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from lab.exercise.report import CheckResult, QuestionResult
from lab.tui.widgets.lesson_blocks import LabMarkdown


class TextDialog(ModalScreen[str]):
    """A text, and keys that close it with an answer.

    Args:
        title: In the border.
        text: Markdown.
        keys: Key → what it stands for; pressed, the dialog closes with that key.
        wide: Take the room that there is, for long texts.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss('')", "Close", id="dialog.close", tooltip="Close this"),
    ]

    def __init__(self, title: str, text: str, *, keys: Sequence[tuple[str, str]] = (), wide: bool = False) -> None:
        super().__init__()
        self._dialog_title = title
        self._dialog_text = text
        self._dialog_wide = wide
        for key, words in keys:
            self._bindings.bind(key, f"dismiss('{key}')", words)

    def compose(self) -> ComposeResult:
        """Text and keys."""
        with VerticalScroll(classes="dialog -wide" if self._dialog_wide else "dialog") as dialog:
            dialog.border_title = self._dialog_title
            yield LabMarkdown(self._dialog_text)
        yield Footer(show_command_palette=False)


class ConfirmDialog(ModalScreen[bool]):
    """Something that cannot be taken back, or that costs something: y does it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "dismiss(True)", "Yes", id="confirm.yes", tooltip="Do it"),
        Binding("n,escape,q", "dismiss(False)", "No", id="confirm.no", tooltip="Leave it"),
    ]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._confirm_title = title
        self._confirm_text = text

    def compose(self) -> ComposeResult:
        """The question."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._confirm_title
            yield Static(Content(self._confirm_text))
            yield Static(
                Content.assemble("\n", ("y", "bold $text-accent"), " yes   ", ("n", "bold $text-accent"), " no")
            )
        yield Footer(show_command_palette=False)


class Choices(OptionList):
    """Answers to choose from."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Commit", id="predict.commit", tooltip="Commit to this answer"),
        Binding("j", "cursor_down", "Down", id="predict.down", show=False, tooltip="One answer down"),
        Binding("k", "cursor_up", "Up", id="predict.up", show=False, tooltip="One answer up"),
    ]


class PredictDialog(ModalScreen[str]):
    """A question before the run: the learner commits to an answer, or leaves it for later."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape", "dismiss('')", "Later", id="predict.later", tooltip="Answer it later; it must be before the run"
        ),
    ]

    def __init__(self, question: QuestionResult, number: int, of: int) -> None:
        super().__init__()
        self._predict_question = question
        self._predict_place = f"Predict {number} of {of}" if of > 1 else "Predict"

    def compose(self) -> ComposeResult:
        """Ask, choices."""
        question = self._predict_question
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._predict_place
            dialog.border_subtitle = "being right is not graded"
            yield Static(Content.assemble((question.ask, "bold")))
            if question.before:
                yield Static(Content.assemble((f"Answer before {question.before}.", "$text-muted")))
            yield Choices(*[Option(Content(text), id=key) for key, text in question.choices], compact=True)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Start at the answer that was given before."""
        options = self.query_one(Choices)
        options.focus()
        if self._predict_question.choice:
            options.highlighted = options.get_option_index(self._predict_question.choice)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Committed."""
        event.stop()
        self.dismiss(event.option_id or "")


def check_text(result: CheckResult) -> str:
    """A diagnosis as Markdown: what was seen, what was expected, why it matters, the facts."""
    told = (("Seen", result.seen), ("Expected", result.expected), ("Why", result.why))
    parts = [f"**{name}:** {text.strip()}" for name, text in told if text.strip()]
    facts = [f"- {_as_words(name)}: `{_shown(value)}`" for name, value in result.facts.items()]
    if facts and result.diagnosis == "unknown-state":
        parts.append("\n".join(facts))
    if result.state == "passed":
        parts.insert(0, "This check has passed.")
    return "\n\n".join(part.strip() for part in parts if part.strip()) or "Nothing is known of this check yet."


def _as_words(name: str) -> str:
    return name.replace("_", " ")


def _shown(value: object) -> str:
    text = str(value).replace("`", "'")
    return text if len(text) <= 80 else text[:79] + "…"
