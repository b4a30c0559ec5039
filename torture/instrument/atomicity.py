"""What calls of builtins do to their container: the read/write table of the atomicity model.

Sources: the model's table (free-threaded 3.13) and the C sources. ``steps`` says how much of the
operation another thread can see: ``one`` step, ``many`` (half done is visible), or
``unsynchronised`` (concurrent use is itself the finding).
"""

from __future__ import annotations

import bisect
import collections
import functools
import gc
import heapq
import itertools
import math
import operator
import sys
from array import array
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from types import (
    BuiltinFunctionType,
    CodeType,
    CoroutineType,
    EllipsisType,
    GeneratorType,
    MappingProxyType,
    NoneType,
    NotImplementedType,
)
from typing import Literal

from torture.instrument.natives import LOOK_AT_CALLER, OF_THE_PROCESS
from torture.trace.site import Form, Kind

Steps = Literal["one", "many", "unsynchronised"]


@dataclass(frozen=True, slots=True)
class Effect:
    """What one call does. ``keyed``: only to the part that the first argument after the container names.

    ``snapshot``: reads all at once, under the container's lock; what is not in ONE_STEP_SOURCES it reads one by one.
    """

    kind: Kind
    keyed: bool = False
    steps: Steps = "one"
    form: Form = Form.CONTAINER
    snapshot: bool = False
    calls_back: bool = False
    shows: bool = False  # makes a text of it


_READ, _READ_KEY = Effect(Kind.READ), Effect(Kind.READ, keyed=True)
_READ_EACH = Effect(Kind.READ, steps="many")
_SNAPSHOT = Effect(Kind.READ, snapshot=True)
_WRITE, _WRITE_KEY = Effect(Kind.WRITE), Effect(Kind.WRITE, keyed=True)
_WRITE_MANY = Effect(Kind.WRITE, steps="many")
_READ_UNSAFE = Effect(Kind.READ, steps="unsynchronised")
_WRITE_UNSAFE = Effect(Kind.WRITE, steps="unsynchronised")

_LIST = {
    _SNAPSHOT: "copy",
    _READ: "__len__ __sizeof__",
    _READ_KEY: "__getitem__",
    _READ_EACH: "index count __contains__ __iter__ __reversed__ __eq__ __ne__ __lt__ __le__ __gt__ __ge__ __repr__ "
    "__add__ __mul__ __rmul__",
    _WRITE: "append clear",
    _WRITE_KEY: "__setitem__ __delitem__",
    _WRITE_MANY: "insert pop remove reverse sort extend __iadd__ __imul__ __init__",
}
_DICT = {
    _SNAPSHOT: "copy",
    _READ: "__len__ keys values items __iter__ __reversed__ __or__ __ror__ __sizeof__",
    _READ_KEY: "get __getitem__ __contains__",
    _READ_EACH: "__eq__ __ne__ __repr__",
    _WRITE: "clear popitem",
    _WRITE_KEY: "pop setdefault __setitem__ __delitem__",
    _WRITE_MANY: "update __ior__ __init__",
}
_SET = {
    _SNAPSHOT: "copy",
    _READ: "__len__ __sizeof__",
    _READ_KEY: "__contains__",
    _READ_EACH: "__iter__ __eq__ __ne__ __lt__ __le__ __gt__ __ge__ __repr__ __and__ __or__ __sub__ __xor__ "
    "difference intersection union symmetric_difference isdisjoint issubset issuperset",
    _WRITE: "clear pop",
    _WRITE_KEY: "add discard remove",
    _WRITE_MANY: "update difference_update intersection_update symmetric_difference_update "
    "__ior__ __iand__ __isub__ __ixor__ __init__",
}
_DEQUE = {
    _READ: "__len__ __sizeof__",
    _READ_KEY: "__getitem__",
    _READ_EACH: "copy __copy__ count index __contains__ __iter__ __reversed__ __eq__ __ne__ __lt__ __le__ "
    "__gt__ __ge__ __repr__ __add__ __mul__ __rmul__",
    # All that looks takes the lock, but for the length: beside rotate, insert, reverse and remove in a deque of 2,000, none
    # of 7 to 38 M reads of d[0], d[-1] and len(d) on 3.13.5t saw a state between before and after.
    _WRITE: "append appendleft pop popleft clear insert reverse rotate",
    _WRITE_KEY: "__setitem__ __delitem__",
    _WRITE_MANY: "extend extendleft remove __iadd__ __imul__ __init__",
}
_BYTEARRAY = {
    _READ: "__len__",
    _READ_KEY: "__getitem__",
    # Nothing guards the bytes: 5,063 of 403,136 copies of 16 KiB were torn on 3.13.5t, of decode() 119 of 143,488.
    _READ_EACH: "copy decode hex find rfind index rindex count startswith endswith split rsplit splitlines partition "
    "rpartition join replace translate strip lstrip rstrip upper lower title capitalize swapcase center ljust "
    "rjust zfill expandtabs isalnum isalpha isascii isdigit islower isspace istitle isupper removeprefix removesuffix "
    "__contains__ __iter__ __eq__ __ne__ __lt__ __le__ __gt__ __ge__ __repr__ __add__ __mul__ __rmul__ "
    "__mod__",
    _WRITE: "append clear",
    _WRITE_KEY: "__setitem__ __delitem__",
    _WRITE_MANY: "extend insert pop remove reverse __iadd__ __imul__ __init__",
}
_ARRAY = {
    _READ_UNSAFE: "__len__ __getitem__ buffer_info count index tobytes tolist tofile tounicode __contains__ "
    "__iter__ __copy__ __deepcopy__ __eq__ __ne__ __lt__ __le__ __gt__ __ge__ __repr__ __add__ __mul__ __rmul__",
    _WRITE_UNSAFE: "append byteswap clear extend frombytes fromfile fromlist fromunicode insert pop remove "
    "reverse __setitem__ __delitem__ __iadd__ __imul__",
}
_ORDERED_DICT = {
    _READ_UNSAFE: "copy __copy__ __len__ keys values items get __getitem__ __contains__ __iter__ __reversed__ "
    "__eq__ __ne__ __repr__ __or__ __ror__",
    _WRITE_UNSAFE: "clear popitem pop setdefault __setitem__ __delitem__ update move_to_end __ior__ __init__",
}
# A missing key of a defaultdict is a read, a call of the factory and a write.
_DEFAULTDICT = {
    **_DICT,
    _READ_EACH: "__eq__ __ne__ __repr__ __copy__",
    _READ_KEY: "get __contains__",
    Effect(Kind.WRITE, keyed=True, steps="many"): "__missing__ __getitem__",
}
_READ_ONLY_VIEW = {
    _SNAPSHOT: "copy",
    _READ: "__len__ keys values items __iter__ __reversed__ __or__ __ror__",
    _READ_KEY: "get __getitem__ __contains__",
    _READ_EACH: "__eq__ __ne__ __repr__",
}
_MEMORYVIEW = {
    _READ: "__len__",
    _READ_KEY: "__getitem__",
    _READ_EACH: "tobytes tolist hex __eq__ __ne__",
    _WRITE_KEY: "__setitem__",
    _WRITE: "release __exit__",
}
# Counter's updates are a read and a write for each element.
_COUNTER = {
    **_DICT,
    _WRITE_UNSAFE: "update subtract",
    _WRITE_MANY: "__ior__ __iadd__ __isub__ __iand__ __init__",
}


