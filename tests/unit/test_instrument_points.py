"""Which points small functions have, in which order: the same on every interpreter version."""

# Each spelling below is there for its bytecode.
# ruff: noqa: B015, B018, B023, C416, E731, F821, UP031

from __future__ import annotations

from collections.abc import Callable
from types import CellType, FunctionType
from typing import Any

import pytest

from torture.instrument.rewrite import rewrite
from torture.trace.site import Form, Kind, Site

counter = 0


class Recorder:
    """Points that note what they are called with."""

    def __init__(self) -> None:
        self.seen: list[tuple[Any, ...]] = []
        self.sites: list[Site] = []

    def note(self, what: str, site: Site, *values: Any) -> None:
        shown = ("cell" if isinstance(value, CellType) else value for value in values)
        self.sites.append(site)
        self.seen.append((what, site.kind.value, site.form.value, site.name, *shown))

    def access(self, site: Site, obj: object) -> None:
        self.note("access", site, obj)

    def store(self, site: Site, obj: object, value: object) -> None:
        self.note("store", site, obj, value)

    def item(self, site: Site, obj: object, key: object) -> None:
        self.note("item", site, obj, key)

    def store_item(self, site: Site, obj: object, key: object, value: object) -> None:
        self.note("store_item", site, obj, key, value)

    def store_slice(self, site: Site, obj: object, bounds: slice, value: object) -> None:
        self.note("store_slice", site, obj, bounds, value)

    def container(self, site: Site, obj: object) -> None:
        self.note("container", site, obj)

    def operator(self, site: Site, left: object, right: object) -> object:
        self.note("operator", site, left, right)
        return right

    def contains(self, site: Site, item: object, container: Any) -> bool:
        self.note("contains", site, item, container)
        return item in container

    def call(self, site: Site, function: object, first: object) -> object:
        self.note("call", site, function, first)
        return function

    def enter(self, site: Site) -> None:
        self.note("enter", site)

    def called(self, site: Site) -> None:
        self.note("called", site)


def points(
    function: Callable[..., Any],
    *args: Any,
    granularity: str = "free-threaded",
    mutable: Callable[[str], bool] = lambda name: name not in {"len", "range", "str"},
) -> list[tuple[Any, ...]]:
    """Return the points that a call of the rewritten function passes."""
    assert isinstance(function, FunctionType)
    recorder = Recorder()
    code = rewrite(
        function.__code__, points=recorder, granularity=granularity, module="unit", mutable=mutable
    )
    FunctionType(code, function.__globals__, "f", None, function.__closure__)(*args)
    return recorder.seen


class Box:
    """Compares by type, so that expected points can be written down."""

    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)

    def __eq__(self, other: object) -> bool:
        return type(other) is Box

    __hash__ = None  # type: ignore[assignment]

    def double(self, n: int) -> int:
        return n * 2


def test_attribute_update_is_a_read_and_a_write() -> None:
    def update(box: Any, by: Any) -> None:
        box.n += by

    assert points(update, Box(n=1), 2) == [
        ("access", "read", "attribute", "n", Box()),
        ("operator", "write", "container", "+=", 1, 2),
        ("store", "write", "attribute", "n", Box(), 3),
    ]


def test_deletions_are_writes() -> None:
    def delete(box: Any, table: Any) -> None:
        del box.n, table["k"]

    assert points(delete, Box(n=1), {"k": 1}, mutable=lambda name: False) == [
        ("access", "write", "attribute", "n", Box()),
        ("item", "write", "item", "", {}, "k"),
    ]


def test_globals_have_no_object() -> None:
    def bump() -> None:
        global counter
        counter = counter + 1

    assert points(bump) == [
        ("access", "read", "global", "counter", None),
        ("store", "write", "global", "counter", None, 1),
    ]


def test_items_and_slices() -> None:
    def items(xs: Any) -> None:
        xs[0] = xs[1]
        xs[:1] = xs[1:]
        xs[::2]
        del xs[:1]

    assert [point[:4] + point[5:] for point in points(items, [1, 2])] == [
        ("item", "read", "item", "", 1),
        ("store_item", "write", "item", "", 0, 2),
        ("item", "read", "item", "", None),
        ("store_slice", "write", "item", "", slice(None, 1), [2]),
        ("item", "read", "item", "", None),
        ("item", "write", "item", "", None),
    ]


def test_containment_is_done_by_the_callback() -> None:
    found: list[Any] = []

    def look(xs: Any) -> None:
        found.append((1 in xs, 1 not in xs))
        if 3 not in xs and 2 in (1, 2):
            found.append("3")

    seen = points(look, [1])

    assert [point for point in seen if point[0] == "contains"] == [
        ("contains", "read", "contains", "", 1, [1]),
        ("contains", "read", "contains", "", 1, [1]),
        ("contains", "read", "contains", "", 3, [1]),
    ]
    assert found == [(True, False), "3"]


