"""A process that is asked for its stacks tells them itself: for interpreters that py-spy cannot read, or may not.

A signal's handler writes them into memory that the asking process finds below ``/proc``. It runs in the main thread, so
one that is inside C code does not answer. Everything that the handler calls is C: what it asks must not be disturbed.
"""

from __future__ import annotations

import ast
import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import Any

_ASK = signal.SIGRTMAX - 2
_NAME = "torture-stacks"
_PATIENCE = 1.0  # seconds
_LONGEST = 100  # characters of a value
_PLAIN = (int, float, str, type(None))

Told = dict[str, Any]  # a thread as ``py-spy dump --json --locals`` describes it


def install() -> None:
    """Answer from now on, also in processes that are forked later."""
    if not hasattr(os, "memfd_create"):
        return
    answer = os.memfd_create(_NAME)
    read = os.read

    def tell(_number: int, interrupted: FrameType | None) -> None:
        frames = sys._current_frames()
        me = threading.main_thread().ident
        told: list[Told] = []
        for ident, frame in frames.items():
            thread = threading._active.get(ident)  # type: ignore[attr-defined]
            native = None if thread is None else thread.native_id
            state = "?" if ident == me or native is None else _state(native, read)
            told.append(
                {
                    "thread_name": None if thread is None else thread.name,
                    "os_thread_id": os.getpid() if ident == me else native,
                    "active": state == "R",
                    "frames": _frames(interrupted if ident == me else frame, values=state != "R"),
                }
            )
        text = repr((os.getpid(), told)).encode("utf-8", "backslashreplace")
        os.ftruncate(answer, 0)
        os.pwrite(answer, text, 0)

    signal.signal(_ASK, tell)


def ask(pid: int) -> list[Told] | None:
    """Return the threads of a process as it tells them, None where it does not answer."""
    place = _answer_of(pid)
    if place is None:
        return None
    busy = _state(pid, os.read, f"/proc/{pid}/stat") == "R"  # the main thread, before it is asked
    try:
        os.truncate(place, 0)
        os.kill(pid, _ASK)
    except OSError:
        return None
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        time.sleep(0.01)
        try:
            with open(place, encoding="utf-8") as answer:
                teller, told = ast.literal_eval(answer.read())
        except (OSError, SyntaxError, ValueError):  # not there yet
            continue
        for thread in told:
            if thread["os_thread_id"] == pid:
                thread["active"] = busy
        return told if teller == pid else None
    return None


def _answer_of(pid: int) -> str | None:
    """Return where a process writes its answer, None for one that has no handler."""
    folder = f"/proc/{pid}/fd"
    try:
        for descriptor in os.listdir(folder):
            if os.readlink(f"{folder}/{descriptor}").startswith(f"/memfd:{_NAME}"):
                return f"{folder}/{descriptor}"
    except OSError:
        return None
    return None


def _state(thread: int, read: Any, place: str = "") -> str:
    """Return the letter that the system has for what a thread does: R runs, or waits for a core."""
    try:
        descriptor = os.open(place or f"/proc/self/task/{thread}/stat", os.O_RDONLY)
        try:
            return str(read(descriptor, 4096).rpartition(b") ")[2][:1], "ascii")
        finally:
            os.close(descriptor)
    except OSError:
        return "?"


def _frames(frame: FrameType | None, *, values: bool) -> list[Told]:
    """Return the calls of a thread; without ``values`` of one that runs: it may be changing them."""
    told: list[Told] = []
    while frame is not None:
        code = frame.f_code
        told.append(
            {
                "name": code.co_qualname,
                "filename": code.co_filename,
                "line": frame.f_lineno or 0,
                "locals": [
                    {"name": name, "addr": id(value), "repr": _short(value)}
                    for name, value in (frame.f_locals.items() if values else ())
                ],
            }
        )
        frame = frame.f_back
    return told


def _short(value: object) -> str:
    """Describe a value without a word of the program's own code."""
    if type(value) in _PLAIN:
        return repr(value)[:_LONGEST]
    return f"<{type(value).__name__} at 0x{id(value):x}>"
