"""Rewritten functions do what the original ones do."""

# Each spelling below is there for its bytecode.
# ruff: noqa: B018, B023, B026, C400, C408, C416, F821, F841, PIE800, PIE804, PLC3002, PLW0108, SIM201, SIM208, UP008
# mypy: ignore-errors

from __future__ import annotations

import asyncio
import contextlib
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from types import CodeType, FunctionType
from typing import Any

import pytest

from tests.unit.silent_points import Silent
from torture.errors import UsageError
from torture.instrument.rewrite import rewrite

GRANULARITIES = ("free-threaded", "gil")
shared_total = 0


def rewritten(function: Callable[..., Any], granularity: str) -> Callable[..., Any]:
    assert isinstance(function, FunctionType)
    code = rewrite(
        function.__code__, points=Silent(), granularity=granularity, module="m", mutable=lambda name: True
    )
    new = FunctionType(
        code, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    new.__kwdefaults__ = function.__kwdefaults__
    return new


class Box:
    """An object that is a container, a context and has attributes."""

    def __init__(self, value: Any = 0) -> None:
        self.value = value
        self.items: list[Any] = []
        self.log: list[Any] = []

    def __enter__(self) -> Box:
        self.log.append("enter")
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        self.log.append(kind.__name__ if kind else None)
        return kind is ValueError

    async def __aenter__(self) -> Box:
        return self

    async def __aexit__(self, *details: Any) -> bool:
        await asyncio.sleep(0)
        return details[0] is ValueError

    def add(self, *values: Any, times: int = 1) -> Box:
        for value in values:
            self.items.append(value * times)
        return self


def loops() -> Any:
    found = []
    for a in range(5):
        if a == 1:
            continue
        for b in reversed(range(a)):
            if b > 2:
                break
            found.append((a, b))
        else:
            found.append(a)
    while found and len(found) > 3:
        last = found.pop()
    do = 10
    while True:
        do -= 1
        if not do:
            break
    n = None
    while n is None:
        n = 1
    return found, last, do, n


def exceptions() -> Any:
    log: list[Any] = []
    for action in (lambda: 1 // 0, lambda: {}["x"], lambda: 3, lambda: [].pop()):
        try:
            try:
                log.append(action())
            except ZeroDivisionError as error:
                log.append(str(error))
                raise ValueError("again") from error
            except KeyError:
                log.append("key")
            else:
                log.append("else")
            finally:
                log.append("finally")
        except (ValueError, IndexError) as error:
            log.append((type(error).__name__, type(error.__cause__).__name__))
    return log


def return_in_finally_order() -> Any:
    log = []

    def inner() -> Any:
        for _ in range(2):
            try:
                return log.append("body")
            finally:
                log.append("finally")
        return None

    return inner(), log


def exception_groups() -> Any:
    log = []
    try:
        raise ExceptionGroup("all", [ValueError(1), TypeError(2), KeyError(3)])
    except* ValueError as group:
        log.append(len(group.exceptions))
    except* (TypeError, KeyError) as group:
        log.append(len(group.exceptions))
    return log


def with_blocks() -> Any:
    box, other = Box(), Box()
    with box as entered, other:
        entered.value = 5
    with box:
        raise ValueError
    for _ in range(3):
        with box:
            if box.value:
                break
    with contextlib.suppress(KeyError), box:
        raise KeyError
    return box.log, other.log, box.value


def generators() -> Any:
    def numbers(limit: int) -> Iterator[Any]:
        got = None
        for n in range(limit):
            try:
                got = yield (n, got)
            except ValueError:
                got = "thrown"
        return "done"

    def outer() -> Iterator[Any]:
        result = yield from numbers(3)
        yield result

    generator = outer()
    out = [next(generator), generator.send("a"), generator.throw(ValueError)]
    closed = numbers(9)
    next(closed)
    closed.close()
    return out, list(generator), list(numbers(2)), sum(n * n for n in range(4) if n)


def coroutines() -> Any:
    async def ticks(n: int) -> Any:
        for i in range(n):
            await asyncio.sleep(0)
            yield i

    async def main() -> Any:
        seen = [i async for i in ticks(4) if i % 2]
        async with Box(3) as box, Box():
            async for i in ticks(2):
                box.value += i
        async with Box():
            raise ValueError
        return seen, box.value, {i: j async for i in ticks(2) for j in (1, 2)}

    return asyncio.run(main())


def comprehensions() -> Any:
    xs = [3, 1, 2]
    i = "kept"
    functions = [lambda: i for i in xs]
    return (
        [y for x in xs if x > 1 for y in range(x) if y],
        {x: [z for z in range(x)] for x in xs},
        {x % 2 for x in xs},
        list(x for x in xs if x not in (1,)),
        [f() for f in functions],
        i,
    )


def match_statement() -> Any:
    @dataclass
    class Point:
        x: int
        y: int

    def kind(value: Any) -> Any:
        match value:
            case Point(x=0, y=y):
                return "axis", y
            case [1, *rest]:
                return "one", rest
            case {"k": v, **others}:
                return "map", v, others
            case str() | bytes() as text if text:
                return "text", text
            case (a, b):
                return a, b
            case _:
                return None

    values = [Point(0, 2), Point(1, 2), [1, 2, 3], {"k": 1, "l": 2}, "s", "", (4, 5), 7]
    return [kind(value) for value in values]


def closures() -> Any:
    count = 0

    def bump(by: int = 1) -> int:
        nonlocal count
        count += by
        return count

    def recursive(n: int) -> int:
        return n * recursive(n - 1) if n else 1

    def deleting() -> Any:
        gone = 1

        def look() -> int:
            return gone

        before = look()
        del gone
        try:
            look()
        except NameError as error:
            return before, str(error)

    return bump(), bump(5), count, recursive(5), deleting()


def nested_classes() -> Any:
    outer = 3

    class First:
        attribute = outer

        def method(self) -> Any:
            return [__class__.__name__, outer]

        @property
        def twice(self) -> int:
            return self.attribute * 2

        @classmethod
        def make(cls) -> First:
            return cls()

        @staticmethod
        def plain(x: int) -> int:
            return x + 1

    class Second(First):
        def method(self) -> Any:
            return [*super().method(), super().twice, super(Second, self).attribute]

    return Second.make().method(), Second.plain(1), Second().twice


def calls() -> Any:
    def f(a: Any, /, b: Any = 2, *rest: Any, c: Any = 3, **others: Any) -> Any:
        return a, b, rest, c, others

    args, keywords = (1, 2, 3), {"z": 9}
    box = Box()
    return (
        f(1),
        f(1, c=4),
        f(*args),
        f(*[7, 8], *args, c=5, **keywords),
        f(0, **keywords),
        f(b=1, *(5,)),
        box.add(1, 2, times=3).add("x").items,
        box.add(*args, times=2).items,
        "{}-{}".format(*args),
        print,
        (lambda *a, k=1: (a, k))(1, 2, k=3),
        f(f(1, *args), c=f(**{"z": 1}, **{"y": f}) if not args else f(2)),
    )


def decorated() -> Any:
    def twice(function: Any) -> Any:
        def wrapper(*args: Any, **keywords: Any) -> Any:
            return function(function(*args, **keywords))

        return wrapper

    def plus(n: int) -> Any:
        return lambda function: lambda x: function(x) + n

    @twice
    @plus(10)
    def work(x: int) -> int:
        return x * 2

    return work(1)


def expressions() -> Any:
    a, b, (c, *d) = 1, [2, 3], "xyz"
    box = Box([1, 2, 3, 4])
    box.value[1] += 5
    box.value[:2] = [9, 9, 9]
    del box.value[0], box.value[1:2]
    if (n := len(box.value)) > 2 and n != 5 or not n:
        b += [n]
    box.value, box.items = box.items, box.value
    box.extra = 1
    del box.extra
    table = {**{"a": 1}, "b": 2, **dict(c=3)}
    return (
        a < n <= 4 < 10,
        1 in b and 7 not in b,
        not b,
        not (a == n),
        a or b,
        b and a,
        (a < n) and d,
        a if b else c,
        f"{a!r:>4}{box.items}{n:{n}}",
        [*b, *d],
        {*b, *d},
        table,
        b[1:],
        b[::2],
        "abc"[a],
        -a + ~n,
        b is not None,
        box.items,
        [not not x for x in (b, [])],
        "x" in "xyz",
        a not in {1, 2},
    )


def globals_used() -> Any:
    global shared_total
    shared_total = 1
    shared_total += 2
    before = shared_total
    del shared_total
    try:
        shared_total
    except NameError as error:
        shared_total = 0
        return before, str(error)


def assertion() -> Any:
    try:
        assert shared_total == 7, f"was {shared_total}"
    except AssertionError as error:
        return str(error).splitlines()[0]


def imports() -> Any:
    import os.path as path
    from json import dumps, loads

    return path.join("a", "b"), loads(dumps([1]))


def _large() -> Callable[[], Any]:
    lines = ["def large():", " total = 0", " box = Box()"]
    for n in range(400):
        lines += [f" box.a{n} = {n}000", f" if box.a{n} in (1, 2): box.value += 1", f" total += box.a{n}"]
    lines += [" for i in range(3):", "  while True:"]
    lines += [f"   if i == {n}000: total -= box.a{n}" for n in range(300)]
    lines += ["   break", " again = 0", " while again < 2:", "  again += 1"]
    lines += [f"  box.a{n} += again" for n in range(300)]
    lines += [" return total, box.value, again, box.a299"]
    namespace: dict[str, Any] = {"Box": Box}
    exec("\n".join(lines), namespace)
    made: Callable[[], Any] = namespace["large"]
    return made


large = _large()

SAMPLES = [
    loops, exceptions, return_in_finally_order, exception_groups, with_blocks, generators, coroutines, comprehensions,
    match_statement, closures, nested_classes, calls, decorated, expressions, globals_used, assertion, imports, large,
]  # fmt: skip


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.__name__)
def test_a_rewritten_function_gives_the_same_result(sample: Callable[[], Any], granularity: str) -> None:
    new = rewritten(sample, granularity)

    expected = repr(sample())

    for _ in range(30):  # warm enough to be specialised
        assert repr(new()) == expected


def all_positions(code: CodeType) -> list[Any]:
    """Return the positions of ``code``, nested code included, in order, repetitions left out."""
    own = [position for position, _ in groupby(code.co_positions())]
    return own + [all_positions(nested) for nested in code.co_consts if isinstance(nested, CodeType)]


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.__name__)
def test_rewriting_keeps_every_position(sample: Callable[[], Any], granularity: str) -> None:
    assert isinstance(sample, FunctionType)

    new = rewritten(sample, granularity)

    assert all_positions(new.__code__) == all_positions(sample.__code__)


