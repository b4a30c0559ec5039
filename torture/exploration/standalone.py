"""Shows one concurrency bug on an ordinary interpreter, with its standard library only.

Written by ``torture export``, from a schedule under which the bug was found. Nothing is simulated: the program runs on
its own threads and locks. A trace function holds each thread at the places that SCHEDULE names, so that they take
turns as they did then; each line of SCHEDULE says which thread runs and where it stops next.

Exit status: 1 the bug shows, 0 it does not, 2 the schedule could not be followed.
"""

from __future__ import annotations

import dis
import importlib
import importlib.util
import linecache
import os
import sys
import threading
import time
import traceback
from functools import cache
from types import CodeType, FrameType
from typing import Any

# <constants>
TARGET = ""  # package.module:function or path/to/file.py:function
MODULE = ""  # its name in sys.modules
ARGUMENTS: dict[str, Any] | None = None  # of the target, where it is a factory
PATH: list[str] = []  # where the target is imported from
EXPECTED = ""  # the type of the exception, or "deadlock"
PYTHON = ""  # the bytecode that SCHEDULE names is of this version
END = None
# Thread 0 is the main thread, 0.1 the first one that it starts, ... The thread of a line runs until it is about to
# execute an instruction: (module:function, line, instruction, which of the equal ones on that line, arrivals).
SCHEDULE: list[tuple[str, tuple[str, int, str, int, int] | None, bool]] = []
# </constants>

IDLE = 0.03  # seconds without a step after which a thread waits, where it waited then, too
BLOCKED = 1.0  # the same where it did not: the program keeps it from going on
STUCK = 3.0  # seconds without a step of any thread after which an expected deadlock is there
SILENT = 60.0  # the same where none is expected: it may sleep

Key = tuple[str, int, str, int]  # a stop without the number of arrivals


class Thread:
    """A thread of the program: the line of SCHEDULE that it last ran, and arrivals left until that line's stop."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ident = threading.get_ident()
        self.native = threading.get_native_id()
        self.children = 0
        self.line = -1
        self.left = 0
        self.parked = False  # it is held here, and goes on when it is its turn
        self.ended = False


class Turns:
    """Who may run: the thread of the current line of SCHEDULE; after the last line, all."""

    def __init__(self) -> None:
        self.line = 0
        self.moved = threading.Condition()
        self.threads: dict[str, Thread] = {}
        self.lost = ""  # why the schedule could not be followed
        self.errors: list[str] = []  # types of uncaught exceptions

    def begin(self, me: Thread) -> None:
        with self.moved:
            self.threads[me.name] = me
            self._wait(me)

    def arrive(self, me: Thread, key: Key) -> None:
        """Stop here if the thread's line says so, until the thread has a line again."""
        with self.moved:
            if self.line >= len(SCHEDULE):
                return
            stop = SCHEDULE[me.line][1] if me.line >= 0 else None
            if stop is None or stop[:4] != key:
                return
            me.left -= 1
            if me.left > 0:
                return
            if self.line == me.line:
                self.advance(f"stops at {key[0]} line {key[1]}, before {key[2]}: {source(key)}")
            self._wait(me)

    def end(self, me: Thread) -> None:
        with self.moved:
            me.ended = True
            if self.line == me.line < len(SCHEDULE):
                stop = SCHEDULE[me.line][1]
                if stop is not None and not self.lost:
                    self.lost = (
                        f"thread {me.name} ended and was never before {stop[2]} in {stop[0]} line {stop[1]}"
                    )
                self.advance("ends")

    def advance(self, how: str) -> None:
        print(f"{self.line + 1:3} thread {SCHEDULE[self.line][0]} {how}", flush=True)
        self.line += 1
        self.moved.notify_all()

    def _wait(self, me: Thread) -> None:
        me.parked = True
        while self.line < len(SCHEDULE) and (SCHEDULE[self.line][0] != me.name or self.line <= me.line):
            self.moved.wait()
        me.parked = False
        if self.line < len(SCHEDULE):
            me.line = self.line
            stop = SCHEDULE[self.line][1]
            me.left = 0 if stop is None else stop[4]


TURNS = Turns()
HERE = threading.local()
PLACES = {stop[0] for _, stop, _ in SCHEDULE if stop is not None}
STOPS = {stop[:4] for _, stop, _ in SCHEDULE if stop is not None}


def source(key: Key) -> str:
    """Return the source of the line, where it is known."""
    module = sys.modules.get(key[0].partition(":")[0])
    return linecache.getline(getattr(module, "__file__", None) or "", key[1]).strip()


@cache
def stops(code: CodeType, place: str) -> dict[int, Key]:
    """Return the stops of a function by the offset of their instruction."""
    found: dict[int, Key] = {}
    seen: dict[tuple[int, str], int] = {}
    prefix = -1  # where an EXTENDED_ARG begins
    for instruction in dis.get_instructions(code):
        if instruction.opname == "EXTENDED_ARG":
            prefix = instruction.offset if prefix < 0 else prefix
            continue
        line = instruction.positions.lineno if instruction.positions else None
        text = name_of(instruction)
        count = seen[line or 0, text] = seen.get((line or 0, text), 0) + 1
        key = (place, line or 0, text, count)
        if key in STOPS:
            found[instruction.offset if prefix < 0 else prefix] = key
        prefix = -1
    return found


def name_of(instruction: dis.Instruction) -> str:
    """Return the instruction with the name that it is about: STORE_ATTR n."""
    named = instruction.opname.startswith(("LOAD_", "STORE_", "DELETE_")) and isinstance(
        instruction.argval, str
    )
    return f"{instruction.opname} {instruction.argval}" if named else instruction.opname


