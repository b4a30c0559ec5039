"""A target that cannot be loaded is refused with the cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from torture.errors import UsageError
from torture.isolation.target import load


def test_a_file_of_a_package_is_to_be_given_as_a_module(tmp_path: Path) -> None:
    file = tmp_path / "part_of_a_package.py"
    file.write_text("from . import sibling\n")

    with pytest.raises(UsageError, match="write package.module:function"):
        load(f"{file}:f", None)
