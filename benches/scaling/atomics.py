"""Counts what a read of shared objects writes: the atomic operations that a turn of each work executes, and its stores to memory
that another thread uses.

    python benches/scaling/atomics.py OROCHI [WORK]... [-t TURNS] [-v]

Nothing is estimated or simulated: two threads do each work (benches/scaling/programs.py) in turn, on the same objects, and
this program steps through theirs instruction by instruction (ptrace). An instruction with a lock prefix, or an exchange with memory,
is an atomic read-modify-write. A store counts as shared if the other thread read or wrote the same cache line when it did the work. Each is
done with TURNS turns and with twice as many; the difference is what the turns cost, without what surrounds them.

Needs Linux on x86-64 and objdump, and the right to trace a child. `-v` names the functions that the counted instructions lie in. Runs
under any Python.
"""

import argparse
import bisect
import collections
import ctypes
import os
import re
import shlex
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
LINE = 64

# What the traced interpreter runs: signals to itself mark where stepping begins and ends.
TRACED = """
import os, signal, sys, threading
sys.path.insert(0, {here!r})
import programs

def work(number):
    for name in {works!r}:
        function = getattr(programs, name)
        for turns in {turns}, {turns} * 2:
            gates[number].acquire()
            function({turns} * 20)
            me = threading.get_ident()
            signal.pthread_kill(me, signal.SIGUSR1)
            function(turns)
            signal.pthread_kill(me, signal.SIGUSR2)
            gates[1 - number if turns > {turns} else number].release()

gates = [threading.Lock(), threading.Lock()]
gates[1].acquire()
threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
os._exit(0)
"""

libc = ctypes.CDLL(None, use_errno=True)
ptrace = libc.ptrace
ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
ptrace.restype = ctypes.c_long
TRACEME, CONT, STEP, GETREGS, SETOPTIONS = 0, 7, 9, 12, 0x4200
TRACE_CLONE, EXIT_KILL = 8, 0x100000
ANY_THREAD = 0x40000000

# The order of `struct user_regs_struct`.
REGISTERS = 'r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs gs ds es _fs _gs'.split()
PLACE = {name: i for i, name in enumerate(REGISTERS)}
RIP = PLACE['rip']
MEMORY = re.compile(r'(?:%([fg])s:|%[de]s:)?(-?0x[0-9a-f]+)?\((%\w+)?(?:,(%\w+),(\d))?\)|%([fg])s:(0x[0-9a-f]+)')
INSTRUCTION = re.compile(r'^ *([0-9a-f]+):\t(.*?)(?:\s+# ([0-9a-f]+).*)?$')
# Instructions whose last operand is memory that they only read (and those that only name it).
READERS = re.compile(r'v?u?comis|cmp|test|v?ptest|bt[wlq]?$|i?mul|i?div|call|jmp|push|ld|fld|prefetch|fild')
NO_ACCESS = re.compile(r'lea|nop|prefetch')
PREFIXES = {'rep', 'repz', 'repnz', 'notrack', 'bnd', 'cs', 'ds', 'data16', 'addr32'}
STRING_STORES = re.compile(r'(movs|stos)[bwlq]\b')

Access = collections.namedtuple('Access', 'segment base index scale offset last loads stores atomic')


def decode(text, target):
    """What an instruction (as objdump writes it) does to memory: an Access or None."""
    words = [word for word in text.split() if word not in PREFIXES]
    if not words or words == ['lock']:  # the end of what was disassembled cuts an instruction
        return None
    locked = words[0] == 'lock'
    mnemonic = words[locked]
    operands = words[-1] if len(words) > 1 + locked else ''
    found = None
    for found in MEMORY.finditer(operands):
        pass
    if found is None or NO_ACCESS.match(mnemonic):
        return None
    segment, offset, base, index, scale, other_segment, absolute = found.groups()
    atomic = locked or mnemonic.startswith('xchg')
    stores = atomic or found.end() == len(re.sub(r'\{.*?\}', '', operands)) and not READERS.match(mnemonic)
    if STRING_STORES.match(mnemonic):
        stores = True
    loads = not stores or atomic or not re.match(r'v?mov|set|st|pop', mnemonic)
    width = 64 if '%zmm' in operands else 32 if '%ymm' in operands else 16 if '%xmm' in operands else 1
    offset = int(offset or absolute or '0', 16)
    if base == '%rip':
        base, offset = None, target
    register = lambda name: PLACE[name[1:]] if name and name[1:] in PLACE else None
    segment = PLACE['fs' if (segment or other_segment) == 'f' else 'gs'] if segment or other_segment else None
    return Access(segment, register(base), register(index), int(scale or 1), offset, width - 1, loads, stores, atomic)


