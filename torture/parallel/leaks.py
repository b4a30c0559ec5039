"""Sees what executions leave open: file descriptors whose number grows from execution to execution, and who opened them.

Descriptors are counted after each execution; only when they have grown is every opening watched, because an audit hook
costs time and stays for ever.
"""

from __future__ import annotations

import gc
import os
import sys
import sysconfig
from collections import deque
from types import FrameType
from typing import Any

_FOLDER = "/proc/self/fd"
_WARM_UP = 2  # executions that may open what stays open for good
_SEVERAL = 4  # descriptors more than after the warm-up before it counts as growth
_REMEMBERED = 10_000  # openings
_STDLIB = (sysconfig.get_paths()["stdlib"] + os.sep, "<frozen")
_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class Descriptors:
    """Counts the file descriptors of this process, execution by execution."""

    def __init__(self) -> None:
        self._executions = 0
        self._first: frozenset[int] = frozenset()
        self._since = 0  # executions, when ``_first`` was taken
        self._watching = False
        self._openings: deque[tuple[str, str]] = deque(maxlen=_REMEMBERED)  # what, where

    def count(self) -> None:
        """Count after an execution."""
        self._executions += 1
        if self._executions <= _WARM_UP:
            self._first, self._since = _open_now(), self._executions
        elif not self._watching and len(_open_now()) >= len(self._first) + _SEVERAL:
            self._watching = True
            sys.addaudithook(self._audit)

    def stop(self) -> None:
        """Watch no more."""
        self._watching = False

    def leak(self) -> str:
        """Return what is left open by every other execution at least, "" for nothing."""
        executions = self._executions - self._since
        if len(_open_now()) < len(self._first) + _SEVERAL:
            return ""
        gc.collect()  # what a cycle keeps open is closed some day
        left = _open_now() - self._first
        if len(left) < max(_SEVERAL, executions // 2):
            return ""
        targets = [target for target in map(_target, sorted(left)) if target]
        what, where = self._opened(targets)
        place = f", opened at {where}" if where else ""
        return (
            f"leak: {len(left)} file descriptors more after {executions} executions, such as"
            f" {what}{place}: close them"
        )

    def _opened(self, targets: list[str]) -> tuple[str, str]:
        """Return one of the targets, one whose opening was seen if there is one, and where that was."""
        for what, where in reversed(self._openings):
            for target in targets:
                if target == what or (what == "socket:" and target.startswith(what)):
                    return target, where
        return (targets[-1] if targets else "one without a name"), ""

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._watching or event not in ("open", "socket.__new__"):
            return
        what = "socket:"
        if event == "open":
            if not isinstance(arguments[0], str | bytes):
                return
            what = os.path.realpath(os.fsdecode(arguments[0]))
        self._openings.append((what, place_of(sys._getframe(1))))


def place_of(frame: FrameType | None) -> str:
    """Return file, line and function of a frame's innermost caller that is the program's own, "" for none."""
    while frame is not None:
        code = frame.f_code
        if is_own(code.co_filename):
            return f"{code.co_filename}:{frame.f_lineno} in {code.co_qualname}"
        frame = frame.f_back
    return ""


def is_own(file: str) -> bool:
    """Tell whether a file is neither the standard library's nor torture's."""
    return "site-packages" in file or not file.startswith((*_STDLIB, _OURS))


def _open_now() -> frozenset[int]:
    """Return the open descriptors, none where the system does not tell."""
    try:
        return frozenset(map(int, os.listdir(_FOLDER)))
    except OSError:
        return frozenset()


def _target(descriptor: int) -> str:
    """Return what a descriptor stands for, "" where it is gone (the listing's own)."""
    try:
        return os.readlink(f"{_FOLDER}/{descriptor}")
    except OSError:
        return ""