def _methods(owner: type, effects: dict[Effect, str]) -> dict[tuple[type, str], Effect]:
    """Return the rows of those methods that ``owner`` has in this version."""
    return {
        (owner, name): effect
        for effect, names in effects.items()
        for name in names.split()
        if hasattr(owner, name)
    }


METHODS: dict[tuple[type, str], Effect] = {
    **_methods(list, _LIST),
    **_methods(dict, _DICT),
    **_methods(set, _SET),
    **_methods(deque, _DEQUE),
    **_methods(bytearray, _BYTEARRAY),
    **_methods(defaultdict, _DEFAULTDICT),
    **_methods(OrderedDict, _ORDERED_DICT),
    **_methods(Counter, _COUNTER),
    **_methods(array, _ARRAY),
    **_methods(memoryview, _MEMORYVIEW),
    **_methods(MappingProxyType, _READ_ONLY_VIEW),
}

# ``many`` in METHODS is the worst case; without an argument these are one step.
ONE_STEP_AT_END: frozenset[tuple[type, str]] = frozenset({(list, "pop"), (bytearray, "pop")})

_ATTRIBUTE_READ = Effect(Kind.READ, keyed=True, form=Form.ATTRIBUTE)
_ATTRIBUTE_WRITE = Effect(Kind.WRITE, keyed=True, form=Form.ATTRIBUTE)

_ITERTOOLS = tuple(value for value in vars(itertools).values() if isinstance(value, type))
# Iterators that take their elements from other iterators.
WRAPPING: frozenset[type] = frozenset({enumerate, zip, map, filter, *_ITERTOOLS})

