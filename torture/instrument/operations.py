"""What is written at each opcode, for both granularities."""

from __future__ import annotations

import opcode
import sys
from collections.abc import Callable, Sequence
from types import CodeType, EllipsisType, NoneType

from torture.instrument import opcodes as o
from torture.instrument.cells import variable
from torture.instrument.writer import Writer
from torture.trace.site import Form, Kind

_MULTIPLICATIONS = frozenset({5, 18})  # * and *= among the arguments of BINARY_OP
_IN_PLACE = 13  # the first in-place operator among the arguments of BINARY_OP
_OPERATORS = {6: "%", 13: "+=", 14: "&=", 18: "*=", 19: "%=", 20: "|=", 23: "-=", 25: "^="}
_REMAINDERS = frozenset({6, 19})
# No container is ever equal to one of these.
_NEVER_EQUAL = (int, float, complex, str, tuple, frozenset, NoneType, EllipsisType, CodeType)
_COMPARISON_SHIFT = {(3, 11): 0, (3, 12): 4}.get(sys.version_info[:2], 5)
_CONVERSIONS = ("", "str", "repr", "ascii")
_STATIC_BOOL = o.ops(
    "COMPARE_OP", "IS_OP", "CONTAINS_OP", "UNARY_NOT", "CHECK_EXC_MATCH", "MATCH_MAPPING", "MATCH_SEQUENCE",
    "WITH_EXCEPT_START", "LOAD_CONST",
)  # fmt: skip
_BUILDS_TUPLE = o.ops("LIST_TO_TUPLE", "CALL_INTRINSIC_1", "BUILD_TUPLE", "LOAD_CONST")
_BUILDS = o.ops("LOAD_CONST", "BUILD_TUPLE", "BUILD_LIST", "BUILD_SET", "BUILD_MAP", "BUILD_CONST_KEY_MAP")
_TEXTS = o.ops("CONVERT_VALUE", "FORMAT_VALUE", "FORMAT_SIMPLE", "BUILD_STRING", "LOAD_CONST")
_SWAP, _LOAD_FAST = o.op("SWAP"), o.op("LOAD_FAST")
_GETS_ITERATOR = o.ops("GET_ITER", "GET_AITER")
_BUILD_SLICE, _KW_NAMES, _PRECALL = o.op("BUILD_SLICE"), o.op("KW_NAMES"), o.op("PRECALL")
_CALL_KW, _PUSH_NULL, _LOAD_GLOBAL = o.op("CALL_KW"), o.op("PUSH_NULL"), o.op("LOAD_GLOBAL")
_LOAD_SUPER_ATTR = o.op("LOAD_SUPER_ATTR")

# Each tail is what follows on [callback, NULL, site]: the arguments, the call, the drop of its None.
_END = {count: o.end_call(count) for count in range(1, 6)}
_NO_MORE = _END[1] + o.POP_TOP
_TOP = o.copies([4]) + _END[2] + o.POP_TOP
_TOP_TWO = o.copies([5, 5]) + _END[3] + o.POP_TOP
_SOURCE = o.copies([4]) + _END[2] + o.swap(2) + o.POP_TOP  # what is answered takes the object's place
_OPERATOR = o.copies([5, 5]) + _END[3] + o.swap(2) + o.POP_TOP  # the answer takes the right operand's place
_STORE_ATTR = o.copies([4, 6]) + _END[3] + o.POP_TOP
_STORE_SUBSCR = o.copies([5, 5, 8]) + _END[4] + o.POP_TOP
_STORE_SLICE = o.copies([6, 6, 6]) + o.encode(_BUILD_SLICE, 2) + o.copies([9]) + _END[4] + o.POP_TOP
_CONTAINS = o.copies([5, 5]) + _END[3] + o.swap(3) + o.POP_TOP + o.POP_TOP

Handler = Callable[[Writer, int], None]


def _name(writer: Writer, index: int, shift: int = 0) -> str:
    return writer.code.co_names[writer.layout.args[index] >> shift]


def _attribute(shift: int, method_bit: int, kind: Kind = Kind.READ) -> Handler:
    """Return the handler of an attribute load: an access point, and method loads made plain ones."""

    def handle(writer: Writer, index: int) -> None:
        name = _name(writer, index, shift)
        if not writer.plan.gil and writer.plan.matters(name, kind):
            site = writer.site(index, kind, Form.ATTRIBUTE, name)
            writer.before(index, writer.begin("access") + site + _TOP)
        if writer.layout.args[index] & method_bit:
            plain = o.encode(writer.layout.ops[index], writer.layout.args[index] & ~method_bit)
            writer.edits.instead[index] = plain + o.NULL_BESIDE

    return handle


