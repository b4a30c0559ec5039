"""What test_dpor.py explores: ``python dpor_programs.py PROGRAM,... STRATEGY GRANULARITY``; prints JSON."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Future,
    InvalidStateError,
    ThreadPoolExecutor,
    wait,
)
from queue import Empty, Full, LifoQueue, PriorityQueue, Queue, SimpleQueue
from threading import (
    BoundedSemaphore,
    Condition,
    Event,
    Lock,
    RLock,
    Semaphore,
    Thread,
    Timer,
    active_count,
    current_thread,
)
from threading import enumerate as threads_alive
from typing import Any

Outcome = tuple[object, ...]


class Shared:
    """Attributes to race on."""

    x = 0
    y = 0


def together(*bodies: Callable[[], object]) -> None:
    threads = [Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def sections(kind: str, threads: int, count: int) -> Callable[[], Outcome]:
    """Return a program of so many threads with so many critical sections each; it returns their order."""
    make: Callable[[], Any] = {
        "Lock": Lock,
        "RLock": RLock,
        "Condition": Condition,
        "Queue": Queue,
        "SimpleQueue": SimpleQueue,
        "LifoQueue": LifoQueue,
        "token": Queue,
        "Semaphore": Semaphore,
        "BoundedSemaphore": BoundedSemaphore,
    }[kind]

    def program() -> Outcome:
        guard = make()
        order: list[int] = []
        if kind == "token":
            guard.put(None)

        def work(number: int) -> None:
            for _ in range(count):
                if kind == "token":
                    guard.get()
                    order.append(number)
                    guard.put(None)
                elif "Queue" in kind:
                    guard.put(number)
                else:
                    with guard:
                        order.append(number)

        together(*(lambda number=number: work(number) for number in range(threads)))
        return tuple(guard.get() for _ in range(threads * count)) if "Queue" in kind else tuple(order)

    return program


def pool(permits: int, threads: int) -> Callable[[], Outcome]:
    """Return a program of threads that do not share anything else."""

    def program() -> Outcome:
        semaphore = Semaphore(permits)
        values = [Shared() for _ in range(threads)]

        def work(value: Shared) -> None:
            for number in range(2):
                with semaphore:
                    value.x = number

        together(*(lambda value=value: work(value) for value in values))
        return tuple(value.x for value in values)

    return program


enough_permits = pool(3, 3)
too_few_permits = pool(1, 2)


def handed_permit() -> Outcome:
    """The release comes before the acquire in every order."""
    semaphore, shared = Semaphore(0), Shared()
    seen: list[int] = []

    def give() -> None:
        shared.x = 1
        semaphore.release()

    def take() -> None:
        semaphore.acquire()
        seen.append(shared.x)

    together(give, take)
    return tuple(seen)


def permit_for_one_of_two() -> Outcome:
    semaphore = Semaphore(0)
    seen = [False, False]

    def take(number: int) -> None:
        seen[number] = semaphore.acquire(timeout=0.01 * (number + 1))

    together(lambda: take(0), lambda: take(1), semaphore.release)
    return (*seen, semaphore.acquire(blocking=False))


def tried_before_others_gave() -> Outcome:
    """A try that found a permit could have found none: only where two others took and gave first."""
    semaphore = Semaphore(1)
    seen: list[bool] = []

    def attempt() -> None:
        seen.append(semaphore.acquire(blocking=False))

    def give() -> None:
        semaphore.release()
        semaphore.release()

    together(attempt, give, semaphore.acquire)
    return tuple(seen)


def two_permits_each() -> Outcome:
    semaphore = Semaphore(2)

    def work() -> None:
        semaphore.acquire()
        semaphore.acquire()
        semaphore.release(2)

    together(work, work)
    return ()


def released_too_often() -> Outcome:
    semaphore = BoundedSemaphore(1)
    seen: list[bool] = []

    def give() -> None:
        try:
            semaphore.release()
        except ValueError:
            seen.append(False)

    together(give, semaphore.acquire)
    return (*seen, semaphore.acquire(blocking=False))


def inside_of_a_semaphore() -> Outcome:
    """Its condition excludes the methods that a thread may wait in."""
    semaphore: Any = Semaphore(0)
    seen: list[int] = []

    def look() -> None:
        with semaphore._cond:
            seen.append(semaphore._value)
            seen.append(semaphore._value)

    together(look, semaphore.acquire, semaphore.release)
    return tuple(seen)


def subclass_of_semaphore() -> Outcome:
    class Counting(Semaphore):
        taken = 0

        def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
            self.taken += 1
            return super().acquire(blocking, timeout)

    semaphore = Counting(1)

    def work() -> None:
        semaphore.acquire()
        semaphore.release()

    together(work, work)
    return (semaphore.taken,)


def who_waited_first() -> Outcome:
    """Time tells who came first."""
    semaphore = Semaphore(0)
    order: list[int] = []

    def wait(number: int) -> None:
        time.sleep(number)
        semaphore.acquire()
        order.append(number)

    def give() -> None:
        for _ in range(2):
            time.sleep(3)
            semaphore.release()

    together(lambda: wait(2), lambda: wait(1), give)
    return tuple(order)


def transfer(size: int, producers: int, consumers: int) -> Callable[[], Outcome]:
    """Return a program that puts two items with each producer; its consumers take equal shares."""

    def program() -> Outcome:
        items: Queue[int] = Queue(size)
        got: list[list[int]] = [[] for _ in range(consumers)]

        def put(number: int) -> None:
            for _ in range(2):
                items.put(number)

        def get(mine: list[int]) -> None:
            for _ in range(2 * producers // consumers):
                mine.append(items.get())

        puts = [lambda number=number: put(number) for number in range(producers)]
        together(*puts, *(lambda mine=mine: get(mine) for mine in got))
        return tuple(map(tuple, got))

    return program


pipe_of_one = transfer(1, 1, 1)
unbounded_pipe = transfer(0, 1, 1)
two_producers = transfer(0, 2, 1)
two_producers_for_one_place = transfer(1, 2, 1)
two_consumers = transfer(0, 1, 2)


def tasks_joined() -> Outcome:
    """Workers end their tasks in any order: only who joins sees that all are done."""
    tasks: Queue[Shared] = Queue()
    values = [Shared(), Shared(), Shared()]
    for value in values:
        tasks.put(value)

    def work() -> None:
        tasks.get().x += 1
        tasks.task_done()

    for _ in values:
        Thread(target=work, daemon=True).start()
    tasks.join()
    return tuple(value.x for value in values)


def work_on(future: Future[int]) -> None:
    """Do what a pool does."""
    if future.set_running_or_notify_cancel():
        future.set_result(1)


def waited_for_by_two() -> Outcome:
    """Who waits for what is done at some time does not tell when it began to."""
    future: Future[int] = Future()
    seen: list[int] = [0, 0]

    def wait(number: int) -> None:
        seen[number] = future.result()

    together(lambda: wait(0), lambda: wait(1), lambda: work_on(future))
    return tuple(seen)


def cancelled_or_done() -> Outcome:
    future: Future[int] = Future()
    seen: list[object] = []

    def wait() -> None:
        try:
            seen.append(future.result())
        except CancelledError:
            seen.append("cancelled")

    together(wait, lambda: work_on(future), future.cancel)
    return tuple(seen)


def asked_whether_done() -> Outcome:
    future: Future[int] = Future()
    seen: list[bool] = []

    def ask() -> None:
        seen.append(future.running())
        seen.append(future.done())

    together(ask, lambda: work_on(future))
    return tuple(seen)


def called_back_by_whom() -> Outcome:
    future: Future[int] = Future()
    seen: list[str] = []
    thread = Thread(target=work_on, args=(future,), name="worker")
    thread.start()
    future.add_done_callback(lambda _: seen.append(current_thread().name))
    thread.join()
    return tuple(seen)


def result_in_time() -> Outcome:
    """A wait with a timeout runs the library's code, beside one that is a step."""
    future: Future[int] = Future()
    seen: list[object] = [None, None]

    def wait() -> None:
        try:
            seen[0] = future.result(timeout=0.01)
        except TimeoutError:
            seen[0] = "late"

    def wait_longer() -> None:
        seen[1] = future.result()

    together(wait, wait_longer, lambda: work_on(future))
    return tuple(seen)


