"""Queue, LifoQueue, PriorityQueue, SimpleQueue."""

from __future__ import annotations

from queue import Empty, Full, LifoQueue, PriorityQueue, Queue, SimpleQueue

from tests.litmus.corpus import Outcome, litmus
from tests.litmus.programs.together import beside_main, two


@litmus(free_threaded={(1, 2)})
def queue_keeps_order_of_one_producer() -> Outcome:
    queue = Queue()
    got = []

    def produce() -> None:
        queue.put(1)
        queue.put(2)

    def consume() -> None:
        first = queue.get()
        got.append((first, queue.get()))

    beside_main(produce, consume)
    return got[0]


@litmus(free_threaded={(1, 2), (2, 1)})
def queue_of_two_producers() -> Outcome:
    queue = Queue()

    two(lambda: queue.put(1), lambda: queue.put(2))
    return (queue.get(), queue.get())


@litmus(free_threaded={(1, 2), (2, 1)})
def queue_of_two_consumers() -> Outcome:
    queue = Queue()
    queue.put(1)
    queue.put(2)
    got = {}

    def left() -> None:
        got["left"] = queue.get()

    def right() -> None:
        got["right"] = queue.get()

    two(left, right)
    return (got["left"], got["right"])


@litmus(free_threaded={(1, 2)})
def bounded_queue() -> Outcome:
    """The second ``put`` waits for the first ``get``."""
    queue = Queue(maxsize=1)
    queue.put(1)
    got = []

    def consume() -> None:
        got.append(queue.get())

    beside_main(lambda: queue.put(2), consume)
    return (got[0], queue.get())


@litmus(free_threaded={(1,), (-1,)})
def get_nowait() -> Outcome:
    queue = Queue()
    got = []

    def consume() -> None:
        try:
            got.append(queue.get_nowait())
        except Empty:
            got.append(-1)

    two(lambda: queue.put(1), consume)
    return tuple(got)


@litmus(free_threaded={("stored",), ("full",)})
def put_nowait() -> Outcome:
    queue = Queue(maxsize=1)
    queue.put(1)
    seen = []

    def produce() -> None:
        try:
            queue.put_nowait(2)
            seen.append("stored")
        except Full:
            seen.append("full")

    two(produce, queue.get)
    return tuple(seen)


@litmus(free_threaded={(1,), (-1,)})
def get_with_short_timeout() -> Outcome:
    queue = Queue()
    got = []

    def consume() -> None:
        try:
            got.append(queue.get(timeout=0.05))
        except Empty:
            got.append(-1)

    beside_main(lambda: queue.put(1), consume)
    return tuple(got)


@litmus(free_threaded={(1,)})
def get_with_long_timeout() -> Outcome:
    queue = Queue()
    got = []

    def consume() -> None:
        got.append(queue.get(timeout=5))

    two(lambda: queue.put(1), consume)
    return tuple(got)


@litmus(free_threaded={("empty",)})
def get_times_out() -> Outcome:
    try:
        return (Queue().get(timeout=0.2),)
    except Empty:
        return ("empty",)


@litmus(free_threaded={("full",)})
def put_times_out() -> Outcome:
    queue = Queue(maxsize=1)
    queue.put(1)
    try:
        queue.put(2, timeout=0.2)
    except Full:
        return ("full",)
    return ("stored",)


@litmus(free_threaded={(1,)})
def queue_joined() -> Outcome:
    """``join`` returns after the work that preceded ``task_done``."""
    queue = Queue()
    queue.put(1)
    done = 0
    seen = []

    def work() -> None:
        nonlocal done
        queue.get()
        done = 1
        queue.task_done()

    def wait() -> None:
        queue.join()
        seen.append(done)

    beside_main(work, wait)
    return tuple(seen)


@litmus(free_threaded={(0,), (1,)})
def queue_done_too_early() -> Outcome:
    queue = Queue()
    queue.put(1)
    done = 0
    seen = []

    def work() -> None:
        nonlocal done
        queue.get()
        queue.task_done()
        done = 1

    def wait() -> None:
        queue.join()
        seen.append(done)

    beside_main(work, wait)
    return tuple(seen)


@litmus(free_threaded={(1,)})
def queue_publishes() -> Outcome:
    queue = Queue()
    data = 0
    seen = []

    def produce() -> None:
        nonlocal data
        data = 1
        queue.put(None)

    def consume() -> None:
        queue.get()
        seen.append(data)

    beside_main(produce, consume)
    return tuple(seen)


@litmus(free_threaded={(0,), (1,)})
def queue_measured() -> Outcome:
    queue = Queue()
    seen = []

    two(lambda: queue.put(1), lambda: seen.append(queue.qsize()))
    return tuple(seen)


@litmus(free_threaded={(0,), (1,)})
def queue_looked_at_before_get() -> Outcome:
    """``empty`` then ``get_nowait`` by two consumers of one item: how many fail."""
    queue = Queue()
    queue.put(1)
    failed = []

    def consume() -> None:
        if not queue.empty():
            try:
                queue.get_nowait()
            except Empty:
                failed.append(1)

    two(consume, consume)
    return (len(failed),)


@litmus(free_threaded={(1, None), (None, 1)})
def queue_stopped_by_sentinel() -> Outcome:
    """The sentinel of one producer may overtake the item of another."""
    queue = Queue()

    two(lambda: queue.put(1), lambda: queue.put(None))
    return (queue.get(), queue.get())


@litmus(free_threaded={(1,), (2,)})
def lifo_queue() -> Outcome:
    """The reader finds the last item: the second, or the first if it is quick."""
    queue = LifoQueue()
    got = []

    def produce() -> None:
        queue.put(1)
        queue.put(2)

    beside_main(produce, lambda: got.append(queue.get()))
    return tuple(got)


@litmus(free_threaded={(1,), (2,)})
def priority_queue() -> Outcome:
    """The reader finds the smallest item among those already there."""
    queue = PriorityQueue()
    got = []

    def produce() -> None:
        queue.put(2)
        queue.put(1)

    beside_main(produce, lambda: got.append(queue.get()))
    return tuple(got)


@litmus(free_threaded={(1, 2), (2, 1)})
def simple_queue_of_two_producers() -> Outcome:
    queue = SimpleQueue()

    two(lambda: queue.put(1), lambda: queue.put(2))
    return (queue.get(), queue.get())


@litmus(free_threaded={(1,)})
def simple_queue_blocks() -> Outcome:
    queue = SimpleQueue()
    got = []

    def consume() -> None:
        got.append(queue.get())

    two(lambda: queue.put(1), consume)
    return tuple(got)


@litmus(free_threaded={(1,), (-1,)})
def simple_queue_get_nowait() -> Outcome:
    queue = SimpleQueue()
    got = []

    def consume() -> None:
        try:
            got.append(queue.get_nowait())
        except Empty:
            got.append(-1)

    two(lambda: queue.put(1), consume)
    return tuple(got)


@litmus(free_threaded={(1,), (-1,)})
def simple_queue_with_short_timeout() -> Outcome:
    queue = SimpleQueue()
    got = []

    def consume() -> None:
        try:
            got.append(queue.get(timeout=0.05))
        except Empty:
            got.append(-1)

    beside_main(lambda: queue.put(1), consume)
    return tuple(got)
