"""The target of a scenario, as the worker process builds it."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from torture.errors import CheckFailed, UsageError
from torture.oracles.accounting import Ledger, brief, judge
from torture.parallel.pacing import Pace
from torture.scenario.document import Document, Place, suggestion
from torture.scenario.loader import Case, load_case
from torture.scenario.schema import Step, seconds

Program = Callable[..., None]  # program(component, ledger, **parameters)


def build(*, file: str, name: str, variant: str) -> Callable[[], None]:
    """Return the target of one case: it runs the program on fresh state and judges its ledger.

    The modules of program and component are imported here, once. Raises UsageError, which names
    file, line, value and cure. The target raises CheckFailed if the ledger does not balance.
    """
    case, document, place = load_case(file, name, variant)
    module, component = _named(case.variant.component, document, (*place, "component"))
    program = _program(case, component, module, document, place[:2])
    checks = tuple(check.value for check in case.scenario.checks)  # plain strings: see accounting
    parameters = case.parameters

    target: Callable[[], None]
    if hasattr(program, "roles"):
        from torture.scenario.roles import RoleTarget  # here: a plain program does not wait for it

        target = RoleTarget(
            component, program, lambda: _copy(parameters), lambda told: _balance(told, checks)
        )
    else:
        target = Target(component, program, parameters, checks)
    target.__module__ = module.__name__  # what is under test: the engine takes its package for own code
    return target


class Target:
    """What is executed again and again; an engine may put another ``component`` in, such as one that is timed."""

    def __init__(
        self, component: Any, program: Program, parameters: dict[str, Any], checks: tuple[str, ...]
    ) -> None:
        self.component = component
        self.counts: dict[str, int] = {}  # what the program counted, over all executions
        self._program = program
        self._parameters = parameters
        self._checks = checks

    def __call__(self) -> None:
        ledger = Ledger()
        try:
            self._program(self.component, ledger, **_copy(self._parameters))
        finally:
            ledger.add_to(self.counts)
        _balance(ledger, self._checks)


def _balance(ledger: Ledger, checks: tuple[str, ...]) -> None:
    if "none" in checks:
        return
    entries = ledger.sent_entries or ("unique" in checks and ledger.received_entries)
    if not entries and ledger.minimum is None:
        wanted = ", ".join(checks)
        raise UsageError(
            f"the program sent nothing to check for {wanted}; report it, or write checks: [none]"
        )
    accounts = judge(ledger, checks)
    if accounts.kind is not None:
        raise CheckFailed(accounts.kind, accounts.message, accounts.counts)


def _program(case: Case, component: Any, module: ModuleType, document: Document, place: Place) -> Program:
    if case.scenario.program is not None:
        program: Program = _named(case.scenario.program, document, (*place, "program"))[1]
        return program

    def moves(steps: Iterable[Step], *further: str | int) -> tuple[_Move, ...]:
        return tuple(
            _move(step, component, module, document, (*place, *further, index))
            for index, step in enumerate(steps)
        )

    setup = moves(case.scenario.setup, "setup")
    threads = {name: moves(steps, "threads", name) for name, steps in (case.scenario.threads or {}).items()}
    return lambda component, ledger, **parameters: _run(component(**parameters), ledger, setup, threads)


@dataclass(frozen=True, slots=True)
class _Move:
    """A step whose names have been looked up."""

    step: Step
    args: list[Any]
    until: Any
    expect: Any
    empty: Any
    has_until: bool
    has_expect: bool

    def perform(self, instance: Any, ledger: Ledger, thread: str) -> None:
        """Call the method as often as the step says."""
        step = self.step
        method = getattr(instance, step.call)
        pace = Pace(seconds(step.every)) if step.every is not None else None
        for index in range(step.repeat):
            if pace is not None:
                pace.wait()
            args = _fill(self.args, index, thread)
            channel = _fill(step.channel, index, thread)
            if step.send:
                ledger.sent(channel, args[0])
            for attempt in range(step.attempts if self.has_until else 1):
                if attempt:
                    time.sleep(0)
                result = method(*args)
                if step.receive and not _equal(result, self.empty):
                    ledger.received(channel, result)
                if self.has_until and self._is_reached(result, index, thread):
                    break
            if self.has_expect and not _equal(result, expected := _fill(self.expect, index, thread)):
                message = f"{thread}: {step.call} returned {brief(result)}, expected {brief(expected)}"
                raise CheckFailed("assertion", message)

    def _is_reached(self, result: Any, index: int, thread: str) -> bool:
        if isinstance(self.until, str) and self.until == "$item":
            return not _equal(result, self.empty)
        return _equal(result, _fill(self.until, index, thread))


def _move(step: Step, component: Any, module: ModuleType, document: Document, place: Place) -> _Move:
    if isinstance(component, type) and not hasattr(component, step.call):
        known = [name for name in dir(component) if not name.startswith("_")]
        message = f"call {step.call!r} is no method of {component.__name__}; {suggestion(step.call, known)}"
        raise document.error((*place, "call"), message)

    def looked_up(value: Any, key: str) -> Any:
        """Replace each "$NAME" by the component module's attribute."""
        if isinstance(value, list):
            return [looked_up(each, key) for each in value]
        if isinstance(value, dict):
            return {name: looked_up(each, key) for name, each in value.items()}
        if not (isinstance(value, str) and value[:1] == "$" and value[1:].isidentifier()):
            return value
        if value in ("$i", "$thread", "$item"):
            return value
        if not hasattr(module, value[1:]):
            cure = suggestion(value, [f"${name}" for name in vars(module) if not name.startswith("_")])
            raise document.error((*place, key), f"{key} {value!r} is not in module {module.__name__}; {cure}")
        return getattr(module, value[1:])

    return _Move(
        step=step,
        args=looked_up(step.args, "args"),
        until=looked_up(step.until, "until"),
        expect=looked_up(step.expect, "expect"),
        empty=looked_up(step.empty, "empty"),
        has_until="until" in step.model_fields_set,
        has_expect="expect" in step.model_fields_set,
    )


