"""What makes texts: f-strings, ``%``, and the functions and methods of C that format or join what they are given."""

from __future__ import annotations

import sys
from collections.abc import Callable
from io import StringIO
from types import MappingProxyType
from typing import Any

from torture.exploration.given import INERT, announced
from torture.exploration.resources import canonical
from torture.exploration.showing import Text, formats_as_text, has_steps, text_of
from torture.exploration.steps import Stepwise, is_over, is_private, pass_point, pass_snapshot
from torture.instrument.atomicity import ITERATORS, MUTABLE_TYPES, ONE_STEP_SOURCES, SHARED_ONLY, VIEWS
from torture.runtime.kernel import KERNEL
from torture.trace.site import Site

_BASES = tuple(MUTABLE_TYPES)
_CONVERSIONS: dict[str, Callable[[Any], str]] = {"": str, "str": str, "repr": repr, "ascii": repr}


def formatted(site: Site, obj: Any) -> Any:
    """Return what is formatted in an f-string instead of ``obj``; the site's name says how it is converted."""
    if is_over() or not KERNEL.controls():
        return obj
    convert = _CONVERSIONS[site.name]
    if not has_steps(obj, convert) or (not site.name and not formats_as_text(type(obj))):
        return obj
    text = text_of(site, obj, convert, private=is_private(obj, 3, 2))
    return text if convert is str else Text(text)


class Shown:
    """Stands for an object that C code is about to format: its text is made when it is asked for."""

    __slots__ = ("_obj", "_private", "_site")

    def __init__(self, site: Site, obj: Any, *, private: bool) -> None:
        self._site = site
        self._obj = obj
        self._private = private

    def __str__(self) -> str:
        return text_of(self._site, self._obj, str, private=self._private)

    def __repr__(self) -> str:
        return text_of(self._site, self._obj, repr, private=self._private)

    def __format__(self, spec: str) -> str:
        return format(self._obj, spec) if spec or not formats_as_text(type(self._obj)) else str(self)


