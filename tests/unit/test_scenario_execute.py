"""A run compares each variant with what is expected, and leaves a valid report whatever happens."""

import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from torture.cli import main
from torture.errors import InternalError, UsageError
from torture.findings import Finding, FindingKind, Result, Verdict
from torture.report.console import show_table, summary
from torture.scenario.execute import Options, execute, select
from torture.scenario.loader import load

FILE = """\
scenarios:
  - name: a-scenario-with-a-rather-long-name
    fault: "4.12"
    program: p.py:program
    budget: 2s
    executions: 50
    seed: 3
    variants:
      published: {component: "p.py:C", expect: failed, kind: [lost, deadlock]}
      hardened: {component: "p.py:C", expect: passed}
  - name: other
    engine: ENGINE
    description: what it is
    program: p.py:program
    checks: [none]
    variants:
      odd: {component: "p.py:C", expect: unknown}
"""
PASSED = Result(target="t", verdict=Verdict.PASSED, executions=50)
UNKNOWN = Result(target="t", verdict=Verdict.UNKNOWN, executions=50, warnings=("a thread was not seen",))


def failed(kind, **fields):
    finding = Finding(kind=kind, message="what happened", fingerprint="f", schedule="T1-token", **fields)
    return Result(target="t", verdict=Verdict.FAILED, executions=9, finding=finding)


LOST = failed(FindingKind.LOST, counts={"lost": 2, "duplicated": 1})


