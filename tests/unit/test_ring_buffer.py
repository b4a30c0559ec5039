"""The rings lose nothing, the channels leave nothing behind."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mcp_reference.ring_buffer import (
    EMPTY,
    MpmcRing,
    PublishQueue,
    Ring,
    RingBuffer,
    RoleViolation,
    SpscRing,
    ValueChannel,
)
from mcp_reference.ring_buffer.published import CasRing, FlagConsumer, FlagPublisher, HeadSpscRing

MakeRing = Callable[[int], Ring[Any]]
both = pytest.mark.parametrize("make", [MpmcRing, SpscRing])
all_rings = pytest.mark.parametrize("make", [MpmcRing, SpscRing, CasRing, HeadSpscRing])


def taken(ring: Any) -> Iterator[Any]:
    while (item := ring.pop()) is not EMPTY:
        yield item


def run(*bodies: Callable[[], object]) -> None:
    """Run on real threads, and raise what one of them raised."""
    errors: list[BaseException] = []

    def guarded(body: Callable[[], object]) -> None:
        try:
            body()
        except BaseException as error:  # raised again below
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(body,), daemon=True) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "a thread did not end in 60 s"
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise BaseExceptionGroup("several threads failed", errors)


@all_rings
def test_items_come_out_in_the_order_they_went_in_also_after_many_laps(make: MakeRing) -> None:
    ring = make(3)

    for lap in range(10):
        assert [ring.push((lap, number)) for number in range(3)] == [True, True, True]
        assert list(taken(ring)) == [(lap, 0), (lap, 1), (lap, 2)]


@all_rings
def test_exactly_capacity_items_fit(make: MakeRing) -> None:
    ring = make(3)

    assert [ring.push(number) for number in range(5)] == [True, True, True, False, False]
    assert list(taken(ring)) == [0, 1, 2]


@both
def test_size_empty_and_full_agree_and_overflows_count_refused_pushes(make: MakeRing) -> None:
    ring = make(2)
    seen = [(ring.size(), ring.empty(), ring.full(), ring.overflows)]

    for _ in range(4):
        ring.push("x")
        seen.append((ring.size(), ring.empty(), ring.full(), ring.overflows))

    assert seen == [
        (0, True, False, 0),
        (1, False, False, 0),
        (2, False, True, 0),
        (2, False, True, 1),
        (2, False, True, 2),
    ]


@both
def test_clear_drops_the_items_and_leaves_a_working_ring(make: MakeRing) -> None:
    ring = make(2)
    ring.push(1)
    ring.push(2)
    ring.pop()

    ring.clear()

    assert (ring.pop(), ring.size(), ring.push(3), ring.push(4), ring.push(5)) == (
        EMPTY,
        0,
        True,
        True,
        False,
    )
    assert list(taken(ring)) == [3, 4]


@both
def test_none_is_a_value(make: MakeRing) -> None:
    ring = make(1)
    ring.push(None)

    assert ring.pop() is None
    assert ring.pop() is EMPTY


@both
def test_a_ring_does_not_keep_what_was_taken(make: MakeRing) -> None:
    class Value:
        deleted = False

        def __del__(self) -> None:
            Value.deleted = True

    ring = make(4)
    ring.push(Value())
    ring.pop()

    assert Value.deleted


@both
def test_a_capacity_below_one_is_refused(make: MakeRing) -> None:
    with pytest.raises(ValueError, match="capacity 0"):
        make(0)


def test_the_general_ring_holds_sixteen() -> None:
    assert RingBuffer[int]().capacity == 16


def test_a_second_producer_or_consumer_is_refused_in_debug_mode() -> None:
    ring: SpscRing[int] = SpscRing(4)
    ring.push(1)
    with pytest.raises(RoleViolation, match="producer"):
        run(lambda: ring.push(2))
    run(ring.pop)

    with pytest.raises(RoleViolation, match="consumer"):
        ring.pop()


def test_roles_are_free_without_debug_and_after_clear() -> None:
    free: SpscRing[int] = SpscRing(4, debug=False)
    cleared: SpscRing[int] = SpscRing(4)
    for ring in (free, cleared):
        run(lambda ring=ring: ring.push(1))  # type: ignore[misc]
    cleared.clear()

    assert free.push(2)
    assert cleared.push(2)


@pytest.mark.parametrize("capacity", [1, 2, 32])
@both
def test_20_000_items_pass_one_producer_and_one_consumer_in_order(make: MakeRing, capacity: int) -> None:
    count = 20_000
    ring = make(capacity)
    out: list[int] = []

    def produce() -> None:
        for number in range(count):
            while not ring.push(number):
                time.sleep(0)

    def consume() -> None:
        while len(out) < count:
            item = ring.pop()
            if item is EMPTY:
                time.sleep(0)
            else:
                out.append(item)

    run(produce, consume)

    assert out == list(range(count))


def test_4_producers_and_4_consumers_pass_each_of_2_000_items_once() -> None:
    ring: MpmcRing[tuple[int, int]] = MpmcRing(100)
    outs: list[list[tuple[int, int]]] = [[] for _ in range(4)]
    produced = threading.Barrier(5)

    def produce(producer: int) -> None:
        for number in range(500):
            while not ring.push((producer, number)):
                time.sleep(0)
        produced.wait(60)

    def consume(out: list[tuple[int, int]]) -> None:
        while True:
            last = done.is_set()  # looked at before the ring: what is empty after that stays empty
            out.extend(taken(ring))
            if last:
                return
            time.sleep(0)

    done = threading.Event()
    producers = [lambda n=n: produce(n) for n in range(4)]
    consumers = [lambda out=out: consume(out) for out in outs]

    def finish() -> None:
        produced.wait(60)
        done.set()

    run(*producers, *consumers, finish)

    assert Counter(item for out in outs for item in out) == Counter(
        (p, n) for p in range(4) for n in range(500)
    )
    for out in outs:  # and each consumer sees each producer's items in order
        assert all([n for p, n in out if p == q] == sorted(n for p, n in out if p == q) for q in range(4))


def test_an_observer_never_sees_more_than_capacity_or_less_than_nothing() -> None:
    ring: SpscRing[int] = SpscRing(3)
    sizes: set[int] = set()
    done = threading.Event()

    def produce() -> None:
        for number in range(1_000):
            while not ring.push(number):
                time.sleep(0)

    def consume() -> None:
        for _ in range(1_000):
            while ring.pop() is EMPTY:
                time.sleep(0)
        done.set()

    def observe() -> None:
        while not done.is_set():
            sizes.add(ring.size())
            time.sleep(0)

    run(produce, consume, observe)

    assert sizes <= {0, 1, 2, 3}


@pytest.mark.parametrize("make", [ValueChannel, FlagConsumer])
def test_the_audio_thread_gets_what_the_worker_delivered(make: Callable[..., Any]) -> None:
    got: list[int] = []
    channel = make(got.append, 4)

    channel.process()
    for value in (1, 2, 3):
        channel.on_mcp_message(value)
    channel.process()

    assert got == [1, 2, 3]


def test_a_full_channel_says_so_and_counts() -> None:
    got: list[int] = []
    channel = ValueChannel(got.append, 2)

    accepted = [channel.on_mcp_message(value) for value in (1, 2, 3)]
    channel.process()

    assert (accepted, channel.overflows, got) == ([True, True, False], 1, [1, 2])


def test_what_a_failing_handler_did_not_get_to_is_handled_next_time() -> None:
    got: list[int] = []

    def handle(value: int) -> None:
        if value == 1:
            raise ValueError(value)
        got.append(value)

    channel = ValueChannel(handle, 4)
    channel.on_mcp_message(1)
    channel.on_mcp_message(2)
    with pytest.raises(ValueError, match="1"):
        channel.process()
    channel.process()

    assert got == [2]


def test_no_value_stays_behind_the_flag() -> None:
    got: list[int] = []
    channel = ValueChannel(got.append, 8, debug=True)
    delivered = threading.Event()

    def deliver() -> None:
        for value in range(1_000):
            while not channel.on_mcp_message(value):
                time.sleep(0)
        delivered.set()

    def process() -> None:
        while not delivered.is_set():
            channel.process()
            time.sleep(0)
        channel.process()

    run(deliver, process)

    assert got == list(range(1_000))


@pytest.mark.parametrize("make", [PublishQueue, FlagPublisher])
def test_a_step_of_the_worker_publishes_what_the_audio_thread_queued(make: Callable[..., Any]) -> None:
    published: list[int] = []
    publisher = make(published.append, 4)

    for value in (1, 2, 3):
        publisher.process(value)
    publisher.worker_step()

    assert published == [1, 2, 3]


def test_the_worker_publishes_what_was_queued_before_the_stop() -> None:
    published: list[int] = []
    publisher = PublishQueue(published.append, period=60)  # the stop must not wait for the period
    publisher.start()
    publisher.start()

    publisher.process(1)
    publisher.stop()
    publisher.stop()

    assert published == [1]


def test_the_worker_publishes_without_being_asked_and_survives_a_failure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    published = threading.Event()

    def publish(value: int) -> None:
        if value == 1:
            raise ValueError(value)
        published.set()

    publisher = PublishQueue(publish)
    publisher.start()
    publisher.process(1)
    publisher.process(2)

    assert published.wait(10)
    publisher.stop()
    assert publisher.failures == 1
    assert "publish failed for 1" in caplog.text
