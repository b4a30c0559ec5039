"""Threads begin, end, are waited for, and fail."""

import _thread
import threading

started_before_anything = []


class Adder(threading.Thread):
    """A subclass that was defined before any patch could see it used."""

    def __init__(self, total: list[int], amount: int) -> None:
        super().__init__(name=f"adder-{amount}")
        self.total, self.amount = total, amount

    def run(self) -> None:
        self.total.append(self.amount)


def subclasses() -> None:
    total: list[int] = []
    threads = [Adder(total, 1), Adder(total, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(total) == [1, 2]
    assert [thread.name for thread in threads] == ["adder-1", "adder-2"]


class Timed(threading.Timer):
    def run(self) -> None:
        super().run()
        self.args.append("after")


def subclasses_of_timer() -> None:
    done: list[str] = []
    timer = Timed(0.01, lambda *_: done.append("ran"), done)
    timer.start()
    timer.join()
    assert done == ["ran", "after"]


def threads_in_threads() -> None:
    seen: list[str] = []

    def inner(name: str) -> None:
        seen.append(name)

    def outer(name: str) -> None:
        children = [threading.Thread(target=inner, args=(f"{name}{i}",)) for i in range(2)]
        for child in children:
            child.start()
        for child in children:
            child.join()
        seen.append(name)

    parents = [threading.Thread(target=outer, args=(name,)) for name in "ab"]
    for parent in parents:
        parent.start()
    for parent in parents:
        parent.join()
    assert sorted(seen) == ["a", "a0", "a1", "b", "b0", "b1"]
    assert seen.index("a") > max(seen.index("a0"), seen.index("a1"))


def daemon_threads() -> None:
    inherited = []
    thread = threading.Thread(target=lambda: inherited.append(threading.Thread().daemon), daemon=True)
    thread.start()
    thread.join()
    assert inherited == [True]
    assert not threading.Thread().daemon


def arguments_reach_the_function() -> None:
    seen = {}
    thread = threading.Thread(target=lambda a, *, b: seen.update(a=a, b=b), args=(1,), kwargs={"b": 2})
    thread.start()
    thread.join()
    assert seen == {"a": 1, "b": 2}


def joins_with_a_timeout() -> None:
    gate = threading.Event()
    thread = threading.Thread(target=gate.wait)
    thread.start()
    thread.join(0.01)
    assert thread.is_alive()
    thread.join(timeout=0)
    assert thread.is_alive()
    gate.set()
    thread.join(100)
    assert not thread.is_alive()
    thread.join()


def several_threads_join_one() -> None:
    gate, done = threading.Event(), []
    first = threading.Thread(target=gate.wait)
    first.start()

    def wait() -> None:
        first.join()
        done.append(first.is_alive())

    waiting = [threading.Thread(target=wait) for _ in range(2)]
    for thread in waiting:
        thread.start()
    assert done == []
    gate.set()
    for thread in waiting:
        thread.join()
    assert done == [False, False]


def misuse_is_refused() -> None:
    def refused(call, *args) -> bool:  # type: ignore[no-untyped-def]
        try:
            call(*args)
        except RuntimeError:
            return True
        return False

    itself = []
    thread = threading.Thread(target=lambda: itself.append(refused(threading.current_thread().join)))
    assert refused(thread.join)
    assert thread.ident is None
    assert not thread.is_alive()
    thread.start()
    assert refused(thread.start)
    thread.join()
    assert itself == [True]
    assert refused(thread.start)


def timers() -> None:
    done: list[str] = []
    late = threading.Timer(100, done.append, ["late"])
    soon = threading.Timer(0.01, done.append, ["soon"])
    late.start()
    soon.start()
    soon.join()
    late.cancel()
    late.join()
    assert done == ["soon"]
    assert late.finished.is_set()


def exit_of_a_thread_is_silent() -> None:
    def leave() -> None:
        raise SystemExit(3)

    thread = threading.Thread(target=leave)
    thread.start()
    thread.join()
    assert not thread.is_alive()


def own_excepthook() -> None:
    caught = []
    before, threading.excepthook = threading.excepthook, caught.append

    def fail() -> None:
        raise KeyError("lost")

    thread = threading.Thread(target=fail, name="failing")
    thread.start()
    thread.join()
    threading.excepthook = before
    (args,) = caught
    assert args.exc_type is KeyError
    assert str(args.exc_value) == "'lost'"
    assert args.thread is thread
    assert args.exc_traceback.tb_frame is not None


def threads_without_the_module() -> None:
    done, gate = [], _thread.allocate_lock()
    gate.acquire()

    def work(value: int) -> None:
        done.append(value)
        gate.release()

    ident = _thread.start_new_thread(work, (7,))
    gate.acquire()
    assert done == [7]
    gate.release()
    assert isinstance(ident, int)


def threads_that_do_nothing() -> None:
    thread = threading.Thread()
    thread.start()
    thread.join()
    assert not thread.is_alive()


def a_thread_ends_before_it_is_joined() -> None:
    thread = threading.Thread(target=len, args=("",))
    thread.start()
    while thread.is_alive():
        pass
    thread.join()


def many_threads() -> None:
    lock, total = threading.Lock(), [0]

    def add() -> None:
        with lock:
            total[0] += 1

    threads = [threading.Thread(target=add) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert total == [40]