def test_truth_is_a_read_of_the_whole_object_unless_it_is_a_bool() -> None:
    def truth(xs: Any, n: Any) -> Any:
        if xs or not n:
            pass
        if n == 0 or n is None or not n < 5:
            pass
        while not xs:
            xs = [1]
        assert n
        return (not xs, xs and n, n > 3 and n)

    assert points(truth, [], 4) == [
        ("container", "read", "container", "", value) for value in ([], 4, [], [1], 4, [1], [1])
    ]


def test_iteration_reads_before_each_element() -> None:
    def iterate(xs: Any) -> None:
        for _ in xs:
            pass

    iterator = iter([1, 2])

    assert (
        points(iterate, iterator) == [("container", "read", "iterate", "", iterator)] * 4
    )  # GET_ITER, two elements, the end


def test_unpacking_and_displays_read_their_source() -> None:
    def unpack(xs: Any, table: Any) -> Any:
        a, b = xs
        c, *d = xs
        return [a, *xs], {b, *xs}, {**table, "c": c}, (*d, *xs)

    assert points(unpack, [1, 2], {"k": 1}) == [
        *[("container", "read", "container", "", [1, 2])] * 4,
        ("container", "read", "container", "", {"k": 1}),
        ("container", "read", "container", "", [2]),
        ("container", "read", "container", "", [1, 2]),
    ]


def test_operators_show_their_operands() -> None:
    def operate(xs: Any, ys: Any) -> None:
        xs + ys
        xs += ys
        xs == ys
        xs * 2  # repeats a container: the one operator that reads one beside a number
        "%s" % ys
        xs == 3

    assert points(operate, (1,), (2,)) == [
        ("operator", "read", "container", "", (1,), (2,)),
        ("operator", "write", "container", "+=", (1,), (2,)),
        ("operator", "read", "container", "", (1, 2), (2,)),
        ("operator", "read", "container", "", (1, 2), 2),
    ]


class Replacing(Recorder):
    """Points that have something else called, and something else added."""

    def call(self, site: Site, function: object, first: object) -> object:
        return lambda *args, **named: ("instead of", function, args, named)

    def operator(self, site: Site, left: object, right: object) -> object:
        return 10


def test_what_the_callbacks_return_is_used() -> None:
    def program(box: Any, f: Any, args: Any, named: Any, n: Any) -> Any:
        n += args
        return f(1), f(1, k=2), f(*args), f(*args, **named), box.double(3), n + named

    code = rewrite(
        program.__code__,
        points=Replacing(),
        granularity="free-threaded",
        module="m",
        mutable=lambda name: False,
    )
    box = Box()

    assert FunctionType(code, {})(box, len, (4,), {"k": 5}, 1) == (
        ("instead of", len, (1,), {}),
        ("instead of", len, (1,), {"k": 2}),
        ("instead of", len, (4,), {}),
        ("instead of", len, (4,), {"k": 5}),
        ("instead of", box.double, (3,), {}),
        21,
    )


def test_calls_show_the_callable_and_the_first_argument() -> None:
    def call(box: Any, f: Any, args: Any, table: Any) -> None:
        f()
        f(1, 2)
        f(a=1)
        f(3, a=1)
        box.double(4)
        f(*args)
        f(*args, **table)
        f(f(5))

    def f(*args: Any, **_: Any) -> Any:
        return args

    box = Box()
    double = ("call", "read", "call", "", box.double, 4)

    seen = points(call, box, f, (6, 7), {"a": 1}, mutable=lambda name: False)

    assert [point for point in seen if point[0] == "call"] == [
        *(("call", "read", "call", "", f, first) for first in (None, 1, None, 3)),
        double,
        *(("call", "read", "call", "", f, first) for first in (6, 6, 5, (5,))),
    ]


def test_the_exit_of_a_with_block_is_a_call() -> None:
    class Context:
        def __enter__(self) -> None: ...
        def __exit__(self, *details: object) -> None: ...

    def block(context: Any) -> None:
        with context:
            pass

    context = Context()

    assert points(block, context) == [("call", "read", "call", "", context.__exit__, None)]


def test_comprehensions_are_no_calls() -> None:
    def comprehend(xs: Any) -> Any:
        return [x for x in xs], len(xs)

    def generate(xs: Any) -> Any:
        return (x for x in xs)

    def consume(xs: Any) -> Any:
        return [*(x for x in xs)]

    assert [point[0] for point in points(comprehend, [1])] == ["container"] * 3 + ["call"]
    assert [point[0] for point in points(generate, [1])] == ["container"]
    assert [point[0] for point in points(consume, [1])] == ["container"] * 4


def test_super_is_no_call() -> None:
    class Above:
        value = 1

    class Below(Above):
        def look(self) -> int:
            return super().value

    seen = points(Below.look, Below(), mutable=lambda name: name == "value")

    assert [point[:4] for point in seen] == [("access", "read", "attribute", "value")]


def test_a_cell_that_changes_while_shared_has_points() -> None:
    def changing() -> Any:
        n = 0

        def bump() -> None:
            nonlocal n
            n += 1

        bump()
        return n

    assert [point for point in points(changing) if point[2] == "cell" and point[3] == "n"] == [
        ("store", "write", "cell", "n", "cell", 0),
        ("access", "read", "cell", "n", "cell"),
        ("store", "write", "cell", "n", "cell", 1),
        ("access", "read", "cell", "n", "cell"),
    ]


