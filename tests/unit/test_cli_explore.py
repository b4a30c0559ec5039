"""``torture explore`` and ``torture replay`` with a supervisor that only pretends."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from torture.cli import main
from torture.cli.progress import ProgressLine
from torture.exploration import supervisor
from torture.exploration.job import Job
from torture.findings import Finding, FindingKind, Result, Verdict
from torture.trace.event import ThreadInfo, Trace

TRACE = Trace((), (ThreadInfo(0, "0", "main", False),))
FINDING = Finding(FindingKind.LOST, "1 lost", "x", schedule="T1-abc", trace=TRACE)


class Pretender:
    """Remembers what it was asked for and answers with a given verdict."""

    def __init__(self) -> None:
        self.verdict = Verdict.PASSED
        self.jobs: list[Job] = []
        self.replayed: list[tuple[str, str | None]] = []
        self.carriers: list[str] = []

    def explore(self, job: Job, progress: Callable[[int, float], None]) -> Result:
        progress(10, 5.0)
        self.jobs.append(job)
        finding = FINDING if self.verdict is Verdict.FAILED else None
        return Result(job.target, self.verdict, finding, executions=10, seed=job.seed)

    def replay(self, token: str, *, trace: str | None = None, carrier: str = "greenlet") -> Result:
        self.replayed.append((token, trace))
        self.carriers.append(carrier)
        return Result("m:f", Verdict.FAILED, FINDING, executions=1, strategy="replay")


@pytest.fixture
def pretender(monkeypatch: pytest.MonkeyPatch) -> Pretender:
    fake = Pretender()
    monkeypatch.setattr(supervisor, "explore", fake.explore)
    monkeypatch.setattr(supervisor, "replay", fake.replay)
    return fake


def test_without_options_it_explores_for_ten_seconds(pretender: Pretender) -> None:
    main(["explore", "m:f"])

    assert pretender.jobs == [Job(target="m:f", budget=10.0)]


def test_a_number_of_executions_needs_no_budget(pretender: Pretender) -> None:
    main(["explore", "m:f", "--executions", "20"])

    assert pretender.jobs == [Job(target="m:f", executions=20)]


def test_every_option_reaches_the_job(pretender: Pretender, tmp_path: Path) -> None:
    trace = tmp_path / "trace.txt"
    options = "--strategy pct --executions 5 --budget 500ms --seed 7 --granularity gil --no-shrink"

    main(
        [
            "explore",
            "m:f",
            *options.split(),
            "--instrument",
            "own",
            "--instrument",
            "queue",
            "--trace",
            str(trace),
        ]
    )
    assert pretender.jobs == [
        Job(
            target="m:f",
            strategy="pct",
            executions=5,
            budget=0.5,
            seed=7,
            granularity="gil",
            shrink=False,
            instrument=("own", "queue"),
            trace=str(trace),
        )
    ]


@pytest.mark.parametrize("verdict", Verdict)
def test_the_exit_status_is_the_verdicts(verdict: Verdict, pretender: Pretender) -> None:
    pretender.verdict = verdict

    assert main(["explore", "m:f"]) == verdict.exit_status


def test_json_goes_to_the_file_and_the_summary_to_the_terminal(
    pretender: Pretender, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pretender.verdict = Verdict.FAILED

    main(["explore", "m:f", "--json", str(tmp_path / "result.json")])
    assert json.loads((tmp_path / "result.json").read_text())["finding"]["schedule"] == "T1-abc"
    assert "replay: torture replay T1-abc" in capsys.readouterr().out


def test_json_on_stdout_is_nothing_but_json(pretender: Pretender, capsys: pytest.CaptureFixture[str]) -> None:
    main(["explore", "m:f", "--json", "-"])

    out, err = capsys.readouterr()
    assert json.loads(out)["verdict"] == "passed"
    assert err.startswith("passed: ")


def test_the_trace_of_a_failure_is_written(pretender: Pretender, tmp_path: Path) -> None:
    pretender.verdict = Verdict.FAILED

    main(["explore", "m:f", "--trace", str(tmp_path / "trace.txt")])
    assert (tmp_path / "trace.txt").read_text() == "# thread 0 0 main\n"


def test_a_trace_that_is_not_written_is_not_passed_over(
    pretender: Pretender, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explore", "m:f", "--trace", str(tmp_path / "trace.txt")]) == 0
    assert "not written, no execution" in capsys.readouterr().err


def row(schedule: str) -> dict[str, Any]:
    return {"scenario": "s", "finding": {"kind": "lost", "schedule": schedule}}


@pytest.mark.parametrize(
    "content",
    [
        "T1-abc\n",
        json.dumps(row("T1-abc")),
        json.dumps({"rows": [row(""), {"finding": None}, row("T1-abc")]}),
    ],
    ids=["token", "row", "run.json"],
)
def test_replay_takes_a_file_with_one_schedule(content: str, pretender: Pretender, tmp_path: Path) -> None:
    file = tmp_path / "saved.json"
    file.write_text(content)

    assert main(["replay", str(file)]) == 1
    assert pretender.replayed == [("T1-abc", None)]


def test_replay_takes_a_token(pretender: Pretender, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "T1-xyz"]) == 1

    assert pretender.replayed == [("T1-xyz", None)]
    assert "the schedule fails again" in capsys.readouterr().out


def test_replay_is_carried_on_real_threads_where_it_is_asked_for(pretender: Pretender) -> None:
    assert main(["replay", "--real", "T1-xyz"]) == 1
    assert main(["replay", "T1-xyz"]) == 1

    assert pretender.carriers == ["thread", "greenlet"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "holds no schedule"),
        ("some words", "holds no schedule"),
        ("{broken", "is no valid JSON"),
        ("[" * 100_000, "is no valid JSON"),
        ('{"finding": null}', "holds no schedule"),
        (json.dumps([row("T1-a"), row("T1-b")]), "holds 2 schedules; give the one you want"),
        ("\udcff", "cannot be read as text"),
    ],
    ids=range(7),
)
def test_replay_says_what_is_wrong_with_a_file(
    content: str, said: str, pretender: Pretender, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "saved.json"
    file.write_text(content, errors="surrogateescape")

    assert main(["replay", str(file)]) == 2
    assert said in capsys.readouterr().err
    assert pretender.replayed == []


def test_a_missing_file_is_not_taken_for_a_token(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "reports/none.json"]) == 2
    assert "there is no file 'reports/none.json'" in capsys.readouterr().err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "seconds", "drawn"),
    [(Terminal(), 5.0, True), (Terminal(), 0.5, False), (io.StringIO(), 5.0, False)],
    ids=["terminal", "short", "file"],
)
def test_progress_is_drawn_on_a_terminal_once_it_takes_long(
    stream: io.StringIO, seconds: float, drawn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")

    with ProgressLine("m:f [odd]", executions=None, budget=10.0) as progress:
        progress(1234, seconds)
    assert ("1,234 executions" in stream.getvalue()) is drawn


@pytest.mark.parametrize(("columns", "width"), [("40", 80), ("140", 140), ("400", 160)])
def test_a_report_is_as_wide_as_the_terminal_within_bounds(
    columns: str, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    finding = Finding(FindingKind.LOST, "lost " * 60, "x", schedule="T1-abc", trace=TRACE)
    result = Result("m:f", Verdict.FAILED, finding, executions=1)
    monkeypatch.setattr(supervisor, "explore", lambda job, progress: result)
    monkeypatch.setenv("COLUMNS", columns)
    main(["explore", "m:f"])

    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("lost")]
    assert width - 5 < max(map(len, lines)) <= width
