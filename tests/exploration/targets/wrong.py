"""Programs that end, or do not end, in every way but the right one."""

import ctypes
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator


def _together(*functions: Callable[[], object], daemon: bool = False) -> list[threading.Thread]:
    threads = [threading.Thread(target=function, daemon=daemon) for function in functions]
    for thread in threads:
        thread.start()
    if not daemon:
        for thread in threads:
            thread.join()
    return threads


def ends_the_process() -> None:
    _together(lambda: os._exit(7))


def leaves() -> None:
    sys.exit("enough")


def crashes() -> None:
    _together(lambda: ctypes.string_at(0))


def _after_a_lost_update(end: Callable[[], object]) -> None:
    shared = [0]

    def work() -> None:
        shared[0] += 1

    _together(work, work)
    if shared != [2]:
        end()


def crashes_after_a_lost_update() -> None:
    _after_a_lost_update(lambda: ctypes.string_at(0))


def grows_after_a_lost_update() -> None:
    _after_a_lost_update(grows)


def holds_the_gil_after_a_lost_update() -> None:
    _after_a_lost_update(holds_the_gil)


def grows() -> None:
    kept = []
    while True:
        kept.append(b"x" * 10_000_000)


def holds_the_gil() -> None:
    sum(range(10**12))


def blocks_alone() -> None:
    reading, writing = os.pipe()
    with open(reading, "rb") as file, open(writing, "wb"):
        file.read(1)


def blocks_beside_others() -> None:
    reading, writing = os.pipe()
    with open(reading, "rb", buffering=0) as file, open(writing, "wb", buffering=0) as other:
        _together(lambda: file.read(1), lambda: other.write(b"x"))


def waits_for_another_process() -> None:
    _together(lambda: subprocess.run([sys.executable, "-c", "import time; time.sleep(60)"], check=True))


def loops_without_touching_anything() -> None:
    while True:
        pass


def counts_for_ever() -> None:
    shared = [0]

    def work() -> None:
        while shared[0] >= 0:
            shared[0] += 1

    _together(work, work)


def wait_for_each_other_politely() -> None:
    flags = [True, True]

    def work(me: int) -> None:
        while flags[1 - me]:
            flags[me] = True

    _together(lambda: work(0), lambda: work(1))


def fails_in_a_thread() -> None:
    def work() -> None:
        raise KeyError("missing")

    _together(work)


def fails_in_two_threads() -> None:
    def work(error: Exception) -> None:
        raise error

    _together(lambda: work(KeyError("one")), lambda: work(LookupError("two")))


def deadlocks() -> None:
    one, two = threading.Lock(), threading.Lock()

    def work(first: threading.Lock, second: threading.Lock) -> None:
        with first, second:
            pass

    _together(lambda: work(one, two), lambda: work(two, one))


def joins_who_joins() -> None:
    threads: list[threading.Thread] = []
    ready = threading.Event()

    def work(other: int) -> None:
        ready.wait()
        threads[other].join()

    threads += [threading.Thread(target=work, args=(other,)) for other in (1, 0)]
    for thread in threads:
        thread.start()
    ready.set()


def waits_for_a_pipe() -> None:
    reading, _ = os.pipe()
    _together(lambda: os.read(reading, 1))


# -- what is warned of, or makes a pass impossible


def swallows_everything() -> None:
    gate = threading.Event()

    def work() -> None:
        while True:
            try:
                gate.wait()
            except BaseException:
                continue

    _together(work, daemon=True)


def leaves_a_thread_behind() -> None:
    _together(threading.Event().wait, daemon=True)


def leaves_a_lock_held() -> None:
    lock = threading.Lock()
    _together(lock.acquire)


def tosses_a_coin() -> None:
    """Two executions are equal with a probability of one in 4,096."""
    shared: list[int] = []

    def work() -> None:
        for _ in range(random.SystemRandom().randrange(4)):
            shared.append(1)
        shared.append(2)

    _together(*[work] * 6)


def goes_over_a_set_of_functions() -> None:
    """As the coin falls, which stands for the addresses: those are often the same by chance."""
    for toss in {tosses_a_coin, lambda: None}:
        toss()


def runs_on_a_thread_of_c() -> None:
    library = ctypes.CDLL(None)
    shared = [0]

    @ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
    def work(_: int) -> None:
        shared[0] += 1

    thread = ctypes.c_ulong()
    assert library.pthread_create(ctypes.byref(thread), None, work, None) == 0
    assert library.pthread_join(thread, None) == 0
    _together(lambda: shared.append(1), lambda: shared.append(2))


def uses_semaphores_of_processes() -> None:
    import multiprocessing

    lock, shared = multiprocessing.Lock(), [0]

    def work() -> None:
        with lock:
            shared[0] += 1

    _together(work, work)


async def only_makes_a_coroutine() -> None:
    raise AssertionError


def only_makes_a_generator() -> Iterator[None]:
    yield
    raise AssertionError


class _Speechless(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


def fails_without_a_word() -> None:
    def work() -> None:
        raise _Speechless

    _together(work, work)


def runs_code_made_at_run_time() -> None:
    names = {"number": 0}
    code = compile("number += 1", "<increment>", "exec")
    _together(lambda: exec(code, names), lambda: exec(code, names))


# -- correct programs that look as if they never ended


def spins() -> None:
    shared = [False]

    def wait() -> None:
        while not shared[0]:
            pass

    def release() -> None:
        shared[0] = True

    _together(wait, wait, release)


def spins_and_yields() -> None:
    event = threading.Event()

    def wait() -> None:
        while not event.is_set():
            time.sleep(0)

    def release() -> None:
        time.sleep(5)
        event.set()

    _together(wait, wait, release)


def spins_and_sleeps() -> None:
    shared = [False]

    def wait() -> None:
        while not shared[0]:
            time.sleep(0.01)

    def release() -> None:
        time.sleep(0.5)
        shared[0] = True

    _together(wait, wait, release)


def spins_for_a_lock() -> None:
    lock, shared = threading.Lock(), [0]

    def work() -> None:
        while not lock.acquire(blocking=False):
            pass
        for _ in range(5):
            shared[0] += 1
        lock.release()

    _together(*[work] * 5)
    assert shared == [25]


def spins_under_a_lock() -> None:
    lock, done = threading.Lock(), []

    def wait() -> None:
        while True:
            with lock:
                if done:
                    return

    def work() -> None:
        with lock:
            done.append(1)

    _together(wait, work)


def polls_the_clock() -> None:
    done: list[int] = []

    def work() -> None:
        time.sleep(0.5)
        done.append(1)

    def poll() -> None:
        end = time.monotonic() + 100
        while not done and time.monotonic() < end:
            pass
        assert done

    _together(work, poll)


class OnlyMakesAnInstance:
    def test(self):
        raise AssertionError
