"""Texts that are made step by step, comparisons and patterns are those of the C code."""

# Each spelling below is there for its bytecode.
# ruff: noqa: UP031, UP032

from __future__ import annotations

import io
from array import array
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from types import FunctionType, MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.exploration.test_standins import lists, result_of
from torture.exploration import comparing, substitution, texts
from torture.exploration.points import KernelPoints
from torture.instrument.rewrite import rewrite
from torture.trace.site import Form, Kind, Site

SITE = Site(Kind.READ, Form.CALL, "", "f", "m", "f.py", 1)


@pytest.fixture(autouse=True)
def _others_might_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have everything done step by step, as if another thread had it."""
    for module in (comparing, substitution, texts):
        monkeypatch.setattr(module, "is_over", lambda: False)
        monkeypatch.setattr(module, "is_private", lambda *_: False)
    monkeypatch.setattr(substitution.KERNEL, "controls", lambda: True)


same = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Own:
    """Has texts of its own."""

    def __init__(self) -> None:
        self.items = [1, "é"]

    def __repr__(self) -> str:
        return f"<{self.items}>"

    def __str__(self) -> str:
        return "own"


class Named(list[Any]):
    """Inherits the text of a list."""


class Ordered(OrderedDict[Any, Any]):
    """Inherits a text with the class's name in it."""


def itself() -> list[Any]:
    items: list[Any] = [1]
    items += [items, {"k": items}, (items,)]
    return items


def circle() -> defaultdict[Any, Any]:
    d: defaultdict[Any, Any] = defaultdict(list)
    d[1] = d
    return d


OBJECTS: dict[str, Callable[[], Any]] = {
    "list": lambda: [1, "a", None, [2.5, Own()], {}],
    "dict": lambda: {1: [2], "é": {3: Own()}, 2.5: 0},
    "tuple": lambda: ([1], 2, ()),
    "one": lambda: ([1],),
    "set": lambda: {8, 0, 16},
    "empty": set,
    "frozenset": lambda: frozenset({Own}),
    "deque": lambda: deque([[1], 2], 5),
    "defaultdict": lambda: defaultdict(int, {1: [2]}),
    "ordered": lambda: OrderedDict({1: [2], "b": Own()}),
    "subclass of ordered": lambda: Ordered({1: 2}),
    "counter": lambda: Counter("abb"),
    "keys": {1: 2}.keys,
    "values": {1: [2]}.values,
    "items": {1: [2]}.items,
    "view": lambda: MappingProxyType({1: [2]}),
    "namespace": lambda: SimpleNamespace(a=[1], b=Own()),
    "bytes": lambda: bytearray(b"a\xff"),
    "array": lambda: array("b", [1]),
    "error": lambda: ValueError([1]),
    "two errors": lambda: ValueError([1], "é"),
    "key error": lambda: KeyError("é"),
    "own": Own,
    "subclass": lambda: Named([1, [2]]),
    "itself": itself,
    "circle": circle,
    "number": lambda: 5,
}


@pytest.mark.parametrize("name", OBJECTS)
def test_every_way_to_a_text(name: str) -> None:
    obj = OBJECTS[name]()

    def show(x: Any) -> Any:
        buffer = io.StringIO()
        print("a", x, file=buffer, sep="-")
        return (
            (f"{x}", f"{x!r:>40}", f"{x!s}", f"{x!a}", f"{x:{''}}", str(x), repr(x), ascii(x), format(x)),
            ("%s" % (x,), "%r %a" % (x, x), "{} {!r}".format(x, x), "{0}{a!s:>30}".format(1, a=x)),
            ("%(x)s" % {"x": x}, "{x}".format_map({"x": x}), "{.__class__}".format(x)),
            buffer.getvalue(),
        )

    points = KernelPoints()
    code = rewrite(
        show.__code__, points=points, granularity="free-threaded", module="m", mutable=lambda _: False
    )

    assert FunctionType(code, show.__globals__)(obj) == show(obj)


