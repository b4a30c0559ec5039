"""The run loop: undisturbed executions first, which are timed, then each fault: at every boundary in turn, or by chance.

An execution that fails ends the run. A fault that never struck is said, and the result is no pass.
"""

from __future__ import annotations

import gc
import os
import resource
import shutil
import time
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from random import Random
from typing import Any

from torture.errors import CheckFailed, UsageError
from torture.findings import Finding, FindingKind, Result, Verdict
from torture.isolation.state import State
from torture.isolation.target import load
from torture.parallel.latency import Latencies
from torture.parallel.processes import disk_space, faults
from torture.parallel.processes.actor import Failure
from torture.parallel.processes.company import Company, Performance
from torture.parallel.processes.dealer import Plan
from torture.parallel.processes.faults import Fault
from torture.parallel.processes.job import DEFAULT_BUDGET, STRATEGY, ProcessJob
from torture.parallel.processes.survivors import Survey, Survivors, rows

_UNDISTURBED = 0.25  # share of a run with faults that is timed
_MOST_SPARE = 3  # blocks that may be left of a disk that is full
_LONGEST_CUT = 60.0  # seconds that a power cut takes where only a number of executions is given
_TRIES = 12  # executions of each fault before it counts as one that never strikes
_FEW = 0.5  # seconds of an undisturbed stage that nothing bounds

_clock = time.monotonic


@dataclass(slots=True)
class _Stage:
    """A part of the run: one fault, or none."""

    fault: Fault | None = None
    executions: int = 0
    seconds: float = 0.0
    struck: int = 0
    excused: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    processes: int = 0
    lasted: list[float] = field(default_factory=list)  # seconds, of each role, all executions together
    spread: float = 0.0  # seconds, the largest
    boundaries: int = 0
    exhausted: bool = False
    injected: bool = False  # a full disk that no file system could be made for
    survey: Survey | None = None


