"""A code object's instructions with their jumps, positions and exception ranges, and the way back to bytes.

Positions and exception ranges are kept as they were encoded, tied to instruction indices; only lengths
change when instructions are inserted. So the table of positions is never decoded into columns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from types import CodeType

from torture.errors import InternalError
from torture.instrument.opcodes import BACKWARD, CACHES, EXTENDED_ARG, INVERTED, JUMPS, encode, op

# A location entry starts with a byte >= 0x80, and only its first byte is.
_ENTRY = re.compile(rb"[\x80-\xff][\x00-\x7f]*")
_ONE_LINE, _NO_COLUMN, _LONG, _NONE = 10, 13, 14, 15  # codes of location entries; 0-9 are the short forms
_RESUME = op("RESUME")
_MAX_UNITS = 8  # of one location entry


@dataclass(slots=True)
class Edits:
    """What is to be written at each instruction, by its index.

    A jump to an instruction lands on what stands ``before`` it, never on what stands ``after`` its
    predecessor. ``taken`` runs only when that (conditional, backward) jump is taken.
    """

    before: dict[int, bytes] = field(default_factory=dict)
    instead: dict[int, bytes] = field(default_factory=dict)
    after: dict[int, bytes] = field(default_factory=dict)
    taken: dict[int, bytes] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.before or self.instead or self.after or self.taken)


@dataclass(slots=True)
class Layout:
    """The instructions of one code object; EXTENDED_ARG is folded, caches are left out."""

    raw: bytes
    ops: list[int]
    args: list[int]
    units: list[int]  # first code unit of each instruction (its prefixes included); one more: the end
    targets: dict[int, int]  # of a jump, by index: the index it jumps to
    lines: list[int]
    entries: list[tuple[int, bytes, int, int]]  # location: code, payload, first and last+1 instruction


def decode(code: CodeType) -> Layout:
    """Return the instructions of ``code``; raise InternalError where it is malformed."""
    raw = code.co_code
    ops: list[int] = []
    args: list[int] = []
    units: list[int] = []
    unit = start = high = 0
    end = len(raw) >> 1
    while unit < end:
        number = raw[2 * unit]
        arg = raw[2 * unit + 1] | high
        unit += 1
        if number == EXTENDED_ARG:
            high = arg << 8
            continue
        ops.append(number)
        args.append(arg)
        units.append(start)
        unit += CACHES[number]
        start = unit
        high = 0
    units.append(end)
    index_at = {unit: index for index, unit in enumerate(units)}
    targets: dict[int, int] = {}
    for index, number in enumerate(ops):
        if number in JUMPS:
            distance = -args[index] if number in BACKWARD else args[index]
            targets[index] = _index(index_at, units[index + 1] + distance)
    lines, entries = _positions(code, units)
    return Layout(raw, ops, args, units, targets, lines, entries)


def _index(index_at: dict[int, int], unit: int) -> int:
    try:
        return index_at[unit]
    except KeyError:
        raise InternalError(f"code unit {unit} is not the start of an instruction") from None


def _positions(code: CodeType, units: list[int]) -> tuple[list[int], list[tuple[int, bytes, int, int]]]:
    """Return the line of each instruction (the line before it where it has none) and the location entries."""
    line = code.co_firstlineno
    count = len(units) - 1
    lines: list[int] = []
    entries: list[tuple[int, bytes, int, int]] = []
    end = index = 0
    for entry in _ENTRY.findall(code.co_linetable):
        head = entry[0]
        number = (head >> 3) & 15
        end += (head & 7) + 1
        delta = _line_delta(number, entry)
        line += delta
        first = index
        while index < count and units[index] < end:
            lines.append(line)
            index += 1
        if index > first:
            entries.append((number, entry[1:], first, index))
        elif delta:
            raise InternalError(f"a position in {code.co_qualname} begins inside an instruction")
    lines.extend([line] * (count - len(lines)))
    return lines, entries


def _line_delta(number: int, entry: bytes) -> int:
    if number < _ONE_LINE or number == _NONE:
        return 0
    if number < _NO_COLUMN:
        return number - _ONE_LINE
    value, _ = _varint(entry, 1)
    return -(value >> 1) if value & 1 else value >> 1


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the little-endian number (6 bits a byte) at ``at`` and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 63) << shift
        if not byte & 64:
            return value, at
        shift += 6


def assemble(code: CodeType, layout: Layout, edits: Edits) -> tuple[bytes, bytes, bytes]:
    """Return ``co_code``, ``co_linetable`` and ``co_exceptiontable`` with the edits written in."""
    starts, widths = _place(layout, edits)
    return (
        _instructions(layout, edits, starts, widths),
        _linetable(layout, edits, starts),
        _exceptiontable(code, layout, starts),
    )


def _place(layout: Layout, edits: Edits) -> tuple[list[int], dict[int, int]]:
    """Return where each instruction starts (with what stands before it) and the width of each jump.

    Jumps only ever widen, so the search ends.
    """
    units = layout.units
    sizes = [after - before for before, after in pairwise(units)]
    for index, written in edits.instead.items():
        sizes[index] = len(written) >> 1
    for extra in (edits.before, edits.after):
        for index, written in extra.items():
            sizes[index] += len(written) >> 1
    widths = {index: units[index + 1] - units[index] for index in layout.targets}
    for index, written in edits.taken.items():
        sizes[index] += (len(written) >> 1) + 1
    while True:
        starts = list(accumulate(sizes, initial=0))
        grown = False
        for index, width in widths.items():
            distance = abs(starts[layout.targets[index]] - _end_of_jump(index, edits, starts))
            need = 1 + CACHES[layout.ops[index]] + (max(distance.bit_length() - 1, 0) >> 3)
            if need > width:
                sizes[index] += need - width
                widths[index] = need
                grown = True
        if not grown:
            return starts, widths


def _end_of_jump(index: int, edits: Edits, starts: list[int]) -> int:
    return starts[index + 1] - (len(edits.after.get(index, b"")) >> 1)


def _instructions(layout: Layout, edits: Edits, starts: list[int], widths: dict[int, int]) -> bytes:
    raw, units = layout.raw, layout.units
    before, instead, after = edits.before, edits.instead, edits.after
    out = bytearray()
    done = 0
    for index in sorted({*before, *instead, *after, *widths}):
        out += raw[2 * done : 2 * units[index]]
        done = units[index + 1]
        if index in before:
            out += before[index]
        if index in instead:
            out += instead[index]
        elif index in widths:
            distance = abs(starts[layout.targets[index]] - _end_of_jump(index, edits, starts))
            out += _jump(layout.ops[index], distance, widths[index], edits.taken.get(index))
        else:
            out += raw[2 * units[index] : 2 * done]
        if index in after:
            out += after[index]
    out += raw[2 * done :]
    return bytes(out)


def _jump(number: int, distance: int, width: int, taken: bytes | None) -> bytes:
    if taken is None:
        return encode(number, distance, width)
    back = taken + encode(op("JUMP_BACKWARD"), distance, width)
    return encode(INVERTED[number], len(back) >> 1) + back


def _linetable(layout: Layout, edits: Edits, starts: list[int]) -> bytes:
    """Return the location entries with their new lengths; what was inserted is where its instruction is."""
    out = bytearray()
    starts = starts.copy()
    for index, written in edits.after.items():
        if layout.ops[index] == _RESUME:  # stands on the line of the ``def``, which no debugger is to stop at
            starts[index + 1] -= len(written) >> 1
    for number, payload, first, last in layout.entries:
        units = starts[last] - starts[first]
        out.append(0x80 | number << 3 | min(units, _MAX_UNITS) - 1)
        out += payload
        if units > _MAX_UNITS:
            number, payload = _on_same_line(number, payload)  # the rest of this entry
            for done in range(_MAX_UNITS, units, _MAX_UNITS):
                out.append(0x80 | number << 3 | min(units - done, _MAX_UNITS) - 1)
                out += payload
    return bytes(out)


def _on_same_line(number: int, payload: bytes) -> tuple[int, bytes]:
    """Return the same location, told from an entry that ended on its line: with a line delta of zero."""
    if _ONE_LINE < number < _NO_COLUMN:
        return _ONE_LINE, payload
    if number in (_NO_COLUMN, _LONG):
        return number, b"\0" + payload[_varint(payload, 0)[1] :]
    return number, payload


def _exceptiontable(code: CodeType, layout: Layout, starts: list[int]) -> bytes:
    """Return the exception table; a point is guarded by what guards the instruction it stands before."""
    table = code.co_exceptiontable
    if not table:
        return table
    index_at = {unit: index for index, unit in enumerate(layout.units)}
    numbers = _big_varints(table)
    out = bytearray()
    for at in range(0, len(numbers), 4):
        start, length, handler, depth_lasti = numbers[at : at + 4]
        first = starts[_index(index_at, start)]
        last = starts[_index(index_at, start + length)]
        entry = bytearray()
        for value in (first, last - first, starts[_index(index_at, handler)], depth_lasti):
            _write_big_varint(entry, value)
        entry[0] |= 0x80
        out += entry
    return bytes(out)


def _big_varints(table: bytes) -> list[int]:
    numbers: list[int] = []
    value = 0
    for byte in table:
        value = value << 6 | byte & 63
        if not byte & 64:
            numbers.append(value)
            value = 0
    return numbers


def _write_big_varint(out: bytearray, value: int) -> None:
    for shift in (24, 18, 12, 6):
        if value >> shift:
            out.append(value >> shift & 63 | 64)
    out.append(value & 63)
