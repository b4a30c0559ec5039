"""Accounting: every message sent is received once, in order, and where it was meant to go.

The ledger only writes down; it is judged after the program has returned. It must not be a hint: a
program calls it before it sends and after it has received, so that an entry is never a
synchronisation between the two. One entry is one list append, and torture is never instrumented,
so the ledger adds no scheduling point. For the same reason the judgement is made of plain strings:
an enumeration's ``value`` and ``__hash__`` are Python code of the standard library, which is.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NoReturn

from torture.errors import CheckFailed
from torture.oracles.durability import Mark, Stage

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_TEXT_LIMIT = 60


class Check(StrEnum):
    """What is demanded of the messages of a program."""

    EXACTLY_ONCE = "exactly-once"  # nothing lost, duplicated or misrouted
    FIFO = "fifo"  # nothing reordered
    UNIQUE = "unique"  # nothing is handed out twice on a channel
    NONE = "none"  # the program judges for itself


_EXACTLY_ONCE, _FIFO, _UNIQUE, _NONE = (check.value for check in Check)
_BEGUN, _ACKNOWLEDGED, _SURVIVED = (stage.value for stage in Stage)

# Which one names the finding when several are counted: the first. A message in the wrong hands says most about
# the cause, a lost one least: it may only be the other side of a duplicate.
SEVERITY = ("collision", "misrouted", "duplicated", "lost", "reordered")
_COUNTS = {kind: "collisions" if kind == "collision" else kind for kind in SEVERITY}  # kind -> its count


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger."""

    channel: str
    item: object
    thread: int


@dataclass(slots=True)
class Ledger:
    """What a program says it has sent and received."""

    sent_entries: list[Entry] = field(default_factory=list)
    received_entries: list[Entry] = field(default_factory=list)
    minimum: int | None = None
    marks: list[Mark] = field(default_factory=list)  # of writes, see durability
    counted: list[tuple[str, int]] = field(default_factory=list)

    def sent(self, channel: str, item: object) -> None:
        """Write down that the calling thread sends an item."""
        self.sent_entries.append(Entry(channel, item, threading.get_ident()))

    def received(self, channel: str, item: object) -> None:
        """Write down that the calling thread has received an item."""
        self.received_entries.append(Entry(channel, item, threading.get_ident()))

    def expect(self, *, minimum: int) -> None:
        """Demand that at least so many items arrive; fewer count as lost.

        It keeps a component honest that refuses everything, and so loses nothing.
        """
        self.minimum = minimum

    def begun(self, channel: str, item: object) -> None:
        """Write down that the caller begins to write an item where the last one counts."""
        self.marks.append(Mark(_BEGUN, channel, item))

    def acknowledged(self, channel: str, item: object) -> None:
        """Write down that the write has returned: from now on the item, or a later one, must be found."""
        self.marks.append(Mark(_ACKNOWLEDGED, channel, item))

    def survived(self, channel: str, item: object) -> None:
        """Write down what is found; None is nothing."""
        self.marks.append(Mark(_SURVIVED, channel, item))

    def count(self, **counts: int) -> None:
        """Add to figures that the result shows, such as the reads in which ``torn`` ones were counted."""
        self.counted += counts.items()

    def add_to(self, counts: dict[str, int]) -> None:
        """Add the figures to those of other ledgers."""
        for name, count in self.counted:
            counts[name] = counts.get(name, 0) + count

    def fail(self, kind: str, message: str, **counts: int) -> NoReturn:
        """Fail at once, with a kind that no accounting finds, such as ``torn``."""
        raise CheckFailed(kind, message, counts)


@dataclass(frozen=True, slots=True)
class Accounts:
    """The judgement of a ledger."""

    lost: int = 0
    duplicated: int = 0
    reordered: int = 0
    misrouted: int = 0
    collisions: int = 0
    examples: tuple[tuple[str, str], ...] = ()  # the first of each kind

    @property
    def counts(self) -> dict[str, int]:
        """What was counted, the most severe kind first."""
        return {count: getattr(self, count) for count in _COUNTS.values()}

    @property
    def kind(self) -> str | None:
        """The most severe finding kind that was counted, or None."""
        return next((kind for kind, count in _COUNTS.items() if getattr(self, count)), None)

    @property
    def message(self) -> str:
        """One sentence: the counts, then the first example of the most severe kind."""
        counted = ", ".join(
            f"{count} {'collision' if name == 'collisions' and count == 1 else name}"
            for name, count in self.counts.items()
            if count
        )
        example = dict(self.examples).get(self.kind) if self.kind else None
        return f"{counted}: {example}" if example else counted or "every item arrived once"


def judge(ledger: Ledger, checks: Collection[str]) -> Accounts:
    """Count what is wrong with the messages of a ledger, as far as the checks demand."""
    if not checks or _NONE in checks:
        return Accounts()
    numbers = _Numbers()
    sent = [(numbers.of(entry.item), entry) for entry in ledger.sent_entries]
    received = [(numbers.of(entry.item), entry) for entry in ledger.received_entries]
    examples: dict[str, str] = {}
    lost = duplicated = misrouted = reordered = 0
    if _EXACTLY_ONCE in checks:
        lost, duplicated, misrouted = _count(sent, received, examples)
    if _FIFO in checks:
        reordered = _count_reordered(sent, received, examples)
    minimum, arrived = ledger.minimum or 0, _arrived(sent, received)
    if minimum - arrived > lost:
        lost = minimum - arrived
        examples.setdefault("lost", f"{arrived} arrived, at least {minimum} must")
    collisions = _count_collisions(received, examples) if _UNIQUE in checks else 0
    return Accounts(lost, duplicated, reordered, misrouted, collisions, tuple(examples.items()))


