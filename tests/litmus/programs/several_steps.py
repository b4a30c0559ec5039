"""Builtin operations of several steps: what another thread sees between two of them, and what the lock keeps out.

One program for each row of the atomicity model. The GIL makes one step of each, unless Python code is called back.
"""

from __future__ import annotations

import heapq
import itertools
from bisect import bisect_left, insort
from collections import Counter, OrderedDict, defaultdict, deque
from threading import Lock

from tests.litmus.corpus import UNSAFE, Outcome, litmus
from tests.litmus.programs.together import beside_main

# -- L: several steps under the lock, which reads of one element look into -----------------------


@litmus(free_threaded={(2, 1), (2, 0), (1, 1), (1, 0)}, gil={(2, 1), (1, 0)})
def insert_seen_half_done() -> Outcome:
    """1 moves up before the new element is put in its place."""
    items = [1, 2]
    seen = []

    beside_main(lambda: items.insert(0, 0), lambda: seen.append((items[1], items[0])))
    return seen[0]


@litmus(free_threaded={(1,), (2,), (3,), (4,)}, gil={(2,), (3,)})
def pop_in_front_seen_half_done() -> Outcome:
    """The others move down one by one: 2 is there twice, or gone before it is read."""
    items = [1, 2]
    seen = []

    beside_main(lambda: items.pop(0), lambda: seen.append(sum(items)))
    return tuple(seen)


@litmus(free_threaded={(1, 2), (2, 2), (2, 1), (1, 1)}, gil={(1, 2), (2, 1)})
def reverse_seen_half_done() -> Outcome:
    items = [1, 2]
    seen = []

    beside_main(lambda: items.reverse(), lambda: seen.append((items[0], items[1])))
    return seen[0]


@litmus(free_threaded={(0, 0), (1, 0), (0, 1), (1, 1)}, gil={(0, 0), (1, 1)})
def slice_assigned_element_by_element() -> Outcome:
    items = [0, 0]
    seen = []

    def writer() -> None:
        items[:] = [1, 1]

    beside_main(writer, lambda: seen.append((items[0], items[1])))
    return seen[0]


@litmus(free_threaded={(1, 1), (2, 2)})
def updates_exclude_each_other() -> Outcome:
    """``update`` keeps the lock: two of them do not mix."""
    d = {"a": 0, "b": 0}

    beside_main(lambda: d.update({"a": 1, "b": 1}), lambda: d.update({"a": 2, "b": 2}))
    return (d["a"], d["b"])


@litmus(free_threaded={(0, 0), (1, 1)})
def update_excludes_a_copy() -> Outcome:
    """``copy`` takes the lock, too."""
    d = {"a": 0, "b": 0}
    seen = []

    beside_main(lambda: d.update({"a": 1, "b": 1}), lambda: seen.append(d.copy()))
    return (seen[0]["a"], seen[0]["b"])


@litmus(free_threaded={(0,), (1,), (2,)}, gil={(0,), (2,)})
def merge_in_place_seen_half_done() -> Outcome:
    """``|=`` is ``update``."""
    d = {}
    seen = []

    def writer() -> None:
        nonlocal d
        d |= {"a": 1, "b": 1}

    beside_main(writer, lambda: seen.append(len(d)))
    return tuple(seen)


@litmus(free_threaded={(0,), (1,), (2,)}, gil={(0,), (2,)})
def set_update_seen_half_done() -> Outcome:
    items = set()
    seen = []

    beside_main(lambda: items.update({1, 2}), lambda: seen.append(len(items)))
    return tuple(seen)


@litmus(free_threaded={(0,), (1,), (2,)}, gil={(0,), (2,)})
def deque_extension_seen_half_done() -> Outcome:
    items = deque()
    seen = []

    beside_main(lambda: items.extend((1, 2)), lambda: seen.append(len(items)))
    return tuple(seen)


@litmus(free_threaded={(0, 1, 2), (1, 2, 0)})
def sort_excludes_an_append() -> Outcome:
    """``append`` waits for the lock, and is never lost."""
    items = [2, 1]

    beside_main(lambda: items.sort(), lambda: items.append(0))
    return tuple(items)


@litmus(free_threaded={(1,), (-1,)})
def sort_with_a_key_is_interrupted() -> Outcome:
    """The lock is given back while the key function runs: the sort finds the list changed."""
    items = [2, 1]
    seen = []
    switched = 0

    def key(item):
        nonlocal switched
        switched += 1
        return item

    def sorter() -> None:
        try:
            items.sort(key=key)
            seen.append(1)
        except ValueError:
            seen.append(-1)

    beside_main(sorter, lambda: items.append(3))
    return tuple(seen)


# -- T: one read for each element ----------------------------------------------------------------


@litmus(free_threaded={(0,), (1,), (2,)}, gil={(0,), (2,)})
def count_reads_each_element() -> Outcome:
    items = [0, 0]
    seen = []

    def writer() -> None:
        items[0] = 1
        items[1] = 1

    beside_main(writer, lambda: seen.append(items.count(1)))
    return tuple(seen)


