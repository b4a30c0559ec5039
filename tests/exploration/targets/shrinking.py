"""Bugs whose simplest schedule is known; the random search finds them in more complicated ones."""

import queue
import threading


def _together(*workers):
    threads = [threading.Thread(target=worker) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Cell:
    def __init__(self):
        self.value = 0
        self.bad = False


def lost_update():
    cell = Cell()

    def bump():
        cell.value += 1

    _together(bump, bump)
    assert cell.value == 2


def lost_update_among_idle():
    cell, other = Cell(), Cell()

    def bump():
        cell.value += 1

    def idle():
        for _ in range(3):
            other.bad = True

    _together(idle, idle, bump, idle, idle, bump, idle)
    assert cell.value == 2


def opposite_locks():
    first, second = threading.Lock(), threading.Lock()

    def forth():
        with first, second:
            pass

    def back():
        with second, first:
            pass

    _together(forth, back)


def three_ordered_preemptions():
    cell = Cell()

    def writer():
        cell.value = 1
        cell.value = 2
        cell.value = 3

    def reader():
        if cell.value == 1 and cell.value == 2:
            cell.bad = True

    _together(writer, reader)
    assert not cell.bad


def started_in_the_wrong_order():
    cell = Cell()

    def uses():
        assert cell.value, "used before it was set"

    def sets():
        cell.value = 7

    _together(sets, uses)


def early_timer():
    items = queue.Queue()
    got = []

    def consumer():
        try:
            got.append(items.get(timeout=0.05))
        except queue.Empty:
            pass

    _together(consumer, lambda: items.put(1))
    assert got == [1]


def wide_window():
    balance = Cell()
    log = []

    def withdraw():
        seen = balance.value
        for step in range(5):
            log.append(step)
        balance.value = seen - 1

    _together(withdraw, withdraw)
    assert balance.value == -2


def polite():
    """Each gives way to the other, for ever: a schedule of thousands of switches."""
    left, right = threading.Lock(), threading.Lock()

    def pass_by(mine, other):
        while True:
            with mine:
                if other.acquire(blocking=False):
                    other.release()
                    return

    _together(lambda: pass_by(left, right), lambda: pass_by(right, left))
