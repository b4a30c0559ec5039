"""Histories of real threads, as an oracle reads them."""

import json
from collections import defaultdict

import pytest

from tests.parallel.stressing import PROGRAMS, ROOT, stressed
from torture.cli import main
from torture.errors import UsageError
from torture.findings import Verdict
from torture.trace.history import Call, read


def history(tmp_path, function, **settings):
    file = tmp_path / "history.jsonl"
    result = stressed(function, history=str(file), **settings)
    with file.open() as stream:
        return result, list(read(stream))


def test_every_call_is_there_with_what_went_in_and_came_out(tmp_path):
    result, calls = history(tmp_path, "box_is_used", component="Box", executions=6, perturbation="light")
    first = {call.thread: call for call in calls if call.execution == 1}
    put, refused, get = first["putter"], first["refused"], first["MainThread"]

    assert result.verdict is Verdict.PASSED
    assert len(calls) == 6 * 3
    assert (put.operation, put.instance) == ("Box.put", "Box#1")
    assert (put.arguments, put.keywords) == ([[1, {"k": {"bytes": "01"}}]], {"loudly": True})
    assert (put.result, put.raised) == ({"object": "Counter#1"}, None)
    assert (refused.arguments, refused.result, refused.raised) == ([None], None, "ValueError")
    assert put.called < put.returned <= get.called < get.returned


def test_the_calls_of_an_execution_stand_in_the_order_in_which_they_were_made(tmp_path):
    _, calls = history(tmp_path, "queue_is_used", component="Queue", executions=5)

    assert [(call.execution, call.called) for call in calls] == sorted((c.execution, c.called) for c in calls)
    assert {call.execution for call in calls} == {1, 2, 3, 4, 5}


def popped_twice(calls):
    """Judge queues: tell whether an item came out twice, or one before an item whose pop had returned earlier."""
    pops = defaultdict(list)
    for call in calls:
        if call.operation.endswith(".pop") and call.result is not None:
            pops[call.execution, call.instance].append(call)
    return any(
        one.result == other.result or (one.result > other.result and one.returned < other.called)
        for each in pops.values()
        for index, one in enumerate(each)
        for other in each[index + 1 :]
    )


def test_an_oracle_accepts_a_right_queue_and_refuses_a_wrong_one(tmp_path):
    # The wrong one shows in an execution with odds over 0.2: all 60 would miss with 0.8 ** 60 = 2e-6.
    _, right = history(tmp_path, "queue_is_used", component="Queue", executions=40, perturbation="heavy")
    _, wrong = history(
        tmp_path, "racy_queue_is_used", component="RacyQueue", executions=60, perturbation="heavy"
    )

    assert len(right) == 40 * 8
    assert not popped_twice(right)
    assert popped_twice(wrong)


@pytest.mark.parametrize(("function", "kind"), [("box_crashes", "crash"), ("box_blocks", "deadlock")])
def test_what_an_execution_recorded_that_never_ended_is_there(tmp_path, function, kind):
    result, calls = history(tmp_path, function, component="Fragile", executions=9, perturbation="off")
    last = {call.operation: call for call in calls if call.execution == 3}
    put, end = last["Fragile.put"], last["Fragile.end"]

    assert result.finding.kind.value == kind
    assert [call.execution for call in calls] == [1, 1, 2, 2, 3, 3]
    assert (end.returned, end.result, end.raised) == (None, None, None)
    assert end.arguments[1] == {"object": "Counter#1"}  # the same object as in the other call
    assert put.arguments == [{"object": "Counter#1"}]
    assert put.result == {"object": "Counter#1"}
    assert put.instance == end.instance == "Fragile#1"
    assert put.called <= put.returned
    assert "which did not end: 2 calls, 1 of them without a return" in result.warnings[0]
    assert [file.name for file in tmp_path.iterdir()] == ["history.jsonl"]


def test_a_history_without_a_component_is_the_callers_mistake(tmp_path, capsys):
    with pytest.raises(UsageError, match="needs a component"):
        history(tmp_path, "locked_update", executions=1)
    with pytest.raises(UsageError, match="'Bx' is no class or factory in programs; there are: .*Box"):
        stressed("box_is_used", component="Bx", executions=1)

    assert main(["stress", f"{PROGRAMS}:box_is_used", "--history", str(tmp_path / "h")]) == 2
    assert "--history needs --component NAME" in capsys.readouterr().err


def test_another_file_is_no_history():
    with pytest.raises(ValueError, match="no history of version 1"):
        list(read(["{}"]))


def test_a_scenario_asks_for_its_histories(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    (tmp_path / "s.yaml").write_text(
        "scenarios:\n  - {name: boxes, engine: stress, history: true, executions: 3, perturbation: 'off',\n"
        "     checks: [none], threads: {a: [{call: put, args: ['$i'], repeat: 2}]},\n"
        "     variants: {right: {component: 'tests.parallel.targets.programs:Box', expect: passed}}}\n"
    )
    assert main(["run", str(tmp_path / "s.yaml"), "--report-dir", str(tmp_path)]) == 0
    with (tmp_path / "history/boxes.right.jsonl").open() as stream:
        calls = list(read(stream))

    assert [(call.operation, call.arguments) for call in calls] == [("Box.put", [0]), ("Box.put", [1])] * 3


def test_the_document_describes_every_field():
    told = (ROOT / "docs/history.md").read_text()
    example = json.loads(told.split("```json\n")[1].splitlines()[1])

    assert Call(**example).operation
    assert all(f"`{name}`" in told for name in example)
