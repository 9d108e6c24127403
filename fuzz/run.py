"""Feeds arbitrary programs to an interpreter under limits, and keeps those that it doesn't survive.

    python fuzz/run.py INTERPRETER [--seconds N] [--seed N] [--jobs N]

Any Python runs this script; INTERPRETER is the command under test. Two kinds of programs are made:
- *texts*: pieces of Python sources, cut, doubled, swapped and spiced; they are compiled and not run;
- *calls*: built-in types, functions and methods called with values that are odd for them; they are run.

Programs run in batches, each batch in a process of its own with limits of time and memory. An exception is a fine
outcome. A crash or a panic is a finding: the batch is halved until one program is left, which is written to
fuzz/findings with what the interpreter said. The exit status is 1 if there are findings. Batches that take too long are counted,
but are no findings: many ask for just that. A seed gives the same programs again.
"""

import argparse
import glob
import hashlib
import os
import random
import resource
import shlex
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
BATCH = 60
TIME = 20  # seconds a batch may take
MEMORY = 4 << 30  # bytes of address space

VALUES = """None True False ... NotImplemented 0 1 -1 2 3 7 255 256 -256 2**31 2**62 2**63 -2**63 2**64 10**40 -10**40 0.0 -0.0 1.5 1e308
float('nan') float('inf') -float('inf') 1j complex('nan') '' 'a' 'abc' 'é' '\\ud800' '\\U0001f40d' '{}' '%s' '%d%%' '{0.x[1]!r:>{1}}' 'utf-8' 'strict' 'ascii' '<i' ','
'a,b,,c' 'ß' '\\0' b'' b'a' b'\\xff\\0abc' bytearray(b'xyz') memoryview(b'abcdef') memoryview(bytearray(8)) () (1,) (1,'a',None) ((),()) [] [1,2,3] [[]] ['a','b'] {}
{'a':1} {1:2,3:4} set() {1,2,3} frozenset({'a'}) range(0) range(10) range(10,0,-3) slice(None) slice(1,None,-1) slice(-2**70,2**70,3) iter([1,2]) iter('ab')
lambda:0 int str list dict type object print len Exception Exception('x',1) ValueError property() property(len) classmethod(len) staticmethod(len)
Odd() Odd Sub(3) Text('t') Seq([1]) Map(a=1) gen() map(str,[1]) zip('ab',[1,2]) enumerate('ab') reversed([1,2]) filter(None,[0,1]) type('T',(),{}) type(len) super(Sub,Sub(1)) (1).__add__ [].append
dict.fromkeys('ab') {}.keys() {1:2}.items() {1:2}.values() types.SimpleNamespace(a=1) types.MappingProxyType({}) list[int] int|str ExceptionGroup('g',[ValueError(1)]) compile('1','','eval') sys._getframe()""".split()
VALUES += ["(x for x in 'ab')", '(lambda *a, **k: (a, k))', '[].append', "' a b '", "ExceptionGroup('g', [KeyError(1), OSError(2, 'x')])"]

PRELUDE = """import sys, types
sys.setrecursionlimit(300)
class Odd:
    n = 0
    def turn(self, *a, **k):
        Odd.n += 1
        return [None, 1, 'x', (), self, -1, 2.5, NotImplemented, True, [], iter([1])][Odd.n % 11]
    __index__ = __len__ = __iter__ = __next__ = __add__ = __radd__ = __eq__ = __lt__ = __hash__ = __bool__ = __call__ = turn
    __getitem__ = __contains__ = __repr__ = __format__ = __int__ = __float__ = __enter__ = __exit__ = __get__ = turn
class Sub(int): pass
class Text(str): pass
class Seq(list): pass
class Map(dict): pass
def gen():
    x = yield 1
    for i in range(9): x = yield x
"""

SPICE = list('()[]{}:,.;=+-*/%@&|^~<>!\\"\'#\n\t 0_') + """lambda if else for in while def class async await yield from return with as try except finally raise match case
type import global nonlocal del pass break continue and or not is None True := -> ** // << >> == != ... *x **k f'{x!r:>{w}}' t'{x}' rb'' 0x_1 1e999 1_0j 'a' b'\\xff' \\N{DASH} \ufeff \u00e9 \U0001f40d \x0c
except* @x x: (x) [x] {x} {x:y} match(x) case{'a':1,**r}: case(A(x=1)|2)as(y): print __debug__ __class__ super()""".split()

