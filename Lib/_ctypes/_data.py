"""The common part of all classes of C data, and the simple types: numbers, characters, addresses."""

import _orochi_ffi as _ffi
import _struct
import _thread
import math as _math
import os as _os
import sys as _sys
from operator import index as _index

_NATIVE = '<' if _sys.byteorder == 'little' else '>'
_SWAPPED = '>' if _sys.byteorder == 'little' else '<'
_POINTER_SIZE = _struct.calcsize('P')
_WIDE = 'utf-32-le' if _sys.byteorder == 'little' else 'utf-32-be'


class Info:
    """What is known of a class of C data."""

    def __init__(self, size, align, kind, format, shape=(), item=None, length=0):
        self.size, self.align = size, align
        self._kind = kind
        # The buffer's format and dimensions.
        self.format, self.shape = format, shape
        # The class of items or of what is pointed to, and how many there are (also of fields).
        self.item, self.length = item, length
        self.final = False
        # The members of structures and unions.
        self.members = None
        # Of simple types: the code, and functions from bytes and to bytes with what must be kept.
        self.code = self.load = self.store = None

    @property
    def kind(self):
        """What `_orochi_ffi` is told of it in a signature; None if it can't be passed by value."""
        if callable(self._kind):
            self._kind = self._kind()
        return self._kind


def info_of(cls):
    """The Info of a class; TypeError if it has none."""
    info = getattr(cls, '_c_info_', None)
    if info is None or not isinstance(cls, CType_Type):
        raise TypeError('this type has no size')
    return info


def concrete(cls):
    info = getattr(cls, '_c_info_', None)
    if info is None:
        raise TypeError('abstract class')
    return info


class CType_Type(type):
    """The class of all classes of C data."""

    def __mul__(cls, length):
        if not hasattr(length, '__index__'):
            return NotImplemented
        length = _index(length)
        if length < 0:
            raise ValueError(f'Array length must be >= 0, not {length}')
        from ._compound import array_type
        return array_type(cls, length)

    __rmul__ = __mul__

    @property
    def __pointer_type__(cls):
        try:
            return cls.__dict__['_c_pointer_type_']
        except KeyError:
            raise AttributeError(f'type {cls!r} has no attribute \'__pointer_type__\'') from None

    @__pointer_type__.setter
    def __pointer_type__(cls, pointer):
        type.__setattr__(cls, '_c_pointer_type_', pointer)

    @__pointer_type__.deleter
    def __pointer_type__(cls):
        if '_c_pointer_type_' not in cls.__dict__:
            raise AttributeError('__pointer_type__')
        type.__delattr__(cls, '_c_pointer_type_')

    def from_address(cls, address):
        """C.from_address(integer) -> C instance

        Access a C instance at the specified address."""
        if not isinstance(address, int):
            raise TypeError('integer expected')
        concrete(cls).final = True
        return at_address(cls, address)

    def from_buffer(cls, source, offset=0):
        """C.from_buffer(object, offset=0, /) -> C instance

        Create a C instance from a writeable buffer."""
        info = concrete(cls)
        view = memoryview(source)
        if view.readonly:
            raise TypeError('underlying buffer is not writable')
        if not view.c_contiguous:
            raise TypeError('underlying buffer is not C contiguous')
        check_room(info, view, offset)
        _sys.audit('ctypes.cdata/buffer', _ffi.address_of(view, True), view.nbytes, offset)
        info.final = True
        made = at_address(cls, _ffi.address_of(view, True) + offset)
        made._c_memory = view
        keep(made, -1, view)
        return made

    def from_buffer_copy(cls, source, offset=0):
        """C.from_buffer_copy(object, offset=0, /) -> C instance

        Create a C instance from a readable buffer."""
        info = concrete(cls)
        view = memoryview(source)
        check_room(info, view, offset)
        return from_bytes(cls, view.tobytes()[offset:offset + info.size])

    def in_dll(cls, library, name):
        """C.in_dll(dll, name) -> C instance

        Access a C instance in a dll."""
        handle = library._handle
        if not isinstance(handle, int):
            raise TypeError('the _handle attribute of the second argument must be an integer')
        concrete(cls).final = True
        try:
            return at_address(cls, _ffi.symbol(handle, name, 'symbol'))
        except AttributeError as error:
            raise ValueError(str(error)) from None

    def from_param(cls, value):
        """Convert a Python object into a function call parameter."""
        if isinstance(value, cls):
            return value
        if isinstance(value, CArgument) and isinstance(value._obj, cls):
            return value
        if hasattr(value, '_as_parameter_'):
            return cls.from_param(value._as_parameter_)
        raise TypeError(f'expected {cls.__name__} instance instead of {type(value).__name__}')


