"""Programs that fork, die and leave things behind as a harness does not expect: the verdict is still theirs."""

from pathlib import Path

import pytest

from torture.errors import UsageError
from torture.findings import FindingKind, Verdict
from torture.isolation.raised import error_text, message_of
from torture.isolation.target import load
from torture.parallel.job import StressJob
from torture.parallel.supervisor import stress

STRANGE = Path(__file__).parent / "targets/strange.py"


def run(function, executions=1):
    job = StressJob(
        target=f"{STRANGE}:{function}", executions=executions, stall_limit=1.0, perturbation="off"
    )
    return stress(job)


def test_child_processes_threads_and_ignored_exceptions_are_told_and_do_not_hang_the_run():
    result = run("leaves_much", executions=8)

    assert result.verdict is Verdict.PASSED, result
    said = "\n".join(result.warnings)
    assert (
        "leak: 6 child processes more after 6 executions, such as a fork of the program, started at" in said
    )
    assert f"were still running when the target returned, started at {STRANGE}:" in said
    line = STRANGE.read_text().split("# here")[0].count("\n") + 1
    assert (
        f"an exception was ignored, raised at {STRANGE}:{line} in Broken.__del__: ValueError: broken" in said
    )


def test_a_forked_child_ends_where_the_target_does():
    result = run("returns_in_the_child_too", executions=2)

    assert (result.verdict, result.executions) == (Verdict.PASSED, 2), result


def test_an_end_in_an_exit_handler_is_told_as_such():
    finding = run("leaves_at_exit").finding

    assert finding.kind is FindingKind.EXIT
    assert finding.message.endswith("with status 7 while what it registered with atexit ran")
    assert "torture" not in finding.errors[0]


def test_a_signal_to_the_group_ends_the_program_alone():
    finding = run("ends_its_group").finding

    assert (finding.kind, "SIGTERM" in finding.message) == (FindingKind.CRASH, True)
    assert "in ends_its_group" in finding.message


def test_a_program_may_interrupt_itself():
    assert run("interrupts_itself").verdict is Verdict.PASSED


def test_a_message_of_megabytes_is_shortened():
    error = ValueError("begin" + "x" * 5_000_000 + "end")

    for text in (message_of(error), error_text("MainThread", error)):
        assert "begin" in text
        assert text.rstrip().endswith("end")
        assert len(text) < 10_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import sys; sys.exit(4)", "SystemExit: 4"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        (
            "raise type('Odd', (Exception,), {'__str__': lambda self: 1 / 0})",
            "Odd: <its __str__ raised ZeroDiv",
        ),
    ],
)
def test_a_target_that_cannot_be_imported_is_told_with_its_place(tmp_path, text, said):
    file = tmp_path / "wrong_when_imported.py"
    file.write_text(f"\n{text}\n")

    with pytest.raises(UsageError, match=rf"cannot be imported: {said}.* at {file}:2$"):
        load(f"{file}:main")
