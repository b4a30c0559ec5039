"""What test_bounded.py explores: ``python bounded_programs.py PROGRAM``; prints JSON."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from random import Random
from threading import Condition, Lock, Thread
from typing import Any

from torture.exploration.execution import Execution, Executor
from torture.exploration.session import instrumenter_for
from torture.runtime.kernel import KERNEL
from torture.strategies import STRATEGIES


class Cell:
    value = 0


def together(*bodies: Any) -> None:
    threads = [Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def lost_update() -> int:
    cell = Cell()

    def bump() -> None:
        cell.value += 1

    together(bump, bump)
    return cell.value


def three_writers() -> int:
    cell = Cell()

    def write(value: int) -> None:
        cell.value = value

    together(*(lambda value=value: write(value) for value in range(3)))
    return cell.value


def opposite_locks() -> None:
    first, second = Lock(), Lock()

    def take(one: Any, other: Any) -> None:
        with one, other:
            pass

    thread = Thread(target=take, args=(first, second))
    thread.start()
    take(second, first)
    thread.join()


def waits_for_notification() -> bool:
    condition = Condition()
    ready = []

    def wait() -> None:
        with condition:
            while not ready:
                condition.wait()

    def notify() -> None:
        with condition:
            ready.append(True)
            condition.notify()

    together(wait, notify)
    return True


def times_out() -> bool:
    lock = Lock()
    got = []

    def take() -> None:
        got.append(lock.acquire(timeout=0.05))

    lock.acquire()
    together(take, lock.release)
    return got[0]


def alone() -> int:
    return 1


def spins() -> None:
    cell = Cell()

    def wait() -> None:
        while not cell.value:
            pass

    def release() -> None:
        cell.value = 1

    together(wait, release)


def cost(execution: Execution) -> int:
    return execution.preemptions + KERNEL.early_timers


def main(program: str) -> None:
    """Print, for both searches: how many schedules have each number of preemptions, in the order of the search."""
    executor = Executor(globals()[program])
    instrumenter = instrumenter_for("free-threaded")
    instrumenter.install(("bounded_programs",), frozenset())
    report = {}
    for name in ("dfs", "bounded"):
        strategy: Any = STRATEGIES[name]()
        counts: list[int] = []
        bounds: list[int | None] = []
        schedules = set()
        for _ in range(200 if program == "spins" else 100_000):
            execution = executor.run(strategy, Random(0))
            if execution is None:
                break
            counts.append(cost(execution))
            bounds.append(getattr(strategy, "bound", None))
            schedules.add(execution.schedule)
        report[name] = {
            "counts": sorted(Counter(counts).items()),
            "ascending": counts == sorted(counts),
            "different": len(schedules),
            "exhausted": strategy.exhausted,
            "bounds": [[bound, bounds.index(bound)] for bound in dict.fromkeys(bounds)],
        }
    print(json.dumps(report))


if __name__ == "__main__":
    from torture.exploration.outcomes import prepare

    prepare()
    sys.path.insert(0, os.path.dirname(__file__))
    import bounded_programs

    bounded_programs.main(*sys.argv[1:])
