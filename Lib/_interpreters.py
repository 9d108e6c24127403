"""Further interpreters of the program, as CPython's module of this name has them.

The native module `_orochi_interpreters` makes them and runs code in them. They have one heap, but get nothing of each other's
here that could be changed: what passes is immutable, or pickled, or the code of a function that needs nothing but its arguments.

What is known of interpreters is in one dict for the whole program, since each interpreter has a copy of this module.
"""

import _orochi_interpreters as _native
from itertools import count as _count

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


class _Interpreter:
    """What is known of an interpreter: how many refer to it, whether it ends with the last, how many threads run it, and
    whether it is ending, so that no further one may."""

    def __init__(self, native, whence, linked):
        import _thread
        self.native, self.whence, self.linked = native, whence, linked
        self.references = self.running = 0
        self.ending = False
        self.lock = _thread.allocate_lock()


def _registry():
    registry = _native.registry()
    if 'interpreters' not in registry:
        # The first to ask is the first interpreter, or made by who asked before.
        registry.setdefault('ids', _count(1))
        registry.setdefault('interpreters', {_MAIN: _Interpreter(_native.current(), WHENCE_RUNTIME, False)})
    return registry


_interpreters = _registry()['interpreters']


def _find(id, restrict=False):
    if not isinstance(id, int):
        raise TypeError(f'interpreter ID must be an int, got {type(id).__name__}')
    if id < 0:
        raise ValueError(f'interpreter ID must be a non-negative int, got {id!r}')
    found = _interpreters.get(id)
    if found is None:
        raise InterpreterNotFoundError(f'unrecognized interpreter ID {id}')
    if restrict and found.whence != WHENCE_STDLIB:
        raise InterpreterError(f'unrecognized interpreter {id}')
    return found


_CONFIG = dict(
    use_main_obmalloc=False, allow_fork=False, allow_exec=False, allow_threads=True, allow_daemon_threads=False,
    check_multi_interp_extensions=True, gil='own',
)


def new_config(name='isolated', /, **overrides):
    """Return a representation of a new PyInterpreterConfig."""
    from types import SimpleNamespace
    if name not in ('', 'default', 'isolated', 'legacy', 'empty'):
        raise ValueError(f'unsupported config name {name!r}')
    return SimpleNamespace(**_CONFIG | overrides)


def create(config='isolated', *, reqrefs=False):
    """Create a new interpreter and return a unique generated ID."""
    if isinstance(config, str):
        new_config(config)
    try:
        native = _native.create()
    except Exception as error:
        raise InterpreterError('interpreter creation failed') from error
    id = next(_registry()['ids'])
    _interpreters[id] = _Interpreter(native, WHENCE_STDLIB, reqrefs)
    return id


def destroy(id, *, restrict=False):
    """Destroy the identified interpreter."""
    found = _find(id, restrict)
    if found.native is _native.current():
        raise InterpreterError('cannot destroy the current interpreter')
    if found is _interpreters[_MAIN]:
        raise InterpreterError('cannot destroy the main interpreter')
    with found.lock:
        if found.running:
            raise InterpreterError('interpreter running')
        if _interpreters.pop(id, None) is None:
            raise InterpreterNotFoundError(f'unrecognized interpreter ID {id}')
        found.ending = True
    _native.finish(found.native)
    for ended in list(_registry().get('ended', ())):
        ended(id)


def list_all(*, require_ready=False):
    """Return a list containing the ID of every existing interpreter."""
    return [(id, found.whence) for id, found in sorted(_interpreters.copy().items())]


def get_current():
    """Return (ID, whence) of the current interpreter."""
    native = _native.current()
    for id, found in _interpreters.copy().items():
        if found.native is native:
            return id, found.whence
    raise InterpreterNotFoundError('the current interpreter is ending')


def get_main():
    """Return (ID, whence) of the main interpreter."""
    return _MAIN, WHENCE_RUNTIME


def is_running(id, *, restrict=False):
    """Return whether or not the identified interpreter is running."""
    found = _find(id, restrict)
    return id == _MAIN or found.running > 0


def get_config(id, *, restrict=False):
    """Return a representation of the config used to initialize the interpreter."""
    _find(id, restrict)
    return new_config()


def whence(id):
    """Return an identifier for where the interpreter was created."""
    return _find(id).whence


