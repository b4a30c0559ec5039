"""Every bug of the litmus corpus shrinks to its known minimum: fewest threads, then fewest preemptions."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.litmus.corpus import DEADLOCK, MODULES, SPELLINGS, UNSAFE, load

pytestmark = pytest.mark.one_version
ROOT = Path(__file__).parents[2]
# Threads and preemptions that a failure needs, worked out by hand; brute force has to come to the same.
KNOWN = {
    "context_entered_twice": (2, 1),  # one is stopped inside
    "pop_key_twice": (3, 0),
    "two_locks_crosswise": (3, 1),
    "two_locks_crosswise_with_call": (3, 1),
    "two_locks_crosswise_acquired": (3, 1),
    "three_philosophers": (4, 1),  # one of them is stopped; the others wait for each other without more
    "lock_twice": (1, 0),
    "lock_never_released": (2, 0),
    "join_under_lock": (2, 0),
    "join_each_other": (3, 0),
    "condition_never_notified": (1, 0),
    "notified_before_waiting": (3, 0),
    "notify_one_of_two": (4, 0),
    "event_never_set": (2, 0),
    "event_set_and_cleared": (2, 1),
    "semaphore_never_released": (3, 0),
    "barrier_never_full": (3, 0),
    "queue_never_filled": (1, 0),
    "queue_never_drained": (3, 0),
    "two_consumers_look_before_one_item": (3, 1),
    "join_queue_without_task_done": (1, 0),
    "thread_blocked_for_ever": (2, 0),
    "future_never_set": (1, 0),
    "task_waits_for_task_in_pool_of_one": (2, 0),
    "shared_iterator": (2, 0),
    "shared_iterator_in_loops": (2, 0),
    "shared_itertools_count": (2, 0),
    "heap_pushed_from_both": (2, 1),
    "ordered_dict_written_from_both": (2, 0),
    "counter_updated_from_both": (2, 1),
    "exception_in_main": (2, 1),
    "exception_in_thread": (2, 0),
    "exception_in_thread_by_race": (3, 0),
    "shared_generator": (2, 0),
    "siblings_of_a_tee": (2, 0),
    "iterators_over_one_iterator": (2, 1),
}
FAILURES = ("'deadlock:", "'exception:", "'unsafe-builtin:")


@pytest.mark.parametrize("module", [module for module in MODULES if module not in SPELLINGS])
def test_every_bug_shrinks_to_the_fewest_threads_and_preemptions(module: str) -> None:
    command = [sys.executable, "-m", "tests.litmus.minima", module]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)

    assert ran.returncode == 0, ran.stderr[-4000:]
    for name, bugs in json.loads(ran.stdout).items():
        for bug, sizes in bugs.items():
            assert sizes["shrunk"], (name, bug)
            assert all(size == sizes["minimum"] for size in sizes["shrunk"]), (name, bug, sizes)
            if bug.startswith(FAILURES):
                assert tuple(sizes["minimum"]) == KNOWN[name], (name, bug, sizes)
        failing = any(bug.startswith(FAILURES) for bug in bugs)
        assert failing == (name in KNOWN), name
        outcomes = next(program.free_threaded for program in load(module) if program.name == name)
        assert len(bugs) >= len(outcomes) - 1, (name, "not all outcomes were seen")


def test_a_minimum_is_known_for_every_program_that_can_fail() -> None:
    def fails(outcome: object) -> bool:
        return outcome in (DEADLOCK, UNSAFE) or (isinstance(outcome, tuple) and outcome[:1] == ("exception",))

    programs = [program for module in MODULES for program in load(module)]
    assert {p.name for p in programs if any(map(fails, p.free_threaded))} == set(KNOWN)
