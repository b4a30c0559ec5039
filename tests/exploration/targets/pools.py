"""``concurrent.futures`` and the pool of ``multiprocessing`` that has threads."""

import asyncio
import threading
from concurrent import futures
from concurrent.futures import FIRST_COMPLETED, FIRST_EXCEPTION, Future, ThreadPoolExecutor


def _square(number: int) -> int:
    return number * number


def _fail(number: int) -> int:
    raise LookupError(number)


_kept = ThreadPoolExecutor(2)
_lazy: list[ThreadPoolExecutor] = []


def pools_that_outlive_the_program() -> None:
    assert _kept._work_queue.empty()
    if not _lazy:
        _lazy.append(ThreadPoolExecutor(1))
    assert list(_kept.map(_square, range(3))) == [0, 1, 4]
    assert _lazy[0].submit(_square, 3).result() == 9


def mapping() -> None:
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(_square, range(4))) == [0, 1, 4, 9]


def submitting() -> None:
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="mine") as pool:
        name = pool.submit(lambda: threading.current_thread().name)
        square = pool.submit(_square, 3)
        assert name.result().startswith("mine_")
        assert square.result(timeout=100) == 9
        assert square.done()


def results_in_order_of_completion() -> None:
    gate = threading.Event()

    def late() -> str:
        gate.wait()
        return "late"

    with ThreadPoolExecutor(2) as pool:
        waiting = {pool.submit(late), pool.submit(str, "early")}
        results = []
        for future in futures.as_completed(waiting):
            results.append(future.result())
            gate.set()
    assert results == ["early", "late"]


def waiting_for_some() -> None:
    gate = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        late, early = pool.submit(gate.wait), pool.submit(_square, 2)
        done, waiting = futures.wait([late, early], return_when=FIRST_COMPLETED)
        assert (done, waiting) == ({early}, {late})
        assert futures.wait([late], timeout=0.01).done == set()
        gate.set()
        assert futures.wait([late, early]).not_done == set()


def exceptions_reach_the_caller() -> None:
    with ThreadPoolExecutor(2) as pool:
        failing, well = pool.submit(_fail, 5), pool.submit(_square, 1)
        futures.wait([failing, well], return_when=FIRST_EXCEPTION)
        error = failing.exception()
        assert isinstance(error, LookupError)
        assert error.args == (5,)
        assert well.result() == 1
        try:
            list(pool.map(_fail, [1]))
        except LookupError:
            return
        raise AssertionError("no exception")


def timeouts() -> None:
    gate = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(gate.wait)
        for call in (lambda: future.result(timeout=0.01), lambda: future.exception(0.01)):
            try:
                call()
            except futures.TimeoutError:
                continue
            raise AssertionError("no time-out")
        gate.set()
        assert future.result() is True


def cancelling() -> None:
    gate = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        running, waiting = pool.submit(gate.wait), pool.submit(_square, 2)
        assert waiting.cancel()
        gate.set()
        assert running.result()
        assert waiting.cancelled()
    after = ThreadPoolExecutor(1)
    after.shutdown(wait=False, cancel_futures=True)
    try:
        after.submit(_square, 1)
    except RuntimeError:
        return
    raise AssertionError("a closed pool takes no work")


def callbacks() -> None:
    seen: list[int] = []

    def note(future: "Future[int]") -> None:
        seen.append(future.result())

    with ThreadPoolExecutor(2) as pool:
        for number in (1, 2):
            pool.submit(_square, number).add_done_callback(note)
    assert sorted(seen) == [1, 4]


def initializers() -> None:
    own = threading.local()

    def begin(value: str) -> None:
        own.value = value

    with ThreadPoolExecutor(2, initializer=begin, initargs=("ready",)) as pool:
        assert set(pool.map(lambda _: own.value, range(3))) == {"ready"}


def pools_in_pools() -> None:
    def inner(number: int) -> int:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(_square, number).result()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(inner, (2, 3))) == [4, 9]


def pools_that_nobody_closes() -> None:
    pool = ThreadPoolExecutor(2)
    assert pool.submit(_square, 3).result() == 9


def event_loops_in_threads() -> None:
    seen: list[tuple[str, bool]] = []

    async def note(name: str) -> str:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(0.01)
        seen.append((name, asyncio.get_running_loop() is loop))
        return name

    async def both() -> list[str]:
        lock = asyncio.Lock()
        async with lock:
            return await asyncio.gather(note("a"), note("b"))

    def work() -> None:
        assert asyncio.run(both()) == ["a", "b"]

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [("a", True), ("a", True), ("b", True), ("b", True)]


def coroutines_for_another_threads_loop() -> None:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def double(number: int) -> int:
        await asyncio.sleep(0.01)
        return 2 * number

    results = [asyncio.run_coroutine_threadsafe(double(number), loop) for number in range(2)]
    assert [result.result(5) for result in results] == [0, 2]
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
