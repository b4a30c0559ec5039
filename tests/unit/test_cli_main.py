"""The frame of the command line: what it says and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from torture import __version__
from torture.cli import COMMANDS, main
from torture.errors import InternalError, ReplayMismatchError, UsageError
from torture.exploration import supervisor

ROOT = Path(__file__).parents[2]


def fail_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def explore(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(supervisor, "explore", explore)


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (UsageError("no such function"), 2, "torture: no such function\n"),
        (ReplayMismatchError("step 3 differs"), 2, "torture: step 3 differs\n"),
        (InternalError("kernel"), 3, "torture: internal error: kernel\n"),
        (KeyboardInterrupt(), 130, "torture: interrupted\n"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_error_has_its_status_and_one_line(
    error: BaseException,
    status: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fail_with(monkeypatch, error)

    assert main(["explore", "m:f"]) == status
    assert capsys.readouterr() == ("", said)


def test_a_fault_of_ours_is_no_failure_of_the_code_under_test(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail_with(monkeypatch, ZeroDivisionError("ours"))

    assert main(["explore", "m:f"]) == 3
    assert "ZeroDivisionError: ours" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", ["no command", "explore, replay, stress, export, run, list"]),
        ("exlore m:f", ["'exlore' is unknown", "did you mean 'explore'?"]),
        ("explore", ["required: TARGET"]),
        ("explore m:f --bugdet 5s", ["--bugdet is unknown", "did you mean '--budget'?"]),
        ("explore m:f --budget=5s --sed=1", ["--sed is unknown", "did you mean '--seed'?"]),
        ("explore m:f --exec 5", ["--exec is unknown"]),  # abbreviations would bind us
        ("explore m:f another", ["'another' is one too many"]),
        ("explore m:f --strategy ptc", ["--strategy", "'ptc' is unknown", "did you mean 'pct'?"]),
        ("explore m:f --granularity zzz", ["'zzz' is unknown", "choose one of free-threaded, gil"]),
        ("explore m:f --budget 5x", ["--budget", "'5x' is not a duration", "30s"]),
        ("explore m:f --budget 0", ["'0' is not a duration above zero"]),
        ("explore m:f --executions 0", ["--executions", "'0' is not a whole number from 1 up"]),
        ("explore m:f --seed 1.5", ["'1.5' is not a whole number from 0 up"]),
        ("explore nofunction", ["'nofunction' names no function", "package.module:function"]),
        ("explore no/such/file.py:f", ["no file 'no/such/file.py'"]),
        ("explore m:f --json no/such/dir/x.json", ["--json", "make the directory"]),
        ("explore m:f --trace .", ["--trace", "is a directory"]),
        ("explore m:f --instrument a-b", ["'a-b' is no package"]),
        ("replay", ["required: TOKEN|FILE"]),
    ],
)
def test_wrong_usage_is_one_line_with_value_and_cure(
    line: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line.split()) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("torture: ")
    assert err.count("\n") == 1
    for word in words:
        assert word in err


def test_version_and_help_say_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"torture {__version__}\n"

    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(command in text for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert f"usage: torture {command}" in capsys.readouterr().out


def test_one_command_leaves_the_next_alone(capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS:  # `list`, once imported, must not hide the builtin
        main([command, "--help"])

    assert main(["--version"]) == 0


def test_a_closed_pipe_ends_it_quietly() -> None:
    script = f"{sys.executable} -m torture --help | true; exit ${{PIPESTATUS[0]}}"

    # Whether the reader is gone before the text is written is chance: both ends are fine, a traceback is not.
    ended = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert ended.returncode in {0, 141}
    assert ended.stderr == ""


@pytest.mark.parametrize("closed", ["pipe", "stdout"])
def test_an_output_that_nobody_reads_loses_no_file(tmp_path: Path, closed: str) -> None:
    said = tmp_path / "result.json"
    command = [sys.executable, "-m", "torture", "explore", "docs/counter.py:race", "--executions", "20"]
    reading, writing = os.pipe()
    os.close(reading)

    start = {"pipe": {"stdout": writing}, "stdout": {"preexec_fn": lambda: os.close(1)}}[closed]
    ended = subprocess.run(
        [*command, "--json", str(said)], cwd=ROOT, stderr=subprocess.PIPE, check=False, **start
    )  # type: ignore[call-overload]
    os.close(writing)
    assert ended.returncode == {"pipe": 141, "stdout": 1}[closed]
    assert ended.stderr == b""
    assert json.loads(said.read_text())["verdict"] == "failed"


def test_only_the_chosen_command_and_nothing_heavy_is_imported() -> None:
    script = (
        "import sys; from torture.cli import main; main(['explore', '--help']);"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'rich', 'pydantic', 'yaml', 'greenlet'}),"
        "'torture.cli.run' in sys.modules)"
    )

    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "[] False"
