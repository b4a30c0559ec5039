"""What test_gates.py runs: ``python gate_programs.py``; prints JSON."""

from __future__ import annotations

import copy
import json
import os
import queue
import sys
import threading
from concurrent import futures
from random import Random


def waits_for_permit() -> None:
    threading.BoundedSemaphore(0).acquire()


def waits_for_item() -> None:
    queue.LifoQueue[int]().get()


def waits_for_room() -> None:
    items = queue.Queue[int](1)
    items.put(1)
    items.put(2)


def waits_for_tasks() -> None:
    items = queue.Queue[int]()
    items.put(1)
    items.join()


def waits_for_result() -> None:
    futures.Future[int]().result()


FILLED = queue.Queue[int]()
SEMAPHORE = threading.Semaphore(0)


def made_outside() -> list[object]:
    """What an object holds outside of an execution, it holds inside."""
    found: list[object] = [FILLED.get_nowait(), FILLED.qsize(), SEMAPHORE.acquire(blocking=False)]
    FILLED.put(2)
    return found


def on_real_threads() -> list[object]:
    """Outside of an execution everything is the library's own."""
    items = queue.PriorityQueue[int](1)
    semaphore = threading.Semaphore(0)
    got: list[object] = []

    def consume() -> None:
        for _ in range(3):
            got.append(items.get(timeout=10))
            items.task_done()
        semaphore.release()

    consumer = threading.Thread(target=consume)
    consumer.start()
    for item in range(3):
        items.put(item)
    items.join()
    got.append(semaphore.acquire(timeout=10))
    consumer.join()
    return [*got, items.empty(), copy.copy(semaphore).acquire(blocking=False), hasattr(queue.Queue, "mutex")]


def main() -> None:
    from torture.exploration.execution import Executor
    from torture.strategies.fixed import NonPreemptive

    def executed(program: str) -> object:
        execution = Executor(globals()[program]).run(NonPreemptive(), Random(0))
        assert execution is not None
        return execution.failure.message if execution.failure else execution.outcome

    FILLED.put(1)
    SEMAPHORE.release()
    programs = [name for name in globals() if name.startswith("waits_for_")]
    report: dict[str, object] = {program: executed(program) for program in programs}
    report["made_outside"] = [executed("made_outside"), FILLED.get_nowait()]
    report["on_real_threads"] = on_real_threads()
    print(json.dumps(report))


if __name__ == "__main__":
    from torture.exploration.outcomes import prepare

    prepare()
    sys.path.insert(0, os.path.dirname(__file__))
    import gate_programs

    gate_programs.main()
