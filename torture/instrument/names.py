"""Which names code may write: a name that nobody writes needs no scheduling point where it is read."""

from __future__ import annotations

import opcode
from collections.abc import Iterable
from types import CodeType

from torture.instrument.cells import nested_code
from torture.instrument.opcodes import EXTENDED_ARG, op, ops

_WRITES = ops("STORE_ATTR", "DELETE_ATTR", "STORE_GLOBAL", "DELETE_GLOBAL")
_CONSTANTS = frozenset(number for number in opcode.hasconst if number < 256) - ops("KW_NAMES")
_MAKES_FUNCTION = ops("MAKE_FUNCTION", "SET_FUNCTION_ATTRIBUTE")
_STORE_NAME, _LIST_EXTEND, _CALL_KW = op("STORE_NAME"), op("LIST_EXTEND"), op("CALL_KW")
_DESCRIPTIVE = frozenset({"__doc__", "__qualname__", "__module__", "__all__", "__static_attributes__"})
_REFLECTIVE = frozenset(
    {"setattr", "delattr", "__setattr__", "__delattr__", "exec", "vars", "globals", "__dict__"},
)


def written_names(code: CodeType) -> frozenset[str]:
    """Return the attribute and global names that ``code`` stores or deletes, and all it could by a string.

    That is every identifier among its string constants (``setattr(o, "x", 1)``), those in constant
    tuples included; not docstrings, names of classes, ``__all__`` and keyword names of calls.
    """
    names: set[str] = set()
    _collect(code, names)
    return frozenset(names)


def is_reflective(code: CodeType) -> bool:
    """Say whether ``code`` uses ``setattr``, ``__dict__``, ``exec`` or their like by name."""
    return not _REFLECTIVE.isdisjoint(code.co_names) or any(map(is_reflective, nested_code(code)))


def looks_at_deaths(code: CodeType) -> bool:
    """Say whether ``code`` imports weak references or defines a finaliser: it may see when objects die."""
    return (
        "weakref" in code.co_names
        or code.co_name == "__del__"
        or any(map(looks_at_deaths, nested_code(code)))
    )


def _collect(code: CodeType, names: set[str]) -> None:
    instructions = _instructions(code.co_code)
    consts = code.co_consts
    for at, (number, arg) in enumerate(instructions):
        if number in _WRITES:
            names.add(code.co_names[arg])
        elif number in _CONSTANTS and not _is_descriptive(code, instructions, at):
            names.update(_identifiers(consts[arg]))
    for nested in nested_code(code):
        _collect(nested, names)


def _instructions(raw: bytes) -> list[tuple[int, int]]:
    """Return what of ``raw`` is not a cache: those read as opcode 0, which no code contains."""
    if EXTENDED_ARG not in raw[::2]:
        return [(number, arg) for number, arg in zip(raw[::2], raw[1::2], strict=True) if number]
    found: list[tuple[int, int]] = []
    high = 0
    for number, byte in zip(raw[::2], raw[1::2], strict=True):
        arg = byte | high
        high = arg << 8 if number == EXTENDED_ARG else 0
        if number and number != EXTENDED_ARG:
            found.append((number, arg))
    return found


def _is_descriptive(code: CodeType, instructions: list[tuple[int, int]], at: int) -> bool:
    """Say whether the constant at ``at`` only describes: docstring, class name, ``__all__``, keywords."""
    following = instructions[at + 1 : at + 3]
    if following and following[0][0] == _LIST_EXTEND:
        following = following[1:]
    if following and following[0][0] == _STORE_NAME:
        return code.co_names[following[0][1]] in _DESCRIPTIVE
    if following and following[0][0] == _CALL_KW:
        return True
    if at and instructions[at - 1][0] in _MAKES_FUNCTION:
        value = code.co_consts[instructions[at][1]]
        return any(nested.co_name == value for nested in nested_code(code))
    return False


def _identifiers(constant: object) -> Iterable[str]:
    if isinstance(constant, str):
        return (constant,) if constant.isidentifier() else ()
    if isinstance(constant, tuple | frozenset):
        return [name for element in constant for name in _identifiers(element)]
    return ()
