"""Queues between interpreters. There is one interpreter so far, so that they are queues between its threads."""

from collections import deque as _deque
from threading import Lock as _Lock
import itertools as _itertools


class QueueError(RuntimeError):
    """Indicates that a queue-related error happened."""
    __module__ = 'concurrent.interpreters'


class QueueNotFoundError(QueueError):
    """Raised when a queue is not found."""
    __module__ = 'concurrent.interpreters'


class _Queue:
    def __init__(self, maxsize, unboundop, fallback):
        self.maxsize = maxsize
        self.defaults = unboundop, fallback
        self.items = _deque()
        self.bound = 0


_lock = _Lock()
_queues = {}
_next_id = _itertools.count(1)
_classes = {}


def _find(qid):
    try:
        return _queues[qid]
    except KeyError:
        raise QueueNotFoundError(f'queue {qid} not found') from None


def _register_heap_types(queue, empty, full):
    _classes.update(queue=queue, empty=empty, full=full)


def create(maxsize, unboundop, fallback=-1):
    """Create a new cross-interpreter queue and return its unique generated ID."""
    qid = next(_next_id)
    _queues[qid] = _Queue(maxsize, unboundop, fallback)
    return qid


def destroy(qid):
    """Clear and destroy the queue."""
    _find(qid)
    _queues.pop(qid, None)


def list_all():
    """Return the list of ID, default unbound op and default fallback of all queues."""
    return [(qid, *queue.defaults) for qid, queue in sorted(_queues.copy().items())]


def put(qid, obj, unboundop=-1, fallback=-1):
    """Add the object's data to the queue."""
    queue = _find(qid)
    with _lock:
        if 0 < queue.maxsize <= len(queue.items):
            raise _classes['full'](f'queue {qid} is full')
        queue.items.append(obj)


def get(qid):
    """Return the (object, unbound op) from the front of the queue."""
    queue = _find(qid)
    with _lock:
        if not queue.items:
            raise _classes['empty'](f'queue {qid} is empty')
        return queue.items.popleft(), None


def bind(qid):
    """Take a reference to the identified queue."""
    with _lock:
        _find(qid).bound += 1


def release(qid):
    """Release a reference to the queue. The queue is destroyed once there are no references to it."""
    with _lock:
        queue = _find(qid)
        queue.bound -= 1
        if queue.bound <= 0:
            _queues.pop(qid, None)


def get_maxsize(qid):
    """Return the maximum number of items in the queue."""
    return _find(qid).maxsize


def get_queue_defaults(qid):
    """Return the queue's default values, set when it was created."""
    return _find(qid).defaults


def is_full(qid):
    """Return true if the queue has a maxsize and has reached it."""
    queue = _find(qid)
    return 0 < queue.maxsize <= len(queue.items)


def get_count(qid):
    """Return the number of items in the queue."""
    return len(_find(qid).items)
