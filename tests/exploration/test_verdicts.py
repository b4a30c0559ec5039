"""Whatever the code under test does, the run ends with a verdict that says what happened and where."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.exploration.exploring import ROOT, TARGETS, explored, found, python
from torture.errors import UsageError
from torture.exploration.job import Job
from torture.exploration.supervisor import explore
from torture.exploration.unseen import Unseen
from torture.findings import FindingKind, Verdict

QUICK = {"stall_limit": 0.5, "step_limit": 2_500, "executions": 30}


@pytest.mark.parametrize(
    ("target", "kind", "said"),
    [
        ("ends_the_process", FindingKind.EXIT, "ended the process with status 7"),
        ("leaves", FindingKind.EXIT, "SystemExit: enough"),
        ("crashes", FindingKind.CRASH, "SIGSEGV"),
        ("grows", FindingKind.MEMORY, "more than 300 MiB of memory"),
        ("holds_the_gil", FindingKind.HANG, "wrong.py"),
        ("blocks_alone", FindingKind.HANG, "MainThread blocked outside the control of the scheduler"),
        ("waits_for_another_process", FindingKind.HANG, "Popen"),
        ("loops_without_touching_anything", FindingKind.HANG, "in loops_without_touching_anything"),
        ("counts_for_ever", FindingKind.LIVELOCK, "no end after 2500 scheduling points"),
        ("wait_for_each_other_politely", FindingKind.LIVELOCK, "no end after 2500 scheduling points"),
        ("fails_in_a_thread", FindingKind.EXCEPTION, "KeyError: 'missing'"),
        ("fails_without_a_word", FindingKind.EXCEPTION, "_Speechless: <its __str__ raised ValueError>"),
        ("waits_for_a_pipe", FindingKind.DEADLOCK, "waits in a read or write"),
    ],
)
def test_a_wrong_end_is_a_finding_of_its_kind(target: str, kind: FindingKind, said: str) -> None:
    finding = found(kind, f"wrong:{target}", memory_limit=300 << 20, **QUICK)

    assert said in finding.message


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("ends_the_process", FindingKind.EXIT),
        ("crashes_after_a_lost_update", FindingKind.CRASH),
        ("grows_after_a_lost_update", FindingKind.MEMORY),
        ("holds_the_gil_after_a_lost_update", FindingKind.HANG),
    ],
)
def test_what_the_process_did_not_survive_has_a_schedule_that_shows_it_again(
    target: str, kind: FindingKind
) -> None:
    limits = {"memory_limit": 300 << 20, "stall_limit": 0.5}

    finding = found(kind, f"wrong:{target}", strategy="auto", **limits)

    again = explore(Job(target="", token=finding.schedule, **limits))
    assert again.finding is not None
    assert (again.finding.kind, again.finding.fingerprint) == (kind, finding.fingerprint)
    assert again.warnings == ()


def test_what_does_not_end_the_process_again_is_said_to_have_no_schedule(tmp_path: Path) -> None:
    code = f"import os\nend = not os.path.exists({str(tmp_path / 'there')!r})\ndef target():\n"
    code += f"    open({str(tmp_path / 'there')!r}, 'w').close()\n    if end: os._exit(7)\n"
    (tmp_path / "once.py").write_text(code)

    result = explored(f"{tmp_path}/once.py:target")

    assert result.finding is not None
    assert result.finding.schedule == ""
    assert any("schedule is not known" in warning for warning in result.warnings)


def test_code_that_was_made_at_run_time_is_named_and_nothing_proved_of_it() -> None:
    result = explored("wrong:runs_code_made_at_run_time", strategy="dpor", executions=5_000)

    assert result.unseen == ("not instrumented: code made at run time (increment)",)
    assert (result.verdict, result.exhausted) == (Verdict.PASSED, None)


def test_a_worker_does_not_outlive_a_parent_that_was_killed() -> None:
    target = f"{TARGETS}/wrong.py:loops_without_touching_anything"
    with subprocess.Popen([sys.executable, "-m", "torture", "explore", target], cwd=ROOT) as parent:
        children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
        worker = _waited(lambda: children.read_text().split())[0]

        parent.kill()
    command = Path(f"/proc/{worker}/cmdline")  # a zombie, where nobody takes orphans in, has an empty one
    assert _waited(lambda: not command.exists() or not command.read_bytes())


def _waited(look: Callable[[], Any]) -> Any:
    """Return what ``look`` finds as soon as it finds something, within some seconds."""
    end = time.monotonic() + 10
    while not (found := look()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


@pytest.mark.parametrize(
    "target", ["only_makes_a_coroutine", "only_makes_a_generator", "OnlyMakesAnInstance"]
)
def test_a_target_that_would_run_nothing_when_it_is_called_is_refused(target: str) -> None:
    with pytest.raises(UsageError, match="write a function that"):
        explored(f"wrong:{target}")


def test_the_errors_of_all_threads_are_kept() -> None:
    finding = found(FindingKind.EXCEPTION, "wrong:fails_in_two_threads")

    assert len(finding.errors) == 2
    assert {"KeyError: 'one'" in text for text in finding.errors} == {True, False}
    assert all("wrong.py" in text for text in finding.errors)


def test_a_deadlock_names_who_waits_for_what_held_by_whom() -> None:
    message = found(FindingKind.DEADLOCK, "wrong:deadlocks").message

    assert message.startswith("deadlock: 3 threads wait for ever")
    assert message.count("waits in Lock.acquire for Lock#") == 2
    assert "held by Thread-1" in message
    assert "held by Thread-2" in message


def test_a_circle_of_joins_is_a_deadlock() -> None:
    message = found(FindingKind.DEADLOCK, "wrong:joins_who_joins").message

    assert message.count("waits in Thread.join") == 3
    assert ":0 in" not in message


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("wrong:blocks_beside_others", "blocked outside the control of the scheduler at"),
        ("wrong:uses_semaphores_of_processes", "SemLock"),
        ("wrong:tosses_a_coin", "the code under test is nondeterministic"),
        ("wrong:goes_over_a_set_of_functions", "goes over a set whose members are hashed by their address"),
        ("wrong:runs_on_a_thread_of_c", "ran code under test"),
        ("wrong:swallows_everything", "caught what should end it"),
        ("hidden:uses_it", "a lock of the interpreter's own in a list is outside control"),
    ],
)
def test_what_stayed_uncontrolled_is_named_and_no_pass(target: str, said: str) -> None:
    result = explored(target, **QUICK)

    assert (result.verdict, result.finding) == (Verdict.UNKNOWN, None)
    assert any(said in line for line in result.unseen), result.unseen


def test_functions_hidden_from_the_collector_have_points() -> None:
    found(FindingKind.ASSERTION, "frozen:lost_update")


def test_where_no_function_was_found_there_is_no_pass() -> None:
    session: Any = SimpleNamespace(
        skipped=(),
        without_greenlets="",
        hidden_locks=(),
        left_out=(),
        modules=("made",),
        opened=frozenset(),
        job=SimpleNamespace(instrument=()),
    )
    unseen = Unseen(session)
    unseen.left_out(session, threads=2)

    assert unseen.essential
    assert unseen.lines() == ("no code under test has scheduling points; what ran: made",)


def test_nondeterminism_is_said_with_its_place() -> None:
    result = explored("wrong:tosses_a_coin")

    assert any("step " in line for line in result.unseen), result.unseen


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("leaves_a_thread_behind", "thread Thread-1 (wait) was still running when the target returned"),
        ("leaves_a_lock_held", "was still held at the end"),
    ],
)
def test_what_is_left_behind_is_warned_of(target: str, said: str) -> None:
    result = explored(f"wrong:{target}")

    assert any(said in warning for warning in result.warnings), result.warnings


@pytest.mark.one_version
@pytest.mark.parametrize("strategy", ["random", "pct", "pos", "auto"])
@pytest.mark.parametrize(
    "target",
    [
        "spins",
        "spins_and_yields",
        "spins_and_sleeps",
        "spins_for_a_lock",
        "spins_under_a_lock",
        "polls_the_clock",
    ],
)
def test_a_correct_program_that_spins_is_no_livelock(target: str, strategy: str) -> None:
    result = explored(f"wrong:{target}", strategy=strategy, executions=30)

    assert result.verdict is Verdict.PASSED, result
    assert result.executions == 30 or result.exhausted


@pytest.mark.parametrize("strategy", ["auto", "dpor"])
def test_a_long_program_is_no_livelock(strategy: str) -> None:
    result = explored("state:count_for_long", strategy=strategy, step_limit=200, executions=3)

    assert (result.verdict, result.executions) == (Verdict.PASSED, 3)


def test_a_worker_that_starts_slowly_is_not_taken_for_one_that_hangs() -> None:
    result = explored("starting:subclasses", stall_limit=0.01)

    assert (result.verdict, result.executions) == (Verdict.PASSED, 100), result.finding


@pytest.mark.parametrize(
    ("target", "status"),
    [("starting:subclasses", 0), ("wrong:deadlocks", 1), ("wrong:missing", 2), ("wrong:tosses_a_coin", 4)],
)
def test_the_command_ends_with_the_verdicts_status(target: str, status: int) -> None:
    place, _, name = target.partition(":")

    run = python("-m", "torture", "explore", f"{TARGETS / place}.py:{name}", "--executions", "50")
    assert run.returncode == status, run.stdout + run.stderr


@pytest.mark.parametrize("name", ["every_kind", "imports_while_it_runs", "chance"])
def test_each_execution_finds_the_state_of_modules_as_it_was_after_the_import(name: str) -> None:
    result = explored(f"state:{name}", strategy="auto", executions=40)

    assert (result.verdict, result.unseen) == (Verdict.PASSED, ())


def test_what_is_made_once_is_made_in_each_execution() -> None:
    found(FindingKind.ASSERTION, "state:make_an_instance_once", strategy="dpor")
