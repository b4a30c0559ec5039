"""Random programs of the oracle's language: small enough for plain DFS, or with everything that waits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from math import factorial, prod
from random import Random

from tests.oracle.interpreter import schedules
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
    WaitSet,
    Write,
    WriteSucc,
)

FEWEST_SCHEDULES = 6
MOST_SCHEDULES = 6_000
MOST_STATES = 1_200  # of a program with everything that waits
TRY_REGISTER = 1  # of every thread: reads go to register 0, so that ReleaseIf finds what Try stored


@cache
def programs(seed: int, count: int) -> tuple[Program, ...]:
    """Return ``count`` different programs of at most ``MOST_SCHEDULES`` schedules each, and not all but serial."""
    rng = Random(seed)
    found: dict[Program, None] = {}
    while len(found) < count:
        program = _Draft(rng, variables=rng.randint(1, 2), locks=rng.choice((0, 1, 2, 2))).program()
        if program in found or _interleavings(_padded(program)) > 2 * MOST_SCHEDULES:
            continue
        if schedules(program) >= FEWEST_SCHEDULES and schedules(_padded(program)) <= MOST_SCHEDULES:
            found[program] = None
    return tuple(found)


@cache
def waiting_programs(seed: int, count: int) -> tuple[Program, ...]:
    """Return ``count`` different programs with conditions, events, semaphores, queues, timeouts and containers."""
    rng = Random(seed)
    found: dict[Program, None] = {}
    while len(found) < count:
        program = _WaitingDraft(rng, rng.choice(_THEMES)).program()
        if program not in found and FEWEST_SCHEDULES <= schedules(program, MOST_STATES) != MOST_STATES:
            found[program] = None
    return tuple(found)


def _padded(program: Program) -> Program:
    """Add the first and the last step of a thread, which an explorer may count: the bound is on its schedules."""
    children = ((Publish(), *body, Publish()) for body in program.threads[1:])
    return replace(program, threads=(program.threads[0], *children))


def _interleavings(program: Program) -> int:
    """Return how many ways there are to interleave all threads if none ever blocked: quick, too high."""
    lengths = [len(body) for body in program.threads[1:]]
    return factorial(sum(lengths)) // prod(map(factorial, lengths))


@dataclass(frozen=True, slots=True)
class _Draft:
    rng: Random
    variables: int
    locks: int

    def program(self) -> Program:
        """Draw a program: the main thread starts all threads but the last, which may be someone's child."""
        children = self.rng.randint(1, 3)
        nested = children > 1 and self.rng.random() < 0.3
        started = range(1, children if nested else children + 1)
        bodies = [self._thread(self.rng.randint(1, 4)) for _ in range(children)]
        if nested:
            parent = self.rng.choice(started) - 1
            bodies[parent] = [*self._surround(bodies[parent], children)]
        own = self._body(self.rng.randint(0, 2))
        main: list[Operation] = [
            *(Spawn(thread) for thread in started),
            *own,
            *(Join(thread) for thread in started),
        ]
        return Program(
            threads=(tuple(main), *(tuple(body) for body in bodies)),
            variables=self.variables,
            locks=self.locks,
        )

    def _thread(self, size: int) -> list[Operation]:
        if self.locks == 2 and self.rng.random() < 0.6:  # seldom drawn otherwise, and what deadlocks
            outer, inner = self.rng.sample(range(2), 2)
            body = [Acquire(outer), *self._section("lock", inner, (outer,)), Release(outer)]
        else:
            body = self._body(size)
        return [*body, Publish()] if any(isinstance(operation, Read | Try) for operation in body) else body

    def _surround(self, body: list[Operation], child: int) -> Iterator[Operation]:
        first = self.rng.randint(0, len(body))
        last = self.rng.randint(first, len(body))
        yield from (*body[:first], Spawn(child), *body[first:last], Join(child), *body[last:])

    def _body(self, size: int, held: tuple[int, ...] = ()) -> list[Operation]:
        """Draw about ``size`` operations; locks that are ``held`` are not taken again."""
        body: list[Operation] = []
        free = [lock for lock in range(self.locks) if lock not in held]
        while len(body) < size:
            choice = self.rng.choice(("read", "write", "increment", *(("lock", "try") if free else ())))
            variable = self.rng.randrange(self.variables)
            if choice == "read":
                body.append(Read(variable, 0))
            elif choice == "write":
                body.append(Write(variable, self.rng.randint(1, 9)))
            elif choice == "increment":
                body += [Read(variable, 0), WriteSucc(variable, 0)]
            else:
                body += self._section(choice, self.rng.choice(free), held)
        return body

    def _section(self, choice: str, lock: int, held: tuple[int, ...]) -> list[Operation]:
        # One try at a time: a nested one would overwrite the register that says what to release.
        if choice == "try" and not held:
            inside = [Read(self.rng.randrange(self.variables), 0)] if self.rng.random() < 0.5 else []
            return [Try(lock, TRY_REGISTER), *inside, ReleaseIf(lock, TRY_REGISTER)]
        return [Acquire(lock), *self._body(self.rng.randint(0, 2), (*held, lock)), Release(lock)]


