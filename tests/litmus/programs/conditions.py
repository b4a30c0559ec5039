"""Condition, Event, Semaphore, BoundedSemaphore, Barrier."""

from __future__ import annotations

from threading import Barrier, BoundedSemaphore, BrokenBarrierError, Condition, Event, Lock, Semaphore, Thread

from tests.litmus.corpus import Outcome, litmus
from tests.litmus.programs.together import beside_main, two


class State:
    def __init__(self) -> None:
        self.x = self.y = 0
        self.a = self.b = None


@litmus(free_threaded={(1,)})
def event_publishes() -> Outcome:
    o = State()
    event = Event()

    def writer() -> None:
        o.x = 1
        event.set()

    def reader() -> None:
        event.wait()
        o.a = o.x

    beside_main(writer, reader)
    return (o.a,)


@litmus(free_threaded={(0,), (1,)})
def event_set_too_early() -> Outcome:
    o = State()
    event = Event()

    def writer() -> None:
        event.set()
        o.x = 1

    def reader() -> None:
        event.wait()
        o.a = o.x

    beside_main(writer, reader)
    return (o.a,)


@litmus(free_threaded={(True,), (False,)})
def event_asked() -> Outcome:
    o = State()
    event = Event()

    def ask() -> None:
        o.a = event.is_set()

    two(event.set, ask)
    return (o.a,)


@litmus(free_threaded={(True,), (False,)})
def event_with_short_timeout() -> Outcome:
    o = State()
    event = Event()

    def wait() -> None:
        o.a = event.wait(0.05)

    beside_main(event.set, wait)
    return (o.a,)


@litmus(free_threaded={(True,)})
def event_with_long_timeout() -> Outcome:
    o = State()
    event = Event()

    def wait() -> None:
        o.a = event.wait(5)

    two(event.set, wait)
    return (o.a,)


@litmus(free_threaded={(False,)})
def event_times_out() -> Outcome:
    return (Event().wait(0.2),)


@litmus(free_threaded={(1,)})
def condition_with_predicate() -> Outcome:
    o = State()
    condition = Condition()

    def writer() -> None:
        with condition:
            o.x = 1
            condition.notify()

    def reader() -> None:
        with condition:
            while not o.x:
                condition.wait()
            o.a = o.x

    two(writer, reader)
    return (o.a,)


@litmus(free_threaded={(1,)})
def condition_wait_for() -> Outcome:
    o = State()
    condition = Condition(Lock())

    def writer() -> None:
        with condition:
            o.x = 1
            condition.notify_all()

    def reader() -> None:
        with condition:
            condition.wait_for(lambda: o.x == 1)
            o.a = o.x

    beside_main(writer, reader)
    return (o.a,)


@litmus(free_threaded={(0,), (1,)})
def condition_with_short_timeout() -> Outcome:
    """Without a predicate to check again, a timeout looks like a notification."""
    o = State()
    condition = Condition()

    def writer() -> None:
        with condition:
            o.x = 1
            condition.notify()

    def reader() -> None:
        with condition:
            if not o.x:
                condition.wait(0.05)
            o.a = o.x

    beside_main(writer, reader)
    return (o.a,)


@litmus(free_threaded={(1,)})
def condition_with_long_timeout() -> Outcome:
    o = State()
    condition = Condition()

    def writer() -> None:
        with condition:
            o.x = 1
            condition.notify()

    def reader() -> None:
        with condition:
            if not o.x:
                condition.wait(5)
            o.a = o.x

    two(writer, reader)
    return (o.a,)


@litmus(free_threaded={(False,)})
def condition_times_out() -> Outcome:
    condition = Condition()
    with condition:
        return (condition.wait(0.2),)


@litmus(free_threaded={("not held",)})
def notify_without_lock() -> Outcome:
    condition = Condition()
    seen = []

    def notify() -> None:
        try:
            condition.notify()
        except RuntimeError:
            seen.append("not held")

    thread = Thread(target=notify)
    with condition:
        thread.start()
        thread.join()
    return tuple(seen)


