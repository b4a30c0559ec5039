"""A fault is found whatever the operations are spelt like."""

from __future__ import annotations

import pytest

from tests.exploration.exploring import explored, functions


@pytest.mark.parametrize("program", functions("spellings"))
def test_an_operation_is_a_point_whatever_its_spelling(program: str) -> None:
    # The faults need one preemption among a few dozen points: 300 executions find each with any seed tried.
    result = explored(f"spellings:{program}", strategy="auto", executions=300)

    assert result.finding is not None, result
    assert result.finding.message.startswith(("AssertionError", "Empty"))