@pytest.mark.parametrize(
    ("template", "argument"),
    [
        ("%d", [1]),
        ("%d %s", ([1],)),
        ("%(a)s", {"b": 1}),
        ("%(a)s", [1]),
        ("%s", {"a": 1}),
        ("text", {"a": [1]}),
        ("text", [1]),
        ("%s%s", [1]),
        ("%(a)s%(a)r", {"a": [1]}),
        ("%(a)s", defaultdict(list)),
    ],
)
def test_templates(template: str, argument: Any) -> None:
    expected = result_of(lambda: template % argument)

    assert result_of(lambda: template % texts.modulo(SITE, template, argument)) == expected


@pytest.mark.parametrize(
    "template", ["{:5}", "{0[0]}", "{0[a]}", "{0.x}", "{0[0].x}", "{a[0][b]}", "{!r}", "{1}"]
)
@pytest.mark.parametrize(
    "argument", [[SimpleNamespace(x=[1])], {"a": 1}, SimpleNamespace(x=2), [{"b": [3]}], 1.5]
)
def test_fields_of_templates(template: str, argument: Any) -> None:
    made = substitution.stand_in_for_text_method(SITE, template.format)

    assert made is not None
    assert result_of(lambda: made(argument, a=argument)) == result_of(
        lambda: template.format(argument, a=argument)
    )


@pytest.mark.parametrize(
    "source", [["a", "b"], ("a",), {"a": 1}, {"a"}, deque("ab"), iter("ab"), "ab", [1], 5, [[1]]]
)
def test_join(source: Any) -> None:
    expected = result_of(lambda: "-".join(list(source) if type(source) is type(iter("")) else source))
    again = iter("ab") if type(source) is type(iter("")) else source
    made = substitution.stand_in_for_text_method(SITE, "-".join)

    assert made is not None
    assert result_of(lambda: made(again)) == expected


@same
@given(lists, lists, st.sampled_from(["<", "<=", "==", "!=", ">", ">="]))
def test_comparison_of_lists(left: list[Any], right: list[Any], name: str) -> None:
    compare: dict[str, Callable[[Any, Any], Any]] = {
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
        "==": lambda a, b: a == b,
        "!=": lambda a, b: a != b,
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
    }
    site = Site(Kind.READ, Form.CONTAINER, name, "f", "m", "f.py", 1)

    expected = result_of(lambda: compare[name](left, right))

    assert result_of(lambda: compare[name](left, comparing.compared(site, left, right))) == expected


class Pair:
    """Matched by position."""

    __match_args__ = ("a", "b")

    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)


class Wrong(Pair):
    """Says wrongly what it is matched by."""

    __match_args__ = ["a"]  # type: ignore[assignment]


@pytest.mark.parametrize(
    "subject",
    [
        Pair(a=1, b=2),
        Pair(a=1),
        Wrong(a=1),
        5,
        True,
        "a",
        {"a": 1, "b": [2]},
        {"a": 1},
        defaultdict(int),
        [1, [2]],
        (1,),
    ],
    ids=lambda subject: type(subject).__name__,
)
def test_patterns(subject: Any) -> None:
    def match(x: Any) -> Any:
        match x:
            case Wrong(a):
                return "wrong", a
            case Pair(1, b=2) as p:
                return "both", p.a
            case Pair(a, c=_) | Pair(a):
                return "one", a
            case bool(b):
                return "bool", b
            case int(n) | str(n):
                return "plain", n
            case {"a": 1, "b": [n], **rest}:
                return "mapping", n, rest
            case {"a": _}:
                return "key"
            case [1, [n]]:
                return "sequence", n
        return None

    def three(x: Any) -> Any:
        match x:
            case Pair(_, _, _):
                return 1
            case int(_, _):
                return 2
            case Pair(_, a=_):
                return 3
        return None

    for function in (match, three):
        code = rewrite(
            function.__code__,
            points=KernelPoints(),
            granularity="free-threaded",
            module="m",
            mutable=lambda _: False,
        )
        rewritten = FunctionType(code, function.__globals__)
        assert result_of(lambda: rewritten(subject)) == result_of(lambda: function(subject))  # noqa: B023