def first_of_two_futures() -> Outcome:
    futures: list[Future[int]] = [Future(), Future()]
    workers = [Thread(target=work_on, args=(future,)) for future in futures]
    for worker in workers:
        worker.start()
    done, _ = wait(futures, return_when=FIRST_COMPLETED)
    for worker in workers:
        worker.join()
    return tuple(sorted(futures.index(future) for future in done))


def ended_twice() -> Outcome:
    future: Future[int] = Future()
    refused: list[int] = []

    def end(number: int) -> None:
        try:
            future.set_result(number)
        except InvalidStateError:
            refused.append(number)

    together(lambda: end(1), lambda: end(2))
    return (future.result(), *refused)


def joined_before_or_after_a_put() -> Outcome:
    tasks: Queue[int] = Queue()
    shared = Shared()

    def put() -> None:
        tasks.put(1)
        shared.x = 1

    def work() -> None:
        tasks.get()
        tasks.task_done()

    seen: list[int] = []

    def wait() -> None:
        tasks.join()
        seen.append(shared.x)

    together(put, work, wait)
    return tuple(seen)


def done_by_others() -> Outcome:
    """Who says that a task is done has not got it: it may be one too many by then."""
    tasks: Queue[int] = Queue()
    seen = [False, False]

    def done(number: int) -> None:
        try:
            tasks.task_done()
            seen[number] = True
        except ValueError:
            pass

    together(lambda: tasks.put(1), lambda: done(0), lambda: done(1))
    return tuple(seen)


