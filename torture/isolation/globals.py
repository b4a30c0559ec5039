"""What a program's modules hold, put back before each execution: every one starts as the first did.

Without it ``counter = 0`` at the top of a module is 2 when the second execution starts: a correct program fails, and an
object that is made at most once is never made again. Each object is put back in place, for others may refer to it.

Not put back: what C code keeps to itself (generators, files, connections), and the standard library's own state but
that of ``random``.
"""

from __future__ import annotations

import _random
import functools
import importlib
import itertools
import os
import random
import site
import sys
import sysconfig
from ast import literal_eval
from collections import OrderedDict, deque
from collections.abc import Callable, Container, Iterable, Iterator
from functools import partial
from operator import is_
from types import (
    BuiltinMethodType,
    CellType,
    FunctionType,
    MappingProxyType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any

from torture.instrument.learn import NEVER
from torture.isolation.fill import FILL

_MOST = 50_000  # objects that are looked at
_TOGETHER = 16  # containers: where one of them has changed, each is looked at
_FIRST, _EVERY = 64, 64
_NAMESPACE = ModuleType  # the kind of a dictionary with names
_HEAP_TYPE = 1 << 9  # in the __flags__ of a class that a ``class`` statement made
_OURS = NEVER - {"weakref", "_weakrefset"} | {"typing", "__main__"}
_QUEUES = "torture.runtime.patching"  # what stands there for a class of the standard library
_CACHED: type = type(functools.cache(len))
_EMPTY: Any = object()  # what an unbound cell or slot holds
_COUNT = type(itertools.count())

PutBack = Callable[[], None]


def programs_modules(own: str = "", ran: Container[str] | None = None) -> list[ModuleType]:
    """Return the modules that are loaded and neither the standard library's nor what runs the exploration.

    Where it is known which ones ``ran``, of those outside the folder of the module ``own`` only these: a program may
    import hundreds, which nothing changes.
    """
    folder = os.path.dirname(os.path.realpath(getattr(sys.modules.get(own), "__file__", None) or "")) + os.sep
    library = tuple(
        {os.path.realpath(sysconfig.get_path(name)) + os.sep for name in ("stdlib", "platstdlib")}
    )
    installed = tuple(os.path.realpath(folder) + os.sep for folder in site.getsitepackages())
    found = []
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not isinstance(module, ModuleType) or not file or _ours(name):
            continue
        path = os.path.realpath(file)
        is_installed = path.startswith(installed)
        if not path.endswith(".py") or (path.startswith(library) and not is_installed):
            continue
        if ran is None or name in ran or (path.startswith(folder) and not is_installed):
            found.append(module)
    return found


def import_again(names: Iterable[str]) -> None:
    """Import modules anew: an execution that imported them itself has left its traces there."""
    old = {name: sys.modules.pop(name) for name in names}
    try:
        for name in old:
            importlib.import_module(name)
    except Exception:  # one that can be imported only once
        sys.modules.update(old)


class _Together:
    """Containers of one kind, looked at together before each execution: nearly always none of them has changed.

    They are compared by identity: nothing may run the code of the objects in them.
    """

    __slots__ = ("_containers", "_found", "_put_back", "_size", "_sizes", "_walks", "changes")

    def __init__(self, kind: Any, containers: list[Any], put_back: list[PutBack]) -> None:
        self.changes = False  # whether an execution has changed one of them
        self._containers = containers
        self._put_back = put_back
        self._size = len if kind is _NAMESPACE else kind.__len__
        # A name that takes the place of another one with the same value is not looked for in namespaces and classes.
        walks: dict[Any, tuple[Callable[[Any], Any], ...]] = {
            _NAMESPACE: (dict.values,),
            MappingProxyType: (MappingProxyType.values,),
            dict: (dict.__iter__, dict.values),
            OrderedDict: (OrderedDict.__iter__, OrderedDict.values),
        }
        self._walks = walks.get(kind) or (kind.__iter__,)
        self._note()

    def restore(self) -> None:
        if self._is_same():
            return
        self.changes = True
        for put_back in self._put_back:
            put_back()
        self._note()

    def _note(self) -> None:
        self._sizes = list(map(self._size, self._containers))
        self._found = [list(self._all(walk)) for walk in self._walks]

    def _is_same(self) -> bool:
        return list(map(self._size, self._containers)) == self._sizes and all(
            all(map(is_, self._all(walk), found))
            for walk, found in zip(self._walks, self._found, strict=True)
        )

    def _all(self, walk: Callable[[Any], Iterable[Any]]) -> Iterator[Any]:
        return itertools.chain.from_iterable(map(walk, self._containers))


class _Alone:
    """A cell or a slot."""

    __slots__ = ("_put_back", "_read", "_value", "changes")

    def __init__(self, read: Callable[[], Any], value: Any, put_back: PutBack) -> None:
        self.changes = False  # whether an execution has changed it
        self._read = read
        self._value = value
        self._put_back = put_back

    def restore(self) -> None:
        if self._read() is not self._value:
            self.changes = True
            self._put_back()


class Globals:
    """The state of modules, and of a function's closure, as it is now."""

    def __init__(self, modules: Iterable[ModuleType], function: object = None) -> None:
        modules = list(modules)
        self._names = {module.__name__ for module in modules}
        self._put_back: list[PutBack] = []
        self._containers: dict[Any, list[tuple[Any, PutBack]]] = {}
        self._kept: list[_Together | _Alone] = []
        self._changing = self._kept  # those of which an execution has changed something
        self._count = 0  # executions
        self._without: list[dict[Any, Any]] = []  # dictionaries that were empty: most of them remain so
        self._seen: dict[int, object] = {}
        self._left: list[object] = [function]
        self._filled = False  # whether one of them was
        self._caches: list[Any] = []  # of results
        self._draws = False  # whether they use the numbers that ``random`` makes
        for module in modules:
            self._namespace(vars(module))
        while self._left and len(self._seen) < _MOST:
            self._keep(self._left.pop())
        self._seen.clear()
        if self._draws:
            self._put_back.append(partial(random.setstate, random.getstate()))
        for kind, kept in self._containers.items():
            for at in range(0, len(kept), _TOGETHER):
                containers, put_back = zip(*kept[at : at + _TOGETHER], strict=True)
                self._kept.append(_Together(kind, list(containers), list(put_back)))
        self._containers.clear()

    def restore(self, *, lightly: bool = False) -> None:
        """Put everything back that is not as it was.

        ``lightly``: what no execution has changed so far is looked at in one of ``_EVERY`` executions only.
        """
        self._count += 1
        if lightly and self._count > _FIRST and self._count % _EVERY:
            for kept in self._changing:
                kept.restore()
            for put_back in self._put_back:
                put_back()
            return
        for kept in self._kept:
            kept.restore()
        self._changing = [kept for kept in self._kept if kept.changes]
        if any(self._without):
            self._put_back += [each.clear for each in self._without if each]  # from now on each time
            self._without = [each for each in self._without if not each]
            self._filled = True
        for put_back in self._put_back:
            put_back()

    @property
    def changed(self) -> bool:
        """Tell whether something had to be put back so far, or results are cached now."""
        return (
            self._filled
            or any(kept.changes for kept in self._kept)
            or any(cache.cache_info().currsize for cache in self._caches)
        )

    def _keep(self, obj: Any) -> None:
        """Note how to put one object back, and what it refers to."""
        if id(obj) in self._seen:
            return
        self._seen[id(obj)] = obj
        kind = type(obj)
        if issubclass(kind, (list, dict, set, deque, bytearray)):
            self._container(obj)
        elif kind in (tuple, frozenset):
            self._left += obj
        elif kind is FunctionType:
            self._function(obj)
        elif kind is MethodType:
            self._left += (obj.__self__, obj.__func__)
        elif kind in (staticmethod, classmethod):
            self._left.append(obj.__func__)
        elif kind is property:
            self._left += (obj.fget, obj.fset, obj.fdel)
        elif kind is partial:
            self._left += (obj.func, *obj.args, *obj.keywords.values())
        elif kind is _CACHED:
            self._left.append(obj.__wrapped__)
            if not obj.cache_info().currsize:
                self._put_back.append(obj.cache_clear)
                self._caches.append(obj)
        elif issubclass(kind, type):
            if obj.__module__ in self._names:
                self._class(obj)
            return
        if kind.__flags__ & _HEAP_TYPE and (kind.__module__ == _QUEUES or not _ours(kind.__module__)):
            self._instance(obj)

    def _namespace(self, names: dict[str, Any]) -> None:
        """Keep a module's names; they are put back one by one, for the module is in use."""
        kept = {name: value for name, value in names.items() if not special(name)}
        self._left += kept.values()
        self._draws = self._draws or any(map(_draws, kept.values()))
        self._counts(kept, names.__setitem__)

        def put_back() -> None:
            for name in [name for name in names if name not in kept and not special(name)]:
                del names[name]
            for name, value in kept.items():
                if names.get(name, _EMPTY) is not value:
                    names[name] = value

        self._contain(_NAMESPACE, names, put_back)

    def _class(self, cls: Any) -> None:
        attributes = cls.__dict__
        kept = {name: value for name, value in attributes.items() if not special(name)}
        self._left += kept.values()
        self._counts(kept, partial(type.__setattr__, cls))

        def put_back() -> None:
            for name in [name for name in attributes if name not in kept and not special(name)]:
                type.__delattr__(cls, name)
            for name, value in kept.items():
                if attributes.get(name, _EMPTY) is not value:
                    type.__setattr__(cls, name, value)

        self._contain(MappingProxyType, attributes, put_back)

    def _counts(self, kept: dict[str, Any], put: Callable[[str, Any], None]) -> None:
        """Have counters of the names start again where they were; they cannot be set, so others take their place."""
        for name, value in kept.items():
            if type(value) is _COUNT:
                told = repr(value)
                start = literal_eval(told.removeprefix("count").replace(")", ",)"))

                def put_back(name: str = name, told: str = told, start: tuple[int, ...] = start) -> None:
                    if repr(kept[name]) != told:
                        kept[name] = itertools.count(*start)
                        put(name, kept[name])

                self._put_back.append(put_back)

    def _function(self, function: FunctionType) -> None:
        if _ours(function.__globals__.get("__name__")):
            return
        if function.__module__ in self._names:
            self._attributes(function.__dict__)
        self._left += function.__defaults__ or ()
        self._left += (function.__kwdefaults__ or {}).values()
        for cell in function.__closure__ or ():
            self._cell(cell)

    def _cell(self, cell: CellType) -> None:
        if id(cell) in self._seen:
            return
        self._seen[id(cell)] = cell
        value = contents(cell)
        self._left.append(value)

        def put_back() -> None:
            if value is _EMPTY:
                del cell.cell_contents
            else:
                cell.cell_contents = value

        self._kept.append(_Alone(partial(contents, cell), value, put_back))

    def _instance(self, obj: Any) -> None:
        if issubclass(type(obj), random.Random):
            numbers: Any = _random.Random  # a subclass may refuse: that of the system has no state
            self._put_back.append(partial(numbers.setstate, obj, numbers.getstate(obj)))
        try:
            attributes = object.__getattribute__(obj, "__dict__")
        except AttributeError:
            attributes = None
        if type(attributes) is dict:
            self._attributes(attributes)
        for base in type(obj).__mro__:
            if "__slots__" not in vars(base):
                continue  # members of a class in C may be read-only, or must not change behind its back
            for member in vars(base).values():
                if type(member) is MemberDescriptorType:
                    self._slot(obj, member)

    def _slot(self, obj: Any, member: MemberDescriptorType) -> None:
        def read() -> Any:
            try:
                return member.__get__(obj)
            except AttributeError:
                return _EMPTY

        value = read()
        self._left.append(value)

        def put_back() -> None:
            if value is _EMPTY:
                member.__delete__(obj)
            else:
                member.__set__(obj, value)

        self._kept.append(_Alone(read, value, put_back))

    def _attributes(self, attributes: dict[Any, Any]) -> None:
        if attributes:
            self._container(attributes)
        else:
            self._without.append(attributes)

    def _container(self, obj: Any) -> None:
        base: Any = next(base for base in FILL if issubclass(type(obj), base))
        if obj is sys.modules:
            return
        fill = FILL[base]
        if issubclass(base, dict):
            self._mapping(obj, base, fill)
            return
        items = list(base.__iter__(obj))
        if base is bytearray:
            self._put_back.append(partial(fill, obj, items))
            return
        self._left += items
        if base is set and items:
            fill(obj, items)  # from now on it has the order that it has when it is filled at once
        size, walk = base.__len__, base.__iter__
        there = list(walk(obj))

        def put_back() -> None:
            if size(obj) != len(there) or not all(map(is_, walk(obj), there)):
                fill(obj, items)

        self._contain(base, obj, put_back)

    def _contain(self, kind: type, container: Any, put_back: PutBack) -> None:
        self._containers.setdefault(kind, []).append((container, put_back))

    def _mapping(self, obj: Any, base: Any, fill: Callable[[Any, list[Any]], None]) -> None:
        items = list(base.items(obj))
        keys, values = [key for key, _ in items], [value for _, value in items]
        self._left += keys
        self._left += values
        size, walk, each = base.__len__, base.__iter__, base.values

        def put_back() -> None:
            same = size(obj) == len(keys) and all(map(is_, walk(obj), keys))
            if not (same and all(map(is_, each(obj), values))):
                fill(obj, items)

        self._contain(base, obj, put_back)


def _ours(module: object) -> bool:
    """Tell whether a module is the exploration's: what it keeps goes on from execution to execution."""
    return str(module).partition(".")[0] in _OURS


def special(name: str) -> bool:
    """Tell whether a name is the interpreter's, like ``__file__``."""
    return name.startswith("__") and name.endswith("__")


def _draws(value: Any) -> bool:
    """Tell whether a value is :mod:`random`, or one of its functions."""
    is_method = type(value) in (MethodType, BuiltinMethodType)
    return value is random or (is_method and type(value.__self__) is random.Random)


def contents(cell: CellType) -> Any:
    """Return what a cell holds, a mark of its own for an unbound one."""
    try:
        return cell.cell_contents
    except ValueError:
        return _EMPTY
