"""Unmodified Python: nothing that the language does is done otherwise."""

import contextlib
import copy
import dataclasses
import enum
import functools
import pickle
import sys
import threading
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from decimal import Decimal, localcontext


def _together(*functions: Callable[[], object]) -> None:
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def deep_recursion() -> None:
    depths = []

    def descend(depth: int) -> int:
        return depth if depth == 0 else 1 + descend(depth - 1)

    _together(lambda: depths.append(descend(900)), lambda: depths.append(descend(900)))
    assert depths == [900, 900]


def endless_recursion_is_an_error() -> None:
    caught = []

    def descend() -> None:
        descend()

    def work() -> None:
        try:
            descend()
        except RecursionError:
            caught.append(1)

    _together(work, work)
    assert caught == [1, 1]


def generators() -> None:
    lock, got = threading.Lock(), []

    def numbers() -> Iterator[int]:
        yield from range(2)
        received = yield 2
        yield received or -1

    shared = numbers()

    def take() -> None:
        for _ in range(2):
            with lock:
                got.append(next(shared))

    _together(take, take)
    assert got == [0, 1, 2, -1]
    assert sum(number for number in numbers()) == 2
    closed: list[str] = []

    def guarded() -> Iterator[int]:
        try:
            yield 1
        finally:
            closed.append("closed")

    _together(lambda: next(guarded()))
    assert closed == ["closed"]


def context_managers() -> None:
    log: list[str] = []

    @contextlib.contextmanager
    def noted(name: str) -> Iterator[str]:
        log.append(f"+{name}")
        try:
            yield name
        finally:
            log.append(f"-{name}")

    def work() -> None:
        with contextlib.ExitStack() as stack, contextlib.suppress(KeyError):
            stack.enter_context(noted("a"))
            with noted("b") as name:
                raise KeyError(name)

    _together(work)
    assert log == ["+a", "+b", "-b", "-a"]


@dataclasses.dataclass(order=True)
class Point:
    x: int
    y: int = 0
    tags: list[str] = dataclasses.field(default_factory=list, compare=False)

    @property
    def size(self) -> int:
        return self.x * self.x + self.y * self.y

    @functools.cached_property
    def norm(self) -> float:
        return float(self.size**0.5)


@dataclasses.dataclass(frozen=True, slots=True)
class Fixed:
    x: int


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


def classes() -> None:
    point, got = Point(3, 4), []
    _together(lambda: got.append(point.size), lambda: point.tags.append("a"), lambda: got.append(point.norm))
    assert sorted(got) == [5.0, 25]
    assert point == Point(3, 4) < Point(4)
    assert dataclasses.replace(point, x=1) == Point(1, 4)
    assert dataclasses.asdict(point) == {"x": 3, "y": 4, "tags": ["a"]}
    assert vars(point)["norm"] == 5.0
    frozen = Fixed(1)
    with contextlib.suppress(dataclasses.FrozenInstanceError):
        frozen.x = 2  # type: ignore[misc]
    assert frozen == Fixed(1)
    assert {frozen: 1}[Fixed(1)] == 1
    assert Colour(2) is Colour.BLUE
    assert Colour["RED"].value == 1


def caches() -> None:
    calls, got = [], []

    @functools.lru_cache(maxsize=8)
    def slow(number: int) -> int:
        calls.append(number)
        return number * 2

    _together(lambda: got.append(slow(1)), lambda: got.append(slow(1)))
    assert got == [2, 2]
    assert 1 <= len(calls) <= 2
    assert slow.cache_info().currsize == 1
    slow(1)
    assert len(calls) <= 2


def library_code_that_the_scheduler_knows() -> None:
    lock, latest = threading.Lock(), [_Version(0)]

    def work() -> None:
        with lock:
            latest[0] = dataclasses.replace(latest[0], number=latest[0].number + 1)

    _together(*[work] * 3)
    assert latest == [_Version(3)]


@dataclasses.dataclass
class _Version:
    number: int


def imports_inside_threads() -> None:
    got = []

    def work() -> None:
        import colorsys
        from json import dumps

        got.append((colorsys.rgb_to_hsv(0, 0, 0)[2], dumps([1])))

    sys.modules.pop("colorsys", None)
    _together(work, work)
    assert got == [(0, "[1]"), (0, "[1]")]


