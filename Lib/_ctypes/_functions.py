"""Libraries, functions of theirs, and functions for them."""

import _orochi_ffi as _ffi
import itertools as _itertools
import sys as _sys
import weakref as _weakref
from _orochi_ffi import RTLD_GLOBAL, RTLD_LOCAL, SIZE_OF_TIME as SIZEOF_TIME_T

from ._compound import Array, Union, _Pointer
from ._data import (
    CArgument, CType_Type, CString, Info, ObjectReference, PyCSimpleType, WideString, _CData, _NATIVE, _POINTER_SIZE, _SimpleCData,
    address_bytes, address_from, at_address, concrete, from_bytes, get_bytes, info_of, is_plain, keep, storing, wide_string,
)

FUNCFLAG_CDECL = 1
FUNCFLAG_PYTHONAPI = 4
FUNCFLAG_USE_ERRNO = 8
FUNCFLAG_USE_LASTERROR = 16
CTYPES_MAX_ARGCOUNT = 1024

_PARAMETER_IN, _PARAMETER_OUT, _PARAMETER_ID = 1, 2, 4


class ArgumentError(Exception):
    pass


def dlopen(name, flag=RTLD_LOCAL):
    """dlopen(name, flag={RTLD_GLOBAL|RTLD_LOCAL}) open a shared library"""
    _sys.audit('ctypes.dlopen', name)
    return _ffi.open(name, flag)


def dlsym(handle, name):
    """find symbol in shared library"""
    _sys.audit('ctypes.dlsym/handle', handle, name)
    try:
        return _ffi.symbol(handle, name, 'symbol')
    except AttributeError as error:
        raise OSError(str(error)) from None


def dlclose(handle):
    """dlclose a library"""
    _ffi.close(handle)


# Arguments and results

_INT_MAX = (1 << 31) - 1


def _argument(value, number):
    """What is passed for a Python value that no class has converted: kind and bytes, and what must live during the call."""
    if isinstance(value, CArgument):
        return value._kind, value._bytes, value
    if isinstance(value, _CData):
        return _own_argument(value)
    if value is None:
        return 'P', address_bytes(0), None
    if isinstance(value, int):
        if not -_INT_MAX - 1 <= value <= 2 * _INT_MAX + 1 and not -(1 << 63) <= value < 1 << 64:
            raise OverflowError('int too long to convert')
        return 'i', (value & 0xFFFFFFFF).to_bytes(4, _sys.byteorder), None
    if isinstance(value, bytes):
        kept = CString(value)
        return 'P', address_bytes(kept.address), kept
    if isinstance(value, str):
        kept = WideString(value)
        return 'P', address_bytes(kept.address), kept
    if hasattr(value, '_as_parameter_'):
        return _argument(value._as_parameter_, number)
    raise TypeError(f"Don't know how to convert parameter {number}")


def _own_argument(value):
    if isinstance(value, Array):
        return 'P', address_bytes(value._c_address), value
    kind = info_of(type(value)).kind
    if kind is None:
        what = 'unions' if isinstance(value, Union) else f"values of '{type(value).__name__}'"
        raise NotImplementedError(f'{what} as arguments are not supported yet')
    return kind, get_bytes(value)[:info_of(type(value)).size], value


def _result_kind(restype):
    if restype is None:
        return 'v'
    if isinstance(restype, CType_Type):
        kind = info_of(restype).kind
        if kind is None:
            raise NotImplementedError(f"results of '{restype.__name__}' are not supported yet")
        return kind
    return 'i'


def _result(restype, data):
    if restype is None:
        return None
    if not isinstance(restype, CType_Type):
        return restype(int.from_bytes(data, _sys.byteorder, signed=True))
    if is_plain(restype):
        result = info_of(restype).load(data)
    else:
        result = from_bytes(restype, data)
    check = getattr(restype, '_check_retval_', None)
    return result if check is None else check(result)


def _invoke(address, flags, restype, argtypes, values):
    """Calls the function at an address."""
    converted = []
    for number, value in enumerate(values, 1):
        try:
            if argtypes is not None and number <= len(argtypes):
                value = argtypes[number - 1].from_param(value)
            converted.append(_argument(value, number))
        except Exception as error:
            raise ArgumentError(f'argument {number}: {type(error).__name__}: {error}') from None
    fixed = len(argtypes) if argtypes is not None else None
    kinds = tuple(kind for kind, _, _ in converted)
    data = _ffi.call(
        address, bool(flags & FUNCFLAG_USE_ERRNO), fixed if fixed else None, _result_kind(restype), kinds,
        *(data for _, data, _ in converted))
    return _result(restype, data)


def call_function(address, arguments):
    return _invoke(address, FUNCFLAG_PYTHONAPI, int, None, arguments)