def _load_method(writer: Writer, index: int) -> None:
    """3.11: LOAD_METHOD, whose argument is the same as LOAD_ATTR's."""
    _attribute(0, 0)(writer, index)
    writer.edits.instead[index] = o.encode(o.op("LOAD_ATTR"), writer.layout.args[index]) + o.NULL_BESIDE


def _store_attribute(writer: Writer, index: int) -> None:
    name = _name(writer, index)
    if writer.plan.matters(name, Kind.WRITE):
        site = writer.site(index, Kind.WRITE, Form.ATTRIBUTE, name)
        writer.before(index, writer.begin("store") + site + _STORE_ATTR)


def _load_global(writer: Writer, index: int) -> None:
    _access_global(writer, index, Kind.READ, _name(writer, index, 1))


def _delete_global(writer: Writer, index: int) -> None:
    _access_global(writer, index, Kind.WRITE, _name(writer, index))


def _access_global(writer: Writer, index: int, kind: Kind, name: str) -> None:
    if writer.plan.matters(name, kind):
        site = writer.site(index, kind, Form.GLOBAL, name)
        writer.before(index, writer.begin("access") + site + writer.none() + _END[2] + o.POP_TOP)


def _store_global(writer: Writer, index: int) -> None:
    name = _name(writer, index)
    if writer.plan.matters(name, Kind.WRITE):
        site = writer.site(index, Kind.WRITE, Form.GLOBAL, name)
        none = writer.none()
        writer.before(index, writer.begin("store") + site + none + o.copies([5]) + _END[3] + o.POP_TOP)


def _cell(kind: Kind, callback: str, tail: bytes) -> Handler:
    def handle(writer: Writer, index: int) -> None:
        number = writer.layout.args[index]
        name = variable(writer.code, number)
        if name not in writer.settled and writer.plan.keeps(name):
            site = writer.site(index, kind, Form.CELL, name)
            writer.before(index, writer.begin(callback) + site + o.encode(o.LOAD_CELL, number) + tail)

    return handle


def _item(kind: Kind) -> Handler:
    def handle(writer: Writer, index: int) -> None:
        site = writer.site(index, kind, Form.ITEM)
        sliced = writer.previous(index) == _BUILD_SLICE
        tail = _slice_tail(writer, [5]) if sliced else _TOP_TWO
        writer.before(index, writer.begin("item") + site + tail)

    return _unless_left_out(Form.ITEM, handle)


def _slice_tail(writer: Writer, obj: Sequence[int]) -> bytes:
    return o.copies(obj) + writer.none() + _END[3] + o.POP_TOP


def _binary_slice(writer: Writer, index: int) -> None:
    site = writer.site(index, Kind.READ, Form.ITEM)
    writer.before(index, writer.begin("item") + site + _slice_tail(writer, [6]))


def _store_subscr(writer: Writer, index: int) -> None:
    site = writer.site(index, Kind.WRITE, Form.ITEM)
    callback = "store_slice" if writer.previous(index) == _BUILD_SLICE else "store_item"
    writer.before(index, writer.begin(callback) + site + _STORE_SUBSCR)


def _store_slice(writer: Writer, index: int) -> None:
    site = writer.site(index, Kind.WRITE, Form.ITEM)
    writer.before(index, writer.begin("store_slice") + site + _STORE_SLICE)


def _container(form: Form) -> Handler:
    """Return the handler of what uses all of the object on top of the stack."""

    def handle(writer: Writer, index: int) -> None:
        if writer.previous(index) not in _BUILDS:  # what was just made is not shared
            writer.before(index, writer.begin("container") + writer.site(index, Kind.READ, form) + _TOP)

    return _unless_left_out(form, handle)


def _source(taker: str) -> Handler:
    """Return the handler of what takes all elements of the object on top of the stack."""

    def handle(writer: Writer, index: int) -> None:
        if writer.previous(index) not in _BUILDS:
            site = writer.site(index, Kind.READ, Form.CONTAINER, taker)
            writer.before(index, writer.begin("source") + site + _SOURCE)

    return _unless_left_out(Form.CONTAINER, handle)


