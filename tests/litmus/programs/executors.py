"""ThreadPoolExecutor and Future. A pool takes some thirty lock operations: most programs are sampled."""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, InvalidStateError, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from concurrent.futures import wait as wait_for_futures

from tests.litmus.corpus import DEADLOCK, Outcome, litmus
from tests.litmus.programs.together import two


@litmus(free_threaded={(1,)})
def future_hands_over() -> Outcome:
    future = Future()
    seen = []

    two(lambda: future.set_result(1), lambda: seen.append(future.result()))
    return tuple(seen)


@litmus(free_threaded={("ValueError",)})
def future_hands_over_exception() -> Outcome:
    future = Future()
    seen = []

    def read() -> None:
        try:
            future.result()
        except ValueError:
            seen.append("ValueError")

    two(lambda: future.set_exception(ValueError()), read)
    return tuple(seen)


@litmus(free_threaded={(1,), (-1,)})
def future_with_short_timeout() -> Outcome:
    future = Future()
    seen = []

    def read() -> None:
        try:
            seen.append(future.result(timeout=0.05))
        except FutureTimeout:
            seen.append(-1)

    two(lambda: future.set_result(1), read)
    return tuple(seen)


@litmus(free_threaded={(1,)})
def future_set_twice() -> Outcome:
    """Only one result is taken."""
    future = Future()
    refused = []

    def complete() -> None:
        try:
            future.set_result(1)
        except InvalidStateError:
            refused.append(1)

    two(complete, complete)
    return (len(refused),)


@litmus(free_threaded={(1,), ("cancelled",)})
def future_cancelled() -> Outcome:
    """Either the cancellation comes first, or it is refused."""
    future = Future()

    def work() -> None:
        if future.set_running_or_notify_cancel():
            future.set_result(1)

    two(work, future.cancel)
    try:
        return (future.result(),)
    except CancelledError:
        return ("cancelled",)


@litmus(free_threaded={(1,)})
def future_calls_back_once() -> Outcome:
    future = Future()
    called = []

    two(lambda: future.set_result(1), lambda: future.add_done_callback(lambda _: called.append(1)))
    return (len(called),)


@litmus(free_threaded={DEADLOCK})
def future_never_set() -> Outcome:
    return (Future().result(),)


@litmus(free_threaded={(1,)}, sampled=True)
def submit() -> Outcome:
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(abs, -1)
    return (future.result(),)


@litmus(free_threaded={(1, 2)}, sampled=True)
def map_in_order() -> Outcome:
    with ThreadPoolExecutor(2) as pool:
        return tuple(pool.map(abs, (-1, -2)))


@litmus(free_threaded={("ZeroDivisionError",)}, sampled=True)
def exception_in_pool() -> Outcome:
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(divmod, 1, 0)
    return (type(future.exception()).__name__,)


@litmus(free_threaded={("cancelled",), (2,)}, sampled=True)
def cancel_in_pool() -> Outcome:
    """The task may have begun before the cancellation came."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(abs, -2)
        future.cancel()
    try:
        return (future.result(),)
    except CancelledError:
        return ("cancelled",)


@litmus(free_threaded={(True,)}, sampled=True)
def wait_for_first() -> Outcome:
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(abs, -1), pool.submit(abs, -2)]
        done, _ = wait_for_futures(futures, return_when=FIRST_COMPLETED)
        return (len(done) >= 1,)


@litmus(free_threaded={DEADLOCK}, sampled=True)
def task_waits_for_task_in_pool_of_one() -> Outcome:
    with ThreadPoolExecutor(1) as pool:

        def outer() -> int:
            return pool.submit(abs, -1).result()

        return (pool.submit(outer).result(),)


@litmus(free_threaded={(1,)}, sampled=True)
def worker_threads_are_named() -> Outcome:
    with ThreadPoolExecutor(1, thread_name_prefix="litmus") as pool:
        return (int(pool.submit(lambda: threading.current_thread().name).result() == "litmus_0"),)
