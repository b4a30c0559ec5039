"""Bugs that hinge on one switch, or on none."""

import queue
import threading
import time


def _together(*workers):
    threads = [threading.Thread(target=worker) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Cell:
    def __init__(self):
        self.value = 0
        self.ready = False


def lost_update():
    cell = Cell()

    def bump():
        seen = cell.value
        cell.value = seen + 1

    _together(bump, bump)
    assert cell.value == 2


def window_of_five():
    cell = Cell()

    def publish():
        cell.ready = True
        for step in range(4):
            cell.value = step
        cell.ready = False

    def look():
        assert not cell.ready

    _together(publish, look)


def opposite_locks():
    first, second = threading.Lock(), threading.Lock()

    def forth():
        with first:  # noqa: SIM117 - each acquire has a line of its own
            with second:
                pass

    def back():
        with second:  # noqa: SIM117
            with first:
                pass

    _together(forth, back)


def used_before_it_is_set():
    cell = Cell()

    def sets():
        cell.value = 7

    def uses():
        assert cell.value == 7

    _together(sets, uses)


def fails_in_the_usual_order():
    cell = Cell()

    def reads():
        assert cell.value == 7

    def sets():
        cell.value = 7

    _together(reads, sets)


def gives_up_too_soon():
    items = queue.Queue()
    got = []

    def consumes():
        try:
            got.append(items.get(timeout=0.05))
        except queue.Empty:
            pass

    _together(consumes, lambda: items.put(1))
    assert got == [1]


def always_fails():
    cell = Cell()

    def sets():
        cell.value = 1

    _together(sets, sets)
    assert cell.value == 2


def gives_up_before_the_second():
    items = queue.Queue()
    got = []

    def consumes():
        try:
            while len(got) < 2:
                got.append(items.get(timeout=1))
        except queue.Empty:
            pass

    def produces():
        for item in "ab":
            time.sleep(0.95)
            items.put(item)

    _together(consumes, produces)
    assert got == ["a", "b"]


def published_before_it_is_there():
    cell = Cell()
    cell.value = 0
    slots = [None] * 2
    got = []

    def produces():
        cell.value += 1
        slots[0] = 1

    def consumes():
        if cell.value:
            got.append(slots[0])

    _together(produces, consumes)
    assert None not in got
