"""A process that is asked for its stacks tells them itself: for free-threaded interpreters, which py-spy cannot read.

A thread waits for the question and writes the answer into memory that the asking process finds below ``/proc``. No
signal does, because one interrupts what the main thread waits for in C, and with a GIL no thread would: it may need it.
Everything that the thread calls is C: what it asks must not be disturbed.
"""

from __future__ import annotations

import _thread
import ast
import os
import sys
import threading
import time
from types import FrameType
from typing import Any

from torture.parallel import gil

_NAME = "torture-stacks"
_PATIENCE = 3.0  # seconds: machines are busy
_LONGEST = 100  # characters of a value
_PLAIN = (int, float, str, type(None))

Told = dict[str, Any]  # a thread as ``py-spy dump --json --locals`` describes it


def install() -> None:
    """Answer from now on, where py-spy cannot read this interpreter."""
    if not gil.free_threaded_build() or not hasattr(os, "memfd_create"):
        return
    answer = os.memfd_create(_NAME)
    questions, asking = os.pipe()
    os.pwrite(answer, str(asking).encode(), 0)
    _thread.start_new_thread(_serve, (questions, answer, os.read))


def _serve(questions: int, answer: int, read: Any) -> None:
    while read(questions, 1):
        told: list[Told] = []
        for ident, frame in sys._current_frames().items():
            if ident == _thread.get_ident():
                continue
            thread = threading._active.get(ident)  # type: ignore[attr-defined]
            native = None if thread is None else thread.native_id
            busy = native is not None and _is_busy(native, read)
            told.append(
                {
                    "thread_name": None if thread is None else thread.name,
                    "os_thread_id": native,
                    "active": busy,
                    "frames": _frames(frame, values=not busy),
                }
            )
        os.pwrite(answer, repr(told).encode("utf-8", "backslashreplace"), 0)


def ask(pid: int) -> list[Told] | None:
    """Return the threads of a process as it tells them, None where it does not answer."""
    place = _answer_of(pid)
    if place is None:
        return None
    with open(place, "r+b", buffering=0) as answer:
        asking = answer.read()
        answer.truncate(0)
        try:
            with open(f"/proc/{pid}/fd/{int(asking)}", "wb", buffering=0) as questions:
                questions.write(b"?")
            return _heard(answer)
        except (OSError, ValueError):
            return None
        finally:  # the next question needs it
            answer.truncate(0)
            os.pwrite(answer.fileno(), asking, 0)


def _heard(answer: Any) -> list[Told] | None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        time.sleep(0.01)
        answer.seek(0)
        try:
            return list(ast.literal_eval(answer.read().decode()))
        except (SyntaxError, ValueError):  # not all there yet
            pass
    return None


def _answer_of(pid: int) -> str | None:
    """Return where a process writes its answer, None for one that does not."""
    folder = f"/proc/{pid}/fd"
    try:
        for descriptor in os.listdir(folder):
            if os.readlink(f"{folder}/{descriptor}").startswith(f"/memfd:{_NAME}"):
                return f"{folder}/{descriptor}"
    except OSError:
        pass
    return None


def _is_busy(thread: int, read: Any) -> bool:
    """Tell whether a thread runs, or waits for a core, as the system sees it."""
    try:
        descriptor = os.open(f"/proc/self/task/{thread}/stat", os.O_RDONLY)
        try:
            return bool(read(descriptor, 4096).rpartition(b") ")[2][:1] == b"R")
        finally:
            os.close(descriptor)
    except OSError:
        return False


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
