"""The chatbot on LangChain's ready-made agent, and the scripted model that makes it certain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from lessons_lib.memories import crash, moment
from lessons_lib.memories.agent import AgentBot
from lessons_lib.memories.scripted_model import ScriptedModel, as_ours, refuse, unanswered

STEPS = ["look up", "draft", "review"]


def steps() -> dict[str, Any]:
    """Three steps that pass a moment each."""

    def step(name: str) -> Any:
        def do() -> str:
            moment(name)
            return f"{name} done"

        return do

    return {name: step(name) for name in STEPS}


def work(folder: Path) -> list[str]:
    return AgentBot(folder, durability="sync").work(steps())


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[AgentBot]:
    made = AgentBot(tmp_path)
    yield made
    made.close()


def test_words_and_file(bot: AgentBot) -> None:
    bot.say("My name is Ada.")
    bot.say("Here is my file.", file=("cv.pdf", "Ada, engineer"))
    assert bot.say("What was in my file?") == "Your file cv.pdf says: Ada, engineer"
    assert bot.say("What is my name?", conversation="c2").startswith("You have not")
    assert len(bot.messages()) == 6


def test_turns_are_taken_back_with_their_calls(bot: AgentBot) -> None:
    bot.say("My name is Ada.")
    bot.work(steps())
    bot.say("My name is Eve.")
    bot.back(2)
    assert bot.say("What is my name?") == "Your name is Ada."
    assert not bot.half_done()
    bot.forget()
    assert bot.messages() == []


@pytest.mark.parametrize("turns", [0, 2, "1"])
def test_a_wrong_number_of_turns_is_refused(bot: AgentBot, turns: Any) -> None:
    bot.say("Hello.")
    with pytest.raises(ValueError, match="give how many of the 1 to take back"):
        bot.back(turns)


def test_a_turn_killed_in_a_tool_is_finished() -> None:
    killed = crash(work, at="draft", then=work)
    assert killed.value == ["draft done", "review done"]
    assert killed.redone == ("draft",)


def test_nothing_to_finish_and_nothing_to_do_are_refused(bot: AgentBot) -> None:
    with pytest.raises(ValueError, match="has no turn to finish"):
        bot.resume()
    with pytest.raises(ValueError, match="there is no step to do"):
        bot.work({})


def asks(*ids: str) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": "open_ticket", "args": {}, "id": id} for id in ids])


def told(id: str) -> ToolMessage:
    return ToolMessage("open", tool_call_id=id)


ADA = HumanMessage("Hello.")


@pytest.mark.parametrize(
    ("messages", "says"),
    [
        ([ADA, asks("1"), told("1"), AIMessage("Done.")], ""),
        ([ADA, asks("1", "2"), told("2"), told("1")], ""),
        ([ADA, asks("1"), ADA], "no answer right behind it"),
        ([ADA, asks("1")], "no answer right behind it"),
        ([ADA, asks("1", "2"), told("1"), ADA, told("2")], "no answer right behind it"),
        ([told("1"), ADA], "no call before it"),
        ([ADA, asks("1"), told("1"), told("1")], "no call before it"),
    ],
)
def test_a_strict_model_refuses_as_a_provider_does(messages: list[BaseMessage], says: str) -> None:
    if not says:
        refuse(messages)
        return
    with pytest.raises(ValueError, match=says):
        ScriptedModel(strict=True).invoke(messages)


def test_unanswered_calls_are_found_wherever_they_stand() -> None:
    left = unanswered([ADA, asks("1", "2"), told("2"), ADA, asks("3")])
    assert [call["id"] for call in left] == ["1", "3"]


def test_messages_cross_to_the_courses_model() -> None:
    file = HumanMessage("Here.", additional_kwargs={"file": ("a.txt", "a")})
    ours = as_ours([SystemMessage("My name is Ada."), file, asks("1"), told("1")])
    assert [message["role"] for message in ours] == ["system", "user"]
    assert ours[1]["file"] == {"name": "a.txt", "content": "a"}
