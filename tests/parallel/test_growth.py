"""What a program's modules gather is named; what is filled once, or has a bound, is not."""

import re
from pathlib import Path

import pytest

from torture.findings import Verdict
from torture.parallel.job import StressJob
from torture.parallel.supervisor import stress

GATHERS = Path(__file__).parent / "targets/gathers.py"


def told(function, executions=25):
    result = stress(StressJob(target=f"{GATHERS}:{function}", executions=executions, perturbation="off"))
    assert (result.verdict, result.executions) == (Verdict.PASSED, executions), result
    return result.warnings


def test_containers_that_grow_are_named_with_size_and_place():
    line = next(n for n, text in enumerate(GATHERS.read_text().splitlines(), 1) if "# here" in text)

    warnings = told("gathers")

    names = ["CACHE", "SEEN", "cached", "GROUPS['a']", "Registry.made", "REGISTRY.waiting"]
    assert sorted(text.split()[1] for text in warnings) == sorted(f"gathers.{name}" for name in names)
    (cache,) = (text for text in warnings if "gathers.CACHE" in text)
    pattern = r"has ([\d,]+) entries more after ([\d,]+) executions, ([\d.]+) [KM]iB(?: at least)?, made at (\S+): take"
    entries, executions, size, place = re.search(pattern, cache).groups()
    assert int(entries.replace(",", "")) == 10 * int(executions.replace(",", ""))
    assert float(size) > 0
    assert place == f"{GATHERS}:{line}"


def test_containers_grow_where_a_thread_that_stays_keeps_the_state_from_being_put_back():
    threads, cache = told("gathers_beside_a_thread_that_stays", executions=12)

    assert "threads" in threads
    assert "gathers.CACHE has 350 entries more after 7 executions" in cache


@pytest.mark.parametrize("function", ["has_bounds", "counts_on_what_is_put_back"])
def test_nothing_is_said_of_what_is_bounded_filled_once_or_put_back(function):
    assert told(function) == ()
