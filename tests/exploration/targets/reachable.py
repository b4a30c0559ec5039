"""Lost updates that need a switch at places of different kinds; what is lost is named after the label."""

import threading
import weakref


class Cell:
    def __init__(self):
        self.n = 0
        self.log = []


def _both(cell, worker):
    threads = [threading.Thread(target=worker) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cell.n == 2


def _nothing():
    pass


def always_by_a_python_call():
    cell = Cell()

    def bump():
        seen = cell.n
        _nothing()
        cell.n = seen + 1

    _both(cell, bump)


def always_by_a_c_call():
    cell = Cell()

    def bump():
        seen = cell.n
        sorted(())
        cell.n = seen + 1

    _both(cell, bump)


def always_by_a_loop():
    cell = Cell()

    def bump():
        seen = cell.n
        for _ in (1, 2):
            pass
        cell.n = seen + 1

    _both(cell, bump)


class Key:
    def __hash__(self):
        return 1

    def __eq__(self, other):
        return True


def always_by_the_equality_of_a_key():
    cell, keys = Cell(), {Key(): 1}

    def bump():
        key = Key()
        seen = cell.n
        keys[key]
        cell.n = seen + 1

    _both(cell, bump)


def always_though_it_appends_too():
    cell = Cell()

    def bump():
        seen = cell.n
        cell.log.append(1)
        _nothing()
        cell.n = seen + 1

    _both(cell, bump)


def cold_only_by_append():
    cell = Cell()

    def bump():
        seen = cell.n
        cell.log.append(1)
        cell.n = seen + 1

    _both(cell, bump)


def cold_only_by_len():
    cell = Cell()

    def bump():
        cell.n = cell.n + 1 + 0 * len(cell.log)

    _both(cell, bump)


def cold_only_by_isinstance():
    cell = Cell()

    def bump():
        seen = cell.n
        isinstance(cell, Cell)
        cell.n = seen + 1

    _both(cell, bump)


def cold_only_by_type():
    cell = Cell()

    def bump():
        seen = cell.n
        type(cell)
        cell.n = seen + 1

    _both(cell, bump)


class Dropped:
    def __del__(self):
        pass


def finalizer_by_del():
    cell = Cell()

    def bump():
        dropped = Dropped()
        seen = cell.n
        dropped = None  # noqa: F841
        cell.n = seen + 1

    _both(cell, bump)


def finalizer_by_a_callback():
    cell = Cell()

    def gone(reference):
        pass

    def bump():
        other = Cell()
        reference = weakref.ref(other, gone)
        seen = cell.n
        del other
        cell.n = seen + 1
        del reference

    _both(cell, bump)


def none_between_load_and_store():
    cell = Cell()

    def bump():
        cell.n += 1

    _both(cell, bump)
