"""Latencies are those of the component's own calls, and what measuring costs is said."""

import gc
import json
import os
import subprocess
import sys
import time
from collections import Counter

import pytest

from tests.parallel.stressing import stressed
from torture.cli import main
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


def test_percentiles_are_those_of_the_calls():
    times = Counter(range(1_000_000, 1_001_000_000, 1_000_000))  # one of each from 1 ms to 1 s
    latencies = Latencies()
    latencies.add([{"name": "one of each", "calls": times}])
    latencies.add([{"name": "one of each", "calls": Counter({7_654_321_000: 1})}])
    (figures,) = latencies.summary(2.0)

    assert {name: figures[name] for name in ("calls", "p50", "p95", "p99", "p99.9", "max")} == {
        "calls": 1001,
        "p50": 501,
        "p95": 951,
        "p99": 991,
        "p99.9": 1000,
        "max": 7654,
    }


def test_what_cannot_be_timed_runs_as_it_is_and_is_said():
    latencies = Latencies()

    assert latencies.measured(bool)() is False
    assert "bool" in latencies.unmeasured


PACED = """\
scenarios:
  - name: paced
    engine: stress
    perturbation: "off"
    executions: 4
    checks: [none]
    threads:
      caller: [{call: serve, repeat: 30, every: 10ms}]
    variants:
      stalls: {component: "p.py:Stalls", expect: passed}
      steady: {component: "p.py:Steady", expect: passed}
"""
SERVERS = """\
import time
class Stalls:
    calls = 0
    def serve(self):
        self.calls += 1
        time.sleep(0.2 if self.calls == 5 else 0)
class Steady:
    def serve(self):
        pass
"""


@pytest.fixture(scope="module")
def paced(tmp_path_factory):
    folder = tmp_path_factory.mktemp("paced")
    (folder / "s.yaml").write_text(PACED)
    (folder / "p.py").write_text(SERVERS)
    assert main(["run", str(folder / "s.yaml"), "--report-dir", str(folder)]) == 0
    rows = json.loads((folder / "run.json").read_text())["rows"]
    return {row["variant"]: row["latency"][0] for row in rows}


def test_paced_calls_count_from_when_they_were_due(paced):
    # 1 of 30 calls takes 200 ms. The 19 that are due meanwhile wait 190, 180, ..., 10 ms.
    stalls = paced["stalls"]

    assert stalls["calls"] == 3 * 30
    assert 3 * 19 <= stalls["paced"]["overdue"] < 3 * 30
    assert stalls["p50"] > 10 * stalls["paced"]["uncorrected"]["p50"]
    assert stalls["p95"] >= 150 > stalls["paced"]["uncorrected"]["p95"]
    assert 200 <= stalls["paced"]["uncorrected"]["max"] <= stalls["max"]


def test_what_the_scheduler_takes_to_wake_a_paced_caller_is_kept_apart(paced):
    steady = paced["steady"]

    assert steady["p50"] < 1  # the caller's sleep is not in it
    assert 0 < steady["paced"]["woken_late"]["p50"] <= steady["paced"]["woken_late"]["max"]
    assert steady["per_second"] <= 110


def test_calls_that_are_not_paced_have_no_correction(stage):
    assert all(figures["paced"] is None for figures in stage["latency"])


class Pausing:
    def collect(self):
        gc.collect()

    def compute(self, seconds):
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pass


def test_a_collection_inside_a_call_is_told_apart():
    latencies = Latencies()
    pausing = latencies.measured(Pausing)()
    pausing.collect()
    pausing.compute(0.0001)
    collect, compute = latencies.summary(1.0)

    assert (collect["operation"], collect["calls_with_collection"], collect["max_without_pause"]) == (
        "Pausing.collect",
        1,
        0,
    )
    assert (compute["operation"], compute["calls_with_collection"]) == ("Pausing.compute", 0)


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not tell of its switches by thread")
def test_a_core_taken_away_inside_a_call_is_told_apart():
    latencies = Latencies()
    pausing = latencies.measured(Pausing)()
    cores = os.sched_getaffinity(0)
    rival = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        # Both on one core: half a second is many turns of any scheduler.
        os.sched_setaffinity(rival.pid, {min(cores)})
        os.sched_setaffinity(0, {min(cores)})
        time.sleep(0.2)
        pausing.compute(0.5)
    finally:
        os.sched_setaffinity(0, cores)
        rival.kill()
        rival.wait()
    (compute,) = latencies.summary(1.0)

    assert (compute["calls"], compute["calls_preempted"], compute["max_without_pause"]) == (1, 1, 0)
