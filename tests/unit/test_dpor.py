"""DPOR runs one execution of each class of schedules, misses no outcome, and says when that is all.

Each program runs in a process of its own, because torture's patches are process-wide: this file is its worker, too.
"""

from __future__ import annotations

import json
import subprocess
import sys
from ast import literal_eval
from functools import cache
from itertools import product
from math import factorial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from torture.strategies.access import Access
from torture.strategies.happens_before import HappensBefore, Step

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parent / "dpor_programs.py"


def explored(program: str, strategy: str = "dpor", granularity: str = "free-threaded") -> Any:
    """Return what a program showed: its outcomes, whether exhausted, and the number of executions."""
    alone = (program,)  # by depth-first search each takes its time
    together = (
        alone
        if strategy == "dfs" or granularity == "gil"
        else next((batch for batch in BATCHES if program in batch), alone)
    )
    return reports(together, strategy, granularity)[program]


@cache
def reports(programs: tuple[str, ...], strategy: str, granularity: str) -> Any:
    """Return the same for each of several programs, explored one after the other in one process."""
    command = [sys.executable, str(PROGRAMS), ",".join(programs), strategy, granularity]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
    worker = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    if worker.returncode:
        pytest.fail(worker.stderr[-4000:], pytrace=False)
    return json.loads(worker.stdout)


def seen(program: str, strategy: str = "dpor", granularity: str = "free-threaded") -> set[Any]:
    """Return the outcomes of a program that must be exhausted."""
    report = explored(program, strategy, granularity)
    assert report["exhausted"], report
    return {literal_eval(outcome) for outcome in report["seen"]}


SHAPES = ((2, 1), (2, 2), (2, 3), (3, 1), (3, 2))
GUARDS = (
    "Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition", "Queue", "SimpleQueue", "LifoQueue", "token"
)  # fmt: skip
SECTIONS = {
    kind: [(f"sections:{kind}:{threads}:{sections}", threads, sections) for threads, sections in SHAPES]
    for kind in GUARDS
}
SECTIONS["Lock"] += [("sections:Lock:2:5", 2, 5), ("sections:Lock:3:3", 3, 3)]


@pytest.mark.parametrize("kind", SECTIONS)
def test_critical_sections_are_executed_once_in_each_order(kind: str) -> None:
    for program, threads, sections in SECTIONS[kind]:
        orders = factorial(threads * sections) // factorial(sections) ** threads
        assert len(seen(program)) == orders, program
        assert explored(program)["executions"] == orders, program


# What can be told apart, and in how many executions it is seen.
CLASSES = {
    "enough_permits": (1, 1),
    "too_few_permits": (1, 6),
    "handed_permit": (1, 1),
    "pipe_of_one": (1, 1),
    "unbounded_pipe": (1, 1),
    "two_producers": (6, 6),
    "two_producers_for_one_place": (6, 6),
    "two_consumers": (1, 2),
    "tasks_joined": (1, 6),
    "asked_for_its_size": (4, 4),
    "got_or_not": (2, 2),
    "waited_for_by_two": (1, 1),
    "cancelled_or_done": (2, 4),
}


@pytest.mark.parametrize("program", CLASSES)
def test_what_commutes_is_executed_in_one_order(program: str) -> None:
    outcomes, executions = CLASSES[program]

    assert len(seen(program)) == outcomes
    assert explored(program)["executions"] == executions


def test_independent_threads_are_executed_once() -> None:
    assert seen("independent") == {(3, 3, 3)}
    assert explored("independent")["executions"] == 1


def test_two_readers_and_a_writer_have_four_classes() -> None:
    assert seen("readers") == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert explored("readers")["executions"] == 4


