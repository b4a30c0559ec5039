"""Objects of C that no table knows: their races are found, and told."""

from __future__ import annotations

import pytest

from tests.exploration.exploring import explored, found
from torture.exploration.recorder import EventRecorder
from torture.findings import FindingKind, Verdict
from torture.report.failure import render


class Child:
    pass


@pytest.mark.parametrize("strategy", ["dpor", "random"])
@pytest.mark.parametrize("program", ["hashed_in_order", "drawn_in_order"])
def test_an_order_that_matters_is_found(program: str, strategy: str) -> None:
    # Half of the schedules are in the other order: 100 miss it with a probability below 1e-20.
    assert explored(f"natives:{program}", strategy=strategy).verdict is Verdict.FAILED


def test_a_call_is_told_as_one() -> None:
    finding = found(FindingKind.ASSERTION, "natives:drawn_in_order", strategy="dpor")

    assert finding.trace is not None
    assert "Random#1.random()" in render(finding, finding.trace, command="")


def test_an_operator_with_a_number_changes_an_array() -> None:
    pytest.importorskip("numpy")

    assert explored("natives:increased_at_once", strategy="dpor").verdict is Verdict.FAILED


def test_a_super_object_is_named_after_what_it_is_bound_to() -> None:
    recorder, child = EventRecorder(), Child()

    first, second = super(Child, child), super(Child, child)
    assert recorder.label(first) == recorder.label(second) == "super of Child#1"
    assert recorder.label(super(Child, Child)) == "super of Child"
