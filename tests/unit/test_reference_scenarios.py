"""The scenarios on real threads: published variants pass run one after the other, hardened ones in any case."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from torture.scenario.loader import Case, load
from torture.scenario.program import build

CASES = load([str(Path(__file__).parents[2] / "scenarios" / "all.yaml")])
PUBLISHED = [case for case in CASES if case.variant_name.startswith("published")]
HARDENED = [case for case in CASES if case.variant_name.startswith("hardened")]
CATALOGUE = [
    *(f"0.{row}" for row in range(1, 7)),
    *(f"1.{row}" for row in (1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 13, 14)),
    *(f"4.{row}" for row in range(1, 10)),
]


def run(case: Case, times: int) -> None:
    """Run a case's program on a daemon thread: one that hangs fails the test and not the test run."""
    program = build(file=case.file, name=case.scenario.name, variant=case.variant_name)
    outcome: Future[Any] = Future()

    def body() -> None:
        try:
            for _ in range(times):
                program()
            outcome.set_result(None)
        except BaseException as error:  # the future raises it
            outcome.set_exception(error)

    threading.Thread(target=body, daemon=True, name="program").start()
    outcome.result(60)


def test_every_row_has_a_published_variant_that_fails_and_a_hardened_one_that_passes() -> None:
    rows = {(case.scenario.fault, case.variant_name, case.variant.expect) for case in CASES}

    for row in CATALOGUE:
        assert {(row, "published", "failed"), (row, "hardened", "passed")} <= rows


@pytest.mark.parametrize("case", PUBLISHED, ids=lambda case: case.name)
def test_a_published_variant_passes_when_each_thread_runs_alone(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "(sequential" in case.scenario.description:
        pytest.skip("this fault needs no second thread; the row is marked so")
    start = threading.Thread.start
    ports: list[threading.Thread] = []

    def start_and_settle(thread: threading.Thread) -> None:
        """Let a thread end; a server's is let go until it waits for a message, and ends after who stopped it."""
        start(thread)
        if thread.name == "http-transport":
            ports.append(thread)
        if thread.name == "http-transport" or "_server_loop" in thread.name:
            thread.join(0.05)
        elif thread.name != "program":
            for each in (thread, *ports):
                each.join(30)
            ports.clear()

    monkeypatch.setattr(threading.Thread, "start", start_and_settle)

    run(case, times=1)


@pytest.mark.parametrize("case", HARDENED, ids=lambda case: case.name)
def test_a_hardened_variant_passes_on_real_threads(case: Case) -> None:
    slow = "timeout" in case.scenario.parameters or case.engine != "explore"

    run(case, times=2 if slow else 50)
