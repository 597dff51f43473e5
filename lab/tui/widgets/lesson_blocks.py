"""Lessons drawn: Textual's Markdown with the lab's own blocks, and briefs and explanations in the same hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Markdown, OptionList, Static
from textual.widgets.markdown import MarkdownBlock
from textual.widgets.option_list import Option

from lab.tui import blocks
from lab.tui.messages import OpenExercise

if TYPE_CHECKING:
    from markdown_it.token import Token

    from lab.tui.outline import ExerciseRow


@dataclass(frozen=True)
class LessonFacts:
    """What blocks show that does not stand in the lesson itself.

    Attributes:
        figure: Exercise id and figure's name → the measured value, None while there is none.
        exercise: Exercise id → its row; None for one that does not exist.
        choice: Question's id → the choice given before, '' for none.
    """

    figure: Callable[[str, str], str | None] = field(default=lambda _exercise, _figure: None)
    exercise: Callable[[str], ExerciseRow | None] = field(default=lambda _exercise: None)
    choice: Callable[[str], str] = field(default=lambda _question: "")


class LabMarkdown(Markdown):
    """Markdown that knows the lab's blocks.

    Args:
        text: What to show.
        facts: What blocks ask for.
    """

    def __init__(
        self,
        text: str = "",
        *,
        facts: LessonFacts | None = None,
        id: str | None = None,  # noqa: A002 - Textual's name
        classes: str | None = None,
    ) -> None:
        super().__init__(text or None, id=id, classes=classes, parser_factory=blocks.parser, open_links=False)
        self._lesson_facts = facts or LessonFacts()

    def unhandled_token(self, token: Token) -> MarkdownBlock | None:
        """The lab's blocks; one that cannot be read is shown as what it is."""
        try:
            match token.type:
                case "lab-keyflow":
                    return KeyFlowBlock(self, token, blocks.read_keyflow(token.content))
                case "lab-figure":
                    figure = blocks.read_figure(token.content)
                    value = self._lesson_facts.figure(figure.exercise, figure.figure)
                    return FigureBlock(self, token, figure.sentence(value), measured=value is not None)
                case "lab-predict":
                    question = blocks.read_question(token.content)
                    return QuestionBlock(self, token, question, self._lesson_facts.choice(question.id))
                case "lab-exercise":
                    exercise_id = blocks.read_exercise_id(token.content)
                    return ExerciseBlock(self, token, exercise_id, self._lesson_facts.exercise(exercise_id))
        except blocks.BlockError as error:
            return FigureBlock(self, token, f"This part of the lesson is broken ({error}).", measured=False)
        return None


class KeyFlowBlock(MarkdownBlock):
    """The diagram of a key's way; drawn again when the width changes."""

    def __init__(self, markdown: Markdown, token: Token, flow: blocks.KeyFlow) -> None:
        super().__init__(markdown, token)
        self._keyflow = flow
        self._keyflow_width = 0

    def on_resize(self) -> None:
        """Draw for this width."""
        width = self.content_size.width
        if width > 0 and width != self._keyflow_width:
            self._keyflow_width = width
            self.set_content(diagram_content(self._keyflow, width))

    def on_mount(self) -> None:
        """Take the room that it will need."""
        self.set_content(diagram_content(self._keyflow))


def diagram_content(flow: blocks.KeyFlow, width: int = blocks.DIAGRAM_WIDTH) -> Content:
    """The diagram with its lanes in the background and its arrows in front."""
    lines = blocks.draw_keyflow(flow, width)
    drawn = Content("\n".join(lines))
    drawn = drawn.highlight_regex("│", style="$text-muted").highlight_regex("[●◆─▶◀]+", style="bold $text-primary")
    return drawn.highlight_regex("^At the end$", style="bold")


