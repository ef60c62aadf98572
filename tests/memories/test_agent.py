"""The scripted model under the ready-made agent: strict as a provider, if it is told to."""

from __future__ import annotations

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from lessons_lib.memories.scripted_model import ScriptedModel, as_ours, refuse, unanswered


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
