"""Sees what executions leave behind: descriptors and child processes that become more and more, and who made them.

They are counted after each execution; only when they have become more is every opening watched, because an audit hook
costs time and stays for ever.
"""

from __future__ import annotations

import gc
import os
import sys
import sysconfig
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

_FOLDER = "/proc/self/fd"
_WARM_UP = 2  # executions that may open what stays open for good
_SEVERAL = 4  # descriptors more than after the warm-up before it counts as growth
_REMEMBERED = 10_000  # openings
_STDLIB = (sysconfig.get_paths()["stdlib"] + os.sep, "<frozen")
_SOCKET, _CHILD = "socket:", ""  # how the names of those begin
_ANY = (_SOCKET, _CHILD)  # one of them was opened, and which is not known
_STARTS = frozenset({"os.fork", "os.forkpty", "os.posix_spawn", "subprocess.Popen"})
_LONGEST = 60  # characters of a command
_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


@dataclass(frozen=True, slots=True)
class _Seen:
    made: str
    name: Callable[[int], str]  # "" for what is gone
    opening: Callable[
        [str, tuple[Any, ...]], str | None
    ]  # of an audit event: what is opened, None for another event


class Leftovers:
    """Counts what this process has of one kind, execution by execution."""

    def __init__(self, what: str, cure: str, now: Callable[[], frozenset[int]], seen: _Seen) -> None:
        """``now`` says which there are, ``seen`` tells their names and recognises the audit events of openings."""
        self._what = what
        self._cure = cure
        self._now = now
        self._seen = seen
        self._executions = 0
        self._first: frozenset[int] = frozenset()
        self._since = 0  # executions, when ``_first`` was taken
        self._watching = False
        self._openings: deque[tuple[str, str]] = deque(maxlen=_REMEMBERED)  # what, where

    def count(self) -> None:
        """Count after an execution."""
        self._executions += 1
        if self._executions <= _WARM_UP:
            self._first, self._since = self._now(), self._executions
        elif not self._watching and len(self._now()) >= len(self._first) + _SEVERAL:
            self._watching = True
            sys.addaudithook(self._audit)

    def stop(self) -> None:
        """Watch no more."""
        self._watching = False

    def leak(self) -> str:
        """Return what is left by every other execution at least, "" for nothing."""
        executions = self._executions - self._since
        if executions == 0 or len(self._now()) < len(self._first) + _SEVERAL:
            return ""
        gc.collect()  # what a cycle keeps open is closed some day
        left = self._now() - self._first
        if len(left) < max(_SEVERAL, executions // 2):
            return ""
        names = [name for name in map(self._seen.name, sorted(left)) if name]
        what, where = self._opened(names)
        place = f", {self._seen.made} at {where}" if where else ""
        return (
            f"leak: {len(left)} {self._what} more after {executions} executions, such as"
            f" {what}{place}: {self._cure}"
        )

    def _opened(self, names: list[str]) -> tuple[str, str]:
        """Return one of the names, one whose opening was seen if there is one, and where that was."""
        for what, where in reversed(self._openings):
            for name in names:
                if name == what or (what in _ANY and name.startswith(what)):
                    return name, where
        return (names[-1] if names else "one without a name"), ""

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._watching or (what := self._seen.opening(event, arguments)) is None:
            return
        if place := place_of(sys._getframe(1)):  # else it is torture's own
            self._openings.append((what, place))


def descriptors() -> Leftovers:
    """Return what counts the open file descriptors."""
    return Leftovers("file descriptors", "close them", _open_now, _Seen("opened", _target, _opening))


def children() -> Leftovers:
    """Return what counts the child processes, those that have ended and nobody has waited for, too."""
    seen = _Seen("started", _command, _starting)
    return Leftovers("child processes", "end them and wait for them", _children_now, seen)


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


def _opening(event: str, arguments: tuple[Any, ...]) -> str | None:
    if event == "socket.__new__":
        return _SOCKET
    if event != "open" or not isinstance(arguments[0], str | bytes):
        return None
    return os.path.realpath(os.fsdecode(arguments[0]))


def _children_now() -> frozenset[int]:
    """Return the child processes, none where the system does not tell."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        lists = Path("/proc/self/task").glob("*/children")
        return frozenset(int(child) for each in lists for child in each.read_text().split())
    except (AttributeError, OSError):  # the usual one: there are none
        return frozenset()


def _command(child: int) -> str:
    try:
        words, own = (Path(f"/proc/{each}/cmdline").read_bytes() for each in (child, "self"))
    except OSError:
        return ""
    if words == own:
        return "a fork of the program"
    command = words.replace(b"\0", b" ").decode("utf-8", "replace").strip()
    return f"{command[:_LONGEST]!r}" if command else "one that has ended"


def _starting(event: str, arguments: tuple[Any, ...]) -> str | None:
    return _CHILD if event in _STARTS else None
