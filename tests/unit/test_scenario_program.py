"""The target of a scenario runs its program on fresh state and judges the ledger."""

import itertools
import sys
from pathlib import Path

import pytest

from torture.errors import CheckFailed, UsageError
from torture.scenario.program import build

MODULE = '''
EMPTY = object()

class Box:
    """A queue with switchable faults."""

    made = []

    def __init__(self, fault=None, refuse=0):
        self.items, self.fault, self.refuse = [], fault, refuse
        Box.made.append(self)

    def push(self, item):
        if self.refuse:
            self.refuse -= 1
            return False
        if self.fault != "lose":
            self.items.append(item)
        if self.fault == "repeat":
            self.items.append(item)
        return True

    def pop(self):
        return self.items.pop(0) if self.items else EMPTY

    def fail(self):
        raise KeyError("failed")

def program(component, ledger, log=(), **parameters):
    box = component(**parameters)
    if isinstance(log, list):
        log.append(1)
        assert log == [1], "parameters are not fresh"
    for item in range(3):
        if box.push(item):
            ledger.sent("main", item)
    while (item := box.pop()) is not EMPTY:
        ledger.received("main", item)

def silent(component, ledger):
    component()
'''


_FILES = itertools.count()


@pytest.fixture
def scenario(tmp_path, monkeypatch):
    """Give a function that builds the target of a scenario whose body is given."""
    monkeypatch.chdir(tmp_path)
    stem = f"box{next(_FILES)}"  # a module of its own for each test
    Path(f"{stem}.py").write_text(MODULE)

    def target(body, component="box.py:Box"):
        text = f"scenarios:\n  - name: s\n{body}\n    variants: {{v: {{component: '{component}', expect: passed}}}}\n"
        Path("s.yaml").write_text(text.replace("box.py", f"{stem}.py"))
        return build(file="s.yaml", name="s", variant="v")

    yield target
    for name in [name for name in sys.modules if name.startswith(f"scenario_{stem}")]:
        del sys.modules[name]


def steps(*threads, setup=""):
    return "\n".join([setup, "    threads:", *(f"      {thread}" for thread in threads)])


PUSH = "producer: [{call: push, args: ['$thread-$i'], repeat: 3, send: true}]"
POP = "consumer: [{call: pop, until: $EMPTY, receive: true, empty: $EMPTY}]"


def test_a_program_that_balances_passes_again_and_again(scenario):
    target = scenario("    program: box.py:program\n    parameters: {log: []}")

    assert [target(), target()] == [None, None]
    module = sys.modules[target.__module__]
    assert len(module.Box.made) == 2


@pytest.mark.parametrize(
    ("parameters", "checks", "kind", "counts"),
    [
        ("{fault: lose}", "[exactly-once]", "lost", {"lost": 3}),
        ("{fault: repeat}", "[exactly-once, fifo]", "duplicated", {"duplicated": 3}),
    ],
)
def test_a_program_that_does_not_balance_fails_with_kind_and_counts(
    scenario, parameters, checks, kind, counts
):
    target = scenario(f"    program: box.py:program\n    parameters: {parameters}\n    checks: {checks}")

    with pytest.raises(CheckFailed) as caught:
        target()
    assert caught.value.kind == kind
    assert {name: count for name, count in caught.value.counts.items() if count} == counts


def test_a_program_imports_what_stands_beside_it_but_nothing_that_is_known_already(
    scenario, tmp_path, monkeypatch
):
    monkeypatch.setattr(sys, "path", [name for name in sys.path if name != str(tmp_path)])
    Path("neighbour_of_a_program.py").write_text(
        "def hand_over(box, items):\n    for item in items: box.push(item)\n"
    )
    Path("queue.py").write_text("raise ImportError('not the standard one')\n")
    Path("importing.py").write_text(
        "import queue\nfrom neighbour_of_a_program import hand_over\n"
        "def program(component, ledger):\n    hand_over(component(), [1, 2])\n"
    )
    monkeypatch.chdir("/")
    (tmp_path / "box.py").write_text(MODULE)
    (tmp_path / "s.yaml").write_text(
        "scenarios: [{name: s, program: 'importing.py:program', checks: [none],"
        " variants: {v: {component: 'box.py:Box', expect: passed}}}]"
    )

    assert build(file=str(tmp_path / "s.yaml"), name="s", variant="v")() is None