class FigureBlock(MarkdownBlock):
    """A sentence with a measured number, or the sentence that stands there before."""

    def __init__(self, markdown: Markdown, token: Token, sentence: str, *, measured: bool) -> None:
        super().__init__(markdown, token)
        self.set_class(measured, "-measured")
        self._figure_sentence = sentence

    def on_mount(self) -> None:
        """Show it."""
        self.set_content(Content(self._figure_sentence))


class ExerciseBlock(MarkdownBlock, can_focus=True):
    """The way into an exercise."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_exercise", "Open exercise", id="lesson.exercise", tooltip="Work on this exercise"),
    ]

    def __init__(self, markdown: Markdown, token: Token, exercise_id: str, row: ExerciseRow | None) -> None:
        super().__init__(markdown, token)
        self._exercise_id = exercise_id
        self._exercise_row = row

    def on_mount(self) -> None:
        """Number, title, kind, minutes, state."""
        row = self._exercise_row
        if row is None:
            self.set_content(Content(f"Exercise {self._exercise_id} is not part of this course."))
            self.can_focus = False
            return
        exercise = row.exercise
        self.set_content(
            Content.assemble(
                (f"{row.sign} {exercise.number}  {exercise.title}", "bold"),
                (f"\n  {exercise.kind} · {exercise.minutes} min", "$text-muted"),
                (f" · {row.tally}" if row.tally else "", "$text-muted"),
                "   ",
                ("e opens it", "$text-accent"),
            )
        )

    def on_click(self) -> None:
        """As enter."""
        self.action_open_exercise()

    def action_open_exercise(self) -> None:
        """Work on it."""
        if self._exercise_row is not None:
            self.post_message(OpenExercise(self._exercise_id))


class QuestionChoices(Widget):
    """A question and its choices; once one is chosen, what is said to it."""

    @dataclass
    class Chosen(Message):
        """The learner has committed to an answer."""

        question_id: str
        choice_id: str

    chosen = reactive("", layout=True)

    def __init__(self, question: blocks.LessonQuestion, chosen: str = "") -> None:
        super().__init__()
        self._lesson_question = question
        self.set_reactive(QuestionChoices.chosen, chosen)

    def compose(self) -> ComposeResult:
        """Ask, choices, comparison."""
        yield Static(
            Content.assemble(("Before you read on: ", "bold $text-accent"), (self._lesson_question.ask, "bold"))
        )
        yield OptionList(*[Option(choice.text, id=choice.id) for choice in self._lesson_question.choices], compact=True)
        yield Static("", classes="comparison")

    def on_mount(self) -> None:
        """Show what was chosen earlier."""
        self.watch_chosen(self.chosen)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """The first answer counts; after it the choices can be read, not changed."""
        event.stop()
        if not self.chosen and event.option_id is not None:
            self.chosen = event.option_id
            self.post_message(self.Chosen(self._lesson_question.id, event.option_id))

    def watch_chosen(self, chosen: str) -> None:
        """Mark the choices and show the comparison."""
        if not self.children:
            return
        self.set_class(bool(chosen), "-answered")
        options = self.query_one(OptionList)
        question = self._lesson_question
        for choice in question.choices:
            mark = "  "
            if chosen:
                mark = "✓ " if choice.id == question.answer else "✗ " if choice.id == chosen else "  "
            yours = "   (your answer)" if choice.id == chosen else ""
            options.replace_option_prompt(choice.id, Content(f"{mark}{choice.text}{yours}"))
        comparison = next((choice.comparison for choice in question.choices if choice.id == chosen), "")
        text = self.query_one(".comparison", Static)
        text.update(Content(comparison) if chosen else Content.styled("tab, arrows and enter answer it", "$text-muted"))


class QuestionBlock(MarkdownBlock):
    """A question of the lesson, in its place."""

    def __init__(self, markdown: Markdown, token: Token, question: blocks.LessonQuestion, chosen: str) -> None:
        super().__init__(markdown, token)
        self._question_choices = QuestionChoices(question, chosen)

    def compose(self) -> ComposeResult:
        """The question."""
        yield self._question_choices
