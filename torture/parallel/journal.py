"""What the current execution has recorded, call by call, in a file that outlives the process: a crash leaves no time to write.

Each row is one ``marshal`` value, appended in one write: nothing of the program's and nothing that is disturbed is
called. An object is written as a tuple of its class's name and its address, and gets its name when the rows are read.
"""

from __future__ import annotations

import contextlib
import marshal
import os
from collections.abc import Iterator
from typing import Any

from torture.trace.history import Call, lines

_SUFFIX = ".unfinished"  # of the file beside the history
_dumps, _write = marshal.dumps, os.write


class Journal:
    """Written by the worker."""

    def __init__(self, history: str) -> None:
        self._file = history + _SUFFIX
        self._descriptor = os.open(self._file, os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_WRONLY, 0o666)

    def begin(self, execution: int) -> None:
        """Begin an execution: what stands there was written elsewhere."""
        os.ftruncate(self._descriptor, 0)
        self._append(execution)

    def add(self, call: tuple[int, int], **fields: Any) -> None:
        """Add what is known now of a call, which ``call`` identifies; the fields are those of a :class:`Call`."""
        self._append((call, fields))

    def _append(self, row: Any) -> None:
        _write(self._descriptor, _dumps(row))

    def close(self) -> None:
        """Forget it: everything is in the history."""
        os.close(self._descriptor)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._file)


def recover(history: str) -> str:
    """Add to a history what a process that died had recorded; return the sentence that says so, "" for nothing."""
    try:
        with open(history + _SUFFIX, "rb") as stream:
            execution, *rows = _rows(stream)
    except (FileNotFoundError, ValueError):  # nothing, or not even the execution
        return ""
    calls: dict[tuple[int, int], dict[str, Any]] = {}
    for call, fields in rows:
        if "called" in fields:
            calls[call] = fields
        elif call in calls:  # else it began in an earlier execution
            calls[call] |= fields
    names = _Names()
    found = []
    for fields in sorted(calls.values(), key=lambda fields: int(fields["called"])):
        named = names.within(fields)
        found.append(Call(execution=execution, **{**named, "instance": named["instance"]["object"]}))
    with open(history, "a", encoding="utf-8") as stream:
        stream.writelines(line + "\n" for line in lines(found))
    os.unlink(history + _SUFFIX)
    pending = sum(call.returned is None for call in found)
    return (
        f"the history ends with what was recorded of execution {execution}, which did not end:"
        f" {len(found)} calls, {pending} of them without a return"
    )


def _rows(stream: Any) -> Iterator[Any]:
    while True:
        try:
            yield marshal.load(stream)
        except (EOFError, ValueError, TypeError):  # the last row may not be whole
            return


class _Names:
    """Gives the objects of an execution names, in the order of first sight."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, int], str] = {}
        self._counts: dict[str, int] = {}

    def within(self, value: Any) -> Any:
        """Return a value with names in place of addresses."""
        if type(value) is tuple:
            return {"object": self._of(value)}
        if type(value) is list:
            return [self.within(each) for each in value]
        if type(value) is dict:
            return {key: self.within(each) for key, each in value.items()}
        return value

    def _of(self, place: tuple[str, int]) -> str:
        if place not in self._names:
            kind = place[0]
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._names[place] = f"{kind}#{self._counts[kind]}"
        return self._names[place]