TRAPS: dict[str, set[Any]] = {
    "locked_before_acquire": {(True,), (False,)},
    "try_before_release": {(True,), (False,), "deadlock"},
    "three_tries": set(product((True, False), repeat=3)) - {(False, False, False)},
    "try_beside_sections": {(0, 1), (1, 1), (1,)},
    "deadlock_of_three": {(0, 1, 2), "deadlock"},
    "asleep_in_its_section": {("late", "early"), ("early", "late")},
    "clock_read_by_two": {(True,), (False,)},
    "early_timer_and_notify": {(True,), (False,)},
    "timed_acquire": {(True,), (False,), "deadlock"},
    "timer_set_by_the_last_to_run": {(0,), (1,)},
    "sleepers": {(1, 2), (2, 1)},
    "end_of_main": {(), ("exception", "KeyError")},
    "blocked_at_end_of_main": {(), ("exception", "KeyError")},
    "two_failures": {("exception", "KeyError"), ("exception", "ValueError")},
    "order_of_keys": {("a", "b"), ("b", "a")},
    "copied_during_update": {(1,), (3,)},
    "size_of_simple_queue": {(True, 0), (True, 1), (False, 1), (False, 0)},
    "threads_counted": {(2, 2), (3, 2), (3, 3)},
    "timer_of_builtin": {(0, 1), (1, 1)},
    "pool_runs_builtin": {(0, 1), (1, 1)},
    "repeated_list": {(2,), (4,)},
    "shown_list": {("[1]", "[1]"), ("[1]", "[1, 2]"), ("[1, 2]", "[1, 2]")},
    "size_of_defaultdict": {(0, 0), (0, 1), (0, "changed")},
    "last_element": {(0,), (2,)},
    "class_attribute": {(0,), (1,)},
    "listed_attributes": {("a", "b"), ("b", "a")},
    "late_notification": {(1,)},
    "yields": {(0,), (1,)},
    "same_file": {(True,), (False,)},
    "pipe": {(b"a",), (b"b",)},
    "handed_over_lock": {(1, 2), (2, 1)},
    "permit_for_one_of_two": {(True, False, False), (False, True, False), (False, False, True)},
    "tried_before_others_gave": {(True,), (False,)},
    "two_permits_each": {(), "deadlock"},
    "released_too_often": {(True,), (False, False)},
    "inside_of_a_semaphore": {(0, 0), (1, 1)},
    "subclass_of_semaphore": {(1,), (2,)},
    "who_waited_first": {(1, 2)},
    "joined_before_or_after_a_put": {(0,), (1,)},
    "done_by_others": {(True, False), (False, True), (False, False)},
    "put_with_timeouts": {(True, True, 1), (True, False, 0), (False, True, 0)},
    "last_item_first": {(1,), (2,)},
    "compared_in_python": {(0,), (1,)},
    "under_the_mutex": {(0, 0), (1, 1)},
    "cancelled_or_done": {(1,), ("cancelled",)},
    "asked_whether_done": set(product((True, False), repeat=2)),
    "called_back_by_whom": {("worker",), ("MainThread",)},
    "result_in_time": {(1, 1), ("late", 1)},
    "first_of_two_futures": {(0,), (1,), (0, 1)},
    "ended_twice": {(1, 2), (2, 1)},
    "own_way_to_put": {(2,)},
    **({"shut_down": {("got",), ("not got", "not put")}} if sys.version_info >= (3, 13) else {}),
}
BATCHES = (
    tuple(TRAPS),
    *(tuple(program for program, _, _ in programs) for programs in SECTIONS.values()),
    tuple(CLASSES),
)


@pytest.mark.one_version
@pytest.mark.parametrize("program", TRAPS)
def test_no_outcome_is_missed(program: str) -> None:
    assert seen(program) == TRAPS[program]


def test_threads_are_known_by_who_spawned_them() -> None:
    assert seen("spawned_by_two") == {(0, 1), (1, 0)}
    assert explored("spawned_by_two")["executions"] == 2


@pytest.mark.parametrize("seed", range(20))
def test_what_begins_a_reversal_is_what_depends_on_nothing_after_it(seed: int) -> None:
    rng = Random(seed)
    actors = [rng.randrange(4) for _ in range(40)]
    steps = [
        Step(actor, str(actor), Access(rng.randint(1, 5), None, rng.random() < 0.4), at)
        for at, actor in enumerate(actors)
    ]
    order = HappensBefore(steps, [], 0)
    first, end = sorted(rng.sample(range(40), 2))

    later = range(first + 1, end)
    expected = [at for at in later if not any(order.clocks[at] >> other & 1 for other in range(first, at))]
    assert order.beginnings(first, end) == expected


@pytest.mark.parametrize("program", ["locked_before_acquire", "two_failures", "readers"])
def test_with_a_gil_it_is_depth_first_search(program: str) -> None:
    by_dfs = explored(program, "dfs", "gil")

    assert explored(program, "dpor", "gil") == by_dfs
    assert by_dfs["exhausted"]


def test_an_endless_spin_is_not_called_exhausted() -> None:
    report = explored("spins")

    assert not report["exhausted"]