def put_with_timeouts() -> Outcome:
    items: Queue[int] = Queue(1)
    seen = [False, False]

    def put(number: int) -> None:
        try:
            items.put(number, timeout=0.01 * (number + 1))
            seen[number] = True
        except Full:
            pass

    together(lambda: put(0), lambda: put(1), items.get)
    return (*seen, items.qsize())


def asked_for_its_size() -> Outcome:
    items: Queue[int] = Queue(1)
    seen: list[object] = []

    def look() -> None:
        seen.extend((items.qsize(), items.empty(), items.full()))

    together(lambda: items.put(1), look)
    return tuple(seen)


def got_or_not() -> Outcome:
    items: Queue[int] = Queue()
    seen: list[object] = []

    def get() -> None:
        try:
            seen.append(items.get_nowait())
        except Empty:
            seen.append(None)

    together(lambda: items.put(1), get)
    return tuple(seen)


def last_item_first() -> Outcome:
    items: LifoQueue[int] = LifoQueue()
    got: list[int] = []

    def put() -> None:
        items.put(1)
        items.put(2)

    together(put, lambda: got.append(items.get()))
    return tuple(got)


def compared_in_python() -> Outcome:
    """Items are compared by the program's code, under the queue's lock."""

    class Item:
        comparisons = 0

        def __lt__(self, _: Item) -> bool:
            Item.comparisons += 1
            return True

    items: PriorityQueue[Any] = PriorityQueue()
    items.put(Item())
    thread = Thread(target=lambda: items.put(Item()))
    thread.start()
    seen = Item.comparisons
    thread.join()
    return (seen,)


def under_the_mutex() -> Outcome:
    items: Queue[int] = Queue()
    seen: list[int] = []

    def look() -> None:
        with items.mutex:
            seen.append(len(items.queue))
            seen.append(len(items.queue))

    together(lambda: items.put(1), items.get, look)
    return tuple(seen)


