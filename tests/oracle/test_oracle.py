"""Torture's outcomes equal those of an independent interpreter, on generated programs; and the interpreter is right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from ast import literal_eval
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.oracle.generate import KINDS, MOST_SCHEDULES, programs, waiting_programs
from tests.oracle.interpreter import DEADLOCK, outcomes, schedules
from tests.oracle.language import (
    Acquire,
    Down,
    Get,
    Join,
    Notify,
    Operation,
    Program,
    Publish,
    Put,
    Read,
    Release,
    ReleaseIf,
    Set,
    Spawn,
    Try,
    Up,
    Wait,
    Waiting,
    WaitSet,
    Write,
    WriteSucc,
)
from tests.oracle.translate import to_python

ROOT = Path(__file__).parents[2]
SEED = 7
# All of them on one version; the others, which differ in bytecode only, get a part.
FULL = os.environ.get("TORTURE_FULL") == "1"
COUNT = 500 if FULL else 150 if sys.version_info >= (3, 13) else 80
PLAIN = 1_000 if FULL else 100  # by DPOR
WAITING = 1_000 if FULL else 30
DFS_TOO = 60 if FULL else 5  # of the waiting ones, by plain DFS, which seldom comes to the end of one
DFS_EXECUTIONS = 2_000
DPOR_EXECUTIONS = 3_000
INCREMENT: tuple[Operation, ...] = (Read(0, 0), WriteSucc(0, 0))


def beside_each_other(*bodies: tuple[Operation, ...], variables: int = 1, locks: int = 0) -> Program:
    """Make a program whose main thread only starts and joins the bodies."""
    threads = range(1, len(bodies) + 1)
    main: tuple[Operation, ...] = (
        *(Spawn(thread) for thread in threads),
        *(Join(thread) for thread in threads),
    )
    return Program((main, *bodies), variables=variables, locks=locks, registers=1)


def values(program: Program, granularity: str = "free-threaded") -> set[object]:
    """Return the final values of the first variable, or DEADLOCK."""
    return {found if found == DEADLOCK else found[0] for found in outcomes(program, granularity)}  # type: ignore[index]


def test_two_increments_lose_one_unless_the_gil_is_held() -> None:
    program = beside_each_other(INCREMENT, INCREMENT)

    assert values(program) == {1, 2}
    assert values(program, "gil") == {2}


def test_three_increments() -> None:
    assert values(beside_each_other(INCREMENT, INCREMENT, INCREMENT)) == {1, 2, 3}


def test_increments_under_a_lock() -> None:
    section = (Acquire(0), *INCREMENT, Release(0))

    assert values(beside_each_other(section, section, locks=1)) == {2}


def test_the_gil_is_handed_over_after_acquire() -> None:
    late = (Read(0, 0), Acquire(0), WriteSucc(0, 0), Release(0))

    assert values(beside_each_other(late, late, locks=1), "gil") == {1, 2}


def test_two_locks_crosswise_deadlock() -> None:
    left = (Acquire(0), Acquire(1), Release(1), Release(0))
    right = (Acquire(1), Acquire(0), Release(0), Release(1))

    assert values(beside_each_other(left, right, locks=2)) == {0, DEADLOCK}
    assert values(beside_each_other(left, left, locks=2)) == {0}


def test_one_of_two_tries_may_fail_but_not_both() -> None:
    attempt = (Try(0, 0), ReleaseIf(0, 0))

    found = outcomes(beside_each_other(attempt, attempt, locks=1))
    assert found == {(0, (0,), (1,), (1,)), (0, (0,), (0,), (1,)), (0, (0,), (1,), (0,))}


def test_joined_child_is_finished() -> None:
    program = Program(((Spawn(1), Join(1), Read(0, 0)), (Write(0, 5),)), variables=1, locks=0, registers=1)

    assert outcomes(program) == {(5, (5,), (0,))}


def test_a_schedule_is_one_way_to_interleave() -> None:
    program = Program(
        ((Spawn(1), Read(0, 0), Read(0, 0), Join(1)), (Write(0, 1), Write(0, 2))),
        variables=1,
        locks=0,
        registers=1,
    )

    assert schedules(program) == 6  # 4! / (2! 2!): the join comes last


@pytest.mark.one_version
def test_generated_programs_are_many_different_ones() -> None:
    generated = programs(SEED, COUNT)

    kinds = {type(operation) for program in generated for body in program.threads for operation in body}
    assert kinds == {Read, Write, WriteSucc, Acquire, Release, Try, ReleaseIf, Spawn, Join, Publish}
    assert generated[:20] == programs(SEED, 20)
    assert max(map(schedules, generated)) < MOST_SCHEDULES
    assert sum(DEADLOCK in outcomes(program) for program in generated) >= COUNT // 80
    assert sum(len(outcomes(program)) > 1 for program in generated) > COUNT // 2


@pytest.mark.one_version
def test_generated_programs_wait_in_every_way() -> None:
    generated = waiting_programs(SEED, 60)

    operations = [operation for program in generated for body in program.threads for operation in body]
    assert {Wait, Notify, Set, WaitSet, Down, Up, Put, Get} <= set(map(type, operations))
    timeouts = [operation.timeout for operation in operations if isinstance(operation, Waiting)]
    assert {None, 0} < set(timeouts)
    assert sum(DEADLOCK in outcomes(program) for program in generated) > 60 // 8
    assert sum(len(outcomes(program)) > 1 for program in generated) > 60 // 2


def test_a_notification_may_meet_a_waiter_that_has_just_timed_out() -> None:
    wait: tuple[Operation, ...] = (Acquire(0), Wait(0, 0, 1), Release(0))
    wait_longer: tuple[Operation, ...] = (Acquire(0), Wait(0, 0), Release(0))
    program = beside_each_other(wait, wait_longer, (Acquire(0), Notify(0), Release(0)), locks=1)

    found = {found if found == DEADLOCK else found[2:4] for found in outcomes(program)}  # type: ignore[index]
    assert found == {((0,), (1,)), DEADLOCK}


def test_whoever_waits_for_a_semaphore_may_lose_it_again() -> None:
    take: tuple[Operation, ...] = (Down(0, 0),)
    program = Program(
        ((Spawn(1), Spawn(2), Join(1), Join(2)), take, (Up(0), Down(0, 0, 0))), 0, 0, 1, semaphores=(0,)
    )

    assert outcomes(program) == {((0,), (1,), (0,)), DEADLOCK}


def test_a_timeout_may_come_first() -> None:
    program = beside_each_other((Get(0, 0, 1), Publish()), (Put(0, 5, 0),))
    program = replace(program, queues=(1,))

    assert outcomes(program) == {(0, (0,), (5,), (1,)), (0, (0,), (0,), (1,))}


def explored(
    kind: str, count: int, strategy: str, granularity: str = "free-threaded", most: int = 200_000
) -> Any:
    """Return for each generated program what torture says of it."""
    arguments = [kind, str(SEED), str(count), strategy, granularity, str(most)]
    command = [sys.executable, "-m", "tests.oracle.worker", *arguments]
    worker = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3_000, check=False)
    assert worker.returncode == 0, worker.stderr[-4000:]
    report = json.loads(worker.stdout)
    assert len(report) == count
    return report


def difference(program: Program, found: Any, granularity: str = "free-threaded") -> str:
    """Say what torture saw otherwise than the interpreter, "" for nothing; what is not exhausted may lack outcomes."""
    seen = {literal_eval(outcome) for outcome in found["seen"]}
    expected = outcomes(program, granularity)
    missing, extra = sorted(map(repr, expected - seen)), sorted(map(repr, seen - expected))
    if not extra and not (missing and found["exhausted"]):
        return ""
    return f"missing {missing}, extra {extra}, exhausted {found['exhausted']}\n{to_python(program)}"


@pytest.mark.parametrize("granularity", ["free-threaded", "gil"])
def test_torture_sees_what_the_interpreter_sees(granularity: str) -> None:
    report = explored("plain", COUNT, "dfs", granularity)

    assert all(found["exhausted"] for found in report)
    pairs = zip(programs(SEED, COUNT), report, strict=True)
    wrong = [said for program, found in pairs if (said := difference(program, found, granularity))]
    assert not wrong, f"{len(wrong)} of {COUNT} programs differ; the first:\n{wrong[0]}"


@pytest.mark.parametrize(("kind", "count"), [("plain", PLAIN), ("waiting", WAITING)])
def test_what_dpor_calls_exhausted_is_all(kind: str, count: int) -> None:
    report = explored(kind, count, "dpor", most=DPOR_EXECUTIONS)

    assert sum(found["exhausted"] for found in report) >= 0.95 * count
    pairs = zip(KINDS[kind](SEED, count), report, strict=True)
    wrong = [said for program, found in pairs if (said := difference(program, found))]
    assert not wrong, f"{len(wrong)} of {count} programs differ; the first:\n{wrong[0]}"


def test_dfs_sees_nothing_else_in_programs_that_wait() -> None:
    report = explored("waiting", DFS_TOO, "dfs", most=DFS_EXECUTIONS)

    assert any(found["exhausted"] for found in report)
    pairs = zip(waiting_programs(SEED, DFS_TOO), report, strict=True)
    wrong = [said for program, found in pairs if (said := difference(program, found))]
    assert not wrong, f"{len(wrong)} of {DFS_TOO} programs differ; the first:\n{wrong[0]}"
