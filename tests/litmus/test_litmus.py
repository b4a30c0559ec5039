"""Every litmus program has exactly its outcomes, under each granularity."""

from __future__ import annotations

import json
import subprocess
import sys
from ast import literal_eval
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.litmus.corpus import FREE_THREADED, GRANULARITIES, MODULES, Litmus, load

ROOT = Path(__file__).parents[2]
PROGRAMS = [
    pytest.param(
        module,
        granularity,
        program,
        id=f"{module}-{program.name}-{granularity}",
        marks=pytest.mark.xdist_group(f"{module}-{granularity}"),  # they look at one report
    )
    for module in MODULES
    for granularity in GRANULARITIES
    for program in load(module)
]


@cache
def observed(module: str, granularity: str) -> dict[str, Any]:
    """Explore all programs of one module in a process of its own."""
    command = [sys.executable, "-m", "tests.litmus.worker", module, granularity]
    worker = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    if worker.returncode:
        pytest.fail(
            f"{' '.join(command)} ended with {worker.returncode}:\n{worker.stderr[-4000:]}", pytrace=False
        )
    report: dict[str, Any] = json.loads(worker.stdout)
    return report


@pytest.mark.parametrize(("module", "granularity", "program"), PROGRAMS)
def test_outcomes_are_exactly_those_stated(module: str, granularity: str, program: Litmus) -> None:
    report = observed(module, granularity)[program.name]

    seen = {literal_eval(outcome) for outcome in report["seen"]}
    expected = program.expected(granularity)
    assert seen == expected, (
        f"missing {sorted(map(repr, expected - seen))}, extra {sorted(map(repr, seen - expected))} "
        f"after {report['executions']} executions"
    )
    assert report["exhausted"] or program.sampled, f"not exhausted after {report['executions']} executions"


@pytest.mark.parametrize(
    ("module", "program"),
    [
        pytest.param(
            module,
            each,
            id=f"{module}-{each.name}",
            marks=pytest.mark.xdist_group(f"{module}-{FREE_THREADED}"),
        )
        for module in MODULES
        for each in load(module)
    ],
)
@pytest.mark.one_version
def test_what_dpor_calls_exhausted_lacks_no_outcome(module: str, program: Litmus) -> None:
    report = observed(module, FREE_THREADED)[program.name]["reduced"]

    seen = {literal_eval(outcome) for outcome in report["seen"]}
    assert seen <= program.free_threaded
    assert seen == program.free_threaded or not report["exhausted"]


def test_corpus_is_large_and_its_names_are_unique() -> None:
    names = [program.name for module in MODULES for program in load(module)]

    assert len(names) == len(set(names)) >= 90
