"""Latencies are those of the component's own calls, and what measuring costs is said."""

import pytest

from tests.parallel.stressing import stressed
from torture.findings import Verdict
from torture.parallel.latency import Latencies


@pytest.fixture(scope="module")
def stage():
    result = stressed("timed", arguments={}, executions=12, perturbation="off")
    assert result.verdict is Verdict.PASSED, result.finding
    return result.stages[0]


def test_a_call_that_sleeps_ten_milliseconds_takes_ten(stage):
    nap = next(figures for figures in stage["latency"] if figures["operation"] == "Sleeper.nap")

    assert 10 <= nap["p50"] <= nap["p95"] <= nap["p99"] <= nap["p99.9"] <= nap["max"] < 1000
    assert 0 < nap["per_second"] <= 100 / 3


def test_a_call_inside_another_belongs_to_that_one(stage):
    nap, twice = stage["latency"]

    assert (nap["calls"], twice["calls"]) == (11, 11)  # the first of twelve executions only warms up
    assert twice["p50"] >= 20


def test_what_measuring_costs_is_measured_too(stage):
    harness = stage["harness"]

    assert 0 < harness["empty_call_nanoseconds"] < 100_000
    assert harness["nanoseconds_per_call"] > 0


def test_disturbed_executions_are_not_timed():
    result = stressed("timed", arguments={}, executions=8, perturbation="light")
    calm, disturbed = result.stages

    assert (calm["executions"], disturbed["executions"]) == (2, 6)
    assert "latency" not in disturbed
    assert calm["latency"][0]["calls"] == 1


class Slotted:
    __slots__ = ("items",)

    def __init__(self):
        self.items = []

    def add(self, item):
        self.items.append(item)
        if item is None:
            raise ValueError("nothing to add")

    async def later(self):
        pass


def make_slotted():
    return Slotted()


@pytest.mark.parametrize("component", [Slotted, make_slotted], ids=["class", "factory"])
def test_a_call_that_raises_counts_and_a_coroutine_does_not(component):
    latencies = Latencies()
    instance = latencies.measured(component)()
    instance.add(1)
    with pytest.raises(ValueError, match="nothing to add"):
        instance.add(None)
    instance.later().close()
    (add,) = latencies.summary(1.0)

    assert (add["operation"], add["calls"], instance.items) == ("Slotted.add", 2, [1, None])


def test_what_cannot_be_timed_runs_as_it_is_and_is_said():
    latencies = Latencies()

    assert latencies.measured(bool)() is False
    assert "bool" in latencies.unmeasured
