"""What a failure hinges on: its nearest passing twin, and the step from which nothing passes any more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.exploration.exploring import TARGETS, explored, functions
from torture.exploration.supervisor import replay
from torture.findings import Finding, NoReturn, Twin, Verdict
from torture.report.json import dumps
from torture.report.text import summary
from torture.trace.event import Event

SOURCE = (TARGETS / "hinging.py").read_text().splitlines()
PROGRAMS = functions("hinging")
WITH_A_TWIN = [name for name in PROGRAMS if name != "always_fails"]


def failing(name: str, **settings: object) -> Finding:
    result = explored(f"hinging:{name}", **{"executions": 2_000, **settings})
    assert result.finding is not None, result
    return result.finding


def twin_of(name: str) -> Twin:
    twin = failing(name).twin
    assert twin is not None
    return twin


def lost_at(name: str) -> NoReturn:
    found = failing(name).no_return
    assert found is not None
    return found


def line(event: Event | None) -> str:
    assert event is not None
    return SOURCE[event.line - 1].strip()


@pytest.mark.parametrize("name", WITH_A_TWIN)
def test_the_twin_passes_when_it_is_replayed(name: str) -> None:
    again = replay(twin_of(name).token)

    assert (again.verdict, again.warnings) == (Verdict.PASSED, ())


def test_a_lost_update_hinges_on_a_turn_between_read_and_write() -> None:
    twin = twin_of("lost_update")

    assert (twin.change, twin.thread, twin.runs) == ("moved", "Thread-1 (bump)", "Thread-2 (bump)")
    assert line(twin.sooner) == line(twin.at) == "seen = cell.value"
    assert line(twin.later) == "cell.value = seen + 1"


def test_the_end_of_a_wide_window_is_found() -> None:
    twin = twin_of("window_of_five")

    assert line(twin.sooner) == line(twin.at) == "cell.ready = True"
    assert line(twin.later) == "cell.ready = False"


def test_what_has_no_name_in_the_failing_execution_gets_none() -> None:
    twin = twin_of("opposite_locks")

    assert line(twin.sooner) == "with first:  # noqa: SIM117 - each acquire has a line of its own"
    assert line(twin.later) == "with second:"
    assert twin.later is not None
    assert (twin.later.kind, twin.later.resource) == ("acquire", "")


def test_without_a_preemption_it_hinges_on_who_goes_first() -> None:
    twin = twin_of("used_before_it_is_set")

    assert (twin.change, twin.preempts) == ("dropped", False)
    assert (twin.runs, twin.instead) == ("Thread-2 (uses)", "Thread-1 (sets)")


def test_a_failure_of_the_usual_order_needs_a_switch_more() -> None:
    twin = twin_of("fails_in_the_usual_order")

    assert twin.change == "added"
    assert twin.runs == "Thread-2 (sets)"


def test_an_early_timer_is_what_it_hinges_on() -> None:
    twin = twin_of("gives_up_too_soon")

    assert (twin.change, twin.runs) == ("dropped", "")


def test_what_fails_in_every_order_has_no_twin_and_no_return_from_the_start() -> None:
    finding = failing("always_fails")

    assert finding.twin is None
    assert finding.no_return == NoReturn(sampled=32)


@pytest.mark.parametrize(
    ("name", "thread", "source"),
    [
        ("lost_update", 2, "seen = cell.value"),
        ("window_of_five", 2, "assert not cell.ready"),
        ("opposite_locks", 2, "with second:  # noqa: SIM117"),
        ("used_before_it_is_set", 2, "assert cell.value == 7"),
        ("fails_in_the_usual_order", 1, "assert cell.value == 7"),
    ],
)
def test_there_is_no_way_back_from_the_step_that_decides(name: str, thread: int, source: str) -> None:
    found = lost_at(name)

    assert found.step is not None
    assert (found.step.thread, line(found.step)) == (thread, source)
    assert found.sampled == 32
    assert 0 < found.passing <= found.sampled


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_same_seed_says_the_same_bytes(name: str) -> None:
    first, second = (
        replace(explored(f"hinging:{name}", executions=2_000), seconds=0.0, executions_per_second=0.0)
        for _ in range(2)
    )

    assert dumps(first) == dumps(second)
    assert summary(first) == summary(second)


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_report_says_both_and_keeps_its_size(name: str) -> None:
    finding = failing(name)

    lines = summary(explored(f"hinging:{name}", executions=2_000)).splitlines()
    report = lines[2 : next(i for i, text in enumerate(lines) if text.startswith("replay: ")) + 1]
    assert len(report) <= 60
    assert max(map(len, report[:-1])) <= 80
    text = " ".join(report)
    assert ("passes if" in text) == (finding.twin is not None)
    assert "sampled" in text


def test_an_execution_that_is_long_is_not_tried_again_and_again() -> None:
    result = explored("wrong:counts_for_ever", executions=1)

    assert result.finding is not None
    assert (result.finding.twin, result.finding.no_return) == (None, None)


def test_a_finding_that_is_not_shrunk_is_not_explained() -> None:
    finding = failing("lost_update", shrink=False)

    assert (finding.twin, finding.no_return) == (None, None)


def test_a_thread_gets_no_turn_before_it_is_started_and_an_early_timer_is_told() -> None:
    finding = failing("gives_up_before_the_second", strategy="auto")

    assert finding.labels == ("timing", "always")
    assert finding.twin is not None
    for event in (finding.twin.sooner, finding.twin.later):
        assert event is None or (event.kind, event.resource) != ("spawn", finding.twin.runs)
    told = " ".join(summary(explored("hinging:gives_up_before_the_second", strategy="auto")).split())
    assert "Timing: the wait of Thread-2 (produces) (hinging.py:" in told


def test_a_list_that_is_only_an_operand_takes_no_number() -> None:
    finding = failing("published_before_it_is_there")

    assert finding.trace is not None
    touched = [line(event) for event in finding.trace.events if event.resource.startswith("list#")]
    assert "slots = [None] * 2" not in touched
