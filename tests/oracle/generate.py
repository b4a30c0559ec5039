"""Random programs of the oracle's language, small enough for plain DFS, and their translation to Python."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from math import factorial, prod
from random import Random

from tests.oracle.interpreter import (
    Acquire,
    Join,
    Operation,
    Program,
    Publish,
    Read,
    Release,
    ReleaseIf,
    Spawn,
    Try,
    Write,
    WriteSucc,
    schedules,
)

FEWEST_SCHEDULES = 6
MOST_SCHEDULES = 6_000
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


def to_python(program: Program) -> str:
    """Return a module whose ``target()`` runs the program on real threads and returns its outcome."""
    zeros = (0,) * program.registers
    lines = [
        "import threading",
        "",
        "",
        "class State:",
        "    pass",
        "",
        "",
        "def target():",
        "    s = State()",
    ]
    lines += [f"    s.v{variable} = 0" for variable in range(program.variables)]
    lines += [f"    lock{lock} = threading.Lock()" for lock in range(program.locks)]
    lines.append(f"    registers = [{zeros}] * {len(program.threads)}")
    clear = " = ".join(f"r{register}" for register in range(program.registers)) + " = 0"
    result = f"({', '.join(f'r{register}' for register in range(program.registers))},)"
    # Children first: whoever starts a thread finds its variable already set.
    for thread in reversed(range(1, len(program.threads))):
        lines += ["", f"    def body{thread}():", f"        {clear}"]
        for operation in program.threads[thread]:
            publishes = isinstance(operation, Publish)
            lines.append(
                f"        registers[{thread}] = {result}" if publishes else f"        {_statement(operation)}"
            )
        lines += ["", f"    thread{thread} = threading.Thread(target=body{thread})"]
    lines += ["", f"    {clear}"]
    lines += [f"    {_statement(operation)}" for operation in program.threads[0]]
    variables = "".join(f"s.v{variable}, " for variable in range(program.variables))
    lines += [f"    registers[0] = {result}", f"    return ({variables}*registers,)", ""]
    return "\n".join(lines)


def _statement(operation: Operation) -> str:
    match operation:
        case Read(variable, register):
            return f"r{register} = s.v{variable}"
        case Write(variable, constant):
            return f"s.v{variable} = {constant}"
        case WriteSucc(variable, register):
            return f"s.v{variable} = r{register} + 1"
        case Acquire(lock):
            return f"lock{lock}.acquire()"
        case Release(lock):
            return f"lock{lock}.release()"
        case Try(lock, register):
            return f"r{register} = lock{lock}.acquire(blocking=False)"
        case ReleaseIf(lock, register):
            return f"if r{register}: lock{lock}.release()"
        case Spawn(thread):
            return f"thread{thread}.start()"
        case Join(thread):
            return f"thread{thread}.join()"
        case Publish():
            raise ValueError("publishing needs the number of the thread: to_python writes it")
