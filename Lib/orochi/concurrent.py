"""Building blocks for programs whose threads run on every core.

    AtomicInt, AtomicReference     a number and a reference that threads change without a lock
    ConcurrentDict                 a dict with operations that consist of a look and a change
    BoundedQueue                   a queue with room for so many items, for many producers and consumers
    parallel_map                   map() on several threads: results in order, exceptions carried back

On Orochi the first three and the queue are native. Elsewhere (CPython, with or without its lock) this file alone does the same
in Python: copy it, or put its folder on sys.path, to keep a program portable.
"""

import collections.abc
import contextlib
import itertools
import os
import queue
import threading
from typing import Any, Callable, Generic, Iterable, Iterator, TypeVar, overload

__all__ = ['AtomicInt', 'AtomicReference', 'BoundedQueue', 'ConcurrentDict', 'parallel_map']

T = TypeVar('T')
K = TypeVar('K')
V = TypeVar('V')
R = TypeVar('R')

_MISSING: Any = object()

try:
    from _orochi_concurrent import AtomicInt, AtomicReference, _Queue
except ImportError:
    from operator import index as _index

    class AtomicInt:  # type: ignore[no-redef]
        """An integer that threads change without a lock: each method is one atomic operation."""

        __slots__ = ('_lock', '_value', '__weakref__')

        def __init__(self, value: int = 0, /) -> None:
            self._lock = threading.Lock()
            self._value = _index(value)

        def load(self) -> int:
            """Return the number."""
            return self._value

        def store(self, value: int, /) -> None:
            """Set the number."""
            value = _index(value)
            with self._lock:
                self._value = value

        def swap(self, value: int, /) -> int:
            """Set the number; return the one before."""
            value = _index(value)
            with self._lock:
                before, self._value = self._value, value
            return before

        def compare_exchange(self, expected: int, new: int, /) -> bool:
            """Set the number to new if it equals expected; return whether it did."""
            expected, new = _index(expected), _index(new)
            with self._lock:
                if self._value != expected:
                    return False
                self._value = new
                return True

        def fetch_add(self, by: int = 1, /) -> int:
            """Add to the number; return the one before."""
            by = _index(by)
            with self._lock:
                before = self._value
                self._value = before + by
            return before

        def add(self, by: int = 1, /) -> int:
            """Add to the number; return the sum."""
            return self.fetch_add(by) + _index(by)

        def sub(self, by: int = 1, /) -> int:
            """Subtract from the number; return the difference."""
            return self.add(-_index(by))

        def update(self, function: Callable[[int], int], /) -> int:
            """Replace the number by function(number), called again if another thread was faster; return the new number."""
            while True:
                before = self._value
                after = _index(function(before))
                if self.compare_exchange(before, after):
                    return after

        def fetch_max(self, value: int, /) -> int:
            """Make the number at least value; return the one before."""
            value = _index(value)
            with self._lock:
                before = self._value
                self._value = max(before, value)
            return before

        def fetch_min(self, value: int, /) -> int:
            """Make the number at most value; return the one before."""
            value = _index(value)
            with self._lock:
                before = self._value
                self._value = min(before, value)
            return before

        def __int__(self) -> int:
            return self._value

        def __index__(self) -> int:
            return self._value

        def __repr__(self) -> str:
            return f'AtomicInt({self._value})'

    class AtomicReference:  # type: ignore[no-redef]
        """A reference that threads change without a lock: each method is one atomic operation."""

        __slots__ = ('_lock', '_value', '__weakref__')

        def __init__(self, value: Any = None, /) -> None:
            self._lock = threading.Lock()
            self._value = value

        def load(self) -> Any:
            """Return the object."""
            return self._value

        def store(self, value: Any, /) -> None:
            """Set the object."""
            self.swap(value)

        def swap(self, value: Any, /) -> Any:
            """Set the object; return the one before."""
            with self._lock:
                before, self._value = self._value, value
            return before

        def compare_exchange(self, expected: Any, new: Any, /) -> bool:
            """Set the object to new if it is expected (the same object); return whether it was."""
            with self._lock:
                before = self._value
                if before is not expected:
                    return False
                self._value = new
            return True

        def update(self, function: Callable[[Any], Any], /) -> Any:
            """Replace the object by function(object), called again if another thread was faster; return the new object."""
            while True:
                before = self._value
                after = function(before)
                if self.compare_exchange(before, after):
                    return after

        def __repr__(self) -> str:
            return f'AtomicReference({self._value!r})'

    class _Queue:  # type: ignore[no-redef]
        def __init__(self, capacity: int, /) -> None:
            if capacity <= 0:
                raise ValueError('the capacity must be positive')
            self._items: queue.Queue[Any] = queue.Queue(capacity)

        @property
        def capacity(self) -> int:
            """How many items there is room for."""
            return self._items.maxsize

        def _put(self, item: Any, seconds: float, /) -> bool:
            try:
                self._items.put(item, seconds != 0, None if seconds <= 0 else seconds)
            except queue.Full:
                return False
            return True

        def _get(self, seconds: float, default: Any, /) -> Any:
            try:
                return self._items.get(seconds != 0, None if seconds <= 0 else seconds)
            except queue.Empty:
                return default

        def qsize(self) -> int:
            """Return how many items there are now."""
            return self._items.qsize()

        __len__ = qsize


