"""All outcomes of a program of the oracle's language, by brute force.

Imports nothing of torture: it is what torture is compared with. One operation is one step, but for what waits: then
each thing that others can see is one. Every enabled thread may take the next step. Under ``gil`` the running thread
goes on until a place where CPython hands the GIL over: after a C call (acquire, release, try), around the start and
the join of a thread, and where it blocks; programs with other primitives have no such model.

Conditions, semaphores and queues wake in the order of waiting. A waiter that timed out stays in that order until it
has the lock again: a notification that meets it there is lost. Time is virtual: the earliest timer may fire at any
moment, as far as the programs' short timeouts go, every timer that is due then does, and a reading moves the clock.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.oracle.language import (
    Acquire,
    Get,
    Join,
    Operation,
    Program,
    Put,
    Release,
    ReleaseIf,
    Sleep,
    Spawn,
    Try,
    Wait,
)
from tests.oracle.machine import ARM, ASLEEP, IDLE, LATE, LOOK, Machine, State

DEADLOCK = "deadlock"


def outcomes(program: Program, granularity: str = "free-threaded") -> frozenset[object]:
    """Return every outcome: ``(variables..., (registers of thread 0), ...)``, or ``DEADLOCK``.

    Where the program has containers, the list's items and the dict's pairs follow.
    """
    seen: set[object] = set()
    start = _start(program)
    visited, pending = {start}, [start]
    while pending:
        state = pending.pop()
        successors = list(_successors(program, state, granularity))
        if not successors:
            done = all(n == len(program.threads[i]) for i, n in enumerate(state.counters))
            seen.add(_outcome(program, state) if done else DEADLOCK)
        for following in successors:
            if following not in visited:
                visited.add(following)
                pending.append(following)
    return frozenset(seen)


def _outcome(program: Program, state: State) -> object:
    containers = (state.items, state.pairs) if program.containers else ()
    return (*state.variables, *state.registers, *containers)


def schedules(program: Program, most: int = 1 << 60) -> int:
    """Return the number of free-threaded schedules: what plain DFS has to run; more than ``most`` states: ``most``."""
    start = _start(program)
    known: dict[State, int] = {}
    ahead: dict[State, list[State]] = {}
    pending = [start]
    while pending:
        state = pending[-1]
        if state not in ahead:
            if len(ahead) > most:
                return most
            ahead[state] = list(_successors(program, state, "free-threaded"))
            pending.extend(following for following in ahead[state] if following not in known)
        else:
            pending.pop()
            known[state] = sum(known[following] for following in ahead[state]) or 1
    return known[start]


def _start(program: Program) -> State:
    threads = len(program.threads)
    events, semaphores, queues = program.events, len(program.semaphores), len(program.queues)
    return State(
        counters=(0,) + (-1,) * (threads - 1),
        variables=(0,) * program.variables,
        registers=((0,) * program.registers,) * threads,
        owners=(-1,) * program.locks,
        running=None,
        phases=(IDLE,) * threads,
        ends=(0,) * threads,
        remaining=(0,) * threads,
        waiters=((),) * (2 * program.locks + events + semaphores + 2 * queues),
        values=(0,) * events + program.semaphores,
        contents=((),) * queues,
        looking=(-1,) * queues,
        items=(),
        pairs=(),
        now=0,
        timers=(),
    )


def _successors(program: Program, state: State, granularity: str) -> Iterator[State]:
    enabled = [thread for thread in range(len(program.threads)) if _enabled(program, state, thread)]
    if state.running in enabled:
        enabled = [state.running]
    for thread in enabled:
        operations = program.threads[thread]
        held = granularity == "gil" and not _hands_over(operations, state, thread)
        machine = Machine(program, state)
        machine.step(thread)
        yield machine.state(running=thread if held else None)
    if state.timers:
        machine = Machine(program, state)
        machine.fire()
        yield machine.state(running=None)


def _enabled(program: Program, state: State, thread: int) -> bool:
    counter, operations = state.counters[thread], program.threads[thread]
    if counter < 0 or counter == len(operations):
        return False
    operation, phase = operations[counter], state.phases[thread]
    match operation:
        case Acquire(lock):
            return state.owners[lock] < 0
        case Join(other):
            return state.counters[other] == len(program.threads[other])
        case Try(lock):
            return phase != ASLEEP or state.owners[lock] < 0
        case Wait(lock):
            return phase in (IDLE, ARM) or (phase != ASLEEP and state.owners[lock] < 0)
        case Put(queue) | Get(queue):
            return phase in (ARM, LOOK) or (phase != ASLEEP and state.looking[queue] < 0)
        case Sleep():
            return phase == LATE
    return phase != ASLEEP


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
