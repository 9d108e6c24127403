"""orochi.concurrent keeps its promises. Runs under Orochi, and under CPython with Lib/orochi on the path (its fallbacks).

    orochi tests/programs/threads/concurrent_module.py
    PYTHONPATH=Lib python3.14 tests/programs/threads/concurrent_module.py
"""

import gc
import queue
import sys
import threading
import time
import weakref

from orochi.concurrent import AtomicInt, AtomicReference, BoundedQueue, ConcurrentDict, parallel_map

THREADS = 4
TURNS = 300


def together(function, *args, number=THREADS):
    errors = []

    def run(i):
        try:
            function(i, *args)
        except BaseException as error:
            errors.append(error)
    threads = [threading.Thread(target=run, args=(i,)) for i in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def raises(kind, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as error:
        return error
    raise AssertionError(f'{kind.__name__} was not raised')


def atomic_int():
    number = AtomicInt()
    assert (number.load(), int(number), repr(number), range(5)[number]) == (0, 0, 'AtomicInt(0)', 0)
    assert number.fetch_add() == 0 and number.add(4) == 5 and number.sub(2) == 3 and number.swap(10) == 3
    assert number.compare_exchange(10, 2 ** 70) and not number.compare_exchange(10, 3)
    assert number.compare_exchange(2 ** 70, 2 ** 80) and number.load() == 2 ** 80
    assert number.fetch_min(7) == 2 ** 80 and number.fetch_max(9) == 7 and number.fetch_max(3) == 9
    assert number.update(lambda n: n * 2) == 18
    number.store(2 ** 62 - 1)
    assert number.add(2 ** 62) == 2 ** 63 - 1 and number.add(True) == 2 ** 63 and number.sub(2 ** 63) == 0
    raises(TypeError, AtomicInt, 'x')
    raises(TypeError, number.add, 1.5)
    raises(ZeroDivisionError, number.update, lambda n: n // 0)

    seen = []

    def count(i):
        mine = [number.fetch_add() for _ in range(TURNS)]
        for n in range(TURNS):
            number.update(lambda n: n + 2 ** 65)
            number.add(-2 ** 65)
        seen.extend(mine)
    number.store(0)
    together(count)
    assert number.load() == THREADS * TURNS
    low = [n for n in seen if n < 2 ** 64]
    assert len(set(low)) == len(low)


def atomic_reference():
    class Thing:
        pass
    first, second = Thing(), Thing()
    reference = AtomicReference(first)
    assert reference.load() is first and reference.swap(second) is first
    assert not reference.compare_exchange(first, None) and reference.compare_exchange(second, None)
    assert AtomicReference().load() is None and repr(AtomicReference([1])) == 'AtomicReference([1])'
    reference.store(())
    # A list that grows by replacement: nothing is lost.
    together(lambda i: [reference.update(lambda old: old + (i,)) for _ in range(TURNS // 10)])
    assert sorted(reference.load()) == sorted(list(range(THREADS)) * (TURNS // 10))
    # What is replaced dies, and cycles through a reference are found.
    thing = Thing()
    thing.reference = AtomicReference(thing)
    dead = weakref.ref(thing)
    del thing
    gc.collect()
    gc.collect()
    assert dead() is None


def bounded_queue():
    work = BoundedQueue(3)
    assert work.capacity == 3 and work.empty() and not work.full() and bool(work)
    for i in range(3):
        work.put(i)
    assert work.full() and len(work) == 3 and repr(work) == '<BoundedQueue with 3 of 3 items>'
    raises(queue.Full, work.put_nowait, 3)
    raises(queue.Full, work.put, 3, timeout=0.01)
    assert [work.get() for _ in range(3)] == [0, 1, 2]
    raises(queue.Empty, work.get_nowait)
    raises(queue.Empty, work.get, timeout=0.01)
    raises(ValueError, BoundedQueue, 0)
    raises(ValueError, work.get, timeout=-1)
    got = []

    def run(i):
        if i % 2:
            for n in range(TURNS):
                work.put((i, n))
        else:
            mine = [work.get() for _ in range(TURNS)]
            # Each producer's items come in order.
            for producer in range(THREADS):
                numbers = [n for i, n in mine if i == producer]
                assert numbers == sorted(numbers)
            got.extend(mine)
    together(run)
    assert sorted(got) == [(i, n) for i in range(1, THREADS, 2) for n in range(TURNS)]
    assert work.empty()
    # Some give up while others wait.
    def impatient(i):
        for _ in range(TURNS // 10):
            try:
                work.get(timeout=0.0001)
            except queue.Empty:
                pass
            try:
                work.put(i, timeout=0.0001)
            except queue.Full:
                pass
    together(impatient)


def concurrent_dict():
    table = ConcurrentDict({'a': 1}, b=2)
    assert table == {'a': 1, 'b': 2} and table['a'] == 1 and table.get('c', 5) == 5 and 'b' in table
    assert list(table) == ['a', 'b'] and len(table) == 2 and repr(table) == "ConcurrentDict({'a': 1, 'b': 2})"
    assert table.setdefault('a', 9) == 1 and table.setdefault('c', 9) == 9
    assert table.compute('a', lambda n: n + 1) == 2 and table.compute('d', lambda n: n, 7) == 7
    assert table.compute_if_absent('e', str.upper) == 'E' and table.compute_if_absent('e', str) == 'E'
    assert table.compute_if_present('x', len, 'no') == 'no' and table.compute_if_present('e', str.lower) == 'e'
    assert table.merge('m', 1, int.__add__) == 1 and table.merge('m', 2, int.__add__) == 3
    assert table.replace('m', 3, 4) and not table.replace('m', 3, 5) and not table.replace('nothing', 1, 2)
    assert not table.remove('m', 3) and table.remove('m', 4) and 'm' not in table
    assert table.pop('a') == 2 and table.pop('a', None) is None
    raises(KeyError, table.pop, 'a')
    raises(KeyError, table.__getitem__, 'a')
    raises(TypeError, table.__setitem__, [], 1)
    raises(RuntimeError, table.compute, 'b', lambda n: table.pop('b'))
    assert table['b'] == 2
    keys = set(table)
    assert {table.popitem()[0] for _ in range(len(keys))} == keys
    raises(KeyError, table.popitem)
    made = AtomicInt()

    def use(i):
        for n in range(TURNS):
            table.compute('count', lambda n: n + 1, 0)
            table.merge(n % 10, 1, int.__add__)
            table.compute_if_absent(('once', n), lambda key: made.fetch_add())
    together(use)
    assert table['count'] == THREADS * TURNS and made.load() == TURNS
    assert all(table[n] == THREADS * TURNS // 10 for n in range(10))
    table.clear()
    assert not table


def mapping():
    assert parallel_map(lambda a, b: a * b, range(100), range(100, 300), threads=THREADS) == [
        a * b for a, b in zip(range(100), range(100, 300))]
    assert parallel_map(str, []) == [] and parallel_map(str, 'abc', threads=1) == ['a', 'b', 'c']
    assert parallel_map(str, range(1000), threads=3, chunk=7) == list(map(str, range(1000)))

    def fail(n):
        if n % 10 == 7:
            time.sleep(0.001)
            raise ValueError(n)
        return n
    for chunk in (None, 1, 4):
        error = raises(ValueError, parallel_map, fail, range(200), threads=THREADS, chunk=chunk)
        assert error.args == (7,), error
        assert error.__traceback__.tb_next is not None
    raises(TypeError, parallel_map, str)
    raises(ValueError, parallel_map, str, [1], threads=0)
    raises(ValueError, parallel_map, str, [1], chunk=0)
    threads = parallel_map(lambda n: (time.sleep(0.002), threading.get_ident())[1], range(40), threads=2, chunk=1)
    assert len(set(threads)) == 2 and threading.get_ident() in threads


def main():
    for test in (atomic_int, atomic_reference, bounded_queue, concurrent_dict, mapping):
        test()
        print(f'{test.__name__}: ok', flush=True)


if __name__ == '__main__':
    sys.exit(main())