def _seconds(block: bool, timeout: float | None) -> float:
    if not block:
        return 0.0
    if timeout is None:
        return -1.0
    if timeout < 0:
        raise ValueError("'timeout' must be a non-negative number")
    return float(timeout)


class BoundedQueue(_Queue, Generic[T]):
    """A queue with room for `capacity` items, for many producers and consumers; first in, first out.

    put() waits for room and get() for an item. Without block, or when the timeout is over, they raise queue.Full and
    queue.Empty.
    """

    def put(self, item: T, block: bool = True, timeout: float | None = None) -> None:
        """Put an item at the end."""
        if not self._put(item, _seconds(block, timeout)):
            raise queue.Full

    def put_nowait(self, item: T) -> None:
        """Put an item at the end if there is room."""
        if not self._put(item, 0.0):
            raise queue.Full

    def get(self, block: bool = True, timeout: float | None = None) -> T:
        """Take the first item out."""
        item = self._get(_seconds(block, timeout), _MISSING)
        if item is _MISSING:
            raise queue.Empty
        return item

    def get_nowait(self) -> T:
        """Take the first item out if there is one."""
        item = self._get(0.0, _MISSING)
        if item is _MISSING:
            raise queue.Empty
        return item

    def empty(self) -> bool:
        """Whether there is no item at this moment."""
        return self.qsize() == 0

    def full(self) -> bool:
        """Whether there is no room at this moment."""
        return self.qsize() >= self.capacity

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f'<{type(self).__name__} with {self.qsize()} of {self.capacity} items>'


class _Stripe:
    """The lock of some of a dict's keys; who holds it may not ask for it again."""

    __slots__ = ('lock', 'holder')

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.holder: int | None = None

    def __enter__(self) -> None:
        me = threading.get_ident()
        if self.holder == me:
            raise RuntimeError('a ConcurrentDict was changed by a function that it called')
        self.lock.acquire()
        self.holder = me

    def __exit__(self, *details: object) -> None:
        self.holder = None
        self.lock.release()


class ConcurrentDict(collections.abc.MutableMapping, Generic[K, V]):
    """A dict with operations that consist of a look and a change, such as compute(): other threads see each as one step.

    Looking up takes no lock. What changes a key takes the lock of that key, and of others by chance; functions that are given
    to methods are called with it held, so they should be short and must not change the same dict (RuntimeError where that can be
    noticed). Iteration, keys(), values() and items() are over the entries of one moment.
    """

    __slots__ = ('_table', '_stripes', '__weakref__')

    @overload
    def __init__(self, /) -> None: ...
    @overload
    def __init__(self, entries: Any, /, **more: V) -> None: ...

    def __init__(self, entries: Any = (), /, **more: Any) -> None:
        self._table: dict[K, V] = dict(entries, **more)
        self._stripes = tuple(_Stripe() for _ in range(64))

    def _stripe(self, key: K) -> _Stripe:
        value = hash(key)
        return self._stripes[(value ^ value >> 7) & 63]

    def __getitem__(self, key: K) -> V:
        return self._table[key]

    def get(self, key: K, default: Any = None) -> Any:
        return self._table.get(key, default)

    def __contains__(self, key: object) -> bool:
        return key in self._table

    def __len__(self) -> int:
        return len(self._table)

    def __iter__(self) -> Iterator[K]:
        return iter(self._table.copy())

    def keys(self):
        return self._table.copy().keys()

    def values(self):
        return self._table.copy().values()

    def items(self):
        return self._table.copy().items()

    def copy(self) -> dict[K, V]:
        """Return a dict of the entries of one moment."""
        return self._table.copy()

    def __setitem__(self, key: K, value: V) -> None:
        with self._stripe(key):
            self._table[key] = value

    def __delitem__(self, key: K) -> None:
        with self._stripe(key):
            del self._table[key]

    def pop(self, key: K, default: Any = _MISSING) -> Any:
        with self._stripe(key):
            if default is _MISSING:
                return self._table.pop(key)
            return self._table.pop(key, default)

    def popitem(self) -> tuple[K, V]:
        """Take some entry out. KeyError if there is none."""
        while True:
            for key in reversed(self._table.copy()):
                with self._stripe(key):
                    value = self._table.pop(key, _MISSING)
                if value is not _MISSING:
                    return key, value
            if not self._table:
                raise KeyError('popitem(): dictionary is empty')

    def clear(self) -> None:
        with contextlib.ExitStack() as held:
            # Always in the same order, so that two threads that clear don't wait for each other.
            for stripe in self._stripes:
                held.enter_context(stripe)
            self._table.clear()

    def setdefault(self, key: K, default: Any = None) -> Any:
        """Return the key's value; if there is none, default, which is then its value."""
        found = self._table.get(key, _MISSING)
        if found is not _MISSING:
            return found
        with self._stripe(key):
            return self._table.setdefault(key, default)

    def compute(self, key: K, function: Callable[[Any], V], default: Any = None) -> V:
        """Set the key's value to function(value), or function(default) if it has none, and return it."""
        with self._stripe(key):
            value = self._table[key] = function(self._table.get(key, default))
        return value

    def compute_if_absent(self, key: K, function: Callable[[K], V]) -> V:
        """Return the key's value; if it has none, it is set to function(key). The function is called once in all threads."""
        found = self._table.get(key, _MISSING)
        if found is not _MISSING:
            return found
        with self._stripe(key):
            found = self._table.get(key, _MISSING)
            if found is _MISSING:
                found = self._table[key] = function(key)
        return found

    def compute_if_present(self, key: K, function: Callable[[V], V], default: Any = None) -> Any:
        """Set the key's value to function(value) and return it; return default if it has none."""
        with self._stripe(key):
            found = self._table.get(key, _MISSING)
            if found is _MISSING:
                return default
            found = self._table[key] = function(found)
        return found

    def merge(self, key: K, value: V, function: Callable[[V, V], V]) -> V:
        """Set the key's value to function(old, value), or to value if it has none, and return it."""
        with self._stripe(key):
            found = self._table.get(key, _MISSING)
            if found is not _MISSING:
                value = function(found, value)
            self._table[key] = value
        return value

    def replace(self, key: K, expected: V, new: V) -> bool:
        """Set the key's value to new if it is expected (the same object, or equal); return whether it did."""
        with self._stripe(key):
            found = self._table.get(key, _MISSING)
            if found is _MISSING or not (found is expected or found == expected):
                return False
            self._table[key] = new
        return True

    def remove(self, key: K, expected: V) -> bool:
        """Remove the key if its value is expected (the same object, or equal); return whether it did."""
        with self._stripe(key):
            found = self._table.get(key, _MISSING)
            if found is _MISSING or not (found is expected or found == expected):
                return False
            del self._table[key]
        return True

    def __or__(self, other: Any) -> 'ConcurrentDict[K, V]':
        return type(self)(self._table.copy() | dict(other))

    def __repr__(self) -> str:
        return f'{type(self).__name__}({self._table.copy()!r})'


