"""Locks, conditions, barriers, semaphores, queues and time."""

import datetime
import queue
import sched
import sys
import threading
import time
from collections.abc import Callable

LOCK = threading.Lock()
RLOCK = threading.RLock()
CONDITION = threading.Condition()
QUEUE: queue.Queue[int] = queue.Queue()


class Shared:
    lock = threading.Lock()

    def __init__(self) -> None:
        self.own = threading.Lock()
        self.count = 0


SHARED = Shared()


def _together(*functions: Callable[[], object]) -> None:
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _refused(error: type[Exception], call: Callable[..., object], *args: object, **options: object) -> bool:
    try:
        call(*args, **options)
    except error:
        return True
    return False


def locks_made_at_import() -> None:
    SHARED.count = 0

    def add(lock: threading.Lock) -> Callable[[], None]:
        def work() -> None:
            with lock:
                SHARED.count += 1

        return work

    for lock in (LOCK, RLOCK, CONDITION, Shared.lock, SHARED.own):
        _together(add(lock), add(lock))
    assert SHARED.count == 10


def queues_made_at_import() -> None:
    _together(lambda: QUEUE.put(1), lambda: QUEUE.put(2))
    assert QUEUE.get() + QUEUE.get() == 3


def locks() -> None:
    lock = threading.Lock()
    assert lock.acquire(timeout=1)
    assert lock.locked()
    assert not lock.acquire(blocking=False)
    assert not lock.acquire(timeout=0.01)
    assert _refused(ValueError, lock.acquire, False, 1)
    assert _refused(ValueError, lock.acquire, timeout=-2)
    _together(lock.release)  # another thread may
    assert not lock.locked()
    assert _refused(RuntimeError, lock.release)


def reentrant_locks() -> None:
    lock, seen = threading.RLock(), []
    with lock, lock:
        _together(lambda: seen.append(lock.acquire(blocking=False)))
        _together(lambda: seen.append(_refused(RuntimeError, lock.release)))
    _together(lambda: seen.append(lock.acquire(blocking=False) and not lock.release()))
    assert seen == [False, True, True]


def conditions() -> None:
    condition, items, got = threading.Condition(), [], []

    def consume() -> None:
        with condition:
            assert condition.wait_for(lambda: items)
            got.append(items.pop())

    def produce() -> None:
        for item in (1, 2):
            with condition:
                items.append(item)
                condition.notify()

    _together(consume, consume, produce)
    assert sorted(got) == [1, 2]
    assert _refused(RuntimeError, condition.notify)
    assert _refused(RuntimeError, condition.wait)


def conditions_time_out() -> None:
    condition = threading.Condition(threading.Lock())

    def wait() -> None:
        with condition:
            assert not condition.wait(0.01)
            assert condition.wait_for(lambda: False, timeout=0.01) is False

    _together(wait, wait)


def conditions_keep_a_nested_lock() -> None:
    lock = threading.RLock()
    condition, steps = threading.Condition(lock), []

    def wait() -> None:
        with lock, condition:
            steps.append("waits")
            condition.wait()
            steps.append("woken")

    def wake() -> None:
        while not steps:
            time.sleep(0)
        with condition:
            steps.append("wakes")
            condition.notify_all()

    _together(wait, wake)
    assert steps == ["waits", "wakes", "woken"]


def events() -> None:
    event, order = threading.Event(), []
    assert not event.wait(0.01)

    def wait() -> None:
        assert event.wait()
        order.append("after")

    def set_it() -> None:
        order.append("before")
        event.set()

    _together(wait, wait, set_it)
    assert order == ["before", "after", "after"]
    event.clear()
    assert not event.is_set()


def barriers() -> None:
    turns, lock = [], threading.Lock()
    barrier = threading.Barrier(2, action=lambda: turns.append("both"))

    def work() -> None:
        for turn in range(2):
            with lock:
                turns.append(str(turn))
            barrier.wait()

    _together(work, work)
    assert turns == ["0", "0", "both", "1", "1", "both"]


def barriers_break() -> None:
    barrier, seen = threading.Barrier(2), []
    assert _refused(threading.BrokenBarrierError, barrier.wait, 0.01)
    assert barrier.broken
    barrier.reset()

    def wait() -> None:
        seen.append(_refused(threading.BrokenBarrierError, barrier.wait))

    _together(wait, barrier.abort)
    assert seen == [True]


