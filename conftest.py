"""Lets pytest find the notebook plugin wherever it is started, for a single notebook too."""

pytest_plugins = ("tests.front_end",)
