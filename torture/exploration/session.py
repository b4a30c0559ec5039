"""A prepared worker process: patched, the target imported and warmed up, its code instrumented."""

from __future__ import annotations

import gc
import sys
import zlib
from collections.abc import Callable
from random import Random

from torture.exploration.diagnosis import token_of
from torture.exploration.execution import Execution, Executor
from torture.exploration.gil import GilPoints
from torture.exploration.job import Job
from torture.exploration.learning import AccessLog, Learning
from torture.exploration.mirror import Mirror
from torture.exploration.points import KernelPoints
from torture.exploration.recorder import EventRecorder
from torture.instrument.choice import choose_modules, evidence, is_own, is_trusted
from torture.instrument.functions import Instrumenter
from torture.instrument.learn import CHEAP, ModuleLearner
from torture.instrument.writer import Unit
from torture.isolation.globals import Globals, import_again, programs_modules
from torture.isolation.target import load
from torture.runtime import patching
from torture.runtime.baton import BatonCarrier
from torture.runtime.kernel import KERNEL, WITHOUT_GREENLETS
from torture.strategies.dpor import MOST_STEPS
from torture.strategies.fixed import NonPreemptive
from torture.strategies.random_walk import RandomWalk
from torture.strategies.strategy import Strategy
from torture.trace.schedule import Schedule

GIL = "gil"
# What is not worth a word among the code without points: it runs below every Thread and every import.
_ENGINE = frozenset(
    {"torture", "greenlet", "importlib", "_frozen_importlib", "_frozen_importlib_external", "zipimport"}
    | {"weakref", "_weakrefset", "_distutils_hack"}
)
_FIRST_REHEARSALS = (
    8  # watched for modules that run late, where that cannot be done otherwise; later one at a time
)
_WARMING_UP = (
    50  # step limits that the execution without preemptions may take: a long program is no livelock, and
)
_LONGER = 4  # times as many steps as it took are the limit of the others then, if that is more
_COLLECT_EVERY = 128  # executions: the collector must not run at random points, but garbage has to go