def check_room(info, view, offset):
    if offset < 0:
        raise ValueError('offset cannot be negative')
    if info.size > view.nbytes - offset:
        raise ValueError(f'Buffer size too small ({view.nbytes} instead of at least {info.size + offset} bytes)')


class _CData:
    """The base of all C data. It lies at an address, in memory that `_c_memory` keeps there."""

    __slots__ = ('_c_address', '_c_memory', '_c_size', '_c_index', '_b_base_', '_c_objects', '_c_earlier', '__weakref__')

    def __new__(cls, *args, **kwargs):
        info = concrete(cls)
        info.final = True
        made = object.__new__(cls)
        memory = _ffi.Memory(info.size)
        place(made, memory.address, memory, info.size)
        return made

    @property
    def _objects(self):
        return self._c_objects

    @property
    def _b_needsfree_(self):
        return isinstance(self._c_memory, _ffi.Memory)

    def __buffer__(self, flags):
        info = info_of(type(self))
        items = 1
        for size in info.shape:
            items *= size
        itemsize = info.size // items if items else info_of(info.item).size
        if not info.shape and self._c_size != info.size:
            itemsize = self._c_size
        return memoryview(_ffi.View(self, self._c_address, False, info.format, itemsize, *info.shape))

    def __ctypes_from_outparam__(self):
        return self

    def __reduce__(self):
        if has_pointer(type(self)):
            raise ValueError('ctypes objects containing pointers cannot be pickled')
        import _ctypes
        return _ctypes._unpickle, (type(self), (getattr(self, '__dict__', {}), get_bytes(self)))

    def __setstate__(self, state):
        attributes, data = state
        _ffi.write(self._c_address, data[:self._c_size])
        if attributes:
            self.__dict__.update(attributes)

    def __hash__(self):
        raise TypeError('unhashable type')


def has_pointer(cls):
    """Whether an address lies somewhere in objects of a class."""
    info = info_of(cls)
    if info.members is not None:
        return any(has_pointer(member.type) for member in info.members)
    return has_pointer(info.item) if info.shape else info.kind == 'P'


def place(made, address, memory, size, base=None, index=0):
    made._c_address, made._c_memory, made._c_size = address, memory, size
    made._b_base_, made._c_index, made._c_objects = base, index, None


def at_address(cls, address):
    """An object of memory that somebody else answers for."""
    made = object.__new__(cls)
    place(made, address, None, concrete(cls).size)
    return made


def part_of(cls, base, offset, index):
    """An object that is a part of another."""
    made = object.__new__(cls)
    place(made, base._c_address + offset, base, concrete(cls).size, base, index)
    return made


def from_bytes(cls, data):
    """An object with a copy of bytes."""
    made = _CData.__new__(cls)
    _ffi.write(made._c_address, data)
    return made


def get_bytes(data):
    # In this order, for `resize`.
    size = data._c_size
    return _ffi.read(data._c_address, size)


# Held while an address and what it leads to are noted, so that threads which store in one place agree on what is there.
storing = _thread.RLock()
if hasattr(_os, 'register_at_fork'):
    # A child has no thread that could give it back.
    _os.register_at_fork(after_in_child=storing._at_fork_reinit)


