"""Programs for the state file that say their roles, for threads and processes; rows 1.5 to 1.8, 1.10, 1.11, 1.13 and 1.14.

Each is the same for all variants: ``component`` makes the port manager of a project, in each process its own.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

STATE = ".mcp_server_state.json"
OLD = 4242  # the port that stands there before anything begins


class Project:
    """Tells at once what the project is; the real discovery asks git."""

    def __init__(self, root: Path, name: str = "project") -> None:
        self._info = {"name": name, "root": str(root)}

    def get_project_info(self) -> dict[str, Any]:
        """Return name and root."""
        return self._info


class StateProgram:
    """What the programs below share: a project's folder with a state in it."""

    def __init__(self, component: Any, folder: Path) -> None:
        self.component = component
        self.folder = folder

    def manager(self, name: str = "project") -> Any:
        """Return a port manager of one's own."""
        return self.component(self.folder, Project(self.folder, name))

    def prepare(self, ledger: Any) -> None:
        """Let there be a state from the first moment on."""
        self.manager().write_state("dual", OLD)


class ReadWhileWritten(StateProgram):
    """Read a project's state while others write it; there is one at any time."""

    def __init__(
        self, component: Any, folder: Path, writers: int, readers: int, writes: int, reads: int
    ) -> None:
        super().__init__(component, folder)
        self._roles = {"write": writers, "read": readers}
        self._writes, self._reads = writes, reads

    def roles(self) -> Mapping[str, int]:
        """Return who writes and who reads."""
        return self._roles

    def write(self, ledger: Any, number: int) -> None:
        """Write states of several lengths."""
        manager, vanished = self.manager(), 0
        for turn in range(self._writes):
            try:
                manager.write_state("dual", 4243 + number, path="/mcp" * (1 + (number + turn) % 4))
            except FileNotFoundError:  # row 1.6: counted, and asked elsewhere
                vanished += 1
        ledger.count(writes=self._writes, file_not_found=vanished)

    def read(self, ledger: Any, number: int) -> None:
        """Count the reads that find no state."""
        torn = sum(self.component.read_state(self.folder) is None for _ in range(self._reads))
        ledger.count(reads=self._reads, torn=torn)
        if torn:
            message = f"{torn} of {self._reads} reads found no state; there was one all the time"
            ledger.fail("torn", message, torn=torn)

    def conclude(self, ledger: Any) -> None:
        """Find a state afterwards, too."""
        if self.component.read_state(self.folder) is None:
            ledger.fail("torn", "no state is found when all have written", torn=1)


class WriteTogether(StateProgram):
    """Write a project's state from several sides; no write may fail."""

    def __init__(self, component: Any, folder: Path, writers: int, writes: int) -> None:
        super().__init__(component, folder)
        self._writers, self._writes = writers, writes

    def roles(self) -> Mapping[str, int]:
        """Return who writes."""
        return {"write": self._writers}

    def write(self, ledger: Any, number: int) -> None:
        """Write, again and again."""
        manager = self.manager()
        for _ in range(self._writes):
            manager.write_state("dual", 4243 + number)

    def conclude(self, ledger: Any) -> None:
        """Find one of the states."""
        assert self.component.read_state(self.folder)["port"] in range(4243, 4243 + self._writers)


class LookWhileWritten(StateProgram):
    """Look at the permissions of all files of a state that is written again and again."""

    def __init__(self, component: Any, folder: Path, writes: int, looks: int) -> None:
        super().__init__(component, folder)
        self._writes, self._looks = writes, looks

    def roles(self) -> Mapping[str, int]:
        """Return who writes and who looks."""
        return {"write": 1, "look": 1}

    def write(self, ledger: Any, number: int) -> None:
        """Write, again and again."""
        manager = self.manager()
        for turn in range(self._writes):
            manager.write_state("dual", 4243 + turn)

    def look(self, ledger: Any, number: int) -> None:
        """Find no file that others can read."""
        for _ in range(self._looks):
            for name in os.listdir(self.folder):
                with suppress(FileNotFoundError):
                    mode = stat.S_IMODE(os.stat(self.folder / name).st_mode)
                    if mode & 0o077:
                        which = "the state file" if name == STATE else "a temporary file"
                        ledger.fail("invariant", f"{which} has mode {mode:o}, others can read it")


