"""A tiny language of threaded programs: what the oracle's interpreter runs and what is translated to Python.

Imports nothing of torture. A register belongs to a thread; a timeout is in milliseconds, ``None`` waits for ever.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Read:
    """``register = state.v<variable>``."""

    variable: int
    register: int


@dataclass(frozen=True, slots=True)
class Write:
    """``state.v<variable> = constant``."""

    variable: int
    constant: int


@dataclass(frozen=True, slots=True)
class WriteSucc:
    """``state.v<variable> = register + 1``."""

    variable: int
    register: int


@dataclass(frozen=True, slots=True)
class Acquire:
    """Block until the lock is free, then hold it."""

    lock: int


@dataclass(frozen=True, slots=True)
class Release:
    lock: int


@dataclass(frozen=True, slots=True)
class Try:
    """``register = lock.acquire(blocking=False)``, or ``lock.acquire(timeout=...)`` where there is one."""

    lock: int
    register: int
    timeout: int | None = None


@dataclass(frozen=True, slots=True)
class ReleaseIf:
    """Release the lock where the register says that :class:`Try` got it; otherwise do nothing."""

    lock: int
    register: int


@dataclass(frozen=True, slots=True)
class Spawn:
    thread: int


@dataclass(frozen=True, slots=True)
class Join:
    thread: int


@dataclass(frozen=True, slots=True)
class Publish:
    """Store the thread's registers where the main thread finds them: a step of its own in the translation."""


@dataclass(frozen=True, slots=True)
class Wait:
    """``register = condition.wait(timeout)`` of the condition over the lock of that number, which is held."""

    lock: int
    register: int
    timeout: int | None = None


@dataclass(frozen=True, slots=True)
class Notify:
    """``condition.notify()`` or ``notify_all()``, its lock held."""

    lock: int
    everyone: bool = False


@dataclass(frozen=True, slots=True)
class Set:
    event: int


@dataclass(frozen=True, slots=True)
class Clear:
    event: int


@dataclass(frozen=True, slots=True)
class IsSet:
    event: int
    register: int


@dataclass(frozen=True, slots=True)
class WaitSet:
    """``register = event.wait(timeout)``."""

    event: int
    register: int
    timeout: int | None = None


@dataclass(frozen=True, slots=True)
class Down:
    """``register = semaphore.acquire(...)``; a timeout of 0 does not block."""

    semaphore: int
    register: int
    timeout: int | None = None


@dataclass(frozen=True, slots=True)
class Up:
    semaphore: int


@dataclass(frozen=True, slots=True)
class Put:
    """``queue.put(constant, ...)``; a timeout of 0 does not block; the register says whether it was put."""

    queue: int
    constant: int
    register: int
    timeout: int | None = None


@dataclass(frozen=True, slots=True)
class Get:
    """``register = queue.get(...)``, 0 where nothing came; a timeout of 0 does not block."""

    queue: int
    register: int
    timeout: int | None = None


@dataclass(frozen=True, slots=True)
class Append:
    """``state_list.append(constant)``."""

    constant: int


@dataclass(frozen=True, slots=True)
class Length:
    """``register = len(state_list)``."""

    register: int


@dataclass(frozen=True, slots=True)
class Store:
    """``state_dict[key] = constant``: a new key goes to the end."""

    key: int
    constant: int


@dataclass(frozen=True, slots=True)
class Load:
    """``register = state_dict.get(key, 0)``."""

    key: int
    register: int


@dataclass(frozen=True, slots=True)
class Sleep:
    timeout: int


Waiting = Wait | WaitSet | Down | Put | Get
Operation = (
    Read | Write | WriteSucc | Acquire | Release | Try | ReleaseIf | Spawn | Join | Publish | Notify | Set | Clear
    | IsSet | Up | Append | Length | Store | Load | Sleep | Waiting
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Program:
    """Thread 0 is the main thread; the others run from their :class:`Spawn` on. Everything starts at 0 or empty."""

    threads: tuple[tuple[Operation, ...], ...]
    variables: int
    locks: int  # and as many conditions
    registers: int = 2  # of each thread
    events: int = 0
    semaphores: tuple[int, ...] = ()  # their values
    queues: tuple[int, ...] = ()  # their sizes
    containers: bool = False  # one list and one dict
