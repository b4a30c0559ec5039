"""Threads: start, join, kinds of target, nesting, daemons, thread-local and context variables, exceptions."""

from __future__ import annotations

import threading
from contextvars import ContextVar, copy_context
from functools import partial
from threading import Event, Lock, Thread, active_count

from tests.litmus.corpus import Outcome, litmus, raises
from tests.litmus.programs.together import two

SETTING: ContextVar[int] = ContextVar("SETTING", default=0)
MODULE_LOCAL = threading.local()


class State:
    def __init__(self) -> None:
        self.x = 0
        self.seen = None


class Bumper(Thread):
    def __init__(self, o) -> None:
        super().__init__()
        self.o = o

    def run(self) -> None:
        self.o.x += 1


class Callable:
    def __init__(self, o) -> None:
        self.o = o

    def __call__(self) -> None:
        self.o.x = 1

    def method(self) -> None:
        self.o.x = 2


@litmus(free_threaded={(1,)})
def join_publishes() -> Outcome:
    o = State()

    def work() -> None:
        o.x = 1

    thread = Thread(target=work)
    thread.start()
    thread.join()
    return (o.x,)


@litmus(free_threaded={(0,), (1,)})
def read_before_join() -> Outcome:
    o = State()

    def work() -> None:
        o.x = 1

    thread = Thread(target=work)
    thread.start()
    seen = o.x
    thread.join()
    return (seen,)


@litmus(free_threaded={(1,)})
def start_publishes() -> Outcome:
    o = State()

    def work() -> None:
        o.seen = o.x

    thread = Thread(target=work)
    o.x = 1
    thread.start()
    thread.join()
    return (o.seen,)


@litmus(free_threaded={(0,), (1,)})
def write_after_start() -> Outcome:
    o = State()

    def work() -> None:
        o.seen = o.x

    thread = Thread(target=work)
    thread.start()
    o.x = 1
    thread.join()
    return (o.seen,)


@litmus(free_threaded={(1,), (2,)}, gil={(2,)})
def main_thread_takes_part() -> Outcome:
    o = State()

    def bump() -> None:
        o.x += 1

    thread = Thread(target=bump)
    thread.start()
    bump()
    thread.join()
    return (o.x,)


@litmus(free_threaded={raises("KeyError"), (1,)})
def exception_in_main() -> Outcome:
    d = {"k": 1}

    def remove() -> None:
        del d["k"]

    thread = Thread(target=remove)
    thread.start()
    try:
        return (d["k"],)
    finally:
        thread.join()


