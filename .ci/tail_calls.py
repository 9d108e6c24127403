"""Checks that the interpreter's operations end in jumps, not in calls (vm/src/interp/threaded.rs says why).

    python .ci/tail_calls.py OROCHI

Looks into the binary's functions for a call through the table of operations. Needs the symbols of a release build, and `nm` and
`objdump` (binutils, which come with a C compiler). x86-64 only: other machines are told so.
"""

import platform
import re
import subprocess
import sys

# `slow` calls handlers, through a table of theirs.
HANDLERS = 'slow'


def functions(binary):
    """Name, address and size of the functions that make up the chain."""
    listing = subprocess.run(['nm', '-S', '--defined-only', binary], capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        found = re.match(r'(\w+) (\w+) [tT] .*interp8threaded((?:\d+[A-Za-z_]+)+)17h[0-9a-f]{16}E(?:\.llvm\.\d+)?$', line)
        if found:
            yield re.sub(r'\d+', ' ', found[3]).strip(), int(found[1], 16), int(found[2], 16)


def calls_of_steps(binary, start, size):
    """The instructions that call what a table holds."""
    command = ['objdump', '-d', '--no-show-raw-insn', '-M', 'intel', f'--start-address={start:#x}', f'--stop-address={start + size:#x}', binary]
    code = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return re.findall(r'\bcall +QWORD PTR \[[^\]]*\*8[^\]]*\]', code)


def main():
    binary = sys.argv[1]
    if platform.machine() != 'x86_64':
        return print(f'not checked: this knows no code of {platform.machine()}')
    found = list(functions(binary))
    if len(found) < 100:
        sys.exit(f'{binary}: only {len(found)} functions of the chain are there; is it a release build with symbols?')
    wrong = [(name, call) for name, *where in found if name != HANDLERS for call in calls_of_steps(binary, *where)]
    for name, call in wrong:
        print(f'{name} goes on with a call: {call}')
    if wrong:
        sys.exit('Something that lies on their stack has its address taken: see the invariants in vm/src/interp/threaded.rs')
    print(f'{len(found)} functions go on with jumps')


if __name__ == '__main__':
    main()
