"""``match`` statements, as the interpreter executes them: one read for each key and each attribute that a pattern names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_MATCHES_SELF = 1 << 22  # the flag of classes such as ``int``: ``int(n)`` binds the whole
_MISSING = object()


def values_of(
    subject: Any, keys: tuple[Any, ...], read: Callable[[Any, Any], None]
) -> tuple[Any, ...] | None:
    """Return the values of a mapping's keys, None where one is missing; ``read`` is called before each is read."""
    values = []
    for count, key in enumerate(keys):
        if key in keys[:count]:
            raise ValueError(f"mapping pattern checks duplicate key ({key!r})")
        read(subject, key)
        value = subject.get(key, _MISSING)
        if value is _MISSING:
            return None
        values.append(value)
    return tuple(values)


def attributes_of(
    subject: Any, of: Any, names: tuple[str, ...], positional: int, read: Callable[[Any, str], None]
) -> tuple[Any, ...] | None:
    """Return the attributes that ``of(a, b, name=c)`` names, None where the subject does not match.

    ``read`` is called before each is read.
    """
    if not isinstance(of, type):
        raise TypeError("called match pattern must be a class")
    if not isinstance(subject, of):
        return None
    found: list[Any] = []
    if positional:
        known: Any = getattr(of, "__match_args__", None)
        whole = known is None and bool(of.__flags__ & _MATCHES_SELF)
        known = () if known is None else known
        if type(known) is not tuple:
            raise TypeError(f"{of.__name__}.__match_args__ must be a tuple (got {type(known).__name__})")
        allowed = 1 if whole else len(known)
        if allowed < positional:
            plural = "" if allowed == 1 else "s"
            raise TypeError(
                f"{of.__name__}() accepts {allowed} positional sub-pattern{plural} ({positional} given)"
            )
        if whole:
            found.append(subject)
        else:
            for name in known[:positional]:
                if type(name) is not str:
                    raise TypeError(f"__match_args__ elements must be strings (got {type(name).__name__})")
            names = (*known[:positional], *names)
    for count, name in enumerate(names):
        if name in names[:count]:
            raise TypeError(f"{of.__name__}() got multiple sub-patterns for attribute {name!r}")
        read(subject, name)
        value = getattr(subject, name, _MISSING)
        if value is _MISSING:
            return None
        found.append(value)
    return tuple(found)
