"""What a disk may hold after a power cut: every prefix of the operations, and what was not synced dropped or reordered.

Assumptions, after ALICE (Pillai et al., OSDI 2014) and CrashMonkey/B3 (Mohan et al., OSDI 2018):
- A write, a new size, new permissions and a change of names are volatile until synced. Any set of volatile operations may be
  missing, whatever came after them: that is reordering, too.
- ``fsync`` of a file makes its earlier writes, sizes and permissions durable (``fdatasync`` not the last), and not its name;
  ``fsync`` of a folder makes earlier changes of its names durable. A rename over two folders needs both.
- A change of names is atomic. A write is not: half of it may be there, and one that makes a file longer may
  leave zeros, as the size can reach the disk before the data. Other tears (any byte) are not tried.
- A sync that returned has told the truth. What stood in the folder at the start is durable.
The model is weaker than ext4 in its default mode, which keeps an order among names and syncs a new file's name with it:
what passes here does not lean on that; what fails here may hold on such a disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from torture.parallel.disk.operations import (
    Image,
    Marked,
    Mode,
    Names,
    Operation,
    Sync,
    Tree,
    Truncate,
    Write,
)

LIMIT = 20_000  # images that are looked at; beyond it the model is bounded, and says so


@dataclass(frozen=True, slots=True)
class CrashState:
    """One thing the disk may hold. ``missing`` says of operations before ``position`` how much of them is not there."""

    position: int  # so many operations had been performed
    marks: int  # so many marks stood in the ledger
    missing: tuple[tuple[int, str], ...]  # index, "dropped", "half" or "zeros"
    tree: Tree


@dataclass(slots=True)
class Extent:
    """How much the model has looked at."""

    operations: int = 0
    prefixes: int = 0
    looked: int = 0  # images, equal ones counted each time
    states: int = 0  # different images, or equal ones of which more had been acknowledged
    bounded: str = ""  # what was left out, "" for nothing


def crash_states(
    initial: Image,
    log: Sequence[Operation],
    extent: Extent,
    limit: int = LIMIT,
    over: Callable[[], bool] = lambda: False,
) -> Iterator[CrashState]:
    """Yield every different state, prefix by prefix, those with the least missing first; ``extent`` is filled meanwhile.

    It ends early, and says so, after ``limit`` images or when ``over`` says that time is up.
    """
    everything = initial.copy()
    everything.make(log)
    log = list(log)
    seen: set[tuple[int, Tree]] = set()
    extent.operations = sum(not isinstance(operation, Marked) for operation in log)
    marks = 0
    for position in range(len(log) + 1):
        if position and isinstance(log[position - 1], Marked):
            marks = log[position - 1].marks  # type: ignore[attr-defined]
        if position < len(log) and isinstance(log[position], Marked):
            continue  # the longer prefix has the same operations, and demands more
        extent.prefixes += 1
        for missing in _missing(log[:position]):
            if extent.looked >= limit or over():
                why = "" if extent.looked >= limit else "time was up after "
                extent.bounded = (
                    f"{why}{extent.looked} images; left out: {len(missing)} or more operations missing"
                    f" at prefix {position} of {len(log)}, and longer prefixes"
                )
                return
            extent.looked += 1
            image = everything.copy()
            lacking = dict(missing)
            for index, operation in enumerate(log[:position]):
                how = lacking.get(index, "")
                if how != "dropped":
                    image.apply(operation, how)
            tree = image.tree()
            if (marks, tree) not in seen:
                seen.add((marks, tree))
                extent.states += 1
                yield CrashState(position, marks, missing, tree)


def complete(initial: Image, log: Sequence[Operation]) -> Tree:
    """Return what the folder holds when every operation has reached it."""
    image = initial.copy()
    image.make(log)
    for operation in log:
        image.apply(operation)
    return image.tree()


def volatile(log: Sequence[Operation]) -> list[int]:
    """Return the operations of a log that no sync in it has made durable."""
    found = []
    for index, operation in enumerate(log):
        syncs = [each for each in log[index + 1 :] if isinstance(each, Sync)]
        nodes = {each.node for each in syncs}
        durable = None in nodes
        if isinstance(operation, Write | Truncate):
            durable = durable or operation.node in nodes
        elif isinstance(operation, Mode):
            durable = durable or any(each.node == operation.node and not each.data_only for each in syncs)
        elif isinstance(operation, Names):
            durable = durable or {change.folder for change in operation.changes} <= nodes
        else:
            continue
        if not durable:
            found.append(index)
    return found


def _missing(log: Sequence[Operation]) -> Iterator[tuple[tuple[int, str], ...]]:
    """Yield every choice of what is missing, the fewest operations first."""
    choices = [[(index, how) for how in _ways(log, index)] for index in volatile(log)]
    for count in range(len(choices) + 1):
        for chosen in combinations(choices, count):
            yield from product(*chosen)


def _ways(log: Sequence[Operation], index: int) -> list[str]:
    operation = log[index]
    ways = ["dropped"]
    if isinstance(operation, Write):
        if len(operation.data) > 1:
            ways.append("half")
        if operation.grows and any(operation.data):
            ways.append("zeros")
    return ways