def is_fixed(path):
    """Whether an ELF file is loaded at the addresses that it names."""
    with open(path, 'rb') as file:
        return file.read(18)[16] == 2


class Image:
    """An executable file in the traced process's memory, disassembled function by function as it is used."""

    def __init__(self, path, base):
        self.path, self.base = path, base
        text = subprocess.run(['nm', '-nC', '--defined-only', path], capture_output=True, text=True).stdout
        text = text or subprocess.run(['nm', '-nDC', '--defined-only', path], capture_output=True, text=True).stdout
        symbols = re.findall(r'^([0-9a-f]+) [tTwWiuV] (.*)$', text, re.M)
        self.starts = [int(start, 16) for start, _ in symbols]
        self.names = [name for _, name in symbols]

    def function(self, address):
        at = bisect.bisect_right(self.starts, address - self.base) - 1
        return self.names[at] if at >= 0 else os.path.basename(self.path)

    def instructions(self, address):
        """The instructions of the function around an address: (address, Access or None)."""
        address -= self.base
        at = bisect.bisect_right(self.starts, address)
        start = self.starts[at - 1] if at else address
        stop = self.starts[at] if at < len(self.starts) else start + 0x1000
        if address - start > 1 << 20:
            start, stop = address, address + 64
        command = ['objdump', '-d', '--no-show-raw-insn', f'--start-address={start}', f'--stop-address={max(stop, address + 16)}']
        for line in subprocess.run([*command, self.path], capture_output=True, text=True).stdout.splitlines():
            if found := INSTRUCTION.match(line):
                place, text, target = found.groups()
                yield int(place, 16) + self.base, decode(text, int(target, 16) + self.base if target else 0)


class Code:
    """What each instruction of the traced process does."""

    def __init__(self):
        self.images = []
        self.accesses = {}

    def image(self, pid, address):
        for start, stop, image in self.images:
            if start <= address < stop:
                return image
        bases = {}
        with open(f'/proc/{pid}/maps') as maps:
            for line in maps:
                bounds, _, _, _, _, *path = line.split()
                start, stop = (int(bound, 16) for bound in bounds.split('-'))
                path = path[0] if path else ''
                base = bases.setdefault(path, start)
                if start <= address < stop:
                    if not path.startswith('/'):
                        return None
                    known = [image for _, _, image in self.images if image.path == path]
                    image = known[0] if known else Image(path, 0 if is_fixed(path) else base)
                    self.images.append((start, stop, image))
                    return image
        return None

    def learn(self, pid, address):
        """The access of an instruction seen for the first time."""
        if image := self.image(pid, address):
            for place, access in image.instructions(address):
                self.accesses[place] = access
        # The system's own page of code (vdso) isn't in a file.
        return self.accesses.setdefault(address, None)

    def function(self, address):
        for start, stop, image in self.images:
            if start <= address < stop:
                return image.function(address)
        return '?'


class Phase:
    """What one thread did between its two signals."""

    def __init__(self):
        self.steps = 0
        self.atomics = collections.Counter()  # by the instruction's address
        self.stores = collections.Counter()  # by (line, the instruction's address)
        self.touched = set()  # lines


