"""The kernel: virtual threads under a chooser that decides every switch.

One kernel a process, because patches are process-wide. The hot path is ``countdown``: a point whose countdown is
above 1 only decrements it (see points.py); everything else ends in :meth:`Kernel.decide`.

Invariants:
- ``enabled`` holds exactly the threads whose pending operation can be executed now, ascending. A thread that
  would block is not in it: waiting for a held lock, for an unfinished thread, for a time, for a file descriptor.
- Nothing is executed before it was chosen: a thread returns from ``decide`` or ``block`` only when it is its turn.
- A step is one operation executed while there was a choice. Operations of a thread that is alone are not counted,
  so a schedule is a list of (step, choice) and means the same whatever runs alone in between.
- Threads in ``eager`` are run to their next point without asking: a thread that starts, or whose join or
  notification has come, does nothing that another thread can see before that point.

Rejected: a hop through the root at every switch (doubles its cost); sets of threads (order by address).
"""

from __future__ import annotations

import contextvars
from bisect import insort
from collections.abc import Callable
from types import FrameType

from torture.errors import InternalError
from torture.runtime.carrier import Carrier, Handle, default_carrier
from torture.runtime.choice import ABANDON, ALL_STEPS, IN_VAIN, LAST_STEP, LATE, Chooser, SchedulingPoint
from torture.runtime.clock import Clock, Stale
from torture.runtime.fairness import VAIN_LIMIT, Turns
from torture.runtime.hooks import EventLoop, Idle, Recorder, Stop, write_down
from torture.runtime.originals import get_ident
from torture.runtime.teardown import Kill, die_slowly, end_leftovers
from torture.runtime.thread import SPIN_LIMIT, VirtualThread
from torture.trace.site import Form, Kind, Site

FOREVER = 1 << 60
FIRST_IDENT = 0x7F00_0000_0000  # looks like a pthread

SPAWN = Site(Kind.SPAWN, Form.PRIMITIVE, "spawn", "", "", "", 0)
END = Site(Kind.END, Form.PRIMITIVE, "end", "", "", "", 0)


