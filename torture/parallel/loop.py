"""The run loop: executes the target until something fails or the budget ends, in two stages.

A target that says what its ``component`` is (a scenario) is run undisturbed and timed first: a latency with our own
sleeps in it means nothing. Any other target is disturbed from its second execution on.
"""

from __future__ import annotations

import _thread
import atexit
import gc
import os
import platform
import re
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from torture.errors import UsageError
from torture.findings import Finding, FindingKind, Result, Verdict
from torture.instrument.choice import choose_modules, evidence
from torture.instrument.functions import Instrumenter
from torture.instrument.learn import ModuleLearner
from torture.isolation.answer import Send
from torture.isolation.globals import Globals, programs_modules
from torture.isolation.raised import error_text, innermost, kind_of, message_of
from torture.isolation.state import State
from torture.isolation.target import load
from torture.parallel import gil
from torture.parallel.growth import Growth
from torture.parallel.history import History
from torture.parallel.job import DEFAULT_BUDGET, STRATEGY, StressJob
from torture.parallel.latency import Latencies
from torture.parallel.leaks import children, descriptors, place_of
from torture.parallel.perturbation import LEVELS, Perturbation
from torture.parallel.starts import Starts
from torture.parallel.trial import Limits, Trial, run_on

_SWITCH_INTERVAL = 1e-6  # seconds
_UNDISTURBED = 0.25  # share of a run that is timed
_MOURNING = 0.5  # seconds that an execution may go on after an uncaught exception in one of its threads
_NUMBER = re.compile(r"\d+")  # in a thread's name: the same thread of another execution has another
_MOST_IGNORED = 10  # exceptions that are told
_MOST_LEFT = 500  # threads that executions may leave behind before the run stops

Errors = list[tuple[str, BaseException]]
_clock = time.perf_counter
_sleep = time.sleep


@dataclass(slots=True)
class _Stage:
    """A part of the run."""

    perturbation: str
    executions: int = 0
    seconds: float = 0.0  # of the executions alone


