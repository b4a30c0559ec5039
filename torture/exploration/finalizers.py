"""Tells whether code runs because an object was dropped: in ``__del__``, or in a weak reference's callback.

A callback is known by where its caller stands: at an instruction that calls nothing, and can only have dropped
something. One that runs inside a call, or when a function returns, is taken for a part of that call.
"""

from __future__ import annotations

import opcode
from functools import cache
from types import CodeType, FrameType

_DROPS = frozenset(
    number
    for name, number in opcode.opmap.items()
    if name.startswith(("STORE_FAST", "DELETE_FAST", "POP_TOP"))
    or name.partition("_")[0] in ("STORE", "DELETE")
    and name.endswith(("_DEREF", "_GLOBAL", "_NAME"))
)


def in_finalizer(frame: FrameType | None) -> bool:
    """Tell whether a frame, or one that it was called by, is a finaliser's."""
    while frame is not None:
        if frame.f_code.co_name == "__del__":
            return True
        caller = frame.f_back
        if caller is not None and _instructions(caller.f_code)[caller.f_lasti] in _DROPS:
            return True
        frame = caller
    return False


@cache
def _instructions(code: CodeType) -> bytes:
    return code.co_code  # made anew at every access