def step_through(tid, code):
    """Steps from the signal that begins a phase to the one that ends it."""
    phase = Phase()
    registers = (ctypes.c_ulonglong * len(REGISTERS))()
    where = ctypes.addressof(registers)
    accesses, atomics, stores, touched = code.accesses, phase.atomics, phase.stores, phase.touched
    while True:
        ptrace(GETREGS, tid, None, where)
        rip = registers[RIP]
        access = accesses[rip] if rip in accesses else code.learn(tid, rip)
        if access is not None:
            segment, base, index, scale, address, last, _, is_store, atomic = access
            if base is not None:
                address += registers[base]
            if index is not None:
                address += registers[index] * scale
            if segment is not None:
                address += registers[segment]
            address &= (1 << 64) - 1
            for line in {address // LINE, (address + last) // LINE}:
                touched.add(line)
                if is_store:
                    stores[line, rip] += 1
            if atomic:
                atomics[rip] += 1
        phase.steps += 1
        ptrace(STEP, tid, None, None)
        _, status = os.waitpid(tid, ANY_THREAD)
        if not os.WIFSTOPPED(status):
            sys.exit('the traced program ended too early')
        if os.WSTOPSIG(status) == signal.SIGUSR2:
            return phase


def phases(command, count, code):
    """Runs the command and gives the phases in order."""
    child = os.fork()
    if child == 0:
        ptrace(TRACEME, 0, None, None)
        os.execvp(command[0], command)
    os.waitpid(child, 0)
    ptrace(SETOPTIONS, child, None, TRACE_CLONE | EXIT_KILL)
    ptrace(CONT, child, None, None)
    while count:
        tid, status = os.waitpid(-1, ANY_THREAD)
        if not os.WIFSTOPPED(status):
            if tid == child:
                sys.exit('the traced program failed')
            continue
        number = os.WSTOPSIG(status)
        if number == signal.SIGUSR1:
            yield step_through(tid, code)
            count -= 1
        ptrace(CONT, tid, None, 0 if number in (signal.SIGTRAP, signal.SIGSTOP, signal.SIGUSR1) else number)
    os.kill(child, signal.SIGKILL)


def shared_stores(few, many, others):
    """Stores of the additional turns to lines that the other thread used, by instruction."""
    found = collections.Counter()
    for (line, rip), count in many.stores.items():
        if line in others.touched and count > few.stores[line, rip]:
            found[rip] += count - few.stores[line, rip]
    return found


def main():
    parser = argparse.ArgumentParser(description='Count atomic operations and shared stores.')
    parser.add_argument('orochi')
    parser.add_argument('works', nargs='*')
    parser.add_argument('-t', '--turns', type=int, default=50)
    parser.add_argument('-v', '--verbose', action='store_true')
    options = parser.parse_args()
    works = options.works
    if not works:
        sys.path.insert(0, HERE)
        import programs
        works = [work.__name__ for work in programs.SHARED]
    # The first is done once more before: what the start of the program has left behind is reclaimed meanwhile.
    program = TRACED.format(here=HERE, works=[works[0], *works], turns=options.turns)
    code = Code()
    stream = phases([*shlex.split(options.orochi), '-c', program], 4 * len(works) + 4, code)
    for _ in range(4):
        next(stream)
    print(f'| {"of one turn":<20} | instructions | atomic operations | stores to shared memory |')
    print(f'|{"-" * 22}|-------------:|------------------:|------------------------:|')
    for work in works:
        few, many, other_few, other_many = (next(stream) for _ in range(4))
        turns = options.turns * 2
        atomics = many.atomics - few.atomics + (other_many.atomics - other_few.atomics)
        stores = shared_stores(few, many, other_many) + shared_stores(other_few, other_many, many)
        steps = many.steps - few.steps + other_many.steps - other_few.steps
        print(f'| {work:<20} | {steps / turns:>12.1f} | {atomics.total() / turns:>17.2f} | {stores.total() / turns:>23.2f} |', flush=True)
        if options.verbose:
            for title, counts in ('atomic', atomics), ('store', stores):
                functions = collections.Counter()
                for rip, count in counts.items():
                    functions[code.function(rip)] += count
                for name, count in functions.most_common():
                    print(f'    {title} {count / turns:.2f} {name}', flush=True)


if __name__ == '__main__':
    main()