class Run:
    """One run of a target that says its roles, in this process and those it forks."""

    def __init__(self, job: ProcessJob, state: State) -> None:
        self._job = job
        self._target: Any = None
        self._own = ""  # the top-level package of what is under test
        self._state = state
        self._root = Path(job.folder)
        self._latencies = Latencies()
        self._stages: list[_Stage] = []
        self._count = 0
        self._begun = 0.0
        self._small_disk = False
        self._finding: Finding | None = None

    def result(self) -> Result:
        """Run to the end; raises UsageError for a wrong target."""
        job = self._job
        target, module = load(job.target, job.arguments)
        if not hasattr(target, "make"):
            raise UsageError("engine 'processes' needs a program that says its roles: a class with roles()")
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(
            resource.RLIMIT_AS, (job.memory_limit, most)
        )  # of each process that is forked, too
        os.umask(0o022)  # permissions as most people have them
        self._target, self._own = target, module.partition(".")[0]
        self._mount()
        gc.freeze()  # a collection in a forked process would copy every page that it looks at
        self._state.ready()
        self._begun = _clock()
        self._undisturbed()
        for fault in job.faults:
            if fault.kind == faults.POWER_CUT and self._finding is None:
                self._power_cut(fault)
        turns = [fault for fault in job.faults if _in_turn(fault)]
        for index, fault in enumerate(turns):
            self._at_boundaries(fault, share=1 / (len(turns) - index + 1))
        rest = [each for each in job.faults if each.kind != faults.POWER_CUT and not _in_turn(each)]
        self._at_random(rest)
        return self._conclude()

    @property
    def _budget(self) -> float:
        budget = self._job.budget
        return budget if budget is not None else (float("inf") if self._job.executions else DEFAULT_BUDGET)

    def _tell(self, more: int = 0) -> None:
        """Say how far the run is, with what is not counted yet."""
        self._state.tell(self._count + more, 0)

    def _mount(self) -> None:
        """Have a disk that can be full; it is mounted before anything is forked."""
        if any(fault.kind == faults.FULL_DISK and fault.at == faults.RANDOM for fault in self._job.faults):
            (self._root / "disk").mkdir()
            self._small_disk = disk_space.mount(self._root / "disk")

    def _undisturbed(self) -> None:
        stage = self._stage(None)
        executions, share = self._job.executions, _UNDISTURBED if self._job.faults else 1.0
        last = None if executions is None else max(1, int(executions * share))
        seconds = min(self._budget, _FEW / _UNDISTURBED) if self._job.faults else self._budget
        while True:
            self._execute(stage, Plan(seed=self._seed(), timed=True))
            late = _clock() - self._begun >= seconds * share
            if self._finding is not None or late or (last is not None and stage.executions >= last):
                return

    def _power_cut(self, fault: Fault) -> None:
        stage = self._stage(fault)
        place = self._root / f"power-cut-{len(self._stages)}"
        place.mkdir()
        survivors = Survivors(self._target, self._own, place, self._job.stall_limit)
        end = self._begun + min(self._budget, _LONGEST_CUT)
        survey = stage.survey = survivors.explore(fault.role, end, self._tell)
        found = survey.failure()
        stage.seconds, stage.struck = survey.seconds, survey.extent.states
        stage.exhausted = not survey.extent.bounded and not survey.unseen
        stage.executions = survey.extent.states
        self._count += survey.extent.states
        self._tell()
        if found is not None:
            self._finding = self._found([("power cut", found)], stage)

    def _at_boundaries(self, fault: Fault, share: float) -> None:
        """Strike before every call of the role's first process in turn, role by role where the fault names none.

        ``share`` is how much of the time that is left it may take.
        """
        if self._finding is not None:
            return
        stage = self._stage(fault)
        end = _clock() + max(0.0, self._begun + self._budget - _clock()) * share
        for victim in self._firsts(fault):
            boundary, reached = 0, True
            while reached:
                if stage.executions and _clock() >= end:
                    return
                plan = Plan(seed=self._seed(), fault=fault, victim=victim, boundary=boundary)
                done = self._execute(stage, plan)
                if self._finding is not None:
                    return
                reached = done.struck or done.boundaries > boundary
                boundary += reached
                stage.boundaries += reached
        stage.exhausted = True

    def _at_random(self, chance: list[Fault]) -> None:
        stages = [self._stage(fault) for fault in chance if self._finding is None]
        if not stages:
            return
        executions = self._job.executions
        undisturbed = self._stages[0]
        last = None if executions is None else max(len(stages), executions - undisturbed.executions)
        done = 0
        end = self._begun + self._budget
        while self._finding is None:
            over = _clock() >= end or (last is not None and done >= last)
            left = [stage for stage in stages if not over or not stage.struck]
            if not left or (over and done >= _TRIES * len(stages)):
                return
            stage = left[done % len(left)]
            assert stage.fault is not None
            chooser = Random(f"{self._seed()} {done}")
            victim = chooser.choice(self._victims(stage.fault))
            delay = chooser.random() * undisturbed.lasted[victim] / undisturbed.executions
            self._execute(stage, self._chance(stage, victim, delay, chooser))
            done += 1

    def _chance(self, stage: _Stage, victim: int, delay: float, chooser: Random) -> Plan:
        fault = stage.fault
        plan: dict[str, Any] = {"seed": self._seed(), "fault": fault, "victim": victim, "delay": delay}
        if fault is not None and fault.kind == faults.FULL_DISK:
            if self._small_disk:
                plan["spare"] = chooser.randrange(_MOST_SPARE)
            else:
                stage.injected = True
                plan["boundary"] = chooser.randrange(max(1, stage.boundaries))
        return Plan(**plan)

    def _execute(self, stage: _Stage, plan: Plan) -> Performance:
        parent = self._root / "disk" if plan.spare is not None else self._root
        folder = parent / f"execution-{self._count + 1}"
        folder.mkdir()
        try:
            company = Company(self._target, self._own, folder, self._job.stall_limit)
            done = company.perform(plan)
            failures = list(done.failures)
            if not failures:
                try:
                    self._target.judge(done.ledger)
                except CheckFailed as error:
                    failures.append(("judge", _failed(error)))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        stage.executions += 1
        stage.seconds += done.span
        stage.struck += done.struck
        stage.excused += done.excused
        stage.processes = max(stage.processes, done.processes)
        stage.lasted = [sum(pair) for pair in zip_longest(stage.lasted, done.lasted, fillvalue=0.0)]
        stage.spread = max(stage.spread, done.spread)
        if not _in_turn(stage.fault):
            stage.boundaries = max(stage.boundaries, done.boundaries)
        for name, count in done.ledger.counted:
            stage.counts[name] = stage.counts.get(name, 0) + count
        self._latencies.add(done.latency)
        self._count += 1
        self._tell()
        if failures:
            self._finding = self._found(failures, stage, plan)
        return done

    def _found(self, failures: list[tuple[str, Failure]], stage: _Stage, plan: Plan | None = None) -> Finding:
        first = failures[0][1]
        counts: dict[str, int] = {}
        for _, each in failures:
            if each.kind == first.kind:
                for name, count in each.counts.items():
                    counts[name] = counts.get(name, 0) + count
        others = sum(each.kind == first.kind for _, each in failures) - 1
        message = first.message + (f" (and {others} more processes with {first.kind})" if others else "")
        labels: tuple[str, ...] = ()
        if stage.fault is not None:
            labels = (stage.fault.kind,)
            if plan is not None and plan.boundary is not None:
                message += f"; {stage.fault.kind} before call {plan.boundary + 1} of the role"
            elif plan is not None:
                message += f"; {stage.fault.kind} by chance"
        return Finding(
            kind=FindingKind(first.kind),
            message=self._plain(message),
            fingerprint=first.fingerprint,
            labels=labels,
            errors=tuple(self._plain(each.text) for _, each in failures if each.text),
            counts=counts,
        )

    def _plain(self, text: str) -> str:
        """Return a text without the folder of the run: equal runs say the same."""
        return text.replace(f"{self._root}/", "")

    def _conclude(self) -> Result:
        seconds = _clock() - self._begun
        unseen: list[str] = []
        for stage in self._stages:
            if stage.survey is not None and (stage.survey.unseen or stage.struck):
                unseen += stage.survey.unseen
            elif stage.fault is not None and not stage.struck:
                unseen.append(f"{stage.fault.name} never struck in {stage.executions} executions")
        failed = self._finding is not None
        return Result(
            target=self._job.target,
            verdict=Verdict.FAILED if failed else Verdict.UNKNOWN if unseen else Verdict.PASSED,
            finding=self._finding,
            executions=self._count,
            executions_to_failure=self._count if failed else None,
            seconds=round(seconds, 6),
            executions_per_second=round(self._count / seconds, 1) if seconds > 0 else 0.0,
            exhausted=None if failed or unseen else self._exhausted(),
            strategy=STRATEGY,
            stages=tuple(self._described(stage) for stage in self._stages),
            seed=self._job.seed,
            threads=max((stage.processes for stage in self._stages), default=0),
            unseen=tuple(unseen),
            warnings=(*unseen, *self._notes()),
        )

    def _exhausted(self) -> dict[str, Any] | None:
        """Return what was tried completely; each says its own bound."""
        told: dict[str, Any] = {}
        for stage in self._stages:
            if stage.fault is None or not stage.exhausted:
                continue
            if stage.survey is not None:
                told["power cut"] = ", ".join(f"{count} {name}" for name, count in rows(stage.survey))
                if (count := stage.survey.processes) > 1:
                    told["power cut"] += f", in one order of what {count} processes did"
            else:
                told[stage.fault.name] = f"{stage.boundaries} boundaries of {stage.fault.role or 'all roles'}"
        return told or None

    def _described(self, stage: _Stage) -> dict[str, Any]:
        """Return a stage as it stands in the result, the first one with the latencies."""
        told: dict[str, Any] = {
            "strategy": STRATEGY,
            "fault": stage.fault.name if stage.fault is not None else "none",
            "executions": stage.executions,
            "seconds": round(stage.seconds, 6),
            "processes": stage.processes,
            "counts": stage.counts,
        }
        if stage is self._stages[0]:
            told |= {"cores": os.cpu_count(), "start_spread": round(stage.spread, 9)}
            told["latency"] = self._latencies.summary(stage.seconds)
            told["harness"] = self._latencies.overhead()
        else:
            told |= {"struck": stage.struck, "excused": stage.excused, "exhausted": stage.exhausted}
            if stage.survey is not None:
                told |= dict(rows(stage.survey))
            elif _in_turn(stage.fault):
                told["boundaries"] = stage.boundaries
        return told

    def _notes(self) -> list[str]:
        notes = []
        for stage in self._stages:
            if stage.survey is not None and stage.survey.extent.bounded:
                notes.append(f"power cut bounded: {stage.survey.extent.bounded}")
            elif _in_turn(stage.fault) and not stage.exhausted and self._finding is None:
                assert stage.fault is not None
                notes.append(f"{stage.fault.name} bounded: time was up after {stage.boundaries} boundaries")
            if stage.injected:
                notes.append("full-disk: no small file system could be mounted; ENOSPC was injected")
        return notes

    def _stage(self, fault: Fault | None) -> _Stage:
        self._stages.append(_Stage(fault))
        return self._stages[-1]

    def _seed(self) -> int:
        return self._job.seed * 1_000_003 + self._count

    def _firsts(self, fault: Fault) -> list[int]:
        """Return the first process of each role that the fault may hit."""
        victims, firsts, index = self._victims(fault), [], 0
        for count in self._target.make(self._root).roles().values():
            firsts.append(index)
            index += count
        return [first for first in firsts if first in victims]

    def _victims(self, fault: Fault) -> list[int]:
        """Return which processes the fault may hit. Raises UsageError if nobody plays its role."""
        roles = self._target.make(self._root).roles()
        played = [role for role, count in roles.items() for _ in range(count)]
        found = [index for index, role in enumerate(played) if fault.role in ("", role)]
        if not found:
            raise UsageError(
                f"fault {fault.kind!r} is for role {fault.role!r}; the program has {', '.join(roles)}"
            )
        return found


def _in_turn(fault: Fault | None) -> bool:
    return fault is not None and fault.at == faults.BOUNDARIES and fault.kind != faults.POWER_CUT


def _failed(error: CheckFailed) -> Failure:
    return Failure(error.kind, str(error), f"{error.kind}:ledger", "", error.counts)
