"""The place of a crash is read from faulthandler's output: the program's own line in the thread that is marked."""

from __future__ import annotations

import sysconfig

import torture.isolation.process as process

STDLIB = sysconfig.get_paths()["stdlib"]
WAITING = f'Thread 0x0001 (most recent call first):\n  File "{STDLIB}/threading.py", line 1 in wait\n  File "/p/main.py", line 2 in main\n'
CRASHED = f'Current thread 0x0002 (most recent call first):\n  File "{STDLIB}/ctypes/__init__.py", line 3 in string_at\n  File "/p/t.py", line 4 in run\n'
OURS = f'Current thread 0x0003 (most recent call first):\n  File "{process.__file__}", line 5 in pass_to\n'


def place(text: str) -> str:
    return process._place(text.splitlines())


def test_the_marked_thread_counts_wherever_it_stands() -> None:
    assert place(f"{WAITING}\n{CRASHED}") == 'File "/p/t.py", line 4 in run'
    assert place(f"{CRASHED}\n{WAITING}") == 'File "/p/t.py", line 4 in run'


def test_another_thread_counts_where_the_marked_one_is_torture_alone() -> None:
    assert place(f"{OURS}\n{WAITING}") == 'File "/p/main.py", line 2 in main'


def test_the_last_stack_counts_of_several() -> None:
    stack = 'Stack (most recent call first):\n  File "/p/a.py", line {} in leave\n'

    assert place(stack.format(1) + "\n" + stack.format(2)) == 'File "/p/a.py", line 2 in leave'


def test_what_the_program_printed_is_no_place() -> None:
    assert place('Traceback (most recent call last):\n  File "/p/a.py", line 1, in f\nValueError\n') == ""