def failing(box: Box) -> Any:
    values = [box.value, box]
    return box.value + values[0].missing(len(values), *values, key=[value for value in values]) in values


@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_tracebacks_keep_lines_and_columns(granularity: str) -> None:
    frames = []
    for function in (failing, rewritten(failing, granularity)):
        with pytest.raises(AttributeError) as caught:
            function(Box())
        frames.append(traceback.extract_tb(caught.value.__traceback__)[-1])

    original, new = ((f.lineno, f.end_lineno, f.colno, f.end_colno, f.name) for f in frames)
    assert new == original


@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_rewriting_is_pure(granularity: str) -> None:
    before = closures.__code__.co_code, closures.__code__.co_consts

    first = rewritten(closures, granularity).__code__
    second = rewritten(closures, granularity).__code__

    assert first.co_code == second.co_code
    assert first.co_linetable == second.co_linetable
    assert first.co_exceptiontable == second.co_exceptiontable
    assert (closures.__code__.co_code, closures.__code__.co_consts) == before


def test_an_unknown_granularity_is_refused() -> None:
    with pytest.raises(UsageError, match="granularity 'fine' is unknown"):
        rewritten(loops, "fine")


def test_nothing_appears_in_the_namespaces_of_the_code() -> None:
    def names() -> Any:
        local = 1
        return sorted(locals()), local

    before = set(globals())

    assert rewritten(names, "free-threaded")()[0] == ["local"]
    assert set(globals()) == before


@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_a_debugger_stops_at_the_same_lines(granularity: str) -> None:
    def lines(function: Callable[..., Any]) -> list[int]:
        seen: list[int] = []

        def trace(frame: Any, event: str, _: Any) -> Any:
            if event == "line":
                seen.append(frame.f_lineno)
            return trace

        before = sys.gettrace()
        sys.settrace(lambda frame, event, _: trace if frame.f_code is function.__code__ else None)
        try:
            function()
        finally:
            sys.settrace(before)
        return seen

    assert lines(rewritten(loops, granularity)) == lines(loops)
