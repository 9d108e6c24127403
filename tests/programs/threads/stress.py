"""Threads in every kind of quarrel that programs get into, for a number of seconds each.

    orochi tests/programs/threads/stress.py [SECONDS] [SCENARIO]...
    orochi tests/programs/threads/stress.py --list

OROCHI_VERIFY=1 checks the heap meanwhile; OROCHI_STRESS=SEED makes threads give way at random safepoints. Each scenario
checks what must hold however its threads are interleaved.
"""

import collections
import contextlib
import functools
import itertools
import os
import queue
import subprocess
import sys
import threading
import time
import weakref

SCENARIOS = {}
THREADS = 4


def scenario(function):
    SCENARIOS[function.__name__] = function
    return function


class Run:
    """Threads that do something again and again until the time is over; their exceptions are raised at the end."""

    def __init__(self, seconds):
        self.end = time.monotonic() + seconds
        self.threads = []
        self.errors = []

    def over(self):
        return time.monotonic() >= self.end

    def start(self, function, *args, number=1):
        def repeat(*args):
            try:
                while not self.over():
                    function(*args)
            except BaseException as error:
                self.errors.append(error)
        for i in range(number):
            thread = threading.Thread(target=repeat, args=args)
            self.threads.append(thread)
            thread.start()

    def join(self):
        for thread in self.threads:
            thread.join()
        if self.errors:
            raise self.errors[0]


class Node:
    def __init__(self, *children):
        self.children = list(children)
        self.parent = None
        for child in children:
            child.parent = self


@scenario
def producers_and_consumers(run):
    works = [queue.Queue(10), queue.SimpleQueue(), queue.LifoQueue(20)]
    sums = collections.Counter()
    lock = threading.Lock()

    def produce(work):
        for i in range(20):
            work.put((i, [i, str(i)]))
            with lock:
                sums['put'] += i
        work.put(None)

    def consume(work):
        while True:
            try:
                item = work.get(timeout=0.05)
            except queue.Empty:
                return
            if item is None:
                return
            assert item[1] == [item[0], str(item[0])]
            with lock:
                sums['got'] += item[0]

    for work in works:
        def get(work=work):
            consume(work)

        def put(work=work):
            try:
                produce(work)
            except queue.Full:
                pass
        run.start(put)
        run.start(get, number=2)
    # Producers of the bounded queues may wait for room when the consumers have gone.
    while not run.over():
        time.sleep(0.01)
    while any(thread.is_alive() for thread in run.threads):
        for work in works:
            with contextlib.suppress(queue.Empty):
                item = work.get(timeout=0.01)
                if item is not None:
                    with lock:
                        sums['got'] += item[0]
    for work in works:
        while not work.empty():
            item = work.get()
            if item is not None:
                sums['got'] += item[0]
    assert sums['put'] == sums['got'], sums


@scenario
def shared_caches(run):
    @functools.lru_cache(maxsize=20)
    def few(i):
        return (i, Node(Node()))

    @functools.cache
    def many(i):
        return [i] * 3

    table = {}

    def look():
        for i in range(60):
            assert few(i % 25)[0] == i % 25
            assert many(i % 50) == [i % 50] * 3
            table.setdefault(i % 10, Node())
            table.pop((i + 3) % 10, None)

    def clear():
        few.cache_clear()
        table.clear()
        time.sleep(0.001)

    run.start(look, number=THREADS)
    run.start(clear)


