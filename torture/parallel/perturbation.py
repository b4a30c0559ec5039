"""Disturbs real threads at the scheduling points: random yields and short sleeps, seeded.

A yield hands the GIL to whoever waits for it; a sleep lets every other thread run on for some hundred operations.
"""

from __future__ import annotations

import _random
import itertools
import threading
import time
from dataclasses import dataclass
from typing import Any

from torture.instrument import matching
from torture.trace.site import Site

_sleep = time.sleep  # the target may replace time.sleep


@dataclass(frozen=True, slots=True)
class Level:
    """How often a point yields or sleeps (probabilities), and the longest sleep in seconds."""

    yields: float
    sleeps: float
    longest: float


LEVELS = {"light": Level(0.1, 0.01, 50e-6), "heavy": Level(0.3, 0.1, 500e-6)}


class _Dice(threading.local):
    """A random source for each thread: a shared one would synchronise the threads under test.

    It is the one in C below ``random.Random``, which may be under test itself, and then disturbed.
    """

    def __init__(self, seed: int, numbers: itertools.count[int]) -> None:
        self.roll = _random.Random((seed << 32) + next(numbers)).random


class Perturbation:
    """A :class:`torture.instrument.points.Points` that disturbs while it is ``active``."""

    def __init__(self, level: Level, seed: int) -> None:
        self.active = False
        self._dice = _Dice(seed, itertools.count())
        self._level = level

    def _disturb(self) -> None:
        if not self.active:
            return
        roll, level = self._dice.roll, self._level
        drawn = roll()
        if drawn < level.sleeps:
            _sleep(roll() * level.longest)
        elif drawn < level.sleeps + level.yields:
            _sleep(0)

    def access(self, site: Site, obj: object) -> None:
        self._disturb()

    def store(self, site: Site, obj: object, value: object) -> None:
        self._disturb()

    def item(self, site: Site, obj: object, key: object) -> None:
        self._disturb()

    def store_item(self, site: Site, obj: object, key: object, value: object) -> None:
        self._disturb()

    def store_slice(self, site: Site, obj: object, bounds: slice, value: object) -> None:
        self._disturb()

    def container(self, site: Site, obj: object) -> None:
        self._disturb()

    def source(self, site: Site, obj: object) -> object:
        self._disturb()
        return obj

    def delete_item(self, site: Site, obj: object, key: object) -> object:
        self._disturb()
        return key

    def _before(self, subject: object, part: object) -> None:
        self._disturb()

    def match_keys(self, site: Site, subject: Any, keys: Any) -> object:
        return matching.values_of(subject, keys, self._before)

    def match_class(self, site: Site, subject: object, of: object, names: Any, positional: int) -> object:
        return matching.attributes_of(subject, of, names, positional, self._before)

    def shown(self, site: Site, obj: object) -> object:
        self._disturb()
        return obj

    def operator(self, site: Site, left: object, right: object) -> object:
        self._disturb()
        return right

    def contains(self, site: Site, item: object, container: Any) -> bool:
        self._disturb()
        return item in container

    def call(self, site: Site, function: object, first: object) -> object:
        self._disturb()
        return function

    def enter(self, site: Site) -> None:
        self._disturb()

    def called(self, site: Site) -> None:
        self._disturb()
