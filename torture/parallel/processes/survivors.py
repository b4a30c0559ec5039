"""What survives a power cut: the processes of a role are recorded, every crash state of the model is made, and read by a fresh process."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from torture.errors import CheckFailed, UsageError
from torture.findings import FindingKind
from torture.oracles.accounting import Ledger
from torture.oracles.durability import Mark
from torture.parallel.disk import layer
from torture.parallel.disk.model import CrashState, Extent, complete, crash_states
from torture.parallel.disk.operations import Image, Marked, Operation, Tree
from torture.parallel.disk.recorder import Recorder, snapshot
from torture.parallel.processes.actor import Actor, Failure, failure, fork
from torture.parallel.processes.channel import Sender

_BATCH = 64  # states that one reading process is given
# The worst first: what a reader cannot survive, then what it is told wrongly, then what is gone.
_SEVERITY = ("crash", "hang", "exit", "exception", "assertion", "torn", "invariant", "lost")


@dataclass(slots=True)
class _Recording:
    initial: Image
    operations: list[Operation]
    marks: list[Mark]


@dataclass(slots=True)
class Survey:
    """What came out of a power cut."""

    extent: Extent = field(default_factory=Extent)
    read: int = 0  # different images
    found: list[tuple[CrashState, Failure]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)  # of the role itself
    unseen: list[str] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    processes: int = 0
    seconds: float = 0.0

    def failure(self) -> Failure | None:
        """Return the worst that was found, where the least is missing, with the counts of all."""
        if self.failures or not self.found:
            return self.failures[0] if self.failures else None
        counts: dict[str, int] = {}
        for _, each in self.found:
            counts[each.kind] = counts.get(each.kind, 0) + 1
        kind = min(counts, key=lambda kind: _SEVERITY.index(kind) if kind in _SEVERITY else 0)
        state, worst = min(
            ((state, each) for state, each in self.found if each.kind == kind),
            key=lambda found: (len(found[0].missing), found[0].position),
        )
        counted = ", ".join(f"{name} {count}" for name, count in counts.items())
        message = (
            f"{worst.message} (after a power cut; {counted} of {self.extent.states} crash states,"
            f" {self.extent.prefixes} prefixes of {self.extent.operations} operations)"
        )
        text = f"{self._told(state)}\n{worst.text}".rstrip()
        return Failure(kind, message, worst.fingerprint, text, counts)

    def _told(self, state: CrashState) -> str:
        missing = dict(state.missing)
        lines = ["what had been done, and what of it did not reach the disk:"]
        for index, operation in enumerate(self.operations[: state.position]):
            lines.append(f"  {missing.get(index, ''):8} {operation.text}")
        return "\n".join([*lines, "  ──────── power cut"])


class Survivors:
    """Explores one power cut; ``own`` is the package of the code under test."""

    def __init__(self, target: Any, own: str, root: Path, stall_limit: float) -> None:
        self._target = target
        self._own = own
        self._root = root
        self._stall_limit = stall_limit
        self._results: dict[Tree, tuple[list[Mark], Failure | None]] = {}

    def explore(self, role: str, deadline: float, tell: Callable[[int], None]) -> Survey:
        """Record the role, and look at every crash state until ``deadline`` (monotonic seconds); ``tell`` how many so far.

        Raises UsageError where the program is none for this.
        """
        begun = time.monotonic()
        survey = Survey()
        folder = self._root / "recorded"
        folder.mkdir()
        program = self._target.make(folder)
        roles = dict(program.roles())
        if not hasattr(program, "conclude") or not roles.get(role or next(iter(roles))):
            raise UsageError(
                f"a power cut needs a role, and conclude(ledger); {type(program).__name__} has {roles}"
            )
        actors: list[Actor] = []
        hold, release = os.pipe()  # who wrote the state lives while it is read
        try:
            recording = self._record(role or next(iter(roles)), program, actors, (hold, release), survey)
            if (
                recording is not None and not survey.unseen
            ):  # else the model is wrong, and so would be what it finds
                self._look(recording, survey, deadline, tell)
        finally:
            for actor in actors:
                actor.kill()
                os.close(actor.reading)
            os.close(hold)
            os.close(release)
        survey.seconds = time.monotonic() - begun
        return survey

    def _record(
        self, role: str, program: Any, actors: list[Actor], pipe: tuple[int, int], survey: Survey
    ) -> _Recording | None:
        hold, release = pipe
        folder, order = self._root / "recorded", self._root / "order"

        def prepare(sender: Sender) -> None:
            ledger = Ledger()
            self._guarded(sender, "prepare", lambda: program.prepare(ledger))
            sender.send("told", ledger.marks)
            sender.send("ended")
            os.read(hold, 1)

        before: list[Mark] = []
        if hasattr(program, "prepare"):
            actors.append(fork("prepare", prepare, (release,)))
            if not self._all_ended(actors, survey):
                return None
            before = actors[0].told[0]
        recorder = Recorder(folder)
        waiting, begin = os.pipe()

        def record(sender: Sender, name: str, number: int) -> None:
            recorder.share(order)
            play = getattr(self._target.make(folder), role)
            layer.install(recorder)
            sender.send("told", "ready")
            os.read(waiting, 1)
            self._guarded(sender, name, lambda: play(_MarkingLedger(recorder), number))
            sender.send("ended")
            os.read(hold, 1)

        count = survey.processes = program.roles()[role]
        for number in range(count):
            name = role if count == 1 else f"{role}-{number}"
            body = partial(record, name=name, number=number)
            actors.append(fork(name, body, (release, begin)))
            self._wait(actors[-1], until_told=True)
        os.close(waiting)
        os.close(begin)
        if not self._all_ended(actors, survey):
            return None
        recorder.share(order)
        survey.operations = [_shifted(each, len(before)) for each in recorder.operations]
        survey.unseen += [f"not modelled: {each}" for each in recorder.unmodelled]
        if complete(recorder.initial, recorder.operations) != snapshot(folder)[0].tree():
            survey.unseen.append("the folder holds something that did not pass through the file layer")
        return _Recording(recorder.initial, survey.operations, [*before, *recorder.marks])

    def _all_ended(self, actors: list[Actor], survey: Survey) -> bool:
        """Wait for the parts; tell whether all of them went well."""
        for actor in actors:
            self._wait(actor)
            if actor.failures or not actor.ended:
                survey.failures += actor.failures or [actor.died() or _hung(actor.name, self._stall_limit)]
        return not survey.failures

    def _look(
        self, recording: _Recording, survey: Survey, deadline: float, tell: Callable[[int], None]
    ) -> None:
        states = crash_states(
            recording.initial,
            recording.operations,
            survey.extent,
            over=lambda: time.monotonic() > deadline,
        )
        while batch := list(islice(states, _BATCH)):
            self._read(batch, survey)
            tell(survey.extent.states)
            for state in batch:
                found = self._judged(state, recording.marks[: state.marks])
                if found is not None:
                    survey.found.append((state, found))

    def _judged(self, state: CrashState, marks: list[Mark]) -> Failure | None:
        survivors, failed = self._results[state.tree]
        if failed is not None:
            return failed
        ledger = Ledger(marks=[*marks, *survivors])
        try:
            self._target.judge(ledger)
        except CheckFailed as error:
            return Failure(error.kind, str(error), f"{error.kind}:power-cut")
        return None

    def _read(self, batch: list[CrashState], survey: Survey) -> None:
        """Have fresh processes read the images of a batch that nobody has read yet."""
        trees = [tree for tree in dict.fromkeys(state.tree for state in batch) if tree not in self._results]
        folders = [self._root / f"survivor-{survey.read + index}" for index in range(len(trees))]
        for folder, tree in zip(folders, trees, strict=True):
            materialise(folder, tree)
        survey.read += len(trees)
        done = 0
        while done < len(trees):
            actor = fork("conclude", self._reader(folders[done:]))
            self._wait(actor)
            actor.kill()
            os.close(actor.reading)
            for tree, result in zip(trees[done:], actor.told, strict=False):
                self._results[tree] = result
            done += len(actor.told)
            if done < len(trees) and not actor.ended:
                death = actor.died() or _hung("conclude", self._stall_limit)
                self._results[trees[done]] = ([], death)
                done += 1
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)

    def _reader(self, folders: list[Path]) -> Any:
        def read(sender: Sender) -> None:
            for folder in folders:
                ledger, found = Ledger(), None
                try:
                    self._target.make(folder).conclude(ledger)
                except BaseException as error:
                    found = failure("conclude", error, self._own)
                sender.send("told", (ledger.marks, found))
            sender.send("ended")

        return read

    def _guarded(self, sender: Sender, name: str, play: Any) -> None:
        try:
            play()
        except BaseException as error:
            sender.send("failed", failure(name, error, self._own))

    def _wait(self, actor: Actor, *, until_told: bool = False) -> None:
        """Hear an actor until its part is over or it has told something, it is gone, or it is silent for too long."""
        import select

        poll = select.poll()
        poll.register(actor.reading, select.POLLIN)
        while not actor.ended and not (until_told and actor.told) and poll.poll(self._stall_limit * 1000):
            if not actor.hear():
                return


class _MarkingLedger(Ledger):
    """A ledger whose marks stand among the operations."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def begun(self, channel: str, item: object) -> None:
        Ledger.begun(self, channel, item)
        self._recorder.mark("begun", self.marks[-1])

    def acknowledged(self, channel: str, item: object) -> None:
        Ledger.acknowledged(self, channel, item)
        self._recorder.mark("acknowledged", self.marks[-1])


def materialise(folder: Path, tree: Tree) -> None:
    """Make a folder that holds a tree."""
    for path, kind, _, content in tree:  # sorted: a folder comes before what is in it
        place = folder / path
        if kind == "folder":
            place.mkdir()
        elif kind == "link":
            os.symlink(os.fsdecode(content), place)
        elif kind == "file":
            place.write_bytes(content)
    for path, kind, mode, _ in reversed(tree):
        if kind != "link":
            (folder / path).chmod(mode)


def rows(survey: Survey) -> Iterator[tuple[str, int]]:
    """Yield the figures of a survey by name."""
    yield "operations", survey.extent.operations
    yield "prefixes", survey.extent.prefixes
    yield "crash states", survey.extent.states
    yield "images read", survey.read


def _shifted(operation: Operation, by: int) -> Operation:
    return Marked(operation.text, operation.marks + by) if isinstance(operation, Marked) else operation


def _hung(name: str, limit: float) -> Failure:
    kind = str(FindingKind.HANG)
    return Failure(kind, f"{name} did not end within {limit:g} s", f"{kind}:{name}")
