"""The embedder that counts letters, and the setting that puts a model in its place."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from lessons_lib.memories.embedding import DIMS, SETTING, embedder, lexical, search_index


def test_every_text_has_the_same_vector_in_every_process() -> None:
    """The built-in hash would differ: its seed is another one in each process."""
    vectors = lexical(["", "a", "é – ☃", "long " * 1000])
    assert [len(vector) for vector in vectors] == [DIMS] * 4
    assert [at for at, count in enumerate(lexical(["jam"])[0]) if count] == [231, 1297, 1319]


def length_only(texts: Sequence[str]) -> list[list[float]]:
    return [[1.0, float(len(text))] for text in texts]


class Model:
    """As LangChain's embeddings are."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return length_only(texts)


MODEL = Model()


@pytest.mark.parametrize("name", ["length_only", "Model", "MODEL"])
def test_a_setting_names_a_function_a_class_or_an_object(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, f"{__name__}:{name}")
    assert search_index()["dims"] == 2


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
