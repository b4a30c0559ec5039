"""Modules are learnt, instrumented and given back; names decide where points are needed."""

from __future__ import annotations

import gc
import importlib
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import pytest

from tests.unit.silent_points import Silent
from torture.instrument import functions
from torture.instrument.functions import Instrumenter
from torture.instrument.learn import NEVER, TRUSTED, ModuleLearner
from torture.instrument.names import is_reflective, written_names
from torture.trace.site import Site


class Counting(Silent):
    """Points that count, by the name of the site."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def access(self, site: Site, obj: object) -> None:
        self.names.append(site.name)

    def store(self, site: Site, obj: object, value: object) -> None:
        self.names.append(f"{site.name}=")


SOURCE = '''
import functools
from dataclasses import dataclass

LIMIT = 3

def plain(box):
    box.n = box.n + LIMIT
    return box.n

def wrap(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)
    return wrapper

def make(start):
    """limit"""
    def bump():
        nonlocal start
        start += 1
        return start
    return bump

early = make(1)

@wrap
def decorated(box):
    return box.n

class Box:
    def __init__(self):
        self.n = 1
        self.constant = 2

    @property
    def twice(self):
        return self.n * 2

    @staticmethod
    def still(box):
        return box.unwritten

    class Inner:
        @classmethod
        def make(cls):
            return cls.n

@dataclass
class Data:
    field: int

    @functools.lru_cache
    def cached(self, n):
        return n

    __hash__ = object.__hash__
'''


@pytest.fixture
def make_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    made: list[str] = []
    monkeypatch.syspath_prepend(tmp_path)

    def make(name: str, source: str) -> ModuleType:
        (tmp_path / f"{name}.py").write_text(source)
        made.append(name)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield make
    for name in made:
        sys.modules.pop(name, None)


@pytest.fixture
def counting() -> Counting:
    return Counting()


@pytest.fixture
def instrumenter(counting: Counting) -> Iterator[Instrumenter]:
    instrumenter = Instrumenter(counting, "free-threaded")
    yield instrumenter
    instrumenter.uninstall()


def codes_of(name: str) -> dict[str, list[CodeType]]:
    found: dict[str, list[CodeType]] = {}
    for function in functions._python_functions():  # the collector does not know all of them without a GIL
        if function.__globals__.get("__name__") == name:
            found.setdefault(function.__qualname__, []).append(function.__code__)
    return found


def is_instrumented(code: CodeType) -> bool:
    return any(type(constant) is Site for constant in code.co_consts)


def test_all_functions_of_a_module_are_instrumented(make_module: Any, instrumenter: Instrumenter) -> None:
    make_module("sample_all", SOURCE)

    instrumenter.install({"sample_all"})

    codes = codes_of("sample_all")
    assert {name for name, found in codes.items() if all(map(is_instrumented, found))} >= {
        "plain", "decorated", "make.<locals>.bump", "Box.__init__", "Box.twice", "Box.Inner.make", "Data.__init__",
    }  # fmt: skip
    assert instrumenter.skipped == ()


def test_functions_are_found_that_the_collector_does_not_know(
    make_module: Any, instrumenter: Instrumenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = make_module("sample_immortal", SOURCE)
    monkeypatch.setattr("torture.instrument.functions._IMMORTALISES", True)
    gc.freeze()  # hides them as well as a free-threaded 3.13 does that made them immortal
    try:
        instrumenter.install({"sample_immortal"})
    finally:
        gc.unfreeze()

    assert instrumenter.opened == {"sample_immortal"}
    for function in (module.plain, module.Box.__init__, module.Data.__init__):
        assert is_instrumented(function.__code__)
    assert instrumenter.sites > 10


def test_only_names_that_somebody_writes_are_watched(
    make_module: Any, instrumenter: Instrumenter, counting: Counting
) -> None:
    module = make_module("sample_names", SOURCE)
    instrumenter.install({"sample_names"})

    box = module.Box()
    counting.names.clear()
    assert (module.plain(box), module.decorated(box), box.twice) == (4, 4, 8)

    assert counting.names == ["n", "n=", "n", "n", "n"]


def test_evidence_makes_names_mutable_without_being_instrumented(
    make_module: Any, instrumenter: Instrumenter, counting: Counting
) -> None:
    module = make_module("sample_read", "def read(box):\n    return box.unwritten\n")
    writer = make_module("sample_write", "def write(box):\n    box.unwritten = 1\n")
    box = type("B", (), {"unwritten": 0})()

    instrumenter.install({"sample_read"})
    module.read(box)
    assert counting.names == []
    instrumenter.install({"sample_read"}, {"sample_write"})
    writer.write(box)
    module.read(box)

    assert counting.names == ["unwritten"]


def test_installing_more_modules_extends_and_rewrites(
    make_module: Any, instrumenter: Instrumenter, counting: Counting
) -> None:
    reader = make_module("sample_more_read", "def read(box):\n    return box.late\n")
    writer = make_module("sample_more_write", "def write(box):\n    box.late = 1\n")
    box = type("B", (), {})()

    instrumenter.install({"sample_more_read"})
    instrumenter.install({"sample_more_write"})
    writer.write(box)
    reader.read(box)

    assert counting.names == ["late=", "late"]


def test_a_reflective_module_makes_all_names_mutable(
    make_module: Any, instrumenter: Instrumenter, counting: Counting
) -> None:
    module = make_module(
        "sample_reflective",
        "def put(box, name):\n    setattr(box, name, 1)\n\ndef read(box):\n    return box.any\n",
    )
    box = type("B", (), {})()

    instrumenter.install({"sample_reflective"})
    module.put(box, "any")
    module.read(box)

    assert counting.names == ["setattr", "any"]


def test_functions_made_by_instrumented_ones_are_instrumented_and_given_back(
    make_module: Any, instrumenter: Instrumenter, counting: Counting
) -> None:
    module = make_module("sample_made", SOURCE)
    originals = codes_of("sample_made")
    instrumenter.install({"sample_made"})

    bump = module.make(5)
    counting.names.clear()
    assert (bump(), module.early()) == (6, 2)
    watched = list(counting.names)
    instrumenter.uninstall()

    assert watched == ["start", "start=", "start"] * 2
    after = codes_of("sample_made")
    assert bump.__code__ is module.early.__code__ is originals["make.<locals>.bump"][0]
    assert not any(is_instrumented(code) for found in after.values() for code in found)
    for name, found in originals.items():
        assert {id(code) for code in found} == {id(code) for code in after[name]}
    assert (instrumenter.sites, instrumenter.skipped) == (0, ())


def test_torture_and_its_tools_are_never_instrumented(instrumenter: Instrumenter) -> None:
    instrumenter.install({"torture.instrument.names", "pytest", "weakref"})

    assert instrumenter.sites == 0
    assert not is_instrumented(written_names.__code__)
    assert {"torture", "greenlet", "pytest"} <= NEVER
    assert NEVER.isdisjoint(TRUSTED)


def test_code_that_is_malformed_is_skipped_and_named(make_module: Any, instrumenter: Instrumenter) -> None:
    module = make_module("sample_broken", "def broken(x):\n    return x.n\n\ndef fine(x):\n    x.n = 1\n")
    code = module.broken.__code__
    # An exception range that begins inside LOAD_ATTR.
    module.broken.__code__ = code.replace(co_exceptiontable=bytes([0x80 | 3, 1, 0, 0]))

    instrumenter.install({"sample_broken"})

    assert instrumenter.skipped == ("sample_broken.broken: code unit 3 is not the start of an instruction",)
    assert is_instrumented(module.fine.__code__)


def test_watched_functions_are_not_kept_alive(make_module: Any, instrumenter: Instrumenter) -> None:
    module = make_module("sample_dies", SOURCE)
    gone: list[int] = []

    class Witness:
        def __del__(self) -> None:
            gone.append(1)

    module.early.__dict__["witness"] = Witness()  # a nested function: others are immortal without a GIL
    instrumenter.install({"sample_dies"})
    del module.early
    gc.collect()

    assert gone == [1]


def test_written_names_are_stores_deletions_and_strings() -> None:
    source = '''
def f(o):
    """docstring"""
    global written
    o.stored = written = 1
    del o.deleted
    setattr(o, "by_string", 2)
    for name in ("in", "tuple_1"):
        o.__dict__[name] = o.read
    call(keyword="not an identifier", other=local)
    class Named:
        """other docstring"""
        bound = 1
'''
    code = compile(source, "s", "exec")

    assert written_names(code) == {"stored", "written", "deleted", "by_string", "in", "tuple_1"}


@pytest.mark.parametrize(
    ("source", "reflective"),
    [
        ("setattr(o, n, 1)", True),
        ("def f():\n def g(o): o.__dict__[1] = 2", True),
        ("vars(o)", True),
        ("object.__setattr__(o, n, 1)", True),
        ("o.x = getattr(o, 'y')", False),
    ],
)
def test_reflective_code_is_recognised(source: str, reflective: bool) -> None:
    assert is_reflective(compile(source, "s", "exec")) is reflective


def test_the_learner_sees_every_module_that_runs(make_module: Any) -> None:
    first = make_module("learn_first", "def f(g):\n    return g()\n")
    second = make_module("learn_second", "def g():\n    yield 1\n\ndef h():\n    return list(g())\n")
    make_module("learn_idle", "def f():\n    pass\n")

    with ModuleLearner() as learner:
        first.f(second.h)

    assert {"learn_first", "learn_second"} <= learner.modules
    assert "learn_idle" not in learner.modules


def test_the_learner_sees_greenlets_that_switch(make_module: Any) -> None:
    greenlet = pytest.importorskip("greenlet").greenlet
    module = make_module("learn_greenlet", "def f(back):\n    back()\n    return g()\n\ndef g():\n    pass\n")
    other = make_module("learn_other", "def f():\n    pass\n")

    with ModuleLearner() as learner:

        def work(run: Any) -> None:
            learner.enter_thread()
            run()

        main = greenlet.getcurrent()
        threads = [
            greenlet(lambda: work(lambda: module.f(main.switch))),
            greenlet(lambda: work(other.f)),
        ]
        for thread in (*threads, threads[0]):
            thread.switch()

    assert {"learn_greenlet", "learn_other"} <= learner.modules


def test_the_learner_can_be_used_again_and_leaves_nothing_behind(make_module: Any) -> None:
    module = make_module("learn_again", "def f():\n    pass\n")
    profile = sys.getprofile()

    seen = []
    for _ in range(2):
        with ModuleLearner() as learner:
            module.f()
        seen.append("learn_again" in learner.modules)
    module.f()

    assert seen == [True, True]
    assert sys.getprofile() is profile
    thread = threading.Thread(target=module.f)
    thread.start()
    thread.join()