@litmus(free_threaded={(1,), (2,), (-1,)}, gil={(1,), (2,)})
def largest_key_while_inserted() -> Outcome:
    """``max(d)`` raises where it sees the size change."""
    d = {1: 1}
    seen = []

    def reader() -> None:
        try:
            seen.append(max(d))
        except RuntimeError:
            seen.append(-1)

    def writer() -> None:
        d[2] = 2

    beside_main(reader, writer)
    return tuple(seen)


@litmus(free_threaded={(1,), (3,), (-1,)}, gil={(1,), (3,)})
def sum_of_values_while_inserted() -> Outcome:
    d = {1: 1}
    seen = []

    def reader() -> None:
        try:
            seen.append(sum(d.values()))
        except RuntimeError:
            seen.append(-1)

    def writer() -> None:
        d[2] = 2

    beside_main(reader, writer)
    return tuple(seen)


@litmus(free_threaded={(0,), (1,), (-1,)}, gil={(0,), (1,)})
def dict_of_items_while_inserted() -> Outcome:
    """``dict(d)`` would be one step, ``dict(d.items())`` is not."""
    d = {1: 1}
    seen = []

    def reader() -> None:
        try:
            seen.append(int(2 in dict(d.items())))
        except RuntimeError:
            seen.append(-1)

    def writer() -> None:
        d[2] = 2

    beside_main(reader, writer)
    return tuple(seen)


@litmus(free_threaded={(1,), (2,), (1, 2)}, gil={(1, 2)})
def set_of_list_reads_each_element() -> Outcome:
    items = [1, 2]
    seen = []

    def writer() -> None:
        items[0] = 2
        items[1] = 1

    beside_main(lambda: seen.append(set(items)), writer)
    return tuple(sorted(seen[0]))


@litmus(free_threaded={(1,), (2,), (-1,)}, gil={(1,), (2,)})
def list_of_deque_while_appended() -> Outcome:
    items = deque([1])
    seen = []

    def reader() -> None:
        try:
            seen.append(len(list(items)))
        except RuntimeError:
            seen.append(-1)

    beside_main(reader, lambda: items.append(2))
    return tuple(seen)


@litmus(free_threaded={(1,), (2,), (-1,)}, gil={(1,), (2,)})
def copy_of_deque_while_appended() -> Outcome:
    items = deque([1])
    seen = []

    def reader() -> None:
        try:
            seen.append(len(items.copy()))
        except RuntimeError:
            seen.append(-1)

    beside_main(reader, lambda: items.append(2))
    return tuple(seen)


@litmus(free_threaded={(0, 0), (0, 1), (1, 0), (1, 1)}, gil={(0, 0), (1, 1)})
def zip_reads_one_container_after_the_other() -> Outcome:
    left, right = [0], [0]
    seen = []

    def writer() -> None:
        left[0] = 1
        right[0] = 1

    beside_main(writer, lambda: seen.extend(zip(left, right)))
    return seen[0]


@litmus(free_threaded={(False,), (True,)}, gil={(True,)})
def any_misses_what_is_always_there() -> Outcome:
    items = [0, 1]
    seen = []

    def writer() -> None:
        items[0] = 1
        items[1] = 0

    beside_main(writer, lambda: seen.append(any(items)))
    return tuple(seen)


@litmus(free_threaded={(0,), (1,), (2,)}, gil={(0,), (2,)})
def bisection_reads_what_it_looks_at() -> Outcome:
    items = [1, 1]
    seen = []

    def writer() -> None:
        items[1] = 0
        items[0] = 0

    beside_main(writer, lambda: seen.append(bisect_left(items, 1)))
    return tuple(seen)


@litmus(free_threaded={(1, 2), (2, 1)}, gil={(1, 2)})
def insort_from_both() -> Outcome:
    """Each finds its place before the other inserts."""
    items = [0]

    beside_main(lambda: insort(items, 1), lambda: insort(items, 2))
    return tuple(items[1:])


@litmus(free_threaded={(False,), (True,)})
def equal_to_what_changes() -> Outcome:
    """The right operand is read like the left one."""
    items = [1]
    seen = []

    beside_main(lambda: items.append(2), lambda: seen.append([1] == items))
    return tuple(seen)


@litmus(free_threaded={(1,), (2,)}, gil={(2,)})
def missing_keys_made_twice() -> Outcome:
    """A defaultdict makes two lists, and stores one after the other."""
    d = defaultdict(list)

    def work() -> None:
        d["k"].append(1)

    beside_main(work, work)
    return (len(d["k"]),)


# -- Snapshots -----------------------------------------------------------------------------------


@litmus(free_threaded={(1,), (1, 2)})
def sorted_is_a_snapshot() -> Outcome:
    d = {1: 1}
    seen = []

    def writer() -> None:
        d[2] = 2

    beside_main(lambda: seen.append(sorted(d)), writer)
    return tuple(seen[0])


