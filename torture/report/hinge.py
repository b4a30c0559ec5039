"""What a failure hinges on, in sentences: its nearest passing twin, and the point of no return."""

from __future__ import annotations

from torture.findings import NoReturn, Twin
from torture.report.cause import place
from torture.trace.event import Event
from torture.trace.site import Kind

_NOUNS = {
    Kind.READ: "read of",
    Kind.WRITE: "write of",
    Kind.ACQUIRE: "acquire of",
    Kind.TRY: "attempt at",
    Kind.RELEASE: "release of",
    Kind.PUT: "put into",
    Kind.GET: "get from",
    Kind.DONE: "task_done of",
    Kind.SHUTDOWN: "shutdown of",
    Kind.WAIT: "wait for",
    Kind.BEGIN: "beginning of",
    Kind.SET: "completion of",
    Kind.CANCEL: "cancel of",
    Kind.CALLBACK: "callback for",
    Kind.SPAWN: "start of",
    Kind.JOIN: "join of",
    Kind.IO: "I/O on",
    Kind.CLOCK: "look at",
    Kind.SWITCH: "step",
    Kind.TIMER: "early timer",
}


def twin_sentence(twin: Twin) -> str:
    """Return what would have to be different for the schedule to pass."""
    whose = f"{twin.thread}'s"
    who = f"{twin.runs} gets its turn" if twin.runs else "the timer fires"
    if twin.change == "moved":
        sooner, later = twin.sooner, twin.later
        ways = [] if sooner is None else [f"before {whose} {operation(sooner)}"]
        if later is not None and sooner is not None:
            again = "a later" if operation(later) == operation(sooner) else "its"
            ways.append(f"after {again} {operation(later, known=sooner.resource)}")
        elif later is not None:
            ways.append(f"only after {whose} {operation(later)}")
        return f"It passes if {who} {' or '.join(ways)}."
    if twin.change == "added":
        where = _standing(twin) if twin.sooner is None else f"before {whose} {operation(twin.sooner)}"
        return f"It fails without a preemption, and passes if {who} {where}."
    if not twin.runs:
        return f"It passes if no timer fires early{_after(twin) if twin.preempts else _waiting(twin)}."
    if twin.preempts:
        return f"It passes if {twin.thread} is not interrupted{_after(twin)}."
    return f"It passes if {twin.instead} goes first, not {twin.runs}, {_standing(twin)}."


def early_sentence(early: Event, thread: str) -> str:
    """Return that a timer fired early; ``thread`` is the name of the one that waited for it."""
    where = f" ({place(early)})" if early.file else ""
    return f"Timing: the wait of {thread}{where} ends a little early, as it does where the others are slow."


def no_return_sentence(found: NoReturn, thread: str) -> str:
    """Return from where on all is lost; ``thread`` is the name of the one that takes the step."""
    if found.step is None:
        return f"All of {found.sampled} schedules sampled at random fail: it may be no matter of threads."
    return (
        f"No way back (✗) from {thread}'s {operation(found.step)} on: all of {found.sampled} sampled continuations fail;"
        f" one step earlier {found.passing} of {found.sampled} pass."
    )


def operation(event: Event, known: str = "") -> str:
    """Return an operation as a noun, with its place; ``known`` is the resource that was spoken of."""
    kind = Kind(event.kind)
    noun = _NOUNS.get(kind, kind.value)
    if event.resource.endswith(")") and kind in (Kind.READ, Kind.WRITE, Kind.IO):
        what = f"call of {event.resource}"
    elif ".waiter#" in event.resource:
        what = f"wait for {event.resource.partition('.waiter#')[0]}"
    elif event.resource:
        what = f"{noun} {'it' if event.resource == known else event.resource}"
    else:
        what = f"next {noun.removesuffix(' of')}" if noun.endswith(" of") else noun
    return f"{what} ({place(event)})" if event.file else what


def _after(twin: Twin) -> str:
    return "" if twin.at is None else f" after {twin.thread}'s {operation(twin.at)}"


def _standing(twin: Twin) -> str:
    return f"when {twin.thread} cannot go on{_where(twin)}"


def _waiting(twin: Twin) -> str:
    return f" while {twin.thread} waits{_where(twin)}"


def _where(twin: Twin) -> str:
    return f" ({place(twin.at)})" if twin.at is not None and twin.at.file else ""
