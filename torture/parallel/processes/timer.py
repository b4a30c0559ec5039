"""A timer of the system that sends this process any signal, SIGKILL and SIGSTOP too, at an instant of microseconds.

Rejected: a signal from the parent, which on a busy machine comes when a role of a millisecond is long over; a thread that
sends it, as the role would have a thread more than it started.
"""

from __future__ import annotations

import ctypes
import os
import sys

_MONOTONIC = 1  # CLOCK_MONOTONIC


class _Event(ctypes.Structure):
    _fields_ = (
        ("value", ctypes.c_void_p),
        ("number", ctypes.c_int),
        ("notify", ctypes.c_int),  # 0: SIGEV_SIGNAL
        ("rest", ctypes.c_char * 48),
    )


class _Spec(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_long) for name in ("every_seconds", "every_nanoseconds", "seconds", "nanoseconds")
    )


class SignalTimer:
    """Sends one signal to this process after some seconds, unless it is cancelled before. Needs Linux (OSError)."""

    def __init__(self, seconds: float, number: int) -> None:
        if sys.platform != "linux":
            raise OSError("faults at random instants need Linux; write at: boundaries")
        self._system = _system()
        self._timer = ctypes.c_void_p()
        event = _Event(number=number)
        _check(self._system.timer_create(_MONOTONIC, ctypes.byref(event), ctypes.byref(self._timer)))
        nanoseconds = max(1, int(seconds * 1e9))  # 0 would disarm it
        spec = _Spec(seconds=nanoseconds // 10**9, nanoseconds=nanoseconds % 10**9)
        _check(self._system.timer_settime(self._timer, 0, ctypes.byref(spec), None))

    def cancel(self) -> None:
        """Send nothing any more."""
        self._system.timer_delete(self._timer)


def _system() -> ctypes.CDLL:
    system = ctypes.CDLL(None, use_errno=True)
    if not hasattr(system, "timer_create"):  # an older C library
        system = ctypes.CDLL("librt.so.1", use_errno=True)
    return system


def _check(status: int) -> None:
    if status:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