@litmus(free_threaded={(1,), (1, 2)})
def tuple_of_list_is_a_snapshot() -> Outcome:
    items = [1]
    seen = []

    beside_main(lambda: seen.append(tuple(items)), lambda: items.append(2))
    return seen[0]


# -- U: not synchronised -------------------------------------------------------------------------
# Where the use is the first thing that both threads do, no execution gets around it.


@litmus(free_threaded={UNSAFE}, gil={(1, 2), (2, 1)})
def shared_iterator() -> Outcome:
    stream = iter([1, 2])
    seen = []

    beside_main(lambda: seen.append(next(stream)), lambda: seen.append(next(stream)))
    return tuple(seen)


@litmus(free_threaded={UNSAFE}, gil={(3,)})
def shared_iterator_in_loops() -> Outcome:
    stream = iter((1, 2))
    seen = [0, 0]

    def left() -> None:
        for item in stream:
            seen[0] += item

    def right() -> None:
        for item in stream:
            seen[1] += item

    beside_main(left, right)
    return (seen[0] + seen[1],)


@litmus(free_threaded={(1, 2), (2, 1)})
def shared_iterator_under_a_lock() -> Outcome:
    stream = iter([1, 2])
    lock = Lock()
    taken = {}

    def take(name) -> None:
        with lock:
            taken[name] = next(stream)

    beside_main(lambda: take("left"), lambda: take("right"))
    return (taken["left"], taken["right"])


@litmus(free_threaded={(1, 2), (2, 1)})
def shared_generator_under_a_lock() -> Outcome:
    def numbers():
        for n in (1, 2):
            yield n

    stream = numbers()
    lock = Lock()
    taken = {}

    def take(name) -> None:
        with lock:
            taken[name] = next(stream)

    beside_main(lambda: take("left"), lambda: take("right"))
    return (taken["left"], taken["right"])


@litmus(free_threaded={(1, 1)})
def iterator_for_each_thread() -> Outcome:
    items = [1]
    taken = {}

    def take(name) -> None:
        mine = iter(items)
        taken[name] = next(mine)

    beside_main(lambda: take("left"), lambda: take("right"))
    return (taken["left"], taken["right"])


@litmus(free_threaded={(1, 2)})
def iterator_handed_over() -> Outcome:
    """What one thread does after another one has ended is not concurrent."""
    stream = iter([1, 2])
    seen = []

    beside_main(lambda: seen.append(next(stream)), lambda: None)
    seen.append(next(stream))
    return tuple(seen)


@litmus(free_threaded={UNSAFE}, gil={(0, 1)})
def shared_itertools_count() -> Outcome:
    numbers = itertools.count()
    taken = []

    beside_main(lambda: taken.append(next(numbers)), lambda: taken.append(next(numbers)))
    return tuple(sorted(taken))


@litmus(free_threaded={UNSAFE}, gil={(1, 1)})
def siblings_of_a_tee() -> Outcome:
    """They share what has been read: each needs the other one's lock."""
    one, other = itertools.tee(iter([1, 2]))
    seen = []

    beside_main(lambda: seen.append(next(one)), lambda: seen.append(next(other)))
    return tuple(seen)


@litmus(free_threaded={UNSAFE, (1, 2), (2, 1)}, gil={(1, 2), (2, 1)})
def iterators_over_one_iterator() -> Outcome:
    stream = iter([1, 2])
    one, other = enumerate(stream), enumerate(stream)
    taken = {}

    def take(name, source) -> None:
        taken[name] = next(source)[1]

    beside_main(lambda: take("left", one), lambda: take("right", other))
    return (taken["left"], taken["right"])


@litmus(free_threaded={UNSAFE, (1, 2)}, gil={(1, 2)})
def heap_pushed_from_both() -> Outcome:
    heap = []

    beside_main(lambda: heapq.heappush(heap, 1), lambda: heapq.heappush(heap, 2))
    return tuple(heap)


@litmus(free_threaded={(1, 2)})
def heap_pushed_under_a_lock() -> Outcome:
    heap = []
    lock = Lock()

    def push(item) -> None:
        with lock:
            heapq.heappush(heap, item)

    beside_main(lambda: push(1), lambda: push(2))
    return tuple(sorted(heap))


@litmus(free_threaded={UNSAFE}, gil={(2,)})
def ordered_dict_written_from_both() -> Outcome:
    d = OrderedDict()

    def left() -> None:
        d["a"] = 1

    def right() -> None:
        d["b"] = 1

    beside_main(left, right)
    return (len(d),)


@litmus(free_threaded={UNSAFE, (2,)}, gil={(2,)})
def counter_updated_from_both() -> Outcome:
    counts = Counter()

    beside_main(lambda: counts.update("a"), lambda: counts.update("a"))
    return (counts["a"],)