def put(base, offset, index, data, kept):
    """Writes bytes into an object's memory, and notes what they refer to."""
    if kept is None:
        _ffi.write(base._c_address + offset, data)
        return
    with storing:
        _ffi.write(base._c_address + offset, data)
        keep(base, index, kept)


def keep(data, index, kept):
    """Notes in the outermost object that memory of a part refers to `kept`."""
    if kept is None:
        return
    with storing:
        _keep(data, index, kept)


def _keep(data, index, kept):
    key = format(index & 0xFFFFFFFF, 'x')
    while data._b_base_ is not None:
        key = f'{key}:{data._c_index:x}'
        data = data._b_base_
    if data._c_objects is None and info_of(type(data)).length:
        data._c_objects = {}
    if isinstance(data._c_objects, dict) or index == -1:
        data._c_objects = data._c_objects or {}
        data._c_objects[key] = kept
    else:
        data._c_objects = kept


def kept_of(data):
    """What must be kept if a copy of the data's memory is made somewhere."""
    root = data
    while root._b_base_ is not None:
        root = root._b_base_
    if root._c_objects is None and info_of(type(root)).length:
        with storing:
            if root._c_objects is None:
                root._c_objects = {}
    return data._c_objects if data._b_base_ is None else root._c_objects


class CArgument:
    """An argument that is ready to be passed: its kind, its bytes, and what it refers to."""

    __slots__ = ('_kind', '_bytes', '_obj', '_code', '_kept')

    def __init__(self, kind, data, refers_to, code=None, kept=None):
        self._kind, self._bytes, self._obj, self._code, self._kept = kind, data, refers_to, code or kind, kept

    def __repr__(self):
        if self._code in 'bBhHiIlLqQ':
            text = str(int.from_bytes(self._bytes, _sys.byteorder, signed=self._code.islower()))
        elif self._code in 'fd':
            text = repr(_struct.unpack(self._code, self._bytes)[0])
        elif self._code == 'c':
            text = repr(self._bytes)[1:]
        elif self._code in 'zZP':
            text = f'{address_from(self._bytes):#x}'
        else:
            return f"<cparam '{self._code}' at {id(self):#x}>"
        return f"<cparam '{self._code}' ({text})>"


def address_bytes(address):
    return (address & (1 << 8 * _POINTER_SIZE) - 1).to_bytes(_POINTER_SIZE, _sys.byteorder)


def address_from(data):
    return int.from_bytes(data, _sys.byteorder)


class CString(bytes):
    """Bytes with a copy in memory that ends with a zero."""

    @property
    def address(self):
        if not hasattr(self, '_memory'):
            self._memory = _ffi.Memory(len(self) + 1)
            _ffi.write(self._memory.address, self)
        return self._memory.address


class WideString(str):
    """Text with a copy in memory of wide characters."""

    @property
    def address(self):
        if not hasattr(self, '_memory'):
            data = self.encode(_WIDE, 'surrogatepass')
            self._memory = _ffi.Memory(len(data) + 4)
            _ffi.write(self._memory.address, data)
        return self._memory.address


def wide_string(address, length=-1):
    """The text of wide characters at an address, up to a zero if there is no length."""
    if length >= 0:
        return _ffi.read(address, 4 * length).decode(_WIDE, 'surrogatepass')
    parts = []
    while (part := _ffi.read(address, 4)) != b'\0\0\0\0':
        parts.append(part)
        address += 4
    return b''.join(parts).decode(_WIDE, 'surrogatepass')


