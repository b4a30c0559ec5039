"""The table of what builtins do to their container."""

from __future__ import annotations

import itertools
from array import array
from collections import Counter, OrderedDict, defaultdict, deque
from typing import Any

import pytest

from torture.instrument.atomicity import (
    FUNCTIONS,
    GIL_SILENT,
    IMMUTABLE_TYPES,
    ITERATORS,
    METHODS,
    MUTABLE_TYPES,
)
from torture.trace.site import Form, Kind

SAMPLES: dict[type, Any] = {
    list: lambda: [3, 1, 2],
    dict: lambda: {"a": 1, "b": 2},
    set: lambda: {1, 2, 3},
    deque: lambda: deque([3, 1, 2]),
    bytearray: lambda: bytearray(b"ba"),
    defaultdict: lambda: defaultdict(int, a=1),
    OrderedDict: lambda: OrderedDict(a=1),
    Counter: lambda: Counter("aab"),
    array: lambda: array("b", [3, 1, 2]),
}


@pytest.mark.parametrize("owner", SAMPLES, ids=lambda owner: owner.__name__)
def test_every_public_method_has_a_row(owner: type) -> None:
    constructors = {"fromkeys", "fromhex", "maketrans", "most_common", "elements", "total", "default_factory"}
    data = {name for name in dir(owner) if not callable(getattr(owner, name))}

    public = {name for name in dir(owner) if name[0] != "_"} - constructors - data

    assert public <= {name for found, name in METHODS if found is owner}


@pytest.mark.parametrize("owner", SAMPLES, ids=lambda owner: owner.__name__)
def test_a_method_that_only_reads_changes_nothing(owner: type) -> None:
    calls: list[tuple[Any, ...]] = [(), (1,), ("a",), (0,), ([1],), (b"a",), (1, 2)]
    for (found, name), effect in METHODS.items():
        if found is not owner or effect.kind is not Kind.READ:
            continue
        for arguments in calls:
            sample = SAMPLES[owner]()
            before = repr(sample)
            try:
                getattr(sample, name)(*arguments)
            except (TypeError, ValueError, LookupError, AttributeError):
                continue
            assert repr(sample) == before, name


@pytest.mark.parametrize("owner", SAMPLES, ids=lambda owner: owner.__name__)
def test_the_common_writers_are_writes(owner: type) -> None:
    writers = (
        "append add pop clear update extend insert remove discard setdefault popitem __setitem__ __delitem__"
    )

    rows = {name: METHODS[owner, name].kind for name in writers.split() if (owner, name) in METHODS}

    assert set(rows.values()) == {Kind.WRITE}
    assert owner in MUTABLE_TYPES
    assert owner not in IMMUTABLE_TYPES


def test_rows_follow_the_model() -> None:
    assert (METHODS[dict, "get"].keyed, METHODS[dict, "get"].kind) == (True, Kind.READ)
    assert METHODS[dict, "setdefault"].steps == "one"
    assert METHODS[dict, "update"].steps == "many"
    assert METHODS[list, "append"].steps == "one"
    assert METHODS[list, "sort"].steps == "many"
    assert METHODS[OrderedDict, "move_to_end"].steps == "unsynchronised"
    assert METHODS[Counter, "update"].steps == "unsynchronised"
    assert (FUNCTIONS[len].kind, FUNCTIONS[sorted].steps, FUNCTIONS[sum].steps) == (Kind.READ, "one", "many")
    assert (FUNCTIONS[setattr].form, FUNCTIONS[setattr].kind) == (Form.ATTRIBUTE, Kind.WRITE)
    assert {len, isinstance, type, list.append} == GIL_SILENT


@pytest.mark.parametrize(
    "iterator",
    [
        iter([]), reversed([]), iter({}), iter({}.values()), iter({}.items()), reversed({}), iter(set()), iter(deque()),
        reversed(deque()), enumerate([]), zip(), map(str, []), filter(None, []), itertools.count(), itertools.cycle([]),
        itertools.chain(), itertools.islice([], 1), iter(array("b")), iter(bytearray()),
    ],
    ids=lambda iterator: type(iterator).__name__,
)  # fmt: skip
def test_iterators_are_known(iterator: Any) -> None:
    assert type(iterator) in ITERATORS
    assert type(iterator) not in IMMUTABLE_TYPES