_Numbered = list[tuple[int, Entry]]


class _Numbers:
    """Gives equal items the same number; items that cannot be hashed are compared one by one."""

    def __init__(self) -> None:
        self._hashed: dict[object, int] = {}
        self._loose: list[tuple[object, int]] = []
        self._next = 0

    def of(self, item: object) -> int:
        try:
            number = self._hashed.setdefault(item, self._next)
        except Exception:  # the item's own __hash__ and __eq__ may raise what they like
            number = next((known for other, known in self._loose if _same(other, item)), self._next)
            if number == self._next:
                self._loose.append((item, number))
        self._next += number == self._next
        return number


def _same(one: object, other: object) -> bool:
    try:
        return one is other or bool(one == other)
    except Exception:  # an __eq__ without a plain answer (arrays): what they look like decides
        return repr(one) == repr(other)


def _tally(numbered: _Numbered) -> dict[int, dict[str, int]]:
    """Count by item and channel, in the order of first appearance."""
    tally: dict[int, dict[str, int]] = {}
    for number, entry in numbered:
        channels = tally.setdefault(number, {})
        channels[entry.channel] = channels.get(entry.channel, 0) + 1
    return tally


def _arrived(sent: _Numbered, received: _Numbered) -> int:
    """Count the items that arrived where they were sent to, duplicates once."""
    arrived = _tally(received)
    return sum(
        min(count, arrived.get(number, {}).get(channel, 0))
        for number, channels in _tally(sent).items()
        for channel, count in channels.items()
    )


def _count(sent: _Numbered, received: _Numbered, examples: dict[str, str]) -> tuple[int, int, int]:
    """Return lost, duplicated and misrouted; a misrouted item is not counted as lost too."""
    lost = duplicated = misrouted = 0
    items = {number: entry.item for number, entry in [*received, *sent]}
    out, arrived = _tally(sent), _tally(received)
    for number in dict.fromkeys([*out, *arrived]):
        text, sends, receipts = brief(items[number]), out.get(number, {}), arrived.get(number, {})
        missing = 0
        for channel, count in sends.items():
            got = receipts.get(channel, 0)
            missing += max(0, count - got)
            if got > count:
                duplicated += got - count
                said = f"{text} was sent {_times(count)} on {channel!r} and received {_times(got)}"
                examples.setdefault("duplicated", said)
        for channel, count in receipts.items():
            if channel not in sends:
                misrouted += count
                missing -= count
                origin = f"sent on {_listed(sends)}" if sends else "never sent"
                said = f"{text} was received on {channel!r} and {origin}"
                examples.setdefault("misrouted", said)
        if missing > 0:
            lost += missing
            got = sum(receipts.values())
            said = f"{text} was sent {_times(sum(sends.values()))} on {_listed(sends)} and received {_times(got)}"
            examples.setdefault("lost", said)
    return lost, duplicated, misrouted


def _count_reordered(sent: _Numbered, received: _Numbered, examples: dict[str, str]) -> int:
    """Count the items that were overtaken by a later one of the same sender at the same receiver.

    Only there is the order known: between two senders, or two receivers, the ledger's order is
    not the order in the component.
    """
    places: dict[tuple[str, int], list[int]] = {}
    for place, (number, entry) in enumerate(sent):
        places.setdefault((entry.channel, number), []).append(place)
    occurrences = {key: iter(found) for key, found in places.items()}
    latest: dict[tuple[str, int, int], int] = {}
    reordered = 0
    for number, entry in received:
        position = next(occurrences.get((entry.channel, number), iter(())), None)
        if position is None:  # misrouted or a duplicate: it has no place in the order
            continue
        pair = (entry.channel, sent[position][1].thread, entry.thread)
        if position < latest.get(pair, -1):
            reordered += 1
            first, second = brief(entry.item), brief(sent[latest[pair]][1].item)
            said = f"{first} was sent before {second} on {entry.channel!r} and received after it"
            examples.setdefault("reordered", said)
        else:
            latest[pair] = position
    return reordered


def _count_collisions(received: _Numbered, examples: dict[str, str]) -> int:
    """Count the items that were handed out on a channel before."""
    items = {number: entry.item for number, entry in received}
    collisions = 0
    for number, channels in _tally(received).items():
        for channel, count in channels.items():
            if count > 1:
                collisions += count - 1
                said = f"{brief(items[number])} was handed out {_times(count)} on {channel!r}"
                examples.setdefault("collision", said)
    return collisions


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def _listed(channels: Iterable[str]) -> str:
    return " and ".join(repr(channel) for channel in channels)


def brief(item: object) -> str:
    """Return a short text without addresses: it must be equal for equal runs."""
    try:
        text = _ADDRESS.sub("", repr(item))
    except Exception as error:  # the item's own __repr__ may raise what it likes
        text = f"<{type(item).__name__}, whose repr raises {type(error).__name__}>"
    return text if len(text) <= _TEXT_LIMIT else f"{text[: _TEXT_LIMIT - 1]}…"
