"""Waiting for the operating system is a wait like any other, and the file system is shared."""

from __future__ import annotations

import pytest

from tests.exploration.exploring import TARGETS, explored, found, functions, python
from torture.findings import FindingKind, Verdict

RACES = {
    "looks_then_makes": FindingKind.ASSERTION,
    "looks_then_makes_with_pathlib": FindingKind.EXCEPTION,
    "looks_then_removes": FindingKind.EXCEPTION,
    "counts_in_a_file": FindingKind.ASSERTION,
}
RIGHT = [f"files:{name}" for name in functions("files") if name not in RACES]
RIGHT += [f"network:{name}" for name in functions("network")]


def test_the_right_programs_are_right_on_real_threads() -> None:
    calls = "\n".join(
        f"import {target.replace(':', '; ').replace('; ', f'; {target.split(chr(58))[0]}.')}()"
        for target in RIGHT
    )

    run = python("-c", f"import sys; sys.path.insert(0, {str(TARGETS)!r})\n{calls}")
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize("target", RIGHT)
def test_a_right_program_passes(target: str) -> None:
    result = explored(target, executions=60)

    assert result.finding is None, result.finding
    assert (result.verdict, result.executions) == (Verdict.PASSED, 60), (result.unseen, result.warnings)
    assert result.threads >= 3
    assert result.warnings == ()


@pytest.mark.parametrize("target", RACES)
def test_a_race_in_the_file_system_is_found(target: str) -> None:
    # A random schedule misses each of them with a probability below 0.8: 100 of them below 1e-9.
    finding = found(RACES[target], f"files:{target}")

    assert finding.schedule
    assert finding.preemptions >= 1


@pytest.mark.parametrize("name", functions("children"))
def test_time_is_real_while_a_child_process_runs(name: str) -> None:
    result = explored(f"children:{name}", executions=1)

    assert result.finding is None  # their timing is not controlled: whether it passes is not known
