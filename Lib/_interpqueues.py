"""Queues between interpreters, as CPython's module of this name has them.

What is put is packed as for calls in other interpreters (`_interpreters`), and unpacked by who gets it. The queues are in
one dict for the whole program, since each interpreter has a copy of this module.
"""

from _interpreters import _pack, _registry, get_current
from itertools import count as _count
import _thread


class QueueError(RuntimeError):
    """Indicates that a queue-related error happened."""
    __module__ = 'concurrent.interpreters'


class QueueNotFoundError(QueueError):
    """Raised when a queue is not found."""
    __module__ = 'concurrent.interpreters'


# What becomes of items whose interpreter is gone: the flags of concurrent.interpreters.
_REMOVE, _ERROR, _REPLACE = 1, 2, 3


class _Queue:
    def __init__(self, maxsize, unboundop, fallback):
        self.maxsize = maxsize
        self.defaults = unboundop, fallback
        self.items = []
        self.bound = 0
        self.lock = _thread.allocate_lock()


def _shared():
    registry = _registry()
    if 'queues' not in registry:
        registry.setdefault('queue ids', _count(1))
        registry.setdefault('queues', {})
        registry.setdefault('ended', []).append(_interpreter_ended)
    return registry


def _interpreter_ended(id):
    for queue in list(_queues.values()):
        with queue.lock:
            queue.items[:] = [(None, op, None) if source == id else (packed, op, source)
                              for packed, op, source in queue.items if source != id or op != _REMOVE]


_queues = _shared()['queues']
# Of the interpreter that this copy of the module is in.
_classes = {}


def _find(qid):
    if not isinstance(qid, int):
        raise TypeError(f'queue ID must be an int, got {type(qid).__name__}')
    try:
        return _queues[qid]
    except KeyError:
        raise QueueNotFoundError(f'queue {qid} not found') from None


def _class(name):
    if name not in _classes:
        import concurrent.interpreters._queues
    return _classes[name]


def _register_heap_types(queue, empty, full):
    _classes.update(queue=queue, empty=empty, full=full)


def _check_op(op):
    if op not in (_REMOVE, _ERROR, _REPLACE):
        raise ValueError(f'unsupported unboundop {op}')


def create(maxsize, unboundop, fallback=-1):
    """Create a new cross-interpreter queue and return its unique generated ID."""
    _check_op(unboundop)
    qid = next(_registry()['queue ids'])
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
    op = queue.defaults[0] if unboundop < 0 else unboundop
    _check_op(op)
    packed = _pack(obj)
    with queue.lock:
        if 0 < queue.maxsize <= len(queue.items):
            raise _class('full')(f'queue {qid} is full')
        queue.items.append((packed, op, get_current()[0]))


def get(qid):
    """Return the (object, unbound op) from the front of the queue."""
    queue = _find(qid)
    with queue.lock:
        if not queue.items:
            raise _class('empty')(f'queue {qid} is empty')
        packed, op, _source = queue.items.pop(0)
    if packed is None:
        return None, op
    make, data = packed
    return make(data), None


def bind(qid):
    """Take a reference to the identified queue."""
    queue = _find(qid)
    with queue.lock:
        queue.bound += 1


def release(qid):
    """Release a reference to the queue. The queue is destroyed once there are no references to it."""
    queue = _find(qid)
    with queue.lock:
        if queue.bound == 0:
            raise QueueError(f'queue {qid} not bound')
        queue.bound -= 1
        if queue.bound == 0:
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
