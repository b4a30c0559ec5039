"""A program that says its roles also runs on threads: one object, prepare before, conclude after, all held meanwhile."""

import threading

import pytest

from torture.errors import CheckFailed, UsageError
from torture.scenario.roles import RoleTarget


class Program:
    log: list

    def __init__(self, component, folder, **parameters):
        self.component, self.folder = component, folder
        Program.log = self.log = [("made", parameters)]

    def roles(self):
        return {"write": 2, "read": 1}

    def prepare(self, ledger):
        self.log.append("prepared")
        return Closed(self.log, "prepare")

    def write(self, ledger, number):
        self.log.append(("write", number, threading.current_thread().name))
        return Closed(self.log, "write")

    def read(self, ledger, number):
        self.log.append(("read", number, threading.current_thread().name))

    def conclude(self, ledger):
        assert self.folder.is_dir()
        self.log.append("concluded")


class Closed:
    def __init__(self, log, name):
        self.log, self.name = log, name

    def close(self):
        self.log.append(f"{self.name} closed")


def target(program, balance=lambda ledger: None, **parameters):
    return RoleTarget(object, program, lambda: dict(parameters), balance)


def test_every_role_has_its_threads_between_prepare_and_conclude():
    target(Program, items=3)()
    log = Program.log

    assert log[:2] == [("made", {"items": 3}), "prepared"]
    assert sorted(log[2:5]) == [("read", 0, "read-0"), ("write", 0, "write-0"), ("write", 1, "write-1")]
    assert log[5] == "concluded"
    assert sorted(log[6:]) == ["prepare closed", "write closed", "write closed"]


def test_the_errors_of_all_roles_are_kept(monkeypatch):
    class Fails(Program):
        def write(self, ledger, number):
            raise ValueError(number)

    monkeypatch.setattr(threading, "excepthook", lambda arguments: None)

    with pytest.raises(ExceptionGroup) as raised:
        target(Fails)()
    assert sorted(error.args for error in raised.value.exceptions) == [(0,), (1,)]
    assert Program.log[-1] == "prepare closed"


def test_a_lost_write_is_a_failed_check():
    class Loses(Program):
        def write(self, ledger, number):
            ledger.begun("file", number)
            ledger.acknowledged("file", number)

        def conclude(self, ledger):
            ledger.survived("file", None)

    with pytest.raises(CheckFailed, match="was acknowledged on 'file', and nothing was found") as raised:
        target(Loses)()
    assert raised.value.kind == "lost"


def test_the_ledger_is_balanced_too():
    def balance(ledger):
        raise CheckFailed("duplicated", "twice")

    with pytest.raises(CheckFailed, match="twice"):
        target(Program, balance)()


@pytest.mark.parametrize("roles", [{"sing": 1}, {"write": 0}])
def test_a_role_without_a_method_or_a_process_is_a_mistake(roles):
    class Wrong(Program):
        def roles(self):
            return roles

    with pytest.raises(UsageError, match="Wrong has [01] of role '(sing|write)'; give it a method"):
        target(Wrong)()
