"""What one scheduling point costs, and how many executions a second that allows.

Every figure is the best of several repetitions: on a busy machine the others measure the neighbours.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from torture.runtime import patching

patching.install()

from benchmarks import small  # noqa: E402
from torture.exploration.execution import Executor  # noqa: E402
from torture.exploration.points import KernelPoints  # noqa: E402
from torture.exploration.session import instrumenter_for  # noqa: E402
from torture.runtime import originals  # noqa: E402
from torture.runtime.choice import SchedulingPoint  # noqa: E402
from torture.runtime.kernel import FOREVER, KERNEL  # noqa: E402
from torture.strategies import STRATEGIES  # noqa: E402
from torture.trace.site import Form, Kind, Site  # noqa: E402

LOOPS = 100_000


def best(measure: Callable[[], float], repetitions: int) -> float:
    """Return the smallest of several measurements."""
    return min(measure() for _ in range(repetitions))


def ns_per_call(function: Callable[..., object], *arguments: object, repetitions: int) -> float:
    """Return what one call takes, without the loop around it."""
    loops: dict[str, Any] = {}
    head = f"(f, a):\n for _ in range({LOOPS}): "
    exec(f"def full{head}f(*a)\ndef empty{head}pass", loops)

    def measure(loop: Callable[..., None]) -> float:
        start = originals.perf_counter()
        loop(function, arguments)
        return originals.perf_counter() - start

    full, empty = (best(partial(measure, loops[name]), repetitions) for name in ("full", "empty"))
    return (full - empty) / LOOPS * 1e9


def hot_path(repetitions: int) -> list[tuple[str, float]]:
    """Measure the callbacks while the strategy does not want to be asked."""
    points, shared = KernelPoints(), small.Shared()

    def site(kind: Kind, form: Form, name: str = "n") -> Site:
        return Site(kind, form, name, "f", "m", "m.py", 1)

    KERNEL.countdown = FOREVER
    calls: list[tuple[str, Callable[..., object], tuple[object, ...]]] = [
        ("call of an empty function", lambda site, obj: None, (None, shared)),
        ("read of an attribute", points.access, (site(Kind.READ, Form.ATTRIBUTE), shared)),
        ("write of an attribute", points.store, (site(Kind.WRITE, Form.ATTRIBUTE), shared, 1)),
        ("read of an item", points.item, (site(Kind.READ, Form.ITEM), shared.items, "k")),
        ("write of an item", points.store_item, (site(Kind.WRITE, Form.ITEM), shared.items, "k", 1)),
        ("call of list.append", points.call, (site(Kind.WRITE, Form.CALL), [].append, 1)),
        ("call of a Python function", points.call, (site(Kind.WRITE, Form.CALL), best, 1)),
    ]
    return [
        (name, ns_per_call(function, *arguments, repetitions=repetitions))
        for name, function, arguments in calls
    ]


class Alternating:
    """Switches at every point."""

    exhausted = False

    def begin(self, rng: Random) -> bool:
        return True

    def choose(self, point: SchedulingPoint) -> int:
        point.steps = 1
        return next((index for index in point.runnable if index != point.current), point.runnable[0])

    def end(self, steps: int) -> None:
        pass


class Staying(Alternating):
    """Is asked at every point, and never switches."""

    def choose(self, point: SchedulingPoint) -> int:
        point.steps = 1
        return point.current if point.current in point.runnable else point.runnable[0]


class Unasked(Alternating):
    """Wants to be asked as seldom as it can be."""

    def choose(self, point: SchedulingPoint) -> int:
        point.steps = 1 << 30
        return point.current if point.current in point.runnable else point.runnable[0]


def decisions(repetitions: int) -> list[tuple[str, float]]:
    """Measure whole points, switches and sampling, in nanoseconds for each point of an execution."""
    executor = Executor(small.writes)
    step_limit, KERNEL.step_limit = KERNEL.step_limit, 10 * small.STEPS
    instrumenter = instrumenter_for("free-threaded")
    instrumenter.install((small.__name__,))
    strategies: list[tuple[str, Any]] = [
        ("point, not asked", Unasked()),
        ("point, asked, no switch", Staying()),
        ("point, asked, switch of greenlets", Alternating()),
        *[(f"point under {name}", STRATEGIES[name]()) for name in ("random", "pct", "pos")],
    ]

    def measure(strategy: Any) -> float:
        start = originals.perf_counter()
        execution = executor.run(strategy, Random(1))
        seconds = originals.perf_counter() - start
        assert execution is not None
        assert execution.failure is None, execution.failure
        return seconds / execution.points * 1e9

    figures = [(name, best(partial(measure, strategy), repetitions)) for name, strategy in strategies]
    instrumenter.uninstall()
    KERNEL.step_limit = step_limit
    return figures


def executions(repetitions: int) -> list[tuple[str, float]]:
    """Measure executions a second under ``random``."""
    instrumenter = instrumenter_for("free-threaded")
    instrumenter.install((small.__name__,))
    figures = []
    for name, target in small.PROGRAMS.items():
        executor, strategy, rng = Executor(target), STRATEGIES["random"](), Random(1)

        def measure(executor: Executor = executor, strategy: Any = strategy, rng: Random = rng) -> float:
            start = originals.perf_counter()
            for _ in range(300):
                executor.run(strategy, rng)
            return (originals.perf_counter() - start) / 300

        figures.append((name, 1 / best(measure, repetitions)))
    instrumenter.uninstall()
    return figures


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=7)
    repetitions: int = parser.parse_args().repetitions
    print(f"Python {platform.python_version()}, {platform.machine()}, load {os.getloadavg()[0]:.1f}")
    for title, unit, figures in (
        ("callback, strategy not asked", "ns", hot_path(repetitions)),
        ("in an execution", "ns", decisions(repetitions)),
        ("executions a second, random", "/s", executions(repetitions)),
    ):
        print(f"\n{title}")
        for name, figure in figures:
            print(f"  {name:36} {figure:10,.0f} {unit}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
