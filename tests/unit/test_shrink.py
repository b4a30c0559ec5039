"""Shrinking: a failing schedule becomes the simplest that fails in the same way."""

from __future__ import annotations

import pytest

from tests.exploration.exploring import explored
from torture.exploration.supervisor import replay
from torture.findings import Finding, FindingKind, Verdict

pytestmark = pytest.mark.one_version

# Preemptions (an early timer is one) that the bug needs.
MINIMA = {
    "lost_update": 1,
    "lost_update_among_idle": 1,
    "opposite_locks": 1,
    "three_ordered_preemptions": 3,
    "started_in_the_wrong_order": 0,
    "early_timer": 0,
    "wide_window": 1,
}


def shrunk(name: str, **settings: object) -> Finding:
    result = explored(f"shrinking:{name}", **{"executions": 2_000, **settings})
    assert result.finding is not None, result
    return result.finding


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("name", MINIMA)
def test_the_minimum_is_the_known_one(name: str, seed: int) -> None:
    assert shrunk(name, seed=seed).preemptions == MINIMA[name]


def test_idle_threads_are_not_switched_to_before_they_have_to_run() -> None:
    finding = shrunk("lost_update_among_idle")

    assert finding.trace is not None
    bumps = [event for event in finding.trace.events if event.function.endswith("bump")]
    threads = [event.thread for event in bumps if event.resource.endswith(".value")]
    first, second = sorted(set(threads))
    assert threads == [first, second, second, first]
    between = finding.trace.events[bumps[0].step : bumps[-1].step]
    assert not [event for event in between if event.function.endswith("idle")]


def test_a_switch_stands_right_after_what_it_has_to_follow() -> None:
    finding = shrunk("wide_window")

    assert finding.trace is not None
    body = [event for event in finding.trace.events if event.function.endswith("withdraw")]
    first = [event.thread for event in body].index(max(event.thread for event in body))
    assert body[first - 1].resource.endswith(".value")
    assert body[first - 1].kind == "read"


def test_the_original_size_is_told_and_the_shrunk_schedule_replays() -> None:
    finding = shrunk("lost_update_among_idle")

    assert finding.shrunk_from is not None
    assert list(finding.shrunk_from) == ["threads", "preemptions", "steps"]
    assert finding.shrunk_from["preemptions"] > finding.preemptions
    again = replay(finding.schedule)
    assert again.verdict is Verdict.FAILED
    assert again.finding is not None
    assert again.finding.fingerprint == finding.fingerprint
    assert again.finding.preemptions == finding.preemptions


def test_no_shrink_reports_the_schedule_as_it_was_found() -> None:
    finding = shrunk("lost_update_among_idle", shrink=False)

    assert finding.shrunk_from is None
    assert finding.preemptions > 1


def test_the_same_seed_shrinks_to_the_same_schedule() -> None:
    assert shrunk("lost_update_among_idle").schedule == shrunk("lost_update_among_idle").schedule


def test_an_early_timer_that_is_not_needed_is_dropped() -> None:
    finding = shrunk("early_timer")

    assert "timing" in finding.labels  # this one is needed


def test_a_schedule_of_thousands_of_switches_takes_no_more_memory_than_others() -> None:
    finding = shrunk("polite", strategy="parking", step_limit=8_000, memory_limit=1 << 28)

    assert finding.kind is FindingKind.LIVELOCK
    assert finding.schedule