def closures_and_scopes() -> None:
    lock, total = threading.Lock(), 0

    def add(amount: int) -> Callable[[], None]:
        def work() -> None:
            nonlocal total
            with lock:
                total += amount

        return work

    _together(*[add(amount) for amount in (1, 2, 3)])
    assert total == 6
    scope: dict[str, object] = {}
    _together(lambda: exec("class A:\n def f(self): return [x for x in range(3)]\na = A().f()", scope))
    assert scope["a"] == [0, 1, 2]


def matching_and_unpacking() -> None:
    got: list[object] = []

    def work(value: object) -> None:
        match value:
            case Point(x=x, y=0):
                got.append(x)
            case {"k": [first, *rest], **others}:
                got.append((first, rest, others))
            case str() as text if (size := len(text)) > 1:
                got.append(size)
            case _:
                got.append(None)

    _together(lambda: [work(value) for value in (Point(7), {"k": [1, 2, 3], "o": 0}, "abc", "a")])
    assert got == [7, (1, [2, 3], {"o": 0}), 3, None]


def groups_of_exceptions() -> None:
    seen: list[object] = []

    def work() -> None:
        try:
            raise ExceptionGroup("both", [ValueError(1), KeyError(2)])
        except* ValueError as group:
            seen.append(type(group.exceptions[0]))
        except* KeyError as group:
            seen.append(type(group.exceptions[0]))

    _together(work)
    assert seen == [ValueError, KeyError]


def containers() -> None:
    lock = threading.Lock()
    counter: Counter[str] = Counter()
    default: defaultdict[str, list[int]] = defaultdict(list)
    ordered: OrderedDict[str, int] = OrderedDict(a=1)
    ring: deque[int] = deque(maxlen=2)
    values, matrix = [3, 1, 2], [[0] * 2 for _ in range(2)]

    def work(number: int) -> None:
        with lock:
            counter.update("ab")
            default["k"].append(number)
            ordered.move_to_end("a")
            ring.append(number)
            values.sort(key=lambda value: -value)
            values[:1] = [9]
            matrix[number - 1][0] += number

    _together(lambda: work(1), lambda: work(2))
    assert counter == {"a": 2, "b": 2}
    assert sorted(default["k"]) == sorted(ring) == [1, 2]
    assert values == [9, 2, 1]
    assert matrix == [[1, 0], [2, 0]]
    assert "missing" not in default
    assert {*values} | {4} == {1, 2, 4, 9}


def copying_and_pickling() -> None:
    made = []

    def work() -> None:
        point = Point(1, 2, ["t"])
        made.append(copy.deepcopy(point))
        made.append(pickle.loads(pickle.dumps(point)))

    _together(work, work)
    assert made == [Point(1, 2)] * 4
    assert all(point.tags == ["t"] for point in made)


def contexts_of_c_modules() -> None:
    got = []

    def work(digits: int) -> None:
        with localcontext() as context:
            context.prec = digits
            got.append(str(Decimal(1) / 3))

    _together(lambda: work(3), lambda: work(5))
    assert sorted(got) == ["0.333", "0.33333"]


class Descriptor:
    def __set_name__(self, owner: type, name: str) -> None:
        self.name = f"_{name}"

    def __get__(self, instance: object, owner: type) -> object:
        return vars(instance).get(self.name, 0)

    def __set__(self, instance: object, value: object) -> None:
        setattr(instance, self.name, value)


class Odd:
    """Answers for itself wherever the language asks."""

    checked = Descriptor()
    __slots__ = ("__dict__", "items")

    def __init__(self) -> None:
        self.items: list[int] = []

    def __getattr__(self, name: str) -> str:
        return f"no {name}"

    def __iadd__(self, item: int) -> "Odd":
        self.items.append(item)
        return self

    def __contains__(self, item: object) -> bool:
        return item in self.items

    def __getitem__(self, key: object) -> object:
        return key

    def __bool__(self) -> bool:
        return not self.items

    def __call__(self, *args: int, **options: int) -> int:
        return sum(args) + sum(options.values())


def objects_with_their_own_ways() -> None:
    odd, lock = Odd(), threading.Lock()

    def work(item: int) -> None:
        nonlocal odd
        with lock:
            odd += item
            odd.checked = odd.checked + item  # type: ignore[operator]

    _together(lambda: work(1), lambda: work(2))
    assert sorted(odd.items) == [1, 2]
    assert odd.checked == 3
    assert odd.anything == "no anything"
    assert 2 in odd
    assert 5 not in odd
    assert odd[1:2, ...] == (slice(1, 2), ...)
    assert not odd
    options = {"k": 3}
    assert odd(*[1, 2], **options) == 6
