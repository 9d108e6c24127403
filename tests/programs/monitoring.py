# sys.monitoring: each event, for all code or for one code object, switched off at a place and on again, and in threads.
import sys
import threading

monitoring = sys.monitoring
events = monitoring.events
TOOL = monitoring.DEBUGGER_ID
monitoring.use_tool_id(TOOL, 'test')
seen = []


def show(value):
    if value is monitoring.MISSING:
        return 'MISSING'
    simple = isinstance(value, (int, str, list, type(None)))
    return repr(value) if simple else getattr(value, '__name__', type(value).__name__)


def watch(*names):
    for name in names:
        if name == 'LINE':
            def callback(code, line, name=name):
                seen.append((name, code.co_name, line - code.co_firstlineno))
        elif name in ('JUMP', 'BRANCH_LEFT', 'BRANCH_RIGHT'):
            def callback(code, offset, to, name=name):
                seen.append((name, code.co_name))
        else:
            def callback(code, offset, *about, name=name):
                seen.append((name, code.co_name, *map(show, about)))
        monitoring.register_callback(TOOL, getattr(events, name), callback)
    return sum(getattr(events, name) for name in names if name not in ('C_RETURN', 'C_RAISE'))


def run(function, *names, code=None):
    wanted = watch(*names)
    if code is None:
        monitoring.set_events(TOOL, wanted)
    else:
        monitoring.set_local_events(TOOL, code, wanted)
    try:
        function()
    except Exception as error:
        print('raised', type(error).__name__)
    if code is None:
        monitoring.set_events(TOOL, 0)
    else:
        monitoring.set_local_events(TOOL, code, 0)
    for name in names:
        monitoring.register_callback(TOOL, getattr(events, name), None)
    print(function.__name__, *names)
    for event in seen:
        if event[1] != 'run':
            print('   ', *event)
    seen.clear()


class Plain:
    def __init__(self, fail=False):
        if fail:
            raise ValueError

    def method(self, x):
        return x


def helper_of_calls(x):
    pass


def calls():
    p = Plain()
    p.method(1)
    bound = p.method
    bound(2)
    Plain.method(p, 3)
    helper_of_calls(*[4])
    [].append(5)
    len('abc')
    try:
        Plain(True)
    except ValueError:
        pass
    try:
        int('x')
    except ValueError:
        pass


def numbers():
    x = yield 1
    yield x


def outer():
    result = yield from numbers()
    return 'end'


def generators():
    for x in outer():
        pass
    g = numbers()
    next(g)
    g.send(5)
    try:
        g.throw(KeyError)
    except KeyError:
        pass
    h = numbers()
    next(h)
    h.close()


def lines(n=0):
    for i in range(2):
        if i:
            n += 1
        else:
            n += 2
    while n < 5:
        n += 1
    return n


def exceptions():
    try:
        try:
            raise KeyError
        finally:
            x = 1
    except KeyError as error:
        try:
            raise
        except LookupError:
            pass
    helper()


def helper():
    raise IndexError


async def coroutine():
    async for x in asynchronous():
        pass
    return await inner()


async def inner():
    return 7


async def asynchronous():
    yield 1


def drive():
    try:
        coroutine().send(None)
    except StopIteration as stop:
        assert stop.value == 7


run(calls, 'CALL', 'C_RETURN', 'C_RAISE', 'PY_START', 'PY_RETURN', 'PY_UNWIND')
run(generators, 'PY_START', 'PY_RESUME', 'PY_YIELD', 'PY_RETURN', 'PY_THROW', 'PY_UNWIND', 'STOP_ITERATION')
run(drive, 'PY_START', 'PY_RETURN', 'PY_YIELD')
run(lines, 'LINE', code=lines.__code__)
run(lines, 'BRANCH_LEFT', 'BRANCH_RIGHT', code=lines.__code__)
run(exceptions, 'RAISE', 'RERAISE', 'EXCEPTION_HANDLED', 'PY_UNWIND')

# An event that is off at a place, and on again.
count = 0
def callback(code, line):
    global count
    count += 1
    return monitoring.DISABLE
monitoring.register_callback(TOOL, events.LINE, callback)
monitoring.set_local_events(TOOL, lines.__code__, events.LINE)
lines()
first = count
lines()
assert count == first > 5, (count, first)
monitoring.restart_events()
lines()
assert count == 2 * first
monitoring.set_local_events(TOOL, lines.__code__, 0)
monitoring.register_callback(TOOL, events.LINE, None)

# Exceptions can't be switched off; a callback's exception arises in the code.
def refuse(code, offset, error):
    return monitoring.DISABLE
monitoring.register_callback(TOOL, events.RAISE, refuse)
monitoring.set_events(TOOL, events.RAISE)
try:
    helper()
except ValueError as error:
    print(error)
monitoring.set_events(TOOL, 0)

# Offsets are those that dis and code objects know.
import dis
import inspect
def straight(x):
    y = x + 1
    return y * len
offsets = []
monitoring.register_callback(TOOL, events.INSTRUCTION, lambda code, offset: offsets.append(offset))
monitoring.set_local_events(TOOL, straight.__code__, events.INSTRUCTION)
try:
    straight(1)
except TypeError:
    pass
monitoring.set_local_events(TOOL, straight.__code__, 0)
known = [i.offset for i in dis.get_instructions(straight) if i.opname != 'RESUME']
print('offsets', offsets == known[:len(offsets)], len(offsets) >= 3)
branches = []
monitoring.register_callback(TOOL, events.BRANCH_LEFT, lambda code, offset, to: branches.append((offset, to)))
monitoring.set_local_events(TOOL, lines.__code__, events.BRANCH_LEFT)
lines()
monitoring.set_local_events(TOOL, lines.__code__, 0)
print('branches', set(branches) <= {(offset, left) for offset, left, right in lines.__code__.co_branches()})
print(inspect.getclosurevars(straight).builtins)

# Threads that run already are told of, and new ones.
counts = {}
stop = threading.Event()
def turn():
    pass
def work():
    while not stop.is_set():
        turn()
def tell(code, offset):
    counts[threading.get_ident()] = counts.get(threading.get_ident(), 0) + 1
threads = [threading.Thread(target=work) for _ in range(2)]
threads[0].start()
monitoring.register_callback(TOOL, events.PY_START, tell)
monitoring.set_local_events(TOOL, turn.__code__, events.PY_START)
threads[1].start()
while len(counts) < 2:
    pass
monitoring.free_tool_id(TOOL)
before = dict(counts)
stop.set()
for thread in threads:
    thread.join()
print('threads', len(counts), monitoring.get_tool(TOOL))
