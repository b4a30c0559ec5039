"""Where a finding can be reached with a GIL, and by which of its switch places."""

from __future__ import annotations

import opcode
import sys

import pytest

from tests.exploration.exploring import explored, functions
from torture.findings import Finding
from torture.instrument.atomicity import GIL_SILENT, SILENT_WHEN_WARM
from torture.report.text import summary

LABELS = {"always": "always", "cold": "cold only", "finalizer": "finalizer", "none": None}
PROGRAMS = functions("reachable")


def failing(name: str, **settings: object) -> Finding:
    result = explored(f"reachable:{name}", **{"executions": 1_000, **settings})
    assert result.finding is not None, result
    return result.finding


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_label_is_the_kind_of_switch_place_that_it_needs(name: str) -> None:
    finding = failing(name)

    label = LABELS[name.partition("_")[0]]
    assert finding.reachable == ("free-threaded" if label is None else "gil")
    assert finding.labels == (() if label is None else (label,))


def test_every_label_is_tested() -> None:
    assert {LABELS[name.partition("_")[0]] for name in PROGRAMS} == set(LABELS.values())


@pytest.mark.parametrize("name", [name for name in PROGRAMS if not name.startswith(("cold", "none"))])
def test_what_is_found_at_the_switch_places_of_a_gil_is_labelled_too(name: str) -> None:
    finding = failing(name, granularity="gil")

    assert finding.reachable == "gil"
    assert finding.labels == (LABELS[name.partition("_")[0]],)


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name.startswith(("cold", "none"))])
def test_a_warm_interpreter_with_a_gil_does_not_lose_it(name: str) -> None:
    result = explored(f"reachable:{name}", strategy="dfs", executions=10_000, granularity="gil")

    assert (result.finding, result.exhausted is None) == (None, False)


def test_the_report_names_the_label_and_the_interpreter() -> None:
    text = summary(explored("reachable:cold_only_by_append", executions=1_000)).replace("\n", " ")

    assert f"reachable: gil (cold only, Python {sys.version_info.major}.{sys.version_info.minor})" in text


def test_what_was_tried_is_told() -> None:
    stages = explored("reachable:none_between_load_and_store", executions=1_000).stages

    assert [stage["granularity"] for stage in stages if "granularity" in stage] == ["gil"]
    assert 0 < stages[-1]["executions"] <= 300


def test_the_silent_calls_are_instructions_of_this_version() -> None:
    specialised = {
        name for family in getattr(opcode, "_specializations", {}).values() for name in family
    } | set(getattr(opcode, "_specialized_instructions", ()))

    assert set(SILENT_WHEN_WARM[sys.version_info[:2]].values()) <= specialised
    assert set(SILENT_WHEN_WARM[sys.version_info[:2]]) == GIL_SILENT
