"""Compares torture with its peers: the same programs, one pass, one machine, each in a process of its own."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.programs import FOLDER, load

STRATEGIES = ("auto", "random", "pct", "pos", "surw", "parking", "dpor", "bounded", "dfs")
PEERS = {  # tool -> module that has to be installed, and its modes
    "interleave": ("interleave_test", ("random", "pct", "dfs")),
    "frontrun": ("frontrun", ("dpor", "random")),
    "run-parallel": ("pytest_run_parallel", ("threads",)),
}
REFERENCE = "interleave:random"
LEAST = 100  # executions below which executions a second say nothing


@dataclass(frozen=True, slots=True)
class Row:
    """What one tool did with one program."""

    program: str
    tool: str
    buggy: bool
    verdict: str  # found, missed, ok, FALSE ALARM, unknown, no end
    executions: int = 0
    seconds: float = 0.0
    rate: float = 0.0  # executions a second
    points: float | None = None
    exhausted: bool = False
    kind: str = ""


def installed() -> list[str]:
    """Return the tools that can run here."""
    tools = [f"torture:{strategy}" for strategy in STRATEGIES]
    for tool, (module, modes) in PEERS.items():
        if importlib.util.find_spec(module) is not None:
            tools += [f"{tool}:{mode}" for mode in modes]
    return [*tools, "stress:plain", "stress:switch"]


def run(tool: str, program: str, *, buggy: bool, folder: Path, limit: float) -> Row:
    """Run one program under one tool in a process, killed with its children after ``limit`` seconds."""
    command = [sys.executable, str(Path(__file__).with_name("drive.py")), tool, program, str(folder)]
    if tool.startswith("frontrun"):  # it explores only under its own command
        command.insert(0, str(Path(sys.executable).with_name("frontrun")))
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )
    try:
        output, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return Row(program, tool, buggy, "no end", seconds=limit)
    lines = [line for line in output.splitlines() if line.startswith("{")]
    if not lines:
        return Row(program, tool, buggy, "unknown", kind=f"ended with {process.returncode}")
    report = json.loads(lines[-1])
    failed = report["failed"]
    verdict = "unknown"
    if failed is not None:
        verdict = ("found" if failed else "missed") if buggy else ("FALSE ALARM" if failed else "ok")
    return Row(
        program,
        tool,
        buggy,
        verdict,
        report["executions"],
        report["seconds"],
        report["rate"],
        report.get("points"),
        report.get("exhausted", False),
        report["kind"],
    )


def ratio(row: Row, rows: Iterable[Row]) -> float | None:
    """Return how many times faster than the reference it executed a correct program; None without a comparison."""
    if row.buggy or row.verdict != "ok" or row.executions < LEAST:
        return None
    for other in rows:
        if (other.program, other.tool, other.verdict) == (row.program, REFERENCE, "ok"):
            return row.rate / other.rate if other.executions >= LEAST else None
    return None


def details(rows: Sequence[Row]) -> list[list[str]]:
    """Return the table of all runs, its heading first."""
    table = [["program", "tool", "verdict", "executions", "seconds", "executions/s", "points", "ratio"]]
    for row in rows:
        times = ratio(row, rows)
        table.append(
            [
                row.program,
                row.tool,
                row.verdict + (" (all)" if row.exhausted else ""),
                str(row.executions),
                f"{row.seconds:.2f}",
                f"{row.rate:.0f}",
                "" if row.points is None else f"{row.points:.0f}",
                "" if times is None else f"{times:.1f}",
            ]
        )
    return table


def summary(rows: Sequence[Row]) -> list[list[str]]:
    """Return the table of the tools, its heading first."""
    table = [["tool", "found", "missed", "ok", "false alarm", "unknown", "no end", "executions/s", "ratio"]]
    for tool in dict.fromkeys(row.tool for row in rows):
        own = [row for row in rows if row.tool == tool]
        counts = [
            str(sum(row.verdict == verdict for row in own))
            for verdict in ("found", "missed", "ok", "FALSE ALARM", "unknown", "no end")
        ]
        rates = [row.rate for row in own if not row.buggy and row.verdict == "ok" and row.executions >= LEAST]
        ratios = [times for row in own if (times := ratio(row, rows)) is not None]
        table.append(
            [
                tool,
                *counts,
                f"{median(rates):.0f}" if rates else "",
                f"{median(ratios):.1f}" if ratios else "",
            ]
        )
    return table


def sentences(rows: Sequence[Row]) -> list[str]:
    """Say what the ratios mean."""
    said = []
    for tool in dict.fromkeys(row.tool for row in rows if row.tool.startswith("torture")):
        ratios = sorted(times for row in rows if row.tool == tool and (times := ratio(row, rows)) is not None)
        if ratios:
            said.append(
                f"Over {len(ratios)} correct programs {tool} executed {median(ratios):.1f} times as many schedules"
                f" a second as {REFERENCE} (median; from {ratios[0]:.1f} to {ratios[-1]:.1f})."
            )
    return said or [f"No ratio: {REFERENCE} did not run here (it needs Python 3.12 and interleave-test)."]


def show(table: Sequence[Sequence[str]], *, markdown: bool) -> None:
    """Print a table whose first row is the heading."""
    if markdown:
        lines = [f"| {' | '.join(row)} |" for row in table]
        print("\n".join([lines[0], "|---" * len(table[0]) + "|", *lines[1:]]) + "\n")
        return
    drawn = Table(*table[0])
    for row in table[1:]:
        drawn.add_row(*row)
    Console(width=120).print(drawn)


def main() -> int:
    """Run all tools on all programs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--programs", type=Path, default=FOLDER, help="folder with allcases.py (default: %(default)s)"
    )
    parser.add_argument(
        "--tools", default="", help="comma-separated, such as torture:random,interleave:random"
    )
    parser.add_argument("--only", default="", help="comma-separated names of programs")
    parser.add_argument(
        "--limit", type=float, default=60.0, help="seconds for each run (default: %(default)s)"
    )
    parser.add_argument("--markdown", action="store_true")
    arguments = parser.parse_args()
    if not (arguments.programs / "allcases.py").is_file():
        parser.error(f"there is no {arguments.programs / 'allcases.py'}; give the folder with --programs")
    programs = load(str(arguments.programs))
    names = arguments.only.split(",") if arguments.only else list(programs)
    tools = arguments.tools.split(",") if arguments.tools else installed()
    rows: list[Row] = []
    for name in names:
        for tool in tools:
            buggy = programs[name].buggy
            row = run(tool, name, buggy=buggy, folder=arguments.programs, limit=arguments.limit)
            print(
                f"{row.program} {row.tool} {row.verdict} {row.rate:.0f}/s {row.kind}",
                file=sys.stderr,
                flush=True,
            )
            rows.append(row)
    print(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores,", end=" ")
    print(f"load {os.getloadavg()[0]:.1f}\n")
    show(details(rows), markdown=arguments.markdown)
    show(summary(rows), markdown=arguments.markdown)
    print("\n".join(sentences(rows)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