TEXTS = ["x = 1\n", "def f(a, /, b=1, *c, d, **e) -> int:\n    return a + b\n", "class A[T: int = str](B, m=C):\n    x: T = 1\n    def g(self): return super().g()\n",
         "try:\n    pass\nexcept* (A, B) as e:\n    raise\nelse:\n    pass\nfinally:\n    pass\n", "async def f():\n    async with a as b, c: await d\n    async for x in y: yield x\n    return\n",
         "match x:\n    case [1, *_, A(b=2)] | {'k': v, **r} if v: pass\n    case -1.5+2j | 'a' 'b': pass\n    case _: pass\n", "[x for y in z if (w := y) for x in w]\n", "f'{x!r:{y}}{z=}' f\"\"\"{\n1}\"\"\"\n",
         "global x\nnonlocal y\n", "with (a as b, c): del a.b, c[d:e:f]\n", "x = yield from y if z else lambda *a, k=1: (yield)\n", "type X[*Ts, **P] = Callable[P, tuple[*Ts]]\n", "a: int; b.c: d = e; *f, g = h\n"]


def seeds():
    found = list(TEXTS)
    for path in sorted(glob.glob(os.path.join(HERE, '..', '*', 'programs', '*.py')) + glob.glob(os.path.join(HERE, '..', 'examples', '*.py'))):
        with open(path, encoding='utf-8') as file:
            found.append(file.read())
    return found


def make_text(rng, sources):
    text = rng.choice(sources)
    if len(text) > 600:
        start = rng.randrange(len(text) - 600)
        text = text[start:start + rng.randrange(40, 600)]
    for _ in range(rng.randrange(1, 7)):
        at, to = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
        kind = rng.randrange(5)
        if kind == 0:
            text = text[:at] + text[min(to, at + 20):]
        elif kind == 1:
            text = text[:at] + rng.choice(SPICE) + text[at:]
        elif kind == 2:
            text = text[:to] + text[at:to][:200] + text[to:]
        elif kind == 3:
            text = text[:at] + rng.choice(SPICE) * rng.choice([2, 5, 60]) + text[at:]
        else:
            text = text[:at] + rng.choice(sources)[:rng.randrange(80)] + text[at:]
    text = text[:4000]
    return f'compile({text!r}, "fuzz", {rng.choice(["exec", "exec", "eval", "single"])!r})'


def make_call(rng, _):
    value = lambda: rng.choice(VALUES)
    args = ', '.join(value() for _ in range(rng.choice([0, 1, 1, 1, 2, 2, 3])))
    kind = rng.randrange(9)
    if kind == 0:
        operator = rng.choice('+ - * / // % ** << >> & | ^ @ < <= == != > >= in is and'.split())
        big = operator in ('**', '<<')
        right = rng.choice(['0', '2', '-1', '1.5', "'a'", 'Odd()', 'None', '2**70']) if big else value()
        return f'r = ({value()}) {operator} ({right})'
    if kind == 1:
        return f'r = ({value()})[{value()}]'
    if kind == 2:
        return f'a = {rng.choice(["[1,2,3]", "bytearray(5)", "{}", "Odd()", "Seq([1,2])", "memoryview(bytearray(4))", "Map()"])}\na[{value()}] = {value()}\ndel a[{value()}]'
    if kind == 3:
        return f'r = {rng.choice(NAMES)}({args})'
    if kind == 4:
        return f'for r, _ in zip({value()}, range(20)): repr(r)'
    if kind == 5:
        return f'r = format({value()}, {rng.choice(["", ">10", "010,.3f", "x", "_b", "e", "99999999999", "<1000000000000", "c", "%", "n", "#o", "=+5", "z.2f"])!r})'
    if kind == 6:
        return f'setattr({value()}, {rng.choice(["__class__", "__dict__", "__name__", "__doc__", "x", "__bases__", "__code__", "__defaults__", "__traceback__", "args"])!r}, {value()})'
    # A method of the value, picked by number so that it needs no list of them here.
    number = rng.randrange(200)
    return f'v = {value()}\nnames = sorted(dir(v))\nname = names[{number} % len(names)]\nr = getattr(v, name)\nr = r({args})\nrepr(r)[:100]; hash(r)'


