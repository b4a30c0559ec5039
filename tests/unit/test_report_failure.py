"""The failure report, on traces made by hand."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from torture.findings import Finding, FindingKind, NoReturn, Twin
from torture.report.failure import render, render_trace
from torture.trace.event import Event, ThreadInfo, Trace

FINDING = Finding(FindingKind.ASSERTION, "AssertionError: 1 != 2", "x", threads=3, preemptions=1, steps=9)
COMMAND = "torture replay T1-" + "x" * 120


class Script:
    """Writes a trace: one call is one event."""

    def __init__(self, *names: str) -> None:
        self._threads = tuple(
            ThreadInfo(index, f"0.{index}", name, False) for index, name in enumerate(names)
        )
        self._events: list[Event] = []

    def __call__(
        self,
        thread: int,
        kind: str,
        resource: str = "",
        value: str = "",
        *,
        line: int = 1,
        depth: int = 0,
        file: str = "/home/me/count.py",
    ) -> Script:
        module = file.rpartition("/")[2].removesuffix(".py")
        event = Event(len(self._events), thread, kind, resource, value, "C.add", module, file, line, depth)
        self._events.append(event)
        return self

    @property
    def trace(self) -> Trace:
        return Trace(tuple(self._events), self._threads)


def lost_update() -> Script:
    script = Script("main", "A", "B")
    script(0, "spawn", "A", line=10)(0, "spawn", "B", line=11)
    script(1, "read", "C#1.n", "0", line=3, depth=1)
    script(2, "read", "C#1.n", "0", line=3, depth=1)(2, "write", "C#1.n", "1", line=4, depth=1)
    return script(1, "write", "C#1.n", "1", line=4, depth=1)(0, "join", "A", line=12)


def report(script: Script, finding: Finding = FINDING, width: int = 80) -> list[str]:
    return render(finding, script.trace, width=width, command=COMMAND).splitlines()


def test_a_lost_update_is_told_with_its_threads_and_places() -> None:
    lines = report(lost_update())

    assert lines[0] == "AssertionError: 1 != 2"
    assert lines[1] == "B wrote C#1.n between A's read and its write of it (count.py:3, count.py:4)."
    assert sum(line.startswith("▸") for line in lines) == 3


def test_each_thread_has_its_column_and_rows_stand_in_execution_order() -> None:
    lines = report(lost_update())
    header = next(line for line in lines if line.split() == ["main", "A", "B"])
    accesses = [line for line in lines if "C#1.n ➜ 0" in line or "C#1.n = 1" in line]

    columns = [line.index("C#1.n") for line in accesses]
    assert columns == [header.index(name) for name in "ABBA"]
    assert [line.split()[-2:] for line in accesses] == [
        ["count.py:3", "add"],
        ["count.py:3", "add"],
        ["count.py:4", "add"],
        ["count.py:4", "add"],
    ]


def test_indentation_is_the_call_depth_inside_the_thread() -> None:
    script = Script("main", "A")
    for depth in (3, 4, 5, 3):
        script(1, "acquire", "Lock#1", line=depth, depth=depth)

    columns = [line.index("acquire") for line in report(script) if "acquire" in line]
    assert [column - columns[0] for column in columns] == [0, 2, 4, 0]


def test_every_switch_is_a_row_that_points_at_the_next_thread() -> None:
    switches = [line for line in report(lost_update()) if "switch ─" in line or "─ switch" in line]

    assert [line.strip()[0] == "◀" for line in switches] == [False, False, True, True]


def test_the_command_is_the_last_line_and_whole() -> None:
    assert report(lost_update())[-1] == f"replay: {COMMAND}"


def test_without_a_schedule_no_command_is_shown() -> None:
    text = render(FINDING, lost_update().trace, command="")

    assert text.endswith("it cannot be replayed: its schedule is not known")


def test_library_code_is_folded_into_one_row() -> None:
    script = lost_update()
    for line in range(8):
        script(1, "acquire", "Lock#1", line=line, depth=2, file="/usr/lib/python3.12/queue.py")

    text = "\n".join(report(script))
    assert "queue.C.add (8 steps)" in text
    assert "Lock#1" not in text


def test_in_a_narrow_column_library_code_keeps_its_function() -> None:
    script = Script("main", "A", "B")
    for thread in range(3):
        script(thread, "acquire", "a lock with a long name", line=1)
        script(thread, "read", "Q#1.n", line=2, file="/usr/lib/python3.12/a_module_with_a_long_name.py")
        script(thread, "release", "a lock with a long name", line=3)

    assert [line.split() for line in report(script) if line.endswith("library")] == [["add", "library"]] * 3


def test_the_steps_it_hinges_on_are_shown_even_in_a_library() -> None:
    file = "/usr/lib/python3.12/queue.py"
    script = Script("main", "A", "B")
    script(1, "read", "Q#1.n", "0", file=file)(2, "write", "Q#1.n", "5", file=file)(
        1, "write", "Q#1.n", "1", file=file
    )

    assert sum("Q#1.n" in line and line.startswith("▸") for line in report(script)) == 3


def test_what_no_other_thread_can_have_met_is_folded() -> None:
    script = lost_update()
    for line in range(8):
        script(0, "read", f"mine#{line}", "1", line=line)

    text = "\n".join(report(script))
    assert "mine#" not in text
    assert "… 8 steps …" in text


def test_a_long_run_is_elided_in_its_middle() -> None:
    script = lost_update()
    for line in range(100):
        script(2, "release", f"Lock#{line}", line=line)

    lines = report(script)
    assert any("… 89 steps …" in line for line in lines)
    assert any("release Lock#0 " in line for line in lines)
    assert any("release Lock#99 " in line for line in lines)


def test_a_private_read_then_write_is_no_interference() -> None:
    script = Script("main", "A", "B")
    script(1, "read", "C#1.n", "0")(1, "write", "C#1.n", "1")(2, "read", "C#1.n", "1")(
        2, "write", "C#1.n", "2"
    )

    assert not any("between" in line or line.startswith("▸") for line in report(script))


def test_what_a_join_orders_is_no_interference() -> None:
    script = Script("main", "A")
    script(0, "read", "C#1.n", "0")(1, "write", "C#1.n", "1")(0, "join", "A")(0, "write", "C#1.n", "2")

    assert not any(line.startswith("▸") for line in report(script))


def test_a_loop_that_waits_for_a_flag_is_no_interference() -> None:
    script = Script("main", "A")
    script(0, "read", "go", "False")(1, "write", "go", "True")(0, "read", "go", "True")

    assert not any(line.startswith("▸") for line in report(script))


def test_a_deadlock_says_who_waits_and_explains_nothing_else() -> None:
    message = "2 threads wait for ever\n  A waits for Lock#2, held by B\n  B waits for Lock#1, held by A"

    lines = report(lost_update(), Finding(FindingKind.DEADLOCK, message, "x"))
    assert lines[:3] == [f"deadlock: {message.splitlines()[0]}", *message.splitlines()[1:]]
    assert not any(line.startswith("▸") for line in lines)


def test_more_than_three_threads_share_one_column_with_names_in_front() -> None:
    script = Script("main", "A", "B", "C")
    for thread in range(4):
        script(thread, "acquire", "Lock#1", line=thread)(thread, "release", "Lock#1", line=thread)

    rows = [line for line in report(script) if "acquire Lock#1" in line]
    assert [row.split()[0] for row in rows] == ["main", "A", "B", "C"]
    assert len({row.index("acquire") for row in rows}) == 1


def test_control_characters_stay_in_their_row() -> None:
    script = Script("main\n", "A")
    script(0, "write", "d['\x1b[2J']", "'a\nb'")(1, "read", "d['\x1b[2J']", "'a\nb'")

    text = render(FINDING, script.trace, command=COMMAND) + render_trace(script.trace)
    assert "\x1b" not in text
    assert "'a\\nb'" in text


def test_a_trace_without_steps_is_said_to_have_none() -> None:
    assert "No step was recorded." in report(Script("main"))


@pytest.mark.parametrize("seed", range(60))
def test_any_trace_fits_into_sixty_lines_of_the_asked_width(seed: int) -> None:
    rng = random.Random(seed)
    names = [
        rng.choice(["w", "Thread-1 (consume)", "a very long name of a thread " * 2])
        for _ in range(rng.randint(1, 9))
    ]
    script = Script(*names)
    for line in range(rng.choice([0, 1, 30, 600])):
        script(
            rng.randrange(len(names)) if rng.random() < 0.4 else 0,
            rng.choice(
                ["read", "write", "acquire", "release", "try", "sleep", "switch", "io", "join", "end"]
            ),
            rng.choice(["x", "Counter#1.n", "VeryLongClassName#17.some_attribute['key']" * 2]),
            rng.choice(["", "0", "'text'" * 30]),
            line=line * 997,
            depth=rng.randrange(40),
            file=rng.choice(["a.py", "/x/site-packages/p/m.py", "/x/a_module_with_quite_a_long_name.py"]),
        )
    message = "word " * rng.choice([1, 400]) + "\n  line" * rng.choice([0, 90]) + "x" * rng.choice([0, 300])
    events = (None, *script.trace.events)
    finding = Finding(
        rng.choice(list(FindingKind)),
        message,
        "x",
        labels=("timing",),
        shrunk_from={"steps": 10**6},
        twin=Twin(
            rng.choice(["moved", "dropped", "added"]),
            names[0],
            rng.choice(["", names[-1]]),
            preempts=rng.random() < 0.5,
            token="T1-x",
            at=rng.choice(events),
            sooner=rng.choice(events),
            later=rng.choice(events),
        ),
        no_return=NoReturn(32, 5, rng.choice(events)),
    )
    width = rng.choice([60, 80, 120])

    lines = report(script, finding, width)
    assert len(lines) <= 60
    assert max(len(line) for line in lines[:-1]) <= width
    assert report(script, finding, width) == lines


def test_the_point_of_no_return_has_a_mark_of_its_own() -> None:
    script = lost_update()
    step = script.trace.events[3]
    assert (step.thread, step.kind) == (2, "read")

    lines = report(script, replace(FINDING, no_return=NoReturn(32, 5, step)))
    (marked,) = (line for line in lines if line.startswith("✗"))
    assert "C#1.n ➜ 0" in marked
    assert sum(line.startswith("▸") for line in lines) == 3


def test_the_interference_around_the_twins_switch_is_told() -> None:
    script = lost_update()  # a lost update of n would be told, did it not hinge on something else
    script(1, "read", "C#1.m", "0", line=7)(2, "acquire", "Lock#1", line=8)(1, "acquire", "Lock#1", line=8)
    script(2, "write", "C#1.m", "1", line=9)(1, "acquire", "Lock#1", line=8)(1, "read", "C#1.m", "1", line=10)
    at = script.trace.events[7]
    assert at.resource == "C#1.m"

    lines = report(script, replace(FINDING, twin=Twin("moved", "A", "B", preempts=True, token="", at=at)))
    assert lines[1].startswith("B wrote C#1.m between two reads of it by A")


def test_an_interference_that_the_twin_does_not_undo_is_not_told() -> None:
    script = lost_update()
    script(1, "read", "C#1.m", "0", line=7)
    twin = Twin("moved", "A", "B", preempts=True, token="", at=script.trace.events[-1])

    assert not any("between" in line for line in report(script, replace(FINDING, twin=twin)))


def test_an_interference_that_ends_after_the_place_where_it_passes_is_not_told() -> None:
    script = lost_update()
    at, inside = script.trace.events[2], script.trace.events[5]
    assert (at.kind, inside.kind) == ("read", "write")
    script(1, "write", "C#1.m", "1", line=8)
    twin = Twin("moved", "A", "B", preempts=True, token="", at=at, later=inside)
    earlier = replace(twin, later=at)

    assert any("between" in line for line in report(script, replace(FINDING, twin=twin)))
    assert not any("between" in line for line in report(script, replace(FINDING, twin=earlier)))


def test_equal_rows_stand_once() -> None:
    script = lost_update()
    for _ in range(5):
        script(2, "release", "Lock#1", line=9)

    (row,) = (line for line in report(script) if "release Lock#1" in line)
    assert "release Lock#1 ×5" in row


def test_a_few_private_accesses_are_left_out() -> None:
    script = lost_update()
    script(0, "read", "mine", "1", line=5)(0, "read", "mine", "2", line=6)(0, "join", "B", line=13)

    text = "\n".join(report(script))
    assert "mine" not in text
    assert "2 steps" not in text


def test_names_that_begin_alike_are_told_apart_by_their_ends() -> None:
    script = Script("main", "ThreadPoolExecutor-0_0", "ThreadPoolExecutor-0_1")
    for thread in (0, 1, 2):
        script(thread, "acquire", "Lock#1", line=thread)

    (header,) = (line for line in report(script) if "main" in line)
    assert "0_0" in header
    assert "0_1" in header


def test_of_a_call_the_method_is_kept() -> None:
    script = Script("main", "A", "B")
    for thread in range(3):
        script(thread, "write", f"stat('/tmp/a/very/long/path/to/file{thread}')", line=thread)

    assert sum("stat(…" in line for line in report(script)) == 3


def test_an_early_timer_is_a_row() -> None:
    assert any("timer (early)" in line for line in report(lost_update()(1, "timer", line=3)))


def test_a_long_aftermath_is_cut() -> None:
    script = lost_update()
    for line in range(40):
        script(0, "release", f"Lock#{line}", line=line)(1, "release", f"Lock#{line}", line=line)

    lines = report(script)
    assert len(lines) < 45
    assert any("Lock#39" in line for line in lines)
    assert any("switches …" in line for line in lines)


def test_the_whole_trace_has_one_line_for_each_thread_and_event() -> None:
    trace = lost_update().trace

    lines = render_trace(trace).splitlines()
    assert len(lines) == len(trace.threads) + len(trace.events)
    assert lines[1] == "# thread 1 0.1 A"
    assert lines[5] == "2 A:   read C#1.n -> 0  [/home/me/count.py:3 C.add]"


def test_a_file_that_every_package_has_is_told_with_its_folder() -> None:
    script = Script("main", "A")(0, "spawn", "A")(1, "read", "C#1.n", file="/lib/shelf/__init__.py")

    assert "shelf/__init__.py:1 add" in "\n".join(report(script))


def test_what_happens_nowhere_in_the_code_has_no_place() -> None:
    script = Script("main", "A")(0, "spawn", "A")(1, "timer", file="", line=0)(0, "join", "A")

    assert next(line for line in report(script) if "timer" in line).rstrip().endswith("timer (early)")


def test_in_a_narrow_column_a_library_s_function_keeps_its_name_and_its_steps_their_number() -> None:
    script = lost_update()
    for line in range(12):
        file = "/usr/lib/python3.13/site-packages/shelf/box.py"
        script(1, "read", "Box#1.n", line=line, depth=1, file=file)

    narrow, wide = ("\n".join(report(script, width=width)) for width in (68, 140))
    assert "add (12)" in narrow
    assert "box.C.add (12 steps)" in wide


def test_a_write_between_two_reads_of_the_same_value_is_no_cause() -> None:
    def told(second: str) -> str:
        script = Script("main", "A", "B")(0, "spawn", "A")(0, "spawn", "B")
        script(1, "read", "C#1.n", "True", line=3)(2, "write", "C#1.n", second, line=4)
        return "\n".join(report(script(1, "read", "C#1.n", second, line=5)))

    assert "B wrote C#1.n between two reads of it by A" in told("False")
    assert "between two reads" not in told("True")
