"""Which closure cells provably never change while they are shared: they need no scheduling point."""

from __future__ import annotations

from operator import methodcaller
from types import CodeType

from torture.instrument.layout import Layout
from torture.instrument.opcodes import BACKWARD, EXTENDED_ARG, LOAD_CELL, op, ops

_NEVER_STORED_BY_CODE = frozenset({"__class__", "__classdict__"})  # filled by the interpreter, once
_STORES = ops("STORE_DEREF", "DELETE_DEREF")
_DELETE = op("DELETE_DEREF")
_PAIRS = ops("LOAD_FAST_LOAD_FAST", "STORE_FAST_LOAD_FAST")  # 3.13: two locals in one argument
_VARARGS, _VARKEYWORDS = 4, 8


def variable(code: CodeType, index: int) -> str:
    """Return the name of the local, cell or free variable that instructions call ``index``."""
    name: str = methodcaller("_varname_from_oparg", index)(code)
    return name


def settled_cells(code: CodeType, layout: Layout, settled_free: frozenset[str]) -> frozenset[str]:
    """Return the cell and free variables of ``code`` that never change while another function has them.

    ``settled_free`` are those of its free variables that are settled in the function that owns them.
    """
    settled = settled_free.intersection(code.co_freevars)
    settled |= _NEVER_STORED_BY_CODE.intersection((*code.co_cellvars, *code.co_freevars))
    if not code.co_cellvars:
        return settled
    stored_inside = frozenset[str]().union(*(_stored_free(nested) for nested in nested_code(code)))
    own = frozenset(code.co_cellvars) - stored_inside
    return settled | frozenset(name for name in own if _stored_once_before_capture(name, code, layout))


def nested_code(code: CodeType) -> list[CodeType]:
    """Return the code objects directly inside ``code``."""
    return [constant for constant in code.co_consts if isinstance(constant, CodeType)]


def _stored_once_before_capture(name: str, code: CodeType, layout: Layout) -> bool:
    index = _index_of(name, code)
    stores: list[int] = []
    captures: list[int] = []
    for at, (number, arg) in enumerate(zip(layout.ops, layout.args, strict=True)):
        if number in _STORES and arg == index:
            stores.append(at)
            if number == _DELETE:
                return False
        elif (number == LOAD_CELL and arg == index) or (number in _PAIRS and index in (arg >> 4, arg & 15)):
            captures.append(at)
    if name in _arguments(code):
        return not stores
    if len(stores) != 1 or (captures and captures[0] < stores[0]):
        return False
    return not any(
        layout.ops[jump] in BACKWARD and target <= stores[0] <= jump
        for jump, target in layout.targets.items()
    )


def _index_of(name: str, code: CodeType) -> int:
    if name in code.co_varnames:
        return code.co_varnames.index(name)
    only_cells = [cell for cell in code.co_cellvars if cell not in code.co_varnames]
    return len(code.co_varnames) + only_cells.index(name)


def _arguments(code: CodeType) -> tuple[str, ...]:
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & _VARARGS) + bool(code.co_flags & _VARKEYWORDS)
    return code.co_varnames[:count]


def _stored_free(code: CodeType) -> frozenset[str]:
    """Return the free variables that ``code`` or a function inside it stores or deletes."""
    if not code.co_freevars:
        return frozenset()
    stored = {name for nested in nested_code(code) for name in _stored_free(nested)}
    raw = code.co_code
    high = 0
    for at in range(0, len(raw), 2):
        arg = raw[at + 1] | high
        high = arg << 8 if raw[at] == EXTENDED_ARG else 0
        if raw[at] in _STORES:
            stored.add(variable(code, arg))
    return frozenset(stored.intersection(code.co_freevars))
