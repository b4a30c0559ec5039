"""Orders of operations that were taken for granted: reorder, two-stage, ladders of preemptions, rare conjunctions."""

import threading

from benchmarks.patterns.threads import Record, together


def _reorder(setters, *, swapped=False):
    """A checker that looks between the two writes of some setter, before any setter has done both."""
    shared = Record(a=0, b=0)

    def setter():
        if swapped:
            shared.b = -1
            shared.a = 1
        else:
            shared.a = 1
            shared.b = -1

    def checker():
        a = shared.a
        b = shared.b
        assert (a, b) in {(0, 0), (1, -1), (0, -1)}, (a, b)

    together(*[setter] * setters, checker)


def reorder_3_bug():
    _reorder(3)


def reorder_5_bug():
    _reorder(5)


def reorder_10_bug():
    _reorder(10)


def reorder_20_bug():
    _reorder(20)


def reorder_50_bug():
    _reorder(50)


def reorder_100_bug():
    _reorder(100)


def reorder_ok():
    _reorder(3, swapped=True)


def _twostage(workers, *, one_lock=False):
    """Two values that belong together, each under its own lock."""
    shared = Record(one=0, other=0)
    first = threading.Lock()
    second = first if one_lock else threading.Lock()

    def write():
        with first:
            shared.one = 1
            if one_lock:
                shared.other = 2
        if not one_lock:
            with second:
                shared.other = shared.one + 1

    def read():
        with first:
            one = shared.one
            other = shared.other if one_lock else None
        if one and not one_lock:
            with second:
                other = shared.other
        assert not one or other == 2

    together(*[write] * workers, read)


def twostage_1_bug():
    _twostage(1)


def twostage_5_bug():
    _twostage(5)


def twostage_20_bug():
    _twostage(20)


def twostage_50_bug():
    _twostage(50)


def twostage_100_bug():
    _twostage(100)


def twostage_ok():
    _twostage(3, one_lock=True)


def _ladder(steps, lock=None):
    """A reader that has to see every value that the writer writes."""
    shared = Record(value=0, bad=False)

    def write():
        for value in range(1, steps + 1):
            shared.value = value

    def read():
        if lock is not None:
            with lock:
                seen = shared.value
            assert seen <= steps
            return
        for value in range(1, steps):
            if shared.value != value:
                return
        shared.bad = True

    together(write, read)
    assert not shared.bad


def ladder_2_bug():
    _ladder(2)


def ladder_3_bug():
    _ladder(3)


def ladder_4_bug():
    _ladder(4)


def ladder_5_bug():
    _ladder(5)


def ladder_ok():
    _ladder(3, threading.Lock())


def _parts(count, *, guarded):
    """Every worker stands between its two writes at once."""
    shared = Record(inside=0, most=0, lock=threading.Lock(), gate=threading.Lock())

    def work():
        if guarded:
            shared.gate.acquire()
        with shared.lock:
            shared.inside += 1
            shared.most = max(shared.most, shared.inside)
        with shared.lock:
            shared.inside -= 1
        if guarded:
            shared.gate.release()

    together(*[work] * count)
    assert shared.most < count


def all_inside_3_bug():
    _parts(3, guarded=False)


def all_inside_5_bug():
    _parts(5, guarded=False)


def all_inside_ok():
    _parts(3, guarded=True)


def _relay(length, *, guarded):
    """The token goes through all the threads, the last one first."""
    shared = Record(token=0, done=False)

    def runner(number):
        def run():
            if shared.token == number:
                shared.token = number + 1

        return run

    together(*[runner(length - 1 - number) for number in range(length)])
    assert guarded or shared.token < length


def relay_3_bug():
    _relay(3, guarded=False)


def relay_4_bug():
    _relay(4, guarded=False)


def relay_6_bug():
    _relay(6, guarded=False)


def relay_ok():
    _relay(3, guarded=True)


def _late_start(wait):
    """A worker that uses what the main thread sets after starting it."""
    shared, ready = Record(config=None), threading.Event()

    def work():
        if wait:
            ready.wait()
        assert shared.config is not None

    thread = threading.Thread(target=work)
    thread.start()
    shared.config = {}
    ready.set()
    thread.join()


def late_config_bug():
    _late_start(False)


def late_config_ok():
    _late_start(True)


def _rare_pair(lock):
    """Two independent windows that have to be hit in one run."""
    one, other = Record(value=0), Record(value=0)

    def bump(record):
        def work():
            with lock:
                before = record.value
                record.value = before + 1

        return work

    together(bump(one), bump(one), bump(other), bump(other))
    assert one.value + other.value > 2


class _No:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


def two_windows_bug():
    _rare_pair(_No())


def two_windows_ok():
    _rare_pair(threading.Lock())
