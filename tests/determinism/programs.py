"""Targets whose order of events is easily made to depend on hashes, addresses or the clock."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, as_completed, wait
from queue import PriorityQueue, Queue
from threading import Barrier, Condition, Event, Lock, Thread, Timer


class Account:
    """Compared by identity: a set of these iterates in the order of addresses unless something prevents it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.balance = 0
        self.lock = Lock()


def run(*bodies) -> None:
    threads = [Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def set_of_strings() -> None:
    """Iterate a set whose order depends on the hash seed."""
    words = {"alpha", "beta", "gamma", "delta", "epsilon"}
    seen: list[str] = []

    def visit() -> None:
        for word in words:
            seen.append(word)

    run(visit, visit)
    assert len(seen) == 10


def set_of_threads() -> None:
    """Start and join in the order of a set of Thread objects."""
    account = Account(0)

    def deposit() -> None:
        account.balance += 1

    threads = {Thread(target=deposit) for _ in range(4)}
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert account.balance <= 4


def executor() -> None:
    """Collect futures by completion, out of sets of futures."""
    results: list[int] = []
    with ThreadPoolExecutor(3) as pool:
        futures = {pool.submit(pow, number, 2) for number in range(5)}
        done, _ = wait(futures, return_when=FIRST_COMPLETED)
        results.extend(future.result() for future in done)
        results.extend(future.result() for future in as_completed(futures - done))
    assert sorted(results) == [0, 1, 4, 9, 16]


def queues() -> None:
    """Let two producers feed two consumers through a bounded and a sorted queue."""
    raw: Queue[int | None] = Queue(maxsize=1)
    ordered: PriorityQueue[int] = PriorityQueue()

    def produce() -> None:
        raw.put(1)
        raw.put(None)

    def consume() -> None:
        while (item := raw.get()) is not None:
            ordered.put(item)

    run(produce, produce, consume, consume)
    assert ordered.qsize() == 2


def conditions() -> None:
    """Pass a turn around by one condition, a barrier and an event."""
    condition, barrier, start = Condition(), Barrier(3), Event()
    turn = 0

    def play(mine: int) -> None:
        nonlocal turn
        start.wait()
        with condition:
            while turn != mine:
                condition.wait()
            turn += 1
            condition.notify_all()
        barrier.wait()

    run(start.set, *(lambda mine=mine: play(mine) for mine in range(3)))
    assert turn == 3


def timers() -> None:
    """Race short timers, sleeps and timed waits."""
    event = Event()
    fired: list[str] = []

    def nap() -> None:
        time.sleep(0.03)
        fired.append(f"nap {event.wait(0.02)} {time.monotonic() > 0}")

    timers = [Timer(0.01 * number, fired.append, (f"timer {number}",)) for number in (1, 2, 3)]
    for timer in timers:
        timer.start()
    run(nap, event.set)
    timers[2].cancel()
    for timer in timers:
        timer.join()
    assert len(fired) >= 3


def nested_threads() -> None:
    """Start threads in threads, by name and identity."""
    names: dict[str, bool] = {}

    def grow(depth: int) -> None:
        me = threading.current_thread()
        names[me.name] = me.ident == threading.get_ident()
        if depth:
            run(lambda: grow(depth - 1), lambda: grow(depth - 1))

    grow(2)
    assert len(names) == 7
    assert all(names.values())


def logs() -> None:
    """Log from two threads through a handler that keeps what it gets."""
    kept: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            kept.append(f"{record.threadName}: {record.getMessage()}")

    logger = logging.Logger("determinism")
    logger.addHandler(Keep())

    run(lambda: logger.warning("one"), lambda: logger.error("two"))
    assert len(kept) == 2


def exceptions() -> None:
    """Fail in some schedules, by an exception whose text names an object and a set."""
    account = Account(1)
    tags = {"red", "green", "blue"}

    def deposit() -> None:
        before = account.balance
        account.balance = before + 1
        if account.balance != before + 1:
            raise LookupError(account.number, sorted(tags))

    run(deposit, deposit, deposit)


def locked_accounts() -> None:
    """Deadlock in some schedules, by locks of objects that are found through sets and dicts keyed by them."""
    accounts = [Account(number) for number in range(3)]
    rank = {account: account.number for account in accounts}
    moved: Future[int] = Future()

    def transfer(source: Account, target: Account) -> None:
        with source.lock:
            source.balance -= rank[target]
            with target.lock:
                target.balance += rank[target]

    first, second, third = accounts
    run(
        lambda: transfer(first, second),
        lambda: transfer(second, third),
        lambda: transfer(third, first),
        lambda: moved.set_result(len({*accounts})),
    )
    assert moved.result() == 3