def _run(
    instance: Any, ledger: Ledger, setup: Iterable[_Move], threads: dict[str, tuple[_Move, ...]]
) -> None:
    """Perform the setup, then all threads at once; the errors of all of them are kept."""
    for move in setup:
        move.perform(instance, ledger, "setup")
    errors: list[Exception] = []

    def body(name: str, moves: Iterable[_Move]) -> None:
        try:
            for move in moves:
                move.perform(instance, ledger, name)
        except Exception as error:
            errors.append(error)
            raise  # the engine ends the execution here, before others wait in vain for this thread

    running = [threading.Thread(target=body, args=item, name=item[0]) for item in threads.items()]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ExceptionGroup("several threads failed", errors)


def _equal(one: Any, other: Any) -> bool:
    # True == 1 in Python, but a YAML author who wrote `true` did not mean 1.
    return one is other or (isinstance(one, bool) is isinstance(other, bool) and bool(one == other))


def _fill(value: Any, index: int, thread: str) -> Any:
    """Return a fresh value with the repetition and the thread's name put in."""
    if isinstance(value, str):
        if value == "$i":
            return index
        return value.replace("$thread", thread).replace("$i", str(index)) if "$" in value else value
    if type(value) is list:
        return [_fill(each, index, thread) for each in value]
    if type(value) is dict:
        return {name: _fill(each, index, thread) for name, each in value.items()}
    return value


def _copy(value: Any) -> Any:
    # copy.deepcopy would be instrumented, and its steps be part of every execution.
    if isinstance(value, dict):
        return {name: _copy(each) for name, each in value.items()}
    return [_copy(each) for each in value] if isinstance(value, list) else value


def _named(reference: str, document: Document, place: Place) -> tuple[ModuleType, Any]:
    """Return what ``module:name`` or ``file.py:name`` names, with the module."""
    where, _, names = reference.partition(":")
    label = place[-1]
    try:
        if where.endswith(".py"):
            module = _module_of(os.path.join(os.path.dirname(document.file), where))
        else:
            if os.getcwd() not in sys.path:  # as `python -m` has it; the `torture` script has not
                sys.path.insert(0, os.getcwd())
            module = importlib.import_module(where)
    except Exception as error:  # an imported module may raise what it likes
        problem = f"{type(error).__name__}: {error}".splitlines()[0]
        raise document.error(
            place, f"{label} {reference!r} cannot be imported ({problem}); mend it"
        ) from error
    value: Any = module
    for name in names.split("."):
        if not hasattr(value, name):
            cure = suggestion(name, [known for known in dir(value) if not known.startswith("_")])
            raise document.error(place, f"{label} {reference!r} does not exist; {cure}")
        value = getattr(value, name)
    if not callable(value):
        raise document.error(place, f"{label} {reference!r} cannot be called; name a class or a function")
    return module, value


def _module_of(path: str) -> ModuleType:
    """Import a file once, under a name that no import can mean."""
    path = os.path.realpath(path)
    stem = f"scenario_{os.path.basename(path).removesuffix('.py')}"
    name, count = stem, 1
    while name in sys.modules:
        if getattr(sys.modules[name], "__file__", None) == path:
            return sys.modules[name]
        count += 1
        name = f"{stem}_{count}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickling look their module up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
