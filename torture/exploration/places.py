"""Where each operation of an execution stands, in words that an ordinary interpreter understands.

The instrumented code is not what a stock interpreter runs: a place is found in the code that the source compiles to,
by the position in the source and the shape of the operation.
"""

from __future__ import annotations

import dis
import queue
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

from torture.exploration.recorder import EventRecorder
from torture.exploration.standalone import name_of
from torture.runtime.kernel import KERNEL
from torture.runtime.patching import SimpleQueue
from torture.runtime.thread import VirtualThread
from torture.trace.site import Form, Kind, Site

_TORTURE = str(Path(__file__).parents[1]) + "/"
_STAND_INS = str(Path(__file__).parent) + "/"
_ENTRIES = frozenset({"Kernel._carry", "Executor._main"})  # whose frames stand below a thread's own
_python_queue: Any = queue._PySimpleQueue  # type: ignore[attr-defined]
_IN_C = frozenset(  # run in Python here, and in one go in C on a stock interpreter
    member.__code__
    for kind in (_python_queue, SimpleQueue)
    for member in vars(kind).values()
    if hasattr(member, "__code__")
)
_CACHE = dis.opmap.get("CACHE", 0)
_CONTAINERS = (
    "UNPACK", "LIST_EXTEND", "SET_UPDATE", "DICT_", "TO_BOOL", "POP_JUMP", "JUMP_IF", "UNARY_NOT", "BINARY_OP",
    "COMPARE_OP", "CALL_FUNCTION_EX", "FORMAT_", "CONVERT_VALUE", "GET_LEN", "MATCH_KEYS",
)  # fmt: skip
# How the names of the instructions begin that read, and that write.
_SHAPES: dict[Form, tuple[tuple[str, ...], tuple[str, ...]]] = {
    Form.ATTRIBUTE: (
        ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER", "MATCH_CLASS"),
        ("STORE_ATTR", "DELETE_ATTR"),
    ),
    Form.GLOBAL: (("LOAD_GLOBAL", "LOAD_NAME"), ("STORE_", "DELETE_")),
    Form.CELL: (("LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM"), ("STORE_DEREF", "DELETE_DEREF")),
    Form.ITEM: (("BINARY_S",), ("STORE_S", "DELETE_S")),
    Form.CONTAINS: (("CONTAINS_OP",),) * 2,
    Form.ITERATE: (("GET_ITER", "FOR_ITER"),) * 2,
    Form.CONTAINER: (_CONTAINERS,) * 2,
    Form.CALL: (("CALL",),) * 2,
    Form.SWITCH: (("RESUME", "JUMP_BACKWARD", "POP_JUMP"),) * 2,
}
_FIXED = (
    "STORE_", "DELETE_", "BEFORE_WITH", "RETURN_VALUE", "LOAD_GLOBAL", "LOAD_DEREF", "BINARY_", "COMPARE_OP",
    "PUSH_EXC_INFO", "WITH_EXCEPT_START", "RERAISE", "POP_EXCEPT", "GET_ITER", "FOR_ITER", "BUILD_", "FORMAT_",
)  # fmt: skip
_LOADS = ("PUSH_NULL", "LOAD_CONST", "PRECALL")  # of a point without operands, before its call


@dataclass(frozen=True, slots=True)
class Place:
    """An instruction: the ``nth`` of the equal ones on that line of the function."""

    function: str  # module:qualified name
    line: int
    instruction: str  # STORE_ATTR n
    nth: int


@dataclass(slots=True)
class Visit:
    """A thread came to a place: ``execution`` is the same for several steps of one instruction."""

    thread: VirtualThread
    place: Place
    waits: bool = False  # when the next thread went on, this one waited for something
    last: bool = False  # it never got its turn
    timed_out: bool = False  # the time for which it waited was cut short just before


class PlaceRecorder(EventRecorder):
    """Notes the places besides the events."""

    def __init__(self) -> None:
        super().__init__()
        self.visits: list[Visit] = []
        self.split = False  # others had a turn inside an operation that a stock interpreter executes in C
        self._inside: dict[int, FrameType] = {}  # what each thread executes in several steps

    def record(
        self, thread: VirtualThread, site: Site, obj: object, key: object, writes: bool, value: object
    ) -> None:
        timed_out = KERNEL.early_timers > self._early and not any(t.timed_out for t in KERNEL.threads)
        if self._visit(thread, site, sys._getframe(1)):
            self.visits[-1].timed_out = timed_out
        super().record(thread, site, obj, key, writes, value)

    def stopped(self) -> None:
        for thread in KERNEL.threads:
            frame = KERNEL.frame(thread)
            site = thread.pending[3] if thread.pending else None
            if frame is not None and self._visit(thread, site, frame):
                self.visits[-1].last = True
        self._inside.clear()

    def _visit(self, thread: VirtualThread, site: Site | None, innermost: FrameType) -> bool:
        inside, frame = _stock_frame(innermost)
        if frame is None:
            return False
        returned = inside is not None and inside.f_code.co_name == "called"
        place = _place(frame.f_code, frame.f_lasti, str(frame.f_globals.get("__name__")), site, returned)
        if place is None:
            return False
        if self.visits and (before := self.visits[-1].thread) is not thread:
            self.visits[-1].waits = not before.finished and (not before.enabled or before.pending is None)
        if inside is not None and self._inside.get(thread.index) is inside:
            earlier = next(at for at in reversed(range(len(self.visits))) if self.visits[at].thread is thread)
            stands_in = inside.f_code.co_filename.startswith(_STAND_INS)
            self.split = self.split or (stands_in and earlier != len(self.visits) - 1)
            del self.visits[earlier]
        self._inside.pop(thread.index, None)
        if inside is not None and _has_steps(inside):
            self._inside[thread.index] = inside
        self.visits.append(Visit(thread, place))
        return True


