"""The running interpreter's opcodes, and the few byte sequences whose layout differs between versions."""

from __future__ import annotations

import opcode
import sys
from collections.abc import Iterable
from typing import Any

_MAP = opcode.opmap
# Whether the stack of a call is [callable, NULL, ...]; up to 3.12 it is [NULL, callable, ...].
CALLABLE_FIRST = sys.version_info >= (3, 13)
ABSENT = -1


def op(name: str) -> int:
    """Return the number of ``name``, ``ABSENT`` where this version has no such opcode."""
    return _MAP.get(name, ABSENT)


def ops(*names: str) -> frozenset[int]:
    """Return the numbers of those ``names`` that this version has."""
    return frozenset(_MAP[name] for name in names if name in _MAP)


def _inline_caches() -> tuple[int, ...]:
    table: Any = vars(opcode)["_inline_cache_entries"]  # a list by number up to 3.12, a dict by name since
    if isinstance(table, dict):
        return tuple(table.get(opcode.opname[number], 0) for number in range(256))
    return tuple(table)


CACHES = _inline_caches()
_CACHE_BYTES = tuple(bytes(2 * count) for count in CACHES)

EXTENDED_ARG = op("EXTENDED_ARG")
LOAD_CONST = op("LOAD_CONST")
COPY = op("COPY")
JUMPS = frozenset(number for number in opcode.hasjrel if number < 256)
BACKWARD = frozenset(number for number in JUMPS if "BACKWARD" in opcode.opname[number])
# 3.11 only: conditional jumps backwards, and the forward jump on the opposite condition.
INVERTED = {
    op(f"POP_JUMP_BACKWARD_IF_{condition}"): op(f"POP_JUMP_FORWARD_IF_{opposite}")
    for pair in (("TRUE", "FALSE"), ("NONE", "NOT_NONE"))
    for condition, opposite in (pair, pair[::-1])
    if f"POP_JUMP_BACKWARD_IF_{condition}" in _MAP
}
LOAD_CELL = op("LOAD_CLOSURE") if op("LOAD_CLOSURE") in range(256) else op("LOAD_FAST")


def encode(number: int, arg: int, width: int = 0) -> bytes:
    """Return one instruction with its caches, in at least ``width`` code units (caches counted)."""
    prefix: tuple[int, ...] = ()
    rest = arg >> 8
    while rest or len(prefix) // 2 + 1 + CACHES[number] < width:
        prefix = (EXTENDED_ARG, rest & 255, *prefix)
        rest >>= 8
    return bytes((*prefix, number, arg & 255)) + _CACHE_BYTES[number]


def swap(depth: int) -> bytes:
    """Return what exchanges the top of the stack with what is ``depth`` from the top, itself counted."""
    return encode(op("SWAP"), depth)


PUSH_NULL = encode(op("PUSH_NULL"), 0)
POP_TOP = encode(op("POP_TOP"), 0)
_AFTER_CALLABLE = PUSH_NULL if CALLABLE_FIRST else b""
_BEFORE_CALLABLE = b"" if CALLABLE_FIRST else PUSH_NULL
# What turns a plain attribute load into the two stack slots that a method load leaves.
NULL_BESIDE = PUSH_NULL if CALLABLE_FIRST else PUSH_NULL + swap(2)


def begin_call(load: bytes) -> bytes:
    """Return what pushes the callable that ``load`` loads, and the NULL that belongs to it."""
    return _BEFORE_CALLABLE + load + _AFTER_CALLABLE


def end_call(count: int) -> bytes:
    """Return the call with ``count`` positional arguments."""
    precall = encode(op("PRECALL"), count) if op("PRECALL") != ABSENT else b""
    return precall + encode(op("CALL"), count)


def copies(depths: Iterable[int]) -> bytes:
    """Return a COPY of each of ``depths``, which count from the top at the time of that COPY."""
    return b"".join(encode(COPY, depth) for depth in depths)