def incref(id, *, implieslink=False, restrict=False):
    found = _find(id, restrict)
    with found.lock:
        found.linked = found.linked or implieslink
        found.references += 1


def decref(id, *, restrict=False):
    found = _find(id, restrict)
    with found.lock:
        if found.references == 0:
            raise InterpreterError('not referenced')
        found.references -= 1
        over = found.references == 0 and found.linked
    if over:
        destroy(id)


def is_shareable(obj):
    """Return True if the object's data may be shared between interpreters and False otherwise."""
    if type(obj) is tuple:
        return all(map(is_shareable, obj))
    if obj is None or type(obj) in (bool, int, float, str, bytes, memoryview):
        return True
    return False


def _not_shareable(obj, cause=None):
    raise NotShareableError(f'{obj!r} does not support cross-interpreter data') from cause


def _pack(obj, fallback=True):
    """What another interpreter makes an equal object from: a function that does it, and its argument."""
    if is_shareable(obj):
        return _itself, obj
    if not fallback:
        _not_shareable(obj)
    if type(obj) is tuple:
        return _tuple, tuple(map(_pack, obj))
    if _is_stateless(obj) and obj.__module__ == '__main__':
        return _function, (obj.__code__, obj.__defaults__)
    import pickle
    try:
        return _unpickle, (pickle.dumps(obj), _main_file())
    except Exception as error:
        from types import FunctionType
        if type(obj) is FunctionType and not _is_stateless(obj):
            raise NotShareableError('only stateless functions are shareable') from error
        if not _is_stateless(obj):
            _not_shareable(obj, error)
        return _function, (obj.__code__, obj.__defaults__)


def _itself(obj):
    return obj


def _tuple(packed):
    return tuple(make(data) for make, data in packed)


def _main_file():
    import sys
    main = sys.modules.get('__main__')
    return getattr(main, '__file__', None) if getattr(main, '__spec__', None) is None else None


def _unpickle(packed):
    """In the interpreter that gets the object. What the program's own module defines is found by running its file, once."""
    import pickle
    import sys
    data, main_file = packed
    try:
        return pickle.loads(data)
    except AttributeError:
        main = sys.modules['__main__']
        if main_file is None or hasattr(main, '__file__'):
            raise NotShareableError('object could not be unpickled') from None
    except Exception as error:
        raise NotShareableError('object could not be unpickled') from error
    import runpy
    names = runpy.run_path(main_file, run_name='<fake __main__>')
    # Functions see the names of the module that they came with.
    main.__dict__.update({name: value for name, value in names.items() if not name.startswith('__')})
    main.__file__ = main_file
    return pickle.loads(data)


def _is_stateless(function):
    """Whether a function needs nothing but its arguments and built-ins."""
    from types import FunctionType
    return (type(function) is FunctionType and not function.__closure__ and is_shareable(function.__defaults__)
            and not function.__kwdefaults__ and not any(name in function.__globals__ for name in function.__code__.co_names))


def _function(packed):
    import sys
    from types import FunctionType
    code, defaults = packed
    return FunctionType(code, sys.modules['__main__'].__dict__, argdefs=defaults)


def _unpack(native, packed):
    make, data = packed
    return data if make is _itself else _native.run(native, make, data)


class _Running:
    """While a thread runs code in an interpreter."""

    def __init__(self, found, alone):
        self.found, self.alone = found, alone

    def __enter__(self):
        with self.found.lock:
            if self.found.ending:
                raise InterpreterNotFoundError('the interpreter is ending')
            if self.alone and self.found.running:
                raise InterpreterError('interpreter already running')
            self.found.running += 1

    def __exit__(self, *error):
        with self.found.lock:
            self.found.running -= 1


def _describe(error):
    """What other interpreters are told of an exception."""
    from traceback import TracebackException
    from types import SimpleNamespace
    cls = type(error)
    kind = SimpleNamespace(__name__=cls.__name__, __qualname__=cls.__qualname__, __module__=cls.__module__)
    try:
        text = str(error)
    except Exception:
        text = None
    formatted = f'{cls.__name__}: {text}' if text else cls.__name__
    try:
        display = ''.join(TracebackException.from_exception(error).format()).rstrip('\n')
    except Exception:
        display = None
    return SimpleNamespace(type=kind, msg=text, formatted=formatted, errdisplay=display)


