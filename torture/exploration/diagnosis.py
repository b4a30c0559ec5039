"""From a failing execution to a finding: recorded again, fingerprinted, with the token that replays it."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from torture.errors import ReplayMismatchError
from torture.exploration.execution import Execution, Failure
from torture.exploration.recorder import EventRecorder
from torture.findings import Finding, FindingKind
from torture.instrument.writer import Unit
from torture.isolation.raised import error_text, innermost
from torture.runtime.kernel import KERNEL
from torture.strategies import STRATEGIES
from torture.strategies.fixed import AnchoredReplay, Anchoring, Replay
from torture.strategies.strategy import Strategy
from torture.trace.event import Event, Trace
from torture.trace.schedule import Anchor, Schedule

if TYPE_CHECKING:
    from torture.exploration.session import Session
    from torture.exploration.token import Token
    from torture.exploration.unseen import Unseen

_WINDOW = 1_000  # last events that are looked at when an execution did not end
_PLACES = 48  # distinct places among them: with fewer it went round in circles


def record(session: Session, schedule: Schedule) -> tuple[Execution, Trace]:
    """Execute a schedule again and write down all that happens."""
    return record_under(session, Replay(schedule), Random(0))


def record_under(session: Session, strategy: Strategy, rng: Random) -> tuple[Execution, Trace]:
    """Execute once under a strategy and write down all that happens."""
    recorder = EventRecorder()
    execution = session.run(strategy, rng, recorder)
    assert execution is not None
    return execution, Trace(tuple(recorder.events), execution.threads)


def with_every_point(session: Session, failing: Execution, without: frozenset[Unit]) -> Execution:
    """Execute again, with every point, what failed without those of some units.

    Where that goes another way, the session withholds those points from now on, and it stays as it was.
    """
    assert failing.failure is not None
    anchoring = Anchoring(failing.schedule)
    fingerprint = fingerprint_of(session, failing.failure)
    try:
        session.withheld = without
        session.run(anchoring, Random(0))
        session.withheld = frozenset()
        strategy = AnchoredReplay(tuple(anchoring.anchors))
        again = session.run(strategy, Random(0))
        strategy.finish()
    except ReplayMismatchError:
        again = None
    if (
        again is not None
        and again.failure is not None
        and fingerprint_of(session, again.failure) == fingerprint
    ):
        return again
    session.withheld = without
    return failing


def first_difference(session: Session, seed: int, unseen: Unseen) -> str | None:
    """Execute one schedule twice; say where the executions differ, None where they are equal.

    Being recorded, these two also show which locks are left held.
    """
    recorder = EventRecorder()
    first = session.run(STRATEGIES["random"](), Random(seed), recorder)
    assert first is not None
    if first.failure is None:
        unseen.note(first)
    try:
        difference = compare(tuple(recorder.events), record(session, first.schedule)[1].events)
    except ReplayMismatchError as mismatch:
        difference = (
            f"the code under test is nondeterministic: the same schedule did not fit again ({mismatch})"
        )
    if difference is not None and recorder.by_address:
        difference += (
            f"; {recorder.by_address} goes over a set whose members are hashed by their address, which differs:"
            " a dictionary's keys keep their order"
        )
    return difference


def compare(first: tuple[Event, ...], second: tuple[Event, ...]) -> str | None:
    """Say where two executions of one schedule took different ways; different values alone are no matter."""
    for before, after in zip(first, second, strict=False):
        if _place(before) != _place(after):
            return (
                "the code under test is nondeterministic: with the same schedule, step"
                f" {before.step} was {_line(before)} and then {_line(after)}"
            )
    if len(first) != len(second):
        return f"the code under test is nondeterministic: {len(first)} steps and then {len(second)}"
    return None


def _place(event: Event) -> tuple[int, str, str, str, int]:
    return (event.thread, event.kind, event.function, event.file, event.line)


def _line(event: Event) -> str:
    value = f" ({event.value})" if event.value else ""
    return f"{event.kind} {event.resource}{value} at {event.file}:{event.line}"


def describe(session: Session, failing: Execution, unseen: Unseen) -> Finding:
    """Return the finding of a failing execution."""
    failure = failing.failure
    assert failure is not None
    fingerprint = fingerprint_of(session, failure)
    trace: Trace | None = None
    anchors: tuple[Anchor, ...] = ()
    labels = ["timing"] if failing.timing else []
    if not failing.stalled:
        try:
            anchoring = Anchoring(failing.schedule)
            again, trace = record_under(session, anchoring, Random(0))
            anchors = tuple(anchoring.anchors)
            if again.failure is None or fingerprint_of(session, again.failure) != fingerprint:
                raise ReplayMismatchError("the same schedule did not fail in the same way")
            failure = again.failure
        except ReplayMismatchError as mismatch:
            labels.append("not-replayed")
            unseen.warn(f"the finding did not replay: {mismatch}")
    kind = failure.kind
    if kind is FindingKind.STEP_LIMIT and trace is not None and _goes_in_circles(trace.events):
        kind = FindingKind.LIVELOCK
    return Finding(
        kind=kind,
        message=failure.message,
        fingerprint=fingerprint.replace("step-limit", str(kind), 1),
        schedule=token_of(session, failing.schedule, anchors, fingerprint).encode(),
        reachable="gil" if session.job.granularity == "gil" else None,
        labels=tuple(labels),
        threads=len(failing.threads),
        preemptions=failing.preemptions,
        steps=failing.steps,
        errors=tuple(error_text(name, error) for name, error in failure.named_errors()),
        counts=failure.counts,
        trace=trace,
    )


def token_of(session: Session, schedule: Schedule, anchors: tuple[Anchor, ...], fingerprint: str) -> Token:
    """Return the token that replays a schedule."""
    from torture.exploration.token import Token  # here: see above

    job = session.job
    return Token(
        target=job.target,
        arguments=job.arguments,
        granularity=job.granularity,
        modules=session.modules,
        without=session.without,
        changes=schedule.changes,
        anchors=anchors,
        fingerprint=fingerprint,
        step_limit=session.step_limit,
        ends_matter=KERNEL.ends_matter,
        code=session.code_hash(),
    )


def fingerprint_of(session: Session, failure: Failure) -> str:
    """Return kind, exception type and innermost own functions: no line numbers, no addresses."""
    if failure.blocked:
        places = sorted({waiter.function for waiter in failure.blocked})
        return ":".join([str(failure.kind), *places])
    if failure.errors:
        error = failure.errors[0][1]
        return ":".join([str(failure.kind), type(error).__name__, innermost(error, session.own)])
    return str(failure.kind)


def _goes_in_circles(events: tuple[Event, ...]) -> bool:
    last = events[-_WINDOW:]
    return len(last) == _WINDOW and len({(e.thread, e.function, e.line, e.kind) for e in last}) <= _PLACES