def test_a_deleted_cell_has_points() -> None:
    def deleting() -> None:
        n = 0
        _ = lambda: n
        del n

    assert [point[:4] for point in points(deleting)] == [
        ("store", "write", "cell", "n"),
        ("access", "write", "cell", "n"),
    ]


def test_a_loop_variable_that_is_captured_has_points() -> None:
    def looping() -> Any:
        functions = []
        for n in (1, 2):
            functions.append(lambda: n)
        return functions[0]()

    assert [point[0] for point in points(looping) if point[2] == "cell"] == ["store", "store", "access"]


def test_a_cell_stored_after_its_capture_has_points() -> None:
    def late() -> Any:
        def look() -> Any:
            return n

        n = 1
        return look()

    assert [point[0] for point in points(late) if point[3] == "n"] == ["store", "access"]


def test_a_cell_that_never_changes_while_shared_has_none() -> None:
    def settled(argument: Any) -> Any:
        n = argument + 1

        def outer() -> Any:
            return lambda: n + argument

        class Local:
            def me(self) -> Any:
                return __class__, n  # type: ignore[name-defined]

        return outer()(), Local().me()

    assert [point for point in points(settled, 1) if point[2] == "cell"] == []


def test_an_argument_that_is_stored_again_has_points() -> None:
    def stored(n: Any) -> Any:
        look: Any = lambda: n
        n = 2
        return look()

    assert [point[0] for point in points(stored, 1) if point[2] == "cell"] == ["store", "access"]


def test_a_free_variable_of_an_unknown_owner_has_points() -> None:
    n = 1

    def look() -> Any:
        return n

    assert points(look) == [("access", "read", "cell", "n", "cell")]


def test_names_that_nobody_writes_have_points_at_stores_only() -> None:
    def use(box: Any) -> None:
        box.n = box.n
        counter

    assert points(use, Box(n=1), mutable=lambda name: False) == [
        ("store", "write", "attribute", "n", Box(), 1)
    ]


def test_locals_have_none() -> None:
    def use() -> Any:
        a = 1
        b = a
        del a
        return b

    assert points(use) == []


def test_gil_points_are_at_entry_at_backward_jumps_and_around_calls() -> None:
    def work(xs: Any, n: Any) -> Any:
        for x in xs:
            xs[0].append(x)
        while n:
            n -= 1
        while n is not None:
            n = None
        return len(xs)

    log: list[Any] = []

    seen = points(work, [log], 3, granularity="gil")

    assert [point[0] for point in seen] == [
        "enter",
        *("call", "called", "enter"),  # the body of the for loop, and the jump back
        *("enter", "enter"),  # the while loop tests at its end, and goes round twice more
        *("call", "called"),
    ]
    assert seen[1][4:] == (log.append, log)
    assert seen[-2][4:] == (len, [log])
    assert {point[1] for point in seen} == {"switch"}


def test_gil_points_of_a_generator_are_where_it_is_resumed() -> None:
    def produce() -> Any:
        yield 1
        yield 2

    def drive() -> Any:
        yield from produce()

    recorder = Recorder()
    for function in (produce, drive):
        code = rewrite(
            function.__code__, points=recorder, granularity="gil", module="m", mutable=lambda name: True
        )
        made = FunctionType(code, {"produce": produce}, "f", None, function.__closure__)
        list(made())

    entered = [
        site.line - produce.__code__.co_firstlineno for site in recorder.sites if site.form is Form.SWITCH
    ]
    assert entered[:3] == [0, 1, 2]


def test_a_site_says_where_it_is() -> None:
    recorder = Recorder()

    def read(box: Any) -> Any:
        return (
            box.n,
            [[box.m] for _ in (1,)],
        )

    code = rewrite(
        read.__code__, points=recorder, granularity="free-threaded", module="unit", mutable=lambda name: True
    )
    FunctionType(code, {})(Box(n=1, m=2))

    found = {site.name: site for site in recorder.sites if site.form is Form.ATTRIBUTE}
    first = read.__code__.co_firstlineno
    assert (found["n"].line, found["m"].line) == (first + 2, first + 3)
    assert found["n"].function.endswith("test_a_site_says_where_it_is.<locals>.read")
    assert (found["n"].module, found["n"].file, found["n"].kind) == ("unit", __file__, Kind.READ)


def test_an_error_raised_by_a_point_is_handled_where_the_operation_would_be() -> None:
    class Refusing(Recorder):
        def access(self, site: Site, obj: object) -> None:
            raise KeyError(site.name)

    def guarded(box: Any) -> Any:
        try:
            return box.n
        except KeyError as error:
            return error.args

    code = rewrite(
        guarded.__code__,
        points=Refusing(),
        granularity="free-threaded",
        module="m",
        mutable=lambda name: name == "n",
    )

    assert FunctionType(code, {"KeyError": KeyError})(Box(n=1)) == ("n",)


def test_containment_keeps_its_errors() -> None:
    def look(x: Any) -> Any:
        return 1 in x

    with pytest.raises(TypeError, match="not iterable"):
        points(look, 3)
