"""Torture's outcomes equal those of an independent interpreter, on generated programs; and the interpreter is right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from ast import literal_eval
from pathlib import Path

import pytest

from tests.oracle.generate import MOST_SCHEDULES, programs, to_python
from tests.oracle.interpreter import (
    DEADLOCK,
    Acquire,
    Join,
    Operation,
    Program,
    Publish,
    Read,
    Release,
    ReleaseIf,
    Spawn,
    Try,
    Write,
    WriteSucc,
    outcomes,
    schedules,
)

ROOT = Path(__file__).parents[2]
SEED = 7
# All of them on one version; the others, which differ in bytecode only, get a part.
COUNT = 500 if sys.version_info >= (3, 13) or os.environ.get("TORTURE_FULL") == "1" else 150
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


def test_generated_programs_are_many_different_ones() -> None:
    generated = programs(SEED, COUNT)

    kinds = {type(operation) for program in generated for body in program.threads for operation in body}
    assert kinds == {Read, Write, WriteSucc, Acquire, Release, Try, ReleaseIf, Spawn, Join, Publish}
    assert generated[:20] == programs(SEED, 20)
    assert max(map(schedules, generated)) < MOST_SCHEDULES
    assert sum(DEADLOCK in outcomes(program) for program in generated) > COUNT // 50
    assert sum(len(outcomes(program)) > 1 for program in generated) > COUNT // 2


@pytest.mark.parametrize("granularity", ["free-threaded", "gil"])
def test_torture_sees_what_the_interpreter_sees(granularity: str) -> None:
    command = [sys.executable, "-m", "tests.oracle.worker", str(SEED), str(COUNT), granularity]
    worker = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert worker.returncode == 0, worker.stderr[-4000:]

    report = json.loads(worker.stdout)
    assert len(report) == COUNT
    wrong = []
    for program, found in zip(programs(SEED, COUNT), report, strict=True):
        seen = {literal_eval(outcome) for outcome in found["seen"]}
        expected = outcomes(program, granularity)
        if seen != expected or not found["exhausted"]:
            missing, extra = sorted(map(repr, expected - seen)), sorted(map(repr, seen - expected))
            wrong.append(
                f"missing {missing}, extra {extra}, exhausted {found['exhausted']}\n{to_python(program)}"
            )
    assert not wrong, f"{len(wrong)} of {COUNT} programs differ; the first:\n{wrong[0]}"