class _Subscripted(Shown):
    """Stands for a list or a mapping: ``"%(key)s" % d``."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        return shown(self._site, _item(self._site, self._obj, key, private=self._private), private=False)


class _Field:
    """Stands for an argument of a template with fields like ``{0.name}`` and ``{0[key]}``: has its attributes."""

    __slots__ = ("obj", "private", "site")

    def __init__(self, site: Site, obj: Any, *, private: bool) -> None:
        self.site = site
        self.obj = obj
        self.private = private

    def __getattribute__(self, name: str) -> Any:
        site, obj, _ = _parts(self)
        return _field(site, announced(site, getattr, obj)(obj, name), private=False)

    def __getitem__(self, key: Any) -> Any:
        site, obj, private = _parts(self)
        return _field(site, _item(site, obj, key, private=private), private=False)

    def __str__(self) -> str:
        site, obj, private = _parts(self)
        return text_of(site, obj, str, private=private)

    def __repr__(self) -> str:
        site, obj, private = _parts(self)
        return text_of(site, obj, repr, private=private)

    def __format__(self, spec: str) -> str:
        site, obj, private = _parts(self)
        return format(Shown(site, obj, private=private), spec)


_MEMBERS: tuple[Any, ...] = tuple(vars(_Field)[name] for name in ("site", "obj", "private"))


def _parts(field: _Field) -> tuple[Any, ...]:
    return tuple(member.__get__(field) for member in _MEMBERS)


def _item(site: Site, obj: Any, key: Any, *, private: bool) -> Any:
    if not private and issubclass(type(obj), _BASES):
        pass_point(site, canonical(obj), key if type(key) in INERT else None, False, "format")
    return obj[key]


_named: dict[str, type[Shown]] = {}  # errors tell the class of an argument by its name


def shown(site: Site, obj: Any, *, private: bool) -> Any:
    """Return what stands for ``obj`` where C code formats it."""
    kind = type(obj)
    if kind in INERT or not (has_steps(obj, str) or has_steps(obj, repr)):
        return obj
    private = private and kind is not MappingProxyType
    made = _named.get(kind.__name__)
    if made is None:
        base = _Subscripted if issubclass(kind, (list, dict, MappingProxyType)) else Shown
        made = _named[kind.__name__] = type(kind.__name__, (base,), {"__slots__": ()})
    return made(site, obj, private=private)


def _field(site: Site, obj: Any, *, private: bool) -> Any:
    return obj if type(obj) in INERT else _Field(site, obj, private=private)


# -- functions and methods -----------------------------------------------------------------------


def show_one(site: Site, function: Any, *args: Any, **kwargs: Any) -> Any:
    """Do as ``str``, ``repr``, ``ascii`` and ``format`` do."""
    if len(args) != 1 or kwargs or (function is format and not formats_as_text(type(args[0]))):
        if args and type(args[0]) in MUTABLE_TYPES:
            pass_point(site, canonical(args[0]), None, False, function.__name__)
        return function(*args, **kwargs)
    convert = str if function is str or function is format else repr
    if not has_steps(args[0], convert):
        return function(*args)
    text = text_of(site, args[0], convert, private=is_private(args[0], 2, 1))
    return ascii(Text(text)) if function is ascii else text


def printed(site: Site, function: Any, *args: Any, **kwargs: Any) -> Any:
    """Do as ``print`` does: write what it is given, what stands between and the end one by one."""
    file, between = kwargs.get("file"), kwargs.get("sep")
    if file is None:
        pass_point(site, vars(sys), "stdout", False, "print")
    elif type(file) is StringIO and all(
        each is None or type(each) is str for each in (between, kwargs.get("end"))
    ):
        for number, arg in enumerate(args):
            if number:
                pass_point(site, file, None, True, "print")
                function(end=" " if between is None else between, file=file)
            pass_point(site, file, None, True, "print")
            show_each(site, function, arg, end="", file=file)
        pass_point(site, file, None, True, "print")
        args = ()
    return show_each(site, function, *args, **kwargs)


def show_each(site: Site, function: Any, *args: Any, **kwargs: Any) -> Any:
    """Do as ``print`` and ``str.format`` do with what they are given."""
    for arg in args:
        if type(arg) not in INERT:
            break
    else:
        if not kwargs:
            return function(*args)
    stand_in = _field if function is not print and not {".", "["}.isdisjoint(function.__self__) else shown
    stand_ins = [stand_in(site, arg, private=is_private(arg, 3, 1)) for arg in args]
    named = {name: stand_in(site, arg, private=False) for name, arg in kwargs.items()}
    return function(*stand_ins, **named)


def show_items(site: Site, function: Any, mapping: Any) -> Any:
    """Do as ``str.format_map`` does."""
    return function(shown(site, mapping, private=is_private(mapping, 2, 1)))


def join_each(site: Site, function: Any, source: Any) -> Any:
    """Do as ``join`` does: read a list at once, anything else as ``list`` does."""
    kind = type(source)
    if kind in MUTABLE_TYPES or kind in VIEWS or kind in ITERATORS or kind in SHARED_ONLY:
        private = kind not in VIEWS and is_private(source, 2, 1)
        if kind in ONE_STEP_SOURCES[list]:
            if not private:
                pass_snapshot(site, canonical(source), function.__name__)
            source = list(source)
        elif kind in ITERATORS or kind in SHARED_ONLY:
            source = Stepwise(site, function.__name__, source, shared_iterator=not private)
        elif not private:
            source = Stepwise(site, function.__name__, source)
    return function(source)


# -- the operator --------------------------------------------------------------------------------


def modulo(site: Site, template: Any, right: Any) -> Any:
    """Return the operand that is used in ``template % right`` instead of ``right``."""
    if issubclass(type(right), tuple):
        for each in right:
            if type(each) not in INERT:
                break
        else:
            return right
    if is_over() or not KERNEL.controls():
        return right
    if not issubclass(type(right), tuple):
        return shown(site, right, private=is_private(right, 3, 2))
    return tuple(shown(site, each, private=False) for each in right)