def _run(id, restrict, alone, do):
    """Does something in an interpreter: its result, and what is to be told of the exception if it raised one."""
    found = _find(id, restrict)
    with _Running(found, alone):
        try:
            return do(found.native), None
        except (NotShareableError, InterpreterError):
            raise
        except BaseException as error:
            return None, _native.run(found.native, _describe, error.with_traceback(_inner(error.__traceback__)))


def _inner(traceback):
    """A traceback without the frames of this module."""
    while traceback is not None and traceback.tb_frame.f_globals.get('__name__') == __name__:
        traceback = traceback.tb_next
    return traceback


def _main_names(native):
    return _native.modules(native)['__main__'].__dict__


def set___main___attrs(id, updates, *, restrict=False):
    """Bind the given attributes in the interpreter's __main__ module."""
    found = _find(id, restrict)
    if not isinstance(updates, dict):
        raise TypeError(f"set___main___attrs() argument 'updates' must be dict, not {type(updates).__name__}")
    if not updates:
        raise ValueError('arg 2 must be a non-empty mapping')
    packed = {name: _pack(value) for name, value in updates.items()}
    with _Running(found, False):
        names = _main_names(found.native)
        for name, value in packed.items():
            names[name] = _unpack(found.native, value)


def _execute(id, code, shared, restrict):
    if shared:
        set___main___attrs(id, shared, restrict=restrict)

    def do(native):
        _native.run(native, _native.modules(native)['builtins'].exec, code, _main_names(native))
    return _run(id, restrict, True, do)[1]


def _script(code, what):
    """The code of a str, or of a function without arguments that needs nothing."""
    from types import CodeType, FunctionType
    if isinstance(code, str):
        from textwrap import dedent
        return compile(dedent(code), '<script>', 'exec', dont_inherit=True)
    if isinstance(code, FunctionType):
        if code.__closure__:
            raise ValueError('closures not supported')
        code = code.__code__
    if not isinstance(code, CodeType):
        raise TypeError(f'{what} argument 2 must be a string, a function, or a code object, not {type(code).__name__}')
    if code.co_argcount or code.co_kwonlyargcount or code.co_flags & 12:
        raise ValueError('arguments not supported')
    if code.co_freevars:
        raise ValueError('closures not supported')
    return code


def exec(id, code, shared=None, *, restrict=False):
    """Execute the provided code in the identified interpreter; what is to be told of an exception, or None."""
    try:
        code = _script(code, 'exec()')
    except SyntaxError as error:
        return _describe(error.with_traceback(None))
    return _execute(id, code, shared, restrict)


def run_string(id, script, shared=None, *, restrict=False):
    """Execute the provided string in the identified interpreter."""
    if not isinstance(script, str):
        raise TypeError(f'run_string() argument 2 must be str, not {type(script).__name__}')
    return exec(id, script, shared, restrict=restrict)


def run_func(id, func, shared=None, *, restrict=False):
    """Execute the body of the provided function in the identified interpreter."""
    if isinstance(func, str):
        raise TypeError('run_func() argument 2 must be a function, not str')
    return exec(id, func, shared, restrict=restrict)


def call(id, callable, args=None, kwargs=None, *, preserve_exc=False, restrict=False):
    """Call the provided object in the identified interpreter: its result, and what is to be told of an exception."""
    if not hasattr(callable, '__call__'):
        raise TypeError(f"'{type(callable).__name__}' object is not callable")
    args, kwargs = tuple(args or ()), dict(kwargs or {})
    parts = ('func', callable), ('args', args), ('kwargs', kwargs)
    packed = [(what, (_itself, {}) if part == {} else _passed(what, _pack, part)) for what, part in parts]

    def do(native):
        function, positional, named = (_passed(what, _unpack, native, part) for what, part in packed)
        result = _native.run(native, _call, function, positional, named)
        return _unpack(_native.current(), _native.run(native, _pack, result))
    return _run(id, restrict, False, do)


def _passed(what, convert, *args):
    try:
        return convert(*args)
    except Exception as error:
        if what == 'func' and isinstance(error, NotShareableError):
            raise
        raise NotShareableError(f'{what} not shareable') from error


def _call(function, args, kwargs):
    return function(*args, **kwargs)


def capture_exception(exc=None):
    """Return a snapshot of an exception."""
    import sys
    exc = sys.exception() if exc is None else exc
    if not isinstance(exc, BaseException):
        raise TypeError(f'expected exception, got {exc!r}')
    return _describe(exc)
