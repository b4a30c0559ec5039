"""What an operation is announced to touch: one object for all its spellings, the container below what only leads to it."""

from __future__ import annotations

import gc
import io
import itertools
import weakref
from types import MappingProxyType
from typing import Any

from torture.instrument.atomicity import ITERATORS, MUTABLE_TYPES, VIEWS, WRAPPING

_BASES = tuple(MUTABLE_TYPES)
# id of the dict with the attributes of an object, which the program took -> the object
_exposed: dict[int, weakref.ref[Any]] = {}


def expose(obj: Any) -> None:
    """Note that the program is about to take an object's ``__dict__``: another spelling of its attributes."""
    try:
        if issubclass(type(obj), type):
            attributes: Any = gc.get_referents(type.__dict__["__dict__"].__get__(obj))[0]
        else:
            attributes = object.__getattribute__(obj, "__dict__")
        _exposed[id(attributes)] = weakref.ref(obj)
    except (AttributeError, TypeError):
        return


def canonical(obj: Any) -> object:
    """Return the object where ``obj`` is its ``__dict__``, and what is below a view of memory or a read-only one."""
    kind = type(obj)
    if kind is memoryview:
        try:
            of = obj.obj
        except ValueError:  # released
            return obj
        return gc.get_referents(of)[-1] if type(of) is _BUFFER else of
    if kind.__module__ == "numpy" and hasattr(obj, "base"):
        return obj if obj.base is None else canonical(obj.base)
    if kind is MappingProxyType:
        return canonical(gc.get_referents(obj)[0])
    if _exposed and kind is dict:
        reference = _exposed.get(id(obj))
        owner = None if reference is None else reference()
        if owner is not None and _has_attributes(owner, obj):
            return owner
    return obj


def _has_attributes(owner: Any, attributes: object) -> bool:
    if issubclass(type(owner), type):
        return gc.get_referents(type.__dict__["__dict__"].__get__(owner))[0] is attributes
    return getattr(owner, "__dict__", None) is attributes


def below(obj: Any) -> Any:
    """Return the container below a view or an iterator, what passes points by itself there, else the object itself."""
    kind = type(obj)
    if kind in WRAPPING:
        found = [end for source in _iterators_in(obj) if _is_end(end := below(source))]
        return found[0] if len(found) == 1 else obj
    if kind in VIEWS or kind in ITERATORS:
        for referent in gc.get_referents(obj):
            if issubclass(type(referent), _BASES):
                return referent
            if type(referent) in VIEWS:
                return below(referent)
    return obj


def _is_end(obj: object) -> bool:
    return issubclass(type(obj), _BASES) or passes_points(obj)


def passes_points(iterator: object) -> bool:
    """Tell whether an iterator has a point before each element by itself."""
    return "PASSES_POINTS" in vars(type(iterator))


def _iterators_in(wrapping: Any) -> list[Any]:
    """Return the iterators that an iterator takes its elements from."""
    found = []
    for referent in gc.get_referents(wrapping):
        kind = type(referent)
        if kind is tuple:  # those of zip and map; but the last result, too
            found += [each for each in referent if type(each) in ITERATORS or passes_points(each)]
        elif kind in ITERATORS or passes_points(referent):
            found.append(referent)
    return found


def used_by(iterator: Any) -> Any:
    """Return what no two threads may use at once, for one that goes on with an iterator: what siblings share."""
    if type(iterator) is TEE:
        for data in gc.get_referents(iterator):
            if type(data) is itertools._tee_dataobject:  # type: ignore[attr-defined]
                return used_by(
                    next(found for found in gc.get_referents(data) if not issubclass(type(found), type))
                )
    return iterator


_BUFFER: type = type(io.BytesIO().getbuffer().obj)  # of a file in memory
TEE: type = type(itertools.tee(())[0])