class ObjectReference:
    """Keeps a Python object whose address lies in C's memory, and known by its address."""

    _known = {}

    def __init__(self, value):
        self._value = value
        with storing:
            while True:
                entry = self._known.setdefault(id(value), [value, 0])
                entry[1] += 1
                # A finalizer may have removed it between the two.
                if self._known.get(id(value)) is entry:
                    break

    def __del__(self):
        with storing:
            entry = self._known[id(self._value)]
            entry[1] -= 1
            if not entry[1]:
                del self._known[id(self._value)]

    @classmethod
    def find(cls, address):
        if not address:
            raise ValueError('PyObject is NULL')
        try:
            return cls._known[address][0]
        except KeyError:
            raise ValueError(f'no Python object that ctypes knows is at {address:#x}') from None


# Simple types: for each code the functions from bytes, and to bytes with what must be kept.

def _whole(size, order, signed):
    mask = (1 << 8 * size) - 1

    def load(data):
        return int.from_bytes(data, order, signed=signed)

    def store(value):
        return (_index(value) & mask).to_bytes(size, order), None
    return load, store


def _packed(code, order):
    form = _struct.Struct(order + code)

    def load(data):
        return form.unpack(data)[0]

    def store(value):
        if not hasattr(value, '__float__') and not hasattr(value, '__index__'):
            raise TypeError(f'must be real number, not {type(value).__name__}')
        value = float(value)
        try:
            return form.pack(value), None
        except OverflowError:  # as C rounds
            return form.pack(_math.copysign(_math.inf, value)), None
    return load, store


def _store_bool(value):
    return (b'\1' if value else b'\0'), None


def _store_char(value):
    if isinstance(value, (bytes, bytearray)) and len(value) == 1:
        return bytes(value), None
    if isinstance(value, int) and 0 <= value < 256:
        return bytes([value]), None
    if isinstance(value, int):
        raise TypeError('integer not in range(256)')
    length = f' of length {len(value)}' if isinstance(value, (bytes, bytearray)) else ''
    raise TypeError(
        f'one character bytes, bytearray, or an integer in range(256) expected, not {type(value).__name__}{length}')


def _store_wide(value):
    if not isinstance(value, str):
        raise TypeError(f'a unicode character expected, not instance of {type(value).__name__}')
    if len(value) != 1:
        raise TypeError(f'a unicode character expected, not a string of length {len(value)}')
    return value.encode(_WIDE, 'surrogatepass'), None


def _store_string(value):
    if value is None:
        return address_bytes(0), None
    if isinstance(value, bytes):
        kept = CString(value)
        return address_bytes(kept.address), kept
    if isinstance(value, int):
        return address_bytes(value), None
    raise TypeError(f'bytes or integer address expected instead of {type(value).__name__} instance')


def _store_wide_string(value):
    if value is None:
        return address_bytes(0), None
    if isinstance(value, str):
        kept = WideString(value)
        return address_bytes(kept.address), kept
    if isinstance(value, int):
        return address_bytes(value), None
    raise TypeError(f'unicode string or integer address expected instead of {type(value).__name__} instance')


def _store_address(value):
    if value is None:
        return address_bytes(0), None
    if isinstance(value, int):
        return address_bytes(value), None
    raise TypeError('cannot be converted to pointer')


def _store_object(value):
    return address_bytes(id(value)), ObjectReference(value)


def _load_string(data):
    address = address_from(data)
    return _ffi.string(address) if address else None


def _load_wide_string(data):
    address = address_from(data)
    return wide_string(address) if address else None


# A long double has this many bits of fraction, on x86 the one before the point among them.
_FRACTION = 63 if _ffi.LONG_DOUBLE == 'x87' else 112
_EXPONENT_BIAS = 16383


def _load_long_double(data):
    number = int.from_bytes(data, _sys.byteorder)
    if _FRACTION == 63:
        number, first = (number >> 64 & 0xFFFF) << 63 | number & (1 << 63) - 1, number >> 63 & 1
    fraction, exponent, negative = number & (1 << _FRACTION) - 1, number >> _FRACTION & 0x7FFF, number >> _FRACTION + 15 & 1
    if _FRACTION != 63:
        first = exponent != 0
    if exponent == 0x7FFF:
        value = _math.nan if fraction else _math.inf
    else:
        try:
            # Division of whole numbers rounds as it should.
            value = _math.ldexp((first << _FRACTION | fraction) / (1 << _FRACTION), exponent - _EXPONENT_BIAS)
        except OverflowError:
            value = _math.inf
    return -value if negative else value


