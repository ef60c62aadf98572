"""One JupyterLab and one browser for all tests of this folder; skipped where there is none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.lab import Server, browser_page, find_browser, jupyterlab
from tests.kernels import Place

expect.set_options(timeout=30_000)  # milliseconds; a bound for busy machines, not a wait


@pytest.fixture(scope="package")
def server() -> Iterator[Server]:
    """A running JupyterLab on copies of the lessons."""
    with Place.make() as place, jupyterlab(place) as running:
        yield running


@pytest.fixture(scope="package")
def page(request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page of a real browser."""
    browser = find_browser()
    if browser is None:
        pytest.skip(
            "no Chromium, Chrome or Edge on this machine (on Debian: apt-get install chromium), "
            "so nothing was driven in a browser"
        )
    # asked for only now: without a browser no server needs to start
    request.getfixturevalue("server")
    with browser_page(browser) as opened:
        yield opened