def own_way_to_put() -> Outcome:
    class Counting(Queue):  # type: ignore[type-arg]
        count = 0

        def _put(self, item: object) -> None:
            self.count += 1
            super()._put(item)

    items = Counting()
    together(lambda: items.put(1), lambda: items.put(2))
    return (items.count,)


def shut_down() -> Outcome:
    """From 3.13 on."""
    import queue

    items: Any = Queue()
    seen: list[str] = []

    def get() -> None:
        try:
            items.get()
            seen.append("got")
        except queue.ShutDown:  # type: ignore[attr-defined]
            seen.append("not got")

    def put() -> None:
        try:
            items.put(1)
        except queue.ShutDown:  # type: ignore[attr-defined]
            seen.append("not put")

    together(get, put, items.shutdown)
    return tuple(sorted(seen))


def independent() -> Outcome:
    values = [Shared(), Shared(), Shared()]

    def work(value: Shared) -> None:
        for number in range(4):
            value.x = number

    together(*(lambda value=value: work(value) for value in values))
    return tuple(value.x for value in values)


def readers() -> Outcome:
    shared = Shared()
    seen = [0, 0]

    def read(number: int) -> None:
        seen[number] = shared.x

    def write() -> None:
        shared.x = 1

    together(lambda: read(0), lambda: read(1), write)
    return tuple(seen)


def locked_before_acquire() -> Outcome:
    lock = Lock()
    seen: list[bool] = []

    def hold() -> None:
        lock.acquire()

    together(lambda: seen.append(lock.locked()), hold)
    return tuple(seen)


def try_before_release() -> Outcome:
    lock = Lock()
    seen: list[bool] = []

    def hold() -> None:
        with lock:
            pass

    together(lambda: seen.append(lock.acquire(blocking=False)), hold)
    return tuple(seen)


def three_tries() -> Outcome:
    """A try that would succeed writes, one that would fail reads: which of them it is changes while it is asleep."""
    lock = Lock()
    seen = [False, False, False]

    def attempt(number: int) -> None:
        seen[number] = lock.acquire(blocking=False)
        if seen[number] and number:
            lock.release()

    together(*(lambda number=number: attempt(number) for number in range(3)))
    return tuple(seen)


def try_beside_sections() -> Outcome:
    lock = Lock()
    shared = Shared()
    seen: list[int] = []

    def attempt() -> None:
        if lock.acquire(timeout=0.01):
            seen.append(shared.x)
            lock.release()

    def section() -> None:
        with lock:
            shared.x += 1

    together(attempt, section)
    return (*seen, shared.x)


def spawned_by_two() -> Outcome:
    """A thread is the same one in whatever order its parent and the others came to be."""
    lock = Lock()
    order: list[int] = []

    def work(number: int) -> None:
        with lock:
            order.append(number)

    def parent(number: int) -> None:
        child = Thread(target=lambda: work(number))
        child.start()
        child.join()

    together(lambda: parent(0), lambda: parent(1))
    return tuple(order)


def deadlock_of_three() -> Outcome:
    forks = [Lock(), Lock(), Lock()]
    eaten: list[int] = []

    def eat(seat: int) -> None:
        with forks[seat], forks[(seat + 1) % 3]:
            eaten.append(seat)

    together(*(lambda seat=seat: eat(seat) for seat in range(3)))
    return tuple(sorted(eaten))


def clock_read_by_two() -> Outcome:
    seen = [0, 0]
    began = time.monotonic_ns()

    def read(number: int) -> None:
        seen[number] = time.monotonic_ns() - began

    together(lambda: read(0), lambda: read(1))
    return (seen[0] < seen[1],)


def asleep_in_its_section() -> Outcome:
    """Time goes on while the other one waits for the lock: that does not order the two acquires."""
    lock = Lock()
    seen: list[str] = []

    def late() -> None:
        with lock:
            time.sleep(1)
            seen.append("late")

    def early() -> None:
        with lock:
            seen.append("early")

    together(late, early)
    return tuple(seen)


