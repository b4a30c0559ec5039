"""One execution of a target under a strategy, and what it ended with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from torture.errors import InternalError, ReplayMismatchError
from torture.exploration import contexts, showing, steps, watch
from torture.exploration.blocked import waiters
from torture.exploration.recorder import EventRecorder
from torture.findings import FindingKind
from torture.isolation.globals import Globals
from torture.isolation.raised import kind_of, message_of
from torture.oracles import deadlock
from torture.runtime import threads
from torture.runtime.hooks import Recorder
from torture.runtime.kernel import KERNEL
from torture.runtime.teardown import Kill
from torture.runtime.thread import VirtualThread
from torture.strategies.strategy import Strategy
from torture.trace.event import ThreadInfo
from torture.trace.schedule import Schedule

Target = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an execution failed; ``errors`` are all uncaught exceptions, the first one first."""

    kind: FindingKind
    message: str
    errors: tuple[tuple[VirtualThread, BaseException], ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    blocked: tuple[deadlock.Waiter, ...] = ()

    def named_errors(self) -> list[tuple[str, BaseException]]:
        """Return every uncaught exception with the name of its thread."""
        return [(thread.name, error) for thread, error in self.errors]


@dataclass(slots=True)  # not frozen: making one would take twice as long, a fiftieth of a small execution
class Execution:
    """What one execution was; not changed once it is made."""

    schedule: Schedule
    failure: Failure | None
    outcome: object  # what the target returned
    steps: int
    points: int
    preemptions: int
    thread_facts: list[
        tuple[int, str, str, bool]
    ]  # index, path, name, daemon: made into values where it is asked
    timing: bool  # a timer fired early
    abandoned: int  # threads that could not be ended
    foreign: bool  # another OS thread ran instrumented code
    leaked: tuple[str, ...]  # threads that were alive when the target returned
    held: tuple[str, ...]  # locks that were held at the end, where it was recorded
    stalled: str  # what blocked outside control, "" where nothing did
    pruned: bool  # the strategy abandoned it: it did not end, and shows no outcome
    alone: bool  # nothing else could have run then: the program hangs by itself

    @property
    def threads(self) -> tuple[ThreadInfo, ...]:
        """Return who ran, in the order of their starts."""
        return tuple(ThreadInfo(*facts) for facts in self.thread_facts)

    @property
    def noteworthy(self) -> bool:
        """Tell whether the execution says something that belongs in the result besides its failure."""
        return bool(self.foreign or self.abandoned or self.leaked or self.held or self.stalled)


class Executor:
    """Runs a target again and again."""

    def __init__(self, target: Target, state: Globals | None = None) -> None:
        self._target = target
        self.state = state  # what each execution finds

    def run(
        self,
        strategy: Strategy,
        rng: Random,
        recorder: EventRecorder | None = None,
        log: Recorder | None = None,
        *,
        sampled: bool = False,
    ) -> Execution | None:
        """Execute once; None when the strategy has nothing left. ``log`` sees the operations where nobody records.

        What a ``sampled`` execution finds is executed again: it may start from a state that was put back less carefully.
        """
        if not strategy.begin(rng):
            return None
        kernel = KERNEL
        kernel.recorder = recorder or log
        watch.stalled = ""
        steps.reset()
        showing.reset()
        contexts.reset()
        if self.state is not None:
            self.state.restore(lightly=sampled)
        self._outcome: object = None
        self._error: BaseException | None = None
        self._leaked: list[str] = []
        blocked: tuple[deadlock.Waiter, ...] = ()
        with threads.FreshWorld():
            kernel.on_stop = lambda: self._look(recorder)
            self._blocked: tuple[deadlock.Waiter, ...] = ()
            try:
                kernel.execute(strategy, self._main)
            except watch.Stall:  # what blocks runs on an OS thread of its own, and it was left behind
                kernel.abandoned = 0  # "stalled" says it
            blocked = self._blocked
            failures = list(threads.failures)
        strategy.end(kernel.steps)
        if isinstance(self._error, (InternalError, ReplayMismatchError)):
            raise self._error
        return Execution(
            schedule=Schedule(tuple(kernel.schedule)),
            failure=self._judge(failures, blocked),
            outcome=self._outcome,
            steps=kernel.steps,
            points=kernel.steps + kernel.solo_steps,
            preemptions=kernel.preemptions,
            thread_facts=[(t.index, t.path, t.name, t.daemon) for t in kernel.threads],
            timing=kernel.early_timers > 0,
            abandoned=kernel.abandoned,
            foreign=kernel.foreign,
            leaked=tuple(self._leaked),
            held=() if recorder is None else recorder.held(),
            stalled=watch.stalled,
            alone=watch.alone,
            pruned=kernel.stop is not None and kernel.stop.kind == "abandoned",
        )

    def _main(self) -> None:
        threads.enter_main()
        try:
            self._outcome = self._target()
        except Kill:
            raise
        except BaseException as error:
            self._error = error
            return
        self._leaked = threads.leave_main()

    def _look(self, recorder: EventRecorder | None) -> None:
        """See who waits for what, while everybody still stands where it waits."""
        if KERNEL.stop is not None and KERNEL.stop.kind == "deadlock":
            self._blocked = waiters(recorder)
        if recorder is not None:
            recorder.stopped()

    def _judge(
        self, failures: list[tuple[VirtualThread, BaseException]], blocked: tuple[deadlock.Waiter, ...]
    ) -> Failure | None:
        errors = list(failures)
        for overlap in steps.overlaps:  # the program may have swallowed it
            if all(overlap[1] is not error for _, error in errors) and overlap[1] is not self._error:
                errors.insert(0, overlap)
        if self._error is not None:
            errors.append((KERNEL.threads[0], self._error))
        stop = KERNEL.stop.kind if KERNEL.stop else None
        if watch.stalled:
            return Failure(FindingKind.HANG, watch.stalled, tuple(errors[:-1]))
        if errors:
            first = errors[0][1]
            return Failure(kind_of(first), message_of(first), tuple(errors), getattr(first, "counts", {}))
        if stop == "deadlock":
            return Failure(FindingKind.DEADLOCK, deadlock.describe(blocked), (), {}, blocked)
        if stop == "step-limit":
            return Failure(FindingKind.STEP_LIMIT, f"no end after {KERNEL.step_limit} scheduling points")
        return None