class Session:
    """Everything that is done once per worker, and one method that runs executions."""

    def __init__(
        self,
        job: Job,
        modules: tuple[str, ...] | None = None,
        *,
        imported: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare the job's target; ``modules`` are given by a token, and learnt otherwise.

        ``imported`` is called when the target has been imported.
        """
        self.job = job
        self.step_limit = job.step_limit
        self.without_greenlets = ""  # why not, where they were wanted
        if job.carrier == "thread":
            KERNEL.carrier = BatonCarrier()
        else:
            self.without_greenlets = WITHOUT_GREENLETS
        patching.install(job.instrument)
        before = {id(lock) for lock in patching.interpreter_locks()}
        target, module = load(job.target, job.arguments)
        imported()
        gc.unfreeze()  # the collector's list is where locks and functions are found; the program may have hidden them
        self.own = module.partition(".")[0]
        patching.install_imported()
        state = Globals(programs_modules(), target)
        loaded = set(sys.modules)
        self.executor = Executor(target, state)
        self._mirror = None if job.mirror is None else Mirror(job.mirror)
        self.modules: tuple[str, ...] = ()
        self.trusted: tuple[str, ...] = ()
        self.withheld: frozenset[Unit] = frozenset()  # points that no execution but a sampler's has, either
        self.executions = 0
        self._rehearsed = 0
        KERNEL.gil = self.gil
        self._instrumenter = instrumenter_for(job.granularity)
        patching.rebase_logging()
        gc.disable()
        self._learner = ModuleLearner(lambda: KERNEL.active and not KERNEL.killing)
        if CHEAP:
            self._learner.__enter__()  # for good
        KERNEL.step_limit = job.step_limit * _WARMING_UP
        self._reflect()
        self._run_learning(NonPreemptive(), Random(0))
        ran = self._learner.modules
        state.restore()
        import_again([name for name in sys.modules if name not in loaded and is_own(name, self.own)])
        patching.install_imported()  # imported by a function of the target
        self.executor.state = Globals(programs_modules(self.own, ran), target)
        learnt = self._choose_modules(ran) if modules is None else modules
        self._instrument(learnt)
        self.hidden_locks = tuple(
            f"a lock of the interpreter's own in {patching.name_holder(lock)} is outside control"
            for lock in patching.interpreter_locks()
            if id(lock) not in before
        )
        gc.collect()
        gc.freeze()
        self.warm_up = self._once(NonPreemptive())  # lazy imports and caches are done: this one counts
        self.step_limit = max(job.step_limit, self.warm_up.points * _LONGER)
        if self.warm_up.points > KERNEL.step_limit:  # it has no end, as far as that can be told
            self.step_limit = KERNEL.step_limit = job.step_limit
            self.warm_up = self._once(NonPreemptive())
        KERNEL.step_limit = self.step_limit

    def _once(self, strategy: Strategy) -> Execution:
        self._reflect()
        execution = self.executor.run(strategy, Random(0))
        assert execution is not None
        return execution

    def learn(self) -> bool:
        """Instrument the modules that ran for the first time since the last call; tell whether there were any."""
        self._rehearse()
        modules = tuple(sorted({*self.modules, *self._choose_modules(self._learner.modules)}))
        if modules == self.modules:
            return False
        gc.unfreeze()  # the collector's list is where functions are found
        self._instrument(modules)
        gc.freeze()
        return True

    def _choose_modules(self, ran: frozenset[str]) -> tuple[str, ...]:
        trusted = {name for name in ran if is_trusted(name, self.job.instrument)}
        self.trusted = tuple(sorted({*self.trusted, *trusted}))
        return choose_modules(ran, self.own, self.job.instrument)

    def forget(self) -> None:
        """Start again to learn which points matter."""
        self._learning = Learning()

    def _instrument(self, modules: tuple[str, ...]) -> None:
        self.modules = modules
        self.forget()  # there are more places
        self._instrumenter.install(modules, evidence())
        self._learner.judge(self._instrumenter.is_instrumented)

    @property
    def opened(self) -> frozenset[str]:
        """Return the modules that have functions with scheduling points."""
        return self._instrumenter.opened

    @property
    def left_out(self) -> tuple[str, ...]:
        """Return the modules that ran and have no scheduling points at all."""
        ran = self._learner.modules - {*self.modules, *self.trusted}
        left = sorted(name for name in ran if name.partition(".")[0] not in _ENGINE)
        return (*left, *(f"code made at run time ({file.strip('<>')})" for file in self.made_code))

    @property
    def made_code(self) -> tuple[str, ...]:
        """Return what the program compiled itself and ran without scheduling points."""
        return tuple(sorted(self._learner.made))

    @property
    def looking_at_deaths(self) -> tuple[str, ...]:
        """Return the modules that may see when objects die: an order that ``dpor`` does not reverse."""
        return () if self.gil else self._instrumenter.looking_at_deaths  # with a GIL it has no reduction

    @property
    def long(self) -> bool:
        """Tell whether an execution has more steps than ``dpor`` can analyse."""
        return self.warm_up.points > MOST_STEPS

    @property
    def gil(self) -> bool:
        """Tell whether only the switch places of an interpreter with a GIL count."""
        return self.job.granularity == GIL

    def instrument_for(self, granularity: str, *, cold: bool = False, finalizers: bool = True) -> None:
        """Write the points of another granularity into the same modules; see :class:`GilPoints`."""
        self._instrumenter.uninstall()
        gc.unfreeze()  # the collector's list is where functions are found
        KERNEL.gil = granularity == GIL
        self._instrumenter = instrumenter_for(granularity, cold=cold, finalizers=finalizers)
        self._instrument(self.modules)
        gc.freeze()

    @property
    def skipped(self) -> tuple[str, ...]:
        """Return the functions that could not be instrumented."""
        return self._instrumenter.skipped

    @property
    def without(self) -> frozenset[Unit]:
        """Return what points the last execution ran without."""
        return self._instrumenter.left_out

    def sample(self, strategy: Strategy, rng: Random) -> Execution | None:
        """Execute once under a sampler, without the points that cannot matter as far as that is learnt."""
        if self.gil or not self.job.learn:
            return self.run(strategy, rng)
        learning = self._learning
        self._instrumenter.leave_out(learning.left_out)
        log = learning.log if learning.watches else None
        execution = self._run(strategy, rng, None, log, sampled=True)
        learning.count(self._instrumenter)
        return execution

    def run(self, strategy: Strategy, rng: Random, recorder: EventRecorder | None = None) -> Execution | None:
        """Execute once under ``strategy`` with every point but those withheld; None when it has nothing left."""
        self._instrumenter.leave_out(self.withheld)
        return self._run(strategy, rng, recorder, None)

    def _run(
        self,
        strategy: Strategy,
        rng: Random,
        recorder: EventRecorder | None,
        log: AccessLog | None,
        *,
        sampled: bool = False,
    ) -> Execution | None:
        self.executions += 1
        self._reflect()
        if self.executions % _COLLECT_EVERY == 0:
            gc.collect()
        return self.executor.run(strategy, rng, recorder, log, sampled=sampled)

    def _rehearse(self) -> None:
        """Where watching changes what is watched, do it in executions that do not count: nothing else is learnt there."""
        if CHEAP or KERNEL.foreign or KERNEL.abandoned:
            return
        self._instrumenter.leave_out(self.withheld)
        first = not self._rehearsed
        for _ in range(_FIRST_REHEARSALS if first else 1):
            self._rehearsed += 1
            self._reflect()
            self._run_learning(RandomWalk(), Random(self._rehearsed))

    def _reflect(self) -> None:
        """Have the schedule of the next execution written where it outlives the process, if that is asked for."""
        if self._mirror is not None:
            self._mirror.begin(token_of(self, Schedule(()), (), ""))
            KERNEL.schedule_list = self._mirror.schedule

    def _run_learning(self, strategy: Strategy, rng: Random) -> None:
        KERNEL.on_thread = None if CHEAP else self._learner.enter_thread
        try:
            if CHEAP:
                self.executor.run(strategy, rng)
                return
            with self._learner:
                self.executor.run(strategy, rng)
        finally:
            KERNEL.on_thread = None

    def code_hash(self) -> str:
        """Return a short hash of the target's own source files."""
        digest = 0
        for name in self.modules:
            file = getattr(sys.modules.get(name), "__file__", None)
            if name.partition(".")[0] == self.own and file:
                with open(file, "rb") as source:
                    digest = zlib.crc32(source.read(), digest)
        return f"{digest:08x}"


def instrumenter_for(granularity: str, *, cold: bool = False, finalizers: bool = True) -> Instrumenter:
    """Return an instrumenter that ties code to the kernel; for ``cold`` and ``finalizers`` see :class:`GilPoints`."""
    points = GilPoints(cold=cold, finalizers=finalizers) if granularity == GIL else KernelPoints()
    return Instrumenter(points, granularity)


def modules_that_run(executor: Executor) -> frozenset[str]:
    """Execute once, without preemptions, and return the modules whose functions ran."""
    learner = ModuleLearner()
    strategy, rng = NonPreemptive(), Random(0)  # made here, or their modules would be learnt
    KERNEL.on_thread = learner.enter_thread
    try:
        with learner:
            executor.run(strategy, rng)
    finally:
        KERNEL.on_thread = None
    return learner.modules
