"""Programs for the ring buffer and its value channels; rows 0.1 to 0.6.

Each is the same for all variants: ``component`` makes the ring or channel. Loops are bounded: consumers look a
fixed number of times, and what is left is taken when the producers have ended.
"""

from __future__ import annotations

from threading import Thread
from typing import Any

from mcp_reference.ring_buffer import EMPTY


def one_producer_one_consumer(component: Any, ledger: Any, capacity: int, items: int) -> None:
    """Send through a ring that was in use before; ``items`` must fit."""
    ring = component(capacity)
    use(ring, ledger, capacity)
    ledger.expect(minimum=capacity + 1 + items)

    def produce() -> None:
        for item in range(items):
            push(ring, ledger, item)

    producer = Thread(target=produce, name="producer")

    def consume() -> None:
        for _ in range(items):
            pop(ring, ledger)
        producer.join()
        drain(ring, ledger)

    consumer = Thread(target=consume, name="consumer")
    producer.start()
    consumer.start()
    consumer.join()


def lap_during_pop(component: Any, ledger: Any) -> None:
    """Pop once, while another thread takes the ring of 2 once around; there is always room and an item to take."""
    ring = component(2)
    ledger.expect(minimum=4)
    push(ring, ledger, "a")
    push(ring, ledger, "b")

    def go_around() -> None:
        pop(ring, ledger)
        push(ring, ledger, "c")
        pop(ring, ledger)
        push(ring, ledger, "d")
        pop(ring, ledger)

    popper = Thread(target=pop, args=(ring, ledger), name="popper")
    around = Thread(target=go_around, name="around")
    popper.start()
    around.start()
    popper.join()
    around.join()
    drain(ring, ledger)


def two_producers(component: Any, ledger: Any, items: int) -> None:
    """Push from two threads into a ring with room for all, then drain it."""
    ring = component(2 * items)
    ledger.expect(minimum=2 * items)

    def produce(name: str) -> None:
        for number in range(items):
            push(ring, ledger, f"{name}{number}")

    producers = [Thread(target=produce, args=(name,), name=f"producer {name}") for name in "pq"]
    for producer in producers:
        producer.start()
    for producer in producers:
        producer.join()
    drain(ring, ledger)


def value_flag(component: Any, ledger: Any, items: int) -> None:
    """Deliver from a worker thread, while the audio thread processes, and processes once more at the end."""
    channel = component(lambda value: ledger.received("values", value), items)
    ledger.expect(minimum=items)

    def deliver() -> None:
        for item in range(items):
            ledger.sent("values", item)
            channel.on_mcp_message(item)

    worker = Thread(target=deliver, name="worker")
    worker.start()
    channel.process()
    worker.join()
    channel.process()


def publish_flag(component: Any, ledger: Any, items: int) -> None:
    """Queue on the audio thread, while the worker publishes, and publishes once more at the end."""
    queue = component(lambda value: ledger.received("published", value), items)
    ledger.expect(minimum=items)

    def process() -> None:
        for item in range(items):
            ledger.sent("published", item)
            queue.process(item)

    audio = Thread(target=process, name="audio")
    audio.start()
    queue.worker_step()
    audio.join()
    queue.worker_step()


def full_channel(component: Any, ledger: Any) -> None:
    """Deliver two values through a channel for one, and again those that it says it refused."""
    channel = component(lambda value: ledger.received("values", value), 1)
    ledger.expect(minimum=2)
    refused = []

    def deliver(item: str) -> None:
        if channel.on_mcp_message(item) is False:
            refused.append(item)

    audio = Thread(target=channel.process, name="audio")
    ledger.sent("values", "first")
    deliver("first")
    audio.start()
    ledger.sent("values", "second")
    deliver("second")
    audio.join()
    channel.process()
    for item in list(refused):
        deliver(item)
        channel.process()


def use(ring: Any, ledger: Any, capacity: int) -> None:
    """Send through every slot of a ring once (some have one more than they hold), and clear it."""
    for number in range(capacity + 1):
        push(ring, ledger, f"old {number}")
        pop(ring, ledger)
    ring.clear()


def push(ring: Any, ledger: Any, item: Any) -> None:
    """Send an item for which there is room."""
    ledger.sent("ring", item)
    assert ring.push(item), f"no room for {item!r}"


def pop(ring: Any, ledger: Any) -> bool:
    """Receive an item, if there is one."""
    item = ring.pop()
    if item is EMPTY:
        return False
    ledger.received("ring", item)
    return True


def drain(ring: Any, ledger: Any) -> None:
    """Receive all that is left."""
    while pop(ring, ledger):
        pass
