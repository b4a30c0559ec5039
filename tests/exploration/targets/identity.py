"""Who am I: names, identities, what belongs to a thread alone, and what is written down about it."""

import contextvars
import logging
import signal
import threading
from collections.abc import Callable

MADE_BEFORE = threading.local()
MADE_BEFORE.value = "main"
variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="default")


def _together(*functions: Callable[[], object]) -> list[threading.Thread]:
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return threads


def current_thread() -> None:
    seen = []
    threads = _together(*[lambda: seen.append(threading.current_thread())] * 2)
    assert set(seen) == set(threads)
    assert threading.current_thread() is threading.main_thread()
    assert threading.current_thread().name == "MainThread"


def main_thread_seen_from_another() -> None:
    seen = []
    _together(lambda: seen.append((threading.main_thread(), threading.main_thread().is_alive())))
    assert seen == [(threading.main_thread(), True)]


def enumerate_and_active_count() -> None:
    gate, ready = threading.Event(), threading.Barrier(3)
    assert threading.enumerate() == [threading.main_thread()]

    def wait() -> None:
        ready.wait()
        gate.wait()

    threads = [threading.Thread(target=wait) for _ in range(2)]
    for thread in threads:
        thread.start()
    ready.wait()
    assert set(threading.enumerate()) == {threading.main_thread(), *threads}
    assert threading.active_count() == 3
    gate.set()
    for thread in threads:
        thread.join()
    assert threading.active_count() == 1


def idents_differ_among_the_living() -> None:
    idents, ready = [], threading.Barrier(3)

    def note() -> None:
        idents.append((threading.get_ident(), threading.current_thread().ident))
        ready.wait()

    _together(note, note, note)
    assert all(mine == objects for mine, objects in idents)
    assert len({*idents, (threading.get_ident(), threading.main_thread().ident)}) == 4


def _idents_differ_over_time() -> None:
    first = _together(lambda: None)
    second = _together(lambda: None)
    assert first[0].ident != second[0].ident, "the identity of an ended thread is given again"


def native_ids() -> None:
    seen = []
    threads = _together(lambda: seen.append(threading.get_native_id()))
    assert seen == [threads[0].native_id]
    assert seen != [threading.get_native_id()]


def names() -> None:
    def work() -> None:
        pass

    unnamed, named = threading.Thread(target=work), threading.Thread(target=work, name="mine")
    assert unnamed.name.startswith("Thread-")
    assert unnamed.name.endswith(" (work)")
    assert named.name == "mine"
    named.name = "changed"
    named.start()
    named.join()
    assert repr(named) == f"<Thread(changed, stopped {named.ident})>"
    assert repr(unnamed) == f"<Thread({unnamed.name}, initial)>"


def logging_from_threads() -> None:
    records = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append((record.threadName, record.thread, record.getMessage()))

    logger = logging.getLogger("targets")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    handler = Collect()
    logger.addHandler(handler)
    threads = _together(lambda: logger.info("a %d", 1), lambda: logger.warning("b"))
    logger.removeHandler(handler)
    expected = {(t.name, t.ident, text) for t, text in zip(threads, ("a 1", "b"), strict=True)}
    assert set(records) == expected or threads[0].ident == threads[1].ident


def context_variables() -> None:
    seen = []
    variable.set("main")

    def work(value: str) -> None:
        before = variable.get()
        variable.set(value)
        seen.append((before, variable.get()))

    context = contextvars.copy_context()
    _together(lambda: work("a"), lambda: work("b"), lambda: context.run(work, "c"))
    assert sorted(seen) == [("default", "a"), ("default", "b"), ("main", "c")]
    assert variable.get() == "main"
    assert context[variable] == "c"


class Account(threading.local):
    """Its ``__init__`` runs once in every thread."""

    opened: list[str] = []

    def __init__(self, start: int) -> None:
        self.balance = start
        self.opened.append(threading.current_thread().name)

    def add(self, amount: int) -> int:
        self.balance += amount
        return self.balance


def thread_locals() -> None:
    own, seen = threading.local(), []
    own.value = "main"

    def work(value: str) -> None:
        before = hasattr(own, "value"), hasattr(MADE_BEFORE, "value")
        own.value = MADE_BEFORE.value = value
        seen.append((before, own.value, MADE_BEFORE.value, dict(vars(own))))

    _together(lambda: work("a"), lambda: work("b"))
    assert sorted(seen, key=lambda entry: entry[1]) == [
        ((False, False), "a", "a", {"value": "a"}),
        ((False, False), "b", "b", {"value": "b"}),
    ]
    assert own.value == "main"


def subclasses_of_local() -> None:
    Account.opened.clear()
    account, seen = Account(10), []
    account.add(1)
    _together(lambda: seen.append(account.add(5)), lambda: seen.append(account.add(7)))
    assert sorted(seen) == [15, 17]
    assert account.balance == 11
    assert len(Account.opened) == 3


def threads_as_keys() -> None:
    gate = threading.Event()
    threads = [threading.Thread(target=gate.wait) for _ in range(3)]
    numbers = {thread: index for index, thread in enumerate(threads)}
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join()
    assert [numbers[thread] for thread in threads] == [0, 1, 2]
    assert len(set(threads)) == 3


def handlers_of_signals() -> None:
    before, errors = signal.getsignal(signal.SIGHUP), []

    def work() -> None:
        try:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        except ValueError as error:
            errors.append(str(error))

    _together(work, work)
    assert len(errors) == 2
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    assert signal.signal(signal.SIGHUP, before) is signal.SIG_IGN
