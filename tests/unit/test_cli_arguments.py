"""The types of options."""

import argparse
from pathlib import Path

import pytest

from torture.cli.arguments import duration, suggestion, target


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("500ms", 0.5), ("2m", 120), ("1h", 3600), ("1.5", 1.5), (".5s", 0.5)]
)
def test_durations_are_seconds(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-1s", "1 s", "1d", "1e3", "nan", "inf", "0ms", "9" * 400, "١s x"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="30s, 500ms or 2m"):
        duration(text)


@pytest.mark.parametrize("text", ["m:f", "a.b.c:Class.method", f"{__file__}:f"])
def test_targets_are_modules_or_files_with_a_function(text: str) -> None:
    assert target(text) == text


@pytest.mark.parametrize("text", ["", ":", "m:", ":f", "m", "m:f()", "a b:f", "missing.py:f", "dir/x:f"])
def test_what_is_no_target_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        target(text)


def test_nothing_is_suggested_where_nothing_is_near() -> None:
    assert suggestion("qqqq", ["budget"]) == ""


def test_pytest_s_spelling_of_a_target_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "test_it.py"
    file.touch()

    assert target(f"{file}::test") == f"{file}:test"
    assert target(f"{file}::Tests::test") == f"{file}:Tests.test"
