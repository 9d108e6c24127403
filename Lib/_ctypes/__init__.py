"""What the module ctypes asks of an implementation: C's data and functions as Python classes.

Values lie in memory of their own or of others, at fixed addresses (`_data` has the classes' common part and the simple
types, `_compound` arrays, structures and pointers, `_functions` libraries, calls and callbacks). `_orochi_ffi` reads and
writes the memory and makes the calls.
"""

from _orochi_ffi import get_errno as _get_errno, set_errno as _set_errno
from ._data import (
    _CData, _SimpleCData, addressof, alignment, buffer_info, byref, resize, sizeof,
)
from ._compound import Array, CField, Structure, Union, _Pointer
from ._functions import (
    ArgumentError, CFuncPtr, CTYPES_MAX_ARGCOUNT, FUNCFLAG_CDECL, FUNCFLAG_PYTHONAPI, FUNCFLAG_USE_ERRNO,
    FUNCFLAG_USE_LASTERROR, RTLD_GLOBAL, RTLD_LOCAL, SIZEOF_TIME_T, _called_back, _cast_addr, _memmove_addr,
    _memoryview_at_addr, _memset_addr, _string_at_addr, _wstring_at_addr, call_cdeclfunction, call_function, dlclose, dlopen, dlsym,
)

__version__ = '1.1.0'


def get_errno():
    """The errno that foreign calls with use_errno see, of this thread."""
    return _get_errno()


def set_errno(value):
    """Changes it, and gives the one before."""
    return _set_errno(value)


def _unpickle(cls, state):
    """Makes an object of a class anew; the state follows."""
    made = cls.__new__(cls)
    made.__setstate__(state)
    return made