def _delete_subscr(writer: Writer, index: int) -> None:
    if writer.previous(index) == _BUILD_SLICE:
        _item(Kind.WRITE)(writer, index)
    else:
        site = writer.site(index, Kind.WRITE, Form.ITEM)
        writer.before(index, writer.begin("delete_item") + site + _OPERATOR)


def _match_keys(writer: Writer, index: int) -> None:
    site = writer.site(index, Kind.READ, Form.CONTAINER)
    writer.edits.instead[index] = writer.begin("match_keys") + site + o.copies([5, 5]) + _END[3]


def _match_class(writer: Writer, index: int) -> None:
    site = writer.site(index, Kind.READ, Form.ATTRIBUTE)
    count = writer.constant(writer.layout.args[index])
    written = writer.begin("match_class") + site + o.copies([6, 6, 6]) + count + _END[5]
    writer.edits.instead[index] = written + o.swap(4) + o.POP_TOP * 3


def _get_iter(writer: Writer, index: int) -> None:
    """Later releases of 3.13 ask a comprehension's iterator for its iterator, which is itself."""
    before, layout = writer.previous(index), writer.layout
    again = before == _SWAP or (
        before == _LOAD_FAST and writer.code.co_varnames[layout.args[index - 1]] == ".0"
    )
    if not again:
        _ITERATES(writer, index)  # a dict's iterator remembers the size at its creation


def _truth(writer: Writer, index: int) -> None:
    at = index
    if writer.previous(at) == o.COPY and writer.layout.args[at - 1] == 1:
        at -= 1
    if writer.previous(at) not in _STATIC_BOOL:
        writer.before(index, writer.begin("container") + writer.site(index, Kind.READ, Form.CONTAINER) + _TOP)


def _binary_op(writer: Writer, index: int) -> None:
    number = writer.layout.args[index]
    # A number leaves a container alone, but for ``items * 2``; so does a text, but for ``"%s" % items``.
    alone = (int, float, complex) if number in _REMAINDERS else (int, float, complex, str)
    if number in _MULTIPLICATIONS or not writer.constant_operand(index, alone):
        kind = Kind.WRITE if number >= _IN_PLACE else Kind.READ
        site = writer.site(index, kind, Form.CONTAINER, _OPERATORS.get(number, ""))
        writer.before(index, writer.begin("operator") + site + _OPERATOR)


def _unary_op(writer: Writer, index: int) -> None:
    if writer.plan.numbers:
        _container(Form.CONTAINER)(writer, index)


def _show(writer: Writer, index: int, *, conversion: int, spec: bool) -> None:
    """Write what replaces the value that is formatted; above it stands its format, if it has one."""
    formatted = spec and writer.loaded_constant(index - 1) not in ((), ("",))
    if conversion == 0 and formatted:  # only numbers, texts and the program's own classes take a format
        return
    site = writer.site(index, Kind.READ, Form.CONTAINER, _CONVERSIONS[conversion])
    written = writer.begin("shown") + site + o.copies([4 + spec]) + _END[2]
    writer.before(index, written + o.swap(2 + spec) + o.POP_TOP)


def _format_value(writer: Writer, index: int) -> None:
    """3.11 and 3.12: one instruction for the conversion and the format."""
    flags = writer.layout.args[index]
    if writer.previous(index) not in _TEXTS or flags & 4:
        _show(writer, index, conversion=flags & 3, spec=bool(flags & 4))


def _format_simple(writer: Writer, index: int) -> None:
    if writer.previous(index) not in _TEXTS:
        _show(writer, index, conversion=0, spec=False)


def _format_with_spec(writer: Writer, index: int) -> None:
    _show(writer, index, conversion=0, spec=True)


def _convert_value(writer: Writer, index: int) -> None:
    _show(writer, index, conversion=writer.layout.args[index], spec=False)


def _compare_op(writer: Writer, index: int) -> None:
    if not writer.constant_operand(index, _NEVER_EQUAL):
        comparison = opcode.cmp_op[writer.layout.args[index] >> _COMPARISON_SHIFT]
        site = writer.site(index, Kind.READ, Form.CONTAINER, comparison)
        writer.before(index, writer.begin("operator") + site + _OPERATOR)


def _contains_op(writer: Writer, index: int) -> None:
    if writer.previous(index) == o.LOAD_CONST:
        return
    site = writer.site(index, Kind.READ, Form.CONTAINS)
    inversion = o.encode(o.op("UNARY_NOT"), 0) if writer.layout.args[index] else b""
    writer.edits.instead[index] = writer.begin("contains") + site + _CONTAINS + inversion


