"""round_trip: each silent change and each refusal, on LangGraph's serialiser and on others."""

from __future__ import annotations

import io
import json
import logging
import pickle
import threading
from array import array
from collections import OrderedDict, defaultdict, deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from pydantic import BaseModel, PrivateAttr

from lessons_lib.observe import RoundTrip, round_trip


class Money(str):
    pass


class Bag(dict):  # type: ignore[type-arg]
    pass


class Upload:
    def __init__(self, name: str) -> None:
        self.name = name


@dataclass
class Feedback:
    stars: int
    words: tuple[str, ...]


@dataclass(frozen=True)
class Star:
    stars: int


class Visitor(BaseModel):
    _seen: list[str] = PrivateAttr(default_factory=list)

    def sees(self, name: str) -> Visitor:
        self._seen.append(name)
        return self


def changes(trip: RoundTrip) -> list[str]:
    return [str(change) for change in trip.changes]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, 2), ["the value: tuple → list"]),
        ({"a": ("b", [("c",)])}, ["['a']: tuple → list", "['a'][1][0]: tuple → list"]),
        ({"price": Money("5")}, ["['price']: Money → str"]),
        ({"bag": Bag(a=1)}, ["['bag']: Bag → dict"]),
        (OrderedDict(a=1), ["the value: OrderedDict → dict"]),
        (defaultdict(list, a=[1]), ["the value: defaultdict → dict"]),
        ({"e": ValueError("no")}, ["""['e']: ValueError → str "ValueError('no')\""""]),
        ([Feedback(5, ("good",))], ["[0].words: tuple → list"]),
        ({1, (2, 3)}, ["the value: set → list"]),
        ({"a": bytearray(b"x")}, ["['a']: bytearray → bytes b'x'"]),
        (deque([1], maxlen=1), ["the value: deque with maxlen=1 → deque with maxlen=None"]),
        (
            {"at": datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Rome"))},
            [
                "['at']: …tzinfo=zoneinfo.ZoneInfo(key='Europe/Rome')) → "
                "…tzinfo=datetime.timezone(datetime.timedelta(seconds=7200)))"
            ],
        ),
        (["\ud800"], [r"[0]: '\ud800' → '?'"]),
        (Visitor().sees("cv.pdf"), [".__pydantic_private__['_seen']: 1 items → 0 items"]),
    ],
)
def test_what_comes_back_as_something_else(value: object, expected: list[str]) -> None:
    trip = round_trip(value)
    assert changes(trip) == expected
    assert not trip
    assert not trip.refusals


def test_one_object_in_two_places_comes_back_as_two() -> None:
    shared = ["cv.pdf"]
    assert changes(round_trip({"a": shared, "b": [shared]})) == [
        "['b'][0]: the object of ['a'] → a copy of its own"
    ]
    assert round_trip({"a": shared, "b": [shared]}, pickle)
    assert round_trip([UUID(int=1)] * 2)  # of what nobody can change, nobody asks which it is


@pytest.mark.parametrize(
    "value",
    [
        None,
        "text",
        {"messages": [{"role": "user", "content": "My name is Ada."}], "n": 3, "x": 1.5},
        {1: "one", None: 2},
        [float("nan"), -0.0, 2**63, -(2**63), b"bytes"],
        {"a", "b"},
        HumanMessage("hi"),
        [AIMessage("hello", id="1", response_metadata={"model": "scripted"})],
        deque([1, 2]),
    ],
)
def test_what_comes_back_as_it_was(value: object) -> None:
    trip = round_trip(value)
    assert trip
    assert str(trip) == "JsonPlusSerializer: everything comes back as it was."


def circle() -> list[Any]:
    ring: list[Any] = [1]
    ring.append(ring)
    return ring


@pytest.mark.parametrize(
    ("part", "what"),
    [
        (Upload("cv.pdf"), "an instance of Upload"),
        (lambda: 1, "a lambda"),
        (circle, "the function circle"),
        (1j, "a complex number"),
        (2**64, "an int of more than 64 bits"),
        (-(2**63) - 1, "an int of more than 64 bits"),
        (threading.Lock(), "a lock"),
        (array("d", [1]), "an instance of array"),
        (Upload, "a type"),
    ],
)
def test_what_is_refused_is_found_by_its_path(part: object, what: str) -> None:
    trip = round_trip({"good": [1], "bad": [{"deep": part}]})
    [refusal] = trip.refusals
    assert (refusal.path, refusal.what) == ("['bad'][0]['deep']", what)
    assert str(refusal).startswith(f"['bad'][0]['deep'] is {what}, which is refused (TypeError): ")
    assert str(refusal).count(".") == 1 + refusal.what.count(".")
    assert str(refusal) in str(trip)


