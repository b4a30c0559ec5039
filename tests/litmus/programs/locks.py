"""Lock and RLock: exclusion, what a section covers, trying, timing out, owning."""

from __future__ import annotations

from functools import partial
from threading import Lock, RLock, Thread

from tests.litmus.corpus import Outcome, litmus
from tests.litmus.programs.together import beside_main, two

MODULE_LOCK = Lock()
MODULE_RLOCK = RLock()
LOCKS = {"only": Lock()}


class Counter:
    lock = Lock()

    def __init__(self) -> None:
        self.n = 0
        self.own = Lock()

    def bump_with_class_lock(self) -> None:
        with self.lock:
            self.n += 1

    def bump_with_own_lock(self) -> None:
        with self.own:
            self.n += 1


class Total:
    n = 0

    def __init__(self) -> None:
        self.lock = Lock()

    def bump(self) -> None:
        with self.lock:
            Total.n += 1


def synchronized(function):
    lock = RLock()

    def locked() -> None:
        with lock:
            function()

    return locked


def bump_under(lock, o) -> None:
    lock.acquire()
    try:
        o.n += 1
    finally:
        lock.release()


@litmus(free_threaded={(2,)})
def increment_under_lock() -> Outcome:
    o = Counter()

    two(o.bump_with_own_lock, o.bump_with_own_lock)
    return (o.n,)


@litmus(free_threaded={(2,)})
def increment_under_class_lock() -> Outcome:
    o = Counter()

    two(o.bump_with_class_lock, o.bump_with_class_lock)
    return (o.n,)


@litmus(free_threaded={(2,)})
def increment_under_module_lock() -> Outcome:
    o = Counter()

    def bump() -> None:
        with MODULE_LOCK:
            o.n += 1

    two(bump, bump)
    return (o.n,)


@litmus(free_threaded={(2,)})
def increment_under_module_rlock() -> Outcome:
    o = Counter()

    def bump() -> None:
        with MODULE_RLOCK:
            o.n += 1

    two(bump, bump)
    return (o.n,)


@litmus(free_threaded={(2,)})
def increment_under_lock_in_dict() -> Outcome:
    o = Counter()

    def bump() -> None:
        with LOCKS["only"]:
            o.n += 1

    two(bump, bump)
    return (o.n,)


@litmus(free_threaded={(2,)})
def increment_under_lock_of_partial() -> Outcome:
    o = Counter()
    bump = partial(bump_under, Lock(), o)

    two(bump, bump)
    return (o.n,)


@litmus(free_threaded={(2,)})
def increment_under_lock_of_decorator() -> Outcome:
    n = 0

    @synchronized
    def bump() -> None:
        nonlocal n
        n += 1

    two(bump, bump)
    return (n,)


@litmus(free_threaded={(1,), (2,)}, gil={(2,)})
def increment_under_two_locks() -> Outcome:
    """Each object guards the shared total with a lock of its own."""
    Total.n = 0

    two(Total().bump, Total().bump)
    return (Total.n,)


@litmus(free_threaded={(1,), (2,)}, gil={(2,)})
def increment_half_under_lock() -> Outcome:
    o = Counter()

    def bump() -> None:
        with o.own:
            o.n += 1

    def bump_unlocked() -> None:
        o.n += 1

    two(bump, bump_unlocked)
    return (o.n,)


@litmus(free_threaded={(1,), (2,)}, gil={(2,)})
def read_before_section() -> Outcome:
    """``with lock:`` hands the GIL over only where it blocks, and nobody is switched away while holding."""
    o = Counter()
    lock = Lock()

    def bump() -> None:
        seen = o.n
        with lock:
            o.n = seen + 1

    two(bump, bump)
    return (o.n,)


@litmus(free_threaded={(1,), (2,)})
def read_before_acquire() -> Outcome:
    """``acquire()`` is a C call: switch after it."""
    o = Counter()
    lock = Lock()

    def bump() -> None:
        seen = o.n
        lock.acquire()
        o.n = seen + 1
        lock.release()

    two(bump, bump)
    return (o.n,)


@litmus(free_threaded={(1,), (2,)})
def read_and_write_in_two_sections() -> Outcome:
    """The exit of a ``with`` block is a call: switch after it."""
    o = Counter()
    lock = Lock()

    def bump() -> None:
        with lock:
            seen = o.n
        with lock:
            o.n = seen + 1

    def bump_at_once() -> None:
        with lock:
            o.n += 1

    two(bump, bump_at_once)
    return (o.n,)