def trace(frame: FrameType, event: str, _: object) -> Any:
    """Follow the functions that have a stop, instruction by instruction."""
    place = f"{frame.f_globals.get('__name__')}:{frame.f_code.co_qualname}"
    if event != "call" or place not in PLACES or not stops(frame.f_code, place) or HERE.starting:
        return None

    def step(frame: FrameType, event: str, _: object) -> Any:
        if event == "opcode":
            key = stops(frame.f_code, place).get(frame.f_lasti)
            if key is not None:
                TURNS.arrive(HERE.thread, key)
        return step

    frame.f_trace = step  # before f_trace_opcodes: 3.13 looks only then
    frame.f_trace_lines = False
    frame.f_trace_opcodes = True
    return step


def begin(name: str) -> None:
    """Make the calling thread take turns. Its tracing never ends: 3.12 crashes on a followed frame of no tracer."""
    HERE.thread = Thread(name)
    HERE.starting = False
    TURNS.begin(HERE.thread)
    sys.settrace(trace)


def start(self: threading.Thread) -> None:
    """Start a thread that takes turns with the others."""
    parent = getattr(HERE, "thread", None)
    if parent is None:
        original_start(self)
        return
    parent.children += 1
    name = f"{parent.name}.{parent.children}"
    run = self.run

    def taking_turns() -> None:
        begin(name)
        try:
            run()
        finally:
            TURNS.end(HERE.thread)

    self.run = taking_turns  # type: ignore[method-assign]
    HERE.starting = True  # what a start does inside is not the program's
    try:
        original_start(self)
    finally:
        HERE.starting = False


original_start = threading.Thread.start


def watch() -> None:
    """Let the others go on when the thread whose turn it is waits; end the process when nothing moves."""
    idle = still = time.monotonic()
    before: Any = None
    while True:
        time.sleep(0.005)
        now = time.monotonic()
        frames = sys._current_frames()
        threads = list(TURNS.threads.values())
        steps = [(t.name, t.left, t.ended, position(frames.get(t.ident)), computes(t)) for t in threads]
        if (TURNS.line, steps) != before or any(step[-1] for step in steps):
            before = (TURNS.line, steps)
            idle = still = now
        if TURNS.line >= len(SCHEDULE):
            if now - still > (STUCK if EXPECTED in {"deadlock", *TURNS.errors} else SILENT):
                nothing_moves(frames, threads)
            continue
        name, _, waits = SCHEDULE[TURNS.line]
        if name in TURNS.threads and TURNS.threads[name].parked:
            idle = now  # it was told to go on, and the system takes its time
        if now - idle > (IDLE if waits else BLOCKED):
            with TURNS.moved:
                if TURNS.line != before[0]:
                    continue
                thread = TURNS.threads.get(name)
                if thread is None or thread.ended:
                    TURNS.lost = TURNS.lost or f"thread {name} {'has ended' if thread else 'never started'}"
                TURNS.advance("waits" if thread and not thread.ended else "is not there")
            idle = now


def position(frame: FrameType | None) -> object:
    return frame and (id(frame), frame.f_lasti)


def computes(thread: Thread) -> bool:
    """Tell whether the system says that a thread runs, where it can be asked."""
    try:
        with open(f"/proc/self/task/{thread.native}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "R"
    except (OSError, IndexError):
        return False


def nothing_moves(frames: dict[int, FrameType], threads: list[Thread]) -> None:
    for thread in threads:
        if not thread.ended and thread.ident in frames:
            print(f"\nthread {thread.name} waits:", file=sys.stderr)
            traceback.print_stack(frames[thread.ident], file=sys.stderr)
    conclude(deadlock=True)


def conclude(*, deadlock: bool) -> None:
    """Say what happened and end the process, whatever threads are left."""
    shown = EXPECTED in TURNS.errors or (deadlock and EXPECTED == "deadlock")
    others = sorted({*TURNS.errors, *(["deadlock"] if deadlock else [])})
    if shown:
        print(f"\nthe bug shows: {EXPECTED}")
    elif TURNS.lost or others:
        print(f"\nthe schedule could not be followed: {TURNS.lost or 'it ended with ' + ', '.join(others)}")
    else:
        print("\nthe bug does not show")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1 if shown else 2 if TURNS.lost or others else 0)


def load() -> Any:
    """Import the target, as it is."""
    sys.path[:0] = PATH
    place, _, name = TARGET.rpartition(":")
    if place.endswith(".py"):
        spec = importlib.util.spec_from_file_location(MODULE, place)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[MODULE] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    else:
        module = importlib.import_module(place)
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part)
    return found if ARGUMENTS is None else found(**ARGUMENTS)


def uncaught(caught: Any) -> None:
    TURNS.errors.append(caught.exc_type.__name__)
    threading.__excepthook__(caught)


def main() -> None:
    if sys.flags.hash_randomization:  # the order of sets is part of the schedule
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"})
    if not sys.version.startswith(PYTHON + "."):
        print(
            f"SCHEDULE names bytecode of Python {PYTHON}; this is {sys.version.split()[0]}", file=sys.stderr
        )
        sys.exit(2)
    target = load()
    threading.excepthook = uncaught
    threading.Thread(target=watch, daemon=True).start()
    threading.Thread.start = start  # type: ignore[method-assign]
    sys._getframe().f_trace_opcodes = True  # before the first settrace: 3.12 looks only then
    begin("0")
    try:
        target()
    except BaseException as error:
        TURNS.errors.append(type(error).__name__)
        traceback.print_exc()
    TURNS.end(HERE.thread)
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    conclude(deadlock=False)


if __name__ == "__main__":
    main()
