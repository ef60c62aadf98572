"""Lets pytest find the course's plugins wherever it is started, for a single notebook too."""

pytest_plugins = ("tests.front_end", "tests.side_by_side")
