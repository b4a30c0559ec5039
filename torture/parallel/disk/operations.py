"""What changes a disk: the records of a file layer, and the image that they make of a folder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

ROOT = 0  # number of the folder that is watched


@dataclass(frozen=True, slots=True)
class Change:
    """A name in a folder leads to ``node``, or to nothing from now on (None)."""

    folder: int
    name: str
    node: int | None


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that the code under test had the system do; ``text`` says it to people."""

    text: str


@dataclass(frozen=True, slots=True)
class Write(Operation):
    """Bytes of a file."""

    node: int
    offset: int
    data: bytes
    grows: bool  # the file is longer afterwards


@dataclass(frozen=True, slots=True)
class Truncate(Operation):
    """Another size of a file."""

    node: int
    size: int


@dataclass(frozen=True, slots=True)
class Mode(Operation):
    """Other permissions of a file or folder."""

    node: int
    mode: int


@dataclass(frozen=True, slots=True)
class Names(Operation):
    """Names that change together: a file created, linked, renamed or removed. ``made`` is a new node, with its permissions."""

    changes: tuple[Change, ...]
    made: int | None = None
    kind: str = "file"
    mode: int = 0o600


@dataclass(frozen=True, slots=True)
class Sync(Operation):
    """An fsync: of a node, or of all of them (None); ``data_only`` leaves permissions out."""

    node: int | None
    data_only: bool = False


@dataclass(frozen=True, slots=True)
class Marked(Operation):
    """The program's own word, no system call: so many marks stand in its ledger from here on."""

    marks: int


@dataclass(slots=True)
class Node:
    """A file with its bytes, a folder with its names, or a link with its target as bytes."""

    kind: str
    mode: int
    content: bytearray = field(default_factory=bytearray)
    names: dict[str, int] = field(default_factory=dict)

    def copy(self) -> Node:
        """Return a node that may be changed alone."""
        return Node(self.kind, self.mode, bytearray(self.content), dict(self.names))


Tree = tuple[
    tuple[str, str, int, bytes], ...
]  # path, kind, permissions, content; sorted: equal images are equal


class Image:
    """A folder's nodes by number; the folder itself is ROOT."""

    def __init__(self, nodes: dict[int, Node]) -> None:
        self.nodes = nodes

    def copy(self) -> Image:
        """Return an image that may be changed alone."""
        return Image({number: node.copy() for number, node in self.nodes.items()})

    def apply(self, operation: Operation, how: str = "") -> None:
        """Let an operation reach the disk: as a whole, or a write only half of it or as zeros."""
        if isinstance(operation, Names):
            for change in operation.changes:
                names = self.nodes[change.folder].names
                if change.node is None:
                    names.pop(change.name, None)
                else:
                    names[change.name] = change.node
        elif isinstance(operation, Write):
            self._write(operation, how)
        elif isinstance(operation, Truncate):
            content = self.nodes[operation.node].content
            del content[operation.size :]
            content.extend(bytes(operation.size - len(content)))
        elif isinstance(operation, Mode):
            self.nodes[operation.node].mode = operation.mode

    def make(self, operations: Iterable[Operation]) -> None:
        """Add the nodes that operations make; without a name nobody finds them."""
        for operation in operations:
            if isinstance(operation, Names) and operation.made is not None:
                self.nodes[operation.made] = Node(operation.kind, operation.mode)

    def tree(self) -> Tree:
        """Return what can be found from the folder down."""
        found: list[tuple[str, str, int, bytes]] = []
        seen: set[int] = set()

        def walk(number: int, path: str) -> None:
            node = self.nodes[number]
            found.append((path, node.kind, node.mode, bytes(node.content)))
            if node.kind == "folder" and number not in seen:  # a move that is half there could make a ring
                seen.add(number)
                for name, child in node.names.items():
                    walk(child, f"{path}/{name}" if path else name)

        walk(ROOT, "")
        return tuple(sorted(found))

    def _write(self, operation: Write, how: str) -> None:
        content, data = self.nodes[operation.node].content, operation.data
        if how == "half":
            data = data[: len(data) // 2]
        elif how == "zeros":
            data = bytes(len(data))
        content.extend(bytes(max(0, operation.offset - len(content))))
        content[operation.offset : operation.offset + len(data)] = data