# Functions in C whose first argument is the container, or the object with the attributes. Look up only
# exact builtins and types: anything else may define a ``__hash__`` of its own.
FUNCTIONS: dict[object, Effect] = {
    len: _READ,
    # Snapshots of exact lists, dicts and sets; of anything else one read per element.
    list: _SNAPSHOT,
    dict: _SNAPSHOT,
    set: _SNAPSHOT,
    frozenset: _SNAPSHOT,
    sorted: _SNAPSHOT,
    tuple: _SNAPSHOT,
    sum: _READ_EACH,
    min: _READ_EACH,
    max: _READ_EACH,
    any: _READ_EACH,
    all: _READ_EACH,
    deque: _READ_EACH,
    **dict.fromkeys((str, repr, ascii, format), Effect(Kind.READ, steps="many", shows=True)),
    print: _READ_EACH,
    bool: _READ,
    **dict.fromkeys((bytes, bytearray, functools.reduce, math.fsum, math.prod), _READ_EACH),
    **dict.fromkeys((int, float, complex, OrderedDict, BytesIO), _READ_EACH),
    memoryview: _WRITE,  # nobody may resize it meanwhile
    reversed: _READ,
    # Their elements are read when they are asked for.
    **dict.fromkeys((iter, *WRAPPING), _READ_EACH),
    itertools.tee: _READ,
    next: _WRITE_UNSAFE,
    vars(collections)["_count_elements"]: Effect(
        Kind.WRITE, steps="unsynchronised", calls_back=True
    ),  # what Counter.update is made of
    heapq.heappush: _WRITE_UNSAFE,
    heapq.heappop: _WRITE_UNSAFE,
    heapq.heapify: _WRITE_UNSAFE,
    heapq.heapreplace: _WRITE_UNSAFE,
    heapq.heappushpop: _WRITE_UNSAFE,
    bisect.bisect_left: _READ_EACH,
    bisect.bisect_right: _READ_EACH,
    bisect.insort_left: _WRITE_MANY,
    bisect.insort_right: _WRITE_MANY,
    getattr: _ATTRIBUTE_READ,
    hasattr: _ATTRIBUTE_READ,
    setattr: _ATTRIBUTE_WRITE,
    delattr: _ATTRIBUTE_WRITE,
    **dict.fromkeys((vars, dir), Effect(Kind.READ, form=Form.ATTRIBUTE)),
    **dict.fromkeys((operator.getitem, operator.contains, operator.length_hint), _READ),
    **dict.fromkeys((operator.countOf, operator.indexOf), _READ_EACH),
    **dict.fromkeys(
        (operator.setitem, operator.delitem, operator.iconcat, operator.iadd, operator.ior), _WRITE
    ),
    **dict.fromkeys((operator.isub, operator.ixor, operator.iand, operator.imul), _WRITE),
}

# Functions that compare the elements of what they are given.
COMPARING: frozenset[object] = frozenset(
    {sorted, min, max, bisect.bisect_left, bisect.bisect_right, bisect.insort_left, bisect.insort_right}
)
# Those that read at once, whatever they are given.
ONE_READ: frozenset[object] = frozenset(
    function
    for function, effect in FUNCTIONS.items()
    if effect.kind is Kind.READ
    and effect.steps == "one"
    and effect.form is Form.CONTAINER
    and not (effect.snapshot or effect.calls_back or effect.shows)
)

# Callable objects in C: what a call does to its first argument.
CALLABLES: dict[type, Effect] = {
    operator.attrgetter: _ATTRIBUTE_READ,
    operator.itemgetter: _READ,
    operator.methodcaller: _WRITE,
}

# The slots of attributes, as classes call them: ``super().__setattr__(name, value)``, ``object.__getattribute__(o, name)``.
ATTRIBUTE_SLOTS: dict[str, Effect] = {
    "__getattribute__": _ATTRIBUTE_READ,
    "__setattr__": _ATTRIBUTE_WRITE,
    "__delattr__": _ATTRIBUTE_WRITE,
}

# The same for what stands for an attribute in a class.
DESCRIPTOR_SLOTS: dict[str, Effect] = {
    "__get__": _ATTRIBUTE_READ,
    "__set__": _ATTRIBUTE_WRITE,
    "__delete__": _ATTRIBUTE_WRITE,
}

# These functions read no container, whatever they are given, and call nothing.
HARMLESS: frozenset[object] = frozenset(
    {isinstance, issubclass, callable, id, hash, ord, chr, abs, round, divmod, sys.getsizeof, sys.intern,
     gc.get_referents, gc.is_tracked}
    | (LOOK_AT_CALLER - {eval, exec, __build_class__} - OF_THE_PROCESS)
)  # fmt: skip
# Modules whose functions go through all that an object leads to.
GO_THROUGH_ALL: frozenset[str] = frozenset({"_pickle", "marshal"})
# Modules whose functions read or call other arguments than the first.
TAKE_ANYTHING: frozenset[str] = GO_THROUGH_ALL | {"_struct", "_operator", "_functools"}