def call_cdeclfunction(address, arguments):
    return _invoke(address, FUNCFLAG_CDECL, int, None, arguments)


# Functions of our own that ctypes knows by address. They are Python, so no C code can call them.


class _OwnAddress(int):
    """Stands for the address of a function that is written in Python."""

    def __new__(cls, number, function):
        made = int.__new__(cls, number)
        made.function = function
        return made


def _address_of(value):
    """The address that a value means where a void* is wanted."""
    if value is None:
        return 0
    if isinstance(value, int):
        return value
    return address_from(_pointer_argument(value)[0])


def _pointer_argument(value):
    """The bytes of a void*, and what must live during the call."""
    try:
        _, data, kept = _argument(value, 1)
    except TypeError:
        raise ArgumentError(
            f"argument 1: TypeError: '{type(value).__name__}' object cannot be interpreted as ctypes.c_void_p") from None
    return data, kept


def _cast(address, source, cls):
    if not isinstance(cls, CType_Type) or not _is_pointer(cls):
        name = f', not {cls.__name__}' if isinstance(cls, type) else ''
        raise TypeError(f'cast() argument 2 must be a pointer type{name}')
    if isinstance(source, (bytes, str)):
        source = CString(source) if isinstance(source, bytes) else WideString(source)
        address = source.address
    made = _CData.__new__(cls)
    _ffi.write(made._c_address, address_bytes(_address_of(address)))
    if isinstance(source, _CData):
        with storing:
            if source._c_objects is None:
                source._c_objects = {}
            elif not isinstance(source._c_objects, dict):
                source._c_objects = {'0': source._c_objects}
            made._c_objects = source._c_objects
            made._c_objects[id(source)] = source
    else:
        made._c_objects = {} if source is None or isinstance(source, int) else {id(source): source}
    return made


def _is_pointer(cls):
    return issubclass(cls, (_Pointer, CFuncPtr)) or getattr(info_of(cls), 'code', None) in ('s', 'P', 'z', 'U', 'Z', 'X')


def _string_at(address, size=-1):
    _sys.audit('ctypes.string_at', address, size)
    with _Pinned(address) as place:
        return _ffi.string(place) if size < 0 else _ffi.read(place, size)


def _wstring_at(address, size=-1):
    _sys.audit('ctypes.wstring_at', address, size)
    with _Pinned(address) as place:
        return wide_string(place, size)


def _memoryview_at(address, size, readonly=False):
    _sys.audit('ctypes.memoryview_at', address, size, readonly)
    if size < 0:
        raise ValueError(f'memoryview_at: size is negative (or overflowed): {size}')
    return memoryview(_ffi.View(address, _address_of(address), readonly, 'B', 1, size))


class _Pinned:
    """The address that a value means, for as long as its memory is wanted."""

    def __init__(self, value):
        if isinstance(value, int) or value is None:
            self.address, self.kept = value or 0, None
        else:
            data, self.kept = _pointer_argument(value)
            self.address = address_from(data)

    def __enter__(self):
        return self.address

    def __exit__(self, *error):
        self.kept = None


_program = _ffi.open(None, RTLD_LOCAL)
_memmove_addr = _ffi.symbol(_program, 'memmove', 'function')
_memset_addr = _ffi.symbol(_program, 'memset', 'function')
_cast_addr = _OwnAddress(1, _cast)
_string_at_addr = _OwnAddress(2, _string_at)
_wstring_at_addr = _OwnAddress(3, _wstring_at)
_memoryview_at_addr = _OwnAddress(4, _memoryview_at)


# Callbacks

_callbacks = _weakref.WeakValueDictionary()
_keys = _itertools.count(1)


class _Thunk:
    """Code that C may call; it runs a Python function as long as this object lives."""

    def __init__(self, function, restype, argtypes, flags):
        kinds = []
        for number, argtype in enumerate(argtypes, 1):
            kind = info_of(argtype).kind if not issubclass(argtype, Array) else None
            if kind is None:
                raise TypeError(f'cannot build parameter {number} of a callback')
            kinds.append(kind)
        if restype is not None and (not isinstance(restype, CType_Type) or info_of(restype).store is None):
            raise TypeError('invalid result type for callback function')
        self.function, self.restype, self.argtypes = function, restype, argtypes
        key = next(_keys)
        self._callback = _ffi.Callback(key, bool(flags & FUNCFLAG_USE_ERRNO), _result_kind(restype), tuple(kinds))
        self.address = self._callback.address
        # Weak, since the function may well refer to what has this.
        _callbacks[key] = self