def _store_long_double(value):
    if not hasattr(value, '__float__') and not hasattr(value, '__index__'):
        raise TypeError(f'must be real number, not {type(value).__name__}')
    value = float(value)
    negative = _math.copysign(1.0, value) < 0
    first = 1
    if not _math.isfinite(value):
        fraction, exponent = (1 << _FRACTION - 1 if value != value else 0), 0x7FFF
    elif not value:
        first = fraction = exponent = 0
    else:
        mantissa, exponent = _math.frexp(abs(value))
        fraction = int(mantissa * (1 << 53)) << _FRACTION - 52 & (1 << _FRACTION) - 1
        exponent += _EXPONENT_BIAS - 1
    number = (negative << 15 | exponent) << _FRACTION | fraction
    if _FRACTION == 63:
        number = number >> 63 << 64 | first << 63 | fraction
    return number.to_bytes(16, _sys.byteorder), None


def _long_double():
    """The entry for long doubles; on some systems they are doubles."""
    if _ffi.LONG_DOUBLE == 'double':
        return 8, 'd', *_packed('d', _NATIVE)
    return 16, 'g', _load_long_double, _store_long_double


def _simple(code, order):
    """The Info of a simple type's code."""
    format = '<O' if code == 'O' else order + code
    if code in 'bBhHiIlLqQ':
        size = _struct.calcsize(code)
        load, store = _whole(size, 'little' if order == '<' else 'big', code.islower())
        letter = {1: 'b', 2: 'h', 4: 'i', 8: 'q'}[size]
        kind = letter if code.islower() else letter.upper()
        if code in 'lL':
            format = order + ({4: 'l', 8: 'q'}[size] if code == 'l' else {4: 'L', 8: 'Q'}[size])
    elif code in 'fd':
        size, kind = _struct.calcsize(code), code
        load, store = _packed(code, order)
    else:
        size, kind, load, store = _SPECIAL[code]
    info = Info(size, size, kind, format)
    info.code, info.load, info.store = code, load, store
    return info


_SPECIAL = {
    '?': (1, 'B', lambda data: data != b'\0', _store_bool),
    'v': (2, 'h', lambda data: data != b'\0\0', lambda value: (b'\xff\xff' if value else b'\0\0', None)),
    'c': (1, 'b', lambda data: data, _store_char),
    'u': (4, 'i', lambda data: data.decode(_WIDE, 'surrogatepass'), _store_wide),
    'z': (_POINTER_SIZE, 'P', _load_string, _store_string),
    'Z': (_POINTER_SIZE, 'P', _load_wide_string, _store_wide_string),
    'P': (_POINTER_SIZE, 'P', lambda data: address_from(data) or None, _store_address),
    'O': (_POINTER_SIZE, 'P', lambda data: ObjectReference.find(address_from(data)), _store_object),
    'g': _long_double(),
}
_CODES = 'cbBhHiIlLdfuzZqQPOv?g'
_HAS_OTHER_ORDER = 'hHiIlLqQfd'


