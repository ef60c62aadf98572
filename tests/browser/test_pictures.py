"""What every lesson shows, on one page of a laptop's width: nothing is cut off for anybody."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Page

from tests.project import notebooks

ROOM = 914  # pixels that JupyterLab leaves for an output on a screen of 1366

_WIDE = """(room) => [...document.querySelectorAll('img, table')].map(one => {
    let around = one;
    while (around !== document.body
           && !['auto', 'scroll'].includes(getComputedStyle(around).overflowX))
        around = around.parentElement;
    const fits = one.getBoundingClientRect().width <= room;
    around.focus();
    const reached = around !== document.body && document.activeElement === around;
    const lesson = one.closest('[data-lesson]').dataset.lesson;
    return { lesson, what: one.alt ?? one.innerText.slice(0, 60), fits, reached,
             inside: around.getBoundingClientRect().width <= room };
})"""


def _outputs() -> str:
    parts = []
    for path in notebooks():
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", ()):
                html = "".join(output.get("data", {}).get("text/html", ""))
                parts.append(f'<div data-lesson="{path.stem}" style="width:{ROOM}px">{html}</div>')
    return "<!doctype html>" + "\n".join(parts)


def test_what_is_wider_than_its_page_scrolls_by_keyboard(page: Page) -> None:
    browser = page.context.browser
    assert browser is not None
    shown = browser.new_page()
    try:
        shown.set_content(_outputs())
        found: list[dict[str, Any]] = shown.evaluate(_WIDE, ROOM)
    finally:
        shown.close()
    assert any(not one["fits"] for one in found)
    cut = [one for one in found if not (one["fits"] or (one["reached"] and one["inside"]))]
    assert cut == []