def _called_back(key, arguments):
    """Runs the function that a callback means with arguments as bytes, and gives the result's bytes."""
    thunk = _callbacks[key]
    function, restype, argtypes = thunk.function, thunk.restype, thunk.argtypes
    try:
        values = [
            info_of(argtype).load(data) if is_plain(argtype) else from_bytes(argtype, data)
            for argtype, data in zip(argtypes, arguments)
        ]
    except Exception as error:
        _tell(error, f'Exception ignored while creating argument for ctypes callback function {function!r}')
        return b''
    try:
        result = function(*values)
    except BaseException as error:
        _tell(error, f'Exception ignored while calling ctypes callback function {function!r}')
        return b''
    if restype is None:
        return b''
    try:
        data, kept = info_of(restype).store(result if not isinstance(result, restype) else result.value)
    except Exception as error:
        _tell(error, f'Exception ignored while converting result of ctypes callback function {function!r}')
        return b''
    if kept is not None and not isinstance(kept, ObjectReference):
        # Nobody can say for how long C looks at it.
        _kept_for_good.append(kept)
        import warnings
        warnings.warn('memory leak in callback function.', RuntimeWarning, 2)
    return data


_kept_for_good = []


def _tell(error, message):
    # Without the frame of `_called_back`.
    error = error.with_traceback(error.__traceback__.tb_next)
    arguments = type(error), error, error.__traceback__, message, None
    _sys.unraisablehook(_sys.UnraisableHookArgs(arguments) if hasattr(_sys, 'UnraisableHookArgs') else _Unraisable(*arguments))


class _Unraisable:
    """What `sys.unraisablehook` is told."""

    def __init__(self, exc_type, exc_value, exc_traceback, err_msg, object):
        self.exc_type, self.exc_value, self.exc_traceback = exc_type, exc_value, exc_traceback
        self.err_msg, self.object = err_msg, object


# Functions as objects


class PyCFuncPtrType(CType_Type):
    """The class of functions' types."""

    def __new__(meta, name, bases, namespace, **options):
        cls = type.__new__(meta, name, bases, namespace, **options)
        if bases == (_CData,):
            return cls
        cls._c_info_ = Info(_POINTER_SIZE, _POINTER_SIZE, 'P', 'X{}', (), None, 1)
        if not isinstance(getattr(cls, '_flags_', None), int):
            raise TypeError("class must define _flags_ which must be an integer")
        argtypes = getattr(cls, '_argtypes_', None)
        if argtypes is not None:
            _check_argtypes(argtypes)
        _check_restype(getattr(cls, '_restype_', None))
        return cls


def _check_argtypes(argtypes):
    if not isinstance(argtypes, (tuple, list)):
        raise TypeError('_argtypes_ must be a sequence of types')
    for number, argtype in enumerate(argtypes, 1):
        if not hasattr(argtype, 'from_param'):
            raise TypeError(f'item {number} in _argtypes_ has no from_param method')


def _check_restype(restype):
    if restype is not None and not isinstance(restype, CType_Type) and not callable(restype):
        raise TypeError('_restype_ must be a type, a callable, or None')