def _call(writer: Writer, index: int) -> None:
    ops, args = writer.layout.ops, writer.layout.args
    count = args[index]
    start = index  # of the instructions that must stay together
    keywords: tuple[str, ...] = ()
    if ops[start - 1] == _PRECALL:
        start -= 1
    if ops[start - 1] == _KW_NAMES:
        start -= 1
        keywords = writer.code.co_consts[args[start]]
    elif ops[index] == _CALL_KW:
        keywords = writer.code.co_consts[args[index - 1]]
    names = int(ops[index] == _CALL_KW)  # whether the names are on the stack as well
    comprehension = count == 0 and ops[start - 1] in _GETS_ITERATOR
    fixed = comprehension or _is_bare_super(writer, start, count)  # made and called in one place
    if fixed and not writer.plan.gil:
        return  # 3.12 has no call there
    depth = count + names + 4
    if o.CALLABLE_FIRST or comprehension or _is_exit_of_with(writer, start, count):
        depth += 1  # a callable with its first argument in the next slot, or with a NULL in it (3.13)
    first = o.copies([count + names + 4]) if count > len(keywords) else writer.none()
    site = _call_site(writer, index, "key" if "key" in keywords else "")
    _around(writer, start, index, site, first, depth=depth, changes=not fixed)


def _is_bare_super(writer: Writer, start: int, count: int) -> bool:
    return (
        count == 0
        and not o.CALLABLE_FIRST
        and writer.layout.ops[start - 1] == _LOAD_GLOBAL
        and _name(writer, start - 1, 1) == "super"
    )


def _is_exit_of_with(writer: Writer, start: int, count: int) -> bool:
    """Say whether this ends a ``with`` block: [exit, None, None, None], with no NULL (up to 3.12)."""
    nones = [writer.loaded_constant(start - back) for back in (1, 2, 3)]
    return count == 2 and nones == [(None,)] * 3 and writer.layout.ops[start - 4] != _PUSH_NULL


def _call_ex(writer: Writer, index: int) -> None:
    keywords = writer.layout.args[index] & 1
    if not writer.plan.gil and (keywords or writer.previous(index) not in _BUILDS_TUPLE):
        star = writer.site(index, Kind.READ, Form.CONTAINER, "tuple")
        read = writer.begin("source") + star + o.copies([4 + keywords]) + _END[2]
        writer.before(index, read + o.swap(2 + keywords) + o.POP_TOP)
    first = writer.begin("first_of") + o.copies([7 + keywords]) + o.end_call(1)
    depth = 5 + keywords + o.CALLABLE_FIRST
    _around(writer, index, index, _call_site(writer, index), first, depth=depth, changes=True)


def _call_site(writer: Writer, index: int, name: str = "") -> bytes:
    return writer.site(index, Kind.SWITCH if writer.plan.gil else Kind.READ, Form.CALL, name)


def _around(
    writer: Writer, start: int, index: int, site: bytes, first: bytes, *, depth: int, changes: bool
) -> None:
    """Announce a call; ``depth`` is where the callable is after the site was pushed; what is answered takes its place
    where it ``changes``."""
    written = writer.begin("call") + site + o.copies([depth]) + first + _END[3]
    if changes:
        written += o.swap(depth - 2)
    writer.before(start, written + o.POP_TOP)
    if writer.plan.gil:
        writer.edits.after[index] = writer.begin("called") + site + _NO_MORE


def _unless_left_out(form: Form, handler: Handler) -> Handler:
    """Return a handler that writes nothing where the function's operations of this form are left out."""

    def handle(writer: Writer, index: int) -> None:
        if writer.plan.gil or writer.keeps(form):
            handler(writer, index)

    return handle


def _enter(writer: Writer, index: int) -> bytes:
    return writer.begin("enter") + writer.site(index, Kind.SWITCH, Form.SWITCH) + _NO_MORE


def _resume(writer: Writer, index: int) -> None:
    if writer.layout.args[index] & 3 < 2:  # only there, not after an await, may it hand over the GIL
        writer.edits.after[index] = _enter(writer, index)


def _jump_backward(writer: Writer, index: int) -> None:
    writer.before(index, _enter(writer, index))


def _jump_backward_if(writer: Writer, index: int) -> None:
    writer.edits.taken[index] = _enter(writer, index)


def _table(entries: Sequence[tuple[str, Handler]]) -> dict[int, Handler]:
    return {o.op(name): handler for name, handler in entries if o.op(name) != o.ABSENT}


