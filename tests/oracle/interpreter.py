"""A tiny language of threaded programs, and all outcomes of a program by brute force.

Imports nothing of torture: it is what torture is compared with. One operation is one step; every enabled thread
may take the next one. Under ``gil`` the running thread goes on until a place where CPython hands the GIL over:
after a C call (acquire, release, try), around the start and the join of a thread, and where it blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

DEADLOCK = "deadlock"
T = TypeVar("T")


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
    """``register = lock.acquire(blocking=False)``."""

    lock: int
    register: int


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


Operation = Read | Write | WriteSucc | Acquire | Release | Try | ReleaseIf | Spawn | Join | Publish


@dataclass(frozen=True, slots=True)
class Program:
    """Thread 0 is the main thread; the others run from their :class:`Spawn` on. Everything starts at 0."""

    threads: tuple[tuple[Operation, ...], ...]
    variables: int
    locks: int
    registers: int = 2  # of each thread


@dataclass(frozen=True, slots=True)
class State:
    """Where every thread stands; -1 before its spawn. ``running`` must go on unless it is None (``gil``)."""

    counters: tuple[int, ...]
    variables: tuple[int, ...]
    registers: tuple[tuple[int, ...], ...]
    owners: tuple[int, ...]  # thread that holds the lock, or -1
    running: int | None


def outcomes(program: Program, granularity: str = "free-threaded") -> frozenset[object]:
    """Return every outcome: ``(variables..., (registers of thread 0), ...)``, or ``DEADLOCK``."""
    seen: set[object] = set()
    start = _start(program)
    visited, pending = {start}, [start]
    while pending:
        state = pending.pop()
        successors = list(_successors(program, state, granularity))
        if not successors:
            done = all(n == len(program.threads[i]) for i, n in enumerate(state.counters))
            seen.add((*state.variables, *state.registers) if done else DEADLOCK)
        for following in successors:
            if following not in visited:
                visited.add(following)
                pending.append(following)
    return frozenset(seen)


def schedules(program: Program) -> int:
    """Return the number of free-threaded schedules: what plain DFS has to run."""
    start = _start(program)
    known: dict[State, int] = {}
    ahead: dict[State, list[State]] = {}
    pending = [start]
    while pending:
        state = pending[-1]
        if state not in ahead:
            ahead[state] = list(_successors(program, state, "free-threaded"))
            pending.extend(following for following in ahead[state] if following not in known)
        else:
            pending.pop()
            known[state] = sum(known[following] for following in ahead[state]) or 1
    return known[start]


def _start(program: Program) -> State:
    threads = len(program.threads)
    return State(
        counters=(0,) + (-1,) * (threads - 1),
        variables=(0,) * program.variables,
        registers=((0,) * program.registers,) * threads,
        owners=(-1,) * program.locks,
        running=None,
    )


def _successors(program: Program, state: State, granularity: str) -> Iterator[State]:
    enabled = [thread for thread in range(len(program.threads)) if _enabled(program, state, thread)]
    if state.running in enabled:
        enabled = [state.running]
    for thread in enabled:
        operations = program.threads[thread]
        held = granularity == "gil" and not _hands_over(operations, state, thread)
        yield _execute(state, thread, operations[state.counters[thread]], thread if held else None)


def _enabled(program: Program, state: State, thread: int) -> bool:
    counter, operations = state.counters[thread], program.threads[thread]
    if counter < 0 or counter == len(operations):
        return False
    match operations[counter]:
        case Acquire(lock):
            return state.owners[lock] < 0
        case Join(other):
            return state.counters[other] == len(program.threads[other])
    return True


def _hands_over(operations: tuple[Operation, ...], state: State, thread: int) -> bool:
    """Tell whether the GIL may be handed over right after this operation."""
    counter = state.counters[thread]
    match operations[counter]:
        case Acquire() | Release() | Try() | Spawn() | Join():
            return True
        case ReleaseIf(_, register) if state.registers[thread][register]:
            return True
    # Starting and joining are Python functions: the switch at their entry comes before they do anything.
    return counter + 1 < len(operations) and isinstance(operations[counter + 1], Spawn | Join)


def _execute(state: State, thread: int, operation: Operation, running: int | None) -> State:
    counters = _put(state.counters, thread, state.counters[thread] + 1)
    variables, owners, mine = state.variables, state.owners, state.registers[thread]
    match operation:
        case Read(variable, register):
            mine = _put(mine, register, variables[variable])
        case Write(variable, constant):
            variables = _put(variables, variable, constant)
        case WriteSucc(variable, register):
            variables = _put(variables, variable, mine[register] + 1)
        case Acquire(lock):
            owners = _put(owners, lock, thread)
        case Release(lock):
            owners = _put(owners, lock, -1)
        case Try(lock, register):
            free = owners[lock] < 0
            mine = _put(mine, register, int(free))
            owners = _put(owners, lock, thread) if free else owners
        case ReleaseIf(lock, register):
            owners = _put(owners, lock, -1) if mine[register] else owners
        case Spawn(other):
            counters = _put(counters, other, 0)
        case Join() | Publish():
            pass
    return State(counters, variables, _put(state.registers, thread, mine), owners, running)


def _put(items: tuple[T, ...], index: int, item: T) -> tuple[T, ...]:
    return (*items[:index], item, *items[index + 1 :])
