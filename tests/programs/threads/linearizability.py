"""Random histories of operations that several threads do on one object, checked against a sequential model.

    orochi tests/programs/threads/linearizability.py [SECONDS] [OBJECT]...

A history is linearizable if its operations can be put in an order that keeps every operation that ended before another began before it,
and in which each gives what it gives when one thread does all of them in that order (Herlihy and Wing 1990). The search is
that of Wing and Gong (1993) with Lowe's memory of states that lead nowhere (2017). The model is the object itself, used by one
thread. Each object gets SECONDS of histories; a seed that fails is printed, but threads don't repeat themselves.
"""

import collections
import itertools
import queue
import random
import sys
import threading
import time

THREADS = 3
OPERATIONS = 4  # of each thread in a history
OBJECTS = {}


class Kind:
    """What is done to objects of one kind.

    `make` builds an object of a state, `freeze` gives the state; `operations` are functions of the object and a small number.
    """

    def __init__(self, name, make, freeze, starts, operations, check=None):
        self.name = name
        self.make = make
        self.freeze = freeze
        self.starts = starts
        self.operations = operations
        # For what has more than one right answer: check(state, operation, number, result) gives the next state, or None.
        self.check = check or (lambda *args: NotImplemented)
        OBJECTS[name] = self

    def step(self, state, operation, number, result):
        """Whether the operation gives this result in this state: the next state in a tuple, or ()."""
        after = self.check(state, operation, number, result)
        if after is not NotImplemented:
            return () if after is None else (after,)
        thing = self.make(state)
        return (self.freeze(thing),) if outcome(operation, thing, number) == result else ()


def outcome(operation, thing, number):
    """What an operation gives; exceptions are results."""
    try:
        return operation(thing, number)
    except (LookupError, AttributeError, ValueError, queue.Empty, queue.Full) as error:
        return type(error)


class Call:
    __slots__ = ('operation', 'number', 'begin', 'end', 'result')

    def __repr__(self):
        return f'{self.begin:>3}..{self.end:<3} {self.operation.__name__}({self.number}) -> {self.result!r}'


def is_linearizable(kind, state, calls):
    """Whether some order explains the history."""
    calls = sorted(calls, key=lambda call: call.begin)
    hopeless = set()

    def search(state, done):
        if done == (1 << len(calls)) - 1:
            return True
        if (state, done) in hopeless:
            return False
        rest = [(1 << i, call) for i, call in enumerate(calls) if not done >> i & 1]
        # Whatever began before the first end among the rest may be next.
        first_end = min(call.end for _, call in rest)
        for bit, call in rest:
            if call.begin < first_end or call.end == first_end:
                for after in kind.step(state, call.operation, call.number, call.result):
                    if search(after, done | bit):
                        return True
        hopeless.add((state, done))
        return False
    return search(state, 0)


