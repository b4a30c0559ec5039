"""What strangers' programs taught: long executions, and modules that the tool's own code calls, too."""

from __future__ import annotations

from tests.exploration.exploring import explored, found
from torture.exploration.supervisor import replay
from torture.findings import FindingKind, Verdict
from torture.report.failure import render_trace


def test_a_finding_is_replayed_where_the_recorder_calls_code_that_has_points() -> None:
    finding = found(FindingKind.ASSERTION, "strangers:cast", granularity="gil", shrink=False)

    assert "not-replayed" not in finding.labels
    assert finding.trace is not None
    assert "Anything" not in render_trace(finding.trace)


def test_a_long_schedule_is_shrunk_and_found_again_with_a_gil() -> None:
    finding = found(FindingKind.EXCEPTION, "strangers:long")

    assert finding.reachable == "gil"
    assert "always" in finding.labels
    assert finding.preemptions <= 3


def test_an_unguarded_builtin_is_also_seen_where_nobody_was_asked_so_that_its_schedule_is_shrunk() -> None:
    finding = found(FindingKind.UNSAFE_BUILTIN, "strangers:ordered")

    assert finding.preemptions == 1


def test_a_module_to_open_that_did_not_run_is_told() -> None:
    result = explored("strangers:ordered", executions=1, instrument=("threadign", "threading", "own"))

    assert [line for line in result.warnings if "--instrument" in line] == [
        "--instrument threadign: no module of that name ran"
    ]


def test_what_c_code_remembers_of_abstract_classes_does_not_keep_a_schedule_from_being_replayed() -> None:
    finding = found(FindingKind.ASSERTION, "strangers:abstract", executions=1_000)

    assert replay(finding.schedule).verdict is Verdict.FAILED


def test_a_thread_that_is_interrupted_while_it_makes_its_local_attributes_finds_its_own_afterwards() -> None:
    result = explored("settings:local")

    assert result.verdict is Verdict.PASSED, result
