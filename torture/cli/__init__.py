"""The command line: one module per command, imported only when that command is chosen."""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Sequence

from torture import __version__
from torture.cli.arguments import Parser, suggestion
from torture.errors import InternalError, TortureError, UsageError

COMMANDS = {
    "explore": "explore the schedules of one target",
    "replay": "run one schedule again",
    "stress": "run one target on real threads",
    "export": "write a script that shows one schedule's bug without torture",
    "run": "run scenario files, print the table, write reports/run.json",
    "list": "list the scenarios of scenario files",
}
USAGE_STATUS = 2
INTERNAL_STATUS = 3
INTERRUPTED_STATUS = 130  # 128 + SIGINT, as shells report it
BROKEN_PIPE_STATUS = 141  # 128 + SIGPIPE: 1 would read as "failed"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    0 passed or as expected, 1 failed or not as expected, 2 wrong usage, target or scenario, 3 an error of
    torture itself, 4 unknown, 130 interrupted.
    """
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 # closed by whoever started us
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what users print and raise need not fit the terminal
            stream.reconfigure(errors="backslashreplace")
    try:
        # Not list(): the command of that name becomes an attribute of this package once it was chosen.
        status = _dispatch([*(sys.argv[1:] if argv is None else argv)])
        sys.stdout.flush()
    except InternalError as error:
        print(f"torture: internal error: {error}", file=sys.stderr)
        return INTERNAL_STATUS
    except TortureError as error:  # wrong usage, or a schedule that no longer fits: both the caller's to mend
        print(f"torture: {error}", file=sys.stderr)
        return USAGE_STATUS
    except KeyboardInterrupt:
        print("torture: interrupted", file=sys.stderr)
        return INTERRUPTED_STATUS
    except BrokenPipeError:
        # The interpreter flushes stdout again when it exits; that must not raise a second time.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE_STATUS
    except Exception:  # Python's own status for it, 1, would say that the code under test failed
        import traceback

        traceback.print_exc()
        print("torture: this is an error of torture itself; please report it", file=sys.stderr)
        return INTERNAL_STATUS
    return status


def _dispatch(argv: Sequence[str]) -> int:
    chosen = next((argument for argument in argv if not argument.startswith("-")), None)
    if chosen is not None and chosen not in COMMANDS:
        cure = suggestion(chosen, COMMANDS) or f"choose one of {', '.join(COMMANDS)}"
        raise UsageError(f"command {chosen!r} is unknown; {cure}")
    parser = Parser(prog="torture", description="Find thread-safety bugs in Python code.")
    parser.add_argument("--version", action="version", version=f"torture {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", title="commands")
    module = None
    for name, summary in COMMANDS.items():
        if name == chosen:
            module = importlib.import_module(f"torture.cli.{name}")
            module.add_parser(subparsers)
        else:
            subparsers.add_parser(name, help=summary)
    try:
        arguments, extras = parser.parse_known_args(argv)
    except SystemExit as end:  # --help and --version
        return int(end.code or 0)
    if extras:
        raise UsageError(_unrecognised(extras, subparsers.choices[chosen] if chosen else parser))
    if module is None:
        raise UsageError(f"no command; choose one of {', '.join(COMMANDS)}, or see torture --help")
    return int(module.main(arguments))


def _unrecognised(extras: Sequence[str], parser: Parser) -> str:
    wrong = next((extra for extra in extras if extra.startswith("-")), extras[0]).split("=")[0]
    if not wrong.startswith("-"):
        return f"argument {wrong!r} is one too many; see {parser.prog} --help"
    cure = suggestion(wrong, parser.options())
    return f"option {wrong} is unknown; {cure or f'see {parser.prog} --help'}"