@pytest.fixture
def cases(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    Path("p.py").write_text("program = C = print\n")
    Path("s.yaml").write_text(FILE.replace("ENGINE", "explore"))
    Path("stress.yaml").write_text(FILE.replace("ENGINE", "stress"))
    return load(["s.yaml"])


def explorer(**answers):
    """Give an engine that answers by variant; an exception is raised."""

    def explore(job):
        answer = answers[job.arguments["variant"]]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return explore


def report():
    return json.loads(Path("reports/run.json").read_text())


def test_each_variant_is_a_job_of_its_own(cases):
    jobs = []

    def explore(job):
        jobs.append(job)
        return UNKNOWN

    execute(cases, explore, Options())

    first = jobs[0]
    assert first.target == "torture.scenario.program:build"
    assert first.arguments == {
        "file": "s.yaml",
        "name": "a-scenario-with-a-rather-long-name",
        "variant": "published",
    }
    assert (first.budget, first.executions, first.seed) == (2.0, 50, 3)
    assert [job.arguments["variant"] for job in jobs] == ["published", "hardened", "odd"]


def test_the_command_line_overrides_the_file(cases):
    jobs = []
    execute(cases[:1], lambda job: jobs.append(job) or PASSED, Options(budget=0.5, seed=8))

    assert (jobs[0].budget, jobs[0].seed) == (0.5, 8)


@pytest.mark.parametrize(
    ("published", "hardened", "odd", "status"),
    [
        (LOST, PASSED, UNKNOWN, 0),
        (failed(FindingKind.DEADLOCK), PASSED, UNKNOWN, 0),
        (failed(FindingKind.ASSERTION), PASSED, UNKNOWN, 1),  # a kind that the scenario does not name
        (PASSED, PASSED, UNKNOWN, 1),
        (LOST, LOST, UNKNOWN, 1),
        (LOST, UNKNOWN, UNKNOWN, 4),
        (PASSED, UNKNOWN, UNKNOWN, 1),
        (LOST, PASSED, PASSED, 1),
        (LOST, InternalError("ours"), UNKNOWN, 3),
    ],
)
def test_the_exit_status_says_whether_all_is_as_expected(cases, published, hardened, odd, status):
    run = execute(cases, explorer(published=published, hardened=hardened, odd=odd), Options())

    assert run.exit_status == status
    assert len(report()["rows"]) == 3


def test_the_report_says_what_the_table_shows_and_the_finding(cases):
    execute(cases, explorer(published=LOST, hardened=PASSED, odd=UNKNOWN), Options(seed=1))
    document = report()
    published, hardened, odd = document["rows"]

    assert (document["schema"], document["seed"], document["complete"]) == (1, 1, True)
    assert (published["lost"], published["duplicated"], published["deadlocks"], published["p95"]) == (
        2,
        1,
        0,
        None,
    )
    assert (published["verdict"], published["as_expected"]) == ("failed", True)
    assert (published["finding"]["kind"], published["finding"]["schedule"]) == ("lost", "T1-token")
    assert published["command"] == "torture replay T1-token"
    assert (hardened["lost"], hardened["finding"]) == (0, None)
    assert odd["lost"] is None  # not judged: checks are none
    assert odd["command"] == "torture run s.yaml --only other/odd --seed 1"


def test_a_figure_stands_where_its_check_looked(cases):
    Path("u.yaml").write_text(FILE.replace("ENGINE", "explore").replace("[none]", "[unique]"))
    collided = failed(FindingKind.COLLISION, counts={"collisions": 3, "lost": 0})

    for odd, figures in (
        (collided, (None, None, 3)),
        (PASSED, (None, None, 0)),
        (failed(FindingKind.EXCEPTION), (None, None, None)),  # it ended before it was judged
    ):
        run = execute(load(["u.yaml"]), explorer(published=LOST, hardened=PASSED, odd=odd), Options())
        assert [(row.lost, row.duplicated, row.collisions) for row in run.rows] == [
            (2, 1, None),
            (0, 0, None),
            figures,
        ]


def test_an_interrupt_leaves_a_valid_partial_report(cases):
    run = execute(cases, explorer(published=LOST, hardened=KeyboardInterrupt()), Options())

    assert (run.exit_status, len(run.rows)) == (130, 1)
    assert report()["complete"] is False
    assert [row["variant"] for row in report()["rows"]] == ["published"]
    assert [path.name for path in Path("reports").iterdir()] == ["run.json"]


def test_a_wrong_target_ends_the_run_and_keeps_the_report(cases):
    with pytest.raises(UsageError, match="wrong component"):
        execute(cases, explorer(published=LOST, hardened=UsageError("wrong component")), Options())

    assert len(report()["rows"]) == 1


def test_a_report_directory_that_cannot_be_is_said_before_anything_runs(cases):
    with pytest.raises(UsageError, match=r"report directory 'p\.py' cannot be written .* --report-dir"):
        execute(cases, explorer(), Options(report_dir="p.py"))


def test_another_engine_is_unknown_and_not_run(cases):
    Path("stress.yaml").write_text(FILE.replace("ENGINE", "processes"))
    run = execute(load(["stress.yaml"])[2:], explorer(), Options())

    assert (run.rows[0].verdict, run.exit_status) == (Verdict.UNKNOWN, 0)
    assert run.rows[0].warnings == ("engine 'processes' is not available in this version",)


def test_a_pattern_selects_scenarios_or_variants(cases):
    assert [case.variant_name for case in select(cases, "a-*")] == ["published", "hardened"]
    assert [case.name for case in select(cases, "*/odd")] == ["other/odd"]
    assert select(cases, None) == cases
    with pytest.raises(UsageError, match="--only 'othr' fits no scenario; did you mean 'other'?"):
        select(cases, "othr")


def rows_of(cases, **answers):
    return execute(cases, explorer(**answers), Options()).rows


@pytest.mark.parametrize("columns", [80, 140])
def test_the_table_fits_and_keeps_each_figure_whole(cases, monkeypatch, capsys, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    rows = rows_of(cases, published=failed(FindingKind.DEADLOCK), hardened=PASSED, odd=UNKNOWN)
    show_table(rows, 1.0)
    lines = capsys.readouterr().out.splitlines()

    assert max(map(len, lines)) <= columns
    assert "…" not in "".join(lines)
    cells = next(line for line in lines if "published" in line).split()
    figures = cells[cells.index("explore" if columns == 140 else "expl") + 1 :]
    assert figures[:6] == ["9", "–", "–", "1", "–", "–"]
    assert figures[6:] == (["failed:", "deadlock", "✓", "failed"] if columns == 140 else ["✓", "deadlock"])
    assert ("executions" in lines[0]) is (columns == 140)
    assert lines[-1] == "3 variants: 1 caught, 1 clean, 0 not as expected, 1 unknown as expected in 1.0 s"


@pytest.mark.parametrize("columns", [80, 140])
def test_what_was_exhausted_is_told_from_a_sample(cases, monkeypatch, capsys, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    scope = {"granularity": "free-threaded"}
    rows = rows_of(cases, published=LOST, hardened=replace(PASSED, exhausted=scope), odd=PASSED)
    show_table(rows, 1.0)
    lines = capsys.readouterr().out.splitlines()

    assert max(map(len, lines)) <= columns
    assert [line for line in lines if f"{PASSED.executions}*" in line] == [
        line for line in lines if "hardened" in line
    ]
    assert any(line.startswith("* every schedule") for line in lines)
    assert "1 caught, 1 clean (1 exhausted)" in lines[-1]


def test_faults_are_told_for_each_variant_of_a_short_table_and_added_up_below_a_long_one(cases, capsys):
    stage = {"fault": "kill at every boundary", "executions": 4, "processes": 2, "counts": {}}
    told = {"stages": [{**stage, "struck": 3, "boundaries": 3, "exhausted": True}]}
    row = replace(rows_of(cases[:1], published=LOST)[0], processes=told)
    show_table([row] * 2, 1.0)
    short = capsys.readouterr().out
    show_table([row] * 40, 1.0)
    long = capsys.readouterr().out

    line = "kill at every boundary: 4 executions of 2 processes, 3 struck, 3 boundaries (exhausted)"
    assert short.count(f"{row.scenario}/{row.variant}: {line}") == 2
    assert "kill at every boundary  40 variants, 120 struck, 120 boundaries, 40 exhausted" in long
    assert line not in long


def test_leaks_of_what_passes_are_told_one_by_one_or_with_an_example(cases, capsys):
    leak = "leak: 4 threads such as worker were still running"
    _, row, _ = rows_of(cases, published=LOST, hardened=PASSED, odd=UNKNOWN)
    row = replace(row, warnings=(leak, "something else"))
    show_table([row] * 2, 1.0)
    short = capsys.readouterr().out
    show_table([replace(row, variant=f"v{number}") for number in range(40)], 1.0)
    long = capsys.readouterr().out

    assert f"{row.scenario}/{row.variant}: {leak}" in short
    assert "something else" not in short
    assert f"40 variants left something behind (all in the JSON), such as {row.scenario}/v0: {leak}" in long
    assert long.count(leak) == 1


@pytest.mark.parametrize("kind", ["torn", "lost"])
def test_a_program_that_looks_for_torn_reads_says_that_it_saw_none(cases, kind):
    Path("t.yaml").write_text(FILE.replace("ENGINE", "explore").replace("[lost, deadlock]", f"[{kind}]"))
    run = execute(load(["t.yaml"]), explorer(published=LOST, hardened=PASSED, odd=UNKNOWN), Options())

    assert run.rows[1].torn == (0 if kind == "torn" else None)


def test_only_what_is_not_as_expected_is_printed_below(cases, capsys):
    rows = rows_of(
        cases, published=LOST, hardened=failed(FindingKind.RACE, errors=("Traceback\n",)), odd=PASSED
    )
    show_table(rows, 1.0)
    out = capsys.readouterr().out

    assert "rather-long-name/hardened: failed with race; expected passed" in out
    assert "race: what happened\nTraceback\nreplay: torture replay T1-token" in out
    assert "other/odd: passed after 50 executions; expected unknown" in out
    assert "/published" not in out


def test_a_terminal_without_unicode_gets_plain_marks(cases, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", stream)
    show_table(rows_of(cases[:1], published=LOST), 1.0)
    stream.flush()

    assert "ok lost" in stream.buffer.getvalue().decode("ascii")


def test_no_colour_is_written_to_a_file(cases, capsys, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    show_table(rows_of(cases, published=PASSED, hardened=LOST, odd=PASSED), 1.0)

    assert "\x1b" not in capsys.readouterr().out


def test_the_summary_counts(cases):
    rows = rows_of(cases, published=LOST, hardened=UNKNOWN, odd=UNKNOWN)
    said = "0 variants: 0 caught, 0 clean, 0 not as expected in 2.0 s"

    assert summary([], 2.0) == said
    assert summary(rows, 2.0) == (
        "3 variants: 1 caught, 0 clean, 0 not as expected, 1 unknown, 1 unknown as expected in 2.0 s"
    )
    assert summary([replace(rows[1], verdict=Verdict.PASSED)], 2, interrupted=True).endswith(
        "interrupted after 2.0 s"
    )


def test_run_prints_the_table_and_returns_the_status(cases, monkeypatch, capsys):
    answers = explorer(published=LOST, hardened=LOST, odd=UNKNOWN)
    monkeypatch.setattr("torture.exploration.supervisor.explore", answers)

    assert main(["run", "s.yaml", "--report-dir", "out"]) == 1
    assert "1 not as expected" in capsys.readouterr().out
    assert len(json.loads(Path("out/run.json").read_text())["rows"]) == 3
    assert main(["run", "s.yaml", "--only", "*/published"]) == 0


def torture(*arguments):
    command = [sys.executable, "-m", "torture", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    return done.returncode, done.stdout, done.stderr


def test_list_names_scenarios_and_variants(cases):
    status, out, _ = torture("list", "stress.yaml")

    assert status == 0
    assert out.splitlines() == [
        "a-scenario-with-a-rather-long-name [4.12]",
        "  published  p.py:C  failed: lost, deadlock",
        "  hardened   p.py:C  passed",
        "other (stress): what it is",
        "  odd        p.py:C  unknown",
        "2 scenarios, 3 variants",
    ]


@pytest.mark.parametrize("command", ["run", "list"])
def test_a_wrong_file_is_one_line_and_status_2(cases, command):
    Path("s.yaml").write_text("scenarios: 3\n")

    assert torture(command, "s.yaml") == (
        2,
        "",
        "torture: s.yaml:1: scenarios 3 is not a list; write [ ... ]\n",
    )
