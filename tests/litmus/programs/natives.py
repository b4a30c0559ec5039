"""Objects and functions in C that no table of containers knows: one step each, of which nothing else is known."""

from __future__ import annotations

import ctypes
import io
import sys
import zlib
from functools import lru_cache
from hashlib import md5
from random import Random

from tests.litmus.corpus import Outcome, litmus
from tests.litmus.programs.together import beside_main, two


@litmus(free_threaded={(1, 2), (2, 1)})
def random_numbers_of_one_generator() -> Outcome:
    generator = Random(1)
    first, second = Random(1), []
    order = [first.random(), first.random()]

    beside_main(lambda: second.append(generator.random()), lambda: second.insert(0, generator.random()))
    return tuple(1 + order.index(number) for number in second)


@litmus(free_threaded={("ab",), ("ba",)})
def hashed_in_either_order() -> Outcome:
    digest = md5()
    texts = {md5(text).hexdigest(): text.decode() for text in (b"ab", b"ba")}

    beside_main(lambda: digest.update(b"a"), lambda: digest.update(b"b"))
    return (texts[digest.hexdigest()],)


@litmus(free_threaded={("ab",), ("ba",)})
def compressed_in_either_order() -> Outcome:
    """A method in C that knows its class is of another type than most."""
    stream = zlib.compressobj()
    found = []

    beside_main(lambda: found.append(stream.compress(b"a")), lambda: found.append(stream.compress(b"b")))
    return (zlib.decompress(b"".join(found) + stream.flush()).decode(),)  # only one has a header, and no more


@litmus(
    free_threaded={("a\nb\n",), ("b\na\n",), ("ab\n\n",), ("ba\n\n",)},
    gil={("a\nb\n",), ("b\na\n",)},
)
def printed_into_one_text() -> Outcome:
    """The end of the line is another write."""
    text = io.StringIO()

    beside_main(lambda: print("a", file=text), lambda: print("b", file=text))
    return (text.getvalue(),)


@litmus(free_threaded={(1,), (2,)}, gil={(2,)})
def item_of_a_c_array() -> Outcome:
    numbers = (ctypes.c_int * 1)()

    def add() -> None:
        numbers[0] += 1

    two(add, add)
    return (numbers[0],)


@litmus(free_threaded={(1, 1), (2, 2)})
def computed_twice_for_a_cache() -> Outcome:
    """The cache is looked at before and changed after the call: one may miss what the other has not stored yet."""
    calls = []

    @lru_cache(None)
    def compute(_: int) -> None:
        calls.append(1)

    beside_main(lambda: compute(0), lambda: compute(0))
    return (len(calls), compute.cache_info().misses)


@litmus(free_threaded={(True,), (False,)})
def key_in_a_view_made_before() -> Outcome:
    d: dict[int, int] = {}
    keys, seen = d.keys(), []

    def change() -> None:
        d[1] = 1

    beside_main(change, lambda: seen.append(1 in keys))
    return tuple(seen)


@litmus(free_threaded={(0,), (1,)})
def view_and_a_set() -> Outcome:
    d: dict[int, int] = {}
    keys, seen = d.keys(), []

    def change() -> None:
        d[1] = 1

    beside_main(change, lambda: seen.append(len(keys & {1})))
    return tuple(seen)


class Counting(type):
    made = 0

    def __call__(cls) -> object:
        Counting.made += 1
        return super().__call__()


class Counted(metaclass=Counting):
    pass


@litmus(free_threaded={(1,), (2,)}, gil={(2,)})
def made_by_a_metaclass() -> Outcome:
    """Its call goes on to the one of the class above it, which is C."""
    Counting.made = 0

    beside_main(lambda: Counted(), lambda: Counted())
    return (Counting.made,)


class Switch:
    pass


class Other:
    pass


@litmus(free_threaded={(True,), (False,)})
def truth_of_an_object_whose_class_gets_a_length() -> Outcome:
    made = type("Made", (), {})
    seen = []

    def change() -> None:
        made.__len__ = lambda self: 0  # type: ignore[attr-defined]

    beside_main(change, lambda: seen.append(bool(made())))
    return tuple(seen)


@litmus(free_threaded={(True,), (False,)})
def class_of_an_object_is_replaced() -> Outcome:
    switch: object = Switch()
    seen = []

    def change() -> None:
        switch.__class__ = Other

    beside_main(change, lambda: seen.append(isinstance(switch, Other)))
    return tuple(seen)


@litmus(free_threaded={(0,), (1,)})
def defaults_of_a_function_are_replaced() -> Outcome:
    def work(x: int = 0) -> int:
        return x

    seen = []

    def change() -> None:
        work.__defaults__ = (1,)

    beside_main(change, lambda: seen.append(work()))
    return tuple(seen)


@litmus(free_threaded={(0,), (1,)})
def contents_of_a_cell() -> Outcome:
    x = 0

    def change() -> None:
        nonlocal x
        x = 1

    def look() -> int:
        return x

    seen = []
    beside_main(change, lambda: seen.append(look.__closure__[0].cell_contents))  # type: ignore[index]
    return tuple(seen)


@litmus(free_threaded={(0,), (1,)})
def limit_of_the_process() -> Outcome:
    limit = sys.getrecursionlimit()
    seen = []

    beside_main(
        lambda: sys.setrecursionlimit(limit + 1), lambda: seen.append(sys.getrecursionlimit() - limit)
    )
    sys.setrecursionlimit(limit)
    return tuple(seen)


@litmus(free_threaded={(0,), (1,)})
def evaluated_in_a_shared_namespace() -> Outcome:
    space = {"x": 0}
    seen = []

    def change() -> None:
        space["x"] = 1

    beside_main(change, lambda: seen.append(eval("x", space)))
    return tuple(seen)


@litmus(free_threaded={("look", 5, ("seen",), __name__)})
def what_looks_at_its_caller_sees_the_program() -> Outcome:
    seen = []

    def look() -> None:
        here = 5
        seen.append(sys._getframe().f_code.co_name)
        seen.append(eval("here"))
        seen.append(tuple(name for name in locals() if name == "seen"))
        seen.append(globals()["__name__"])

    beside_main(look, lambda: None)
    return tuple(seen)
