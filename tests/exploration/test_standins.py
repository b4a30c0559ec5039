"""Stand-ins do what the C operations do: same result, same exception, same final state, one thread alone."""

from __future__ import annotations

import bisect
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from copy import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from torture.exploration import substitution
from torture.trace.site import Form, Kind, Site

SITE = Site(Kind.READ, Form.CALL, "", "f", "m", "f.py", 1)


@pytest.fixture(autouse=True)
def _others_might_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have stand-ins used as if another thread could take a step and had the container."""
    monkeypatch.setattr(substitution, "is_alone", lambda: False)
    monkeypatch.setattr(substitution, "is_private", lambda *_: False)
    monkeypatch.setattr(substitution.KERNEL, "controls", lambda: True)


same = settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
small = st.integers(-3, 3)
values = st.one_of(small, st.sampled_from(["a", "b", None, 1.0, True, (1,), float("nan")]))
lists = st.lists(values, max_size=6)
hashable = st.one_of(small, st.sampled_from(["a", "b", 1.0, True, None]))
unfit = st.sampled_from([None, 5, "ab", [1], {1: 2}, object()])


class Broken:
    """Compares with nothing."""

    def __eq__(self, other: object) -> bool:
        raise LookupError("broken")

    __hash__ = None  # type: ignore[assignment]


def result_of(call: Callable[[], Any]) -> tuple[str, Any]:
    """Return what a call gives, or the type and text of what it raises."""
    try:
        return ("returned", call())
    except Exception as error:
        return (type(error).__name__, str(error))


def assert_same(subject: Any, name: str, make_arguments: Callable[[], tuple[Any, ...]], **named: Any) -> None:
    """Call the method and its stand-in with equal arguments on equal containers."""
    plain, stepped = copy(subject), copy(subject)
    arguments = make_arguments()
    made = substitution.stand_in_for_method(SITE, getattr(stepped, name), stepped, (*arguments, None)[0])

    assert made is not None or (name == "pop" and not arguments) or (name == "pop" and arguments[0] is None)
    expected = result_of(lambda: getattr(plain, name)(*make_arguments(), **named))
    found = result_of(lambda: (made or getattr(stepped, name))(*arguments, **named))
    assert repr(found) == repr(expected)
    assert shown(stepped) == shown(plain)


def shown(container: Any) -> object:
    """Return what tells containers apart; the order of a set does not."""
    return sorted(map(repr, container)) if type(container) is set else repr(container)


@same
@given(
    st.lists(st.integers(95, 100), max_size=6),
    st.sampled_from(
        [("hex",), ("copy",), ("decode",), ("decode", "ascii"), ("find", b"a"), ("split",), ("hex", 1, 2)]
    ),
)
def test_reads_of_a_bytearray(items: list[int], call: tuple[Any, ...]) -> None:
    name, *arguments = call
    assert_same(bytearray(items), name, lambda: tuple(arguments))


@same
@given(
    lists,
    st.lists(st.one_of(values, unfit), max_size=4),
    st.sampled_from(["index", "insert", "pop", "remove", "count"]),
)
def test_list_methods_with_any_arguments(items: list[Any], arguments: list[Any], name: str) -> None:
    assert_same(items, name, lambda: tuple(arguments))


@same
@given(lists, values, st.one_of(st.just(()), st.tuples(small), st.tuples(small, small)))
def test_list_index_within_bounds(items: list[Any], value: Any, bounds: tuple[int, ...]) -> None:
    assert_same(items, "index", lambda: (value, *bounds))


@same
@given(lists, st.integers(-8, 8), values)
def test_list_insert_and_pop_anywhere(items: list[Any], index: int, value: Any) -> None:
    assert_same(items, "insert", lambda: (index, value))
    assert_same(items, "pop", lambda: (index,))
    assert_same(items, "reverse", lambda: ())


@pytest.mark.parametrize("name", ["index", "remove", "count"])
def test_an_exception_of_a_comparison_passes_through(name: str) -> None:
    items = [1, 2, 3]

    made = substitution.stand_in_for_method(SITE, getattr(items, name), items, Broken())

    assert made is not None
    with pytest.raises(LookupError, match="broken"):
        made(Broken())
    assert items == [1, 2, 3]


@same
@given(
    st.one_of(st.lists(small, max_size=8), lists),
    st.sampled_from([None, lambda value: -value, lambda value: 1 / value, repr]),
    st.sampled_from([{}, {"reverse": True}, {"reverse": "x"}, {"revers": True}]),
)
def test_list_sort(items: list[Any], key: Any, options: dict[str, Any]) -> None:
    named = options if key is None else {"key": key, **options}

    assert_same(items, "sort", lambda: (), **named)


def test_a_sort_finds_its_list_changed() -> None:
    def changing(items: list[int]) -> Callable[[int], int]:
        def key(value: int) -> int:
            items.append(9)
            return value

        return key

    items = [2, 1]
    made = substitution.stand_in_for_method(SITE, items.sort, items, None)

    assert made is not None
    with pytest.raises(ValueError, match="^list modified during sort$"):
        made(key=changing(items))
    assert items == [1, 2]


def numbers(broken_after: int | None = None) -> Iterator[Any]:
    """Yield three numbers, or fail before."""
    for n in (1, 2, 3):
        if n == broken_after:
            raise LookupError("broken")
        yield n


SOURCES: dict[str, Callable[[], Any]] = {
    "list": lambda: [1, 2],
    "tuple": lambda: (2, 3),
    "set": lambda: {3},
    "dict": lambda: {4: 5},
    "keys": {4: 5}.keys,
    "deque": lambda: deque([7]),
    "iterator": lambda: iter([1, 2]),
    "generator": numbers,
    "broken": lambda: numbers(2),
    "range": lambda: range(4),
    "text": lambda: "abc",
    "map": lambda: map(int, ["1", "x"]),
    "number": lambda: 3,
    "none": lambda: None,
    "unhashable": lambda: [[1], 2],
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ([0], "extend"),
        (deque([0]), "extend"),
        (deque([0], 2), "extend"),
        (deque([0], 2), "extendleft"),
        ({0, 1}, "update"),
        ({0, 1, 2}, "difference_update"),
        ({0, 1, 2}, "symmetric_difference_update"),
        ({0: 1}, "update"),
    ],
    ids=str,
)
def test_what_takes_an_iterable(subject: Any, name: str, source: str) -> None:
    assert_same(subject, name, lambda: (SOURCES[source](),))


@pytest.mark.parametrize("name", ["extend", "extendleft"])
def test_a_deque_extended_by_itself(name: str) -> None:
    items, expected = deque([1, 2]), deque([1, 2])
    made = substitution.stand_in_for_method(SITE, getattr(items, name), items, items)

    assert made is not None
    made(items)

    getattr(expected, name)(expected)
    assert items == expected


@same
@given(
    st.dictionaries(hashable, small, max_size=4),
    st.one_of(
        st.dictionaries(hashable, small, max_size=4),
        st.lists(st.tuples(hashable, small), max_size=4),
        st.lists(
            st.one_of(st.tuples(hashable, small), st.lists(small, max_size=3), st.just("kv"), unfit),
            max_size=4,
        ),
        unfit,
    ),
    st.dictionaries(st.sampled_from("ab"), small, max_size=2),
)
def test_dict_update(d: dict[Any, int], source: Any, named: dict[str, int]) -> None:
    assert_same(d, "update", lambda: (source,), **named)
    assert_same(d, "update", lambda: (), **named)
    assert_same(defaultdict(int, d), "update", lambda: (source,), **named)
    assert_same(d, "update", lambda: (iter(source) if isinstance(source, list) else source,))


@same
@given(st.sets(hashable, max_size=5), st.lists(st.one_of(st.sets(hashable, max_size=4), lists), max_size=3))
def test_sets(items: set[Any], others: list[Any]) -> None:
    for name in ("update", "difference_update", "symmetric_difference_update"):
        assert_same(items, name, lambda: tuple(others))


@same
@given(lists.map(deque))
def test_deque_copy(items: deque[Any]) -> None:
    assert_same(items, "copy", lambda: ())


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    "function", [list, tuple, set, frozenset, dict, sorted, sum, min, max, any, all, deque]
)
def test_what_consumes(function: Any, source: str) -> None:
    given_source = SOURCES[source]()
    made = substitution.stand_in_for_function(SITE, function, given_source)

    assert result_of(lambda: (made or function)(given_source)) == result_of(
        lambda: function(SOURCES[source]())
    )


@same
@given(
    st.lists(small, max_size=8),
    small,
    st.sampled_from(["bisect_left", "bisect_right", "insort_left", "insort_right"]),
)
def test_bisection(items: list[int], value: int, name: str) -> None:
    items.sort()
    expected = list(items)
    function = getattr(bisect, name)
    made = substitution.stand_in_for_function(SITE, function, items)

    assert made is not None
    assert made(items, value) == function(expected, value)
    assert items == expected


def test_zip_and_arguments_beside_the_source() -> None:
    left, right = [1, 2], {3: 0, 4: 0}
    zipped = substitution.stand_in_for_function(SITE, zip, left)
    summed = substitution.stand_in_for_function(SITE, sum, left)
    larger = substitution.stand_in_for_function(SITE, max, left)
    bounded = substitution.stand_in_for_function(SITE, deque, left)

    assert zipped is not None
    assert summed is not None
    assert larger is not None
    assert bounded is not None
    assert list(zipped(left, right)) == [(1, 3), (2, 4)]
    assert type(zipped(left)) is zip
    with pytest.raises(ValueError, match="argument 2 is longer"):
        list(zipped(left, "abc", strict=True))
    assert summed(left, 10) == 13
    assert larger(left, [3]) == [3]
    assert larger(left, key=lambda value: -value) == 1
    assert bounded(left, maxlen=1) == deque([2], 1)


@same
@given(
    lists,
    st.one_of(st.none(), small),
    st.one_of(st.none(), small),
    st.sampled_from([None, 1, 2]),
    st.one_of(lists, lists.map(tuple)),
)
def test_slice_assignment(
    items: list[Any], start: int | None, stop: int | None, step: int | None, new: Any
) -> None:
    bounds = slice(start, stop, step)
    plain, stepped = list(items), list(items)

    def assign(target: list[Any]) -> None:
        target[bounds] = new

    substitution.assign_slice(SITE, stepped, bounds, new)
    assert repr(result_of(lambda: assign(stepped))) == repr(result_of(lambda: assign(plain)))
    assert repr(stepped) == repr(plain)


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+=": lambda left, right: left.__iadd__(right),
    "|=": lambda left, right: left.__ior__(right),
    "-=": lambda left, right: left.__isub__(right),
    "^=": lambda left, right: left.__ixor__(right),
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    ("subject", "operator"),
    [([0], "+="), (deque([0]), "+="), ({0: 1}, "|="), ({1}, "|="), ({1, 2}, "-="), ({1, 2}, "^=")],
    ids=str,
)
def test_operators_in_place(subject: Any, operator: str, source: str) -> None:
    site = Site(Kind.WRITE, Form.CONTAINER, operator, "f", "m", "f.py", 1)
    plain, stepped = copy(subject), copy(subject)
    apply = OPERATORS[operator]

    def step_by_step() -> Any:
        return apply(stepped, substitution.in_place(site, stepped, SOURCES[source]())[1])

    expected = result_of(lambda: apply(plain, SOURCES[source]()))
    found = result_of(step_by_step)
    assert (found[0], shown(found[1])) == (expected[0], shown(expected[1]))
    assert shown(stepped) == shown(plain)


def test_a_missing_key_of_a_defaultdict_is_made_once() -> None:
    made: list[int] = []

    def factory() -> list[int]:
        made.append(1)
        return []

    d: defaultdict[str, list[int]] = defaultdict(factory)

    substitution.fill_missing(SITE, d, "k")
    substitution.fill_missing(SITE, d, "k")

    assert d == {"k": []}
    assert made == [1]
