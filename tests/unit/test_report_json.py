"""The JSON of a result: its order, its schema, and the way back."""

import json
from pathlib import Path

import jsonschema
import pytest

from torture.errors import UsageError
from torture.findings import Finding, FindingKind, NoReturn, Result, Twin, Verdict
from torture.report.json import dumps, from_json, to_json
from torture.trace.event import Event

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/result.schema.json").read_text())

STEP = Event(3, 1, "read", "C#1.n", "0", "C.add", "count", "/home/me/count.py", 7, 2)
FINDING = Finding(
    FindingKind.LOST,
    "1 of 3 lost: \udc80 ➜",
    "lost:pop",
    schedule="T1-abc",
    reachable="gil",
    labels=("timing",),
    threads=3,
    preemptions=1,
    steps=9,
    shrunk_from={"threads": 3, "preemptions": 4, "steps": 40},
    twin=Twin("moved", "A", "B", preempts=True, token="T1-def", at=STEP, later=STEP),
    no_return=NoReturn(sampled=32, passing=5, step=STEP),
    errors=("Traceback",),
    counts={"lost": 1},
)
FAILED = Result(
    "ring.py:test",
    Verdict.FAILED,
    FINDING,
    executions=7,
    executions_to_failure=7,
    seconds=0.25,
    executions_per_second=28.0,
    stages=({"strategy": "dfs", "executions": 7},),
    seed=3,
    points=41.5,
    threads=3,
    unseen=("module fast",),
    warnings=("slow",),
)
PASSED = Result("m:f", Verdict.PASSED, executions=12, exhausted={"target": "m:f", "instrumented": ["m"]})
UNKNOWN = Result("m:f", Verdict.UNKNOWN, unseen=("thread 3",))


@pytest.mark.parametrize("result", [FAILED, PASSED, UNKNOWN], ids=lambda result: result.verdict.value)
def test_every_verdict_is_valid_and_comes_back_equal(result: Result) -> None:
    document = json.loads(dumps(result))

    jsonschema.validate(document, SCHEMA, cls=jsonschema.Draft202012Validator)
    assert from_json(document) == result


def test_fields_stand_in_the_order_of_the_schema() -> None:
    document = to_json(FAILED)

    assert list(document) == list(SCHEMA["properties"]) == SCHEMA["required"]
    assert list(document["finding"]) == list(SCHEMA["$defs"]["finding"]["properties"])


def test_the_schema_knows_every_kind_and_verdict() -> None:
    assert SCHEMA["$defs"]["finding"]["properties"]["kind"]["enum"] == [kind.value for kind in FindingKind]
    assert SCHEMA["properties"]["verdict"]["enum"] == [verdict.value for verdict in Verdict]


@pytest.mark.parametrize(
    "wrong",
    [
        {"verdict": "passed"},  # a pass has no finding
        {"finding": None},  # a failure has one
        {"verdict": "skipped"},
        {"executions": -1},
        {"granularity": "coarse"},
        {"surprise": 1},
    ],
    ids=str,
)
def test_the_schema_refuses_what_makes_no_sense(wrong: dict[str, object]) -> None:
    document = {**to_json(FAILED), **wrong}

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)


def test_text_is_ascii_so_that_any_log_can_take_it() -> None:
    assert dumps(FAILED).isascii()


def test_another_schema_number_is_refused() -> None:
    with pytest.raises(UsageError, match="schema 99 is unknown"):
        from_json({**to_json(PASSED), "schema": 99})
