"""Measures what each group of the interpreter's shortcuts buys, by switching it off.

    python benches/without.py OROCHI [-p PROGRAM]... [-g GROUP]...

An operation has a shortcut for what is common, and a handler for everything (vm/src/interp). The release build keeps the
shortcuts in one table of addresses; this program writes copies of the binary in which a group's operations go straight to their
handlers, counts the instructions of programs (benches/instructions.py) under each, and prints how many more it takes. Needs the
binary's symbols, `nm` and `readelf` (binutils), and valgrind. Copies of the interpreter that differ in nothing else compute the same.
"""

import argparse
import os
import re
import struct
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

from instructions import HERE, PROGRAMS, count

# Operations are named by patterns; what no group names is never switched off.
GROUPS = {
    'attributes': 'LoadAttr|StoreAttr|LoadMethod',
    'globals': 'LoadGlobal',
    'variables of closures': 'LoadFree|LoadCell',
    'calls and returns': 'Call|CallKw|Return|ReturnNone',
    'arithmetic': r'(Inplace)?(Add|Sub|Mul|TrueDiv|FloorDiv|Mod|And|Or|Xor|LShift|RShift)I?',
    'comparisons': r'(Jump)?(Lt|Le|Gt|Ge|Eq|Ne)I?|JumpIn',
    'truth': r'Not|JumpIf(True|False)(OrDrop)?',
    'subscripts': 'GetItemI?|SetItem',
    'displays': 'BuildTuple|BuildList|ListAppend|SetAdd',
    'unpacking': 'UnpackSequence',
    'loops': 'GetIter|ForIter',
    'yield': 'Yield',
    'exception matching': 'MatchException',
    'moves and constants': 'Move|Copy|Swap|Drop|CheckBound|LoadConst|LoadInt|LoadNone|LoadTrue|LoadFalse',
    'jumps': r'Jump|JumpBack|JumpIs|JumpIf(Not)?None',
}


class Binary:
    """An interpreter's file, with its table of shortcuts."""

    def __init__(self, path):
        with open(path, 'rb') as file:
            self.data = file.read()
        listing = subprocess.run(['nm', path], capture_output=True, text=True, check=True).stdout
        names, self.slow, table = {}, None, None
        for line in listing.splitlines():
            *address, _, name = line.split()
            found = re.search(r'interp8threaded(?:3hot|4warm)?\d+([A-Za-z]\w*?)17h[0-9a-f]{16}E(?:\.llvm\.\d+)?$', name)
            if not found:
                continue
            match found[1]:
                case 'STEPS': table = int(address[0], 16)
                case 'slow': self.slow = int(address[0], 16)
                case step: names[int(address[0], 16)] = step
        if self.slow is None or table is None:
            sys.exit(f'{path} has no table of shortcuts among its symbols: it must be a release build')
        self.table = self.offset(path, table)
        self.steps = [names.get(address) for address in struct.unpack_from('<256Q', self.data, self.table)]

    @staticmethod
    def offset(path, address):
        """Where in the file lies what is loaded to an address."""
        segments = subprocess.run(['readelf', '-lW', path], capture_output=True, text=True, check=True).stdout
        for offset, start, size in re.findall(r'LOAD\s+(0x\w+)\s+(0x\w+)\s+0x\w+\s+(0x\w+)', segments):
            distance = address - int(start, 16)
            if 0 <= distance < int(size, 16):
                return int(offset, 16) + distance
        sys.exit(f'{path}: address {address:#x} lies in no segment')

    def without(self, pattern, path):
        """Writes a copy whose operations of a group go to their handlers; gives how many they are."""
        data, switched_off = bytearray(self.data), 0
        for number, step in enumerate(self.steps):
            if step and re.fullmatch(pattern, step):
                struct.pack_into('<Q', data, self.table + 8 * number, self.slow)
                switched_off += 1
        with open(path, 'wb') as file:
            file.write(data)
        os.chmod(path, 0o755)
        return switched_off


def counts(orochi, programs):
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda name: count(orochi, [os.path.join(HERE, 'run.py'), name, '1']), programs))


def main():
    parser = argparse.ArgumentParser(description='Measure what the shortcuts of the interpreter buy.')
    parser.add_argument('orochi')
    parser.add_argument('-p', '--program', action='append', dest='programs')
    parser.add_argument('-g', '--group', action='append', dest='groups', choices=GROUPS)
    options = parser.parse_args()
    programs = options.programs or PROGRAMS
    binary = Binary(options.orochi)
    usual = counts(os.path.abspath(options.orochi), programs)
    print(f'{"without":<24}{"ops":>4}' + ''.join(f'{name:>14}' for name in programs), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for group in options.groups or GROUPS:
            path = os.path.join(folder, 'orochi')
            n = binary.without(GROUPS[group], path)
            more = [count / before - 1 for count, before in zip(counts(path, programs), usual)]
            print(f'{group:<24}{n:>4}' + ''.join(f'{share:>+14.0%}' for share in more), flush=True)


if __name__ == '__main__':
    main()
