"""Real processes: what each role does wrong is named, each fault strikes where it is told to, and nobody is left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.parallel.stressing import ROOT
from torture.cli import main
from torture.errors import UsageError
from torture.findings import FindingKind, Verdict
from torture.parallel.processes.faults import Fault
from torture.parallel.processes.job import ProcessJob
from torture.parallel.processes.supervisor import run_processes

ROLES = Path(__file__).parent / "targets/roles.py"
SCENARIO = """\
scenarios:
  - name: s
    engine: processes
    program: {program}
    checks: {checks}
    parameters: {parameters}
    variants:
      v: {{component: "{component}", expect: passed}}
"""


@pytest.fixture
def performed(tmp_path):
    """Give a function that runs one program of targets/roles.py."""

    def perform(program, *faults, checks="[none]", parameters=None, **settings):
        file = tmp_path / "s.yaml"
        file.write_text(
            SCENARIO.format(
                program=os.path.relpath(ROLES, tmp_path) + f":{program}",
                component=os.path.relpath(ROLES, tmp_path) + ":Component",
                checks=checks,
                parameters=json.dumps(parameters or {}),
            )
        )
        arguments = {"file": str(file), "name": "s", "variant": "v"}
        settings = {"executions": 4, "stall_limit": 2.0, **settings}
        return run_processes(
            ProcessJob(
                target="torture.scenario.program:build", arguments=arguments, faults=faults, **settings
            )
        )

    return perform


def test_a_right_program_passes_and_is_timed(performed):
    result = performed("Quiet", checks="[exactly-once]", executions=5)
    stage = result.stages[0]

    assert (result.verdict, result.executions, result.threads) == (Verdict.PASSED, 5, 2)
    assert stage["counts"] == {"played": 10}
    assert stage["latency"][0]["operation"] == "Component.act"
    assert stage["latency"][0]["calls"] == 10
    assert stage["latency"][0]["p95"] >= 1
    assert stage["harness"]["nanoseconds_per_call"] > 0
    assert 0 < stage["start_spread"] < 0.5


@pytest.mark.parametrize(
    ("program", "kind", "words"),
    [
        ("Raises", FindingKind.EXCEPTION, "ValueError: number 0 (and 1 more processes with exception)"),
        ("RaisesInOne", FindingKind.EXCEPTION, "the other waits"),
        ("RaisesWhenMade", FindingKind.EXCEPTION, "made in a process of its own"),
        (
            "BlocksWhenMade",
            FindingKind.HANG,
            "play-0, play-1 did not end within 2 s, in ",
        ),
        ("RaisesBefore", FindingKind.EXCEPTION, "ValueError: prepare"),
        ("RaisesAfter", FindingKind.EXCEPTION, "ValueError: conclude"),
        ("Crashes", FindingKind.CRASH, "play-0 was ended by SIGSEGV"),
        ("Exits", FindingKind.EXIT, "play-0 ended its process with status 3"),
        ("Leaves", FindingKind.EXIT, "play-0 ended its process with status 0"),
        ("Hangs", FindingKind.HANG, "play-0, play-1 did not end within 2 s"),
        ("Eats", FindingKind.MEMORY, "MemoryError"),
    ],
)
def test_what_goes_wrong_is_named(performed, program, kind, words):
    result = performed(program)

    assert result.verdict is Verdict.FAILED
    assert result.finding.kind is kind, result.finding
    assert words in result.finding.message


def test_a_hang_shows_the_stacks(performed):
    finding = performed("Hangs").finding

    assert "wait_for_nobody" in finding.errors[0]


def test_the_ledger_of_all_processes_is_judged(performed):
    finding = performed("Lost", checks="[exactly-once]").finding

    assert (finding.kind, finding.counts["lost"]) == (FindingKind.LOST, 2)


def test_what_a_role_returns_is_held_until_all_have_ended(performed):
    result = performed("Holds", checks="[unique]", executions=20)

    assert result.verdict is Verdict.PASSED  # a port that was let go would be given again


def test_processes_share_the_folder_and_nothing_else(performed):
    assert performed("Alone").verdict is Verdict.PASSED


BOUNDARY = [Fault(kind, "play", "boundaries") for kind in ("kill", "stop", "signal")]


@pytest.mark.parametrize("fault", BOUNDARY, ids=lambda fault: fault.kind)
def test_it_strikes_before_each_system_call_in_turn(performed, fault):
    result = performed("Counted", fault)
    stage = result.stages[1]

    assert result.verdict is Verdict.PASSED
    assert (stage["boundaries"], stage["struck"], stage["executions"]) == (5, 5, 6)
    assert result.exhausted == {fault.name: "5 boundaries of play"}


def test_a_full_disk_and_missing_descriptors_are_met_from_each_call_on(performed):
    full, none = Fault("full-disk", "play", "boundaries"), Fault("no-descriptors", "play", "boundaries")
    result = performed("Counted", full, none)

    # The open at the first boundary; the write at the first two. One byte cannot be halved.
    assert result.verdict is Verdict.PASSED
    assert [(stage["boundaries"], stage["struck"]) for stage in result.stages[1:]] == [(5, 2), (5, 1)]


def test_a_stop_between_two_calls_shows_a_race_of_two_processes_each_time(performed):
    results = [performed("Check", Fault("stop", "", "boundaries"), checks="[unique]") for _ in range(3)]
    locked = performed(
        "Check", Fault("stop", "", "boundaries"), checks="[unique]", parameters={"locked": True}
    )

    assert [result.finding.kind for result in results] == [FindingKind.COLLISION] * 3
    assert locked.verdict is Verdict.PASSED
    assert locked.exhausted is not None


def test_each_role_is_stopped_in_turn(performed):
    results = [performed("CheckInOne", Fault("stop", "", "boundaries"), checks="[unique]") for _ in range(3)]

    assert [result.finding.kind for result in results] == [FindingKind.COLLISION] * 3


def test_equal_runs_say_the_same(performed):
    fault = Fault("signal", "play", "boundaries")
    first, second = (performed("TwoFiles", fault, executions=1).finding for _ in range(2))
    cuts = [
        performed("Writer", Fault("power-cut"), parameters={"how": "in_place"}, executions=1).finding
        for _ in range(2)
    ]

    assert first == second
    assert cuts[0] == cuts[1]


def test_a_lock_that_a_killed_process_leaves_hangs_the_other(performed):
    finding = performed("LockFile", Fault("kill", "play", "boundaries"), stall_limit=1.0).finding

    assert finding.kind is FindingKind.HANG
    assert "kill before call" in finding.message
    assert finding.labels == ("kill",)


def test_a_signal_handler_that_raises_between_two_writes_is_seen(performed):
    fault = Fault("signal", "play", "boundaries")
    finding = performed("TwoFiles", fault).finding
    careful = performed("TwoFiles", fault, parameters={"careful": True})

    assert (finding.kind, finding.labels) == (FindingKind.INVARIANT, ("signal",))
    assert careful.verdict is Verdict.PASSED, careful.finding
    assert careful.stages[1]["excused"] == careful.stages[1]["struck"] > 5


@pytest.mark.parametrize("at", ["boundaries", "random"])
@pytest.mark.parametrize(("kind", "how"), [("full-disk", "swallowed"), ("no-descriptors", "swallowed")])
def test_a_swallowed_error_is_a_lost_write(performed, kind, how, at):
    # At random 0, 1 or 2 blocks or descriptors are left, and the write needs one: 30 draws miss with (2/3) ** 30 = 5e-6.
    result = performed("Writer", Fault(kind, "play", at), parameters={"how": how}, executions=40, budget=20)
    safe = performed("Writer", Fault(kind, "play", at), executions=16, budget=20)

    assert result.finding is not None
    assert result.finding.kind in (FindingKind.LOST, FindingKind.TORN)
    assert safe.verdict is Verdict.PASSED, safe.finding


def test_a_write_in_place_meets_a_full_disk(performed):
    finding = performed(
        "Writer", Fault("full-disk", "play", "boundaries"), parameters={"how": "in_place"}
    ).finding

    assert finding.kind is FindingKind.TORN


def test_a_clock_that_jumps_back_is_seen_by_who_asks_for_the_time(performed):
    jump = Fault("clock-jump", "play", "boundaries", -3600.0)
    wall = performed("Waits", jump, stall_limit=1.0)
    steady = performed("Waits", Fault("clock-jump", "play"), parameters={"clock": "monotonic"})

    assert wall.finding.kind is FindingKind.HANG  # an hour is not over soon
    assert steady.verdict is Verdict.PASSED


def test_a_fault_that_never_strikes_is_no_pass(performed):
    result = performed("Quiet", Fault("slow-fsync", "play"))

    assert result.verdict is Verdict.UNKNOWN
    assert result.unseen == ("slow-fsync at random instants never struck in 12 executions",)


def test_a_slow_fsync_is_waited_for(performed):
    result = performed("Counted", Fault("slow-fsync", "play", time=0.01))

    assert (result.verdict, result.stages[1]["struck"]) == (Verdict.PASSED, 3)


@pytest.mark.parametrize("kind", ["kill", "stop", "signal"])
def test_chance_strikes_too(performed, kind):
    # Instants are drawn from the length of an undisturbed role, 0.2 s; one that comes too late is the exception.
    result = performed("Waits", Fault(kind, "play"), parameters={"clock": "monotonic"}, executions=20)

    assert result.verdict is Verdict.PASSED
    assert result.stages[1]["struck"] >= 1


def test_a_role_that_nobody_plays_is_a_mistake(performed):
    with pytest.raises(UsageError, match="fault 'kill' is for role 'write'; the program has play"):
        performed("Quiet", Fault("kill", "write"))


def test_a_program_without_roles_is_a_mistake():
    target = f"{ROOT}/tests/parallel/targets/programs.py:locked_update"

    with pytest.raises(UsageError, match="needs a program that says its roles"):
        run_processes(ProcessJob(target=target, executions=1))


def cut(performed, **parameters):
    return performed("Writer", Fault("power-cut", "play"), parameters=parameters, executions=1)


@pytest.mark.parametrize(
    ("how", "kinds"),
    [("in_place", {"torn", "lost"}), ("renamed", {"torn", "lost"}), ("file_synced", {"lost"})],
)
def test_a_missing_fsync_is_shown_by_a_power_cut(performed, how, kinds):
    finding = cut(performed, how=how).finding

    assert set(finding.counts) == kinds
    assert finding.kind.value == ("torn" if "torn" in kinds else "lost")
    assert "power cut" in finding.errors[0]


def test_what_is_synced_survives_every_power_cut(performed):
    result = cut(performed, how="safe")
    stage = result.stages[1]

    # Twice create, write, fsync, rename, fsync of the folder.
    assert result.verdict is Verdict.PASSED
    assert (stage["operations"], stage["prefixes"], stage["exhausted"]) == (10, 11, True)
    assert stage["crash states"] > 11
    assert "10 operations, 11 prefixes" in result.exhausted["power cut"]


def test_a_bounded_power_cut_says_so(performed):
    result = cut(performed, how="file_synced", writes=1)
    many = cut(performed, how="renamed", writes=12)

    assert result.warnings == ()
    assert any("power cut bounded: " in warning for warning in many.warnings)


def test_a_power_cut_without_time_is_no_pass(performed):
    result = performed("Writer", Fault("power-cut", "play"), budget=0.001)

    assert result.verdict is Verdict.UNKNOWN
    assert "power-cut never struck" in result.unseen[0]


def test_a_write_that_the_layer_does_not_see_is_no_pass(performed):
    result = cut(performed, how="mapped", writes=1)

    assert result.verdict is Verdict.UNKNOWN
    assert "did not pass through the file layer" in result.unseen[0]


def test_a_reader_that_a_crash_state_crashes_is_named_and_the_rest_is_read(performed):
    result = performed("CrashesWhenRead", Fault("power-cut", "play"), executions=1)

    assert result.finding.kind is FindingKind.CRASH
    assert result.finding.counts["crash"] >= 2
    assert result.stages[1]["exhausted"]


def test_a_power_cut_needs_a_role_and_a_conclusion(performed):
    with pytest.raises(UsageError, match="a role, and conclude"):
        performed("Quiet", Fault("power-cut", "play"))


def test_nobody_is_left_behind_when_the_run_is_interrupted(tmp_path):
    (tmp_path / "p.py").write_text(
        "import os, time\n"
        "class Component: pass\n"
        "class Program:\n"
        "    def __init__(self, component, folder, marks): self.marks = marks\n"
        "    def roles(self): return {'play': 2}\n"
        "    def play(self, ledger, number):\n"
        "        with open(f'{self.marks}/{number}', 'w') as file: file.write(str(os.getpid()))\n"
        "        time.sleep(60)\n"
    )
    file = tmp_path / "s.yaml"
    text = SCENARIO.format(program="p.py:Program", component="p.py:Component", checks="[none]", parameters={})
    file.write_text(text.replace("parameters: {}", f"parameters: {{marks: '{tmp_path}'}}"))
    command = [sys.executable, "-m", "torture", "run", str(file), "--report-dir", str(tmp_path / "out")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    marks = [tmp_path / "0", tmp_path / "1"]
    end = time.monotonic() + 30
    while not all(mark.exists() and mark.read_text() for mark in marks):
        assert time.monotonic() < end
        time.sleep(0.05)

    run.send_signal(signal.SIGINT)

    assert run.wait(30) == 130
    for mark in marks:
        pid = int(mark.read_text())
        for _ in range(100):
            if not Path(f"/proc/{pid}").exists():
                break
            time.sleep(0.05)
        assert not Path(f"/proc/{pid}").exists()


def test_the_report_of_a_run_holds_what_was_counted_and_exhausted(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    status = main(
        ["run", "scenarios/state_files.yaml", "--only", "state-power-cut/*", "--report-dir", str(tmp_path)]
    )
    out = capsys.readouterr().out
    rows = {row["variant"]: row for row in json.loads((tmp_path / "run.json").read_text())["rows"]}

    assert status == 0
    assert rows["published"]["torn"] > 0
    assert rows["hardened"]["processes"]["exhausted"] is not None
    assert "crash states" in out
    assert "(exhausted)" in out


def test_a_program_without_roles_is_unknown_where_the_command_line_asks_for_processes(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    arguments = ["--only", "state-rename/*", "--engine", "processes", "--report-dir", str(tmp_path)]
    status = main(["run", "scenarios/state_files.yaml", *arguments])
    rows = json.loads((tmp_path / "run.json").read_text())["rows"]

    assert (status, {row["verdict"] for row in rows}) == (4, {"unknown"})
    assert "needs a program that says its roles" in rows[0]["warnings"][0]


def test_an_engine_that_injects_no_faults_does_not_pass_for_it(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    arguments = ["--only", "state-power-cut/hardened", "--engine", "stress", "--report-dir", str(tmp_path)]
    status = main(["run", "scenarios/state_files.yaml", *arguments])
    (row,) = json.loads((tmp_path / "run.json").read_text())["rows"]

    assert (status, row["verdict"]) == (4, "unknown")
    assert "injects no faults" in row["warnings"][0]
