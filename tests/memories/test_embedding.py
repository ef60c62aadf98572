"""The embedder that counts letters, and the setting that puts a model in its place."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import pytest

from lessons_lib.memories.embedding import DIMS, SETTING, embedder, lexical, search_index


def alike(one: str, other: str) -> float:
    first, second = lexical([one, other])
    product = sum(a * b for a, b in zip(first, second, strict=True))
    return float(product / (sum(a * a for a in first) * sum(b * b for b in second)) ** 0.5)


def test_texts_of_the_same_letters_are_near_and_meanings_are_not_known() -> None:
    assert alike("My printer jams.", "my PRINTER jams.") == pytest.approx(1)
    assert alike("Never call me before ten.", "Call me before ten.") > 0.8
    assert alike("laptop", "computer") == 0


def test_every_text_has_a_vector_of_the_same_length() -> None:
    vectors = lexical(["", "a", "é – ☃", "long " * 1000])
    assert [len(vector) for vector in vectors] == [DIMS] * 4
    assert sum(vectors[0]) == 0


def test_vectors_are_alike_in_every_process() -> None:
    """The built-in hash would differ: its seed is another one in each process."""
    ask = (
        "from lessons_lib.memories.embedding import lexical; "
        "print([i for i, n in enumerate(lexical(['Paper jam'])[0]) if n])"
    )
    run = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str([i for i, n in enumerate(lexical(["Paper jam"])[0]) if n])


def length_only(texts: Sequence[str]) -> list[list[float]]:
    return [[1.0, float(len(text))] for text in texts]


class Model:
    """As LangChain's embeddings are: an object with two methods."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return length_only(texts)

    def embed_query(self, text: str) -> list[float]:
        return length_only([text])[0]


MODEL = Model()


@pytest.mark.parametrize("name", ["length_only", "Model", "MODEL"])
def test_a_setting_names_a_function_a_class_or_an_object(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, f"{__name__}:{name}")
    assert search_index()["dims"] == 2


def test_without_a_setting_it_is_lexical(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SETTING, raising=False)
    assert embedder() is lexical


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("a_model", "is 'a_model': name a module and what is in it"),
        (":embed", "is ':embed': name a module and what is in it"),
        ("no_such:embed", "is 'no_such:embed', and the module cannot be imported"),
        ("json:dumped", "is 'json:dumped', and json has no 'dumped'"),
        ("math:pi", "is 'math:pi', a float: it must name a function"),
    ],
)
def test_a_setting_that_leads_nowhere_says_so(setting: str, says: str) -> None:
    with pytest.raises(ValueError, match="LESSONS_EMBEDDER") as caught:
        embedder(setting)
    assert says in str(caught.value)


def test_a_text_is_no_list_of_fields() -> None:
    with pytest.raises(ValueError, match=r"give a list of names, as in \['text'\]"):
        search_index("text")


def test_a_store_finds_with_it() -> None:
    from langgraph.store.memory import InMemoryStore

    store = InMemoryStore(index=search_index(setting=""))
    for number, text in enumerate(["My name is Ada.", "My printer jams."]):
        store.put(("users", "ada"), str(number), {"text": text})
    assert [item.key for item in store.search(("users",), query="printer", limit=1)] == ["1"]
