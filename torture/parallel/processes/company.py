"""One execution: prepare, all roles from the same instant on, the fault, conclude; nobody leaves before all have ended."""

from __future__ import annotations

import os
import random
import select
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torture.findings import FindingKind
from torture.oracles.accounting import Ledger
from torture.parallel.latency import Latencies
from torture.parallel.processes.actor import Actor, Failure, failure, fork
from torture.parallel.processes.channel import Flags, Sender, SentLedger, merged
from torture.parallel.processes.dealer import LEAD, Dealer, Plan
from torture.parallel.processes.disk_space import Ballast
from torture.parallel.processes.injection import Injection
from torture.parallel.stacks import dump
from torture.parallel.waits import own as own_frame

_MOURNING = 0.5  # seconds that the others may go on when a role has failed: they may wait for it in vain
_GRACE = 2.0  # seconds that a process may take to close what it holds

_clock = time.monotonic


@dataclass(slots=True)
class Performance:
    """What came out of an execution."""

    ledger: Ledger
    failures: list[tuple[str, Failure]] = field(default_factory=list)
    excused: int = 0  # failures that the fault explains
    struck: bool = False
    boundaries: int = 0  # calls of the victim
    processes: int = 0
    lasted: list[float] = field(default_factory=list)  # seconds, of each role
    span: float = 0.0  # seconds from the start to the end of the last role
    spread: float = 0.0  # seconds between the first and the last start
    latency: list[Any] = field(default_factory=list)


