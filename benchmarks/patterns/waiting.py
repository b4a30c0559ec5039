"""Threads that wait for ever or not long enough: deadlocks, lost wake-ups, flags, barriers."""

import queue
import threading
import time

from benchmarks.patterns.threads import Record, together


def _pairs(*orders):
    def work(first, second):
        def run():
            with first, second:
                pass

        return run

    together(*[work(*order) for order in orders])


def opposite_order_bug():
    a, b = threading.Lock(), threading.Lock()
    _pairs((a, b), (b, a))


def opposite_order_ok():
    a, b = threading.Lock(), threading.Lock()
    _pairs((a, b), (a, b))


def _philosophers(count, *, ordered):
    forks = [threading.Lock() for _ in range(count)]
    pairs = [(forks[index], forks[(index + 1) % count]) for index in range(count)]
    if ordered:
        pairs[-1] = pairs[-1][::-1]
    _pairs(*pairs)


def philosophers_3_bug():
    _philosophers(3, ordered=False)


def philosophers_5_bug():
    _philosophers(5, ordered=False)


def philosophers_8_bug():
    _philosophers(8, ordered=False)


def philosophers_ok():
    _philosophers(3, ordered=True)


def _lost_wakeup(safe):
    shared, changed = Record(ready=False), threading.Condition()

    def wait():
        if safe:
            with changed:
                while not shared.ready:
                    changed.wait()
        elif not shared.ready:
            with changed:
                changed.wait()

    def tell():
        if safe:
            with changed:
                shared.ready = True
                changed.notify()
        else:
            shared.ready = True
            with changed:
                changed.notify()

    together(wait, tell)


def lost_wakeup_bug():
    _lost_wakeup(False)


def lost_wakeup_ok():
    _lost_wakeup(True)


def _one_is_told(all_):
    """One condition for two kinds of waiters, and only one waiter is told."""
    box, changed = Record(full=False), threading.Condition()

    def put():
        with changed:
            while box.full:
                changed.wait()
            box.full = True
            (changed.notify_all if all_ else changed.notify)()

    def take():
        with changed:
            while not box.full:
                changed.wait()
            box.full = False
            (changed.notify_all if all_ else changed.notify)()

    together(put, take, put, take)


def notify_one_bug():
    _one_is_told(False)


def notify_one_ok():
    _one_is_told(True)


def _cleared(first):
    """The event is cleared after the work was looked for."""
    event, work, done = threading.Event(), [], []

    def consume():
        while len(done) < 2:
            event.wait()
            if first:
                event.clear()
            while work:
                done.append(work.pop())
            if not first:
                event.clear()

    def produce():
        for _ in range(2):
            work.append(1)
            event.set()

    together(consume, produce)


def event_cleared_bug():
    _cleared(False)


def event_cleared_ok():
    _cleared(True)


def _peterson(turns):
    shared = Record(wants=[False, False], turn=0, inside=0)

    def enter(me):
        other = 1 - me

        def work():
            shared.wants[me] = True
            if turns:
                shared.turn = other
                while shared.wants[other] and shared.turn == other:
                    time.sleep(0)
            else:
                shared.turn = me
                while shared.wants[other] and shared.turn == other:
                    time.sleep(0)
            shared.inside += 1
            assert shared.inside == 1
            shared.inside -= 1
            shared.wants[me] = False

        return work

    together(enter(0), enter(1))


def peterson_bug():
    _peterson(False)


def peterson_ok():
    _peterson(True)


def _flag_lock(atomic):
    """A lock made of a flag: test and set in two steps."""
    shared, guard = Record(taken=False, inside=0), threading.Lock()

    def work():
        if atomic:
            guard.acquire()
        elif shared.taken:
            return
        shared.taken = True
        shared.inside += 1
        assert shared.inside == 1
        shared.inside -= 1
        shared.taken = False
        if atomic:
            guard.release()

    together(work, work, work)


def flag_lock_bug():
    _flag_lock(False)


def flag_lock_ok():
    _flag_lock(True)


def _barrier(count, generations):
    """A barrier that is used again while the slow ones have not left."""
    shared, changed = Record(arrived=0, generation=0), threading.Condition()

    def meet():
        with changed:
            generation = shared.generation
            shared.arrived += 1
            if shared.arrived == count:
                shared.arrived = 0
                shared.generation += 1
                changed.notify_all()
            elif generations:
                while shared.generation == generation:
                    changed.wait()
            else:
                while shared.arrived:
                    changed.wait()

    def work():
        for _ in range(2):
            meet()

    together(*[work] * count)


def reused_barrier_bug():
    _barrier(2, False)


def reused_barrier_ok():
    _barrier(2, True)


def _readers(upgrade):
    """Readers that become writers wait for each other to stop reading."""
    shared, changed = Record(readers=0), threading.Condition()

    def work():
        with changed:
            shared.readers += 1
        with changed:
            if not upgrade:
                shared.readers -= 1
                changed.notify_all()
            while shared.readers > (1 if upgrade else 0):
                changed.wait()
            if upgrade:
                shared.readers -= 1
                changed.notify_all()

    together(work, work)


def upgrade_bug():
    _readers(True)


def upgrade_ok():
    _readers(False)


def _shutdown(sentinels):
    """One sentinel for two workers."""
    tasks, done = queue.Queue(), []

    def work():
        while (task := tasks.get()) is not None:
            done.append(task)
            if task == "stop if empty" and tasks.empty():
                return

    def feed():
        tasks.put("stop if empty")
        for _ in range(sentinels):
            tasks.put(None)

    together(feed, work, work)


def sentinel_bug():
    _shutdown(1)


def sentinel_ok():
    _shutdown(2)


def _timeout(patient):
    """A timeout that is taken for the end."""
    items, got = queue.Queue(), []

    def consume():
        for _ in range(2):
            try:
                got.append(items.get() if patient else items.get(timeout=0.05))
            except queue.Empty:
                return

    def produce():
        items.put(1)
        items.put(2)

    together(consume, produce)
    assert got == [1, 2]


def timeout_bug():
    _timeout(False)


def timeout_ok():
    _timeout(True)


def _semaphore(permits):
    """A semaphore that lets one too many in."""
    gate, shared = threading.Semaphore(permits), Record(inside=0, most=0)

    def work():
        with gate:
            shared.inside += 1
            shared.most = max(shared.most, shared.inside)
            shared.inside -= 1

    together(work, work, work)
    assert shared.most < 2


def semaphore_bug():
    _semaphore(2)


def semaphore_ok():
    _semaphore(1)