class ReadForeignState(StateProgram):
    """Read a state file that holds something else (its bytes); that is no state."""

    def __init__(self, component: Any, folder: Path, content: list[int]) -> None:
        super().__init__(component, folder)
        self._content = bytes(content)

    def roles(self) -> Mapping[str, int]:
        """Return who reads."""
        return {"read": 1}

    def prepare(self, ledger: Any) -> None:
        """Let something else stand there."""
        (self.folder / STATE).write_bytes(self._content)

    def read(self, ledger: Any, number: int) -> None:
        """Find no state."""
        state = self.component.read_state(self.folder)
        assert state is None, f"{self._content!r} was read as {state!r}"


class SecondServerFails(StateProgram):
    """Start a server of a project, while another one that did not start cleans up."""

    def roles(self) -> Mapping[str, int]:
        """Return both servers."""
        return {"fail": 1, "serve": 1}

    def prepare(self, ledger: Any) -> None:
        """Demand that the first server can be found; there is no state yet."""
        ledger.expect(minimum=1)

    def fail(self, ledger: Any, number: int) -> None:
        """Clean up, as a server does that could not start."""
        self.manager("second server").cleanup_state()

    def serve(self, ledger: Any, number: int) -> None:
        """Announce the first server."""
        ledger.sent("state", "first server")
        self.manager("first server").write_state("dual", OLD)

    def conclude(self, ledger: Any) -> None:
        """See which server is found."""
        state = self.component.read_state(self.folder)
        if state is not None:
            ledger.received("state", state["project"]["name"])


class EndTogether(StateProgram):
    """Announce two servers of a project, and let both clean up."""

    def roles(self) -> Mapping[str, int]:
        """Return the servers."""
        return {"serve": 2}

    def serve(self, ledger: Any, number: int) -> None:
        """Come and go."""
        manager = self.manager(f"server {number}")
        manager.write_state("dual", 4243 + number)
        manager.cleanup_state()


class ServeUntilKilled(StateProgram):
    """Announce a server, which then may be killed; whoever is told of a server afterwards finds it running."""

    def roles(self) -> Mapping[str, int]:
        """Return the server."""
        return {"serve": 1}

    def serve(self, ledger: Any, number: int) -> None:
        """Announce it, and serve one request: it asks what the state says."""
        self.manager().write_state("dual", 4243)
        self.component.read_state(self.folder)

    def conclude(self, ledger: Any) -> None:
        """Find nobody, or a server that runs."""
        state = self.component.read_state(self.folder)
        if state is not None:
            try:
                os.kill(state["pid"], 0)
            except ProcessLookupError:
                ledger.fail("invariant", "the state says where a server is that does not run any more")


class WriteUnderFire(StateProgram):
    """Write states, whatever happens meanwhile; what is found afterwards is the last one, or one that had been begun.

    The file itself is judged, in the same way for all variants: a server that is dead is not found by its state.
    """

    def __init__(self, component: Any, folder: Path, writers: int, writes: int) -> None:
        super().__init__(component, folder)
        self._writers, self._writes = writers, writes

    def roles(self) -> Mapping[str, int]:
        """Return who writes."""
        return {"write": self._writers}

    def prepare(self, ledger: Any) -> None:
        """Write the old state."""
        self._announce(ledger, OLD)

    def write(self, ledger: Any, number: int) -> None:
        """Write new states, each with a port that no other has."""
        for turn in range(self._writes):
            self._announce(ledger, 5000 + 100 * number + turn)

    def conclude(self, ledger: Any) -> None:
        """Find a whole state; reading must not fail, and writing goes on."""
        ledger.survived("state", self._port(ledger))
        self.component.read_state(self.folder)
        self._announce(ledger, OLD)
        ledger.survived("state", self._port(ledger))

    def _announce(self, ledger: Any, port: int) -> None:
        ledger.begun("state", port)
        self.manager().write_state("dual", port)
        ledger.acknowledged("state", port)

    def _port(self, ledger: Any) -> int | None:
        try:
            content = (self.folder / STATE).read_bytes()
        except FileNotFoundError:
            return None
        with suppress(ValueError, TypeError, KeyError):
            return int(json.loads(content)["port"])
        ledger.fail("torn", f"the state file holds {len(content)} bytes that are no state", torn=1)
        return None