def timer_set_by_the_last_to_run() -> Outcome:
    """The first schedule sets the timer when nothing else can run any more."""
    shared = Shared()
    seen: list[int] = []

    def read() -> None:
        seen.append(shared.x)

    def write() -> None:
        shared.y = 1
        time.sleep(0.01)
        shared.x = 1

    together(read, write)
    return tuple(seen)


def early_timer_and_notify() -> Outcome:
    condition = Condition()
    seen: list[bool] = []

    def wait() -> None:
        with condition:
            seen.append(condition.wait(0.05))

    def notify() -> None:
        with condition:
            condition.notify()

    together(wait, notify)
    return tuple(seen)


def timed_acquire() -> Outcome:
    lock = Lock()
    seen: list[bool] = []

    def hold() -> None:
        with lock:
            pass

    together(lambda: seen.append(lock.acquire(timeout=0.05)), hold)
    return tuple(seen)


def sleepers() -> Outcome:
    seen: list[int] = []

    def work(number: int) -> None:
        time.sleep(0.01 * number)
        seen.append(number)

    together(lambda: work(1), lambda: work(2))
    return tuple(seen)


def end_of_main() -> Outcome:
    """A daemon fails, or the main thread ends first."""
    shared = Shared()

    def fail() -> None:
        shared.x = 1
        raise KeyError

    Thread(target=fail, daemon=True).start()
    shared.y = 1
    return ()


def blocked_at_end_of_main() -> Outcome:
    lock = Lock()

    def fail() -> None:
        with lock:
            raise KeyError

    Thread(target=fail, daemon=True).start()
    with lock:
        pass
    return ()


def two_failures() -> Outcome:
    first, second = Shared(), Shared()

    def fail(shared: Shared, error: type[Exception]) -> None:
        shared.x = 1
        raise error

    together(lambda: fail(first, KeyError), lambda: fail(second, ValueError))
    return ()


def order_of_keys() -> Outcome:
    found: dict[str, int] = {}

    def put(key: str) -> None:
        found[key] = 1

    together(lambda: put("a"), lambda: put("b"))
    return tuple(found)


def copied_during_update() -> Outcome:
    """The update holds the set's lock: a copy that waits for it is never executed where its holder is asleep."""
    items = {1}
    seen: list[int] = []

    def update() -> None:
        items.update({4, 5})

    def copy() -> None:
        seen.append(len(frozenset(items)))

    together(update, copy)
    return tuple(seen)


def size_of_simple_queue() -> Outcome:
    items: SimpleQueue[int] = SimpleQueue()
    seen: list[object] = []

    def look() -> None:
        seen.append(items.empty())
        seen.append(items.qsize())

    together(look, lambda: items.put(1), items.get)
    return tuple(seen)


def threads_counted() -> Outcome:
    shared = Shared()
    seen: list[int] = []

    def write() -> None:
        shared.x = 1

    def count() -> None:
        seen.append(active_count())
        seen.append(len(threads_alive()))

    together(write, count)
    return tuple(seen)


def timer_of_builtin() -> Outcome:
    items: list[int] = []
    seen: list[int] = []

    def start() -> None:
        timer = Timer(0.01, items.append, (1,))
        timer.start()
        seen.append(len(items))
        timer.join()

    together(start)
    return (*seen, *items)


def pool_runs_builtin() -> Outcome:
    items: list[int] = []

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(items.append, 1)
        before = len(items)
        future.result()
    return (before, *items)


def repeated_list() -> Outcome:
    items = [1]
    seen: list[int] = []

    def grow() -> None:
        items.append(2)

    together(grow, lambda: seen.append(len(items * 2)))
    return tuple(seen)


def shown_list() -> Outcome:
    """What ``repr`` and ``str`` show is read."""
    items = [1]
    seen: list[str] = []

    def show() -> None:
        seen.append(repr(items))
        seen.append(str(items))

    together(lambda: items.append(2), show)
    return tuple(seen)


