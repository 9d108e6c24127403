"""What CPython's module of this name offers, as far as one interpreter goes.

Programs can't make further interpreters yet: create() says so. All else answers for the one that there is, so that
modules that import this one work, and their users learn what is missing from the call that needs it.
"""

WHENCE_UNKNOWN = 0
WHENCE_RUNTIME = 1
WHENCE_LEGACY_CAPI = 2
WHENCE_CAPI = 3
WHENCE_XI = 4
WHENCE_STDLIB = 5

_MAIN = 0


class InterpreterError(Exception):
    """A cross-interpreter operation failed"""
    __module__ = 'concurrent.interpreters'


class InterpreterNotFoundError(InterpreterError):
    """An interpreter was not found"""
    __module__ = 'concurrent.interpreters'


class NotShareableError(TypeError):
    """An object can't be shared between interpreters"""
    __module__ = 'concurrent.interpreters'


def _find(id):
    if not isinstance(id, int):
        raise TypeError(f'interpreter ID must be an int, got {type(id).__name__}')
    if id < 0:
        raise ValueError(f'interpreter ID must be a non-negative int, got {id!r}')
    if id != _MAIN:
        raise InterpreterNotFoundError(f'unrecognized interpreter ID {id}')


def create(config='isolated', *, reqrefs=False):
    """Create a new interpreter and return a unique generated ID."""
    raise InterpreterError('interpreter creation failed: Orochi has one interpreter for a program so far')


def destroy(id, *, restrict=False):
    """Destroy the identified interpreter."""
    _find(id)
    raise InterpreterError('cannot destroy the current interpreter')


def list_all(*, require_ready=False):
    """Return a list containing the ID of every existing interpreter."""
    return [(_MAIN, WHENCE_RUNTIME)]


def get_current():
    """Return (ID, whence) of the current interpreter."""
    return _MAIN, WHENCE_RUNTIME


def get_main():
    """Return (ID, whence) of the main interpreter."""
    return _MAIN, WHENCE_RUNTIME


def is_running(id, *, restrict=False):
    """Return whether or not the identified interpreter is running."""
    _find(id)
    return True


def whence(id):
    """Return an identifier for where the interpreter was created."""
    _find(id)
    return WHENCE_RUNTIME


def incref(id, *, implieslink=False, restrict=False):
    _find(id)


def decref(id, *, restrict=False):
    _find(id)


def is_shareable(obj):
    """Return True if the object's data may be shared between interpreters and False otherwise."""
    if type(obj) is tuple:
        return all(map(is_shareable, obj))
    return obj is None or type(obj) in (bool, int, float, str, bytes, memoryview)