class Run:
    """One run of a target in this process."""

    def __init__(self, job: StressJob, state: State, send: Send) -> None:
        self._job = job
        self._state = state
        self._send = send
        self._sending = threading.Lock()
        self._learner = ModuleLearner()
        self._starts = Starts(self._learner.enter_thread, self._mourn)
        self._target: Any = None
        self._own = ""
        self._latencies: Latencies | None = None
        self._stages: list[_Stage] = [_Stage("off")]
        self._count = 0
        self._begun = 0.0
        self._most_threads = 1
        self._gil = True  # at the end of the run
        self._gil_watch = gil.Watch()
        self._gil_said = ""
        self._history: History | None = None
        self._perturbation: Perturbation | None = None
        self._left: dict[tuple[str, str], list[str]] = {}  # kind of name and place -> names
        self._leftovers = (descriptors(), children())
        self._warnings: dict[str, None] = {}
        self._growth: Growth | None = None  # since nothing is put back
        self._gathered: tuple[str, ...] = ()

    def result(self) -> Result:
        """Run to the end; raises UsageError for a wrong target."""
        job = self._job
        sys.setswitchinterval(_SWITCH_INTERVAL)
        self._target, module = load(job.target, job.arguments)
        self._own = module.partition(".")[0]
        self._globals = Globals(programs_modules(), self._target)
        self._threads_then = threading.active_count()
        holder = self._target if job.component is None else _Global(module, job.component)
        component = getattr(holder, "component", None)
        recorded = self._recorder(component)
        self._state.ready()
        self._state.gil(gil.enabled())
        self._starts.install()
        sys.unraisablehook = self._ignored
        self._begun = _clock()
        if component is not None:
            self._give(holder, lambda: recorded(component))
        with self._learner:  # this execution is not timed: it imports, and on 3.11 it is traced
            errors = self._execute()
        self._state.gil(gil.enabled())
        if not errors and component is not None:
            self._latencies = Latencies()
            measured = self._latencies.measured
            self._give(holder, lambda: recorded(measured(component)))
            share = 1.0 if job.perturbation == "off" else _UNDISTURBED
            errors = self._repeat(share)
            self._give(holder, lambda: recorded(component))
        if not errors and job.perturbation != "off":
            self._stages.append(_Stage(job.perturbation))
            self._perturbation = self._instrument()
            errors = self._repeat(1.0)
        elif not errors and component is None:
            errors = self._repeat(1.0)
        trial = Trial() if errors else self._run_on(holder, component)
        self._gathered = trial.leaks if trial.exceeded is None else ()  # else the finding says it
        with self._sending:
            concluded = self._conclude(errors, trial)
        if not errors:
            self._state.ending()
            atexit._run_exitfuncs()  # one that hangs or crashes is a finding, too
            ignored = [each for each in self._warnings if each not in concluded.warnings]
            concluded = replace(concluded, warnings=(*concluded.warnings, *ignored))
        return concluded

    def _recorder(self, component: Any) -> Callable[[Any], Any]:
        """Return what makes a recorded component of one, if a history was asked for."""
        job = self._job
        if job.history is None:
            return lambda component: component
        if component is None:
            raise UsageError(
                f"the history of {job.target!r} needs a component: name the class in its module whose calls are recorded"
            )
        head = {"target": job.target, "seed": job.seed, "python": platform.python_version()}
        self._history = History(job.history, head)
        return self._history.recorded

    def _repeat(self, share: float) -> Errors:
        """Execute until something fails or this share of the whole run is done, but once at least where there is room."""
        job = self._job
        last = (
            None
            if job.executions is None
            else max(job.executions * share, min(job.executions, self._count + 1))
        )
        budget = job.budget if job.budget is not None else (None if job.executions else DEFAULT_BUDGET)
        while True:
            if last is not None and self._count >= last:
                return []
            errors = self._execute()
            if errors:
                return errors
            if budget is not None and _clock() - self._begun >= budget * share:
                return []
            if threading.active_count() > _MOST_LEFT:
                self._warnings[f"stopped early: {_MOST_LEFT} threads were left running"] = None
                return []

    def _execute(self) -> Errors:
        """Execute once, and return the uncaught exceptions of all threads, the first one first."""
        starts, stage = self._starts, self._stages[-1]
        self._restore()
        starts.begin()
        error: BaseException | None = None
        if self._perturbation is not None:  # off between executions: there we may use what is under test
            self._perturbation.active = True
        begun = _clock()
        try:
            self._call()
        except BaseException as raised:  # SystemExit of the target must not end the worker
            error = raised
        if self._perturbation is not None:
            self._perturbation.active = False
        stage.seconds += _clock() - begun
        for name, place in starts.end():
            self._left.setdefault((_NUMBER.sub("", name), place), []).append(name)
        for leftovers in self._leftovers:
            leftovers.count()
        if self._growth is not None:
            self._growth.note()
        self._count += 1
        stage.executions += 1
        self._most_threads = max(self._most_threads, starts.threads + 1)
        self._state.tell(self._count, 0)
        if self._latencies is not None:
            self._latencies.collect()
        if self._history is not None:
            self._history.end(self._count + 1)
        errors = list(starts.errors)
        if isinstance(error, UsageError) and not errors:  # else it may be no more than their consequence
            raise error
        if error is not None and not any(error is known for _, known in errors):
            errors.append(("MainThread", error))
        return errors

    def _restore(self) -> None:
        """Put back what the modules held, unless a thread that was left over may be using it."""
        if threading.active_count() == self._threads_then:
            self._globals.restore()
        elif self._growth is None:
            self._growth = Growth(programs_modules(), self._target, traced=False)

    def _run_on(self, holder: Any, component: Any) -> Trial:
        """See what the program's modules gather where nothing is put back."""
        if not self._globals.changed or threading.active_count() != self._threads_then:
            return Trial()
        job = self._job

        def execute() -> bool:
            self._starts.failed = lambda: os._exit(1)
            self._starts.begin()
            self._call()
            return not self._starts.end() and not self._starts.errors

        if component is not None:
            self._give(holder, lambda: component)  # neither timed nor recorded
        else:
            self._restore()
        limits = Limits(
            executions=self._count,
            seconds=_clock() - self._begun,
            stall=job.stall_limit,
            memory=job.memory_limit,
        )
        seen = run_on(
            execute,
            programs_modules(),
            self._target,
            limits,
            lambda more: self._state.tell(self._count + more, 0),
        )
        self._state.tell(self._count, 0)
        return seen

    def _give(self, holder: Any, component: Callable[[], Any]) -> None:
        """Have the target use another component, in this and all later executions."""
        self._restore()
        holder.component = component()
        self._globals = Globals(programs_modules(), self._target)

    def _call(self) -> None:
        own = os.getpid()
        try:
            self._call_target()
        except BaseException as error:
            if os.getpid() == own:
                raise
            sys.__excepthook__(type(error), error, error.__traceback__)
            os._exit(1)
        if os.getpid() != own:  # it has forked, and returned in the child, too
            os._exit(0)

    def _call_target(self) -> None:
        if self._job.threads is None:
            self._target()
            return
        threads = [threading.Thread(target=self._target) for _ in range(self._job.threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _instrument(self) -> Perturbation:
        """Write the disturbance into all modules that ran."""
        opened = self._job.instrument
        perturbation = Perturbation(LEVELS[self._job.perturbation], self._job.seed)
        instrumenter = Instrumenter(perturbation, "free-threaded")
        gc.unfreeze()  # the collector's list is where functions are found; the program may have hidden them
        instrumenter.install(choose_modules(self._learner.modules, self._own, opened), evidence())
        if not instrumenter.opened:
            self._warnings["nothing was disturbed: no code under test has scheduling points"] = None
        return perturbation

    def _ignored(self, seen: sys.UnraisableHookArgs) -> None:
        """Say what the interpreter ignores: exceptions in finalisers and in what is registered with atexit."""
        sys.__unraisablehook__(seen)
        if seen.exc_value is not None and len(self._warnings) < _MOST_IGNORED:
            trace = seen.exc_value.__traceback__
            while trace is not None and trace.tb_next is not None:
                trace = trace.tb_next
            where = f", raised at {place_of(trace.tb_frame)}" if trace is not None else ""
            self._warnings[f"an exception was ignored{where}: {message_of(seen.exc_value)}"] = None

    def _mourn(self) -> None:
        """After an uncaught exception in a thread others may wait for it in vain: then the run ends here."""
        execution = self._count

        def wait() -> None:
            _sleep(_MOURNING)
            with self._sending:
                if self._count == execution:
                    self._count += 1
                    self._stages[-1].executions += 1
                    self._send(self._conclude(list(self._starts.errors), Trial()))

        _thread.start_new_thread(wait, ())

    def _conclude(self, errors: Errors, trial: Trial) -> Result:
        self._gil = gil.enabled()
        self._gil_said = self._gil_watch.said()
        for leftovers in self._leftovers:
            leftovers.stop()
        if self._history is not None:
            self._history.end(self._count + 1)  # of an execution that will not end
            self._history.close()
        seconds = _clock() - self._begun
        finding = self._finding(errors) if errors else self._exceeded(trial)
        return Result(
            target=self._job.target,
            verdict=Verdict.FAILED if finding is not None else Verdict.PASSED,
            finding=finding,
            executions=self._count,
            executions_to_failure=self._count if finding is not None else None,
            seconds=round(seconds, 6),
            executions_per_second=round(self._count / seconds, 1) if seconds > 0 else 0.0,
            strategy=STRATEGY,
            stages=tuple(self._described(stage) for stage in self._stages),
            seed=self._job.seed,
            granularity="gil" if self._with_gil_only else "free-threaded",
            threads=self._most_threads,
            warnings=(*self._notes(), *self._warnings),
        )

    def _finding(self, errors: Errors) -> Finding:
        first = errors[0][1]
        kind = kind_of(first)
        disturbed = self._stages[-1].perturbation != "off"
        reachable = "gil" if self._with_gil_only else None if self._gil else "free-threaded"
        return Finding(
            kind=kind,
            message=message_of(first),
            fingerprint=":".join([str(kind), type(first).__name__, innermost(first, self._own)]),
            reachable=reachable,
            labels=("disturbed",) if disturbed else (),
            threads=self._most_threads,
            errors=tuple(error_text(name, error) for name, error in errors),
            counts=getattr(first, "counts", {}),
        )

    def _exceeded(self, trial: Trial) -> Finding | None:
        """Return the finding that more and more memory is, None where it sufficed."""
        if trial.exceeded is None:
            return None
        return Finding(
            kind=FindingKind.MEMORY,
            message=f"the code under test used more than {self._job.memory_limit >> 20} MiB of memory in"
            f" {trial.exceeded:,} executions between which nothing was put back"
            + "".join(f"; {leak}" for leak in trial.leaks),
            fingerprint=str(FindingKind.MEMORY),
            threads=self._most_threads,
        )

    def _described(self, stage: _Stage) -> dict[str, Any]:
        """Return a stage as it stands in the result, the first one with the interpreter and the latencies."""
        told: dict[str, Any] = {
            "strategy": STRATEGY,
            "perturbation": stage.perturbation,
            "executions": stage.executions,
            "seconds": round(stage.seconds, 6),
        }
        if stage is self._stages[0]:
            told |= {"gil": self._gil, "cores": os.cpu_count()}
            counts = getattr(self._target, "counts", None)
            if isinstance(counts, dict) and counts:  # of a scenario
                told["counts"] = dict(counts)
            if self._gil_said:
                told["gil_said"] = self._gil_said
            if self._latencies is not None:
                told["latency"] = self._latencies.summary(stage.seconds)
                told["harness"] = self._latencies.overhead()
        return told

    @property
    def _with_gil_only(self) -> bool:
        """Tell whether threads were switched only where an interpreter with a GIL switches by itself."""
        return self._gil and self._stages[-1].perturbation == "off"

    def _notes(self) -> list[str]:
        notes = [_left_running(names, place) for (_, place), names in self._left.items()]
        notes += filter(None, [leftovers.leak() for leftovers in self._leftovers])
        gathered = (*self._gathered, *(self._growth.leaks() if self._growth is not None else ()))
        notes += [f"leak: {leak}: take them out, or bound it" for leak in gathered]
        notes += filter(None, [self._gil_said])
        if self._latencies is not None and self._latencies.unmeasured:
            notes.append(f"not timed: {self._latencies.unmeasured}")
        if self._history is not None and self._history.refused:
            notes.append(f"not in the history: {self._history.refused}")
        if self._history is not None and self._history.full:
            notes.append("the history is full: the calls of later executions are not in it")
        if self._job.profile is not None:
            notes.append("profiled: py-spy pauses the threads, and the latencies contain it")
        return notes


def _left_running(names: list[str], place: str) -> str:
    where = f", {place}" if place else ""
    if len(names) == 1:
        return f"leak: thread {names[0]} was still running when the target returned{where}: join it"
    return f"leak: {len(names):,} threads such as {names[0]} were still running when the target returned{where}: join them"


class _Global:
    """A name in the target's module that stands for a component."""

    def __init__(self, module: str, name: str) -> None:
        self._module = sys.modules[module]
        self._name = name
        if not callable(getattr(self._module, name, None)):
            known = [each for each, value in vars(self._module).items() if isinstance(value, type)]
            raise UsageError(
                f"component {name!r} is no class or factory in {module}; there are: {', '.join(known) or 'none'}"
            )

    @property
    def component(self) -> Any:
        """What the name stands for."""
        return getattr(self._module, self._name)

    @component.setter
    def component(self, value: Any) -> None:
        setattr(self._module, self._name, value)
