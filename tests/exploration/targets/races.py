"""Programs with one fault each, which some schedules show."""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def _together(*functions: Callable[[], object]) -> None:
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Counter:
    def __init__(self) -> None:
        self.count = 0

    def add(self) -> None:
        self.count += 1


def lost_update() -> None:
    counter = Counter()
    _together(counter.add, counter.add)
    assert counter.count == 2


def lost_in_a_pool() -> None:
    counter = Counter()
    with ThreadPoolExecutor(2) as pool:
        for _ in range(2):
            pool.submit(counter.add)
    assert counter.count == 2


def lost_wake_up() -> None:
    condition, ready = threading.Condition(), []

    def wait() -> None:
        if not ready:
            with condition:
                condition.wait()

    def wake() -> None:
        ready.append(1)
        with condition:
            condition.notify()

    _together(wait, wake)


def too_short_a_time_out() -> None:
    tasks: queue.Queue[int] = queue.Queue()
    got = []

    def take() -> None:
        try:
            got.append(tasks.get(timeout=0.05))
        except queue.Empty:
            pass

    _together(take, lambda: tasks.put(1))
    assert got == [1]


def taken_for_alive() -> None:
    done: list[int] = []
    thread = threading.Thread(target=done.append, args=(1,))
    thread.start()
    if thread.is_alive():
        assert not done, "it was alive, and had done its work"
    thread.join()


def polls_too_briefly() -> None:
    done: list[int] = []

    def poll() -> None:
        end = time.monotonic() + 0.001
        while not done and time.monotonic() < end:
            pass
        assert done

    def work() -> None:
        time.sleep(0.01)
        done.append(1)

    _together(poll, work)


def _sections(threads: int, each: int) -> None:
    lock, order = threading.Lock(), []

    def work(name: int) -> None:
        for _ in range(each):
            with lock:
                order.append(name)

    _together(*[lambda name=name: work(name) for name in range(threads)])  # type: ignore[misc]
    assert len(order) == threads * each


def sections_2x1() -> None:
    _sections(2, 1)


def sections_2x2() -> None:
    _sections(2, 2)