_METHODS: list[tuple[str, Handler]] = [
    ("LOAD_METHOD", _load_method),
    ("LOAD_ATTR", _attribute(1, 1) if _LOAD_SUPER_ATTR != o.ABSENT else _attribute(0, 0)),
    ("LOAD_SUPER_ATTR", _attribute(2, 1)),
    ("CALL", _call),
    ("CALL_KW", _call),
    ("CALL_FUNCTION_EX", _call_ex),
]
# 3.13 tells by TO_BOOL where an object is tested; before, what consumes the object does it.
_TRUTH_TESTS = ("TO_BOOL",) if o.op("TO_BOOL") != o.ABSENT else (
    "POP_JUMP_IF_TRUE", "POP_JUMP_IF_FALSE", "POP_JUMP_FORWARD_IF_TRUE", "POP_JUMP_FORWARD_IF_FALSE",
    "POP_JUMP_BACKWARD_IF_TRUE", "POP_JUMP_BACKWARD_IF_FALSE", "JUMP_IF_TRUE_OR_POP", "JUMP_IF_FALSE_OR_POP",
    "UNARY_NOT",
)  # fmt: skip
_ITERATES = _container(Form.ITERATE)
FREE_THREADED = _table(
    [
        *_METHODS,
        ("DELETE_ATTR", _attribute(0, 0, Kind.WRITE)),
        ("STORE_ATTR", _store_attribute),
        ("LOAD_GLOBAL", _load_global),
        ("STORE_GLOBAL", _store_global),
        ("DELETE_GLOBAL", _delete_global),
        ("LOAD_DEREF", _cell(Kind.READ, "access", _END[2] + o.POP_TOP)),
        ("LOAD_CLASSDEREF", _cell(Kind.READ, "access", _END[2] + o.POP_TOP)),
        ("LOAD_FROM_DICT_OR_DEREF", _cell(Kind.READ, "access", _END[2] + o.POP_TOP)),
        ("DELETE_DEREF", _cell(Kind.WRITE, "access", _END[2] + o.POP_TOP)),
        ("STORE_DEREF", _cell(Kind.WRITE, "store", o.copies([5]) + _END[3] + o.POP_TOP)),
        ("BINARY_SUBSCR", _item(Kind.READ)),
        ("DELETE_SUBSCR", _unless_left_out(Form.ITEM, _delete_subscr)),
        ("BINARY_SLICE", _unless_left_out(Form.ITEM, _binary_slice)),
        ("STORE_SUBSCR", _unless_left_out(Form.ITEM, _store_subscr)),
        ("STORE_SLICE", _unless_left_out(Form.ITEM, _store_slice)),
        ("GET_ITER", _get_iter),
        ("FOR_ITER", _ITERATES),
        ("GET_LEN", _container(Form.CONTAINER)),
        *((name, _source(taker)) for name, taker in (
            ("UNPACK_SEQUENCE", "unpack"), ("UNPACK_EX", "unpack"), ("LIST_EXTEND", "list"), ("SET_UPDATE", "set"),
            ("DICT_UPDATE", "dict"), ("DICT_MERGE", "dict"),
        )),
        ("MATCH_KEYS", _unless_left_out(Form.CONTAINER, _match_keys)),
        ("MATCH_CLASS", _match_class),
        *((name, _unless_left_out(Form.CONTAINER, _truth)) for name in _TRUTH_TESTS),
        ("BINARY_OP", _unless_left_out(Form.CONTAINER, _binary_op)),
        *((name, _unless_left_out(Form.CONTAINER, handler)) for name, handler in (
            ("FORMAT_VALUE", _format_value), ("FORMAT_SIMPLE", _format_simple),
            ("FORMAT_WITH_SPEC", _format_with_spec), ("CONVERT_VALUE", _convert_value),
        )),
        ("UNARY_NEGATIVE", _unary_op),
        ("UNARY_INVERT", _unary_op),
        ("COMPARE_OP", _unless_left_out(Form.CONTAINER, _compare_op)),
        ("CONTAINS_OP", _unless_left_out(Form.CONTAINS, _contains_op)),
    ],
)  # fmt: skip
GIL = _table(
    [
        *_METHODS,
        ("RESUME", _resume),
        ("JUMP_BACKWARD", _jump_backward),
        *((f"POP_JUMP_BACKWARD_IF_{condition}", _jump_backward_if)
          for condition in ("TRUE", "FALSE", "NONE", "NOT_NONE")),
    ],
)  # fmt: skip
