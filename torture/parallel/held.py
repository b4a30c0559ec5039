"""What a program's modules hold: every container that can be reached from their names, by the name it has there.

Nothing here runs a word of the program's own code.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from types import FunctionType, MappingProxyType, MemberDescriptorType, MethodType, ModuleType
from typing import Any

from torture.instrument.learn import NEVER
from torture.isolation.globals import contents, special

_MOST = 50_000  # objects that are looked at
_HEAP_TYPE = 1 << 9  # in the __flags__ of a class that a ``class`` statement made
_TOOLS = NEVER - {"weakref", "_weakrefset"}
_CACHED: type = type(functools.cache(len))
_SEQUENCES = (list, tuple, deque, set, frozenset)
_SIZED = (dict, MappingProxyType, *_SEQUENCES, str, bytes, bytearray)

Find = Callable[[], Any]
_Part = tuple[str, Any, Find]  # name, object, what finds the one that is there later


@dataclass(frozen=True, slots=True)
class Held:
    """A container and where it was found."""

    name: str
    size: int
    find: Find  # the container that is there when it is called; another one may have taken its place


def held(modules: Iterable[ModuleType], function: object) -> Iterator[Held]:
    """Yield the containers of modules, and of a function's closure, but the empty ones; those with short ways first."""
    modules = list(modules)
    names = {module.__name__ for module in modules}
    left: deque[_Part] = deque((module.__name__, vars(module), partial(vars, module)) for module in modules)
    left.append((getattr(function, "__qualname__", "target"), function, lambda: function))
    seen: dict[int, object] = {}
    while left and len(seen) < _MOST:
        name, obj, find = left.popleft()
        if id(obj) in seen:
            continue
        seen[id(obj)] = obj
        if size := size_of(obj):
            yield Held(name, size, find)
        left += _parts(name, obj, names)


def size_of(obj: object) -> int:
    """Return the number of entries, of an unbounded cache's results, or of characters; 0 for anything else."""
    if type(obj) is _CACHED:
        cached: Any = obj
        return 0 if cached.cache_parameters()["maxsize"] is not None else int(cached.cache_info().currsize)
    kind: Any = next((kind for kind in _SIZED if issubclass(type(obj), kind)), None)
    return 0 if kind is None else int(kind.__len__(obj))


def _parts(name: str, obj: Any, modules: set[str]) -> Iterator[_Part]:
    """Yield what an object refers to, of classes and instances of the program's own only."""
    kind: Any = type(obj)
    if issubclass(kind, dict):
        for at, (key, value) in enumerate(list(dict.items(obj))):
            if type(key) not in (str, int):  # its own code would compare it
                yield f"{name}[key {at}]", value, partial(_same, value)
            elif name not in modules:
                yield f"{name}[{key!r}]", value, partial(dict.get, obj, key)
            elif not special(str(key)):
                yield f"{name}.{key}", value, partial(dict.get, obj, key)
    elif issubclass(kind, _SEQUENCES):
        base: Any = next(each for each in _SEQUENCES if issubclass(kind, each))
        for at, value in enumerate(list(base.__iter__(obj))):
            yield f"{name}[{at}]", value, partial(_same, value)
    elif kind is FunctionType:
        if str(obj.__globals__.get("__name__")).partition(".")[0] not in _TOOLS:
            for label, cell in zip(obj.__code__.co_freevars, obj.__closure__ or (), strict=True):
                yield f"{name}.{label}", contents(cell), partial(contents, cell)
            for value in obj.__defaults__ or ():
                yield f"a default of {name}", value, partial(_same, value)
    elif kind is MethodType:
        yield name, obj.__self__, partial(_same, obj.__self__)
        yield name, obj.__func__, partial(_same, obj.__func__)
    elif kind is partial:
        yield name, obj.func, partial(_same, obj.func)
        yield name, obj.args, partial(_same, obj.args)
    elif kind is _CACHED:
        yield name, obj.__wrapped__, partial(_same, obj.__wrapped__)
    elif issubclass(kind, type):
        if obj.__module__ in modules:
            for key, value in list(obj.__dict__.items()):
                if not special(key):
                    yield f"{name}.{key}", value, partial(obj.__dict__.get, key)
        return
    if kind.__flags__ & _HEAP_TYPE and kind.__module__.partition(".")[0] not in _TOOLS:
        yield from _attributes(name, obj)


def _attributes(name: str, obj: Any) -> Iterator[_Part]:
    try:
        attributes = object.__getattribute__(obj, "__dict__")
    except AttributeError:
        attributes = {}
    if type(attributes) is dict:
        for key, value in list(attributes.items()):
            yield f"{name}.{key}", value, partial(attributes.get, key)
    for base in type(obj).__mro__:
        if "__slots__" in vars(base):
            for key, member in vars(base).items():
                if type(member) is MemberDescriptorType:
                    find = partial(_read, member, obj)
                    yield f"{name}.{key}", find(), find


def _same(value: Any) -> Any:
    return value


def _read(member: MemberDescriptorType, obj: object) -> Any:
    try:
        return member.__get__(obj)
    except AttributeError:
        return None
