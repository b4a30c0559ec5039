"""A virtual thread: what the kernel knows of it."""

from __future__ import annotations

from typing import Any

from torture.runtime.carrier import Handle
from torture.trace.site import Site

SPIN_LIMIT = 1_000  # steps in a row after which a thread has to let another one go, the first time

# (object, key or None for the whole object, does it write, where): the operation a thread will execute next.
Pending = tuple[object, object, bool, Site]


class VirtualThread:
    """Mutable state of one virtual thread, owned by the kernel."""

    __slots__ = (
        "calls",
        "children",
        "copies",
        "daemon",
        "deadline",
        "enabled",
        "finished",
        "handle",
        "ident",
        "index",
        "joiners",
        "locals",
        "midway",
        "name",
        "passed_over",
        "path",
        "patience",
        "pending",
        "ran",
        "since",
        "spins",
        "started",
        "timed_out",
        "timer",
        "uses",
        "waits_for",
        "yielded_at",
        "yields",
    )

    handle: Handle

    def __init__(self, index: int, path: str, ident: int) -> None:
        self.index = index
        self.path = path  # who spawned it: a counter would depend on the schedule
        self.ident = ident
        self.name = f"thread {path}"
        self.daemon = False
        self.enabled = True
        self.started = False
        self.finished = False
        self.pending: Pending | None = None
        self.waits_for: object = None
        self.joiners: list[VirtualThread] = []
        self.timer = 0  # token of the timer that may wake it; a fired or cancelled one is stale
        self.deadline: int | None = None  # of what it waits for
        self.timed_out = False
        self.ran = 0  # the step at which it ran last or came to be able to; not kept while it runs
        self.passed_over = 0  # steps of others while it could run, before one of them made it wait again
        self.since = 0  # the natural time at which it came to wait, or was told to go on: see gates.py
        self.spins = 0  # how often it took as many steps in a row as it may, which is so many:
        self.patience = SPIN_LIMIT
        self.yields = 0  # in a row, and the last one's step
        self.yielded_at = 0
        self.children = 0
        self.copies: object = None  # the container whose lock its pending read takes
        self.uses: object = None  # what its pending operation uses that nothing guards
        self.midway = 0  # calls of C code that may go on after the present step, with something unknown
        self.calls: list[tuple[Site, bool]] = []  # announced and not returned (granularity gil)
        self.locals: dict[int, dict[str, Any]] = {}
