"""What the module uuid asks of a system: identifiers of version 1 that no two processes give alike."""

import os as _os
import time as _time
from threading import Lock as _Lock

has_uuid_generate_time_safe = 1
# Each process has a node number of its own, so nothing can be learnt of the machine from it.
has_stable_extractable_node = 0

# 100-nanosecond steps from the beginning of the Gregorian calendar to 1970.
_EPOCH = 0x01B21DD213814000

_lock = _Lock()
_last = 0
_process = None
_node = b''
_sequence = 0


def _start():
    """Takes a random node (marked as no network card's) and a random sequence number, once in each process."""
    global _process, _node, _sequence
    random = _os.urandom(8)
    _node = bytes([random[0] | 1]) + random[1:6]
    _sequence = int.from_bytes(random[6:]) & 0x3FFF
    _process = _os.getpid()


def generate_time_safe():
    """Return the bytes of a new identifier, and 0: it is safe to use in many processes."""
    global _last
    with _lock:
        if _process != _os.getpid():
            _start()
        now = max(_time.time_ns() // 100 + _EPOCH, _last + 1)
        _last = now
        low, middle, high = now & 0xFFFFFFFF, now >> 32 & 0xFFFF, now >> 48 & 0x0FFF
        return b''.join((
            low.to_bytes(4), middle.to_bytes(2), (high | 0x1000).to_bytes(2), (_sequence | 0x8000).to_bytes(2), _node,
        )), 0
