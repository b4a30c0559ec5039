"""Both carriers keep the contract of their interface."""

from __future__ import annotations

import _thread
import contextvars
import importlib
from collections.abc import Callable, Iterator

import pytest

from torture.runtime.baton import BatonCarrier
from torture.runtime.carrier import Carrier, Handle
from torture.runtime.originals import get_ident

VARIABLE = contextvars.ContextVar("VARIABLE", default="unset")


@pytest.fixture(params=["greenlets", "baton"])
def carrier(request: pytest.FixtureRequest) -> Iterator[Carrier]:
    made: Carrier = BatonCarrier()
    if request.param == "greenlets":
        pytest.importorskip("greenlet")
        made = importlib.import_module("torture.runtime.greenlets").GreenletCarrier()
    yield made
    made.close()


def ending(carrier: Carrier, function: Callable[[], object]) -> Callable[[], Handle]:
    """Return a body that runs a function and goes on with the root."""

    def body() -> Handle:
        function()
        return carrier.root

    return body


def test_bodies_hand_over_to_each_other_and_back(carrier: Carrier) -> None:
    said = []
    second = carrier.create(ending(carrier, lambda: said.append("second")), None)

    def first() -> Handle:
        said.append("first")
        carrier.root.switch()
        said.append("again")
        return second

    handle = carrier.create(first, None)
    carrier.run(handle)
    said.append("root")
    carrier.run(handle)

    assert said == ["first", "root", "again", "second"]


def test_home_is_the_os_thread_that_runs(carrier: Carrier) -> None:
    homes = []

    carrier.run(carrier.create(ending(carrier, lambda: homes.append(carrier.home == get_ident())), None))

    assert homes == [True]
    assert carrier.home == get_ident()


def test_ended_bodies_are_carried_by_pooled_threads(carrier: Carrier) -> None:
    before = _thread._count()
    for _ in range(50):
        carrier.run(carrier.create(ending(carrier, lambda: None), None))

    assert _thread._count() - before <= 1


def test_thrown_error_is_raised_where_the_body_waits(carrier: Carrier) -> None:
    caught = []

    def waits() -> Handle:
        try:
            carrier.root.switch()
        except KeyError as error:
            caught.append(error)
        return carrier.root

    handle = carrier.create(waits, None)
    carrier.run(handle)
    error = KeyError("ended")
    carrier.throw(handle, error)

    assert caught == [error]


def test_error_of_a_body_is_raised_in_the_root(carrier: Carrier) -> None:
    def fails() -> Handle:
        raise LookupError("engine")

    with pytest.raises(LookupError, match="engine"):
        carrier.run(carrier.create(fails, None))


def test_frame_is_that_of_the_waiting_body(carrier: Carrier) -> None:
    def waits_here() -> Handle:
        carrier.root.switch()
        return carrier.root

    handle = carrier.create(waits_here, None)
    carrier.run(handle)
    names = []
    frame = carrier.frame(handle)
    while frame is not None:
        names.append(frame.f_code.co_name)
        frame = frame.f_back
    carrier.run(handle)

    assert "waits_here" in names


def test_body_has_the_given_context_or_an_empty_one(carrier: Carrier) -> None:
    seen = []
    context = contextvars.copy_context()
    context.run(VARIABLE.set, "given")

    for given in (context, None):
        carrier.run(carrier.create(ending(carrier, lambda: seen.append(VARIABLE.get())), given))

    assert seen == ["given", "unset"]


def test_discarded_body_never_runs_and_its_place_is_used_again(carrier: Carrier) -> None:
    ran = []
    carrier.discard(carrier.create(ending(carrier, lambda: ran.append("discarded")), None))

    carrier.run(carrier.create(ending(carrier, lambda: ran.append("next")), None))

    assert ran == ["next"]


def test_abandoned_body_stays_where_it_is(carrier: Carrier) -> None:
    ran = []

    def refuses() -> Handle:
        carrier.root.switch()
        ran.append("went on")
        return carrier.root

    handle = carrier.create(refuses, None)
    carrier.run(handle)
    carrier.abandon(handle)
    carrier.run(carrier.create(ending(carrier, lambda: ran.append("other")), None))

    assert ran == ["other"]


def test_deep_recursion_of_one_body_leaves_the_others_theirs(carrier: Carrier) -> None:
    def depth(n: int) -> int:
        return 0 if n == 0 else 1 + depth(n - 1)

    depths = []

    def deep() -> Handle:
        depths.append(depth(500))
        return inner

    inner = carrier.create(ending(carrier, lambda: depths.append(depth(500))), None)
    carrier.run(carrier.create(deep, None))

    assert depths == [500, 500]
