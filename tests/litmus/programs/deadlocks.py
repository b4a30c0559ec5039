"""Programs that block for ever: always, sometimes, or never although they look like it."""

from __future__ import annotations

from queue import Queue
from threading import Barrier, Condition, Event, Lock, RLock, Semaphore, Thread

from tests.litmus.corpus import DEADLOCK, Outcome, litmus
from tests.litmus.programs.together import beside_main, three, two


@litmus(free_threaded={("done",), DEADLOCK}, gil={("done",)})
def two_locks_crosswise() -> Outcome:
    """Entering a free lock by ``with`` does not hand over the GIL, so nobody is left holding only one."""
    a, b = Lock(), Lock()

    def left() -> None:
        with a, b:
            pass

    def right() -> None:
        with b, a:
            pass

    two(left, right)
    return ("done",)


@litmus(free_threaded={("done",), DEADLOCK})
def two_locks_crosswise_with_call() -> Outcome:
    a, b = Lock(), Lock()

    def left() -> None:
        with a:
            abs(1)
            with b:
                pass

    def right() -> None:
        with b:
            abs(1)
            with a:
                pass

    two(left, right)
    return ("done",)


@litmus(free_threaded={("done",), DEADLOCK})
def two_locks_crosswise_acquired() -> Outcome:
    a, b = Lock(), Lock()

    def left() -> None:
        a.acquire()
        b.acquire()
        b.release()
        a.release()

    def right() -> None:
        b.acquire()
        a.acquire()
        a.release()
        b.release()

    two(left, right)
    return ("done",)


@litmus(free_threaded={("done",)})
def two_locks_crosswise_behind_gate() -> Outcome:
    gate, a, b = Lock(), Lock(), Lock()

    def left() -> None:
        with gate, a, b:
            pass

    def right() -> None:
        with gate, b, a:
            pass

    two(left, right)
    return ("done",)


@litmus(free_threaded={(True,), (False,)})
def back_off_instead_of_deadlock() -> Outcome:
    """The second lock is only tried; the GIL may be handed over between the exits of the two on the left."""
    a, b = Lock(), Lock()
    got = []

    def left() -> None:
        with a, b:
            pass

    def right() -> None:
        with b:
            if a.acquire(blocking=False):
                a.release()
                got.append(True)
            else:
                got.append(False)

    two(left, right)
    return tuple(got)


@litmus(free_threaded={("done",), DEADLOCK}, sampled=True)
def three_philosophers() -> Outcome:
    a, b, c = Lock(), Lock(), Lock()

    def dine(first, second) -> None:
        first.acquire()
        second.acquire()
        second.release()
        first.release()

    three(lambda: dine(a, b), lambda: dine(b, c), lambda: dine(c, a))
    return ("done",)


@litmus(free_threaded={DEADLOCK})
def lock_twice() -> Outcome:
    lock = Lock()
    lock.acquire()
    lock.acquire()
    return ("done",)


@litmus(free_threaded={("done",)})
def rlock_twice() -> Outcome:
    lock = RLock()
    lock.acquire()
    lock.acquire()
    return ("done",)


@litmus(free_threaded={DEADLOCK})
def lock_never_released() -> Outcome:
    """A thread that dies holding a lock leaves it held."""
    lock = Lock()

    def take() -> None:
        lock.acquire()

    thread = Thread(target=take)
    thread.start()
    thread.join()
    with lock:
        return ("done",)


@litmus(free_threaded={DEADLOCK})
def join_under_lock() -> Outcome:
    """The thread needs the lock that its joiner holds."""
    lock = Lock()

    def need() -> None:
        with lock:
            pass

    thread = Thread(target=need)
    with lock:
        thread.start()
        thread.join()
    return ("done",)


@litmus(free_threaded={DEADLOCK})
def join_each_other() -> Outcome:
    threads = []
    started = Lock()
    started.acquire()

    def left() -> None:
        with started:
            threads[1].join()

    def right() -> None:
        threads[0].join()

    threads.append(Thread(target=left))
    threads.append(Thread(target=right))
    threads[0].start()
    threads[1].start()
    started.release()
    threads[0].join()
    return ("done",)


@litmus(free_threaded={DEADLOCK})
def condition_never_notified() -> Outcome:
    condition = Condition()
    with condition:
        condition.wait()
    return ("done",)


@litmus(free_threaded={("done",), DEADLOCK})
def notified_before_waiting() -> Outcome:
    """A notification that nobody waits for is lost."""
    condition = Condition()

    def notify() -> None:
        with condition:
            condition.notify()

    def wait() -> None:
        with condition:
            condition.wait()

    two(notify, wait)
    return ("done",)


@litmus(free_threaded={("done",), DEADLOCK}, sampled=True)
def notify_one_of_two() -> Outcome:
    """Where both wait, one of them waits for ever."""
    condition = Condition()
    ready = False

    def wait() -> None:
        with condition:
            while not ready:
                condition.wait()

    def announce() -> None:
        nonlocal ready
        with condition:
            ready = True
            condition.notify()

    three(wait, wait, announce)
    return ("done",)


@litmus(free_threaded={("done",)}, sampled=True)
def notify_both() -> Outcome:
    condition = Condition()
    ready = False

    def wait() -> None:
        with condition:
            while not ready:
                condition.wait()

    def announce() -> None:
        nonlocal ready
        with condition:
            ready = True
            condition.notify_all()

    three(wait, wait, announce)
    return ("done",)


@litmus(free_threaded={DEADLOCK})
def event_never_set() -> Outcome:
    event = Event()
    thread = Thread(target=event.wait)
    thread.start()
    thread.join()
    return ("done",)


@litmus(free_threaded={("done",), DEADLOCK})
def event_set_and_cleared() -> Outcome:
    """A waiter that comes after the clear waits for ever; one that was woken by the set goes on."""
    event = Event()

    def pulse() -> None:
        event.set()
        event.clear()

    beside_main(pulse, event.wait)
    return ("done",)


@litmus(free_threaded={DEADLOCK})
def semaphore_never_released() -> Outcome:
    semaphore = Semaphore(1)

    two(semaphore.acquire, semaphore.acquire)
    return ("done",)


@litmus(free_threaded={DEADLOCK})
def barrier_never_full() -> Outcome:
    barrier = Barrier(3)

    two(barrier.wait, barrier.wait)
    return ("done",)


@litmus(free_threaded={DEADLOCK})
def queue_never_filled() -> Outcome:
    return (Queue().get(),)


@litmus(free_threaded={DEADLOCK})
def queue_never_drained() -> Outcome:
    queue = Queue(maxsize=1)

    two(lambda: queue.put(1), lambda: queue.put(2))
    return ("done",)


@litmus(free_threaded={("done",), DEADLOCK})
def two_consumers_look_before_one_item() -> Outcome:
    queue = Queue()
    queue.put(1)

    def consume() -> None:
        if not queue.empty():
            queue.get()

    two(consume, consume)
    return ("done",)


@litmus(free_threaded={DEADLOCK})
def join_queue_without_task_done() -> Outcome:
    queue = Queue()
    queue.put(1)
    queue.get()
    queue.join()
    return ("done",)


@litmus(free_threaded={("done",)})
def daemon_blocked_for_ever() -> Outcome:
    """Nobody waits for a daemon thread."""
    event = Event()
    Thread(target=event.wait, daemon=True).start()
    return ("done",)


@litmus(free_threaded={DEADLOCK})
def thread_blocked_for_ever() -> Outcome:
    """The interpreter would wait for the thread at its exit."""
    event = Event()
    Thread(target=event.wait).start()
    return ("done",)
