"""When objects go: the scheduler keeps nothing alive that would have died."""

import gc
import sys
import threading
import weakref
from collections.abc import Callable


class Thing:
    """Tells when it goes."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log
        self.other: Thing | None = None

    def touch(self) -> str:
        return self.name

    def __del__(self) -> None:
        self.log.append(f"{self.name} gone")


def _together(*functions: Callable[[], object]) -> None:
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def finalisers_run_where_the_last_reference_goes() -> None:
    log: list[str] = []

    def work() -> None:
        thing = Thing("thing", log)
        thing.touch()
        log.append("before")
        del thing
        log.append("after")

    _together(work)
    assert log == ["before", "thing gone", "after"]


def locals_go_with_their_function() -> None:
    log: list[str] = []

    def use() -> None:
        thing = Thing("local", log)
        thing.touch()
        thing.name = "changed"

    def work() -> None:
        use()
        log.append("returned")

    _together(work)
    assert log == ["changed gone", "returned"]


def arguments_of_a_thread_go_when_it_ends() -> None:
    log: list[str] = []
    thread = threading.Thread(target=Thing.touch, args=(Thing("argument", log),))
    thread.start()
    thread.join()
    assert log == ["argument gone"]


def items_go_when_they_are_replaced() -> None:
    log: list[str] = []
    things, lock = {"a": Thing("old", log)}, threading.Lock()

    def replace() -> None:
        with lock:
            things["a"] = Thing("new", log)
            log.append("replaced")

    _together(replace)
    assert log == ["old gone", "replaced"]


def weak_references() -> None:
    log: list[str] = []
    thing = Thing("thing", log)
    reference = weakref.ref(thing)
    weakref.finalize(thing, log.append, "finalised")
    names = weakref.WeakValueDictionary({"it": thing})
    _together(lambda: [reference().touch() for _ in range(2)], names["it"].touch)
    assert log == []
    del thing
    assert reference() is None
    assert "it" not in names
    assert sorted(log) == ["finalised", "thing gone"]


def threads_go() -> None:
    thread = threading.Thread(target=lambda: None)
    reference = weakref.ref(thread)
    thread.start()
    thread.join()
    del thread
    assert reference() is None


def what_a_thread_kept_for_itself_goes_when_it_ends() -> None:
    log: list[str] = []
    own = threading.local()

    def work() -> None:
        own.thing = Thing("own", log)
        own.thing.touch()

    _together(work)
    assert log == ["own gone"]


def cycles_go_when_they_are_collected() -> None:
    log: list[str] = []

    def work() -> None:
        one, two = Thing("one", log), Thing("two", log)
        one.other, two.other = two, one
        del one, two
        assert log == []
        gc.collect()
        assert sorted(log) == ["one gone", "two gone"]

    _together(work)
    assert sorted(log) == ["one gone", "two gone"]


def an_error_that_was_handled_keeps_nothing() -> None:
    log: list[str] = []

    def work() -> None:
        thing = Thing("thing", log)
        try:
            raise ValueError(thing.touch())
        except ValueError as error:
            log.append(str(error))
        del thing
        log.append("handled")

    _together(work)
    assert log == ["thing", "thing gone", "handled"]


def references_are_counted_as_ever() -> None:
    counts = []
    shared: list[int] = []

    def work() -> None:
        mine = shared
        mine.append(1)
        counts.append(sys.getrefcount(mine))

    work()
    _together(work)
    _together(work)
    assert counts[1] == counts[2]
    assert abs(counts[1] - counts[0]) <= 1
