"""Time: sleeping order, timers, clocks. A timer may fire up to 0.1 s early; nobody else is delayed."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Condition, Event, Timer

from tests.litmus.corpus import Outcome, litmus
from tests.litmus.programs.together import two


@litmus(free_threaded={(1, 2)})
def sleepers_far_apart() -> Outcome:
    seen = []

    def short() -> None:
        time.sleep(0.2)
        seen.append(1)

    def long() -> None:
        time.sleep(0.6)
        seen.append(2)

    two(long, short)
    return tuple(seen)


@litmus(free_threaded={(1, 2), (2, 1)})
def sleepers_close_together() -> Outcome:
    """The second may wake before the first got to run."""
    seen = []

    def short() -> None:
        time.sleep(0.01)
        seen.append(1)

    def long() -> None:
        time.sleep(0.02)
        seen.append(2)

    two(long, short)
    return tuple(seen)


@litmus(free_threaded={(1, 2), (2, 1)})
def sleepers_of_equal_length() -> Outcome:
    seen = []

    def one() -> None:
        time.sleep(0.2)
        seen.append(1)

    def other() -> None:
        time.sleep(0.2)
        seen.append(2)

    two(one, other)
    return tuple(seen)


@litmus(free_threaded={(0,), (1,)})
def short_sleep_instead_of_waiting() -> Outcome:
    n = 0
    seen = []

    def work() -> None:
        nonlocal n
        n = 1

    def wait() -> None:
        time.sleep(0.05)
        seen.append(n)

    two(work, wait)
    return tuple(seen)


@litmus(free_threaded={(1,)})
def long_sleep_instead_of_waiting() -> Outcome:
    """Time passes only when nobody can run."""
    n = 0
    seen = []

    def work() -> None:
        nonlocal n
        n = 1

    def wait() -> None:
        time.sleep(0.3)
        seen.append(n)

    two(work, wait)
    return tuple(seen)


@litmus(free_threaded={(0,), (1,)})
def sleep_nothing() -> Outcome:
    n = 0
    seen = []

    def work() -> None:
        nonlocal n
        time.sleep(0)
        n = 1

    two(work, lambda: seen.append(n))
    return tuple(seen)


@litmus(free_threaded={(1,), (2,)})
def sleep_between_load_and_store() -> Outcome:
    n = 0

    def bump() -> None:
        nonlocal n
        seen = n
        time.sleep(0.01)
        n = seen + 1

    two(bump, bump)
    return (n,)


@litmus(free_threaded={(1,)})
def timer_fires() -> Outcome:
    seen = []
    timer = Timer(0.2, seen.append, (1,))
    timer.start()
    timer.join()
    return tuple(seen)


@litmus(free_threaded={()})
def timer_cancelled_in_time() -> Outcome:
    seen = []
    timer = Timer(5, seen.append, (1,))
    timer.start()
    timer.cancel()
    timer.join()
    return tuple(seen)


@litmus(free_threaded={(), (1,)})
def timer_cancelled_perhaps_too_late() -> Outcome:
    seen = []
    timer = Timer(0.05, seen.append, (1,))
    timer.start()
    timer.cancel()
    timer.join()
    return tuple(seen)


@litmus(free_threaded={()})
def timer_cancelled_before_start() -> Outcome:
    seen = []
    timer = Timer(0.2, seen.append, (1,))
    timer.cancel()
    timer.start()
    timer.join()
    return tuple(seen)


@litmus(free_threaded={(True,)})
def clock_advances_by_sleep() -> Outcome:
    before = time.monotonic()
    time.sleep(0.2)
    return (time.monotonic() - before >= 0.19,)


@litmus(free_threaded={(True,)})
def clock_never_runs_backwards() -> Outcome:
    first = time.monotonic()
    second = time.monotonic()
    return (second >= first,)


@litmus(free_threaded={(True,)})
def wait_outlasts_sleep() -> Outcome:
    event = Event()
    seen = []

    def work() -> None:
        time.sleep(0.2)
        event.set()

    def wait() -> None:
        seen.append(event.wait(0.6))

    two(work, wait)
    return tuple(seen)


@litmus(free_threaded={(False,)})
def sleep_outlasts_wait() -> Outcome:
    event = Event()
    seen = []

    def work() -> None:
        time.sleep(0.6)
        event.set()

    def wait() -> None:
        seen.append(event.wait(0.2))

    two(work, wait)
    return tuple(seen)


@litmus(free_threaded={(False,)})
def condition_outwaited() -> Outcome:
    """The predicate stays false for longer than the wait."""
    condition = Condition()
    ready = False
    seen = []

    def work() -> None:
        nonlocal ready
        time.sleep(0.6)
        with condition:
            ready = True
            condition.notify()

    def wait() -> None:
        with condition:
            seen.append(condition.wait_for(lambda: ready, timeout=0.2))

    two(work, wait)
    return tuple(seen)


@litmus(free_threaded={(1,)}, sampled=True)
def increment_in_pool() -> Outcome:
    """Both tasks sleep at the same time: it passes only when nobody can run."""
    n = 0

    def bump() -> None:
        nonlocal n
        seen = n
        time.sleep(0.2)
        n = seen + 1

    with ThreadPoolExecutor(2) as pool:
        pool.submit(bump)
        pool.submit(bump)
    return (n,)


@litmus(free_threaded={(2,)}, sampled=True)
def increment_in_pool_of_one() -> Outcome:
    n = 0

    def bump() -> None:
        nonlocal n
        seen = n
        time.sleep(0.2)
        n = seen + 1

    with ThreadPoolExecutor(1) as pool:
        pool.submit(bump)
        pool.submit(bump)
    return (n,)


@litmus(free_threaded={(1, 2), (2, 1)}, sampled=True)
def order_in_pool() -> Outcome:
    seen = []

    def work(number) -> None:
        time.sleep(0.2)
        seen.append(number)

    with ThreadPoolExecutor(2) as pool:
        pool.submit(work, 1)
        pool.submit(work, 2)
    return tuple(seen)
