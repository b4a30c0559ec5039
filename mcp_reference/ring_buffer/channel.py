"""Value channels between a worker thread and the audio thread: a ring and a flag that says "look".

The flag saves the reader the look into an idle ring. The order that makes it safe (row 0.5): the writer
pushes, then raises the flag; the reader lowers the flag, then drains. A value that the drain missed was
pushed after the flag was lowered, so its flag is raised still.

The audio side takes no lock: the ring is single-producer single-consumer, the flag a plain attribute
(one load or one store is one step).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from mcp_reference.ring_buffer.ring import EMPTY, SpscRing

T = TypeVar("T")
_log = logging.getLogger(__name__)


class _FlaggedRing(Generic[T]):
    """One direction: a single writer puts, a single reader drains."""

    def __init__(self, capacity: int, *, debug: bool) -> None:
        self.ring: SpscRing[T] = SpscRing(capacity, debug=debug)
        self._raised = False

    def put(self, value: T) -> bool:
        if not self.ring.push(value):
            return False
        self._raised = True
        return True

    def drain(self, handle: Callable[[T], None]) -> None:
        if not self._raised:
            return
        self._raised = False
        try:
            while (value := self.ring.pop()) is not EMPTY:
                handle(value)
        except BaseException:
            self._raised = True  # what handle() did not get to is still there
            raise


class ValueChannel(Generic[T]):
    """Bring values from the worker thread to the audio thread (document: ``m_valueBuffer``).

    One worker thread calls :meth:`on_mcp_message` (``onMCPMessage``), the audio thread :meth:`process`;
    either may be replaced by another thread after it was joined. ``debug`` forbids even that.
    """

    def __init__(self, handle: Callable[[T], None], capacity: int = 128, *, debug: bool = False) -> None:
        self._handle = handle
        self._values: _FlaggedRing[T] = _FlaggedRing(capacity, debug=debug)

    @property
    def overflows(self) -> int:
        """Return how many values were refused because the ring was full."""
        return self._values.ring.overflows

    def on_mcp_message(self, value: T) -> bool:
        """Queue ``value``, the message's extracted data; False (and counted) when the ring is full."""
        return self._values.put(value)

    def process(self) -> None:
        """Hand every queued value to ``handle``, on the audio thread, without a lock."""
        self._values.drain(self._handle)


class PublishQueue(Generic[T]):
    """Publish from a worker thread what the audio thread produces (document: ``m_publishQueue``).

    The audio thread calls :meth:`process`; a thread started by :meth:`start`, or one caller of
    :meth:`worker_step`, hands the values to ``publish``. ``period`` is in seconds.
    """

    def __init__(
        self, publish: Callable[[T], None], capacity: int = 128, *, period: float = 0.005, debug: bool = False
    ) -> None:
        self._publish = publish
        self._values: _FlaggedRing[T] = _FlaggedRing(capacity, debug=debug)
        self._period = period
        self._control = threading.Lock()  # start and stop only; never on the audio side
        self._stopping = threading.Event()
        self._worker: threading.Thread | None = None
        self._failures = 0

    @property
    def overflows(self) -> int:
        """Return how many values were refused because the ring was full."""
        return self._values.ring.overflows

    @property
    def failures(self) -> int:
        """Return how many values ``publish`` raised for; each was logged and dropped."""
        return self._failures

    def process(self, value: T) -> bool:
        """Queue ``value`` on the audio thread; False (and counted) when the ring is full."""
        return self._values.put(value)

    def worker_step(self) -> None:
        """Publish everything that is queued."""
        self._values.drain(self._publish_one)

    def start(self) -> None:
        """Start the worker thread; a running one is left alone."""
        with self._control:
            if self._worker is None:
                self._stopping = threading.Event()
                self._worker = threading.Thread(
                    target=self._work, args=(self._stopping,), name="publish", daemon=True
                )
                self._worker.start()

    def stop(self) -> None:
        """Let the running worker publish what was queued before the call, and wait for its end."""
        with self._control:
            if self._worker is not None:
                self._stopping.set()
                self._worker.join()
                self._worker = None

    def _work(self, stopping: threading.Event) -> None:
        while not stopping.wait(self._period):
            self.worker_step()
        self.worker_step()  # after the stop signal, or the last values would stay

    def _publish_one(self, value: T) -> None:
        try:
            self._publish(value)
        except Exception:  # the worker must live on
            self._failures += 1
            _log.exception("publish failed for %r", value)