class Kernel:
    """Runs one execution at a time; see the module's first lines."""

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier
        self.clock = Clock()
        self.active = False
        self.countdown = FOREVER
        self.current: VirtualThread = VirtualThread(0, "-", 0)
        self.epoch = 0  # of the execution: what a primitive remembers from an earlier one is stale
        self.idle: Idle | None = None
        self.event_loop: EventLoop | None = None
        self.recorder: Recorder | None = None
        self.ends_matter = False  # a thread's end is a point: the program asks whether threads are alive
        self.closely = False  # every point asks: an operation of several steps is under way
        self.gil = False  # scheduling points only where an interpreter with a GIL switches
        self.step_limit = 20_000
        self.on_thread: Callable[[], None] | None = None  # called first thing in each virtual thread
        self.on_stop: Callable[[], None] | None = None  # called when all is over, before leftovers are ended
        self.schedule_list: Callable[[], list[tuple[int, int]]] = list  # makes what holds the choices
        self._is_stale: Stale = lambda index, token: self.threads[index].timer != token
        self._point = SchedulingPoint(self.clock, self.frame)
        self.causes = self._point.causes
        self._reset()

    def _reset(self) -> None:
        self.threads: list[VirtualThread] = []
        self.enabled: list[int] = []
        self.eager: list[int] = []
        self.schedule = self.schedule_list()
        self.steps = 0
        self.solo_steps = 0
        self.preemptions = 0
        self.early_timers = 0
        self.stop: Stop | None = None
        self.killing = False
        self.foreign = False  # another OS thread reached a point
        self._granted = 0
        self._solo = False
        self._solo_run = 0
        self._last = 0  # who took the last counted step
        self._run_start = 0
        self._fair_until = 0  # the step up to which nobody has to wait because others are waiting for a turn
        self.busy = False  # deciding or recording: library code that they call is not the program's
        self._turns = Turns()
        self._error: Exception | None = None
        self.kill_steps = 0
        self._idents: list[int] = []
        self._next_ident = FIRST_IDENT

    # -- one execution ---------------------------------------------------------------------------

    def execute(self, chooser: Chooser, body: Callable[[], None]) -> None:
        """Run ``body`` as virtual thread 0 until it and what it waits for ends, or nothing can go on."""
        self._reset()
        self._chooser = chooser
        self.epoch += 1
        self.clock.reset()
        point = self._point
        point.threads = self.threads
        point.coarse = self.gil
        point.watcher = None
        self.causes.clear()
        main = self._add("0", body, contextvars.copy_context())
        main.started = True
        self.current = main
        self.active = True
        self.countdown = 1
        try:
            self.carrier.run(main.handle)
            if point.watcher is not None:
                point.watcher.over("" if self.stop is None else self.stop.kind)
            if self.on_stop is not None:
                self.on_stop()
            self.abandoned = end_leftovers(self)
        finally:
            self.active = False
            self.countdown = FOREVER
        if self._error is not None:
            raise self._error

    def spawn(self, body: Callable[[], None], *, name: str, daemon: bool, eagerly: bool) -> VirtualThread:
        """Start a virtual thread that runs ``body``; ``eagerly`` up to its first point."""
        self._account()  # first: when it came to be able to run is told in steps
        parent = self.current
        parent.children += 1
        thread = self._add(f"{parent.path}.{parent.children}", body, None)
        self.causes.append((parent.index, thread.index))
        thread.name = name
        thread.daemon = daemon
        if eagerly:
            self.eager.append(thread.index)
        if self.recorder is not None:
            write_down(self, parent, SPAWN, thread, None, False, None)
        return thread

    def _add(self, path: str, body: Callable[[], None], context: contextvars.Context | None) -> VirtualThread:
        if not self._idents:
            self._idents.append(self._next_ident)
            self._next_ident += 0x1000
        thread = VirtualThread(len(self.threads), path, self._idents.pop())
        self.threads.append(thread)
        thread.ran = self.steps
        thread.handle = self.carrier.create(lambda: self._carry(thread, body), context)
        self.enabled.append(thread.index)
        return thread

    def _carry(self, thread: VirtualThread, body: Callable[[], None]) -> Handle:
        thread.started = True
        if self.on_thread is not None:
            self.on_thread()
        if self.event_loop is not None:
            self.event_loop.run(None)
        try:
            body()
        except Kill:
            pass
        while thread.locals:  # finalisers run here, while it is still this thread
            thread.locals.popitem()[1].clear()
        if self.ends_matter and not self.killing and thread.index:
            try:  # not contextlib.suppress: it is library code, and may be instrumented
                self.decide(END, thread, None, True)
            except Kill:
                pass
        thread.finished = True
        thread.enabled = False
        thread.pending = None
        self._idents.append(thread.ident)  # the next thread gets it, as with real threads
        if self.killing:
            return self.carrier.root
        self.enabled.remove(thread.index)
        self._account()
        for joiner in thread.joiners:
            self.wake(joiner, eagerly=True)
        thread.joiners.clear()
        if thread.index == 0:
            return self.carrier.root
        following = self._pick()
        if following is None:
            return self.carrier.root
        self.current = following
        return following.handle

    # -- points ----------------------------------------------------------------------------------

    def controls(self) -> bool:
        """Tell whether the caller is a virtual thread of a running execution."""
        return self.active and get_ident() == self.carrier.home

    def decide(self, site: Site, obj: object, key: object, writes: bool, value: object = None) -> None:
        """Declare the operation that the current thread is about to execute; return when it is its turn."""
        if not self.active or get_ident() != self.carrier.home:
            self.foreign = self.foreign or self.active
            return
        thread = self.current
        if self.killing:
            die_slowly(self)
            return
        if self.busy:
            return
        self.busy = True
        thread.pending = (obj, key, writes, site)
        try:
            self._account()
            following = self._pick()
        finally:
            self.busy = False
        if following is not thread:
            self._switch(thread, following)
        if self.recorder is not None and not self.killing:
            write_down(self, thread, site, obj, key, writes, value)
        thread.pending = None

    def block(self, resource: object, site: Site, deadline: int | None = None) -> bool:
        """Suspend the current thread until :meth:`wake`; return False when ``deadline`` (ns) came first."""
        thread = self.current
        if self.killing:
            raise Kill
        self._account()
        self.enabled.remove(thread.index)
        thread.enabled = False
        thread.spins = thread.passed_over = 0
        thread.waits_for = resource
        thread.pending = (resource, None, True, site)
        if deadline is not None:
            thread.deadline = deadline
            thread.timer = self.clock.arm(deadline, thread.index)
        following = self._pick()
        if following is not thread:
            self._switch(thread, following)
        thread.waits_for = None
        thread.pending = None
        thread.deadline = None
        timed_out, thread.timed_out = thread.timed_out, False
        return not timed_out

    def wake(self, thread: VirtualThread, *, eagerly: bool = False) -> None:
        """Make a blocked thread runnable; ``eagerly`` when what it does first is invisible to the others."""
        if thread.enabled or thread.finished or self.killing:
            return
        self._account()
        thread.enabled = True
        if thread.timer:
            self.clock.uses += 1
            thread.timer = 0
        insort(self.enabled, thread.index)
        thread.ran = self.steps - thread.passed_over
        if eagerly:
            self.causes.append((self.current.index, thread.index))
            self.eager.append(thread.index)

    def disable(self, threads: list[VirtualThread]) -> None:
        """Take threads out of the runnable ones: what they are about to do would block now."""
        for thread in threads:
            if thread.enabled and not thread.timed_out:
                self._account()  # whoever is left alone takes no counted steps
                thread.passed_over = 0 if thread is self.current else self.steps - thread.ran
                thread.enabled = False
                self.enabled.remove(thread.index)
                if thread.deadline is not None:
                    thread.timer = self.clock.arm(thread.deadline, thread.index)

    def yielded(self) -> None:
        """Note that the current thread has nothing to do: after some of these the others go first."""
        self._account()
        self._turns.yielded(self.current, self.steps + self.solo_steps)

    def clock_moved(self) -> None:
        """Note that a reading moved the clock: where a timer is due now, it fires at the next point."""
        timers = self.clock.timers
        if timers and timers[0][0] <= self.clock.now:
            self._account()

    def frame(self, thread: VirtualThread) -> FrameType | None:
        """Return the innermost frame of a thread, None where it has not begun or has ended."""
        return self.carrier.frame(thread.handle) if thread.started and not thread.finished else None

    # -- choosing --------------------------------------------------------------------------------

    def _account(self) -> None:
        """Count what was executed since the last grant; the next point asks again."""
        ran = self._granted - self.countdown + 1
        if self._solo:
            self.solo_steps += ran
            self._solo_run += ran
        else:
            self.steps += ran
            self._solo_run = 0
        if ran and self._turns.waiting:
            self._turns.moved(self.threads[self._last], self.steps + self.solo_steps)
        self._granted = 0
        self.countdown = 1
        self._solo = False

    def _pick(self) -> VirtualThread | None:
        """Return who goes next, None when the execution is over (``stop`` says why)."""
        while True:
            while self.eager:
                thread = self.threads[self.eager.pop(0)]
                if thread.enabled:
                    return thread
            timers = self.clock.timers
            if timers:
                self._fire_due_timers()
            enabled = self.enabled
            if not enabled:
                if self._wait_for_world():
                    continue
                self.stop = Stop("deadlock")
                return None
            if self.steps + self.solo_steps > self.step_limit:
                self.stop = Stop("step-limit")
                return None
            if self._turns.in_vain >= VAIN_LIMIT:
                self._turns.in_vain = 0
                if self._wait_for_world(patience=0.0):
                    continue
            may_fire = bool(timers) and self.clock.may_fire_early()
            if len(enabled) == 1 and not may_fire:
                if self._last != enabled[0]:
                    self._solo_run = 0
                elif self._solo_run >= SPIN_LIMIT:
                    self._solo_run = 0
                    self._turns.in_vain = VAIN_LIMIT
                    continue
                if not self._grant_alone(enabled[0]):
                    self.stop = Stop("abandoned")
                    return None
                return self.threads[enabled[0]]
            try:
                choice = self._ask(enabled, may_fire)
            except RecursionError:  # as deep as the program may go: nobody can be asked, and nothing called
                choice = self._last if self._last in enabled else enabled[0]
                if choice != self._last:
                    self.schedule.append((self.steps, choice))
                    self._last = choice
                    self._run_start = self.steps
                self._fair_until = 0
                self._granted = self.countdown = 1
            except Exception as error:  # must not be raised into the code under test
                self._error = error
                choice = ABANDON
            if choice >= 0:
                return self.threads[choice]
            if choice == ABANDON:
                self.stop = Stop("abandoned")
                return None
            self.early_timers += 1
            self._timer_fires(self.clock.fire_early())

    def _grant_alone(self, index: int) -> bool:
        """Let the only thread that can run go on; False when the watcher has seen enough."""
        self._solo = True
        watcher = self._point.watcher
        try:
            if watcher is not None and not watcher.alone(index):
                return False
        except RecursionError:  # as deep as the program may go: nobody can be told
            pass
        except Exception as error:  # must not be raised into the code under test
            self._error = error
            return False
        asks = watcher is not None or self.recorder is not None
        self._granted = self.countdown = 1 if asks else SPIN_LIMIT - self._solo_run
        self._last = index
        self._run_start = self.steps
        self._fair_until = 0
        return True

    def _ask(self, enabled: list[int], may_fire: bool) -> int:
        point, turns, threads = self._point, self._turns, self.threads
        last, now = self._last, self.steps
        point.spinning = False
        if (now >= self._fair_until or turns.waiting) and len(enabled) > 1:
            if turns.judge(threads[last], [threads[index] for index in enabled], self._run_start, now):
                self.causes.append((IN_VAIN, last))  # not a choice: what follows is not all that there is
            if turns.waiting:
                enabled = turns.whose(enabled)
                point.spinning = last not in enabled and threads[last].enabled
        point.runnable = enabled
        point.current = last
        point.step = now
        point.steps = 1
        point.timer = may_fire
        choice = self._chooser.choose(point)
        if choice != last or choice not in enabled:
            self.schedule.append((now, choice))
            if choice < 0:
                return choice
            if choice not in enabled:
                raise InternalError(f"the strategy chose thread {choice}; runnable are {enabled}")
            if threads[last].enabled and not point.spinning:
                self.preemptions += 1
            threads[last].ran = now
            self._last = choice
            self._run_start = now
        self._fair_until = until = min(self._run_start + threads[choice].patience, turns.check_at)
        steps = 1 if self.closely or self.recorder is not None else max(min(point.steps, until - now), 1)
        self._granted = self.countdown = steps
        return choice

    def _switch(self, thread: VirtualThread, following: VirtualThread | None) -> None:
        self.current = following or thread
        handle = self.carrier.root if following is None else following.handle
        if self.event_loop is None:
            handle.switch()
            return
        loop = self.event_loop.running()
        try:
            handle.switch()
        finally:
            self.event_loop.run(loop)

    def _fire_due_timers(self) -> None:
        while (index := self.clock.pop_due(self._is_stale)) is not None:
            self._timer_fires(index)

    def _timer_fires(self, index: int, cause: int = LAST_STEP) -> None:
        self.causes.append((cause, index))
        thread = self.threads[index]
        if not thread.enabled:
            thread.timed_out = True
            thread.enabled = True
            thread.ran = self.steps
            insort(self.enabled, index)
        thread.timer = 0

    def _wait_for_world(self, patience: float = 1.0) -> bool:
        """Look at the descriptors, else jump to the next timer, else wait ``patience`` seconds for descriptors."""
        idle = self.idle
        if idle is not None and idle.poll(0.0):
            return True
        index = self.clock.jump(self._is_stale)
        if index is not None:
            late = LATE if self.clock.was_late else ALL_STEPS
            self._timer_fires(index, IN_VAIN if self.enabled else late)
            return True
        return patience > 0 and idle is not None and idle.poll(patience)


CARRIER, WITHOUT_GREENLETS = default_carrier()
KERNEL = Kernel(CARRIER)
