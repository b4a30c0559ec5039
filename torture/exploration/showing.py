"""Formatting, step by step: the texts of builtin containers, and of what contains them.

A list, a dict and a set are read under their lock, in one step; where the text of an element is made by code that is
called back, or read from another container, the lock is given back meanwhile, and the next element is read in a step of
its own. What has only numbers and texts in it is one step. The texts themselves are made by the C code, from copies
that have the elements' texts in them.
"""

from __future__ import annotations

import sys
from array import array
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from types import FunctionType, MappingProxyType, SimpleNamespace, WrapperDescriptorType
from typing import Any

from torture.exploration.given import INERT
from torture.exploration.resources import below, canonical
from torture.exploration.steps import Stepwise, pass_point, pass_snapshot
from torture.instrument.atomicity import VIEWS
from torture.runtime.kernel import KERNEL
from torture.trace.site import Site

_ONE_OWNER = 4  # references to an element that only its container has, while it is looked at
# What each thread is making the text of, by id: what contains itself is shown as dots there.
_active: set[tuple[int, int]] = set()


def reset() -> None:
    """Forget what an earlier execution was in the middle of."""
    _active.clear()


class Text:
    """Stands for an element of which the text is known."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text

    def __call__(self) -> None:
        """Be callable, as a ``default_factory`` has to be."""


class _Job:
    """The text of one object, on its way."""

    __slots__ = ("mixed", "private", "site")

    def __init__(self, site: Site, *, private: bool) -> None:
        self.site = site
        self.private = private  # nobody else has the object
        self.mixed = False  # something but a number or a text was shown since the last point

    def read(self, obj: object) -> None:
        self.mixed = False
        if not self.private:
            pass_snapshot(self.site, canonical(obj), "repr")

    def look(self, obj: object, name: str | None) -> None:
        """Pass the point of a read of an attribute, None for any."""
        if not self.private:
            pass_point(self.site, obj, name, False, "repr")

    def step(self, obj: object) -> None:
        """Pass a point, if the object's lock has been given back since the last one."""
        if self.mixed:
            self.read(obj)

    def element(self, value: Any) -> Any:
        if type(value) in INERT:
            return value
        self.mixed = self.mixed or _takes_steps(type(value))
        private = self.private and sys.getrefcount(value) <= _ONE_OWNER
        return Text(text_of(self.site, value, repr, private=private))

    def elements(self, values: Any) -> list[Any]:
        return [self.element(value) for value in values]


def text_of(site: Site, obj: Any, convert: Callable[[Any], str], *, private: bool) -> str:
    """Return ``str(obj)`` or ``repr(obj)``, with a point before each step in which something mutable is read."""
    walk = _walk_of(type(obj), convert)
    if walk is None:
        return convert(obj)
    key = (KERNEL.current.index, id(obj))
    if key in _active:
        return (
            f"defaultdict({obj.default_factory!r}, {{...}})"
            if walk is _defaultdict
            else _DOTS.get(walk, "...")
        )
    _active.add(key)
    try:
        return walk(_Job(site, private=private), obj)
    finally:
        _active.discard(key)


# -- one kind of object each ---------------------------------------------------------------------


def _list(job: _Job, items: list[Any]) -> str:
    job.read(items)
    found: list[Any] = []
    while len(found) < len(items):
        found.append(job.element(items[len(found)]))
        job.step(items)
    return repr(found)


def _dict(job: _Job, d: dict[Any, Any]) -> str:
    return repr(dict(_pairs(job, d)))


def _pairs(job: _Job, d: dict[Any, Any]) -> Iterator[tuple[Any, Any]]:
    job.read(d)
    passed: set[int] = set()
    kept: list[Any] = []  # so that no other key gets the address of one
    entries = list(dict.items(d))
    while entries:
        key, value = entries.pop(0)
        passed.add(id(key))
        kept.append(key)
        shown = (job.element(key), job.element(value))
        # A text is a key of its own; so must be a number, for nothing may be compared here.
        yield Text(repr(shown[0])), shown[1]
        if job.mixed:
            job.read(d)
            entries = [pair for pair in dict.items(d) if id(pair[0]) not in passed]


def _set(job: _Job, items: Any) -> str:
    if type(items) is set:
        job.read(items)
    elements = list(items)
    if not elements:
        return repr(items)
    braces = f"{{{repr(job.elements(elements))[1:-1]}}}"
    return braces if type(items) is set else f"frozenset({braces})"


def _tuple(job: _Job, items: tuple[Any, ...]) -> str:
    return repr(tuple(job.elements(items)))


def _deque(job: _Job, items: deque[Any]) -> str:
    read = list(items if job.private else Stepwise(job.site, "repr", items))
    return repr(deque(job.elements(read), items.maxlen))