NAMES = """abs all any ascii bin bool bytearray bytes callable chr classmethod compile complex delattr dict dir divmod enumerate eval exec filter float format frozenset getattr
globals hasattr hash hex id int isinstance issubclass iter len list locals map max memoryview min next object oct ord pow print property range repr reversed round set setattr
slice sorted staticmethod str sum super tuple type vars zip __import__ __build_class__ types.FunctionType types.CodeType types.MethodType types.ModuleType types.GenericAlias types.CellType
ExceptionGroup BaseExceptionGroup UnicodeDecodeError UnicodeEncodeError OSError StopIteration SystemExit SyntaxError ImportError int.from_bytes bytes.fromhex str.maketrans dict.fromkeys
float.fromhex object.__new__ type.__new__ type.__call__ sys.intern sys.getsizeof sys.getrefcount""".split()


def script(programs):
    lines = [PRELUDE]
    for program in programs:
        lines.append(f'try: exec({program!r}, dict(globals()))\nexcept BaseException as error:\n    try: str(error)\n    except BaseException: pass')
    lines.append('sys.stderr.write("the end\\n")')
    return '\n'.join(lines)


def limits():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def command(text):
    """The words of a command whose program, if it is named by a path, is found from any folder."""
    program, *rest = shlex.split(text)
    return [os.path.abspath(program) if '/' in program else program, *rest]


def survives(interpreter, programs):
    """Whether a process that runs these programs ends as it should; else what happened."""
    try:
        done = subprocess.run([*interpreter, "-S", "-c", script(programs)], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, timeout=TIME, preexec_fn=limits, cwd='/tmp')
    except subprocess.TimeoutExpired:
        return 'it hangs'
    said = done.stderr.decode('utf-8', 'replace')
    if done.returncode != 0 or 'panicked at' in said or 'the end' not in said:
        return f'status {done.returncode}\n{said[-2000:]}'
    return None


def reduce(interpreter, programs, reason):
    while len(programs) > 1:
        half = len(programs) // 2
        for part in (programs[:half], programs[half:]):
            if why := survives(interpreter, part):
                programs, reason = part, why
                break
        else:
            break
    return programs, reason


def main():
    parser = argparse.ArgumentParser(description='Feed arbitrary programs to an interpreter.')
    parser.add_argument('interpreter')
    parser.add_argument('--seconds', type=float, default=600)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--jobs', type=int, default=1)
    options = parser.parse_args()
    interpreter, sources = command(options.interpreter), seeds()
    end, findings = time.monotonic() + options.seconds, {}
    slow = []

    def worker(number):
        count = 0
        while time.monotonic() < end:
            rng = random.Random(f'{options.seed}/{number}/{count}')
            make = rng.choice([make_text, make_call, make_call])
            programs = [make(rng, sources) for _ in range(BATCH)]
            count += 1
            if why := survives(interpreter, programs):
                if why == 'it hangs':
                    slow.append(count)
                    continue
                programs, why = reduce(interpreter, programs, why)
                line = next((line for line in why.splitlines() if 'panicked at' in line), why[:80])
                key = hashlib.sha1((line.rpartition('panicked at')[2] or line).encode()).hexdigest()[:10]
                if key not in findings:
                    findings[key] = line
                    print(f'finding {key}: {line}\n{programs[-1] if len(programs) == 1 else len(programs)}', flush=True)
                    os.makedirs(os.path.join(HERE, 'findings'), exist_ok=True)
                    with open(os.path.join(HERE, 'findings', key + '.py'), 'w', encoding='utf-8', errors='surrogatepass') as file:
                        file.write(script(programs) + ''.join('\n# ' + part for part in why.splitlines()) + '\n')
        return count * BATCH

    with ThreadPoolExecutor(options.jobs) as pool:
        total = sum(pool.map(worker, range(options.jobs)))
    print(f'{total} programs, {len(slow)} batches of {BATCH} were too slow, {len(findings)} findings')
    sys.exit(bool(findings))


if __name__ == '__main__':
    main()