class Company:
    """The processes of one execution, in the worker that forks them."""

    def __init__(self, target: Any, own: str, folder: Path, stall_limit: float) -> None:
        self._target = target
        self._own = own
        self._folder = folder
        self._stall_limit = stall_limit
        self._actors: list[Actor] = []
        self._failures: list[tuple[str, Failure]] = []

    def perform(self, plan: Plan) -> Performance:
        """Run one execution; no process of it is left afterwards."""
        program = self._target.make(self._folder)
        parts = [(role, number) for role, count in program.roles().items() for number in range(count)]
        flags = Flags(len(parts))
        hold, release = os.pipe()
        try:
            if hasattr(program, "prepare"):
                self._serially("prepare", program.prepare, hold, release)
            roles = []
            if not self._failures:
                ballast = Ballast(self._folder, plan.spare)
                roles = [
                    self._fork(
                        f"{role}-{number}",
                        self._part(plan, flags, role, number, index, hold),
                        release,
                    )
                    for index, (role, number) in enumerate(parts)
                ]
                span = self._follow(roles, plan, flags)
                ballast.drop()
            if not self._failures and hasattr(program, "conclude"):
                self._serially("conclude", program.conclude, hold, release)
            os.close(release)
            release = -1
            self._dismiss()
            return self._performance(plan, roles, flags, span if roles else 0.0)
        finally:
            for actor in self._actors:
                actor.kill()
                os.close(actor.reading)
            os.close(hold)
            if release >= 0:
                os.close(release)
            flags.close()

    def _fork(self, name: str, body: Callable[[Sender], None], release: int) -> Actor:
        actor = fork(name, body, (release, *(each.reading for each in self._actors)))
        self._actors.append(actor)
        return actor

    def _serially(self, name: str, play: Callable[[Ledger], Any], hold: int, release: int) -> None:
        """Let a process play its part while no role is on, and hold what it returned."""

        def body(sender: Sender) -> None:
            held = None
            try:
                held = play(SentLedger(sender))
            except BaseException as error:
                sender.send("failed", failure(name, error, self._own))
            _hold(sender, hold, held)

        actor = self._fork(name, body, release)
        end = _clock() + self._stall_limit
        while not actor.gone and _clock() < end:
            _hear([actor], end - _clock())
        self._failures += [(name, each) for each in actor.failures]
        if not actor.gone:
            self._failures.append((name, self._hung([actor])))

    def _part(
        self, plan: Plan, flags: Flags, role: str, number: int, index: int, hold: int
    ) -> Callable[[Sender], None]:
        def body(sender: Sender) -> None:
            name = f"{role}-{number}"
            random.seed(plan.seed * 1000 + index)
            latencies = Latencies() if plan.timed else None
            injection = None
            try:
                if latencies is not None:
                    self._target.component = latencies.measured(self._target.component)
                play = getattr(self._target.make(self._folder), role)
                if plan.fault is not None and plan.victim == index:
                    injection = Injection(
                        plan.fault, sender, boundary=plan.boundary, delay=plan.delay, seed=plan.seed
                    )
                    injection.install()
            except BaseException as error:
                sender.send("failed", failure(name, error, self._own))
                flags.arrive(index, plan.start(index))  # the others wait for it
                _hold(sender, hold, None)
                return
            ledger, held = SentLedger(sender), None
            flags.arrive(index, plan.start(index))
            begun = _clock()
            try:
                try:
                    if injection is not None:
                        injection.begin()
                    held = play(ledger, number)
                finally:  # a signal's handler may raise here, too
                    if injection is not None:
                        injection.end()
            except BaseException as error:
                if injection is not None:
                    injection.end()
                sender.send("failed", failure(name, error, self._own))
            if injection is not None:
                sender.send("boundaries", injection.boundaries, injection.struck)
            sender.send("lasted", _clock() - begun)
            if latencies is not None:
                sender.send("latency", latencies.taken())
            _hold(sender, hold, held)

        return body

    def _follow(self, roles: list[Actor], plan: Plan, flags: Flags) -> float:
        """Start the roles and deal the fault until all have ended; return the seconds that it took."""
        arrival = _clock() + self._stall_limit
        while flags.arrived() < len(roles) and all(actor.status is None for actor in roles):
            _hear(roles, 0.0005)
            if _clock() > arrival:  # the constructor of a program blocks
                self._failures.append((roles[0].name, self._hung(roles)))
                return 0.0
        begun = flags[Flags.GO] = _clock() + LEAD
        mourning: float | None = None
        dealer = Dealer(plan, roles, flags, begun)
        while not all(actor.gone for actor in roles):
            now = _clock()
            waiting = [actor for actor in roles if not actor.gone]
            if now > begun + self._stall_limit:
                self._failures.append((waiting[0].name, self._hung(waiting)))
                break
            if mourning is None and any(_wrong(plan, actor) for actor in roles):
                mourning = now + _MOURNING
            if mourning is not None and now > mourning:
                for actor in waiting:
                    actor.struck = True  # by us
                    actor.kill()
                break
            _hear(roles, dealer.step(now))
        return _clock() - begun

    def _hung(self, actors: list[Actor]) -> Failure:
        """Return the failure of processes that do not end, with the stacks of all their threads."""
        texts, places = [], []
        for actor in actors:
            stacks = dump(actor.pid) or ()
            texts += [f"{actor.name}, {stack.text()}" for stack in stacks]
            places += [own_frame(stack).function for stack in stacks[:1]]
        names = ", ".join(actor.name for actor in actors)
        message = f"{names} did not end within {self._stall_limit:g} s" + (
            f", in {', '.join(dict.fromkeys(places))}" if places else ""
        )
        for actor in actors:
            actor.struck = True  # by us
            actor.kill()
        fingerprint = ":".join([str(FindingKind.HANG), *sorted(set(places))])
        return Failure(str(FindingKind.HANG), message, fingerprint, "\n".join(texts))

    def _dismiss(self) -> None:
        """Let everybody close what it holds and go."""
        end = _clock() + _GRACE
        while (living := [actor for actor in self._actors if actor.status is None]) and _clock() < end:
            _hear(living, end - _clock())
        for actor in living:
            self._failures.append((actor.name, self._hung([actor])))

    def _performance(self, plan: Plan, roles: list[Actor], flags: Flags, span: float) -> Performance:
        done = Performance(merged([message for actor in self._actors for message in actor.messages]))
        for actor in self._actors:
            if actor in roles:
                wrong = _wrong(plan, actor)
                done.excused += len(actor.failures) - len(wrong)
                done.failures += [(actor.name, each) for each in wrong]
            if roles and actor is roles[plan.victim]:
                actor.struck = actor.struck or (plan.kills and actor.status == signal.SIGKILL)
            died = actor.died()
            if died is not None:
                done.failures.append((actor.name, died))
        done.failures += self._failures
        starts = [each for each in flags.starts() if each]
        done.processes, done.span = len(roles), span
        done.spread = max(starts) - min(starts) if starts else 0.0
        done.latency = [each for actor in roles for each in actor.latency]
        done.lasted = [actor.lasted for actor in roles]
        if roles:
            victim = roles[plan.victim]
            done.struck, done.boundaries = victim.struck or done.excused > 0, victim.boundaries
        return done


def _wrong(plan: Plan, actor: Actor) -> list[Failure]:
    """Return the failures of a role that the fault does not explain."""
    fault = plan.fault
    return [
        each for each in actor.failures if fault is None or not fault.excuses(each.number, each.signalled)
    ]


def _hear(actors: Iterable[Actor], seconds: float) -> None:
    """Take what the actors send within so many seconds; return after the first that sent something."""
    poll = select.poll()
    listened = {actor.reading: actor for actor in actors if actor.status is None}
    for descriptor in listened:
        poll.register(descriptor, select.POLLIN)
    for descriptor, _ in poll.poll(max(0.0, seconds) * 1000):
        listened[descriptor].hear()


def _hold(sender: Sender, hold: int, held: Any) -> None:
    """Say that the part is over, wait until everybody's is, and close what was held."""
    sender.send("ended")
    os.read(hold, 1)
    if hasattr(held, "close"):
        held.close()