def test_a_program_that_reports_nothing_does_not_pass_vacuously(scenario):
    with pytest.raises(UsageError, match=r"sent nothing to check for exactly-once; .* checks: \[none\]"):
        scenario("    program: box.py:silent")()
    scenario("    program: box.py:silent\n    checks: [none]")()


def test_threads_in_yaml_run_their_steps(scenario):
    target = scenario(
        steps(
            "drain: [{call: pop, expect: before-0}]",
            setup="    setup: [{call: push, args: [before-$i]}]\n    checks: [none]",
        )
    )

    target()


def test_sent_and_received_of_threads_are_judged(scenario):
    late = "late: [{call: pop, repeat: 3, until: $item, empty: $EMPTY, receive: true}]"

    scenario(steps(PUSH, late))()
    with pytest.raises(CheckFailed, match="'producer-0' was sent once") as caught:
        scenario(
            steps(PUSH, "late: [{call: pop, attempts: 2, until: $item, empty: $EMPTY, receive: true}]")
            + "\n    parameters: {fault: lose}"
        )()
    assert caught.value.kind == "lost"


def test_until_calls_again(scenario):
    producer = "producer: [{call: push, args: [$i], send: true, until: true}]"
    drain = "drain: [{call: pop, until: $item, attempts: 1000, receive: true, empty: $EMPTY}]"

    scenario(steps(producer, drain) + "\n    parameters: {refuse: 5}")()


def test_until_gives_up_after_its_attempts(scenario):
    producer = "producer: [{call: push, args: [1], until: true, attempts: 3, expect: false}]"

    scenario(steps(producer) + "\n    parameters: {refuse: 5}\n    checks: [none]")()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_unexpected_result_is_an_assertion_and_true_is_not_one(scenario):
    target = scenario(steps("producer: [{call: push, args: [1], expect: 1}]") + "\n    checks: [none]")

    with pytest.raises(CheckFailed, match="producer: push returned True, expected 1") as caught:
        target()
    assert caught.value.kind == "assertion"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_errors_of_all_threads_are_kept(scenario):
    target = scenario(steps("a: [{call: fail}]", "b: [{call: fail}]"))

    with pytest.raises(ExceptionGroup) as caught:
        target()
    assert [type(error) for error in caught.value.exceptions] == [KeyError, KeyError]


@pytest.mark.parametrize(
    ("body", "component", "message"),
    [
        (
            steps("t: [{call: psh}]"),
            "box.py:Box",
            r"s.yaml:5: call 'psh' is no method of Box; did you mean 'push'\?",
        ),
        (
            steps("t: [{call: pop, until: $EMTY}]"),
            "box.py:Box",
            r"s.yaml:5: until '\$EMTY' .*did you mean '\$EMPTY'\?",
        ),
        (
            steps("t: [{call: pop}]"),
            "box.py:EMPTY",
            "s.yaml:6: component .*EMPTY' cannot be called; name a class",
        ),
        (
            steps("t: [{call: pop}]"),
            "no.such.module:Box",
            r"s.yaml:6: .* cannot be imported \(ModuleNotFoundError",
        ),
        (
            steps("t: [{call: pop}]"),
            "queue:Quue",
            r"s.yaml:6: component 'queue:Quue' does not exist; did you mean 'Queue'\?",
        ),
    ],
)
def test_what_cannot_be_built_names_file_line_value_and_cure(scenario, body, component, message):
    with pytest.raises(UsageError, match=message):
        scenario(body, component)
