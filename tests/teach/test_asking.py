"""Predictions: what is shown, what a choice does, what is recorded, and what never changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ipywidgets import HTML, Button

from lessons_lib.teach import predict, recall
from lessons_lib.teach.asking import Asking
from lessons_lib.teach.store import Answered, Store

QUESTION = "13.last-reference"


def parts(asking: Asking) -> tuple[str, list[Button], HTML]:
    heading, *buttons, feedback = asking.widget().children
    return heading.value, buttons, feedback


def bundle(asking: Asking) -> dict[str, Any]:
    return asking._repr_mimebundle_()


def test_a_choice_is_marked_in_words_explained_and_kept(kept: Store) -> None:
    heading, buttons, feedback = parts(predict(QUESTION))
    assert "When does the <code>Upload</code> die?" in heading
    texts = ["a) when the function returns", "b) at errors.clear()", "c) at gc.collect()"]
    assert [button.description for button in buttons] == texts
    assert feedback.value == ""
    buttons[2].click()
    assert buttons[2].description.endswith(" (✗ wrong)")
    told, others = feedback.value.split("<details", 1)
    assert 'role="status"' in told
    assert "<strong>no</strong> cycle in <code>a &lt; b</code>" in told
    assert "nothing else leads to it" not in told
    assert "nothing else leads to it" in others
    buttons[1].click()
    assert buttons[1].description.endswith(" (✓ right)")
    assert "Right.</strong> nothing else" in feedback.value
    assert kept.read().questions[QUESTION] == Answered("c", "b")


def test_an_earlier_answer_shows_in_the_widget_and_nowhere_else() -> None:
    fresh = bundle(predict(QUESTION))
    _, buttons, _ = parts(predict(QUESTION))
    buttons[0].click()
    again = predict(QUESTION)
    assert "You answered a) before." in parts(again)[2].value
    buttons[1].click()
    assert "a) at first and b) last" in parts(again)[2].value
    after = bundle(again)
    assert {key: after[key] for key in ("text/html", "text/plain")} == {
        key: fresh[key] for key in ("text/html", "text/plain")
    }


def test_the_bundle_holds_the_widget_and_both_fallbacks() -> None:
    made = bundle(predict(QUESTION))
    assert set(made) == {"application/vnd.jupyter.widget-view+json", "text/html", "text/plain"}
    assert made["text/html"].count("<details") == 3
    assert made["text/html"].count("✓") == 1
    assert made["text/plain"] == (
        "Predict. When does the `Upload` die?\n"
        "  a) when the function returns\n"
        "  b) at `errors.clear()`\n"
        "  c) at `gc.collect()`"
    )


def test_code_in_a_question_is_a_block() -> None:
    assert "<pre" in bundle(predict("13.printed"))["text/html"]
    assert "x = [1]\nprint(x)" in bundle(predict("13.printed"))["text/plain"]


def test_recall_asks_several_and_each_answers_for_itself(kept: Store) -> None:
    asked = recall(QUESTION, "14.printed")
    assert str(asked).startswith("Recall 1 of 2. When")
    assert "Recall 2 of 2. What is printed?" in str(asked)
    _, second = asked.widget().children
    second.children[1].click()
    assert set(kept.read().questions) == {"14.printed"}


def test_what_cannot_be_stored_is_said_once_under_the_answer(home: Path) -> None:
    home.write_text("a file where the folder should be")
    _, buttons, feedback = parts(predict(QUESTION))
    for at, said in enumerate([True, False]):
        buttons[at].click()
        assert ("Progress cannot be written" in feedback.value) == said


def test_a_question_makes_few_widgets() -> None:
    from ipywidgets import Layout, Widget

    with pytest.MonkeyPatch.context() as patch:
        made: list[object] = []
        opened = Widget.open

        def count(self: Widget) -> None:
            made.append(self)
            opened(self)

        patch.setattr(Widget, "open", count)
        predict("02.return").widget()
    assert len(made) <= 10
    assert sum(isinstance(one, Layout) for one in made) == 2
