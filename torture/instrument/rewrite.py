"""Rewrite a code object so that it calls a point before each shared operation.

Rejected: the ``bytecode`` package (1.1 ms a function). Locals get no point; neither do attribute and
global names that nobody writes, nor cells that never change while shared. Callbacks and sites are
constants of the code, so nothing appears in a user's namespace.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from types import CodeType

from torture.errors import UsageError
from torture.instrument.cells import settled_cells
from torture.instrument.layout import assemble, decode
from torture.instrument.operations import FREE_THREADED, GIL
from torture.instrument.points import Points
from torture.instrument.writer import Plan, Unit, Writer
from torture.trace.site import Site

GRANULARITIES = ("free-threaded", "gil")
_EXTRA_STACK = 8  # the deepest point pushes seven: that of a call with CALL_FUNCTION_EX


def rewrite(
    code: CodeType,
    *,
    points: Points,
    granularity: str,
    module: str,
    mutable: Callable[[str], bool],
    left_out: Collection[Unit] = (),
    sites: dict[object, Site] | None = None,
    numbers: bool = False,
) -> CodeType:
    """Return ``code``, nested code included, with calls of ``points`` written in.

    ``module`` goes into the sites; ``mutable`` says which attribute and global names anybody may
    write; what is ``left_out`` gets no point. ``sites`` are those made
    before of the same code, which has to be kept alive as long as they are. ``numbers`` says that operators may
    change an object whose other operand is a number: a numpy array.
    Raises UsageError for an unknown granularity, InternalError for malformed code.
    """
    if granularity not in GRANULARITIES:
        raise UsageError(f"granularity {granularity!r} is unknown; use one of {', '.join(GRANULARITIES)}")
    plan = Plan(
        points, granularity, module, mutable, left_out, {} if sites is None else sites, numbers=numbers
    )
    return _rewrite(code, plan, frozenset())


def _rewrite(code: CodeType, plan: Plan, settled_free: frozenset[str]) -> CodeType:
    layout = decode(code)
    settled = frozenset[str]()
    if code.co_cellvars or code.co_freevars:
        settled = settled_cells(code, layout, settled_free)
    consts = [_rewrite(c, plan, settled) if isinstance(c, CodeType) else c for c in code.co_consts]
    writer = Writer(code, layout, plan, settled, consts)
    handlers = GIL if plan.gil else FREE_THREADED
    for index, number in enumerate(layout.ops):
        handler = handlers.get(number)
        if handler is not None:
            handler(writer, index)
    if not writer.edits:
        return code.replace(co_consts=tuple(consts))
    co_code, linetable, exceptiontable = assemble(code, layout, writer.edits)
    return code.replace(
        co_code=co_code,
        co_linetable=linetable,
        co_exceptiontable=exceptiontable,
        co_consts=tuple(consts),
        co_stacksize=code.co_stacksize + _EXTRA_STACK,
    )