def _stock_frame(innermost: FrameType) -> tuple[FrameType | None, FrameType | None]:
    """Return the frame that a stock interpreter would have, and the one that it called."""
    called: FrameType | None = None
    found: FrameType | None = None
    frame: FrameType | None = innermost
    while frame is not None and frame.f_code.co_qualname not in _ENTRIES:
        ours = frame.f_code.co_filename.startswith(_TORTURE)
        if ours and found is None:
            called = frame
        elif frame.f_code in _IN_C:
            called, found = frame, None
        elif not ours and found is None:
            found = frame
        frame = frame.f_back
    return called, found


_STEPPED = frozenset(
    {"contains", "shown", "match_keys", "match_class"}
)  # done in several steps by the callback


def _has_steps(frame: FrameType) -> bool:
    """Tell whether what a frame executes may have several steps; others are not kept, for they keep objects alive."""
    file = frame.f_code.co_filename
    return not file.endswith("/points.py") or frame.f_code.co_name in _STEPPED


@cache
def _place(code: CodeType, offset: int, module: str, site: Site | None, returned: bool) -> Place | None:
    """Return the place in the stock code; ``returned`` from a call: it is what follows the call."""
    stock = _stock_code(code)
    if stock is None:
        return None
    while code.co_code[offset] == _CACHE:  # 3.11 and 3.12 are here while a function that was called runs
        offset -= 2
    at = _aim(code, offset, site, returned)
    after = returned or at.names == ("RESUME",)
    seen: dict[tuple[int, str], int] = {}
    met = False
    fixed = 0
    for instruction in dis.get_instructions(stock):
        if instruction.opname == "EXTENDED_ARG":
            continue
        key = (_position(instruction)[0] or 0, name_of(instruction))
        seen[key] = seen.get(key, 0) + 1
        found = at == (_beginning(instruction, at.names), _position(instruction), fixed)
        if met or (found and not after):
            return Place(f"{module}:{stock.co_qualname}", *key, seen[key])
        met = found
        fixed += instruction.opname.startswith(_FIXED)
    return None


class _Aim(NamedTuple):
    """An instruction, by what instrumentation does not change: how its name may begin, its position in the source,
    and how many instructions before it are of kinds that are neither inserted nor replaced."""

    names: tuple[str, ...]
    position: tuple[int | None, ...]
    fixed: int


def _aim(code: CodeType, offset: int, site: Site | None, returned: bool) -> _Aim:
    """Return the instruction that a point stands at: a primitive's call itself, or one beside the point's own call."""
    instructions = [found for found in dis.get_instructions(code) if found.opname != "EXTENDED_ARG"]
    here = next(index for index, found in enumerate(instructions) if found.offset == offset)
    position = _position(instructions[here])

    def exactly(index: int) -> _Aim:
        fixed = sum(found.opname.startswith(_FIXED) for found in instructions[:index])
        return _Aim((instructions[index].opname,), _position(instructions[index]), fixed)

    if site is None or not site.function:
        return exactly(here)
    if returned:
        return exactly(next(at for at in range(here)[::-1] if instructions[at].opname.startswith("CALL")))
    resume = next((at for at in range(here)[::-1] if instructions[at].opname not in _LOADS), 0)
    if site.form is Form.SWITCH and instructions[resume].opname == "RESUME":
        return exactly(resume)
    shape = _SHAPES[site.form][site.kind is Kind.WRITE]
    if site.form is Form.ITERATE or site.form is Form.CONTAINER:
        for at in range(here + 1, len(instructions)):
            if instructions[at].opname.startswith(shape) and _position(instructions[at]) == position:
                return exactly(at)
    return exactly(here)._replace(names=shape)


def _beginning(instruction: dis.Instruction, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return ``names`` where the instruction's begins like one of them."""
    return names if instruction.opname.startswith(names) else ()


def _position(instruction: dis.Instruction) -> tuple[int | None, ...]:
    return tuple(instruction.positions or ())


@cache
def _stock_code(code: CodeType) -> CodeType | None:
    """Return what the source of a function compiles to, without any scheduling point.

    Of several of one name on one line, such as lambdas, it is the one that stands in the same columns.
    """
    named = [
        candidate
        for candidate in _codes_of(code.co_filename)
        if (candidate.co_qualname, candidate.co_firstlineno) == (code.co_qualname, code.co_firstlineno)
    ]
    mine = set(code.co_positions())
    return max(named, key=lambda candidate: len(mine & set(candidate.co_positions())), default=None)


@cache
def _codes_of(file: str) -> tuple[CodeType, ...]:
    try:
        source = Path(file).read_bytes()
    except OSError:
        return ()
    return tuple(_nested(compile(source, file, "exec", dont_inherit=True)))


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)
