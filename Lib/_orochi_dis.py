"""Orochi's own instructions for the module `dis`."""

from _bytecode import decode as _decode
from dis import Instruction as _Instruction, Positions as _Positions


def instructions(code, line_offset=0):
    """The instructions of a code object, with the text of their operands; offsets are as in `co_lines` and `f_lasti`."""
    positions = list(code.co_positions())
    before = None
    for offset, number, name, operands, text, jumps, value in _decode(code):
        place = _Positions(*positions[offset // 2])
        line = None if place.lineno is None else place.lineno + line_offset
        begins = line is not None and line != before
        if begins:
            before = line
        if jumps:
            # The text counts words.
            text = f'{text.rpartition("->")[0]}-> {value}'
        yield _Instruction(name, number, operands, value, text, offset, offset, begins, line, None, place, None)
