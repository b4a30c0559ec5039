"""Preemption-bounded search executes exactly the schedules of each bound, in the order of their preemptions.

Each program runs in a process of its own, because torture's patches are process-wide.
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.exploration.exploring import explored
from torture.findings import Verdict
from torture.report.text import summary

pytestmark = pytest.mark.one_version

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parent / "bounded_programs.py"
SMALL = ["lost_update", "three_writers", "opposite_locks", "waits_for_notification", "times_out", "alone"]


@cache
def searched(program: str) -> Any:
    """Return what depth-first and bounded search saw of a program."""
    command = [sys.executable, str(PROGRAMS), program]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
    worker = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert worker.returncode == 0, worker.stderr[-4000:]
    return json.loads(worker.stdout)


@pytest.mark.parametrize("program", SMALL)
def test_each_bound_holds_exactly_the_schedules_that_brute_force_finds(program: str) -> None:
    bounded, brute = searched(program)["bounded"], searched(program)["dfs"]

    assert brute["exhausted"]
    assert bounded["exhausted"]
    assert bounded["counts"] == brute["counts"]
    assert bounded["different"] == brute["different"] == sum(count for _, count in bounded["counts"])


@pytest.mark.parametrize("program", SMALL)
def test_fewer_preemptions_come_first_and_a_bound_is_claimed_when_it_is_done(program: str) -> None:
    bounded = searched(program)["bounded"]

    assert bounded["ascending"]
    done = -1
    expected = []
    for bound, count in bounded["counts"]:
        done += count
        expected.append([bound, done])  # with the last execution of the bound, counted from 0
    assert [claim for claim in bounded["bounds"] if claim[0] is not None] == expected


def test_an_early_timer_counts_as_a_preemption() -> None:
    counts = dict(searched("times_out")["bounded"]["counts"])

    assert counts[1] > 0


def test_endless_schedules_do_not_keep_it_from_the_first_bound() -> None:
    bounded = searched("spins")["bounded"]

    assert not bounded["exhausted"]
    assert bounded["bounds"][-1][0] == 0


def test_a_result_that_is_cut_off_says_up_to_which_bound_it_is_complete() -> None:
    result = explored("races:sections_2x1", strategy="bounded", executions=100)

    assert (result.verdict, result.executions, result.exhausted) == (Verdict.PASSED, 100, None)
    assert result.stages == (
        {"strategy": "bounded", "executions": 100, "exhausted": "every schedule with at most 3 preemptions"},
    )
    lines = summary(result).splitlines()
    assert lines[0] == "passed: 0 of 100 schedules failed; exhausted up to the bound below"
    assert (
        "exhausted: every schedule with at most 3 preemptions (a timer that fires early counts as one)"
        in [
            line.strip()
            for line in lines[-2:]  # the last one may say that greenlet is missing
        ]
    )


def test_a_result_where_nothing_was_cut_off_is_exhausted() -> None:
    result = explored("races:sections_2x1", strategy="bounded", executions=20_000)

    assert result.exhausted is not None
    assert result.executions == explored("races:sections_2x1", strategy="dfs", executions=20_000).executions
    assert result.stages[-1]["exhausted"] == "every schedule"


def test_a_bug_is_found_with_the_fewest_preemptions_it_needs() -> None:
    result = explored("shrinking:lost_update", strategy="bounded", executions=2_000, shrink=False)

    assert result.finding is not None
    assert result.finding.preemptions == 1
    assert result.stages[0]["exhausted"] == "every schedule with at most 0 preemptions"


def test_a_program_that_differs_from_run_to_run_is_not_proved() -> None:
    result = explored("wrong:tosses_a_coin", strategy="bounded", executions=300)

    assert result.exhausted is None
    assert all("exhausted" not in stage for stage in result.stages)