# Methods of containers that read all of their argument.
READ_ARGUMENT: frozenset[str] = frozenset(
    [
        "union",
        "intersection",
        "difference",
        "symmetric_difference",
        "isdisjoint",
        "issubset",
        "issuperset",
        "update",
        "difference_update",
        "intersection_update",
        "symmetric_difference_update",
        "extend",
        "join",
        "__or__",
        "__ror__",
        "__and__",
        "__rand__",
        "__sub__",
        "__rsub__",
        "__xor__",
        "__rxor__",
        "__ior__",
        "__iand__",
        "__isub__",
        "__ixor__",
        "__add__",
        "__iadd__",
        "__eq__",
        "__ne__",
        "__lt__",
        "__le__",
        "__gt__",
        "__ge__",
        "__init__",
    ]
)

# What the methods of an exception do: to which attribute, and whether they change it.
ERROR_METHODS: dict[str, tuple[str | None, bool]] = {
    "with_traceback": ("__traceback__", True),
    "__setstate__": (None, True),
    "__reduce__": (None, False),
}
# What a generator's own methods, no two of which may run at once, are called.
GENERATOR_METHODS: frozenset[str] = frozenset({"send", "throw", "close"})
GENERATORS: frozenset[type] = frozenset({GeneratorType, CoroutineType})
UNSAFE_WRITES: frozenset[Effect] = frozenset({_WRITE_UNSAFE})

MUTABLE_TYPES: frozenset[type] = frozenset({owner for owner, _ in METHODS})


def _iterator_types() -> Iterable[type]:
    samples: tuple[Iterable[object], ...] = ([], {}, {}.values(), {}.items(), set(), deque(), bytearray())
    for sample in (*samples, array("b")):
        yield type(iter(sample))
        if hasattr(sample, "__reversed__"):
            yield type(reversed(sample))  # type: ignore[call-overload]
    yield type(iter(OrderedDict()))
    yield type(iter(int, 0))  # callable and sentinel
    yield from (enumerate, zip, map, filter, reversed)
    yield from _ITERTOOLS


ITERATORS: frozenset[type] = frozenset(_iterator_types())

# Iterators over what never changes, and generators: a point only where more than one thread may have them.
SHARED_ONLY: frozenset[type] = frozenset(
    {GeneratorType, *(type(iter(sample)) for sample in ((), "", "\xe9", b"", range(0), range(1 << 70)))},
)

VIEWS: frozenset[type] = frozenset(map(type, ({}.keys(), {}.values(), {}.items())))

# Iterators that may call Python code for each element: an operation does not keep its lock meanwhile.
CALLS_BACK: frozenset[type] = frozenset({map, filter, type(iter(int, 0)), *_ITERTOOLS})

# What these functions, and the methods that read like them, read in one step, under its lock; anything else is
# read element by element. A tuple or frozenset never changes.
ONE_STEP_SOURCES: dict[object, frozenset[type]] = {
    **dict.fromkeys((list, sorted), frozenset({list, tuple, dict, set, frozenset, *VIEWS})),
    **dict.fromkeys((set, frozenset), frozenset({tuple, dict, set, frozenset})),
    tuple: frozenset({list, tuple}),
    dict: frozenset({dict, defaultdict, Counter}),
    **dict.fromkeys((sum, min, max, any, all, deque, math.fsum, math.prod), frozenset({tuple, frozenset})),
    bytes: frozenset({tuple, bytearray, array, memoryview}),
    bytearray: frozenset({tuple, bytearray, array, memoryview}),
}

IMMUTABLE_TYPES: frozenset[type] = frozenset(
    {
        NoneType, bool, int, float, complex, str, bytes, tuple, frozenset, range, slice, EllipsisType,
        NotImplementedType, CodeType, BuiltinFunctionType,
    },
)  # fmt: skip

# C calls after which a warm interpreter with the GIL does not switch, and the specialised instruction that skips the
# check, by version; a version that is not known is taken for the last one. Cold sites do switch.
SILENT_WHEN_WARM: dict[tuple[int, int], dict[object, str]] = {
    (3, 11): {
        len: "PRECALL_NO_KW_LEN",
        isinstance: "PRECALL_NO_KW_ISINSTANCE",
        type: "PRECALL_NO_KW_TYPE_1",
        list.append: "PRECALL_NO_KW_LIST_APPEND",
    },
    (3, 12): {
        len: "CALL_NO_KW_LEN",
        isinstance: "CALL_NO_KW_ISINSTANCE",
        type: "CALL_NO_KW_TYPE_1",
        list.append: "CALL_NO_KW_LIST_APPEND",
    },
    (3, 13): {
        len: "CALL_LEN",
        isinstance: "CALL_ISINSTANCE",
        type: "CALL_TYPE_1",
        list.append: "CALL_LIST_APPEND",
    },
}
GIL_SILENT: frozenset[object] = frozenset(
    SILENT_WHEN_WARM.get(sys.version_info[:2], SILENT_WHEN_WARM[max(SILENT_WHEN_WARM)])
)
