"""One step of a program of the oracle's language: what it does to the state. Imports nothing of torture."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.oracle.language import (
    Acquire,
    Append,
    Clear,
    Down,
    Get,
    IsSet,
    Join,
    Length,
    Load,
    Notify,
    Operation,
    Program,
    Publish,
    Put,
    Read,
    Release,
    ReleaseIf,
    Set,
    Sleep,
    Spawn,
    Store,
    Try,
    Up,
    Wait,
    Waiting,
    WaitSet,
    Write,
    WriteSucc,
)

MILLISECOND = 1_000_000
TICK = 1_000  # how far a reading moves the clock, in nanoseconds

# What a thread is at the moment: at an operation that it has not begun; about to set its timer; blocked; notified or
# timed out, and not yet on again; looking at the clock while it holds the queue.
IDLE, ARM, ASLEEP, TOLD, LATE, LOOK = range(6)


@dataclass(frozen=True, slots=True)
class State:
    """Where every thread stands; -1 before its spawn. ``running`` must go on unless it is None (``gil``)."""

    counters: tuple[int, ...]
    variables: tuple[int, ...]
    registers: tuple[tuple[int, ...], ...]
    owners: tuple[int, ...]  # thread that holds the lock, or -1
    running: int | None
    phases: tuple[int, ...]
    ends: tuple[int, ...]  # of each thread: when its timeout is over
    remaining: tuple[int, ...]  # what is left of it for the timer that it is about to set
    waiters: tuple[
        tuple[int, ...], ...
    ]  # of conditions, events, semaphores, full queues, empty queues, locks
    values: tuple[int, ...]  # of events, then of semaphores
    contents: tuple[tuple[int, ...], ...]  # of queues
    looking: tuple[int, ...]  # of each queue: who looks at the clock while holding it, or -1
    items: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...]
    now: int
    timers: tuple[tuple[int, int], ...]  # deadline and thread, the earliest first


class Machine:
    """A state that can be changed."""

    def __init__(self, program: Program, state: State) -> None:
        self._program = program
        self._state = state
        self._counters = list(state.counters)
        self._variables = list(state.variables)
        self._registers = [list(mine) for mine in state.registers]
        self._owners = list(state.owners)
        self._phases = list(state.phases)
        self._ends = list(state.ends)
        self._remaining = list(state.remaining)
        self._waiters = [list(threads) for threads in state.waiters]
        self._values = list(state.values)
        self._contents = [list(values) for values in state.contents]
        self._looking = list(state.looking)
        self._items = list(state.items)
        self._pairs = dict(state.pairs)
        self._now = state.now
        self._timers = list(state.timers)

    def state(self, *, running: int | None) -> State:
        """Return what it has become."""
        return replace(
            self._state,
            counters=tuple(self._counters),
            variables=tuple(self._variables),
            registers=tuple(map(tuple, self._registers)),
            owners=tuple(self._owners),
            running=running,
            phases=tuple(self._phases),
            ends=tuple(self._ends),
            remaining=tuple(self._remaining),
            waiters=tuple(map(tuple, self._waiters)),
            values=tuple(self._values),
            contents=tuple(map(tuple, self._contents)),
            looking=tuple(self._looking),
            items=tuple(self._items),
            pairs=tuple(self._pairs.items()),
            now=self._now,
            timers=tuple(self._timers),
        )

    def step(self, thread: int) -> None:
        """Let an enabled thread take its next step."""
        operation = self._program.threads[thread][self._counters[thread]]
        if self._phases[thread] == ARM:
            self._arm(thread, self._now + self._remaining[thread])
        elif isinstance(operation, Waiting):
            self._wait(thread, operation)
        elif isinstance(operation, Try):
            self._try(thread, operation)
        else:
            self._execute(thread, operation)
            self._advance(thread)
        self._fire_due()

    def fire(self) -> None:
        """Let time go on to the earliest timer."""
        self._now = max(self._now, self._timers[0][0])
        self._fire_due()

    # -- time ----------------------------------------------------------------------------------

    def _fire_due(self) -> None:
        while self._timers and self._timers[0][0] <= self._now:
            self._phases[self._timers.pop(0)[1]] = LATE

    def _arm(self, thread: int, deadline: int) -> None:
        self._phases[thread] = ASLEEP
        before = sum(other[0] <= deadline for other in self._timers)
        self._timers.insert(before, (deadline, thread))

    def _disarm(self, thread: int) -> None:
        self._timers = [timer for timer in self._timers if timer[1] != thread]

    def _read_clock(self) -> int:
        self._now += TICK
        return self._now

    # -- threads and locks ---------------------------------------------------------------------

    def _advance(self, thread: int, register: int | None = None, value: int = 0) -> None:
        """Go on to the next operation; a sleep begins together with the end of what is before it."""
        if register is not None:
            self._registers[thread][register] = value
        self._counters[thread] += 1
        self._begin(thread)

    def _begin(self, thread: int) -> None:
        self._phases[thread] = IDLE
        self._ends[thread] = self._remaining[thread] = 0
        operations, counter = self._program.threads[thread], self._counters[thread]
        if counter < len(operations) and isinstance(operation := operations[counter], Sleep):
            self._arm(thread, self._now + operation.timeout * MILLISECOND)

    def _take(self, lock: int, thread: int) -> None:
        """Hold a lock: who waits for it with a timeout has a timer again."""
        self._owners[lock] = thread
        for other in self._waiters[self._contenders(lock)]:
            if self._phases[other] == ASLEEP:
                self._arm(other, self._ends[other])

    def _release(self, lock: int) -> None:
        """Free a lock: who waits for it can run, and its timer is off."""
        self._owners[lock] = -1
        for other in self._waiters[self._contenders(lock)]:
            self._disarm(other)

    def _try(self, thread: int, operation: Try) -> None:
        lock, register, timeout = operation.lock, operation.register, operation.timeout
        waiting = self._waiters[self._contenders(lock)]
        if self._phases[thread] == IDLE and self._owners[lock] >= 0 and timeout:
            waiting.append(thread)
            self._ends[thread] = self._now + timeout * MILLISECOND
            self._arm(thread, self._ends[thread])
            return
        if thread in waiting:
            waiting.remove(thread)
        free = self._phases[thread] != LATE and self._owners[lock] < 0
        if free:
            self._take(lock, thread)
        self._advance(thread, register, int(free))

    def _execute(self, thread: int, operation: Operation) -> None:
        mine = self._registers[thread]
        match operation:
            case Read(variable, register):
                mine[register] = self._variables[variable]
            case Write(variable, constant):
                self._variables[variable] = constant
            case WriteSucc(variable, register):
                self._variables[variable] = mine[register] + 1
            case Acquire(lock):
                self._take(lock, thread)
            case Release(lock):
                self._release(lock)
            case ReleaseIf(lock, register):
                if mine[register]:
                    self._release(lock)
            case Spawn(other):
                self._counters[other] = 0
                self._begin(other)
            case Notify(lock, everyone):
                self._notify(lock, everyone=everyone)
            case Append(constant):
                self._items.append(constant)
            case Length(register):
                mine[register] = len(self._items)
            case Store(key, constant):
                self._pairs[key] = constant
            case Load(key, register):
                mine[register] = self._pairs.get(key, 0)
            case IsSet(event, register):
                mine[register] = self._values[event]
            case Set(event):
                self._values[event] = 1
                self._notify(self._program.locks + event, everyone=True)
            case Clear(event):
                self._values[event] = 0
            case Up(semaphore):
                self._values[self._program.events + semaphore] += 1
                self._notify(self._below(semaphore))
            case Join() | Publish() | Sleep():
                pass
            case _:
                raise TypeError(operation)

    # -- waiting -------------------------------------------------------------------------------

    def _below(self, semaphore: int) -> int:
        """Return the number of a semaphore's list of waiters."""
        return self._program.locks + self._program.events + semaphore

    def _ends_of(self, queue: int) -> tuple[int, int]:
        """Return the numbers of a queue's two lists of waiters: for room, for an item."""
        full = self._program.locks + len(self._values) + queue
        return full, full + len(self._contents)

    def _contenders(self, lock: int) -> int:
        """Return the number of the list of those who wait for a lock with a timeout."""
        return self._program.locks + len(self._values) + 2 * len(self._contents) + lock

    def _notify(self, waiters: int, *, everyone: bool = False) -> None:
        """Wake the first that waits; where that one has just timed out, nobody."""
        while self._waiters[waiters]:
            thread = self._waiters[waiters].pop(0)
            if self._phases[thread] != LATE:
                self._disarm(thread)
                self._phases[thread] = TOLD
            if not everyone:
                break

    def _sleep(self, thread: int, waiters: int, remaining: int | None) -> None:
        self._waiters[waiters].append(thread)
        self._phases[thread] = ASLEEP if remaining is None else ARM
        self._remaining[thread] = remaining or 0

    def _wait(self, thread: int, operation: Waiting) -> None:
        timeout = None if operation.timeout is None else operation.timeout * MILLISECOND
        late = self._phases[thread] == LATE
        if late:
            for waiters in self._waiters:
                if thread in waiters:
                    waiters.remove(thread)
        again = late or self._phases[thread] == TOLD
        match operation:
            case Wait(lock, register):
                if again:
                    self._take(lock, thread)
                    self._advance(thread, register, int(not late))
                else:
                    self._sleep(thread, lock, timeout)
                    self._release(lock)
            case WaitSet(event, register):
                if again or self._values[event]:
                    self._advance(thread, register, int(not late))
                else:
                    self._sleep(thread, self._program.locks + event, timeout)
            case Down(semaphore, register):
                self._down(thread, semaphore, register, timeout)
            case Put(queue, constant, register):
                contents = self._contents[queue]
                room, item = self._ends_of(queue)
                if self._may_use(thread, queue, len(contents) < self._program.queues[queue], timeout, room):
                    contents.append(constant)
                    self._notify(item)
                    self._advance(thread, register, 1)
            case Get(queue, register):
                contents = self._contents[queue]
                room, item = self._ends_of(queue)
                if self._may_use(thread, queue, bool(contents), timeout, item):
                    self._notify(room)
                    self._advance(thread, register, contents.pop(0))

    def _down(self, thread: int, semaphore: int, register: int, timeout: int | None) -> None:
        number = self._program.events + semaphore
        if self._values[number]:
            self._values[number] -= 1
            self._advance(thread, register, 1)
        elif timeout == 0:
            self._advance(thread, register, 0)
        elif timeout is None:
            self._sleep(thread, self._below(semaphore), None)
        elif self._phases[thread] == IDLE:
            self._ends[thread] = self._read_clock() + timeout
            self._sleep(thread, self._below(semaphore), timeout)
        elif (remaining := self._ends[thread] - self._read_clock()) > 0:
            self._sleep(thread, self._below(semaphore), remaining)
        else:
            self._advance(thread, register, 0)

    def _may_use(self, thread: int, queue: int, ready: bool, timeout: int | None, waiters: int) -> bool:
        """Tell whether a put or get can be done in this step; otherwise wait, or give up."""
        phase = self._phases[thread]
        register = self._program.threads[thread][self._counters[thread]].register
        self._looking[queue] = -1
        if timeout and phase == IDLE:
            self._ends[thread] = self._read_clock() + timeout
        if ready:
            return True
        if timeout is None:
            self._sleep(thread, waiters, None)
        elif timeout == 0:
            self._advance(thread, register, 0)
        elif phase == IDLE:  # others can move the clock before it is read again
            self._phases[thread] = LOOK
            self._looking[queue] = thread
        elif (remaining := self._ends[thread] - self._read_clock()) > 0:
            self._sleep(thread, waiters, remaining)
        else:
            self._advance(thread, register, 0)
        return False