_THEMES = (
    ("condition",),
    ("event",),
    ("semaphore",),
    ("queue",),
    ("lock", "memory"),
    ("container", "memory"),
    ("condition", "memory"),
    ("event", "lock"),
    ("semaphore", "memory"),
    ("queue", "memory"),
    ("semaphore", "queue"),
    ("condition", "event", "semaphore", "queue", "lock", "memory", "container"),
)


class _WaitingDraft:
    """One program about a theme. No two timeouts are equal, nor sums of them: ties would hang on nanoseconds."""

    def __init__(self, rng: Random, theme: tuple[str, ...]) -> None:
        self._rng = rng
        self._theme = theme
        self._timeouts = rng.sample((1, 2, 4, 8, 16), 5)

    def program(self) -> Program:
        """Draw a program of two or three threads beside the main one."""
        rng = self._rng
        children = rng.choice((2, 2, 3))
        longest = 3 if children == 2 else 2
        bodies = []
        for _ in range(children):
            body = [operation for _ in range(rng.randint(1, longest)) for operation in self._operations()]
            bodies.append(
                (*body, Publish()) if any(hasattr(step, "register") for step in body) else tuple(body)
            )
        own = self._operations() if rng.random() < 0.3 else []
        threads = range(1, children + 1)
        main = (*map(Spawn, threads), *own, *map(Join, threads))
        return Program(
            threads=(main, *bodies),
            variables=1,
            locks=1 if {"condition", "lock"} & {*self._theme} else 0,
            events=int("event" in self._theme),
            semaphores=(rng.choice((0, 1, 1, 2)),) if "semaphore" in self._theme else (),
            queues=(rng.choice((1, 1, 2)),) if "queue" in self._theme else (),
            containers="container" in self._theme,
        )

    def _timeout(self, shares: tuple[int, int, int]) -> int | None:
        """Draw no timeout, a timeout, or 0."""
        which = self._rng.choices((None, 1, 0), shares)[0]
        if which and self._timeouts:
            return self._timeouts.pop()
        return 0 if which == 0 else None

    def _operations(self) -> list[Operation]:
        rng = self._rng
        drawn: list[Operation]
        match rng.choice(self._theme):
            case "condition":
                inside: list[Operation] = rng.choice(
                    (
                        [Wait(0, 0, self._timeout((1, 1, 0)))],
                        [Notify(0, everyone=rng.random() < 0.4)],
                        [Write(0, rng.randint(1, 9)), Notify(0, everyone=rng.random() < 0.4)],
                        [Read(0, 1)],
                    )
                )
                drawn = [Acquire(0), *inside, Release(0)]
            case "event":
                drawn = [
                    rng.choice(
                        (Set(0), Set(0), Clear(0), IsSet(0, 0), WaitSet(0, 1, self._timeout((1, 1, 0))))
                    )
                ]
            case "semaphore":
                drawn = [
                    rng.choice(
                        (Up(0), Down(0, 0, self._timeout((3, 2, 1))), Down(0, 1, self._timeout((3, 2, 1))))
                    )
                ]
            case "queue":
                item = rng.randint(1, 9)
                drawn = [
                    rng.choice(
                        (Put(0, item, 0, self._timeout((3, 2, 1))), Get(0, 1, self._timeout((3, 2, 1))))
                    )
                ]
            case "lock":
                drawn = self._section()
            case "container":
                key = rng.randint(1, 2)
                drawn = [
                    rng.choice(
                        (Append(rng.randint(1, 9)), Length(0), Store(key, rng.randint(1, 9)), Load(key, 1))
                    )
                ]
            case _:
                drawn = [rng.choice((Read(0, 0), Write(0, rng.randint(1, 9)), WriteSucc(0, 0)))]
                if self._timeouts and rng.random() < 0.2:
                    drawn.append(Sleep(self._timeouts.pop()))
        return drawn

    def _section(self) -> list[Operation]:
        inside: list[Operation] = [self._rng.choice((Read(0, 0), WriteSucc(0, 0)))]
        timeout = self._timeout((2, 3, 0))
        if timeout is None:
            return [Acquire(0), *inside, Release(0)]
        return [Try(0, TRY_REGISTER, timeout), *inside, ReleaseIf(0, TRY_REGISTER)]


KINDS = {"plain": programs, "waiting": waiting_programs}
