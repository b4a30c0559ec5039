"""Texts of what changes: f-strings, ``%``, ``join``, and the functions and methods that format what they are given."""

from __future__ import annotations

from collections import deque
from types import SimpleNamespace

from tests.litmus.corpus import Outcome, litmus
from tests.litmus.programs.together import beside_main


class Letter:
    """Shows itself by Python code."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


A, B = Letter("a"), Letter("b")


@litmus(free_threaded={("[0, 0]",), ("[1, 0]",), ("[1, 1]",)}, gil={("[0, 0]",), ("[1, 1]",)})
def list_in_an_f_string() -> Outcome:
    """A list of numbers is read in one step, under its lock."""
    items = [0, 0]
    seen = []

    def writer() -> None:
        items[0] = 1
        items[1] = 1

    beside_main(writer, lambda: seen.append(f"{items}"))
    return tuple(seen)


@litmus(
    free_threaded={("[a, b]",), ("[a, a]",), ("[b, b]",), ("[b, a]",)},
    gil={("[a, b]",), ("[a, a]",), ("[b, a]",)},
)
def list_of_objects_in_an_f_string() -> Outcome:
    """The lock is given back while an element shows itself."""
    items = [A, B]
    seen = []

    def writer() -> None:
        items[0] = B
        items[1] = A

    beside_main(writer, lambda: seen.append(f"{items!r}"))
    return tuple(seen)


@litmus(free_threaded={("{1: 1}",), ("{1: 1, 2: 2}",)})
def dict_in_an_f_string() -> Outcome:
    """It never raises: its lock keeps others from changing its size."""
    d = {1: 1}
    seen = []

    def writer() -> None:
        d[2] = 2

    beside_main(writer, lambda: seen.append(f"{d!s}"))
    return tuple(seen)


@litmus(free_threaded={("deque([1])",), ("deque([1, 2])",), (-1,)}, gil={("deque([1])",), ("deque([1, 2])",)})
def text_of_a_deque() -> Outcome:
    """A deque is read element by element."""
    items = deque([1])
    seen = []

    def reader() -> None:
        try:
            seen.append(repr(items))
        except RuntimeError:
            seen.append(-1)

    beside_main(reader, lambda: items.append(2))
    return tuple(seen)


@litmus(free_threaded={("[0][0]",), ("[0][1]",), ("[1][0]",), ("[1][1]",)}, gil={("[0][0]",), ("[1][1]",)})
def template_with_two_lists() -> Outcome:
    """``%`` reads one after the other."""
    left, right = [0], [0]
    seen = []

    def writer() -> None:
        left[0] = 1
        right[0] = 1

    beside_main(writer, lambda: seen.append("%s%s" % (left, right)))
    return tuple(seen)


@litmus(free_threaded={("00",), ("01",), ("10",), ("11",)}, gil={("00",), ("11",)})
def template_with_items() -> Outcome:
    items = [0, 0]
    seen = []

    def writer() -> None:
        items[0] = 1
        items[1] = 1

    beside_main(writer, lambda: seen.append("{0[0]}{0[1]}".format(items)))
    return tuple(seen)


@litmus(free_threaded={("00",), ("01",), ("10",), ("11",)}, gil={("00",), ("11",)})
def template_with_keys() -> Outcome:
    d = {"a": 0, "b": 0}
    seen = []

    def writer() -> None:
        d["a"] = 1
        d["b"] = 1

    beside_main(writer, lambda: seen.append("%(a)s%(b)s" % d))
    return tuple(seen)


@litmus(free_threaded={("xx",), ("yx",), ("yy",)}, gil={("xx",), ("yy",)})
def list_joined() -> Outcome:
    """``join`` reads a list at once."""
    items = ["x", "x"]
    seen = []

    def writer() -> None:
        items[0] = "y"
        items[1] = "y"

    beside_main(writer, lambda: seen.append("".join(items)))
    return tuple(seen)


@litmus(free_threaded={("xx",), ("xy",), ("yx",), ("yy",)}, gil={("xx",), ("yy",)})
def iterator_joined() -> Outcome:
    items = ["x", "x"]
    seen = []

    def writer() -> None:
        items[0] = "y"
        items[1] = "y"

    beside_main(writer, lambda: seen.append("".join(map(str, items))))
    return tuple(seen)


@litmus(
    free_threaded={(f"namespace(m={m}, n={n})",) for m in (0, 1) for n in (0, 1)},
    gil={("namespace(m=0, n=0)",), ("namespace(m=1, n=1)",)},
)
def text_of_a_namespace() -> Outcome:
    space = SimpleNamespace(m=0, n=0)
    seen = []

    def writer() -> None:
        space.m = 1
        space.n = 1

    beside_main(writer, lambda: seen.append(str(space)))
    return tuple(seen)
