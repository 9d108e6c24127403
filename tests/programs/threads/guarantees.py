"""A test for each line of docs/thread-safety.md: what is atomic, and what another thread can see.

    orochi tests/programs/threads/guarantees.py [SECONDS] [TEST]...
"""

import collections
import contextlib
import io
import itertools
import mmap
import queue
import sys
import tempfile
import threading
import time
import weakref

TESTS = {}
SECONDS = 0.1


def test(function):
    TESTS[function.__name__] = function
    return function


def together(*functions):
    """Calls each function again and again, each in a thread of its own, for a while."""
    end = time.monotonic() + SECONDS
    errors = []

    def repeat(function):
        try:
            while time.monotonic() < end and not errors:
                for _ in range(20):
                    function()
        except BaseException as error:
            errors.append(error)
    threads = [threading.Thread(target=repeat, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def counted(function, times=300, threads=4):
    """Calls the function `times` times in each of some threads."""
    def repeat():
        for _ in range(times):
            function()
    workers = [threading.Thread(target=repeat) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return times * threads


@test
def list_item():
    items = [(0, 0)] * 10

    def write():
        for i in range(10):
            items[i] = (i, -i)

    def read():
        for i in range(10):
            a, b = items[i]
            assert a == -b
    together(write, read, read)


@test
def list_ends():
    items = [0, 1]

    def write():
        for i in range(2, 50):
            items.pop()
            items.append(i)
            items.insert(0, 0)
            del items[0]

    def read():
        for i in range(50):
            assert items[-1] in range(50)
            assert 1 <= len(items) <= 3
            items[-1] = i
    together(write, read)


@test
def list_append():
    items = []
    number = counted(lambda: items.append(1))
    assert len(items) == sum(items) == number


@test
def list_pop():
    items = list(range(1200))
    taken = []
    counted(lambda: taken.append(items.pop()))
    assert items == [] and sorted(taken) == list(range(1200))


@test
def list_insert_and_remove():
    items = []
    number = counted(lambda: items.insert(len(items) // 2, 7))
    assert items == [7] * number
    counted(lambda: items.remove(7))
    assert items == []


@test
def list_extend():
    items = []
    sources = [[1, 2, 3], (1, 2, 3), {1: 0, 2: 0, 3: 0}, {1: 1, 2: 2, 3: 3}.values(), dict.fromkeys([1, 2, 3]).keys()]
    turns = itertools.cycle(sources)

    def extend():
        items.extend(next(turns))
    together(extend, extend, lambda: items.__iadd__([1, 2, 3]))
    assert items == [1, 2, 3] * (len(items) // 3)


@test
def list_slice():
    items = [0] * 20

    def write():
        for value in range(5):
            items[:] = [value] * 20

    def read():
        assert len(set(items[:])) == 1
        assert len(set(items.copy())) == 1
        assert len(set(list(items))) == 1
        assert len(set(items + [])) == 1
        assert len(set(tuple(items))) == 1
    together(write, read, read)


@test
def list_slice_deletion():
    items = [1, 2] * 100

    def shrink():
        del items[2:6]
        items[2:2] = [1, 2, 1, 2]

    def read():
        copy = items[:]
        assert copy == [1, 2] * (len(copy) // 2)
    together(shrink, read)


@test
def list_reverse_and_clear():
    items = [1, 2, 3, 4]

    def read():
        assert items[:] in ([1, 2, 3, 4], [4, 3, 2, 1], [])

    def clear():
        items.clear()
        items.extend([1, 2, 3, 4])
    together(items.reverse, read, read)
    together(clear, read, read)


@test
def list_sort():
    items = list(range(50, 0, -1))
    whole = sorted(items)

    def sort():
        items.sort()
        items.reverse()

    def read():
        assert sorted(items) in (whole, [])
    together(sort, read, read)


@test
def list_iteration():
    items = [1] * 50

    def change():
        items.append(1)
        items.pop(0)
        del items[10:20]
        items.extend([1] * 10)

    def iterate():
        assert all(item == 1 for item in items)
        assert sum(reversed(items)) >= 0
        items.count(1)
        2 in items
    together(change, iterate, iterate)


@test
def dict_item():
    table = {i: (0, 0) for i in range(10)}

    def write():
        for i in range(10):
            table[i] = (i, -i)

    def read():
        for i in range(10):
            a, b = table[i]
            assert a == -b
            a, b = table.get(i)
            assert a == -b
            assert i in table
    together(write, read, read)


@test
def ordered_dict_moves():
    for size in 3, 12:
        table = collections.OrderedDict((i, -i) for i in range(size))

        def move(table=table, size=size):
            for i in range(size):
                table.move_to_end(i, i % 3 > 0)

        def read(table=table, size=size):
            for i in range(size):
                assert i in table and table[i] == table.get(i) == -i
            assert len(table) == size
        together(move, read, read)
        assert sorted(table) == list(range(size))


@test
def dict_new_keys():
    for _ in range(3):
        table, keys = {}, set()

        def add():
            for i in range(1000):
                table[i] = None
                keys.add(i)
        threads = [threading.Thread(target=add) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(table) == len(list(table)) == len(keys) == len(list(keys)) == 1000


@test
def dict_growth():
    table = {'there': 1}
    counter = itertools.count()

    def grow():
        key = next(counter)
        table[key] = key
        assert table[key] == key
        del table[key]

    def read():
        assert table['there'] == 1
        assert 'absent' not in table
    together(grow, grow, read)
    assert table == {'there': 1}


@test
def dict_setdefault():
    for i in range(100):
        table = {}
        found = []
        counted(lambda: found.append(table.setdefault(1, object())), 3)
        assert len(set(map(id, found))) == 1


@test
def dict_pop():
    table = dict.fromkeys(range(1200))
    taken = []
    counted(lambda: taken.append(table.popitem()[0]))
    assert sorted(taken) == list(range(1200)) and not table
    for i in range(50):
        table[i] = i
        taken.clear()
        counted(lambda: taken.append(table.pop(i, None)), 1)
        assert sorted(taken, key=str) == sorted([i, None, None, None], key=str)


@test
def dict_copy():
    table = {}

    def write():
        # Both or neither: one operation each.
        table.clear()
        table['pair'] = 1

    def read():
        for copy in (table.copy(), dict(table), {**table}):
            assert copy in ({}, {'pair': 1})
        assert list(table) in ([], ['pair'])
        assert list(table.items()) in ([], [('pair', 1)])
        assert sorted(table.values()) in ([], [1])
        assert repr(table) in ('{}', "{'pair': 1}")
        table == {}
    together(write, read, read)


@test
def dict_update():
    table, source = {}, {i: i for i in range(20)}

    def change():
        source.pop(0, None)
        source[0] = 0

    def update():
        table.update(source)
        assert all(table.get(i, i) == i for i in range(20))
    together(update, update, change)


@test
def dict_iteration():
    table = {i: i for i in range(20)}

    def change():
        table[30] = 30
        del table[30]

    def iterate():
        with contextlib.suppress(RuntimeError):
            for key, value in table.items():
                assert key == value
        with contextlib.suppress(RuntimeError):
            for key in reversed(table):
                assert key in range(31)
    together(change, iterate, iterate)


@test
def set_operations():
    members = set()
    counter = itertools.count()

    def add():
        member = next(counter)
        members.add(member)
        assert member in members
        members.remove(member)
    together(add, add, lambda: members.discard(-1), lambda: members.copy())
    assert members == set()
    members.update(range(1200))
    taken = []
    counted(lambda: taken.append(members.pop()))
    assert sorted(taken) == list(range(1200))


@test
def set_copy():
    members = {1}

    def write():
        members.clear()
        members.add(1)

    def read():
        for copy in (members.copy(), set(members), frozenset(members), members | set(), members & {1}):
            assert copy in (set(), {1})
        assert list(members) in ([], [1])
        with contextlib.suppress(RuntimeError):
            for member in members:
                assert member == 1
    together(write, read, read)


@test
def set_comparison():
    members, others = {1, 2}, {1, 2, 3}

    def change():
        members.add(3)
        members.discard(3)
        members.symmetric_difference_update({4})
        members.symmetric_difference_update({4})
        others.intersection_update({1, 2, 3})

    def read():
        assert {1, 2} <= members and members >= {1}
        assert not members.isdisjoint(others)
        assert members != {5} and members.issuperset({1, 2})
        assert (members ^ {1, 2}) <= {3, 4}
    together(change, read, read)


@test
def bytearray_operations():
    data = bytearray()
    number = counted(lambda: data.append(7))
    assert data == b'\7' * number

    def change():
        data.extend(b'\7\7\7')
        del data[:3]
        data[2:4] = b'\7\7\7'
        data.pop()

    def read():
        assert set(bytes(data)) == {7}
        assert data[1] == 7 and data.find(b'\7') == 0
        with contextlib.suppress(BufferError):
            data.extend(b'\7')
    together(change, read)


@test
def bytearray_changes():
    data = bytearray(b'ab')

    def change():
        # Whoever copies the bytes keeps their number as it is meanwhile.
        with contextlib.suppress(BufferError):
            data.insert(1, 120)
            data.remove(120)
            data.reverse()
            data.__iadd__(b'xy')
            del data[-2:]

    def read():
        for copy in bytes(data), bytes(data.copy()), bytes(data[:]), bytes(data + b''), bytes(data * 1):
            assert set(copy) <= set(b'abxy') and len(copy) >= 2
        assert 97 in data
        assert data.count(b'a') == 1
        assert set(list(data)) <= set(b'abxy')
    together(change, read, read)

    digits = bytearray()

    def renew():
        with contextlib.suppress(BufferError):
            digits.clear()
            digits.extend(b'0123456789')

    def copy():
        assert bytes(digits) in (b'', b'0123456789')
    together(renew, copy)


@test
def memoryview_release():
    data = bytearray(b'abcd')
    state = [memoryview(data)]

    def renew():
        old, state[0] = state[0], memoryview(data)
        old.release()

    def read():
        view = state[0]
        try:
            assert view[0] == 97 and view.tobytes() == b'abcd' and list(view[1:3]) == [98, 99]
        except ValueError as error:
            assert 'released' in str(error)
    together(renew, read, read)


@test
def memoryview_operations():
    data = bytearray(16)
    view = memoryview(data)

    def write():
        view[3] = 5
        view[4:8] = b'abcd'

    def read():
        assert view[3] in (0, 5)
        assert len(view.tobytes()) == 16
        with contextlib.suppress(BufferError):
            data.append(1)
            raise AssertionError('a bytearray grew under a view')
    together(write, read, read)


class Point:
    def __init__(self):
        self.x = (0, 0)


@test
def instance_attributes():
    point = Point()
    counter = itertools.count()

    def write():
        i = next(counter)
        point.x = (i, -i)
        setattr(point, f'name{i % 50}', i)

    def read():
        a, b = point.x
        assert a == -b
        assert vars(point)['x'][0] >= 0
        for i in range(50):
            assert getattr(point, f'name{i}', i) % 50 == i
    together(write, read, read)


@test
def instance_attribute_deletion():
    point = Point()

    def change():
        point.y = 1
        with contextlib.suppress(AttributeError):
            del point.y

    def read():
        assert getattr(point, 'y', 1) == 1
        assert point.x == (0, 0)
    together(change, change, read)


class Slotted:
    __slots__ = ('a', 'b')


@test
def slots():
    thing = Slotted()
    thing.a = 0

    def change():
        thing.a = 1
        thing.b = 2
        with contextlib.suppress(AttributeError):
            del thing.b

    def read():
        assert thing.a in (0, 1)
        assert getattr(thing, 'b', 2) == 2
    together(change, read, read)


@test
def class_attributes():
    class Class:
        value = 1
        number = 0

        def method(self):
            return 1
    thing = Class()

    def change():
        Class.value = 2
        Class.method = lambda self: 2
        Class.other = 3
        del Class.other
        for _ in range(50):
            Class.number += 1

    def read():
        seen = Class.__dict__['number']
        assert Class.number >= seen and thing.number >= seen, seen
        assert thing.value in (1, 2) and thing.method() in (1, 2)
        assert getattr(thing, 'other', 3) == 3
    together(change, read, read)


@test
def special_methods():
    class First:
        pass

    class Second:
        value = 'second'

        def __len__(self):
            return 2

    class Base(First):
        value = 'base'

    class Other(Base):
        pass
    made = []

    def make():
        made.append(type('Made', (Other,), {}))
        del made[:-20]

    def look():
        with contextlib.suppress(TypeError, AttributeError):
            assert len(Other()) in (1, 2)
        assert Other().value in ('base', 'own')

    def change():
        Base.__len__ = lambda self: 1
        Base.__getattribute__ = lambda self, name: 'own'
        del Base.__len__, Base.__getattribute__
        Base.__bases__ = (Second,)
        assert len(Other()) == 2
        Base.__bases__ = (First,)
        assert not hasattr(Other, '__len__')
    together(make, look, change)
    Base.__bases__ = (Second,)
    assert {len(each()) for each in made} | {len(Other())} == {2}
    Base.__len__ = lambda self: 1
    assert {len(each()) for each in made} | {len(Other())} == {1}


@test
def iterators():
    state = [iter(range(100)), iter([1] * 100), iter(dict.fromkeys(range(100))), zip('ab' * 50, range(100))]

    def advance():
        for i, iterator in enumerate(state):
            with contextlib.suppress(RuntimeError):
                if next(iterator, None) is None:
                    state[i] = iter(range(50))
    together(advance, advance, advance)
    count = itertools.count()
    numbers = []
    number = counted(lambda: numbers.append(next(count)))
    assert sorted(numbers) == list(range(number))


@test
def generators():
    def numbers():
        for i in range(1000):
            yield i
    generator = numbers()
    seen = []

    def advance():
        try:
            value = next(generator, None)
        except ValueError as error:
            assert str(error) == 'generator already executing'
        else:
            seen.append(value)
    together(advance, advance, advance)
    numbers = [value for value in seen if value is not None]
    assert len(numbers) == len(set(numbers))


@test
def files():
    with tempfile.TemporaryFile('w+b') as file:
        number = counted(lambda: file.write(b'abcdefghi\n'), 100)
        file.seek(0)
        assert file.read() == b'abcdefghi\n' * number
    stream = io.BytesIO()
    number = counted(lambda: stream.write(b'xyz'), 100)
    assert stream.getvalue() == b'xyz' * number
    text = io.StringIO()
    number = counted(lambda: text.write('xyz'), 100)
    assert text.getvalue() == 'xyz' * number


@test
def locks():
    lock, again, total = threading.Lock(), threading.RLock(), [0, 0]

    def add():
        with lock:
            total[0] += 1
        with again:
            with again:
                total[1] += 1
    number = counted(add)
    assert total == [number, number]


@test
def events_and_semaphores():
    event, few, inside, most = threading.Event(), threading.Semaphore(2), [], []
    barrier, rounds = threading.Barrier(3), []

    def work():
        event.wait()
        for i in range(20):
            with few:
                inside.append(1)
                most.append(len(inside))
                inside.pop()
            barrier.wait()
            rounds.append(i)
            barrier.wait()
            assert rounds.count(i) == 3
    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    event.set()
    for thread in threads:
        thread.join()
    assert max(most) <= 2 and len(rounds) == 60


@test
def conditions_and_queues():
    passed = queue.Queue(5)
    simple = queue.SimpleQueue()
    got = []

    def put():
        for i in range(200):
            passed.put(i)
            simple.put(i)

    def get():
        for i in range(200):
            got.append(passed.get())
            got.append(simple.get())
    threads = [threading.Thread(target=function) for function in (put, put, get, get)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(list(range(200)) * 4)


@test
def module_globals():
    namespace = {'value': (0, 0)}
    exec('def read(): return value', namespace)

    def write():
        for i in range(20):
            namespace['value'] = (i, -i)
            namespace[f'other{i}'] = i

    def read():
        a, b = namespace['read']()
        assert a == -b
    together(write, read, read)


@test
def deques():
    line = collections.deque()
    number = counted(lambda: line.append(1))
    assert len(line) == number

    def change():
        line.appendleft(1)
        line.rotate(2)
        line.pop()

    def read():
        with contextlib.suppress(RuntimeError):
            assert set(line) <= {1}
        with contextlib.suppress(RuntimeError):
            assert set(line.copy()) <= {1}
        assert line.count(2) == 0
    together(change, change, read)
    counted(line.popleft)
    assert not line


@test
def mapped_memory():
    size = 64
    block = [b'a' * size, b'b' * size]
    with mmap.mmap(-1, size) as memory:
        def change():
            for content in block:
                memory[:] = content

        memory[:] = block[0]
        together(change, change, lambda: block.index(memory[:]), lambda: block.index(bytes(memory)))
        memory.seek(0)
        memory[:] = bytes(range(size))
        taken = []
        threads = [threading.Thread(target=lambda: taken.extend(memory.read_byte() for _ in range(size // 4)))
                   for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(taken) == list(range(size))

    # Closed and resized under the hands of others.
    for _ in range(20):
        memory = mmap.mmap(-1, 4096 * 4)

        def use():
            with contextlib.suppress(ValueError, IndexError):
                memory[4096 * 4 - 1] = 1
            with contextlib.suppress(ValueError):
                memory.find(b'x')
            with contextlib.suppress(ValueError, BufferError):
                with memoryview(memory) as view:
                    bytes(view)
            with contextlib.suppress(ValueError):
                memory.flush()

        def shrink():
            with contextlib.suppress(ValueError, BufferError, SystemError):
                memory.resize(4096)

        def close():
            with contextlib.suppress(BufferError):
                memory.close()

        threads = [threading.Thread(target=work) for work in (use, use, shrink, close)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


@test
def weak_references():
    class Referent:
        pass
    state = [Referent()]
    references = [weakref.ref(state[0])]

    def renew():
        state[0] = Referent()
        references[0] = weakref.ref(state[0])

    def read():
        referent = references[0]()
        assert referent is None or type(referent) is Referent
    together(renew, read, read)


def main():
    global SECONDS
    if len(sys.argv) > 1:
        SECONDS = float(sys.argv[1])
    failed = 0
    for name in sys.argv[2:] or TESTS:
        try:
            TESTS[name]()
        except Exception as error:
            failed += 1
            print(f'{name}: {type(error).__name__}: {error} (line {error.__traceback__.tb_lineno})', flush=True)
            trace = error.__traceback__
            while trace.tb_next:
                trace = trace.tb_next
            print(f'    line {trace.tb_lineno}', flush=True)
    print('failed:', failed)
    sys.exit(failed != 0)


if __name__ == '__main__':
    main()