@litmus(free_threaded={(0, 0), (1, 1)})
def pair_under_lock() -> Outcome:
    lock = Lock()
    x = y = 0
    seen = []

    def writer() -> None:
        nonlocal x, y
        with lock:
            x = 1
            y = 1

    def reader() -> None:
        with lock:
            seen.append((x, y))

    two(writer, reader)
    return seen[0]


@litmus(free_threaded={(True, False), (False, True)})
def try_once() -> Outcome:
    """The lock is kept: only one gets it."""
    lock = Lock()
    got = {}

    def left() -> None:
        got["left"] = lock.acquire(blocking=False)

    def right() -> None:
        got["right"] = lock.acquire(False)

    two(left, right)
    return (got["left"], got["right"])


@litmus(free_threaded={(True, True), (True, False), (False, True)})
def try_and_release() -> Outcome:
    lock = Lock()
    got = {}

    def attempt(name) -> None:
        got[name] = lock.acquire(blocking=False)
        if got[name]:
            lock.release()

    beside_main(lambda: attempt("left"), lambda: attempt("right"))
    return (got["left"], got["right"])


@litmus(free_threaded={(True,), (False,)})
def try_rlock_of_other() -> Outcome:
    lock = RLock()
    got = []

    def holder() -> None:
        with lock:
            abs(1)

    def attempt() -> None:
        if lock.acquire(blocking=False):
            lock.release()
            got.append(True)
        else:
            got.append(False)

    two(holder, attempt)
    return tuple(got)


@litmus(free_threaded={(True,), (False,)})
def acquire_with_short_timeout() -> Outcome:
    lock = Lock()
    got = []

    def holder() -> None:
        with lock:
            abs(1)

    def attempt() -> None:
        if lock.acquire(timeout=0.05):
            lock.release()
            got.append(True)
        else:
            got.append(False)

    two(holder, attempt)
    return tuple(got)


@litmus(free_threaded={(True,)})
def acquire_with_long_timeout() -> Outcome:
    """The holder is runnable until it releases: five seconds do not pass before."""
    lock = Lock()
    got = []

    def holder() -> None:
        with lock:
            abs(1)

    def attempt() -> None:
        if lock.acquire(timeout=5):
            lock.release()
            got.append(True)
        else:
            got.append(False)

    two(holder, attempt)
    return tuple(got)


@litmus(free_threaded={(False,)})
def acquire_times_out() -> Outcome:
    lock = Lock()
    lock.acquire()
    return (lock.acquire(timeout=0.2),)


@litmus(free_threaded={(True,), (False,)})
def ask_whether_locked() -> Outcome:
    lock = Lock()
    seen = []

    def holder() -> None:
        with lock:
            abs(1)

    two(holder, lambda: seen.append(lock.locked()))
    return tuple(seen)


@litmus(free_threaded={(1,)})
def release_by_other_thread() -> Outcome:
    """A Lock has no owner: the thread's release lets the main thread go on."""
    lock = Lock()
    lock.acquire()
    n = 0

    def open_up() -> None:
        nonlocal n
        n = 1
        lock.release()

    thread = Thread(target=open_up)
    thread.start()
    with lock:
        seen = n
    thread.join()
    return (seen,)


@litmus(free_threaded={(1,)})
def release_twice() -> Outcome:
    lock = Lock()
    lock.acquire()
    errors = []

    def release() -> None:
        try:
            lock.release()
        except RuntimeError:
            errors.append(1)

    two(release, release)
    return (len(errors),)


@litmus(free_threaded={(2,)})
def reenter_rlock() -> Outcome:
    lock = RLock()
    n = 0

    def bump() -> None:
        nonlocal n
        with lock, lock:
            n += 1

    two(bump, bump)
    return (n,)


@litmus(free_threaded={("not owner",)})
def release_rlock_of_other() -> Outcome:
    lock = RLock()
    lock.acquire()
    seen = []

    def release() -> None:
        try:
            lock.release()
        except RuntimeError:
            seen.append("not owner")

    thread = Thread(target=release)
    thread.start()
    thread.join()
    lock.release()
    return tuple(seen)


@litmus(free_threaded={(2,)})
def nest_in_one_order() -> Outcome:
    outer, inner = Lock(), Lock()
    n = 0

    def bump() -> None:
        nonlocal n
        with outer, inner:
            n += 1

    two(bump, bump)
    return (n,)


@litmus(free_threaded={(2, True)})
def exception_releases_lock() -> Outcome:
    lock = Lock()
    n = 0

    def bump() -> None:
        nonlocal n
        try:
            with lock:
                n += 1
                raise ValueError(n)
        except ValueError:
            pass

    two(bump, bump)
    return (n, lock.acquire(blocking=False))
