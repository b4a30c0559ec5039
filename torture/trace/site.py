"""A static place in the code under test where one shared operation happens."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What an operation does to its resource."""

    READ = "read"
    WRITE = "write"
    ACQUIRE = "acquire"  # blocks until it succeeds
    TRY = "try"  # non-blocking or timed acquire: always enabled
    RELEASE = "release"
    PUT = "put"  # into a queue
    GET = "get"
    DONE = "task_done"
    SHUTDOWN = "shutdown"
    WAIT = "wait"  # for a future
    BEGIN = "begin"  # to work on it
    SET = "set"
    CANCEL = "cancel"
    CALLBACK = "add callback"
    START = "start"  # first step of a thread
    SPAWN = "spawn"
    JOIN = "join"
    END = "end"  # last step of a thread
    SLEEP = "sleep"
    YIELD = "yield"
    CLOCK = "clock"
    IO = "io"
    TIMER = "timer"  # one fires early: no step, but a reader has to know
    SWITCH = "switch"  # a place where the GIL may be handed over; what follows is not known


class Form(StrEnum):
    """How the operation is spelt in the source."""

    ATTRIBUTE = "attribute"
    ITEM = "item"
    GLOBAL = "global"
    CELL = "cell"
    CONTAINS = "contains"
    ITERATE = "iterate"
    CONTAINER = "container"  # truth, len, unpacking, operators: the whole object
    CALL = "call"
    SWITCH = "switch"
    PRIMITIVE = "primitive"


NAMED = frozenset({Form.ATTRIBUTE, Form.GLOBAL, Form.CELL})  # what is accessed has a name in the source


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """One place in one code object; compared by identity, because each place is made once."""

    kind: Kind
    form: Form
    name: str  # attribute, global, cell or method name; "" where only the object counts
    function: str  # qualified name
    module: str
    file: str
    line: int
