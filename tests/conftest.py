"""What the tests of all folders share."""

from __future__ import annotations

import os
import sys

import pytest

ONE_VERSION = "one_version"  # for what knows no bytecode, and costs more than a moment
NEWEST = (3, 13)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers",
        f"{ONE_VERSION}: runs on Python {NEWEST[0]}.{NEWEST[1]} and later only, unless TORTURE_FULL=1",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip on older versions what one version is enough for."""
    if sys.version_info >= NEWEST or os.environ.get("TORTURE_FULL") == "1":
        return
    skip = pytest.mark.skip(reason=f"one version will do: {NEWEST[0]}.{NEWEST[1]}")
    for item in items:
        if item.get_closest_marker(ONE_VERSION):
            item.add_marker(skip)