@litmus(free_threaded={raises("ZeroDivisionError")})
def exception_in_thread() -> Outcome:
    thread = Thread(target=lambda: 1 // 0)
    thread.start()
    thread.join()
    return ("done",)


@litmus(free_threaded={raises("ZeroDivisionError"), (0,)})
def exception_in_thread_by_race() -> Outcome:
    o = State()
    o.x = 1

    def zero() -> None:
        o.x = 0

    def divide() -> None:
        o.seen = 0 // o.x

    two(zero, divide)
    return (o.seen,)


@litmus(free_threaded={("caught", 1)})
def exception_caught_in_thread() -> Outcome:
    seen = []

    def work() -> None:
        try:
            raise ValueError(1)
        except ValueError as error:
            seen.append(("caught", error.args[0]))

    thread = Thread(target=work)
    thread.start()
    thread.join()
    return seen[0]


@litmus(free_threaded={(1,), (2,)}, gil={(2,)})
def subclass_of_thread() -> Outcome:
    o = State()
    one, other = Bumper(o), Bumper(o)
    one.start()
    other.start()
    one.join()
    other.join()
    return (o.x,)


@litmus(free_threaded={(1,), (2,)})
def callable_object_and_bound_method() -> Outcome:
    o = State()
    call = Callable(o)

    two(call, call.method)
    return (o.x,)


@litmus(free_threaded={(1, 2), (2, 1)})
def partial_and_lambda() -> Outcome:
    seen = []

    two(partial(seen.append, 1), lambda: seen.append(2))
    return tuple(seen)


@litmus(free_threaded={(3,)})
def arguments_and_keywords() -> Outcome:
    seen = []

    def work(x, *, y) -> None:
        seen.append(x + y)

    thread = Thread(target=work, args=(1,), kwargs={"y": 2})
    thread.start()
    thread.join()
    return tuple(seen)


@litmus(free_threaded={(1,)})
def thread_in_thread() -> Outcome:
    o = State()

    def inner() -> None:
        o.x = 1

    def outer() -> None:
        thread = Thread(target=inner)
        thread.start()
        thread.join()

    thread = Thread(target=outer)
    thread.start()
    thread.join()
    return (o.x,)


@litmus(free_threaded={(0,), (1,)})
def grandchild_not_joined() -> Outcome:
    o = State()

    def inner() -> None:
        o.x = 1

    def outer() -> None:
        Thread(target=inner).start()

    thread = Thread(target=outer)
    thread.start()
    thread.join()
    return (o.x,)


@litmus(free_threaded={(1,), (2,)}, gil={(2,)})
def parent_and_child_race() -> Outcome:
    o = State()

    def bump() -> None:
        o.x += 1

    def outer() -> None:
        thread = Thread(target=bump)
        thread.start()
        bump()
        thread.join()

    thread = Thread(target=outer)
    thread.start()
    thread.join()
    return (o.x,)


@litmus(free_threaded={(True,), (False,)})
def alive_after_start() -> Outcome:
    thread = Thread(target=abs, args=(1,))
    thread.start()
    seen = thread.is_alive()
    thread.join()
    return (seen,)


@litmus(free_threaded={(2, True), (2, False), (1, True), (1, False)})
def counted_while_it_ends() -> Outcome:
    thread = Thread(target=abs, args=(1,))
    thread.start()
    seen = active_count()  # it leaves the registry before it is not alive any more
    alive = thread.is_alive()
    thread.join()
    return (seen, alive)


@litmus(free_threaded={(False, False)})
def alive_before_start_and_after_join() -> Outcome:
    thread = Thread(target=abs, args=(1,))
    before = thread.is_alive()
    thread.start()
    thread.join()
    return (before, thread.is_alive())


@litmus(free_threaded={(True,), (False,)})
def join_with_short_timeout() -> Outcome:
    thread = Thread(target=abs, args=(1,))
    thread.start()
    thread.join(0.05)
    seen = thread.is_alive()
    thread.join()
    return (seen,)


@litmus(free_threaded={(False,)})
def join_with_long_timeout() -> Outcome:
    thread = Thread(target=abs, args=(1,))
    thread.start()
    thread.join(5)
    return (thread.is_alive(),)


@litmus(free_threaded={(True,)})
def join_times_out() -> Outcome:
    event = Event()
    thread = Thread(target=event.wait)
    thread.start()
    thread.join(0.2)
    seen = thread.is_alive()
    event.set()
    thread.join()
    return (seen,)


@litmus(free_threaded={("RuntimeError",)})
def start_twice() -> Outcome:
    thread = Thread(target=abs, args=(1,))
    thread.start()
    thread.join()
    try:
        thread.start()
    except RuntimeError:
        return ("RuntimeError",)
    return ("started",)


@litmus(free_threaded={("RuntimeError",)})
def join_before_start() -> Outcome:
    try:
        Thread(target=abs, args=(1,)).join()
    except RuntimeError:
        return ("RuntimeError",)
    return ("joined",)


@litmus(free_threaded={("RuntimeError",)})
def join_oneself() -> Outcome:
    seen = []

    def work() -> None:
        try:
            threading.current_thread().join()
        except RuntimeError:
            seen.append("RuntimeError")

    thread = Thread(target=work)
    thread.start()
    thread.join()
    return tuple(seen)


@litmus(free_threaded={("worker", True, True)})
def names_and_identities() -> Outcome:
    seen = []

    def work() -> None:
        me = threading.current_thread()
        seen.append((me.name, me.ident == threading.get_ident(), me is thread))

    thread = Thread(target=work, name="worker")
    thread.start()
    thread.join()
    return seen[0]


@litmus(free_threaded={(False,)})
def identities_differ() -> Outcome:
    both = Lock()
    both.acquire()
    seen = []

    def left() -> None:
        seen.append(threading.get_ident())
        with both:
            pass

    thread = Thread(target=left)
    thread.start()
    mine = threading.get_ident()
    both.release()
    thread.join()
    return (seen[0] == mine,)


@litmus(free_threaded={(0,)})
def enumerate_after_join() -> Outcome:
    before = threading.active_count()
    thread = Thread(target=abs, args=(1,))
    thread.start()
    thread.join()
    return (threading.active_count() - before,)


@litmus(free_threaded={(1, 2)})
def thread_local_is_private() -> Outcome:
    local = threading.local()
    seen = []

    def work(number) -> None:
        local.number = number
        seen.append(local.number)

    two(lambda: work(1), lambda: work(2))
    return tuple(sorted(seen))


@litmus(free_threaded={(False, 0)})
def module_local_is_private() -> Outcome:
    """Made before the execution began, set in the main thread, not seen by the other."""
    MODULE_LOCAL.number = 0
    seen = []

    def work() -> None:
        seen.append(hasattr(MODULE_LOCAL, "number"))
        MODULE_LOCAL.number = 1

    thread = Thread(target=work)
    thread.start()
    thread.join()
    return (seen[0], MODULE_LOCAL.number)


@litmus(free_threaded={(0,)})
def context_variable_is_private() -> Outcome:
    seen = []

    two(lambda: SETTING.set(1), lambda: seen.append(SETTING.get()))
    return tuple(seen)


@litmus(free_threaded={(0, 7)})
def context_is_not_inherited() -> Outcome:
    """A plain thread begins with an empty context; one that runs a copy of ours sees our value."""
    seen = {}

    def work(name) -> None:
        seen[name] = SETTING.get()

    token = SETTING.set(7)
    two(lambda: work("plain"), partial(copy_context().run, work, "copied"))
    SETTING.reset(token)
    return (seen["plain"], seen["copied"])