class PyCSimpleType(CType_Type):
    """The class of simple types."""

    def __new__(meta, name, bases, namespace, **options):
        cls = type.__new__(meta, name, bases, namespace, **options)
        if bases == (_CData,):
            return cls
        code = getattr(cls, '_type_', None)
        if code is None:
            raise AttributeError("class must define a '_type_' attribute")
        if not isinstance(code, str):
            raise TypeError("class must define a '_type_' string attribute")
        if len(code) != 1:
            raise ValueError("class must define a '_type_' attribute which must be a string of length 1")
        if code not in _CODES:
            raise AttributeError(
                "class must define a '_type_' attribute which must be\n"
                f"a single character string containing one of the\nsupported types: '{_CODES}'.")
        if '_type_' not in namespace and '_c_info_' in cls.__mro__[1].__dict__:
            base = cls.__mro__[1]._c_info_
            cls._c_info_ = _simple(base.code, base.format[0])
        else:
            cls._c_info_ = _simple(code, _NATIVE)
        if bases == (_SimpleCData,) and code in _HAS_OTHER_ORDER:
            other = type.__new__(meta, name, bases, dict(namespace))
            other._c_info_ = _simple(code, _SWAPPED)
            native, swapped = ('le', 'be') if _NATIVE == '<' else ('be', 'le')
            for made in (cls, other):
                type.__setattr__(made, f'__ctype_{native}__', cls)
                type.__setattr__(made, f'__ctype_{swapped}__', other)
        return cls

    def from_param(cls, value):
        """Convert a Python object into a function call parameter."""
        if isinstance(value, cls):
            return value
        info = concrete(cls)
        if info.code in 'zZP':
            if value is None:
                return None
            found = _address_parameter(cls, info.code, value)
            if found is not None:
                return found
        try:
            data, kept = info.store(value)
            return CArgument(info.kind, data, value, info.code, kept)
        except TypeError:
            if hasattr(value, '_as_parameter_'):
                return cls.from_param(value._as_parameter_)
            if info.code in 'zZP':
                raise _refusal(cls, value) from None
            raise


def _address_parameter(cls, code, value):
    """What else than its own values an address may be made of; None if it isn't that."""
    from ._compound import Array, _Pointer
    from ._functions import CFuncPtr
    if code == 'P' and isinstance(value, bytes):
        kept = CString(value)
        return CArgument('P', address_bytes(kept.address), value, 'z', kept)
    if code == 'P' and isinstance(value, str):
        kept = WideString(value)
        return CArgument('P', address_bytes(kept.address), value, 'Z', kept)
    if code in 'zZ' and isinstance(value, int):
        if isinstance(value, bool):
            return None
        raise _refusal(cls, value)
    if isinstance(value, (Array, _Pointer)):
        item = getattr(info_of(info_of(type(value)).item), 'code', None)
        if code == 'P' or item == {'z': 'c', 'Z': 'u'}[code]:
            return value
    if isinstance(value, CArgument) and value._kind == 'P':
        target = type(value._obj)
        item = getattr(target, '_c_info_', None)
        if code == 'P' or item is not None and item.code == {'z': 'c', 'Z': 'u'}[code]:
            return value
    if code == 'P' and isinstance(value, CFuncPtr):
        return CArgument('P', get_bytes(value), value)
    if code == 'P' and isinstance(value, _SimpleCData) and info_of(type(value)).code in 'zZ':
        return CArgument('P', get_bytes(value), value)
    return None


def _refusal(cls, value):
    return TypeError(f"'{type(value).__name__}' object cannot be interpreted as ctypes.{cls.__name__}")


class _SimpleCData(_CData, metaclass=PyCSimpleType):
    """XXX to be provided"""

    def __init__(self, *value):
        if len(value) > 1:
            raise TypeError(f'__init__ expected at most 1 argument, got {len(value)}')
        if value:
            self.value = value[0]

    @property
    def value(self):
        """current value"""
        return info_of(type(self)).load(get_bytes(self))

    @value.setter
    def value(self, value):
        data, kept = info_of(type(self)).store(value)
        if kept is None and self._c_objects is None:
            _ffi.write(self._c_address, data)
            return
        with storing:
            self._c_objects = None
            put(self, 0, 0, data, kept)

    @value.deleter
    def value(self):
        raise TypeError("can't delete attribute")

    def __bool__(self):
        return any(get_bytes(self))

    def __repr__(self):
        if type(self).__base__ is not _SimpleCData:
            return f'<{type(self).__name__} object at {id(self):#x}>'
        return f'{type(self).__name__}({self.value!r})'

    def __ctypes_from_outparam__(self):
        return self.value if is_plain(type(self)) else self


