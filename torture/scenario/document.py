"""A YAML file as plain values, with the line on which each of them stands.

Built from PyYAML's events, not with its constructors: so every value has a line, a repeated key is
seen, nesting is bounded, and the text can make nothing but plain values. Plain scalars follow the
core schema of YAML 1.2; what 1.1 and 1.2 read differently (``yes``, ``off``) is an error.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from torture.errors import UsageError

Place = tuple[str | int, ...]  # keys and indices from the root to a value

_DEPTH_LIMIT = 32
_SHOWN = 60  # characters of a value
_INT = re.compile(r"[-+]?[0-9]+|0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_CONSTANTS: dict[str, bool | None] = {
    word: value
    for lower, value in {"true": True, "false": False, "null": None}.items()
    for word in (lower, lower.title(), lower.upper())
} | {"": None, "~": None}
_AMBIGUOUS = frozenset({"yes", "no", "on", "off"})


@dataclass(frozen=True, slots=True)
class Document:
    """The values of one file; ``lines`` knows every place in it, a mapping's entry by its key."""

    file: str
    value: Any
    lines: dict[Place, int]

    def line(self, place: Place) -> int:
        """Return the line of a place, or of the nearest one around it."""
        while place not in self.lines and place:
            place = place[:-1]
        return self.lines.get(place, 1)

    def where(self, place: Place) -> str:
        """Return ``file:line`` of a place."""
        return f"{self.file}:{self.line(place)}"

    def error(self, place: Place, message: str) -> UsageError:
        """Return the error that names a place."""
        return UsageError(f"{self.where(place)}: {message}")


def suggestion(word: object, choices: Collection[str]) -> str:
    """Return the cure for an unknown word: the nearest choice, or all of them."""
    near = difflib.get_close_matches(str(word), choices, n=1)
    return f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(sorted(choices)) or 'none'}"


def show(value: object) -> str:
    """Return a value in one short line, as an error names it."""
    if isinstance(value, dict | list):
        return f"(a {'mapping' if isinstance(value, dict) else 'list'} of {len(value)})"
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def read(path: str) -> Document:
    """Read a YAML file. Raises UsageError, with file and line where there is one."""
    if not Path(path).exists():
        near = difflib.get_close_matches(Path(path).name, siblings(path), n=1)
        cure = (
            f"did you mean '{Path(path).with_name(near[0])}'?" if near else "give the path of a scenario file"
        )
        raise UsageError(f"{path}: no such file; {cure}")
    if not Path(path).is_file():
        raise UsageError(f"{path}: is not a file; give the scenario file itself")
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); mend its permissions") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start]
        raise UsageError(f"{path}:{line}: byte 0x{byte:02x} is not UTF-8; save the file as UTF-8") from None
    return _Reader(path, text).document()


def siblings(path: str) -> list[str]:
    """Return the names in the folder of a path, none where it cannot be listed."""
    try:
        return sorted(entry.name for entry in Path(path).parent.iterdir())
    except OSError:
        return []


class _Reader:
    """Turns the events of one file into values."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._text = text
        self._lines: dict[Place, int] = {}
        self._events: yaml.SafeLoader

    def document(self) -> Document:
        line = 1
        try:
            self._events = yaml.SafeLoader(self._text)
            return self._document()
        except yaml.reader.ReaderError as error:
            line = self._text.count("\n", 0, error.position) + 1
            problem = f"character {chr(error.character)!r} is not allowed; remove it"
            raise UsageError(f"{self._file}:{line}: {problem}") from None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, problem = (mark.line + 1 if mark else 1), error.problem or error.context or "unreadable"
        except (ValueError, OverflowError):  # PyYAML hands an escape such as "\UFFFFFFFF" straight to chr()
            line, problem = self._events.get_mark().line + 1, "an escape names no character"
        lines = self._text.splitlines() or [""]
        line = min(line, len(lines))  # a mark at the end of the text is one further
        value = show(lines[line - 1].strip())
        raise UsageError(
            f"{self._file}:{line}: {value} is not YAML ({problem}); mend it, or quote the text"
        ) from None

    def _document(self) -> Document:
        self._next()  # the stream's start
        if isinstance(self._next(), yaml.StreamEndEvent):
            raise self._error(1, "the file is empty; give it 'scenarios:' or 'include:'")
        value = self._value(self._next(), ())
        self._next()  # the document's end
        further = self._next()
        if not isinstance(further, yaml.StreamEndEvent):
            line = further.start_mark.line + 1
            raise self._error(line, "'---' begins a second document; write one file for each")
        return Document(self._file, value, self._lines)

    def _next(self) -> Any:  # the stubs know no common type of the events
        return self._events.get_event()  # type: ignore[no-untyped-call]

    def _error(self, line: int, message: str) -> UsageError:
        return UsageError(f"{self._file}:{line}: {message}")

    def _value(self, event: Any, place: Place) -> Any:
        line = event.start_mark.line + 1
        self._lines[place] = line
        if isinstance(event, yaml.AliasEvent):
            raise self._error(line, f"alias '*{event.anchor}' is not supported; write the value out")
        if event.anchor is not None:
            raise self._error(line, f"anchor '&{event.anchor}' is not supported; write the value out")
        if event.tag is not None:
            raise self._error(line, f"tag {event.tag!r} is not supported; leave it out")
        if len(place) >= _DEPTH_LIMIT:
            raise self._error(line, f"the value is nested more than {_DEPTH_LIMIT} deep; flatten it")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, line)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Any] = []
            while not isinstance(event := self._next(), yaml.SequenceEndEvent):
                items.append(self._value(event, (*place, len(items))))
            return items
        return self._mapping(place)

    def _mapping(self, place: Place) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            line = event.start_mark.line + 1
            if not isinstance(event, yaml.ScalarEvent):
                raise self._error(line, "a key that is not a word is not supported; write 'key: value'")
            key = self._scalar(event, line)
            if not isinstance(key, str):
                raise self._error(line, f"key {show(key)} is not text; put it in quotes")
            if key in entries:
                first = self._lines[(*place, key)]
                raise self._error(line, f"key {key!r} is already on line {first}; remove one of them")
            value = self._value(self._next(), (*place, key))
            entries[key] = value
            self._lines[(*place, key)] = line
        return entries

    def _scalar(self, event: Any, line: int) -> Any:
        text: str = event.value
        try:
            text.encode()
        except UnicodeEncodeError:  # made by an escape; no file or terminal takes it
            raise self._error(line, f"{text!r} holds half a character; write the whole one") from None
        if not event.implicit[0]:  # quoted, or a block
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if text.lower() in _AMBIGUOUS:
            raise self._error(line, f"plain {text!r} is ambiguous; write true or false, or put it in quotes")
        if _INT.fullmatch(text) and len(text) <= 1000:  # Python refuses longer ones
            return int(text, 0 if text[:2] in ("0x", "0o") else 10)
        if _FLOAT.fullmatch(text):
            return float(text.lower().replace(".", "") if text[-1] in "fFnN" else text)
        return text
