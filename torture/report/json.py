"""The result as JSON, in the order of ``docs/result.schema.json``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from torture.errors import UsageError
from torture.findings import RESULT_SCHEMA, Finding, FindingKind, NoReturn, Result, Twin, Verdict
from torture.trace.event import Event


def to_json(result: Result) -> dict[str, Any]:
    """Return the result as JSON values; the failure report, made for people, is left out."""
    return {
        "schema": RESULT_SCHEMA,
        "target": result.target,
        "verdict": result.verdict.value,
        "finding": None if result.finding is None else _finding(result.finding),
        "executions": result.executions,
        "executions_to_failure": result.executions_to_failure,
        "seconds": result.seconds,
        "executions_per_second": result.executions_per_second,
        "exhausted": result.exhausted,
        "strategy": result.strategy,
        "stages": list(result.stages),
        "seed": result.seed,
        "granularity": result.granularity,
        "points": result.points,
        "threads": result.threads,
        "unseen": list(result.unseen),
        "warnings": list(result.warnings),
        "learnt": result.learnt,
    }


def dumps(result: Result) -> str:
    """Return the result as indented JSON text, in ASCII: it survives any terminal and any log."""
    return json.dumps(to_json(result), indent=2, allow_nan=False)


def from_json(document: dict[str, Any]) -> Result:
    """Return the result that :func:`to_json` wrote; raises UsageError for another schema."""
    fields = dict(document)
    schema = fields.pop("schema", None)
    if schema != RESULT_SCHEMA:
        raise UsageError(f"result schema {schema!r} is unknown; this version reads {RESULT_SCHEMA}")
    finding = fields.pop("finding")
    if finding is not None:
        kind = FindingKind(finding["kind"])
        tuples = {name: tuple(finding[name]) for name in ("labels", "errors")}
        hinges = {"twin": _twin(finding["twin"]), "no_return": _no_return(finding["no_return"])}
        finding = Finding(**{**finding, **tuples, **hinges, "kind": kind})
    tuples = {name: tuple(fields[name]) for name in ("stages", "unseen", "warnings")}
    return Result(**{**fields, **tuples, "finding": finding, "verdict": Verdict(fields["verdict"])})


def _twin(fields: dict[str, Any] | None) -> Twin | None:
    if fields is None:
        return None
    return Twin(**{**fields, **{name: _event(fields[name]) for name in ("at", "sooner", "later")}})


def _no_return(fields: dict[str, Any] | None) -> NoReturn | None:
    return None if fields is None else NoReturn(**{**fields, "step": _event(fields["step"])})


def _event(fields: dict[str, Any] | None) -> Event | None:
    return None if fields is None else Event(**fields)


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind.value,
        "message": finding.message,
        "fingerprint": finding.fingerprint,
        "reachable": finding.reachable,
        "labels": list(finding.labels),
        "schedule": finding.schedule,
        "threads": finding.threads,
        "preemptions": finding.preemptions,
        "steps": finding.steps,
        "shrunk_from": finding.shrunk_from,
        "twin": None if finding.twin is None else asdict(finding.twin),
        "no_return": None if finding.no_return is None else asdict(finding.no_return),
        "errors": list(finding.errors),
        "counts": finding.counts,
    }
