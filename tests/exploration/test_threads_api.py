"""Unmodified code does under the scheduler what it does on real threads."""

from __future__ import annotations

import pytest

from tests.exploration.exploring import TARGETS, explored, functions, python
from torture.findings import Verdict

MODULES = ("starting", "identity", "waiting", "pools", "lifetimes", "language")
PROGRAMS = [f"{module}:{name}" for module in MODULES for name in functions(module)]


@pytest.mark.parametrize("module", MODULES)
def test_the_programs_are_right_on_real_threads(module: str) -> None:
    calls = "\n".join(f"{module}.{name}()" for name in functions(module))

    run = python("-c", f"import sys; sys.path.insert(0, {str(TARGETS)!r})\nimport {module}\n{calls}")
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_right_program_passes_with_every_thread_seen(program: str) -> None:
    result = explored(program)

    assert result.finding is None, result.finding
    assert (result.verdict, result.executions) == (Verdict.PASSED, 100), (result.unseen, result.warnings)
    assert result.threads >= 2
    assert result.warnings == ()
    assert all(line.startswith("not instrumented: ") for line in result.unseen)