class CFuncPtr(_CData, metaclass=PyCFuncPtrType):
    """Function Pointer"""

    def __new__(cls, *arguments):
        if cls is CFuncPtr or getattr(cls, '_flags_', None) is None:
            raise TypeError('abstract class')
        return _CData.__new__(cls)

    def __init__(self, *arguments):
        self._argtypes = self._restype = self._errcheck = self._parameters = self._own = None
        if not arguments:
            return
        source, *rest = arguments
        if isinstance(source, tuple):
            self._from_library(source)
            if rest:
                self._set_parameters(rest[0])
        elif isinstance(source, int):
            self._own = getattr(source, 'function', None)
            _ffi.write(self._c_address, address_bytes(source))
        elif callable(source):
            argtypes = getattr(type(self), '_argtypes_', None)
            if argtypes is None:
                raise TypeError('cannot construct instance of this class: no argtypes')
            thunk = _Thunk(source, getattr(type(self), '_restype_', None), argtypes, self._flags_)
            _ffi.write(self._c_address, address_bytes(thunk.address))
            keep(self, -1, thunk)
        else:
            raise TypeError('argument must be callable or integer function address')

    def _from_library(self, source):
        if len(source) != 2:
            raise TypeError('illegal func_spec argument')
        name, library = source
        if not isinstance(name, (str, bytes)):
            raise TypeError('function name must be string, bytes object or integer')
        handle = library._handle
        if not isinstance(handle, int):
            raise TypeError('the _handle attribute of the second argument must be an integer')
        _sys.audit('ctypes.dlsym', library, name)
        _ffi.write(self._c_address, address_bytes(_ffi.symbol(handle, name, 'function')))
        keep(self, 0, library)

    def _set_parameters(self, parameters):
        if parameters is None:
            return
        argtypes = getattr(type(self), '_argtypes_', None)
        if not isinstance(parameters, tuple):
            raise TypeError('paramflags must be a tuple or None')
        if len(parameters) != len(argtypes or ()):
            raise ValueError('paramflags must have the same length as argtypes')
        made = []
        for parameter, argtype in zip(parameters, argtypes):
            if not isinstance(parameter, tuple) or not 1 <= len(parameter) <= 3:
                raise TypeError('paramflags must be a sequence of (int [,string [,value]]) tuples')
            flag, name, default = (*parameter, None, _missing)[:3] if len(parameter) == 1 else (*parameter, _missing)[:3]
            if flag & ~(_PARAMETER_IN | _PARAMETER_OUT | _PARAMETER_ID):
                raise TypeError(f'paramflag value {flag} not supported')
            if flag & _PARAMETER_OUT and not (issubclass(argtype, (_Pointer, Array)) or info_of(argtype).code in ('z', 'Z', 'P')):
                raise TypeError(f"'out' parameter {len(made) + 1} must be a pointer type, not {argtype.__name__}")
            made.append((flag, name, default))
        self._parameters = made

    @property
    def restype(self):
        """specify the result type"""
        return getattr(type(self), '_restype_', None) if self._restype is None else self._restype[0]

    @restype.setter
    def restype(self, restype):
        if restype is not None and not isinstance(restype, CType_Type) and not callable(restype):
            raise TypeError('restype must be a type, a callable, or None')
        self._restype = (restype,)

    @restype.deleter
    def restype(self):
        self._restype = None

    @property
    def argtypes(self):
        """specify the argument types"""
        return getattr(type(self), '_argtypes_', None) if self._argtypes is None else self._argtypes

    @argtypes.setter
    def argtypes(self, argtypes):
        if argtypes is not None:
            _check_argtypes(argtypes)
            argtypes = tuple(argtypes)
        self._argtypes = argtypes

    @argtypes.deleter
    def argtypes(self):
        self._argtypes = None

    @property
    def errcheck(self):
        """a function to check for errors"""
        return self._errcheck

    @errcheck.setter
    def errcheck(self, check):
        if not callable(check):
            raise TypeError('the errcheck attribute must be callable')
        self._errcheck = check

    @errcheck.deleter
    def errcheck(self):
        self._errcheck = None

    def __bool__(self):
        return any(get_bytes(self))

    def __repr__(self):
        return f'<{type(self).__name__} object at {id(self):#x}>'

    def __call__(self, *arguments, **named):
        if self._own is not None:
            return self._own(*arguments)
        outputs = None
        if self._parameters is not None:
            arguments, outputs = self._arguments(arguments, named)
        argtypes = self.argtypes
        if argtypes is not None:
            wanted, given = len(argtypes), len(arguments)
            if given < wanted:
                raise TypeError(
                    f'this function takes at least {wanted} argument{"" if wanted == 1 else "s"} ({given} given)')
        if len(arguments) > CTYPES_MAX_ARGCOUNT:
            raise ArgumentError(f'too many arguments ({len(arguments)}), maximum is {CTYPES_MAX_ARGCOUNT}')
        address = address_from(get_bytes(self))
        result = _invoke(address, self._flags_, self.restype, argtypes, arguments)
        if self._errcheck is not None:
            checked = self._errcheck(result, self, tuple(arguments))
            if outputs is None or checked is not tuple(arguments):
                return checked
        if outputs:
            values = tuple(output.__ctypes_from_outparam__() for output in outputs)
            return values[0] if len(values) == 1 else values
        return result

    def _arguments(self, given, named):
        """The arguments that parameters' flags make of those given, and those whose values the call gives."""
        arguments, outputs, given, used = [], [], list(given), 0
        for (flag, name, default), argtype in zip(self._parameters, self.argtypes):
            kind = flag & (_PARAMETER_IN | _PARAMETER_OUT | _PARAMETER_ID)
            if kind == _PARAMETER_IN | _PARAMETER_ID:
                arguments.append(0 if default is _missing else default)
            elif kind == _PARAMETER_OUT:
                made = argtype() if issubclass(argtype, Array) else info_of(argtype).item()
                outputs.append(made)
                arguments.append(made if issubclass(argtype, Array) else _reference(made))
            else:
                if used < len(given):
                    value = given[used]
                    used += 1
                elif name is not None and name in named:
                    value = named[name]
                elif default is not _missing:
                    value = default
                else:
                    raise TypeError(f"required argument '{name}' missing" if name else 'not enough arguments')
                if kind == _PARAMETER_IN | _PARAMETER_OUT:
                    item = info_of(argtype).item
                    value = value if isinstance(value, item) else item(value)
                    outputs.append(value)
                    value = _reference(value)
                arguments.append(value)
        if used < len(given):
            raise TypeError(f'call takes exactly {used} arguments ({len(given)} given)')
        return arguments, outputs


def _reference(data):
    return CArgument('P', address_bytes(data._c_address), data)


_missing = object()
