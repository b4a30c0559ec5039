"""Programs of the oracle's language as Python modules."""

from __future__ import annotations

from collections.abc import Iterable

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

_HEAD = """\
import queue
import threading
import time


class State:
    pass


def get(source, block, timeout):
    try:
        return source.get(block, timeout)
    except queue.Empty:
        return 0


def put(target, item, block, timeout):
    try:
        target.put(item, block, timeout)
    except queue.Full:
        return False
    return True


def target():
    s = State()"""


def to_python(program: Program) -> str:
    """Return a module whose ``target()`` runs the program on real threads and returns its outcome."""
    zeros = (0,) * program.registers
    lines = [_HEAD, *_shared(program)]
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
    containers = ", tuple(items), tuple(pairs.items())" if program.containers else ""
    lines += [f"    registers[0] = {result}", f"    return ({variables}*registers{containers},)", ""]
    return "\n".join(lines)


def _shared(program: Program) -> Iterable[str]:
    """Return the lines that make what the threads share; a condition only where one is used."""
    used = {
        operation.lock
        for body in program.threads
        for operation in body
        if isinstance(operation, Wait | Notify)
    }
    yield from (f"    s.v{variable} = 0" for variable in range(program.variables))
    yield from (f"    lock{lock} = threading.Lock()" for lock in range(program.locks))
    yield from (f"    condition{lock} = threading.Condition(lock{lock})" for lock in sorted(used))
    yield from (f"    event{event} = threading.Event()" for event in range(program.events))
    for number, value in enumerate(program.semaphores):
        yield f"    semaphore{number} = threading.Semaphore({value})"
    for number, size in enumerate(program.queues):
        yield f"    queue{number} = queue.Queue({size})"
    if program.containers:
        yield from ("    items = []", "    pairs = {}")


def _seconds(timeout: int | None) -> float | None:
    return None if timeout is None else timeout / 1000


def _blocking(timeout: int | None) -> str:
    """Return the arguments ``block`` and ``timeout``."""
    return f"{timeout != 0}, {_seconds(timeout) if timeout else None}"


def _statement(operation: Operation) -> str:
    match operation:
        case Acquire(lock):
            return f"lock{lock}.acquire()"
        case Release(lock):
            return f"lock{lock}.release()"
        case Try(lock, register, None):
            return f"r{register} = lock{lock}.acquire(blocking=False)"
        case Try(lock, register, timeout):
            return f"r{register} = lock{lock}.acquire(timeout={_seconds(timeout)})"
        case ReleaseIf(lock, register):
            return f"if r{register}: lock{lock}.release()"
        case Spawn(thread):
            return f"thread{thread}.start()"
        case Join(thread):
            return f"thread{thread}.join()"
        case Sleep(timeout):
            return f"time.sleep({_seconds(timeout)})"
        case Publish():
            raise ValueError("publishing needs the number of the thread: to_python writes it")
    return _memory(operation) or _waiting(operation)


def _memory(operation: Operation) -> str:
    match operation:
        case Read(variable, register):
            return f"r{register} = s.v{variable}"
        case Write(variable, constant):
            return f"s.v{variable} = {constant}"
        case WriteSucc(variable, register):
            return f"s.v{variable} = r{register} + 1"
        case Append(constant):
            return f"items.append({constant})"
        case Length(register):
            return f"r{register} = len(items)"
        case Store(key, constant):
            return f"pairs[{key}] = {constant}"
        case Load(key, register):
            return f"r{register} = pairs.get({key}, 0)"
    return ""


def _waiting(operation: Operation) -> str:
    match operation:
        case Wait(lock, register, timeout):
            return f"r{register} = condition{lock}.wait({_seconds(timeout)})"
        case Notify(lock, everyone):
            return f"condition{lock}.notify{'_all' if everyone else ''}()"
        case Set(event):
            return f"event{event}.set()"
        case Clear(event):
            return f"event{event}.clear()"
        case IsSet(event, register):
            return f"r{register} = event{event}.is_set()"
        case WaitSet(event, register, timeout):
            return f"r{register} = event{event}.wait({_seconds(timeout)})"
        case Down(semaphore, register, timeout):
            return f"r{register} = semaphore{semaphore}.acquire({_blocking(timeout)})"
        case Up(semaphore):
            return f"semaphore{semaphore}.release()"
        case Put(number, constant, register, timeout):
            return f"r{register} = put(queue{number}, {constant}, {_blocking(timeout)})"
        case Get(number, register, timeout):
            return f"r{register} = get(queue{number}, {_blocking(timeout)})"
    raise TypeError(operation)