class Histories:
    """Threads that do operations on one object after another, at the same time."""

    def __init__(self, kind, seed):
        self.kind = kind
        self.random = random.Random(seed)
        self.clock = itertools.count()
        self.barrier = threading.Barrier(THREADS, action=self.next_round)
        self.end = 0
        self.thing = self.state = None
        self.calls = [[] for _ in range(THREADS)]
        self.arrived = [0] * THREADS
        self.histories = 0
        self.failure = None
        self.over = False

    def next_round(self):
        """Between two histories, when all threads wait: checks one and prepares the next."""
        if self.thing is not None:
            calls = [call for part in self.calls for call in part]
            if not is_linearizable(self.kind, self.state, calls):
                self.failure = self.state, calls
            self.histories += 1
        self.over = self.failure is not None or time.monotonic() >= self.end
        self.state = self.random.choice(self.kind.starts)
        self.thing = self.kind.make(self.state)
        for part in self.calls:
            part.clear()
            for _ in range(OPERATIONS):
                call = Call()
                call.operation = self.random.choice(self.kind.operations)
                call.number = self.random.randrange(4)
                part.append(call)

    def work(self, i):
        clock = self.clock
        while True:
            self.barrier.wait()
            if self.over:
                return
            # The barrier lets threads go one after the other; here they begin together.
            self.arrived[i] += 1
            turn, patience = self.arrived[i], 2000
            while min(self.arrived) < turn and patience:
                patience -= 1
            thing = self.thing
            for call in self.calls[i]:
                operation, number = call.operation, call.number
                begin = next(clock)
                result = outcome(operation, thing, number)
                call.end = next(clock)
                call.begin, call.result = begin, result

    def run(self, seconds):
        self.end = time.monotonic() + seconds
        threads = [threading.Thread(target=self.work, args=(i,)) for i in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def statement(source):
    """A statement on `o` and `n` as an operation."""
    namespace = {}
    exec(f'def operation(o, n):\n    {source}', namespace)
    namespace['operation'].__name__ = source
    return namespace['operation']


def statements(*sources):
    return [statement(source) for source in sources]


Kind('list', list, tuple, [(), (1,), (0, 1, 2), tuple(range(9))], statements(
    'o.append(n)', 'return o.pop()', 'return o.pop(0)', 'return o.pop(n)', 'o.insert(n, n)', 'o.extend((n, n))', 'return o[n]',
    'o[n] = n', 'del o[n]', 'return len(o)', 'return tuple(o)', 'return tuple(o[1:3])', 'o.clear()', 'o.reverse()',
    'o.remove(n)', 'o[1:n] = (n, 7)', 'return o[-1]', 'o[-1] = n', 'del o[-1]', 'return o[-n - 1]', 'o += [n]', 'return o.copy() == []', 'return tuple(o + [n])'))

Kind('dict', dict, lambda thing: tuple(thing.items()), [(), ((0, 0),), ((3, 3), (1, 1)), tuple((n, n) for n in range(2, 12))], statements(
    'o[n] = n + 10', 'o[n + 100] = n', 'return n + 100 in o', 'del o[n + 100]', 'return o[n]', 'return o.get(n)', 'del o[n]', 'return o.pop(n, None)', 'return o.popitem()',
    'return o.setdefault(n, n + 20)', 'return n in o', 'return len(o)', 'return tuple(o)', 'return tuple(o.items())',
    'o.clear()', 'return tuple(o.copy().values())', 'return tuple({**o}.items())', 'o[str(n)] = n'))


def set_check(state, operation, number, result):
    """pop() gives any element."""
    if operation.__name__ != 'return o.pop()':
        return NotImplemented
    if not state:
        return state if result is KeyError else None
    return state - {result} if result in state else None


Kind('set', set, frozenset, [frozenset(), frozenset([1]), frozenset(range(8))], statements(
    'o.add(n)', 'o.add(n + 100)', 'o.discard(n)', 'o.remove(n)', 'return o.pop()', 'return n in o', 'return len(o)',
    'return frozenset(o)', 'o.clear()', 'return frozenset(o.copy())', 'return frozenset(o | {n})'), set_check)

Kind('deque', collections.deque, tuple, [(), (1,), (0, 1, 2)], statements(
    'o.append(n)', 'o.appendleft(n)', 'return o.pop()', 'return o.popleft()', 'o.rotate(n - 1)', 'return len(o)',
    'return o.count(n)', 'return o.index(n)', 'o.clear()', 'return o[0]', 'o[0] = n', 'o.reverse()'))

Kind('bytearray', bytearray, bytes, [b'', b'\1', b'\0\1\2\3'], statements(
    'o.append(n)', 'return o.pop()', 'return o[n]', 'o[n] = n', 'o.extend(b"12")', 'return bytes(o)', 'return o.find(b"2")',
    'del o[1:n]', 'o[:2] = b"abc"', 'return len(o)', 'return bytes(o[1:])', 'o.clear()', 'o.insert(0, n)', 'o.reverse()'))


def simple_queue(items):
    made = queue.SimpleQueue()
    for item in items:
        made.put(item)
    return made


def drained(made):
    items = []
    while not made.empty():
        items.append(made.get())
    return tuple(items)


Kind('SimpleQueue', simple_queue, drained, [(), (1, 2)], statements(
    'o.put(n)', 'o.put(n + 10)', 'return o.get_nowait()', 'return o.qsize()', 'return o.empty()'))


class Thing:
    pass


def thing_of(state):
    made = Thing()
    for name, value in state:
        setattr(made, name, value)
    return made


Kind('instance', thing_of, lambda thing: tuple(vars(thing).items()), [(), (('a', 1), ('b', 2))], statements(
    'o.a = n', 'o.b = n', 'o.c = n', 'setattr(o, f"d{n}", n)', 'return o.a', 'return o.b', 'return getattr(o, f"d{n}")',
    'del o.a', 'del o.b', 'return tuple(vars(o).copy().items())', 'o.__dict__["a"] = n', 'return hasattr(o, "c")'))

try:
    from orochi.concurrent import AtomicInt, BoundedQueue
except ImportError:
    pass
else:
    Kind('AtomicInt', AtomicInt, int, [0, 5], statements(
        'return o.fetch_add(n)', 'return o.add(1 << 62)', 'return o.sub(n)', 'return o.swap(n)', 'return o.load()', 'o.store(n)',
        'return o.compare_exchange(n, n + 1)', 'return o.update(lambda x: x * 2)', 'return o.fetch_max(n)'))

    def bounded_queue(items):
        made = BoundedQueue(3)
        for item in items:
            made.put(item)
        return made

    Kind('BoundedQueue', bounded_queue, drained, [(), (1, 2), (1, 2, 3)], statements(
        'o.put_nowait(n)', 'return o.get_nowait()', 'return o.qsize()', 'return o.full()'))


def check_the_checker():
    """A list whose append() is a look and a store is found out, and so is a result that nothing explains."""
    kind = OBJECTS['list']
    append, length = kind.operations[0], kind.operations[9]

    def call(operation, number, begin, end, result):
        made = Call()
        made.operation, made.number, made.begin, made.end, made.result = operation, number, begin, end, result
        return made
    lost = [call(append, 1, 0, 3, None), call(append, 2, 1, 2, None), call(length, 0, 4, 5, 1)]
    assert not is_linearizable(kind, (), lost)
    assert is_linearizable(kind, (), [*lost[:2], call(length, 0, 4, 5, 2)])
    assert is_linearizable(kind, (), [lost[0], call(length, 0, 1, 2, 0)])
    assert not is_linearizable(kind, (), [call(append, 1, 0, 1, None), call(length, 0, 2, 3, 0)])


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    check_the_checker()
    for name in sys.argv[2:] or list(OBJECTS):
        seed = random.randrange(1 << 30)
        histories = Histories(OBJECTS[name], seed)
        histories.run(seconds)
        if histories.failure:
            state, calls = histories.failure
            print(f'{name} (seed {seed}): no order explains this history, which began with {state!r}:')
            for call in sorted(calls, key=lambda call: call.begin):
                print('  ', call)
            sys.exit(1)
        print(f'{name}: {histories.histories} histories', flush=True)


if __name__ == '__main__':
    main()
