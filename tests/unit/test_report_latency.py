"""The latency table of a run holds every figure, and fits."""

from __future__ import annotations

from typing import Any

import pytest

from torture.findings import Verdict
from torture.report.console import Row
from torture.report.latency import FIGURES, milliseconds, notes, table

LONG = "ResultQueueManager.remove_server"


def operation(name: str = LONG, **changed: Any) -> dict[str, Any]:
    figures = dict(zip(FIGURES, (0.00123, 0.0318, 2.346, 31.4, 1234.4), strict=True))
    return {
        "operation": name,
        "calls": 12345,
        "per_second": 11242.4,
        **figures,
        "calls_with_collection": 2,
        "calls_preempted": 3,
        "max_without_pause": 1.0,
        "paced": None,
        **changed,
    }


def row(*latency: dict[str, Any]) -> Row:
    return Row(
        scenario="server-removed",
        fault="4.7",
        variant="published",
        engine="stress",
        executions=1,
        lost=0,
        duplicated=0,
        deadlocks=0,
        p95=0.0318,
        collisions=None,
        verdict=Verdict.PASSED,
        expected=Verdict.PASSED,
        expected_kinds=(),
        finding=None,
        warnings=(),
        command="",
        latency=latency,
        harness={"nanoseconds_per_call": 2100, "empty_call_nanoseconds": 130},
    )


@pytest.mark.parametrize("columns", [80, 140])
def test_every_figure_stands_in_a_line_that_fits(columns: int) -> None:
    lines = list(table([row(operation())], columns))
    told = lines[-1].split()

    assert max(map(len, lines)) <= columns
    assert lines[-2] == "server-removed/published"
    assert told[0] == ("remove_server" if columns == 80 else LONG)
    assert told[1:] == ["12,345", "0.0012", "0.032", "2.35", "31.4", "1234", "11,242"]
    assert lines[1].split() == ["operation", "calls", *FIGURES, "calls/s"]


def test_nothing_is_printed_where_nothing_was_timed() -> None:
    assert list(table([row()], 80)) == []


def test_a_percentile_without_enough_calls_is_not_shown() -> None:
    lines = list(table([row(operation(calls=99), operation(calls=19))], 140))

    assert [line.split()[1:] for line in lines if LONG in line] == [
        ["99", "0.0012", "0.032", "–", "–", "1234", "11,242"]
    ]
    assert lines[-1] == "  the others (1, of fewer than 20 calls) stand in the JSON"
    assert list(table([row(operation(calls=1))], 140)) == [
        "  latencies (1, of fewer than 20 calls) stand in the JSON"
    ]


def test_pauses_and_the_cost_of_measuring_are_said() -> None:
    paced = {"overdue": 7, "uncorrected": {}, "woken_late": {}}
    told = "\n".join(notes([row(operation(), operation(paced=paced))]))

    assert "measuring costs 2.1 µs per call, outside the interval; an empty call measures 0.13 µs" in told
    assert "contained: 4 calls during a garbage collection, 6 while the system took the core away" in told
    assert "paced calls count from when they were due; 7 were overdue" in told


@pytest.mark.parametrize("figure", [0.0, 0.0001234, 0.00999, 0.4567, 9.876, 99.94, 12345.6, 999999.0])
def test_a_figure_has_six_characters_at_most(figure: float) -> None:
    assert len(milliseconds(figure)) <= 6
    assert float(milliseconds(figure)) == pytest.approx(figure, rel=0.05, abs=0.00005)