@scenario
def containers(run):
    items, table, members, line = [], {}, set(), collections.deque(maxlen=50)
    names = [f'name {i}' for i in range(40)]

    def change():
        for i, name in enumerate(names):
            items.append(Node())
            table[name] = [i]
            members.add((name, i % 7))
            line.append(name)
            if i % 3 == 0:
                with contextlib.suppress(IndexError):
                    items.pop(0)
                    line.popleft()
                table.pop(names[i // 2], None)
                members.discard((names[i // 2], 3))
        if len(items) > 200:
            del items[10:150]
            items[2:4] = [1, 2, 3]
            items.reverse()
        if len(members) > 250:
            members.clear()

    def look():
        for item in items:
            assert isinstance(item, (Node, int))
        with contextlib.suppress(RuntimeError):
            for name, value in table.items():
                assert names[value[0]] == name
        with contextlib.suppress(RuntimeError):
            for name, number in members:
                assert number < 7
        with contextlib.suppress(RuntimeError):
            ''.join(line)
        assert len(list(items)) >= 0
        copy = dict(table)
        assert all(names[value[0]] == name for name, value in copy.items())
        sorted(table)
        items.copy()
        members | {1}

    run.start(change, number=2)
    run.start(look, number=THREADS)


@scenario
def threads_by_the_thousand(run):
    results = []

    def short(n):
        results.append(Node(Node(), *[Node() for _ in range(n)]))

    def begin():
        threads = [threading.Thread(target=short, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        results.clear()
        cycle = Node()
        cycle.children.append(cycle)

    run.start(begin, number=2)


@scenario
def generators_and_tracebacks(run):
    passed = queue.SimpleQueue()

    def generate():
        node = Node(Node())
        try:
            for i in range(10):
                received = yield i, node
                assert received is None or received is node
        finally:
            node.children.clear()

    def fail(depth):
        local = Node()
        if depth:
            fail(depth - 1)
        raise ValueError(local)

    def give():
        generator = generate()
        next(generator)
        passed.put(generator)
        try:
            fail(4)
        except ValueError as error:
            passed.put(error)
        while passed.qsize() > 50 and not run.over():
            time.sleep(0.001)

    def take():
        try:
            item = passed.get(timeout=0.05)
        except queue.Empty:
            return
        if isinstance(item, ValueError):
            depth = 0
            trace = item.__traceback__
            while trace is not None:
                trace.tb_frame.f_locals
                depth += 1
                trace = trace.tb_next
            assert depth == 6, depth
            with contextlib.suppress(ValueError):
                raise item
        else:
            for i, node in itertools.islice(item, 5):
                assert node.children
            if item.gi_frame.f_lineno % 2:
                item.close()

    run.start(give, number=2)
    run.start(take, number=2)


@scenario
def one_generator(run):
    def count():
        for i in range(1000):
            yield i
    state = [count()]

    def advance():
        generator = state[0]
        try:
            next(generator)
        except StopIteration:
            state[0] = count()
        except ValueError as error:
            assert 'already executing' in str(error)

    run.start(advance, number=THREADS)


@scenario
def classes_changed_while_used(run):
    class Base:
        value = 1

        def method(self):
            return self.value

        def __len__(self):
            return 1

    class Derived(Base):
        pass

    class Other(Base):
        value = 3

    objects = [Derived() for _ in range(5)]

    def use():
        for thing in objects:
            assert thing.method() in (1, 2, 3)
            assert len(thing) in (1, 2)
            assert isinstance(thing, Base)
            with contextlib.suppress(AttributeError):
                thing.extra
            thing.attribute = 1
            with contextlib.suppress(AttributeError):
                del thing.attribute

    def change():
        Base.value = 2
        Base.__len__ = lambda self: 2
        Derived.extra = Node()
        Derived.method = lambda self: 3
        del Derived.method
        del Derived.extra
        Base.value = 1
        Base.__len__ = lambda self: 1
        for thing in objects:
            thing.__class__ = Other
            thing.__class__ = Derived

    def bases():
        class First(Base):
            pass

        class Second(Base):
            pass

        class Third(First):
            pass
        thing = Third()
        Third.__bases__ = (Second,)
        assert thing.method() in (1, 2)
        Base.__subclasses__()

    run.start(use, number=THREADS)
    run.start(change)
    run.start(bases)


@scenario
def classes_made_and_dropped(run):
    def make():
        class Made(Node):
            __slots__ = ('slot',)

            def method(self):
                return super().__init__(), __class__
        thing = Made(Made())
        thing.slot = Made
        thing.method()
        collections.namedtuple('Pair', 'a b')(1, 2)
        type('Empty', (int,), {})(3)

    run.start(make, number=THREADS)


@scenario
def weak_dictionaries(run):
    values = weakref.WeakValueDictionary()
    keys = weakref.WeakKeyDictionary()
    members = weakref.WeakSet()
    kept = collections.deque(maxlen=30)
    called = []

    def put():
        for i in range(30):
            node = Node()
            values[i] = node
            keys[node] = i
            members.add(node)
            weakref.ref(node, called.append)
            if i % 3 == 0:
                kept.append(node)
        called.clear()

    def look():
        for i in range(30):
            node = values.get(i)
            assert node is None or isinstance(node, Node)
        with contextlib.suppress(RuntimeError):
            assert all(isinstance(i, int) for i in list(keys.values()))
        len(members)
        with contextlib.suppress(RuntimeError):
            list(members)

    run.start(put, number=2)
    run.start(look, number=2)


@scenario
def resurrection(run):
    saved = collections.deque(maxlen=20)

    class Phoenix:
        def __init__(self):
            self.self = self
            self.node = Node(Node())

        def __del__(self):
            assert self.node.children
            saved.append(self)

    def burn():
        for _ in range(20):
            Phoenix()
            plain = Phoenix()
            plain.self = None
            del plain

    def look():
        with contextlib.suppress(IndexError, RuntimeError):
            for phoenix in saved:
                assert phoenix.node.children
        with contextlib.suppress(IndexError):
            saved.popleft()

    run.start(burn, number=2)
    run.start(look, number=2)


@scenario
def attributes_of_one_instance(run):
    node = Node()
    node.left = node.right = 0

    def write(i):
        for n in range(50):
            node.left = n
            setattr(node, f'own{i}', [n])
            assert getattr(node, f'own{i}') == [n]
            if n % 10 == 0:
                delattr(node, f'own{i}')
                node.__dict__[f'other{n % 3}'] = n

    def read():
        for n in range(50):
            assert isinstance(node.left, int)
            vars(node)
            dict(node.__dict__)

    for i in range(3):
        run.start(write, i)
    run.start(read, number=2)


@scenario
def locks_and_conditions(run):
    lock, again, condition = threading.Lock(), threading.RLock(), threading.Condition()
    event, semaphore = threading.Event(), threading.BoundedSemaphore(2)
    inside = [0, 0]
    tokens = []

    def use():
        with lock:
            inside[0] += 1
            assert inside[0] == 1
            inside[0] -= 1
        with again, again:
            inside[1] += 1
            assert inside[1] == 1
            inside[1] -= 1
        with semaphore:
            event.set()
            event.wait(0.01)
            event.clear()
        with condition:
            tokens.append(1)
            condition.notify()
        with condition:
            condition.wait_for(lambda: tokens, 0.01)
            if tokens:
                tokens.pop()

    run.start(use, number=THREADS)


@scenario
def globals_changed_while_read(run):
    namespace = {'value': 1, 'Node': Node}
    exec('def read():\n    return value\ndef make():\n    return Node(Node())', namespace)

    def read():
        for _ in range(50):
            try:
                assert namespace['read']() in (1, 2)
            except NameError:
                pass
            namespace['make']()

    def change():
        namespace['value'] = 2
        del namespace['value']
        for i in range(30):
            namespace[f'more{i}'] = i
        namespace['value'] = 1
        for i in range(30):
            del namespace[f'more{i}']

    run.start(read, number=THREADS)
    run.start(change)


@scenario
def files(run):
    import tempfile
    with tempfile.TemporaryFile('w+') as file:
        def write():
            file.write('line\n' * 5)
            file.flush()

        def read():
            file.seek(0)
            file.readline()

        run.start(write, number=2)
        run.start(read, number=2)
        run.join()


@scenario
def processes(run):
    def spawn():
        done = subprocess.run([sys.executable, '-S', '-c', 'print(1)'], capture_output=True, text=True)
        assert done.stdout == '1\n', done

    def allocate():
        nodes = [Node(Node()) for _ in range(100)]
        nodes[0].children.append(nodes)

    def fork():
        child = os.fork()
        if child == 0:
            status = 1
            try:
                thread = threading.Thread(target=allocate)
                thread.start()
                thread.join()
                status = 0 if threading.active_count() == 1 else 2
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0

    run.start(spawn)
    run.start(allocate, number=2)
    run.start(fork)


@scenario
def imports(run):
    """Several threads import the same new modules: each is executed once, and found whole."""
    import importlib
    import tempfile
    numbers = itertools.count()
    with tempfile.TemporaryDirectory() as parent:
        executed = sys.modules['executed_modules'] = collections.Counter()

        def several(folder):
            name = f'stress_module_{next(numbers)}'
            # Not in a circle: then importlib would find a deadlock, here as in CPython.
            for suffix, other in (('a', 'c'), ('b', 'a'), ('c', 'd'), ('d', None)):
                with open(os.path.join(folder, f'{name}_{suffix}.py'), 'w') as file:
                    file.write(f'import sys; sys.modules["executed_modules"][__name__] += 1\n'
                               f'{f"import {name}_{other}" if other else ""}\nclass Thing: pass\nvalue = [Thing()]\n')
            importlib.invalidate_caches()
            errors = []

            def load(suffix):
                try:
                    module = importlib.import_module(f'{name}_{suffix}')
                    assert type(module.value[0]) is module.Thing
                except BaseException as error:
                    errors.append(error)
            threads = [threading.Thread(target=load, args=(suffix,)) for suffix in 'aabb']
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            if errors:
                raise errors[0]
            for suffix in 'abcd':
                assert executed.pop(f'{name}_{suffix}') == 1, (name, suffix)
                del sys.modules[f'{name}_{suffix}']

        # A folder for each: what one thread adds to a folder while another lists it may be overlooked.
        folders = [os.path.join(parent, name) for name in 'xy']
        sys.path += folders
        for folder in folders:
            os.mkdir(folder)
            run.start(several, folder)
        run.join()
        del sys.path[-len(folders):]


@scenario
def thread_locals_and_contexts(run):
    import contextvars
    local = threading.local()
    variable = contextvars.ContextVar('variable', default=None)
    contexts = collections.deque(maxlen=10)

    def use(i):
        local.node = Node(i)
        token = variable.set(i)
        contexts.append(contextvars.copy_context())
        with contextlib.suppress(IndexError, RuntimeError):
            contexts[-1].run(lambda: variable.set(Node()))
        assert local.node.children == [i] and variable.get() is i
        variable.reset(token)
        with contextlib.suppress(IndexError):
            contexts.popleft()

    def brief():
        thread = threading.Thread(target=use, args=(Node(),))
        thread.start()
        thread.join()

    for _ in range(2):
        run.start(use, Node())
    run.start(brief)


@scenario
def event_loops(run):
    import asyncio

    async def child(i):
        await asyncio.sleep(0)
        if i % 3 == 0:
            raise ValueError(i)
        return Node(Node())

    async def main():
        return await asyncio.gather(*(child(i) for i in range(5)), return_exceptions=True)

    async def other_thread():
        return await asyncio.to_thread(lambda: [Node()])

    def loop():
        found = asyncio.run(main())
        assert [type(result).__name__ for result in found] == ['ValueError', 'Node', 'Node', 'ValueError', 'Node']
        assert isinstance(asyncio.run(other_thread())[0], Node)

    run.start(loop, number=2)


@scenario
def heaps_and_sorting(run):
    import bisect
    import heapq
    heap, ordered = [], []
    added, taken = collections.Counter(), collections.Counter()
    lock = threading.Lock()

    def add():
        for i in range(20):
            heapq.heappush(heap, i)
        with lock:
            added.update(range(20))

    def take():
        mine = collections.Counter()
        with contextlib.suppress(IndexError):
            for _ in range(20):
                mine[heapq.heappop(heap)] += 1
        with lock:
            taken.update(mine)

    def sort():
        with contextlib.suppress(ValueError):
            ordered.sort(key=lambda item: item)
        ordered.append(3)
        # The list may be cleared while the place is searched.
        with contextlib.suppress(IndexError):
            bisect.insort(ordered, 2)
        if len(ordered) > 50:
            ordered.clear()

    run.start(add, number=2)
    run.start(take, number=2)
    run.start(sort, number=2)
    run.join()
    taken.update(heap)
    assert added == taken


@scenario
def buffers(run):
    data = bytearray(64)
    view = memoryview(bytearray(64))

    def write(i):
        data[i:i + 8] = bytes([i]) * 8
        view[i:i + 8] = bytes([i]) * 8
        with contextlib.suppress(BufferError):
            data.extend(b'1234')
            del data[64:]
        with memoryview(data) as other:
            other[:4].tobytes()
            with contextlib.suppress(BufferError):
                data.append(1)

    def read():
        bytes(data)
        data.find(b'1')
        data.decode('latin-1').upper()
        assert len(view.tobytes()) == 64
        int.from_bytes(view[:8])

    for i in (0, 8, 16):
        run.start(write, i)
    run.start(read, number=2)


@scenario
def interpreters(run):
    import _interpqueues
    import _interpreters
    answers = _interpqueues.create(0, 3)
    made = []

    def insist(function, *args):
        """Others may be running the interpreter."""
        while True:
            try:
                return function(*args)
            except _interpreters.InterpreterError:
                time.sleep(0.001)

    def live_and_die():
        interpreter = _interpreters.create()
        made.append(interpreter)
        for i in range(3):
            failure = insist(_interpreters.exec, interpreter, f'import _interpqueues; _interpqueues.put({answers}, ("text", {i}))')
            assert failure is None, failure
        assert _interpreters.call(interpreter, len, ([1, 2],))[0] == 2
        failure = insist(_interpreters.exec, interpreter, 'raise ValueError("as it should be")')
        assert failure.type.__name__ == 'ValueError'
        insist(_interpreters.destroy, interpreter)

    def meddle():
        """Runs in interpreters that others end."""
        for interpreter in made[-3:]:
            with contextlib.suppress(_interpreters.InterpreterError):
                _interpreters.exec(interpreter, 'value = [i for i in range(20)]')
            with contextlib.suppress(_interpreters.InterpreterError):
                _interpreters.set___main___attrs(interpreter, {'other': 'text'})
        _interpreters.list_all()

    def collect():
        with contextlib.suppress(_interpqueues.QueueError):
            item = _interpqueues.get(answers)[0]
            assert item is None or item[0] == 'text', item

    run.start(live_and_die, number=2)
    run.start(meddle)
    run.start(collect)
    run.join()
    assert len(set(made)) == len(made), 'two interpreters have one number'
    _interpqueues.destroy(answers)


@scenario
def monitored_code(run):
    monitoring = sys.monitoring
    events = monitoring.events
    seen = collections.Counter()

    def step(i):
        if i % 3:
            return [i]
        raise ValueError(i)

    def numbers():
        for i in range(10):
            yield i

    def work():
        total = 0
        for i in numbers():
            try:
                total += step(i)[0]
            except ValueError:
                total += 1
        assert total == 31, total

    def watch(tool):
        monitoring.use_tool_id(tool, f'tool {tool}')
        try:
            for event in (events.PY_START, events.LINE, events.CALL, events.RAISE, events.PY_YIELD, events.BRANCH_LEFT):
                def callback(code, *rest, event=event):
                    seen[event] += 1
                    return monitoring.DISABLE if event == events.LINE and rest[0] % 2 else None
                monitoring.register_callback(tool, event, callback)
            monitoring.set_local_events(tool, step.__code__, events.LINE | events.PY_START)
            monitoring.set_events(tool, events.PY_START | events.CALL | events.RAISE | events.PY_YIELD)
            work()
            monitoring.restart_events()
            monitoring.set_events(tool, events.NO_EVENTS)
            work()
        finally:
            monitoring.free_tool_id(tool)

    def trace():
        def tracer(frame, event, argument):
            return tracer if frame.f_code is step.__code__ else None
        sys.settrace(tracer)
        work()
        sys.settrace(None)

    run.start(work, number=2)
    run.start(watch, 3)
    run.start(watch, 4)
    run.start(trace)


@scenario
def mapped_memory(run):
    import mmap
    import tempfile
    file = tempfile.TemporaryFile()
    file.write(bytes(4 * mmap.PAGESIZE))
    file.flush()
    maps = [mmap.mmap(file.fileno(), 2 * mmap.PAGESIZE)]

    def quiet(function):
        def attempt():
            # It may be closed, lent or of another size at the moment.
            with contextlib.suppress(ValueError, IndexError, BufferError):
                function(maps[0])
        return attempt

    def write(memory):
        memory[7] = 65
        memory[10:20] = b'x' * 10
        memory.seek(30)
        memory.write(b'some text\n')

    def read(memory):
        assert len(memory[10:12]) == 2
        memory.find(b'text')
        memory.seek(0)
        memory.readline()
        memory.move(100, 0, 50)

    def lend(memory):
        with memoryview(memory) as view:
            bytes(view[:40])
            memory[50:60] = view[10:20]
        memory.flush()

    def replace(memory):
        memory.resize(mmap.PAGESIZE * (1 + len(memory) // mmap.PAGESIZE % 3))
        memory.close()
        maps[0] = mmap.mmap(file.fileno(), mmap.PAGESIZE)

    for function in write, read, lend, replace:
        run.start(quiet(function))


EXITS = """
import threading, time, sys
class Node:
    def __init__(self): self.me = self
    def __del__(self): [].append(1)
kept = []
def work():
    while True:
        kept.append([Node(), {}, 'x' * 3])
        del kept[:-50]
        try: raise ValueError
        except ValueError: pass
        with lock: time.sleep(0)
lock = threading.Lock()
for i in range(4): threading.Thread(target=work, daemon=True).start()
time.sleep(%f)
%s
"""


@scenario
def exits_in_the_middle(run):
    endings = itertools.cycle([('', 0), ('sys.exit(3)', 3), ('raise SystemError("end")', 1)])

    def leave():
        ending, status = next(endings)
        program = EXITS % (0.02, ending)
        done = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True, timeout=60)
        assert done.returncode == status, done

    run.start(leave)


def main():
    if sys.argv[1:] == ['--list']:
        print(*SCENARIOS, sep='\n')
        return
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    names = sys.argv[2:] or list(SCENARIOS)
    # As threads do when they end by themselves.
    import warnings
    warnings.simplefilter('ignore', DeprecationWarning)
    for name in names:
        start = time.monotonic()
        run = Run(seconds)
        SCENARIOS[name](run)
        run.join()
        print(f'{name}: {time.monotonic() - start:.1f} s', flush=True)


if __name__ == '__main__':
    main()
