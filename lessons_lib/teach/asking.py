"""`predict` and `recall`: commit to an answer, then read why it is right or wrong.

In a running notebook the question is a widget of buttons (Tab and Enter work them). Everywhere
else, in a notebook that was not run, on a web page, in a terminal, it is static text whose options
open to their explanations. The static text never depends on what the reader answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lessons_lib.observe.pictures.style import BLUE, LIVE, VERMILION
from lessons_lib.teach import loader, look
from lessons_lib.teach.model import NotFound, Option, Question
from lessons_lib.teach.store import store

if TYPE_CHECKING:
    from ipywidgets import HTML, Button, VBox

_STYLE = """<style>
.rc-ask {max-width: 46em}
.rc-ask .widget-html, .rc-ask .widget-html-content {height: auto; line-height: 1.5; margin: 0}
.rc-ask .widget-html-content {white-space: normal; overflow-wrap: anywhere}
.rc-ask button.rc-option {width: 100%; height: auto; min-height: 2.4em; margin: 3px 0;
  padding: .35em .8em; text-align: left; white-space: normal; overflow-wrap: anywhere;
  line-height: 1.4; border: 1px solid #888888; border-left-width: 4px}
.rc-ask button.rc-option:focus-visible {outline: 3px solid BLUE; outline-offset: -3px}
.rc-ask button.rc-right {border-color: BLUE; border-left-width: 8px}
.rc-ask button.rc-wrong {border-color: VERMILION; border-left-width: 8px}
</style>""".replace("BLUE", BLUE).replace("VERMILION", VERMILION)


@dataclass(frozen=True)
class Asking:
    """Questions as they are shown: a widget in a running notebook, and static text beside it."""

    kind: str
    questions: tuple[Question, ...]

    def __str__(self) -> str:
        return "\n\n".join(_plain(self._title(i), one) for i, one in enumerate(self.questions))

    def _repr_html_(self) -> str:
        shown = [_static(self._title(i), one) for i, one in enumerate(self.questions)]
        return "".join(shown) + (
            '<p style="margin:.3em 0"><small>Run this cell to commit to an answer; '
            "or open an option to read about it.</small></p>"
        )

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        view = self.widget()._repr_mimebundle_() or {}
        return {**view, "text/html": self._repr_html_(), "text/plain": str(self)}

    def widget(self) -> VBox:
        """A fresh widget of all the questions."""
        from ipywidgets import VBox

        asked = [_Ask(self._title(i), one).box for i, one in enumerate(self.questions)]
        return asked[0] if len(asked) == 1 else VBox(asked)

    def _title(self, at: int) -> str:
        number = f" {at + 1} of {len(self.questions)}" if len(self.questions) > 1 else ""
        return f"{self.kind}{number}"


def predict(id: str) -> Asking:
    """A question to answer before running the code that answers it.

    The first choice and the last are recorded. Raises `NotFound` with the nearest id.
    """
    return Asking("Predict", (loader.question(id),))


def recall(*ids: str) -> Asking:
    """One or more questions from earlier lessons; raises `NotFound` with the nearest id."""
    if not ids:
        raise NotFound("recall needs one id or more, such as recall('00.model').")
    return Asking("Recall", tuple(loader.question(id) for id in ids))


class _Ask:
    """One question's widget; it lives as long as its buttons do."""

    def __init__(self, title: str, question: Question) -> None:
        from ipywidgets import HTML, ButtonStyle, Layout, VBox

        self.question = question
        # Each widget is a message to the page: what looks alike shares its layout and its style.
        shared = {"layout": Layout(width="100%", height="auto"), "style": ButtonStyle()}
        self.buttons = {letter: self._button(letter, shared) for letter in question.options}
        heading = HTML(LIVE + _STYLE + _heading(title, question))
        plain = {"layout": heading.layout, "style": heading.style}
        self.feedback: HTML = HTML(_before(question), _dom_classes=("rc-feedback",), **plain)
        inside = [heading, *self.buttons.values(), self.feedback]
        self.box: VBox = VBox(inside, _dom_classes=("rc-ask", "rc-live"), layout=heading.layout)

    def _button(self, letter: str, shared: dict[str, Any]) -> Button:
        from ipywidgets import Button

        button = Button(description=self._label(letter), _dom_classes=("rc-option",), **shared)
        button.on_click(lambda _: self.choose(letter))
        return button

    def _label(self, letter: str, said: str = "") -> str:
        return f"{letter}) {look.untick(self.question.options[letter].text)}{said}"

    def choose(self, letter: str) -> None:
        """Record the choice, mark its button, and show why it is right or wrong."""
        kept = store()
        kept.update(lambda record: record.answer(self.question.id, letter))
        self._mark(letter)
        self.feedback.value = _after(self.question, letter, kept.notices())

    def _mark(self, letter: str) -> None:
        right = letter == self.question.right
        symbol, word = (look.RIGHT, "right") if right else (look.WRONG, "wrong")
        self.buttons[letter].description = self._label(letter, f" ({symbol} {word})")
        self.buttons[letter].add_class(f"rc-{word}")


def _heading(title: str, question: Question) -> str:
    return look.panel(f"<strong>{title}.</strong> {_joined(question.text)}", css="rc-question")


def _joined(text: str) -> str:
    """A text on the heading's own line when it is one run, in blocks below it otherwise."""
    return look.blocks(text) if "\n\n" in text or "```" in text else look.inline(text)


def _before(question: Question) -> str:
    """What the widget says before a choice: nothing, or what was answered another time."""
    answered = store().read().questions.get(question.id)
    if not answered:
        return ""
    changed = answered.first != answered.last
    when = f"at first and {answered.last}) last" if changed else "before"
    return look.panel(f"<small>You answered {answered.first}) {when}.</small>")


def _after(question: Question, letter: str, notices: tuple[str, ...]) -> str:
    chosen = question.options[letter]
    others = [_why(*other) for other in question.options.items() if other[0] != letter]
    rest = "".join(f"<p>{why}</p>" for why in others)
    colour = BLUE if chosen.right else VERMILION
    told = look.panel(_why(letter, chosen) + look.small(notices), colour=colour, role="status")
    return told + look.details("The other options", rest)


def _why(letter: str, option: Option) -> str:
    return f"{letter}) {look.inline(option.text)}<br>{_explained(option)}"


def _explained(option: Option) -> str:
    """The explanation behind its symbol and word, which authors may write or leave out."""
    says = (look.RIGHT, "Right.", BLUE) if option.right else (look.WRONG, "No.", VERMILION)
    return f"{look.mark(*says)} {_joined(option.why.removeprefix(says[1]).lstrip())}"


def _static(title: str, question: Question) -> str:
    options = "".join(
        look.details(f"{letter}) {look.inline(option.text)}", _explained(option))
        for letter, option in question.options.items()
    )
    return _heading(title, question) + options


def _plain(title: str, question: Question) -> str:
    lines = [f"{title}. {look.plain(question.text)}"]
    lines += [
        f"  {letter}) {look.plain(option.text)}" for letter, option in question.options.items()
    ]
    return "\n".join(lines)