def _defaultdict(job: _Job, d: defaultdict[Any, Any]) -> str:
    pairs = dict(_pairs(job, d))
    factory = d.default_factory
    return repr(defaultdict(None if factory is None else Text(repr(factory)), pairs))


def _ordered_dict(job: _Job, d: OrderedDict[Any, Any]) -> str:
    job.read(d)
    pairs = list(d.items())
    return repr(OrderedDict((Text(repr(job.element(key))), job.element(value)) for key, value in pairs))


def _view(job: _Job, view: Any) -> str:
    job.private = False  # who has the container is not known
    job.read(below(view))
    return f"{type(view).__name__}({job.elements(list(view))})"


def _proxy(job: _Job, proxy: Any) -> str:
    return f"mappingproxy({text_of(job.site, canonical(proxy), repr, private=False)})"


def _text_of_mapping(job: _Job, proxy: Any) -> str:
    return text_of(job.site, canonical(proxy), str, private=False)


def _namespace(job: _Job, space: Any) -> str:
    pairs = []
    job.look(space, None)
    for name in list(vars(space)):
        job.look(space, name)
        if name in vars(space):
            pairs.append(f"{name}={job.element(vars(space)[name])!r}")
    return f"{'namespace' if type(space) is SimpleNamespace else type(space).__name__}({', '.join(pairs)})"


def _error(job: _Job, error: BaseException) -> str:
    job.look(error, "args")
    if len(error.args) == 1:
        return text_of(job.site, error.args[0], repr if type(error) is KeyError else str, private=False)
    return _tuple(job, error.args) if error.args else ""


def _error_in_one(job: _Job, error: BaseException) -> str:
    job.look(error, None)
    return str(error)


def _error_with_name(job: _Job, error: BaseException) -> str:
    job.look(error, "args")
    one = len(error.args) == 1
    shown = text_of(job.site, error.args[0], repr, private=False) if one else _tuple(job, error.args)
    return f"{type(error).__name__}({shown})" if one else type(error).__name__ + shown


def _whole(job: _Job, obj: Any) -> str:
    job.read(obj)
    return repr(obj)


_WALKS: dict[type, Callable[[_Job, Any], str]] = {
    list: _list,
    dict: _dict,
    set: _set,
    frozenset: _set,
    tuple: _tuple,
    deque: _deque,
    defaultdict: _defaultdict,
    OrderedDict: _ordered_dict,
    MappingProxyType: _proxy,
    SimpleNamespace: _namespace,
    bytearray: _whole,
    array: _whole,
    **dict.fromkeys(VIEWS, _view),
}
_INHERITED = frozenset({list, dict, SimpleNamespace})  # shown alike where a class inherits it
_DOTS: dict[Callable[[_Job, Any], str], str] = {
    _list: "[...]", _dict: "{...}", _set: "set(...)", _tuple: "(...)", _deque: "[...]", _namespace: "namespace(...)",
}  # fmt: skip


def _walk_of(kind: type, convert: Callable[[Any], str]) -> Callable[[_Job, Any], str] | None:
    """Return what makes the text of such an object in steps, None where the C code or the program's own does."""
    if kind in _WALKS:
        return _text_of_mapping if kind is MappingProxyType and convert is str else _WALKS[kind]
    if kind in INERT:
        return None
    if convert is str:
        owner = _owner(kind, "__str__")
        if owner is BaseException or owner is KeyError:
            return _error
        if owner is not object:
            in_c = issubclass(kind, BaseException) and type(vars(owner)["__str__"]) is WrapperDescriptorType
            return _error_in_one if in_c else None
    owner = _owner(kind, "__repr__")
    if owner is BaseException:
        return _error_with_name
    if owner in _INHERITED:
        return _WALKS[owner]
    return _whole if owner in _WALKS else None


def _takes_steps(kind: type) -> bool:
    """Tell whether others may have a turn while the text of such an object is made."""
    if _walk_of(kind, repr) is not None:
        return True
    owner = _owner(kind, "__repr__")
    return owner is not None and type(vars(owner)["__repr__"]) is FunctionType


def _owner(kind: type, name: str) -> type | None:
    for base in kind.__mro__:
        if name in vars(base):
            return base
    return None


def has_steps(obj: Any, convert: Callable[[Any], str]) -> bool:
    """Tell whether points may be needed while ``obj`` is converted to a text by C code."""
    return _walk_of(type(obj), convert) is not None


def formats_as_text(kind: type) -> bool:
    """Tell whether a class leaves ``format`` to ``str``."""
    return _owner(kind, "__format__") is object
