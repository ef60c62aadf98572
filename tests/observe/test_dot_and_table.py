"""Other people's graphs in the course's look, and tables."""

from __future__ import annotations

import re

import objgraph
import pytest

from lessons_lib.observe import Table, from_objgraph
from lessons_lib.observe.pictures.dot import read_graph


class Upload:
    def __init__(self, name: str) -> None:
        self.name = name


def test_what_objgraph_writes_is_read() -> None:
    diagram = read_graph(
        """digraph ObjectGraph {
        node[shape=box, style=filled, fillcolor=white];
        o1[fontcolor=red];
        o1[label="Upload\\n<Upload at 0x7f2a \\"cv\\"; [1]>"];
        o2 -> o1 [label="next",weight=2];
        o2 -> o1 [label="next",weight=2];
        o2[label="list\\n1 item"];
        too_many_o2 -> o2[color=red,style=dotted,len=0.25,weight=10];
        }"""
    )
    assert [(box.title, box.lines, box.kind, box.note) for box in diagram.boxes] == [
        ("Upload", ('<Upload "cv"; [1]>',), "object", "asked for"),
        ("list", ("1 item",), "object", ""),
        ("too_many_o2", (), "pill", ""),
    ]
    assert [(a.tail, a.head, a.label, a.style) for a in diagram.arrows] == [
        ("o2", "o1", "next", "solid"),
        ("too_many_o2", "o2", "", "dotted"),
    ]


def test_objgraph_goes_through_the_same_pictures_without_addresses() -> None:
    upload = Upload("cv.pdf")
    box = {"file": [upload]}
    picture = from_objgraph(objgraph.show_backrefs, [upload], alt="who refers", max_depth=3)
    assert "Upload" in picture.svg
    assert ">file<" in picture.svg
    assert not re.search(r"0x[0-9a-f]{6}|o\d{10}", picture.svg)
    del box


def test_a_large_objgraph_is_bounded_and_says_so() -> None:
    many = [[n, [Upload(str(n))]] for n in range(80)]
    picture = from_objgraph(objgraph.show_refs, [many], alt="x", max_depth=4, too_many=90)
    assert "more boxes" in picture.svg


def test_a_table_as_html_and_as_text() -> None:
    table = Table(
        ("mode", "steps"), (("sync <1>", 12), ("exit", 3)), caption="Redone", notes=("n",)
    )
    html = table._repr_html_()
    assert '<th scope="col"' in html
    assert "<caption" in html
    assert "sync &lt;1&gt;" in html
    assert str(table).splitlines() == [
        "Redone",
        "mode      steps",
        "--------  -----",
        "sync <1>     12",
        "exit          3",
        "n",
    ]


def test_a_column_without_a_name_has_no_empty_header() -> None:
    html = Table(("", "mode"), ((1, "sync"),))._repr_html_()
    assert html.count("<th") - html.count("<thead") == 1
    assert html.count("<td") == 3


def test_a_row_of_the_wrong_length_is_one_clear_sentence() -> None:
    with pytest.raises(
        ValueError, match="has 1 cells, expected 2: one for each of the columns a, b"
    ):
        Table(("a", "b"), ((1,),))
