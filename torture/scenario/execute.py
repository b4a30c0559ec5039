"""Runs cases and writes down what came out, after each of them."""

from __future__ import annotations

import json
import os
import platform
import shlex
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from torture import __version__
from torture.errors import InternalError, UsageError
from torture.exploration.job import Job
from torture.findings import Finding, FindingKind, Result, Verdict
from torture.oracles.accounting import Check
from torture.parallel.job import StressJob
from torture.parallel.processes.job import ProcessJob
from torture.report import roles
from torture.report.console import Row
from torture.report.json import to_json
from torture.report.stress import gil, harness, latencies, loud, slowest_p95
from torture.scenario.document import suggestion
from torture.scenario.loader import Case

SCHEMA = 1  # of run.json
REPORT = "run.json"
TARGET = "torture.scenario.program:build"
INTERRUPTED = 130  # as shells report SIGINT

Explore = Callable[[Job], Result]
Stress = Callable[[StressJob], Result]
Processes = Callable[[ProcessJob], Result]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says over the files."""

    files: tuple[str, ...] = ()
    only: str | None = None
    budget: float | None = None  # seconds
    seed: int | None = None
    engine: str | None = None
    report_dir: str = "reports"
    profile: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """The rows of a run, as far as it went."""

    rows: tuple[Row, ...]
    interrupted: bool = False

    @property
    def exit_status(self) -> int:
        """0 all as expected, 1 something is not, 3 torture itself failed, 4 unknown and nothing worse."""
        if self.interrupted:
            return INTERRUPTED
        wrong = {row.verdict for row in self.rows if not row.as_expected}
        if Verdict.ERROR in wrong:
            return Verdict.ERROR.exit_status
        return 1 if wrong - {Verdict.UNKNOWN} else Verdict.UNKNOWN.exit_status if wrong else 0


def select(cases: Sequence[Case], only: str | None) -> tuple[Case, ...]:
    """Return the cases whose scenario or scenario/variant fits the pattern; UsageError if none does."""
    if only is None:
        return tuple(cases)
    chosen = tuple(
        case for case in cases if fnmatchcase(case.scenario.name, only) or fnmatchcase(case.name, only)
    )
    if not chosen:
        names = dict.fromkeys(name for case in cases for name in (case.scenario.name, case.name))
        raise UsageError(f"--only {only!r} fits no scenario; {suggestion(only, list(names))}")
    return chosen


def execute(
    cases: Sequence[Case],
    explore: Explore,
    options: Options,
    begin: Callable[[str], None] = lambda name: None,
    stress: Stress | None = None,
    processes: Processes | None = None,
) -> Run:
    """Run every case, and write the report before the first and after each.

    An interrupt ends the run; what it has is kept. Raises UsageError if a target is wrong or the
    report cannot be written.
    """
    run = Run(())
    _write(run, options, complete=False)
    try:
        for case in cases:
            begin(case.name)
            chosen = replace(case, engine=options.engine or case.engine)
            try:
                result = _executed(chosen, explore, stress, processes, options)
            except UsageError as error:
                if chosen.engine != "processes" or case.engine == "processes":
                    raise
                # The file is right; its program says no roles, and cannot be run by the engine of the command line.
                result = Result(target=case.name, verdict=Verdict.UNKNOWN, warnings=(str(error),))
            row = _row(chosen, result, options)
            escapes = chosen.engine == "stress" and case.engine == "explore"
            run = Run((*run.rows, replace(row, may_escape=escapes)))
            _write(run, options, complete=False)
    except KeyboardInterrupt:
        run = Run(run.rows, interrupted=True)
    _write(run, options, complete=not run.interrupted)
    return run


def _executed(
    case: Case, explore: Explore, stress: Stress | None, processes: Processes | None, options: Options
) -> Result:
    """Return the result of one case; an error of torture itself is one too."""
    arguments = {"file": case.file, "name": case.scenario.name, "variant": case.variant_name}
    limits: dict[str, Any] = {
        "executions": case.executions,
        "budget": case.budget if options.budget is None else options.budget,
        "seed": case.seed if options.seed is None else options.seed,
    }
    how: dict[str, Any]
    try:
        if case.engine == "processes" and processes is not None:
            faults = tuple(each.fault() for each in case.scenario.faults)
            return processes(ProcessJob(target=TARGET, arguments=arguments, faults=faults, **limits))
        if case.scenario.faults:
            warning = f"engine {case.engine!r} injects no faults; run it with --engine processes"
            return Result(target=case.name, verdict=Verdict.UNKNOWN, warnings=(warning,))
        if case.engine == "explore":
            how = {"strategy": case.strategy, "granularity": case.granularity}
            return explore(Job(target=TARGET, arguments=arguments, **limits, **how))
        if case.engine == "stress" and stress is not None:
            how = {
                "perturbation": case.perturbation,
                "history": _file(case, options, "history", ".jsonl") if case.history else None,
                "profile": _file(case, options, "profile", ".json") if options.profile else None,
            }
            return stress(StressJob(target=TARGET, arguments=arguments, **limits, **how))
        warning = f"engine {case.engine!r} is not available in this version"
        return Result(target=case.name, verdict=Verdict.UNKNOWN, warnings=(warning,))
    except InternalError as error:
        return Result(target=case.name, verdict=Verdict.ERROR, warnings=(f"internal error: {error}",))


def _row(case: Case, result: Result, options: Options) -> Row:
    finding = result.finding
    ran = _ran(case, result)
    deadlocks = int(finding is not None and finding.kind is FindingKind.DEADLOCK)
    return Row(
        scenario=case.scenario.name,
        fault=case.scenario.fault,
        variant=case.variant_name,
        engine=case.engine,
        executions=result.executions if ran else None,
        lost=_counted(case, result, "lost", Check.EXACTLY_ONCE),
        duplicated=_counted(case, result, "duplicated", Check.EXACTLY_ONCE),
        deadlocks=deadlocks if ran else None,
        p95=slowest_p95(result),
        collisions=_counted(case, result, "collisions", Check.UNIQUE),
        torn=_torn(case, result),
        processes=roles.details(result),
        exhausted=result.exhausted if case.engine == "explore" else None,
        verdict=result.verdict,
        expected=Verdict(case.variant.expect),
        expected_kinds=case.variant.kind,
        finding=finding,
        warnings=result.warnings,
        command=_command(case, finding, options),
        latency=latencies(result),
        harness=harness(result),
        gil=gil(result),
        gil_said=loud(result),
    )


def _file(case: Case, options: Options, kind: str, ending: str) -> str:
    """Return the file of a kind that a case writes beside the report."""
    folder = Path(options.report_dir, kind).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder / f"{case.scenario.name}.{case.variant_name}{ending}")


def _ran(case: Case, result: Result) -> bool:
    return result.verdict is not Verdict.ERROR and (case.engine == "explore" or result.executions > 0)


def _counted(case: Case, result: Result, name: str, check: Check) -> int | None:
    """Return what was counted; 0 where the check looked and there was nothing, None where it did not."""
    counts = result.finding.counts if result.finding is not None else {}
    looked = _ran(case, result) and check in case.scenario.checks and (result.finding is None or bool(counts))
    return counts.get(name) or (0 if looked else None)


def _torn(case: Case, result: Result) -> int | None:
    """Return the torn reads, or crash states; 0 where none was seen of a program that looks for them."""
    if result.finding is not None:
        return result.finding.counts.get("torn")
    counts = [stage["counts"] for stage in result.stages if "torn" in stage.get("counts", {})]
    looked = any(FindingKind.TORN in variant.kind for variant in case.scenario.variants.values())
    return sum(each["torn"] for each in counts) if counts else 0 if looked and _ran(case, result) else None


def _command(case: Case, finding: Finding | None, options: Options) -> str:
    if finding is not None and finding.schedule:
        return f"torture replay {shlex.quote(finding.schedule)}"
    seed = case.seed if options.seed is None else options.seed
    engine = () if options.engine is None else ("--engine", options.engine)
    files = options.files or (case.file,)
    return shlex.join(["torture", "run", *files, "--only", case.name, *engine, "--seed", str(seed)])


def _write(run: Run, options: Options, *, complete: bool) -> None:
    """Replace the report as a whole: whoever reads it meanwhile, or after a crash, finds a valid one."""
    document = {
        "schema": SCHEMA,
        "tool": f"torture {__version__}",
        "python": platform.python_version(),
        "seed": options.seed,
        "complete": complete,
        "rows": [_as_json(row) for row in run.rows],
    }
    folder = Path(options.report_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{REPORT}.", dir=folder)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(json.dumps(document, indent=2) + "\n")
            Path(temporary).chmod(0o644)  # mkstemp makes it private
            os.replace(temporary, folder / REPORT)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        problem = f"report directory {options.report_dir!r} cannot be written ({error.strerror})"
        raise UsageError(f"{problem}; name another with --report-dir") from None


def _as_json(row: Row) -> dict[str, Any]:
    """Return all that the table shows, and the finding; of times only latencies: else equal runs write equal bytes."""
    finding = row.finding
    return {
        "scenario": row.scenario,
        "fault": row.fault,
        "variant": row.variant,
        "engine": row.engine,
        "executions": row.executions,
        "lost": row.lost,
        "duplicated": row.duplicated,
        "deadlocks": row.deadlocks,
        "p95": row.p95,
        "latency": list(row.latency),
        "harness": row.harness,
        "gil": row.gil,
        "collisions": row.collisions,
        "torn": row.torn,
        "processes": row.processes,
        "exhausted": row.exhausted,
        "verdict": row.verdict.value,
        "expected": row.expected.value,
        "expected_kinds": [kind.value for kind in row.expected_kinds],
        "may_escape": row.may_escape,
        "as_expected": row.as_expected,
        "finding": None if finding is None else _finding_as_json(finding),
        "warnings": list(row.warnings),
        "command": row.command,
    }


def _finding_as_json(finding: Finding) -> dict[str, Any]:
    """Return what ``torture explore --json`` says of a finding."""
    document: dict[str, Any] = to_json(Result(target="", verdict=Verdict.FAILED, finding=finding))["finding"]
    return document