@litmus(free_threaded={(1,), (-1,)}, sampled=True)
def condition_checked_once() -> Outcome:
    """``if`` instead of ``while``: another consumer takes the item before the woken one has the lock again."""
    condition = Condition()
    items = []
    failed = []

    def consume() -> None:
        with condition:
            if not items:
                condition.wait()
            try:
                items.pop()
            except IndexError:
                failed.append(-1)

    def produce() -> None:
        with condition:
            items.append(1)
            condition.notify()

    waiting = Thread(target=consume)
    late = Thread(target=consume)
    waiting.start()
    late.start()
    produce()
    produce()
    waiting.join()
    late.join()
    return (failed[0],) if failed else (1,)


@litmus(free_threaded={(2,)})
def semaphore_excludes() -> Outcome:
    o = State()
    semaphore = Semaphore(1)

    def bump() -> None:
        with semaphore:
            o.x += 1

    beside_main(bump, bump)
    return (o.x,)


@litmus(free_threaded={(1,), (2,)}, gil={(2,)})
def semaphore_of_two_excludes_nobody() -> Outcome:
    o = State()
    semaphore = Semaphore(2)

    def bump() -> None:
        with semaphore:
            o.x += 1

    beside_main(bump, bump)
    return (o.x,)


@litmus(free_threaded={(1,)})
def semaphore_hands_over() -> Outcome:
    o = State()
    semaphore = Semaphore(0)

    def writer() -> None:
        o.x = 1
        semaphore.release()

    def reader() -> None:
        semaphore.acquire()
        o.a = o.x

    beside_main(writer, reader)
    return (o.a,)


@litmus(free_threaded={(0,), (1,)})
def semaphore_handed_over_too_early() -> Outcome:
    """With a GIL, too, others may run between the release and what follows it."""
    o = State()
    semaphore = Semaphore(0)

    def writer() -> None:
        semaphore.release()
        o.x = 1

    def reader() -> None:
        semaphore.acquire()
        o.a = o.x

    beside_main(writer, reader)
    return (o.a,)


@litmus(free_threaded={(True,), (False,)})
def semaphore_tried() -> Outcome:
    o = State()
    semaphore = Semaphore(0)

    def attempt() -> None:
        o.a = semaphore.acquire(blocking=False)

    two(semaphore.release, attempt)
    return (o.a,)


@litmus(free_threaded={(False,)})
def semaphore_times_out() -> Outcome:
    return (Semaphore(0).acquire(timeout=0.2),)


@litmus(free_threaded={("too often",)})
def bounded_semaphore_released_twice() -> Outcome:
    semaphore = BoundedSemaphore(1)
    semaphore.acquire()
    seen = []

    def release() -> None:
        try:
            semaphore.release()
        except ValueError:
            seen.append("too often")

    two(release, release)
    return tuple(seen)


@litmus(free_threaded={(1, 1)})
def barrier_publishes() -> Outcome:
    o = State()
    barrier = Barrier(2)

    def left() -> None:
        o.x = 1
        barrier.wait()
        o.a = o.y

    def right() -> None:
        o.y = 1
        barrier.wait()
        o.b = o.x

    beside_main(left, right)
    return (o.a, o.b)


@litmus(free_threaded={(0, 1)})
def barrier_numbers_its_parties() -> Outcome:
    barrier = Barrier(2)
    numbers = []

    def cross() -> None:
        numbers.append(barrier.wait())

    beside_main(cross, cross)
    return tuple(sorted(numbers))


@litmus(free_threaded={("broken",)})
def barrier_times_out() -> Outcome:
    barrier = Barrier(2)
    try:
        barrier.wait(0.2)
    except BrokenBarrierError:
        return ("broken",)
    return ("crossed",)


@litmus(free_threaded={("broken",)})
def barrier_aborted() -> Outcome:
    """Before or after the wait began: an aborted barrier breaks every wait."""
    o = State()
    barrier = Barrier(2)

    def cross() -> None:
        try:
            barrier.wait()
        except BrokenBarrierError:
            o.a = "broken"

    two(barrier.abort, cross)
    return (o.a,)