class _Work:
    """One parallel_map: which calls are still to be made, what they gave, and the first that failed."""

    def __init__(self, function: Callable[..., Any], calls: list[tuple[Any, ...]], chunk: int) -> None:
        self.function = function
        self.calls = calls
        self.chunk = chunk
        self.next = AtomicInt(0)
        self.parts: list[list[Any]] = [[]] * -(-len(calls) // chunk)
        self.lock = threading.Lock()
        self.failed_at = len(calls)
        self.error: BaseException | None = None

    def fail(self, at: int, error: BaseException) -> None:
        with self.lock:
            if at < self.failed_at:
                self.failed_at, self.error = at, error

    def run(self) -> None:
        """Makes calls until none is left, or one has failed: then only those before it are still made."""
        while True:
            part = self.next.fetch_add(1)
            start = part * self.chunk
            if start >= self.failed_at:
                return
            results: list[Any] = []
            for at, args in enumerate(self.calls[start:start + self.chunk], start):
                if at > self.failed_at:
                    return
                try:
                    results.append(self.function(*args))
                except BaseException as error:
                    self.fail(at, error)
                    return
            self.parts[part] = results


def parallel_map(
    function: Callable[..., R],
    *iterables: Iterable[Any],
    threads: int | None = None,
    chunk: int | None = None,
) -> list[R]:
    """Return [function(*args) for args in zip(*iterables)], the calls made on several threads, the calling one among them.

    The results are in the order of the arguments. If calls raise, the exception of the first of them (in that order) is
    raised, and calls after it may not be made any more. `threads` is the number of threads (that of the processors),
    `chunk` the number of calls that a thread takes at a time.
    """
    if not iterables:
        raise TypeError('parallel_map() must have at least two arguments')
    calls = list(zip(*iterables))
    if threads is None:
        threads = os.process_cpu_count() or 1 if hasattr(os, 'process_cpu_count') else os.cpu_count() or 1
    if threads < 1:
        raise ValueError('threads must be positive')
    if chunk is None:
        chunk = max(1, len(calls) // (threads * 8))
    elif chunk < 1:
        raise ValueError('chunk must be positive')
    work = _Work(function, calls, chunk)
    helpers = [
        threading.Thread(target=work.run, name=f'parallel_map-{number}')
        for number in range(1, min(threads, len(work.parts)))
    ]
    for helper in helpers:
        helper.start()
    try:
        work.run()
        for helper in helpers:
            helper.join()
    except BaseException as error:
        # Interrupted: the others stop at their next call.
        work.fail(-1, error)
        for helper in helpers:
            helper.join()
        raise
    if work.error is not None:
        try:
            raise work.error
        finally:
            # The traceback leads here, and from here to the error.
            del work
    return list(itertools.chain.from_iterable(work.parts))
