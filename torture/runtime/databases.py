"""``sqlite3``: its calls are points, wait for a locked database in virtual time, and know which thread made a connection.

In C it would wait for another thread's lock while it keeps that thread from running, and take all virtual threads for
one. Its methods cannot be replaced, so instrumented code gets a stand-in where it calls one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from torture.runtime.blocking import FILES
from torture.runtime.kernel import KERNEL
from torture.runtime.primitives import primitive
from torture.runtime.timing import SLEEP
from torture.trace.site import Kind

_CALL = primitive(Kind.IO, "sqlite3")
_BUSY = (5, 6)  # SQLITE_BUSY, SQLITE_LOCKED
_PAUSE = 10_000_000  # nanoseconds between two attempts
_PARAMETERS = ("timeout", "detect_types", "isolation_level", "check_same_thread")
_DEFAULT_TIMEOUT = 5.0  # seconds

real_connect: Any = None
kinds: tuple[type, ...] = ()  # whose methods have a stand-in; none before the program has imported the module
# id of a connection -> execution and thread that made it, whether only that one may use it, timeout in seconds. Not
# cleared when it goes: whatever gets the same id and is asked for was made by ``connect``, too.
_made: dict[int, tuple[int, int, bool, float]] = {}


def install() -> dict[int, Any]:
    """Replace ``connect`` where the program has imported the module. Returns the replacement by the original's id."""
    global real_connect, kinds
    module: Any = sys.modules.get("sqlite3")
    if module is not None and not kinds:
        real_connect = module.connect
        kinds = (module.Connection, module.Cursor)
        module.connect = module.dbapi2.connect = connect
        return {id(real_connect): connect}
    return {}


def connect(*arguments: Any, **settings: Any) -> Any:
    """Connect so that a locked database is told at once."""
    if not KERNEL.controls():
        return real_connect(*arguments, **settings)
    named = dict(zip(_PARAMETERS, arguments[1:], strict=False)) | settings
    KERNEL.decide(_CALL, FILES, None, True, "sqlite3.connect")
    if len(arguments) > 1:
        connection = real_connect(arguments[0], 0.0, *arguments[2:], **settings)
    else:
        connection = real_connect(*arguments, **{**settings, "timeout": 0.0})
    checks = bool(named.get("check_same_thread", True))
    timeout = named.get("timeout", _DEFAULT_TIMEOUT)
    _made[id(connection)] = (KERNEL.epoch, KERNEL.current.ident, checks, timeout)
    return connection


def stand_in(method: Any) -> Callable[..., Any]:
    """Return what does the call of a connection's or a cursor's method."""

    def call(*arguments: Any, **settings: Any) -> Any:
        if not KERNEL.controls():
            return method(*arguments, **settings)
        connection = getattr(method.__self__, "connection", method.__self__)
        epoch, ident, checks, timeout = _made.get(id(connection), (-1, 0, False, 0.0))
        name = f"{type(method.__self__).__name__}.{method.__name__}"
        KERNEL.decide(_CALL, FILES, None, True, name)
        if checks and epoch == KERNEL.epoch and ident != KERNEL.current.ident:
            raise sys.modules["sqlite3"].ProgrammingError(
                "SQLite objects created in a thread can only be used in that same thread. The object was created "
                f"in thread id {ident} and this is thread id {KERNEL.current.ident}."
            )
        end = KERNEL.clock.now + int(timeout * 1e9)
        while True:
            before = connection.total_changes
            try:
                return method(*arguments, **settings)
            except sys.modules["sqlite3"].OperationalError as error:
                locked = (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _BUSY
                if not locked or KERNEL.clock.now >= end or connection.total_changes != before:
                    raise
            KERNEL.block(KERNEL.clock, SLEEP, KERNEL.clock.now + _PAUSE)

    return call
