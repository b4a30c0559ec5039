"""Writes down the calls of a component's public methods, for an oracle that judges them afterwards.

A call inside another one of the same thread belongs to that one. Each thread appends to a list of its own; the file is
written between executions, and a journal keeps what an execution has recorded should it never end. Instances and arguments are kept alive until then: an ``id`` must not be used twice.
The instants enclose the call: what recording itself takes makes an interval longer, which can hide a fault from an oracle
and never makes one up.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from io import BufferedWriter, FileIO
from itertools import count
from types import FunctionType
from typing import Any

from torture.parallel.journal import Journal
from torture.parallel.probe import Probe
from torture.trace.history import VERSION, Call, lines

_MOST = 1_000_000  # calls in a file
_DEEPEST = 4  # containers in containers
_LONGEST = 1_000  # items of a container, characters of a text
_PLAIN = (int, float, str, bytes, list, tuple, dict, set, frozenset, type(None))
_clock = time.monotonic_ns


class _Entry:
    """One call of which the result may still come."""

    __slots__ = ("arguments", "called", "instance", "keywords", "operation", "raised", "result", "returned")

    def __init__(self, operation: str, instance: object, arguments: Any, keywords: Any) -> None:
        self.operation = operation
        self.instance = instance
        self.arguments = arguments
        self.keywords = keywords
        self.result: Any = None
        self.raised: str | None = None
        self.returned: int | None = None
        self.called = _clock()


class _Track(threading.local):
    """The calls of one thread in the current execution."""

    def __init__(self) -> None:
        self.inside = False
        self.execution = 0
        self.number = 0  # in the execution
        self.entries: list[_Entry] = []


class History:
    """Records components into a file."""

    def __init__(self, file: str, head: dict[str, Any]) -> None:
        self.full = False  # there was more than the file may hold
        self._stream = BufferedWriter(FileIO(file, "w"))
        self._stream.write(json.dumps({"history": VERSION, **head}).encode() + b"\n")
        self._probe = Probe(self._recorded)
        self._local = _Track()
        self._execution = 1
        self._written = 0
        self._all: list[tuple[str, list[_Entry]]] = []  # appended by the threads: one atomic step each
        self._numbers = count()  # of the threads' tracks
        self._constants: dict[int, str] = {}
        self._searched: set[str] = set()  # modules whose constants are known
        self._journal = Journal(file)
        self._journal.begin(self._execution)

    @property
    def refused(self) -> str:
        """Which component could not be recorded, and why."""
        return self._probe.refused

    def recorded(self, component: Any) -> Any:
        """Return the component, a class or a factory, with every public method of what it makes recorded."""
        return self._probe.around(component)

    def end(self, execution: int) -> None:
        """Write what an execution has recorded; to be called between executions, with the number of the next one."""
        everything, self._all = self._all, []
        names = _Names({type(entry.instance).__module__ for _, entries in everything for entry in entries})
        pending = [(entry.called, thread, entry) for thread, entries in everything for entry in list(entries)]
        calls = [
            self._call(thread, entry, names) for _, thread, entry in sorted(pending, key=lambda it: it[0])
        ]
        self._execution = execution
        room = _MOST - self._written
        self.full = self.full or len(calls) > room
        # In one go: a crash of the next execution leaves this one whole.
        self._stream.writelines(line.encode() + b"\n" for line in lines(calls[:room]))
        self._stream.flush()
        self._written += min(len(calls), room)
        self._journal.begin(execution)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        self._journal.close()

    def _call(self, thread: str, entry: _Entry, names: _Names) -> Call:
        return Call(
            execution=self._execution,
            thread=thread,
            instance=names.of(entry.instance),
            operation=entry.operation,
            arguments=[_as_json(value, names.told) for value in entry.arguments],
            keywords={name: _as_json(value, names.told) for name, value in entry.keywords.items()},
            called=entry.called,
            returned=entry.returned,
            result=_as_json(entry.result, names.told),
            raised=entry.raised,
        )

    def _recorded(self, name: str, function: FunctionType) -> Callable[..., Any]:
        local = self._local

        def recorded(*args: Any, **kwargs: Any) -> Any:
            if local.inside:
                return function(*args, **kwargs)
            if local.execution != self._execution:
                local.execution, local.entries = self._execution, []
                local.number = next(self._numbers)
                self._all.append((threading.current_thread().name, local.entries))
            entry = _Entry(name, args[0], _snapshot(args[1:]), _snapshot(kwargs))
            call = (local.number, len(local.entries))
            local.entries.append(entry)
            self._note_call(call, entry)
            local.inside = True
            entry.called = _clock()
            try:
                result = function(*args, **kwargs)
            except BaseException as error:
                entry.returned, entry.raised = _clock(), type(error).__name__
                self._journal.add(call, returned=entry.returned, raised=entry.raised)
                raise
            finally:
                local.inside = False
            entry.returned = _clock()
            entry.result = _snapshot(result)
            self._journal.add(call, returned=entry.returned, result=_as_json(entry.result, self._told))
            return result

        return recorded

    def _note_call(self, call: tuple[int, int], entry: _Entry) -> None:
        """Write down that a call begins, with the instant before the one that counts if the execution ends."""
        module = type(entry.instance).__module__
        if module not in self._searched:
            self._constants.update(_constants(module))
            self._searched.add(module)
        self._journal.add(
            call,
            thread=threading.current_thread().name,
            instance=self._told(entry.instance),
            operation=entry.operation,
            arguments=[_as_json(value, self._told) for value in entry.arguments],
            keywords={name: _as_json(value, self._told) for name, value in entry.keywords.items()},
            called=entry.called,
        )

    def _told(self, value: object) -> Any:
        """Return what stands for an object in the journal, which has no names yet."""
        name = self._constants.get(id(value))
        return (type(value).__name__, id(value)) if name is None else {"object": name}


def _snapshot(value: Any, depth: int = 0) -> Any:
    """Return a copy of containers, which the program may go on to change; what they hold is only looked at later."""
    kind = type(value)
    if kind in (list, tuple, set, frozenset, dict) and depth < _DEEPEST and len(value) <= _LONGEST:
        if kind is dict:
            return {key: _snapshot(each, depth + 1) for key, each in list(value.items())}
        return kind(value) if kind in (set, frozenset) else kind(_snapshot(each, depth + 1) for each in value)
    return value


class _Names:
    """Gives the objects of one execution names, in the order of first sight."""

    def __init__(self, modules: set[str]) -> None:
        """Constants of the components' ``modules``, such as EMPTY, have the names that they have there."""
        self._names = {key: name for module in sorted(modules) for key, name in _constants(module).items()}
        self._counts: dict[str, int] = {}

    def of(self, value: object) -> str:
        """Return the name of an object."""
        name = self._names.get(id(value))
        if name is None:
            kind = type(value).__name__
            self._counts[kind] = self._counts.get(kind, 0) + 1
            name = self._names[id(value)] = f"{kind}#{self._counts[kind]}"
        return name

    def told(self, value: object) -> dict[str, str]:
        """Return what stands for an object in the file."""
        return {"object": self.of(value)}


def _constants(module: str) -> dict[int, str]:
    return {
        id(value): name
        for name, value in vars(sys.modules.get(module, sys)).items()
        if name.isupper() and not isinstance(value, _PLAIN)
    }


def _as_json(value: Any, told: Callable[[object], Any], depth: int = 0) -> Any:
    """Return a value as JSON, and what is ``told`` of an object; no method of the program is called."""
    kind = type(value)
    if value is None or kind in (bool, int, float):
        return value
    if kind is str:
        return value if len(value) <= _LONGEST else value[:_LONGEST] + "…"
    if kind is bytes:
        return {"bytes": value[:_LONGEST].hex()}
    if kind in (list, tuple) and depth < _DEEPEST and len(value) <= _LONGEST:
        return [_as_json(each, told, depth + 1) for each in value]
    if (
        kind is dict
        and depth < _DEEPEST
        and len(value) <= _LONGEST
        and all(type(name) is str for name in value)
    ):
        return {name: _as_json(each, told, depth + 1) for name, each in value.items()}
    return told(value)
