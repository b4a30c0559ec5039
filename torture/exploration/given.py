"""What C code is given: the callables that it will call, the containers and iterators that it will read.

A callable of C that other C code calls passes its points where it is called. What an iterator of C takes its elements
from has a point before each element. Any other function of C that is given something mutable is one step, which
changes that, or depends on everything where it is more than one thing.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from functools import partial
from inspect import CO_OPTIMIZED
from itertools import chain, product
from operator import attrgetter, itemgetter, methodcaller
from types import (
    BuiltinMethodType,
    FunctionType,
    GeneratorType,
    MappingProxyType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any, ClassVar

from torture.exploration.resources import below, canonical, passes_points
from torture.exploration.steps import (
    Stepwise,
    is_over,
    is_private,
    pass_point,
    pass_snapshot,
    pass_unsynchronised,
)
from torture.instrument.atomicity import (
    CALLABLES,
    ERROR_METHODS,
    FUNCTIONS,
    GO_THROUGH_ALL,
    IMMUTABLE_TYPES,
    ITERATORS,
    MUTABLE_TYPES,
    ONE_STEP_SOURCES,
    SHARED_ONLY,
    TAKE_ANYTHING,
    VIEWS,
)
from torture.instrument.natives import holds_state
from torture.runtime.kernel import KERNEL
from torture.trace.site import Site

_BASES = tuple(MUTABLE_TYPES)
INERT = IMMUTABLE_TYPES - {tuple, frozenset, slice, BuiltinMethodType}
_UNCHANGING = (IMMUTABLE_TYPES - {BuiltinMethodType}) | {FunctionType, MethodType}
_READ_LATER = (ITERATORS | SHARED_ONLY) - {GeneratorType}
_GIVEN = 4  # references to an argument, while it is looked at
# Those that lead to no other: nobody else has what is in one that nobody else has.
_OWNED = MUTABLE_TYPES - {memoryview, MappingProxyType}
_COLLECTED = frozenset({list, dict, set, frozenset})
_DEEPEST = 3  # containers in containers


# -- callables -----------------------------------------------------------------------------------


_ON_ARGUMENTS = frozenset(
    {str, repr, ascii, format, len, bool, list, tuple, set, frozenset, sum, min, max, any, all}
)


class Pointed:
    """A callable of C code as other C code gets it: passes its points where it is called."""

    __slots__ = ("_function", "_site")
    # Announces a call and returns what is called instead; set by the callbacks of instrumented code, which use this.
    announce: ClassVar[Callable[[Site, Any, object], Any]] = staticmethod(
        lambda _site, function, _first: function
    )

    def __init__(self, site: Site, function: Any) -> None:
        self._site = site
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        function = self._function
        if len(args) == 1 and type(args[0]) in INERT and not kwargs and function in _ON_ARGUMENTS:
            return function(*args)
        if KERNEL.controls():
            function = announced(self._site, function, args[0] if args else None)
        return function(*args, **kwargs)


def announced(site: Site, function: Any, first: object) -> Any:
    """Announce the call of a function; return what is called instead."""
    return Pointed.announce(site, function, first)


def pointed(site: Site, value: Any) -> Any:
    """Return what passes points for a callable of C that needs some, else the value itself."""
    return Pointed(site, value) if _needs_points(value) else value


def _needs_points(function: Any) -> bool:
    kind = type(function)
    if kind is BuiltinMethodType:
        owner = function.__self__
        of = type(owner)
        if of is ModuleType:
            return function in FUNCTIONS or owner.__name__ == "_operator"
        return issubclass(of, _BASES) or of in _READ_LATER or of is GeneratorType
    if kind is MethodDescriptorType or kind is WrapperDescriptorType or kind is MethodWrapperType:
        of = type(function.__self__) if kind is MethodWrapperType else function.__objclass__
        return of is object or issubclass(of, _BASES) or of in _READ_LATER
    if kind is partial:
        return _needs_points(function.func)
    return kind in CALLABLES or (kind is type and function in FUNCTIONS)


# -- getters ------------------------------------------------------------------------------------


def of_getter(site: Site, getter: Any) -> Any:
    """Return what does as an ``itemgetter`` or the like does, one after the other."""
    return getter if is_over() or not KERNEL.controls() else _Getter(site, getter)


class _Getter:
    """A getter or method caller of the module ``operator``."""

    __slots__ = ("_getter", "_site")

    def __init__(self, site: Site, getter: Any) -> None:
        self._site = site
        self._getter = getter

    def __call__(self, *args: Any) -> Any:
        getter, site = self._getter, self._site
        if len(args) != 1:
            return getter(*args)
        obj = args[0]
        _, parts, *_ = getter.__reduce__()
        if type(getter) is itemgetter:
            found = [_item(site, obj, part) for part in parts]
        elif type(getter) is attrgetter:
            found = [_attribute(site, obj, part) for part in parts]
        else:
            return self._call(obj)
        return found[0] if len(found) == 1 else tuple(found)

    def _call(self, obj: Any) -> Any:
        made, parts, *_ = self._getter.__reduce__()
        name, *args = parts if made is methodcaller else (*made.args, *parts)
        kwargs = {} if made is methodcaller else made.keywords
        method = _attribute(self._site, obj, name)
        return announced(self._site, method, args[0] if args else None)(*args, **kwargs)


def _item(site: Site, obj: Any, key: object) -> Any:
    if issubclass(type(obj), _BASES):
        pass_point(site, canonical(obj), key if type(key) in INERT else None, False, "itemgetter")
    return obj[key]


def _attribute(site: Site, obj: Any, path: str) -> Any:
    for name in path.split("."):
        obj = announced(site, getattr, obj)(obj, name)
    return obj


# -- iterators that read when they are asked for elements ----------------------------------------


def lazily(site: Site, function: Any, *args: Any, **kwargs: Any) -> Any:
    """Make an iterator of C over sources that pass a point before each element."""
    for arg in args:
        if type(arg) not in _UNCHANGING:
            break
    else:
        if not kwargs:
            return function(*args)
    several = function is chain or sum(type(arg) in MUTABLE_TYPES or type(arg) in VIEWS for arg in args) > 1
    sources = [_later(site, function.__name__, arg, several=several) for arg in args]
    named = {name: pointed(site, value) for name, value in kwargs.items()}
    return function(*sources, **named)


def _later(site: Site, name: str, source: Any, *, several: bool = False, references: int = _GIVEN) -> Any:
    """Return what passes points for one of ``several`` sources: which one it is shows only here."""
    kind = type(source)
    if kind in INERT or passes_points(source):
        return source
    if kind in MUTABLE_TYPES or kind in VIEWS:
        private = is_private(source, references, 2) and (kind not in VIEWS or is_private(below(source), 2, 2))
        if not several:  # whoever asks for an element finds the only container below
            return source
        owners = sys.getrefcount(source) - references - 1 if private else 0
        return Stepwise(site, name, source, owners=owners)
    if kind in _READ_LATER or kind is GeneratorType:
        owners = sys.getrefcount(source) - references - 1
        if owners <= 0:  # made for this call
            return source
        owners = owners if is_private(source, references, 2) else 0
        return Stepwise(site, name, source, shared_iterator=True, owners=owners)
    return pointed(site, source)


def chain_each(site: Site, function: Any, sources: Any) -> Any:
    """Do as ``chain.from_iterable`` does."""

    def each() -> Iterator[Any]:
        for source in _later(site, "chain", sources, several=True):
            yield _later(site, "chain", source, several=True)

    return function(each())


def eagerly(site: Site, function: Any, *args: Any, **kwargs: Any) -> Any:
    """Make an iterator of C that reads its sources at once, one after the other, as ``tuple`` does."""
    sources = [_now(site, function.__name__, arg) for arg in args]
    return function(*sources, **kwargs)


def _now(site: Site, name: str, source: Any) -> Any:
    kind = type(source)
    if kind in INERT or not (kind in MUTABLE_TYPES or kind in VIEWS or kind in _READ_LATER):
        return source
    if is_private(source, _GIVEN, 2) and kind not in VIEWS and below(source) is source:
        return source
    if kind in ONE_STEP_SOURCES[tuple]:
        pass_snapshot(site, canonical(source), name)
        return source.copy()
    return Stepwise(site, name, source)


def taken(site: Site, source: Any) -> Any:
    """Return what the elements of a container are taken from by an instruction, one by one."""
    if is_over() or not KERNEL.controls() or (type(source) in _OWNED and is_private(source, 3, 2)):
        return source
    return Stepwise(site, "", source)


def reduce_each(site: Site, function: Any, reducer: Any, source: Any, *rest: Any) -> Any:
    return function(
        pointed(site, reducer), _later(site, function.__name__, source, several=True, references=3), *rest
    )


def count_each(site: Site, function: Any, counts: Any, source: Any) -> Any:
    pass_unsynchronised(site, counts, function.__name__, canonical(counts))
    return function(counts, _later(site, function.__name__, source, several=True, references=3))


def call_back(site: Site, function: Any, called: Any, *rest: Any) -> Any:
    return function(pointed(site, called), *rest)


EAGER = frozenset({product, *(kind for kind in ITERATORS if kind.__name__.startswith(("perm", "comb")))})


# -- any other function of C ---------------------------------------------------------------------


def given(site: Site, function: Any, first: object, owner: object = None) -> Any:
    """Return what calls a function of C that no table knows; in one step, where it is given something mutable.

    Only where it may be: some functions look at the frame that calls them.
    """
    if not leads_to_container(first) and not _takes_anything(function):
        return function
    return function if is_over() or not KERNEL.controls() else Given(site, function, owner)


def _takes_anything(function: Any) -> bool:
    module = getattr(function, "__self__", None)
    return type(module) is ModuleType and module.__name__ in TAKE_ANYTHING


class Given:
    """A function of C that no table knows; ``owner`` is what a method that reads its argument belongs to."""

    __slots__ = ("_function", "_owner", "_site")

    def __init__(self, site: Site, function: Any, owner: object = None) -> None:
        self._site = site
        self._function = function
        self._owner = owner

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        site, function = self._site, self._function
        found: list[Any] = []
        for value in (*args, *kwargs.values()):
            if type(value) not in INERT:
                private = type(value) in _OWNED and is_private(value, 4, 1)
                _collect(value, found, _DEEPEST, private=private)
        if found or _goes_through_all(function, args):
            if self._owner is not None:
                _collect(self._owner, found, 0, private=False)
            resource = found[0] if len(found) == 1 and _holds_only_plain(found[0]) else None
            pass_point(site, resource, None, True, _name(function))
        elif self._owner is not None:
            resource = canonical(self._owner) if _holds_only_plain(self._owner) else None
            pass_point(site, resource, None, True, _name(function))
        args = tuple(pointed(site, value) for value in args)
        named = {name: pointed(site, value) for name, value in kwargs.items()}
        me = KERNEL.current
        me.midway += 1
        try:
            return function(*args, **named)
        finally:
            me.midway -= 1


def stateful(site: Site, function: Any, owner: object) -> Any:
    """Return what calls a method of an object of which only C code knows the state."""
    return function if is_over() or not KERNEL.controls() else Given(site, function, owner)


def of_error(site: Site, function: Any, error: BaseException) -> Any:
    """Announce a call of a method of an exception; return what is called instead, None where no table knows it."""
    name = function.__name__
    if name == "add_note":
        return partial(_add_note, site, error)
    known = ERROR_METHODS.get(name)
    if known is None:
        return None
    pass_point(site, error, *known, name)
    return function


def _add_note(site: Site, error: BaseException, note: str) -> None:
    """Do as ``add_note`` does: look for the notes, make them where there are none, append."""
    if is_over() or not KERNEL.controls() or not isinstance(note, str):
        error.add_note(note)
        return
    pass_point(site, error, "__notes__", False, "add_note")
    if not hasattr(error, "__notes__"):
        notes: list[str] = []
        pass_point(site, error, "__notes__", True, notes)
        error.__notes__ = notes
    notes = error.__notes__
    pass_point(site, notes, None, True, "add_note")
    notes.append(note)


def evaluated(site: Site, function: Any) -> Any:
    """Return what calls ``eval`` or ``exec``: one step, as far as the code has no points, that may touch everything."""

    def evaluate(source: Any, *spaces: Any, **named: Any) -> Any:
        if not spaces and not named:
            frame = sys._getframe(1)
            optimized = frame.f_code.co_flags & CO_OPTIMIZED
            spaces = frame.f_globals, dict(frame.f_locals) if optimized else frame.f_locals
        pass_point(site, None, None, True, function.__name__)
        return function(source, *spaces, **named)

    return function if is_over() or not KERNEL.controls() else evaluate


def _goes_through_all(function: Any, args: tuple[Any, ...]) -> bool:
    module = getattr(function, "__self__", None)
    return type(module) is ModuleType and module.__name__ in GO_THROUGH_ALL and type(args[0]) not in INERT


def _name(function: Any) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def leads_to_container(value: Any) -> bool:
    """Tell whether a value is mutable, may contain or call something that is."""
    kind = type(value)
    return (
        kind is tuple
        or kind in VIEWS
        or kind in _READ_LATER
        or (kind not in INERT and (issubclass(kind, _BASES) or holds_state(kind) or _needs_points(value)))
    )


def _collect(value: Any, found: list[Any], depth: int, *, private: bool) -> None:
    """Add the containers that a value is or, as a tuple, an iterator or one that nobody else has, leads to."""
    kind = type(value)
    if kind is tuple or (private and kind in _COLLECTED):
        for each in (*value, *value.values()) if kind is dict else value:
            if depth and type(each) not in INERT:
                _collect(each, found, depth - 1, private=False)
    elif not private and (
        kind in VIEWS or kind in _READ_LATER or issubclass(kind, _BASES) or holds_state(kind)
    ):
        resource = canonical(below(value))
        if all(resource is not other for other in found):
            found.append(resource)


def _holds_only_plain(container: Any) -> bool:
    kind = type(container)
    if kind is dict:
        return all(type(value) in INERT for value in (*container, *container.values()))
    if holds_state(kind):
        return all(map(_is_plain, gc.get_referents(container)))
    return kind in MUTABLE_TYPES and all(type(value) in INERT for value in container)


def _is_plain(value: Any) -> bool:
    kind = type(value)
    return kind in INERT or issubclass(kind, type) or (kind is dict and _holds_only_plain(value))