def test_beside_what_is_refused_the_changes_are_told_too() -> None:
    trip = round_trip({"t": (1, lambda: 2), "o": OrderedDict(a=1), "ring": circle()})
    assert changes(trip) == ["['t']: tuple → list", "['o']: OrderedDict → dict"]
    assert [refusal.path for refusal in trip.refusals] == ["['t'][1]", "['ring'][1]"]
    assert "['ring'][1] is a list that leads back to itself, which is refused" in str(trip)
    assert str(trip).splitlines()[0] == "JsonPlusSerializer changes 2 parts and refuses 2 parts:"
    page = trip._repr_mimebundle_()["text/html"]
    for word in ("[&#x27;t&#x27;]", "tuple", "refused: TypeError", "look the function up"):
        assert word in page


def test_other_serialisers() -> None:
    assert changes(round_trip({1: ("a",)}, json)) == [
        "the key of [1]: 1 → '1'",
        "[1]: tuple → list",
    ]
    [refusal] = round_trip({"f": lambda: 1, "c": circle()}, pickle).refusals
    assert refusal.path == "['f']"


@pytest.mark.parametrize(
    ("serde", "words"),
    [
        (object(), "object has neither dumps_typed .* expected a serialiser: JsonPlusSer"),
        (
            JsonPlusSerializer,
            r"is a class, expected an instance .*: give JsonPlusSerializer\(\)",
        ),
    ],
)
def test_what_is_no_serialiser_is_refused_in_a_sentence(serde: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        round_trip(1, serde)


class Doubling:
    """A serialiser that keeps everything by pickle, and changes the last number of an array."""

    def dumps(self, value: Any) -> bytes:
        return pickle.dumps(value)

    def loads(self, data: bytes) -> Any:
        value = pickle.loads(data)
        if isinstance(value, array):
            value[-1] *= 2
        return value


class Renewing:
    """A serialiser that gives a new lock for each."""

    def dumps(self, value: list[Any]) -> list[Any]:
        return [threading.Lock() for _ in value]

    loads = dumps


def test_arrays_are_compared_value_by_value() -> None:
    assert changes(round_trip(array("d", [1, 2]), Doubling())) == ["[1]: 2.0 → 4.0"]
    assert round_trip(array("d", [1, 2]), pickle)


def test_an_array_of_numpy_comes_back_read_only() -> None:
    numpy = pytest.importorskip("numpy")
    assert changes(round_trip({"a": numpy.arange(3.0)})) == [
        "['a']: float64 (3,) → float64 (3,), read-only"
    ]


def test_what_shows_nothing_of_what_it_holds_is_not_called_unchanged() -> None:
    assert round_trip({"file": io.BytesIO(b"x"), "kind": Feedback}, pickle)
    trip = round_trip([threading.Lock()], Renewing())
    assert not trip
    assert str(trip).startswith("Renewing: not everything was compared: [0], a lock. What")
    assert str(trip).endswith("comes back as it was.")
    assert not round_trip({Star(1)}, pickle)
    deep: list[Any] = []
    for _ in range(300):
        deep = [deep]
    assert "what lies deeper than 200 levels" in str(round_trip(deep, pickle))


def test_a_class_that_is_imported_is_named_and_the_run_still_warns(
    caplog: pytest.LogCaptureFixture,
) -> None:
    value = Feedback(1, ())
    for _ in range(2):
        [note] = round_trip([value]).notes
        assert note.startswith(f"Feedback is made again by importing {__name__};")
    assert not caplog.records
    serde = JsonPlusSerializer()
    with caplog.at_level(logging.WARNING, "langgraph.checkpoint.serde.jsonplus"):
        serde.loads_typed(serde.dumps_typed([value]))
    assert "Feedback" in caplog.text


def test_what_a_strict_serialiser_blocks_the_run_still_warns_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    value, serde = [Feedback(2, ())], JsonPlusSerializer(allowed_msgpack_modules=None)
    assert changes(round_trip(value, serde)) == ["[0]: Feedback → dict"]
    assert not caplog.records
    with caplog.at_level(logging.WARNING, "langgraph.checkpoint.serde.jsonplus"):
        serde.loads_typed(serde.dumps_typed(value))
    assert "Blocked deserialization" in caplog.text