def is_plain(cls):
    """Whether values of a class turn into Python's own where they are looked at."""
    return isinstance(cls, PyCSimpleType) and cls.__base__ is _SimpleCData


def load(cls, base, offset, index):
    """The part of an object as a program sees it."""
    info = concrete(cls)
    if is_plain(cls):
        return info.load(_ffi.read(base._c_address + offset, info.size))
    return part_of(cls, base, offset, index)


def convert(cls, value):
    """The bytes that a value of a class has in memory, and what must be kept for them."""
    from ._compound import Array, Structure, Union, _Pointer
    info = concrete(cls)
    if isinstance(value, cls):
        return get_bytes(value)[:info.size], kept_of(value)
    if info.store is not None:
        return info.store(value)
    if issubclass(cls, _Pointer):
        if value is None:
            return address_bytes(0), None
        if isinstance(value, Array) and issubclass(info_of(type(value)).item, info.item):
            return address_bytes(value._c_address), value
    elif isinstance(value, tuple) and issubclass(cls, (Array, Structure, Union)):
        try:
            made = cls(*value)
        except Exception as error:
            raise RuntimeError(f'({cls.__name__}) {type(error).__name__}: {error}') from None
        return get_bytes(made), kept_of(made)
    elif issubclass(cls, Array) and isinstance(value, (bytes, str)):
        made = cls()
        made.value = value
        return get_bytes(made), None
    if issubclass(cls, _Pointer):
        raise TypeError(f'expected {cls.__name__} instance, got {type(value).__name__}')
    raise TypeError(f'incompatible types, {type(value).__name__} instance instead of {cls.__name__} instance')


def store(cls, base, offset, index, value):
    data, kept = convert(cls, value)
    put(base, offset, index, data, kept)


def sizeof(data):
    """Return the size in bytes of a C instance."""
    if isinstance(data, _CData):
        return data._c_size
    return info_of(data).size


def alignment(data):
    """Return the alignment requirements of a C instance."""
    try:
        return info_of(type(data) if isinstance(data, _CData) else data).align
    except TypeError:
        raise TypeError('no alignment info') from None


def addressof(data):
    """Return the address of the C instance internal buffer"""
    if not isinstance(data, _CData):
        raise TypeError(f'addressof() argument must be _ctypes._CData, not {type(data).__name__}')
    _sys.audit('ctypes.addressof', data)
    return data._c_address


def byref(data, offset=0):
    """Return a pointer lookalike to a C instance, only usable as function argument."""
    if not isinstance(data, _CData):
        raise TypeError(f'byref() argument 1 must be _ctypes._CData, not {type(data).__name__}')
    return CArgument('P', address_bytes(data._c_address + _index(offset)), data)


def resize(data, size):
    """Resize the memory buffer of a ctypes instance"""
    if not isinstance(data, _CData):
        raise TypeError(f'resize() argument 1 must be _ctypes._CData, not {type(data).__name__}')
    least = info_of(type(data)).size
    if size < least:
        raise ValueError(f'minimum size is {least}')
    if not isinstance(data._c_memory, _ffi.Memory):
        raise ValueError('Memory cannot be resized because this object doesn\'t own it')
    with storing:
        # It never becomes smaller, and what was there before stays: other threads, and parts of the object, may know it.
        memory = _ffi.Memory(max(size, data._c_size))
        _ffi.write(memory.address, get_bytes(data)[:size])
        data._c_earlier = data._c_memory, getattr(data, '_c_earlier', None)
        data._c_memory = memory
        data._c_address = memory.address
        data._c_size = size


def buffer_info(cls):
    """Return buffer interface information"""
    info = info_of(type(cls) if isinstance(cls, _CData) else cls)
    return info.format, len(info.shape), info.shape
