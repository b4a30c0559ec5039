"""Scenario files become cases; whatever is wrong in one is said with file, line, value and cure."""

import re
from pathlib import Path
from textwrap import dedent

import pytest

from torture.errors import UsageError
from torture.findings import FindingKind
from torture.parallel.processes.faults import Fault
from torture.scenario.loader import load, load_case

GOOD = """\
defaults: {executions: 300, seed: 7}
scenarios:
  - name: ring
    fault: "0.1"
    strategy: pct
    program: ring.py:program
    parameters: {capacity: 2, items: 3}
    checks: [exactly-once, fifo]
    variants:
      published:
        component: ring.py:Ring
        expect: failed
        kind: lost
      hardened: {component: "package.ring:Ring", parameters: {items: 4}, expect: passed}
"""
THREADS = """\
scenarios:
  - name: ring
    threads:
      producer:
        - {call: push, args: [1], send: true}
    variants: {v: {component: "ring.py:Ring", expect: passed}}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("ring.py").write_text("def program(component, ledger): pass\nclass Ring: pass\n")
    return tmp_path


def write(name, text):
    Path(name).write_text(dedent(text))
    return name


def error_of(*files):
    with pytest.raises(UsageError) as caught:
        load(files)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_case_is_a_scenario_with_a_variant_and_the_settings_that_count(folder):
    published, hardened = load([write("a.yaml", GOOD)])

    assert (published.name, hardened.name) == ("ring/published", "ring/hardened")
    assert (published.strategy, published.executions, published.seed, published.budget) == (
        "pct",
        300,
        7,
        None,
    )
    assert published.variant.kind == (FindingKind.LOST,)
    assert published.parameters == {"capacity": 2, "items": 3}
    assert hardened.parameters == {"capacity": 2, "items": 4}


def test_the_nearest_setting_counts(folder):
    write("inner.yaml", GOOD)
    write("all.yaml", "include: [inner.yaml]\ndefaults: {seed: 1, budget: 500ms, strategy: dfs}\n")
    case = load(["all.yaml"])[0]

    assert (case.strategy, case.seed, case.budget, case.file) == ("pct", 7, 0.5, "inner.yaml")


def test_a_case_is_found_again_in_its_own_file(folder):
    write("a.yaml", GOOD)
    case, document, place = load_case("a.yaml", "ring", "hardened")

    assert case.parameters == {"capacity": 2, "items": 4}
    assert document.where((*place, "component")) == "a.yaml:14"
    with pytest.raises(UsageError, match="did you mean 'ring/hardened'"):
        load_case("a.yaml", "ring", "hardend")


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("strategy: pct", "strategy: ptc", 5, "strategy 'ptc' is unknown; did you mean 'pct'?"),
        (
            "strategy: pct",
            "strategy: 3",
            5,
            "strategy 3 is unknown; choose one of auto, bounded, dfs, dpor, parking, pct, pos, random, surw",
        ),
        ("strategy: pct", "stratgy: pct", 5, "key 'stratgy' is unknown; did you mean 'strategy'?"),
        ("name: ring", "nmae: ring", 3, "key 'nmae' is unknown; did you mean 'name'?"),
        ("  - name: ring\n    fault", "  - fault", 3, "entry 1 of scenarios has no 'name'; add it"),
        ("name: ring", "name: two words", 3, "name 'two words' is not understood; write letters, digits"),
        ("name: ring", "name: [ring]", 3, "name (a list of 1) is not text; put it in quotes"),
        ('fault: "0.1"', "fault: 0.1", 4, "fault 0.1 is not text; put it in quotes"),
        (
            "executions: 300",
            'executions: "300"',
            1,
            "executions '300' is not a whole number; write one such as 3",
        ),
        ("executions: 300", "executions: true", 1, "executions true is not a whole number"),
        ("executions: 300", "executions: 0", 1, "executions 0 is out of range; write 1 or more"),
        (
            "executions: 300",
            "budget: 5x",
            1,
            "budget '5x' is not a duration above zero; write 5s, 500ms or 2m",
        ),
        ("executions: 300", "budget: 0s", 1, "budget '0s' is not a duration above zero"),
        ("executions: 300", "engine: stres", 1, "engine 'stres' is unknown; did you mean 'stress'?"),
        ("seed: 7", "seed: yes", 1, "plain 'yes' is ambiguous; write true or false, or put it in quotes"),
        ("seed: 7", "seed: 7, seed: 8", 1, "key 'seed' is already on line 1; remove one of them"),
        ("    checks", "    fault: x\n    checks", 8, "key 'fault' is already on line 4; remove one of them"),
        ("[exactly-once, fifo]", "[exactly-once, fifa]", 8, "checks 'fifa' is unknown; did you mean 'fifo'?"),
        (
            "[exactly-once, fifo]",
            "[none, fifo]",
            8,
            "checks 'none' stands with others; remove it, or the others",
        ),
        ("[exactly-once, fifo]", "fifo", 8, "checks 'fifo' is not a list; write [ ... ]"),
        ("[exactly-once, fifo]", "[]", 8, "checks is empty; add what belongs there or remove it"),
        (
            "ring.py:program",
            "rig.py:program",
            6,
            "program 'rig.py:program' names no file (rig.py); did you mean 'ring.py'?",
        ),
        ("ring.py:program", "ring.py:progam", 6, "names nothing in ring.py; did you mean 'program'?"),
        ("ring.py:program", "ring.py", 6, "program 'ring.py' is not understood; write file.py:function"),
        ("    program: ring.py:program\n", "", 3, "scenario 'ring' has neither program nor threads; add one"),
        (
            "    program:",
            "    threads: {t: [{call: x}]}\n    program:",
            3,
            "has both program and threads; remove one",
        ),
        (
            "ring.py:Ring",
            "ring.py:Rings",
            11,
            "component 'ring.py:Rings' names nothing in ring.py; did you mean 'Ring'?",
        ),
        ("ring.py:Ring", "Ring", 11, "component 'Ring' is not understood; write package.module:Class"),
        ("expect: failed", "expect: fail", 12, "expect 'fail' is unknown; did you mean 'failed'?"),
        ("kind: lost", "kind: losst", 13, "kind 'losst' is unknown; did you mean 'lost'?"),
        ("kind: lost", "kind: [lost, dup]", 13, "kind 'dup' is unknown"),
        (
            "        kind: lost\n",
            "",
            12,
            "expect 'failed' has no kind; add what it fails with, such as kind: lost",
        ),
        (
            "expect: failed",
            "expect: passed",
            13,
            "kind 'lost' with expect 'passed'; remove it, or expect failed",
        ),
        ("parameters: {capacity", "parameters: {1: 2, capacity", 7, "key 1 is not text; put it in quotes"),
        (
            "parameters: {capacity: 2, items: 3}",
            "parameters: 3",
            7,
            "parameters 3 is not a mapping; write key: value",
        ),
        ("name: ring", "name: &x ring", 3, "anchor '&x' is not supported; write the value out"),
        ("name: ring", "name: *x", 3, "alias '*x' is not supported; write the value out"),
        ("name: ring", "name: !!python/name:os.system ring", 3, "is not supported; leave it out"),
        ("name: ring", "name: a: b", 3, "'- name: a: b' is not YAML (mapping values are not allowed here)"),
        ("name: ring", "name: [ring", 4, "is not YAML"),
        ("name: ring", 'name: "\\UFFFFFFFF"', 3, "is not YAML (an escape names no character)"),
        ("name: ring", 'name: "\\ud800"', 3, "holds half a character; write the whole one"),
        ("name: ring", "name: ri\x01ng", 3, "character '\\x01' is not allowed; remove it"),
        ("scenarios:\n", "---\nscenarios:\n", 2, "'---' begins a second document; write one file for each"),
    ],
)
def test_an_error_names_file_line_value_and_cure(folder, old, new, line, message):
    assert old in GOOD
    said = error_of(write("a.yaml", GOOD.replace(old, new, 1)))

    assert said.startswith(f"a.yaml:{line}: "), said
    assert message in said


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("args: [1], ", "", 5, "step 'push' sends, but has no args"),
        ("producer:", '"two\\nlines":', 4, "name 'two\\nlines' is not understood; write letters, digits"),
        ("send: true", "send: 1", 5, "send 1 is not true or false; write one of them"),
        ("send: true", "repeat: 0", 5, "repeat 0 is out of range; write 1 or more"),
        ("send: true", "attempts: 3", 5, "step 'push' has attempts, but no until"),
        ("        - {call: push, args: [1], send: true}", "        []", 4, "producer is empty"),
        (
            "    threads:",
            "    program: ring.py:program\n    threads:",
            2,
            "has both program and threads; remove one",
        ),
    ],
)
def test_an_error_in_a_step_names_its_line(folder, old, new, line, message):
    assert old in THREADS
    said = error_of(write("a.yaml", THREADS.replace(old, new, 1)))

    assert said.startswith(f"a.yaml:{line}: "), said
    assert message in said


FAULTS = GOOD.replace(
    "    variants:", "    engine: processes\n    faults:\n      - {kind: kill}\n    variants:"
)


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("{kind: kill}", "{kind: kil}", 11, "kind 'kil' is unknown; did you mean 'kill'?"),
        ("{kind: kill}", "{role: write}", 11, "entry 1 of faults has no 'kind'; add it"),
        ("{kind: kill}", "{kind: kill, at: boundary}", 11, "did you mean 'boundaries'?"),
        ("{kind: kill}", "{kind: slow-fsync, at: boundaries}", 11, "has no boundaries; remove 'at'"),
        ("{kind: kill}", "{kind: stop, time: 5}", 11, "time 5 is not text; put it in quotes"),
        ("engine: processes", "engine: stress", 10, "engine 'stress' injects no faults"),
    ],
)
def test_an_error_in_a_fault_names_its_line(folder, old, new, line, message):
    assert old in FAULTS
    said = error_of(write("a.yaml", FAULTS.replace(old, new, 1)))

    assert said.startswith(f"a.yaml:{line}: "), said
    assert message in said


def test_a_fault_is_read(folder):
    text = FAULTS.replace("{kind: kill}", "{kind: stop, role: write, at: boundaries, time: 5ms}")
    (fault,) = load([write("a.yaml", text)])[0].scenario.faults

    assert fault.fault() == Fault("stop", "write", "boundaries", 0.005)


def test_what_is_no_scenario_file_is_one_clear_line(folder):
    Path("empty.yaml").write_text("# nothing\n")
    Path("bytes.yaml").write_bytes(b"scenarios:\n  - name: \xff\n")
    Path("list.yaml").write_text("- a\n")
    Path("bare.yaml").write_text("scenarios: []\n")
    Path("deep.yaml").write_text("a: " + "[" * 100_000)
    Path("keys.yaml").write_text("? [a, b]\n: 1\n")

    assert error_of("emty.yaml") == "emty.yaml: no such file; did you mean 'empty.yaml'?"
    assert error_of(".") == ".: is not a file; give the scenario file itself"
    assert error_of("empty.yaml") == "empty.yaml:1: the file is empty; give it 'scenarios:' or 'include:'"
    assert error_of("bytes.yaml") == "bytes.yaml:2: byte 0xff is not UTF-8; save the file as UTF-8"
    assert error_of("list.yaml") == "list.yaml:1: the file is not a mapping; write key: value"
    assert error_of("bare.yaml") == "bare.yaml:1: the file has neither scenarios nor include; add one"
    assert error_of("deep.yaml") == "deep.yaml:1: the value is nested more than 32 deep; flatten it"
    assert error_of("keys.yaml").startswith("keys.yaml:1: a key that is not a word is not supported")


def test_an_include_that_does_not_exist_names_its_line(folder):
    write("ring.yaml", GOOD)
    write("all.yaml", "# first\ninclude:\n  - rng.yaml\n")

    assert (
        error_of("all.yaml")
        == "all.yaml:3: include 'rng.yaml' names no file (rng.yaml); did you mean 'ring.yaml'?"
    )


def test_including_a_file_twice_names_both_lines(folder):
    write("ring.yaml", GOOD)
    write("all.yaml", "include:\n  - ring.yaml\n  - ./ring.yaml\n")

    said = "include './ring.yaml' is there already by all.yaml:2; remove one"
    assert error_of("all.yaml") == f"all.yaml:3: {said}"
    assert error_of("all.yaml", "all.yaml") != ""


def test_a_cycle_of_includes_names_both_lines(folder):
    write("a.yaml", "\ninclude: [b.yaml]\n")
    write("b.yaml", "include:\n  - a.yaml\n")
    write("self.yaml", "include: [self.yaml]\n")

    assert (
        error_of("a.yaml") == "b.yaml:2: include 'a.yaml' closes a cycle that starts at a.yaml:2; remove one"
    )
    assert "self.yaml:1: include 'self.yaml' closes a cycle" in error_of("self.yaml")


def test_a_name_is_unique_over_all_files(folder):
    write("a.yaml", GOOD)
    write("b.yaml", GOOD)

    assert error_of("a.yaml", "b.yaml") == "b.yaml:3: name 'ring' is taken at a.yaml:3; choose another"
    assert error_of("a.yaml", "a.yaml") == "a.yaml: was given already by the command line; give it once"


def test_paths_are_relative_to_the_file_that_names_them(folder):
    Path("sub").mkdir()
    write("sub/a.yaml", GOOD)
    write("all.yaml", "include: [sub/a.yaml]\n")

    assert error_of("all.yaml").startswith(
        "sub/a.yaml:6: program 'ring.py:program' names no file (sub/ring.py)"
    )
    Path("ring.py").rename("sub/ring.py")
    assert [case.file for case in load(["all.yaml"])] == ["sub/a.yaml"] * 2


@pytest.mark.parametrize(
    ("plain", "value"),
    [
        ("0x1F", 31),
        ("0o17", 15),
        ("-12", -12),
        ("010", 10),
        ("1.5", 1.5),
        ("-.inf", float("-inf")),
        ("~", None),
    ]
    + [
        ("True", True),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2020-01-01", "2020-01-01"),
        ("'yes'", "yes"),
    ],
)
def test_plain_scalars_follow_the_core_schema(folder, plain, value):
    text = GOOD.replace("capacity: 2, items: 3", f"capacity: {plain}")
    parameters = load([write("a.yaml", text)])[0].parameters

    assert parameters == {"capacity": value}
    assert type(parameters["capacity"]) is type(value)


def test_a_huge_number_is_no_crash(folder):
    said = error_of(write("a.yaml", GOOD.replace("seed: 7", f"seed: {'9' * 5000}")))

    assert re.match(r"a\.yaml:1: seed .* is not a whole number", said)
