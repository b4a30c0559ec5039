"""The parent's half of a fault: lets a stopped role go on, and holds the others back until it stops."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass

from torture.parallel.processes import faults
from torture.parallel.processes.actor import Actor
from torture.parallel.processes.channel import Flags
from torture.parallel.processes.faults import Fault

LEAD = 0.0004  # seconds between "all are there" and the instant at which they begin
_ALONE = 0.5  # seconds that the rest waits for a victim that runs alone
_STANDING = 1.0  # seconds that a victim stands at a boundary, at most
_LOOK = 0.002  # seconds between two looks at whether the rest still runs
_QUIET = 3  # looks


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How one execution is run. ``victim`` is the index of the process that the fault hits."""

    seed: int = 0
    timed: bool = False
    fault: Fault | None = None
    victim: int = 0
    boundary: int | None = None
    delay: float = 0.0  # seconds from the begin of the victim to a fault at a random instant
    spare: int | None = None  # blocks that are left of the folder's file system while the roles play

    @property
    def alone(self) -> bool:
        """Tell whether the victim runs alone up to the boundary at which it stops, and the rest while it stands.

        So whatever can happen between two of its calls does happen there, and not by chance.
        """
        return self.fault is not None and self.fault.kind == faults.STOP and self.boundary is not None

    @property
    def kills(self) -> bool:
        """Tell whether the victim may be killed without a word: by its timer."""
        return self.fault is not None and self.fault.kind == faults.KILL and self.boundary is None

    def start(self, index: int) -> int:
        """Return the flag at which a process begins."""
        return Flags.THEN if self.alone and self.victim != index else Flags.GO


class Dealer:
    """Watches over the victim of one execution."""

    def __init__(self, plan: Plan, roles: Sequence[Actor], flags: Flags, begun: float) -> None:
        self._fault = plan.fault
        self._victim = roles[plan.victim]
        self._others = [actor for actor in roles if actor is not self._victim]
        self._flags = flags
        self._alone = begun + _ALONE if plan.alone else None
        self._stops = plan.fault is not None and plan.fault.kind == faults.STOP
        self._resume: float | None = None
        self._at_boundary = plan.boundary is not None
        self._quiet = 0

    def step(self, now: float) -> float:
        """Do what is due at this monotonic instant; return the seconds until it is to be asked again, 50 ms at most."""
        victim = self._victim
        if self._alone is not None and (now >= self._alone or victim.gone or victim.standing()):
            self._alone, self._flags[Flags.THEN] = None, now + LEAD
        if self._stops and victim.standing() and self._enough(now):
            os.kill(victim.pid, signal.SIGCONT)
            self._stops, victim.struck = False, True
        return _LOOK if (self._stops and not victim.gone) or self._alone is not None else 0.05

    def _enough(self, now: float) -> bool:
        """Tell whether a victim has stood long enough: its time is up, or nobody else can do anything any more."""
        if self._resume is None:
            assert self._fault is not None
            cap = _STANDING if self._at_boundary and self._fault.time is None else self._fault.seconds
            self._resume = now + cap
        running = [actor for actor in self._others if not actor.gone]
        if not running or now >= self._resume:
            return True
        if not self._at_boundary or self._alone is not None:
            return False
        self._quiet = 0 if any(actor.runs() for actor in running) else self._quiet + 1
        return self._quiet > _QUIET  # they wait: for the victim, or for a time