def semaphores() -> None:
    slots, inside, most = threading.Semaphore(2), [0], [0]
    lock = threading.Lock()

    def work() -> None:
        with slots:
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            with lock:
                inside[0] -= 1

    _together(work, work, work)
    assert inside == [0]
    assert 1 <= most[0] <= 2
    bounded = threading.BoundedSemaphore(1)
    assert bounded.acquire(blocking=False)
    assert not bounded.acquire(timeout=0.01)
    bounded.release()
    assert _refused(ValueError, bounded.release)


def queues() -> None:
    tasks: queue.Queue[int] = queue.Queue(maxsize=1)
    done: list[int] = []

    def consume() -> None:
        while True:
            task = tasks.get()
            if task < 0:
                return
            done.append(task)
            tasks.task_done()

    consumer = threading.Thread(target=consume)
    consumer.start()
    for task in range(3):
        tasks.put(task)
    tasks.join()
    assert done == [0, 1, 2]
    tasks.put(-1)
    consumer.join()
    assert _refused(queue.Empty, tasks.get, timeout=0.01)
    tasks.put_nowait(1)
    assert _refused(queue.Full, tasks.put, 2, timeout=0.01)
    assert _refused(queue.Full, tasks.put_nowait, 2)
    assert tasks.full()
    assert tasks.qsize() == 1


def other_queues() -> None:
    last, first, simple = queue.LifoQueue[int](), queue.PriorityQueue[int](), queue.SimpleQueue[int]()
    got: dict[str, list[int]] = {"last": [], "first": [], "simple": []}
    for number in (2, 1, 3):
        for kind in (last, first, simple):
            kind.put(number)

    def drain(name: str, kind: queue.Queue[int] | queue.SimpleQueue[int]) -> Callable[[], None]:
        return lambda: got[name].extend(kind.get() for _ in range(3))

    _together(drain("last", last), drain("first", first), drain("simple", simple))
    assert got == {"last": [3, 1, 2], "first": [1, 2, 3], "simple": [2, 1, 3]}
    assert _refused(queue.Empty, simple.get_nowait)
    assert _refused(queue.Empty, simple.get, timeout=0.01)


def simple_queues_block() -> None:
    simple: queue.SimpleQueue[int] = queue.SimpleQueue()
    got: list[int] = []
    _together(
        lambda: got.append(simple.get()),
        lambda: got.append(simple.get()),
        lambda: [simple.put(n) for n in (1, 2)],
    )
    assert sorted(got) == [1, 2]
    assert simple.empty()


def queues_shut_down() -> None:
    tasks: queue.Queue[int] = queue.Queue()
    ended: list[bool] = []
    if sys.version_info >= (3, 13):
        _together(lambda: ended.append(_refused(queue.ShutDown, tasks.get)), tasks.shutdown)
        assert ended == [True]
    else:
        _together(lambda: tasks.put(1), tasks.get)


def sleeping_takes_time() -> None:
    seen: list[float] = []

    def sleep(seconds: float) -> None:
        start = time.monotonic(), time.perf_counter(), time.time()
        time.sleep(seconds)
        seen.extend((time.monotonic() - start[0], time.perf_counter() - start[1], time.time() - start[2]))

    _together(lambda: sleep(0.02), lambda: sleep(0.02))
    assert min(seen) >= 0.0199


def who_sleeps_much_longer_wakes_later() -> None:
    order: list[str] = []

    def sleep(seconds: float, name: str) -> None:
        time.sleep(seconds)
        order.append(name)

    _together(lambda: sleep(0.5, "long"), lambda: sleep(0.01, "short"))
    assert order == ["short", "long"]


def calendars() -> None:
    until = datetime.datetime.now() + datetime.timedelta(hours=1)
    seen: list[datetime.timedelta] = []

    def work() -> None:
        while datetime.datetime.now() < until:
            time.sleep(600)
        utc = datetime.datetime.now(datetime.UTC)
        seen.append(utc - datetime.datetime.fromtimestamp(time.time(), datetime.UTC))
        assert abs(time.mktime(time.localtime()) - time.time()) < 2
        assert time.strftime("%Y") == str(time.gmtime().tm_year) == time.ctime()[-4:]

    if until.year != 2023:  # on real threads an hour is too long
        until = datetime.datetime.now()
    _together(work, work)
    assert all(abs(difference) < datetime.timedelta(seconds=1) for difference in seen)


def schedulers() -> None:
    order: list[str] = []
    scheduler = sched.scheduler()
    scheduler.enter(0.3, 1, order.append, ("late",))
    scheduler.enter(0.01, 1, order.append, ("early",))
    cancelled = scheduler.enter(0.02, 1, order.append, ("never",))
    _together(lambda: scheduler.cancel(cancelled))
    _together(scheduler.run)
    assert order == ["early", "late"]