def size_of_defaultdict() -> Outcome:
    """Listing its keys looks at the size first: that is a step of its own."""
    shared = Shared()
    found: defaultdict[str, int] = defaultdict(int)
    seen: list[object] = []

    def look() -> None:
        seen.append(shared.y)
        try:
            seen.append(len(list(found)))
        except RuntimeError:
            seen.append("changed")

    def put() -> None:
        found["a"] = 1

    together(look, put)
    return tuple(seen)


def last_element() -> Outcome:
    items = [0, 0]
    seen: list[int] = []

    def write() -> None:
        items[1] = 2

    together(write, lambda: seen.append(items[-1]))
    return tuple(seen)


def class_attribute() -> Outcome:
    class Local:
        x = 0

    one = Local()
    seen: list[int] = []

    def write() -> None:
        Local.x = 1

    together(write, lambda: seen.append(one.x))
    return tuple(seen)


def listed_attributes() -> Outcome:
    class Empty:
        pass

    empty: Any = Empty()

    def first() -> None:
        empty.a = 1

    def second() -> None:
        empty.b = 1

    together(first, second)
    return tuple(vars(empty))


def late_notification() -> Outcome:
    condition = Condition()
    shared = Shared()

    def wait() -> None:
        with condition:
            if not shared.x:
                condition.wait()

    def notify() -> None:
        with condition:
            shared.x = 1
            condition.notify()

    together(wait, notify)
    return (shared.x,)


def yields() -> Outcome:
    shared = Shared()
    seen: list[int] = []

    def wait() -> None:
        for _ in range(3):
            time.sleep(0)
        seen.append(shared.x)

    def write() -> None:
        shared.x = 1

    together(wait, write)
    return tuple(seen)


def same_file() -> Outcome:
    """Two spellings of one path."""
    folder = tempfile.gettempdir()
    path = os.path.join(folder, f"torture-dpor-{os.getpid()}")
    seen: list[bool] = []
    if os.path.exists(path):
        os.unlink(path)

    def make() -> None:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))

    def look() -> None:
        seen.append(os.access(os.path.join(folder, ".", os.path.basename(path)), os.F_OK))

    together(make, look)
    os.unlink(path)
    return tuple(seen)


def pipe() -> Outcome:
    reader, writer = os.pipe()
    seen: list[bytes] = []
    together(
        lambda: os.write(writer, b"a"),
        lambda: os.write(writer, b"b"),
        lambda: seen.append(os.read(reader, 1)),
    )
    os.close(reader)
    os.close(writer)
    return tuple(seen)


def handed_over_lock() -> Outcome:
    """Released by another thread than the one that took it."""
    lock = Lock()
    lock.acquire()
    seen: list[int] = []

    def take(number: int) -> None:
        with lock:
            seen.append(number)

    together(lock.release, lambda: take(1), lambda: take(2))
    return tuple(seen)


def spins() -> Outcome:
    done = Event()

    def wait() -> None:
        while not done.is_set():
            pass

    together(wait, done.set)
    return ()


def main(programs: str, strategy: str, granularity: str) -> None:
    """Explore each program and print what was seen."""
    import json

    print(json.dumps({program: explored(program, strategy, granularity) for program in programs.split(",")}))


def explored(program: str, strategy: str, granularity: str) -> dict[str, object]:
    from torture.exploration.outcomes import outcomes

    name, *arguments = program.split(":")
    function = globals()[name]
    if arguments:
        function = function(arguments[0], int(arguments[1]), int(arguments[2]))
    limit = 20 if program == "spins" else 30_000
    found = outcomes(function, strategy=strategy, granularity=granularity, executions=limit)
    return {
        "seen": sorted(repr(outcome) for outcome in found.seen),
        "exhausted": found.exhausted,
        "executions": found.executions,
    }


if __name__ == "__main__":
    from torture.exploration.outcomes import prepare

    prepare()
    sys.modules.pop("dpor_programs", None)
    sys.path.insert(0, os.path.dirname(__file__))
    import dpor_programs

    dpor_programs.main(*sys.argv[1:])
